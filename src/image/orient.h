/* SPDX-License-Identifier: MIT */
/* Turning images upright while they are read.
 *
 * Orientations are numbered 1 to 8 as in TIFF 6.0 and EXIF, tag 274: which side of the upright
 * picture the first row and the first column of the file are. Other numbers mean 1. */
#ifndef IMAGE_ORIENT_H
#define IMAGE_ORIENT_H

#include "image/image.h"

/* True where width and height change places. */
static inline bool image_orientation_swaps(unsigned orientation)
{
    return orientation >= 5 && orientation <= 8;
}

/* Writes COUNT rows from row Y on of an image of shape FROM, as it is stored under ORIENTATION, to
 * where they belong in the upright image INTO, which has the turned size and the same pixels.
 * Bands of some dozens of rows keep it within the caches. */
void image_place_rows(const struct image *into, unsigned orientation,
                      const struct image_shape *from, uint32_t y, const uint8_t *rows,
                      size_t stride, uint32_t count);

#endif
