/* SPDX-License-Identifier: MIT */
#include "tools/resize_jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cli/name_template.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "color/icc.h"
#include "image/convert.h"
#include "ops/resample.h"
#include "ops/resize_plan.h"
#include "ops/sharpen.h"

enum {
    BAND_ROWS = RESAMPLE_BAND_ROWS,
    ROWS_A_PIECE = 8,
    PIECES = (BAND_ROWS + ROWS_A_PIECE - 1) / ROWS_A_PIECE
};

/* One output on its way. */
struct job {
    const struct resize_size *size; /* NULL: --width and --height */
    struct resize_plan plan;
    struct cli_output output;
    struct text path;
    struct image image;  /* the canvas */
    struct image view;   /* where the picture goes */
    struct resampler *resampler; /* NULL: rows are copied */
    struct error error;
};

struct resize {
    struct cli_run *run;
    const struct resize_options *options;
    struct cli_input input;
    struct job *jobs;
    size_t job_count;
    struct tone tone;
};

static struct resize_target job_target(const struct resize *resize, const struct job *job)
{
    if (job->size != NULL)
        return job->size->target;
    return (struct resize_target){.width = (uint32_t)resize->options->width,
                                  .height = (uint32_t)resize->options->height};
}

static void job_plan(const struct resize *resize, struct job *job, uint32_t width, uint32_t height)
{
    struct resize_target target = job_target(resize, job);
    const struct resize_options *options = resize->options;
    resize_plan_make(&job->plan, width, height, &target, (enum resize_fit)options->fit,
                     (enum resize_gravity)options->gravity, options->upscale);
}

/* The smallest size to decode to that serves all outputs. */
static void resize_enough(void *context, uint32_t *width, uint32_t *height)
{
    struct resize *resize = context;
    double across = 0, down = 0;
    /* Nearest wants the pixels of the file, not averages of them. */
    if (resize->options->filter == RESAMPLE_NEAREST)
        return;
    for (size_t i = 0; i < resize->job_count; i++) {
        struct job *job = &resize->jobs[i];
        job_plan(resize, job, *width, *height);
        double x = job->plan.place.width / job->plan.region.width;
        double y = job->plan.place.height / job->plan.region.height;
        across = x > across ? x : across;
        down = y > down ? y : down;
    }
    *width = across < 1 ? (uint32_t)(*width * across + 1) : *width;
    *height = down < 1 ? (uint32_t)(*height * down + 1) : *height;
}

static bool resize_list_jobs(struct resize *resize, struct error *error)
{
    const struct resize_options *options = resize->options;
    size_t count = options->sizes.count;
    bool sides = options->width > 0 || options->height > 0;
    if (sides && count > 0)
        return error_set(error, ERROR_USAGE, "--size together with --width or --height");
    if (count > 1 && options->output_template == NULL)
        return error_set(error, ERROR_USAGE, "several sizes need --output-template");
    if (options->output_template != NULL && option_given(&resize->run->set, &resize->run->parsed,
                                                         "output"))
        return error_set(error, ERROR_USAGE, "--output together with --output-template");
    /* Without any size the picture keeps its own: imgresize then converts formats. */
    resize->job_count = count > 0 ? count : 1;
    resize->jobs = memory_zeroed(resize->job_count, sizeof *resize->jobs, error);
    if (resize->jobs == NULL)
        return false;
    static const struct resize_size whole = {.target = {.share = 1}};
    for (size_t i = 0; i < resize->job_count; i++) {
        resize->jobs[i].size = count > 0 ? &options->sizes.list[i] : sides ? NULL : &whole;
        resize->jobs[i].output.file = (struct outfile){.fd = -1, .dir_fd = -1};
    }
    return true;
}

/* The format that a template asks for: -f, its own extension, or the input's. */
static enum codec_format template_format(const struct resize *resize)
{
    if (resize->options->common.format != CODEC_NONE)
        return (enum codec_format)resize->options->common.format;
    enum codec_format format = codec_by_path(resize->options->output_template);
    return format == CODEC_NONE ? resize->input.format : format;
}

