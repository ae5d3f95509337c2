/* SPDX-License-Identifier: MIT */
/* A decoder that was taken over: loaded by LD_PRELOAD, it stands in for functions of the codec
 * libraries and does once, in the middle of decoding, what the environment names.
 *
 * SANDBOX_AT=PLACE         where: header, while the header is read; profile, while lcms2 reads or
 *                          makes an ICC profile; pixels, while pixels are decoded; deadline, on the thread of --timeout when Landlock holds it; late, on
 *                          that thread while pixels are decoded
 * SANDBOX_DOES=NAME        what, from the table below
 * SANDBOX_ON=thread        on a new thread
 * SANDBOX_COUNTS=1         say how many threads there are when Landlock begins
 *
 * It writes to stderr what became of it: `NAME: done`, or `NAME: failed: REASON`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* In the working directory: what is there already, and what must not appear. */
#define OLD "victim"
#define NEW "loot"

static long do_read(void)
{
    return open(OLD, O_RDONLY);
}

static long do_list(void)
{
    return open(".", O_RDONLY | O_DIRECTORY);
}

static long do_memory(void)
{
    return open("/proc/self/mem", O_RDWR);
}

static long do_write(void)
{
    return open(OLD, O_WRONLY);
}

static long do_append(void)
{
    return open(OLD, O_RDWR | O_APPEND);
}

static long do_truncate(void)
{
    return open(OLD, O_RDONLY | O_TRUNC);
}

static long do_create(void)
{
    return open(NEW, O_RDONLY | O_CREAT, 0600);
}

static long do_old_create(void)
{
#ifdef SYS_creat
    return syscall(SYS_creat, NEW, 0600);
#else
    return do_create();
#endif
}

static long do_unnamed(void)
{
    return open(".", O_WRONLY | O_TMPFILE, 0600);
}

static long do_openat2(void)
{
    const uint64_t how[3] = {O_WRONLY | O_CREAT, 0600, 0};
    return syscall(437, AT_FDCWD, NEW, how, sizeof how);
}

static long do_mkdir(void)
{
    return mkdir(NEW, 0700);
}

static long do_link(void)
{
    return linkat(AT_FDCWD, OLD, AT_FDCWD, NEW, 0);
}

static long do_symlink(void)
{
    return symlink(OLD, NEW);
}

static long do_fifo(void)
{
    return mkfifo(NEW, 0600);
}

static long do_unlink(void)
{
    return unlinkat(AT_FDCWD, OLD, 0);
}

/* The same where an output's directory is another one. */
static long do_unlink_above(void)
{
    return unlinkat(AT_FDCWD, "../" OLD, 0);
}

static long do_rename(void)
{
    return renameat(AT_FDCWD, OLD, AT_FDCWD, NEW);
}

static long do_rmdir(void)
{
    return unlinkat(AT_FDCWD, "folder", AT_REMOVEDIR);
}

static long do_chmod(void)
{
    return chmod(OLD, 0777);
}

static long do_fchmod(void)
{
    return fchmod(STDIN_FILENO, 0777);
}

static long do_fchown(void)
{
    return fchown(STDIN_FILENO, (uid_t)-1, getegid());
}

static long do_touch(void)
{
    return utimensat(AT_FDCWD, OLD, NULL, 0);
}

static long do_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long do_local_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM, 0);
}

/* On a socket that the caller has left open as stdin. */
static long do_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(STDIN_FILENO, (struct sockaddr *)&address, sizeof address);
}

static long do_send(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sendto(STDIN_FILENO, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address);
}

static long do_exec(void)
{
    char *const words[] = {"touch", NEW, NULL};
    return execv("/bin/touch", words);
}

static long do_execveat(void)
{
    char *const words[] = {"touch", NEW, NULL}, *const none[] = {NULL};
    return syscall(SYS_execveat, AT_FDCWD, "/bin/touch", words, none, 0);
}

static long do_fork(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child;
}

static long do_old_fork(void)
{
#ifdef SYS_fork
    pid_t child = (pid_t)syscall(SYS_fork);
    if (child == 0)
        _exit(0);
    return child;
#else
    return do_fork();
#endif
}

