/* SPDX-License-Identifier: MIT */
/* A batch of files: the same plan for each of them. */
#ifndef PROC_FILES_H
#define PROC_FILES_H

#include "base/text.h"
#include "proc/job.h"

struct files {
    const char **names;
    size_t count, next; /* NEXT: the one whose turn it is */
    char *data;         /* what the names point into, where they came from a file */
    struct plan pattern;
    struct recipe recipe;
    struct text output; /* the template of the outputs: {stem}, {name} (of the file) and {ext} */
    bool has_output;
};

/* Where the plan of FILES comes from. */
struct files_plan {
    char **words;        /* stages, as on the command line; or */
    int word_count;
    const char *recipe;  /* NULL: none */
    const char *output_template, *output_dir; /* NULL: none */
};

/* The COUNT names of WORDS, which stay the caller's. */
bool files_take(struct files *files, char **words, size_t count, struct error *error);

/* Names from the file PATH ("-": stdin), one a line, or ended by NUL. */
bool files_load(struct files *files, const char *path, bool zero, struct error *error);

/* Sets the plan, and checks that no two files would write one output. ERROR_USAGE, or what
 * job_check() and recipe_load() say. */
bool files_prepare(struct files *files, const struct files_plan *plan,
                   const struct job_defaults *defaults, struct error *error);

/* The job of the file NAME, whose id is that name. JOB is to be freed, also when it fails. */
bool files_job(const struct files *files, const char *name, struct job *job, struct error *error);

void files_free(struct files *files);

#endif
