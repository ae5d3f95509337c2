/* SPDX-License-Identifier: MIT */
#include "ops/palette_scan.h"

#include <string.h>

#include "base/compiler.h"

enum {
    MOST_CHANNELS = 4,
    EDGE_STEP = 8 /* of 255: noise and shading mostly stay below, edges do not */
};

unsigned palette_scan_lanes(const struct palette_scan *scan)
{
    return scan->image->shape.color == IMAGE_GREY ? 1 : 3;
}

uint32_t palette_scan_top(const struct palette_scan *scan)
{
    return scan->image->shape.depth == 16 ? 65535 : 255;
}

uint32_t palette_scan_unit(const struct palette_scan *scan)
{
    return scan->image->shape.alpha ? palette_scan_top(scan) : 1;
}

enum { BETWEEN_ACROSS = 1, BETWEEN_DOWN = 2, APART_ACROSS = 4, APART_DOWN = 8 };

/* What one sample says of its pixel, in terms of the above. */
#define SAMPLE_STEP(type, here, one, two, least, between, apart)                                   \
    (uint8_t)(((here) >= ((one) < (two) ? (one) : (two)) &&                                        \
               (here) <= ((one) > (two) ? (one) : (two))) *                                        \
                  (between) |                                                                      \
              ((type)((here) > (one) ? (here) - (one) : (one) - (here)) > (least) &&               \
               (type)((here) > (two) ? (here) - (two) : (two) - (here)) > (least)) *               \
                  (apart))

#define SAMPLES_STEP(type, least)                                                                  \
    for (size_t i = 0; i < count; i++) {                                                           \
        type h = here[i], l = here[i - step], r = here[i + step], a = above[i], b = below[i];      \
        steps[i] = SAMPLE_STEP(type, h, l, r, least, BETWEEN_ACROSS, APART_ACROSS) |               \
                   SAMPLE_STEP(type, h, a, b, least, BETWEEN_DOWN, APART_DOWN);                    \
    }

MULTIVERSION
static void samples_step_8(const uint8_t *here, const uint8_t *above, const uint8_t *below,
                           size_t step, size_t count, uint8_t *restrict steps)
{
    SAMPLES_STEP(uint8_t, EDGE_STEP)
}

MULTIVERSION
static void samples_step_16(const uint16_t *here, const uint16_t *above, const uint16_t *below,
                            size_t step, size_t count, uint8_t *restrict steps)
{
    SAMPLES_STEP(uint16_t, EDGE_STEP * 257)
}

/* Makes the first sample of each pixel say 1 where the pixel is a step, else 0. All samples but the
 * last are worked on as if a pixel began there: that needs no branches. */
MULTIVERSION
static void pixels_step(uint8_t *steps, size_t channels, size_t samples)
{
    uint8_t all[MOST_CHANNELS * PALETTE_CHUNK], any[MOST_CHANNELS * PALETTE_CHUNK];
    size_t starts = samples - (channels - 1);
    memcpy(all, steps, samples);
    memcpy(any, steps, samples);
    for (size_t c = 1; c < channels; c++)
        for (size_t i = 0; i < starts; i++) {
            all[i] &= steps[i + c];
            any[i] |= steps[i + c];
        }
    for (size_t i = 0; i < starts; i++)
        steps[i] = (all[i] & any[i] >> 2 & (BETWEEN_ACROSS | BETWEEN_DOWN)) != 0;
}

/* COUNT pixels from X on that have a neighbour on each side. Alpha counts as a sample here: what
 * fades out is an edge. */
