/* SPDX-License-Identifier: MIT */
/* The blur against the plain convolution in double precision, and against its own promises. */
#include "ops/blur.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static const double CLAIMED_ERROR = 0.001;

struct plane {
    uint32_t width, height;
    float *samples;
};

static void plane_row(const void *context, uint32_t y, float *row)
{
    const struct plane *plane = context;
    memcpy(row, plane->samples + (size_t)y * plane->width, plane->width * sizeof *row);
}

static struct plane plane_new(uint32_t width, uint32_t height)
{
    struct plane plane = {width, height, calloc((size_t)width * height, sizeof(float))};
    if (plane.samples == NULL)
        abort();
    return plane;
}

static void *need(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* ---- what is blurred ---- */

static float disc(uint32_t x, uint32_t y)
{
    return hypot(x - 48.3, y - 29.9) < 25.0 ? 1.0f : 0.0f;
}

static float all(uint32_t x, uint32_t y)
{
    (void)x;
    (void)y;
    return 1.0f;
}

static float pixel(uint32_t x, uint32_t y)
{
    return x == 41 && y == 22 ? 1.0f : 0.0f;
}

static float half(uint32_t x, uint32_t y)
{
    (void)y;
    return x >= 47 ? 1.0f : 0.0f;
}

static float board(uint32_t x, uint32_t y)
{
    return (x + y) % 2 == 0 ? 1.0f : 0.0f;
}

static float board3(uint32_t x, uint32_t y)
{
    return (x / 3 + y / 3) % 2 == 0 ? 1.0f : 0.0f;
}

/* Stripes as wide as a step, shifted in the middle: what a decimation with boxes gets wrong. */
static float shifted_stripes(uint32_t x, uint32_t y)
{
    (void)y;
    return ((x + (x < 48 ? 0u : 2u)) / 2) % 2 == 0 ? 1.0f : 0.0f;
}

static float noise(uint32_t x, uint32_t y)
{
    uint32_t hash = (x * 2654435761u) ^ (y * 2246822519u);
    hash = (hash ^ (hash >> 15)) * 2246822519u;
    return (float)((hash ^ (hash >> 13)) & 255) / 255.0f;
}

static const struct {
    const char *name;
    float (*at)(uint32_t x, uint32_t y);
} pictures[] = {{"disc", disc},     {"rectangle", all}, {"pixel", pixel},
                {"edge", half},     {"checkerboard", board}, {"checkerboard of 3", board3},
                {"shifted stripes", shifted_stripes}, {"noise", noise}};

static struct plane plane_of(float (*at)(uint32_t x, uint32_t y))
{
    struct plane plane = plane_new(97, 61);
    for (uint32_t y = 0; y < plane.height; y++)
        for (uint32_t x = 0; x < plane.width; x++)
            plane.samples[(size_t)y * plane.width + x] = at(x, y);
    return plane;
}

/* ---- the truth ---- */

/* The sampled Gaussian of sum 1, far beyond where it matters; [0] is its middle. */
static double *gaussian(double sigma, int reach)
{
    double *values = need((size_t)reach + 1, sizeof *values), sum = 0.0;
    for (int i = 0; i <= reach; i++) {
        values[i] = sigma > 0.0 ? exp(-0.5 * i * i / (sigma * sigma)) : i == 0;
        sum += i == 0 ? values[i] : 2.0 * values[i];
    }
    for (int i = 0; i <= reach; i++)
        values[i] /= sum;
    return values;
}

/* Columns -MARGIN to width + MARGIN of every source row. */
static double *truth_rows(const struct plane *plane, const double *kernel, int margin)
{
    int wide = (int)plane->width + 2 * margin;
    double *rows = need((size_t)wide * plane->height, sizeof *rows);
    for (uint32_t y = 0; y < plane->height; y++)
        for (int to = 0; to < wide; to++) {
            double sum = 0.0;
            for (int x = 0; x < (int)plane->width; x++)
                sum += kernel[abs(to - margin - x)] * (double)plane->samples[y * plane->width + x];
            rows[(size_t)y * wide + to] = sum;
        }
    return rows;
}

static void truth_row(const double *rows, const struct plane *plane, const double *kernel,
                      int margin, int y, double *row)
{
    int wide = (int)plane->width + 2 * margin;
    memset(row, 0, (size_t)wide * sizeof *row);
    for (int from = 0; from < (int)plane->height; from++)
        for (int x = 0; x < wide; x++)
            row[x] += kernel[abs(y - from)] * rows[(size_t)from * wide + x];
}

/* ---- the blur, row by row ---- */

static void fail_on(bool good, const struct error *error)
{
    if (!good) {
        printf("Bail out! %s\n", error->message);
        exit(1);
    }
}

static struct blur blur_of(const struct plane *plane, double sigma, int x, uint32_t width,
                           unsigned threads)
{
    struct blur blur;
    struct error error = {0};
    struct blur_source source = {plane->width, plane->height, plane_row, plane};
    fail_on(blur_prepare(&blur, &source, sigma, x, width, threads, &error), &error);
    return blur;
}

static struct blur_reader reader_of(const struct blur *blur)
{
    struct blur_reader reader;
    struct error error = {0};
    fail_on(blur_reader_new(&reader, blur, 1.0f, &error), &error);
    return reader;
}

static void read_row(struct blur_reader *reader, int x, uint32_t width, int y, float *row)
{
    blur_reader_row(reader, y);
    for (uint32_t at = 0; at < width; at += BLUR_SPAN) {
        float span[BLUR_SPAN];
        blur_reader_span(reader, x + (int)at, span);
        uint32_t count = width - at < BLUR_SPAN ? width - at : BLUR_SPAN;
        memcpy(row + at, span, count * sizeof *span);
    }
}

/* ---- checks ---- */

static double worst_error(const struct plane *plane, double sigma)
{
    int margin = (int)ceil(3.0 * sigma) + 5, wide = (int)plane->width + 2 * margin;
    double *kernel = gaussian(sigma, (int)(10.0 * sigma) + 200);
    double *rows = truth_rows(plane, kernel, margin), worst = 0.0;
    double *wanted = need((size_t)wide, sizeof *wanted);
    float *row = need((size_t)wide, sizeof *row);
    struct blur blur = blur_of(plane, sigma, -margin, (uint32_t)wide, 2);
    struct blur_reader reader = reader_of(&blur);
    int stride = sigma > 20.0 ? 7 : 1;
    for (int y = -margin; y < (int)plane->height + margin; y += stride) {
        read_row(&reader, -margin, (uint32_t)wide, y, row);
        truth_row(rows, plane, kernel, margin, y, wanted);
        for (int x = 0; x < wide; x++)
            worst = fmax(worst, fabs((double)row[x] - wanted[x]));
    }
    blur_reader_free(&reader);
    blur_free(&blur);
    free(row);
    free(wanted);
    free(rows);
    free(kernel);
    return worst;
}

static void check_pictures(void)
{
    static const double sigmas[] = {0,  1e-200, 0.3, 0.5, 1,  2,  3.3, 3.999, 4,   5,  7.9,
                                    8,  11,  12,  16, 25, 60,  127,   150, 200};
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
        double worst = 0.0;
        const char *name = "";
        for (size_t k = 0; k < sizeof pictures / sizeof *pictures; k++) {
            struct plane plane = plane_of(pictures[k].at);
            double here = worst_error(&plane, sigmas[i]);
            if (here >= worst) {
                worst = here;
                name = pictures[k].name;
            }
            free(plane.samples);
        }
        tap_ok(worst < CLAIMED_ERROR, "sigma %g: at most %.2g from the convolution (%s)",
               sigmas[i], worst, name);
    }
}

