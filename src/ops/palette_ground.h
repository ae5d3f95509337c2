/* SPDX-License-Identifier: MIT */
/* Which pixels belong to the background, by imgcrop's model (crop.h, crop_color.h). */
#ifndef OPS_PALETTE_GROUND_H
#define OPS_PALETTE_GROUND_H

#include "image/image.h"

struct palette_ground {
    uint8_t *bits;     /* a row every STRIDE bytes, a bit for each pixel, the lowest first: 1 is
                          background; NULL where there is none */
    size_t stride;
    double confidence; /* crop.h's; 1 where transparency is the background */
};

/* Finds the background of IMAGE. Where any pixel is transparent that is it, and there is nothing
 * to mark; where the model is not to be trusted (below CROP_SURE), nothing is marked either.
 * Background is what follows the model to within its noise, and all that is not near content. */
bool palette_ground_find(struct palette_ground *ground, const struct image *image, bool lossy,
                         unsigned threads, struct error *error);
void palette_ground_free(struct palette_ground *ground);

#endif
