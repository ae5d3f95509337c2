/* SPDX-License-Identifier: MIT */
#include "cli/input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "codec/deflate.h"
#include "codec/exif.h"
#include "color/icc.h"
#include "image/convert.h"
#include "image/orient.h"

enum { BAND_ROWS = 32 };

/* What a further thread may take at most: its stack and what it counts by itself. */
#define THREAD_BYTES ((uint64_t)32 << 20)

unsigned cli_threads(const struct cli_common *options)
{
    unsigned threads = options->threads > 0 ? (unsigned)options->threads : threads_available();
    uint64_t fit = options->memory_bytes / THREAD_BYTES;
    if (options->memory_bytes > 0 && fit < threads)
        threads = fit < 1 ? 1 : (unsigned)fit;
    return threads;
}

void cli_read_options(const struct cli_run *run, struct codec_read_options *options)
{
    const struct cli_common *common = run->options;
    *options = (struct codec_read_options){
        .max_pixels = common->max_pixels,
        .max_dimension = (uint32_t)common->max_dimension,
        .threads = cli_threads(common),
        .frame = (unsigned)common->frame,
        .lenient = common->lenient,
        .keep_metadata = common->metadata != 0,
    };
}

static enum icc_space space_of(enum image_color color)
{
    return color == IMAGE_GREY ? ICC_GREY : color == IMAGE_RGB ? ICC_RGB : ICC_CMYK;
}

/* A PNG that states its gamma or primaries gets a profile that says the same, unless they are
 * sRGB's own, which is what no profile means. */
static bool input_profile_from_gamma(struct cli_input *input, struct error *error)
{
    static const double srgb[8] = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};
    const struct codec_info *info = input->info;
    bool usual = info->gamma == 0 || fabs(info->gamma - 0.45455) < 0.005;
    for (int i = 0; i < 8 && usual && info->chromaticities[1] != 0; i++)
        usual = fabs(info->chromaticities[i] - srgb[i]) < 0.002;
    if (usual || input->metadata.icc.size > 0)
        return true;
    return icc_from_gamma(space_of(info->shape.color), info->gamma == 0 ? 0.45455 : info->gamma,
                          info->chromaticities, &input->metadata.icc, error);
}

/* Sees to it that the profile fits the pixels as they will be handed out. */
static bool input_prepare_profile(struct cli_run *run, struct cli_input *input,
                                  struct error *error)
{
    struct error reason = {0};
    struct blob *icc = &input->metadata.icc;
    enum icc_space space = space_of(input->info->shape.color);
    if (icc->size > 0 && !icc_check(icc, space, &reason)) {
        cli_warn(run, "%s: ICC profile ignored: %s", cli_file(run), reason.message);
        blob_free(icc);
    }
    if (!input_profile_from_gamma(input, &reason)) {
        cli_warn(run, "%s: gamma ignored: %s", cli_file(run), reason.message);
        blob_free(icc);
    }
    if (space != ICC_CMYK)
        return true;
    bool done = icc_transform_new(&input->to_srgb, icc, space, input->stored.depth, false, error);
    blob_free(icc);
    input->stored.color = IMAGE_RGB;
    return done;
}

struct enough_call {
    cli_input_enough *enough;
    void *context;
};

/* The codec asks in stored orientation, the tool answers for the upright one. */
static void input_enough(void *context, const struct codec_info *info, uint32_t *width,
                         uint32_t *height)
{
    const struct enough_call *call = context;
    if (image_orientation_swaps(info->orientation)) {
        call->enough(call->context, height, width);
    } else {
        call->enough(call->context, width, height);
    }
}

static bool input_open_codec(struct cli_run *run, struct cli_input *input,
                             struct enough_call *call, struct error *error)
{
    struct codec_read_options options;
    cli_read_options(run, &options);
    if (call->enough != NULL) {
        options.enough = input_enough;
        options.enough_context = call;
    }
    if (!codec_open(&input->source, &options, &input->reader, error))
        return false;
    struct codec_info *info = codec_reader_info(input->reader);
    input->info = info;
    input->metadata = info->metadata;
    info->metadata = (struct image_metadata){0};
    exif_reset_orientation(input->metadata.exif.data, input->metadata.exif.size);
    return true;
}

