/* SPDX-License-Identifier: MIT */
/* deltae: how far colours, rows of colours and images are apart. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/root.h"
#include "cli/input.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "cli/values.h"
#include "color/lab.h"
#include "tools/deltae.h"

#define FIELD(name) offsetof(struct deltae_fields, name)

static bool parse_cmc(const char *text, void *field, struct error *error)
{
    double *ratio = field, l, c;
    const char *end = text;
    if (!text_to_double(text, &end, &l) || *end != ':' || !text_to_double(end + 1, &end, &c) ||
        *end != '\0' || !(l >= 0.01 && l <= 100 && c >= 0.01 && c <= 100))
        return error_set(error, ERROR_USAGE, "'%s' is not l:c such as 2:1, each from 0.01 to 100",
                         text);
    ratio[0] = l;
    ratio[1] = c;
    return true;
}

static bool parse_ignore(const char *text, void *field, struct error *error)
{
    struct deltae_boxes *boxes = field;
    struct value_box box;
    if (!value_box(text, &box, error))
        return false;
    if (boxes->count == DELTAE_MOST_BOXES)
        return error_set(error, ERROR_USAGE, "more than %d boxes", DELTAE_MOST_BOXES);
    /* What lies left of the image or above it is nothing to ignore. */
    int64_t right = box.x + (int64_t)box.width, bottom = box.y + (int64_t)box.height;
    uint32_t x = box.x > 0 ? (uint32_t)box.x : 0, y = box.y > 0 ? (uint32_t)box.y : 0;
    if (right > x && bottom > y)
        boxes->boxes[boxes->count++] =
            (struct image_box){x, y, (uint32_t)right - x, (uint32_t)bottom - y};
    return true;
}

static const struct option_entry entries[] = {
    {"formula", 0, .brief = true, OPTION_CHOICE, "NAME", "2000", .choices = difference_names,
     .offset = FIELD(formula), .help = "colour difference formula"},
    {"white", 0, .brief = true, OPTION_CHOICE, "WHITE", "d65", .choices = difference_white_names,
     .offset = FIELD(white), .help = "white that Lab refers to; it changes the result"},
    {"kl", 0, .type = OPTION_NUMBER, "K", NULL, 0.01, 100, .offset = FIELD(kl),
     .help = "factor kL of 2000, 94, 94t, K_L of cam16, kE of din99, din99o; the default is the "
             "formula's own: 2 for 94t, else 1"},
    {"kc", 0, .type = OPTION_NUMBER, "K", NULL, 0.01, 100, .offset = FIELD(kc),
     .help = "factor kC of 2000, 94, 94t, kCH of din99, din99o; the default is 1"},
    {"kh", 0, .type = OPTION_NUMBER, "K", NULL, 0.01, 100, .offset = FIELD(kh),
     .help = "factor kH of 2000, 94, 94t; the default is 1"},
    {"cmc", 0, .type = OPTION_CUSTOM, "L:C", "2:1", .offset = FIELD(cmc), .parse = parse_cmc,
     .help = "l and c of cmc; 2:1 for acceptance, 1:1 for perception"},
    {"pairs", 0, .brief = true, OPTION_FILE, "FILE", NULL, .offset = FIELD(pairs),
     .help = "read rows of two colours or six Lab numbers; - is stdin"},
    {"tolerance", 0, .brief = true, OPTION_NUMBER, "DE", "2.3", 0, 1e4, .offset = FIELD(tolerance),
     .help = "what is above it counts as over"},
    {"max", 0, .brief = true, OPTION_NUMBER, "DE", NULL, 0, 1e4, .offset = FIELD(max),
     .help = "exit 1 where the largest difference exceeds DE"},
    {"max-mean", 0, .brief = true, OPTION_NUMBER, "DE", NULL, 0, 1e4, .offset = FIELD(max_mean),
     .help = "exit 1 where the mean exceeds DE"},
    {"max-p95", 0, .brief = true, OPTION_NUMBER, "DE", NULL, 0, 1e4, .offset = FIELD(max_p95),
     .help = "exit 1 where more than 5% exceed DE"},
    {"max-fraction", 0, .brief = true, OPTION_SHARE, "SHARE", NULL, 0, 1,
     .offset = FIELD(max_fraction), .help = "exit 1 where a larger share is over the tolerance"},
    {"heatmap", 0, .brief = true, OPTION_FILE, "FILE", NULL, .offset = FIELD(heatmap),
     .help = "a picture of the differences of two images; it has a legend"},
    {"heatmap-max", 0, .type = OPTION_NUMBER, "DE", "10", 0.01, 1e4, .offset = FIELD(heatmap_top),
     .help = "end of its scale; fixed, so that pictures can be compared"},
    {"mask", 0, .brief = true, OPTION_FILE, "FILE", NULL, .offset = FIELD(mask),
     .help = "where images are compared: where this one, of their size, is not black"},
    {"ignore", 0, .brief = true, OPTION_CUSTOM, "BOX", NULL, .offset = FIELD(ignore),
     .parse = parse_ignore, .help = "leave out WxH+X+Y of images; repeatable"},
};

