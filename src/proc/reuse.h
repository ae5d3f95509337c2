/* SPDX-License-Identifier: MIT */
/* Work that was done before: the journal and the cache of a batch, as one. */
#ifndef PROC_REUSE_H
#define PROC_REUSE_H

#include <jansson.h>

#include "proc/cache.h"
#include "proc/journal.h"
#include "proc/pool.h"

struct reuse {
    struct journal *journal; /* NULL: none */
    struct cache *cache;     /* NULL: none */
    struct error lost;       /* why the journal does not have all */
};

struct reuse_places {
    const char *journal, *cache; /* NULL: none */
    bool resume;
    uint64_t cache_bytes;
};

bool reuse_begin(struct reuse *reuse, const struct reuse_places *places, struct error *error);

/* The answer to the work of TASK, with its outputs in their places; NULL where it has to be done.
 * Keeps the task's key. A WARNING may be set in both cases, here and below. */
json_t *reuse_find(struct reuse *reuse, struct pool_task *task, struct error *warning);

/* Notes what TASK came to. */
void reuse_keep(struct reuse *reuse, const struct pool_task *task, const json_t *answer,
                struct error *warning);

/* Takes the journal to the disk. */
void reuse_sync(struct reuse *reuse, struct error *warning);

/* False where the journal does not have all, or did not reach the disk: who relies on it would do
 * work twice. */
bool reuse_end(struct reuse *reuse, struct error *error);

#endif
