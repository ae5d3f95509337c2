/* SPDX-License-Identifier: MIT */
/* Which pixels count when an object is recoloured: how much of each is the body, and the ones whose
 * median is the body's colour. */
#ifndef OPS_RECOLOR_BODY_H
#define OPS_RECOLOR_BODY_H

#include "ops/pixels.h"

/* COVER of COUNT pixels from X on in row Y: the share of the object's colour in that pixel that is
 * the body's, 0..1. MASK and alpha both say how much of the pixel's area something covers, so it
 * is their ratio. 0 where the pixel is transparent. ALPHA is what the reader gave. */
void recolor_cover_row(const struct image *mask, uint32_t x, uint32_t y, size_t count,
                       const float *restrict alpha, float *restrict cover);

/* The pixels that stand for the body: of those wholly inside mask and object (where there are
 * none, of all, by weight), the ones between the 40th and the 80th percentile of luminance: no
 * deep shade and no highlight. Of a large image every nth row is looked at. */
struct recolor_body {
    uint32_t width, rows, step; /* row i is row i * step of the image */
    unsigned threads;
    uint8_t *weight; /* width * rows; 0 does not count */
    double pixels;   /* of the whole image that are wholly inside, about */
    double bright_y; /* the 80th percentile of luminance */
};

/* ERROR_UNSUPPORTED where no pixel counts. */
bool recolor_body_find(struct recolor_body *body, const struct pixel_reader *reader,
                       const struct image *mask, unsigned threads, struct error *error);
void recolor_body_free(struct recolor_body *body);

/* Median of each component of linear light over these pixels of an image of the same size. */
bool recolor_body_median(const struct recolor_body *body, const struct pixel_reader *reader,
                         double linear[3], struct error *error);

#endif
