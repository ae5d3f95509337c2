/* SPDX-License-Identifier: MIT */
/* imgshadow: a soft shadow under a cutout. */
#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "cli/values.h"
#include "color/color.h"
#include "color/icc.h"
#include "ops/shadow.h"

struct shadow_fields {
    struct cli_common common;
    struct length blur, sigma;
    struct value_offset offset;
    double opacity;
    struct color color;
    int64_t spread;
    int canvas, layer, type;
    bool no_dither;
};

static const char *const canvas_choices[] = {"grow", "keep", NULL};
static const char *const layer_choices[] = {"full", "shadow", NULL};
static const char *const type_choices[] = {"drop", NULL};

#define FIELD(name) offsetof(struct shadow_fields, name)

static const struct option_entry entries[] = {
    {"sigma", 0, .brief = true, OPTION_CUSTOM, "LEN", "12px", .offset = FIELD(sigma),
     .parse = value_length,
     .help = "softness: standard deviation of the blur; a share is of the longer side"},
    {"blur", 0, .type = OPTION_CUSTOM, "LEN", NULL, .offset = FIELD(blur), .parse = value_length,
     .help = "softness as in CSS: twice the sigma"},
    {"offset", 0, .brief = true, OPTION_CUSTOM, "X,Y", "0,8", .offset = FIELD(offset),
     .parse = value_offset, .help = "where the shadow falls: pixels to the right and down"},
    {"opacity", 0, .brief = true, OPTION_SHARE, "SHARE", "35%", 0, 1, .offset = FIELD(opacity),
     .help = "opacity of the shadow"},
    {"color", 0, .brief = true, OPTION_CUSTOM, "COLOR", "black", .offset = FIELD(color),
     .parse = value_color, .help = "colour of the shadow: CSS or RAL"},
    {"spread", 0, .type = OPTION_PIXELS, "PX", "0", 0, SHADOW_MAX_SPREAD, .offset = FIELD(spread),
     .help = "let the silhouette grow by PX pixels before it is blurred"},
    {"canvas", 0, .type = OPTION_CHOICE, "HOW", "grow", .choices = canvas_choices,
     .offset = FIELD(canvas), .help = "make room for the shadow, or keep the size"},
    {"layer", 0, .type = OPTION_CHOICE, "WHICH", "full", .choices = layer_choices,
     .offset = FIELD(layer), .help = "picture and shadow, or the shadow alone, aligned with it"},
    {"no-dither", 0, .type = OPTION_FLAG, .offset = FIELD(no_dither),
     .help = "round the shadow's alpha to 8 bits instead of dithering it"},
    {"type", 0, .type = OPTION_CHOICE, "TYPE", "drop", .choices = type_choices,
     .offset = FIELD(type), .help = "kind of shadow"},
};

static double length_px(const struct length *length, uint32_t width, uint32_t height)
{
    return length->is_share ? length->value * (width > height ? width : height) : length->value;
}

/* A grey image under a coloured shadow has to become RGB. */
static bool is_neutral(const struct color *color)
{
    return fabs(color->srgb[0] - color->srgb[1]) < 1e-6 &&
           fabs(color->srgb[0] - color->srgb[2]) < 1e-6;
}

static bool shadow_fill_options(const struct cli_run *run, const struct shadow_fields *fields,
                                const struct cli_input *input, struct shadow_options *options,
                                struct error *error)
{
    const struct image_shape *shape = &input->shape;
    bool css = option_given(&run->set, &run->parsed, "blur");
    double color[3];
    if (css && option_given(&run->set, &run->parsed, "sigma"))
        return error_set(error, ERROR_USAGE, "--blur together with --sigma");
    *options = (struct shadow_options){
        .sigma_px = css ? length_px(&fields->blur, shape->width, shape->height) / 2
                        : length_px(&fields->sigma, shape->width, shape->height),
        .opacity = fields->opacity * fields->color.alpha,
        .offset_x = fields->offset.x,
        .offset_y = fields->offset.y,
        .spread_px = (uint32_t)fields->spread,
        .keep_canvas = fields->canvas == 1,
        .shadow_only = fields->layer == 1,
        .no_dither = fields->no_dither,
        .threads = cli_threads(&fields->common),
    };
    if (!icc_color_from_srgb(&input->metadata.icc, shape->color == IMAGE_GREY ? ICC_GREY : ICC_RGB,
                             fields->color.srgb, color, error))
        return false;
    double full = shape->depth == 16 ? UINT16_MAX : UINT8_MAX;
    for (int c = 0; c < 3; c++)
        options->color[c] = (uint16_t)lrint(color[shape->color == IMAGE_GREY ? 0 : c] * full);
    return true;
}

static bool shadow_new_image(struct cli_run *run, const struct cli_input *input,
                             const struct shadow_canvas *canvas, struct image *image,
                             struct error *error)
{
    struct codec_read_options limits;
    struct image_shape shape = input->shape;
    shape.width = canvas->width;
    shape.height = canvas->height;
    shape.alpha = true;
    cli_read_options(run, &limits);
    if (!codec_check_size(&limits, shape.width, shape.height, error))
        return error_hint(error, "the shadow makes the image this large");
    return image_new(image, &shape, error);
}

enum { BAND_ROWS = 128 };

/* One band is written while the next one is painted. */
struct shadow_job {
    struct cli_run *run;
    struct cli_input *input;
    struct cli_output *output;
    struct image *image;
    struct shadow_options options;
    struct shadow_canvas canvas;
    struct shadow *shadow;
    uint32_t painted, written; /* rows */
    struct error paint_error, write_error;
};

