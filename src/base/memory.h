/* SPDX-License-Identifier: MIT */
/* Memory whose size comes from outside: every product is checked for overflow, and a refusal says
 * how much was wanted. What these return is released with free(). */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* COUNT * SIZE into *PRODUCT, or false where it does not fit. */
bool memory_multiply(size_t count, size_t size, size_t *product);

/* COUNT * SIZE bytes, not cleared; NULL with ERROR_NO_MEMORY. Never NULL for a size of 0. */
void *memory_array(size_t count, size_t size, struct error *error);

/* The same, cleared. Pages that are never touched cost nothing. */
void *memory_zeroed(size_t count, size_t size, struct error *error);

/* The same for what is touched from end to end, as pixels are: where it is large it begins at a
 * huge page, and has the last one to itself. *BLOCK is what free() gets. The addresses around it,
 * up to 4 MiB, count against a limit of them, but are no memory. */
void *memory_pages(size_t count, size_t size, void **block, struct error *error);

/* A run of bytes that somebody owns: a profile, a block of metadata. Empty is {NULL, 0}. */
struct blob {
    uint8_t *data;
    size_t size;
};

/* Makes TO a copy of SIZE bytes. What TO held is not freed. */
bool blob_copy(struct blob *to, const void *data, size_t size, struct error *error);
void blob_free(struct blob *blob);

#endif
