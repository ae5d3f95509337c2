/* SPDX-License-Identifier: MIT */
/* Output bytes: to a descriptor or into memory, every write checked. The first failure stays: a
 * codec deep in a foreign library may go on writing, and the end sees it. */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sink {
    int fd;              /* -1: into memory */
    uint8_t *data;       /* pending bytes of a descriptor, or all bytes of a memory sink */
    size_t used, capacity;
    uint64_t total_bytes;
    struct error error;  /* the first failure */
};

/* Starts a sink. The descriptor is not owned. */
void sink_to_fd(struct sink *sink, int fd);
void sink_to_memory(struct sink *sink);

/* Appends. Short writes and EINTR are survived; false after any failure. */
bool sink_write(struct sink *sink, const void *data, size_t size);

/* Writes what is pending. False where this or any earlier write failed; see sink->error. */
bool sink_flush(struct sink *sink);

/* Frees the buffer (also a memory sink's bytes). Does not flush. */
void sink_free(struct sink *sink);

#endif
