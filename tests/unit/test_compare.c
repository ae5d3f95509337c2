/* SPDX-License-Identifier: MIT */
/* Comparing images: every pixel against the formulas in double precision, statistics against
 * sorted values, results by hand. */
#include "ops/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/color_space.h"
#include "color/icc.h"
#include "color/lab.h"
#include "ops/compare_bins.h"
#include "profile.h"
#include "tap.h"

static unsigned next_random(void)
{
    static unsigned seed = 11;
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static struct image picture(uint32_t width, uint32_t height, enum image_color color, bool alpha,
                            uint8_t depth)
{
    const struct image_shape shape = {width, height, color, alpha, depth};
    struct image image;
    if (!image_new(&image, &shape, NULL))
        abort();
    return image;
}

static void put(struct image *image, uint32_t x, uint32_t y, unsigned c, unsigned value)
{
    size_t at = (size_t)x * image_channels(&image->shape) + c;
    if (image->shape.depth == 16)
        ((uint16_t *)(void *)image_row(image, y))[at] = (uint16_t)value;
    else
        image_row(image, y)[at] = (uint8_t)value;
}

static double share(const struct image *image, uint32_t x, uint32_t y, unsigned c)
{
    size_t at = (size_t)x * image_channels(&image->shape) + c;
    if (image->shape.depth == 16)
        return ((const uint16_t *)(const void *)image_row(image, y))[at] / 65535.0;
    return image_row(image, y)[at] / 255.0;
}

/* The pixel over BACKGROUND as a point of the formula. */
static void exact_point(const struct image *image, uint32_t x, uint32_t y, double background,
                        const struct difference *difference, double point[3])
{
    double linear[3], lab_d65[3], lab[3];
    bool grey = image->shape.color == IMAGE_GREY;
    double alpha = image->shape.alpha ? share(image, x, y, grey ? 1 : 3) : 1;
    for (unsigned c = 0; c < 3; c++)
        linear[c] =
            srgb_decode(background * (1 - alpha) + share(image, x, y, grey ? 0 : c) * alpha);
    lab_from_linear(linear, lab_d65);
    difference_lab(difference, lab_d65, lab);
    difference_point(difference, lab, point);
}

static double exact(const struct image *a, const struct image *b, uint32_t x, uint32_t y,
                    const struct difference *difference)
{
    double most = 0;
    for (int background = 0; background < 2; background++) {
        double one[3], two[3];
        exact_point(a, x, y, background, difference, one);
        exact_point(b, x, y, background, difference, two);
        most = fmax(most, difference_between(difference, one, two));
    }
    return most;
}

static int compare_doubles(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}

/* numpy's default: linear interpolation. */
static double sorted_quantile(const double *sorted, size_t count, double at)
{
    double place = at * (double)(count - 1);
    size_t below = (size_t)place;
    double above = below + 1 < count ? sorted[below + 1] : sorted[below];
    return sorted[below] + (above - sorted[below]) * (place - (double)below);
}

/* Compares and checks everything against the sorted exact differences. */
static void check(const struct image *a, const struct image *b, struct compare_options options,
                  double allowed, const char *what)
{
    struct compare_result result;
    struct error error = {0};
    size_t count = 0, pixels = (size_t)a->shape.width * a->shape.height, over = 0;
    options.want_map = true;
    if (!tap_ok(compare_images(&result, a, b, &options, &error), "%s %s", what, error.message))
        return;
    double *sorted = malloc(pixels * sizeof *sorted), sum = 0, worst = 0, most = -1;
    uint32_t most_x = 0, most_y = 0;
    for (uint32_t y = 0; y < a->shape.height; y++)
        for (uint32_t x = 0; x < a->shape.width; x++) {
            float got = result.map[(size_t)y * a->shape.width + x];
            if (got < 0)
                continue;
            double right = exact(a, b, x, y, &options.difference);
            worst = fmax(worst, fabs(got - right));
            sum += right;
            over += got > options.tolerance;
            sorted[count++] = right;
            if (got > most) {
                most = got;
                most_x = x;
                most_y = y;
            }
        }
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    tap_ok(worst <= 0.005, "%s: each pixel within 0.005: %g", what, worst);
    double n = (double)count;
    tap_ok(result.counted == count && fabs(result.mean - sum / n) < 0.0005 &&
               fabs(result.over - (double)over / n) < 1e-12,
           "%s: mean %.6f instead of %.6f", what, result.mean, sum / n);
    const double got[3] = {result.median, result.p95, result.p99}, at[3] = {0.5, 0.95, 0.99};
    for (int i = 0; i < 3; i++) {
        double right = sorted_quantile(sorted, count, at[i]);
        tap_ok(fabs(got[i] - right) < allowed, "%s: quantile %g: %.6f instead of %.6f", what, at[i],
               got[i], right);
    }
    tap_ok(fabs(result.max - sorted[count - 1]) < 0.005 && result.max == most &&
               result.max_x == most_x && result.max_y == most_y && result.p99 <= result.max,
           "%s: the largest, %.4f, at %u, %u", what, result.max, result.max_x, result.max_y);
    free(sorted);
    compare_free(&result);
}

/* Random samples; NEAR: B is A with some of its samples moved a little. */
static void fill(struct image *a, struct image *b, unsigned near)
{
    unsigned most = a->shape.depth == 16 ? 65535 : 255, channels = image_channels(&a->shape);
    for (uint32_t y = 0; y < a->shape.height; y++)
        for (uint32_t x = 0; x < a->shape.width; x++)
            for (unsigned c = 0; c < channels; c++) {
                unsigned one = next_random() % (most + 1), two = next_random() % (most + 1);
                if (near > 0) {
                    int move = (int)(next_random() % (2 * near + 1)) - (int)near;
                    two = (unsigned)fmin(fmax((int)one + move, 0), most);
                }
                put(a, x, y, c, one);
                put(b, x, y, c, two);
            }
}

static void test_random(void)
{
    static const struct {
        enum image_color color;
        bool alpha;
        uint8_t depth;
        unsigned near;
        const char *what;
    } cases[] = {
        {IMAGE_RGB, false, 8, 0, "8 bits, random"},
        {IMAGE_RGB, false, 8, 3, "8 bits, near"},
        {IMAGE_RGB, false, 16, 0, "16 bits, random"},
        {IMAGE_RGB, false, 16, 900, "16 bits, near"},
        {IMAGE_GREY, false, 8, 0, "grey"},
        {IMAGE_GREY, true, 16, 0, "grey with alpha, 16 bits"},
        {IMAGE_RGB, true, 8, 0, "alpha, random"},
        {IMAGE_RGB, true, 8, 5, "alpha, near"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image a = picture(131, 67, cases[i].color, cases[i].alpha, cases[i].depth);
        struct image b = picture(131, 67, cases[i].color, cases[i].alpha, cases[i].depth);
        struct compare_options options = {.tolerance = 2.3, .threads = 2};
        fill(&a, &b, cases[i].near);
        check(&a, &b, options, 0.0005 + (cases[i].near ? 0 : 0.001), cases[i].what);
        image_free(&a);
        image_free(&b);
    }
}

/* A gradient through the middle of the colours against itself with other blacks and whites. */
static void test_gradient(void)
{
    struct image a = picture(300, 70, IMAGE_RGB, false, 8);
    struct image b = picture(300, 70, IMAGE_RGB, false, 16);
    struct compare_options options = {.tolerance = 1, .threads = 2};
    for (uint32_t y = 0; y < 70; y++)
        for (uint32_t x = 0; x < 300; x++) {
            const unsigned rgb[3] = {x * 255 / 299, y * 255 / 69, 255 - x * 200 / 299};
            for (unsigned c = 0; c < 3; c++) {
                put(&a, x, y, c, rgb[c]);
                put(&b, x, y, c, rgb[c] * 250 + 700 * c);
            }
        }
    check(&a, &b, options, 0.0005, "gradients, 8 against 16 bits");
    image_free(&a);
    image_free(&b);
}

/* Greys with a hint of opposite colours, as compression makes them: where the formula jumps. */
static void test_opposite(void)
{
    struct image a = picture(250, 250, IMAGE_RGB, false, 8);
    struct image b = picture(250, 250, IMAGE_RGB, false, 8);
    struct compare_options options = {.tolerance = 1, .threads = 2};
    double worst = 0;
    for (uint32_t y = 0; y < 250; y++)
        for (uint32_t x = 0; x < 250; x++) {
            unsigned grey = 20 + next_random() % 200, spread = 1 + next_random() % 20;
            for (unsigned c = 0; c < 3; c++) {
                unsigned one = next_random() % (spread + 1);
                put(&a, x, y, c, grey + one);
                put(&b, x, y, c, grey + spread - one + next_random() % 2);
            }
        }
    check(&a, &b, options, 0.0005, "opposite hues");
    /* Those of all of them that are opposite to within a thousandth of a degree, against both
     * sides of the jump: the answer has to be that of the double formula. */
    struct image c = picture(64, 1, IMAGE_RGB, false, 16);
    struct image d = picture(64, 1, IMAGE_RGB, false, 16);
    for (uint32_t x = 0; x < 64; x++) {
        double angle = next_random(), away = x < 32 ? 1e-5 : -1e-5;
        const double one[3] = {50, 30 * cos(angle), 30 * sin(angle)};
        const double two[3] = {60, 20 * cos(angle + M_PI + away), 20 * sin(angle + M_PI + away)};
        double linear[3];
        lab_to_linear(one, linear);
        for (unsigned k = 0; k < 3; k++)
            put(&c, x, 0, k, (unsigned)lround(65535 * fmin(fmax(srgb_encode(linear[k]), 0), 1)));
        lab_to_linear(two, linear);
        for (unsigned k = 0; k < 3; k++)
            put(&d, x, 0, k, (unsigned)lround(65535 * fmin(fmax(srgb_encode(linear[k]), 0), 1)));
    }
    struct compare_result result;
    options.want_map = true;
    compare_images(&result, &c, &d, &options, NULL);
    for (uint32_t x = 0; x < 64; x++)
        worst = fmax(worst, fabs(result.map[x] - exact(&c, &d, x, 0, &options.difference)));
    tap_ok(worst < 0.005, "hues opposite to within the rounding of 16 bits: %g", worst);
    compare_free(&result);
    image_free(&a);
    image_free(&b);
    image_free(&c);
    image_free(&d);
}

static void test_formulas(void)
{
    struct image a = picture(61, 40, IMAGE_RGB, false, 8);
    struct image b = picture(61, 40, IMAGE_RGB, false, 8);
    fill(&a, &b, 0);
    for (uint32_t y = 10; y < 30; y++)
        memcpy(image_row(&b, y), image_row(&a, y), 61 * 3);
    for (int formula = 0; formula < DIFFERENCE_COUNT; formula++)
        for (int white = 0; white < 2; white++) {
            char what[64];
            struct compare_options options = {
                .difference = {.formula = (enum difference_formula)formula,
                               .white = (enum difference_white)white},
                .tolerance = 2,
                .threads = 2};
            snprintf(what, sizeof what, "formula %s, white %d", difference_names[formula], white);
            check(&a, &b, options, 0.0005 + (formula == 0 && white == 0 ? 0.001 : 0), what);
        }
    struct compare_options options = {.difference = {.kl = 2, .kc = 1.5, .kh = 0.5}, .threads = 1};
    check(&a, &b, options, 0.0005, "factors");
    options.difference = (struct difference){.kl = 0.02, .kc = 0.1, .kh = 0.1};
    check(&a, &b, options, 0.05, "differences by the thousand");
    image_free(&a);
    image_free(&b);
}

static bool results_same(const struct compare_result *a, const struct compare_result *b,
                         size_t pixels)
{
    return a->mean == b->mean && a->median == b->median && a->p95 == b->p95 && a->p99 == b->p99 &&
           a->max == b->max && a->max_x == b->max_x && a->max_y == b->max_y && a->over == b->over &&
           a->counted == b->counted && a->box_count == b->box_count &&
           memcmp(a->boxes, b->boxes, a->box_count * sizeof *a->boxes) == 0 &&
           memcmp(a->map, b->map, pixels * sizeof(float)) == 0;
}

static void test_threads(void)
{
    struct image a = picture(517, 301, IMAGE_RGB, true, 8);
    struct image b = picture(517, 301, IMAGE_RGB, true, 8);
    struct compare_result one, more;
    fill(&a, &b, 2);
    for (int formula = 0; formula < 2; formula++) {
        struct compare_options options = {
            .difference = {.formula = formula ? DIFFERENCE_CMC : DIFFERENCE_2000},
            .tolerance = 1,
            .want_map = true,
            .threads = 1};
        compare_images(&one, &a, &b, &options, NULL);
        for (unsigned threads = 2; threads < 40; threads += 17) {
            options.threads = threads;
            compare_images(&more, &a, &b, &options, NULL);
            tap_ok(results_same(&one, &more, 517 * 301), "1 and %u threads give the same bits",
                   threads);
            compare_free(&more);
        }
        compare_free(&one);
    }
    image_free(&a);
    image_free(&b);
}

static void set_pixel(struct image *image, uint32_t x, uint32_t y, const char *samples)
{
    for (unsigned c = 0, value; sscanf(samples, "%2x", &value) == 1; c++, samples += 2)
        put(image, x, y, c, value);
}

/* One pixel of RGB and alpha each. */
static double pixel_difference(const char *one, const char *two)
{
    struct image a = picture(1, 1, IMAGE_RGB, true, 8);
    struct image b = picture(1, 1, IMAGE_RGB, true, 8);
    struct compare_options options = {.threads = 1};
    struct compare_result result;
    set_pixel(&a, 0, 0, one);
    set_pixel(&b, 0, 0, two);
    compare_images(&result, &a, &b, &options, NULL);
    image_free(&a);
    image_free(&b);
    return result.max;
}

static void test_alpha(void)
{
    double value = pixel_difference("ff000000", "00ff0000");
    tap_ok(value == 0, "what is transparent in both is equal: %g", value);
    /* Black and white are 100 apart (Sharma, Wu, Dalal 2005, their formula by hand: L 0 and 100,
     * S_L = 1). */
    value = pixel_difference("ffffffff", "ffffff00");
    tap_ok(fabs(value - 100) < 0.001, "white is not transparent, over black: %g", value);
    value = pixel_difference("000000ff", "00000000");
    tap_ok(fabs(value - 100) < 0.001, "black is not transparent, over white: %g", value);
    value = pixel_difference("000000ff", "00ff0000");
    tap_ok(fabs(value - 100) < 0.001, "whatever the colour under alpha 0: %g", value);
    value = pixel_difference("336699ff", "336699ff");
    tap_ok(value == 0, "equal opaque pixels: %g", value);
    value = pixel_difference("33669980", "33669980");
    tap_ok(value == 0, "equal half transparent pixels: %g", value);
    /* Half of black over white is the code 127.5 in the browsers; over black it is black. */
    double grey[3], white_lab[3] = {100, 0, 0}, lab[3];
    grey[0] = grey[1] = grey[2] = srgb_decode(1 - 128 / 255.0);
    lab_from_linear(grey, lab);
    value = pixel_difference("00000080", "ffffff00");
    double right = lab_ciede2000(lab, white_lab);
    tap_ok(fabs(value - right) < 0.005, "half black against nothing: %.4f, %.4f", value, right);
}

static void test_shapes(void)
{
    struct image grey = picture(16, 16, IMAGE_GREY, false, 8),
                 wide = picture(16, 16, IMAGE_RGB, true, 16);
    struct compare_options options = {.threads = 2};
    struct compare_result result;
    struct error error = {0};
    for (uint32_t i = 0; i < 256; i++)
        for (unsigned c = 0; c < 4; c++) {
            put(&grey, i % 16, i / 16, 0, i);
            put(&wide, i % 16, i / 16, c, c < 3 ? i * 257 : 65535);
        }
    compare_images(&result, &grey, &wide, &options, NULL);
    tap_ok(result.max < 0.0005, "grey of 8 bits is RGB of 16: %g", result.max);
    struct image other = picture(17, 16, IMAGE_GREY, false, 8);
    bool done = compare_images(&result, &grey, &other, &options, &error);
    tap_ok(!done && error.kind == ERROR_CORRUPT && strstr(error.message, "16 x 16") != NULL &&
               strstr(error.message, "17 x 16") != NULL,
           "another size: %s", error.message);
    image_free(&grey);
    image_free(&wide);
    image_free(&other);
}

static void test_counting(void)
{
    struct image a = picture(20, 10, IMAGE_GREY, false, 8);
    struct image b = picture(20, 10, IMAGE_GREY, false, 8);
    struct image mask = picture(20, 10, IMAGE_GREY, false, 8),
                 mask16 = picture(20, 10, IMAGE_GREY, false, 16);
    struct compare_options options = {.tolerance = 2.3, .threads = 2, .want_map = true};
    struct compare_result result;
    struct error error = {0};
    for (uint32_t x = 5; x < 15; x++)
        put(&b, x, 3, 0, 255);
    compare_images(&result, &a, &b, &options, NULL);
    tap_ok(result.counted == 200 && fabs(result.over - 0.05) < 1e-12 &&
               fabs(result.mean - 5) < 1e-3 && result.max_x == 5 && result.max_y == 3 &&
               result.median == 0 && fabs(result.p99 - 100) < 0.001,
           "10 of 200 pixels are 100 off: mean %g", result.mean);
    /* The tolerance is not rounded. */
    const double near = result.max;
    compare_free(&result);
    for (int step = -1; step <= 1; step++) {
        options.tolerance = near + step * 1e-9;
        compare_images(&result, &a, &b, &options, NULL);
        tap_ok(fabs(result.over - (step < 0 ? 0.05 : 0)) < 1e-12, "a tolerance of %.9f: %g over",
               options.tolerance, result.over);
        compare_free(&result);
    }
    options.tolerance = 2.3;
    for (uint32_t x = 0; x < 10; x++) {
        put(&mask, x, 3, 0, 1);
        put(&mask16, x, 3, 0, 1);
    }
    for (int deep = 0; deep < 2; deep++) {
        options.mask = deep ? &mask16 : &mask;
        compare_images(&result, &a, &b, &options, NULL);
        tap_ok(result.counted == 10 && result.over == 0.5 && fabs(result.mean - 50) < 1e-3 &&
                   fabs(result.median - 50) < 1e-3 && result.map[0] == -1 && result.map[60] == 0,
               "a mask of 10 pixels: mean %g, median %g", result.mean, result.median);
        compare_free(&result);
    }
    const struct image_box boxes[] = {{6, 0, 4, 100}, {30, 30, 5, 5}, {0, 3, 1, 1},
                                      {12, 3, UINT32_MAX, UINT32_MAX}};
    options.ignore = boxes;
    options.ignore_count = 4;
    compare_images(&result, &a, &b, &options, NULL);
    tap_ok(result.counted == 5 && fabs(result.mean - 20) < 1e-3,
           "and boxes to ignore: %d left, mean %g", (int)result.counted, result.mean);
    compare_free(&result);
    const struct image_box all = {0, 0, 20, 10};
    options.ignore = &all;
    options.ignore_count = 1;
    bool done = compare_images(&result, &a, &b, &options, &error);
    tap_ok(!done && error.kind == ERROR_UNSUPPORTED && result.map == NULL, "nothing is left: %s",
           error.message);
    image_free(&a);
    image_free(&b);
    image_free(&mask);
    image_free(&mask16);
}

static void test_first(void)
{
    struct image a = picture(900, 100, IMAGE_GREY, false, 8);
    struct image b = picture(900, 100, IMAGE_GREY, false, 8);
    struct compare_options options = {.tolerance = 2.3, .threads = 2};
    struct compare_result result;
    const uint32_t spots[4][2] = {{2, 95}, {800, 40}, {100, 41}, {850, 40}};
    for (int i = 0; i < 4; i++)
        put(&b, spots[i][0], spots[i][1], 0, 200);
    compare_images(&result, &a, &b, &options, NULL);
    tap_ok(result.max_x == 800 && result.max_y == 40, "of equals the first in reading order");
    image_free(&a);
    image_free(&b);
}

static void test_boxes(void)
{
    struct image a = picture(400, 300, IMAGE_GREY, false, 8);
    struct image b = picture(400, 300, IMAGE_GREY, false, 8);
    struct compare_options options = {.tolerance = 2.3, .threads = 2};
    struct compare_result result;
    /* Dots 3 apart are one thing; a bar; a single pixel in the corner. */
    for (uint32_t i = 0; i < 30; i++)
        put(&b, 41 + 3 * (i % 10), 50 + 3 * (i / 10), 0, 200);
    for (uint32_t x = 200; x < 300; x++)
        for (uint32_t y = 150; y < 160; y++)
            put(&b, x, y, 0, 100);
    put(&b, 399, 299, 0, 100);
    /* A line that goes down to the left. */
    for (uint32_t i = 0; i < 25; i++)
        put(&b, 324 - i, 20 + i, 0, 100);
    compare_images(&result, &a, &b, &options, NULL);
    const struct image_box right[4] = {
        {200, 150, 100, 10}, {300, 20, 25, 25}, {41, 50, 28, 7}, {399, 299, 1, 1}};
    tap_ok(result.box_count == 4 && memcmp(result.boxes, right, sizeof right) == 0,
           "boxes of a bar, a line, dots, a pixel: %zu, %u %u %u %u", result.box_count,
           result.boxes[2].x, result.boxes[2].y, result.boxes[2].width, result.boxes[2].height);
    for (uint32_t i = 0; i < 100; i++)
        put(&b, 40 * (i % 10) + 1, 20 * (i / 10) + 10, 0, 90);
    compare_images(&result, &a, &b, &options, NULL);
    tap_ok(result.box_count == COMPARE_MOST_BOXES &&
               memcmp(result.boxes, right, sizeof *right) == 0,
           "of many, the largest: %zu", result.box_count);
    for (uint32_t i = 0; i < 400 * 300; i++)
        put(&b, i % 400, i / 400, 0, 255);
    compare_images(&result, &a, &b, &options, NULL);
    tap_ok(result.box_count == 1 && result.boxes[0].width == 400 && result.boxes[0].height == 300,
           "all of it is one box");
    image_free(&a);
    image_free(&b);
}

/* A profile and sRGB against each other: the pixels are to be compared as colours. */
static void test_profile(void)
{
    static const double p3[8] = {0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};
    struct image a = picture(64, 64, IMAGE_RGB, false, 16);
    struct image b = picture(64, 64, IMAGE_RGB, false, 16);
    struct compare_options options = {.threads = 2};
    struct compare_result result;
    struct error error = {0};
    icc_from_gamma(ICC_RGB, 1 / 2.2, p3, &b.metadata.icc, NULL);
    for (uint32_t i = 0; i < 64 * 64; i++) {
        double rgb[3], code[3];
        for (unsigned c = 0; c < 3; c++) {
            unsigned value = next_random() & 65535;
            put(&a, i % 64, i / 64, c, value);
            rgb[c] = value / 65535.0;
        }
        icc_color_from_srgb(&b.metadata.icc, ICC_RGB, rgb, code, NULL);
        for (unsigned c = 0; c < 3; c++)
            put(&b, i % 64, i / 64, c, (unsigned)lround(code[c] * 65535));
    }
    compare_images(&result, &a, &b, &options, NULL);
    tap_ok(result.max < 0.02, "the same colours in sRGB and display-p3: %g", result.max);
    /* Green of display-p3 and of sRGB: 5 apart, and 0 where the wider one is clipped. */
    for (uint32_t i = 0; i < 64 * 64; i++)
        for (unsigned c = 0; c < 3; c++) {
            put(&a, i % 64, i / 64, c, c == 1 ? 65535 : 0);
            put(&b, i % 64, i / 64, c, c == 1 ? 65535 : 0);
        }
    const double green[3] = {0, 1, 0};
    double one[3], two[3], linear[3];
    lab_from_linear(green, one);
    color_space_to_linear(COLOR_DISPLAY_P3, green, linear);
    lab_from_linear(linear, two);
    double right = lab_ciede2000(one, two);
    compare_images(&result, &a, &b, &options, NULL);
    tap_ok(right > 3 && fabs(result.mean - right) < 0.005,
           "a colour outside of sRGB is measured as it is: %.4f, %.4f", result.mean, right);
    b.metadata.icc.data[0] ^= 0x55;
    struct compare *compare;
    const struct image *unusable;
    bool done = compare_open(&compare, &a, &b, &options, &unusable, &error);
    tap_ok(!done && unusable == &b, "a profile that cannot be used: %s", error.message);
    image_free(&a);
    image_free(&b);
}

static double pixel_oklab(const struct image *image, uint32_t x, uint32_t y, double oklab[3])
{
    double linear[3];
    for (unsigned c = 0; c < 3; c++)
        linear[c] = srgb_decode(share(image, x, y, c));
    color_space_oklab(linear, oklab);
    return oklab[0];
}

/* The histogram of an image too large for a test, and beyond its straight part. */
static void test_bins(void)
{
    for (int large = 0; large < 3; large++) {
        struct compare_bins bins;
        struct error error = {0};
        uint64_t pixels = large == 0 ? 1000 : (uint64_t)1 << (large == 1 ? 28 : 32);
        if (!tap_ok(compare_bins_new(&bins, pixels, &error), "bins %s", error.message))
            continue;
        double worst = 0, beyond = 0;
        for (int i = 0; i < 4000; i++)
            compare_bins_add(&bins, compare_bins_number(0.25f * (float)i + 0.1f));
        for (int i = 0; i <= 100; i++) {
            double right = 0.25 * 39.99 * i + 0.1;
            double got = compare_bins_quantile(&bins, 4000, i / 100.0, 999.85f);
            if (right < 512)
                worst = fmax(worst, fabs(got - right));
            else
                beyond = fmax(beyond, fabs(got / right - 1));
        }
        tap_ok(worst < 0.0005 && beyond < 1e-5, "quantiles of 2^%d pixels: %g, beyond 512: %g",
               (int)log2((double)pixels), worst, beyond);
        compare_bins_free(&bins);
    }
}

static void test_heatmap(void)
{
    enum { WIDTH = 512, HEIGHT = 8 };
    struct compare_result result = {.tolerance = 5};
    struct image map;
    result.map = malloc(WIDTH * HEIGHT * sizeof(float));
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        result.map[i] = i < WIDTH ? -1 : i < 2 * WIDTH ? 11 : 10.0f * (float)(i % WIDTH) / 511;
    struct error error = {0};
    if (!tap_ok(compare_heatmap(&result, WIDTH, HEIGHT, 10, &map, &error), "a heat map %s",
                error.message))
        return;
    tap_ok(map.shape.width == WIDTH && map.shape.height > HEIGHT && map.shape.color == IMAGE_RGB &&
               map.shape.depth == 8 && !map.shape.alpha,
           "as wide as the images and higher: %u x %u", map.shape.width, map.shape.height);
    const uint8_t *grey = image_row(&map, 0);
    tap_ok(grey[0] == grey[1] && grey[1] == grey[2] && memcmp(grey, grey + 3, 3 * WIDTH - 3) == 0,
           "grey where a pixel does not count");
    tap_ok(memcmp(image_row(&map, 1), image_row(&map, 2) + 3 * (WIDTH - 1), 3) == 0,
           "beyond the scale is its end");
    double least = 1, most = 0, last[3], length = 0, longest = 0;
    pixel_oklab(&map, 0, 2, last);
    double low = last[0];
    for (uint32_t x = 32; x < WIDTH; x += 32) {
        double now[3], step = pixel_oklab(&map, x, 2, now) - last[0];
        least = fmin(least, step);
        double way = hypot(hypot(now[0] - last[0], now[1] - last[1]), now[2] - last[2]);
        length += way;
        longest = fmax(longest, way);
        memcpy(last, now, sizeof last);
        most = now[0];
    }
    tap_ok(least > 0.02 && low < 0.2 && most > 0.9, "lightness rises all along: by %g at least",
           least);
    tap_ok(longest < 1.15 * length / 15, "in even steps: %g, on average %g", longest, length / 15);
    /* The bar of the legend has the same colours at its ends, the mark is in the middle. */
    uint32_t y = HEIGHT;
    while (y + 1 < map.shape.height && memcmp(image_row(&map, y) + 3 * 20, "\377\377\377", 3) == 0)
        y++;
    uint32_t left = 0, right = WIDTH - 1;
    while (memcmp(image_row(&map, y + 2) + 3 * left, "\377\377\377", 3) == 0)
        left++;
    while (memcmp(image_row(&map, y + 2) + 3 * right, "\377\377\377", 3) == 0)
        right--;
    const uint8_t *bar = image_row(&map, y + 2);
    tap_ok(memcmp(bar + 3 * left, image_row(&map, 2), 3) == 0 &&
               memcmp(bar + 3 * right, image_row(&map, 1), 3) == 0,
           "the legend shows the scale from end to end");
    tap_ok(memcmp(bar + 3 * ((left + right) / 2), "\0\0\0", 3) == 0, "and a mark at the tolerance");
    image_free(&map);
    for (uint32_t width = 1; width < 60; width++) {
        if (!compare_heatmap(&result, width, 3, width / 10.0, &map, &error))
            tap_ok(false, "a heat map of %u pixels", width);
        image_free(&map);
    }
    compare_free(&result);
}

int main(void)
{
    test_random();
    test_gradient();
    test_opposite();
    test_formulas();
    test_threads();
    test_alpha();
    test_shapes();
    test_counting();
    test_first();
    test_boxes();
    test_profile();
    test_bins();
    test_heatmap();
    return tap_done();
}
