/* SPDX-License-Identifier: MIT */
#include "ops/crop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/lab.h"
#include "ops/crop_color.h"

void crop_options_init(struct crop_options *options)
{
    *options = (struct crop_options){
        .min_padding = 20,
        .max_crop = 0.8,
        .alpha_threshold = 10,
        .background = CROP_AUTO,
        .tolerance = -1.0,
        .min_area = 0.0002,
        .sides = CROP_ALL_SIDES,
        .threads = 1,
    };
    for (int i = 0; i < 4; i++)
        options->padding[i] = (struct crop_length){0.05, true};
}

static uint8_t byte_of(double value)
{
    return (uint8_t)(fmin(fmax(value, 0.0), 1.0) * 255.0 + 0.5);
}

static void result_set_background(struct crop_result *result, const struct background *background)
{
    double linear[3];
    lab_to_linear(background->lab, linear);
    for (int c = 0; c < 3; c++)
        result->color[c] = byte_of(srgb_encode(linear[c]));
    result->background = *background;
    result->model = background->gradient ? CROP_MODEL_GRADIENT : CROP_MODEL_UNIFORM;
}

static bool find_by_color(const struct image *image, const struct crop_options *options,
                          struct crop_result *result, struct error *error)
{
    struct crop_survey survey;
    struct crop_doubts doubts = {.ring = 0};
    bool done = crop_survey_open(&survey, image, options, error);
    if (done) {
        result_set_background(result, &survey.background);
        result->tolerance = survey.tolerance;
        result->blank = survey.content_cells == 0;
        done = crop_pixel_noise(&survey, error) && crop_survey_judge(&survey, &doubts, error);
    }
    /* Where there is no content, only the background itself can be doubted. */
    result->confidence = result->blank ? doubts.ring * doubts.calm : crop_confidence(&doubts);
    if (done && !result->blank) {
        crop_survey_box(&survey, &result->content);
        if (result->confidence >= CROP_SURE)
            done = crop_edges(&survey, &result->content, error);
    }
    crop_survey_close(&survey);
    return done;
}

static bool find_by_alpha(const struct image *image, const struct crop_options *options,
                          struct crop_result *result, struct error *error)
{
    double area = (double)image->shape.width * image->shape.height;
    result->model = CROP_MODEL_ALPHA;
    result->confidence = 1.0;
    if (!crop_alpha_content(image, options->alpha_threshold,
                            (uint64_t)(options->min_area * area + 0.5), &result->content, error))
        return false;
    result->blank = result->content.width == 0;
    return true;
}

static bool find_content(const struct image *image, const struct crop_options *options,
                         struct crop_result *result, struct error *error)
{
    bool by_alpha = options->background == CROP_ALPHA ||
                    (options->background == CROP_AUTO && image_is_transparent(image));
    return by_alpha ? find_by_alpha(image, options, result, error)
                    : find_by_color(image, options, result, error);
}

static bool box_is_inside(const struct crop_box *box, const struct image_shape *shape)
{
    return box->x >= 0 && box->y >= 0 && box->width > 0 && box->height > 0 &&
           box->width <= shape->width && box->height <= shape->height &&
           box->x <= shape->width - box->width && box->y <= shape->height - box->height;
}

/* An explicit box needs a model of the background only for what lies outside of the image. */
static bool find_explicit(const struct image *image, const struct crop_options *options,
                          struct crop_result *result, struct error *error)
{
    const struct crop_box *box = &options->box;
    if (!box_is_inside(box, &image->shape)) {
        if (!options->extend || box->width < 1 || box->height < 1)
            return error_set(error, ERROR_USAGE,
                             "box %jdx%jd%+jd%+jd is not inside of the image, %ux%u",
                             (intmax_t)box->width, (intmax_t)box->height, (intmax_t)box->x,
                             (intmax_t)box->y, image->shape.width, image->shape.height);
        if (!find_content(image, options, result, error))
            return false;
    }
    result->content = result->box = *box;
    result->confidence = 1.0;
    result->blank = false;
    return true;
}

