/* SPDX-License-Identifier: MIT */
#include "ops/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = 4,
    GROUP = 4,       /* rows that are added to the sums together, so that these are touched less */
    CHUNK_PIXELS = 128 /* of a row that are brought through a band at once: they stay in the cache */
};

/* One pixel of light. */
typedef float pixel_lanes __attribute__((vector_size(LANES * sizeof(float))));

/* For each output position the first source position and its COUNT weights. */
struct taps {
    uint32_t outputs, count; /* every output has room for COUNT weights; unused ones are 0 */
    uint32_t *first;
    float *weights;
};

struct resampler {
    struct taps across, down;
    const struct tone *tone;
    struct image out;
    float *rows;     /* a band of incoming rows, resampled across, and GROUP - 1 rows of 0 */
    float *sums;     /* a ring of output rows under way */
    uint32_t ring;   /* rows in it */
    uint32_t source_y, first_open; /* the first output that is not complete */
};

static double sinc(double x)
{
    x *= M_PI;
    return fabs(x) < 1e-8 ? 1 : sin(x) / x;
}

static double kernel_cubic(double x, double b, double c)
{
    x = fabs(x);
    if (x < 1)
        return ((12 - 9 * b - 6 * c) * x * x * x + (-18 + 12 * b + 6 * c) * x * x + 6 - 2 * b) / 6;
    if (x < 2)
        return ((-b - 6 * c) * x * x * x + (6 * b + 30 * c) * x * x + (-12 * b - 48 * c) * x +
                8 * b + 24 * c) / 6;
    return 0;
}

static double kernel_support(enum resample_filter filter)
{
    static const double supports[] = {
        [RESAMPLE_LANCZOS3] = 3, [RESAMPLE_LANCZOS2] = 2, [RESAMPLE_MITCHELL] = 2,
        [RESAMPLE_CATROM] = 2,   [RESAMPLE_TRIANGLE] = 1, [RESAMPLE_BOX] = 0.5,
        [RESAMPLE_NEAREST] = 0,
    };
    return supports[filter];
}

static double kernel_value(enum resample_filter filter, double x)
{
    switch (filter) {
    case RESAMPLE_LANCZOS3:
        return fabs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
    case RESAMPLE_LANCZOS2:
        return fabs(x) < 2 ? sinc(x) * sinc(x / 2) : 0;
    case RESAMPLE_MITCHELL:
        return kernel_cubic(x, 1.0 / 3, 1.0 / 3);
    case RESAMPLE_CATROM:
        return kernel_cubic(x, 0, 0.5);
    case RESAMPLE_TRIANGLE:
        return fabs(x) < 1 ? 1 - fabs(x) : 0;
    case RESAMPLE_BOX:
    case RESAMPLE_NEAREST:
        break;
    }
    /* Half open, so that a pixel on the border of two boxes counts once. */
    return x >= -0.5 && x < 0.5 ? 1 : 0;
}

static int64_t clamp_index(double value, uint32_t size)
{
    return value < 0 ? 0 : value > size - 1.0 ? (int64_t)size - 1 : (int64_t)value;
}

/* The weights of output I, centred at CENTRE in source pixels. */
static void taps_fill(struct taps *taps, uint32_t i, uint32_t size, double centre, double stretch,
                      enum resample_filter filter)
{
    double reach = kernel_support(filter) * stretch, sum = 0;
    int64_t first = clamp_index(ceil(centre - reach - 0.5), size);
    int64_t last = clamp_index(floor(centre + reach - 0.5), size);
    float *weights = taps->weights + (size_t)i * taps->count;
    int64_t nearest = clamp_index(floor(centre), size);
    for (int64_t k = first; k <= last && k < first + taps->count; k++) {
        double weight = kernel_value(filter, ((double)k + 0.5 - centre) / stretch);
        weights[k - first] = (float)weight;
        sum += weight;
    }
    if (filter == RESAMPLE_NEAREST || fabs(sum) < 1e-9) {
        taps->first[i] = (uint32_t)nearest;
        memset(weights, 0, taps->count * sizeof *weights);
        weights[0] = 1;
        return;
    }
    taps->first[i] = (uint32_t)first;
    for (uint32_t k = 0; k < taps->count; k++)
        weights[k] = (float)((double)weights[k] / sum);
}

