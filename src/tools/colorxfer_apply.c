/* SPDX-License-Identifier: MIT */
/* A function of colours, applied to the pixels of an image. */
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"
#include "color/srgb.h"
#include "ops/gamut.h"
#include "ops/pixel_writer.h"
#include "ops/pixels.h"
#include "ops/regrain.h"
#include "tools/colorxfer.h"

/* Rows that one thread takes, and pixels converted at a time, so that they stay in the cache. */
enum { BAND_ROWS = 16, CHUNK = 512 };

struct band_count {
    size_t changed, clipped;
};

struct application {
    const struct xfer_change *change;
    struct image *image;
    const struct image *original; /* of xfer_blend() */
    struct pixel_reader reader;
    struct pixel_writer *writer;
    bool blends;
    bool codes; /* the transfer takes the samples as they are, without light between */
    struct band_count *counts; /* of each band */
};

typedef float planes[3][CHUNK];

/* ---- encoded samples, planar, 0..1 ---- */

MULTIVERSION
static void unpack8(const uint8_t *from, size_t step, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (float)from[i * step] / 255.0f;
}

MULTIVERSION
static void unpack16(const uint16_t *from, size_t step, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (float)from[i * step] / 65535.0f;
}

/* Channel C of COUNT pixels from X, Y on, or of alpha where C is one behind the colours. */
static void unpack(const struct image *image, unsigned c, uint32_t x, uint32_t y, size_t count,
                   float *to)
{
    size_t step = image_channels(&image->shape), first = x * step + c;
    const uint8_t *row = image_row(image, y);
    if (image->shape.depth == 8)
        unpack8(row + first, step, to, count);
    else
        unpack16((const uint16_t *)(const void *)row + first, step, to, count);
}

MULTIVERSION
static void round_row(const float *restrict from, float full, uint16_t *restrict to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value = from[i] > 0 ? from[i] : 0;
        value = value < 1 ? value : 1;
        to[i] = (uint16_t)(int32_t)(value * full + 0.5f);
    }
}

static void pack(const struct image *image, unsigned c, uint32_t x, uint32_t y, size_t count,
                 const float *from)
{
    size_t step = image_channels(&image->shape), first = x * step + c;
    uint8_t *bytes = image_row(image, y);
    uint16_t *words = (uint16_t *)(void *)bytes;
    uint16_t codes[CHUNK];
    bool small = image->shape.depth == 8;
    round_row(from, small ? 255.0f : 65535.0f, codes, count);
    if (small)
        for (size_t i = 0; i < count; i++)
            bytes[first + i * step] = (uint8_t)codes[i];
    else
        for (size_t i = 0; i < count; i++)
            words[first + i * step] = codes[i];
}

/* All channels of COUNT pixels. Three bytes a pixel are what most images have, and compilers make
 * more of them than of any step. */
MULTIVERSION
static void unpack_bytes(const uint8_t *restrict from, float *restrict r, float *restrict g,
                         float *restrict b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        r[i] = (float)from[3 * i] / 255.0f;
        g[i] = (float)from[3 * i + 1] / 255.0f;
        b[i] = (float)from[3 * i + 2] / 255.0f;
    }
}

static void unpack_all(const struct image *image, uint32_t x, uint32_t y, size_t count,
                       planes encoded)
{
    if (image_pixel_bytes(&image->shape) == 3) {
        unpack_bytes(image_row(image, y) + (size_t)3 * x, encoded[0], encoded[1], encoded[2],
                     count);
        return;
    }
    for (unsigned c = 0; c < 3; c++)
        unpack(image, c, x, y, count, encoded[c]);
}

MULTIVERSION
static void pack_bytes(const float *restrict r, const float *restrict g, const float *restrict b,
                       uint8_t *restrict to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value[3] = {r[i], g[i], b[i]};
        for (int c = 0; c < 3; c++) {
            float v = value[c] > 0 ? value[c] : 0;
            v = v < 1 ? v : 1;
            to[3 * i + (size_t)c] = (uint8_t)(int32_t)(v * 255.0f + 0.5f);
        }
    }
}

