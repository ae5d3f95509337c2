/* SPDX-License-Identifier: MIT */
#include "ops/recolor.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "color/lab.h"
#include "ops/gamut.h"
#include "ops/pixel_writer.h"
#include "ops/recolor_body.h"
#include "ops/recolor_shade.h"
#include "ops/recolor_split.h"

enum {
    REACH = 3, /* pixels of the body that say what a partly covered one is covered with */
    LINES = 2 * REACH + 1,
    BAND = 64, /* rows that one thread does at a time */
    PLANES = 9
};

/* Beyond this a step of the source's 8 bits becomes some six of the result's. */
static const double gain_most = 40.0;

/* One row on its way: the columns from FIRST to END have something of the body. */
struct line {
    float *linear[3], *alpha, *cover, *cap;
    struct recolor_parts parts;
    uint32_t first, end;
};

struct recoloring {
    struct image *image;
    const struct image *mask;
    struct pixel_reader *reader;
    struct pixel_writer *writer;
    struct recolor_split split;
    struct recolor_shade shade;
    float to[3];
    unsigned threads;
    size_t bands;
    struct line *borders; /* with a mask: per band REACH rows above and REACH below, as they were */
    float *border_memory;
    atomic_bool failed;
    atomic_size_t changed, clipped; /* pixels */
};

/* ---- rows ---- */

static struct recolor_parts parts_from(const struct recolor_parts *parts, uint32_t x)
{
    return (struct recolor_parts){parts->m_b + x, parts->m_s + x, parts->trust + x};
}

/* What the columns hold outside of FIRST to END does not matter, but for the cover. */
static void line_load(const struct recoloring *recoloring, struct line *line, uint32_t y)
{
    const uint32_t width = recoloring->image->shape.width;
    pixel_reader_linear(recoloring->reader, 0, y, width, line->linear, line->alpha);
    recolor_cover_row(recoloring->mask, 0, y, width, line->alpha, line->cover);
    line->first = 0;
    line->end = width;
    while (line->end > 0 && !(line->cover[line->end - 1] > 0.0f))
        line->end--;
    while (line->first < line->end && !(line->cover[line->first] > 0.0f))
        line->first++;
    uint32_t x = line->first, count = line->end - x;
    if (count == 0)
        return;
    if (!recoloring->split.chromatic)
        recolor_shade_row(&recoloring->shade, x, y, count, line->cap + x);
    const float *const linear[3] = {line->linear[0] + x, line->linear[1] + x, line->linear[2] + x};
    const struct recolor_parts parts = parts_from(&line->parts, x);
    recolor_split_row(&recoloring->split, linear, line->cap + x, &parts, count);
}

/* Mean m_b of the pixels near X that are wholly body, the nearer the more; negative where there is
 * none. LINES holds NULL where the image ends. */
static float line_near(struct line *const lines[LINES], int64_t x, int64_t width)
{
    float sum = 0.0f, total = 0.0f;
    for (int64_t v = -REACH; v <= REACH; v++) {
        const struct line *line = lines[v + REACH];
        for (int64_t u = -REACH; line && u <= REACH; u++) {
            if (x + u < 0 || x + u >= width || line->cover[x + u] < 1.0f)
                continue;
            float weight = 1.0f / (float)(2 * (u * u + v * v) + 1);
            sum += weight * line->parts.m_b[x + u];
            total += weight;
        }
    }
    return total > 0.0f ? sum / total : -1.0f;
}

/* A partly covered pixel mixes the body with something else, whose light the split took for body as
 * well (where it is neutral, only if the body is, too). So it has no more of the body than its
 * neighbours say, times the cover; and no more than there is. */
static void line_mix(struct line *const lines[LINES], uint32_t width, float *restrict m_b)
{
    const struct line *line = lines[REACH];
    for (uint32_t x = line->first; x < line->end; x++) {
        float cover = line->cover[x];
        m_b[x] = line->parts.m_b[x];
        if (cover >= 1.0f)
            continue;
        line->parts.trust[x] = 0.0f;
        float near = line_near(lines, x, width);
        near = cover * (near < 0.0f ? m_b[x] : near);
        m_b[x] = near < m_b[x] ? near : m_b[x];
    }
}

/* What is brighter than the picture can hold is cut as a sensor cuts it, component by component, so
 * that highlights burn out to white. Returns how many pixels are outside of the gamut, by more than
 * half a step of 8 bits. */
static size_t line_expose(float *const run[3], size_t count)
{
    const float low = -0.5f / 255 / 12.92f, high = 1.0044664f;
    size_t outside = 0;
    for (size_t i = 0; i < count; i++) {
        bool inside = true;
        for (int c = 0; c < 3; c++) {
            float value = run[c][i];
            inside = inside && value >= low && value <= high;
            run[c][i] = value < 1.0f ? value : 1.0f;
        }
        outside += !inside;
    }
    return outside;
}

/* Recolours the row with this much of the body and writes it, pixels without cover left out to the
 * byte. */
