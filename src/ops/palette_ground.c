/* SPDX-License-Identifier: MIT */
#include "ops/palette_ground.h"

#include <math.h>
#include <stdlib.h>

#include "base/threads.h"
#include "ops/ciede.h"
#include "ops/crop_color.h"

enum { CHUNK = 256, BAND = 16 };

#define NOISE_FACTOR 1.6 /* of what 99 % of single background pixels stay below, as imgcrop does */

struct marking {
    const struct crop_survey *survey;
    struct palette_ground *ground;
    float limit;
};

/* Marks COUNT (at most CHUNK) pixels of a row from X on, a multiple of 8. */
static void chunk_mark(const struct marking *job, uint32_t x, uint32_t y, size_t count)
{
    const struct crop_survey *survey = job->survey;
    const struct image_shape *shape = &survey->reader.image->shape;
    float planes[9][CHUNK], difference[CHUNK];
    float *const lab[3] = {planes[0], planes[1], planes[2]};
    float *const model[3] = {planes[3], planes[4], planes[5]};
    float *const code[3] = {planes[6], planes[7], planes[8]};
    uint32_t cell = survey->thumb.cell;
    const uint8_t *near = survey->near + (size_t)(y / cell) * survey->thumb.width;
    uint8_t *bits = job->ground->bits + y * job->ground->stride;
    double step = 2.0 / shape->width, x0 = step * (x + 0.5) - 1.0;
    bool any = false;
    for (size_t k = x / cell; k <= (x + count - 1) / cell; k++)
        any |= near[k];
    if (any) {
        pixel_reader_lab(&survey->reader, x, y, count, lab, NULL);
        background_lab_row(&survey->background, &survey->reader, x0, step,
                           (2.0 * y + 1.0) / shape->height - 1.0, count, code, model);
        ciede2000_row((const float *const *)model, (const float *const *)lab, difference, count);
    }
    for (size_t i = 0; i < count; i++) {
        bool content = any && near[(x + i) / cell] && difference[i] > job->limit;
        bits[(x + i) / 8] |= (uint8_t)(!content << ((x + i) % 8));
    }
}

static void marking_run(void *context, size_t band)
{
    const struct marking *job = context;
    const struct image_shape *shape = &job->survey->reader.image->shape;
    uint32_t first = (uint32_t)band * BAND;
    for (uint32_t y = first; y < first + BAND && y < shape->height; y++)
        for (uint32_t x = 0; x < shape->width; x += CHUNK)
            chunk_mark(job, x, y, shape->width - x < CHUNK ? shape->width - x : CHUNK);
}

static bool ground_mark(struct palette_ground *ground, const struct crop_survey *survey,
                        unsigned threads, struct error *error)
{
    const struct image_shape *shape = &survey->reader.image->shape;
    ground->stride = (shape->width + 7) / 8;
    ground->bits = memory_zeroed(shape->height, ground->stride, error);
    if (ground->bits == NULL)
        return false;
    struct marking job = {
        .survey = survey, .ground = ground,
        .limit = (float)fmax(survey->tolerance, NOISE_FACTOR * survey->pixel_noise)};
    threads_for(threads, (shape->height + BAND - 1) / BAND, marking_run, &job);
    return true;
}

bool palette_ground_find(struct palette_ground *ground, const struct image *image, bool lossy,
                         unsigned threads, struct error *error)
{
    struct crop_survey survey;
    struct crop_doubts doubts = {.ring = 0};
    struct crop_options options;
    *ground = (struct palette_ground){.confidence = 1};
    if (image_is_transparent(image))
        return true;
    crop_options_init(&options);
    options.lossy = lossy;
    options.threads = threads;
    bool done = crop_survey_open(&survey, image, &options, error) &&
                crop_pixel_noise(&survey, error) && crop_survey_judge(&survey, &doubts, error);
    if (done) {
        ground->confidence =
            survey.content_cells == 0 ? doubts.ring * doubts.calm : crop_confidence(&doubts);
        if (ground->confidence >= CROP_SURE)
            done = ground_mark(ground, &survey, threads, error);
    }
    crop_survey_close(&survey);
    return done;
}

void palette_ground_free(struct palette_ground *ground)
{
    free(ground->bits);
    *ground = (struct palette_ground){.bits = NULL};
}
