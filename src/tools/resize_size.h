/* SPDX-License-Identifier: MIT */
/* The value of imgresize's --size, which may be repeated: `[NAME=]WxH|Wx|xH|P%`. */
#ifndef TOOLS_RESIZE_SIZE_H
#define TOOLS_RESIZE_SIZE_H

#include "ops/resize_plan.h"

struct resize_size {
    char *name; /* NULL: none; owned */
    struct resize_target target;
};

struct resize_sizes {
    struct resize_size *list;
    size_t count;
};

/* Parsers and release for an option table; the field is a struct resize_sizes. */
bool resize_sizes_add(const char *text, void *field, struct error *error);
void resize_sizes_release(void *field);

#endif
