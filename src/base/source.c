/* SPDX-License-Identifier: MIT */
#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/root.h"
#include "base/slots.h"

enum { BLOCK_BYTES = 64 * 1024 };

static bool source_over_limit(const struct source *source, struct error *error)
{
    if (source->limit_bytes < 1 << 20)
        return error_set(error, ERROR_LIMIT, "larger than the %llu bytes limit: --max-input-bytes",
                         (unsigned long long)source->limit_bytes);
    return error_set(error, ERROR_LIMIT, "larger than the %.1f MiB limit: --max-input-bytes",
                     (double)source->limit_bytes / (1024.0 * 1024.0));
}

static bool source_examine(struct source *source, struct error *error)
{
    struct stat status;
    if (fstat(source->fd, &status) != 0)
        return error_errno(error, ERROR_NO_INPUT, errno, "cannot be opened");
    if (S_ISDIR(status.st_mode))
        return error_set(error, ERROR_NO_INPUT, "is a directory, an image file is expected");
    /* A file on stdin may have been read in part by somebody else: only its start can be rewound. */
    source->regular = S_ISREG(status.st_mode) && lseek(source->fd, 0, SEEK_CUR) == 0;
    if (!source->regular)
        return true;
    source->size_bytes = status.st_size;
    return true;
}

bool source_check_limit(const struct source *source, struct error *error)
{
    return source->size_bytes < 0 || (uint64_t)source->size_bytes <= source->limit_bytes ||
           source_over_limit(source, error);
}

static bool source_begin(struct source *source, int fd, struct error *error)
{
    source->fd = fd;
    source->block = memory_array(BLOCK_BYTES, 1, error);
    source->block_size = BLOCK_BYTES;
    if (source->block == NULL || !source_examine(source, error)) {
        source_close(source);
        return false;
    }
    return true;
}

