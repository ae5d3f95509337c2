/* SPDX-License-Identifier: MIT */
/* How bright the body is round about each pixel: where a neutral body's colour cannot tell its
 * highlights, their brightness against what surrounds them does. */
#ifndef OPS_RECOLOR_SHADE_H
#define OPS_RECOLOR_SHADE_H

#include "ops/recolor_body.h"

struct recolor_shade {
    uint32_t columns, rows, cell; /* cells of cell * cell pixels */
    float most;                   /* m_b up to which a pixel is taken for body at once */
    float *level;                 /* the largest m_b of each, at its middle */
};

/* Means of Y / LIGHT_Y over the cells, without shade, highlights and clipped pixels, filled in and
 * smoothed across what is missing. Bright cells are body where the body gets so bright by and by.
 * LIGHT_Y is the luminance of the body's colour; what counted for BODY is never taken for a
 * highlight as such. */
bool recolor_shade_new(struct recolor_shade *shade, const struct pixel_reader *reader,
                       const struct image *mask, float light_y, const struct recolor_body *body,
                       struct error *error);
void recolor_shade_free(struct recolor_shade *shade);

/* The largest m_b of COUNT pixels of row Y from X on. */
void recolor_shade_row(const struct recolor_shade *shade, uint32_t x, uint32_t y, size_t count,
                       float *restrict cap);

#endif