static void line_store(struct recoloring *recoloring, const struct line *line, float *m_b,
                       uint32_t y)
{
    uint32_t x = line->first;
    size_t changed = 0, clipped = 0;
    float *const linear[3] = {line->linear[0] + x, line->linear[1] + x, line->linear[2] + x};
    const struct recolor_parts parts = {m_b + x, line->parts.m_s + x, line->parts.trust + x};
    recolor_join_row(&recoloring->split, recoloring->to, &parts, linear, line->end - x);
    while (x < line->end) {
        uint32_t end = x;
        while (end < line->end && line->cover[end] > 0.0f)
            end++;
        size_t count = end - x;
        float *const run[3] = {line->linear[0] + x, line->linear[1] + x, line->linear[2] + x};
        const float *const done[3] = {run[0], run[1], run[2]};
        clipped += line_expose(run, count);
        gamut_fit_row(run[0], run[1], run[2], count);
        pixel_writer_linear(recoloring->writer, x, y, count, done);
        changed += count;
        for (x = end; x < line->end && !(line->cover[x] > 0.0f);)
            x++;
    }
    atomic_fetch_add(&recoloring->changed, changed);
    atomic_fetch_add(&recoloring->clipped, clipped);
}

/* ---- bands of rows ---- */

static void line_place(struct line *line, float *memory, size_t width)
{
    float **const planes[PLANES] = {&line->linear[0], &line->linear[1],  &line->linear[2],
                                    &line->alpha,     &line->cover,      &line->cap,
                                    &line->parts.m_b, &line->parts.m_s,  &line->parts.trust};
    for (size_t i = 0; i < PLANES; i++)
        *planes[i] = memory + i * width;
}

/* The border of BAND that holds row Y, or NULL. */
static struct line *band_border(const struct recoloring *recoloring, size_t band, int64_t y)
{
    int64_t first = (int64_t)band * BAND;
    if (recoloring->borders == NULL || y < 0 || y >= recoloring->image->shape.height)
        return NULL;
    int64_t at = y < first ? y - (first - REACH) : y - (first + BAND) + REACH;
    return &recoloring->borders[band * 2 * REACH + (size_t)at];
}

/* Loads what the rows of one band see of the next ones, before anything is written. */
static void band_look(void *context, size_t band)
{
    struct recoloring *recoloring = context;
    const size_t width = recoloring->image->shape.width;
    float *memory = memory_array(width, PLANES * sizeof *memory, NULL);
    if (memory == NULL) {
        atomic_store(&recoloring->failed, true);
        return;
    }
    struct line line;
    line_place(&line, memory, width);
    for (int64_t i = 0; i < 2 * REACH; i++) {
        int64_t y = (int64_t)band * BAND + (i < REACH ? i - REACH : BAND + i - REACH);
        struct line *border = band_border(recoloring, band, y);
        if (border == NULL)
            continue;
        line_load(recoloring, &line, (uint32_t)y);
        border->cover = recoloring->border_memory + (band * 2 * REACH + (size_t)i) * 2 * width;
        border->parts.m_b = border->cover + width;
        memcpy(border->cover, line.cover, width * sizeof *line.cover);
        memcpy(border->parts.m_b, line.parts.m_b, width * sizeof *line.parts.m_b);
    }
    free(memory);
}

/* Line Y of a band whose rows go round in RING, loaded if it is a new one. */
static struct line *band_line(struct recoloring *recoloring, size_t band, struct line *ring,
                              int64_t y, bool load)
{
    int64_t first = (int64_t)band * BAND, height = recoloring->image->shape.height;
    int64_t end = first + BAND < height ? first + BAND : height;
    if (y < first || y >= end)
        return band_border(recoloring, band, y);
    struct line *line = &ring[y % LINES];
    if (load)
        line_load(recoloring, line, (uint32_t)y);
    return line;
}

static void band_recolor(void *context, size_t band)
{
    struct recoloring *recoloring = context;
    const uint32_t width = recoloring->image->shape.width;
    const int64_t first = (int64_t)band * BAND, height = recoloring->image->shape.height;
    const int64_t reach = recoloring->mask ? REACH : 0;
    float *memory = memory_array(width, (LINES * PLANES + 1) * sizeof *memory, NULL);
    if (memory == NULL) {
        atomic_store(&recoloring->failed, true);
        return;
    }
    struct line ring[LINES], *near[LINES];
    float *mixed = memory + (size_t)LINES * PLANES * width;
    for (size_t i = 0; i < LINES; i++)
        line_place(&ring[i], memory + i * PLANES * width, width);
    for (int64_t y = first; y < first + reach; y++)
        band_line(recoloring, band, ring, y, true);
    for (int64_t y = first; y < first + BAND && y < height; y++) {
        band_line(recoloring, band, ring, y + reach, true);
        for (int64_t v = -reach; v <= reach; v++)
            near[v + REACH] = band_line(recoloring, band, ring, y + v, false);
        if (recoloring->mask)
            line_mix(near, width, mixed);
        if (near[REACH]->end > 0)
            line_store(recoloring, near[REACH], recoloring->mask ? mixed : near[REACH]->parts.m_b,
                       (uint32_t)y);
    }
    free(memory);
}

