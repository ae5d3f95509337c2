/* SPDX-License-Identifier: MIT */
#include "proc/journal_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char opening[] = "{\"sum\":\"", ok_name[] = "\",\"ok\":", job_name[] = ",\"job\":\"";

enum {
    SUM_DIGITS = 16,
    SUM_AT = sizeof opening - 1,
    SUMMED_AT = SUM_AT + SUM_DIGITS + 2, /* behind the quote and the comma */
    OK_AT = SUM_AT + SUM_DIGITS + (int)sizeof ok_name - 1,
    READ_BYTES = 256 * 1024
};

static void sum_of(const char *data, size_t length, char sum[HASH_HEX])
{
    struct hash_state state;
    struct hash hash;
    hash_begin(&state);
    hash_add(&state, data, length);
    hash_end(&state, &hash);
    hash_hex(&hash, sum);
}

bool journal_line_add(struct text *lines, bool ok, const struct hash *job, const json_t *fields)
{
    char hex[HASH_HEX], sum[HASH_HEX];
    struct text rest = {0};
    char *dumped = json_dumps(fields, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (dumped == NULL || dumped[0] != '{') {
        free(dumped);
        return false;
    }
    hash_hex(job, hex);
    text_printf(&rest, "\"ok\":%s,\"job\":\"%s\",%s", ok ? "true" : "false", hex, dumped + 1);
    free(dumped);
    if (!rest.failed) {
        sum_of(rest.data, rest.length, sum);
        text_printf(lines, "%s%.*s\",", opening, SUM_DIGITS, sum);
        text_add_bytes(lines, rest.data, rest.length);
        text_add(lines, "\n");
    }
    bool done = !rest.failed && !lines->failed;
    text_free(&rest);
    return done;
}

/* Moves *AT, in the line that ends at END, over TEXT. */
static bool pass(const char **at, const char *end, const char *text)
{
    size_t length = strlen(text);
    if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0)
        return false;
    *at += length;
    return true;
}

bool journal_line_read(const char *line, size_t length, bool *ok, struct hash *job)
{
    char sum[HASH_HEX];
    const char *end = line + length, *at = line + OK_AT;
    if (length < OK_AT || memcmp(line, opening, SUM_AT) != 0 ||
        memcmp(line + SUM_AT + SUM_DIGITS, ok_name, sizeof ok_name - 1) != 0)
        return false;
    sum_of(line + SUMMED_AT, length - SUMMED_AT, sum);
    if (memcmp(line + SUM_AT, sum, SUM_DIGITS) != 0)
        return false;
    *ok = pass(&at, end, "true");
    return (*ok || pass(&at, end, "false")) && pass(&at, end, job_name) &&
           (size_t)(end - at) >= HASH_HEX && hash_from_hex(at, job);
}

/* A file that is read in pieces; DATA holds what begins at OFFSET. */
struct reading {
    int fd;
    char *data;
    size_t used, capacity;
    uint64_t offset;
    bool skipping; /* the rest of a line that is too long */
};

static bool make_room(struct reading *reading, struct error *error)
{
    if (reading->capacity - reading->used >= READ_BYTES)
        return true;
    size_t capacity = reading->capacity * 2 + READ_BYTES;
    char *data = realloc(reading->data, capacity);
    if (data == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    reading->data = data;
    reading->capacity = capacity;
    return true;
}

/* 1: there is more, 0: the end, -1: an error. */
static int read_more(struct reading *reading, struct error *error)
{
    ssize_t count;
    if (!make_room(reading, error))
        return -1;
    do
        count = pread(reading->fd, reading->data + reading->used, reading->capacity - reading->used,
                      (off_t)(reading->offset + reading->used));
    while (count < 0 && errno == EINTR);
    if (count < 0) {
        error_errno(error, ERROR_IO, errno, "the journal cannot be read");
        return -1;
    }
    reading->used += (size_t)count;
    return count > 0;
}

static void drop(struct reading *reading, size_t count)
{
    reading->used -= count;
    reading->offset += count;
    memmove(reading->data, reading->data + count, reading->used);
}

static bool begins_so(const char *line, size_t length)
{
    return memcmp(line, opening, length < SUM_AT ? length : SUM_AT) == 0;
}

/* The whole lines that are in memory. */
static bool scan_lines(struct reading *reading, struct journal_scan *scan,
                       bool (*found)(void *, const struct hash *, uint64_t, size_t), void *context)
{
    size_t at = 0;
    const char *end;
    while ((end = memchr(reading->data + at, '\n', reading->used - at)) != NULL) {
        const char *line = reading->data + at;
        size_t length = (size_t)(end - line);
        struct hash job;
        bool ok = false, good = !reading->skipping && journal_line_read(line, length, &ok, &job);
        scan->lines++;
        scan->damaged += !good && length > 0;
        scan->foreign = scan->foreign && !(length > 0 && begins_so(line, length));
        if (good && ok && !found(context, &job, reading->offset + at, length))
            return false;
        reading->skipping = false;
        at += length + 1;
    }
    drop(reading, at);
    return true;
}

bool journal_scan(int fd, struct journal_scan *scan,
                  bool (*found)(void *context, const struct hash *job, uint64_t offset,
                                size_t length),
                  void *context, struct error *error)
{
    struct reading reading = {.fd = fd};
    int more;
    bool done = true;
    *scan = (struct journal_scan){.foreign = true};
    while (done && (more = read_more(&reading, error)) != 0) {
        done = more > 0 && (scan_lines(&reading, scan, found, context) ||
                            error_set(error, ERROR_NO_MEMORY, "out of memory"));
        if (done && reading.used > JOURNAL_MOST_LINE) {
            reading.skipping = true;
            drop(&reading, reading.used);
        }
    }
    /* Of a line without its end the sum says whether anything else is missing, too. */
    struct hash job;
    bool ok = false;
    if (done && !reading.skipping && reading.used > 0 &&
        journal_line_read(reading.data, reading.used, &ok, &job) && ok)
        done = found(context, &job, reading.offset, reading.used) ||
               error_set(error, ERROR_NO_MEMORY, "out of memory");
    /* An empty file is fine, and so is one with nothing but a line that was cut. */
    if (scan->foreign && scan->lines == 0)
        scan->foreign = reading.used > 0 && !begins_so(reading.data, reading.used);
    free(reading.data);
    return done;
}
