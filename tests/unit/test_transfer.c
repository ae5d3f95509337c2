/* SPDX-License-Identifier: MIT */
/* Colour transfer against what its methods promise. */
#include "ops/transfer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/color_space.h"
#include "color/lab.h"
#include "tap.h"

static unsigned state = 1;

static double random_share(void)
{
    state = state * 1664525u + 1013904223u;
    return (double)(state >> 8) / 16777216.0;
}

static double random_normal(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_share();
    return sum;
}

static void die(const struct error *error)
{
    printf("Bail out! %s\n", error->message);
    exit(1);
}

static struct image make(uint32_t width, uint32_t height, enum image_color color, bool alpha,
                         uint8_t depth)
{
    struct image image = {0};
    struct error error = {0};
    const struct image_shape shape = {width, height, color, alpha, depth};
    if (!image_new(&image, &shape, &error))
        die(&error);
    return image;
}

/* Sets sample C of pixel I to VALUE, 0..255. */
static void put(struct image *image, size_t i, unsigned c, double value)
{
    uint32_t y = (uint32_t)(i / image->shape.width), x = (uint32_t)(i % image->shape.width);
    size_t at = (size_t)x * image_channels(&image->shape) + c;
    value = fmin(fmax(value, 0), 255);
    if (image->shape.depth == 8)
        image_row(image, y)[at] = (uint8_t)(value + 0.5);
    else
        ((uint16_t *)(void *)image_row(image, y))[at] = (uint16_t)(value * 257 + 0.5);
}

static double get(const struct image *image, size_t i, unsigned c)
{
    uint32_t y = (uint32_t)(i / image->shape.width), x = (uint32_t)(i % image->shape.width);
    size_t at = (size_t)x * image_channels(&image->shape) + c;
    if (image->shape.depth == 8)
        return image_row(image, y)[at];
    return ((uint16_t *)(void *)image_row(image, y))[at] / 257.0;
}

static size_t pixels(const struct image *image)
{
    return (size_t)image->shape.width * image->shape.height;
}

/* A cloud around MEAN, stretched along axes that are not those of the colours. */
static struct image cloud(uint32_t width, uint32_t height, uint8_t depth, const double mean[3],
                          const double mix[3][3])
{
    struct image image = make(width, height, IMAGE_RGB, false, depth);
    for (size_t i = 0; i < pixels(&image); i++) {
        double n[3] = {random_normal(), random_normal(), random_normal()};
        for (unsigned c = 0; c < 3; c++)
            put(&image, i, c, mean[c] + mix[c][0] * n[0] + mix[c][1] * n[1] + mix[c][2] * n[2]);
    }
    return image;
}

static const double mean_one[3] = {150, 110, 90}, mean_two[3] = {95, 120, 160};
static const double mix_one[3][3] = {{20, 8, 3}, {5, 14, -6}, {-4, 9, 11}};
static const double mix_two[3][3] = {{9, -6, 4}, {3, 16, 5}, {8, -2, 21}};

static struct transfer *fit(enum transfer_method method, enum transfer_space space,
                            unsigned threads, const struct transfer_side *source,
                            const struct transfer_side *reference)
{
    const struct transfer_options options = {method, space, threads};
    struct transfer *transfer;
    struct error error = {0};
    if (!transfer_fit(&transfer, &options, source, reference, &error))
        die(&error);
    return transfer;
}

/* All pixels of IMAGE in light, planar, through TRANSFER (NULL: as they are). */
static float *light_of(const struct transfer *transfer, const struct image *image)
{
    size_t count = pixels(image);
    unsigned next = image->shape.color == IMAGE_RGB ? 1 : 0;
    float *light = malloc(count * 3 * sizeof *light);
    for (size_t i = 0; i < count; i++)
        for (unsigned c = 0; c < 3; c++)
            light[c * count + i] = (float)srgb_decode(get(image, i, c * next) / 255);
    if (transfer)
        transfer_apply_row(transfer, light, light + count, light + 2 * count, count);
    return light;
}

