/* SPDX-License-Identifier: MIT */
/* imgcrop: to the content, with padding. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "cli/values.h"
#include "color/color.h"
#include "ops/crop.h"
#include "tools/crop_rows.h"

/* --background: auto, alpha or a colour. */
struct crop_ground {
    enum crop_background kind;
    struct color color;
};

struct crop_fields {
    struct cli_common common;
    struct length padding[4];
    int64_t min_padding, alpha_threshold;
    double max_crop, min_area, aspect, fill, tolerance;
    struct crop_ground background;
    unsigned sides;
    int symmetric, blank;
    struct value_box box;
    bool extend, strict, print_box;
};

static bool value_ground(const char *text, void *field, struct error *error)
{
    struct crop_ground *ground = field;
    ground->kind = strcmp(text, "auto") == 0    ? CROP_AUTO
                   : strcmp(text, "alpha") == 0 ? CROP_ALPHA
                                                : CROP_COLOR;
    return ground->kind != CROP_COLOR || color_parse(text, &ground->color, error);
}

static bool value_tolerance(const char *text, void *field, struct error *error)
{
    double *tolerance = field;
    const char *end = text;
    if (strcmp(text, "auto") == 0) {
        *tolerance = -1;
        return true;
    }
    if (!text_to_double(text, &end, tolerance) || *end != '\0' || *tolerance < 0 ||
        *tolerance > 200)
        return error_set(error, ERROR_USAGE, "'%s' is not auto or a CIEDE2000 from 0 to 200", text);
    return true;
}

static bool value_sides(const char *text, void *field, struct error *error)
{
    static const char *const names[] = {"top", "right", "bottom", "left", "all"};
    static const unsigned bits[] = {CROP_TOP, CROP_RIGHT, CROP_BOTTOM, CROP_LEFT, CROP_ALL_SIDES};
    unsigned sides = 0;
    for (const char *p = text;; p++) {
        size_t length = strcspn(p, ","), i = 0;
        while (i < CLI_COUNT(names) &&
               (strlen(names[i]) != length || strncmp(names[i], p, length) != 0))
            i++;
        if (i == CLI_COUNT(names))
            return error_set(error, ERROR_USAGE,
                             "'%s' is not a list of top, right, bottom, left, or all", text);
        sides |= bits[i];
        p += length;
        if (*p == '\0')
            break;
    }
    *(unsigned *)field = sides;
    return true;
}

static const char *const symmetric_choices[] = {"none", "x", "y", "xy", NULL};
static const char *const blank_choices[] = {"pass", "fail", NULL};

#define FIELD(name) offsetof(struct crop_fields, name)

