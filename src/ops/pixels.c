/* SPDX-License-Identifier: MIT */
#include "ops/pixels.h"

#include <string.h>

#include "color/icc.h"
#include "color/lab.h"

/* Pixels converted at a time, so that the steps between stay in the cache. */
enum { CHUNK = 256 };

bool pixel_reader_open(struct pixel_reader *reader, const struct image *image, unsigned flags,
                       struct error *error)
{
    bool weighted = (flags & PIXEL_WEIGHTED) != 0, lenient = (flags & PIXEL_ANY_PROFILE) != 0;
    *reader = (struct pixel_reader){.image = image, .weighted = weighted && image->shape.alpha};
    if (image->shape.color == IMAGE_CMYK)
        return error_set(error, ERROR_INTERNAL, "colour reader got a CMYK image");
    for (int i = 0; i <= PIXEL_DECODE_STEPS; i++)
        reader->decode[i] = (float)srgb_decode((double)i / PIXEL_DECODE_STEPS);
    for (int i = 0; i < 256; i++)
        reader->decode_byte[i] = (float)srgb_decode(i / 255.0);
    const struct blob *icc = &image->metadata.icc;
    enum icc_space space = image->shape.color == IMAGE_GREY ? ICC_GREY : ICC_RGB;
    if (icc->size == 0 || icc_is_srgb(icc))
        return true;
    return icc_transform_new_linear(&reader->transform, icc, space, 16, false,
                                    lenient ? NULL : error) ||
           lenient;
}

void pixel_reader_close(struct pixel_reader *reader)
{
    if (reader->transform)
        icc_transform_free(reader->transform);
    reader->transform = NULL;
}

/* Light of a sample given in steps of the table. */
static inline float decode_sample(const float *table, float at)
{
    unsigned step = (unsigned)at;
    step = step < PIXEL_DECODE_STEPS ? step : PIXEL_DECODE_STEPS - 1;
    float below = table[step];
    return below + (table[step + 1] - below) * (at - (float)step);
}

/* COUNT (at most CHUNK) pixels of interleaved 16-bit samples, 1 or 3 each, to light. */
static void codes_to_linear(const struct pixel_reader *reader, const uint16_t *codes, size_t count,
                            float *const linear[3])
{
    size_t step = reader->image->shape.color == IMAGE_GREY ? 1 : 3;
    if (reader->transform) {
        icc_transform_linear(reader->transform, codes, linear, count);
        return;
    }
    size_t next = step == 3 ? 1 : 0;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            linear[c][i] = decode_sample(reader->decode, (float)codes[i * step + c * next] *
                                                             (PIXEL_DECODE_STEPS / 65535.0f));
}

/* COUNT samples, STEP apart from the FIRST on, widened to 16 bits. */
static void samples_widen(const struct image *image, const uint8_t *row, size_t first, size_t step,
                          size_t count, uint16_t *wide, size_t wide_step)
{
    const uint16_t *row16 = (const uint16_t *)(const void *)row;
    if (image->shape.depth == 16)
        for (size_t i = 0; i < count; i++)
            wide[i * wide_step] = row16[first + i * step];
    else
        for (size_t i = 0; i < count; i++)
            wide[i * wide_step] = (uint16_t)(row[first + i * step] * 257u);
}

/* COUNT (at most CHUNK) 8-bit pixels of an sRGB image. */
static void bytes_to_linear(const struct pixel_reader *reader, const uint8_t *bytes,
                            size_t channels, size_t count, float *const linear[3])
{
    size_t next = reader->image->shape.color == IMAGE_GREY ? 0 : 1;
    const float *table = reader->decode_byte;
    float *restrict r = linear[0], *restrict g = linear[1], *restrict b = linear[2];
    if (channels == 3) /* what most images have; known distances save a third */
        for (size_t i = 0; i < count; i++) {
            r[i] = table[bytes[3 * i]];
            g[i] = table[bytes[3 * i + 1]];
            b[i] = table[bytes[3 * i + 2]];
        }
    else
        for (size_t i = 0; i < count; i++) {
            r[i] = table[bytes[i * channels]];
            g[i] = table[bytes[i * channels + next]];
            b[i] = table[bytes[i * channels + 2 * next]];
        }
}

/* At most CHUNK pixels of row Y from X on. */
static void chunk_to_linear(const struct pixel_reader *reader, size_t x, uint32_t y, size_t count,
                            float *const linear[3])
{
    const struct image *image = reader->image;
    size_t channels = image_channels(&image->shape), colors = channels - image->shape.alpha;
    const uint8_t *row = image_row(image, y);
    uint16_t codes[3 * CHUNK];
    if (image->shape.depth == 8 && !reader->transform) {
        bytes_to_linear(reader, row + x * channels, channels, count, linear);
        return;
    }
    for (size_t c = 0; c < colors; c++)
        samples_widen(image, row, x * channels + c, channels, count, codes + c, colors);
    codes_to_linear(reader, codes, count, linear);
}

static void chunk_alpha(const struct pixel_reader *reader, size_t x, uint32_t y, size_t count,
                        float *alpha)
{
    const struct image *image = reader->image;
    size_t channels = image_channels(&image->shape);
    uint16_t opaque[CHUNK];
    if (reader->weighted)
        samples_widen(image, image_row(image, y), x * channels + channels - 1, channels, count,
                      opaque, 1);
    for (size_t i = 0; i < count; i++)
        alpha[i] = reader->weighted ? (float)opaque[i] / 65535.0f : 1.0f;
}

