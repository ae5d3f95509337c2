/* SPDX-License-Identifier: MIT */
#include "ops/distance.h"

#include <math.h>

#include "base/compiler.h"
#include "base/threads.h"
#include "ops/transfer_parts.h"

/* BINS along each direction: sRGB spans at most 143 units of Lab on either side of mid grey; what
 * lies farther out goes to the last bin, and keeps its place. Neighbours often fall into one bin
 * and would wait for each other, so they go to LANES in turn. */
enum { DIRECTIONS = 31, BINS = 1024, LANES = 4, CHUNK = 256 };
#define CENTER_L 50.0f
#define HALF_SPAN 160.0f
#define BINS_PER_UNIT (BINS / (2 * HALF_SPAN))

/* The axes of symmetry of the icosahedron, through its 6 pairs of corners, 10 of faces, 15 of
 * edges, not yet of length 1; g is the golden ratio. The squares of a vector's parts along them
 * add up to the same whatever its direction. */
#define G 1.61803398875f
static const float axes[DIRECTIONS][3] = {
    {0, 1, G},       {0, 1, -G},      {1, G, 0},       {1, -G, 0},     {G, 0, 1},
    {-G, 0, 1},      {1, 1, 1},       {1, 1, -1},      {1, -1, 1},     {-1, 1, 1},
    {0, G, 1 / G},   {0, G, -1 / G},  {1 / G, 0, G},   {1 / G, 0, -G}, {G, 1 / G, 0},
    {G, -1 / G, 0},  {1, 0, 0},       {0, 1, 0},       {0, 0, 1},      {1, G + 1, G},
    {1, G + 1, -G},  {1, -G - 1, G},  {1, -G - 1, -G}, {G, 1, G + 1},  {G, 1, -G - 1},
    {G, -1, G + 1},  {G, -1, -G - 1}, {G + 1, G, 1},   {G + 1, G, -1}, {G + 1, -G, 1},
    {G + 1, -G, -1},
};

/* What of a side falls into one bin: its weight, and the weighted sum of places counted from the
 * middle of the bin, in bins. A palette of few colours so stays exact. */
struct bin {
    float weight, place;
};

struct comparison {
    const struct transfer_sample *sides[2];
    double squares[DIRECTIONS]; /* results: mean squares of the way along a direction */
};

/* The bins of COUNT (at most CHUNK) colours from FIRST on, and what they add to its `place`. */
MULTIVERSION
static void project(const struct transfer_sample *side, size_t first, size_t count,
                    const float direction[3], int32_t *restrict index, float *restrict place)
{
    const float *l = side->axis[0] + first, *a = side->axis[1] + first, *b = side->axis[2] + first;
    const float *weight = side->weight + first;
    float u = direction[0], v = direction[1], w = direction[2];
    for (size_t i = 0; i < count; i++) {
        float along = (l[i] - CENTER_L) * u + a[i] * v + b[i] * w;
        float at = (along + HALF_SPAN) * BINS_PER_UNIT;
        int32_t bin = (int32_t)at;
        bin = bin > 0 ? bin : 0;
        bin = bin < BINS - 1 ? bin : BINS - 1;
        index[i] = bin;
        place[i] = weight[i] * (at - (float)bin - 0.5f);
    }
}

static void fill_bins(const struct transfer_sample *side, const float direction[3],
                      struct bin *bins)
{
    struct bin lanes[LANES][BINS] = {0};
    int32_t index[CHUNK];
    float place[CHUNK];
    for (size_t done = 0; done < side->count; done += CHUNK) {
        size_t part = side->count - done < CHUNK ? side->count - done : CHUNK;
        const float *weight = side->weight + done;
        project(side, done, part, direction, index, place);
        for (size_t i = 0; i < part; i++) {
            struct bin *into = &lanes[i % LANES][index[i]];
            into->weight += weight[i];
            into->place += place[i];
        }
    }
    for (int i = 0; i < BINS; i++) {
        bins[i] = (struct bin){0};
        for (int lane = 0; lane < LANES; lane++) {
            bins[i].weight += lanes[lane][i].weight;
            bins[i].place += lanes[lane][i].place;
        }
    }
}

/* A side's bins, gone through from the lowest colour on. */
struct walk {
    const struct bin *bins;
    double total;
    int next;
    double share, place; /* of the weight that is left in the present bin; where it is */
};

static struct walk walk_start(const struct bin *bins)
{
    struct walk walk = {.bins = bins};
    for (int i = 0; i < BINS; i++)
        walk.total += (double)bins[i].weight;
    return walk;
}

/* Goes on to a bin that has something; false behind the last. */
static bool walk_on(struct walk *walk)
{
    while (walk->share <= 0 && walk->next < BINS) {
        const struct bin *bin = &walk->bins[walk->next];
        if (bin->weight > 0) {
            walk->share = (double)bin->weight / walk->total;
            walk->place = walk->next + 0.5 + (double)bin->place / (double)bin->weight;
        }
        walk->next++;
    }
    return walk->share > 0;
}

/* On a line the cheapest way to make one distribution of another keeps the order: the lowest goes
 * to the lowest. */
static double mean_square(const struct bin *one, const struct bin *two)
{
    struct walk from = walk_start(one), to = walk_start(two);
    double sum = 0;
    while (walk_on(&from) && walk_on(&to)) {
        double share = fmin(from.share, to.share);
        double way = (from.place - to.place) / (double)BINS_PER_UNIT;
        sum += share * way * way;
        from.share -= share;
        to.share -= share;
    }
    return sum;
}

static void compare_along(void *context, size_t index)
{
    struct comparison *comparison = context;
    const float *axis = axes[index];
    float length = sqrtf(axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]);
    const float direction[3] = {axis[0] / length, axis[1] / length, axis[2] / length};
    struct bin bins[2][BINS];
    for (int i = 0; i < 2; i++)
        fill_bins(comparison->sides[i], direction, bins[i]);
    comparison->squares[index] = mean_square(bins[0], bins[1]);
}

static double distance_of(const struct transfer_sample sides[2], unsigned threads)
{
    struct comparison comparison = {.sides = {&sides[0], &sides[1]}};
    double sum = 0;
    threads_for(threads, DIRECTIONS, compare_along, &comparison);
    for (int i = 0; i < DIRECTIONS; i++)
        sum += comparison.squares[i];
    return sqrt(sum / DIRECTIONS);
}

static bool draw(const struct transfer_side *side, unsigned threads, struct transfer_sample *sample,
                 struct error *error)
{
    struct transfer_input input = {0};
    struct transfer_basis lab;
    transfer_basis_set(&lab, TRANSFER_SPACE_LAB);
    bool good = transfer_input_open(&input, side, threads, error) &&
                transfer_sample_draw(sample, &input, &lab, error);
    transfer_input_close(&input);
    return good;
}

bool distance_palettes(const struct transfer_side *one, const struct transfer_side *two,
                       unsigned threads, double *distance, struct error *error)
{
    struct transfer_sample samples[2] = {0};
    bool good = draw(one, threads, &samples[0], error) && draw(two, threads, &samples[1], error);
    if (good)
        *distance = distance_of(samples, threads);
    transfer_sample_free(&samples[0]);
    transfer_sample_free(&samples[1]);
    return good;
}
