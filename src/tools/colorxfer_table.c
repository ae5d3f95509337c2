/* SPDX-License-Identifier: MIT */
/* colorxfer --save-lut and --lut: functions of colours as files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sink.h"
#include "base/source.h"
#include "color/lab.h"
#include "color/srgb.h"
#include "ops/ciede.h"
#include "ops/pixels.h"
#include "tools/colorxfer.h"

/* A table that is on average this near to the function, in CIEDE2000, is good enough; otherwise it
 * is refined, and made finer. Beyond POOR_DE it is told. */
static const double good_de = 0.2, poor_de = 0.5;

enum { CHUNK = 512, COLORS_MOST = 1 << 16 };

/* Colours of the image, encoded, and what becomes of them. */
struct colors {
    float *memory, *from[3], *to[3];
    size_t count;
};

/* ---- the function as pixels go through it ---- */

/* COUNT, at most CHUNK, colours: encoded sRGB, planar, in place. */
static void change_colors(const struct xfer_change *change, float *const plane[3], size_t count)
{
    float before[3][CHUNK], strength = (float)change->strength;
    for (int c = 0; c < 3; c++) {
        memcpy(before[c], plane[c], count * sizeof *plane[c]);
        srgb_decode_row(plane[c], count);
    }
    transfer_apply_row(change->transfer, plane[0], plane[1], plane[2], count);
    xfer_fit_gamut(plane, count);
    for (int c = 0; c < 3; c++) {
        srgb_encode_row(plane[c], count);
        for (size_t i = 0; i < count; i++)
            plane[c][i] = before[c][i] + (plane[c][i] - before[c][i]) * strength;
    }
}

static void sample_change(void *context, float *r, float *g, float *b, size_t count)
{
    change_colors(context, (float *const[3]){r, g, b}, count);
}

/* ---- colours that it should be right for ---- */

/* Every STEP-th pixel of row Y that changes at all. */
static void take_row(const struct pixel_reader *reader, const struct image *mask, uint32_t y,
                     uint32_t step, struct colors *colors)
{
    float light[3][CHUNK], alpha[CHUNK];
    float *const to[3] = {light[0], light[1], light[2]};
    size_t bytes = mask != NULL ? image_pixel_bytes(&mask->shape) : 0;
    uint32_t width = reader->image->shape.width, start = 0;
    for (uint32_t x = 0; x < width; x += CHUNK) {
        uint32_t count = width - x < CHUNK ? width - x : CHUNK, i = start;
        pixel_reader_linear(reader, x, y, count, to, alpha);
        xfer_fit_gamut(to, count);
        for (; i < count && colors->count < COLORS_MOST; i += step) {
            const uint8_t *weight = mask != NULL ? image_row(mask, y) + (x + i) * bytes : NULL;
            bool masked = weight != NULL && weight[0] == 0 && weight[bytes - 1] == 0;
            if (masked || !(alpha[i] > 0))
                continue;
            for (int c = 0; c < 3; c++)
                colors->from[c][colors->count] = light[c][i];
            colors->count++;
        }
        start = i - count;
    }
}

static bool take_colors(const struct xfer_job *job, const struct xfer_change *change,
                        struct colors *colors, struct error *error)
{
    struct pixel_reader reader;
    const struct image *image = &job->image;
    uint32_t step = 1, height = image->shape.height;
    while ((uint64_t)image->shape.width * height / step / step > COLORS_MOST)
        step++;
    colors->memory = memory_array((size_t)6 * COLORS_MOST, sizeof *colors->memory, error);
    if (colors->memory == NULL || !pixel_reader_open(&reader, image, PIXEL_WEIGHTED, error))
        return false;
    for (int c = 0; c < 3; c++) {
        colors->from[c] = colors->memory + (size_t)c * COLORS_MOST;
        colors->to[c] = colors->memory + (size_t)(c + 3) * COLORS_MOST;
    }
    for (uint32_t y = step / 2; y < height; y += step)
        take_row(&reader, change->mask, y, step, colors);
    pixel_reader_close(&reader);
    for (int c = 0; c < 3; c++) {
        srgb_encode_row(colors->from[c], colors->count);
        memcpy(colors->to[c], colors->from[c], colors->count * sizeof *colors->to[c]);
    }
    for (size_t done = 0; done < colors->count; done += CHUNK) {
        size_t part = colors->count - done < CHUNK ? colors->count - done : CHUNK;
        change_colors(change,
                      (float *const[3]){colors->to[0] + done, colors->to[1] + done,
                                        colors->to[2] + done},
                      part);
    }
    return true;
}

static void lab_of(float (*plane)[CHUNK], float (*lab)[CHUNK], size_t count)
{
    for (int c = 0; c < 3; c++)
        srgb_decode_row(plane[c], count);
    lab_row_from_linear(plane[0], plane[1], plane[2], lab[0], lab[1], lab[2], count);
}

