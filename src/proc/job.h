/* SPDX-License-Identifier: MIT */
/* A job of a batch: a line of JSON, or a file, as a plan that can be run.
 *
 *     {"id":"a1","recipe":"product","input":"in/a.png","output_dir":"out/"}
 *     {"id":"a2","input":"in/b.jpg","output":"out/b.webp",
 *      "stages":[["crop","--padding","5%"],["resize","--width","800"]],"timeout":"10s"}
 *     {"id":"a3","argv":["deltae","ref.png","b.png","--max-mean","2"]}
 *     {"id":"p","ping":true}
 *
 * Further fields: "request_id", and the flags "mkdir", "no_clobber", "in_place". A timeout is text
 * as on the command line, or a number of seconds. */
#ifndef PROC_JOB_H
#define PROC_JOB_H

#include <jansson.h>

#include "proc/plan.h"
#include "proc/recipe.h"

/* What holds for all jobs of a batch. */
struct job_defaults {
    const char *recipe_dir;         /* NULL: the installation's */
    const char *root;               /* NULL: none */
    int64_t timeout_ms, grace_ms;
    bool mkdir, no_clobber, quiet, verbose;
};

struct job {
    json_t *id;        /* a string or an integer; NULL: none could be read */
    char *name;        /* the same as text, "" without an id */
    bool ping;         /* only that; there is no plan */
    struct plan plan;  /* points into what follows */
    char *target;      /* what it writes (proc/target.h); NULL: not known */
    json_t *fields;
    char **words;
    char *output;
    struct recipe recipe;
};

/* Reads LINE of LENGTH bytes. ERROR_USAGE, ERROR_NOT_FOUND for a stage that does not exist, or what
 * recipe_load() says. Also when it fails the id is there where it could be read, and JOB is to be
 * freed. */
bool job_parse(struct job *job, const char *line, size_t length,
               const struct job_defaults *defaults, struct error *error);

/* Reads only the id, from a LINE that may be no JSON as a whole: {"id":… at its beginning. */
void job_parse_id(struct job *job, const char *line, size_t length);

/* Sets the id to text, whose bytes need not be UTF-8. */
bool job_set_id(struct job *job, const char *id);

/* What plan and defaults have to be right about before a job may wait: that the stages exist, that
 * ends and input fit together, and that an image goes somewhere. Sets the target. */
bool job_check(struct job *job, struct error *error);

/* PLAN with what the batch says about all jobs. */
void job_preset(struct plan *plan, const struct job_defaults *defaults);

void job_free(struct job *job);

#endif
