/* SPDX-License-Identifier: MIT */
#include "ops/recolor_body.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"

/* Bins are even in the square root of light: every code of 8 bits has one of its own. */
enum { BINS = 4096, SLICES = 8, SPAN = 512, ENOUGH = 1 << 20, FEW = 4096 };

static const float luminance[3] = {0.2126729f, 0.7151522f, 0.0721750f};
static const double percentile_low = 0.40, percentile_high = 0.80;

/* Whole numbers, so that the sums do not depend on who adds first. */
struct bin {
    uint64_t count, sum; /* weights; weights times light in steps of 2^-20 */
};

static inline unsigned bin_of(float light)
{
    float at = sqrtf(light < 0.0f ? 0.0f : light > 1.0f ? 1.0f : light);
    return (unsigned)(at * (BINS - 1) + 0.5f);
}

/* ---- cover ---- */

MULTIVERSION
static void cover_divide(const float *restrict alpha, float *restrict cover, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float share = cover[i] / (alpha[i] > 1e-6f ? alpha[i] : 1e-6f);
        share = share < 1.0f ? share : 1.0f;
        cover[i] = alpha[i] > 0.0f ? share : 0.0f;
    }
}

void recolor_cover_row(const struct image *mask, uint32_t x, uint32_t y, size_t count,
                       const float *restrict alpha, float *restrict cover)
{
    if (mask == NULL) {
        for (size_t i = 0; i < count; i++)
            cover[i] = alpha[i] > 0.0f ? 1.0f : 0.0f;
        return;
    }
    size_t step = image_channels(&mask->shape);
    const uint8_t *row = image_row(mask, y);
    const uint16_t *row16 = (const uint16_t *)(const void *)row;
    if (mask->shape.depth == 16)
        for (size_t i = 0; i < count; i++)
            cover[i] = (float)row16[(x + i) * step] * (1.0f / 65535.0f);
    else
        for (size_t i = 0; i < count; i++)
            cover[i] = (float)row[(x + i) * step] * (1.0f / 255.0f);
    cover_divide(alpha, cover, count);
}

/* ---- passes over the rows that are looked at ---- */

struct body_pass {
    const struct recolor_body *body;
    const struct pixel_reader *reader;
    const struct image *mask;
    struct bin *bins; /* per slice: BINS of luminance, or 3 * BINS of the components */
    bool all;         /* weight by mask and alpha; otherwise only what is wholly inside */
    unsigned low, high;
};

static void pass_rows(const struct body_pass *pass, size_t slice, uint32_t *first, uint32_t *end)
{
    *first = (uint32_t)((uint64_t)pass->body->rows * slice / SLICES);
    *end = (uint32_t)((uint64_t)pass->body->rows * (slice + 1) / SLICES);
}

static inline uint8_t weight_of(float cover, float alpha, bool all)
{
    if (!all)
        return cover > 0.998f && alpha > 0.998f;
    float weight = ceilf(cover * alpha * 255.0f);
    return (uint8_t)weight;
}

/* Sets the weights of a slice and counts luminance. */
static void pass_weigh(void *context, size_t slice)
{
    const struct body_pass *pass = context;
    const struct recolor_body *body = pass->body;
    float light[3][SPAN], alpha[SPAN], cover[SPAN];
    float *const linear[3] = {light[0], light[1], light[2]};
    uint32_t first, end;
    pass_rows(pass, slice, &first, &end);
    for (uint32_t row = first; row < end; row++)
        for (uint32_t x = 0; x < body->width; x += SPAN) {
            uint32_t y = row * body->step;
            uint32_t count = body->width - x < SPAN ? body->width - x : SPAN;
            uint8_t *weight = body->weight + (size_t)row * body->width + x;
            pixel_reader_linear(pass->reader, x, y, count, linear, alpha);
            recolor_cover_row(pass->mask, x, y, count, alpha, cover);
            for (uint32_t i = 0; i < count; i++) {
                weight[i] = weight_of(cover[i], alpha[i], pass->all);
                float y_light = luminance[0] * light[0][i] + luminance[1] * light[1][i] +
                                luminance[2] * light[2][i];
                pass->bins[slice * BINS + bin_of(y_light)].count += weight[i];
            }
        }
}

/* Takes the weight of pixels whose luminance is not between LOW and HIGH. */
static void pass_narrow(void *context, size_t slice)
{
    const struct body_pass *pass = context;
    const struct recolor_body *body = pass->body;
    float light[3][SPAN];
    float *const linear[3] = {light[0], light[1], light[2]};
    uint32_t first, end;
    pass_rows(pass, slice, &first, &end);
    for (uint32_t row = first; row < end; row++)
        for (uint32_t x = 0; x < body->width; x += SPAN) {
            uint32_t count = body->width - x < SPAN ? body->width - x : SPAN;
            uint8_t *weight = body->weight + (size_t)row * body->width + x;
            pixel_reader_linear(pass->reader, x, row * body->step, count, linear, NULL);
            for (uint32_t i = 0; i < count; i++) {
                unsigned bin = bin_of(luminance[0] * light[0][i] + luminance[1] * light[1][i] +
                                      luminance[2] * light[2][i]);
                weight[i] = bin >= pass->low && bin <= pass->high ? weight[i] : 0;
            }
        }
}