/* Mean CIEDE2000 between what the table and what the function make of the colours. */
static double table_de(const struct lut *lut, const struct colors *colors)
{
    float plane[2][3][CHUNK], lab[2][3][CHUNK], difference[CHUNK];
    double sum = 0;
    for (size_t done = 0; done < colors->count; done += CHUNK) {
        size_t part = colors->count - done < CHUNK ? colors->count - done : CHUNK;
        for (int c = 0; c < 3; c++) {
            memcpy(plane[0][c], colors->from[c] + done, part * sizeof(float));
            memcpy(plane[1][c], colors->to[c] + done, part * sizeof(float));
        }
        lut_apply_row(lut, plane[0][0], plane[0][1], plane[0][2], part);
        lab_of(plane[0], lab[0], part);
        lab_of(plane[1], lab[1], part);
        ciede2000_row((const float *const[3]){lab[0][0], lab[0][1], lab[0][2]},
                      (const float *const[3]){lab[1][0], lab[1][1], lab[1][2]}, difference, part);
        for (size_t i = 0; i < part; i++)
            sum += (double)difference[i];
    }
    return colors->count > 0 ? sum / (double)colors->count : 0;
}

/* ---- making and writing the table ---- */

static bool make_table(struct xfer_job *job, const struct xfer_change *change,
                       const struct colors *colors, struct lut *lut, struct error *error)
{
    static const unsigned sizes[] = {LUT_SIZE, LUT_SIZE_FINE};
    const float *const from[3] = {colors->from[0], colors->from[1], colors->from[2]};
    const float *const to[3] = {colors->to[0], colors->to[1], colors->to[2]};
    struct xfer_change sampled = *change;
    double de = 0;
    for (size_t i = 0; i < CLI_COUNT(sizes); i++) {
        lut_free(lut);
        if (!lut_new(lut, sizes[i], sample_change, &sampled,
                     change->threads, error))
            return false;
        de = table_de(lut, colors);
        if (de <= good_de)
            break;
        if (!lut_refine(lut, from, to, colors->count, error))
            return false;
        de = table_de(lut, colors);
        if (de <= good_de)
            break;
    }
    cli_explain(job->run, "%s: %u points along each axis, %.3f from the direct result on average",
                job->fields->save_lut, lut->size, de);
    if (de > poor_de)
        cli_warn(job->run, "%s: the table is %.1f from the direct result on average: the method "
                           "has more steps than a table", job->fields->save_lut, de);
    return true;
}

static bool write_text(const struct xfer_job *job, const struct text *text, struct error *error)
{
    struct sink sink;
    if (text->failed)
        return error_set(error, ERROR_NO_MEMORY, "out of memory for the table");
    sink_to_fd(&sink, job->table.fd);
    bool done = sink_write(&sink, text->data, text->length) && sink_flush(&sink);
    if (!done)
        error_set(error, sink.error.kind, "%s", sink.error.message);
    sink_free(&sink);
    const char *name = job->fields->save_lut;
    return done || xfer_fail_in(error, strcmp(name, "-") == 0 ? "stdout" : name);
}

bool xfer_save_table(struct xfer_job *job, const struct xfer_change *change, struct error *error)
{
    struct lut lut = {0};
    struct colors colors = {0};
    struct text text = {0};
    char title[64];
    const struct xfer_fields *fields = job->fields;
    if (fields->save_lut == NULL || fields->common.dry_run)
        return true;
    bool done = take_colors(job, change, &colors, error) &&
                make_table(job, change, &colors, &lut, error);
    free(colors.memory);
    if (done) {
        snprintf(title, sizeof title, "colorxfer %s", transfer_method_names[fields->method]);
        lut_write(&lut, title, &text);
        done = write_text(job, &text, error);
    }
    lut_free(&lut);
    text_free(&text);
    return done;
}

/* ---- applying one ---- */

static bool read_table(struct xfer_job *job, struct lut *lut, struct error *error)
{
    struct source source;
    const uint8_t *data;
    size_t size;
    const char *name = job->fields->lut;
    if (!source_open(&source, name, job->fields->common.max_input_bytes, error))
        return xfer_fail_in(error, name);
    bool done = source_check_limit(&source, error) && source_whole(&source, &data, &size, error) &&
                lut_read(lut, (const char *)data, size, error);
    source_close(&source);
    return done || xfer_fail_in(error, name);
}

bool xfer_by_table(struct xfer_job *job, struct error *error)
{
    struct lut lut = {0};
    double clipped;
    bool done = read_table(job, &lut, error) &&
                cli_input_read(job->run, &job->input, &job->image, error) &&
                xfer_prepare(job, error);
    struct xfer_change change = xfer_change_of(job);
    change.lut = &lut;
    done = done && xfer_change_image(job, &change, &clipped, error);
    lut_free(&lut);
    if (done) {
        xfer_tell(job, "method", json_string("lut"));
        xfer_tell(job, "lut", cli_json_string(job->fields->lut));
    }
    return done;
}
