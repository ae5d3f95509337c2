/* SPDX-License-Identifier: MIT */
/* Linear light to samples: nearest codes, there and back, and nothing else touched. */
#include "ops/pixel_writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/lab.h"
#include "ops/pixels.h"
#include "tap.h"

enum { WIDTH = 257, HEIGHT = 3 };

static struct image canvas(unsigned depth, bool alpha)
{
    struct image image;
    struct image_shape shape = {WIDTH, HEIGHT, IMAGE_RGB, alpha, (uint8_t)depth};
    if (!image_new(&image, &shape, NULL))
        abort();
    memset(image.pixels, 0xa5, image.stride * HEIGHT);
    return image;
}

static unsigned sample(const struct image *image, uint32_t x, uint32_t y, unsigned c)
{
    size_t at = (size_t)x * image_channels(&image->shape) + c;
    const uint8_t *row = image_row(image, y);
    return image->shape.depth == 8 ? row[at] : ((const uint16_t *)(const void *)row)[at];
}

/* Samples that are not the nearest code of LIGHT, by the formula. */
static unsigned wrong_codes(const struct image *image, uint32_t y, const float *const light[3])
{
    unsigned wrong = 0;
    double most = image->shape.depth == 8 ? 255 : 65535;
    for (uint32_t x = 0; x < WIDTH; x++)
        for (unsigned c = 0; c < 3; c++) {
            double value = srgb_encode(light[c][x]);
            value = value > 0 ? value < 1 ? value : 1 : 0;
            /* In 16 bits the darkest limits are off by up to a quarter of a code (color/tone.h). */
            double slack = image->shape.depth == 8 ? 0.5001 : 0.76;
            wrong += fabs(sample(image, x, y, c) - value * most) > slack;
        }
    return wrong;
}

static void check_shape(unsigned depth, bool alpha)
{
    float planes[3][WIDTH];
    const float *const light[3] = {planes[0], planes[1], planes[2]};
    struct image image = canvas(depth, alpha);
    struct pixel_writer *writer = NULL;
    for (int i = 0; i < WIDTH; i++) {
        planes[0][i] = (float)i / (WIDTH - 1);
        planes[1][i] = powf((float)i / (WIDTH - 1), 3);
        planes[2][i] = (float)i / 128 - 0.5f;
    }
    planes[2][7] = NAN;
    tap_ok(pixel_writer_new(&writer, &image, NULL), "a writer, %u bits, alpha %d", depth, alpha);
    pixel_writer_linear(writer, 0, 1, WIDTH, light);
    tap_ok(sample(&image, 7, 1, 2) == 0, "NaN is 0");
    planes[2][7] = 0;
    tap_ok(wrong_codes(&image, 1, light) == 0, "nearest codes, beyond 0..1 clipped");
    unsigned guard = depth == 8 ? 0xa5 : 0xa5a5, touched = 0;
    for (uint32_t x = 0; x < WIDTH; x++) {
        for (unsigned c = 0; c < 3; c++)
            touched += sample(&image, x, 0, c) != guard || sample(&image, x, 2, c) != guard;
        if (alpha)
            touched += sample(&image, x, 1, 3) != guard;
    }
    tap_ok(touched == 0, "alpha and the other rows are left");
    pixel_writer_free(writer);
    image_free(&image);
}

/* A part of a row only. */
static void check_part(unsigned depth)
{
    const float white[5] = {1, 1, 1, 1, 1}, *const light[3] = {white, white, white};
    const unsigned most = depth == 8 ? 0xff : 0xffff, guard = depth == 8 ? 0xa5 : 0xa5a5;
    struct image image = canvas(depth, false);
    struct pixel_writer *writer = NULL;
    unsigned wrong = 0;
    if (!pixel_writer_new(&writer, &image, NULL))
        abort();
    pixel_writer_linear(writer, 11, 2, 5, light);
    for (uint32_t x = 0; x < WIDTH; x++)
        for (unsigned c = 0; c < 3; c++)
            wrong += sample(&image, x, 2, c) != (x >= 11 && x < 16 ? most : guard);
    tap_ok(wrong == 0, "a part of a row, %u bits", depth);
    pixel_writer_free(writer);
    image_free(&image);
}

static void check_round_trip(void)
{
    float planes[3][WIDTH];
    float *const light[3] = {planes[0], planes[1], planes[2]};
    struct image image = canvas(8, true), copy = canvas(8, true);
    struct pixel_reader reader;
    struct pixel_writer *writer = NULL;
    for (uint32_t x = 0; x < WIDTH; x++)
        for (unsigned c = 0; c < 4; c++)
            image.pixels[x * 4 + c] = c == 3 ? 0xa5 : (uint8_t)(x + 85 * c);
    if (!pixel_reader_open(&reader, &image, false, NULL) || !pixel_writer_new(&writer, &copy, NULL))
        abort();
    pixel_reader_linear(&reader, 0, 0, WIDTH, light, NULL);
    pixel_writer_linear(writer, 0, 0, WIDTH,
                        (const float *const[3]){planes[0], planes[1], planes[2]});
    tap_ok(memcmp(image.pixels, copy.pixels, image.stride) == 0, "what was read comes back");
    pixel_reader_close(&reader);
    pixel_writer_free(writer);
    image_free(&image);
    image_free(&copy);
}

static void check_refused(void)
{
    struct image image;
    struct image_shape shape = {2, 2, IMAGE_GREY, false, 8};
    struct error error = {0};
    struct pixel_writer *writer = NULL;
    if (!image_new(&image, &shape, NULL))
        abort();
    tap_ok(!pixel_writer_new(&writer, &image, &error) && error.kind == ERROR_INTERNAL &&
               writer == NULL,
           "grey is refused");
    pixel_writer_free(NULL);
    image_free(&image);
}

int main(void)
{
    check_shape(8, false);
    check_shape(8, true);
    check_shape(16, false);
    check_shape(16, true);
    check_part(8);
    check_part(16);
    check_round_trip();
    check_refused();
    return tap_done();
}
