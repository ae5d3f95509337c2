/* SPDX-License-Identifier: MIT */
/* Whole lines to a descriptor whose reader may be slow: they wait here, and nobody waits for them.
 *
 * The descriptor stays as it is, as other processes may share it: what poll() says is writable
 * takes at least PIPE_BUF bytes without waiting, so no more is written at a time. */
#ifndef PROC_OUTLET_H
#define PROC_OUTLET_H

#include <poll.h>
#include <stdint.h>

#include "base/text.h"

struct outlet {
    int fd;
    struct text pending;
    size_t sent;      /* of PENDING */
    size_t most_bytes; /* beyond them lines are dropped; 0: never */
    uint64_t dropped; /* lines */
    int failure;      /* errno of a write that failed, after which nothing is taken; 0: none */
};

void outlet_begin(struct outlet *outlet, int fd, size_t most_bytes);
void outlet_free(struct outlet *outlet);

/* Adds a line, its end included. */
void outlet_add(struct outlet *outlet, const char *line, size_t length);

/* Bytes that wait. */
size_t outlet_waiting(const struct outlet *outlet);

/* Writes what can be written without waiting. */
void outlet_flush(struct outlet *outlet);

#endif