static long do_clone3(void)
{
    uint64_t what[8] = {0};
    what[4] = SIGCHLD;
    pid_t child = (pid_t)syscall(435, what, sizeof what);
    if (child == 0)
        _exit(0);
    return child;
}

static long do_kill(void)
{
    return kill(getppid(), SIGUSR1);
}

static long do_kill_group(void)
{
    return kill(0, SIGUSR1);
}

static long do_tgkill(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), SIGUSR1);
}

static long do_tkill(void)
{
    return syscall(SYS_tkill, getppid(), SIGUSR1);
}

static long do_queue(void)
{
    return sigqueue(getppid(), SIGUSR1, (union sigval){.sival_int = 0});
}

static long do_pidfd(void)
{
    int fd = (int)syscall(434, getppid(), 0);
    return fd < 0 ? fd : syscall(424, fd, SIGUSR1, NULL, 0);
}

/* Input that arrives on stdin would send a signal to the parent. */
static long do_owner(void)
{
    return fcntl(STDIN_FILENO, F_SETOWN, getppid());
}

static long do_type(void)
{
    return ioctl(STDERR_FILENO, TIOCSTI, "x");
}

static long do_ptrace(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long do_peek(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long do_session(void)
{
    return setsid();
}

static long do_group(void)
{
    return setpgid(0, 0);
}

static long do_mount(void)
{
    return syscall(SYS_mount, "none", ".", "tmpfs", 0, NULL);
}

static long do_chroot(void)
{
    return chroot(".");
}

static long do_unshare(void)
{
    return unshare(CLONE_NEWUSER);
}

static long do_setuid(void)
{
    return syscall(SYS_setuid, getuid());
}

static long do_personality(void)
{
    return syscall(SYS_personality, 0);
}

static long do_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}

static long do_keyctl(void)
{
    return syscall(SYS_keyctl, 0, -3, 1);
}

static long do_io_uring(void)
{
    uint64_t space[32] = {0};
    return syscall(425, 1, space);
}

static long do_perf(void)
{
    uint32_t space[32] = {0};
    return syscall(SYS_perf_event_open, space, 0, -1, -1, 0);
}

static long do_userfault(void)
{
    return syscall(SYS_userfaultfd, 1);
}

static long do_limit(void)
{
    struct rlimit limit = {1, 1};
    return setrlimit(RLIMIT_FSIZE, &limit);
}

static long do_descriptor(void)
{
    return dup(STDERR_FILENO);
}

static long do_unknown(void)
{
    return syscall(500);
}

/* getpid by the number of another interface: x32's, or that of 32-bit programs. */
static long do_other_interface(void)
{
#ifdef __x86_64__
    return syscall(0x40000000 | SYS_getpid);
#else
    return syscall(500);
#endif
}

static long do_32_bit(void)
{
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    errno = (int)-result;
    return result;
#else
    return syscall(500);
#endif
}

/* What must still work. */
static long do_raise(void)
{
    return raise(SIGTERM);
}

static long do_nothing(void)
{
    return 0;
}

#define DEED(name) {#name, do_##name}

static const struct {
    const char *name;
    long (*deed)(void);
} deeds[] = {
    DEED(read), DEED(list), DEED(memory), DEED(write), DEED(append), DEED(truncate), DEED(create),
    DEED(old_create), DEED(unnamed), DEED(openat2), DEED(mkdir), DEED(link), DEED(symlink),
    DEED(fifo), DEED(unlink), DEED(unlink_above), DEED(rename), DEED(rmdir), DEED(chmod),
    DEED(fchmod), DEED(fchown), DEED(touch), DEED(socket), DEED(local_socket), DEED(connect),
    DEED(send), DEED(exec), DEED(execveat), DEED(fork), DEED(old_fork), DEED(clone3), DEED(kill),
    DEED(kill_group), DEED(tgkill), DEED(tkill), DEED(queue), DEED(pidfd), DEED(owner), DEED(type),
    DEED(ptrace), DEED(peek), DEED(session), DEED(group), DEED(mount), DEED(chroot), DEED(unshare),
    DEED(setuid), DEED(personality), DEED(bpf), DEED(keyctl), DEED(io_uring), DEED(perf),
    DEED(userfault), DEED(limit), DEED(descriptor), DEED(unknown), DEED(other_interface),
    DEED(32_bit), DEED(raise), DEED(nothing),
};

static void *deed_do(void *name)
{
    char line[200];
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        if (strcmp(deeds[i].name, name) == 0) {
            errno = 0;
            long result = deeds[i].deed();
            int length = result < 0 ? snprintf(line, sizeof line, "%s: failed: %s\n", (char *)name,
                                               strerrorname_np(errno))
                                    : snprintf(line, sizeof line, "%s: done\n", (char *)name);
            if (write(STDERR_FILENO, line, (size_t)length) < 0)
                abort();
            return NULL;
        }
    static const char complaint[] = "SANDBOX_DOES: unknown\n";
    if (write(STDERR_FILENO, complaint, sizeof complaint - 1) < 0)
        abort();
    _exit(99);
}

/* The thread of --timeout is told when pixels are decoded, and tells when it has done it. */
static atomic_int late;

static void act_late(void)
{
    int never = 0;
    atomic_compare_exchange_strong(&late, &never, 1);
    while (atomic_load(&late) != 2)
        usleep(1000);
}

static void act(const char *place)
{
    static atomic_flag done = ATOMIC_FLAG_INIT;
    const char *at = getenv("SANDBOX_AT"), *on = getenv("SANDBOX_ON");
    char *does = getenv("SANDBOX_DOES");
    pthread_t thread;
    if (at != NULL && strcmp(at, "late") == 0 && strcmp(place, "pixels") == 0)
        act_late();
    if (at == NULL || does == NULL || strcmp(at, place) != 0 || atomic_flag_test_and_set(&done))
        return;
    if (on == NULL || strcmp(on, "thread") != 0)
        deed_do(does);
    else if (pthread_create(&thread, NULL, deed_do, does) != 0 || pthread_join(thread, NULL) != 0)
        _exit(98);
}

/* Stands in for the function NAME, whose arguments are integers and pointers. */
#define STAND_IN(name, place)                                                                      \
    long name(long a, long b, long c, long d, long e, long f);                                     \
    long name(long a, long b, long c, long d, long e, long f)                                      \
    {                                                                                              \
        long (*next)(long, long, long, long, long, long) = NULL;                                   \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                 \
        act(place);                                                                                \
        return next(a, b, c, d, e, f);                                                             \
    }

STAND_IN(png_create_read_struct, "header")
STAND_IN(jpeg_read_header, "header")
STAND_IN(WebPGetFeaturesInternal, "header")
STAND_IN(cmsOpenProfileFromMemTHR, "profile")
STAND_IN(cmsCreateRGBProfileTHR, "profile")
STAND_IN(png_read_row, "pixels")
STAND_IN(isal_inflate, "pixels")
STAND_IN(jpeg_read_scanlines, "pixels")
STAND_IN(WebPIUpdate, "pixels")

/* Landlock holds the thread that calls it. */
static void count_threads(void)
{
    char line[40];
    struct stat status;
    if (getenv("SANDBOX_COUNTS") == NULL || gettid() != getpid() ||
        stat("/proc/self/task", &status) != 0)
        return;
    /* A directory has a link from each directory in it, one from itself and one from above. */
    int length = snprintf(line, sizeof line, "threads: %d\n", (int)status.st_nlink - 2);
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        abort();
}

/* Set on a thread, other than the first, that Landlock holds. */
static _Thread_local bool restricted;

long syscall(long number, ...)
{
    long (*next)(long, ...) = NULL, values[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        values[i] = va_arg(list, long);
    va_end(list);
    *(void **)&next = dlsym(RTLD_NEXT, "syscall");
    if (number == 446)
        count_threads();
    restricted = restricted || (number == 446 && gettid() != getpid());
    return next(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

/* The thread of --timeout waits again after that. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until)
{
    int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) = NULL;
    const char *at = getenv("SANDBOX_AT");
    *(void **)&next = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    if (restricted && at != NULL && strcmp(at, "late") == 0) {
        pthread_mutex_unlock(mutex);
        while (atomic_load(&late) == 0)
            usleep(1000);
        act("late");
        atomic_store(&late, 2);
        pthread_mutex_lock(mutex);
    }
    if (restricted)
        act("deadline");
    return next(condition, mutex, until);
}
