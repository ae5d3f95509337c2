/* SPDX-License-Identifier: MIT */
#include "base/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/signals.h"

enum { PENDING_BYTES = 64 * 1024 };

void sink_to_fd(struct sink *sink, int fd)
{
    *sink = (struct sink){.fd = fd};
}

void sink_to_memory(struct sink *sink)
{
    *sink = (struct sink){.fd = -1};
}

static bool sink_reserve(struct sink *sink, size_t size)
{
    if (size <= sink->capacity - sink->used)
        return true;
    size_t wanted = sink->capacity * 2 > PENDING_BYTES ? sink->capacity * 2 : PENDING_BYTES;
    if (wanted - sink->used < size)
        wanted = sink->used + size;
    uint8_t *data = realloc(sink->data, wanted);
    if (data == NULL)
        return error_set(&sink->error, ERROR_NO_MEMORY, "out of memory for %zu bytes of output",
                         wanted);
    sink->data = data;
    sink->capacity = wanted;
    return true;
}

static bool sink_send(struct sink *sink, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = write(sink->fd, data, size);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EPIPE)
            signals_take_pipe();
        if (sent < 0)
            return error_errno(&sink->error, ERROR_IO, errno, "cannot be written");
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool sink_write(struct sink *sink, const void *data, size_t size)
{
    if (sink->error.kind != ERROR_NONE)
        return false;
    sink->total_bytes += size;
    if (sink->fd >= 0 && sink->used + size > PENDING_BYTES) {
        if (!sink_flush(sink))
            return false;
        /* What is large anyway goes out from where it lies. */
        if (size >= PENDING_BYTES)
            return sink_send(sink, data, size);
    }
    if (!sink_reserve(sink, size))
        return false;
    if (size > 0)
        memcpy(sink->data + sink->used, data, size);
    sink->used += size;
    return true;
}

bool sink_flush(struct sink *sink)
{
    if (sink->error.kind != ERROR_NONE)
        return false;
    if (sink->fd < 0)
        return true;
    size_t pending = sink->used;
    sink->used = 0;
    return sink_send(sink, sink->data, pending);
}

void sink_free(struct sink *sink)
{
    free(sink->data);
    sink->data = NULL;
    sink->used = sink->capacity = 0;
}
