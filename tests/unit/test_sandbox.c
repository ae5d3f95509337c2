/* SPDX-License-Identifier: MIT */
/* The filters as programs: what they say about each call, by an interpreter of classic BPF (McCanne
 * and Jacobson 1993), and that the kernel takes them. What they do to a tool is in sandbox.bats. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/signals.h"
#include "cli/landlock.h"
#include "cli/sandbox.h"
#include "cli/seccomp.h"
#include "tap.h"

#ifdef __x86_64__
enum { HERE = (int)AUDIT_ARCH_X86_64, ELSEWHERE = AUDIT_ARCH_I386 };
#else
enum { HERE = (int)AUDIT_ARCH_AARCH64, ELSEWHERE = AUDIT_ARCH_ARM };
#endif

enum { PID = 4711, PASS = 0, END = -1, BROKEN = -2 }; /* else an errno */

static int action_of(uint32_t value)
{
    if (value == SECCOMP_RET_ALLOW)
        return PASS;
    if (value == SECCOMP_RET_KILL_PROCESS)
        return END;
    return (value & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO ? (int)(value & 0xffff) : BROKEN;
}

static int filter_run(const struct sock_filter *steps, size_t count,
                      const struct seccomp_data *data)
{
    uint32_t held = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sock_filter *step = &steps[i];
        bool jumps = false;
        switch (step->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (step->k > sizeof *data - sizeof held)
                return BROKEN;
            memcpy(&held, (const char *)data + step->k, sizeof held);
            continue;
        case BPF_RET | BPF_K:
            return action_of(step->k);
        case BPF_JMP | BPF_JA:
            i += step->k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            jumps = held == step->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            jumps = held >= step->k;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            jumps = (held & step->k) != 0;
            break;
        default:
            return BROKEN;
        }
        i += jumps ? step->jt : step->jf;
    }
    return BROKEN;
}

static struct sock_filter steps[SECCOMP_MAX_STEPS];
static size_t count;

static int asked(long call, uint64_t a, uint64_t b, uint64_t c)
{
    const struct seccomp_data data = {.nr = (int)call, .arch = (uint32_t)HERE, .args = {a, b, c}};
    return filter_run(steps, count, &data);
}

static void test_first_filter(void)
{
    const uint64_t high = (uint64_t)1 << 32;
    count = seccomp_first_filter(steps, PID);
    tap_ok(count > 50 && count < 300, "the first filter has %zu steps", count);
    int broken = 0, unknown = 0;
    for (int call = -1; call < 2000; call++) {
        broken += asked(call, 0, 0, 0) == BROKEN;
        unknown += call >= 480 && asked(call, 0, 0, 0) != ENOSYS;
    }
    tap_ok(broken == 0, "it has an answer for every call");
    tap_ok(unknown == 0 && asked(-1, 0, 0, 0) == ENOSYS, "unknown calls are ENOSYS");
    tap_ok(asked(SYS_read, 0, 0, 0) == PASS && asked(SYS_mmap, 0, 0, 0) == PASS &&
               asked(SYS_futex, 0, 0, 0) == PASS && asked(SYS_exit_group, 0, 0, 0) == PASS &&
               asked(SYS_openat, 0, 0, O_RDWR | O_CREAT) == PASS,
           "what a tool needs passes");
    tap_ok(asked(SYS_execve, 0, 0, 0) == END && asked(SYS_connect, 0, 0, 0) == END &&
               asked(SYS_ptrace, 0, 0, 0) == END && asked(SYS_mount, 0, 0, 0) == END &&
               asked(425, 0, 0, 0) == END && asked(427, 0, 0, 0) == END,
           "what reaches others ends the process");
    tap_ok(asked(SYS_clone, CLONE_VM | CLONE_THREAD, 0, 0) == PASS &&
               asked(SYS_clone, SIGCHLD, 0, 0) == END &&
               asked(SYS_clone, high * CLONE_THREAD, 0, 0) == END &&
               asked(435, 0, 0, 0) == ENOSYS,
           "threads, but no processes");
    tap_ok(asked(SYS_kill, PID, SIGTERM, 0) == PASS && asked(SYS_tgkill, PID, 1, 6) == PASS &&
               asked(SYS_kill, 0, 9, 0) == END && asked(SYS_kill, (uint32_t)-1, 9, 0) == END &&
               asked(SYS_kill, (uint32_t)-PID, 9, 0) == END && asked(SYS_tgkill, 1, 1, 9) == END,
           "signals to oneself alone");
    tap_ok(asked(SYS_fcntl, 0, F_GETFL, 0) == PASS && asked(SYS_fcntl, 0, F_DUPFD, 0) == PASS &&
               asked(SYS_fcntl, 0, F_SETPIPE_SZ, 0) == PASS &&
               asked(SYS_fcntl, 0, F_SETOWN, 1) == EPERM &&
               asked(SYS_ioctl, 0, TCGETS, 0) == PASS &&
               asked(SYS_ioctl, 0, TIOCSTI, 0) == ENOTTY &&
               asked(SYS_prctl, PR_SET_DUMPABLE, 0, 0) == EPERM,
           "fcntl, ioctl and prctl by what they are asked for");
    tap_ok(asked(SYS_prlimit64, 0, 0, 0) == PASS && asked(SYS_prlimit64, 1, 0, 0) == EPERM &&
               asked(SYS_prlimit64, high, 0, 0) == EPERM,
           "limits of oneself alone");
    tap_ok(asked(SYS_fchown, 3, (uint32_t)-1, 0) == PASS && asked(SYS_fchown, 3, 0, 0) == END &&
               asked(SYS_chown, 0, (uint32_t)-1, 0) == END,
           "a file may change its group, not its owner");
}

