/* SPDX-License-Identifier: MIT */
/* From one shape of pixels to another, where no colour science is needed. */
#ifndef IMAGE_CONVERT_H
#define IMAGE_CONVERT_H

#include "image/image.h"

/* COUNT pixels of shape FROM as shape TO, which may add alpha (opaque) and turn grey into RGB.
 * Depth stays. IN and OUT may not overlap. */
void image_convert_row(const struct image_shape *from, const void *in,
                       const struct image_shape *to, void *out, size_t count);

/* 16 bits to 8, rounded to nearest, in place. */
void image_narrow(struct image *image);

/* Composes IMAGE over BACKGROUND (samples 0..1, one a colour channel) and drops alpha, in place. */
void image_flatten(struct image *image, const double background[3]);

/* Sets the colour of fully transparent pixels to 0. */
void image_clear_transparent(struct image *image);

/* Sets every pixel to COLOR (samples 0..1, one a colour channel) and ALPHA. */
void image_fill(struct image *image, const double color[3], double alpha);

#endif