static const struct option_entry entries[] = {
    {"padding", 0, .brief = true, OPTION_CUSTOM, "LEN[,LEN...]", "5%", .offset = FIELD(padding),
     .parse = value_lengths,
     .help = "space around the content: 1 to 4 values in CSS order, a share is of its size"},
    {"min-padding", 0, .type = OPTION_PIXELS, "PX", "20", 0, 65535, .offset = FIELD(min_padding),
     .help = "the least padding in pixels"},
    {"max-crop", 0, .type = OPTION_SHARE, "SHARE", "80%", 0, 1, .offset = FIELD(max_crop),
     .help = "on neither axis is more than this removed"},
    {"background", 0, .brief = true, OPTION_CUSTOM, "WHAT", "auto",
     .offset = FIELD(background), .parse = value_ground,
     .help = "auto, alpha or a colour, what is not content: auto is transparency if there is any, "
             "else a model of the border; on a colour, transparency is also flattened for JPEG"},
    {"tolerance", 0, .brief = true, OPTION_CUSTOM, "DE", "auto", .offset = FIELD(tolerance),
     .parse = value_tolerance, .help = "auto, or how far content is from the background in CIEDE2000"},
    {"alpha-threshold", 0, .type = OPTION_INTEGER, "N", "10", 0, 254,
     .offset = FIELD(alpha_threshold), .help = "content is what has an alpha above this, of 255"},
    {"min-area", 0, .type = OPTION_SHARE, "SHARE", "0.0002", 0, 1, .offset = FIELD(min_area),
     .help = "isolated specks smaller than this share of the image do not count"},
    {"sides", 0, .type = OPTION_CUSTOM, "LIST", "all", .offset = FIELD(sides), .parse = value_sides,
     .help = "crop only at these: top, right, bottom, left"},
    {"symmetric", 0, .type = OPTION_CHOICE, "AXES", "none", .choices = symmetric_choices,
     .offset = FIELD(symmetric), .help = "remove as much on one side as on the other"},
    {"aspect", 0, .type = OPTION_CUSTOM, "W:H", NULL, .offset = FIELD(aspect),
     .parse = value_aspect, .help = "let the box grow to this ratio"},
    {"fill", 0, .type = OPTION_SHARE, "SHARE", NULL, 0.01, 1, .offset = FIELD(fill),
     .help = "the content fills this share of the longer side, instead of padding"},
    {"extend", 0, .type = OPTION_FLAG, .offset = FIELD(extend),
     .help = "the box may leave the image; the canvas grows with the background"},
    {"box", 0, .type = OPTION_CUSTOM, "WxH+X+Y", NULL, .offset = FIELD(box), .parse = value_box,
     .help = "crop to this box, nothing is looked for"},
    {"blank", 0, .type = OPTION_CHOICE, "HOW", "pass", .choices = blank_choices,
     .offset = FIELD(blank), .help = "an image without content is passed on, or fails (exit 1)"},
    {"strict", 0, .type = OPTION_FLAG, .offset = FIELD(strict),
     .help = "exit 1, writing nothing, where it is not sure what the content is"},
    {"print-box", 0, .brief = true, OPTION_FLAG, .offset = FIELD(print_box),
     .help = "only print the box, as WxH+X+Y"},
};

static void crop_fill_options(const struct crop_fields *fields, struct crop_options *options)
{
    crop_options_init(options);
    for (int i = 0; i < 4; i++)
        options->padding[i] =
            (struct crop_length){fields->padding[i].value, fields->padding[i].is_share};
    options->min_padding = (uint32_t)fields->min_padding;
    options->max_crop = fields->max_crop;
    options->alpha_threshold = (unsigned)fields->alpha_threshold;
    options->background = fields->background.kind;
    memcpy(options->background_lab, fields->background.color.lab, sizeof options->background_lab);
    memcpy(options->background_srgb, fields->background.color.srgb,
           sizeof options->background_srgb);
    options->tolerance = fields->tolerance;
    options->min_area = fields->min_area;
    options->sides = fields->sides;
    options->symmetric_x = (fields->symmetric & 1) != 0;
    options->symmetric_y = (fields->symmetric & 2) != 0;
    options->aspect = fields->aspect;
    options->fill = fields->fill;
    options->extend = fields->extend;
    options->has_box = fields->box.width > 0;
    options->box = (struct crop_box){fields->box.x, fields->box.y, fields->box.width,
                                     fields->box.height};
    options->threads = cli_threads(&fields->common);
}

/* Without CROP_MODEL_NONE. */
static const char *const model_names[] = {"alpha", "uniform", "gradient", NULL};

static json_t *box_json(const struct crop_box *box)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "x", (json_int_t)box->x, "y", (json_int_t)box->y,
                     "width", (json_int_t)box->width, "height", (json_int_t)box->height);
}

static json_t *result_json(const struct crop_result *result, const struct image *image)
{
    char color[8];
    snprintf(color, sizeof color, "#%02x%02x%02x", result->color[0], result->color[1],
             result->color[2]);
    bool none = result->model == CROP_MODEL_NONE, alpha = result->model == CROP_MODEL_ALPHA;
    json_t *background = none ? json_null()
                              : json_pack("{s:s, s:s?}", "model",
                                          model_names[result->model - CROP_MODEL_ALPHA], "color",
                                          alpha ? NULL : color);
    return json_pack("{s:o, s:o, s:[i, i], s:[I, I], s:o, s:f, s:b, s:b}", "box",
                     box_json(&result->box), "content", box_json(&result->content),
                     "original_size", (int)image->shape.width, (int)image->shape.height,
                     "final_size", (json_int_t)result->box.width, (json_int_t)result->box.height,
                     "background", background, "confidence", result->confidence, "cropped",
                     (int)result->cropped, "blank", (int)result->blank);
}

