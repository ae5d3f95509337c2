/* SPDX-License-Identifier: MIT */
/* imgpalette: the dominant colours of an image. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/input.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "codec/codec.h"
#include "color/color.h"
#include "color/ral.h"
#include "color/swatches.h"
#include "ops/crop.h"
#include "ops/match.h"
#include "tools/palette_input.h"

enum { PICTURE_WIDTH = 1200, PICTURE_HEIGHT = 200, PICTURE_LEAST = 12 };

#define IGNORE_DE 5.0

/* --ignore: the background, a colour, or both where it is given twice. */
struct palette_ignore {
    bool background, has_color;
    struct color color;
    double de;
};

enum palette_format {
    FORMAT_AUTO,
    FORMAT_TEXT,
    FORMAT_JSON,
    FORMAT_HEX,
    FORMAT_CSS,
    FORMAT_GPL,
    FORMAT_ASE,
    FORMAT_PNG
};

struct palette_fields {
    struct cli_common common;
    int64_t colors;
    double merge;
    struct palette_ignore ignore;
    bool exact;
    int format;
};

static bool value_ignore(const char *text, void *field, struct error *error)
{
    struct palette_ignore *ignore = field;
    const char *tilde = strrchr(text, '~'), *end = NULL;
    char color[200];
    if (strcmp(text, "background") == 0) {
        ignore->background = true;
        return true;
    }
    if (ignore->has_color)
        return error_set(error, ERROR_USAGE, "'%s' is a second colour, one can be ignored", text);
    ignore->de = IGNORE_DE;
    if (tilde != NULL && (!text_to_double(tilde + 1, &end, &ignore->de) || *end != '\0' ||
                          ignore->de < 0 || ignore->de > 200))
        return error_set(error, ERROR_USAGE, "'%s': behind ~ a CIEDE2000 from 0 to 200 is expected",
                         text);
    int length = tilde == NULL ? (int)sizeof color : (int)(tilde - text);
    snprintf(color, sizeof color, "%.*s", length, text);
    if (!color_parse(color, &ignore->color, error))
        return error_hint(error, "--ignore takes background, COLOR or COLOR~DE");
    if (ignore->color.alpha < 1)
        return error_set(error, ERROR_USAGE, "'%s' is not opaque; transparency never counts", text);
    ignore->has_color = true;
    return true;
}

static const char *const format_choices[] = {"auto", "text", "json", "hex", "css",
                                             "gpl",  "ase",  "png",  NULL};

#define FIELD(name) offsetof(struct palette_fields, name)

static const struct option_entry entries[] = {
    {"colors", 'n', .brief = true, OPTION_INTEGER, "N", "6", 1, PALETTE_MOST,
     .offset = FIELD(colors), .help = "at most this many colours"},
    {"merge", 0, .brief = true, OPTION_NUMBER, "DE", "5", 0, 100, .offset = FIELD(merge),
     .help = "colours nearer than this in CIEDE2000 become one"},
    {"ignore", 0, .brief = true, OPTION_CUSTOM, "WHAT", NULL, .offset = FIELD(ignore),
     .parse = value_ignore,
     .help = "background (as imgcrop finds it), or COLOR~DE: a colour and all that is as near to "
             "it in CIEDE2000 (5 without ~DE); may be given once for each"},
    {"exact-colors", 0, .type = OPTION_FLAG, .offset = FIELD(exact),
     .help = "the most frequent colours as they occur, nothing is merged"},
    {"format", 'f', .brief = true, OPTION_CHOICE, "FORMAT", "auto", .choices = format_choices,
     .offset = FIELD(format),
     .help = "lines, JSON, hex, CSS, GIMP, Adobe or a picture; auto goes by the extension of the "
             "output, else text"},
};

/* ---- the format ---- */

/* What an output's name asks for. */
static bool format_by_path(const char *path, enum palette_format *format, struct error *error)
{
    /* Names that promise what is not written here. */
    static const char *const foreign[] = {"aco", "act", "csv", "xml", "html", "svg", "pdf",
                                          "gif", "tif", "tiff", "bmp", "scss", "yaml"};
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash == NULL ? path : slash, '.');
    bool known = codec_by_path(path) != CODEC_NONE;
    *format = FORMAT_TEXT;
    if (dot == NULL || strcasecmp(dot + 1, "txt") == 0)
        return true;
    for (int i = FORMAT_JSON; format_choices[i] != NULL; i++)
        if (strcasecmp(dot + 1, format_choices[i]) == 0) {
            *format = (enum palette_format)i;
            return true;
        }
    for (size_t i = 0; i < CLI_COUNT(foreign); i++)
        known = known || strcasecmp(dot + 1, foreign[i]) == 0;
    if (!known)
        return true;
    error_set(error, ERROR_USAGE, "'%s': a palette cannot be written as '%s'", path, dot + 1);
    return error_hint(error, "-f chooses text, json, hex, css, gpl, ase or png whatever the name");
}

