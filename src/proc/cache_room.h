/* SPDX-License-Identifier: MIT */
/* The directory of a cache: making it, and making room in it. */
#ifndef PROC_CACHE_ROOM_H
#define PROC_CACHE_ROOM_H

#include "proc/cache.h"

/* The directory of the entries below DIR, opened; MAKE: made if missing. -1: ERROR_CANNOT_CREATE,
 * or ERROR_NO_INPUT where it is missing. */
int cache_room_open(const char *dir, bool make, struct error *error);

/* Adds up the entries. */
bool cache_room_measure(int dir_fd, struct cache_stats *stats, struct error *error);

/* Removes the least recently used until at most MAX_BYTES are left. WAIT: also where another
 * process is doing that; otherwise *LEFT is what there was. */
bool cache_room_prune(int dir_fd, uint64_t max_bytes, bool wait, struct cache_stats *removed,
                      struct cache_stats *left, struct error *error);

/* The path of an entry below the directory: "ab/cdef…". */
enum { CACHE_NAME = HASH_HEX + 1 };
void cache_room_name(const char *key, char name[CACHE_NAME]);

#endif
