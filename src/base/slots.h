/* SPDX-License-Identifier: MIT */
/* --slots N: at most N commands at once on the machine, whoever started them.
 *
 * A slot is a lock (flock) on a file slot-K of a directory that all callers share. The kernel
 * releases it when the process ends, however it ends, so that nothing is left to clean up and no
 * process is asked whether it lives. Who waits stands in a queue: a lock on the file `queue`, for
 * which the kernel wakes one waiter at a time, in their order. Only its holder looks for a free
 * slot, every few milliseconds, and then lets the next one in; so hundreds that wait cost nothing.
 *
 * N is that of each caller: one with a larger N sees more slots, of which the smaller N has the
 * first. The directory is trusted: whoever may write to it can hold slots for ever. */
#ifndef BASE_SLOTS_H
#define BASE_SLOTS_H

#include <stdint.h>

#include "base/error.h"

enum { SLOTS_MOST = 256 };

/* Takes one of COUNT slots (1 to SLOTS_MOST) of DIR for this process until it ends, waiting at most
 * WAIT_MS; ERROR_BUSY after that. Does nothing where it has one. DIR NULL is imgtool/ in
 * $XDG_RUNTIME_DIR or /run/user/UID, else /tmp/imgtool-UID.
 *
 * DIR is made (mode 0700) where it is missing, and must not be a symbolic link. It must belong to
 * us or to root and not be writable by everybody; the default one must be ours alone. ERROR_POLICY
 * where it is not, ERROR_CANNOT_CREATE where it cannot be used at all. */
bool slots_take(unsigned count, const char *dir, int64_t wait_ms, struct error *error);

/* For who must not wait, and may need several: *FD is a slot until it is closed, close-on-exec; -1
 * where none is free just now. False only on an error. */
bool slots_try(unsigned count, const char *dir, int *fd, struct error *error);

/* The same in two steps: what the command line says, and the moment from which on it counts, before
 * the first input is read. Without the first, the second does nothing. Any thread may come. */
void slots_announce(unsigned count, const char *dir, int64_t wait_ms);
bool slots_enter(struct error *error);

#endif
