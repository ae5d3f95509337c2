/* SPDX-License-Identifier: MIT */
#include "ops/lut.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "base/threads.h"

/* Pixels worked on at a time, so that the steps between stay in the cache. */
enum { CHUNK = 128 };

/* A point and the red of the next one: one load and one multiplication for three channels. */
typedef float point4 __attribute__((vector_size(16)));

struct sampling {
    const struct lut *lut;
    lut_sample *sample;
    void *context;
};

/* All points of one blue. */
static void sample_plane(void *context, size_t blue)
{
    const struct sampling *work = context;
    float plane[3][LUT_MOST];
    size_t size = work->lut->size;
    float *to = work->lut->points + 3 * size * size * blue, last = (float)(size - 1);
    for (size_t green = 0; green < size; green++) {
        for (size_t i = 0; i < size; i++) {
            plane[0][i] = (float)i / last;
            plane[1][i] = (float)green / last;
            plane[2][i] = (float)blue / last;
        }
        work->sample(work->context, plane[0], plane[1], plane[2], size);
        for (size_t i = 0; i < size; i++)
            for (int c = 0; c < 3; c++)
                *to++ = plane[c][i];
    }
}

bool lut_new(struct lut *lut, unsigned size, lut_sample *sample, void *context, unsigned threads,
             struct error *error)
{
    struct sampling work = {lut, sample, context};
    *lut = (struct lut){.size = size, .high = {1, 1, 1}};
    if (size < 2 || size > LUT_MOST)
        return error_set(error, ERROR_INTERNAL, "a table of size %u", size);
    size_t count = (size_t)size * size * size * 3;
    lut->points = memory_array(count + 1, sizeof *lut->points, error);
    if (lut->points == NULL)
        return false;
    lut->points[count] = 0;
    threads_for(threads, size, sample_plane, &work);
    return true;
}

void lut_free(struct lut *lut)
{
    free(lut->points);
    *lut = (struct lut){0};
}

/* Where COUNT values of one channel lie: the point below, never the last one, and how far beyond
 * it. A NaN compares false, and so becomes the low end. */
MULTIVERSION
static void locate(const float *restrict value, float low, float high, unsigned size,
                   int32_t *restrict below, float *restrict beyond, size_t count)
{
    float scale = (float)(size - 1) / (high - low), last = (float)(size - 1);
    int32_t most = (int32_t)size - 2;
    for (size_t i = 0; i < count; i++) {
        float at = (value[i] - low) * scale;
        at = at > 0 ? at : 0;
        at = at < last ? at : last;
        int32_t point = (int32_t)at;
        point = point < most ? point : most;
        below[i] = point;
        beyond[i] = at - (float)point;
    }
}

/* The tetrahedron that each pixel is in. From the point below, the way to the opposite corner of
 * the cell goes along the axes in the order of how far the pixel is beyond; the corners on that
 * way are the tetrahedron's, and the steps between the sorted distances their shares. */
struct tetrahedra {
    int32_t at[3][CHUNK];     /* first the point below, then the corners after one and two steps */
    float share[4][CHUNK];    /* of the four corners */
};

MULTIVERSION
static void find_tetrahedra(const struct lut *lut, int32_t (*restrict below)[CHUNK],
                            float (*restrict beyond)[CHUNK], struct tetrahedra *restrict out)
{
    const int32_t red = 3, green = 3 * (int32_t)lut->size, blue = green * (int32_t)lut->size;
    const int32_t all = red + green + blue;
    for (size_t i = 0; i < CHUNK; i++) {
        float r = beyond[0][i], g = beyond[1][i], b = beyond[2][i];
        /* Equal distances: whichever comes first, the corner between has no share. */
        float rg = r > g ? r : g, gr = r > g ? g : r;
        int32_t rg_step = r > g ? red : green, gr_step = r > g ? green : red;
        float most = rg > b ? rg : b, least = gr < b ? gr : b;
        int32_t first = rg > b ? rg_step : blue, third = gr < b ? gr_step : blue;
        float middle = rg > b ? (gr > b ? gr : b) : rg;
        int32_t start = below[0][i] * red + below[1][i] * green + below[2][i] * blue;
        out->at[0][i] = start;
        out->at[1][i] = start + first;
        out->at[2][i] = start + all - third;
        out->share[0][i] = 1 - most;
        out->share[1][i] = most - middle;
        out->share[2][i] = middle - least;
        out->share[3][i] = least;
    }
}

static inline point4 load_point(const float *from)
{
    point4 point;
    memcpy(&point, from, sizeof point);
    return point;
}

