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
#include "image/orient.h"
#include "ops/resample.h"
#include "ops/resize_plan.h"
#include "ops/sharpen.h"

enum { BAND_ROWS = RESAMPLE_BAND_ROWS };

/* One output on its way. */
struct job {
    const struct resize_size *size; /* NULL: --width and --height */
    struct resize_plan plan;
    struct cli_output output;
    struct text path;
    struct image image;  /* the canvas */
    struct image view;   /* where the picture goes */
    struct image turned; /* the picture as the file has it, where it is not upright there */
    struct resampler *resampler; /* NULL: rows are copied */
    bool again; /* an earlier one makes the same picture and is written here too */
    struct error error;
};

struct resize {
    struct cli_run *run;
    const struct resize_options *options;
    struct cli_input input;
    struct job *jobs;
    struct job **ordered; /* those that make a picture, the largest first */
    size_t job_count, ordered_count;
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
    resize->ordered = memory_zeroed(resize->job_count, sizeof(struct job *), error);
    if (resize->jobs == NULL || resize->ordered == NULL)
        return false;
    static const struct resize_size whole = {.target = {.share = 1}};
    for (size_t i = 0; i < resize->job_count; i++) {
        resize->jobs[i].size = count > 0 ? &options->sizes.list[i] : sides ? NULL : &whole;
        resize->jobs[i].output.file = (struct outfile){.fd = -1, .dir_fd = -1};
    }
    return true;
}

/* The format that a template asks for: -f, its own extension, or the input's; CODEC_NONE as long as
 * only its header tells that. */
static enum codec_format template_format(const struct resize *resize)
{
    if (resize->options->common.format != CODEC_NONE)
        return (enum codec_format)resize->options->common.format;
    enum codec_format format = codec_by_path(resize->options->output_template);
    return format == CODEC_NONE ? resize->input.format : format;
}