/* One colour of light on the axes of SPACE, by formulas of their own. */
static void axes_of(enum transfer_space space, const double light[3], double axes[3])
{
    static const double lms[3][3] = {
        {0.3811, 0.5783, 0.0402}, {0.1967, 0.7244, 0.0782}, {0.0241, 0.1288, 0.8444}};
    double log[3];
    switch (space) {
    case TRANSFER_SPACE_LAB:
        lab_from_linear(light, axes);
        return;
    case TRANSFER_SPACE_OKLAB:
        color_space_oklab(light, axes);
        return;
    case TRANSFER_SPACE_LALPHABETA:
        for (int i = 0; i < 3; i++)
            log[i] =
                log10(lms[i][0] * light[0] + lms[i][1] * light[1] + lms[i][2] * light[2] + 0.002);
        axes[0] = (log[0] + log[1] + log[2]) / sqrt(3);
        axes[1] = (log[0] + log[1] - 2 * log[2]) / sqrt(6);
        axes[2] = (log[0] - log[1]) / sqrt(2);
        return;
    default:
        for (int i = 0; i < 3; i++)
            axes[i] = space == TRANSFER_SPACE_LINEAR ? light[i] : srgb_encode(light[i]);
    }
}

struct moments {
    double mean[3], covariance[3][3];
};

/* Weighted by what stands in WEIGHT (NULL: 1). */
static struct moments moments_of(const float *light, size_t count, enum transfer_space space,
                                 const double *weight)
{
    struct moments moments = {0};
    double total = 0, (*axes)[3] = malloc(count * sizeof *axes);
    for (size_t i = 0; i < count; i++) {
        const double one[3] = {light[i], light[count + i], light[2 * count + i]};
        axes_of(space, one, axes[i]);
        total += weight ? weight[i] : 1;
        for (int a = 0; a < 3; a++)
            moments.mean[a] += axes[i][a] * (weight ? weight[i] : 1);
    }
    for (int a = 0; a < 3; a++)
        moments.mean[a] /= total;
    for (size_t i = 0; i < count; i++)
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                moments.covariance[a][b] += (axes[i][a] - moments.mean[a]) *
                                            (axes[i][b] - moments.mean[b]) *
                                            (weight ? weight[i] : 1) / total;
    free(axes);
    return moments;
}

/* The largest difference of means, and of deviations and mixed terms as shares of the largest
 * variance; with DIAGONAL only the deviations. */
static double moments_differ(const struct moments *one, const struct moments *two, bool diagonal)
{
    double most = 0, scale = 0;
    for (int a = 0; a < 3; a++)
        scale = fmax(scale, two->covariance[a][a]);
    for (int a = 0; a < 3; a++) {
        double off = fabs(one->mean[a] - two->mean[a]) / sqrt(scale);
        most = off > most || isnan(off) ? off : most;
        for (int b = 0; b < 3; b++) {
            off = fabs(one->covariance[a][b] - two->covariance[a][b]) / scale;
            if (a == b || !diagonal)
                most = off > most || isnan(off) ? off : most;
        }
    }
    return most;
}

/* Behind the transfer, mean and covariance (REINHARD: deviations) are the reference's. */
static void check_moments(enum transfer_method method, enum transfer_space space, uint8_t depth)
{
    struct image one = cloud(97, 61, depth, mean_one, mix_one);
    struct image two = cloud(53, 120, depth, mean_two, mix_two);
    const struct transfer_side source = {&one, NULL}, reference = {&two, NULL};
    struct transfer *transfer = fit(method, space, 2, &source, &reference);
    enum transfer_space real = space != TRANSFER_SPACE_AUTO ? space
                               : method == TRANSFER_MKL     ? TRANSFER_SPACE_SRGB
                                                            : TRANSFER_SPACE_LALPHABETA;
    float *result = light_of(transfer, &one), *wanted = light_of(NULL, &two);
    struct moments got = moments_of(result, pixels(&one), real, NULL);
    struct moments want = moments_of(wanted, pixels(&two), real, NULL);
    double off = moments_differ(&got, &want, method == TRANSFER_REINHARD);
    /* The matrices of Oklab are published in several roundings. */
    tap_ok(off < (real == TRANSFER_SPACE_OKLAB ? 2e-4 : 3e-5),
           "%s in %s, %u bits: the reference's moments to %.2g", transfer_method_names[method],
           transfer_space_names[space], (unsigned)depth, off);
    transfer_free(transfer);
    free(result);
    free(wanted);
    image_free(&one);
    image_free(&two);
}

