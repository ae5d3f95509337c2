/* SPDX-License-Identifier: MIT */
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/root.h"
#include "base/signals.h"

enum { MOST_LINKS = 40 }; /* as the kernel follows in one name */

static bool outfile_name_file(struct error *error, const char *path)
{
    if (error != NULL)
        snprintf(error->file, sizeof error->file, "%s", path);
    return false;
}

static bool outfile_error(struct error *error, const char *path, enum error_kind kind, int errnum,
                          const char *what)
{
    if (root_is_outside(errnum))
        root_refuse_outside(error);
    else
        error_errno(error, kind, errnum, "%s", what);
    return outfile_name_file(error, path);
}

static bool outfile_refuse(struct error *error, const char *path, const char *what,
                           const char *hint)
{
    error_set(error, ERROR_CANNOT_CREATE, "%s", what);
    if (hint != NULL)
        error_hint(error, "%s", hint);
    return outfile_name_file(error, path);
}

/* mkdir -p for the directory part of PATH, each step in the directory that the last one opened. */
static bool outfile_make_directories(char *path)
{
    int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    int above = root_open(path[0] == '/' ? "/" : ".", flags, 0);
    for (char *slash = strchr(path + 1, '/'); above >= 0 && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const char *before = strrchr(path, '/');
        int next = root_open(path, flags, 0);
        if (next < 0 && errno == ENOENT &&
            (mkdirat(above, before == NULL ? path : before + 1, 0777) == 0 || errno == EEXIST))
            next = root_open(path, flags, 0);
        *slash = '/';
        int reason = errno;
        close(above);
        errno = reason;
        above = next;
    }
    if (above < 0)
        return false;
    close(above);
    return true;
}

bool outfile_lacks_directory(const char *path)
{
    char directory[PATH_MAX];
    struct stat status;
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path || slash - path >= PATH_MAX)
        return false;
    snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
    return !root_status(directory, &status);
}

/* Opens the directory of FILE and points NAME at the last component. */
static bool outfile_open_directory(struct outfile *file, unsigned flags, struct error *error)
{
    char *slash = strrchr(file->path, '/');
    const char *directory = ".";
    if (slash == NULL) {
        file->name = file->path;
    } else {
        if ((flags & OUTFILE_MKDIR) != 0 && !outfile_make_directories(file->path))
            return outfile_error(error, file->path, ERROR_CANNOT_CREATE, errno,
                                 "its directory cannot be created");
        file->name = slash + 1;
        *slash = '\0';
        directory = slash == file->path ? "/" : file->path;
    }
    /* Readable, so that it can be locked; a directory that may only be written serves as well. */
    file->dir_fd = root_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (file->dir_fd < 0 && errno == EACCES)
        file->dir_fd = root_open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    int reason = errno;
    if (slash != NULL)
        *slash = '/';
    if (file->dir_fd >= 0)
        return true;
    if (reason == ENOENT)
        return outfile_refuse(error, file->path, "its directory does not exist",
                              "--mkdir creates it");
    return outfile_error(error, file->path, ERROR_CANNOT_CREATE, reason,
                         "its directory cannot be opened");
}