/* ---- the whole ---- */

/* The body's colour: given, or the median found. No component is below a step of 8 bits. */
static void body_choose(const double *given, const double found[3], double body[3])
{
    double step = srgb_decode(1.0 / 255.0);
    memcpy(body, found, 3 * sizeof *body);
    if (given)
        lab_to_linear(given, body);
    for (int c = 0; c < 3; c++)
        body[c] = fmax(body[c], 0.0);
    if (body[0] + body[1] + body[2] < 3.0 * step)
        body[0] = body[1] = body[2] = step;
}

/* The colour that takes the place of BODY; part of the way to the target where the strength says
 * so, along a line in Lab, and no more than so much brighter. */
static void target_choose(const struct recolor_options *options, const double body[3],
                          double target_lab[3], float to[3], struct recolor_result *result)
{
    double target[3], lab[3], before = 0.0, after = 0.0;
    for (int c = 0; c < 3; c++)
        target[c] = srgb_decode(options->to[c]);
    lab_from_linear(target, target_lab);
    for (int c = 0; c < 3; c++)
        lab[c] = result->from[c] + options->strength * (target_lab[c] - result->from[c]);
    if (options->strength < 1.0)
        lab_to_linear(lab, target);
    for (int c = 0; c < 3; c++) {
        before += body[c] * body[c];
        after += target[c] * target[c];
    }
    double gain = sqrt(after / before), scale = 1.0;
    if (gain > gain_most) {
        scale = gain_most / gain;
        result->limited = true;
    }
    result->gain = gain * scale;
    for (int c = 0; c < 3; c++)
        to[c] = (float)(target[c] * scale);
}

static bool recoloring_run(struct recoloring *recoloring, const struct recolor_body *body,
                           struct error *error)
{
    const struct image_shape *shape = &recoloring->image->shape;
    size_t borders = 2 * REACH * recoloring->bands;
    if (!recoloring->split.chromatic &&
        !recolor_shade_new(&recoloring->shade, recoloring->reader, recoloring->mask,
                           recoloring->split.light_y, body, error))
        return false;
    if (recoloring->mask) {
        recoloring->borders = memory_zeroed(borders, sizeof *recoloring->borders, error);
        recoloring->border_memory =
            memory_array(borders * 2 * sizeof(float), shape->width, error);
        if (recoloring->borders == NULL || recoloring->border_memory == NULL)
            return false;
        threads_for(recoloring->threads, recoloring->bands, band_look, recoloring);
    }
    if (!atomic_load(&recoloring->failed))
        threads_for(recoloring->threads, recoloring->bands, band_recolor, recoloring);
    if (atomic_load(&recoloring->failed))
        return error_set(error, ERROR_NO_MEMORY, "out of memory for rows of %u pixels",
                         shape->width);
    return true;
}

static void recoloring_free(struct recoloring *recoloring)
{
    recolor_shade_free(&recoloring->shade);
    pixel_writer_free(recoloring->writer);
    free(recoloring->borders);
    free(recoloring->border_memory);
}

static bool recolor_with(const struct recolor_body *body, struct pixel_reader *reader,
                         struct image *image, const struct recolor_options *options,
                         struct recolor_result *result, struct error *error)
{
    double median[3], light[3], target_lab[3];
    struct recoloring recoloring = {.image = image, .mask = options->mask, .reader = reader,
                                    .threads = options->threads,
                                    .bands = (image->shape.height - 1) / BAND + 1};
    if (!recolor_body_median(body, reader, median, error))
        return false;
    body_choose(options->from, median, light);
    lab_from_linear(light, result->from);
    recolor_split_init(&recoloring.split, light);
    result->chromatic = recoloring.split.chromatic;
    target_choose(options, light, target_lab, recoloring.to, result);
    bool good = options->strength <= 0.0 ||
                (pixel_writer_new(&recoloring.writer, image, error) &&
                 recoloring_run(&recoloring, body, error));
    recoloring_free(&recoloring);
    if (!good || !recolor_body_median(body, reader, median, error))
        return false;
    size_t changed = atomic_load(&recoloring.changed), clipped = atomic_load(&recoloring.clipped);
    result->clipped = changed > 0 ? (double)clipped / (double)changed : 0.0;
    lab_from_linear(median, result->body);
    result->achieved_de = lab_ciede2000(result->body, target_lab);
    return true;
}

bool recolor(struct image *image, const struct recolor_options *options,
             struct recolor_result *result, struct error *error)
{
    struct pixel_reader reader;
    struct recolor_body body;
    *result = (struct recolor_result){0};
    if (!pixel_reader_open(&reader, image, true, error))
        return false;
    bool good = recolor_body_find(&body, &reader, options->mask, options->threads, error);
    if (good) {
        good = recolor_with(&body, &reader, image, options, result, error);
        recolor_body_free(&body);
    }
    pixel_reader_close(&reader);
    return good;
}
