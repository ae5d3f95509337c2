/* SPDX-License-Identifier: MIT */
/* Regraining: what has to stay, what has to go, and the minimum that it looks for. */
#include "ops/regrain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static uint32_t seed = 3;

static double random_unit(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) / 16777216.0;
}

/* About normal, deviation 1. */
static double grain(void)
{
    return (random_unit() + random_unit() + random_unit() - 1.5) * 2;
}

static struct image image_of(uint32_t width, uint32_t height, bool alpha, uint8_t depth)
{
    struct image image;
    struct image_shape shape = {width, height, IMAGE_RGB, alpha, depth};
    if (!image_new(&image, &shape, NULL))
        abort();
    return image;
}

static struct image copy_of(const struct image *image)
{
    struct image copy;
    if (!image_new(&copy, &image->shape, NULL))
        abort();
    memcpy(copy.pixels, image->pixels, image->stride * image->shape.height);
    return copy;
}

static bool same_pixels(const struct image *one, const struct image *two)
{
    return memcmp(one->pixels, two->pixels, one->stride * one->shape.height) == 0;
}

static void fill_noise(struct image *image)
{
    for (size_t i = 0; i < image->stride * image->shape.height; i++)
        image->pixels[i] = (uint8_t)(random_unit() * 256);
}

static double get(const struct image *image, uint32_t x, uint32_t y, unsigned c)
{
    size_t at = x * image_channels(&image->shape) + c;
    const uint8_t *row = image_row(image, y);
    return image->shape.depth == 8 ? row[at] : ((const uint16_t *)(const void *)row)[at] / 257.0;
}

/* VALUE is in codes of 8 bits. */
static void set(struct image *image, uint32_t x, uint32_t y, unsigned c, double value)
{
    size_t at = x * image_channels(&image->shape) + c;
    uint8_t *row = image_row(image, y);
    value = fmin(fmax(value, 0), 255);
    if (image->shape.depth == 8)
        row[at] = (uint8_t)lrint(value);
    else
        ((uint16_t *)(void *)row)[at] = (uint16_t)lrint(value * 257);
}

static void check_same(void)
{
    static const uint32_t sizes[][2] = {{1, 1},   {1, 70},  {70, 1},   {2, 2},     {3, 17},
                                        {17, 16}, {129, 5}, {143, 66}, {400, 130}, {5, 300}};
    unsigned changed = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int kind = 0; kind < 4; kind++) {
            struct image one = image_of(sizes[i][0], sizes[i][1], kind % 2, kind < 2 ? 8 : 16);
            fill_noise(&one);
            struct image two = copy_of(&one);
            changed += !regrain(&two, &one, 2, NULL) || !same_pixels(&one, &two);
            image_free(&one);
            image_free(&two);
        }
    tap_ok(changed == 0, "what was not recoloured stays, in all sizes and kinds");
}

/* A wall of one colour, recoloured to another: no gradient says anything. */
static void check_flat(void)
{
    struct image one = image_of(150, 90, true, 8), two = image_of(150, 90, true, 8);
    memset(one.pixels, 77, one.stride * 90);
    memset(two.pixels, 200, two.stride * 90);
    struct image wanted = copy_of(&two);
    tap_ok(regrain(&two, &one, 2, NULL) && same_pixels(&two, &wanted), "a flat change stays");
    double mean = 0, worst = 0;
    for (uint32_t y = 0; y < 90; y++)
        for (uint32_t x = 0; x < 150; x++)
            set(&two, x, y, 1, 150 + 12 * grain());
    regrain(&two, &one, 2, NULL);
    for (uint32_t y = 0; y < 90; y++)
        for (uint32_t x = 0; x < 150; x++) {
            mean += get(&two, x, y, 1) / (150 * 90);
            worst = fmax(worst, fabs(get(&two, x, y, 1) - 150));
        }
    tap_ok(fabs(mean - 150) < 0.7 && worst < 4,
           "noise on what was flat goes: mean %.2f, at most %.1f off", mean, worst);
    image_free(&one);
    image_free(&two);
    image_free(&wanted);
}

