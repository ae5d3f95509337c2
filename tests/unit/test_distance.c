/* SPDX-License-Identifier: MIT */
/* How far palettes are apart: answers known in closed form, and sorting as the reference. */
#include "ops/distance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/lab.h"
#include "tap.h"

static uint32_t seed = 1;

static double random_unit(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) / 16777216.0;
}

static struct image image_of(uint32_t width, uint32_t height, enum image_color color, bool alpha,
                             uint8_t depth)
{
    struct image image;
    struct image_shape shape = {width, height, color, alpha, depth};
    if (!image_new(&image, &shape, NULL))
        abort();
    return image;
}

static double distance_sides(const struct transfer_side *one, const struct transfer_side *two,
                             unsigned threads)
{
    double distance = -1;
    struct error error = {0};
    if (!distance_palettes(one, two, threads, &distance, &error))
        printf("# %s\n", error.message);
    return distance;
}

static double distance_between(const struct image *one, const struct image *two)
{
    const struct transfer_side sides[2] = {{one, NULL}, {two, NULL}};
    return distance_sides(&sides[0], &sides[1], 2);
}

/* Sets pixel I, 16-bit RGB, to a colour in Lab. */
static void set_lab(struct image *image, size_t i, const double lab[3])
{
    double linear[3];
    uint16_t *samples = (uint16_t *)(void *)image->pixels;
    lab_to_linear(lab, linear);
    for (size_t c = 0; c < 3; c++)
        samples[i * 3 + c] = (uint16_t)lrint(fmin(fmax(srgb_encode(linear[c]), 0), 1) * 65535);
}

static void get_lab(const struct image *image, size_t i, double lab[3])
{
    double linear[3];
    size_t channels = image_channels(&image->shape);
    for (size_t c = 0; c < 3; c++)
        linear[c] = srgb_decode(image->pixels[i * channels + c] / 255.0);
    lab_from_linear(linear, lab);
}

/* All colours moved by the same way. */
static void check_moved(size_t count, const double way[3])
{
    struct image one = image_of((uint32_t)count, 1, IMAGE_RGB, false, 16);
    struct image two = image_of((uint32_t)count, 1, IMAGE_RGB, false, 16);
    for (size_t i = 0; i < count; i++) {
        double lab[3] = {35 + 30 * random_unit(), 20 * random_unit() - 10, 20 * random_unit() - 10};
        set_lab(&one, i, lab);
        for (int c = 0; c < 3; c++)
            lab[c] += way[c];
        set_lab(&two, i, lab);
    }
    double length = sqrt(way[0] * way[0] + way[1] * way[1] + way[2] * way[2]);
    double got = distance_between(&one, &two), wanted = length / sqrt(3);
    tap_ok(fabs(got - wanted) < 0.01, "%zu colours moved by %g %g %g: %.3f for %.3f", count, way[0],
           way[1], way[2], got, wanted);
    image_free(&one);
    image_free(&two);
}

static struct image noise(uint32_t width, uint32_t height, bool alpha, double low, double high)
{
    struct image image = image_of(width, height, IMAGE_RGB, alpha, 8);
    size_t channels = image_channels(&image.shape);
    for (size_t i = 0; i < (size_t)width * height; i++)
        for (size_t c = 0; c < channels; c++) {
            double share = pow(random_unit(), 1.0 + (double)c);
            image.pixels[i * channels + c] = (uint8_t)(255 * (low + (high - low) * share));
        }
    return image;
}

/* Puts the pixels of a compact image into another order. */
static void shuffle(struct image *image)
{
    size_t count = (size_t)image->shape.width * image->shape.height;
    size_t bytes = image_pixel_bytes(&image->shape);
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = (size_t)(random_unit() * (double)(i + 1));
        uint8_t swap[8];
        memcpy(swap, image->pixels + i * bytes, bytes);
        memcpy(image->pixels + i * bytes, image->pixels + j * bytes, bytes);
        memcpy(image->pixels + j * bytes, swap, bytes);
    }
}

static void check_properties(void)
{
    struct image one = noise(60, 50, true, 0, 1), two = noise(41, 73, false, 0.2, 0.9);
    const struct transfer_side sides[2] = {{&one, NULL}, {&two, NULL}};
    tap_ok(distance_between(&one, &one) == 0, "an image and itself: 0");
    double there = distance_between(&one, &two), back = distance_between(&two, &one);
    tap_ok(there > 1 && there == back, "the same both ways");
    double alone = distance_sides(&sides[0], &sides[1], 1);
    double many = distance_sides(&sides[0], &sides[1], 7);
    tap_ok(alone == there && many == there, "threads do not show");
    shuffle(&one);
    shuffle(&two);
    double shuffled = distance_between(&one, &two);
    tap_ok(fabs(shuffled - there) < 1e-4, "the order of pixels does not matter: %.1e",
           fabs(shuffled - there));
    image_free(&one);
    image_free(&two);
}