static void pack_all(const struct image *image, uint32_t x, uint32_t y, size_t count,
                     planes encoded)
{
    if (image_pixel_bytes(&image->shape) == 3) {
        pack_bytes(encoded[0], encoded[1], encoded[2], image_row(image, y) + (size_t)3 * x, count);
        return;
    }
    for (unsigned c = 0; c < 3; c++)
        pack(image, c, x, y, count, encoded[c]);
}

/* Light to encoded values, in place. */
static void encode(planes light, size_t count)
{
    for (unsigned c = 0; c < 3; c++)
        srgb_encode_row(light[c], count);
}

static void read_light(const struct application *work, uint32_t x, uint32_t y, size_t count,
                       planes light)
{
    float *const to[3] = {light[0], light[1], light[2]};
    pixel_reader_linear(&work->reader, x, y, count, to, NULL);
}

static void write_light(const struct application *work, uint32_t x, uint32_t y, size_t count,
                        planes light)
{
    const float *const from[3] = {light[0], light[1], light[2]};
    pixel_writer_linear(work->writer, x, y, count, from);
}

/* Half a step of 8 bits beyond black and white, in light. */
#define SLACK_BELOW (-0.5f / 255.0f / 12.92f)
#define SLACK_ABOVE 1.0044f

MULTIVERSION
static void drop_slack(float *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float v = value[i];
        v = v < 0 && v > SLACK_BELOW ? 0 : v;
        value[i] = v > 1 && v < SLACK_ABOVE ? 1 : v;
    }
}

size_t xfer_fit_gamut(float *const light[3], size_t count)
{
    for (int c = 0; c < 3; c++)
        drop_slack(light[c], count);
    return gamut_fit_row(light[0], light[1], light[2], count);
}

/* What the image shows, encoded as sRGB, in its gamut. */
static void read_encoded(const struct application *work, uint32_t x, uint32_t y, size_t count,
                         planes encoded)
{
    if (work->reader.transform != NULL) {
        read_light(work, x, y, count, encoded);
        xfer_fit_gamut((float *const[3]){encoded[0], encoded[1], encoded[2]}, count);
        encode(encoded, count);
        return;
    }
    unpack_all(work->image, x, y, count, encoded);
}

/* Just inside half a step of 8 bits beyond black and white, encoded: what is farther out has to be
 * looked at in light. */
#define CODE_BELOW (-0.499f / 255.0f)
#define CODE_ABOVE 1.0019f

MULTIVERSION
static void find_outside(const float *restrict r, const float *restrict g, const float *restrict b,
                         uint8_t *restrict outside, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float low = r[i] < g[i] ? r[i] : g[i], high = r[i] > g[i] ? r[i] : g[i];
        low = low < b[i] ? low : b[i];
        high = high > b[i] ? high : b[i];
        outside[i] = !((low >= CODE_BELOW) & (high <= CODE_ABOVE));
    }
}

/* The same as xfer_fit_gamut() for encoded pixels: only those outside become light and come
 * back. */
static size_t fit_codes(planes encoded, size_t count)
{
    uint8_t outside[CHUNK];
    uint16_t at[CHUNK];
    planes light;
    size_t found = 0;
    find_outside(encoded[0], encoded[1], encoded[2], outside, count);
    if (memchr(outside, 1, count) == NULL)
        return 0;
    for (size_t i = 0; i < count; i++) {
        at[found] = (uint16_t)i;
        found += outside[i];
    }
    for (unsigned c = 0; c < 3; c++) {
        for (size_t i = 0; i < found; i++)
            light[c][i] = encoded[c][at[i]];
        srgb_decode_row(light[c], found);
    }
    size_t clipped = xfer_fit_gamut((float *const[3]){light[0], light[1], light[2]}, found);
    encode(light, found);
    for (unsigned c = 0; c < 3; c++)
        for (size_t i = 0; i < found; i++)
            encoded[c][at[i]] = light[c][i];
    return clipped;
}

/* ---- the change ---- */

