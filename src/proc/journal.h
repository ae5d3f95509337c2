/* SPDX-License-Identifier: MIT */
/* The journal of a batch: what has been done, so that a batch that was ended anywhere goes on
 * there.
 *
 * A journal is a file of JSON lines, only ever appended to, each line by one write() under a lock
 * (flock), so that several processes may share it; or it is a directory, in which each process
 * writes a file of its own and all are read. A job is known by its key (proc/work_key.h) and by
 * where its outputs go. It is done where a line says ok:true and everything that it wrote is there
 * in the size it had; anything else, failed jobs first of all, is done again.
 *
 * Each line has a checksum. A last line that was cut off is ignored, and whoever appends begins a
 * new line; other lines that are not as they were written are skipped, with one warning.
 *
 * Lines reach the disk by journal_sync(), which a batch calls within a second of a line, and at the
 * end. A killed process loses none; after a power failure the jobs of the last second are done
 * again, which does no harm, as outputs are synced before their line is written and appear whole.
 *
 * In memory there are 32 bytes for each job that is done (up to 64 while the table grows); answers
 * are read back from the file. The journal itself is not confined by --root. */
#ifndef PROC_JOURNAL_H
#define PROC_JOURNAL_H

#include <jansson.h>

#include "proc/hash.h"
#include "proc/plan.h"

struct journal;

/* Opens or creates the journal PATH: a directory if it is one or ends with `/` (then it is made).
 * RESUME: what is in it counts as done. Without, journal_find() finds nothing, and lines are
 * appended all the same. ERROR_CANNOT_CREATE, ERROR_IO; ERROR_USAGE where the file is something
 * else. */
bool journal_open(struct journal **journal, const char *path, bool resume, struct error *error);

/* What has to be said once after opening (damaged lines); NULL: nothing. */
const char *journal_warning(const struct journal *journal);

/* How many jobs it knows as done. */
size_t journal_count(const struct journal *journal);

/* The answer that PLAN once got, as it was given (id, times and all: the caller puts in what is
 * today's), to be freed with json_decref(); NULL where it is not done. */
json_t *journal_find(const struct journal *journal, const char *key, const struct plan *plan);

/* Writes down that the job ID, PLAN of that key, got ANSWER, whose `ok` says whether it is done and
 * whose `outputs` [{path, bytes}] are what it wrote. Answers of failed jobs may be given, too.
 * ERROR_IO, and the journal is as before. */
bool journal_add(struct journal *journal, const char *key, const char *id, const struct plan *plan,
                 const json_t *answer, struct error *error);

/* Takes to the disk what was written since the last time. */
bool journal_sync(struct journal *journal, struct error *error);

/* Syncs and closes; JOURNAL may be NULL. False where not everything reached the disk. */
bool journal_close(struct journal *journal, struct error *error);

#endif