static bool job_name(const struct resize *resize, struct job *job, struct error *error)
{
    char name[32];
    if (resize->options->output_template == NULL) {
        text_add(&job->path, cli_output_path(resize->run, &resize->input));
        return true;
    }
    snprintf(name, sizeof name, "%ux%u", job->plan.width, job->plan.height);
    char ext[8] = "";
    const char *extensions = codec_of(template_format(resize))->extensions;
    snprintf(ext, sizeof ext, "%.*s", (int)strcspn(extensions, " "), extensions);
    struct name_values values = {
        .input = name_template_input(resize->input.source.name),
        .name = job->size != NULL && job->size->name != NULL ? job->size->name : name,
        .ext = ext,
        .width = job->plan.width,
        .height = job->plan.height,
    };
    return name_template_expand(resize->options->output_template, &values, &job->path, error);
}

/* Two outputs must not become one file. */
static bool job_is_alone(const struct resize *resize, const struct job *job, struct error *error)
{
    for (const struct job *other = resize->jobs; other < job; other++)
        if (strcmp(other->path.data, job->path.data) == 0 ||
            outfile_same_target(&other->output.file, &job->output.file))
            return error_set(error, ERROR_USAGE, "two outputs would be called '%s'; "
                             "{name} in --output-template tells them apart", job->path.data);
    return true;
}

static bool resize_open_outputs(struct resize *resize, struct error *error)
{
    struct codec_read_options limits;
    cli_read_options(resize->run, &limits);
    for (size_t i = 0; i < resize->job_count; i++) {
        struct job *job = &resize->jobs[i];
        job_plan(resize, job, resize->input.full_width, resize->input.full_height);
        if (!codec_check_size(&limits, job->plan.width, job->plan.height, error) ||
            !codec_check_size(&limits, job->plan.place.width, job->plan.place.height, error))
            return error_hint(error, "an output would be this large");
        if (!job_name(resize, job, error) ||
            !cli_output_open(resize->run, job->path.data, &resize->input, &job->output, error) ||
            !job_is_alone(resize, job, error))
            return false;
    }
    return true;
}

/* What lies around the picture of a contained size: transparent, or the background. */
static bool job_fill_canvas(const struct resize *resize, struct job *job, struct error *error)
{
    const struct resize_options *options = resize->options;
    const struct image_box *place = &job->plan.place;
    bool full = place->width == job->plan.width && place->height == job->plan.height;
    bool named = option_given(&resize->run->set, &resize->run->parsed, "background");
    if (full || (job->image.shape.alpha && !named))
        return true;
    double color[3];
    enum icc_space space = job->image.shape.color == IMAGE_GREY ? ICC_GREY : ICC_RGB;
    if (!icc_color_from_srgb(&resize->input.metadata.icc, space, options->common.background.srgb,
                             color, error))
        return false;
    image_fill(&job->image, color, 1);
    return true;
}

static bool job_prepare(struct resize *resize, struct job *job, struct error *error)
{
    const struct cli_input *input = &resize->input;
    struct image_shape shape = input->shape;
    shape.width = job->plan.width;
    shape.height = job->plan.height;
    if (!image_new(&job->image, &shape, error) ||
        !image_metadata_copy(&job->image.metadata, &input->metadata, error) ||
        !job_fill_canvas(resize, job, error))
        return false;
    job->view = image_view(&job->image, &job->plan.place);
    if (resize_plan_is_identity(&job->plan, input->shape.width, input->shape.height))
        return true;
    /* The codec may have decoded to a smaller size. */
    double across = (double)input->shape.width / input->full_width;
    double down = (double)input->shape.height / input->full_height;
    struct resample_region region = {
        job->plan.region.x * across, job->plan.region.y * down,
        job->plan.region.width * across, job->plan.region.height * down};
    return resampler_new(&job->resampler, input->shape.width, input->shape.height, &region,
                         (enum resample_filter)resize->options->filter, &resize->tone, &job->view,
                         error);
}

/* Rows of the source on their way into all outputs, and those behind them on their way in. */
struct band {
    struct resize *resize;
    const struct image *upright; /* an image that had to be turned as a whole; else without pixels */
    uint8_t *buffers[2];         /* the rows from the codec: of this band, and of the next one */
    float *light;                /* a row for each piece: it stays in the cache */
    uint32_t first, count;
    bool read;                   /* the next rows are there */
    struct error error;
};

