/* SPDX-License-Identifier: MIT */
#include "cli/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#define THIS_ARCHITECTURE 0 /* arguments lie elsewhere, or come in halves: not known here */
#endif

/* Calls that only older architectures have. */
#ifndef __NR_open
#define __NR_access -1
#define __NR_chmod -1
#define __NR_chown -1
#define __NR_creat -1
#define __NR_fork -1
#define __NR_futimesat -1
#define __NR_getrlimit -1
#define __NR_lchown -1
#define __NR_link -1
#define __NR_lstat -1
#define __NR_mkdir -1
#define __NR_mknod -1
#define __NR_open -1
#define __NR_pause -1
#define __NR_poll -1
#define __NR_readlink -1
#define __NR_rename -1
#define __NR_rmdir -1
#define __NR_select -1
#define __NR_stat -1
#define __NR_symlink -1
#define __NR_time -1
#define __NR_unlink -1
#define __NR_utime -1
#define __NR_utimes -1
#define __NR_vfork -1
#define __NR_dup2 -1
#endif
#ifndef __NR_renameat
#define __NR_renameat -1
#endif
#ifndef __NR_ioperm
#define __NR_ioperm -1
#define __NR_iopl -1
#define __NR_modify_ldt -1
#endif
/* Calls that older headers lack; their numbers are the same everywhere. */
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1u << 2)
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define PASS SECCOMP_RET_ALLOW
#define END SECCOMP_RET_KILL_PROCESS
#define FAIL(number) (SECCOMP_RET_ERRNO | (number))

enum { CALLS = 512, FIRST_X32_CALL = 0x40000000, UNNAMED_FILE = O_TMPFILE & ~O_DIRECTORY };

/* A call that is judged by an argument: YES where the test holds, else NO. */
struct condition {
    int call;
    enum { ONE_OF, ANY_BIT, ZERO } test;
    unsigned argument;
    uint32_t values[10]; /* ONE_OF: ends with 0 behind the first; ANY_BIT: the first one */
    uint32_t yes, no;
};

enum { MAX_CONDITIONS = 16 };

/* What a filter says about every call. */
struct policy {
    uint32_t verdicts[CALLS]; /* or a condition's index in its low bits, with the mark */
    struct condition conditions[MAX_CONDITIONS];
    unsigned count;
};

/* No action of seccomp's has this value. */
enum { CONDITION_MARK = 0x00010000 };

static const short passing_calls[] = {
    /* open files */
    __NR_read, __NR_readv, __NR_pread64, __NR_preadv, __NR_write, __NR_writev, __NR_pwrite64,
    __NR_pwritev, __NR_lseek, __NR_close, __NR_close_range, __NR_dup, __NR_dup2, __NR_dup3,
    __NR_poll, __NR_ppoll, __NR_select, __NR_pselect6, __NR_fstat, __NR_fsync, __NR_fdatasync,
    __NR_flock, __NR_ftruncate, __NR_fadvise64, __NR_fchmod, __NR_memfd_create,
    /* names of files */
    __NR_open, __NR_openat, __NR_openat2, __NR_stat, __NR_lstat, __NR_newfstatat, __NR_statx,
    __NR_access, __NR_faccessat, __NR_faccessat2, __NR_readlink, __NR_readlinkat, __NR_getcwd,
    __NR_mkdir, __NR_mkdirat, __NR_linkat, __NR_renameat, __NR_renameat2, __NR_unlinkat,
    __NR_umask,
    /* memory */
    __NR_mmap, __NR_munmap, __NR_mremap, __NR_mprotect, __NR_madvise, __NR_brk, __NR_mincore,
    /* threads */
    __NR_futex, __NR_set_robust_list, __NR_get_robust_list, __NR_rseq, __NR_set_tid_address,
    __NR_membarrier, __NR_sched_yield, __NR_sched_getaffinity, __NR_sched_getparam,
    __NR_sched_getscheduler, __NR_getcpu, __NR_exit, __NR_exit_group, __NR_restart_syscall,
    /* signals to oneself */
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_rt_sigpending,
    __NR_rt_sigsuspend, __NR_rt_sigtimedwait, __NR_sigaltstack, __NR_pause,
    /* time */
    __NR_clock_gettime, __NR_clock_getres, __NR_clock_nanosleep, __NR_nanosleep,
    __NR_gettimeofday, __NR_time, __NR_times, __NR_getrusage,
    /* about oneself */
    __NR_getpid, __NR_gettid, __NR_getppid, __NR_getpgid, __NR_getuid, __NR_geteuid, __NR_getgid,
    __NR_getegid, __NR_getrlimit, __NR_uname, __NR_sysinfo, __NR_getrandom,
    /* the sandbox itself */
    __NR_seccomp, __NR_landlock_create_ruleset, __NR_landlock_add_rule,
    __NR_landlock_restrict_self,
};

