/* SPDX-License-Identifier: MIT */
/* A disc is a stack of horizontal bars. The largest sample under a bar is the larger of two
 * windows whose length is a power of 2 and that cover it together, so one table of windows per
 * source row serves the bars of all lengths (the "sparse table" of range minimum queries, Bender
 * and Farach-Colton 2000). Each source row is then put into the rows that its bars reach. */
#include "ops/dilate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "base/threads.h"

enum {
    CHUNK = 64,
    STRIP = 512, /* columns that one call of the worker fills: bars and rows then stay in cache */
    WINDOWS = 10,
    ROW = STRIP + 4 * DILATE_MAX_RADIUS
};

struct dilation {
    struct dilate_plane *plane;
    const struct dilate_source *source;
    uint32_t radius;
    uint16_t half_bar[DILATE_MAX_RADIUS + 1]; /* by distance from the disc's middle row */
};

MULTIVERSION static void window_double(const uint16_t *restrict from, uint32_t length,
                                       uint32_t count, uint16_t *restrict to)
{
    for (uint32_t x = 0; x < count; x += CHUNK) {
        const uint16_t *near = from + x, *far = near + length;
        for (int i = 0; i < CHUNK; i++) {
            uint16_t a = near[i], b = far[i];
            to[x + i] = a > b ? a : b;
        }
    }
}

MULTIVERSION static bool row_is_zero(const uint16_t *row, uint32_t count)
{
    uint16_t any = 0;
    for (uint32_t x = 0; x < count; x += CHUNK)
        for (int i = 0; i < CHUNK; i++)
            any |= row[x + i];
    return any == 0;
}

MULTIVERSION static void bar_put(const uint16_t *left, const uint16_t *right, uint32_t count,
                                 uint16_t *restrict above, uint16_t *restrict below)
{
    for (uint32_t x = 0; x < count; x += CHUNK, left += CHUNK, right += CHUNK) {
        uint16_t *restrict up = above + x, *restrict down = below + x;
        for (int i = 0; i < CHUNK; i++) {
            uint16_t a = left[i], b = right[i], top = a > b ? a : b, old_up = up[i];
            uint16_t old_down = down[i];
            up[i] = old_up > top ? old_up : top;
            down[i] = old_down > top ? old_down : top;
        }
    }
}

/* Puts source row Y, whose windows are in TABLE, into the strip of COUNT columns at X. */
static void bars_put(const struct dilation *dilation, uint16_t (*table)[ROW], uint32_t x,
                     uint32_t y, uint32_t count)
{
    size_t stride = dilation->plane->stride;
    uint32_t radius = dilation->radius;
    uint16_t *middle = dilation->plane->samples + stride * (y + radius) + x;
    uint16_t unused[STRIP] = {0};
    for (uint32_t d = 0; d <= radius; d++) {
        uint32_t half = dilation->half_bar[d], length = 2 * half + 1;
        unsigned k = 31u - (unsigned)__builtin_clz(length);
        const uint16_t *left = table[k] + radius - half;
        /* The middle row has no twin. */
        bar_put(left, left + length - (1u << k), count, middle - stride * d,
                d == 0 ? unused : middle + stride * d);
    }
}

static void strip_work(void *context, size_t index)
{
    const struct dilation *dilation = context;
    const struct dilate_source *source = dilation->source;
    uint16_t table[WINDOWS][ROW];
    uint32_t radius = dilation->radius, x = (uint32_t)index * STRIP;
    size_t left = dilation->plane->stride - x;
    uint32_t count = left < STRIP ? (uint32_t)left : STRIP;
    /* The table starts at source column X - 2 * RADIUS. */
    uint32_t lead = x < 2 * radius ? 2 * radius - x : 0, from = x + lead - 2 * radius;
    uint32_t taken = count + 2 * radius - lead;
    if (from >= source->width)
        return;
    if (taken > source->width - from)
        taken = source->width - from;
    /* table[k][i] is the largest of the 2^k samples from i on. What lies behind a row is 0. */
    unsigned windows = 32u - (unsigned)__builtin_clz(2 * radius + 1);
    uint32_t columns = count + 2 * radius;
    memset(table, 0, sizeof table);
    for (uint32_t y = 0; y < source->height; y++) {
        source->row(source->context, from, y, taken, table[0] + lead);
        if (row_is_zero(table[0], columns))
            continue;
        for (unsigned k = 1; k < windows; k++)
            window_double(table[k - 1], 1u << (k - 1), columns, table[k]);
        bars_put(dilation, table, x, y, count);
    }
}

bool dilate_disc(struct dilate_plane *plane, const struct dilate_source *source, uint32_t radius,
                 unsigned threads, struct error *error)
{
    *plane = (struct dilate_plane){.width = source->width + 2 * radius,
                                   .height = source->height + 2 * radius};
    if (radius > DILATE_MAX_RADIUS)
        return error_set(error, ERROR_INTERNAL, "radius %u is above %d", radius,
                         DILATE_MAX_RADIUS);
    plane->stride = ((size_t)plane->width + CHUNK - 1) / CHUNK * CHUNK;
    plane->samples = memory_zeroed(plane->height, plane->stride * sizeof(uint16_t), error);
    if (plane->samples == NULL)
        return false;
    struct dilation dilation = {.plane = plane, .source = source, .radius = radius};
    for (uint32_t d = 0; d <= radius; d++)
        dilation.half_bar[d] = (uint16_t)sqrt((double)radius * (radius + 1) - (double)d * d);
    threads_for(threads, (plane->stride + STRIP - 1) / STRIP, strip_work, &dilation);
    return true;
}