static void test_other_interfaces(void)
{
    struct seccomp_data data = {.nr = SYS_read, .arch = ELSEWHERE};
    tap_ok(filter_run(steps, count, &data) == END, "calls of another architecture end the process");
#ifdef __x86_64__
    tap_ok(asked(0x40000000 | SYS_read, 0, 0, 0) == END && asked(0x7fffffff, 0, 0, 0) == END,
           "calls of x32 end the process");
#endif
}

static void test_second_filter(void)
{
    const uint64_t high = (uint64_t)1 << 32;
    count = seccomp_second_filter(steps, 0);
    tap_ok(count > 10 && count < 100, "the second filter has %zu steps", count);
    tap_ok(asked(SYS_openat, 0, 0, O_RDONLY | O_CLOEXEC) == EACCES &&
               asked(SYS_openat, 0, 0, O_PATH) == EACCES &&
               asked(SYS_openat, 0, 0, high * O_WRONLY) == EACCES,
           "opening for reading fails");
    const unsigned writing[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE | O_WRONLY, 3};
    int passed = 0;
    for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++)
        passed += asked(SYS_openat, 0, 0, writing[i]) != END;
    tap_ok(passed == 0, "opening for writing ends the process");
    tap_ok(asked(437, 0, 0, 0) == ENOSYS, "openat2, whose flags are out of sight, is not there");
    tap_ok(asked(SYS_linkat, 0, 0, 0) == END && asked(SYS_unlinkat, 0, 0, 0) == END &&
               asked(SYS_renameat2, 0, 0, 0) == END && asked(SYS_mkdirat, 0, 0, 0) == END,
           "names are neither made nor removed");
    tap_ok(asked(SYS_fchown, 3, (uint32_t)-1, 0) == END && asked(SYS_fchmod, 3, 0, 0) == END,
           "group and mode stay");
    tap_ok(asked(SYS_prlimit64, 0, 0, 0) == PASS && asked(SYS_prlimit64, 0, 0, high) == EPERM,
           "limits are read only");
    tap_ok(asked(SYS_read, 0, 0, 0) == PASS && asked(500, 0, 0, 0) == PASS,
           "the rest is left to the first filter");
    count = seccomp_second_filter(steps, SECCOMP_KEEP_LINK | SECCOMP_KEEP_REPLACE);
    tap_ok(asked(SYS_linkat, 0, 0, 0) == PASS && asked(SYS_unlinkat, 0, 0, 0) == PASS &&
               asked(SYS_unlinkat, 0, 0, AT_REMOVEDIR) == END &&
               asked(SYS_renameat2, 0, 0, 0) == PASS && asked(SYS_mkdirat, 0, 0, 0) == END,
           "an output may be put in place");
    count = seccomp_second_filter(steps, SECCOMP_KEEP_LINK);
    tap_ok(asked(SYS_linkat, 0, 0, 0) == PASS && asked(SYS_unlinkat, 0, 0, 0) == END,
           "a new one needs nothing but a name");
    count = seccomp_second_filter(steps, SECCOMP_KEEP_READING);
    tap_ok(asked(SYS_openat, 0, 0, O_RDONLY) == PASS && asked(SYS_openat, 0, 0, O_RDWR) == END &&
               asked(437, 0, 0, 0) == ENOSYS,
           "further inputs may be opened");
    count = seccomp_second_filter(steps, SECCOMP_KEEP_READING | SECCOMP_KEEP_READING_AT);
    tap_ok(asked(437, 0, 0, 0) == PASS, "below --root, too");
}

