/* SPDX-License-Identifier: MIT */
/* What the parts of imgresize share: the jobs, and the rows that go through all of them. */
#ifndef TOOLS_RESIZE_PARTS_H
#define TOOLS_RESIZE_PARTS_H

#include "cli/output.h"
#include "ops/resample.h"
#include "ops/resize_plan.h"
#include "ops/sharpen.h"
#include "tools/resize_jobs.h"

/* Rows of the canvas. Before them is room for one more, which sharpening needs. */
struct resize_rows {
    uint8_t *memory;
    uint32_t count;
};

/* One output on its way. */
struct resize_job {
    const struct resize_size *size; /* NULL: --width and --height */
    struct resize_plan plan;
    struct cli_output output;
    struct text path;
    bool again; /* an earlier one makes the same picture and is written here too */
    struct resampler *resampler; /* NULL: rows are copied */
    struct sharpener *sharpener; /* NULL: not sharpened, or all at once */
    struct image_shape shape;    /* of the canvas */
    /* Where the file has the picture upright, rows are written while others are made. */
    struct resize_rows filling, full, margin;
    struct image around; /* one row of what lies around the picture, where anything does */
    uint32_t written;    /* rows of the picture */
    /* Otherwise all is there before any of it is written. */
    struct image image;  /* the canvas */
    struct image view;   /* where the picture goes */
    struct image turned; /* the picture as the file has it, where it is resampled */
    uint32_t made;       /* rows of that */
    struct error error;
};

struct resize {
    struct cli_run *run;
    const struct resize_options *options;
    struct cli_input input;
    struct resize_job *jobs;
    struct resize_job **ordered; /* those that make a picture, the largest first */
    size_t job_count, ordered_count;
    struct tone tone;
};

/* Stored rows on their way into all outputs. */
struct resize_band {
    uint8_t *rows;
    size_t stride;
    uint32_t first, count;
};

/* Makes JOB, which is opened and planned, ready for rows. */
bool resize_job_begin(const struct resize *resize, struct resize_job *job, struct error *error);

/* How many rows are to be made by resize_job_make() when BAND has gone down its resampler. */
uint32_t resize_job_due(const struct resize_job *job, const struct resize_band *band);

/* The INDEX-th of them; several threads may do it. */
void resize_job_make(const struct resize_job *job, uint32_t index);

/* All of BAND is done with; where nothing is resampled it is copied. */
void resize_job_advance(const struct resize *resize, struct resize_job *job,
                        const struct resize_band *band);

/* What was made may be written, while more is made. */
void resize_job_swap(struct resize_job *job);

/* Writes it; the last rows only when ALL_READ, because an image that is whole must be good. The
 * error is in job->error. */
void resize_job_write(struct resize_job *job, bool all_read);

/* Writes all that is left; the bytes are on the disk, but not in place. */
void resize_job_end(const struct resize *resize, struct resize_job *job);

void resize_job_free(struct resize_job *job);

/* Reads the input and passes its rows through all jobs to their outputs. */
bool resize_stream(struct resize *resize, struct error *error);

#endif
