/* SPDX-License-Identifier: MIT */
/* What came of a plan, as a journal and a cache see it: which job it was, what it wrote, and
 * whether that is still there. */
#ifndef PROC_WORK_RESULT_H
#define PROC_WORK_RESULT_H

#include <jansson.h>

#include "proc/hash.h"
#include "proc/work_place.h"

/* Two jobs are one where their work is (KEY) and their outputs are the same files. */
void work_job(const struct work_place *place, const char *key, struct hash *job);

/* What the job that got ANSWER wrote: an array of {path, bytes}. */
json_t *work_written(const struct work_place *place, const json_t *answer);

/* True where all of WRITTEN is there in that size. */
bool work_is_there(const struct work_place *place, const json_t *written);

/* The names of FILES as JSON spells them. */
json_t *work_names(const struct work_files *files);

#endif