/* How much each pixel is to change. */
static void find_weights(const struct application *work, uint32_t x, uint32_t y, size_t count,
                         float *weight)
{
    const struct xfer_change *change = work->change;
    const struct image_shape *shape = &work->image->shape;
    float alpha[CHUNK], strength = (float)change->strength;
    if (change->mask != NULL)
        unpack(change->mask, 0, x, y, count, weight);
    for (size_t i = 0; i < count; i++)
        weight[i] = change->mask != NULL ? weight[i] * strength : strength;
    if (!shape->alpha)
        return;
    unpack(work->image, 3, x, y, count, alpha);
    for (size_t i = 0; i < count; i++)
        weight[i] = alpha[i] > 0 ? weight[i] : 0;
}

static void blend(planes encoded, planes original, const float *weight, size_t count)
{
    for (unsigned c = 0; c < 3; c++)
        for (size_t i = 0; i < count; i++)
            encoded[c][i] = original[c][i] + (encoded[c][i] - original[c][i]) * weight[i];
}

/* COUNT pixels that change as WEIGHT says. Returns how many left the gamut. */
static size_t change_run(const struct application *work, uint32_t x, uint32_t y, size_t count,
                         const float *weight)
{
    const struct xfer_change *change = work->change;
    planes color, original;
    size_t clipped = 0;
    if (work->blends)
        read_encoded(work, x, y, count, original);
    if (work->codes) {
        unpack_all(work->image, x, y, count, color);
        transfer_apply_codes(change->transfer, color[0], color[1], color[2], count);
        clipped = fit_codes(color, count);
    } else if (change->transfer != NULL) {
        read_light(work, x, y, count, color);
        transfer_apply_row(change->transfer, color[0], color[1], color[2], count);
        clipped = xfer_fit_gamut((float *const[3]){color[0], color[1], color[2]}, count);
        if (!work->blends) {
            write_light(work, x, y, count, color);
            return clipped;
        }
        encode(color, count);
    } else {
        read_encoded(work, x, y, count, color);
        lut_apply_row(change->lut, color[0], color[1], color[2], count);
    }
    if (work->blends)
        blend(color, original, weight, count);
    pack_all(work->image, x, y, count, color);
    return clipped;
}

/* COUNT pixels that do not change, except into sRGB. */
static void keep_run(const struct application *work, uint32_t x, uint32_t y, size_t count)
{
    planes light;
    if (work->reader.transform == NULL)
        return;
    read_light(work, x, y, count, light);
    xfer_fit_gamut((float *const[3]){light[0], light[1], light[2]}, count);
    write_light(work, x, y, count, light);
}

/* At most CHUNK pixels of a row, by runs that change and runs that do not. */
static void change_chunk(const struct application *work, uint32_t x, uint32_t y, size_t count,
                         struct band_count *counted)
{
    float weight[CHUNK];
    find_weights(work, x, y, count, weight);
    for (size_t from = 0, to; from < count; from = to) {
        bool changes = weight[from] > 0;
        for (to = from + 1; to < count && (weight[to] > 0) == changes; to++)
            continue;
        uint32_t at = x + (uint32_t)from;
        if (changes) {
            counted->clipped += change_run(work, at, y, to - from, weight + from);
            counted->changed += to - from;
        } else if (work->change->everywhere) {
            change_run(work, at, y, to - from, weight + from);
        } else {
            keep_run(work, at, y, to - from);
        }
    }
}

static void change_band(void *context, size_t index)
{
    const struct application *work = context;
    const struct image_shape *shape = &work->image->shape;
    uint32_t y = (uint32_t)index * BAND_ROWS;
    uint32_t end = shape->height - y < BAND_ROWS ? shape->height : y + BAND_ROWS;
    struct band_count counted = {0};
    for (; y < end; y++)
        for (uint32_t x = 0; x < shape->width; x += CHUNK) {
            uint32_t count = shape->width - x < CHUNK ? shape->width - x : CHUNK;
            change_chunk(work, x, y, count, &counted);
        }
    work->counts[index] = counted;
}

static size_t band_count_of(const struct image *image)
{
    return (image->shape.height + BAND_ROWS - 1) / BAND_ROWS;
}

