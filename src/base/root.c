/* SPDX-License-Identifier: MIT */
#include "base/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined SYS_openat2 && __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#define CAN_OPEN_BENEATH 1
#else
#define CAN_OPEN_BENEATH 0
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_BENEATH 0x08
#endif

/* The kernel gives up where anything is renamed while it walks over a `..`. */
enum { MOST_ATTEMPTS = 1000 };

static int root_fd = -1;

static int open_beneath(int fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
#if CAN_OPEN_BENEATH
    struct open_how how = {.flags = (uint64_t)flags, .mode = mode, .resolve = resolve};
    long result = -1;
    for (int i = 0; i < MOST_ATTEMPTS; i++) {
        result = syscall(SYS_openat2, fd, path, &how, sizeof how);
        if (result >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return (int)result;
#else
    (void)fd, (void)path, (void)flags, (void)mode, (void)resolve;
    errno = ENOSYS;
    return -1;
#endif
}

bool root_set(const char *dir, struct error *error)
{
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, ERROR_NO_INPUT, errno, "--root '%s'", dir);
    int trial = open_beneath(fd, ".", O_PATH | O_CLOEXEC, 0, RESOLVE_BENEATH);
    if (trial < 0) {
        error_errno(error, ERROR_UNAVAILABLE, errno, "--root needs openat2");
        error_hint(error, "Linux 5.6 has it, a container's filter may take it away");
        close(fd);
        return false;
    }
    close(trial);
    if (root_fd >= 0)
        close(root_fd);
    root_fd = fd;
    return true;
}

bool root_is_set(void)
{
    return root_fd >= 0;
}

int root_open(const char *path, int flags, mode_t mode)
{
    if (root_fd < 0)
        return open(path, flags, mode);
    int fd = open_beneath(root_fd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    if (fd >= 0 || errno != ELOOP)
        return fd;
    /* A link of /proc, or links that lead in a circle? The former leaves the root in one jump. */
    fd = open_beneath(root_fd, path, O_PATH | O_CLOEXEC, 0, RESOLVE_BENEATH);
    if (fd < 0)
        return -1;
    close(fd);
    errno = ELOOP;
    return -1;
}

bool root_status(const char *path, struct stat *status)
{
    if (root_fd < 0)
        return stat(path, status) == 0;
    int fd = root_open(path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool done = fstat(fd, status) == 0;
    close(fd);
    return done;
}

bool root_is_same(const char *path, const struct stat *status)
{
    struct stat other;
    return path != NULL && strcmp(path, "-") != 0 && S_ISREG(status->st_mode) &&
           root_status(path, &other) && other.st_dev == status->st_dev &&
           other.st_ino == status->st_ino;
}

bool root_is_outside(int errnum)
{
    return root_fd >= 0 && errnum == EXDEV;
}

bool root_refuse_outside(struct error *error)
{
    error_set(error, ERROR_POLICY, "lies outside --root");
    return error_hint(error, "names are relative to it, and no link may lead out of it");
}

bool root_check(const char *path, struct error *error)
{
    struct stat status;
    return root_fd < 0 || root_status(path, &status) || !root_is_outside(errno) ||
           root_refuse_outside(error);
}

bool root_check_regular(const struct stat *status, struct error *error)
{
    const char *what = S_ISFIFO(status->st_mode)   ? "a FIFO"
                       : S_ISSOCK(status->st_mode) ? "a socket"
                                                   : "a device";
    return S_ISREG(status->st_mode) ||
           error_set(error, ERROR_POLICY, "is %s: below --root only regular files are allowed",
                     what);
}

static int cannot_open(struct error *error)
{
    if (root_is_outside(errno))
        root_refuse_outside(error);
    else
        error_errno(error, ERROR_NO_INPUT, errno, "cannot be opened");
    return -1;
}

/* A directory is left to who reads it. */
static bool is_readable(const struct stat *status, struct error *error)
{
    return S_ISDIR(status->st_mode) || root_check_regular(status, error);
}

int root_open_input(const char *path, struct error *error)
{
    struct stat status;
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY;
    if (root_fd >= 0) {
        /* First without opening it, as that alone does something to a FIFO or a device. */
        if (!root_status(path, &status))
            return cannot_open(error);
        if (!is_readable(&status, error))
            return -1;
        flags |= O_NONBLOCK; /* it may have become a FIFO since */
    }
    int fd = root_open(path, flags, 0);
    if (fd < 0)
        return cannot_open(error);
    if (root_fd >= 0 && (fstat(fd, &status) != 0 || !is_readable(&status, error))) {
        close(fd);
        error_set(error, ERROR_NO_INPUT, "cannot be opened");
        return -1;
    }
    return fd;
}