/* A picture with a ramp, discs and grain. */
static void draw_scene(struct image *image)
{
    for (uint32_t y = 0; y < image->shape.height; y++)
        for (uint32_t x = 0; x < image->shape.width; x++) {
            double u = (double)x / image->shape.width, v = (double)y / image->shape.height;
            double disc = hypot(fmod(3 * u, 1) - 0.5, fmod(2 * v, 1) - 0.5) < 0.3, speck = grain();
            for (unsigned c = 0; c < 3; c++)
                set(image, x, y, c,
                    60 + 70 * u + 40 * v * c / 2 + disc * (25.0 * c - 20) + 3 * speck);
        }
}

/* Recolours, in few steps, which makes bands and loses or enlarges grain. */
static void recolor_banded(const struct image *from, struct image *to)
{
    for (uint32_t y = 0; y < from->shape.height; y++)
        for (uint32_t x = 0; x < from->shape.width; x++)
            for (unsigned c = 0; c < 3; c++)
                set(to, x, y, c, 20 * round((get(from, x, y, c) * 1.15 - 25 + 20 * c) / 20));
}

static double mean_of(const struct image *image, unsigned c)
{
    double sum = 0;
    for (uint32_t y = 0; y < image->shape.height; y++)
        for (uint32_t x = 0; x < image->shape.width; x++)
            sum += get(image, x, y, c);
    return sum / image->shape.height / image->shape.width;
}

/* Root mean square of the difference of gradients, in codes of 8 bits. */
static double gradient_error(const struct image *one, const struct image *two)
{
    double sum = 0;
    uint32_t width = one->shape.width, height = one->shape.height;
    for (uint32_t y = 0; y + 1 < height; y++)
        for (uint32_t x = 0; x + 1 < width; x++)
            for (unsigned c = 0; c < 3; c++) {
                double here = get(one, x, y, c) - get(two, x, y, c);
                double right = get(one, x + 1, y, c) - get(two, x + 1, y, c);
                double down = get(one, x, y + 1, c) - get(two, x, y + 1, c);
                sum += (right - here) * (right - here) + (down - here) * (down - here);
            }
    return sqrt(sum / (width - 1) / (height - 1) / 3);
}

/* Structural similarity of green in blocks of 8 by 8 (Wang, Bovik, Sheikh, Simoncelli 2004). */
static double similarity(const struct image *one, const struct image *two)
{
    double sum = 0, blocks = 0;
    for (uint32_t y = 0; y + 8 <= one->shape.height; y += 4)
        for (uint32_t x = 0; x + 8 <= one->shape.width; x += 4) {
            double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
            for (uint32_t i = 0; i < 64; i++) {
                double p = get(one, x + i % 8, y + i / 8, 1), q = get(two, x + i % 8, y + i / 8, 1);
                a += p / 64;
                b += q / 64;
                aa += p * p / 64;
                bb += q * q / 64;
                ab += p * q / 64;
            }
            sum += (2 * a * b + 6.5) * (2 * (ab - a * b) + 58.5) /
                   ((a * a + b * b + 6.5) * (aa - a * a + bb - b * b + 58.5));
            blocks++;
        }
    return sum / blocks;
}

static void check_banded(uint8_t depth)
{
    struct image original = image_of(310, 170, true, depth),
                 banded = image_of(310, 170, true, depth);
    fill_noise(&banded);
    draw_scene(&original);
    recolor_banded(&original, &banded);
    struct image result = copy_of(&banded), again = copy_of(&banded);
    tap_ok(regrain(&result, &original, 1, NULL) && regrain(&again, &original, 5, NULL) &&
               same_pixels(&result, &again),
           "%u bits: threads do not show", depth);
    double before = gradient_error(&banded, &original), after = gradient_error(&result, &original);
    tap_ok(after < before / 4, "gradients of the original: %.2f codes off, were %.2f", after,
           before);
    double was = similarity(&banded, &original), is = similarity(&result, &original);
    tap_ok(is > was + 0.1, "more similar to the original: %.3f, was %.3f", is, was);
    double moved = 0;
    bool kept_alpha = true;
    for (unsigned c = 0; c < 3; c++)
        moved = fmax(moved, fabs(mean_of(&result, c) - mean_of(&banded, c)));
    tap_ok(moved < 1, "mean colours stay: %.2f codes moved", moved);
    for (uint32_t y = 0; y < 170; y++)
        for (uint32_t x = 0; x < 310; x++)
            kept_alpha = kept_alpha && get(&result, x, y, 3) == get(&banded, x, y, 3);
    tap_ok(kept_alpha, "alpha stays");
    image_free(&original);
    image_free(&banded);
    image_free(&result);
    image_free(&again);
}

