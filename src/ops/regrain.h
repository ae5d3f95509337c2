/* SPDX-License-Identifier: MIT */
/* Gives a recoloured image the grain of its original back. */
#ifndef OPS_REGRAIN_H
#define OPS_REGRAIN_H

#include "image/image.h"

/* Changes RESULT in place so that it keeps its colours but gets the gradients of ORIGINAL: both RGB
 * of one size, sRGB, 8 or 16 bits each. Alpha is neither read nor changed. What the transfer made
 * of noise, of compression and of flat parts goes, edges keep their new colours; samples that would
 * leave 0..1 are clipped. Where RESULT is ORIGINAL it stays so to the bit. Threads do not show.
 *
 * Solved on encoded samples, from coarse to fine. Takes about 10 bytes of memory per pixel.
 * F. Pitié, A. Kokaram, R. Dahyot: "Automated colour grading using colour distribution transfer",
 * CVIU 107, 2007, section 5. */
bool regrain(struct image *result, const struct image *original, unsigned threads,
             struct error *error);

#endif
