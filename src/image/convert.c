/* SPDX-License-Identifier: MIT */
#include "image/convert.h"

#include <math.h>
#include <string.h>

#include "base/compiler.h"

/* The same loop for both depths; FULL is what opaque means. */
#define CONVERT_PIXELS(type, full)                                                                 \
    do {                                                                                           \
        const type *from_sample = in;                                                              \
        type *to_sample = out;                                                                     \
        for (size_t i = 0; i < count; i++) {                                                       \
            for (unsigned c = 0; c < to_colors; c++)                                               \
                to_sample[c] = from_sample[from_colors == 1 ? 0 : c];                              \
            if (to->alpha)                                                                         \
                to_sample[to_colors] = from->alpha ? from_sample[from_colors] : (full);            \
            from_sample += from_channels;                                                          \
            to_sample += to_channels;                                                              \
        }                                                                                          \
    } while (0)

void image_convert_row(const struct image_shape *from, const void *in,
                       const struct image_shape *to, void *out, size_t count)
{
    unsigned from_channels = image_channels(from), to_channels = image_channels(to);
    unsigned from_colors = from_channels - (from->alpha ? 1 : 0);
    unsigned to_colors = to_channels - (to->alpha ? 1 : 0);
    if (from_channels == to_channels)
        memcpy(out, in, count * image_pixel_bytes(to));
    else if (to->depth == 16)
        CONVERT_PIXELS(uint16_t, UINT16_MAX);
    else
        CONVERT_PIXELS(uint8_t, UINT8_MAX);
}

void image_narrow(struct image *image)
{
    size_t samples = (size_t)image_channels(&image->shape) * image->shape.width;
    if (image->shape.depth == 8)
        return;
    for (uint32_t y = 0; y < image->shape.height; y++) {
        uint8_t *to = image_row(image, y);
        const uint16_t *from = (const void *)to;
        /* 65535 = 257 * 255, so this is v / 257 rounded. */
        for (size_t i = 0; i < samples; i++)
            to[i] = (uint8_t)((from[i] + 128u) / 257u);
    }
    image->shape.depth = 8;
}

#define FLATTEN_PIXELS(type, full)                                                                 \
    do {                                                                                           \
        const type *from = (const void *)row;                                                      \
        type *to = (void *)row;                                                                    \
        for (uint32_t x = 0; x < image->shape.width; x++) {                                        \
            uint64_t alpha = from[colors];                                                         \
            for (unsigned c = 0; c < colors; c++)                                                  \
                to[c] = (type)((from[c] * alpha + (uint64_t)back[c] * ((full) - alpha) +           \
                                (full) / 2) / (full));                                             \
            from += colors + 1;                                                                    \
            to += colors;                                                                          \
        }                                                                                          \
    } while (0)

void image_flatten(struct image *image, const double background[3])
{
    unsigned colors = image_channels(&image->shape) - 1;
    double full = image->shape.depth == 16 ? UINT16_MAX : UINT8_MAX;
    uint32_t back[3];
    if (!image->shape.alpha)
        return;
    for (unsigned c = 0; c < 3; c++)
        back[c] = (uint32_t)lrint(background[c] * full);
    for (uint32_t y = 0; y < image->shape.height; y++) {
        uint8_t *row = image_row(image, y);
        if (image->shape.depth == 16)
            FLATTEN_PIXELS(uint16_t, (uint64_t)UINT16_MAX);
        else
            FLATTEN_PIXELS(uint8_t, (uint64_t)UINT8_MAX);
    }
    image->shape.alpha = false;
}

/* Pixels of four bytes, one word each: this is every cutout. Nothing is written where all is well,
 * because an earlier stage of a pipe has cleared them already. */
MULTIVERSION static void clear_transparent32(uint32_t *pixels, size_t count)
{
    static const uint8_t alpha_bytes[4] = {0, 0, 0, 255};
    uint32_t alpha_mask, wrong = 0;
    memcpy(&alpha_mask, alpha_bytes, sizeof alpha_mask);
    for (size_t x = 0; x < count; x++)
        wrong |= (pixels[x] & alpha_mask) != 0 ? 0 : pixels[x];
    for (size_t x = 0; wrong != 0 && x < count; x++)
        pixels[x] = (pixels[x] & alpha_mask) != 0 ? pixels[x] : 0;
}

void image_clear_transparent(struct image *image)
{
    unsigned channels = image_channels(&image->shape);
    size_t bytes = image_pixel_bytes(&image->shape);
    if (!image->shape.alpha)
        return;
    for (uint32_t y = 0; y < image->shape.height; y++) {
        uint8_t *row = image_row(image, y);
        if (bytes == 4 && channels == 4) {
            clear_transparent32((void *)row, image->shape.width);
            continue;
        }
        for (uint32_t x = 0; x < image->shape.width; x++, row += bytes) {
            const uint16_t *wide = (const void *)row;
            if ((image->shape.depth == 16 ? wide[channels - 1] : row[channels - 1]) == 0)
                memset(row, 0, bytes);
        }
    }
}

void image_fill(struct image *image, const double color[3], double alpha)
{
    unsigned channels = image_channels(&image->shape), colors = channels - image->shape.alpha;
    double full = image->shape.depth == 16 ? UINT16_MAX : UINT8_MAX;
    for (uint32_t y = 0; y < image->shape.height; y++) {
        uint8_t *row = image_row(image, y);
        uint16_t *wide = (void *)row;
        for (size_t i = 0; i < (size_t)image->shape.width * channels; i++) {
            unsigned c = (unsigned)(i % channels);
            long sample = lrint((c < colors ? color[c] : alpha) * full);
            if (image->shape.depth == 16)
                wide[i] = (uint16_t)sample;
            else
                row[i] = (uint8_t)sample;
        }
    }
}
