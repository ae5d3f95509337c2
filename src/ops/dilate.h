/* SPDX-License-Identifier: MIT */
/* Grey dilation by a disc: every sample becomes the largest within a radius. */
#ifndef OPS_DILATE_H
#define OPS_DILATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { DILATE_MAX_RADIUS = 256 };

/* Where the samples come from: ROW writes COUNT samples of row Y from column X on, and may be
 * called by several threads at once. */
struct dilate_source {
    uint32_t width, height;
    void (*row)(const void *context, uint32_t x, uint32_t y, uint32_t count, uint16_t *row);
    const void *context;
};

/* The result, RADIUS larger than the source on all four sides. */
struct dilate_plane {
    uint32_t width, height;
    size_t stride; /* samples */
    uint16_t *samples;
};

/* Dilates by the disc of all offsets with dx^2 + dy^2 <= RADIUS * (RADIUS + 1), which on the grid
 * is the roundest one that moves straight edges by RADIUS exactly. Exact; takes time in proportion
 * to RADIUS. The caller frees PLANE->samples. */
bool dilate_disc(struct dilate_plane *plane, const struct dilate_source *source, uint32_t radius,
                 unsigned threads, struct error *error);

#endif
