/* SPDX-License-Identifier: MIT */
/* A batch from its first job to its last answer: jobs come in as there is room for them, run in the
 * pool, and each gets exactly one line on stdout. */
#ifndef PROC_SUPERVISE_H
#define PROC_SUPERVISE_H

#include "proc/files.h"
#include "proc/metrics.h"
#include "proc/progress.h"
#include "proc/reuse.h"
#include "proc/shard.h"

struct supervise_settings {
    const char *name;      /* of the command, for messages */
    struct job_defaults defaults;
    struct files *files;   /* NULL: lines of JSON on stdin */
    unsigned jobs;         /* at once */
    size_t max_queue;      /* that wait */
    uint64_t memory_bytes; /* of all that run; 0: any */
    unsigned retries;
    bool fail_fast, ordered, quiet;
    struct shard shard;
    struct pool_slots slots;
    struct reuse_places reuse;
    enum progress_form progress;
    const char *metrics_file; /* NULL: none */
};

struct supervise_result {
    struct metrics metrics;
    double elapsed_s;
    int signal;        /* that ended the batch before its end; 0: none */
    bool reader_gone;  /* nobody reads stdout any more */
};

/* Runs the batch. False where it could not begin, or where stdin, stdout or the journal failed;
 * RESULT is filled anyway. Nothing is left running. SIGINT, SIGTERM and SIGHUP: no more is read,
 * what waits is answered as cancelled, what runs may finish within the grace. */
bool supervise(const struct supervise_settings *settings, struct supervise_result *result,
               struct error *error);

#endif
