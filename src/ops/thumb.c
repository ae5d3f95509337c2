/* SPDX-License-Identifier: MIT */
#include "ops/thumb.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"
#include "color/icc.h"
#include "color/lab.h"

/* Pixels converted at a time, so that the steps between stay in the cache. */
enum { CHUNK = 256, SHORTEST_CELLS = 48, MOST_PLANES = 7 };

bool pixel_reader_open(struct pixel_reader *reader, const struct image *image, bool weighted,
                       struct error *error)
{
    *reader = (struct pixel_reader){.image = image, .weighted = weighted && image->shape.alpha};
    if (image->shape.color == IMAGE_CMYK)
        return error_set(error, ERROR_INTERNAL, "colour reader got a CMYK image");
    for (int i = 0; i <= PIXEL_DECODE_STEPS; i++)
        reader->decode[i] = (float)srgb_decode((double)i / PIXEL_DECODE_STEPS);
    for (int i = 0; i < 256; i++)
        reader->decode_byte[i] = (float)srgb_decode(i / 255.0);
    const struct blob *icc = &image->metadata.icc;
    enum icc_space space = image->shape.color == IMAGE_GREY ? ICC_GREY : ICC_RGB;
    if (icc->size == 0 || icc_is_srgb(icc))
        return true;
    /* A profile that cannot be used is no reason to stop: colours only steer a decision here. */
    if (!icc_transform_new(&reader->transform, icc, space, 16, false, NULL))
        reader->transform = NULL;
    return true;
}

void pixel_reader_close(struct pixel_reader *reader)
{
    if (reader->transform)
        icc_transform_free(reader->transform);
    reader->transform = NULL;
}

/* Light of a sample given in steps of the table. */
static inline float decode_sample(const float *table, float at)
{
    unsigned step = (unsigned)at;
    step = step < PIXEL_DECODE_STEPS ? step : PIXEL_DECODE_STEPS - 1;
    float below = table[step];
    return below + (table[step + 1] - below) * (at - (float)step);
}

/* COUNT (at most CHUNK) pixels of interleaved 16-bit samples, 1 or 3 each, to Lab. */
static void codes_to_lab(const struct pixel_reader *reader, const uint16_t *codes, size_t count,
                         float *const lab[3])
{
    uint16_t srgb[3 * CHUNK];
    float linear[3][CHUNK];
    size_t step = reader->image->shape.color == IMAGE_GREY ? 1 : 3;
    if (reader->transform) {
        icc_transform_pixels(reader->transform, codes, srgb, count);
        codes = srgb;
        step = 3;
    }
    size_t next = step == 3 ? 1 : 0;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            linear[c][i] = decode_sample(reader->decode, (float)codes[i * step + c * next] *
                                                             (PIXEL_DECODE_STEPS / 65535.0f));
    lab_row_from_linear(linear[0], linear[1], linear[2], lab[0], lab[1], lab[2], count);
}

/* COUNT samples, STEP apart from the FIRST on, widened to 16 bits. */
static void samples_widen(const struct image *image, const uint8_t *row, size_t first, size_t step,
                          size_t count, uint16_t *wide, size_t wide_step)
{
    const uint16_t *row16 = (const uint16_t *)(const void *)row;
    if (image->shape.depth == 16)
        for (size_t i = 0; i < count; i++)
            wide[i * wide_step] = row16[first + i * step];
    else
        for (size_t i = 0; i < count; i++)
            wide[i * wide_step] = (uint16_t)(row[first + i * step] * 257u);
}

/* COUNT (at most CHUNK) 8-bit pixels of an sRGB image. */
static void bytes_to_lab(const struct pixel_reader *reader, const uint8_t *bytes, size_t channels,
                         size_t count, float *const lab[3])
{
    float linear[3][CHUNK];
    size_t next = reader->image->shape.color == IMAGE_GREY ? 0 : 1;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            linear[c][i] = reader->decode_byte[bytes[i * channels + c * next]];
    lab_row_from_linear(linear[0], linear[1], linear[2], lab[0], lab[1], lab[2], count);
}

void pixel_reader_lab(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                      float *const lab[3], float *alpha)
{
    const struct image *image = reader->image;
    size_t channels = image_channels(&image->shape), colors = channels - image->shape.alpha;
    uint16_t codes[3 * CHUNK], opaque[CHUNK];
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t part = count - done < CHUNK ? count - done : CHUNK;
        const uint8_t *row = image_row(image, y);
        size_t first = (x + done) * channels;
        float *const to[3] = {lab[0] + done, lab[1] + done, lab[2] + done};
        if (image->shape.depth == 8 && !reader->transform) {
            bytes_to_lab(reader, row + first, channels, part, to);
        } else {
            for (size_t c = 0; c < colors; c++)
                samples_widen(image, row, first + c, channels, part, codes + c, colors);
            codes_to_lab(reader, codes, part, to);
        }
        if (!alpha)
            continue;
        if (reader->weighted)
            samples_widen(image, row, first + colors, channels, part, opaque, 1);
        for (size_t i = 0; i < part; i++)
            alpha[done + i] = reader->weighted ? (float)opaque[i] * (1.0f / 65535.0f) : 1.0f;
    }
}

/* ---- averaging ---- */

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

/* At most CHUNK pixels of planar samples. */
static void planes_to_lab(const struct pixel_reader *reader, const float *const code[3],
                          size_t count, float *const lab[3])
{
    size_t colors = reader->image->shape.color == IMAGE_GREY ? 1 : 3;
    if (reader->transform) {
        uint16_t codes[3 * CHUNK];
        for (size_t c = 0; c < colors; c++)
            for (size_t i = 0; i < count; i++)
                codes[i * colors + c] = (uint16_t)(code[c][i] * 65535.0f + 0.5f);
        codes_to_lab(reader, codes, count, lab);
        return;
    }
    float linear[3][CHUNK];
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < count; i++)
            linear[c][i] = decode_sample(reader->decode,
                                         code[c < colors ? c : 0][i] * PIXEL_DECODE_STEPS);
    lab_row_from_linear(linear[0], linear[1], linear[2], lab[0], lab[1], lab[2], count);
}

void pixel_reader_codes(const struct pixel_reader *reader, const float *const code[3], size_t count,
                        float *const lab[3])
{
    bool grey = reader->image->shape.color == IMAGE_GREY;
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t part = count - done < CHUNK ? count - done : CHUNK;
        const float *const from[3] = {code[0] + done, grey ? NULL : code[1] + done,
                                      grey ? NULL : code[2] + done};
        float *const to[3] = {lab[0] + done, lab[1] + done, lab[2] + done};
        planes_to_lab(reader, from, part, to);
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
