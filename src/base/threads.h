/* SPDX-License-Identifier: MIT */
/* Work cut over a few threads. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stddef.h>

/* The processors that this process may use: affinity mask and cgroup CPU quota, at least 1. */
unsigned threads_available(void);

/* Calls WORK(CONTEXT, i) for each i below COUNT, on at most THREADS threads, the caller's own
 * among them, and returns when all are done. Runs on fewer where a thread cannot be had. The order
 * is not defined, so WORK must write to places that depend on i alone. WORK may call this again:
 * its parts then go to whoever is free. The threads stay for the next call. */
void threads_for(unsigned threads, size_t count, void (*work)(void *context, size_t index),
                 void *context);

#endif
