/* SPDX-License-Identifier: MIT */
#include "ops/palette_mix.h"

#include <stdlib.h>
#include <string.h>

#include "ops/palette_count.h"

enum {
    APART = 3, /* pixels; nearer ones are alike in a JPEG and from a camera's sensor */
    ENOUGH_PIXELS = 1000000,
    NO_GROUP = UINT16_MAX
};

/* Open addressing over the labels: where a key stands in them plus 1, or 0. */
struct lookup {
    const struct palette_labels *labels;
    uint32_t *slots;
    unsigned bits;
};

static size_t lookup_start(const struct lookup *lookup, uint64_t key)
{
    return (key * 0x9e3779b97f4a7c15u) >> (64 - lookup->bits);
}

static bool lookup_new(struct lookup *lookup, const struct palette_labels *labels,
                       struct error *error)
{
    *lookup = (struct lookup){.labels = labels, .bits = 4};
    while ((size_t)1 << lookup->bits < 2 * labels->count)
        lookup->bits++;
    lookup->slots = memory_zeroed((size_t)1 << lookup->bits, sizeof *lookup->slots, error);
    if (lookup->slots == NULL)
        return false;
    size_t last = ((size_t)1 << lookup->bits) - 1;
    for (size_t i = 0; i < labels->count; i++) {
        size_t at = lookup_start(lookup, labels->keys[i]);
        while (lookup->slots[at] != 0)
            at = (at + 1) & last;
        lookup->slots[at] = (uint32_t)i + 1;
    }
    return true;
}

static uint16_t lookup_group(const struct lookup *lookup, uint64_t key)
{
    size_t last = ((size_t)1 << lookup->bits) - 1, at = lookup_start(lookup, key);
    for (; lookup->slots[at] != 0; at = (at + 1) & last)
        if (lookup->labels->keys[lookup->slots[at] - 1] == key)
            return lookup->labels->group[lookup->slots[at] - 1];
    return NO_GROUP;
}

/* The groups of COUNT pixels. */
static void pixels_label(const struct lookup *lookup, const struct palette_pixels *pixels,
                         size_t count, uint16_t *group)
{
    uint64_t last_key = UINT64_MAX;
    uint16_t last_group = NO_GROUP;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = palette_key_at(pixels->keys[i], lookup->labels->level);
        if (key != last_key) {
            last_key = key;
            last_group = lookup_group(lookup, key);
        }
        group[i] = pixels->weights[i] > 0 ? last_group : NO_GROUP;
    }
}

static void row_mix(const struct palette_scan *scan, const struct lookup *lookup, uint32_t y,
                    size_t groups, uint32_t *pairs)
{
    uint32_t width = scan->image->shape.width;
    struct palette_pixels pixels;
    uint16_t group[PALETTE_CHUNK];
    for (uint32_t x = 0; x < width; x += PALETTE_CHUNK) {
        size_t count = width - x < PALETTE_CHUNK ? width - x : PALETTE_CHUNK;
        palette_scan_row(scan, x, y, count, false, &pixels);
        pixels_label(lookup, &pixels, count, group);
        for (size_t i = APART; i < count; i++)
            if (group[i] != NO_GROUP && group[i - APART] != NO_GROUP)
                pairs[group[i - APART] * groups + group[i]]++;
    }
}

bool palette_mix_count(const struct palette_scan *scan, const struct palette_labels *labels,
                       size_t groups, float *pairs, struct error *error)
{
    const struct image_shape *shape = &scan->image->shape;
    struct lookup lookup;
    uint32_t *counts = memory_zeroed(groups, groups * sizeof *counts, error);
    if (counts == NULL || !lookup_new(&lookup, labels, error)) {
        free(counts);
        return false;
    }
    uint64_t pixels = (uint64_t)shape->width * shape->height;
    uint32_t step = (uint32_t)(pixels / ENOUGH_PIXELS) + 1;
    for (uint32_t y = 0; y < shape->height; y += step)
        row_mix(scan, &lookup, y, groups, counts);
    for (size_t i = 0; i < groups; i++)
        for (size_t k = 0; k < groups; k++)
            pairs[i * groups + k] = (float)(counts[i * groups + k] + counts[k * groups + i]);
    free(lookup.slots);
    free(counts);
    return true;
}
