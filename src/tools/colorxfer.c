/* SPDX-License-Identifier: MIT */
/* colorxfer: gives an image the colours of another, or one target colour. */
#include "tools/colorxfer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/signals.h"
#include "cli/beside.h"
#include "cli/sandbox.h"
#include "color/icc.h"
#include "color/lab.h"

/* From this share of pixels on, a warning says that colours were lost. */
static const double much_clipped = 0.1;

static bool value_xfer_color(const char *text, void *field, struct error *error)
{
    struct xfer_color *color = field;
    color->text = text;
    if (!color_parse(text, &color->color, error))
        return false;
    if (color->color.alpha < 1)
        return error_set(error, ERROR_USAGE, "'%s' is not opaque, this colour has to be", text);
    return true;
}

#define FIELD(name) offsetof(struct xfer_fields, name)

static const struct option_entry entries[] = {
    {"ref", 0, .brief = true, OPTION_FILE, "IMAGE", NULL, .offset = FIELD(ref),
     .help = "take the colours of this image"},
    {"to", 0, .brief = true, OPTION_CUSTOM, "COLOR", NULL, .offset = FIELD(to),
     .parse = value_xfer_color, .help = "recolour the object to this: CSS or RAL"},
    {"lut", 0, .brief = true, OPTION_FILE, "FILE.cube", NULL, .offset = FIELD(lut),
     .help = "apply this table of colours"},
    {"mask", 0, .brief = true, OPTION_FILE, "IMAGE", NULL, .offset = FIELD(mask),
     .help = "where the image changes: white does, black does not"},
    {"strength", 0, .brief = true, OPTION_SHARE, "SHARE", "100%", 0, 1, .offset = FIELD(strength),
     .help = "how far to go, 0 is nowhere"},
    {"method", 0, .brief = true, OPTION_CHOICE, "NAME", "mkl", .choices = transfer_method_names,
     .offset = FIELD(method), .help = "how --ref transfers colours"},
    {"space", 0, .type = OPTION_CHOICE, "NAME", "auto", .choices = transfer_space_names,
     .offset = FIELD(space),
     .help = "the colour space that the method works in; auto is that of its publication"},
    {"ref-mask", 0, .type = OPTION_FILE, "IMAGE", NULL, .offset = FIELD(ref_mask),
     .help = "where the reference counts; transparent pixels never do"},
    {"regrain", 0, .type = OPTION_FLAG, .offset = FIELD(regrain),
     .help = "give the result the grain and the edges of the image, with --ref and --lut"},
    {"save-lut", 0, .brief = true, OPTION_FILE, "FILE.cube", NULL, .offset = FIELD(save_lut),
     .help = "save what --ref does as a table; --lut and other programs take it"},
    {"from", 0, .type = OPTION_CUSTOM, "COLOR", NULL, .offset = FIELD(from),
     .parse = value_xfer_color,
     .help = "the colour that --to replaces, instead of looking for it"},
    {"max-de", 0, .type = OPTION_NUMBER, "DE", NULL, 0, 200, .offset = FIELD(max_de),
     .help = "exit 1, writing nothing, where --to misses its colour by more than this CIEDE2000"},
};

/* ---- the command line ---- */

/* Options that only make sense with others. */
static const struct {
    const char *option, *with;
    bool ref, to, lut;
} bonds[] = {
    {"method", "--ref", true, false, false},   {"space", "--ref", true, false, false},
    {"ref-mask", "--ref", true, false, false}, {"save-lut", "--ref", true, false, false},
    {"regrain", "--ref or --lut", true, false, true},
    {"from", "--to", false, true, false},      {"max-de", "--to", false, true, false},
};

static bool check_together(const struct cli_run *run, const struct xfer_fields *fields,
                           struct error *error)
{
    bool ref = fields->ref != NULL, to = fields->to.text != NULL, lut = fields->lut != NULL;
    if (ref + to + lut == 0)
        return error_set(error, ERROR_USAGE, "one of --ref, --to and --lut is needed");
    if (ref + to + lut > 1)
        return error_set(error, ERROR_USAGE, "%s together with %s", ref ? "--ref" : "--to",
                         ref && to ? "--to" : "--lut");
    for (size_t i = 0; i < CLI_COUNT(bonds); i++) {
        bool fits = ref ? bonds[i].ref : to ? bonds[i].to : bonds[i].lut;
        if (!fits && option_given(&run->set, &run->parsed, bonds[i].option))
            return error_set(error, ERROR_USAGE, "--%s together with %s, it belongs to %s",
                             bonds[i].option, ref ? "--ref" : to ? "--to" : "--lut",
                             bonds[i].with);
    }
    return true;
}

