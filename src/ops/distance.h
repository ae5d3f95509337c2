/* SPDX-License-Identifier: MIT */
/* How far the palettes of two images are apart, wherever in the images the colours are. */
#ifndef OPS_DISTANCE_H
#define OPS_DISTANCE_H

#include "ops/transfer.h"

/* Sliced Wasserstein distance of order 2 of the colours of both sides in Lab (D65), over 31 fixed
 * directions: the root of the mean square of how far colours have to move along a direction. 0 for
 * the same palette; where one palette is the other one moved by d units of Lab, d / sqrt(3),
 * whatever the direction. Symmetric. Colours weigh as much as they are opaque and inside the mask.
 *
 * Up to 2^18 pixels of a side are all used, of more a fixed sample of 2^18. The palettes of two
 * such samples of the same colours are then some tenths apart.
 *
 * ERROR_UNSUPPORTED where a side has no pixel that counts. J. Rabin, G. Peyré, J. Delon, M. Bernot:
 * "Wasserstein barycenter and its application to texture mixing", SSVM 2011. */
bool distance_palettes(const struct transfer_side *one, const struct transfer_side *two,
                       unsigned threads, double *distance, struct error *error);

#endif
