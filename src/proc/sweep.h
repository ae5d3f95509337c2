/* SPDX-License-Identifier: MIT */
/* Whoever escapes from its process group is found again: the kernel hands every orphan among our
 * descendants to us, and whom we did not start is ended.
 *
 * Everything here belongs to a program of one thread. */
#ifndef PROC_SWEEP_H
#define PROC_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* From here on orphans are handed to this process (PR_SET_CHILD_SUBREAPER). Children that it has
 * already, from the program that it was before exec(), are left alone. */
void sweep_begin(void);

/* Kills and reaps every child whose number is not among the COUNT of OURS. True where one that was
 * killed has not ended yet: its end, which is a SIGCHLD, may hand us further ones: call again. */
bool sweep_strangers(const pid_t *ours, size_t count);

/* Sweeps until there is no stranger left, at most WAIT_MS long. False where there is. */
bool sweep_all(int64_t wait_ms);

#endif