/* The files that are read, the input first. */
enum { READ_FILES = 5 };
struct read_file {
    const char *option, *name;
};

static void list_read_files(const struct xfer_fields *fields, struct read_file files[READ_FILES])
{
    files[0] = (struct read_file){"input", fields->common.input};
    files[1] = (struct read_file){"ref", fields->ref};
    files[2] = (struct read_file){"lut", fields->lut};
    files[3] = (struct read_file){"mask", fields->mask};
    files[4] = (struct read_file){"ref-mask", fields->ref_mask};
}

/* Only one can be stdin. */
static bool check_stdin(const struct xfer_fields *fields, struct error *error)
{
    struct read_file files[READ_FILES];
    const char *reads = NULL;
    list_read_files(fields, files);
    for (int i = 0; i < READ_FILES; i++) {
        if (files[i].name == NULL || strcmp(files[i].name, "-") != 0)
            continue;
        if (reads != NULL)
            return error_set(error, ERROR_USAGE, "--%s and --%s would both read stdin", reads,
                             files[i].option);
        reads = files[i].option;
    }
    return true;
}

/* What is read beside the input must not be written over. */
static bool check_not_read(const struct xfer_fields *fields, const struct outfile *file,
                           const char *name, int first, struct error *error)
{
    struct read_file files[READ_FILES];
    list_read_files(fields, files);
    /* Within a pipeline, stdin comes from the file that must not be lost. */
    const char *origin = getenv("IMGTOOL_INPUT_NAME");
    if (strcmp(files[0].name, "-") == 0 && origin != NULL)
        files[0].name = origin;
    for (int i = first; i < READ_FILES; i++)
        if (outfile_replaces(file, files[i].name))
            return error_set(error, ERROR_USAGE, "'%s' is what --%s reads", name, files[i].option);
    return true;
}

/* ---- outputs ---- */

/* Without -o the image goes to stdout, unless that is a terminal, or taken by JSON or the table:
 * who saves a table can do without. */
static bool wants_image(const struct xfer_job *job, const char *path)
{
    const struct xfer_fields *fields = job->fields;
    if (fields->save_lut == NULL || strcmp(path, "-") != 0)
        return true;
    return !isatty(STDOUT_FILENO) && !fields->common.json && strcmp(fields->save_lut, "-") != 0;
}

static bool open_table(struct xfer_job *job, struct error *error)
{
    const struct xfer_fields *fields = job->fields;
    const struct cli_common *common = &fields->common;
    const char *name = fields->save_lut;
    unsigned flags =
        (common->no_clobber ? OUTFILE_EXCLUSIVE : 0u) | (common->mkdir ? OUTFILE_MKDIR : 0u);
    if (name == NULL || (common->dry_run && common->mkdir))
        return true;
    if (strcmp(name, "-") == 0 && common->json)
        return error_set(error, ERROR_USAGE, "--json and --save-lut would both go to stdout");
    if (!outfile_open(&job->table, name, flags, error) ||
        !check_not_read(fields, &job->table, name, 0, error))
        return false;
    if (outfile_same_target(&job->table, &job->output.file))
        return error_set(error, ERROR_USAGE, "'%s' is where the image goes, too", name);
    if (common->dry_run)
        outfile_discard(&job->table);
    else
        sandbox_keep_output(&job->table);
    return true;
}

static bool open_outputs(struct xfer_job *job, struct error *error)
{
    const char *path = cli_output_path(job->run, &job->input);
    const char *table = job->fields->save_lut;
    job->makes_image = wants_image(job, path);
    if (job->makes_image && !cli_output_open(job->run, path, &job->input, &job->output, error))
        return false;
    /* After the image, with whose name its own is compared. */
    job->table_waits =
        job->output.waits || (table != NULL && sandbox_must_wait(job->run, table));
    return job->table_waits || open_table(job, error);
}

/* What had to wait for the header. */
static bool settle_outputs(struct xfer_job *job, struct error *error)
{
    struct cli_output *output = &job->output;
    return (!job->makes_image ||
            (cli_output_settle(job->run, &job->input, output, error) &&
             check_not_read(job->fields, &output->file, output->path, 1, error))) &&
           (!job->table_waits || open_table(job, error));
}

/* The table first: with the image in place everything is. */
static bool commit_table(struct xfer_job *job, struct error *error)
{
    const struct xfer_fields *fields = job->fields;
    if (fields->save_lut == NULL)
        return true;
    if (fields->common.dry_run) {
        cli_warn(job->run, "would write %s", fields->save_lut);
        return true;
    }
    signals_claim();
    return outfile_commit(&job->table, error);
}

