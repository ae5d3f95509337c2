/* SPDX-License-Identifier: MIT */
/* deltae of two images. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/threads.h"
#include "cli/beside.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "ops/compare.h"
#include "tools/deltae.h"

/* Turning two images upright at the same time needs them, and what decoders hold besides, for both
 * at once: above this size one goes after the other, to stay within --memory. */
#define BOTH_AT_ONCE_PIXELS 20000000u

/* Bands of either side that are there at a time. */
enum { SLOTS = 6 };

/* The sides of the comparison. Side 0, the reference, is the run's input. */
struct sides {
    struct cli_run *run;
    const char *names[2];
    struct cli_input first;
    struct cli_beside second;
    struct image images[2]; /* SLOTS bands below each other; a whole image that has to be turned */
    struct image mask;
    struct compare *compare;
    struct error errors[2];
    bool opened[2], whole[2], done[2];
};

static bool sides_check_names(const struct deltae_fields *fields, const char *a, const char *b,
                              struct error *error)
{
    const char *const names[3] = {a, b, fields->mask};
    int streams = 0;
    for (int i = 0; i < 3; i++)
        streams += names[i] != NULL && strcmp(names[i], "-") == 0;
    if (streams > 1)
        return error_set(error, ERROR_USAGE, "only one of the files can be stdin");
    return true;
}

static bool sides_open(struct sides *sides, struct error *error)
{
    if (!cli_input_open(sides->run, sides->names[0], &sides->first, error))
        return false;
    sides->opened[0] = true;
    if (!cli_beside_open(sides->run, sides->names[1], &sides->second, error))
        return false;
    sides->opened[1] = true;
    sides->first.warns_later = sides->second.input.warns_later = true;
    return true;
}

static bool sides_headers(struct sides *sides, struct error *error)
{
    if (!cli_input_header(sides->run, NULL, NULL, &sides->first, error) ||
        !cli_beside_header(&sides->second, error))
        return false;
    const struct image_shape *one = &sides->first.shape, *two = &sides->second.input.shape;
    if (one->width == two->width && one->height == two->height)
        return true;
    char name[300];
    error_set(error, ERROR_CORRUPT, "is %u x %u, %s is %u x %u", one->width, one->height,
              cli_display_name(sides->names[1], name, sizeof name), two->width, two->height);
    return error_hint(error, "imgresize --fit fill --size WxH makes them equal");
}

static const struct cli_input *side_input(const struct sides *sides, size_t side)
{
    return side == 0 ? &sides->first : &sides->second.input;
}

/* Decodes a side that has to be turned, and makes room for the bands of another. */
static void side_prepare(void *context, size_t side)
{
    struct sides *sides = context;
    const struct cli_input *input = side_input(sides, side);
    struct image *image = &sides->images[side];
    struct error *error = &sides->errors[side];
    struct image_shape shape = input->shape;
    sides->whole[side] = input->info->orientation > 1;
    shape.height = SLOTS * COMPARE_BAND;
    sides->done[side] = !sides->whole[side] ? image_new(image, &shape, error)
                        : side == 0         ? cli_input_read(sides->run, &sides->first, image, error)
                                            : cli_beside_decode(&sides->second, image, error);
}

/* Where a band of SIDE lies. */
static struct image side_band(const struct sides *sides, size_t side, size_t band)
{
    struct image rows = compare_rows(&sides->images[side], sides->whole[side] ? band : band % SLOTS);
    uint32_t left = sides->first.shape.height - (uint32_t)band * COMPARE_BAND;
    rows.shape.height = left < COMPARE_BAND ? left : COMPARE_BAND;
    return rows;
}

static bool side_read(void *context, size_t side, size_t band)
{
    struct sides *sides = context;
    const struct image rows = side_band(sides, side, band);
    struct error *error = &sides->errors[side];
    uint32_t count = rows.shape.height;
    if (!sides->whole[side])
        sides->done[side] =
            side == 0 ? cli_input_rows(sides->run, &sides->first, rows.pixels, rows.stride, count,
                                       error)
                      : cli_beside_rows(&sides->second, rows.pixels, rows.stride, count, error);
    return sides->done[side];
}

static void band_compare(void *context, size_t band, size_t lane)
{
    const struct sides *sides = context;
    const struct image a = side_band(sides, 0, band), b = side_band(sides, 1, band);
    compare_band(sides->compare, band, lane, &a, &b);
}