/* The sum over all places X0 of |blur of a line at X0 - Gaussian| bounds the error of one axis for
 * any picture. It is taken where it is largest. Lines are high, so that the other axis gives 1. */
static double kernel_difference(double sigma)
{
    int reach = (int)ceil(5.0 * sigma) + 8, wide = 2 * reach + 1;
    int probes = 2 * (int)exp2(floor(log2(sigma / 2.0)));
    double *kernel = gaussian(sigma, 3 * reach), *sums = need((size_t)wide, sizeof *sums);
    float *row = need((size_t)wide, sizeof *row);
    struct plane plane = plane_new((uint32_t)wide, (uint32_t)wide);
    for (int at = 0; at < wide; at++) {
        for (int y = 0; y < wide; y++) {
            plane.samples[(size_t)y * wide + at] = 1.0f;
            if (at > 0)
                plane.samples[(size_t)y * wide + at - 1] = 0.0f;
        }
        struct blur blur = blur_of(&plane, sigma, 0, (uint32_t)wide, 1);
        struct blur_reader reader = reader_of(&blur);
        read_row(&reader, 0, (uint32_t)wide, reach, row);
        for (int x = 0; x < wide; x++)
            sums[x] += fabs((double)row[x] - kernel[abs(x - at)]);
        blur_reader_free(&reader);
        blur_free(&blur);
    }
    double worst = 0.0;
    for (int x = reach - probes; x <= reach + probes; x++)
        worst = fmax(worst, sums[x]);
    free(plane.samples);
    free(row);
    free(sums);
    free(kernel);
    return worst;
}

