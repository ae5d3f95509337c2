/* SPDX-License-Identifier: MIT */
/* Which jobs the files of a journal know as done, and where their lines stand. */
#ifndef PROC_JOURNAL_INDEX_H
#define PROC_JOURNAL_INDEX_H

#include <jansson.h>

#include "proc/hash.h"

#define JOURNAL_SUFFIX ".ndjson"

struct journal_index {
    struct journal_entry *entries; /* a hash table, at most three quarters full */
    size_t count, capacity;
    char **names; /* of the files */
    size_t name_count;
    uint64_t damaged; /* lines */
    unsigned foreign; /* files of a directory that are no journal */
};

/* Reads the file NAME, which may be missing. KEEP: its jobs go into the index. ERROR_USAGE where it
 * is something else than a journal. */
bool journal_index_file(struct journal_index *index, const char *name, bool keep,
                        struct error *error);

/* Reads all files of the directory NAME that end with JOURNAL_SUFFIX, in the order of their names.
 */
bool journal_index_directory(struct journal_index *index, const char *name, struct error *error);

/* Adds the file NAME without reading it; *NUMBER is what journal_index_put() wants. */
bool journal_index_name(struct journal_index *index, const char *name, uint32_t *number);

/* JOB is done: its line stands at OFFSET of the file NUMBER and has LENGTH bytes. */
bool journal_index_put(struct journal_index *index, const struct hash *job, uint32_t number,
                       uint64_t offset, size_t length);

/* The line of JOB as an object, or NULL. */
json_t *journal_index_find(const struct journal_index *index, const struct hash *job);

void journal_index_free(struct journal_index *index);

#endif
