/* SPDX-License-Identifier: MIT */
/* Files that appear whole or not at all.
 *
 * The bytes go to an unnamed temporary in the target's directory; outfile_commit() syncs it and
 * puts it in the target's place. To replace an existing file it needs a name of its own between
 * linking and renaming, some 10 microseconds (".NAME.HASH.imgtool"); the directory is locked
 * meanwhile, so that several processes may write one target, and the next output to the same
 * target clears away what a kill just there leaves. Where the file system has no unnamed files, a
 * named temporary is used and removed on signals. The new file has the mode of the old one, and its
 * group where that may be given; otherwise it is for nobody who was shut out before. Devices,
 * pipes, sockets and names of descriptors (/dev/fd/N) are written directly, and below --root
 * refused (base/root.h): there everything happens in the one directory that was opened beneath
 * it. */
#ifndef BASE_OUTFILE_H
#define BASE_OUTFILE_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

struct outfile {
    int fd;          /* write here */
    char *path;      /* the target, symbolic links resolved */
    int dir_fd;      /* its directory; -1 where the target is written directly */
    char *name;      /* its last component; points into PATH */
    char temporary[256]; /* the named temporary's name; empty where it is unnamed */
    bool exclusive;  /* the target must not exist */
    bool synced;
};

enum outfile_flags {
    OUTFILE_EXCLUSIVE = 1, /* refuse an existing target */
    OUTFILE_MKDIR = 2      /* create missing directories */
};

/* True where OUTFILE_MKDIR would create the directory of PATH. */
bool outfile_lacks_directory(const char *path);

/* Prepares for writing to PATH ("-": standard output). Nothing is visible yet. Every refusal is
 * ERROR_CANNOT_CREATE, or ERROR_POLICY by --root, with error.file set. */
bool outfile_open(struct outfile *file, const char *path, unsigned flags, struct error *error);

/* Waits until all that was written is on the disk, which outfile_commit() then need not do: for
 * threads that write several files, as one wait after the other takes long. */
bool outfile_sync(struct outfile *file, struct error *error);

/* Syncs and puts the file in its place, or fails and leaves the old one. Closes FILE either way. */
bool outfile_commit(struct outfile *file, struct error *error);

/* Gives the new bytes up. Fine on a file that was committed, or on {.fd = -1}. */
void outfile_discard(struct outfile *file);

/* True where both would become the same file, or go into one stream; many may go to a device. */
bool outfile_same_target(const struct outfile *one, const struct outfile *two);

/* True where FILE would replace the file that STATUS describes (same device and inode). */
bool outfile_is_same(const struct outfile *file, const struct stat *status);

/* The same for the file PATH; NULL is none. */
bool outfile_replaces(const struct outfile *file, const char *path);

#endif
