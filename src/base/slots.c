/* SPDX-License-Identifier: MIT */
#include "base/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    LOOK_EVERY_MS = 4, /* what a free slot may stay free while somebody waits */
    NUDGE_EVERY_MS = 50
};

/* What is looked for: the files stay open while it is waited. */
struct search {
    int dir_fd;
    unsigned count;
    int fds[SLOTS_MOST];
    int taken_fd;
    int64_t until_ms;
    struct error *error;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the directory ---- */

static bool is_ours(const char *dir)
{
    struct stat status;
    return dir != NULL && dir[0] == '/' && stat(dir, &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == geteuid();
}

static void default_directory(char *dir, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char usual[64];
    snprintf(usual, sizeof usual, "/run/user/%ld", (long)geteuid());
    if (is_ours(runtime))
        snprintf(dir, size, "%s/imgtool", runtime);
    else if (is_ours(usual))
        snprintf(dir, size, "%s/imgtool", usual);
    else
        snprintf(dir, size, "/tmp/imgtool-%ld", (long)geteuid());
}

static bool check_directory(int fd, const char *dir, bool usual, struct error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_errno(error, ERROR_CANNOT_CREATE, errno, "--slots-dir '%s'", dir);
    if (status.st_uid != geteuid() && (usual || status.st_uid != 0))
        return error_set(error, ERROR_POLICY, "--slots-dir '%s' belongs to somebody else", dir);
    if ((status.st_mode & (usual ? 077 : 002)) != 0)
        return error_set(error, ERROR_POLICY, "--slots-dir '%s' is open to %s: mode %04o", dir,
                         usual ? "others" : "everybody", (unsigned)status.st_mode & 07777);
    return true;
}

static int open_directory(const char *dir, struct error *error)
{
    char usual[4096];
    bool named = dir != NULL;
    if (!named) {
        default_directory(usual, sizeof usual);
        dir = usual;
    }
    bool made = mkdir(dir, 0700) == 0 || errno == EEXIST;
    int fd = made ? open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0) {
        struct stat status;
        int reason = errno;
        if (lstat(dir, &status) == 0 && S_ISLNK(status.st_mode))
            error_set(error, ERROR_POLICY, "--slots-dir '%s' is a symbolic link", dir);
        error_errno(error, ERROR_CANNOT_CREATE, reason, "--slots-dir '%s'", dir);
    } else if (!check_directory(fd, dir, !named, error)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* ---- the files ---- */

/* Other users of the directory need not be able to write: reading is enough for a lock. */
static int open_file(const struct search *search, const char *name)
{
    struct stat status;
    int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = openat(search->dir_fd, name, flags);
    if (fd < 0 && errno == ENOENT) {
        fd = openat(search->dir_fd, name, flags | O_CREAT | O_EXCL, 0644);
        if (fd >= 0)
            fchmod(fd, 0644);
        else if (errno == EEXIST)
            fd = openat(search->dir_fd, name, flags);
    }
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

/* False where somebody has removed the file that FD is: a lock on it keeps nobody out. */
static bool is_in_place(const struct search *search, const char *name, int fd)
{
    struct stat one, two;
    return fstat(fd, &one) == 0 &&
           fstatat(search->dir_fd, name, &two, AT_SYMLINK_NOFOLLOW) == 0 &&
           one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/* Tries slot K, which is taken_fd then; false only on an error. */
static bool try_slot(struct search *search, unsigned k)
{
    char name[32];
    snprintf(name, sizeof name, "slot-%u", k);
    if (search->fds[k] < 0)
        search->fds[k] = open_file(search, name);
    if (search->fds[k] < 0)
        return error_errno(search->error, ERROR_CANNOT_CREATE, errno, "--slots-dir: '%s'", name);
    if (flock(search->fds[k], LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK || errno == EINTR ||
               error_errno(search->error, ERROR_SYSTEM, errno, "--slots-dir: '%s'", name);
    if (!is_in_place(search, name, search->fds[k])) {
        close(search->fds[k]);
        search->fds[k] = -1;
        return true;
    }
    /* Who clears temporary directories goes by the time. */
    futimens(search->fds[k], NULL);
    search->taken_fd = search->fds[k];
    search->fds[k] = -1;
    return true;
}

static bool try_slots(struct search *search)
{
    for (unsigned k = 0; k < search->count && search->taken_fd < 0; k++)
        if (!try_slot(search, k))
            return false;
    return true;
}

static bool busy(struct search *search)
{
    error_set(search->error, ERROR_BUSY, "none of %u slot%s became free in time: --slot-wait",
              search->count, search->count == 1 ? "" : "s");
    return error_hint(search->error, "try again later");
}

/* At the head of the queue. */
static bool look_for_slot(struct search *search)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000};
    while (try_slots(search)) {
        if (search->taken_fd >= 0)
            return true;
        if (now_ms() >= search->until_ms)
            return busy(search);
        nanosleep(&pause, NULL);
    }
    return false;
}

/* ---- the queue ---- */

static void nudge(int signal_number)
{
    (void)signal_number;
}

/* Waits for the lock on QUEUE until the time is over; a signal that comes again and again
 * interrupts a lock that would wait for longer. It goes to this thread alone. */
static bool wait_in_queue(const struct search *search, int queue)
{
    struct sigaction old, action = {.sa_handler = nudge};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    int64_t left_ms = search->until_ms - now_ms();
    sigset_t alarm, before;
    timer_t timer;
    bool locked = flock(queue, LOCK_EX | LOCK_NB) == 0;
    if (locked || left_ms <= 0)
        return locked;
    event.sigev_notify_thread_id = gettid();
    struct itimerspec times = {
        .it_value = {left_ms / 1000, left_ms % 1000 * 1000000 + 1},
        .it_interval = {.tv_nsec = NUDGE_EVERY_MS * 1000000},
    };
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        return false;
    sigaction(SIGALRM, &action, &old);
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm, &before);
    timer_settime(timer, 0, &times, NULL);
    do
        locked = flock(queue, LOCK_EX) == 0;
    while (!locked && errno == EINTR && now_ms() < search->until_ms);
    timer_delete(timer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGALRM, &old, NULL);
    return locked;
}

static bool search_slot(struct search *search)
{
    int queue = open_file(search, "queue");
    if (queue < 0)
        return error_errno(search->error, ERROR_CANNOT_CREATE, errno, "--slots-dir: 'queue'");
    /* Whoever gave up waiting for the queue looks once, as its head may be stopped. */
    if (!wait_in_queue(search, queue))
        search->until_ms = 0;
    bool done = look_for_slot(search);
    close(queue);
    return done;
}

static bool search_begin(struct search *search, unsigned count, const char *dir,
                         struct error *error)
{
    *search = (struct search){.count = count, .taken_fd = -1, .error = error};
    memset(search->fds, -1, sizeof search->fds);
    search->dir_fd = open_directory(dir, error);
    return search->dir_fd >= 0;
}

static void search_end(struct search *search)
{
    for (unsigned k = 0; k < search->count; k++)
        if (search->fds[k] >= 0)
            close(search->fds[k]);
    close(search->dir_fd);
}

bool slots_try(unsigned count, const char *dir, int *fd, struct error *error)
{
    struct search search;
    *fd = -1;
    if (!search_begin(&search, count, dir, error))
        return false;
    bool done = try_slots(&search);
    search_end(&search);
    *fd = search.taken_fd;
    return done;
}

bool slots_take(unsigned count, const char *dir, int64_t wait_ms, struct error *error)
{
    static int held_fd = -1;
    struct search search;
    if (held_fd >= 0)
        return true;
    if (!search_begin(&search, count, dir, error))
        return false;
    search.until_ms = now_ms() + wait_ms;
    bool done = search_slot(&search);
    search_end(&search);
    held_fd = search.taken_fd;
    return done;
}

/* ---- what the command line says ---- */

static pthread_mutex_t entering = PTHREAD_MUTEX_INITIALIZER;
static struct {
    unsigned count;
    const char *dir;
    int64_t wait_ms;
} announced;

void slots_announce(unsigned count, const char *dir, int64_t wait_ms)
{
    announced.count = count;
    announced.dir = dir;
    announced.wait_ms = wait_ms;
}

bool slots_enter(struct error *error)
{
    if (announced.count == 0)
        return true;
    pthread_mutex_lock(&entering);
    bool done = slots_take(announced.count, announced.dir, announced.wait_ms, error);
    pthread_mutex_unlock(&entering);
    return done;
}
