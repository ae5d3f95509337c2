/* SPDX-License-Identifier: MIT */
/* What a batch counts, and the same in the text format of Prometheus ("exposition formats", version
 * 0.0.4), for its node exporter's textfile collector or whoever else reads files. */
#ifndef PROC_METRICS_H
#define PROC_METRICS_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum { METRICS_BUCKETS = 14 }; /* the last one has no upper bound */

struct metrics {
    /* Jobs that were answered, pings not counted. */
    uint64_t passed, refused; /* done; REFUSED: and the answer is no */
    uint64_t cached;          /* of PASSED and REFUSED */
    uint64_t failed[ERROR_KIND_COUNT]; /* by kind, cancelled ones among them */
    uint64_t durations[METRICS_BUCKETS]; /* of what was run, each bucket for itself */
    double duration_sum_s;
    uint64_t retries, skipped; /* SKIPPED: left to other shards */
    uint64_t max_rss_bytes;    /* of the largest stage so far */
    /* At this moment. */
    size_t waiting, running;
    uint64_t reserved_bytes;
};

void metrics_note_duration(struct metrics *metrics, double elapsed_ms);

/* All that failed, and all that were answered. */
uint64_t metrics_failed(const struct metrics *metrics);
uint64_t metrics_answered(const struct metrics *metrics);

void metrics_print(const struct metrics *metrics, struct text *out);

/* Replaces the file PATH by TEXT; its readers see the old text or the new one. */
bool metrics_store(const struct text *text, const char *path, struct error *error);

#endif