bool source_open(struct source *source, const char *name, uint64_t limit_bytes, struct error *error)
{
    int fd = STDIN_FILENO;
    *source = (struct source){.name = name, .fd = -1, .size_bytes = -1, .limit_bytes = limit_bytes};
    if (!slots_enter(error))
        return false;
    if (strcmp(name, "-") != 0)
        fd = root_open_input(name, error);
    else if (fcntl(STDIN_FILENO, F_GETFL) < 0 ||
             (fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return error_set(error, ERROR_NO_INPUT, "is closed");
    return fd >= 0 && source_begin(source, fd, error);
}

bool source_open_own(struct source *source, const char *name, uint64_t limit_bytes,
                     struct error *error)
{
    *source = (struct source){.name = name, .fd = -1, .size_bytes = -1, .limit_bytes = limit_bytes};
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(error, ERROR_NO_INPUT, errno, "cannot be opened");
    return source_begin(source, fd, error);
}

void source_from_memory(struct source *source, const void *data, size_t size)
{
    *source = (struct source){.name = "memory",
                              .fd = -1,
                              .size_bytes = (int64_t)size,
                              .limit_bytes = UINT64_MAX,
                              .block = (uint8_t *)(uintptr_t)data,
                              .block_end = size,
                              .held = true,
                              .at_end = true};
}

void source_close(struct source *source)
{
    if (source->block_size > 0)
        free(source->block);
    if (source->fd > STDIN_FILENO && !source->positioned)
        close(source->fd);
    source->block = NULL;
    source->block_size = 0;
    source->fd = -1;
}

/* One read() that survives EINTR; 0 at the end, -1 on failure. */
static ssize_t source_receive(struct source *source, void *buffer, size_t size, struct error *error)
{
    ssize_t got;
    uint64_t offset = source->taken_bytes + (source->block_end - source->block_start);
    do
        got = source->positioned ? pread(source->fd, buffer, size, (off_t)offset)
                                 : read(source->fd, buffer, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        error_errno(error, ERROR_IO, errno, "cannot be read");
    else if (got == 0)
        source->at_end = true;
    return got;
}

/* Reads more behind what the block holds. */
static bool source_fill(struct source *source, struct error *error)
{
    ssize_t got = source_receive(source, source->block + source->block_end,
                                 source->block_size - source->block_end, error);
    if (got < 0)
        return false;
    source->block_end += (size_t)got;
    if (source->taken_bytes + (source->block_end - source->block_start) > source->limit_bytes)
        return source_over_limit(source, error);
    return true;
}

const uint8_t *source_peek(struct source *source, size_t wanted, size_t *got, struct error *error)
{
    if (!source->held && source->block_start > 0 &&
        source->block_start + wanted > source->block_size) {
        memmove(source->block, source->block + source->block_start,
                source->block_end - source->block_start);
        source->block_end -= source->block_start;
        source->block_start = 0;
    }
    while (!source->at_end && source->block_end - source->block_start < wanted)
        if (!source_fill(source, error))
            return NULL;
    *got = source->block_end - source->block_start;
    return source->block + source->block_start;
}

void source_take(struct source *source, size_t count)
{
    source->block_start += count;
    source->taken_bytes += count;
    if (!source->held && source->block_start == source->block_end)
        source->block_start = source->block_end = 0;
}

bool source_read(struct source *source, void *buffer, size_t size, size_t *got, struct error *error)
{
    uint8_t *to = buffer;
    size_t done = source->block_end - source->block_start;
    if (done > size)
        done = size;
    memcpy(to, source->block + source->block_start, done);
    source_take(source, done);
    while (done < size && !source->at_end) {
        ssize_t count = source_receive(source, to + done, size - done, error);
        if (count < 0)
            return false;
        done += (size_t)count;
        source->taken_bytes += (uint64_t)count;
        if (source->taken_bytes > source->limit_bytes)
            return source_over_limit(source, error);
    }
    *got = done;
    return true;
}

/* Reads the rest into one growing block; nothing may have been taken before. */
static bool source_slurp(struct source *source, struct error *error)
{
    source->held = true;
    while (!source->at_end) {
        if (source->block_end == source->block_size) {
            size_t larger = source->block_size * 2;
            uint8_t *block = realloc(source->block, larger);
            if (block == NULL)
                return error_set(error, ERROR_NO_MEMORY, "out of memory for %zu bytes of input",
                                 larger);
            source->block = block;
            source->block_size = larger;
        }
        if (!source_fill(source, error))
            return false;
    }
    return true;
}

bool source_hold(struct source *source, struct error *error)
{
    if (source->regular || source->held)
        return true;
    return source_slurp(source, error);
}

bool source_rewind(struct source *source, struct error *error)
{
    source->taken_bytes = 0;
    source->block_start = 0;
    if (source->held)
        return true;
    source->block_end = 0;
    source->at_end = false;
    if (lseek(source->fd, 0, SEEK_SET) != 0)
        return error_errno(error, ERROR_IO, errno, "cannot be read again");
    return true;
}

bool source_again(struct source *again, const struct source *source, size_t block_bytes,
                  struct error *error)
{
    if (source->held) {
        source_from_memory(again, source->block, source->block_end);
        return true;
    }
    *again = *source;
    again->positioned = true;
    again->at_end = false;
    again->taken_bytes = 0;
    again->block_start = again->block_end = 0;
    again->block_size = block_bytes;
    again->block = memory_array(block_bytes, 1, error);
    if (again->block == NULL)
        again->block_size = 0;
    return again->block != NULL;
}

bool source_skip(struct source *source, uint64_t count, struct error *error)
{
    size_t near = source->block_end - source->block_start;
    near = count < near ? (size_t)count : near;
    source_take(source, near);
    uint64_t far = source->held ? 0 : count - near;
    source->taken_bytes += far;
    if (far > 0 && !source->positioned && lseek(source->fd, (off_t)far, SEEK_CUR) < 0)
        return error_errno(error, ERROR_IO, errno, "cannot be read");
    return true;
}

bool source_whole(struct source *source, const uint8_t **data, size_t *size, struct error *error)
{
    if (!source->held) {
        /* One allocation of the right size where it is known; one byte more meets the end. */
        if (source->regular && source->size_bytes >= (int64_t)source->block_size) {
            uint8_t *block = realloc(source->block, (size_t)source->size_bytes + 1);
            if (block == NULL)
                return error_set(error, ERROR_NO_MEMORY, "out of memory for %lld bytes of input",
                                 (long long)source->size_bytes);
            source->block = block;
            source->block_size = (size_t)source->size_bytes + 1;
        }
        if (!source_slurp(source, error))
            return false;
    }
    *data = source->block;
    *size = source->block_end;
    return true;
}

void source_raise_limit(struct source *source, uint64_t bytes)
{
    if (!source->limit_fixed && bytes > source->limit_bytes)
        source->limit_bytes = bytes;
}
