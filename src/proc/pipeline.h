/* SPDX-License-Identifier: MIT */
/* A plan (an input, stages, an output) and its execution: all stages at once, joined by pipes that
 * carry PAM, watched until the last one has ended. */
#ifndef PROC_PIPELINE_H
#define PROC_PIPELINE_H

#include <stdint.h>

#include "proc/child.h"

enum { PLAN_MAX_STAGES = 32 };

struct plan_stage {
    const char *command; /* "crop" */
    char **arguments;    /* what follows it; points into the caller's argument array */
    int argument_count;
};

struct plan {
    const char *input;   /* NULL: the first stage reads stdin, or what it names itself */
    const char *output;  /* NULL: the last stage writes stdout, or what it names itself */
    bool mkdir, no_clobber, dry_run, in_place; /* of OUTPUT */
    const char *request_id; /* NULL: none */
    bool no_stdout;      /* stdout is taken by something else: a stage that writes it fails */
    bool quiet, verbose;
    int64_t timeout_ms;  /* 0: none */
    struct plan_stage stages[PLAN_MAX_STAGES];
    size_t stage_count;
};

/* Cuts ARGUMENTS at every ":" into the stages of PLAN. ERROR_USAGE for an empty stage or too many. */
bool plan_parse_stages(struct plan *plan, char **arguments, int count, struct error *error);

struct pipeline {
    struct child children[PLAN_MAX_STAGES];
    size_t count;
    int culprit;  /* the stage that failed first in the order of the data, or that does not exist;
                   * -1: none */
    int status;   /* the exit status of the whole */
    bool timed_out;
    int signal;   /* one that ended us in between; the caller ends by it */
};

/* Runs PLAN. True where all stages were started and watched to their end, however that was: see
 * culprit and status. On false nothing is left running. */
bool pipeline_run(const struct plan *plan, struct pipeline *pipeline, struct error *error);

void pipeline_free(struct pipeline *pipeline);

#endif
