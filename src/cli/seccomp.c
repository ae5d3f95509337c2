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
#ifndef __NR_openat2
#define __NR_openat2 437
#define __NR_pidfd_getfd 438
#endif
#ifndef __NR_close_range
#define __NR_close_range 436
#endif
#ifndef __NR_faccessat2
#define __NR_faccessat2 439
#endif
#ifndef __NR_process_madvise
#define __NR_process_madvise 440
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif
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

enum { MAX_VALUES = 10 };

/* A call that is judged by an argument: YES where the test holds, else NO. */
struct condition {
    int call;
    enum { ONE_OF, ANY_BIT, ZERO } test;
    unsigned argument;
    uint32_t values[MAX_VALUES]; /* ONE_OF: 0 behind the first ends them; ANY_BIT: the first */
    uint32_t yes, no;
};

enum { MAX_CONDITIONS = 16 };

/* What a filter says about every call. */
struct policy {
    uint32_t verdicts[CALLS]; /* or a condition's index in its low bits, with the mark */
    struct condition conditions[MAX_CONDITIONS];
    unsigned count;
};

/* In the high half of a verdict, where no action of seccomp's has this value. */
enum { CONDITION_MARK = 0x00010000, UNUSED = 0x00020000, ACTION_MASK = 0x7fff0000 };

enum { MAX_VERDICTS = 8 };

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
    __NR_gettimeofday, __NR_time, __NR_times, __NR_getrusage, __NR_timer_create,
    __NR_timer_settime, __NR_timer_delete,
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
    __NR_mknod, __NR_mknodat, __NR_chmod, __NR_fchmodat, __NR_fchmodat2, __NR_chown,
    __NR_lchown, __NR_fchownat, __NR_truncate, __NR_utime, __NR_utimes, __NR_futimesat,
    __NR_setxattr, __NR_lsetxattr, __NR_fsetxattr, __NR_removexattr,
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
    {__NR_utimensat, ZERO, 1, {0}, PASS, END}, /* of an open file, without a name */
    {__NR_fchown, ONE_OF, 1, {(uint32_t)-1}, PASS, END}, /* the group, never the owner */
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

/* Built from its end, because steps jump forward: what a step jumps to is there already. */
struct program {
    struct sock_filter *steps; /* in reverse */
    size_t length;
    struct {
        uint32_t verdict;
        size_t place;
    } returns[MAX_VERDICTS]; /* the newest of each verdict */
};

/* Calls from FIRST to that of the next run that have one verdict. */
struct call_run {
    uint32_t first, verdict;
};

/* Returns the place of the new step, which is before all others. */
static size_t program_add(struct program *program, uint16_t code, uint8_t yes, uint8_t no,
                          uint32_t value)
{
    if (program->length < SECCOMP_MAX_STEPS)
        program->steps[program->length] = (struct sock_filter){code, yes, no, value};
    return program->length++;
}

/* How far back a place may be for a jump: steps count up to 255, a few are for those between. */
static bool program_reaches(const struct program *program, size_t place)
{
    return program->length - place < UINT8_MAX - 8;
}

/* PLACE, or a step within reach that leads to it. */
static size_t program_near(struct program *program, size_t place)
{
    if (program_reaches(program, place))
        return place;
    return program_add(program, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(program->length - place - 1));
}

static size_t program_return(struct program *program, uint32_t verdict)
{
    size_t i = 0;
    while (i + 1 < MAX_VERDICTS && program->returns[i].verdict != verdict &&
           program->returns[i].verdict != UNUSED)
        i++;
    if (program->returns[i].verdict != verdict ||
        !program_reaches(program, program->returns[i].place)) {
        program->returns[i].verdict = verdict;
        program->returns[i].place = program_add(program, BPF_RET | BPF_K, 0, 0, verdict);
    }
    return program->returns[i].place;
}

static size_t program_jump(struct program *program, uint16_t test, uint32_t value, size_t yes,
                           size_t no)
{
    yes = program_near(program, yes);
    no = program_near(program, no);
    return program_add(program, BPF_JMP | test | BPF_K, (uint8_t)(program->length - yes - 1),
                       (uint8_t)(program->length - no - 1), value);
}

