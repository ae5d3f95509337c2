/* SPDX-License-Identifier: MIT */
#include "ops/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = 4,         /* of a pixel of light on its way into the output */
    PIECE_PIXELS = 128 /* of an output row that are finished at once: they stay in the cache */
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
    struct image_shape shape; /* of the output */
    unsigned lanes;       /* of a source pixel: its channels */
    uint32_t from, width; /* the columns of the source that the output is made of */
    float *sums;          /* a ring of rows under way, each of the columns above */
    uint32_t ring;        /* rows in it */
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

/* The columns that any output uses. */
static void resampler_set_columns(struct resampler *r)
{
    const struct taps *across = &r->across;
    uint32_t end = 0;
    r->from = across->first[0];
    for (uint32_t i = 0; i < across->outputs; i++) {
        uint32_t first = across->first[i];
        r->from = first < r->from ? first : r->from;
        end = first + across->count > end ? first + across->count : end;
    }
    r->width = end - r->from;
}

bool resampler_new(struct resampler **resampler, uint32_t source_width, uint32_t source_height,
                   const struct resample_region *region, enum resample_filter filter,
                   const struct tone *tone, const struct image_shape *shape, struct error *error)
{
    struct resampler *r = memory_zeroed(1, sizeof *r, error);
    *resampler = r;
    if (r == NULL)
        return false;
    r->tone = tone;
    r->shape = *shape;
    r->lanes = image_channels(shape);
    if (!taps_new(&r->across, source_width, region->x, region->width, shape->width, filter,
                  error) ||
        !taps_new(&r->down, source_height, region->y, region->height, shape->height, filter,
                  error))
        goto fail;
    r->ring = taps_overlap(&r->down);
    resampler_set_columns(r);
    /* A pixel is read as four lanes, also the last one where it has fewer. */
    size_t floats = 0;
    if (memory_multiply(r->ring, (size_t)r->width * r->lanes, &floats))
        r->sums = memory_zeroed(floats + LANES, sizeof *r->sums, error);
    else
        error_set(error, ERROR_NO_MEMORY, "out of memory");
    if (r->sums != NULL)
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
    free(r->sums);
    free(r);
}

/* Pixels X to X + COUNT of the output, from a row of sums. Where pixels have fewer lanes than four
 * the others hold those of the next pixel, and nobody looks at them. */
static void resample_across(const struct resampler *r, const float *sums, uint32_t x,
                            uint32_t count, float *out)
{
    const struct taps *taps = &r->across;
    const size_t lanes = r->lanes;
    for (uint32_t i = x; i < x + count; i++, out += LANES) {
        const float *weights = taps->weights + (size_t)i * taps->count;
        const float *pixel = sums + (taps->first[i] - r->from) * lanes;
        /* Two sums, so that one addition need not wait for the other. */
        pixel_lanes even = {0}, odd = {0}, value;
        uint32_t k = 0;
        for (; k + 1 < taps->count; k += 2, pixel += 2 * lanes) {
            memcpy(&value, pixel, sizeof value);
            even += value * weights[k];
            memcpy(&value, pixel + lanes, sizeof value);
            odd += value * weights[k + 1];
        }
        if (k < taps->count) {
            memcpy(&value, pixel, sizeof value);
            even += value * weights[k];
        }
        even += odd;
        memcpy(out, &even, sizeof even);
    }
}

/* What a group of rows STRIDE apart, each with its weight, gives for a sample of A, the first. */
static inline float resample_weigh(const float *a, size_t stride, const float *weights)
{
    _Static_assert(RESAMPLE_GROUP == 4, "so many rows are added here");
    return (a[0] * weights[0] + a[stride] * weights[1]) +
           (a[2 * stride] * weights[2] + a[3 * stride] * weights[3]);
}

/* Adds a group of rows. */
MULTIVERSION
static void resample_add(float *restrict sums, const float *restrict rows, size_t stride,
                         const float *weights, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += resample_weigh(rows + i, stride, weights);
}

/* The same for the first group, whatever SUMS holds from before. */
MULTIVERSION
static void resample_begin(float *restrict sums, const float *restrict rows, size_t stride,
                           const float *weights, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] = resample_weigh(rows + i, stride, weights);
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

/* COUNT pixels to ROW. */
static void resample_store(const struct resampler *r, float *pixels, uint8_t *row, size_t count)
{
    const struct image_shape *shape = &r->shape;
    unsigned channels = image_channels(shape), colors = channels - (shape->alpha ? 1 : 0);
    if (shape->alpha) {
        resample_store_alpha(shape, pixels, row, channels, count);
        resample_unpremultiply(pixels, count);
    }
    for (unsigned c = 0; c < colors; c++)
        tone_encode_row(r->tone, c, pixels + c, LANES, row + c * (shape->depth / 8u), channels,
                        count);
}

