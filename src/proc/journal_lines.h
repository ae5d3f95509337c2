/* SPDX-License-Identifier: MIT */
/* The lines of a journal: how one is written, and finding those of a file that are whole.
 *
 *     {"sum":"0123456789abcdef","ok":true,"job":"64 digits","id":"a1",…,"answer":{…}}
 *
 * The sum is the beginning of the SHA-256 of what is behind it, so that a line is judged without
 * being parsed; "job" stands where it can be read by counting. */
#ifndef PROC_JOURNAL_LINES_H
#define PROC_JOURNAL_LINES_H

#include <jansson.h>

#include "base/text.h"
#include "proc/hash.h"

enum { JOURNAL_MOST_LINE = 16 << 20 }; /* bytes; a longer one is damaged */

/* Adds the line of the object FIELDS, its end included. OK and JOB come first. */
bool journal_line_add(struct text *lines, bool ok, const struct hash *job, const json_t *fields);

/* True where LINE, without its end, is as it was written; then *JOB is set, and *OK. */
bool journal_line_read(const char *line, size_t length, bool *ok, struct hash *job);

struct journal_scan {
    uint64_t lines, damaged; /* whole lines; those of them that are not as they were written */
    bool foreign;            /* no line begins as those of a journal do */
};

/* Calls FOUND for each line of FD that says ok, with its place. A last line that was cut is left
 * out. False where reading or FOUND fails. */
bool journal_scan(int fd, struct journal_scan *scan,
                  bool (*found)(void *context, const struct hash *job, uint64_t offset,
                                size_t length),
                  void *context, struct error *error);

#endif