static const short ending_calls[] = {
    /* other programs and processes */
    __NR_execve, __NR_execveat, __NR_fork, __NR_vfork, __NR_ptrace, __NR_process_vm_readv,
    __NR_process_vm_writev, __NR_process_madvise, __NR_pidfd_getfd, __NR_pidfd_send_signal,
    __NR_kcmp, __NR_tkill, __NR_rt_sigqueueinfo, __NR_rt_tgsigqueueinfo, __NR_setsid,
    __NR_setpgid, __NR_unshare, __NR_setns,
    /* the network */
    __NR_socket, __NR_socketpair, __NR_connect, __NR_bind, __NR_listen, __NR_accept, __NR_accept4,
    __NR_sendto, __NR_sendmsg, __NR_sendmmsg,
    /* files that no tool makes or changes in this way */
    __NR_creat, __NR_link, __NR_rename, __NR_unlink, __NR_rmdir, __NR_symlink, __NR_symlinkat,
    __NR_mknod, __NR_mknodat, __NR_chmod, __NR_fchmodat, __NR_fchmodat2, __NR_chown, __NR_fchown,
    __NR_lchown, __NR_fchownat, __NR_truncate, __NR_utime, __NR_utimes, __NR_futimesat,
    __NR_utimensat, __NR_setxattr, __NR_lsetxattr, __NR_fsetxattr, __NR_removexattr,
    __NR_lremovexattr, __NR_fremovexattr, __NR_open_by_handle_at,
    /* mounts */
    __NR_mount, __NR_umount2, __NR_pivot_root, __NR_chroot, __NR_move_mount, __NR_open_tree,
    __NR_open_tree_attr, __NR_fsopen, __NR_fsconfig, __NR_fsmount, __NR_fspick, __NR_mount_setattr,
    /* who one is */
    __NR_setuid, __NR_setgid, __NR_setreuid, __NR_setregid, __NR_setresuid, __NR_setresgid,
    __NR_setfsuid, __NR_setfsgid, __NR_setgroups, __NR_capset, __NR_personality,
    /* the kernel's larger interfaces, the way into it */
    __NR_bpf, __NR_perf_event_open, __NR_userfaultfd, __NR_io_uring_setup, __NR_io_uring_enter,
    __NR_io_uring_register, __NR_add_key, __NR_request_key, __NR_keyctl, __NR_modify_ldt,
    /* the system */
    __NR_init_module, __NR_finit_module, __NR_delete_module, __NR_kexec_load, __NR_reboot,
    __NR_swapon, __NR_swapoff, __NR_acct, __NR_quotactl, __NR_settimeofday, __NR_clock_settime,
    __NR_adjtimex, __NR_clock_adjtime, __NR_sethostname, __NR_setdomainname, __NR_syslog,
    __NR_iopl, __NR_ioperm,
};

/* The values of ONE_OF beyond the first are other than 0. */
static const struct condition first_conditions[] = {
    {__NR_clone, ANY_BIT, 0, {CLONE_THREAD}, PASS, END},
    /* Owner and number of the signal that tells of input would be a way to send one to anybody. */
    {__NR_fcntl, ONE_OF, 1,
     {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETPIPE_SZ, F_SETPIPE_SZ},
     PASS, FAIL(EPERM)},
    /* Among the others are those that type into the terminal. */
    {__NR_ioctl, ONE_OF, 1, {TCGETS, TIOCGWINSZ, FIONREAD}, PASS, FAIL(ENOTTY)},
    {__NR_prctl, ONE_OF, 0, {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_NO_NEW_PRIVS}, PASS,
     FAIL(EPERM)},
    {__NR_prlimit64, ZERO, 0, {0}, PASS, FAIL(EPERM)},
};