static bool format_choose(const struct cli_run *run, const struct palette_fields *fields,
                          enum palette_format *format, struct error *error)
{
    const struct cli_common *options = &fields->common;
    bool to_stdout = strcmp(options->output, "-") == 0;
    *format = (enum palette_format)fields->format;
    if (*format == FORMAT_AUTO && to_stdout)
        *format = FORMAT_TEXT;
    if (*format == FORMAT_AUTO && !format_by_path(options->output, format, error))
        return false;
    if (options->json && option_given(&run->set, &run->parsed, "format")) {
        error_set(error, ERROR_USAGE, "--format together with --json, which goes to stdout");
        return error_hint(error, "--report-fd N writes the JSON object to descriptor N");
    }
    if (to_stdout && (*format == FORMAT_ASE || *format == FORMAT_PNG) && isatty(STDOUT_FILENO)) {
        error_set(error, ERROR_USAGE, "%s is not written to a terminal", format_choices[*format]);
        return error_hint(error, "-o FILE writes it to a file");
    }
    return true;
}

/* ---- RAL names ---- */

/* The palette with the nearest solid RAL Classic colour of each entry. */
struct named {
    const struct palette *palette;
    struct ral_color ral[PALETTE_MOST];
    double de[PALETTE_MOST];
};

static bool named_find(struct named *named, const struct palette *palette, struct error *error)
{
    struct matcher *matcher = NULL;
    const struct difference difference = {.formula = DIFFERENCE_2000, .white = DIFFERENCE_D65};
    size_t count = 0, *index = memory_array(ral_count(), sizeof *index, error);
    double(*lab)[3] = memory_array(ral_count(), sizeof *lab, error);
    bool done = index != NULL && lab != NULL;
    for (size_t i = 0; done && i < ral_count(); i++) {
        struct ral_color ral = ral_at(i);
        if (ral.set != RAL_CLASSIC || ral.finish != RAL_SOLID)
            continue;
        memcpy(lab[count], ral.lab, sizeof lab[count]);
        index[count++] = i;
    }
    named->palette = palette;
    done = done && matcher_new(&matcher, &difference, (const double(*)[3])lab, count, error);
    for (size_t i = 0; done && i < palette->count; i++) {
        struct match match;
        matcher_find(matcher, palette->entries[i].lab, 1, &match);
        named->ral[i] = ral_at(index[match.index]);
        named->de[i] = match.de;
    }
    matcher_free(matcher);
    free(index);
    free(lab);
    return done;
}

static uint32_t entry_rgb(const struct palette_entry *entry)
{
    uint32_t rgb = 0;
    for (int c = 0; c < 3; c++)
        rgb = rgb << 8 | (uint32_t)(entry->srgb[c] * 255.0 + 0.5);
    return rgb;
}

/* ---- answers ---- */

static void answer_text(const struct named *named, bool swatch, struct text *out)
{
    for (size_t i = 0; i < named->palette->count; i++) {
        const struct palette_entry *entry = &named->palette->entries[i];
        if (swatch)
            terminal_add_swatch(out, entry_rgb(entry));
        text_printf(out, "#%06x\t%.3f\tRAL %s\t%s\t%.1f\n", (unsigned)entry_rgb(entry),
                    entry->share, named->ral[i].code, named->ral[i].name_en, named->de[i]);
    }
}

static void answer_hex(const struct named *named, struct text *out)
{
    for (size_t i = 0; i < named->palette->count; i++)
        text_printf(out, "#%06x\n", (unsigned)entry_rgb(&named->palette->entries[i]));
}

/* Digits beyond what can be meant only make lines longer. */
static json_t *json_rounded(double value, double steps)
{
    return json_real(round(value * steps) / steps);
}

static json_t *entry_json(const struct named *named, size_t i)
{
    const struct palette_entry *entry = &named->palette->entries[i];
    const struct ral_color *ral = &named->ral[i];
    char hex[8], ral_hex[8];
    snprintf(hex, sizeof hex, "#%06x", (unsigned)entry_rgb(entry));
    snprintf(ral_hex, sizeof ral_hex, "#%06x", (unsigned)ral->rgb);
    return json_pack("{s:s, s:o, s:[o, o, o], s:{s:s, s:s, s:s, s:s, s:o}}", "hex", hex, "share",
                     json_rounded(entry->share, 1e6), "lab", json_rounded(entry->lab[0], 1e4),
                     json_rounded(entry->lab[1], 1e4), json_rounded(entry->lab[2], 1e4), "ral",
                     "code", ral->code, "name_en", ral->name_en, "name_de", ral->name_de, "hex",
                     ral_hex, "de", json_rounded(named->de[i], 1e4));
}