struct difference deltae_difference(const struct deltae_fields *fields)
{
    return (struct difference){
        .formula = (enum difference_formula)fields->formula,
        .white = (enum difference_white)fields->white,
        .kl = fields->kl,
        .kc = fields->kc,
        .kh = fields->kh,
        .cmc_l = fields->cmc[0],
        .cmc_c = fields->cmc[1],
    };
}

static void point_of_lab(const struct difference *difference, const double lab_d65[3],
                         double point[3])
{
    double lab[3];
    difference_lab(difference, lab_d65, lab);
    difference_point(difference, lab, point);
}

/* Composed on encoded sRGB, as browsers do. */
static void point_over(const struct difference *difference, const struct color *color,
                       double background, double point[3])
{
    double linear[3], lab[3];
    for (int i = 0; i < 3; i++)
        linear[i] =
            srgb_decode(color->srgb[i] * color->alpha + background * (1 - color->alpha));
    lab_from_linear(linear, lab);
    point_of_lab(difference, lab, point);
}

void deltae_point(const struct difference *difference, const struct color *color,
                  struct deltae_point *point)
{
    point->opaque = color->alpha >= 1;
    if (point->opaque) {
        point_of_lab(difference, color->lab, point->white);
        memcpy(point->black, point->white, sizeof point->black);
        return;
    }
    point_over(difference, color, 1, point->white);
    point_over(difference, color, 0, point->black);
}

double deltae_between(const struct difference *difference, const struct deltae_point *reference,
                      const struct deltae_point *sample)
{
    double white = difference_between(difference, reference->white, sample->white);
    if (reference->opaque && sample->opaque)
        return white;
    return fmax(white, difference_between(difference, reference->black, sample->black));
}

/* '#', a word with a parenthesis, `ral` before a blank, a digit or the end. */
static bool starts_like_color(const char *text)
{
    size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    if (*text == '#' || (word > 0 && text[word] == '('))
        return true;
    return strncasecmp(text, "ral", 3) == 0 &&
           (text[3] == '\0' || text[3] == ' ' || isdigit((unsigned char)text[3])) &&
           strpbrk(text, "./") == NULL;
}

/* A colour, or else a file that exists: *IMAGE says which. What is neither is told as what it was
 * probably meant to be. */
static bool read_operand(const char *text, struct color *color, bool *image, struct error *error)
{
    struct error reason = {0};
    struct stat status;
    *image = false;
    if (color_parse(text, color, &reason))
        return true;
    *image = true;
    if (strcmp(text, "-") == 0 || root_status(text, &status) || root_is_outside(errno))
        return true;
    int missing = errno;
    bool path = strpbrk(text, "./") != NULL && !starts_like_color(text);
    if (text[0] == '\0' || starts_like_color(text) || (!path && reason.hint[0] != '\0')) {
        *error = reason;
        return false;
    }
    error_errno(error, ERROR_NO_INPUT, missing,
                path ? "cannot be opened" : "is no colour and cannot be opened");
    snprintf(error->file, sizeof error->file, "%s", text);
    return false;
}