/* The largest difference, in codes, between TRANSFER on IMAGE and T (x - FROM) + TO. */
static double map_differs(const struct transfer *transfer, const struct image *image,
                          const double t[3][3], const double from[3], const double to[3])
{
    size_t count = pixels(image);
    float *result = light_of(transfer, image);
    double most = 0;
    for (size_t i = 0; i < count; i++)
        for (unsigned c = 0; c < 3; c++) {
            double wanted = to[c];
            for (unsigned k = 0; k < 3; k++)
                wanted += t[c][k] * (get(image, i, k) - from[k]);
            double off = fabs(srgb_encode(result[c * count + i]) * 255 - wanted);
            most = off > most || isnan(off) ? off : most;
        }
    free(result);
    return most;
}

/* A symmetric positive T that made the reference from the source is what MKL must find again: the
 * optimal map between Gaussians is the only such one. */
static void check_known_map(void)
{
    static const double t[3][3] = {{1, 0.5, 0}, {0.5, 1, -0.25}, {0, -0.25, 1.5}};
    static const double from[3] = {120, 100, 110}, to[3] = {90, 140, 120};
    struct image one = make(40, 25, IMAGE_RGB, false, 8), two = make(100, 10, IMAGE_RGB, false, 8);
    for (size_t i = 0; i < pixels(&one); i++) {
        double x[3];
        for (int c = 0; c < 3; c++)
            x[c] = 4 * floor(random_normal() * (c + 1) + 0.5);
        x[2] += 2 * x[0];
        for (unsigned c = 0; c < 3; c++) {
            put(&one, i, c, from[c] + x[c]);
            put(&two, i, c, to[c] + t[c][0] * x[0] + t[c][1] * x[1] + t[c][2] * x[2]);
        }
    }
    const struct transfer_side source = {&one, NULL}, reference = {&two, NULL};
    struct transfer *transfer = fit(TRANSFER_MKL, TRANSFER_SPACE_AUTO, 1, &source, &reference);
    double off = map_differs(transfer, &one, t, from, to);
    tap_ok(off < 1e-3, "mkl finds the map that made the reference (%.2g codes off)", off);
    transfer_free(transfer);
    image_free(&one);
    image_free(&two);
}

/* From a round cloud to one with covariance M M / 3 the map is M over the radius. */
static void check_known_root(void)
{
    static const double m[3][3] = {{20, 10, 0}, {10, 30, 5}, {0, 5, 15}};
    static const double from[3] = {100, 110, 120}, to[3] = {130, 120, 100};
    double t[3][3];
    struct image one = make(6, 1, IMAGE_RGB, false, 8), two = make(6, 1, IMAGE_RGB, false, 8);
    for (unsigned i = 0; i < 6; i++)
        for (unsigned c = 0; c < 3; c++) {
            double sign = i % 2 ? 1 : -1;
            put(&one, i, c, from[c] + (c == i / 2 ? 40 * sign : 0));
            put(&two, i, c, to[c] + m[c][i / 2] * sign);
            t[c][i / 2] = m[c][i / 2] / 40;
        }
    const struct transfer_side source = {&one, NULL}, reference = {&two, NULL};
    struct transfer *transfer = fit(TRANSFER_MKL, TRANSFER_SPACE_AUTO, 1, &source, &reference);
    double off = map_differs(transfer, &one, t, from, to);
    tap_ok(off < 1e-3, "mkl takes the root of a covariance (%.2g codes off)", off);
    transfer_free(transfer);
    image_free(&one);
    image_free(&two);
}

/* Largest difference of two lists of light, in encoded codes. */
static double light_differs(const float *one, const float *two, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs(srgb_encode(one[i]) - srgb_encode(two[i])) * 255;
        most = off > most || isnan(off) ? off : most;
    }
    return most;
}

static void check_identity(void)
{
    struct image one = cloud(80, 60, 8, mean_one, mix_one);
    const struct transfer_side side = {&one, NULL};
    float *as_is = light_of(NULL, &one);
    for (int method = 0; method <= TRANSFER_SLICED; method++) {
        struct transfer *transfer =
            fit((enum transfer_method)method, TRANSFER_SPACE_AUTO, 2, &side, &side);
        float *result = light_of(transfer, &one);
        double off = light_differs(result, as_is, 3 * pixels(&one));
        tap_ok(off < 0.1, "%s: an image keeps its own colours (%.2g codes off)",
               transfer_method_names[method], off);
        transfer_free(transfer);
        free(result);
    }
    free(as_is);
    image_free(&one);
}