static bool taps_new(struct taps *taps, uint32_t size, double start, double extent,
                     uint32_t outputs, enum resample_filter filter, struct error *error)
{
    double scale = extent / outputs;
    double stretch = scale > 1 ? scale : 1;
    double reach = kernel_support(filter) * stretch;
    double most = 2 * reach + 2;
    taps->outputs = outputs;
    taps->count = most > size ? size : (uint32_t)most;
    taps->first = memory_array(outputs, sizeof *taps->first, error);
    size_t total = 0;
    if (taps->first == NULL || !memory_multiply(outputs, taps->count, &total))
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    taps->weights = memory_zeroed(total, sizeof *taps->weights, error);
    if (taps->weights == NULL)
        return false;
    for (uint32_t i = 0; i < outputs; i++)
        taps_fill(taps, i, size, start + (i + 0.5) * scale, stretch, filter);
    /* So that the weights of every output lie inside the source, also the unused zeros. */
    for (uint32_t i = 0; i < outputs; i++) {
        uint32_t over = taps->first[i] + taps->count > size ? taps->first[i] + taps->count - size : 0;
        float *weights = taps->weights + (size_t)i * taps->count;
        memmove(weights + over, weights, (taps->count - over) * sizeof *weights);
        memset(weights, 0, over * sizeof *weights);
        taps->first[i] -= over;
    }
    return true;
}

static void taps_free(struct taps *taps)
{
    free(taps->first);
    free(taps->weights);
}

/* The most outputs that are under way at once: those whose taps meet a band of rows. */
static uint32_t taps_overlap(const struct taps *taps)
{
    uint32_t most = 1;
    for (uint32_t i = 0, open = 0; i < taps->outputs; i++) {
        while (taps->first[open] + taps->count + RESAMPLE_BAND_ROWS <= taps->first[i])
            open++;
        if (i - open + 1 > most)
            most = i - open + 1;
    }
    return most;
}

bool resampler_new(struct resampler **resampler, uint32_t source_width, uint32_t source_height,
                   const struct resample_region *region, enum resample_filter filter,
                   const struct tone *tone, const struct image *out, struct error *error)
{
    struct resampler *r = memory_zeroed(1, sizeof *r, error);
    *resampler = r;
    if (r == NULL)
        return false;
    r->tone = tone;
    r->out = *out;
    if (!taps_new(&r->across, source_width, region->x, region->width, out->shape.width, filter,
                  error) ||
        !taps_new(&r->down, source_height, region->y, region->height, out->shape.height, filter,
                  error))
        goto fail;
    r->ring = taps_overlap(&r->down);
    size_t lanes = (size_t)out->shape.width * LANES;
    r->rows = memory_zeroed(RESAMPLE_BAND_ROWS + GROUP - 1, lanes * sizeof *r->rows, error);
    r->sums = memory_zeroed(r->ring, lanes * sizeof *r->sums, error);
    if (r->rows != NULL && r->sums != NULL)
        return true;
fail:
    resampler_free(r);
    *resampler = NULL;
    return false;
}

void resampler_free(struct resampler *r)
{
    if (r == NULL)
        return;
    taps_free(&r->across);
    taps_free(&r->down);
    free(r->rows);
    free(r->sums);
    free(r);
}

static void resample_across(const struct taps *taps, const float *in, float *out)
{
    for (uint32_t i = 0; i < taps->outputs; i++) {
        const float *weights = taps->weights + (size_t)i * taps->count;
        const float *pixel = in + (size_t)taps->first[i] * LANES;
        /* Two sums, so that one addition need not wait for the other. */
        pixel_lanes even = {0}, odd = {0}, value;
        uint32_t k = 0;
        for (; k + 1 < taps->count; k += 2, pixel += 2 * LANES) {
            memcpy(&value, pixel, sizeof value);
            even += value * weights[k];
            memcpy(&value, pixel + LANES, sizeof value);
            odd += value * weights[k + 1];
        }
        if (k < taps->count) {
            memcpy(&value, pixel, sizeof value);
            even += value * weights[k];
        }
        even += odd;
        memcpy(out + (size_t)i * LANES, &even, sizeof even);
    }
}

MULTIVERSION
static void resample_add(float *restrict sums, const float *restrict rows, size_t stride,
                         const float *weights, size_t count)
{
    const float *restrict a = rows, *restrict b = rows + stride, *restrict c = rows + 2 * stride,
                         *restrict d = rows + 3 * stride;
    for (size_t i = 0; i < count; i++)
        sums[i] += (a[i] * weights[0] + b[i] * weights[1]) +
                   (c[i] * weights[2] + d[i] * weights[3]);
}

MULTIVERSION
static void resample_unpremultiply(float *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float alpha = pixels[LANES * i + 3];
        /* Where ringing makes alpha negative or next to nothing there is no colour to recover. */
        float factor = alpha > 1e-5f ? 1.0f / alpha : 0.0f;
        pixels[LANES * i] *= factor;
        pixels[LANES * i + 1] *= factor;
        pixels[LANES * i + 2] *= factor;
    }
}