void resampler_down(struct resampler *r, const struct resample_group *group)
{
    const struct taps *down = &r->down;
    uint32_t x = group->x > r->from ? group->x : r->from;
    uint32_t end = group->x + group->width, most = r->from + r->width;
    end = end < most ? end : most;
    if (x >= end)
        return;
    size_t skip = (size_t)(x - group->x) * r->lanes, count = (size_t)(end - x) * r->lanes;
    uint32_t first = r->source_y + group->row;
    for (uint32_t i = r->first_open; i < down->outputs && down->first[i] < first + RESAMPLE_GROUP;
         i++) {
        float weights[RESAMPLE_GROUP] = {0};
        float *sums = r->sums + ((i % r->ring) * (size_t)r->width + (x - r->from)) * r->lanes;
        if (down->first[i] + down->count <= first)
            continue;
        for (uint32_t k = 0; k < group->rows; k++)
            if (first + k >= down->first[i] && first + k < down->first[i] + down->count)
                weights[k] = down->weights[(size_t)i * down->count + (first + k - down->first[i])];
        bool begins = down->first[i] >= first;
        (begins ? resample_begin : resample_add)(sums, group->light + skip,
                                                 RESAMPLE_COLUMNS * LANES, weights, count);
    }
}

uint32_t resampler_complete(const struct resampler *r, uint32_t count)
{
    const struct taps *down = &r->down;
    uint32_t i = r->first_open;
    while (i < down->outputs && down->first[i] + down->count <= r->source_y + count)
        i++;
    return i - r->first_open;
}

uint32_t resampler_most(const struct resampler *r)
{
    const struct taps *down = &r->down;
    uint32_t most = 0;
    for (uint32_t i = 0, count = 0, band = 0; i < down->outputs; i++, count++) {
        uint32_t last = (down->first[i] + down->count - 1) / RESAMPLE_BAND_ROWS;
        if (last > band)
            count = 0;
        band = last > band ? last : band;
        most = count + 1 > most ? count + 1 : most;
    }
    return most;
}

void resampler_across(const struct resampler *r, uint32_t index, uint8_t *row)
{
    uint32_t y = r->first_open + index, width = r->shape.width;
    const float *sums = r->sums + (y % r->ring) * (size_t)r->width * r->lanes;
    float pixels[PIECE_PIXELS * LANES];
    for (uint32_t x = 0; x < width; x += PIECE_PIXELS) {
        uint32_t count = width - x < PIECE_PIXELS ? width - x : PIECE_PIXELS;
        resample_across(r, sums, x, count, pixels);
        resample_store(r, pixels, row + x * image_pixel_bytes(&r->shape), count);
    }
}

void resampler_advance(struct resampler *r, uint32_t count)
{
    r->first_open += resampler_complete(r, count);
    r->source_y += count;
}

#define LOAD_OPAQUE(type, channels)                                                                \
    do {                                                                                           \
        const type *sample = (const void *)samples;                                                \
        for (size_t i = 0; i < width * (channels); i += (channels))                                \
            for (size_t c = 0; c < (channels); c++)                                                \
                light[i + c] = tone->decode[c][sample[i + c]];                                     \
    } while (0)

#define LOAD_ALPHA(type, full)                                                                     \
    do {                                                                                           \
        const type *sample = (const void *)samples;                                                \
        for (size_t x = 0; x < width; x++, sample += channels, light += channels) {                \
            float alpha = (float)sample[colors] * (1.0f / (full));                                 \
            for (unsigned c = 0; c < colors; c++)                                                  \
                light[c] = tone->decode[c][sample[c]] * alpha;                                     \
            light[colors] = alpha;                                                                 \
        }                                                                                          \
    } while (0)

void resample_load_row(const struct tone *tone, const struct image_shape *shape,
                       const uint8_t *samples, float *restrict light, size_t width)
{
    unsigned channels = image_channels(shape), colors = channels - (shape->alpha ? 1 : 0);
    if (shape->alpha && shape->depth == 16)
        LOAD_ALPHA(uint16_t, 65535.0f);
    else if (shape->alpha)
        LOAD_ALPHA(uint8_t, 255.0f);
    else if (shape->depth == 16 && channels == 3)
        LOAD_OPAQUE(uint16_t, 3);
    else if (shape->depth == 16)
        LOAD_OPAQUE(uint16_t, 1);
    else if (channels == 3)
        LOAD_OPAQUE(uint8_t, 3);
    else
        LOAD_OPAQUE(uint8_t, 1);
}
