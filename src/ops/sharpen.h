/* SPDX-License-Identifier: MIT */
/* Unsharp mask with a 3 x 3 binomial kernel: each colour sample moves AMOUNT times its difference
 * from the neighbourhood's mean away from that mean. Neighbours count by their alpha, so that what
 * lies under transparent pixels does not show; alpha stays. */
#ifndef OPS_SHARPEN_H
#define OPS_SHARPEN_H

#include "image/image.h"

/* An image on its way, from the top on. */
struct sharpener;

bool sharpener_new(struct sharpener **sharpener, const struct image_shape *shape, double amount,
                   struct error *error);

/* Takes the next COUNT rows, STRIDE bytes apart, and writes to OUT, as far apart, those that are
 * now complete: each is when the one below it came, or when that was the LAST. Returns how many.
 * OUT may be ROWS, or lie before. */
uint32_t sharpener_rows(struct sharpener *sharpener, const uint8_t *rows, size_t stride,
                        uint32_t count, bool last, uint8_t *out);

void sharpener_free(struct sharpener *sharpener);

/* All of it, in place; AMOUNT 0 changes nothing. */
bool sharpen_apply(struct image *image, double amount, struct error *error);

#endif