/* In a later stage of a pipeline the format is that of the pipeline's input, which PAM notes. */
static bool input_is_of_later_stage(const struct cli_input *input)
{
    return strcmp(input->source.name, "-") == 0 && getenv("IMGTOOL_INPUT_NAME") != NULL;
}

static void input_describe(struct cli_run *run, struct cli_input *input)
{
    const struct codec_info *info = input->info;
    bool swaps = image_orientation_swaps(info->orientation);
    input->full_width = swaps ? info->stored_height : info->stored_width;
    input->full_height = swaps ? info->stored_width : info->stored_height;
    input->stored = input->shape = info->shape;
    input->format = info->format;
    if (input_is_of_later_stage(input) && info->origin != CODEC_NONE)
        input->format = info->origin;
    json_decref(run->input);
    run->input = json_pack("{s:o, s:s, s:i, s:i, s:I}", "path", cli_json_string(input->source.name),
                           "format", codec_of(info->format)->name, "width", (int)input->full_width,
                           "height", (int)input->full_height, "bytes",
                           (json_int_t)input->source.size_bytes);
}

bool cli_input_open(struct cli_run *run, const char *name, struct cli_input *input,
                    struct error *error)
{
    *input = (struct cli_input){.source.fd = -1};
    run->file = name;
    if (!source_open(&input->source, name, run->options->max_input_bytes, error))
        return false;
    input->source.limit_fixed = option_given(&run->set, &run->parsed, "max-input-bytes");
    /* What decoding may need is opened now: in the sandbox it could not be. */
    if (!codec_sniff(&input->source, &input->format, error) ||
        !codec_load(input->format, error) || !icc_load(error)) {
        cli_input_close(input);
        return false;
    }
    if (input->format == CODEC_PAM && input_is_of_later_stage(input))
        input->format = CODEC_NONE;
    return true;
}

void cli_input_keep(const char *name)
{
    /* What cannot be opened is told when it is needed. */
    codec_load(CODEC_NONE, NULL);
    icc_load(NULL);
    sandbox_keep_input(name);
}

bool cli_input_header(struct cli_run *run, cli_input_enough *enough, void *context,
                      struct cli_input *input, struct error *error)
{
    struct enough_call call = {enough, context};
    if (!sandbox_enter_early(run, error) || !input_open_codec(run, input, &call, error))
        return false;
    input_describe(run, input);
    if (!input_prepare_profile(run, input, error))
        return false;
    input->shape.color = input->stored.color;
    if (image_orientation_swaps(input->info->orientation)) {
        input->shape.width = input->stored.height;
        input->shape.height = input->stored.width;
    }
    cli_explain(run, "%s: %s, %u x %u, %u channels of %u bits", cli_file(run),
                codec_of(input->info->format)->name, input->full_width, input->full_height,
                image_channels(&input->info->shape), (unsigned)input->info->stored_depth);
    return true;
}

bool cli_input_make_rgb(struct cli_input *input, struct error *error)
{
    const struct image_shape *shape = &input->info->shape;
    if (input->stored.color != IMAGE_GREY)
        return true;
    if (!icc_transform_new(&input->to_srgb, &input->metadata.icc, ICC_GREY, shape->depth,
                           shape->alpha, error))
        return false;
    blob_free(&input->metadata.icc);
    input->stored.color = input->shape.color = IMAGE_RGB;
    return true;
}

void cli_input_warn(struct cli_run *run, const struct cli_input *input)
{
    if (input->info->warning[0] != '\0')
        cli_warn(run, "%s: %s", cli_file(run), input->info->warning);
}

static bool input_finish(struct cli_run *run, struct cli_input *input, struct error *error)
{
    if (!codec_finish(input->reader, error))
        return false;
    if (!input->warns_later)
        cli_input_warn(run, input);
    if (input->source.size_bytes < 0)
        json_object_set_new(run->input, "bytes",
                            json_integer((json_int_t)input->source.taken_bytes));
    return true;
}

