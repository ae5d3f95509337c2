/* SPDX-License-Identifier: MIT */
/* Work cut over a few threads. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdbool.h>
#include <stddef.h>

/* The processors that this process may use: affinity mask and cgroup CPU quota, at least 1. */
unsigned threads_available(void);

/* Calls WORK(CONTEXT, i) for each i below COUNT, on at most THREADS threads, the caller's own
 * among them, and returns when all are done. Runs on fewer where a thread cannot be had. The order
 * is not defined, so WORK must write to places that depend on i alone. WORK may call this again:
 * its parts then go to whoever is free, also to those who wait for the rest of a call of theirs.
 * The threads stay for the next call. */
void threads_for(unsigned threads, size_t count, void (*work)(void *context, size_t index),
                 void *context);

/* Bands of rows that are read in order and worked on as they come, at the same time. */
struct threads_flow {
    size_t bands;
    size_t sources; /* at most THREADS_SOURCES; each is read by one thread at a time, band by band */
    size_t slots;   /* at most THREADS_SLOTS: how many bands may be there at a time */
    bool (*read)(void *context, size_t source, size_t band); /* false ends it all */
    void (*work)(void *context, size_t band, size_t lane);   /* once all sources have read BAND */
    void *context;
};

enum { THREADS_SOURCES = 2, THREADS_SLOTS = 16 };

/* Runs FLOW on at most THREADS threads and returns when all bands are worked on, or false when a
 * READ was. READ finds band B - SLOTS done with when it is called for band B, so that band B may
 * lie where that was. Each thread has a LANE of its own, below THREADS. The order of WORK is not
 * defined. A thread that has to wait helps those that called threads_for(). */
bool threads_flow(const struct threads_flow *flow, unsigned threads);

#endif
