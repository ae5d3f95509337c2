/* SPDX-License-Identifier: MIT */
#include "proc/outlet.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

void outlet_begin(struct outlet *outlet, int fd, size_t most_bytes)
{
    *outlet = (struct outlet){.fd = fd, .most_bytes = most_bytes};
}

void outlet_free(struct outlet *outlet)
{
    text_free(&outlet->pending);
    outlet->sent = 0;
}

size_t outlet_waiting(const struct outlet *outlet)
{
    return outlet->pending.length - outlet->sent;
}

void outlet_add(struct outlet *outlet, const char *line, size_t length)
{
    if (outlet->failure != 0)
        return;
    if (outlet->most_bytes > 0 && outlet_waiting(outlet) + length > outlet->most_bytes) {
        outlet->dropped++;
        return;
    }
    text_add_bytes(&outlet->pending, line, length);
    if (outlet->pending.failed)
        outlet->failure = ENOMEM;
}

/* As many whole lines as fit into one write that does not wait, or the beginning of a longer one:
 * then lines of several processes that share the descriptor do not mix. */
static size_t outlet_portion(const struct outlet *outlet)
{
    const char *begin = outlet->pending.data + outlet->sent;
    size_t there = outlet_waiting(outlet);
    if (there <= PIPE_BUF)
        return there;
    const char *newline = memrchr(begin, '\n', PIPE_BUF);
    return newline == NULL ? PIPE_BUF : (size_t)(newline - begin) + 1;
}

void outlet_flush(struct outlet *outlet)
{
    while (outlet->failure == 0 && outlet_waiting(outlet) > 0) {
        struct pollfd poll_fd = {.fd = outlet->fd, .events = POLLOUT};
        if (poll(&poll_fd, 1, 0) <= 0)
            break;
        ssize_t sent = write(outlet->fd, outlet->pending.data + outlet->sent,
                             outlet_portion(outlet));
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0 && errno != EINTR)
            outlet->failure = errno;
        if (sent > 0)
            outlet->sent += (size_t)sent;
    }
    /* What was sent makes room, without moving the rest each time. */
    if (outlet_waiting(outlet) == 0) {
        outlet->pending.length = outlet->sent = 0;
    } else if (outlet->sent > outlet->pending.length / 2) {
        memmove(outlet->pending.data, outlet->pending.data + outlet->sent, outlet_waiting(outlet));
        outlet->pending.length = outlet_waiting(outlet);
        outlet->sent = 0;
    }
}
