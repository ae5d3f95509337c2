/* SPDX-License-Identifier: MIT */
/* --root DIR: every file that a command opens by name lies below one directory.
 *
 * Names are then relative to DIR, and the kernel itself resolves them below it (openat2 with
 * RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS): `..` and symbolic links may be used where they stay
 * below, while an absolute name, `..` out, a link that leads out or is absolute, and the links of
 * /proc are ERROR_POLICY, whatever is renamed or replaced meanwhile. Nothing is trusted because of
 * an earlier look: what counts is a descriptor, which is what is read, or is the directory in which
 * the output appears. Only regular files are read and written.
 *
 * Not confined is what does not come with the data: DIR itself, descriptors that the caller opened
 * (stdin, stdout, --report-fd), programs and recipes of the installation and --recipe-dir,
 * --slots-dir. Without --root the functions are what their plain counterparts are. */
#ifndef BASE_ROOT_H
#define BASE_ROOT_H

#include <sys/stat.h>

#include "base/error.h"

/* From here on all names lie below DIR. ERROR_NO_INPUT where it cannot be opened,
 * ERROR_UNAVAILABLE where the kernel (before Linux 5.6) or a filter of the surroundings does not
 * know openat2. Before any thread is started. */
bool root_set(const char *dir, struct error *error);
bool root_is_set(void);

/* As open(); errno is EXDEV for what lies outside. */
int root_open(const char *path, int flags, mode_t mode);

/* As stat(), by way of a descriptor. */
bool root_status(const char *path, struct stat *status);

/* True where PATH names the very file of STATUS, a regular one; not for NULL and "-". */
bool root_is_same(const char *path, const struct stat *status);

/* Opens PATH for reading. Below a root nothing but a regular file or a directory, and without ever
 * waiting for a FIFO. -1 with ERROR set: ERROR_POLICY, or ERROR_NO_INPUT. */
int root_open_input(const char *path, struct error *error);

/* True where PATH may be named, whether or not it exists; ERROR_POLICY where it lies outside. */
bool root_check(const char *path, struct error *error);

/* True where ERRNUM, after one of the above, says that a name lies outside; and the ERROR_POLICY for
 * it. */
bool root_is_outside(int errnum);
bool root_refuse_outside(struct error *error);

/* ERROR_POLICY where STATUS is not that of a regular file. */
bool root_check_regular(const struct stat *status, struct error *error);

#endif
