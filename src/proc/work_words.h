/* SPDX-License-Identifier: MIT */
/* What the words of a plan say about files, as far as that can be told without the option tables of
 * the tools: options that name an output are known by name, and any other word, or value behind
 * its `=`, that names a regular file is taken for an input. Files are looked up as the stages look
 * them up (base/root.h). */
#ifndef PROC_WORK_WORDS_H
#define PROC_WORK_WORDS_H

#include "proc/plan.h"

enum work_role {
    WORK_TEXT,     /* no file */
    WORK_INPUT,    /* a regular file */
    WORK_STREAM,   /* a pipe or a device, which can be read only once */
    WORK_TARGET,   /* where the output goes: -o */
    WORK_TEMPLATE, /* the same for a template of names */
    WORK_SIDE /* a file that is written beside the output, and in no report: a table, a heat map */
};

struct work_word {
    const char *word;
    const char *value; /* the file's name: WORD, or a part of it */
    enum work_role role;
};

/* A walk through the words of one stage. Start with {.stage = …}. */
struct work_walk {
    const struct plan_stage *stage;
    int next;
    bool operands;          /* behind `--` */
    enum work_role awaited; /* what the option before says about the next word */
};

bool work_walk_next(struct work_walk *walk, struct work_word *word);

/* True where the words have OPTION, which takes no value ("--mkdir"). */
bool work_has_flag(const struct plan *plan, const char *option);

/* Names of files, in order and as they are. The array is owned, the names are the plan's. */
struct work_files {
    const char **names;
    size_t count;
};

/* The files that PLAN reads, its input first. */
bool work_inputs(const struct plan *plan, struct work_files *files, struct error *error);

/* The files of role WORK_SIDE. */
bool work_side_outputs(const struct plan *plan, struct work_files *files, struct error *error);

void work_files_free(struct work_files *files);

#endif
