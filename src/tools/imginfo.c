/* SPDX-License-Identifier: MIT */
/* imginfo: what an image is, from its header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "color/icc.h"
#include "image/orient.h"

enum { CHECK_ROWS = 64 };

struct info_options {
    struct cli_common common;
    bool check;
};

static const struct option_entry entries[] = {
    {"check", 0, .brief = true, OPTION_FLAG, .offset = offsetof(struct info_options, check),
     .help = "decode all of it too, so that damage is found"},
};

/* One image, as far as its header tells. */
struct facts {
    const struct codec_info *info;
    const char *color; /* what the file stores */
    uint32_t width, height;
    char profile[100];
};

static const char *const color_names[] = {
    [IMAGE_GREY] = "grey", [IMAGE_RGB] = "rgb", [IMAGE_CMYK] = "cmyk", "palette", NULL};

static const char *color_name(const struct codec_info *info)
{
    return color_names[info->palette ? IMAGE_CMYK + 1 : info->shape.color];
}

static json_t *facts_json(const struct facts *facts, bool checked)
{
    const struct codec_info *info = facts->info;
    return json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:b, s:o, s:b, s:o, s:o, s:b, s:o, s:o}", "width",
        (int)facts->width, "height", (int)facts->height, "stored_width", (int)info->stored_width,
        "stored_height", (int)info->stored_height, "orientation", (int)info->orientation, "depth",
        (int)info->stored_depth, "color", facts->color, "alpha", (int)info->shape.alpha, "profile",
        facts->profile[0] == '\0' ? json_null() : cli_json_string(facts->profile), "progressive",
        (int)info->progressive, "frames",
        info->frames == 0 ? json_null() : json_integer((json_int_t)info->frames), "quality",
        info->quality == 0 ? json_null() : json_integer(info->quality), "lossless",
        (int)info->lossless, "subtype",
        info->subtype == NULL ? json_null() : json_string(info->subtype), "checked",
        checked ? json_true() : json_null());
}

static void facts_text(const char *name, const struct facts *facts, struct text *out)
{
    char shown[300];
    const struct codec_info *info = facts->info;
    text_printf(out, "%s\t%s\t%ux%u\t%s%s\t%u-bit", cli_display_name(name, shown, sizeof shown),
                codec_of(info->format)->name, facts->width, facts->height, facts->color,
                info->shape.alpha ? "+alpha" : "", info->stored_depth);
    if (info->orientation > 1)
        text_printf(out, "\torientation %u", info->orientation);
    if (info->progressive)
        text_add(out, info->format == CODEC_PNG ? "\tinterlaced" : "\tprogressive");
    if (info->frames > 1)
        text_printf(out, "\t%u frames", info->frames);
    if (info->quality > 0)
        text_printf(out, "\tquality %d", info->quality);
    if (info->format == CODEC_WEBP)
        text_add(out, info->lossless ? "\tlossless" : "\tlossy");
    if (facts->profile[0] != '\0') {
        char profile[sizeof facts->profile];
        text_printf(out, "\tprofile %s", text_mask(facts->profile, profile, sizeof profile));
    }
    text_add(out, "\n");
}

static void facts_profile(const struct blob *icc, struct facts *facts)
{
    static const enum icc_space spaces[] = {
        [IMAGE_GREY] = ICC_GREY, [IMAGE_RGB] = ICC_RGB, [IMAGE_CMYK] = ICC_CMYK};
    struct error reason = {0};
    if (icc->size == 0)
        return;
    if (!icc_check(icc, spaces[facts->info->shape.color], &reason)) {
        snprintf(facts->profile, sizeof facts->profile, "unusable");
        return;
    }
    icc_name(icc, facts->profile, sizeof facts->profile);
    if (facts->profile[0] == '\0')
        snprintf(facts->profile, sizeof facts->profile, "unnamed");
}

/* Decodes all rows to nowhere. */
static bool check_pixels(struct codec_reader *reader, struct error *error)
{
    const struct image_shape *shape = &codec_reader_info(reader)->shape;
    size_t bytes = image_row_bytes(shape);
    uint8_t *rows = memory_array(CHECK_ROWS, bytes, error);
    bool done = rows != NULL;
    for (uint32_t y = 0; done && y < shape->height; y += CHECK_ROWS) {
        uint32_t left = shape->height - y;
        done = codec_read_rows(reader, rows, bytes, left < CHECK_ROWS ? left : CHECK_ROWS, error);
    }
    free(rows);
    return done && codec_finish(reader, error);
}

/* Without --check an animation is described, not refused. With it all frames are decoded, which
 * asking for the last one does. */
static bool info_read(struct cli_run *run, const struct info_options *options,
                      struct source *source, struct codec_reader **reader, struct error *error)
{
    struct codec_read_options read;
    cli_read_options(run, &read);
    read.header_only = true;
    if (options->check && !source_hold(source, error))
        return false;
    if (!codec_open(source, &read, reader, error) || !options->check)
        return *reader != NULL;
    unsigned frames = codec_reader_info(*reader)->frames;
    bool animated = codec_reader_info(*reader)->format == CODEC_WEBP && frames > 1;
    codec_close(*reader);
    *reader = NULL;
    read.header_only = false;
    if (read.frame == 0)
        read.frame = animated ? frames : 1;
    return source_rewind(source, error) && codec_open(source, &read, reader, error);
}

