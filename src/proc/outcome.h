/* SPDX-License-Identifier: MIT */
/* What came of a pipeline: the answer for people and programs, put together from what its stages
 * reported. */
#ifndef PROC_OUTCOME_H
#define PROC_OUTCOME_H

#include <jansson.h>

#include "proc/pipeline.h"

enum outcome_verdict { OUTCOME_DONE, OUTCOME_NO, OUTCOME_FAILED };

struct outcome {
    enum outcome_verdict verdict; /* NO: done, and the answer is no (exit status 1) */
    struct error error;           /* where it failed */
    int stage;                    /* the culprit, counted from 1; 0: none */
    const char *tool;             /* the culprit's binary; not owned */
    bool retryable;               /* may pass next time: processes, descriptors or slots ran out, the
                                   * system killed it, or it was cancelled */
    json_t *input, *output;       /* of the whole; may be NULL */
    json_t *stages;               /* each stage's own object, null behind a culprit */
    json_t *outputs;              /* what was written */
    json_t *metadata;             /* original_size, final_size, has_shadow, elapsed_ms */
    long max_rss_kib;             /* of the largest stage */
};

/* Judges PIPELINE, which has ended. */
void outcome_of(struct outcome *outcome, const struct plan *plan, const struct pipeline *pipeline,
                double elapsed_ms);

/* The same for one that could not be started, for the reason ERROR. */
void outcome_not_started(struct outcome *outcome, const struct plan *plan,
                         const struct pipeline *pipeline, const struct error *error);

void outcome_free(struct outcome *outcome);

/* Writes what the stages said on stderr: all of them, or after a failure only the culprit, as the
 * others only tell how the failure reached them. Each line gets PREFIX. True where something was
 * said. */
bool outcome_show_messages(const struct pipeline *pipeline, const char *prefix);

#endif