static void policy_set(struct policy *policy, int call, uint32_t verdict)
{
    if (call >= 0 && call < CALLS)
        policy->verdicts[call] = verdict;
}

static void policy_add(struct policy *policy, const struct condition *condition)
{
    if (policy->count == MAX_CONDITIONS)
        return;
    policy->conditions[policy->count] = *condition;
    policy_set(policy, condition->call, CONDITION_MARK | policy->count++);
}

struct program {
    struct sock_filter *steps;
    size_t length;
};

static void program_add(struct program *program, uint16_t code, uint8_t yes, uint8_t no,
                        uint32_t value)
{
    if (program->length < SECCOMP_MAX_STEPS)
        program->steps[program->length] = (struct sock_filter){code, yes, no, value};
    program->length++;
}

static void program_return(struct program *program, uint32_t verdict)
{
    program_add(program, BPF_RET | BPF_K, 0, 0, verdict);
}

/* Loads half of an argument: all known architectures are little-endian. */
static void program_load(struct program *program, unsigned argument, unsigned half)
{
    size_t at = offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t) + half * 4;
    program_add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)at);
}

/* The kernel takes these arguments as 32 bits, but for pointers (ZERO). */
static void program_judge(struct program *program, const struct condition *condition)
{
    program_load(program, condition->argument, 0);
    if (condition->test == ANY_BIT) {
        program_add(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, condition->values[0]);
    } else if (condition->test == ZERO) {
        program_add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
        program_load(program, condition->argument, 1);
        program_add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    } else {
        unsigned count = 1;
        while (count < sizeof condition->values / sizeof condition->values[0] &&
               condition->values[count] != 0)
            count++;
        for (unsigned i = 0; i < count; i++)
            program_add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(count - 1 - i),
                        i + 1 == count, condition->values[i]);
    }
    program_return(program, condition->yes);
    program_return(program, condition->no);
}

static unsigned policy_next_run(const struct policy *policy, unsigned call, unsigned end)
{
    uint32_t verdict = policy->verdicts[call];
    while (call < end && policy->verdicts[call] == verdict)
        call++;
    return call;
}

/* The calls from FIRST to END as a tree of comparisons, because the kernel walks it once for every
 * call there is when it takes a filter. */
static void program_tree(struct program *program, const struct policy *policy, unsigned first,
                         unsigned end)
{
    unsigned runs = 0, middle = first;
    for (unsigned call = first; call < end; call = policy_next_run(policy, call, end))
        runs++;
    if (runs <= 1) {
        uint32_t verdict = policy->verdicts[first];
        if ((verdict & CONDITION_MARK) != 0)
            program_judge(program, &policy->conditions[verdict & ~(uint32_t)CONDITION_MARK]);
        else
            program_return(program, verdict);
        return;
    }
    for (unsigned i = 0; i < runs / 2; i++)
        middle = policy_next_run(policy, middle, end);
    size_t branch = program->length;
    program_add(program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, middle);
    program_add(program, BPF_JMP | BPF_JA, 0, 0, 0);
    program_tree(program, policy, first, middle);
    if (branch + 1 < SECCOMP_MAX_STEPS)
        program->steps[branch + 1].k = (uint32_t)(program->length - branch - 2);
    program_tree(program, policy, middle, end);
}