/* More than one of the tiles in which the full image is done: 128 by 64. */
enum { WIDTH = 170, HEIGHT = 91 };

static void scene_weights(const struct image *original, double phi[HEIGHT][WIDTH],
                          double psi[HEIGHT][WIDTH])
{
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            uint32_t left = x + 1 < WIDTH ? x : x - 1, top = y + 1 < HEIGHT ? y : y - 1;
            double square = 0;
            for (unsigned c = 0; c < 3; c++)
                square += pow(get(original, left + 1, y, c) - get(original, left, y, c), 2) +
                          pow(get(original, x, top + 1, c) - get(original, x, top, c), 2);
            phi[y][x] = 30 / (1 + 10 * sqrt(square) / 255);
            psi[y][x] = fmin(sqrt(square) / 5, 1) + 0.001;
        }
}

/* Of pixel X, Y: the weighted sum of its neighbours into SUM, the weights' sum returned. */
static double neighbours(const double d[HEIGHT][WIDTH], const double phi[HEIGHT][WIDTH], int x,
                         int y, double *sum)
{
    static const int steps[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    double weights = 0;
    for (int n = 0; n < 4; n++) {
        int i = x + steps[n][0], j = y + steps[n][1];
        if (i < 0 || j < 0 || i >= WIDTH || j >= HEIGHT)
            continue;
        double weight = (phi[y][x] + phi[j][i]) / 2;
        weights += weight;
        *sum += weight * d[j][i];
    }
    return weights;
}

/* Against the minimum itself: Gauss-Seidel in double precision, until nothing moves. */
static void check_minimum(void)
{
    static double phi[HEIGHT][WIDTH], psi[HEIGHT][WIDTH], d[HEIGHT][WIDTH];
    struct image original = image_of(WIDTH, HEIGHT, false, 16);
    struct image result = image_of(WIDTH, HEIGHT, false, 16);
    draw_scene(&original);
    recolor_banded(&original, &result);
    struct image banded = copy_of(&result);
    regrain(&result, &original, 2, NULL);
    scene_weights(&original, phi, psi);
    for (int n = 0; n < 1500; n++)
        for (uint32_t y = 0; y < HEIGHT; y++)
            for (uint32_t x = 0; x < WIDTH; x++) {
                double target = get(&banded, x, y, 1) - get(&original, x, y, 1);
                double sum = psi[y][x] * target;
                double weights = neighbours(d, phi, (int)x, (int)y, &sum) + psi[y][x];
                d[y][x] += 1.5 * (sum / weights - d[y][x]);
            }
    double mean = 0, change = 0, seam = 0;
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            double wanted = fmin(fmax(get(&original, x, y, 1) + d[y][x], 0), 255);
            double off = fabs(get(&result, x, y, 1) - wanted);
            mean += off / (WIDTH * HEIGHT);
            seam += (x == 127 || x == 128 ? off : 0) / (2 * HEIGHT);
            change += fabs(get(&banded, x, y, 1) - wanted) / (WIDTH * HEIGHT);
        }
    tap_ok(mean < 0.15 && change > 3, "%.2f codes from the minimum; the bands were %.2f", mean,
           change);
    tap_ok(seam < 1.5 * mean, "no seams: %.2f codes", seam);
    image_free(&original);
    image_free(&result);
    image_free(&banded);
}

static void check_refused(void)
{
    struct image one = image_of(3, 4, false, 8), two = image_of(4, 3, false, 8);
    struct error error = {0};
    tap_ok(!regrain(&one, &two, 1, &error) && error.kind == ERROR_INTERNAL,
           "two sizes are refused");
    image_free(&one);
    image_free(&two);
}

int main(void)
{
    check_same();
    check_flat();
    check_banded(8);
    check_banded(16);
    check_minimum();
    check_refused();
    return tap_done();
}