static int compare_doubles(const void *one, const void *two)
{
    double a = *(const double *)one, b = *(const double *)two;
    return (a > b) - (a < b);
}

enum { SORTED = 1500 };

static void sorted_along(const struct image *image, const double direction[3], double *out)
{
    for (size_t i = 0; i < SORTED; i++) {
        double lab[3];
        get_lab(image, i, lab);
        out[i] = lab[0] * direction[0] + lab[1] * direction[1] + lab[2] * direction[2];
    }
    qsort(out, SORTED, sizeof *out, compare_doubles);
}

/* Random directions, many, and sorting. */
static void check_sorting(double low, double high)
{
    enum { TURNS = 400 };
    static double a[SORTED], b[SORTED];
    struct image one = noise(SORTED, 1, false, 0, 1), two = noise(SORTED, 1, false, low, high);
    double sum = 0;
    for (int n = 0; n < TURNS; n++) {
        double z = 2 * random_unit() - 1, turn = 2 * M_PI * random_unit(), r = sqrt(1 - z * z);
        const double direction[3] = {r * cos(turn), r * sin(turn), z};
        sorted_along(&one, direction, a);
        sorted_along(&two, direction, b);
        for (int i = 0; i < SORTED; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    double wanted = sqrt(sum / SORTED / TURNS), got = distance_between(&one, &two);
    tap_ok(fabs(got / wanted - 1) < 0.06, "random directions, sorted: %.3f, here %.3f", wanted,
           got);
    image_free(&one);
    image_free(&two);
}

/* Two pixels, black and white, of which ALPHA or a mask lets white count a third of black, against
 * black alone: a quarter has to move by 100. */
static void check_weights(void)
{
    struct image two = image_of(2, 1, IMAGE_RGB, true, 8),
                 one = image_of(1, 1, IMAGE_GREY, false, 8);
    struct image grey = image_of(2, 1, IMAGE_GREY, false, 16);
    struct image mask = image_of(2, 1, IMAGE_GREY, false, 8);
    const double quarter = sqrt(0.25) * 100 / sqrt(3);
    const struct transfer_side black = {&one, NULL};
    memcpy(two.pixels, (const uint8_t[]){0, 0, 0, 255, 255, 255, 255, 85}, 8);
    memcpy(mask.pixels, (const uint8_t[]){255, 85}, 2);
    ((uint16_t *)(void *)grey.pixels)[1] = 65535;
    double by_alpha = distance_sides(&black, &(struct transfer_side){&two, NULL}, 1);
    tap_ok(fabs(by_alpha - quarter) < 0.01, "alpha weighs: %.3f for %.3f", by_alpha, quarter);
    double by_mask = distance_sides(&black, &(struct transfer_side){&grey, &mask}, 1);
    tap_ok(fabs(by_mask - quarter) < 0.01, "a mask weighs: %.3f for %.3f", by_mask, quarter);
    two.pixels[7] = 0;
    tap_ok(distance_sides(&black, &(struct transfer_side){&two, NULL}, 1) == 0,
           "transparent pixels do not count");
    mask.pixels[0] = mask.pixels[1] = 0;
    double distance = 0;
    struct error error = {0};
    const struct transfer_side nothing = {&grey, &mask};
    bool refused = !distance_palettes(&black, &nothing, 1, &distance, &error) &&
                   error.kind == ERROR_UNSUPPORTED;
    error_clear(&error);
    refused = refused && !distance_palettes(&nothing, &black, 1, &distance, &error);
    tap_ok(refused && error.kind == ERROR_UNSUPPORTED, "a side where nothing counts is refused");
    image_free(&one);
    image_free(&two);
    image_free(&grey);
    image_free(&mask);
}

/* More pixels than are drawn: a gradient, and the same pixels transposed. */
static void check_drawn(void)
{
    enum { SIDE = 900 };
    struct image one = image_of(SIDE, SIDE, IMAGE_RGB, false, 8);
    struct image two = image_of(SIDE, SIDE, IMAGE_RGB, false, 8);
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE; x++) {
            const uint8_t pixel[3] = {(uint8_t)(x * 255 / SIDE), (uint8_t)(y * 255 / SIDE),
                                      (uint8_t)((x / 8 + y / 4) % 2 * 200)};
            memcpy(image_row(&one, y) + x * 3, pixel, 3);
            memcpy(image_row(&two, x) + y * 3, pixel, 3);
        }
    double distance = distance_between(&one, &two);
    tap_ok(distance < 0.5, "two samples of the same colours: %.3f", distance);
    image_free(&one);
    image_free(&two);
}

int main(void)
{
    check_moved(1, (const double[]){10, 0, 0});
    check_moved(1, (const double[]){-7, 11, 5});
    check_moved(300, (const double[]){0, 9, 0});
    check_moved(300, (const double[]){5, -8, 12});
    check_properties();
    check_sorting(0, 0.8);
    check_sorting(0.4, 0.5);
    check_weights();
    check_drawn();
    return tap_done();
}
