/* SPDX-License-Identifier: MIT */
#include "ops/crop_color.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/icc.h"
#include "ops/components.h"
#include "ops/quantile.h"

enum { THUMB_LONGEST = 640, JUDGE_SAMPLES = 8192, OUTLINE_SAMPLES = 512, EDGE_REACH = 4 };

#define LEAST_TOLERANCE 1.2 /* below, differences of averaged cells are not seen */
#define NOISE_FACTOR 1.3    /* of the 99 % quantile: 3.4 to 4.4 sigma */
#define BLOT_FACTOR 1.2
#define CLEAR 8.0            /* CIEDE2000 past the tolerance at which a cell counts fully */
#define CALM_NOISE 1.0      /* above, the thumb is smoothed */

/* ---- finding ---- */

static bool background_start(struct crop_survey *survey, const struct crop_options *options,
                             struct error *error)
{
    if (options->background != CROP_COLOR)
        return background_fit(&survey->background, &survey->thumb, &survey->reader, error);
    const struct image *image = survey->reader.image;
    enum icc_space space = image->shape.color == IMAGE_GREY ? ICC_GREY : ICC_RGB;
    double code[3] = {0};
    if (!icc_color_from_srgb(&image->metadata.icc, space, options->background_srgb, code, NULL))
        memcpy(code, options->background_srgb, sizeof code);
    return background_from_color(&survey->background, &survey->thumb, &survey->reader,
                                 options->background_lab, code, error);
}

/* Averages more cells where the background is so noisy that little would stand out of it. */
static bool survey_calm(struct crop_survey *survey, struct error *error)
{
    static const uint32_t radii[] = {1, 2};
    struct thumb *thumb = &survey->thumb;
    if (!background_difference(&survey->background, thumb, &survey->reader, survey->difference,
                               error))
        return false;
    for (int i = 0; i < 2 && survey->background.noise > CALM_NOISE; i++) {
        if (thumb->width < 32 || thumb->height < 32)
            break;
        if (!thumb_smooth(thumb, radii[i], error) ||
            !background_difference(&survey->background, thumb, &survey->reader, survey->difference,
                               error))
            return false;
        survey->smoothed += radii[i];
    }
    return true;
}

static void survey_threshold(struct crop_survey *survey, const struct crop_options *options)
{
    size_t cells = (size_t)survey->thumb.width * survey->thumb.height;
    survey->tolerance = options->tolerance >= 0
                            ? options->tolerance
                            : fmax(LEAST_TOLERANCE, fmax(NOISE_FACTOR * survey->background.noise,
                                                        BLOT_FACTOR * survey->background.blots));
    float limit = (float)survey->tolerance;
    for (size_t i = 0; i < cells; i++)
        survey->content[i] = survey->difference[i] > limit;
}

/* NEAR becomes CONTENT grown by one cell in all eight directions. */
static void mask_grow(const uint8_t *content, uint8_t *near, uint32_t width, uint32_t height)
{
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = content + (size_t)y * width;
        const uint8_t *above = y > 0 ? row - width : row;
        const uint8_t *below = y + 1 < height ? row + width : row;
        uint8_t *to = near + (size_t)y * width;
        for (uint32_t x = 0; x < width; x++)
            to[x] = row[x] | above[x] | below[x];
        uint8_t before = 0;
        for (uint32_t x = 0; x < width; x++) {
            uint8_t here = to[x];
            to[x] = before | here | (x + 1 < width ? to[x + 1] : 0);
            before = here;
        }
    }
}

/* Fits the background again to everything that is not content. */
static bool survey_refit(struct crop_survey *survey, const struct crop_options *options,
                         struct error *error)
{
    const struct thumb *thumb = &survey->thumb;
    struct background *background = &survey->background;
    survey_threshold(survey, options);
    mask_grow(survey->content, survey->near, thumb->width, thumb->height);
    for (unsigned i = 0; i < background->tile_count; i++) {
        const struct background_tile *tile = &background->tiles[i];
        for (uint32_t y = tile->y; !tile->explained && y < tile->y + tile->height; y++)
            memset(survey->near + (size_t)y * thumb->width + tile->x, 1, tile->width);
    }
    background_refit(background, thumb, &survey->reader, survey->near);
    return background_difference(background, thumb, &survey->reader, survey->difference, error);
}