static void resample_store_alpha(const struct image_shape *shape, const float *pixels,
                                 uint8_t *row, unsigned channels, size_t count)
{
    uint16_t *wide = (void *)row;
    float full = shape->depth == 16 ? 65535.0f : 255.0f;
    for (size_t x = 0; x < count; x++) {
        float alpha = pixels[LANES * x + 3];
        alpha = alpha < 0 ? 0 : alpha > 1 ? 1 : alpha;
        unsigned sample = (unsigned)(alpha * full + 0.5f);
        if (shape->depth == 16)
            wide[x * channels + channels - 1] = (uint16_t)sample;
        else
            row[x * channels + channels - 1] = (uint8_t)sample;
    }
}

/* Pixels X to X + COUNT of output row Y. */
static void resample_store(const struct resampler *r, float *pixels, uint32_t y, size_t x,
                           size_t count)
{
    const struct image_shape *shape = &r->out.shape;
    uint8_t *row = image_row(&r->out, y) + x * image_pixel_bytes(shape);
    unsigned channels = image_channels(shape), colors = channels - (shape->alpha ? 1 : 0);
    if (shape->alpha) {
        resample_store_alpha(shape, pixels, row, channels, count);
        resample_unpremultiply(pixels, count);
    }
    for (unsigned c = 0; c < colors; c++)
        tone_encode_row(r->tone, c, pixels + c, LANES, row + c * (shape->depth / 8u), channels,
                        count);
}

void resampler_across(struct resampler *r, const float *row, uint32_t index)
{
    resample_across(&r->across, row, r->rows + (size_t)index * r->out.shape.width * LANES);
}

/* Adds COUNT rows from SOURCE_Y on to SUMS, the LANE_COUNT lanes of output I that begin at LANE. */
static void resample_add_band(const struct resampler *r, uint32_t count, uint32_t i, float *sums,
                              size_t lane, size_t lane_count)
{
    const struct taps *down = &r->down;
    size_t stride = (size_t)r->out.shape.width * LANES;
    uint32_t first = r->source_y, last = first + count, end = down->first[i] + down->count;
    uint32_t from = down->first[i] > first ? down->first[i] : first;
    for (uint32_t y = from; y < end && y < last; y += GROUP) {
        float weights[GROUP] = {0};
        for (uint32_t k = 0; k < GROUP && y + k < end && y + k < last; k++)
            weights[k] = down->weights[(size_t)i * down->count + (y + k - down->first[i])];
        resample_add(sums, r->rows + (y - first) * stride + lane, stride, weights, lane_count);
    }
}

size_t resampler_chunks(const struct resampler *r)
{
    return (r->out.shape.width + CHUNK_PIXELS - 1) / CHUNK_PIXELS;
}

void resampler_down(struct resampler *r, uint32_t count, size_t index)
{
    const struct taps *down = &r->down;
    size_t x = index * CHUNK_PIXELS, width = r->out.shape.width;
    size_t pixels = width - x < CHUNK_PIXELS ? width - x : CHUNK_PIXELS;
    uint32_t last = r->source_y + count;
    for (uint32_t i = r->first_open; i < down->outputs && down->first[i] < last; i++) {
        float *sums = r->sums + ((i % r->ring) * width + x) * LANES;
        if (down->first[i] >= r->source_y)
            memset(sums, 0, pixels * LANES * sizeof *sums);
        resample_add_band(r, count, i, sums, x * LANES, pixels * LANES);
        if (down->first[i] + down->count <= last)
            resample_store(r, sums, i, x, pixels);
    }
}

void resampler_advance(struct resampler *r, uint32_t count)
{
    const struct taps *down = &r->down;
    r->source_y += count;
    while (r->first_open < down->outputs &&
           down->first[r->first_open] + down->count <= r->source_y)
        r->first_open++;
}

#define LOAD_PIXELS(type, full)                                                                    \
    do {                                                                                           \
        const type *sample = (const void *)samples;                                                \
        for (size_t x = 0; x < width; x++, sample += channels, row += LANES) {                     \
            float alpha = shape->alpha ? (float)sample[colors] * (1.0f / (full)) : 1.0f;           \
            row[0] = tone->decode[0][sample[0]] * alpha;                                           \
            row[1] = colors == 3 ? tone->decode[1][sample[1]] * alpha : 0;                         \
            row[2] = colors == 3 ? tone->decode[2][sample[2]] * alpha : 0;                         \
            row[3] = alpha;                                                                        \
        }                                                                                          \
    } while (0)

void resample_load_row(const struct tone *tone, const struct image_shape *shape,
                       const uint8_t *samples, float *row, size_t width)
{
    unsigned channels = image_channels(shape), colors = channels - (shape->alpha ? 1 : 0);
    if (shape->depth == 16)
        LOAD_PIXELS(uint16_t, 65535.0f);
    else
        LOAD_PIXELS(uint8_t, 255.0f);
}