static void shadow_step(void *context, size_t index)
{
    struct shadow_job *job = context;
    struct image *image = job->image;
    uint32_t count = job->painted - job->written, left = image->shape.height - job->painted;
    if (index == 0)
        shadow_paint(job->shadow, job->painted + (left < BAND_ROWS ? left : BAND_ROWS),
                     &job->paint_error);
    else if (count > 0)
        cli_output_rows(job->output, image_row(image, job->written), image->stride, count,
                        &job->write_error);
}

static bool shadow_pass(struct shadow_job *job, struct error *error)
{
    uint32_t height = job->image->shape.height;
    while (job->written < height) {
        uint32_t left = height - job->painted;
        threads_for(job->options.threads, 2, shadow_step, job);
        job->written = job->painted;
        job->painted += left < BAND_ROWS ? left : BAND_ROWS;
        if (job->paint_error.kind != ERROR_NONE || job->write_error.kind != ERROR_NONE) {
            *error = job->paint_error.kind != ERROR_NONE ? job->paint_error : job->write_error;
            return false;
        }
    }
    return true;
}

/* The original is decoded straight to its place. */
static bool shadow_make(struct shadow_job *job, struct error *error)
{
    struct image place = image_view(job->image, &job->canvas.original);
    return cli_output_begin(job->run, job->output, job->image, error) &&
           cli_input_read_into(job->run, job->input, &place, error) &&
           shadow_new(&job->shadow, job->image, &job->canvas.original, &job->options, error) &&
           shadow_pass(job, error) && cli_output_end(job->output, error) &&
           cli_output_commit(job->run, job->output, error);
}

static bool shadow_write(struct shadow_job *job, struct error *error)
{
    struct cli_run *run = job->run;
    const struct shadow_canvas *canvas = &job->canvas;
    bool done = shadow_make(job, error);
    bool has_shadow = done && shadow_shows(job->shadow);
    shadow_free(job->shadow);
    if (!done)
        return false;
    run->output = cli_output_json(job->output);
    cli_explain(run, "%s: sigma %.2f px, canvas %u x %u, the original at %u, %u", cli_file(run),
                job->options.sigma_px, canvas->width, canvas->height, canvas->original.x,
                canvas->original.y);
    run->result = json_pack("{s:{s:i, s:i}, s:[i, i], s:b}", "offset", "x", (int)canvas->original.x,
                            "y", (int)canvas->original.y, "canvas", (int)canvas->width,
                            (int)canvas->height, "has_shadow", (int)has_shadow);
    return true;
}

static bool shadow_process(struct cli_run *run, const struct shadow_fields *fields,
                           struct cli_input *input, struct cli_output *output,
                           struct image *image, struct error *error)
{
    struct shadow_job job = {.run = run, .input = input, .output = output, .image = image};
    if (!cli_output_open(run, cli_output_path(run, input), input, output, error) ||
        !cli_input_header(run, NULL, NULL, input, error))
        return false;
    if (!is_neutral(&fields->color) && !cli_input_make_rgb(input, error))
        return false;
    if (!shadow_fill_options(run, fields, input, &job.options, error) ||
        !shadow_canvas(&job.options, input->shape.width, input->shape.height, &job.canvas, error) ||
        !cli_output_settle(run, input, output, error) || !sandbox_enter(run, error) ||
        !shadow_new_image(run, input, &job.canvas, image, error))
        return false;
    image->metadata = input->metadata;
    input->metadata = (struct image_metadata){0};
    return shadow_write(&job, error);
}

static bool shadow_run(struct cli_run *run, void *options, struct error *error)
{
    const struct shadow_fields *fields = options;
    struct cli_input input;
    struct cli_output output = {.file = {.fd = -1, .dir_fd = -1}};
    struct image image = {0};
    if (!cli_input_open(run, fields->common.input, &input, error))
        return false;
    bool done = shadow_process(run, fields, &input, &output, &image, error);
    image_free(&image);
    cli_output_discard(&output);
    cli_input_close(&input);
    return done;
}

static const struct result_field offset_fields[] = {
    {"x", .type = RESULT_INTEGER},
    {"y", .type = RESULT_INTEGER},
    {0},
};

static const struct result_field result_fields[] = {
    {"offset", RESULT_OBJECT, .help = "where the original lies in the result",
     .fields = offset_fields},
    {"canvas", RESULT_SIZE, .help = "of the result"},
    {"has_shadow", RESULT_FLAG, .help = "whether there is any to be seen"},
    {0},
};

static const struct cli_tool tool = {
    .name = "imgshadow",
    .operands = "[INPUT]",
    .description =
        "Blurs the silhouette of the picture, the shape of its alpha, with a true Gaussian, and "
        "lays it under the picture. The canvas grows by three sigmas and the spread, less the "
        "offset, so that nothing is cut. Opaque pixels keep their bits.\n\n"
        "In 8 bits the shadow's alpha is dithered with a fixed pattern, so that soft shadows show "
        "no bands; the same input gives the same output every time.",
    .results = {{.fields = result_fields}},
    .options = {"Shadow", entries, CLI_COUNT(entries)},
    .groups = CLI_IMAGE_FILTER,
    .examples = {{"imgshadow -o car.png cutout.png", "a soft shadow below"},
                 {"imgshadow --sigma 16 --offset 8,12 --opacity 40% -o car.webp cutout.png",
                  "softer, to the lower right"},
                 {"imgshadow --layer shadow --color 'RAL 7016' -o shadow.png cutout.png",
                  "the shadow alone, to be laid under it by somebody else"}},
    .options_size = sizeof(struct shadow_fields),
    .max_operands = 1,
    .operands_are_inputs = true,
    .run = shadow_run,
    .libraries = cli_image_libraries,
};

int main(int argc, char **argv)
{
    return cli_main(&tool, argc, argv);
}
