/* SPDX-License-Identifier: MIT */
/* Where the outputs of a plan go, and their real names. */
#ifndef PROC_WORK_PLACE_H
#define PROC_WORK_PLACE_H

#include "base/text.h"
#include "proc/plan.h"
#include "proc/work_words.h"

struct work_place {
    enum work_place_kind {
        WORK_UNNAMED,  /* nothing is written, or it is not said where */
        WORK_FILE,     /* one file: PATH */
        WORK_DIRECTORY /* files of a template, whose names begin with PATH: "" or up to and with a
                          `/` */
    } kind;
    char *path; /* owned; "" where there is none */
    const struct plan *plan;
    struct work_files inputs, sides;
};

/* PLAN must outlive PLACE. */
bool work_place(struct work_place *place, const struct plan *plan, struct error *error);
void work_place_free(struct work_place *place);

/* The name of a file as it is on disk, from how a report spells it: JSON has U+FFFD for bytes that
 * are not UTF-8. NAME has the real bytes after; false where memory ran out. */
bool work_real_name(const struct work_place *place, const char *reported, struct text *name);

/* The fixed directory at the beginning of a template: how many of its bytes. */
size_t work_template_directory(const char *pattern);

/* The {stem} of the plan's input, to be freed; NULL without an input. */
char *work_stem(const struct plan *plan);

/* True where the plan replaces its input. */
bool work_in_place(const struct plan *plan);

#endif