/* False where the name depends on what only the header tells. */
static bool job_name_is_known(const struct resize *resize, const struct job *job)
{
    const char *pattern = resize->options->output_template;
    bool named = job->size != NULL && job->size->name != NULL;
    return pattern == NULL ||
           (strstr(pattern, "{w}") == NULL && strstr(pattern, "{h}") == NULL &&
            (named || strstr(pattern, "{name}") == NULL) &&
            (template_format(resize) != CODEC_NONE || strstr(pattern, "{ext}") == NULL));
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
    enum codec_format format = template_format(resize);
    const char *extensions = format == CODEC_NONE ? "" : codec_of(format)->extensions;
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

/* Where nothing is enlarged several sizes often come to the same one. */
static void job_find_same(const struct resize *resize, struct job *job)
{
    for (struct job *other = resize->jobs; other < job && !job->again; other++)
        if (!other->again && resize_plan_equal(&other->plan, &job->plan) &&
            other->output.format == job->output.format) {
            job->output.same = other->output.same;
            other->output.same = &job->output;
            job->again = true;
        }
}

static bool job_open(struct resize *resize, struct job *job, struct error *error)
{
    return job_name(resize, job, error) &&
           cli_output_open(resize->run, job->path.data, &resize->input, &job->output, error);
}

/* Before the header is read. */
static bool resize_open_outputs(struct resize *resize, struct error *error)
{
    for (size_t i = 0; i < resize->job_count; i++)
        if (!job_name_is_known(resize, &resize->jobs[i]))
            sandbox_postpone("--output-template asks for what only the header tells");
        else if (!job_open(resize, &resize->jobs[i], error))
            return false;
    return true;
}

/* When it is known. */
static bool resize_settle_outputs(struct resize *resize, struct error *error)
{
    struct codec_read_options limits;
    cli_read_options(resize->run, &limits);
    for (size_t i = 0; i < resize->job_count; i++) {
        struct job *job = &resize->jobs[i];
        job_plan(resize, job, resize->input.full_width, resize->input.full_height);
        if (!codec_check_size(&limits, job->plan.width, job->plan.height, error) ||
            !codec_check_size(&limits, job->plan.place.width, job->plan.place.height, error))
            return error_hint(error, "an output would be this large");
        if ((job->path.length == 0 && !job_open(resize, job, error)) ||
            !cli_output_settle(resize->run, &resize->input, &job->output, error) ||
            !job_is_alone(resize, job, error))
            return false;
        job_find_same(resize, job);
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

/* The part of the stored rows that becomes the picture. */
static struct resample_region job_region(const struct cli_input *input, const struct job *job)
{
    struct resample_region region = job->plan.region;
    /* The codec may have decoded to a smaller size. */
    double across = (double)input->shape.width / input->full_width;
    double down = (double)input->shape.height / input->full_height;
    region = (struct resample_region){region.x * across, region.y * down, region.width * across,
                                      region.height * down};
    return resize_plan_stored(&region, input->info->orientation, input->shape.width,
                              input->shape.height);
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
    const struct image *to = &job->view;
    if (input->info->orientation > 1) {
        bool swaps = image_orientation_swaps(input->info->orientation);
        shape.width = swaps ? job->view.shape.height : job->view.shape.width;
        shape.height = swaps ? job->view.shape.width : job->view.shape.height;
        if (!image_new(&job->turned, &shape, error))
            return false;
        to = &job->turned;
    }
    struct resample_region region = job_region(input, job);
    return resampler_new(&job->resampler, input->stored.width, input->stored.height, &region,
                         (enum resample_filter)resize->options->filter, &resize->tone, to, error);
}

/* Rows of the source on their way into all outputs. */
struct band {
    struct resize *resize;
    uint8_t *rows;
    size_t stride;
    uint32_t first, count;
};

/* Some columns of the band to light, and down into each output. */
static void band_down(void *context, size_t index)
{
    const struct band *band = context;
    const struct resize *resize = band->resize;
    const struct image_shape *shape = &resize->input.stored;
    enum { STRIDE = RESAMPLE_COLUMNS * 4 };
    float light[RESAMPLE_GROUP * STRIDE];
    uint32_t x = (uint32_t)index * RESAMPLE_COLUMNS, left = shape->width - x;
    struct resample_group group = {
        .x = x, .width = left < RESAMPLE_COLUMNS ? left : RESAMPLE_COLUMNS, .light = light};
    for (; group.row < band->count; group.row += RESAMPLE_GROUP) {
        left = band->count - group.row;
        group.rows = left < RESAMPLE_GROUP ? left : RESAMPLE_GROUP;
        if (group.rows < RESAMPLE_GROUP)
            memset(light, 0, sizeof light);
        for (uint32_t y = 0; y < group.rows; y++)
            resample_load_row(&resize->tone, shape,
                              band->rows + (group.row + y) * band->stride +
                                  x * image_pixel_bytes(shape),
                              light + y * STRIDE, group.width);
        for (size_t i = 0; i < resize->job_count; i++)
            if (resize->jobs[i].resampler != NULL)
                resampler_down(resize->jobs[i].resampler, &group);
    }
}

static uint32_t job_complete(const struct job *job, const struct band *band)
{
    return job->resampler == NULL ? 0 : resampler_complete(job->resampler, band->count);
}

/* One output row that is complete with this band. */
static void band_across(void *context, size_t index)
{
    const struct band *band = context;
    const struct job *job = band->resize->jobs;
    for (uint32_t rows = 0; index >= (rows = job_complete(job, band)); job++)
        index -= rows;
    resampler_across(job->resampler, (uint32_t)index);
}

static void band_take(struct band *band, unsigned threads)
{
    const struct resize *resize = band->resize;
    const struct image_shape *shape = &resize->input.stored;
    size_t complete = 0;
    bool light = false;
    for (size_t i = 0; i < resize->job_count; i++) {
        const struct job *job = &resize->jobs[i];
        light = light || job->resampler != NULL;
        complete += job_complete(job, band);
        if (job->resampler == NULL && !job->again)
            image_place_rows(&job->view, resize->input.info->orientation, shape, band->first,
                             band->rows, band->stride, band->count);
    }
    if (!light)
        return;
    threads_for(threads, (shape->width + RESAMPLE_COLUMNS - 1) / RESAMPLE_COLUMNS, band_down,
                band);
    threads_for(threads, complete, band_across, band);
    for (size_t i = 0; i < resize->job_count; i++)
        if (resize->jobs[i].resampler != NULL)
            resampler_advance(resize->jobs[i].resampler, band->count);
}

/* One band is worked on while the next one is decoded. */
struct stream {
    struct resize *resize;
    struct band now, next;
    unsigned threads;
    struct error error; /* of decoding NEXT */
};

/* The rows behind those of NOW; none after the last. */
static void stream_decode(struct stream *stream)
{
    struct cli_input *input = &stream->resize->input;
    struct band *next = &stream->next;
    next->first = stream->now.first + stream->now.count;
    uint32_t left = input->stored.height - next->first;
    next->count = left < BAND_ROWS ? left : BAND_ROWS;
    if (next->count > 0 && !cli_input_rows(stream->resize->run, input, next->rows, next->stride,
                                           next->count, &stream->error))
        next->count = 0;
}

static void stream_step(void *context, size_t index)
{
    struct stream *stream = context;
    if (index == 0)
        band_take(&stream->now, stream->threads);
    else
        stream_decode(stream);
}

static bool resize_decode(struct resize *resize, struct error *error)
{
    size_t bytes = image_row_bytes(&resize->input.stored);
    struct band band = {.resize = resize, .stride = bytes};
    struct stream stream = {.resize = resize, .now = band, .next = band,
                            .threads = cli_threads(&resize->options->common)};
    stream.now.rows = memory_array(BAND_ROWS, bytes, &stream.error);
    stream.next.rows = memory_array(BAND_ROWS, bytes, &stream.error);
    if (stream.error.kind == ERROR_NONE)
        stream_decode(&stream);
    while (stream.next.count > 0) {
        band = stream.now;
        stream.now = stream.next;
        stream.next = band;
        threads_for(stream.threads, 2, stream_step, &stream);
    }
    free(stream.now.rows);
    free(stream.next.rows);
    if (stream.error.kind == ERROR_NONE)
        return true;
    *error = stream.error;
    return false;
}

/* Puts what was resampled as it is stored where it belongs. */
static void job_turn(const struct resize *resize, struct job *job)
{
    if (job->turned.pixels != NULL)
        image_place_rows(&job->view, resize->input.info->orientation, &job->turned.shape, 0,
                         job->turned.pixels, job->turned.stride, job->turned.shape.height);
    image_free(&job->turned);
}

static void job_encode(void *context, size_t index)
{
    struct resize *resize = context;
    struct job *job = resize->ordered[index];
    job_turn(resize, job);
    bool done = sharpen_apply(&job->image, resize->options->sharpen, &job->error) &&
                cli_output_prepare(resize->run, &job->output, &job->image, &job->error) &&
                cli_output_encode_within(resize->run, &job->output, &job->image,
                                         resize->options->max_bytes, &job->error);
    for (struct cli_output *output = &job->output; done && output != NULL; output = output->same)
        done = outfile_sync(&output->file, &job->error);
    image_free(&job->image);
}

static int job_compare_size(const void *one, const void *other)
{
    const struct job *a = *(struct job *const *)one, *b = *(struct job *const *)other;
    uint64_t first = (uint64_t)a->plan.width * a->plan.height;
    uint64_t second = (uint64_t)b->plan.width * b->plan.height;
    return (first < second) - (first > second);
}

/* The largest first, so that no processor starts with it when the others are done. */
static void resize_order_jobs(struct resize *resize)
{
    for (size_t i = 0; i < resize->job_count; i++)
        if (!resize->jobs[i].again)
            resize->ordered[resize->ordered_count++] = &resize->jobs[i];
    qsort(resize->ordered, resize->ordered_count, sizeof(struct job *), job_compare_size);
}

/* Encodes all outputs, several at a time, and puts them in place when all of them are good. */
static bool resize_write(struct resize *resize, struct error *error)
{
    struct cli_run *run = resize->run;
    resize_order_jobs(resize);
    threads_for(cli_threads(&resize->options->common), resize->ordered_count, job_encode, resize);
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
        image_free(&job->turned);
        cli_output_discard(&job->output);
        text_free(&job->path);
    }
    free(resize->jobs);
    free(resize->ordered);
    tone_free(&resize->tone);
    cli_input_close(&resize->input);
}

bool resize_jobs_run(struct cli_run *run, const struct resize_options *options,
                     struct error *error)
{
    struct resize resize = {.run = run, .options = options, .input.source.fd = -1};
    enum tone_light light = options->light == 0 ? TONE_LINEAR : TONE_GAMMA;
    bool done = resize_list_jobs(&resize, error) &&
                cli_input_open(run, options->common.input, &resize.input, error) &&
                resize_open_outputs(&resize, error) &&
                cli_input_header(run, resize_enough, &resize, &resize.input, error) &&
                resize_settle_outputs(&resize, error) && sandbox_enter(run, error) &&
                tone_new(&resize.tone, light, &resize.input.metadata.icc,
                         resize.input.shape.color == IMAGE_GREY ? ICC_GREY : ICC_RGB,
                         resize.input.shape.depth, error);
    for (size_t i = 0; done && i < resize.job_count; i++)
        done = resize.jobs[i].again || job_prepare(&resize, &resize.jobs[i], error);
    done = done && resize_decode(&resize, error) && resize_write(&resize, error);
    resize_free(&resize);
    return done;
}