static void pixels_edge(const struct image *image, uint32_t x, uint32_t y, size_t count,
                        uint8_t *steps)
{
    size_t channels = image_channels(&image->shape), samples = count * channels;
    const uint8_t *here = image_row(image, y) + x * image_pixel_bytes(&image->shape);
    const uint8_t *above = y > 0 ? here - image->stride : here;
    const uint8_t *below = y + 1 < image->shape.height ? here + image->stride : here;
    if (image->shape.depth == 8)
        samples_step_8(here, above, below, channels, samples, steps);
    else
        samples_step_16((const uint16_t *)(const void *)here,
                        (const uint16_t *)(const void *)above,
                        (const uint16_t *)(const void *)below, channels, samples, steps);
    pixels_step(steps, channels, samples);
}

void palette_scan_steps(const struct palette_scan *scan, uint32_t x, uint32_t y, size_t count,
                        uint8_t *steps)
{
    const struct image *image = scan->image;
    size_t first = x == 0, last = x + count == image->shape.width ? count - 1 : count;
    size_t channels = image_channels(&image->shape);
    steps[0] = steps[(count - 1) * channels] = 0;
    if (last > first)
        pixels_edge(image, x + (uint32_t)first, y, last - first, steps + first * channels);
}

static void row_keys_8(const uint8_t *row, size_t channels, size_t colors, size_t count,
                       uint64_t *keys)
{
    if (colors == 1)
        for (size_t i = 0; i < count; i++)
            keys[i] = (uint64_t)row[i * channels] << 32;
    else
        for (size_t i = 0; i < count; i++)
            keys[i] = (uint64_t)row[i * channels] << 32 |
                      (uint64_t)row[i * channels + 1] << 16 | row[i * channels + 2];
}

static void row_keys_16(const uint16_t *row, size_t channels, size_t colors, size_t count,
                        uint64_t *keys)
{
    if (colors == 1)
        for (size_t i = 0; i < count; i++)
            keys[i] = (uint64_t)row[i * channels] << 32;
    else
        for (size_t i = 0; i < count; i++)
            keys[i] = (uint64_t)row[i * channels] << 32 |
                      (uint64_t)row[i * channels + 1] << 16 | row[i * channels + 2];
}

static void row_weights(const struct image *image, const uint8_t *row, size_t count,
                        uint32_t *weights)
{
    size_t channels = image_channels(&image->shape);
    const uint16_t *wide = (const uint16_t *)(const void *)row;
    if (!image->shape.alpha)
        for (size_t i = 0; i < count; i++)
            weights[i] = 1;
    else if (image->shape.depth == 8)
        for (size_t i = 0; i < count; i++)
            weights[i] = row[(i + 1) * channels - 1];
    else
        for (size_t i = 0; i < count; i++)
            weights[i] = wide[(i + 1) * channels - 1];
}

uint64_t palette_scan_row(const struct palette_scan *scan, uint32_t x, uint32_t y, size_t count,
                          bool with_edges, struct palette_pixels *pixels)
{
    const struct image *image = scan->image;
    const uint8_t *row = image_row(image, y) + x * image_pixel_bytes(&image->shape);
    size_t channels = image_channels(&image->shape), colors = palette_scan_lanes(scan);
    uint64_t ignored = 0;
    if (image->shape.depth == 8)
        row_keys_8(row, channels, colors, count, pixels->keys);
    else
        row_keys_16((const uint16_t *)(const void *)row, channels, colors, count, pixels->keys);
    row_weights(image, row, count, pixels->weights);
    if (scan->ignored != NULL) {
        const uint8_t *bits = scan->ignored + y * scan->ignored_stride;
        for (size_t i = 0; i < count; i++) {
            uint32_t out = bits[(x + i) / 8] >> ((x + i) % 8) & 1u;
            ignored += pixels->weights[i] & (0u - out);
            pixels->weights[i] &= out - 1u;
        }
    }
    if (with_edges) {
        uint8_t steps[MOST_CHANNELS * PALETTE_CHUNK];
        palette_scan_steps(scan, x, y, count, steps);
        for (size_t i = 0; i < count; i++)
            pixels->edge[i] = pixels->weights[i] & (0u - steps[i * channels]);
    }
    return ignored;
}
