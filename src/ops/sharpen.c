/* SPDX-License-Identifier: MIT */
#include "ops/sharpen.h"

#include <stdlib.h>
#include <string.h>

struct sharpener {
    struct image_shape shape;
    float amount;
    unsigned colors;
    size_t lanes;    /* colors + 1: alpha is last, 1 where there is none */
    float *rows[3];  /* as they came: the one above, the one to be sharpened, the one below */
    float *memory;
    uint32_t taken;  /* rows */
};

static void sharpener_load(struct sharpener *s, const uint8_t *narrow)
{
    const uint16_t *wide = (const void *)narrow;
    unsigned channels = image_channels(&s->shape);
    float *row = s->rows[2], full = s->shape.depth == 16 ? 65535.0f : 255.0f;
    for (uint32_t x = 0; x < s->shape.width; x++, row += s->lanes)
        for (unsigned c = 0; c < s->lanes; c++) {
            size_t i = (size_t)x * channels + c;
            row[c] = c < channels ? (s->shape.depth == 16 ? wide[i] : narrow[i]) : full;
        }
}

/* The mean of colour C around X, weighted by the kernel and alpha; FALLBACK where all is clear. */
static float sharpener_mean(const struct sharpener *s, uint32_t x, uint32_t width, unsigned c,
                         float fallback)
{
    static const float kernel[3] = {1, 2, 1};
    float sum = 0, weights = 0;
    for (unsigned j = 0; j < 3; j++)
        for (unsigned i = 0; i < 3; i++) {
            int64_t at = (int64_t)x + i - 1;
            at = at < 0 ? 0 : at >= width ? (int64_t)width - 1 : at;
            const float *pixel = s->rows[j] + (size_t)at * s->lanes;
            float weight = kernel[j] * kernel[i] * pixel[s->colors];
            sum += weight * pixel[c];
            weights += weight;
        }
    return weights > 0 ? sum / weights : fallback;
}

static float sharpened(const struct sharpener *s, uint32_t x, unsigned c)
{
    float value = s->rows[1][(size_t)x * s->lanes + c];
    float full = s->shape.depth == 16 ? 65535.0f : 255.0f;
    if (c == s->colors)
        return value;
    float sharp = value + s->amount * (value - sharpener_mean(s, x, s->shape.width, c, value));
    return sharp < 0 ? 0 : sharp > full ? full : sharp;
}

static void sharpener_store(const struct sharpener *s, uint8_t *narrow)
{
    uint16_t *wide = (void *)narrow;
    unsigned channels = image_channels(&s->shape);
    for (uint32_t x = 0; x < s->shape.width; x++)
        for (unsigned c = 0; c < channels; c++) {
            float value = sharpened(s, x, c) + 0.5f;
            if (s->shape.depth == 16)
                wide[(size_t)x * channels + c] = (uint16_t)value;
            else
                narrow[(size_t)x * channels + c] = (uint8_t)value;
        }
}

/* Makes room for a row. */
static void sharpener_shift(struct sharpener *s)
{
    float *oldest = s->rows[0];
    s->rows[0] = s->rows[1];
    s->rows[1] = s->rows[2];
    s->rows[2] = oldest;
}

bool sharpener_new(struct sharpener **sharpener, const struct image_shape *shape, double amount,
                   struct error *error)
{
    struct sharpener *s = memory_zeroed(1, sizeof *s, error);
    *sharpener = s;
    if (s == NULL)
        return false;
    s->shape = *shape;
    s->amount = (float)amount;
    s->colors = image_channels(shape) - (shape->alpha ? 1 : 0);
    s->lanes = s->colors + 1;
    size_t row = shape->width * s->lanes;
    s->memory = memory_array(3 * row, sizeof *s->memory, error);
    for (unsigned j = 0; s->memory != NULL && j < 3; j++)
        s->rows[j] = s->memory + j * row;
    if (s->memory != NULL)
        return true;
    sharpener_free(s);
    *sharpener = NULL;
    return false;
}

uint32_t sharpener_rows(struct sharpener *s, const uint8_t *rows, size_t stride, uint32_t count,
                        bool last, uint8_t *out)
{
    size_t row = s->shape.width * s->lanes * sizeof(float);
    uint32_t made = 0;
    for (uint32_t y = 0; y < count; y++, s->taken++) {
        sharpener_shift(s);
        sharpener_load(s, rows + y * stride);
        /* Beyond an edge lies the row at the edge once more. */
        if (s->taken == 0)
            memcpy(s->rows[1], s->rows[2], row);
        else
            sharpener_store(s, out + made++ * stride);
    }
    if (last) {
        sharpener_shift(s);
        memcpy(s->rows[2], s->rows[1], row);
        sharpener_store(s, out + made++ * stride);
    }
    return made;
}

void sharpener_free(struct sharpener *s)
{
    if (s != NULL)
        free(s->memory);
    free(s);
}

bool sharpen_apply(struct image *image, double amount, struct error *error)
{
    struct sharpener *s;
    if (amount <= 0)
        return true;
    if (!sharpener_new(&s, &image->shape, amount, error))
        return false;
    sharpener_rows(s, image->pixels, image->stride, image->shape.height, true, image->pixels);
    sharpener_free(s);
    return true;
}