static bool box_is_inside(const struct crop_box *box, const struct image_shape *shape)
{
    return box->x >= 0 && box->y >= 0 && box->x + box->width <= shape->width &&
           box->y + box->height <= shape->height;
}

static struct image_box box_of(const struct crop_box *box)
{
    return (struct image_box){(uint32_t)box->x, (uint32_t)box->y, (uint32_t)box->width,
                              (uint32_t)box->height};
}

/* The part of IMAGE that the result names, with the metadata; a view where nothing is added. */
static bool crop_cut(const struct cli_run *run, struct image *image,
                     const struct crop_result *result, struct image *cut, struct error *error)
{
    const struct crop_box *box = &result->box;
    if (!box_is_inside(box, &image->shape)) {
        struct codec_read_options limits;
        cli_read_options(run, &limits);
        return codec_check_size(&limits, (uint64_t)box->width, (uint64_t)box->height, error) &&
               crop_apply(image, result, cut, error);
    }
    struct image_box part = box_of(box);
    *cut = image_view(image, &part);
    cut->metadata = image->metadata;
    image->metadata = (struct image_metadata){0};
    return true;
}

/* What is said where nothing was cropped, and whether that is the answer no. */
static bool crop_declined(struct cli_run *run, const struct crop_fields *fields,
                          const struct crop_result *result)
{
    if (result->blank) {
        cli_warn(run, "%s: no content found%s", cli_file(run),
                 fields->blank == 1 ? ": --blank"
                 : fields->strict   ? ", declined: --strict"
                                    : ", not cropped");
        return fields->blank == 1 || fields->strict;
    }
    if (!result->sure)
        cli_warn(run, "%s: not sure what the content is (confidence %.2f), %s", cli_file(run),
                 result->confidence, fields->strict ? "declined: --strict" : "not cropped");
    return !result->sure && fields->strict;
}

static void crop_describe(struct cli_run *run, const struct crop_result *result,
                          const struct image *image)
{
    cli_explain(run, "%s: content %lldx%lld%+lld%+lld, confidence %.2f, tolerance %.2f",
                cli_file(run), (long long)result->content.width, (long long)result->content.height,
                (long long)result->content.x, (long long)result->content.y, result->confidence,
                result->tolerance);
    run->result = result_json(result, image);
}

static bool crop_finish(struct cli_run *run, const struct crop_fields *fields,
                        const struct crop_result *result, struct image *image,
                        struct cli_output *output, struct error *error)
{
    struct image cut = {0};
    crop_describe(run, result, image);
    if (crop_declined(run, fields, result)) {
        run->answer_no = true;
        return true;
    }
    if (fields->print_box) {
        text_printf(&run->answer, "%lldx%lld%+lld%+lld\n", (long long)result->box.width,
                    (long long)result->box.height, (long long)result->box.x,
                    (long long)result->box.y);
        return true;
    }
    bool done = crop_cut(run, image, result, &cut, error) &&
                cli_output_write(run, output, &cut, error);
    image_free(&cut);
    return done;
}

/* A box that the caller chose, and that needs no background, is cut out as the rows come. */
static bool crop_streams(const struct crop_fields *fields, const struct crop_options *crop,
                         const struct cli_input *input)
{
    return crop->has_box && !fields->print_box && box_is_inside(&crop->box, &input->shape);
}

static bool crop_process(struct cli_run *run, const struct crop_fields *fields,
                         const struct crop_options *crop, struct cli_input *input,
                         struct cli_output *output, struct error *error)
{
    struct image image = {.shape = input->shape};
    struct crop_result result;
    if (crop_streams(fields, crop, input)) {
        struct image_box box = box_of(&crop->box);
        if (!crop_find(&image, crop, &result, error))
            return false;
        crop_describe(run, &result, &image);
        return crop_rows_write(run, input, &box, output, error);
    }
    bool done = cli_input_read(run, input, &image, error) &&
                crop_find(&image, crop, &result, error) &&
                crop_finish(run, fields, &result, &image, output, error);
    image_free(&image);
    return done;
}

