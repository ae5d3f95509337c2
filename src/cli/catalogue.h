/* SPDX-License-Identifier: MIT */
/* The commands of the suite and what each does in a line: the one place that knows them all. */
#ifndef CLI_CATALOGUE_H
#define CLI_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

struct catalogue_entry {
    const char *command; /* what imgtool calls it: "crop" */
    const char *binary;  /* "imgcrop"; NULL: part of imgtool itself */
    const char *summary; /* lower case, no full stop */
    bool makes_image;    /* its output is an image, not text */
};

extern const struct catalogue_entry catalogue[];
extern const size_t catalogue_count;

/* The entry of a command or binary of that name; NULL if there is none. */
const struct catalogue_entry *catalogue_find(const char *name);

/* The command names, ending with NULL: what may follow `imgtool`. */
const char *const *catalogue_commands(void);

#endif