static json_t *color_json(const struct difference *difference, const char *text,
                          const struct color *color)
{
    char hex[16];
    double lab[3];
    unsigned code[3];
    difference_lab(difference, color->lab, lab);
    for (int i = 0; i < 3; i++)
        code[i] = (unsigned)lrint(color->srgb[i] * 255);
    int length = snprintf(hex, sizeof hex, "#%02x%02x%02x", code[0], code[1], code[2]);
    if (color->alpha < 1)
        snprintf(hex + length, sizeof hex - (size_t)length, "%02x",
                 (unsigned)lrint(color->alpha * 255));
    return json_pack("{s:o, s:[f, f, f], s:s, s:b}", "color", cli_json_string(text), "lab", lab[0],
                     lab[1], lab[2], "hex", hex, "in_gamut", (int)color->in_gamut);
}

/* One pair of colours: its line, and its JSON object where there are several. */
static bool compare_colors(struct cli_run *run, const struct deltae_fields *fields,
                           const struct color *colors, int other, struct error *error)
{
    char *const *names = run->parsed.operands;
    const struct difference difference = deltae_difference(fields);
    struct deltae_point one, two;
    deltae_point(&difference, &colors[0], &one);
    deltae_point(&difference, &colors[1], &two);
    double de = deltae_between(&difference, &one, &two);
    const struct deltae_figures figures = {de, de, de, de > fields->tolerance};
    text_printf(&run->answer, "%.4f\n", de);
    cli_explain(run, "%s from %s: %.4f (%s, %s)", names[other], names[0], de,
                difference_names[fields->formula], difference_white_names[fields->white]);
    run->result = json_pack(
        "{s:f, s:s, s:s, s:o, s:o, s:o}", "de", de, "formula", difference_names[fields->formula],
        "white", difference_white_names[fields->white], "a",
        color_json(&difference, names[0], &colors[0]), "b",
        color_json(&difference, names[other], &colors[1]), "passed",
        deltae_judge(run, fields, &figures, run->parsed.operand_count > 2 ? names[other] : NULL));
    if (run->parsed.operand_count == 2)
        return true;
    run->reported = true;
    run->exit_status = run->answer_no;
    return cli_report_json(run, NULL, error);
}

/* Puts NAME and a tab before each line of TEXT from FROM on. */
static void name_lines(struct text *text, size_t from, const char *name)
{
    struct text named = {0};
    char shown[300];
    cli_display_name(name, shown, sizeof shown);
    const char *line = text->data == NULL ? "" : text->data + from;
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        text_printf(&named, "%s\t%.*s\n", shown, (int)length, line);
        line += length + (line[length] == '\n');
    }
    text->length = from;
    text_add(text, named.data == NULL ? "" : named.data);
    text->failed = text->failed || named.failed;
    text_free(&named);
}

/* A against each of the others; every pair gets its lines, whatever becomes of the others, and the
 * first failure is the status. */
