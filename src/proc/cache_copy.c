/* SPDX-License-Identifier: MIT */
#include "proc/cache_copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 128 * 1024 };

uint64_t cache_align(uint64_t offset)
{
    return (offset + CACHE_BLOCK - 1) / CACHE_BLOCK * CACHE_BLOCK;
}

/* Shares the blocks: no bytes are written. Whole blocks are taken where FROM has more than that. */
static bool share(struct cache_range from, struct cache_range to, uint64_t bytes)
{
    struct stat status;
    if (bytes == 0 || fstat(from.fd, &status) != 0)
        return false;
    uint64_t whole = cache_align(bytes), rest = (uint64_t)status.st_size - from.offset;
    struct file_clone_range range = {.src_fd = from.fd,
                                     .src_offset = from.offset,
                                     .src_length = rest < whole ? bytes : whole,
                                     .dest_offset = to.offset};
    return ioctl(to.fd, FICLONERANGE, &range) == 0 &&
           ftruncate(to.fd, (off_t)(to.offset + bytes)) == 0;
}

static bool write_at(struct cache_range to, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t count = pwrite(to.fd, data, size, (off_t)to.offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        data += count;
        to.offset += (uint64_t)count;
        size -= (size_t)count;
    }
    return true;
}

/* Reads and hashes, and writes unless that is done already. */
static enum cache_copy_end pass_through(struct cache_range from, struct cache_range to,
                                        uint64_t bytes, bool shared, struct hash_state *state,
                                        uint8_t *buffer)
{
    while (bytes > 0) {
        size_t wanted = bytes < BUFFER_BYTES ? (size_t)bytes : BUFFER_BYTES;
        ssize_t count = pread(from.fd, buffer, wanted, (off_t)from.offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return CACHE_COPY_UNREADABLE;
        hash_add(state, buffer, (size_t)count);
        if (!shared && !write_at(to, buffer, (size_t)count))
            return CACHE_COPY_UNWRITABLE;
        from.offset += (uint64_t)count;
        to.offset += (uint64_t)count;
        bytes -= (uint64_t)count;
    }
    return CACHE_COPY_DONE;
}

enum cache_copy_end cache_copy(struct cache_range from, struct cache_range to, uint64_t bytes,
                               struct hash *hash)
{
    struct hash_state state;
    uint8_t *buffer = malloc(BUFFER_BYTES);
    if (buffer == NULL)
        return CACHE_COPY_UNWRITABLE;
    hash_begin(&state);
    bool shared = share(from, to, bytes);
    enum cache_copy_end end = pass_through(from, to, bytes, shared, &state, buffer);
    hash_end(&state, hash);
    free(buffer);
    return end;
}