static bool info_one(struct cli_run *run, const struct info_options *options, const char *name,
                     struct error *error)
{
    struct source source;
    struct codec_reader *reader = NULL;
    run->file = name;
    if (!source_open(&source, name, options->common.max_input_bytes, error))
        return false;
    source.limit_fixed = option_given(&run->set, &run->parsed, "max-input-bytes");
    if (!info_read(run, options, &source, &reader, error)) {
        source_close(&source);
        return false;
    }
    struct codec_info *info = codec_reader_info(reader);
    bool swaps = image_orientation_swaps(info->orientation);
    struct facts facts = {.info = info,
                          .color = color_name(info),
                          .width = swaps ? info->stored_height : info->stored_width,
                          .height = swaps ? info->stored_width : info->stored_height};
    facts_profile(&info->metadata.icc, &facts);
    bool done = !options->check || check_pixels(reader, error);
    if (done) {
        if (info->warning[0] != '\0')
            cli_warn(run, "%s: %s", cli_file(run), info->warning);
        int64_t bytes = source.size_bytes >= 0 ? source.size_bytes : (int64_t)source.taken_bytes;
        run->input = json_pack("{s:o, s:s, s:i, s:i, s:I}", "path", cli_json_string(name), "format",
                               codec_of(info->format)->name, "width", (int)facts.width, "height",
                               (int)facts.height, "bytes", (json_int_t)bytes);
        run->result = facts_json(&facts, options->check);
        facts_text(name, &facts, &run->answer);
    }
    codec_close(reader);
    source_close(&source);
    return done;
}

/* Every input gets its line, whatever becomes of the others; the first failure is the status. */
static bool info_many(struct cli_run *run, const struct info_options *options, struct error *error)
{
    run->reported = true;
    for (int i = 0; i < run->parsed.operand_count; i++) {
        struct error failure = {0};
        clock_gettime(CLOCK_MONOTONIC, &run->started);
        bool done = info_one(run, options, run->parsed.operands[i], &failure);
        if (!done) {
            cli_report_error(run, &failure);
            if (run->exit_status == 0)
                run->exit_status = error_exit_status(failure.kind);
        }
        /* Each line as it is known, so that nothing is lost if a later input ends us. */
        bool to_stdout = strcmp(options->common.output, "-") == 0;
        if (options->common.json)
            text_free(&run->answer);
        else if (to_stdout && !cli_answer_now(run, error))
            return false;
        if (!cli_report_json(run, done ? NULL : &failure, error))
            return false;
    }
    return true;
}

static bool info_run(struct cli_run *run, void *fields, struct error *error)
{
    const struct info_options *options = fields;
    if (run->parsed.operand_count > 0 && option_given(&run->set, &run->parsed, "input"))
        return error_set(error, ERROR_USAGE, "'%s' and -i '%s': one way to name inputs is expected",
                         run->parsed.operands[0], options->common.input);
    if (run->parsed.operand_count == 0)
        cli_input_keep(options->common.input);
    for (int i = 0; i < run->parsed.operand_count; i++)
        cli_input_keep(run->parsed.operands[i]);
    if (!cli_answer_open(run, error) || !sandbox_enter(run, error))
        return false;
    if (run->parsed.operand_count > 0)
        return info_many(run, options, error);
    return info_one(run, options, options->common.input, error);
}

static const struct result_field result_fields[] = {
    {"width", RESULT_INTEGER, .help = "as displayed"},
    {"height", RESULT_INTEGER, .help = "as displayed"},
    {"stored_width", .type = RESULT_INTEGER},
    {"stored_height", .type = RESULT_INTEGER},
    {"orientation", RESULT_INTEGER, .help = "of EXIF, 1 to 8"},
    {"depth", RESULT_INTEGER, .help = "bits of a sample"},
    {"color", RESULT_TEXT, .help = "what the file stores", .choices = color_names},
    {"alpha", RESULT_FLAG, .help = "whether there is transparency"},
    {"profile", RESULT_TEXT, .help = "name of the ICC profile", .null = true},
    {"progressive", RESULT_FLAG, .help = "progressive or interlaced"},
    {"frames", RESULT_INTEGER, .help = "null where only decoding would tell", .null = true},
    {"quality", RESULT_INTEGER, .help = "of a JPEG, as its tables suggest", .null = true},
    {"lossless", .type = RESULT_FLAG},
    {"subtype", RESULT_TEXT, .help = "a variety of the format", .null = true},
    {"checked", RESULT_FLAG, .help = "all was decoded and is sound: --check", .null = true},
    {0},
};

static const struct cli_tool tool = {
    .name = "imginfo",
    .operands = "[INPUT]...",
    .description =
        "Prints a line for each input: name, format, displayed size, colour, depth, and what else "
        "there is to know (orientation, progressive, frames, estimated JPEG quality, profile), "
        "separated by tabs. Only the header is read, unless --check asks for more.\n\n"
        "With --json each input gets one JSON object on a line of its own, failures included; the "
        "exit status is that of the first failure.",
    .results = {{.fields = result_fields}},
    .options = {"What to do", entries, CLI_COUNT(entries)},
    .groups = CLI_INPUT | CLI_OUTPUT | CLI_DECODE | CLI_LIMITS | CLI_PROCESS,
    .examples = {{"imginfo photo.jpg", "one line"},
                 {"imginfo --json *.png | jq .result.width", "a JSON object for each file"},
                 {"imginfo --check upload.webp", "exit status 65 where the file is damaged"}},
    .options_size = sizeof(struct info_options),
    .max_operands = -1,
    .operands_are_inputs = true,
    .run = info_run,
    .libraries = cli_image_libraries,
};

int main(int argc, char **argv)
{
    return cli_main(&tool, argc, argv);
}