static void check_bound(void)
{
    static const double sigmas[] = {1, 3.999, 4, 5.5, 8, 12, 16};
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
        double bound = kernel_difference(sigmas[i]);
        tap_ok(bound < CLAIMED_ERROR, "sigma %g: at most %.2g off for any picture", sigmas[i],
               bound);
    }
}

/* Rows in any order, in any window, made by any number of threads are the same to the bit. */
static void check_same(double sigma)
{
    enum { X = -40, WIDTH = 180, PART_X = 13, PART_WIDTH = 51 };
    struct plane plane = plane_of(noise);
    struct blur one = blur_of(&plane, sigma, X, WIDTH, 1);
    struct blur many = blur_of(&plane, sigma, X, WIDTH, 7);
    struct blur part = blur_of(&plane, sigma, PART_X, PART_WIDTH, 2);
    struct blur_reader forward = reader_of(&one), backward = reader_of(&many);
    struct blur_reader narrow = reader_of(&part);
    static float rows[160][WIDTH];
    bool threads = true, window = true;
    for (int i = 0; i < 160; i++)
        read_row(&forward, X, WIDTH, i - 50, rows[i]);
    for (int i = 159; i >= 0; i--) {
        float row[WIDTH];
        read_row(&backward, X, WIDTH, i - 50, row);
        threads = threads && memcmp(row, rows[i], sizeof row) == 0;
        read_row(&narrow, PART_X, PART_WIDTH, i - 50, row);
        window = window && memcmp(row, rows[i] + PART_X - X, PART_WIDTH * sizeof *row) == 0;
    }
    tap_ok(threads, "sigma %g: 7 threads and another order give the same bits", sigma);
    tap_ok(window, "sigma %g: a smaller window gives the same bits", sigma);
    blur_reader_free(&narrow);
    blur_reader_free(&backward);
    blur_reader_free(&forward);
    blur_free(&part);
    blur_free(&many);
    blur_free(&one);
    free(plane.samples);
}

static void check_extremes(void)
{
    struct plane dot = plane_new(1, 1);
    dot.samples[0] = 1.0f;
    tap_ok(worst_error(&dot, 5.0) < CLAIMED_ERROR, "a plane of one sample");
    struct plane line = plane_new(1, 200);
    for (int i = 0; i < 200; i++)
        line.samples[i] = 1.0f;
    tap_ok(worst_error(&line, 9.0) < CLAIMED_ERROR, "a plane of one column");
    struct blur_source source = {1, 1, plane_row, &dot};
    struct blur blur;
    struct error error = {0};
    bool taken = blur_prepare(&blur, &source, BLUR_MAX_SIGMA, -5, 10, 1, &error);
    tap_ok(taken, "the largest sigma");
    blur_free(&blur);
    tap_ok(!blur_prepare(&blur, &source, NAN, 0, 1, 1, &error) && error.kind == ERROR_INTERNAL,
           "a sigma that is no number is refused");
    error_clear(&error);
    tap_ok(!blur_prepare(&blur, &source, -1.0, 0, 1, 1, &error), "a negative sigma is refused");
    free(line.samples);
    free(dot.samples);
}

int main(void)
{
    check_pictures();
    check_bound();
    check_same(0.0);
    check_same(2.5);
    check_same(5.0);
    check_same(37.0);
    check_extremes();
    return tap_done();
}
