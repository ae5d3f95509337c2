/* SPDX-License-Identifier: MIT */
/* The file of one cache entry:
 *
 *     the bytes of each output, each beginning at a multiple of 4096 so that file systems can share
 *     them with the file in question; a header, from the next multiple on; and one last line,
 *     "imgtool-cache 1 SHA-256-OF-THE-HEADER LENGTH-OF-THE-HEADER".
 *
 * The header is a JSON object: `key`, `answer`, and, as JSON spells them, the names of the
 * `inputs`, of the `place` where outputs went, and of the `files`, with bytes, sha256 and offset.
 */
#ifndef PROC_CACHE_ENTRY_H
#define PROC_CACHE_ENTRY_H

#include <jansson.h>

#include "proc/hash.h"
#include "proc/work_place.h"

#define CACHE_TRAILER "imgtool-cache 1 "

enum {
    CACHE_TRAILER_BYTES = sizeof CACHE_TRAILER - 1 + HASH_HEX - 1 + 1 + 10 + 1,
    CACHE_MOST_HEADER = 64 << 20,
    CACHE_MOST_FILES = 256
};

struct cache_entry {
    int fd; /* not owned */
    json_t *header;
    size_t file_count;
    uint64_t bytes; /* of the file */
};

enum cache_written {
    CACHE_WRITTEN,
    CACHE_NO_USE, /* what was to be stored is not there, or changes */
    CACHE_FULL    /* the cache cannot be written to; ERROR says why */
};

/* Writes an entry to the empty file FD. */
enum cache_written cache_entry_write(int fd, const char *key, const struct work_place *place,
                                     const json_t *answer, struct error *error);

/* Reads the entry FD, which should be that of KEY. False where it is damaged. */
bool cache_entry_read(struct cache_entry *entry, int fd, const char *key);
void cache_entry_free(struct cache_entry *entry);

/* The name of file I on disk where the outputs go to PLACE. False where it does not fit there. */
bool cache_entry_name(const struct cache_entry *entry, size_t i, const struct work_place *place,
                      struct text *name);

enum cache_copied { CACHE_COPIED, CACHE_DAMAGED, CACHE_UNWRITABLE };

/* Copies file I to the empty file FD, and checks it. */
enum cache_copied cache_entry_copy(const struct cache_entry *entry, size_t i, int fd);

/* The answer, with the names of files as in PLACE; to be freed. */
json_t *cache_entry_answer(const struct cache_entry *entry, const struct work_place *place);

#endif