static double share_clipped(const struct application *work, size_t bands)
{
    size_t changed = 0, clipped = 0;
    for (size_t i = 0; i < bands; i++) {
        changed += work->counts[i].changed;
        clipped += work->counts[i].clipped;
    }
    return changed > 0 ? (double)clipped / (double)changed : 0;
}

bool xfer_apply(struct image *image, const struct xfer_change *change, double *clipped,
                struct error *error)
{
    struct application work = {.change = change, .image = image};
    size_t bands = band_count_of(image);
    work.blends = !change->everywhere && (change->mask != NULL || change->strength < 1);
    if (pixel_reader_open(&work.reader, image, 0, error) &&
        pixel_writer_new(&work.writer, image, error))
        work.counts = memory_zeroed(bands, sizeof *work.counts, error);
    bool done = work.counts != NULL;
    if (done) {
        work.codes = change->transfer != NULL && transfer_has_codes(change->transfer) &&
                     work.reader.transform == NULL && image->shape.color == IMAGE_RGB;
        threads_for(change->threads, bands, change_band, &work);
        *clipped = share_clipped(&work, bands);
        blob_free(&image->metadata.icc);
    }
    free(work.counts);
    pixel_writer_free(work.writer);
    pixel_reader_close(&work.reader);
    return done;
}

/* ---- blending afterwards ---- */

static void blend_band(void *context, size_t index)
{
    const struct application *work = context;
    const struct image_shape *shape = &work->image->shape;
    uint32_t y = (uint32_t)index * BAND_ROWS;
    uint32_t end = shape->height - y < BAND_ROWS ? shape->height : y + BAND_ROWS;
    planes encoded, original;
    float weight[CHUNK];
    for (; y < end; y++)
        for (uint32_t x = 0; x < shape->width; x += CHUNK) {
            uint32_t count = shape->width - x < CHUNK ? shape->width - x : CHUNK;
            find_weights(work, x, y, count, weight);
            for (unsigned c = 0; c < 3; c++) {
                unpack(work->image, c, x, y, count, encoded[c]);
                unpack(work->original, c, x, y, count, original[c]);
            }
            blend(encoded, original, weight, count);
            for (unsigned c = 0; c < 3; c++)
                pack(work->image, c, x, y, count, encoded[c]);
        }
}

void xfer_blend(struct image *result, const struct image *original,
                const struct xfer_change *change)
{
    struct application work = {.change = change, .image = result, .original = original};
    threads_for(change->threads, band_count_of(result), blend_band, &work);
}

/* ---- profiles ---- */

bool xfer_to_srgb(struct image *image, unsigned threads, struct error *error)
{
    const struct xfer_change nothing = {.threads = threads};
    double clipped;
    return image->metadata.icc.size == 0 || xfer_apply(image, &nothing, &clipped, error);
}

/* ---- grain ---- */

static bool copy_as_srgb(struct image *copy, const struct image *image, unsigned threads,
                         struct error *error)
{
    size_t bytes = image_row_bytes(&image->shape);
    if (!image_new(copy, &image->shape, error))
        return false;
    for (uint32_t y = 0; y < image->shape.height; y++)
        memcpy(image_row(copy, y), image_row(image, y), bytes);
    const struct blob *icc = &image->metadata.icc;
    return (icc->size == 0 || blob_copy(&copy->metadata.icc, icc->data, icc->size, error)) &&
           xfer_to_srgb(copy, threads, error);
}

/* The grain is that of the whole picture at full strength; only then it is blended. */
static bool apply_with_grain(struct xfer_job *job, struct xfer_change *change, double *clipped,
                             struct error *error)
{
    struct image original = {0};
    bool done = copy_as_srgb(&original, &job->image, change->threads, error);
    change->everywhere = true;
    done = done && xfer_apply(&job->image, change, clipped, error) &&
           regrain(&job->image, &original, change->threads, error);
    if (done)
        xfer_blend(&job->image, &original, change);
    image_free(&original);
    return done;
}

bool xfer_change_image(struct xfer_job *job, struct xfer_change *change, double *clipped,
                       struct error *error)
{
    if (!job->makes_image)
        return true;
    return job->fields->regrain ? apply_with_grain(job, change, clipped, error)
                                : xfer_apply(&job->image, change, clipped, error);
}