/* Black, white and all between: what goes into a space comes out of it as it was. */
static void check_spaces(void)
{
    static const double wide[3][3] = {{90, 0, 0}, {40, 70, 0}, {30, 10, 80}};
    static const double grey[3] = {90, 110, 100};
    struct image one = cloud(80, 60, 16, grey, wide);
    const struct transfer_side side = {&one, NULL};
    float *as_is = light_of(NULL, &one);
    for (int space = 0; space <= TRANSFER_SPACE_LALPHABETA; space++) {
        struct transfer *transfer = fit(TRANSFER_MKL, (enum transfer_space)space, 2, &side, &side);
        float *result = light_of(transfer, &one);
        double off = light_differs(result, as_is, 3 * pixels(&one));
        tap_ok(off < 0.01, "%s: there and back (%.2g codes off)", transfer_space_names[space], off);
        transfer_free(transfer);
        free(result);
    }
    free(as_is);
    image_free(&one);
}

static int compare_floats(const void *one, const void *two)
{
    float a = *(const float *)one, b = *(const float *)two;
    return (a > b) - (a < b);
}

/* Mean distance, in codes, of two lists' quantiles along DIRECTION of encoded sRGB. */
static double quantiles_differ(const float *one, size_t ones, const float *two, size_t twos,
                               const double direction[3])
{
    enum { QUANTILES = 500 };
    const float *list[2] = {one, two};
    const size_t count[2] = {ones, twos};
    float *along[2];
    double sum = 0;
    for (int k = 0; k < 2; k++) {
        along[k] = malloc(count[k] * sizeof(float));
        for (size_t i = 0; i < count[k]; i++) {
            double value = 0;
            for (size_t c = 0; c < 3; c++)
                value += srgb_encode(list[k][c * count[k] + i]) * direction[c];
            along[k][i] = (float)value;
        }
        qsort(along[k], count[k], sizeof(float), compare_floats);
    }
    for (size_t q = 0; q < QUANTILES; q++)
        sum += fabs(along[0][(2 * q + 1) * ones / (2 * QUANTILES)] -
                    along[1][(2 * q + 1) * twos / (2 * QUANTILES)]);
    free(along[0]);
    free(along[1]);
    return sum / QUANTILES * 255;
}

static double palettes_differ(const float *one, size_t ones, const float *two, size_t twos)
{
    double sum = 0;
    unsigned before = state;
    state = 77;
    for (int k = 0; k < 20; k++) {
        double d[3] = {random_normal(), random_normal(), random_normal()};
        double length = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
        for (int c = 0; c < 3; c++)
            d[c] /= length;
        sum += quantiles_differ(one, ones, two, twos, d) / 20;
    }
    state = before;
    return sum;
}

/* Two bent clouds beside each other: nothing that a mean and a covariance could describe. */
static struct image bent(uint32_t width, uint32_t height, double turn)
{
    struct image image = make(width, height, IMAGE_RGB, false, 8);
    for (size_t i = 0; i < pixels(&image); i++) {
        double t = random_share() * 3, side = i % 3 == 0 ? 30 : -30;
        double a = 55 * cos(t + turn), b = 55 * sin(t + turn), c = side + 6 * random_normal();
        put(&image, i, 0, 128 + a + 5 * random_normal());
        put(&image, i, 1, 120 + b + 0.4 * c);
        put(&image, i, 2, 125 + c - 0.3 * a);
    }
    return image;
}

