/* SPDX-License-Identifier: MIT */
/* imgresize: many sizes from one decode. */
#include "cli/input.h"
#include "tools/resize_jobs.h"

static const char *const fit_choices[] = {"inside", "cover", "contain", "fill", "outside", NULL};
static const char *const gravity_choices[] = {"center",    "north", "northeast", "east",
                                              "southeast", "south", "southwest", "west",
                                              "northwest", NULL};
static const char *const filter_choices[] = {"lanczos3", "lanczos2", "mitchell", "catrom",
                                             "triangle", "box",      "nearest",  NULL};
static const char *const light_choices[] = {"linear", "gamma", NULL};

#define FIELD(name) offsetof(struct resize_options, name)

static const struct option_entry entries[] = {
    {"width", 0, .brief = true, OPTION_INTEGER, "N", NULL, 1, 65535, .offset = FIELD(width),
     .help = "width in pixels; the height follows unless given too"},
    {"height", 0, .brief = true, OPTION_INTEGER, "N", NULL, 1, 65535, .offset = FIELD(height),
     .help = "height in pixels; the width follows unless given too"},
    {"size", 0, .brief = true, OPTION_CUSTOM, "[NAME=]SIZE", NULL, .offset = FIELD(sizes),
     .parse = resize_sizes_add, .release = resize_sizes_release,
     .help = "WxH, Wx, xH or P%: may be repeated, one output each"},
    {"output-template", 0, .brief = true, OPTION_TEXT, "NAME", NULL,
     .offset = FIELD(output_template),
     .help = "output names, of {stem} {name} {w} {h} {ext}"},
    {"fit", 0, .brief = true, OPTION_CHOICE, "HOW", "inside", .choices = fit_choices,
     .offset = FIELD(fit), .help = "how the picture fits: for sizes of both width and height"},
    {"upscale", 0, .type = OPTION_FLAG, .offset = FIELD(upscale),
     .help = "allow results larger than the original"},
    {"gravity", 0, .type = OPTION_CHOICE, "WHERE", "center", .choices = gravity_choices,
     .offset = FIELD(gravity), .help = "the part that cover keeps, the place that contain gives"},
    {"filter", 0, .type = OPTION_CHOICE, "KERNEL", "lanczos3", .choices = filter_choices,
     .offset = FIELD(filter), .help = "resampling kernel"},
    {"light", 0, .type = OPTION_CHOICE, "SCALE", "linear", .choices = light_choices,
     .offset = FIELD(light), .help = "average light, by the profile's curve, or the samples"},
    {"sharpen", 0, .type = OPTION_SHARE, "AMOUNT", NULL, 0, 5, .offset = FIELD(sharpen),
     .help = "sharpen the result, 30% is mild"},
    {"max-bytes", 0, .type = OPTION_BYTES, "SIZE", NULL, 1, 1e12, .offset = FIELD(max_bytes),
     .help = "lower the quality until each output has at most SIZE"},
};

static bool resize_run(struct cli_run *run, void *fields, struct error *error)
{
    return resize_jobs_run(run, fields, error);
}

static const struct result_field output_fields[] = {
    {"name", RESULT_TEXT, .help = "as --size gives it", .null = true},
    {0},
};

static const struct result_field result_fields[] = {
    {"outputs", RESULT_FILE, .help = "one for each size", .fields = output_fields, .list = true},
    {0},
};

static const struct cli_tool tool = {
    .name = "imgresize",
    .operands = "[INPUT]",
    .description =
        "Alpha is premultiplied while resampling, so that no colour bleeds out of transparent "
        "pixels, and light is averaged, not samples: a fine pattern keeps its brightness.\n\n"
        "Sizes are exact, rounded to nearest and at least 1. Nothing is enlarged without "
        "--upscale. Without any size the picture keeps its own, which converts formats.\n\n"
        "With several sizes, --output-template names the outputs; all of them appear, or none "
        "does if one fails before they are put in place.\n\n"
        "Outputs are opened, and all rights given up, before the header of the input is read; after "
        "it only where --mkdir has directories to make or a name asks for {w}, {h} or what else the "
        "header alone tells (-v says so).",
    .results = {{.fields = result_fields}},
    .options = {"Sizes", entries, CLI_COUNT(entries)},
    .groups = CLI_IMAGE_FILTER,
    .examples = {{"imgresize --width 800 -o small.webp photo.jpg", "800 pixels wide, as WebP"},
                 {"imgresize --size 600x600 --fit cover -o square.jpg photo.jpg",
                  "a square of the middle"},
                 {"imgresize --size big=50% --size grid=400x --output-template "
                  "'{stem}-{name}.webp' photo.jpg",
                  "two files from one decode"}},
    .options_size = sizeof(struct resize_options),
    .max_operands = 1,
    .operands_are_inputs = true,
    .run = resize_run,
    .libraries = cli_image_libraries,
};

int main(int argc, char **argv)
{
    return cli_main(&tool, argc, argv);
}