/* A named temporary, for file systems without unnamed ones: at no time for more eyes than MODE. */
static bool outfile_open_named(struct outfile *file, mode_t mode)
{
    struct timespec now;
    for (int attempt = 0; attempt < 100; attempt++) {
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(file->temporary, sizeof file->temporary, ".imgtool-%ld-%lx%x", (long)getpid(),
                 (unsigned long)now.tv_nsec, attempt);
        signals_hold();
        file->fd =
            openat(file->dir_fd, file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        bool listed = file->fd < 0 || signals_add_temporary(file->dir_fd, file->temporary);
        signals_release();
        if (!listed) {
            unlinkat(file->dir_fd, file->temporary, 0);
            close(file->fd);
            file->fd = -1;
            errno = EMFILE;
        }
        if (file->fd >= 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    file->temporary[0] = '\0';
    return false;
}

/* The name that the new file has for the moment between linking and renaming: always the same for
 * one target, so that what a kill in that moment leaves can be found again. */
static void outfile_new_name(const struct outfile *file, char name[NAME_MAX + 1])
{
    /* FNV-1a of the whole name, as a long one must be cut. */
    uint64_t hash = 14695981039346656037u;
    for (const char *p = file->name; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 1099511628211u;
    snprintf(name, NAME_MAX + 1, ".%.*s.%016llx.imgtool", NAME_MAX - 32, file->name,
             (unsigned long long)hash);
}

/* Only who has locked the directory uses that name, so whatever has it is left over. */
static void outfile_clear_left_over(const struct outfile *file)
{
    char name[NAME_MAX + 1];
    struct stat status;
    outfile_new_name(file, name);
    if (fstatat(file->dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode) && status.st_uid == geteuid())
        unlinkat(file->dir_fd, name, 0);
}

/* Locks the directory for the moment of replacing; not for ever, as others may lock it too. */
static bool outfile_lock(const struct outfile *file, int attempts)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < attempts; i++) {
        if (flock(file->dir_fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* The mode for the file that replaces OLD, and OLD's group where we may give it: where not, the
 * members of either group get what both group and others had, which is more for nobody. */
static mode_t outfile_take_group(const struct outfile *file, const struct stat *old)
{
    struct stat made;
    mode_t mode = old->st_mode & 0777, shared = mode >> 3 & mode & 07;
    bool same = (fstat(file->fd, &made) == 0 && made.st_gid == old->st_gid) ||
                fchown(file->fd, (uid_t)-1, old->st_gid) == 0;
    return same ? mode : (mode & 0700) | shared << 3 | shared;
}

static bool outfile_open_temporary(struct outfile *file, const struct stat *old, bool exists,
                                   struct error *error)
{
    if (exists && outfile_lock(file, 1)) {
        outfile_clear_left_over(file);
        flock(file->dir_fd, LOCK_UN);
    }
    file->fd = openat(file->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (file->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT ||
                         errno == EINVAL)) {
        if (!outfile_open_named(file, exists ? old->st_mode & 0700 : 0666))
            return outfile_error(error, file->path, ERROR_CANNOT_CREATE, errno,
                                 "cannot be created");
    } else if (file->fd < 0) {
        return outfile_error(error, file->path, ERROR_CANNOT_CREATE, errno, "cannot be created");
    }
    /* The new file is as private as the one that it replaces. */
    if (exists && fchmod(file->fd, outfile_take_group(file, old)) != 0)
        return outfile_error(error, file->path, ERROR_CANNOT_CREATE, errno,
                             "its mode cannot be set");
    return true;
}

static bool outfile_resolve_plain(struct outfile *file, const char *path, struct error *error)
{
    file->path = strdup(path);
    return file->path != NULL || error_set(error, ERROR_NO_MEMORY, "out of memory");
}

/* Follows symbolic links, so that the file behind a link is replaced and not the link. */
static bool outfile_resolve(struct outfile *file, const char *path, struct error *error)
{
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode)) {
        file->path = realpath(path, NULL);
        if (file->path == NULL)
            return outfile_error(error, path, ERROR_CANNOT_CREATE, errno,
                                 "is a symbolic link that leads nowhere");
        return true;
    }
    return outfile_resolve_plain(file, path, error);
}

/* The file becomes the one that a link of text TARGET in its directory names. */
static bool outfile_follow(struct outfile *file, const char *target, struct error *error)
{
    char *old = file->path, *path = NULL;
    int above = target[0] == '/' ? 0 : (int)(file->name - old);
    if (asprintf(&path, "%.*s%s", above, old, target) < 0)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    file->path = path;
    free(old);
    close(file->dir_fd);
    file->dir_fd = -1;
    return outfile_open_directory(file, 0, error);
}

/* The same below --root, where a path that was checked cannot be used: the directory is open before
 * its last component is read, and a link is followed by opening the directory that it names. */
static bool outfile_resolve_beneath(struct outfile *file, const char *path, unsigned flags,
                                    struct error *error)
{
    char target[PATH_MAX];
    struct stat status;
    if (!outfile_resolve_plain(file, path, error) || !outfile_open_directory(file, flags, error))
        return false;
    for (int links = 0; links <= MOST_LINKS; links++) {
        ssize_t length = readlinkat(file->dir_fd, file->name, target, sizeof target - 1);
        if (length < 0 && links > 0 &&
            fstatat(file->dir_fd, file->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            break;
        if (length < 0)
            return true;
        target[length] = '\0';
        /* The text of a link of /proc is no path, so that the kernel is asked first. */
        if (!root_check(path, error) || !outfile_follow(file, target, error))
            return outfile_name_file(error, path);
    }
    return outfile_error(error, path, ERROR_CANNOT_CREATE, errno == ENOENT ? ENOENT : ELOOP,
                         "is a symbolic link that leads nowhere");
}

/* Names of open descriptors: written as they are, whatever they lead to. */
static bool outfile_is_descriptor(const char *path)
{
    return strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/self/fd/", 14) == 0 ||
           strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/stderr") == 0;
}

static bool outfile_is_special(const char *path)
{
    struct stat old;
    return outfile_is_descriptor(path) ||
           (stat(path, &old) == 0 && !S_ISREG(old.st_mode) && !S_ISDIR(old.st_mode));
}

static bool outfile_open_directly(struct outfile *file, const char *path, struct error *error)
{
    file->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return file->fd >= 0 ||
           outfile_error(error, path, ERROR_CANNOT_CREATE, errno, "cannot be opened");
}

static bool outfile_prepare(struct outfile *file, const char *path, unsigned flags,
                            struct error *error)
{
    struct stat old = {0};
    size_t length = strlen(path);
    if (!root_is_set() && outfile_is_special(path))
        return outfile_open_directly(file, path, error);
    if (length == 0 || path[length - 1] == '/')
        return outfile_refuse(error, path, "is not the name of a file", NULL);
    if (root_is_set() ? !outfile_resolve_beneath(file, path, flags, error)
                      : !outfile_resolve(file, path, error) ||
                            !outfile_open_directory(file, flags, error))
        return false;
    bool exists = fstatat(file->dir_fd, file->name, &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists && errno == ENAMETOOLONG)
        return outfile_error(error, path, ERROR_CANNOT_CREATE, errno, "cannot be created");
    if (exists && S_ISDIR(old.st_mode))
        return outfile_refuse(error, path, "is a directory, a file name is expected", NULL);
    if (exists && root_is_set() && !root_check_regular(&old, error))
        return outfile_name_file(error, path);
    if (exists && file->exclusive)
        return outfile_refuse(error, path, "exists already", "without --no-clobber it is replaced");
    if (exists && faccessat(file->dir_fd, file->name, W_OK, 0) != 0)
        return outfile_error(error, path, ERROR_CANNOT_CREATE, errno, "cannot be replaced");
    return outfile_open_temporary(file, &old, exists, error);
}

bool outfile_open(struct outfile *file, const char *path, unsigned flags, struct error *error)
{
    *file = (struct outfile){
        .fd = -1, .dir_fd = -1, .exclusive = (flags & OUTFILE_EXCLUSIVE) != 0};
    if (strcmp(path, "-") == 0) {
        file->fd = STDOUT_FILENO;
        return true;
    }
    if (outfile_prepare(file, path, flags, error))
        return true;
    outfile_discard(file);
    return false;
}

/* By the descriptor itself where the kernel lets us, which is quickest, else by way of /proc. */
static int outfile_link(const struct outfile *file, const char *name)
{
    char self[64];
    if (linkat(file->fd, "", file->dir_fd, name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno == EEXIST)
        return -1;
    snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    return linkat(AT_FDCWD, self, file->dir_fd, name, AT_SYMLINK_FOLLOW);
}

/* Gives the unnamed file a name for a moment and renames it over the target. Without the lock the
 * name is one that nobody else has, and a kill in that moment would leave it. */
static bool outfile_replace(const struct outfile *file)
{
    char name[NAME_MAX + 1];
    struct timespec now;
    bool locked = outfile_lock(file, 1000);
    outfile_new_name(file, name);
    if (locked) {
        outfile_clear_left_over(file);
    } else {
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(name, sizeof name, ".imgtool-%ld-%lx", (long)getpid(), (unsigned long)now.tv_nsec);
    }
    bool done = outfile_link(file, name) == 0 &&
                renameat(file->dir_fd, name, file->dir_fd, file->name) == 0;
    if (!done) {
        int reason = errno;
        if (reason != EEXIST)
            unlinkat(file->dir_fd, name, 0);
        errno = reason;
    }
    if (locked)
        flock(file->dir_fd, LOCK_UN);
    return done;
}

static bool outfile_place(struct outfile *file)
{
    if (file->temporary[0] == '\0')
        return outfile_link(file, file->name) == 0 ||
               (errno == EEXIST && !file->exclusive && outfile_replace(file));
    unsigned flags = file->exclusive ? RENAME_NOREPLACE : 0;
    int result =
        renameat2(file->dir_fd, file->temporary, file->dir_fd, file->name, flags);
    if (result != 0 && errno == EINVAL && flags != 0) /* a file system without the flag */
        result = linkat(file->dir_fd, file->temporary, file->dir_fd, file->name, 0) == 0
                     ? unlinkat(file->dir_fd, file->temporary, 0)
                     : -1;
    if (result != 0)
        return false;
    signals_drop_temporary(file->temporary);
    file->temporary[0] = '\0';
    return true;
}

static bool outfile_close(struct outfile *file)
{
    int fd = file->fd;
    file->fd = -1;
    return fd == STDOUT_FILENO || close(fd) == 0;
}

bool outfile_sync(struct outfile *file, struct error *error)
{
    file->synced = file->synced || file->dir_fd < 0 || fsync(file->fd) == 0;
    return file->synced || outfile_error(error, file->path, ERROR_IO, errno, "cannot be written");
}

bool outfile_commit(struct outfile *file, struct error *error)
{
    const char *path = file->path == NULL ? "stdout" : file->path;
    bool done = outfile_sync(file, error);
    if (file->dir_fd >= 0) {
        signals_hold();
        if (done && !outfile_place(file))
            done = outfile_error(error, path, ERROR_CANNOT_CREATE, errno, "cannot be put in place");
        signals_release();
    }
    if (!outfile_close(file) && done)
        done = outfile_error(error, path, ERROR_IO, errno, "cannot be written");
    outfile_discard(file);
    return done;
}

void outfile_discard(struct outfile *file)
{
    if (file->temporary[0] != '\0') {
        unlinkat(file->dir_fd, file->temporary, 0);
        signals_drop_temporary(file->temporary);
        file->temporary[0] = '\0';
    }
    if (file->fd > STDOUT_FILENO)
        close(file->fd);
    if (file->dir_fd >= 0)
        close(file->dir_fd);
    free(file->path);
    *file = (struct outfile){.fd = -1, .dir_fd = -1};
}

bool outfile_same_target(const struct outfile *one, const struct outfile *two)
{
    struct stat a, b;
    bool named = one->dir_fd >= 0;
    if (named != (two->dir_fd >= 0) || (named && strcmp(one->name, two->name) != 0))
        return false;
    return fstat(named ? one->dir_fd : one->fd, &a) == 0 &&
           fstat(named ? two->dir_fd : two->fd, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino && !S_ISCHR(a.st_mode);
}

bool outfile_is_same(const struct outfile *file, const struct stat *status)
{
    struct stat target;
    int result = file->dir_fd < 0 ? fstat(file->fd, &target)
                                  : fstatat(file->dir_fd, file->name, &target, AT_SYMLINK_NOFOLLOW);
    return result == 0 && S_ISREG(target.st_mode) && target.st_dev == status->st_dev &&
           target.st_ino == status->st_ino;
}

bool outfile_replaces(const struct outfile *file, const char *path)
{
    struct stat status;
    return path != NULL && root_status(path, &status) && outfile_is_same(file, &status);
}
