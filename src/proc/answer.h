/* SPDX-License-Identifier: MIT */
/* The answer to a job of a batch: one JSON object, and what its stages said for people.
 *
 *     {"id":…,"ok":true,"elapsed_ms":…,"max_rss_kib":…,"attempts":…,"cached":false,"passed":true,
 *      "outputs":[…],"metadata":{…},"result":{…}}
 *     {"id":…,"ok":false,"elapsed_ms":…,"attempts":…,
 *      "error":{"code":…,"kind":…,"stage":…,"tool":…,"message":…,"retryable":…}}
 *
 * `passed` false: done, and the answer is no (exit status 1 of a single run). `result` is that of
 * the stage; where there are several, `stages` has the result of each. `error` has `file` and `hint`
 * where there are any, and an answer `request_id` where the job has one. */
#ifndef PROC_ANSWER_H
#define PROC_ANSWER_H

#include <jansson.h>

#include "base/text.h"
#include "proc/pool.h"

/* Of a task that has ended. */
json_t *answer_of(const struct pool_task *task);

/* Of one that never ran. */
json_t *answer_refused(const struct pool_task *task, const struct error *error);

/* KNOWN, an answer given before to the same work, as that of this job; KNOWN is changed. */
json_t *answer_again(const struct pool_task *task, json_t *known);

json_t *answer_ping(const struct job *job);

/* ANSWER, which is freed, as a line with its end, to be freed; NULL when memory ran out. */
char *answer_line(json_t *answer);

/* Adds what the stages of TASK have said on stderr since the last call, each line behind `[id] ` and
 * with control characters masked. While it runs those are whole lines; when it has
 * ENDED everything, but of a failed task only what the stage said that failed, as the others only
 * tell how the failure reached them. */
void answer_messages(const struct pool_task *task, bool ended, struct text *out);

#endif
