/* SPDX-License-Identifier: MIT */
/* The resampler against the definition: for every output the kernel is evaluated in double and
 * summed over both axes at once, without any of the code's own shortcuts. */
#include <math.h>
#include <stdlib.h>

#include "ops/resample.h"
#include "tap.h"

static double sinc(double x)
{
    return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
}

/* Mitchell and Netravali's family. */
static double cubic(double x, double b, double c)
{
    x = fabs(x);
    if (x < 1)
        return ((12 - 9 * b - 6 * c) * pow(x, 3) + (-18 + 12 * b + 6 * c) * x * x + (6 - 2 * b)) / 6;
    if (x < 2)
        return ((-b - 6 * c) * pow(x, 3) + (6 * b + 30 * c) * x * x + (-12 * b - 48 * c) * x +
                (8 * b + 24 * c)) / 6;
    return 0;
}

static double kernel(enum resample_filter filter, double x)
{
    switch (filter) {
    case RESAMPLE_LANCZOS3:
        return fabs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
    case RESAMPLE_LANCZOS2:
        return fabs(x) < 2 ? sinc(x) * sinc(x / 2) : 0;
    case RESAMPLE_MITCHELL:
        return cubic(x, 1 / 3.0, 1 / 3.0);
    case RESAMPLE_CATROM:
        return cubic(x, 0, 0.5);
    case RESAMPLE_TRIANGLE:
        return fmax(0, 1 - fabs(x));
    default:
        return x >= -0.5 && x < 0.5;
    }
}

enum { WIDTH = 37, HEIGHT = 23 };

static double expected(const double *light, enum resample_filter filter, double cx, double cy,
                       double sx, double sy, int channel)
{
    double sum = 0, weights = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double w = kernel(filter, (x + 0.5 - cx) / sx) * kernel(filter, (y + 0.5 - cy) / sy);
            sum += w * light[(y * WIDTH + x) * 4 + channel];
            weights += w;
        }
    return sum / weights;
}

/* LIGHT is a whole image, which goes through in one band, into OUT. */
static void push_all(struct resampler *resampler, const double *light, const struct image *out)
{
    static float rows[RESAMPLE_GROUP * RESAMPLE_COLUMNS * 4];
    for (uint32_t y = 0; y < HEIGHT; y += RESAMPLE_GROUP) {
        struct resample_group group = {.row = y, .width = WIDTH, .light = rows};
        group.rows = HEIGHT - y < RESAMPLE_GROUP ? HEIGHT - y : RESAMPLE_GROUP;
        for (uint32_t i = 0; i < group.rows * WIDTH * 4; i++)
            rows[i / (WIDTH * 4) * RESAMPLE_COLUMNS * 4 + i % (WIDTH * 4)] =
                (float)light[y * WIDTH * 4 + i];
        resampler_down(resampler, &group);
    }
    uint32_t complete = resampler_complete(resampler, HEIGHT);
    for (uint32_t i = 0; i < complete; i++)
        resampler_across(resampler, i, image_row(out, i));
    resampler_advance(resampler, HEIGHT);
}

/* The largest difference in samples of 16 bits, all channels. */
static double worst(uint32_t out_width, uint32_t out_height, enum resample_filter filter,
                    const struct image *source, const struct tone *tone)
{
    struct error error = {0};
    struct image out;
    struct image_shape shape = source->shape;
    struct resampler *resampler = NULL;
    struct resample_region region = {0, 0, WIDTH, HEIGHT};
    float row[WIDTH * 4];
    static double light[WIDTH * HEIGHT * 4];
    double largest = 0;
    shape.width = out_width;
    shape.height = out_height;
    if (!image_new(&out, &shape, &error) ||
        !resampler_new(&resampler, WIDTH, HEIGHT, &region, filter, tone, &shape, &error))
        return INFINITY;
    for (uint32_t y = 0; y < HEIGHT; y++) {
        resample_load_row(tone, &source->shape, image_row(source, y), row, WIDTH);
        for (int i = 0; i < WIDTH * 4; i++)
            light[y * WIDTH * 4 + (uint32_t)i] = (double)row[i];
    }
    push_all(resampler, light, &out);
    double sx = (double)WIDTH / out_width, sy = (double)HEIGHT / out_height;
    for (uint32_t y = 0; y < out_height; y++)
        for (uint32_t x = 0; x < out_width; x++) {
            const uint16_t *pixel = (const void *)(image_row(&out, y) + x * 8);
            double cx = (x + 0.5) * sx, cy = (y + 0.5) * sy;
            double alpha = expected(light, filter, cx, cy, fmax(1, sx), fmax(1, sy), 3);
            largest = fmax(largest, fabs(pixel[3] - fmin(1, fmax(0, alpha)) * 65535));
            for (int c = 0; alpha > 0.05 && c < 3; c++) {
                double value =
                    expected(light, filter, cx, cy, fmax(1, sx), fmax(1, sy), c) / alpha;
                value = fmin(1, fmax(0, value));
                largest = fmax(largest, fabs(pixel[c] - value * 65535));
            }
        }
    resampler_free(resampler);
    image_free(&out);
    return largest;
}

int main(void)
{
    static const char *const names[] = {"lanczos3", "lanczos2", "mitchell", "catrom", "triangle",
                                        "box"};
    static const uint32_t sizes[][2] = {{37, 23}, {20, 11}, {5, 3}, {1, 1}, {60, 50},
                                        {37, 7},  {100, 2}};
    struct image_shape shape = {WIDTH, HEIGHT, IMAGE_RGB, true, 16};
    struct error error = {0};
    struct image source;
    struct tone tone = {0};
    struct blob none = {0};
    unsigned random = 1;
    if (!image_new(&source, &shape, &error) ||
        !tone_new(&tone, TONE_GAMMA, &none, ICC_RGB, 16, &error))
        return 1;
    for (size_t i = 0; i < WIDTH * HEIGHT * 4; i++) {
        random = random * 1103515245u + 12345u;
        ((uint16_t *)(void *)source.pixels)[i] = (uint16_t)(random >> 13);
    }
    for (int filter = 0; filter < 6; filter++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            /* A box whose edge falls on a pixel's centre is decided by rounding alone. */
            if (filter == RESAMPLE_BOX && sizes[i][0] > WIDTH)
                continue;
            double difference = worst(sizes[i][0], sizes[i][1], (enum resample_filter)filter,
                                      &source, &tone);
            /* Samples are rounded (0.5), and the colour of a nearly clear pixel is a quotient. */
            tap_ok(difference < 4, "%s to %u x %u: within %.2f of 65535", names[filter], sizes[i][0],
                   sizes[i][1], difference);
        }
    tone_free(&tone);
    image_free(&source);
    return tap_done();
}
