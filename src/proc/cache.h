/* SPDX-License-Identifier: MIT */
/* A cache of work done: answers and outputs by key (proc/work_key.h).
 *
 * DIR/imgtool-cache-1/ab/cdef… is one file for each entry: the answer, and the bytes of all
 * outputs, all under SHA-256. An entry is written unnamed and then linked into its place, is never
 * changed after, and is removed by unlinking: so any number of processes may use one cache, a
 * reader has a whole entry or none, and a kill leaves nothing. Entries are not synced: what a power
 * failure damages is found by its hash.
 *
 * Outputs are placed as any output is (base/outfile.h: whole or not at all), by reflink where the
 * file system can, else by copying; never by a hard link: whoever then edits the picture in place
 * would change the entry. Nothing is placed before all hashes are known to be right; an entry that
 * is damaged is removed and is a miss.
 *
 * The time of an entry's last use is its modification time; entries over the size of the cache go,
 * least recently used first. A cache that cannot be written to goes on as one that is only read.
 * The cache itself is not confined by --root. */
#ifndef PROC_CACHE_H
#define PROC_CACHE_H

#include <jansson.h>

#include "proc/hash.h"
#include "proc/plan.h"

struct cache;

struct cache_counts {
    uint64_t hits, misses, damaged, stored, removed;
};

/* Opens the cache in DIR, made if missing (mode 0700). MAX_BYTES 0: no limit. ERROR_CANNOT_CREATE.
 */
bool cache_open(struct cache **cache, const char *dir, uint64_t max_bytes, struct error *error);

/* Answers PLAN from the cache: its outputs are placed, and the answer is returned as it was put,
 * with the names of files those of PLAN (id, times and `cached` are the caller's to put in), to be
 * freed with json_decref(). NULL: a miss, also where an output cannot be placed, as the job itself
 * says best why. */
json_t *cache_get(struct cache *cache, const char *key, const struct plan *plan);

/* Stores ANSWER and the outputs that it names, just written by PLAN. Does nothing where that is no
 * use: a job that failed, a trial, input replaced by output, files written that no report names,
 * inputs that changed meanwhile. False, once, where the cache cannot be written to: ERROR is a
 * warning. */
bool cache_put(struct cache *cache, const char *key, const struct plan *plan, const json_t *answer,
               struct error *error);

struct cache_counts cache_counts(const struct cache *cache);

void cache_close(struct cache *cache);

/* ---- looking after a cache (imgtool cache) ---- */

struct cache_stats {
    uint64_t entries, bytes;
    int64_t oldest, newest; /* last use, in seconds since 1970; 0 in an empty cache */
};

/* ERROR_NO_INPUT where DIR has no cache. */
bool cache_stat(const char *dir, struct cache_stats *stats, struct error *error);

/* Removes entries, least recently used first, until at most MAX_BYTES are left, and what killed
 * processes left over. *REMOVED is what went, *LEFT what stays. */
bool cache_prune(const char *dir, uint64_t max_bytes, struct cache_stats *removed,
                 struct cache_stats *left, struct error *error);

#endif