static bool compare_many_images(struct cli_run *run, const struct deltae_fields *fields,
                                struct error *error)
{
    char **names = run->parsed.operands;
    bool over = false;
    for (int i = 0; i < run->parsed.operand_count; i++)
        cli_input_keep(names[i]);
    if (fields->mask != NULL)
        cli_input_keep(fields->mask);
    if (!cli_answer_open(run, error) || !sandbox_enter(run, error))
        return false;
    run->reported = true;
    for (int i = 1; i < run->parsed.operand_count; i++) {
        struct error failure = {0};
        size_t start = run->answer.length;
        clock_gettime(CLOCK_MONOTONIC, &run->started);
        run->answer_no = false;
        bool done = deltae_images(run, fields, names[0], names[i], &failure);
        over = over || run->answer_no;
        if (done) {
            name_lines(&run->answer, start, names[i]);
        } else {
            run->answer.length = start;
            cli_report_error(run, &failure);
            if (run->exit_status == 0)
                run->exit_status = error_exit_status(failure.kind);
        }
        if (!cli_report_json(run, done ? NULL : &failure, error))
            return false;
    }
    if (run->exit_status == 0)
        run->exit_status = over;
    return true;
}

/* The shared main looks after the first image only. */
static bool check_output(const struct cli_run *run, const struct deltae_fields *fields,
                         struct error *error)
{
    const char *path = fields->common.output;
    struct stat output;
    if (strcmp(path, "-") == 0 || !root_status(path, &output))
        return true;
    bool same = root_is_same(fields->mask, &output);
    for (int i = 0; i < run->parsed.operand_count; i++)
        same = same || root_is_same(run->parsed.operands[i], &output);
    return !same || error_set(error, ERROR_USAGE, "'%s' is one of the inputs", path);
}

static bool run_images(struct cli_run *run, const struct deltae_fields *fields,
                       struct error *error)
{
    char **names = run->parsed.operands;
    if (!check_output(run, fields, error))
        return false;
    if (run->parsed.operand_count == 2)
        return deltae_images(run, fields, names[0], names[1], error);
    if (fields->heatmap != NULL)
        return error_set(error, ERROR_USAGE, "--heatmap with more than two images");
    for (int i = 0; i < run->parsed.operand_count; i++)
        if (strcmp(names[i], "-") == 0)
            return error_set(error, ERROR_USAGE, "'-' with more than two images: stdin can be "
                                                 "read only once");
    return compare_many_images(run, fields, error);
}

/* The options that only images have, where there are none. */
static bool refuse_image_options(const struct cli_run *run, struct error *error)
{
    static const char *const names[] = {"heatmap", "heatmap-max", "mask", "ignore"};
    for (size_t i = 0; i < CLI_COUNT(names); i++)
        if (option_given(&run->set, &run->parsed, names[i]))
            return error_set(error, ERROR_USAGE, "--%s is for images", names[i]);
    return true;
}

static bool run_operands(struct cli_run *run, const struct deltae_fields *fields,
                         struct error *error)
{
    char **names = run->parsed.operands;
    struct color colors[2];
    bool image = false, first_image = false;
    if (fields->common.json && option_given(&run->set, &run->parsed, "output"))
        return error_set(error, ERROR_USAGE, "--output together with --json, which goes to stdout");
    for (int i = 0; i < run->parsed.operand_count; i++) {
        if (!read_operand(names[i], &colors[i > 0], &image, error))
            return false;
        if (i == 0)
            first_image = image;
        else if (image != first_image)
            return error_set(error, ERROR_USAGE,
                             "'%s' is %s and '%s' is %s: an image is not compared with a colour",
                             names[0], first_image ? "an image" : "a colour", names[i],
                             image ? "an image" : "a colour");
    }
    if (image)
        return run_images(run, fields, error);
    if (!refuse_image_options(run, error))
        return false;
    for (int i = 1; i < run->parsed.operand_count; i++) {
        clock_gettime(CLOCK_MONOTONIC, &run->started);
        if (!read_operand(names[i], &colors[1], &image, error) ||
            !compare_colors(run, fields, colors, i, error))
            return false;
    }
    return true;
}

