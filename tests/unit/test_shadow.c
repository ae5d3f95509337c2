/* SPDX-License-Identifier: MIT */
/* The shadow against its definition: the geometry of the manual, the convolution in double
 * precision, and the compositing rule in whole numbers. */
#include "ops/shadow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum { GUARD = 3, GUARD_BYTE = 0xa5 };

static void bail(const struct error *error)
{
    printf("Bail out! %s\n", error->message);
    exit(1);
}

/* ---- pictures ---- */

static uint32_t random_state = 1;

static uint32_t random_bits(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static uint32_t sample_get(const struct image *image, uint32_t x, uint32_t y, unsigned channel)
{
    size_t at = (size_t)x * image_channels(&image->shape) + channel;
    const uint8_t *row = image_row(image, y);
    return image->shape.depth == 8 ? row[at] : ((const uint16_t *)(const void *)row)[at];
}

static void sample_set(struct image *image, uint32_t x, uint32_t y, unsigned channel,
                       uint32_t value)
{
    size_t at = (size_t)x * image_channels(&image->shape) + channel;
    uint8_t *row = image_row(image, y);
    if (image->shape.depth == 8)
        row[at] = (uint8_t)value;
    else
        ((uint16_t *)(void *)row)[at] = (uint16_t)value;
}

static uint32_t full_of(const struct image *image)
{
    return image->shape.depth == 8 ? 255 : 65535;
}

static uint32_t alpha_get(const struct image *image, uint32_t x, uint32_t y)
{
    return sample_get(image, x, y, image_channels(&image->shape) - 1);
}

/* Alpha as a share of 1. */
typedef double silhouette(uint32_t x, uint32_t y, uint32_t width, uint32_t height);

static double disc(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    double radius = 0.5 * fmin(width, height) - 0.5;
    double d = radius - hypot(x + 0.5 - 0.5 * width, y + 0.5 - 0.5 * height);
    return fmin(fmax(d + 0.5, 0.0), 1.0);
}

static double square(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    (void)x, (void)y, (void)width, (void)height;
    return 1.0;
}

static double nothing(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    (void)x, (void)y, (void)width, (void)height;
    return 0.0;
}

/* Of all values, with many opaque and many transparent pixels in runs. */
static double mixture(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    (void)width, (void)height;
    uint32_t run = (x / 70 + y / 5) % 4;
    return run == 0 ? 0.0 : run == 1 ? 1.0 : (random_bits() & 255) / 255.0;
}

static struct image image_of(struct image_shape shape, silhouette *at)
{
    struct image image;
    struct error error = {0};
    if (!image_new(&image, &shape, &error))
        bail(&error);
    unsigned alpha = image_channels(&shape) - 1;
    random_state = 7;
    for (uint32_t y = 0; y < shape.height; y++)
        for (uint32_t x = 0; x < shape.width; x++) {
            for (unsigned i = 0; i < alpha; i++)
                sample_set(&image, x, y, i, random_bits() & full_of(&image));
            double value = at(x, y, shape.width, shape.height);
            sample_set(&image, x, y, alpha, (uint32_t)lround(value * full_of(&image)));
        }
    return image;
}

static struct image_shape shape_of(uint32_t width, uint32_t height, enum image_color color,
                                   uint8_t depth)
{
    return (struct image_shape){width, height, color, true, depth};
}

/* ---- running ---- */

struct result {
    struct image framed, image; /* the result with and without its guard */
    struct shadow_canvas canvas;
    bool has_shadow;
};

static void original_place(const struct image *original, struct result *result)
{
    struct image place = image_view(&result->image, &result->canvas.original);
    for (uint32_t y = 0; y < original->shape.height; y++)
        memcpy(image_row(&place, y), image_row(original, y), image_row_bytes(&original->shape));
}

/* So many rows are asked for at a time. */
static uint32_t paint_step = 100;

/* The shadow of ORIGINAL, on a canvas that lies in a frame of guard bytes. */
static struct result shadow_of(const struct image *original, const struct shadow_options *options)
{
    struct result result = {0};
    struct error error = {0};
    struct image_shape shape = original->shape;
    if (!shadow_canvas(options, shape.width, shape.height, &result.canvas, &error))
        bail(&error);
    shape.width = result.canvas.width + 2 * GUARD;
    shape.height = result.canvas.height + 2 * GUARD;
    if (!image_new(&result.framed, &shape, &error))
        bail(&error);
    memset(result.framed.pixels, GUARD_BYTE, result.framed.stride * shape.height);
    struct image_box inside = {GUARD, GUARD, result.canvas.width, result.canvas.height};
    result.image = image_view(&result.framed, &inside);
    for (uint32_t y = 0; y < inside.height; y++)
        memset(image_row(&result.image, y), 0, image_row_bytes(&result.image.shape));
    original_place(original, &result);
    struct shadow *shadow = NULL;
    if (!shadow_new(&shadow, &result.image, &result.canvas.original, options, &error))
        bail(&error);
    for (uint32_t y = paint_step; y < result.canvas.height; y += paint_step)
        if (!shadow_paint(shadow, y, &error))
            bail(&error);
    if (!shadow_paint(shadow, result.canvas.height, &error))
        bail(&error);
    result.has_shadow = shadow_shows(shadow);
    shadow_free(shadow);
    return result;
}

static bool guard_holds(const struct result *result)
{
    const struct image *framed = &result->framed;
    size_t side = GUARD * image_pixel_bytes(&framed->shape), wide = image_row_bytes(&framed->shape);
    for (uint32_t y = 0; y < framed->shape.height; y++) {
        bool whole = y < GUARD || y >= framed->shape.height - GUARD;
        const uint8_t *row = image_row(framed, y);
        for (size_t i = 0; i < wide; i++)
            if ((whole || i < side || i >= wide - side) && row[i] != GUARD_BYTE)
                return false;
    }
    return true;
}

static bool same_pixels(const struct image *a, const struct image *b)
{
    for (uint32_t y = 0; y < a->shape.height; y++)
        if (memcmp(image_row(a, y), image_row(b, y), image_row_bytes(&a->shape)) != 0)
            return false;
    return a->shape.width == b->shape.width && a->shape.height == b->shape.height;
}

/* ---- geometry ---- */

static void check_canvas(void)
{
    static const struct {
        const char *name;
        double sigma;
        uint32_t spread;
        int32_t x, y;
        bool keep;
        struct shadow_canvas wanted; /* for 100 x 50 */
    } cases[] = {
        {"the defaults", 12, 0, 0, 8, false, {172, 122, {36, 28, 100, 50}}},
        {"up to the left", 12, 0, -10, -20, false, {172, 122, {46, 56, 100, 50}}},
        {"a spread", 12, 5, 0, 8, false, {182, 132, {41, 33, 100, 50}}},
        {"a broken sigma", 2.4, 0, 3, 0, false, {116, 66, {5, 8, 100, 50}}},
        {"further than the blur", 1, 0, 200, -300, false, {303, 353, {0, 303, 100, 50}}},
        {"a hard edge", 0, 0, 4, 6, false, {104, 56, {0, 0, 100, 50}}},
        {"the canvas kept", 12, 7, 40, -8, true, {100, 50, {0, 0, 100, 50}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shadow_options options = {.sigma_px = cases[i].sigma,
                                         .spread_px = cases[i].spread,
                                         .offset_x = cases[i].x,
                                         .offset_y = cases[i].y,
                                         .keep_canvas = cases[i].keep};
        const struct shadow_canvas *wanted = &cases[i].wanted;
        struct shadow_canvas got = {0};
        bool done = shadow_canvas(&options, 100, 50, &got, NULL);
        tap_ok(done && got.width == wanted->width && got.height == wanted->height &&
                   got.original.x == wanted->original.x && got.original.y == wanted->original.y &&
                   got.original.width == 100 && got.original.height == 50,
               "canvas: %s (%ux%u, original at %u,%u)", cases[i].name, got.width, got.height,
               got.original.x, got.original.y);
    }
}

static void refused(struct shadow_options options, enum error_kind kind, const char *name)
{
    struct error error = {0};
    struct shadow_canvas canvas;
    tap_ok(!shadow_canvas(&options, 100, 50, &canvas, &error) && error.kind == kind, "refused: %s",
           name);
}

static void check_refusals(void)
{
    refused((struct shadow_options){.sigma_px = NAN}, ERROR_USAGE, "a sigma that is no number");
    refused((struct shadow_options){.sigma_px = -1}, ERROR_USAGE, "a negative sigma");
    refused((struct shadow_options){.sigma_px = 1e9}, ERROR_USAGE, "a huge sigma");
    refused((struct shadow_options){.opacity = 1.5}, ERROR_USAGE, "an opacity above 1");
    refused((struct shadow_options){.spread_px = 257}, ERROR_USAGE, "a spread above 256");
    refused((struct shadow_options){.offset_x = INT32_MIN}, ERROR_USAGE, "a huge offset");
    refused((struct shadow_options){.offset_y = SHADOW_MAX_OFFSET}, ERROR_LIMIT, "a huge canvas");
}

/* ---- compositing ---- */

static const uint16_t ink8[3] = {30, 200, 90}, ink16[3] = {7710, 51400, 23131};

static struct shadow_options options_of(const struct image *image, double sigma, double opacity)
{
    struct shadow_options options = {.sigma_px = sigma, .opacity = opacity, .offset_x = 5,
                                     .offset_y = -3, .threads = 2};
    memcpy(options.color, image->shape.depth == 8 ? ink8 : ink16, sizeof options.color);
    return options;
}

/* The rule in whole numbers, for one pixel; SHADOW is the shadow's alpha. */
static bool pixel_right(const struct result *result, const struct image *original,
                        const struct shadow_options *options, uint32_t x, uint32_t y,
                        uint32_t shadow)
{
    const struct image *image = &result->image;
    const struct image_box *box = &result->canvas.original;
    uint64_t full = full_of(image);
    unsigned alpha = image_channels(&image->shape) - 1;
    bool inside = x >= box->x && y >= box->y && x - box->x < box->width && y - box->y < box->height;
    uint64_t over = inside ? alpha_get(original, x - box->x, y - box->y) : 0;
    uint64_t total = over * full + shadow * (full - over);
    for (unsigned i = 0; i <= alpha; i++) {
        uint64_t own = inside ? sample_get(original, x - box->x, y - box->y, i) : 0;
        uint64_t wanted = own;
        uint64_t ink = i < alpha ? options->color[i] : 0;
        if (shadow > 0 && over < full && i < alpha)
            wanted = (2 * (own * over * full + ink * shadow * (full - over)) + total) / (2 * total);
        if (shadow > 0 && over < full && i == alpha)
            wanted = (2 * total + full) / (2 * full);
        if (sample_get(image, x, y, i) != wanted)
            return false;
    }
    return true;
}

/* Without a blur the shadow's alpha is known, so that every sample is. 0.4 makes no ties. */
static void check_rule(enum image_color color, uint8_t depth, uint32_t width)
{
    struct image original = image_of(shape_of(width, 23, color, depth), mixture);
    struct shadow_options options = options_of(&original, 0.0, 0.4);
    options.no_dither = true;
    struct result result = shadow_of(&original, &options);
    const struct image_box *box = &result.canvas.original;
    bool right = true;
    for (uint32_t y = 0; y < result.canvas.height; y++)
        for (uint32_t x = 0; x < result.canvas.width; x++) {
            int64_t from_x = (int64_t)x - box->x - options.offset_x;
            int64_t from_y = (int64_t)y - box->y - options.offset_y;
            bool lies = from_x >= 0 && from_y >= 0 && from_x < width && from_y < 23;
            uint32_t alpha = lies ? alpha_get(&original, (uint32_t)from_x, (uint32_t)from_y) : 0;
            right = right && pixel_right(&result, &original, &options, x, y, (alpha * 4 + 5) / 10);
        }
    tap_ok(right && guard_holds(&result), "%s with alpha, %u bits, %u wide: over a hard shadow",
           color == IMAGE_GREY ? "grey" : "RGB", depth, width);
    image_free(&result.framed);
    image_free(&original);
}

/* All that the two layers have in common. */
static void check_layers(enum image_color color, uint8_t depth)
{
    struct image original = image_of(shape_of(211, 90, color, depth), mixture);
    struct shadow_options options = options_of(&original, 6.5, 0.6);
    struct result both = shadow_of(&original, &options);
    options.shadow_only = true;
    options.threads = 7;
    struct result only = shadow_of(&original, &options);
    bool opaque = true, right = true;
    const struct image_box *box = &both.canvas.original;
    struct image under = image_view(&both.image, box);
    size_t pixel = image_pixel_bytes(&under.shape);
    for (uint32_t y = 0; y < both.canvas.height; y++)
        for (uint32_t x = 0; x < both.canvas.width; x++)
            right = right && pixel_right(&both, &original, &options, x, y,
                                         alpha_get(&only.image, x, y));
    for (uint32_t y = 0; y < box->height; y++)
        for (uint32_t x = 0; x < box->width; x++)
            if (alpha_get(&original, x, y) == full_of(&original))
                opaque = opaque && memcmp(image_row(&under, y) + pixel * x,
                                          image_row(&original, y) + pixel * x, pixel) == 0;
    tap_ok(right, "%s, %u bits: the result is the original over the shadow layer",
           color == IMAGE_GREY ? "grey" : "RGB", depth);
    tap_ok(opaque, "%s, %u bits: opaque pixels keep their bits",
           color == IMAGE_GREY ? "grey" : "RGB", depth);
    tap_ok(both.has_shadow && only.has_shadow && guard_holds(&both) && guard_holds(&only),
           "%s, %u bits: guards hold", color == IMAGE_GREY ? "grey" : "RGB", depth);
    image_free(&only.framed);
    image_free(&both.framed);
    image_free(&original);
}

/* ---- the ramp ---- */

/* The exact alpha of the shadow, 0 to full * opacity, all over the canvas. */
static double *truth_of(const struct image *original, const struct shadow_options *options,
                        const struct shadow_canvas *canvas)
{
    uint32_t wide = canvas->width, high = canvas->height, source = original->shape.height;
    double sigma = options->sigma_px, sum = 0.0;
    double *kernel = calloc((size_t)wide + high, sizeof *kernel);
    double *rows = calloc((size_t)wide * source, sizeof *rows);
    double *truth = calloc((size_t)wide * high, sizeof *truth);
    if (kernel == NULL || rows == NULL || truth == NULL)
        abort();
    for (int i = -(int)(10.0 * sigma); i <= (int)(10.0 * sigma); i++)
        sum += exp(-0.5 * i * i / (sigma * sigma));
    for (uint32_t i = 0; i < wide + high; i++)
        kernel[i] = exp(-0.5 * i * i / (sigma * sigma)) / sum;
    int left = (int)canvas->original.x + options->offset_x;
    int top = (int)canvas->original.y + options->offset_y;
    for (uint32_t y = 0; y < source; y++)
        for (uint32_t x = 0; x < original->shape.width; x++)
            for (uint32_t to = 0; to < wide; to++)
                rows[y * wide + to] +=
                    kernel[abs((int)(to - x) - left)] * alpha_get(original, x, y);
    for (uint32_t to = 0; to < high; to++)
        for (uint32_t y = 0; y < source; y++)
            for (uint32_t x = 0; x < wide; x++)
                truth[to * wide + x] +=
                    kernel[abs((int)(to - y) - top)] * rows[y * wide + x] * options->opacity;
    free(rows);
    free(kernel);
    return truth;
}

static double worst_of(const struct result *result, const double *truth)
{
    double worst = 0.0;
    for (uint32_t y = 0; y < result->canvas.height; y++)
        for (uint32_t x = 0; x < result->canvas.width; x++)
            worst = fmax(worst, fabs(alpha_get(&result->image, x, y) -
                                     truth[(size_t)y * result->canvas.width + x]));
    return worst;
}

/* The worst mean of 8 x 8 pixels that are all above LEAST. */
static double worst_mean(const struct result *result, const double *truth, double least)
{
    double worst = 0.0;
    uint32_t wide = result->canvas.width;
    for (uint32_t y = 0; y + 8 <= result->canvas.height; y++)
        for (uint32_t x = 0; x + 8 <= wide; x++) {
            double difference = 0.0, lowest = 255.0;
            for (uint32_t i = 0; i < 64; i++) {
                uint32_t px = x + i % 8, py = y + i / 8;
                difference += alpha_get(&result->image, px, py) - truth[(size_t)py * wide + px];
                lowest = fmin(lowest, truth[(size_t)py * wide + px]);
            }
            if (lowest >= least)
                worst = fmax(worst, fabs(difference) / 64.0);
        }
    return worst;
}

/* The largest alpha on the canvas's last rows and columns. */
static uint32_t border_of(const struct result *result)
{
    uint32_t most = 0, right = result->canvas.width - 1, bottom = result->canvas.height - 1;
    for (uint32_t y = 0; y <= bottom; y++)
        for (uint32_t x = 0; x <= right; x++) {
            uint32_t alpha = alpha_get(&result->image, x, y);
            if ((x == 0 || y == 0 || x == right || y == bottom) && alpha > most)
                most = alpha;
        }
    return most;
}

static void check_ramp(silhouette *at, const char *name, double sigma, double opacity)
{
    struct image original = image_of(shape_of(150, 110, IMAGE_RGB, 8), at);
    struct shadow_options options = options_of(&original, sigma, opacity);
    options.offset_x = options.offset_y = 0;
    options.shadow_only = true;
    struct result dithered = shadow_of(&original, &options);
    double *truth = truth_of(&original, &options, &dithered.canvas);
    options.no_dither = true;
    struct result rounded = shadow_of(&original, &options);
    double worst = worst_of(&rounded, truth);
    tap_ok(worst < 0.5 + 0.255, "%s, sigma %g, %g: rounded, %.3f from the exact alpha", name, sigma,
           opacity, worst);
    worst = worst_of(&dithered, truth);
    tap_ok(worst < 1.0 + 0.255, "%s, sigma %g, %g: dithered, %.3f", name, sigma, opacity, worst);
    worst = worst_mean(&dithered, truth, 1.0);
    tap_ok(worst < 0.3, "%s, sigma %g, %g: means of 8 x 8, %.3f", name, sigma, opacity, worst);
    worst = worst_mean(&dithered, truth, 0.0);
    tap_ok(worst < 0.5, "%s, sigma %g, %g: the same in the tail, %.3f", name, sigma, opacity,
           worst);
    tap_ok(border_of(&dithered) == 0, "%s, sigma %g, %g: ends in 0", name, sigma, opacity);
    free(truth);
    image_free(&rounded.framed);
    image_free(&dithered.framed);
    image_free(&original);
}

static void check_ramp16(double sigma)
{
    struct image original = image_of(shape_of(150, 110, IMAGE_GREY, 16), disc);
    struct shadow_options options = options_of(&original, sigma, 1.0);
    options.shadow_only = true;
    struct result result = shadow_of(&original, &options);
    double *truth = truth_of(&original, &options, &result.canvas);
    double worst = worst_of(&result, truth);
    tap_ok(worst < 66.0, "16 bits, sigma %g: %.1f of 65535 from the exact alpha", sigma, worst);
    free(truth);
    image_free(&result.framed);
    image_free(&original);
}

/* Where the shadow is even, blocks hold its mean to the pattern's 1/16. */
static void check_even(void)
{
    struct image original = image_of(shape_of(72, 40, IMAGE_RGB, 8), square);
    double worst = 0.0;
    for (int i = 1; i < 60; i++) {
        struct shadow_options options = options_of(&original, 0.0, i / 60.1);
        options.shadow_only = true;
        struct result result = shadow_of(&original, &options);
        double sum = 0.0;
        for (uint32_t y = 0; y < 64; y++)
            sum += alpha_get(&result.image, 40 + y % 8, 20 + y / 8);
        worst = fmax(worst, fabs(sum / 64.0 - 255.0 * options.opacity));
        image_free(&result.framed);
    }
    tap_ok(worst < 1.0 / 32.0 + 0.001, "an even shadow: means of 8 x 8, %.3f", worst);
    image_free(&original);
}

/* A ramp that is dithered has no wide steps: along a row every level changes to the next by dots,
 * so equal neighbours come in short runs, where rounding makes one run per level. */
static void check_no_bands(void)
{
    struct image original = image_of(shape_of(400, 400, IMAGE_GREY, 8), square);
    struct shadow_options options = options_of(&original, 60.0, 0.35);
    options.shadow_only = true;
    struct result result = shadow_of(&original, &options);
    uint32_t longest = 0, run = 1;
    uint32_t y = result.canvas.height / 2;
    for (uint32_t x = 40; x < 300; x++) {
        bool equal = alpha_get(&result.image, x, y) == alpha_get(&result.image, x - 1, y) &&
                     alpha_get(&result.image, x, y) == alpha_get(&result.image, x, y + 1);
        run = equal ? run + 1 : 1;
        longest = run > longest ? run : longest;
    }
    tap_ok(longest < 12, "a wide ramp: %u equal pixels at most", longest);
    image_free(&result.framed);
    image_free(&original);
}

/* ---- the rest ---- */

static void check_keep(void)
{
    struct image original = image_of(shape_of(140, 77, IMAGE_RGB, 8), mixture);
    struct shadow_options options = options_of(&original, 9.0, 0.5);
    options.no_dither = true;
    options.spread_px = 3;
    struct result grown = shadow_of(&original, &options);
    options.keep_canvas = true;
    struct result kept = shadow_of(&original, &options);
    struct image part = image_view(&grown.image, &grown.canvas.original);
    tap_ok(same_pixels(&kept.image, &part), "the kept canvas is a part of the grown one");
    options.threads = 1;
    struct result alone = shadow_of(&original, &options);
    tap_ok(same_pixels(&kept.image, &alone.image), "threads change nothing");
    image_free(&alone.framed);
    image_free(&kept.framed);
    image_free(&grown.framed);
    image_free(&original);
}

static void check_steps(double sigma)
{
    static const uint32_t steps[] = {1, 63, 200, 2000};
    struct image original = image_of(shape_of(90, 700, IMAGE_RGB, 8), mixture);
    struct shadow_options options = options_of(&original, sigma, 0.6);
    paint_step = UINT32_MAX / 2;
    options.threads = 1;
    struct result whole = shadow_of(&original, &options);
    bool same = true;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        paint_step = steps[i];
        options.threads = 1 + (unsigned)i;
        struct result parts = shadow_of(&original, &options);
        same = same && same_pixels(&whole.image, &parts.image) && parts.has_shadow;
        image_free(&parts.framed);
    }
    tap_ok(same, "sigma %g: it does not matter how many rows are painted at a time", sigma);
    paint_step = 100;
    image_free(&whole.framed);
    image_free(&original);
}

/* The shadow does not depend on how much empty canvas there is around the silhouette. */
static void check_empty_border(void)
{
    struct image small = image_of(shape_of(61, 40, IMAGE_RGB, 8), square);
    struct image large = image_of(shape_of(300, 200, IMAGE_RGB, 8), nothing);
    struct image_box box = {119, 83, 61, 40};
    struct image place = image_view(&large, &box);
    for (uint32_t y = 0; y < 40; y++)
        memcpy(image_row(&place, y), image_row(&small, y), image_row_bytes(&small.shape));
    struct shadow_options options = options_of(&small, 14.0, 0.8);
    options.no_dither = true;
    options.shadow_only = true;
    struct result near = shadow_of(&small, &options), far = shadow_of(&large, &options);
    box.width = near.canvas.width;
    box.height = near.canvas.height;
    struct image part = image_view(&far.image, &box);
    tap_ok(same_pixels(&near.image, &part), "empty borders change nothing");
    image_free(&far.framed);
    image_free(&near.framed);
    image_free(&large);
    image_free(&small);
}

/* A dot in any column is found: its hard shadow is one dot. */
static void check_dots(void)
{
    enum { WIDTH = 200 };
    struct shadow_options options = {.opacity = 1.0, .keep_canvas = true, .shadow_only = true};
    bool right = true;
    for (uint32_t column = 0; column < WIDTH; column++) {
        struct image dot = image_of(shape_of(WIDTH, 3, IMAGE_RGB, 8), nothing);
        sample_set(&dot, column, 1, 3, 255);
        struct result result = shadow_of(&dot, &options);
        for (uint32_t y = 0; y < 3; y++)
            for (uint32_t x = 0; x < WIDTH; x++)
                right = right && alpha_get(&result.image, x, y) ==
                                     (x == column && y == 1 ? 255u : 0u);
        image_free(&result.framed);
        image_free(&dot);
    }
    tap_ok(right, "a dot in any column has a shadow, and only it");
}

/* A dot dilated by a disc, not blurred: the shadow is the disc. */
static void check_spread(void)
{
    struct image dot = image_of(shape_of(1, 1, IMAGE_RGB, 8), square);
    struct shadow_options options = {.opacity = 1.0, .spread_px = 20, .shadow_only = true};
    struct result result = shadow_of(&dot, &options);
    double area = 0.0;
    for (uint32_t y = 0; y < result.canvas.height; y++)
        for (uint32_t x = 0; x < result.canvas.width; x++)
            area += alpha_get(&result.image, x, y) / 255.0;
    tap_ok(result.canvas.width == 41 && alpha_get(&result.image, 0, 20) == 255 &&
               alpha_get(&result.image, 0, 0) == 0 && fabs(area - M_PI * 20.5 * 20.5) < 15.0,
           "a dot spreads to a disc (area %.0f)", area);
    image_free(&result.framed);
    image_free(&dot);
}

static void no_shadow(silhouette *at, uint8_t depth, struct shadow_options options,
                      const char *name)
{
    struct image original = image_of(shape_of(80, 60, IMAGE_RGB, depth), at);
    options.threads = 2;
    struct result full = shadow_of(&original, &options);
    struct image part = image_view(&full.image, &full.canvas.original);
    bool kept = same_pixels(&part, &original);
    options.shadow_only = true;
    struct result only = shadow_of(&original, &options);
    uint32_t most = 0;
    for (uint32_t y = 0; y < only.canvas.height; y++)
        for (uint32_t x = 0; x < only.canvas.width; x++)
            most |= alpha_get(&only.image, x, y) | sample_get(&only.image, x, y, 0);
    bool hidden = at == square && options.opacity > 0.0 && options.offset_x == 0;
    tap_ok(!full.has_shadow && kept && only.has_shadow == hidden && (most != 0) == hidden,
           "no shadow, %u bits: %s", depth, name);
    image_free(&only.framed);
    image_free(&full.framed);
    image_free(&original);
}

static void check_no_shadow(void)
{
    for (uint8_t depth = 8; depth <= 16; depth += 8) {
        struct shadow_options options = {.sigma_px = 5, .opacity = 1};
        no_shadow(nothing, depth, options, "nothing there");
        options.opacity = 0;
        no_shadow(disc, depth, options, "an opacity of 0");
        options = (struct shadow_options){.opacity = 1};
        no_shadow(square, depth, options, "hidden by the original");
        options = (struct shadow_options){.sigma_px = 2, .opacity = 1, .keep_canvas = true};
        options.offset_x = 90;
        no_shadow(disc, depth, options, "off the canvas");
    }
    struct image opaque;
    struct image_shape shape = {4, 4, IMAGE_RGB, false, 8};
    struct shadow_options options = {.opacity = 1};
    struct image_box box = {0, 0, 4, 4};
    struct error error = {0};
    struct shadow *shadow = NULL;
    if (!image_new(&opaque, &shape, &error))
        bail(&error);
    tap_ok(!shadow_new(&shadow, &opaque, &box, &options, &error) && shadow == NULL &&
               error.kind == ERROR_INTERNAL,
           "an image without alpha is refused");
    image_free(&opaque);
}

int main(void)
{
    check_canvas();
    check_refusals();
    static const uint32_t widths[] = {1, 63, 64, 65, 331};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        check_rule(IMAGE_RGB, 8, widths[i]);
        check_rule(IMAGE_RGB, 16, widths[i]);
        check_rule(IMAGE_GREY, 8, widths[i]);
        check_rule(IMAGE_GREY, 16, widths[i]);
    }
    check_layers(IMAGE_RGB, 8);
    check_layers(IMAGE_RGB, 16);
    check_layers(IMAGE_GREY, 8);
    check_layers(IMAGE_GREY, 16);
    check_ramp(disc, "disc", 2.0, 1.0);
    check_ramp(disc, "disc", 12.0, 0.35);
    check_ramp(square, "rectangle", 12.0, 1.0);
    check_ramp(mixture, "mixture", 4.0, 0.7);
    check_ramp(disc, "disc", 60.0, 0.35);
    check_ramp(square, "rectangle", 60.0, 1.0);
    check_ramp16(3.0);
    check_ramp16(12.0);
    check_ramp16(50.0);
    check_even();
    check_no_bands();
    check_keep();
    check_steps(2.0);
    check_steps(9.0);
    check_empty_border();
    check_dots();
    check_spread();
    check_no_shadow();
    return tap_done();
}
