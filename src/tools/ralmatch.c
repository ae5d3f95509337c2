/* SPDX-License-Identifier: MIT */
/* ralmatch: the nearest colours of a catalogue. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/root.h"
#include "cli/input.h"
#include "cli/sandbox.h"
#include "cli/terminal.h"
#include "color/color.h"
#include "ops/palette.h"
#include "tools/ralmatch.h"

enum { FLUSH_BYTES = 1 << 16, TOP_MOST = 10000 };

#define FIELD(name) offsetof(struct match_fields, name)

static const char *const set_choices[] = {"classic", "design", "effect", "all", NULL};
static const char *const finish_choices[] = {"solid", "all", NULL};

static const struct option_entry entries[] = {
    {"set", 0, .brief = true, OPTION_CHOICE, "SET", "classic", .choices = set_choices,
     .offset = FIELD(set), .help = "RAL colours to choose from"},
    {"catalogue", 0, .brief = true, OPTION_FILE, "FILE", NULL, .offset = FIELD(catalogue),
     .help = "choose from the colours of FILE; a CSV, GIMP palette (.gpl) or Adobe swatches "
             "(.ase)"},
    {"top", 'n', .brief = true, OPTION_INTEGER, "N", "1", 1, TOP_MOST, .offset = FIELD(top),
     .help = "how many matches for each colour"},
    {"formula", 0, .type = OPTION_CHOICE, "NAME", "2000", .choices = difference_names,
     .offset = FIELD(formula), .help = "colour difference: CIEDE2000 or another"},
    {"finish", 0, .type = OPTION_CHOICE, "WHICH", "solid", .choices = finish_choices,
     .offset = FIELD(finish), .help = "solid: no fluorescent, pearlescent and metallic colours"},
    {"max-de", 0, .brief = true, OPTION_NUMBER, "DE", NULL, 0, 1e6, .offset = FIELD(max_de),
     .help = "no match farther away than DE; exit status 1 where there is none"},
    {"colors", 0, .type = OPTION_INTEGER, "N", "5", 1, PALETTE_MOST, .offset = FIELD(colors),
     .help = "how many dominant colours of an image are matched, at most"},
    {"code", 0, .brief = true, OPTION_TEXT, "CODE", NULL, .offset = FIELD(code),
     .help = "look CODE up; in all RAL sets, or in the catalogue"},
    {"list", 0, .brief = true, OPTION_FLAG, .offset = FIELD(list),
     .help = "list the colours of the set, or of the catalogue"},
};

static bool session_prepare(struct session *session, struct error *error)
{
    const struct match_fields *fields = session->fields;
    const struct difference difference = {.formula = (enum difference_formula)fields->formula};
    const struct cli_run *run = session->run;
    bool json = fields->common.json || fields->common.report_fd >= 0;
    bool limited = option_given(&run->set, &run->parsed, "max-de");
    double(*lab)[3] = memory_array(session->shade_count, sizeof *lab, error);
    session->max_de = limited ? fields->max_de : INFINITY;
    session->wanted = (size_t)fields->top + (json && fields->top == 1);
    session->found = memory_array(session->wanted, sizeof *session->found, error);
    bool done = lab != NULL && session->found != NULL;
    for (size_t i = 0; done && i < session->shade_count; i++)
        memcpy(lab[i], session->shades[i].lab, sizeof lab[i]);
    done = done && matcher_new(&session->matcher, &difference, (const double(*)[3])lab,
                               session->shade_count, error);
    free(lab);
    return done;
}

static void session_free(struct session *session)
{
    matcher_free(session->matcher);
    free(session->found);
    free(session->shown_ends);
    text_free(&session->shown);
    free(session->shades);
    swatches_free(&session->own);
}

/* What was asked as one field: blanks of any kind are one. */
static void add_query(struct text *text, const char *query)
{
    static const char blanks[] = " \t\n\v\f\r";
    const char *gap = "";
    for (size_t length; *(query += strspn(query, blanks)) != '\0'; query += length) {
        length = strcspn(query, blanks);
        text_add(text, gap);
        text_add_bytes(text, query, length);
        gap = " ";
    }
}

/* `1.87`. */
static void add_hundredths(struct text *text, double value)
{
    char digits[16];
    size_t at = sizeof digits;
    if (!(value < 1e6)) {
        text_printf(text, "%.2f", value);
        return;
    }
    unsigned hundredths = (unsigned)lrint(value * 100);
    for (int i = 0; i < 3 || hundredths > 0; i++, hundredths /= 10) {
        digits[--at] = (char)('0' + hundredths % 10);
        if (i == 1)
            digits[--at] = '.';
    }
    text_add_bytes(text, digits + at, sizeof digits - at);
}