/* Factors that the formula does not have would be left out silently. */
static bool check_factors(const struct cli_run *run, const struct deltae_fields *fields,
                          struct error *error)
{
    static const char *const names[] = {"kl", "kc", "kh"};
    enum difference_formula formula = (enum difference_formula)fields->formula;
    for (size_t i = 0; i < CLI_COUNT(names); i++)
        if (option_given(&run->set, &run->parsed, names[i]) &&
            (difference_factors(formula) >> i & 1) == 0)
            return error_set(error, ERROR_USAGE, "--%s: formula %s has no such factor", names[i],
                             difference_names[formula]);
    if (option_given(&run->set, &run->parsed, "cmc") && formula != DIFFERENCE_CMC)
        return error_set(error, ERROR_USAGE, "--cmc: the formula is %s",
                         difference_names[formula]);
    return true;
}

/* Limits that were not given are none. */
static void clear_limits(const struct cli_run *run, struct deltae_fields *fields)
{
    const struct {
        const char *name;
        double *limit;
    } limits[] = {{"max", &fields->max},
                  {"max-mean", &fields->max_mean},
                  {"max-p95", &fields->max_p95},
                  {"max-fraction", &fields->max_fraction}};
    for (size_t i = 0; i < CLI_COUNT(limits); i++)
        if (!option_given(&run->set, &run->parsed, limits[i].name))
            *limits[i].limit = -1;
}

/* Without operands a person at a terminal gets help. */
static bool refuse_operands(const struct cli_run *run, struct error *error)
{
    struct text help = {0};
    if (run->parsed.operand_count == 1)
        return error_set(error, ERROR_USAGE, "'%s' alone: two colours or images are expected",
                         run->parsed.operands[0]);
    if (isatty(STDIN_FILENO)) {
        cli_print_short_help(run->tool, &help);
        if (help.data != NULL && write(STDERR_FILENO, help.data, help.length) < 0)
            errno = 0;
        text_free(&help);
    }
    return error_set(error, ERROR_USAGE,
                     "no operands: two colours, two images, or --pairs FILE is expected");
}

static bool deltae_run(struct cli_run *run, void *options, struct error *error)
{
    struct deltae_fields *fields = options;
    clear_limits(run, fields);
    if (!check_factors(run, fields, error))
        return false;
    if (fields->pairs != NULL) {
        if (run->parsed.operand_count > 0)
            return error_set(error, ERROR_USAGE, "--pairs together with the operand '%s'",
                             run->parsed.operands[0]);
        return refuse_image_options(run, error) && deltae_list(run, fields, error);
    }
    if (run->parsed.operand_count < 2)
        return refuse_operands(run, error);
    return run_operands(run, fields, error);
}

static const struct result_field color_fields[] = {
    {"color", RESULT_TEXT, .help = "as it was given"},
    {"lab", .type = RESULT_LAB},
    {"hex", .type = RESULT_HEX},
    {"in_gamut", RESULT_FLAG, .help = "whether sRGB has it"},
    {0},
};

#define JUDGED                                                                                     \
    {"formula", .type = RESULT_TEXT, .choices = difference_names},                                 \
    {"white", .type = RESULT_TEXT, .choices = difference_white_names},                             \
    {"passed", RESULT_FLAG, .help = "the verdict; null where no limit is given", .null = true}

static const struct result_field color_result_fields[] = {
    {"de", RESULT_NUMBER, .help = "the difference"},
    {"a", RESULT_OBJECT, .help = "the reference", .fields = color_fields},
    {"b", RESULT_OBJECT, .help = "the sample", .fields = color_fields},
    JUDGED,
    {0},
};

static const struct result_field other_fields[] = {
    {"path", .type = RESULT_TEXT},
    {"width", .type = RESULT_INTEGER},
    {"height", .type = RESULT_INTEGER},
    {0},
};

