/* SPDX-License-Identifier: MIT */
#ifndef OPS_SHARPEN_H
#define OPS_SHARPEN_H

#include "image/image.h"

/* Unsharp mask with a 3 x 3 binomial kernel: each colour sample moves AMOUNT times its difference
 * from the neighbourhood's mean away from that mean. Neighbours count by their alpha, so that what
 * lies under transparent pixels does not show; alpha stays. In place; AMOUNT 0 changes nothing. */
bool sharpen_apply(struct image *image, double amount, struct error *error);

#endif