bool crop_find(const struct image *image, const struct crop_options *options,
               struct crop_result *result, struct error *error)
{
    uint32_t width = image->shape.width, height = image->shape.height;
    *result = (struct crop_result){.box = {0, 0, width, height}};
    if (options->has_box) {
        if (!find_explicit(image, options, result, error))
            return false;
    } else if (!find_content(image, options, result, error)) {
        return false;
    }
    result->sure = result->confidence >= CROP_SURE;
    if (!options->has_box && result->sure && !result->blank)
        crop_place(options, width, height, &result->content, &result->box);
    const struct crop_box *box = &result->box;
    result->cropped = box->x != 0 || box->y != 0 || box->width != width || box->height != height;
    return true;
}

/* ---- cutting out ---- */

/* Fills COUNT pixels of a row with the background at X (may lie outside of the image), Y: there it
 * goes on as it is at the nearest border. */
static void fill_row(const struct image *image, const struct crop_result *result, int64_t x,
                     int64_t y, size_t count, uint8_t *to)
{
    const struct image_shape *shape = &image->shape;
    size_t channels = image_channels(shape), colors = channels - shape->alpha;
    float scale = shape->depth == 16 ? 65535.0f : 255.0f, sample[4] = {0, 0, 0, 1};
    float *const code[3] = {&sample[0], &sample[1], &sample[2]};
    double v = fmin(fmax((2.0 * (double)y + 1.0) / shape->height - 1.0, -1.0), 1.0);
    uint16_t *wide = (uint16_t *)(void *)to;
    for (size_t i = 0; i < count; i++) {
        double u = (2.0 * (double)(x + (int64_t)i) + 1.0) / shape->width - 1.0;
        background_row(&result->background, fmin(fmax(u, -1.0), 1.0), 0, v, 1, code);
        for (size_t c = 0; c < channels; c++) {
            float value = sample[c < colors ? c : 3] * scale + 0.5f;
            if (shape->depth == 16)
                wide[i * channels + c] = (uint16_t)value;
            else
                to[i * channels + c] = (uint8_t)value;
        }
    }
}

/* One row of the box: what lies in the image is copied, the rest filled. */
static void apply_row(const struct image *image, const struct crop_result *result, int64_t y,
                      uint8_t *row)
{
    const struct crop_box *box = &result->box;
    int64_t width = image->shape.width, end = box->x + box->width;
    bool outside = y < 0 || y >= image->shape.height || box->x >= width || end <= 0;
    int64_t before = outside ? box->width : box->x < 0 ? -box->x : 0;
    int64_t inside = outside ? 0 : (end < width ? end : width) - (box->x + before);
    size_t pixel = image_pixel_bytes(&image->shape);
    if (inside > 0)
        memcpy(row + (size_t)before * pixel,
               image_row(image, (uint32_t)y) + (size_t)(box->x + before) * pixel,
               (size_t)inside * pixel);
    if (result->model != CROP_MODEL_UNIFORM && result->model != CROP_MODEL_GRADIENT)
        return; /* the new image is transparent */
    int64_t behind = before + inside;
    fill_row(image, result, box->x, y, (size_t)before, row);
    fill_row(image, result, box->x + behind, y, (size_t)(box->width - behind),
             row + (size_t)behind * pixel);
}

bool crop_apply(const struct image *image, const struct crop_result *result, struct image *cropped,
                struct error *error)
{
    const struct crop_box *box = &result->box;
    struct image_shape shape = image->shape;
    if (box->width < 1 || box->height < 1 || box->width > INT32_MAX || box->height > INT32_MAX)
        return error_set(error, ERROR_LIMIT, "the box is %jdx%jd pixels", (intmax_t)box->width,
                         (intmax_t)box->height);
    shape.width = (uint32_t)box->width;
    shape.height = (uint32_t)box->height;
    if (!image_new(cropped, &shape, error))
        return false;
    if (!image_metadata_copy(&cropped->metadata, &image->metadata, error)) {
        image_free(cropped);
        return false;
    }
    for (uint32_t y = 0; y < shape.height; y++)
        apply_row(image, result, box->y + y, image_row(cropped, y));
    return true;
}