static bool write_outputs(struct xfer_job *job, struct error *error)
{
    struct cli_output *output = &job->output;
    if (!job->makes_image)
        return commit_table(job, error);
    if (!cli_output_encode(job->run, output, &job->image, error) || !commit_table(job, error) ||
        !cli_output_commit(job->run, output, error))
        return false;
    job->run->output = cli_output_json(output);
    return true;
}

/* ---- what the parts share ---- */

void xfer_check_profile(struct xfer_job *job, const char *name, struct image *image)
{
    struct blob *icc = &image->metadata.icc;
    struct icc_transform *transform = NULL;
    struct error reason = {0};
    if (icc->size == 0)
        return;
    if (icc_is_srgb(icc)) {
        blob_free(icc);
    } else if (!icc_transform_new_linear(&transform, icc, ICC_RGB, 16, false, &reason)) {
        cli_warn(job->run, "%s: ICC profile ignored: %s", name, reason.message);
        blob_free(icc);
    }
    icc_transform_free(transform);
}

bool xfer_prepare(struct xfer_job *job, struct error *error)
{
    const struct image_shape *shape = &job->image.shape;
    xfer_check_profile(job, cli_file(job->run), &job->image);
    if (job->fields->mask == NULL)
        return true;
    job->masked = cli_beside_mask(job->run, job->fields->mask, shape->width, shape->height,
                                  &job->mask, error);
    return job->masked;
}

struct xfer_change xfer_change_of(const struct xfer_job *job)
{
    return (struct xfer_change){
        .mask = job->masked ? &job->mask : NULL,
        .strength = job->fields->strength,
        .threads = cli_threads(&job->fields->common),
    };
}

bool xfer_fail_in(struct error *error, const char *name)
{
    if (error->file[0] == '\0')
        snprintf(error->file, sizeof error->file, "%s", name);
    return false;
}

void xfer_tell(struct xfer_job *job, const char *key, json_t *value)
{
    json_object_set_new(job->run->result, key, value);
}

json_t *xfer_lab_json(const double lab[3])
{
    double rounded[3];
    for (int i = 0; i < 3; i++)
        rounded[i] = round(lab[i] * 1e4) / 1e4;
    return json_pack("[f, f, f]", rounded[0], rounded[1], rounded[2]);
}

json_t *xfer_color_json(const double lab[3])
{
    double linear[3];
    int code[3];
    char hex[8];
    lab_to_linear(lab, linear);
    for (int i = 0; i < 3; i++)
        code[i] = (int)lrint(fmin(fmax(srgb_encode(linear[i]), 0), 1) * 255);
    snprintf(hex, sizeof hex, "#%02x%02x%02x", code[0] & 255, code[1] & 255, code[2] & 255);
    return json_pack("{s:s, s:o}", "hex", hex, "lab", xfer_lab_json(lab));
}

void xfer_tell_clipped(struct xfer_job *job, double clipped)
{
    xfer_tell(job, "clipped", json_real(round(clipped * 1e6) / 1e6));
    if (clipped > much_clipped)
        cli_warn(job->run, "%s: %.0f%% of the pixels left the gamut of sRGB and lost chroma",
                 cli_file(job->run), 100 * clipped);
}

/* ---- the run ---- */

/* The other files are opened when it is their turn. */
static void keep_read_files(const struct xfer_job *job)
{
    struct read_file files[READ_FILES];
    list_read_files(job->fields, files);
    for (int i = 1; i < READ_FILES; i++)
        if (files[i].name != NULL)
            cli_input_keep(files[i].name);
}

/* Every key is there, whatever the kind. */
static json_t *empty_result(const struct xfer_fields *fields)
{
    json_t *strength = json_real(fields->strength);
    return json_pack("{s:n, s:n, s:o, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n}", "method", "space",
                     "strength", strength, "ref_distance", "target", "from", "body", "achieved_de",
                     "limited", "clipped", "lut");
}

static bool xfer_process(struct xfer_job *job, struct error *error)
{
    const struct xfer_fields *fields = job->fields;
    keep_read_files(job);
    if (!open_outputs(job, error) ||
        !cli_input_header(job->run, NULL, NULL, &job->input, error) ||
        !cli_input_make_rgb(&job->input, error) || !settle_outputs(job, error) ||
        !sandbox_enter(job->run, error))
        return false;
    job->run->result = empty_result(fields);
    bool done = fields->ref != NULL   ? xfer_by_reference(job, error)
                : fields->lut != NULL ? xfer_by_table(job, error)
                                      : xfer_to_color(job, error);
    return done && (job->run->answer_no || write_outputs(job, error));
}