static size_t program_of(const struct policy *policy, uint32_t unknown, struct sock_filter *steps)
{
    struct program program = {.steps = steps};
    if (THIS_ARCHITECTURE == 0)
        return 0;
    program_add(&program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    program_add(&program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, THIS_ARCHITECTURE);
    program_return(&program, END);
    program_add(&program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    /* The same calls by other numbers. -1 is a call that a tracer has cancelled. */
    program_add(&program, BPF_JMP | BPF_JGE | BPF_K, 0, 2, FIRST_X32_CALL);
    program_add(&program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, UINT32_MAX);
    program_return(&program, END);
#endif
    program_add(&program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, CALLS);
    program_return(&program, unknown);
    program_tree(&program, policy, 0, CALLS);
    return program.length <= SECCOMP_MAX_STEPS ? program.length : 0;
}

size_t seccomp_first_filter(struct sock_filter *steps, int pid)
{
    struct policy policy = {.count = 0};
    for (int call = 0; call < CALLS; call++)
        policy.verdicts[call] = FAIL(ENOSYS);
    for (size_t i = 0; i < sizeof passing_calls / sizeof passing_calls[0]; i++)
        policy_set(&policy, passing_calls[i], PASS);
    for (size_t i = 0; i < sizeof ending_calls / sizeof ending_calls[0]; i++)
        policy_set(&policy, ending_calls[i], END);
    for (size_t i = 0; i < sizeof first_conditions / sizeof first_conditions[0]; i++)
        policy_add(&policy, &first_conditions[i]);
    const struct condition kill = {__NR_kill, ONE_OF, 0, {(uint32_t)pid}, PASS, END};
    const struct condition tgkill = {__NR_tgkill, ONE_OF, 0, {(uint32_t)pid}, PASS, END};
    policy_add(&policy, &kill);
    policy_add(&policy, &tgkill);
    return program_of(&policy, FAIL(ENOSYS), steps);
}

size_t seccomp_second_filter(struct sock_filter *steps, unsigned keep)
{
    const uint32_t writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | UNNAMED_FILE;
    /* What a library opens late, a locale say, it can do without. */
    const uint32_t reading = (keep & SECCOMP_KEEP_READING) != 0 ? PASS : FAIL(EACCES);
    const uint32_t replacing = (keep & SECCOMP_KEEP_REPLACE) != 0 ? PASS : END;
    const struct condition conditions[] = {
        {__NR_open, ANY_BIT, 1, {writes}, END, reading},
        {__NR_openat, ANY_BIT, 2, {writes}, END, reading},
        {__NR_unlinkat, ANY_BIT, 2, {AT_REMOVEDIR}, END, replacing},
        {__NR_prlimit64, ZERO, 2, {0}, PASS, FAIL(EPERM)},
    };
    struct policy policy = {.count = 0};
    for (int call = 0; call < CALLS; call++)
        policy.verdicts[call] = PASS;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++)
        policy_add(&policy, &conditions[i]);
    policy_set(&policy, __NR_openat2,
               (keep & SECCOMP_KEEP_READING_AT) != 0 ? PASS : FAIL(ENOSYS));
    policy_set(&policy, __NR_renameat, replacing);
    policy_set(&policy, __NR_renameat2, replacing);
    policy_set(&policy, __NR_linkat, (keep & SECCOMP_KEEP_LINK) != 0 ? PASS : END);
    policy_set(&policy, __NR_mkdir, END);
    policy_set(&policy, __NR_mkdirat, END);
    policy_set(&policy, __NR_fchmod, END);
    policy_set(&policy, __NR_memfd_create, FAIL(ENOSYS));
    return program_of(&policy, PASS, steps);
}

bool seccomp_is_possible(void)
{
    uint32_t action = END;
    if (THIS_ARCHITECTURE != 0)
        return syscall(__NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    errno = ENOTSUP;
    return false;
}

/* On all threads. Without the flag older kernels slow the whole process down, against code of
 * others that would run inside of it. */
static bool filter_install(struct sock_filter *steps, size_t length)
{
    struct sock_fprog program = {.len = (unsigned short)length, .filter = steps};
    unsigned flags = SECCOMP_FILTER_FLAG_TSYNC;
    errno = ENOTSUP;
    if (length == 0)
        return false;
    long result = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
                          flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
    if (result < 0 && errno == EINVAL)
        result = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (result > 0)
        errno = EBUSY; /* a thread has filters of its own */
    return result == 0;
}

bool seccomp_begin(void)
{
    struct sock_filter steps[SECCOMP_MAX_STEPS];
    return filter_install(steps, seccomp_first_filter(steps, (int)getpid()));
}

bool seccomp_enter(unsigned keep)
{
    struct sock_filter steps[SECCOMP_MAX_STEPS];
    return filter_install(steps, seccomp_second_filter(steps, keep));
}
