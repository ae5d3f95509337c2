/* SPDX-License-Identifier: MIT */
#include "tools/resize_jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/name_template.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "tools/resize_parts.h"

static struct resize_target job_target(const struct resize *resize, const struct resize_job *job)
{
    if (job->size != NULL)
        return job->size->target;
    return (struct resize_target){.width = (uint32_t)resize->options->width,
                                  .height = (uint32_t)resize->options->height};
}

static void job_plan(const struct resize *resize, struct resize_job *job, uint32_t width,
                     uint32_t height)
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
        struct resize_job *job = &resize->jobs[i];
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
    if (count > 1 && options->output_template == NULL) {
        error_set(error, ERROR_USAGE, "several sizes need --output-template");
        return error_hint(error, "imgresize's own, such as '{stem}-{w}.webp'");
    }
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
    resize->ordered = memory_zeroed(resize->job_count, sizeof(struct resize_job *), error);
    return resize->ordered != NULL;
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
static bool job_name_is_known(const struct resize *resize, const struct resize_job *job)
{
    const char *pattern = resize->options->output_template;
    bool named = job->size != NULL && job->size->name != NULL;
    return pattern == NULL ||
           (strstr(pattern, "{w}") == NULL && strstr(pattern, "{h}") == NULL &&
            (named || strstr(pattern, "{name}") == NULL) &&
            (template_format(resize) != CODEC_NONE || strstr(pattern, "{ext}") == NULL));
}

static bool job_name(const struct resize *resize, struct resize_job *job, struct error *error)
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
static bool job_is_alone(const struct resize *resize, const struct resize_job *job,
                         struct error *error)
{
    for (const struct resize_job *other = resize->jobs; other < job; other++)
        if (strcmp(other->path.data, job->path.data) == 0 ||
            outfile_same_target(&other->output.file, &job->output.file))
            return error_set(error, ERROR_USAGE, "two outputs would be called '%s'; "
                             "{name} in --output-template tells them apart", job->path.data);
    return true;
}

/* Where nothing is enlarged several sizes often come to the same one. */
static void job_find_same(const struct resize *resize, struct resize_job *job)
{
    for (struct resize_job *other = resize->jobs; other < job && !job->again; other++)
        if (!other->again && resize_plan_equal(&other->plan, &job->plan) &&
            other->output.format == job->output.format) {
            job->output.same = other->output.same;
            other->output.same = &job->output;
            job->again = true;
        }
}

static bool job_open(struct resize *resize, struct resize_job *job, struct error *error)
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
        struct resize_job *job = &resize->jobs[i];
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

static int job_compare_size(const void *one, const void *other)
{
    const struct resize_job *a = *(struct resize_job *const *)one;
    const struct resize_job *b = *(struct resize_job *const *)other;
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
    qsort(resize->ordered, resize->ordered_count, sizeof(struct resize_job *), job_compare_size);
}

/* Puts all outputs in place. */
static bool resize_commit(struct resize *resize, struct error *error)
{
    struct cli_run *run = resize->run;
    json_t *outputs = json_array();
    for (size_t i = 0; i < resize->job_count; i++) {
        struct resize_job *job = &resize->jobs[i];
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
    for (size_t i = 0; resize->jobs != NULL && i < resize->job_count; i++)
        resize_job_free(&resize->jobs[i]);
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
    if (done)
        resize_order_jobs(&resize);
    for (size_t i = 0; done && i < resize.ordered_count; i++)
        done = resize_job_begin(&resize, resize.ordered[i], error);
    done = done && resize_stream(&resize, error) && resize_commit(&resize, error);
    resize_free(&resize);
    return done;
}
