/* SPDX-License-Identifier: MIT */
/* Copies parts of files, shares their blocks where the file system can, and hashes them on the way.
 */
#ifndef PROC_CACHE_COPY_H
#define PROC_CACHE_COPY_H

#include "proc/hash.h"

enum { CACHE_BLOCK = 4096 };

struct cache_range {
    int fd;
    uint64_t offset; /* a multiple of CACHE_BLOCK */
};

enum cache_copy_end {
    CACHE_COPY_DONE,
    CACHE_COPY_UNREADABLE, /* there are not so many bytes to read */
    CACHE_COPY_UNWRITABLE  /* errno says why */
};

/* OFFSET up to the next multiple of CACHE_BLOCK. */
uint64_t cache_align(uint64_t offset);

/* Copies BYTES to the end of a file, which TO is. *HASH is that of what was read. */
enum cache_copy_end cache_copy(struct cache_range from, struct cache_range to, uint64_t bytes,
                               struct hash *hash);

#endif