/* Palette distances fall in the order of how much a method looks at. */
static void check_distances(void)
{
    static const double axis[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    static const enum transfer_method order[] = {TRANSFER_MKL, TRANSFER_HM_MKL_HM, TRANSFER_IDT,
                                                 TRANSFER_SLICED};
    struct image one = cloud(120, 90, 8, mean_one, mix_one), two = bent(100, 100, 0.5);
    const struct transfer_side source = {&one, NULL}, reference = {&two, NULL};
    size_t ones = pixels(&one), twos = pixels(&two);
    float *before = light_of(NULL, &one), *wanted = light_of(NULL, &two);
    double last = palettes_differ(before, ones, wanted, twos), first = last;
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        struct transfer *transfer = fit(order[k], TRANSFER_SPACE_AUTO, 2, &source, &reference);
        float *result = light_of(transfer, &one);
        double left = palettes_differ(result, ones, wanted, twos);
        tap_ok(left < last, "%s brings the palette to %.2f codes, from %.2f",
               transfer_method_names[order[k]], left, last);
        last = left;
        transfer_free(transfer);
        free(result);
    }
    tap_ok(last < first / 10, "sliced leaves less than a tenth (%.2f of %.2f)", last, first);
    struct transfer *transfer = fit(TRANSFER_HM, TRANSFER_SPACE_AUTO, 2, &source, &reference);
    float *result = light_of(transfer, &one);
    for (int c = 0; c < 3; c++) {
        double left = quantiles_differ(result, ones, wanted, twos, axis[c]);
        double was = quantiles_differ(before, ones, wanted, twos, axis[c]);
        tap_ok(left < 0.7 && was > 25, "hm: histogram %d is the reference's to %.2f codes of %.2f",
               c, left, was);
    }
    transfer_free(transfer);
    free(result);
    free(before);
    free(wanted);
    image_free(&one);
    image_free(&two);
}

/* Greys from black to white in fine steps stay in order, without jumps beyond the greatest slope.
 */
static void check_monotone(void)
{
    enum { STEPS = 4096 };
    float *ramp = malloc(3 * STEPS * sizeof *ramp);
    struct image one = cloud(120, 90, 8, mean_one, mix_one), two = bent(100, 100, 0.5);
    const struct transfer_side source = {&one, NULL}, reference = {&two, NULL};
    struct transfer *transfer = fit(TRANSFER_HM, TRANSFER_SPACE_AUTO, 1, &source, &reference);
    for (size_t i = 0; i < 3 * STEPS; i++)
        ramp[i] = (float)srgb_decode((double)(i % STEPS) / (STEPS - 1));
    transfer_apply_row(transfer, ramp, ramp + STEPS, ramp + 2 * STEPS, STEPS);
    double least = 1, most = 0;
    for (size_t i = 0; i + 1 < 3 * STEPS; i++)
        if (i % STEPS < STEPS - 1) {
            double rise = (srgb_encode(ramp[i + 1]) - srgb_encode(ramp[i])) * (STEPS - 1);
            least = fmin(least, rise);
            most = fmax(most, rise);
        }
    tap_ok(least > -0.01 && most < 10.01, "hm rises steadily: slopes from %.3f to %.2f", least,
           most);
    transfer_free(transfer);
    free(ramp);
    image_free(&one);
    image_free(&two);
}

/* Colours that the source did not have move along with the nearest that it had. */
static void check_beyond(void)
{
    static const double faint[3][3] = {{0.5, 0, 0}, {0, 0.5, 0}, {0, 0, 0.5}};
    struct image one = cloud(60, 40, 8, mean_one, faint), two = bent(60, 40, 0.5);
    const struct transfer_side source = {&one, NULL}, reference = {&two, NULL};
    struct transfer *transfer = fit(TRANSFER_HM, TRANSFER_SPACE_AUTO, 1, &source, &reference);
    float v[3][2];
    for (int c = 0; c < 3; c++)
        for (int k = 0; k < 2; k++)
            v[c][k] = (float)srgb_decode((165 + 10 * k) / 255.0);
    transfer_apply_row(transfer, v[0], v[1], v[2], 2);
    for (int c = 0; c < 3; c++) {
        double rise = (srgb_encode(v[c][1]) - srgb_encode(v[c][0])) * 255;
        tap_ok(fabs(rise - 10) < 0.01, "hm: beyond the source the slope is 1 (10 to %.3f)", rise);
    }
    transfer_free(transfer);
    image_free(&one);
    image_free(&two);
}