static const uint8_t *band_row(const struct band *band, uint32_t y)
{
    return band->upright->pixels != NULL
               ? image_row(band->upright, band->first + y)
               : band->buffers[0] + y * image_row_bytes(&band->resize->input.shape);
}

/* Some rows of the band to light, and across into each output. */
static void band_across(void *context, size_t index)
{
    const struct band *band = context;
    const struct resize *resize = band->resize;
    const struct image_shape *shape = &resize->input.shape;
    uint32_t first = (uint32_t)index * ROWS_A_PIECE;
    uint32_t end = first + ROWS_A_PIECE < band->count ? first + ROWS_A_PIECE : band->count;
    float *light = band->light + index * shape->width * 4;
    for (uint32_t y = first; y < end; y++) {
        resample_load_row(&resize->tone, shape, band_row(band, y), light, shape->width);
        for (size_t i = 0; i < resize->job_count; i++)
            if (resize->jobs[i].resampler != NULL)
                resampler_across(resize->jobs[i].resampler, light, y);
    }
}

/* The rows that are wanted as they are. */
static void band_copy(const struct band *band)
{
    const struct resize *resize = band->resize;
    size_t bytes = image_row_bytes(&resize->input.shape);
    for (size_t i = 0; i < resize->job_count; i++)
        for (uint32_t y = 0; resize->jobs[i].resampler == NULL && y < band->count; y++)
            memcpy(image_row(&resize->jobs[i].view, band->first + y), band_row(band, y), bytes);
}

static uint32_t band_rows_from(const struct band *band, uint32_t first)
{
    uint32_t left = band->resize->input.shape.height - first;
    return left < BAND_ROWS ? left : BAND_ROWS;
}

/* Fetches COUNT rows for the second buffer. */
static bool band_read(struct band *band, uint32_t count)
{
    struct resize *resize = band->resize;
    band->read = count == 0 || band->upright->pixels != NULL ||
                 cli_input_rows(resize->run, &resize->input, band->buffers[1],
                                image_row_bytes(&resize->input.shape), count, &band->error);
    return band->read;
}

/* What can be done once the rows are resampled across: first the next rows are read, because a
 * stage before this one in a pipe is slower than we are, then one chunk of columns at a time. */
static void band_down(void *context, size_t index)
{
    struct band *band = context;
    if (index == 0) {
        band_read(band, band_rows_from(band, band->first + band->count));
        band_copy(band);
        return;
    }
    index--;
    for (size_t i = 0; i < band->resize->job_count; i++) {
        struct resampler *resampler = band->resize->jobs[i].resampler;
        size_t chunks = resampler == NULL ? 0 : resampler_chunks(resampler);
        if (index < chunks) {
            resampler_down(resampler, band->count, index);
            return;
        }
        index -= chunks;
    }
}

/* Takes the band, and reads the one behind it. */
static bool band_take(struct band *band, unsigned threads)
{
    const struct resize *resize = band->resize;
    size_t chunks = 0;
    for (size_t i = 0; i < resize->job_count; i++)
        if (resize->jobs[i].resampler != NULL)
            chunks += resampler_chunks(resize->jobs[i].resampler);
    if (chunks > 0)
        threads_for(threads, (band->count + ROWS_A_PIECE - 1) / ROWS_A_PIECE, band_across, band);
    threads_for(threads, 1 + chunks, band_down, band);
    for (size_t i = 0; i < resize->job_count; i++)
        if (resize->jobs[i].resampler != NULL)
            resampler_advance(resize->jobs[i].resampler, band->count);
    return band->read;
}

static bool resize_needs_light(const struct resize *resize)
{
    for (size_t i = 0; i < resize->job_count; i++)
        if (resize->jobs[i].resampler != NULL)
            return true;
    return false;
}

