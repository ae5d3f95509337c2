/* SPDX-License-Identifier: MIT */
/* The pixels of an image as keys that can be counted.
 *
 * A key holds the samples of a pixel in three lanes of 16 bits, the first one highest; grey has
 * one lane. A pixel weighs as much as it is opaque, in steps of its alpha; without alpha it
 * weighs 1. */
#ifndef OPS_PALETTE_SCAN_H
#define OPS_PALETTE_SCAN_H

#include "image/image.h"

enum { PALETTE_CHUNK = 512 };

struct palette_scan {
    const struct image *image; /* not owned; grey or RGB */
    const uint8_t *ignored;    /* NULL, or a bit for each pixel, the lowest first: 1 is left out */
    size_t ignored_stride;     /* bytes from one row of it to the next */
};

/* Pixels of a row, at most PALETTE_CHUNK. */
struct palette_pixels {
    uint64_t keys[PALETTE_CHUNK];
    uint32_t weights[PALETTE_CHUNK]; /* 0: does not count */
    uint32_t edge[PALETTE_CHUNK];    /* the weight where the pixel is but a step on an edge */
};

/* Colour lanes of a key: 1 or 3; what an opaque pixel weighs; the largest sample. */
unsigned palette_scan_lanes(const struct palette_scan *scan);
uint32_t palette_scan_unit(const struct palette_scan *scan);
uint32_t palette_scan_top(const struct palette_scan *scan);

static inline uint64_t palette_lane(uint64_t key, unsigned lane)
{
    return key >> (32 - 16 * lane) & 0xffff;
}

/* COUNT pixels of row Y from X on. Returns the weight of those that are ignored. `edge` is filled
 * only where it is asked for: a pixel is a step where all its samples lie between those to the left
 * and to the right, or those above and below, and clearly apart from both. */
uint64_t palette_scan_row(const struct palette_scan *scan, uint32_t x, uint32_t y, size_t count,
                          bool with_edges, struct palette_pixels *pixels);

/* Only that: STEPS gets 1 or 0 in the first of as many bytes a pixel as it has samples. */
void palette_scan_steps(const struct palette_scan *scan, uint32_t x, uint32_t y, size_t count,
                        uint8_t *steps);

#endif