static void check_threads(void)
{
    struct image one = cloud(211, 157, 8, mean_one, mix_one), two = bent(160, 131, 0.5);
    struct image mask = make(160, 131, IMAGE_GREY, false, 8);
    for (size_t i = 0; i < pixels(&mask); i++)
        put(&mask, i, 0, 255 * random_share());
    const struct transfer_side source = {&one, NULL}, reference = {&two, &mask};
    for (int method = 0; method <= TRANSFER_SLICED; method++) {
        float *first = NULL;
        bool same = true;
        for (unsigned threads = 1; threads <= 5; threads += 2) {
            struct transfer *transfer = fit((enum transfer_method)method, TRANSFER_SPACE_AUTO,
                                            threads, &source, &reference);
            float *result = light_of(transfer, &one);
            transfer_free(transfer);
            if (!first) {
                first = result;
                continue;
            }
            same = same && memcmp(first, result, 3 * pixels(&one) * sizeof *result) == 0;
            free(result);
        }
        tap_ok(same, "%s: the same bits with 1, 3 and 5 threads", transfer_method_names[method]);
        free(first);
    }
    image_free(&one);
    image_free(&two);
    image_free(&mask);
}

/* Alpha and mask count pixels: moments behind mkl are those of the weighted reference. */
static void check_weights(bool with_mask, uint8_t depth)
{
    struct image one = cloud(60, 40, 8, mean_one, mix_one);
    struct image plain = cloud(70, 45, 8, mean_two, mix_two);
    struct image two = make(70, 45, IMAGE_RGB, true, depth);
    struct image mask = make(70, 45, IMAGE_GREY, false, depth);
    double *weight = malloc(pixels(&two) * sizeof *weight);
    for (size_t i = 0; i < pixels(&two); i++) {
        double alpha = i % 5 == 0 ? 0 : i % 5 == 1 ? 255 : floor(256 * random_share());
        double gate = i % 7 < 3 ? 0 : floor(256 * random_share());
        for (unsigned c = 0; c < 3; c++)
            put(&two, i, c, alpha > 0 ? get(&plain, i, c) * (0.6 + 0.4 * alpha / 255) : 255);
        put(&two, i, 3, alpha);
        put(&mask, i, 0, gate);
        weight[i] = alpha * (with_mask ? gate : 1);
    }
    const struct transfer_side source = {&one, NULL}, reference = {&two, with_mask ? &mask : NULL};
    struct transfer *transfer = fit(TRANSFER_MKL, TRANSFER_SPACE_AUTO, 2, &source, &reference);
    float *result = light_of(transfer, &one), *wanted = light_of(NULL, &two);
    struct moments got = moments_of(result, pixels(&one), TRANSFER_SPACE_SRGB, NULL);
    struct moments want = moments_of(wanted, pixels(&two), TRANSFER_SPACE_SRGB, weight);
    double off = moments_differ(&got, &want, false);
    tap_ok(off < 3e-5, "alpha%s of %u bits weigh%s (%.2g)", with_mask ? " and mask" : "",
           (unsigned)depth, with_mask ? "" : "s", off);
    transfer_free(transfer);
    free(result);
    free(wanted);
    free(weight);
    image_free(&one);
    image_free(&plain);
    image_free(&two);
    image_free(&mask);
}

/* What a mask hides is not sampled either. Weights scaled by the mask round otherwise, which long
 * chains show in their most remote colours. */
static void check_masked_sample(enum transfer_method method, double most)
{
    struct image one = cloud(60, 40, 8, mean_one, mix_one),
                 two = cloud(60, 40, 8, mean_two, mix_two);
    struct image half = cloud(120, 40, 8, mean_one, mix_one);
    struct image mask = make(120, 40, IMAGE_GREY, false, 16);
    for (size_t i = 0; i < pixels(&two); i++)
        for (unsigned c = 0; c < 3; c++) {
            size_t to = i / 60 * 120 + i % 60 + 30;
            put(&half, to, c, get(&two, i, c));
            put(&mask, to, 0, 100);
        }
    const struct transfer_side source = {&one, NULL}, whole = {&two, NULL}, part = {&half, &mask};
    struct transfer *a = fit(method, TRANSFER_SPACE_AUTO, 1, &source, &whole);
    struct transfer *b = fit(method, TRANSFER_SPACE_AUTO, 1, &source, &part);
    float *first = light_of(a, &one), *second = light_of(b, &one);
    double off = light_differs(first, second, 3 * pixels(&one));
    tap_ok(off < most, "%s: what a mask hides does not matter (%.2g codes)",
           transfer_method_names[method], off);
    transfer_free(a);
    transfer_free(b);
    free(first);
    free(second);
    image_free(&one);
    image_free(&two);
    image_free(&half);
    image_free(&mask);
}

