/* SPDX-License-Identifier: MIT */
#include "ops/components.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Runs hold columns FROM to TO (exclusive) of row Y. PARENT leads to the piece's first run, whose
 * other numbers are the piece's. */
struct run {
    uint32_t from, to, y, parent;
    double weight;
    uint32_t left, right, top, bottom; /* inclusive */
    bool kept;
};

struct runs {
    struct run *items;
    uint32_t count, capacity;
    uint32_t *row_start; /* height + 1 */
    uint32_t width, height;
};

static bool runs_add(struct runs *runs, uint32_t from, uint32_t to, uint32_t y, double weight,
                     struct error *error)
{
    if (runs->count == runs->capacity) {
        uint32_t capacity = runs->capacity < 512 ? 1024 : runs->capacity * 2;
        struct run *items = capacity > runs->capacity
                                ? realloc(runs->items, (size_t)capacity * sizeof *items) : NULL;
        if (!items)
            return error_set(error, ERROR_NO_MEMORY, "no memory for %u runs of a mask", capacity);
        runs->items = items;
        runs->capacity = capacity;
    }
    runs->items[runs->count] = (struct run){.from = from, .to = to, .y = y,
                                            .parent = runs->count, .weight = weight,
                                            .left = from, .right = to - 1, .top = y, .bottom = y};
    runs->count++;
    return true;
}

static uint32_t run_root(struct run *items, uint32_t i)
{
    while (items[i].parent != i) {
        items[i].parent = items[items[i].parent].parent;
        i = items[i].parent;
    }
    return i;
}

static void runs_unite(struct run *items, uint32_t a, uint32_t b)
{
    a = run_root(items, a);
    b = run_root(items, b);
    if (a == b)
        return;
    struct run *to = &items[a < b ? a : b], *from = &items[a < b ? b : a];
    from->parent = a < b ? a : b;
    to->weight += from->weight;
    to->left = from->left < to->left ? from->left : to->left;
    to->right = from->right > to->right ? from->right : to->right;
    to->top = from->top < to->top ? from->top : to->top;
    to->bottom = from->bottom > to->bottom ? from->bottom : to->bottom;
}

/* Unites the runs of row Y with those of the row above that touch them, corners included. */
static void row_connect(struct runs *runs, uint32_t y)
{
    struct run *items = runs->items;
    uint32_t above = runs->row_start[y - 1], above_end = runs->row_start[y];
    for (uint32_t i = above_end; i < runs->count; i++) {
        while (above < above_end && items[above].to < items[i].from)
            above++;
        for (uint32_t k = above; k < above_end && items[k].from <= items[i].to; k++)
            runs_unite(items, k, i);
    }
}

static bool runs_find(struct runs *runs, const uint8_t *mask, const float *difference,
                      double tolerance, double clear, struct error *error)
{
    for (uint32_t y = 0; y < runs->height; y++) {
        const uint8_t *row = mask + (size_t)y * runs->width;
        runs->row_start[y] = runs->count;
        for (uint32_t x = 0; x < runs->width;) {
            const uint8_t *next = memchr(row + x, 1, runs->width - x);
            if (!next)
                break;
            uint32_t from = (uint32_t)(next - row);
            const uint8_t *end = memchr(next, 0, runs->width - from);
            x = end ? (uint32_t)(end - row) : runs->width;
            double weight = 0;
            for (uint32_t i = from; i < x; i++) {
                double excess = (double)difference[(size_t)y * runs->width + i] - tolerance;
                weight += excess < clear ? excess / clear : 1.0;
            }
            if (!runs_add(runs, from, x, y, weight, error))
                return false;
        }
        if (y > 0)
            row_connect(runs, y);
    }
    runs->row_start[runs->height] = runs->count;
    return true;
}

/* Whether a run that stays comes within REACH cells of the piece's box. */
static bool piece_is_near_kept(struct runs *runs, const struct run *piece, uint32_t reach)
{
    uint32_t top = piece->top > reach ? piece->top - reach : 0;
    uint32_t bottom = piece->bottom + reach < runs->height ? piece->bottom + reach
                                                           : runs->height - 1;
    uint32_t left = piece->left > reach ? piece->left - reach : 0;
    uint32_t right = piece->right + reach;
    for (uint32_t y = top; y <= bottom; y++) {
        /* The first run that ends behind LEFT, by halving. */
        uint32_t low = runs->row_start[y], high = runs->row_start[y + 1], end = high;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (runs->items[middle].to <= left)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < end && runs->items[low].from <= right; low++)
            if (runs->items[run_root(runs->items, low)].kept)
                return true;
    }
    return false;
}

/* Pieces that are large stay; then, round by round, what is close to something that stays. Chains
 * of more fragments than rounds are cut. */
static void runs_judge(struct runs *runs, double least)
{
    enum { ROUNDS = 12 };
    for (uint32_t i = 0; i < runs->count; i++)
        runs->items[i].kept = runs->items[i].parent == i && runs->items[i].weight >= least;
    bool changed = true;
    for (int round = 0; round < ROUNDS && changed; round++) {
        changed = false;
        for (uint32_t i = 0; i < runs->count; i++) {
            struct run *piece = &runs->items[i];
            if (piece->parent != i || piece->kept)
                continue;
            uint32_t wide = piece->right - piece->left + 1, high = piece->bottom - piece->top + 1;
            if (piece_is_near_kept(runs, piece, wide > high ? wide : high))
                piece->kept = changed = true;
        }
    }
}

bool components_remove_specks(uint8_t *mask, uint32_t width, uint32_t height,
                              const float *difference, double tolerance, double clear,
                              double least, uint64_t *kept, struct error *error)
{
    struct runs runs = {.width = width, .height = height};
    bool done = false;
    *kept = 0;
    runs.row_start = memory_array((size_t)height + 1, sizeof *runs.row_start, error);
    if (!runs.row_start || !runs_find(&runs, mask, difference, tolerance, clear, error))
        goto out;
    runs_judge(&runs, least);
    for (uint32_t i = 0; i < runs.count; i++) {
        const struct run *run = &runs.items[i];
        if (runs.items[run_root(runs.items, i)].kept)
            *kept += run->to - run->from;
        else
            memset(mask + (size_t)run->y * width + run->from, 0, run->to - run->from);
    }
    done = true;
out:
    free(runs.items);
    free(runs.row_start);
    return done;
}
