/* SPDX-License-Identifier: MIT */
/* Connected pieces of a mask. */
#ifndef OPS_COMPONENTS_H
#define OPS_COMPONENTS_H

#include <stdint.h>

#include "base/error.h"

/* Sets to 0 the pieces of MASK (WIDTH * HEIGHT, 0 or 1; 8 neighbours connect) that are specks:
 * smaller than LEAST cells, and further from everything that stays than they are long themselves.
 * So dust goes, but the dashes of a faint wire stay with the product they lead to. A cell counts
 * fully where its DIFFERENCE exceeds TOLERANCE by CLEAR (> 0), in proportion where it exceeds it
 * by less: a blot that is barely over needs to be larger. *KEPT is how many cells stay.
 *
 * Runs of a row are united across rows (Wu, Otoo, Suzuki: "Optimizing two-pass connected-component
 * labeling algorithms", Pattern Analysis and Applications 12, 2009), at the cost of one pass. */
bool components_remove_specks(uint8_t *mask, uint32_t width, uint32_t height,
                              const float *difference, double tolerance, double clear,
                              double least, uint64_t *kept, struct error *error);

#endif
