/* SPDX-License-Identifier: MIT */
/* File names from --output-template: the only place where braces in a name mean something. */
#ifndef CLI_NAME_TEMPLATE_H
#define CLI_NAME_TEMPLATE_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct name_values {
    const char *input; /* path of the input; {stem} is its last part without extension */
    const char *name;  /* {name} */
    const char *ext;   /* {ext} */
    uint32_t width, height; /* {w} {h} */
};

/* Adds PATTERN to OUT with {stem} {name} {ext} {w} {h} replaced; {{ and }} are braces. Anything
 * else in braces is ERROR_USAGE. */
bool name_template_expand(const char *pattern, const struct name_values *values, struct text *out,
                          struct error *error);

/* The name that {stem} comes from: the pipeline's input where imgtool handed it down, else PATH;
 * "stdin" for "-". */
const char *name_template_input(const char *path);

#endif
