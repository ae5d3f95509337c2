/* SPDX-License-Identifier: MIT */
#include "proc/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64 * 1024 };

void intake_begin(struct intake *intake, int fd)
{
    *intake = (struct intake){.fd = fd};
}

void intake_free(struct intake *intake)
{
    free(intake->data);
    *intake = (struct intake){.fd = -1};
}

/* Room for a block behind what is there. */
static bool intake_reserve(struct intake *intake)
{
    if (intake->start > 0) {
        memmove(intake->data, intake->data + intake->start, intake->end - intake->start);
        intake->end -= intake->start;
        intake->looked -= intake->looked < intake->start ? intake->looked : intake->start;
        intake->start = 0;
    }
    if (intake->capacity - intake->end >= BLOCK_BYTES)
        return true;
    size_t capacity = intake->capacity == 0 ? 2 * BLOCK_BYTES : 2 * intake->capacity;
    char *data = realloc(intake->data, capacity);
    if (data == NULL)
        return false;
    intake->data = data;
    intake->capacity = capacity;
    return true;
}

void intake_read(struct intake *intake)
{
    if (intake->at_end)
        return;
    if (!intake_reserve(intake)) {
        intake->failure = ENOMEM;
        intake->at_end = true;
        return;
    }
    ssize_t got = read(intake->fd, intake->data + intake->end, BLOCK_BYTES);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got < 0)
        intake->failure = errno;
    if (got <= 0)
        intake->at_end = true;
    else
        intake->end += (size_t)got;
}

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

enum intake_found intake_next(struct intake *intake, const char **line, size_t *length)
{
    while (intake->start < intake->end) {
        size_t there = intake->end - intake->start;
        char *begin = intake->data + intake->start;
        char *newline = memchr(begin, '\n', there);
        bool whole = newline != NULL || intake->at_end;
        size_t size = newline != NULL ? (size_t)(newline - begin) : there;
        bool too_long = size > INTAKE_MOST_BYTES;
        if (!whole && !too_long && !intake->skipping)
            return INTAKE_NOTHING;
        bool was_skipping = intake->skipping;
        intake->start += size + (newline != NULL);
        intake->skipping = !whole;
        if (was_skipping || (!too_long && is_blank(begin, size)))
            continue;
        *line = begin;
        *length = size;
        return too_long ? INTAKE_TOO_LONG : INTAKE_LINE;
    }
    return intake->at_end ? INTAKE_END : INTAKE_NOTHING;
}

char *intake_ahead(struct intake *intake, size_t *length)
{
    if (intake->looked < intake->start)
        intake->looked = intake->start;
    /* What is left of a line that is too long is none. */
    if (intake->skipping || intake->looked == intake->end)
        return NULL;
    char *begin = intake->data + intake->looked;
    char *newline = memchr(begin, '\n', intake->end - intake->looked);
    if (newline == NULL)
        return NULL;
    *length = (size_t)(newline - begin);
    intake->looked += *length + 1;
    return begin;
}

bool intake_has_room(const struct intake *intake)
{
    return !intake->at_end && intake->end - intake->start < BLOCK_BYTES;
}