static void match_text(const struct session *session, const struct query *query,
                       const struct match *match, struct text *answer)
{
    if (session->prefixed) {
        add_query(answer, query->text);
        text_add(answer, "\t");
    }
    shade_text(session, &session->shades[match->index], answer);
    text_add(answer, "\t");
    add_hundredths(answer, match->de);
    if (query->share >= 0)
        text_printf(answer, "\t%.3f", query->share);
    if (query->image != NULL) {
        char shown[300];
        text_printf(answer, "\t%s", cli_display_name(query->image, shown, sizeof shown));
    }
    text_add(answer, "\n");
}

static json_t *matches_json(const struct session *session, const struct query *query,
                            const struct match *match, size_t found, size_t near)
{
    json_t *list = json_array();
    for (size_t i = 0; i < near; i++)
        json_array_append_new(list, shade_json(&session->shades[match[i].index], match[i].de));
    double gap = found > 1 ? match[1].de - match[0].de : INFINITY;
    json_t *result =
        json_pack("{s:o, s:o, s:o, s:b}", "query", cli_json_string(query->text), "matches", list,
                  "gap", near > 0 && found > 1 ? json_real(shade_rounded(gap)) : json_null(),
                  "ambiguous", near > 0 && gap < 1);
    if (query->line > 0)
        json_object_set_new(result, "line", json_integer((json_int_t)query->line));
    if (query->share >= 0)
        json_object_set_new(result, "share", json_real(shade_rounded(query->share)));
    return result;
}

bool session_wants_json(const struct session *session)
{
    return session->fields->common.json || session->fields->common.report_fd >= 0;
}

/* How many of the FOUND are asked for and near enough. */
static size_t count_near(const struct session *session, const struct match *match, size_t found)
{
    size_t near = 0, top = (size_t)session->fields->top;
    while (near < found && near < top && match[near].de <= session->max_de)
        near++;
    return near;
}

bool session_text(const struct session *session, const struct query *query,
                  const struct match *match, size_t found, struct text *text)
{
    size_t near = count_near(session, match, found);
    for (size_t i = 0; i < near; i++)
        match_text(session, query, &match[i], text);
    return near > 0;
}

void session_answer(struct session *session, const struct query *query, const struct match *match,
                    size_t found, json_t **result)
{
    size_t near = count_near(session, match, found);
    session->none = session->none || near == 0;
    if (session_wants_json(session))
        *result = matches_json(session, query, match, found, near);
    if (!session->fields->common.json)
        session_text(session, query, match, found, &session->run->answer);
}

void session_match(struct session *session, const struct query *query, json_t **result)
{
    size_t found = matcher_find(session->matcher, query->lab, session->wanted, session->found);
    session_answer(session, query, session->found, found, result);
}

bool session_flush(struct session *session, struct error *error)
{
    bool waits = session->fields->common.json || strcmp(session->fields->common.output, "-") != 0;
    return waits || cli_answer_now(session->run, error);
}

bool session_report(struct session *session, const struct error *failure, struct error *error)
{
    struct cli_run *run = session->run;
    if (failure != NULL) {
        if (!session_flush(session, error))
            return false;
        cli_report_error(run, failure);
        if (run->exit_status == 0)
            run->exit_status = error_exit_status(failure->kind);
    }
    bool done = true;
    if (session_wants_json(session)) {
        done = cli_report_json(run, failure, error);
        clock_gettime(CLOCK_MONOTONIC, &run->started);
    }
    return done && (run->answer.length < FLUSH_BYTES || session_flush(session, error));
}

/* A name of a file, to judge by its looks. */
static bool looks_like_file(const char *text)
{
    const char *dot = strrchr(text, '.');
    if (strchr(text, '(') != NULL || text[0] == '#')
        return false;
    return strchr(text, '/') != NULL || (dot != NULL && isalpha((unsigned char)dot[1]));
}

/* COLOR is filled in where OPERAND is a colour; otherwise *IS_FILE. ERROR_USAGE where it is
 * neither. */
static bool operand_kind(const char *operand, struct color *color, bool *is_file,
                         struct error *error)
{
    struct stat status;
    struct error reason = {0};
    *is_file = strcmp(operand, "-") == 0;
    if (*is_file || color_parse(operand, color, &reason))
        return true;
    *is_file = root_status(operand, &status) || root_is_outside(errno) ||
               looks_like_file(operand);
    if (!*is_file)
        *error = reason;
    return *is_file;
}

static bool session_operand(struct session *session, const char *operand, struct error *error)
{
    struct cli_run *run = session->run;
    struct query query = {.text = operand, .share = -1};
    struct color color;
    bool is_file;
    if (!operand_kind(operand, &color, &is_file, error))
        return false;
    if (is_file)
        return session_file(session, operand, error);
    if (color.alpha < 1)
        cli_warn(run, "'%s' is not opaque, its colour alone is matched", operand);
    run->file = NULL;
    memcpy(query.lab, color.lab, sizeof query.lab);
    session_match(session, &query, &run->result);
    return !run->reported || session_report(session, NULL, error);
}

