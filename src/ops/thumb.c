/* SPDX-License-Identifier: MIT */
#include "ops/thumb.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"

enum { SHORTEST_CELLS = 48, MOST_PLANES = 7 };

/* Adds rows sample by sample: the bulk of the work for a large image. */
MULTIVERSION
static void row_add_8(const uint8_t *restrict row, uint32_t *restrict sums, size_t count)
{
    for (size_t i = 0; i + 64 <= count; i += 64)
        for (size_t k = 0; k < 64; k++)
            sums[i + k] += row[i + k];
    for (size_t i = count / 64 * 64; i < count; i++)
        sums[i] += row[i];
}

MULTIVERSION
static void row_add_16(const uint16_t *restrict row, uint32_t *restrict sums, size_t count)
{
    for (size_t i = 0; i + 64 <= count; i += 64)
        for (size_t k = 0; k < 64; k++)
            sums[i + k] += row[i + k];
    for (size_t i = count / 64 * 64; i < count; i++)
        sums[i] += row[i];
}

struct averaging {
    struct thumb *thumb;
    const struct pixel_reader *reader;
    uint32_t *sums; /* a row of samples for each band */
    uint32_t bands;
};

static inline uint32_t minimum(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void cells_from_sums(const struct averaging *job, const uint32_t *sums, uint32_t cell_y,
                            uint32_t rows)
{
    struct thumb *thumb = job->thumb;
    const struct image_shape *shape = &job->reader->image->shape;
    size_t channels = image_channels(shape), colors = thumb->codes;
    float top = shape->depth == 16 ? 65535.0f : 255.0f;
    for (uint32_t x = 0; x < thumb->width; x++) {
        uint32_t from = x * thumb->cell, to = minimum(from + thumb->cell, shape->width);
        float scale = 1.0f / (top * (float)(to - from) * (float)rows);
        size_t at = (size_t)cell_y * thumb->width + x;
        for (size_t c = 0; c < colors; c++) {
            uint64_t sum = 0;
            for (size_t i = from * channels + c; i < to * channels; i += channels)
                sum += sums[i];
            thumb->code[c][at] = (float)sum * scale;
        }
    }
}

/* The same where alpha weighs, straight from the pixels: rare, so simple. */
static void cells_from_pixels(const struct averaging *job, uint32_t cell_y, uint32_t y0,
                              uint32_t rows)
{
    struct thumb *thumb = job->thumb;
    const struct image *image = job->reader->image;
    size_t channels = image_channels(&image->shape), colors = thumb->codes;
    bool wide = image->shape.depth == 16;
    double top = wide ? 65535.0 : 255.0;
    for (uint32_t x = 0; x < thumb->width; x++) {
        uint32_t from = x * thumb->cell, to = minimum(from + thumb->cell, image->shape.width);
        double sum[3] = {0}, weight = 0;
        for (uint32_t y = y0; y < y0 + rows; y++)
            for (uint32_t i = from; i < to; i++) {
                const uint8_t *row = image_row(image, y);
                const uint16_t *row16 = (const uint16_t *)(const void *)row;
                size_t at = i * channels;
                double alpha = wide ? row16[at + colors] : row[at + colors];
                weight += alpha;
                for (size_t c = 0; c < colors; c++)
                    sum[c] += alpha * (wide ? row16[at + c] : row[at + c]);
            }
        size_t at = (size_t)cell_y * thumb->width + x;
        thumb->alpha[at] = (float)(weight / top / (to - from) / rows);
        for (size_t c = 0; c < colors; c++)
            thumb->code[c][at] = weight > 0 ? (float)(sum[c] / weight / top) : 0.0f;
    }
}

/* Cells FIRST to LAST, which have their codes, to Lab. */
static void cells_to_lab(const struct thumb *thumb, const struct pixel_reader *reader,
                         size_t first, size_t last)
{
    bool grey = thumb->codes == 1;
    const float *const code[3] = {thumb->code[0] + first, grey ? NULL : thumb->code[1] + first,
                                  grey ? NULL : thumb->code[2] + first};
    float *const lab[3] = {thumb->lab[0] + first, thumb->lab[1] + first, thumb->lab[2] + first};
    pixel_reader_codes(reader, code, last - first, lab);
}

static void averaging_run(void *context, size_t band)
{
    const struct averaging *job = context;
    const struct thumb *thumb = job->thumb;
    const struct image *image = job->reader->image;
    size_t count = (size_t)image->shape.width * image_channels(&image->shape);
    uint32_t *sums = job->sums + count * band;
    uint32_t first = (uint32_t)((uint64_t)thumb->height * band / job->bands);
    uint32_t last = (uint32_t)((uint64_t)thumb->height * (band + 1) / job->bands);
    for (uint32_t cell_y = first; cell_y < last; cell_y++) {
        uint32_t y0 = cell_y * thumb->cell;
        uint32_t rows = minimum(thumb->cell, image->shape.height - y0);
        if (job->reader->weighted) {
            cells_from_pixels(job, cell_y, y0, rows);
            continue;
        }
        memset(sums, 0, count * sizeof *sums);
        for (uint32_t y = y0; y < y0 + rows; y++)
            if (image->shape.depth == 16)
                row_add_16((const uint16_t *)(const void *)image_row(image, y), sums, count);
            else
                row_add_8(image_row(image, y), sums, count);
        cells_from_sums(job, sums, cell_y, rows);
    }
    cells_to_lab(thumb, job->reader, (size_t)first * thumb->width, (size_t)last * thumb->width);
}

static bool thumb_average(struct thumb *thumb, const struct pixel_reader *reader,
                          struct error *error)
{
    const struct image_shape *shape = &reader->image->shape;
    size_t row_samples = (size_t)shape->width * image_channels(shape);
    uint32_t bands = minimum(thumb->threads, thumb->height);
    struct averaging job = {.thumb = thumb, .reader = reader, .bands = bands};
    job.sums = memory_array(row_samples * bands, sizeof *job.sums, error);
    if (!job.sums)
        return false;
    threads_for(bands, bands, averaging_run, &job);
    free(job.sums);
    return true;
}

/* ---- the small copy ---- */

static uint32_t thumb_cell_size(const struct image_shape *shape, uint32_t longest)
{
    uint32_t longer = shape->width > shape->height ? shape->width : shape->height;
    uint32_t shorter = minimum(shape->width, shape->height);
    uint32_t cell = (longer + longest - 1) / longest, most = shorter / SHORTEST_CELLS;
    cell = cell > most ? most : cell;
    return cell > 0 ? cell : 1;
}

bool thumb_new(struct thumb *thumb, const struct pixel_reader *reader, uint32_t longest,
               unsigned threads, struct error *error)
{
    const struct image_shape *shape = &reader->image->shape;
    uint32_t cell = thumb_cell_size(shape, longest);
    *thumb = (struct thumb){
        .threads = threads > 0 ? threads : 1,
        .width = (shape->width + cell - 1) / cell,
        .height = (shape->height + cell - 1) / cell,
        .cell = cell,
        .image_width = shape->width,
        .image_height = shape->height,
        .codes = shape->color == IMAGE_GREY ? 1 : 3,
    };
    size_t count = (size_t)thumb->width * thumb->height, planes = 0;
    thumb->memory = memory_array(count * MOST_PLANES, sizeof *thumb->memory, error);
    if (!thumb->memory)
        return false;
    for (int c = 0; c < 3; c++)
        thumb->lab[c] = thumb->memory + count * planes++;
    for (unsigned c = 0; c < thumb->codes; c++)
        thumb->code[c] = thumb->memory + count * planes++;
    if (reader->weighted)
        thumb->alpha = thumb->memory + count * planes;
    bool done = thumb_average(thumb, reader, error);
    if (!done)
        thumb_free(thumb);
    return done;
}

void thumb_free(struct thumb *thumb)
{
    free(thumb->memory);
    *thumb = (struct thumb){0};
}

/* ---- smoothing ---- */

/* Running means of COUNT values STEP apart; past the ends the window is cut off. */
static void line_smooth(float *line, size_t step, uint32_t count, uint32_t radius, float *copy)
{
    for (uint32_t i = 0; i < count; i++)
        copy[i] = line[i * step];
    double sum = 0;
    uint32_t in = 0, out = 0; /* the window is copy[out..in) */
    for (uint32_t i = 0; i < count; i++) {
        while (in < count && in <= i + radius)
            sum += (double)copy[in++];
        while (out + radius < i)
            sum -= (double)copy[out++];
        line[i * step] = (float)(sum / (in - out));
    }
}

bool thumb_smooth(struct thumb *thumb, uint32_t radius, struct error *error)
{
    uint32_t longer = thumb->width > thumb->height ? thumb->width : thumb->height;
    float *copy = memory_array(longer, sizeof *copy, error);
    if (!copy)
        return false;
    for (int c = 0; c < 3; c++) {
        for (uint32_t y = 0; y < thumb->height; y++)
            line_smooth(thumb->lab[c] + (size_t)y * thumb->width, 1, thumb->width, radius, copy);
        for (uint32_t x = 0; x < thumb->width; x++)
            line_smooth(thumb->lab[c] + x, thumb->width, thumb->height, radius, copy);
    }
    free(copy);
    return true;
}