static void pass_count(void *context, size_t slice)
{
    const struct body_pass *pass = context;
    const struct recolor_body *body = pass->body;
    struct bin *bins = pass->bins + slice * 3 * BINS;
    float light[3][SPAN];
    float *const linear[3] = {light[0], light[1], light[2]};
    uint32_t first, end;
    pass_rows(pass, slice, &first, &end);
    for (uint32_t row = first; row < end; row++)
        for (uint32_t x = 0; x < body->width; x += SPAN) {
            uint32_t count = body->width - x < SPAN ? body->width - x : SPAN;
            const uint8_t *weight = body->weight + (size_t)row * body->width + x;
            pixel_reader_linear(pass->reader, x, row * body->step, count, linear, NULL);
            for (unsigned c = 0; c < 3; c++)
                for (uint32_t i = 0; i < count; i++) {
                    if (weight[i] == 0)
                        continue;
                    struct bin *bin = &bins[c * BINS + bin_of(light[c][i])];
                    bin->count += weight[i];
                    bin->sum += weight[i] * (uint64_t)(light[c][i] * 1048576.0f + 0.5f);
                }
        }
}

/* Adds the other slices to the first and returns the weight in all COUNT bins. */
static uint64_t bins_merge(struct bin *bins, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t slice = 1; slice < SLICES; slice++) {
            bins[i].count += bins[slice * count + i].count;
            bins[i].sum += bins[slice * count + i].sum;
        }
        total += bins[i].count;
    }
    return total;
}

/* The bin that SHARE of TOTAL do not exceed. */
static unsigned bins_quantile(const struct bin *bins, uint64_t total, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)(total - 1)), seen = 0;
    unsigned at = 0;
    while (at < BINS - 1 && (seen += bins[at].count) <= wanted)
        at++;
    return at;
}

/* ---- the body ---- */

/* Looks at every STEPth row. TOTAL becomes the weight that was found. */
static bool body_look(struct recolor_body *body, struct body_pass *pass, uint32_t step, bool all,
                      uint64_t *total, struct error *error)
{
    const struct image *image = pass->reader->image;
    recolor_body_free(body);
    body->step = step;
    body->rows = (image->shape.height - 1) / step + 1;
    body->weight = memory_array(body->rows, body->width, error);
    if (body->weight == NULL)
        return false;
    pass->all = all;
    memset(pass->bins, 0, sizeof *pass->bins * SLICES * BINS);
    threads_for(body->threads, SLICES, pass_weigh, pass);
    *total = bins_merge(pass->bins, BINS);
    body->pixels = all ? 0.0 : (double)*total * step;
    return true;
}

bool recolor_body_find(struct recolor_body *body, const struct pixel_reader *reader,
                       const struct image *mask, unsigned threads, struct error *error)
{
    const struct image *image = reader->image;
    uint64_t total = 0, pixels = (uint64_t)image->shape.width * image->shape.height;
    uint32_t step = (uint32_t)(1 + pixels / ENOUGH);
    bool good = false;
    *body = (struct recolor_body){.width = image->shape.width, .threads = threads};
    struct body_pass pass = {.body = body, .reader = reader, .mask = mask};
    pass.bins = memory_zeroed(SLICES * BINS, sizeof *pass.bins, error);
    if (pass.bins == NULL || !body_look(body, &pass, step, false, &total, error))
        goto out;
    if (total < FEW && step > 1 && !body_look(body, &pass, 1, false, &total, error))
        goto out;
    if (total == 0 && !body_look(body, &pass, 1, true, &total, error))
        goto out;
    if (total == 0) {
        error_set(error, ERROR_UNSUPPORTED, "no pixel to recolour: %s",
                  mask ? "mask and image have none in common" : "all are transparent");
        goto out;
    }
    pass.low = bins_quantile(pass.bins, total, percentile_low);
    pass.high = bins_quantile(pass.bins, total, percentile_high);
    body->bright_y = pow((pass.high + 0.5) / (BINS - 1), 2.0);
    threads_for(threads, SLICES, pass_narrow, &pass);
    good = true;
out:
    free(pass.bins);
    if (!good)
        recolor_body_free(body);
    return good;
}

void recolor_body_free(struct recolor_body *body)
{
    free(body->weight);
    body->weight = NULL;
}

bool recolor_body_median(const struct recolor_body *body, const struct pixel_reader *reader,
                         double linear[3], struct error *error)
{
    struct body_pass pass = {.body = body, .reader = reader};
    pass.bins = memory_zeroed((size_t)SLICES * 3 * BINS, sizeof *pass.bins, error);
    if (pass.bins == NULL)
        return false;
    threads_for(body->threads, SLICES, pass_count, &pass);
    uint64_t total = bins_merge(pass.bins, 3 * BINS) / 3;
    for (unsigned c = 0; c < 3; c++) {
        unsigned at = bins_quantile(pass.bins + c * BINS, total, 0.5);
        const struct bin *bin = &pass.bins[c * BINS + at];
        linear[c] = (double)bin->sum / 1048576.0 / (double)bin->count;
    }
    free(pass.bins);
    return true;
}