/* The first side's failure is told where both fail, whichever was met first. */
static bool sides_failed(struct sides *sides, struct error *error)
{
    uint32_t height = sides->first.shape.height;
    size_t bands = (height + (size_t)COMPARE_BAND - 1) / COMPARE_BAND;
    /* All but the last one are whole. */
    size_t band = (sides->first.next_row + (size_t)COMPARE_BAND - 1) / COMPARE_BAND;
    for (; sides->done[0] && band < bands; band++)
        side_read(sides, 0, band);
    *error = sides->errors[sides->done[0]];
    return false;
}

static bool sides_flow(struct sides *sides, struct error *error)
{
    uint32_t height = sides->first.shape.height;
    unsigned threads = cli_threads(sides->run->options);
    const struct threads_flow flow = {.bands = (height + (size_t)COMPARE_BAND - 1) / COMPARE_BAND,
                                      .sources = 2,
                                      .slots = SLOTS,
                                      .read = side_read,
                                      .work = band_compare,
                                      .context = sides};
    return threads_flow(&flow, threads < COMPARE_LANES ? threads : COMPARE_LANES) ||
           sides_failed(sides, error);
}

static void sides_warn(struct sides *sides)
{
    cli_input_warn(sides->run, &sides->first);
    cli_input_warn(&sides->second.run, &sides->second.input);
}

/* What the heat map does without. */
static void sides_free_images(struct sides *sides)
{
    compare_close(sides->compare);
    sides->compare = NULL;
    image_free(&sides->images[0]);
    image_free(&sides->images[1]);
    image_free(&sides->mask);
}

static void sides_close(struct sides *sides)
{
    sides_free_images(sides);
    if (sides->opened[0])
        cli_input_close(&sides->first);
    if (sides->opened[1])
        cli_beside_close(&sides->second);
}

/* Opens the heat map's file before any header is read, so that a mistake costs nothing. */
static bool heatmap_open(struct sides *sides, const struct deltae_fields *fields,
                         struct cli_output *output, struct error *error)
{
    const char *path = fields->heatmap;
    struct cli_input png = sides->first; /* only looked at */
    png.format = CODEC_PNG;              /* what a name without an extension means */
    if (strcmp(path, "-") == 0)
        return error_set(error, ERROR_USAGE,
                         "--heatmap: a file is expected, stdout has the numbers");
    if ((sides->run->tool->groups & CLI_FORMAT) == 0)
        sides->run->options->effort = -1;
    return cli_output_open(sides->run, path, &png, output, error);
}

static bool heatmap_settle(struct sides *sides, const struct deltae_fields *fields,
                           struct cli_output *output, struct error *error)
{
    const char *path = fields->heatmap;
    if (!cli_output_settle(sides->run, &sides->first, output, error))
        return false;
    if (outfile_same_target(&output->file, &sides->run->answer_file))
        return error_set(error, ERROR_USAGE, "--heatmap and --output are the same file");
    if (!outfile_replaces(&output->file, sides->names[1]) && !outfile_replaces(&output->file, fields->mask))
        return true;
    return error_set(error, ERROR_USAGE, "--heatmap: '%s' is one of the inputs", path);
}

static bool heatmap_write(struct cli_run *run, const struct compare_result *result,
                          const struct image_shape *shape, double top, struct cli_output *output,
                          struct error *error)
{
    struct image picture = {0};
    bool done = compare_heatmap(result, shape->width, shape->height, top, &picture, error) &&
                cli_output_write(run, output, &picture, error);
    image_free(&picture);
    return done;
}

static json_t *number_json(double value)
{
    return json_real(round(value * 1e6) / 1e6);
}

static json_t *boxes_json(const struct compare_result *result)
{
    json_t *boxes = json_array();
    for (size_t i = 0; i < result->box_count; i++) {
        const struct image_box *box = &result->boxes[i];
        json_array_append_new(boxes, json_pack("{s:i, s:i, s:i, s:i}", "x", (int)box->x, "y",
                                               (int)box->y, "width", (int)box->width, "height",
                                               (int)box->height));
    }
    return boxes;
}

static json_t *result_json(const struct sides *sides, const struct deltae_fields *fields,
                           const struct compare_result *result)
{
    const struct image_shape *shape = &sides->second.input.shape;
    const struct deltae_figures figures = {result->mean, result->p95, result->max, result->over};
    bool several = sides->run->parsed.operand_count > 2;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:[i, i], s:o, s:f, s:s, s:s, s:I, s:o, s:{s:o, "
                     "s:i, s:i}, s:o}",
                     "mean", number_json(result->mean), "median", number_json(result->median),
                     "p95", number_json(result->p95), "p99", number_json(result->p99), "max",
                     number_json(result->max), "max_at", (int)result->max_x, (int)result->max_y,
                     "over", number_json(result->over), "tolerance", fields->tolerance, "formula",
                     difference_names[fields->formula], "white",
                     difference_white_names[fields->white], "pixels",
                     (json_int_t)result->counted, "boxes", boxes_json(result), "other", "path",
                     cli_json_string(sides->names[1]), "width", (int)shape->width, "height",
                     (int)shape->height, "passed",
                     deltae_judge(sides->run, fields, &figures, several ? sides->names[1] : NULL));
}

