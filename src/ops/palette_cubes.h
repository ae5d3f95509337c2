/* SPDX-License-Identifier: MIT */
/* Counts of 8-bit RGB pixels without alpha, in a table that is indexed by what is left of their
 * samples once the lowest bits are given up: several times as fast as looking colours up, as soon
 * as there are so many that bits have to go. The counts are those of palette_count.h. */
#ifndef OPS_PALETTE_CUBES_H
#define OPS_PALETTE_CUBES_H

#include "ops/palette_count.h"

/* The table has 2^(24 - 3 level) places: below this level they are too many. */
enum { PALETTE_CUBES_LEVEL = 2 };

struct palette_cubes {
    struct palette_cube *places; /* owned; NULL: none yet */
    size_t count, most;          /* places that are taken; more than MOST give up another bit */
    unsigned level;
};

/* A table for at most MOST colours. */
bool palette_cubes_new(struct palette_cubes *cubes, unsigned level, size_t most,
                       struct error *error);
void palette_cubes_free(struct palette_cubes *cubes);

/* Adds COUNT interleaved pixels; STEPS as palette_scan_steps() says. */
bool palette_cubes_add(struct palette_cubes *cubes, const uint8_t *row, const uint8_t *steps,
                       size_t count, struct error *error);

/* What is in place AT, of palette_cubes_size() places; the weight is 0 where nothing is. */
size_t palette_cubes_size(const struct palette_cubes *cubes);
struct palette_count palette_cubes_at(const struct palette_cubes *cubes, size_t at);

/* Adds what was counted elsewhere, with no more bits given up than here. */
bool palette_cubes_put(struct palette_cubes *cubes, const struct palette_count *count,
                       struct error *error);

#endif