static void apply_tetrahedra(const struct lut *lut, const struct tetrahedra *cells, float *r,
                             float *g, float *b, size_t count)
{
    const float *points = lut->points;
    const size_t opposite = 3 + 3 * (size_t)lut->size + 3 * (size_t)lut->size * lut->size;
    for (size_t i = 0; i < count; i++) {
        const float *start = points + cells->at[0][i];
        point4 sum = load_point(start) * cells->share[0][i] +
                     load_point(points + cells->at[1][i]) * cells->share[1][i] +
                     load_point(points + cells->at[2][i]) * cells->share[2][i] +
                     load_point(start + opposite) * cells->share[3][i];
        r[i] = sum[0];
        g[i] = sum[1];
        b[i] = sum[2];
    }
}

/* Of COUNT, at most CHUNK, pixels. */
static void cells_of(const struct lut *lut, const float *const value[3], size_t count,
                     struct tetrahedra *cells)
{
    int32_t below[3][CHUNK] = {{0}};
    float beyond[3][CHUNK] = {{0}};
    for (int c = 0; c < 3; c++)
        locate(value[c], lut->low[c], lut->high[c], lut->size, below[c], beyond[c], count);
    find_tetrahedra(lut, below, beyond, cells);
}

static void apply_cube(const struct lut *lut, float *r, float *g, float *b, size_t count)
{
    struct tetrahedra cells;
    cells_of(lut, (const float *const[3]){r, g, b}, count, &cells);
    apply_tetrahedra(lut, &cells, r, g, b, count);
}

static void apply_curve(const struct lut *lut, unsigned channel, float *value, size_t count)
{
    int32_t below[CHUNK];
    float beyond[CHUNK];
    locate(value, lut->low[channel], lut->high[channel], lut->size, below, beyond, count);
    for (size_t i = 0; i < count; i++) {
        const float *from = lut->points + 3 * (size_t)below[i] + channel;
        value[i] = from[0] * (1 - beyond[i]) + from[3] * beyond[i];
    }
}

void lut_apply_row(const struct lut *lut, float *restrict r, float *restrict g, float *restrict b,
                   size_t count)
{
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t part = count - done < CHUNK ? count - done : CHUNK;
        if (lut->curves) {
            apply_curve(lut, 0, r + done, part);
            apply_curve(lut, 1, g + done, part);
            apply_curve(lut, 2, b + done, part);
        } else {
            apply_cube(lut, r + done, g + done, b + done, part);
        }
    }
}

/* ---- refining ---- */

/* Where each point should go: the sum of what is missing, times its share, and of the shares. */
struct pull {
    float missing[3], share;
};

/* What is missing at COUNT, at most CHUNK, colours, given to the points around them. */
static void pull_points(const struct lut *lut, const float *const from[3],
                        const float *const to[3], size_t count, struct pull *pulls)
{
    const int32_t opposite = 3 + 3 * (int32_t)lut->size + 3 * (int32_t)(lut->size * lut->size);
    struct tetrahedra cells;
    float now[3][CHUNK];
    cells_of(lut, from, count, &cells);
    apply_tetrahedra(lut, &cells, now[0], now[1], now[2], count);
    for (size_t i = 0; i < count; i++) {
        const int32_t corner[4] = {cells.at[0][i], cells.at[1][i], cells.at[2][i],
                                   cells.at[0][i] + opposite};
        for (int k = 0; k < 4; k++) {
            struct pull *pull = pulls + corner[k] / 3;
            for (int c = 0; c < 3; c++)
                pull->missing[c] += cells.share[k][i] * (to[c][i] - now[c][i]);
            pull->share += cells.share[k][i];
        }
    }
}

/* A point that few colours are near to moves less, as it has to serve others too. */
static void move_points(struct lut *lut, const struct pull *pulls, size_t count)
{
    const float over = 1.5f, reluctance = 0.5f;
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < 3; c++) {
            float *point = &lut->points[3 * i + (size_t)c];
            float moved = *point + over * pulls[i].missing[c] / (pulls[i].share + reluctance);
            moved = moved > 0 ? moved : 0;
            *point = moved < 1 ? moved : 1;
        }
}

bool lut_refine(struct lut *lut, const float *const from[3], const float *const to[3],
                size_t count, struct error *error)
{
    enum { ROUNDS = 6 };
    size_t points = (size_t)lut->size * lut->size * lut->size;
    struct pull *pulls = memory_array(points, sizeof *pulls, error);
    if (pulls == NULL)
        return false;
    for (int round = 0; round < ROUNDS; round++) {
        memset(pulls, 0, points * sizeof *pulls);
        for (size_t done = 0; done < count; done += CHUNK) {
            size_t part = count - done < CHUNK ? count - done : CHUNK;
            const float *const in[3] = {from[0] + done, from[1] + done, from[2] + done};
            const float *const out[3] = {to[0] + done, to[1] + done, to[2] + done};
            pull_points(lut, in, out, part, pulls);
        }
        move_points(lut, pulls, points);
    }
    free(pulls);
    return true;
}
