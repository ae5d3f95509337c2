/* SPDX-License-Identifier: MIT */
/* Input bytes: a file or a pipe, read once from front to back, with a look at the first bytes and,
 * where a format needs two passes, a way back.
 *
 * A regular file is read in blocks and never held whole, so that memory does not grow with it. A
 * pipe is held whole only from source_hold() on. Reading stops with ERROR_LIMIT past the limit. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct source {
    const char *name;    /* as the user gave it; "-" is stdin; not owned */
    int fd;
    bool regular;        /* can be read again from its start */
    int64_t size_bytes;  /* of a regular file; -1 where it is not known */
    uint64_t limit_bytes;
    bool limit_fixed;    /* the user chose the limit; set it after source_open() */
    uint64_t taken_bytes; /* handed out so far, the look-ahead not counted */
    uint8_t *block;      /* look-ahead, or from source_hold() on the whole input */
    size_t block_size, block_start, block_end;
    bool held, at_end;
    bool positioned;     /* see source_again() */
};

/* Opens NAME ("-": descriptor 0). A directory, or a name that cannot be opened, is
 * ERROR_NO_INPUT; what --root does not allow is ERROR_POLICY. Takes the process's slot first where
 * one was announced: ERROR_BUSY. */
bool source_open(struct source *source, const char *name, uint64_t limit_bytes, struct error *error);

/* The same for a file of the installation: --root is about data, and slots about work. */
bool source_open_own(struct source *source, const char *name, uint64_t limit_bytes,
                     struct error *error);

/* ERROR_LIMIT where the size is known and over the limit, without reading that far. */
bool source_check_limit(const struct source *source, struct error *error);

/* For tests and for data already in memory; DATA is not owned and must outlive SOURCE. */
void source_from_memory(struct source *source, const void *data, size_t size);

void source_close(struct source *source);

/* The next bytes without taking them: at least WANTED (at most 64 KiB) unless the input ends
 * before. *GOT says how many there are. NULL only on a read error. */
const uint8_t *source_peek(struct source *source, size_t wanted, size_t *got, struct error *error);

/* Takes GOT bytes that source_peek() showed. */
void source_take(struct source *source, size_t count);

/* Reads up to SIZE bytes, all of them unless the input ends. *GOT < SIZE means the end. */
bool source_read(struct source *source, void *buffer, size_t size, size_t *got, struct error *error);

/* Makes source_rewind() possible: nothing to do for a regular file, reads a pipe whole. */
bool source_hold(struct source *source, struct error *error);

/* Back to the first byte; only after source_hold(). */
bool source_rewind(struct source *source, struct error *error);

/* Opens AGAIN: the same bytes once more, from the first on and at their own pace, with a look-ahead
 * of BLOCK_BYTES. Only after source_hold(), and SOURCE must outlive it. */
bool source_again(struct source *again, const struct source *source, size_t block_bytes,
                  struct error *error);

/* Passes over COUNT bytes without reading them, only after source_hold(). */
bool source_skip(struct source *source, uint64_t count, struct error *error);

/* All bytes from the first to the last, in memory that SOURCE owns. For codecs that take memory. */
bool source_whole(struct source *source, const uint8_t **data, size_t *size, struct error *error);

/* Lifts the limit to BYTES where that is more: for formats whose header states the size, once it
 * has been judged. Does nothing where the user chose the limit. */
void source_raise_limit(struct source *source, uint64_t bytes);

#endif