static void survey_bound(struct crop_survey *survey)
{
    uint32_t width = survey->thumb.width, height = survey->thumb.height;
    survey->left = width;
    survey->top = height;
    survey->right = survey->bottom = 0;
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = survey->content + (size_t)y * width;
        const uint8_t *first = memchr(row, 1, width);
        if (!first)
            continue;
        const uint8_t *last = memrchr(row, 1, width);
        uint32_t left = (uint32_t)(first - row), right = (uint32_t)(last - row);
        survey->left = left < survey->left ? left : survey->left;
        survey->right = right > survey->right ? right : survey->right;
        survey->top = y < survey->top ? y : survey->top;
        survey->bottom = y;
    }
}

void crop_survey_box(const struct crop_survey *survey, struct crop_box *content)
{
    const struct thumb *thumb = &survey->thumb;
    int64_t cell = thumb->cell, right = (survey->right + 1) * cell;
    int64_t bottom = (survey->bottom + 1) * cell;
    content->x = survey->left * cell;
    content->y = survey->top * cell;
    content->width = (right < thumb->image_width ? right : thumb->image_width) - content->x;
    content->height = (bottom < thumb->image_height ? bottom : thumb->image_height) - content->y;
}

static bool survey_find(struct crop_survey *survey, const struct crop_options *options,
                        struct error *error)
{
    struct thumb *thumb = &survey->thumb;
    if (!background_start(survey, options, error) || !survey_calm(survey, error))
        return false;
    if (options->background != CROP_COLOR && !survey_refit(survey, options, error))
        return false;
    survey_threshold(survey, options);
    double area = (double)thumb->image_width * thumb->image_height;
    double least = options->min_area * area / thumb->cell / thumb->cell;
    if (!components_remove_specks(survey->content, thumb->width, thumb->height,
                                  survey->difference, survey->tolerance, CLEAR, least,
                                  &survey->content_cells, error))
        return false;
    mask_grow(survey->content, survey->near, thumb->width, thumb->height);
    survey_bound(survey);
    return true;
}

bool crop_survey_open(struct crop_survey *survey, const struct image *image,
                      const struct crop_options *options, struct error *error)
{
    memset(survey, 0, sizeof *survey);
    survey->lossy = options->lossy;
    bool weighted = options->background == CROP_COLOR && image_is_transparent(image);
    /* A profile that cannot be used is no reason to stop: colours only steer a decision here. */
    unsigned flags = PIXEL_ANY_PROFILE | (weighted ? PIXEL_WEIGHTED : 0u);
    if (!pixel_reader_open(&survey->reader, image, flags, error) ||
        !thumb_new(&survey->thumb, &survey->reader, THUMB_LONGEST, options->threads, error))
        return false;
    size_t cells = (size_t)survey->thumb.width * survey->thumb.height;
    survey->difference = memory_array(cells, sizeof *survey->difference, error);
    survey->content = memory_zeroed(cells, 1, error);
    survey->near = memory_zeroed(cells, 1, error);
    return survey->difference && survey->content && survey->near &&
           survey_find(survey, options, error);
}

void crop_survey_close(struct crop_survey *survey)
{
    free(survey->difference);
    free(survey->content);
    free(survey->near);
    thumb_free(&survey->thumb);
    pixel_reader_close(&survey->reader);
}

/* ---- judging ---- */

/* 0 at BAD, 1 at GOOD, straight between. */
static double grade(double value, double bad, double good)
{
    return fmin(fmax((value - bad) / (good - bad), 0.0), 1.0);
}

/* The share of one side of the image that content covers. */
static double side_covered(const struct crop_survey *survey, size_t first, size_t step,
                           uint32_t count)
{
    uint32_t covered = 0;
    for (uint32_t i = 0; i < count; i++)
        covered += survey->content[first + i * step];
    return (double)covered / count;
}