static bool sides_prepare(struct sides *sides, const char *mask, struct error *error)
{
    const struct image_shape *shape = &sides->first.shape;
    bool small = (uint64_t)shape->width * shape->height <= BOTH_AT_ONCE_PIXELS;
    if (mask != NULL && !cli_beside_mask(sides->run, mask, shape->width, shape->height,
                                         &sides->mask, error))
        return false;
    threads_for(small ? cli_threads(sides->run->options) : 1, 2, side_prepare, sides);
    for (int side = 0; side < 2; side++)
        if (!sides->done[side]) {
            *error = sides->errors[side];
            return false;
        }
    return true;
}

/* A side as it is before it is read; its profile stays where it is. */
static struct image side_head(const struct sides *sides, size_t side)
{
    const struct cli_input *input = side_input(sides, side);
    const struct image *image = &sides->images[side];
    return (struct image){.shape = input->shape,
                          .metadata = sides->whole[side] ? image->metadata : input->metadata};
}

static bool sides_compare(struct sides *sides, const struct deltae_fields *fields,
                          struct compare_result *result, struct error *error)
{
    const struct compare_options options = {
        .difference = deltae_difference(fields),
        .tolerance = fields->tolerance,
        .mask = fields->mask != NULL ? &sides->mask : NULL,
        .ignore = fields->ignore.boxes,
        .ignore_count = fields->ignore.count,
        .want_map = fields->heatmap != NULL,
        .threads = cli_threads(sides->run->options),
    };
    const struct image a = side_head(sides, 0), b = side_head(sides, 1), *unusable;
    if (compare_open(&sides->compare, &a, &b, &options, &unusable, error)) {
        if (!sides_flow(sides, error))
            return false;
        sides_warn(sides);
        return compare_finish(sides->compare, result, error);
    }
    if (unusable == &b)
        snprintf(error->file, sizeof error->file, "%s", sides->names[1]);
    return false;
}

static void result_say(struct cli_run *run, const struct compare_result *result)
{
    text_printf(&run->answer,
                "mean\t%.4f\nmedian\t%.4f\np95\t%.4f\np99\t%.4f\nmax\t%.4f\nover\t%.4f\n",
                result->mean, result->median, result->p95, result->p99, result->max, result->over);
    cli_explain(run, "%llu pixels, the largest difference at %u, %u",
                (unsigned long long)result->counted, result->max_x, result->max_y);
}

/* All that is opened, and in between the headers; but the mask is opened when it is its turn. */
static bool open_all(struct sides *sides, const struct deltae_fields *fields,
                     struct cli_output *output, struct error *error)
{
    struct cli_run *run = sides->run;
    if (fields->mask != NULL)
        cli_input_keep(fields->mask);
    return sides_check_names(fields, sides->names[0], sides->names[1], error) &&
           sides_open(sides, error) &&
           (fields->heatmap == NULL || heatmap_open(sides, fields, output, error)) &&
           cli_answer_open_early(run, error) && sides_headers(sides, error) &&
           cli_answer_open(run, error) &&
           (fields->heatmap == NULL || heatmap_settle(sides, fields, output, error));
}

bool deltae_images(struct cli_run *run, const struct deltae_fields *fields, const char *a,
                   const char *b, struct error *error)
{
    struct sides sides = {.run = run, .names = {a, b}};
    struct compare_result result = {0};
    struct cli_output output = {.file = {.fd = -1, .dir_fd = -1}};
    bool done = open_all(&sides, fields, &output, error) && sandbox_enter(run, error) &&
                sides_prepare(&sides, fields->mask, error) &&
                sides_compare(&sides, fields, &result, error);
    if (done) {
        sides_free_images(&sides);
        result_say(run, &result);
        run->result = result_json(&sides, fields, &result);
    }
    if (done && fields->heatmap != NULL)
        done = heatmap_write(run, &result, &sides.first.shape, fields->heatmap_top, &output, error);
    compare_free(&result);
    cli_output_discard(&output);
    sides_close(&sides);
    return done;
}