/* The answers must not replace the file NAME, which is read. The shared main looks after the last
 * input only. */
static bool check_kept(const struct cli_run *run, const char *name, struct error *error)
{
    const char *path = run->options->output;
    struct stat output;
    if (run->options->json || strcmp(path, "-") == 0 || !root_status(path, &output) ||
        !root_is_same(name, &output))
        return true;
    return error_set(error, ERROR_USAGE, "'%s' is one of the inputs", path);
}

/* A wrong colour is found before anything is answered. */
static bool check_operands(const struct cli_run *run, bool *files, struct error *error)
{
    *files = run->parsed.operand_count == 0;
    for (int i = 0; i < run->parsed.operand_count; i++) {
        struct color color;
        bool is_file;
        if (!operand_kind(run->parsed.operands[i], &color, &is_file, error) ||
            (is_file && !check_kept(run, run->parsed.operands[i], error)))
            return false;
        *files = *files || is_file;
    }
    return true;
}

static bool session_run(struct session *session, struct error *error)
{
    struct cli_run *run = session->run;
    int count = run->parsed.operand_count;
    bool files, done = true;
    if (!check_operands(run, &files, error) || !session_prepare(session, error))
        return false;
    for (int i = 0; i < count && files; i++)
        cli_input_keep(run->parsed.operands[i]);
    if (!cli_answer_open(run, error))
        return false;
    session->several = count > 1;
    session->prefixed = files || session->several;
    run->reported = session->several;
    if (count == 0)
        done = session_file(session, session->fields->common.input, error);
    for (int i = 0; i < count && done; i++)
        done = session_operand(session, run->parsed.operands[i], error);
    run->answer_no = session->none;
    if (run->exit_status == 0)
        run->exit_status = session->none;
    return done;
}

static bool check_usage(const struct cli_run *run, const struct match_fields *fields,
                        struct error *error)
{
    const struct option_set *set = &run->set;
    const struct option_result *parsed = &run->parsed;
    bool input = option_given(set, parsed, "input");
    const char *look_up = fields->code != NULL ? "--code" : "--list";
    if (fields->code != NULL && fields->list)
        return error_set(error, ERROR_USAGE, "--code together with --list");
    if ((fields->code != NULL || fields->list) && (input || parsed->operand_count > 0))
        return error_set(error, ERROR_USAGE, "'%s' together with %s, which takes no colour",
                         input ? fields->common.input : parsed->operands[0], look_up);
    if (fields->catalogue != NULL && option_given(set, parsed, "set"))
        return error_set(error, ERROR_USAGE, "--set together with --catalogue");
    if (fields->catalogue != NULL && option_given(set, parsed, "finish"))
        return error_set(error, ERROR_USAGE, "--finish together with --catalogue");
    if (input && parsed->operand_count > 0)
        return error_set(error, ERROR_USAGE, "'%s' and -i '%s': one way to name inputs is expected",
                         parsed->operands[0], fields->common.input);
    if (fields->common.json && option_given(set, parsed, "output"))
        return error_set(error, ERROR_USAGE, "--output together with --json, which goes to stdout");
    return true;
}

/* Somebody at a terminal who gave nothing to match. */
static bool refuse_terminal(const struct cli_run *run, struct error *error)
{
    struct text help = {0};
    cli_print_short_help(run->tool, &help);
    if (help.data != NULL && write(STDERR_FILENO, help.data, help.length) < 0)
        errno = 0;
    text_free(&help);
    return error_set(error, ERROR_USAGE, "no input: a colour, a file name or a pipe is expected");
}

/* Rows of a catalogue that made no sense were left out; what was found without them stands, but the
 * nearest may be among them. */
static bool check_catalogue(struct session *session, struct error *error)
{
    if (session->own.bad == 0)
        return true;
    if (!session_flush(session, error))
        return false;
    struct cli_run *run = session->run;
    if (run->reported) {
        run->exit_status = error_exit_status(ERROR_CORRUPT);
        return true;
    }
    if (run->result != NULL)
        run->extra = json_pack("{s:O}", "result", run->result);
    error_set(error, ERROR_CORRUPT, "%zu row%s of the catalogue made no sense", session->own.bad,
              session->own.bad == 1 ? "" : "s");
    snprintf(error->file, sizeof error->file, "%s", session->fields->catalogue);
    return false;
}

