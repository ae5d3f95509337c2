/* SPDX-License-Identifier: MIT */
/* The parts of colorxfer: --ref, --lut, --to, and what applies a function of colours to pixels. */
#ifndef TOOLS_COLORXFER_H
#define TOOLS_COLORXFER_H

#include "cli/output.h"
#include "cli/report.h"
#include "color/color.h"
#include "ops/lut.h"
#include "ops/transfer.h"

/* A colour and how it was written. */
struct xfer_color {
    struct color color;
    const char *text; /* NULL: not given */
};

struct xfer_fields {
    struct cli_common common;
    const char *ref, *mask, *ref_mask, *lut, *save_lut; /* NULL: not given */
    struct xfer_color to, from;
    int method, space;
    double strength, max_de;
    bool regrain;
};

/* One run. */
struct xfer_job {
    struct cli_run *run;
    const struct xfer_fields *fields;
    struct cli_input input;
    struct cli_output output;
    struct outfile table; /* of --save-lut */
    bool table_waits;     /* to be opened when the header is known */
    bool makes_image;     /* false: only the table */
    bool measures;        /* somebody reads how near the palettes came */
    struct image image, mask;
    bool masked;
};

/* A function of colours, and where it counts. */
struct xfer_change {
    const struct transfer *transfer; /* or, where it is NULL, */
    const struct lut *lut;
    const struct image *mask; /* NULL: everywhere */
    double strength;
    bool everywhere; /* also where nothing can be seen: for who looks at neighbours */
    unsigned threads;
};

/* Read the image (colorxfer.c has opened it and the outputs) and change its colours; run->result is
 * filled in. What is to be written is job->image, sRGB without a profile, and job->table. */
bool xfer_by_reference(struct xfer_job *job, struct error *error);
bool xfer_by_table(struct xfer_job *job, struct error *error);
bool xfer_to_color(struct xfer_job *job, struct error *error);

/* Drops the profile of IMAGE where it is sRGB, or, with a warning, where it cannot be used. */
void xfer_check_profile(struct xfer_job *job, const char *name, struct image *image);

/* The same for the job's image, and reads the mask, where there is one. */
bool xfer_prepare(struct xfer_job *job, struct error *error);

/* Mask, strength and threads as the options say. */
struct xfer_change xfer_change_of(const struct xfer_job *job);

/* An error about a file that is not the input. Returns false. */
bool xfer_fail_in(struct error *error, const char *name);

/* Sets KEY of the run's result, which has all keys from the start. */
void xfer_tell(struct xfer_job *job, const char *key, struct json_t *value);
struct json_t *xfer_lab_json(const double lab[3]);
/* {"hex","lab"} of a colour in Lab (D65). */
struct json_t *xfer_color_json(const double lab[3]);

/* Says that many pixels left the gamut, if they did, and fills "clipped" in. */
void xfer_tell_clipped(struct xfer_job *job, double clipped);

/* Changes IMAGE, RGB, in place; it becomes sRGB and loses its profile. Pixels that are transparent,
 * or where mask or strength are 0, keep their samples unless there was a profile. *CLIPPED is the
 * share of the others that left the gamut. */
bool xfer_apply(struct image *image, const struct xfer_change *change, double *clipped,
                struct error *error);

/* RESULT becomes as much ORIGINAL as CHANGE says it is to stay: both RGB of one shape, sRGB. */
void xfer_blend(struct image *result, const struct image *original,
                const struct xfer_change *change);

/* gamut_fit_row(), except that what is outside by less than half a step of 8 bits is clipped: it
 * got there by rounding, and in saturated blue even that would cost it much chroma. */
size_t xfer_fit_gamut(float *const light[3], size_t count);

/* Turns IMAGE, RGB, into sRGB in place and drops its profile. */
bool xfer_to_srgb(struct image *image, unsigned threads, struct error *error);

/* xfer_apply() to the job's image, with --regrain; nothing where no image is wanted. */
bool xfer_change_image(struct xfer_job *job, struct xfer_change *change, double *clipped,
                       struct error *error);

/* Writes what CHANGE does, its strength included, into the file of --save-lut, if there is one.
 * The image must not have been changed yet: its colours are what the table has to be right for. */
bool xfer_save_table(struct xfer_job *job, const struct xfer_change *change, struct error *error);

#endif
