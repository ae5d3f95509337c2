/* SPDX-License-Identifier: MIT */
/* Which groups of colours are mixed pixel by pixel, as noise and fine texture do. */
#ifndef OPS_PALETTE_MIX_H
#define OPS_PALETTE_MIX_H

#include "ops/palette_scan.h"

/* Which group each colour belongs to. */
struct palette_labels {
    const uint64_t *keys;  /* see palette_scan.h; LEVEL bits given up */
    const uint16_t *group;
    size_t count;
    unsigned level;
};

/* Counts pairs of pixels a few apart in a row, by their groups: PAIRS, GROUPS * GROUPS, is cleared
 * and gets each pair in both orders. Colours without a label are left out. Rows are skipped where
 * there are more than a million pixels. */
bool palette_mix_count(const struct palette_scan *scan, const struct palette_labels *labels,
                       size_t groups, float *pairs, struct error *error);

#endif