/* How a child ends that takes both filters and then does DEED. */
static int child_ends(void (*deed)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !seccomp_begin() || !seccomp_enter(0))
            _exit(77);
        deed();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void *thread_nothing(void *unused)
{
    return unused;
}

static void deed_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
        _exit(1);
}

static void deed_create(void)
{
    open("/dev/null", O_WRONLY);
}

static void deed_read(void)
{
    if (open("/dev/null", O_RDONLY) >= 0 || errno != EACCES)
        _exit(1);
}

static void deed_raise(void)
{
    raise(SIGUSR1);
}

static void test_kernel(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return;
#endif
    struct sandbox_layers layers;
    char text[200];
    sandbox_probe(&layers);
    tap_ok(strlen(sandbox_describe(&layers, text, sizeof text)) > 20, "%s", text);
    if (!layers.filter) {
        printf("# no seccomp here\n");
        return;
    }
    tap_ok(child_ends(deed_thread) == 0, "the kernel takes the filters, threads start");
    tap_ok(child_ends(deed_read) == 0, "nothing can be read");
    tap_ok(child_ends(deed_create) == -SIGSYS, "who opens for writing ends by SIGSYS");
    tap_ok(child_ends(deed_raise) == -SIGUSR1, "a signal to oneself arrives");
}

static void test_descriptions(void)
{
    struct sandbox_layers layers = {true, true, true, 7, 0};
    char text[200];
    tap_ok(sandbox_is_whole(&layers) &&
               strcmp(sandbox_describe(&layers, text, sizeof text),
                      "Landlock ABI 7, seccomp, no new privileges") == 0,
           "%s", text);
    layers = (struct sandbox_layers){true, true, true, 0, EOPNOTSUPP};
    tap_ok(!sandbox_is_whole(&layers) &&
               strstr(sandbox_describe(&layers, text, sizeof text), "not switched on") != NULL,
           "%s", text);
    layers = (struct sandbox_layers){.built_in = false};
    tap_ok(!sandbox_is_whole(&layers), "%s", sandbox_describe(&layers, text, sizeof text));
}

/* All ABIs that there have been: the kernel takes the rules of an older one. */
static void test_landlock_abis(void)
{
    int abi = landlock_abi(), bad = 0;
    for (int older = 1; older <= abi; older++) {
        int rules = landlock_rules_new(older);
        bad += rules < 0;
        close(rules);
    }
    tap_ok(bad == 0, "rules of Landlock ABI 1 to %d", abi);
}

static void never(void *unused)
{
    (void)unused;
    _exit(1);
}

static void note_thread(void *thread)
{
    *(pid_t *)thread = gettid();
}

static void test_deadline_thread(void)
{
    pid_t before = 0, thread = 0, again = 0;
    signals_deadline_run(note_thread, &before);
    tap_ok(before == 0, "without a deadline there is no thread to run on");
    signals_deadline(60000, never, NULL);
    signals_deadline_run(note_thread, &thread);
    signals_deadline_run(note_thread, &again);
    tap_ok(thread != 0 && thread != getpid() && again == thread, "the deadline's thread does work");
}

int main(void)
{
    test_first_filter();
    test_other_interfaces();
    test_second_filter();
    test_kernel();
    test_descriptions();
    test_landlock_abis();
    test_deadline_thread();
    return tap_done();
}
