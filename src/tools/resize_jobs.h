/* SPDX-License-Identifier: MIT */
/* imgresize's work: one decode, row by row, into as many outputs as are wanted. */
#ifndef TOOLS_RESIZE_JOBS_H
#define TOOLS_RESIZE_JOBS_H

#include "cli/tool.h"
#include "tools/resize_size.h"

struct resize_options {
    struct cli_common common;
    int64_t width, height;
    struct resize_sizes sizes;
    const char *output_template;
    int fit, gravity, filter, light;
    bool upscale;
    double sharpen;
    uint64_t max_bytes;
};

/* Reads the input and writes all outputs, or none. */
bool resize_jobs_run(struct cli_run *run, const struct resize_options *options,
                     struct error *error);

#endif
