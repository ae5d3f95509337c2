/* SPDX-License-Identifier: MIT */
/* The second half of palette_cluster.h: joining groups. */
#ifndef OPS_PALETTE_JOIN_H
#define OPS_PALETTE_JOIN_H

#include <stddef.h>
#include <stdint.h>

#include "ops/palette_cluster.h"

struct palette_group {
    double lab[3];       /* D65 */
    double share, edge, trust; /* see palette_points */
    uint16_t into;       /* which group it has become a part of; itself where it stands */
};

/* Joins COUNT groups until OPTIONS are met. PAIRS, COUNT * COUNT, says how often they meet
 * (palette_mix.h); it is changed. */
bool palette_join(struct palette_group *groups, size_t count, float *pairs,
                  const struct palette_join_options *options, struct error *error);

#endif
