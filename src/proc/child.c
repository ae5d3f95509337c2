/* SPDX-License-Identifier: MIT */
#include "proc/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/watch.h"

/* A child that writes without end costs this much of each stream; the rest is read and dropped. */
enum { KEPT_BYTES = 256 * 1024 };

static bool child_actions(posix_spawn_file_actions_t *actions, int stdin_fd, int stdout_fd,
                          int stderr_fd, int report_fd)
{
    return posix_spawn_file_actions_adddup2(actions, stdin_fd, STDIN_FILENO) == 0 &&
           posix_spawn_file_actions_adddup2(actions, stdout_fd, STDOUT_FILENO) == 0 &&
           posix_spawn_file_actions_adddup2(actions, stderr_fd, STDERR_FILENO) == 0 &&
           posix_spawn_file_actions_adddup2(actions, report_fd, CHILD_REPORT_FD) == 0;
}

static int child_spawn(struct child *child, const struct child_start *start, int stderr_fd,
                       int report_fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    int result = ENOMEM;
    sigfillset(&all);
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return result;
    if (posix_spawnattr_init(&attributes) == 0) {
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setpgroup(&attributes, start->group);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                  POSIX_SPAWN_SETPGROUP);
        if (child_actions(&actions, start->stdin_fd, start->stdout_fd, stderr_fd, report_fd))
            result = posix_spawn(&child->pid, start->path, &actions, &attributes, start->argv,
                                 start->environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int child_keep_above(int fd)
{
    if (fd < 0 || fd > CHILD_REPORT_FD)
        return fd;
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_REPORT_FD + 1), saved = errno;
    close(fd);
    errno = saved;
    return higher;
}

static bool child_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    ends[0] = child_keep_above(ends[0]);
    ends[1] = child_keep_above(ends[1]);
    return ends[0] >= 0 && ends[1] >= 0;
}

bool child_start(struct child *child, const struct child_start *start, struct error *error)
{
    int messages[2] = {-1, -1}, report[2] = {-1, -1};
    *child = (struct child){.stderr_fd = -1, .report_fd = -1};
    if (!child_pipe(messages) || !child_pipe(report)) {
        error_errno(error, ERROR_SYSTEM, errno, "no pipe for '%s'", start->path);
    } else {
        int result = child_spawn(child, start, messages[1], report[1]);
        if (result != 0) {
            child->pid = 0;
            bool scarce = result == EAGAIN || result == ENOMEM || result == EMFILE;
            error_errno(error, scarce ? ERROR_SYSTEM : ERROR_CANNOT_EXECUTE, result, "%s",
                        start->path);
        }
    }
    for (int i = 1; i >= 0; i--) {
        if ((i == 1 || child->pid == 0) && messages[i] >= 0)
            close(messages[i]);
        if ((i == 1 || child->pid == 0) && report[i] >= 0)
            close(report[i]);
    }
    if (child->pid == 0)
        return false;
    child->stderr_fd = messages[0];
    child->report_fd = report[0];
    return true;
}

void child_read(struct child *child, int *fd)
{
    char buffer[4096];
    struct text *text = fd == &child->stderr_fd ? &child->messages : &child->report;
    ssize_t got = read(*fd, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        close(*fd);
        *fd = -1;
    } else if (text->length < KEPT_BYTES) {
        text_add_bytes(text, buffer, (size_t)got);
        if (text == &child->messages && child->heard_at == 0)
            child->heard_at = watch_now_ms();
    }
}

bool child_check(struct child *child, bool wait)
{
    siginfo_t info = {0};
    int result;
    if (child->ended || child->pid == 0)
        return true;
    do
        result = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT | (wait ? 0 : WNOHANG));
    while (result != 0 && errno == EINTR);
    child->ended = result != 0 || info.si_pid == child->pid;
    if (child->ended)
        child->status = info.si_code == CLD_EXITED ? info.si_status << 8
                        : info.si_code == CLD_DUMPED ? info.si_status | WCOREFLAG
                                                     : info.si_status;
    return child->ended;
}

void child_reap(struct child *child)
{
    struct rusage usage = {0};
    pid_t pid;
    if (child->reaped || child->pid == 0)
        return;
    do
        pid = wait4(child->pid, &child->status, 0, &usage);
    while (pid < 0 && errno == EINTR);
    child->max_rss_kib = usage.ru_maxrss;
    child->ended = child->reaped = true;
}

void child_kill(struct child *child, int signal_number)
{
    if (child->pid > 0 && !child->ended) {
        child->killed = true;
        kill(child->pid, signal_number);
    }
}

void child_free(struct child *child)
{
    if (child->stderr_fd >= 0)
        close(child->stderr_fd);
    if (child->report_fd >= 0)
        close(child->report_fd);
    text_free(&child->messages);
    text_free(&child->report);
    *child = (struct child){.stderr_fd = -1, .report_fd = -1};
}
