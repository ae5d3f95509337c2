/* SPDX-License-Identifier: MIT */
/* A plan: an input, stages, an output. Whatever runs several commands runs one of these. */
#ifndef PROC_PLAN_H
#define PROC_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { PLAN_MAX_STAGES = 32 };

struct plan_stage {
    const char *command; /* "crop" */
    char **arguments;    /* what follows it; not owned */
    int argument_count;
};

struct plan {
    const char *input;   /* NULL: the first stage reads stdin, or what it names itself */
    const char *output;  /* NULL: the last stage writes stdout, or what it names itself */
    bool mkdir, no_clobber, dry_run, in_place; /* of OUTPUT */
    const char *root;       /* what the stages are confined to; NULL: none */
    const char *request_id; /* NULL: none */
    bool no_stdin;       /* stdin is taken by something else: a stage that reads it finds it empty */
    bool no_stdout;      /* likewise: a stage that writes it fails */
    bool quiet, verbose;
    int64_t timeout_ms;  /* 0: none */
    int64_t grace_ms;    /* between SIGTERM and SIGKILL; 0: a moment */
    struct plan_stage stages[PLAN_MAX_STAGES];
    size_t stage_count;
};

/* Cuts ARGUMENTS at every ":" into the stages of PLAN. ERROR_USAGE for an empty stage or too many. */
bool plan_parse_stages(struct plan *plan, char **arguments, int count, struct error *error);

/* The argument array of stage I, executed from PATH: what the plan asks for comes first, so that the
 * stage's own words stand as they were typed. The array is to be freed, its strings are not. */
char **plan_arguments(const struct plan *plan, size_t i, const char *path, struct error *error);

/* Checks what the words of the stages say about files: between stages there are pipes, so only the
 * first may name an input and only the last an output, and the output is not what the first stage
 * reads, unless in_place. Slots are the plan's own matter, and its root holds for all. ERROR_USAGE. */
bool plan_check(const struct plan *plan, struct error *error);

/* True where the plan's image goes to stdout. */
bool plan_writes_stdout(const struct plan *plan);

#endif