/* Loads half of an argument: all known architectures are little-endian. */
static size_t program_load(struct program *program, unsigned argument, unsigned half)
{
    size_t at = offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t) + half * 4;
    return program_add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)at);
}

/* The kernel takes these arguments as 32 bits, but for pointers (ZERO). */
static size_t program_judge(struct program *program, const struct condition *condition)
{
    size_t no = program_return(program, condition->no);
    size_t yes = program_return(program, condition->yes);
    if (condition->test == ANY_BIT) {
        program_jump(program, BPF_JSET, condition->values[0], yes, no);
    } else if (condition->test == ZERO) {
        program_jump(program, BPF_JEQ, 0, yes, no);
        size_t upper = program_load(program, condition->argument, 1);
        program_jump(program, BPF_JEQ, 0, upper, no);
    } else {
        size_t next = program_jump(program, BPF_JEQ, condition->values[0], yes, no);
        for (unsigned i = 1; i < MAX_VALUES && condition->values[i] != 0; i++)
            next = program_jump(program, BPF_JEQ, condition->values[i], yes, next);
    }
    return program_load(program, condition->argument, 0);
}

static size_t program_leaf(struct program *program, const struct policy *policy, uint32_t verdict)
{
    if ((verdict & ACTION_MASK) == CONDITION_MARK)
        return program_judge(program, &policy->conditions[verdict - CONDITION_MARK]);
    return program_return(program, verdict);
}

/* COUNT runs as a tree of comparisons, because the kernel walks through it once for every call
 * there is when it takes a filter. */
static size_t program_tree(struct program *program, const struct policy *policy,
                           const struct call_run *runs, size_t count)
{
    if (count == 1)
        return program_leaf(program, policy, runs->verdict);
    /* A single call among others of one verdict. */
    if (count == 3 && runs[0].verdict == runs[2].verdict && runs[1].first + 1 == runs[2].first) {
        size_t others = program_leaf(program, policy, runs[0].verdict);
        size_t one = program_leaf(program, policy, runs[1].verdict);
        return program_jump(program, BPF_JEQ, runs[1].first, one, others);
    }
    size_t half = count / 2;
    size_t above = program_tree(program, policy, runs + half, count - half);
    size_t below = program_tree(program, policy, runs, half);
    return program_jump(program, BPF_JGE, runs[half].first, above, below);
}

static void program_turn(struct program *program)
{
    for (size_t i = 0, k = program->length; i + 1 < k; i++) {
        struct sock_filter step = program->steps[i];
        program->steps[i] = program->steps[--k];
        program->steps[k] = step;
    }
}

static size_t program_of(const struct policy *policy, uint32_t unknown, struct sock_filter *steps)
{
    struct program program = {.steps = steps};
    struct call_run runs[CALLS + 1];
    size_t count = 0;
    for (uint32_t call = 0; call < CALLS; call++)
        if (count == 0 || runs[count - 1].verdict != policy->verdicts[call])
            runs[count++] = (struct call_run){call, policy->verdicts[call]};
    if (runs[count - 1].verdict != unknown)
        runs[count++] = (struct call_run){CALLS, unknown};
    for (size_t i = 0; i < MAX_VERDICTS; i++)
        program.returns[i].verdict = UNUSED;
    size_t entry = program_tree(&program, policy, runs, count);
    size_t end = program_return(&program, END);
#ifdef __x86_64__
    /* The same calls by other numbers; but -1 is a call that a tracer has cancelled. */
    size_t other = program_jump(&program, BPF_JEQ, UINT32_MAX, entry, end);
    entry = program_jump(&program, BPF_JGE, FIRST_X32_CALL, other, entry);
#endif
    entry =
        program_add(&program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    program_jump(&program, BPF_JEQ, THIS_ARCHITECTURE, entry, end);
    program_add(&program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    if (THIS_ARCHITECTURE == 0 || program.length > SECCOMP_MAX_STEPS)
        return 0;
    program_turn(&program);
    return program.length;
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
    policy_set(&policy, __NR_fchown, END);
    policy_set(&policy, __NR_utimensat, END);
    if ((keep & SECCOMP_KEEP_READING) == 0)
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