/* Every ramp colour through a fit of SOURCE to REFERENCE is a number of sensible size. */
static bool is_tame(const struct transfer *transfer)
{
    float v[3][729];
    for (int i = 0; i < 729; i++) {
        v[0][i] = (float)(i % 9) / 8;
        v[1][i] = (float)(i / 9 % 9) / 8;
        v[2][i] = (float)(i / 81) / 8;
    }
    transfer_apply_row(transfer, v[0], v[1], v[2], 729);
    for (int i = 0; i < 729; i++)
        for (int c = 0; c < 3; c++)
            if (!isfinite(v[c][i]))
                return false;
    return true;
}

static struct image flat(uint32_t width, uint32_t height, double r, double g, double b)
{
    struct image image = make(width, height, IMAGE_RGB, false, 8);
    for (size_t i = 0; i < pixels(&image); i++) {
        put(&image, i, 0, r);
        put(&image, i, 1, g);
        put(&image, i, 2, b);
    }
    return image;
}

/* Each odd image against each, by every method in every space; by the long chains, which take longer,
 * each pair in one space, where each image is a source once and a reference once. */
static void check_odd(void)
{
    struct image odd[] = {flat(9, 5, 200, 30, 60),
                          flat(1, 1, 90, 140, 20),
                          flat(4, 4, 0, 0, 0),
                          flat(4, 4, 255, 255, 255),
                          cloud(30, 20, 8, mean_two, mix_two),
                          make(7, 3, IMAGE_GREY, true, 8)};
    enum { COUNT = sizeof odd / sizeof *odd, SPACES = TRANSFER_SPACE_LALPHABETA + 1 };
    for (size_t i = 0; i < pixels(&odd[5]); i++) {
        put(&odd[5], i, 0, (double)i * 12);
        put(&odd[5], i, 1, 128);
    }
    for (int method = 0; method <= TRANSFER_SLICED; method++) {
        int wild = 0;
        for (int space = 0; space <= TRANSFER_SPACE_LALPHABETA; space++)
            for (int pair = 0; pair < COUNT * COUNT; pair++) {
                if (method >= TRANSFER_IDT && (pair % COUNT + pair / COUNT) % SPACES != space)
                    continue;
                const struct transfer_side source = {&odd[pair % COUNT], NULL};
                const struct transfer_side reference = {&odd[pair / COUNT], NULL};
                struct transfer *transfer = fit((enum transfer_method)method,
                                                (enum transfer_space)space, 1, &source, &reference);
                wild += !is_tame(transfer);
                transfer_free(transfer);
            }
        tap_ok(wild == 0, "%s: odd images to odd images, all finite (%d not)",
               transfer_method_names[method], wild);
    }
    for (int i = 0; i < COUNT; i++)
        image_free(&odd[i]);
}

/* To or from one colour: the result is that colour, or around the reference's mean. */
static void check_flat(void)
{
    struct image one = cloud(60, 50, 8, mean_one, mix_one), red = flat(9, 5, 200, 30, 60);
    struct image blue = flat(1, 1, 20, 60, 180);
    const struct transfer_side many = {&one, NULL}, single = {&red, NULL}, other = {&blue, NULL};
    float *target = light_of(NULL, &red), *spread = light_of(NULL, &one);
    struct moments around = moments_of(spread, pixels(&one), TRANSFER_SPACE_SRGB, NULL);
    for (int method = 0; method <= TRANSFER_SLICED; method++) {
        enum transfer_method which = (enum transfer_method)method;
        struct transfer *to = fit(which, TRANSFER_SPACE_SRGB, 1, &many, &single);
        struct transfer *from = fit(which, TRANSFER_SPACE_SRGB, 1, &single, &many);
        struct transfer *swap = fit(which, TRANSFER_SPACE_SRGB, 1, &other, &single);
        float *result = light_of(to, &one), *single_result = light_of(from, &red);
        float *swapped = light_of(swap, &blue);
        double off = 0, moved = 0, swap_off = 0;
        for (size_t i = 0; i < pixels(&one); i++)
            for (size_t c = 0; c < 3; c++)
                off = fmax(off, 255 * fabs(srgb_encode(result[c * pixels(&one) + i]) -
                                           srgb_encode(target[c * pixels(&red)])));
        for (size_t c = 0; c < 3; c++) {
            moved = fmax(moved,
                         255 * fabs(srgb_encode(single_result[c * pixels(&red)]) - around.mean[c]));
            swap_off = fmax(swap_off, 255 * fabs(srgb_encode(swapped[c]) -
                                                 srgb_encode(target[c * pixels(&red)])));
        }
        tap_ok(off < 2 && moved < 8 && swap_off < 0.5,
               "%s: to one colour %.2f, from one %.2f, between two %.2f codes off",
               transfer_method_names[method], off, moved, swap_off);
        transfer_free(to);
        transfer_free(from);
        transfer_free(swap);
        free(result);
        free(single_result);
        free(swapped);
    }
    free(target);
    free(spread);
    image_free(&one);
    image_free(&red);
    image_free(&blue);
}

