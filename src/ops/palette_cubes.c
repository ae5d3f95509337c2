/* SPDX-License-Identifier: MIT */
#include "ops/palette_cubes.h"

#include <stdlib.h>

/* Half a cache line. */
struct palette_cube {
    uint64_t pixels; /* how many, and from bit 32 on how many are steps on edges */
    uint64_t sums[3];
};

static const uint64_t one_edge = (uint64_t)1 << 32;

bool palette_cubes_new(struct palette_cubes *cubes, unsigned level, size_t most,
                       struct error *error)
{
    *cubes = (struct palette_cubes){.level = level, .most = most};
    cubes->places = memory_zeroed(palette_cubes_size(cubes), sizeof *cubes->places, error);
    return cubes->places != NULL;
}

void palette_cubes_free(struct palette_cubes *cubes)
{
    free(cubes->places);
    cubes->places = NULL;
}

size_t palette_cubes_size(const struct palette_cubes *cubes)
{
    return (size_t)1 << (24 - 3 * cubes->level);
}

static inline size_t place_of(unsigned level, unsigned r, unsigned g, unsigned b)
{
    unsigned bits = 8 - level;
    return ((size_t)(r >> level) << 2 * bits) | ((size_t)(g >> level) << bits) | b >> level;
}

struct palette_count palette_cubes_at(const struct palette_cubes *cubes, size_t at)
{
    const struct palette_cube *cube = &cubes->places[at];
    unsigned bits = 8 - cubes->level, level = cubes->level;
    uint64_t last = ((uint64_t)1 << bits) - 1;
    struct palette_count count = {.key = (at >> 2 * bits) << (32 + level) |
                                         ((at >> bits) & last) << (16 + level) |
                                         (at & last) << level,
                                  .weight = cube->pixels % one_edge,
                                  .edge = cube->pixels / one_edge};
    for (int c = 0; c < 3; c++)
        count.sums[c] = cube->sums[c];
    return count;
}

/* Gives up bits until the colours fit. */
static bool cubes_fit(struct palette_cubes *cubes, struct error *error)
{
    while (cubes->count > cubes->most) {
        struct palette_cubes next;
        if (!palette_cubes_new(&next, cubes->level + 1, SIZE_MAX, error))
            return false;
        for (size_t at = 0; at < palette_cubes_size(cubes); at++) {
            struct palette_count count = palette_cubes_at(cubes, at);
            if (count.weight > 0)
                palette_cubes_put(&next, &count, error);
        }
        next.most = cubes->most;
        palette_cubes_free(cubes);
        *cubes = next;
    }
    return true;
}

bool palette_cubes_put(struct palette_cubes *cubes, const struct palette_count *count,
                       struct error *error)
{
    struct palette_cube *cube =
        &cubes->places[place_of(cubes->level, palette_lane(count->key, 0) & 255,
                                palette_lane(count->key, 1) & 255,
                                palette_lane(count->key, 2) & 255)];
    cubes->count += cube->pixels == 0;
    cube->pixels += count->weight + count->edge * one_edge;
    for (int c = 0; c < 3; c++)
        cube->sums[c] += count->sums[c];
    return cubes_fit(cubes, error);
}

bool palette_cubes_add(struct palette_cubes *cubes, const uint8_t *row, const uint8_t *steps,
                       size_t count, struct error *error)
{
    struct palette_cube *places = cubes->places;
    unsigned level = cubes->level;
    size_t added = 0;
    for (size_t i = 0; i < 3 * count; i += 3) {
        unsigned r = row[i], g = row[i + 1], b = row[i + 2];
        struct palette_cube *cube = &places[place_of(level, r, g, b)];
        added += cube->pixels == 0;
        cube->pixels += 1 + steps[i] * one_edge;
        cube->sums[0] += r;
        cube->sums[1] += g;
        cube->sums[2] += b;
    }
    cubes->count += added;
    return cubes_fit(cubes, error);
}