static bool xfer_run(struct cli_run *run, void *options, struct error *error)
{
    const struct xfer_fields *fields = options;
    const struct cli_common *common = &fields->common;
    struct xfer_job job = {.run = run,
                           .fields = fields,
                           .output = {.file = {.fd = -1, .dir_fd = -1}},
                           .table = {.fd = -1, .dir_fd = -1},
                           .measures = common->json || common->report_fd >= 0 || common->verbose};
    if (!check_together(run, fields, error) || !check_stdin(fields, error) ||
        !cli_input_open(run, common->input, &job.input, error))
        return false;
    bool done = xfer_process(&job, error);
    image_free(&job.image);
    image_free(&job.mask);
    outfile_discard(&job.table);
    cli_output_discard(&job.output);
    cli_input_close(&job.input);
    return done;
}

static const struct result_field distance_fields[] = {
    {"before", .type = RESULT_NUMBER},
    {"after", .type = RESULT_NUMBER},
    {0},
};

static const struct result_field target_fields[] = {
    {"color", RESULT_TEXT, .help = "as it was given"},
    {"hex", .type = RESULT_HEX},
    {"lab", .type = RESULT_LAB},
    {0},
};

static const struct result_field body_fields[] = {
    {"hex", .type = RESULT_HEX},
    {"lab", .type = RESULT_LAB},
    {0},
};

static const struct result_field result_fields[] = {
    {"method", RESULT_TEXT, .help = "that of --ref, dichromatic with --to, or lut", .null = true},
    {"space", RESULT_TEXT, .help = "of --ref", .choices = transfer_space_names, .null = true},
    {"strength", .type = RESULT_SHARE},
    {"ref_distance", RESULT_OBJECT, .help = "between the palettes, of --ref",
     .fields = distance_fields, .null = true},
    {"target", RESULT_OBJECT, .help = "what --to asks for", .fields = target_fields, .null = true},
    {"from", RESULT_OBJECT, .help = "the object's colour before", .fields = body_fields,
     .null = true},
    {"body", RESULT_OBJECT, .help = "the object's colour now", .fields = body_fields, .null = true},
    {"achieved_de", RESULT_NUMBER, .help = "CIEDE2000 from the target", .null = true},
    {"limited", RESULT_FLAG, .help = "whether noise kept it from the target", .null = true},
    {"clipped", RESULT_SHARE, .help = "of the pixels, that left sRGB", .null = true},
    {"lut", RESULT_TEXT, .help = "the table that was saved or applied", .null = true},
    {0},
};

static const struct cli_tool tool = {
    .name = "colorxfer",
    .operands = "[INPUT]",
    .description =
        "With --ref, the picture gets the colours of another: a function of colours is fitted to "
        "the pixels of both and applied in floating point. Transparent pixels do not count. "
        "mkl, the default, is the linear map that moves colours least; reinhard matches mean and "
        "deviation of each channel; hm and hm-mkl-hm match histograms; idt and sliced match the "
        "whole distribution, best with --regrain.\n\n"
        "With --to, the object gets one colour and keeps its shading, its highlights and its "
        "noise: each pixel is split into body and reflection in linear light, and the body is "
        "exchanged. Say where the object is by transparency or --mask.\n\n"
        "Colours outside of sRGB give up chroma, not lightness or hue. The result is sRGB and "
        "has no profile.\n\n"
        "--save-lut writes the function as a .cube table of 33 points along each axis, which "
        "--lut and other programs apply to more pictures. Without -o, where stdout is a terminal "
        "or taken by --json, only the table is made; elsewhere -o /dev/null does without "
        "the image.",
    .results = {{.fields = result_fields}},
    .options = {"Colours", entries, CLI_COUNT(entries)},
    .groups = CLI_IMAGE_FILTER,
    .examples = {{"colorxfer --to 'RAL 5010' -o blue.png chair.png", "the chair in gentian blue"},
                 {"colorxfer --ref evening.jpg -o out.jpg day.jpg", "the light of another picture"},
                 {"colorxfer --lut evening.cube -o b.jpg a.jpg", "what --save-lut has kept"}},
    .options_size = sizeof(struct xfer_fields),
    .max_operands = 1,
    .operands_are_inputs = true,
    .run = xfer_run,
    .libraries = cli_image_libraries,
};

int main(int argc, char **argv)
{
    return cli_main(&tool, argc, argv);
}