/* A source of noise must not become a source of colours. */
static void check_gain(enum transfer_method method, double most)
{
    static const double faint[3][3] = {{0.5, 0, 0}, {0, 0.5, 0}, {0, 0, 0.5}};
    struct image one = cloud(60, 50, 8, mean_one, faint), two = cloud(60, 50, 8, mean_two, mix_two);
    const struct transfer_side source = {&one, NULL}, reference = {&two, NULL};
    struct transfer *transfer = fit(method, TRANSFER_SPACE_SRGB, 1, &source, &reference);
    double gain = 0;
    for (int c = 0; c < 3; c++) {
        float v[3][2], *const p[3] = {v[0], v[1], v[2]};
        for (int k = 0; k < 3; k++)
            for (int side = 0; side < 2; side++)
                p[k][side] = (float)srgb_decode((mean_one[k] + (k == c) * (side - 0.5)) / 255);
        transfer_apply_row(transfer, v[0], v[1], v[2], 2);
        for (int k = 0; k < 3; k++)
            gain = fmax(gain, fabs(srgb_encode(v[k][1]) - srgb_encode(v[k][0])) * 255);
    }
    tap_ok(gain > 2 && gain < most, "%s: noise grows %.1f times, not more than %g",
           transfer_method_names[method], gain, most);
    transfer_free(transfer);
    image_free(&one);
    image_free(&two);
}

static void check_refusals(void)
{
    struct image one = cloud(8, 8, 8, mean_one, mix_one), clear = make(8, 8, IMAGE_RGB, true, 8);
    struct image small = make(8, 7, IMAGE_GREY, false, 8), none = make(8, 8, IMAGE_GREY, false, 8);
    const struct transfer_side good = {&one, NULL},
                               bad[] = {
                                   {&clear, NULL}, {&one, &small}, {&one, &none}, {&one, &one}};
    for (int k = 0; k < 16; k++) {
        const struct transfer_options options = {k % 2 ? TRANSFER_IDT : TRANSFER_MKL,
                                                 TRANSFER_SPACE_AUTO, 1};
        struct transfer *transfer;
        struct error error = {0};
        bool done = k / 8 ? transfer_fit(&transfer, &options, &good, &bad[k / 2 % 4], &error)
                          : transfer_fit(&transfer, &options, &bad[k / 2 % 4], &good, &error);
        tap_ok(!done && !transfer && error.kind == ERROR_UNSUPPORTED, "refused: %s", error.message);
    }
    image_free(&one);
    image_free(&clear);
    image_free(&small);
    image_free(&none);
}

int main(void)
{
    for (int space = 0; space <= TRANSFER_SPACE_LALPHABETA; space++) {
        check_moments(TRANSFER_MKL, (enum transfer_space)space, 8);
        check_moments(TRANSFER_REINHARD, (enum transfer_space)space, 8);
    }
    check_moments(TRANSFER_MKL, TRANSFER_SPACE_AUTO, 16);
    check_known_map();
    check_known_root();
    check_identity();
    check_distances();
    check_monotone();
    check_beyond();
    check_spaces();
    check_threads();
    check_weights(false, 8);
    check_weights(false, 16);
    check_weights(true, 8);
    check_weights(true, 16);
    check_masked_sample(TRANSFER_HM, 0.02);
    check_masked_sample(TRANSFER_SLICED, 2);
    check_odd();
    check_flat();
    check_gain(TRANSFER_MKL, 10.01);
    check_gain(TRANSFER_HM, 10.01);
    check_gain(TRANSFER_IDT, 200);
    check_refusals();
    return tap_done();
}