static json_t *palette_json(const struct named *named)
{
    json_t *colors = json_array();
    for (size_t i = 0; i < named->palette->count; i++)
        json_array_append_new(colors, entry_json(named, i));
    return json_pack("{s:o, s:o, s:o}", "colors", colors, "counted",
                     json_rounded(named->palette->counted, 1e3), "ignored",
                     json_rounded(named->palette->ignored, 1e3));
}

static bool answer_json(const struct named *named, struct text *out, struct error *error)
{
    json_t *object = palette_json(named);
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(object);
    if (line == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    text_add(out, line);
    text_add(out, "\n");
    free(line);
    return true;
}

static bool answer_swatches(const struct named *named, enum palette_format format,
                            struct text *out, struct error *error)
{
    struct swatches swatches = {.items = NULL};
    bool done = true;
    for (size_t i = 0; i < named->palette->count && done; i++) {
        const struct palette_entry *entry = &named->palette->entries[i];
        char hex[8] = "", name[160];
        if (format != FORMAT_CSS) /* which says it anyway */
            snprintf(hex, sizeof hex, "#%06x", (unsigned)entry_rgb(entry));
        snprintf(name, sizeof name, "near RAL %s %s", named->ral[i].code, named->ral[i].name_en);
        done = swatches_add(&swatches, hex, name, entry->lab, entry_rgb(entry), error);
    }
    if (done && format == FORMAT_GPL)
        swatches_write_gpl(&swatches, "imgpalette", out);
    else if (done && format == FORMAT_CSS)
        swatches_write_css(&swatches, "color", out);
    else if (done)
        swatches_write_ase(&swatches, out);
    swatches_free(&swatches);
    return done;
}

/* ---- the picture ---- */

/* Where swatch I ends, in pixels: in proportion to the shares, but each wide enough to be seen. */
static uint32_t picture_end(const struct palette *palette, size_t i)
{
    double least = PICTURE_WIDTH / 2.0 / (double)palette->count, sum = 0, upto = 0;
    least = least < PICTURE_LEAST ? least : PICTURE_LEAST;
    for (size_t k = 0; k < palette->count; k++) {
        sum += palette->entries[k].share;
        upto += k <= i ? palette->entries[k].share : 0;
    }
    double fixed = least * (double)(i + 1);
    double rest = PICTURE_WIDTH - least * (double)palette->count;
    return (uint32_t)(fixed + rest * upto / sum + 0.5);
}

static bool answer_picture(const struct palette *palette, struct text *out, struct error *error)
{
    struct image_shape shape = {PICTURE_WIDTH, PICTURE_HEIGHT, IMAGE_RGB, false, 8};
    const struct codec_write_options options = {.effort = -1, .threads = 1};
    struct image image;
    struct sink sink;
    if (!image_new(&image, &shape, error))
        return false;
    uint8_t *row = image_row(&image, 0);
    uint32_t x = 0;
    for (size_t i = 0; i < palette->count; i++) {
        uint32_t rgb = entry_rgb(&palette->entries[i]), end = picture_end(palette, i);
        for (; x < end && x < PICTURE_WIDTH; x++)
            for (uint32_t c = 0; c < 3; c++)
                row[3 * x + c] = (uint8_t)(rgb >> (16 - 8 * c));
    }
    for (uint32_t y = 1; y < PICTURE_HEIGHT; y++)
        memcpy(image_row(&image, y), row, 3 * PICTURE_WIDTH);
    sink_to_memory(&sink);
    bool done = codec_write(CODEC_PNG, &sink, &image, &options, error);
    if (done)
        text_add_bytes(out, (const char *)sink.data, sink.used);
    sink_free(&sink);
    image_free(&image);
    return done;
}

static bool palette_answer(struct cli_run *run, const struct named *named,
                           enum palette_format format, struct error *error)
{
    struct text *out = &run->answer;
    switch (format) {
    case FORMAT_AUTO:
    case FORMAT_TEXT:
        answer_text(named, terminal_shows_color(run), out);
        return true;
    case FORMAT_JSON:
        return answer_json(named, out, error);
    case FORMAT_HEX:
        answer_hex(named, out);
        return true;
    case FORMAT_CSS:
    case FORMAT_GPL:
    case FORMAT_ASE:
        return answer_swatches(named, format, out, error);
    case FORMAT_PNG:
        return answer_picture(named->palette, out, error);
    }
    return false;
}

/* ---- the run ---- */

static bool palette_check(struct cli_run *run, const struct palette_fields *fields,
                          const struct palette *palette, struct error *error)
{
    if (fields->ignore.background && palette->confidence < CROP_SURE)
        cli_warn(run, "%s: not sure what the background is (confidence %.2f), all of it counts",
                 cli_file(run), palette->confidence);
    if (palette->count > 0)
        return true;
    if (palette->ignored <= 0)
        return error_set(error, ERROR_UNSUPPORTED, "no opaque pixel: all of it is transparent");
    error_set(error, ERROR_UNSUPPORTED, "no pixel is left: all of it is ignored");
    return error_hint(error, "--ignore leaves out less with a smaller ~DE, or without background");
}

static bool palette_run(struct cli_run *run, void *options, struct error *error)
{
    const struct palette_fields *fields = options;
    struct palette_options wanted = {
        .colors = (size_t)fields->colors,
        .merge_de = fields->merge,
        .exact = fields->exact,
        .ignore_background = fields->ignore.background,
        .ignore_lab = fields->ignore.has_color ? fields->ignore.color.lab : NULL,
        .ignore_de = fields->ignore.de,
        .threads = cli_threads(&fields->common),
    };
    enum palette_format format;
    struct cli_input input;
    struct palette *palette = NULL;
    struct named *named = NULL;
    if (!format_choose(run, fields, &format, error) ||
        !cli_input_open(run, fields->common.input, &input, error))
        return false;
    bool done = false;
    palette = memory_zeroed(1, sizeof *palette, error);
    named = memory_zeroed(1, sizeof *named, error);
    if (palette == NULL || named == NULL || !cli_answer_open_early(run, error) ||
        !cli_input_header(run, NULL, NULL, &input, error) || !cli_answer_open(run, error) ||
        !sandbox_enter(run, error))
        goto out;
    wanted.lossy = input.info->format == CODEC_JPEG ||
                   (input.info->format == CODEC_WEBP && !input.info->lossless);
    if (!palette_input(run, &input, &wanted, palette, error) ||
        !palette_check(run, fields, palette, error) || !named_find(named, palette, error))
        goto out;
    run->result = palette_json(named);
    done = fields->common.json || palette_answer(run, named, format, error);
out:
    free(named);
    free(palette);
    cli_input_close(&input);
    return done;
}

static const struct result_field ral_fields[] = {
    {"code", .type = RESULT_TEXT},
    {"name_en", .type = RESULT_TEXT},
    {"name_de", .type = RESULT_TEXT},
    {"hex", .type = RESULT_HEX},
    {"de", RESULT_NUMBER, .help = "CIEDE2000 from the colour"},
    {0},
};

static const struct result_field color_fields[] = {
    {"hex", .type = RESULT_HEX},
    {"share", RESULT_SHARE, .help = "of what is counted"},
    {"lab", .type = RESULT_LAB},
    {"ral", RESULT_OBJECT, .help = "nearest RAL Classic colour", .fields = ral_fields},
    {0},
};

static const struct result_field result_fields[] = {
    {"colors", RESULT_OBJECT, .help = "the largest share first", .fields = color_fields,
     .list = true},
    {"counted", RESULT_NUMBER, .help = "pixels, weighted by alpha"},
    {"ignored", RESULT_NUMBER, .help = "pixels, weighted by alpha"},
    {0},
};

static const struct cli_tool tool = {
    .name = "imgpalette",
    .operands = "[INPUT]",
    .description =
        "Prints the dominant colours of an image, the largest share first: hex value, share, and "
        "the nearest RAL Classic colour with its name and how far off it is in CIEDE2000, "
        "separated by tabs.\n\n"
        "All pixels count, as much as they are opaque, and the answer is always the same. Shades "
        "and noise are grouped, flat areas come out as they are, and the mixed pixels along edges "
        "are no colours of their own. --colors is a maximum: an image of two colours gives two.",
    .results = {{.fields = result_fields}},
    .options = {"Palette", entries, CLI_COUNT(entries)},
    .groups = CLI_INPUT | CLI_OUTPUT | CLI_DECODE | CLI_LIMITS | CLI_PROCESS,
    .examples = {{"imgpalette photo.jpg", "six colours at most, with RAL names"},
                 {"imgpalette --ignore background -n 4 chair.jpg", "only those of the product"},
                 {"imgpalette -o colors.ase car.png", "for Adobe's programs; .gpl is for GIMP"}},
    .options_size = sizeof(struct palette_fields),
    .max_operands = 1,
    .operands_are_inputs = true,
    .run = palette_run,
    .libraries = cli_image_libraries,
};

int main(int argc, char **argv)
{
    return cli_main(&tool, argc, argv);
}