/* Sample C of pixel X of a row, 0..1. */
static double sample_share(const struct image *image, const uint8_t *row, size_t x, size_t c)
{
    size_t at = x * image_channels(&image->shape) + c;
    if (image->shape.depth == 16)
        return ((const uint16_t *)(const void *)row)[at] / 65535.0;
    return row[at] / 255.0;
}

/* Encoded sRGB of pixel X of row Y, whose light is LINEAR. */
static void encoded_pixel(const struct pixel_reader *reader, size_t x, uint32_t y,
                          const float linear[3], double encoded[3])
{
    const struct image *image = reader->image;
    bool grey = image->shape.color == IMAGE_GREY;
    for (size_t c = 0; c < 3; c++)
        encoded[c] = reader->transform
                         ? srgb_encode(linear[c])
                         : sample_share(image, image_row(image, y), x, grey ? 0 : c);
}

/* Composes one pixel that is not opaque. */
static void compose_pixel(const struct pixel_reader *reader, size_t x, uint32_t y, double alpha,
                          double background, float linear[3])
{
    double encoded[3] = {0};
    if (alpha > 0)
        encoded_pixel(reader, x, y, linear, encoded);
    for (size_t c = 0; c < 3; c++) {
        double mixed = background + (encoded[c] - background) * alpha;
        linear[c] = mixed >= 0 && mixed <= 1
                        ? decode_sample(reader->decode, (float)(mixed * PIXEL_DECODE_STEPS))
                        : (float)srgb_decode(mixed);
    }
}

void pixel_reader_over(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                       double background, float *const linear[3])
{
    float alpha[CHUNK];
    for (size_t done = 0, part; done < count; done += part) {
        float *const to[3] = {linear[0] + done, linear[1] + done, linear[2] + done};
        part = count - done < CHUNK ? count - done : CHUNK;
        chunk_to_linear(reader, x + done, y, part, to);
        if (!reader->weighted)
            continue;
        chunk_alpha(reader, x + done, y, part, alpha);
        for (size_t i = 0; i < part; i++) {
            float light[3] = {to[0][i], to[1][i], to[2][i]};
            if (alpha[i] == 1.0f)
                continue;
            compose_pixel(reader, x + done + i, y, alpha[i], background, light);
            for (size_t c = 0; c < 3; c++)
                to[c][i] = light[c];
        }
    }
}

void pixel_reader_exact(const struct pixel_reader *reader, uint32_t x, uint32_t y,
                        double background, double linear[3])
{
    const struct image *image = reader->image;
    float light[3];
    float *const to[3] = {&light[0], &light[1], &light[2]};
    double encoded[3], alpha = 1;
    chunk_to_linear(reader, x, y, 1, to);
    encoded_pixel(reader, x, y, light, encoded);
    if (reader->weighted)
        alpha = sample_share(image, image_row(image, y), x, image_channels(&image->shape) - 1);
    for (size_t c = 0; c < 3; c++)
        linear[c] = srgb_decode(background + (encoded[c] - background) * alpha);
}

void pixel_reader_linear(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                         float *const linear[3], float *alpha)
{
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t part = count - done < CHUNK ? count - done : CHUNK;
        float *const to[3] = {linear[0] + done, linear[1] + done, linear[2] + done};
        chunk_to_linear(reader, x + done, y, part, to);
        if (alpha)
            chunk_alpha(reader, x + done, y, part, alpha + done);
    }
}

void pixel_reader_lab(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                      float *const lab[3], float *alpha)
{
    float light[3][CHUNK];
    float *const linear[3] = {light[0], light[1], light[2]};
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t part = count - done < CHUNK ? count - done : CHUNK;
        chunk_to_linear(reader, x + done, y, part, linear);
        lab_row_from_linear(light[0], light[1], light[2], lab[0] + done, lab[1] + done,
                            lab[2] + done, part);
        if (alpha)
            chunk_alpha(reader, x + done, y, part, alpha + done);
    }
}

/* At most CHUNK pixels of planar samples. */
static void planes_to_lab(const struct pixel_reader *reader, const float *const code[3],
                          size_t count, float *const lab[3])
{
    size_t colors = reader->image->shape.color == IMAGE_GREY ? 1 : 3;
    float light[3][CHUNK];
    float *const linear[3] = {light[0], light[1], light[2]};
    if (reader->transform) {
        uint16_t codes[3 * CHUNK];
        for (size_t c = 0; c < colors; c++)
            for (size_t i = 0; i < count; i++)
                codes[i * colors + c] = (uint16_t)(code[c][i] * 65535.0f + 0.5f);
        codes_to_linear(reader, codes, count, linear);
    } else {
        for (size_t c = 0; c < 3; c++)
            for (size_t i = 0; i < count; i++)
                linear[c][i] = decode_sample(reader->decode,
                                             code[c < colors ? c : 0][i] * PIXEL_DECODE_STEPS);
    }
    lab_row_from_linear(light[0], light[1], light[2], lab[0], lab[1], lab[2], count);
}

void pixel_reader_codes(const struct pixel_reader *reader, const float *const code[3], size_t count,
                        float *const lab[3])
{
    bool grey = reader->image->shape.color == IMAGE_GREY;
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t part = count - done < CHUNK ? count - done : CHUNK;
        const float *const from[3] = {code[0] + done, grey ? NULL : code[1] + done,
                                      grey ? NULL : code[2] + done};
        float *const to[3] = {lab[0] + done, lab[1] + done, lab[2] + done};
        planes_to_lab(reader, from, part, to);
    }
}