/* COUNT rows through the transform, by way of a band. */
static bool input_rows_to_srgb(struct cli_input *input, uint8_t *rows, size_t stride,
                                 uint32_t count, struct error *error)
{
    size_t bytes = image_row_bytes(&input->info->shape);
    if (input->band == NULL)
        input->band = memory_array(BAND_ROWS, bytes, error);
    if (input->band == NULL)
        return false;
    for (uint32_t y = 0; y < count;) {
        uint32_t step = count - y < BAND_ROWS ? count - y : BAND_ROWS;
        if (!codec_read_rows(input->reader, input->band, bytes, step, error))
            return false;
        for (uint32_t i = 0; i < step; i++, y++)
            icc_transform_pixels(input->to_srgb, input->band + i * bytes, rows + y * stride,
                                 input->stored.width);
    }
    return true;
}

bool cli_input_rows(struct cli_run *run, struct cli_input *input, uint8_t *rows, size_t stride,
                    uint32_t count, struct error *error)
{
    bool read = input->to_srgb != NULL
                    ? input_rows_to_srgb(input, rows, stride, count, error)
                    : codec_read_rows(input->reader, rows, stride, count, error);
    if (!read)
        return false;
    input->next_row += count;
    return input->next_row < input->stored.height || input_finish(run, input, error);
}

/* By bands: converted to the shape of INTO, then put where the orientation says. */
static bool input_read_bands(struct cli_run *run, struct cli_input *input, const struct image *into,
                             struct error *error)
{
    struct image_shape shape = into->shape;
    shape.width = input->stored.width;
    shape.height = input->stored.height;
    size_t bytes = image_row_bytes(&input->stored), converted_bytes = image_row_bytes(&shape);
    uint8_t *rows = memory_array(BAND_ROWS, bytes, error);
    uint8_t *converted = memory_array(BAND_ROWS, converted_bytes, error);
    bool done = rows != NULL && converted != NULL;
    for (uint32_t y = 0, step; done && y < shape.height; y += step) {
        step = shape.height - y < BAND_ROWS ? shape.height - y : BAND_ROWS;
        done = cli_input_rows(run, input, rows, bytes, step, error);
        if (!done)
            break;
        for (uint32_t i = 0; i < step; i++)
            image_convert_row(&input->stored, rows + i * bytes, &shape,
                              converted + i * converted_bytes, shape.width);
        image_place_rows(into, input->info->orientation, &shape, y, converted, converted_bytes,
                         step);
    }
    free(rows);
    free(converted);
    return done;
}

bool cli_input_read_into(struct cli_run *run, struct cli_input *input, const struct image *into,
                         struct error *error)
{
    bool same = into->shape.color == input->shape.color && into->shape.alpha == input->shape.alpha;
    if (same && input->info->orientation <= 1)
        return cli_input_rows(run, input, into->pixels, into->stride, into->shape.height, error);
    return input_read_bands(run, input, into, error);
}

bool cli_input_read(struct cli_run *run, struct cli_input *input, struct image *image,
                    struct error *error)
{
    if (!image_new(image, &input->shape, error))
        return false;
    if (!cli_input_read_into(run, input, image, error)) {
        image_free(image);
        return false;
    }
    image->metadata = input->metadata;
    input->metadata = (struct image_metadata){0};
    return true;
}

void cli_input_close(struct cli_input *input)
{
    codec_close(input->reader);
    icc_transform_free(input->to_srgb);
    image_metadata_free(&input->metadata);
    free(input->band);
    source_close(&input->source);
    input->reader = NULL;
    input->to_srgb = NULL;
    input->band = NULL;
}

struct json_t *cli_image_libraries(void)
{
    json_t *libraries = json_object();
    for (enum codec_format format = CODEC_PNG; format < CODEC_FORMAT_COUNT; format++) {
        const struct codec *codec = codec_of(format);
        char version[64] = "";
        if (codec->backend == NULL)
            continue;
        codec->version(version, sizeof version);
        json_object_set_new(libraries, codec->backend, json_string(version));
    }
    char version[64] = "";
    deflate_version(version, sizeof version);
    json_object_set_new(libraries, "zlib", json_string(version));
    icc_version(version, sizeof version);
    json_object_set_new(libraries, "lcms2", json_string(version));
    return libraries;
}