static const struct result_field image_result_fields[] = {
    {"mean", .type = RESULT_NUMBER},
    {"median", .type = RESULT_NUMBER},
    {"p95", RESULT_NUMBER, .help = "95 of 100 pixels are below"},
    {"p99", .type = RESULT_NUMBER},
    {"max", .type = RESULT_NUMBER},
    {"max_at", RESULT_POINT, .help = "where the largest is"},
    {"over", RESULT_SHARE, .help = "of the pixels, above the tolerance"},
    {"tolerance", .type = RESULT_NUMBER},
    {"pixels", RESULT_INTEGER, .help = "that count"},
    {"boxes", RESULT_BOX, .help = "around what is above the tolerance", .list = true},
    {"other", RESULT_OBJECT, .help = "the image compared with the input", .fields = other_fields},
    JUDGED,
    {0},
};

static const struct result_field list_result_fields[] = {
    {"rows", RESULT_INTEGER, .help = "that were compared"},
    {"bad", RESULT_INTEGER, .help = "rows that made no sense"},
    {"mean", .type = RESULT_NUMBER, .null = true},
    {"median", .type = RESULT_NUMBER, .null = true},
    {"p95", .type = RESULT_NUMBER, .null = true},
    {"p99", .type = RESULT_NUMBER, .null = true},
    {"max", .type = RESULT_NUMBER, .null = true},
    {"over", RESULT_SHARE, .help = "of the rows, above the tolerance", .null = true},
    {"tolerance", .type = RESULT_NUMBER},
    JUDGED,
    {0},
};

static const struct cli_tool tool = {
    .name = "deltae",
    .operands = "A B [C]...",
    .description =
        "Compares A, the reference, with each of the others. Operands are colours (CSS Color 4, "
        "lab-d65(), RAL codes) or images; what can be read as a colour is one, so write ./red for "
        "a file named red.\n\n"
        "Of colours the difference is printed with four decimals, a line for each of B, C, … in "
        "their order; with --json there is one object for each. Translucent colours and pixels are "
        "compared over white and over black, composed on encoded sRGB, and the larger difference "
        "counts.\n\n"
        "Of images of one size the lines are mean, median, p95, p99, max and over (the share of "
        "pixels above --tolerance); of several, each line begins with the name of the image. All "
        "pixels count, and what is transparent in both is equal: around a cutout that dilutes mean "
        "and shares, unless --mask says where the object is.\n\n"
        "--pairs reads CSV or TSV: two colours or six Lab numbers (L a b of the reference, L a b "
        "of the sample, relative to --white) in each row. Where tabs or semicolons separate, "
        "numbers may have decimal commas, and the difference then has one too. Each row is written "
        "again with the difference as one more field, as soon as the input pauses. The first row "
        "may be a heading "
        "and gets `de`; where it names columns L1 a1 b1 L2 a2 b2, or color1 color2, or reference "
        "sample, there may be others beside them. Blank lines and comments (# and a blank) pass. A "
        "bad row gets an empty field and a message with its line, and the exit status is 65 at "
        "the end. With --json there is one object with the figures, and the rows go only where "
        "--output says.\n\n"
        "CIE94 and CMC depend on which colour is the reference. Scales differ: in ok white and "
        "black are 1 apart, and the default tolerance, a just noticeable difference of CIE76, fits "
        "only formulas based on Lab.",
    .results = {{"of colours", color_result_fields, .beside = false},
                {"of images", image_result_fields, .beside = false},
                {"of a list", list_result_fields, .beside = false}},
    .options = {"What to compare", entries, CLI_COUNT(entries)},
    .groups = CLI_OUTPUT | CLI_DECODE | CLI_LIMITS | CLI_PROCESS,
    .examples = {{"deltae '#c8102e' 'RAL 3020'", "one number"},
                 {"deltae --pairs measured.csv --max-p95 2 -o out.csv", "a list and a verdict"},
                 {"deltae --max-mean 1 --mask paint.png --heatmap map.png before.png after.png",
                  "exit status 1 where the mean of the paint exceeds 1"}},
    .options_size = sizeof(struct deltae_fields),
    .max_operands = -1,
    .run = deltae_run,
    .libraries = cli_image_libraries,
};

int main(int argc, char **argv)
{
    return cli_main(&tool, argc, argv);
}