static bool resize_stream(struct resize *resize, const struct image *upright, struct error *error)
{
    const struct image_shape *shape = &resize->input.shape;
    unsigned threads = cli_threads(&resize->options->common);
    size_t bytes = image_row_bytes(shape) * BAND_ROWS;
    uint8_t *buffer = memory_array(2, bytes, error);
    float *light = memory_array(resize_needs_light(resize) ? PIECES : 1,
                                shape->width * 4 * sizeof(float), error);
    struct band band = {.resize = resize, .upright = upright, .light = light};
    bool done = buffer != NULL && light != NULL;
    if (done) {
        band.buffers[0] = buffer + bytes;
        band.buffers[1] = buffer;
        done = band_read(&band, band_rows_from(&band, 0));
    }
    for (; done && band.first < shape->height; band.first += band.count) {
        uint8_t *next = band.buffers[0];
        band.buffers[0] = band.buffers[1];
        band.buffers[1] = next;
        band.count = band_rows_from(&band, band.first);
        done = band_take(&band, threads);
    }
    if (band.error.kind != ERROR_NONE)
        *error = band.error;
    free(buffer);
    free(light);
    return done;
}

static bool resize_decode(struct resize *resize, struct error *error)
{
    struct image upright = {0};
    if (resize->input.info->orientation > 1) {
        if (!image_new(&upright, &resize->input.shape, error) ||
            !cli_input_read_into(resize->run, &resize->input, &upright, error)) {
            image_free(&upright);
            return false;
        }
    }
    bool done = resize_stream(resize, &upright, error);
    image_free(&upright);
    return done;
}

static void job_encode(void *context, size_t index)
{
    struct resize *resize = context;
    struct job *job = &resize->jobs[index];
    if (sharpen_apply(&job->image, resize->options->sharpen, &job->error) &&
        cli_output_prepare(resize->run, &job->output, &job->image, &job->error) &&
        cli_output_encode_within(resize->run, &job->output, &job->image,
                                 resize->options->max_bytes, &job->error))
        outfile_sync(&job->output.file, &job->error);
    image_free(&job->image);
}

/* Encodes all outputs, several at a time, and puts them in place when all of them are good. */
static bool resize_write(struct resize *resize, struct error *error)
{
    struct cli_run *run = resize->run;
    threads_for(cli_threads(&resize->options->common), resize->job_count, job_encode, resize);
    for (size_t i = 0; i < resize->job_count; i++)
        if (resize->jobs[i].error.kind != ERROR_NONE) {
            *error = resize->jobs[i].error;
            return false;
        }
    json_t *outputs = json_array();
    for (size_t i = 0; i < resize->job_count; i++) {
        struct job *job = &resize->jobs[i];
        if (!cli_output_commit(run, &job->output, error)) {
            json_decref(outputs);
            return false;
        }
        json_t *output = cli_output_json(&job->output);
        bool named = job->size != NULL && job->size->name != NULL;
        json_object_set_new(output, "name",
                            named ? cli_json_string(job->size->name) : json_null());
        json_array_append_new(outputs, output);
    }
    if (resize->job_count == 1)
        run->output = cli_output_json(&resize->jobs[0].output);
    run->result = json_pack("{s:o}", "outputs", outputs);
    return true;
}

static void resize_free(struct resize *resize)
{
    for (size_t i = 0; resize->jobs != NULL && i < resize->job_count; i++) {
        struct job *job = &resize->jobs[i];
        resampler_free(job->resampler);
        image_free(&job->image);
        cli_output_discard(&job->output);
        text_free(&job->path);
    }
    free(resize->jobs);
    tone_free(&resize->tone);
    cli_input_close(&resize->input);
}

bool resize_jobs_run(struct cli_run *run, const struct resize_options *options,
                     struct error *error)
{
    struct resize resize = {.run = run, .options = options, .input.source.fd = -1};
    enum tone_light light = options->light == 0 ? TONE_LINEAR : TONE_GAMMA;
    bool done = resize_list_jobs(&resize, error) &&
                cli_input_open(run, options->common.input, resize_enough, &resize, &resize.input,
                               error) &&
                resize_open_outputs(&resize, error) && sandbox_enter(run, error) &&
                tone_new(&resize.tone, light, &resize.input.metadata.icc,
                         resize.input.shape.color == IMAGE_GREY ? ICC_GREY : ICC_RGB,
                         resize.input.shape.depth, error);
    for (size_t i = 0; done && i < resize.job_count; i++)
        done = job_prepare(&resize, &resize.jobs[i], error);
    done = done && resize_decode(&resize, error) && resize_write(&resize, error);
    resize_free(&resize);
    return done;
}
