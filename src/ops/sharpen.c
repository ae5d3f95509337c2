/* SPDX-License-Identifier: MIT */
#include "ops/sharpen.h"

#include <stdlib.h>
#include <string.h>

/* Three rows as they were before sharpening, in float, alpha last (1 where there is none). */
struct window {
    float *rows[3];
    unsigned colors;
    size_t lanes; /* colors + 1 */
};

static void window_load(const struct image *image, uint32_t y, const struct window *window,
                        float *row)
{
    const uint8_t *narrow = image_row(image, y);
    const uint16_t *wide = (const void *)narrow;
    unsigned channels = image_channels(&image->shape);
    float full = image->shape.depth == 16 ? 65535.0f : 255.0f;
    for (uint32_t x = 0; x < image->shape.width; x++, row += window->lanes)
        for (unsigned c = 0; c < window->lanes; c++) {
            size_t i = (size_t)x * channels + c;
            row[c] = c < channels ? (image->shape.depth == 16 ? wide[i] : narrow[i]) : full;
        }
}

/* The mean of colour C around X, weighted by the kernel and alpha; FALLBACK where all is clear. */
static float window_mean(const struct window *window, uint32_t x, uint32_t width, unsigned c,
                         float fallback)
{
    static const float kernel[3] = {1, 2, 1};
    float sum = 0, weights = 0;
    for (unsigned j = 0; j < 3; j++)
        for (unsigned i = 0; i < 3; i++) {
            int64_t at = (int64_t)x + i - 1;
            at = at < 0 ? 0 : at >= width ? (int64_t)width - 1 : at;
            const float *pixel = window->rows[j] + (size_t)at * window->lanes;
            float weight = kernel[j] * kernel[i] * pixel[window->colors];
            sum += weight * pixel[c];
            weights += weight;
        }
    return weights > 0 ? sum / weights : fallback;
}

static void sharpen_row(struct image *image, uint32_t y, const struct window *window, float amount)
{
    uint8_t *narrow = image_row(image, y);
    uint16_t *wide = (void *)narrow;
    unsigned channels = image_channels(&image->shape);
    float full = image->shape.depth == 16 ? 65535.0f : 255.0f;
    for (uint32_t x = 0; x < image->shape.width; x++)
        for (unsigned c = 0; c < window->colors; c++) {
            float value = window->rows[1][(size_t)x * window->lanes + c];
            float mean = window_mean(window, x, image->shape.width, c, value);
            float sharp = value + amount * (value - mean);
            sharp = sharp < 0 ? 0 : sharp > full ? full : sharp;
            if (image->shape.depth == 16)
                wide[(size_t)x * channels + c] = (uint16_t)(sharp + 0.5f);
            else
                narrow[(size_t)x * channels + c] = (uint8_t)(sharp + 0.5f);
        }
}

bool sharpen_apply(struct image *image, double amount, struct error *error)
{
    unsigned colors = image_channels(&image->shape) - (image->shape.alpha ? 1 : 0);
    struct window window = {.colors = colors, .lanes = colors + 1};
    uint32_t height = image->shape.height;
    if (amount <= 0)
        return true;
    size_t row = image->shape.width * window.lanes;
    float *memory = memory_array(3 * row, sizeof *memory, error);
    if (memory == NULL)
        return false;
    for (unsigned j = 0; j < 3; j++)
        window.rows[j] = memory + j * row;
    window_load(image, 0, &window, window.rows[0]);
    window_load(image, 0, &window, window.rows[1]);
    for (uint32_t y = 0; y < height; y++) {
        window_load(image, y + 1 < height ? y + 1 : y, &window, window.rows[2]);
        /* The row below is loaded before this one changes; the row above is kept as it was. */
        sharpen_row(image, y, &window, (float)amount);
        float *oldest = window.rows[0];
        window.rows[0] = window.rows[1];
        window.rows[1] = window.rows[2];
        window.rows[2] = oldest;
    }
    free(memory);
    return true;
}