static bool match_run(struct cli_run *run, void *options, struct error *error)
{
    const struct match_fields *fields = options;
    struct session session = {.run = run, .fields = fields};
    bool look_up = fields->code != NULL || fields->list;
    if (!check_usage(run, fields, error) ||
        (fields->catalogue != NULL && !check_kept(run, fields->catalogue, error)))
        return false;
    if (!look_up && run->parsed.operand_count == 0 &&
        !option_given(&run->set, &run->parsed, "input") && isatty(STDIN_FILENO))
        return refuse_terminal(run, error);
    session.swatch = terminal_shows_color(run);
    bool done = session_load(&session, error) &&
                (look_up ? session_show(&session, error) : session_run(&session, error)) &&
                check_catalogue(&session, error);
    session_free(&session);
    return done;
}

static const char *const set_names[] = {"classic", "design", "effect", NULL};

static const struct result_field shade_fields[] = {
    {"set", RESULT_TEXT, .help = "null: a catalogue of one's own", .choices = set_names,
     .null = true},
    {"code", .type = RESULT_TEXT},
    {"name_en", .type = RESULT_TEXT},
    {"name_de", .type = RESULT_TEXT},
    {"hex", .type = RESULT_HEX},
    {"lab", .type = RESULT_LAB},
    {"finish", .type = RESULT_TEXT, .null = true},
    {"de", RESULT_NUMBER, .help = "difference; null with --code and --list", .null = true},
    {0},
};

#define MATCHED                                                                                    \
    {"matches", RESULT_OBJECT, .help = "the nearest first", .fields = shade_fields, .list = true}, \
    {"gap", RESULT_NUMBER, .help = "from the nearest to the runner-up", .null = true},             \
    {"ambiguous", RESULT_FLAG, .help = "whether the gap is below 1"}

static const struct result_field dominant_fields[] = {
    {"query", RESULT_TEXT, .help = "its colour"},
    MATCHED,
    {"share", RESULT_SHARE, .help = "of the picture"},
    {0},
};

static const struct result_field color_result_fields[] = {
    {"query", RESULT_TEXT, .help = "the colour as it was given"},
    MATCHED,
    {"line", RESULT_INTEGER, .help = "of a list, which has an object for each line",
     .optional = true},
    {0},
};

static const struct result_field image_result_fields[] = {
    MATCHED,
    {"colors", RESULT_OBJECT, .help = "dominant colours; what is said of the first is said of the "
                                      "image",
     .fields = dominant_fields, .list = true},
    {0},
};

static const struct result_field shown_result_fields[] = {
    MATCHED,
    {0},
};

static const struct cli_tool tool = {
    .name = "ralmatch",
    .operands = "[COLOR | FILE]...",
    .description =
        "Finds the colours of a catalogue that are nearest to a COLOR (CSS Color 4, "
        "lab-d65(), another RAL code), to the dominant colours of an image, or to each line of a "
        "list: a FILE or stdin (-, the default) is taken for a list of colours unless it is an "
        "image. Blank lines of a list and lines of '# comment' are skipped; a line that is no "
        "colour is reported with its number, the others go on, and the status is 65. A list may "
        "come line by line: answers go out whenever there is nothing more to read. A file whose "
        "name is a colour is given as ./red, or with -i.\n\n"
        "Each match is a line: code, name, hex and difference, separated by tabs. Where it is not "
        "a single COLOR that is asked for, the line starts with the colour that was matched; for "
        "images its share of the picture follows the difference, and among several operands the "
        "image's name. RAL Effect has no names: the field is empty. On a terminal with colour "
        "each line has a swatch. --code and --list have the finish in place of the difference.\n\n"
        "RAL colours are matched by their Lab values (Classic: measured, Design: nominal, Effect: "
        "of the hex) and shown as the hex that RAL publishes, which is clipped where sRGB is too "
        "small.\n\n"
        "A catalogue in CSV has columns code, name, and hex or lab_l, lab_a and lab_b (D65); "
        "without a heading, name and colour. Tabs or semicolons may separate, and numbers then "
        "have decimal commas. CMYK colours of an .ase are converted without a "
        "profile. Rows that make no sense are reported and left out, and the status is 65; "
        "duplicates only get a warning.",
    .results = {{"of a colour", color_result_fields, .beside = false},
                {"of an image", image_result_fields, .beside = false},
                {"of --code and --list", shown_result_fields, .beside = false}},
    .options = {"Matching", entries, CLI_COUNT(entries)},
    .groups = CLI_INPUT | CLI_OUTPUT | CLI_DECODE | CLI_LIMITS | CLI_PROCESS,
    .examples = {{"ralmatch '#5E6E3B'", "the nearest RAL Classic colour"},
                 {"ralmatch -n 3 --set all photo.jpg", "three for each dominant colour"},
                 {"ralmatch --code 6011", "what RAL 6011 looks like"}},
    .options_size = sizeof(struct match_fields),
    .max_operands = -1,
    .run = match_run,
    .libraries = cli_image_libraries,
};

int main(int argc, char **argv)
{
    return cli_main(&tool, argc, argv);
}