/* What is written, and in between the header of what is read. */
static bool crop_open(struct cli_run *run, const struct crop_fields *fields,
                      struct cli_input *input, struct cli_output *output, struct error *error)
{
    if (fields->print_box)
        return cli_answer_open_early(run, error) &&
               cli_input_header(run, NULL, NULL, input, error) && cli_answer_open(run, error);
    return cli_output_open(run, cli_output_path(run, input), input, output, error) &&
           cli_input_header(run, NULL, NULL, input, error) &&
           cli_output_settle(run, input, output, error);
}

static bool crop_run(struct cli_run *run, void *options, struct error *error)
{
    const struct crop_fields *fields = options;
    struct cli_input input;
    struct cli_output output = {.file = {.fd = -1, .dir_fd = -1}};
    struct crop_options crop;
    crop_fill_options(fields, &crop);
    for (int c = 0; c < 3; c++)
        run->options->background.srgb[c] =
            fields->background.kind == CROP_COLOR ? fields->background.color.srgb[c] : 1;
    if (!cli_input_open(run, fields->common.input, &input, error))
        return false;
    bool done = crop_open(run, fields, &input, &output, error) && sandbox_enter(run, error);
    crop.lossy = done && (input.info->format == CODEC_JPEG ||
                          (input.info->format == CODEC_WEBP && !input.info->lossless));
    done = done && crop_process(run, fields, &crop, &input, &output, error);
    cli_output_discard(&output);
    cli_input_close(&input);
    return done;
}

static const struct result_field background_fields[] = {
    {"model", .type = RESULT_TEXT, .choices = model_names},
    {"color", RESULT_HEX, .help = "in the middle", .null = true},
    {0},
};

static const struct result_field result_fields[] = {
    {"box", RESULT_BOX, .help = "what is left: the content and its padding"},
    {"content", RESULT_BOX, .help = "what was found"},
    {"original_size", .type = RESULT_SIZE},
    {"final_size", .type = RESULT_SIZE},
    {"background", RESULT_OBJECT, .fields = background_fields, .null = true},
    {"confidence", RESULT_SHARE, .help = "how sure it is"},
    {"cropped", RESULT_FLAG, .help = "whether anything was cut away"},
    {"blank", RESULT_FLAG, .help = "whether there is no content at all"},
    {0},
};

static const struct cli_tool tool = {
    .name = "imgcrop",
    .operands = "[INPUT]",
    .description =
        "Finds the content of a product picture and crops to it. Where any pixel is transparent, "
        "content is what is not; otherwise the border of the picture is taken for background and "
        "modelled, with its gradients, vignette and noise, and content is what differs from that "
        "model visibly.\n\n"
        "The box is the content grown by the padding, inside the image. Where it is not sure (a "
        "photograph without a plain background, a confidence below 0.5) the image is passed on "
        "as it is; --strict makes that exit status 1.",
    .results = {{.fields = result_fields}},
    .options = {"Cropping", entries, CLI_COUNT(entries)},
    .groups = CLI_INPUT | CLI_OUTPUT | CLI_REPLACE | CLI_FORMAT | CLI_DECODE | CLI_LIMITS |
              CLI_PROCESS,
    .examples = {{"imgcrop -o cropped.png car.png", "to the content and 5 % around it"},
                 {"imgcrop --aspect 1:1 --extend --padding 10% -o square.jpg shoe.jpg",
                  "a square, the background continued where it must"},
                 {"imgcrop --print-box --strict photo.jpg", "the box, or exit status 1"}},
    .options_size = sizeof(struct crop_fields),
    .max_operands = 1,
    .operands_are_inputs = true,
    .run = crop_run,
    .libraries = cli_image_libraries,
};

int main(int argc, char **argv)
{
    return cli_main(&tool, argc, argv);
}