/* The strongest minus the weakest difference within EDGE_REACH cells of a cell. */
static double step_around(const struct crop_survey *survey, uint32_t x, uint32_t y)
{
    uint32_t w = survey->thumb.width, h = survey->thumb.height;
    uint32_t left = x > EDGE_REACH ? x - EDGE_REACH : 0, top = y > EDGE_REACH ? y - EDGE_REACH : 0;
    float low = HUGE_VALF, high = 0.0f;
    for (uint32_t v = top; v <= y + EDGE_REACH && v < h; v++)
        for (uint32_t u = left; u <= x + EDGE_REACH && u < w; u++) {
            float value = survey->difference[(size_t)v * w + u];
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    return (double)(high - low);
}

/* How sharply the content ends, in tolerances: what the sharper third of its outline reaches. */
static double outline_sharpness(const struct crop_survey *survey)
{
    float steps[OUTLINE_SAMPLES];
    uint32_t w = survey->thumb.width;
    size_t cells = (size_t)w * survey->thumb.height, outline = 0, count = 0, seen = 0;
    for (size_t i = 0; i < cells; i++)
        outline += survey->near[i] && !survey->content[i];
    size_t every = outline / OUTLINE_SAMPLES + 1;
    for (size_t i = 0; i < cells; i++)
        if (survey->near[i] && !survey->content[i] && seen++ % every == 0)
            steps[count++] = (float)step_around(survey, (uint32_t)(i % w), (uint32_t)(i / w));
    return (double)quantile(steps, count, 2.0 / 3) / survey->tolerance;
}

struct evidence {
    double contrast; /* of half of the content, in tolerances */
    double between;  /* share of the background that is past half of the tolerance */
    double border;   /* share of the border that is content */
    double opposite; /* of two opposite sides the less covered one, the worse pair */
};

static bool evidence_take(const struct crop_survey *survey, struct evidence *evidence,
                          struct error *error)
{
    uint32_t w = survey->thumb.width, h = survey->thumb.height;
    size_t cells = (size_t)w * h, count = 0, outside = 0, between = 0;
    size_t step = (size_t)survey->content_cells / JUDGE_SAMPLES + 1, seen = 0;
    float *samples = memory_array(JUDGE_SAMPLES + 1, sizeof *samples, error);
    if (!samples)
        return false;
    float half = (float)(0.6 * survey->tolerance);
    for (size_t i = 0; i < cells; i++) {
        if (survey->content[i] && seen++ % step == 0)
            samples[count++] = survey->difference[i];
        if (survey->near[i])
            continue;
        outside++;
        between += survey->difference[i] > half;
    }
    evidence->contrast = (double)quantile(samples, count, 0.5) / survey->tolerance;
    evidence->between = outside > 0 ? (double)between / (double)outside : 1.0;
    free(samples);
    double top = side_covered(survey, 0, 1, w);
    double bottom = side_covered(survey, (size_t)w * (h - 1), 1, w);
    double left = side_covered(survey, 0, w, h);
    double right = side_covered(survey, w - 1, w, h);
    evidence->border = ((top + bottom) * w + (left + right) * h) / (2.0 * (w + h));
    evidence->opposite = fmax(fmin(top, bottom), fmin(left, right));
    return true;
}

bool crop_survey_judge(const struct crop_survey *survey, struct crop_doubts *doubts,
                       struct error *error)
{
    struct evidence evidence;
    if (!evidence_take(survey, &evidence, error))
        return false;
    doubts->ring = grade(survey->background.explained, 0.4, 0.7);
    doubts->calm = fmin(grade(survey->background.noise, 5.0, 1.5),
                        grade(survey->pixel_noise, 40.0, 20.0));
    doubts->contrast = grade(evidence.contrast, 1.0, 2.0);
    doubts->gap = grade(evidence.between, 0.3, 0.05);
    doubts->outline = grade(outline_sharpness(survey), 1.0, 1.3);
    doubts->border = fmin(grade(evidence.border, 0.65, 0.4), grade(evidence.opposite, 0.5, 0.2));
    return true;
}

double crop_confidence(const struct crop_doubts *doubts)
{
    return doubts->ring * doubts->calm * doubts->contrast * doubts->gap * doubts->outline *
           doubts->border;
}
