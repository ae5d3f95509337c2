/* SPDX-License-Identifier: MIT */
/* imgtool doctor: what is run, and how the findings are shown. */
#include "tools/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/report.h"
#include "cli/terminal.h"
#include "tools/doctor_parts.h"

struct doctor_fields {
    struct cli_common common;
    int64_t tool_timeout_ms;
    bool require_sandbox;
};

#define FIELD(name) offsetof(struct doctor_fields, name)

static const struct option_entry entries[] = {
    {"timeout", 0, .brief = true, OPTION_DURATION, "TIME", "5s", 1, 3.6e6,
     .offset = FIELD(tool_timeout_ms), .help = "how long a tool may take for its answer"},
    {"require-sandbox", 0, .brief = true, OPTION_FLAG, .offset = FIELD(require_sandbox),
     .help = "count it as failed, and not as a warning, where a layer of the sandbox is missing"},
};

/* For people, with the colour (SGR), and for programs. */
static const struct {
    const char *word;
    unsigned color;
} levels[DOCTOR_LEVELS] = {
    [DOCTOR_OK] = {"ok", 32},
    [DOCTOR_SKIPPED] = {"skipped", 2},
    [DOCTOR_WARNING] = {"warning", 33},
    [DOCTOR_FAILED] = {"FAILED", 31},
};

static const char *const level_names[] = {"ok", "skipped", "warning", "failed", NULL};

void doctor_name(struct doctor_finding *finding, const char *format, ...)
{
    va_list args;
    *finding = (struct doctor_finding){.level = DOCTOR_OK};
    va_start(args, format);
    vsnprintf(finding->name, sizeof finding->name, format, args);
    va_end(args);
}

void doctor_found(struct doctor_finding *finding, enum doctor_level level, const char *format, ...)
{
    va_list args;
    finding->level = level;
    va_start(args, format);
    vsnprintf(finding->found, sizeof finding->found, format, args);
    va_end(args);
}

void doctor_expect(struct doctor_finding *finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->expected, sizeof finding->expected, format, args);
    va_end(args);
}

void doctor_mend(struct doctor_finding *finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->mend, sizeof finding->mend, format, args);
    va_end(args);
}

static void show(struct doctor *doctor, const struct doctor_finding *finding)
{
    struct text *answer = &doctor->run->answer;
    char name[sizeof finding->name], found[sizeof finding->found], mend[sizeof finding->mend];
    text_mask(finding->name, name, sizeof name);
    text_mask(finding->found, found, sizeof found);
    text_mask(finding->mend, mend, sizeof mend);
    if (terminal_shows_color(doctor->run))
        text_printf(answer, "\033[%um%s\033[0m", levels[finding->level].color,
                    levels[finding->level].word);
    else
        text_add(answer, levels[finding->level].word);
    text_printf(answer, "\t%s\t%s", name, found);
    if (finding->level >= DOCTOR_WARNING && finding->expected[0] != '\0')
        text_printf(answer, " (expected: %s)", finding->expected);
    text_add(answer, "\n");
    if (finding->level >= DOCTOR_WARNING && mend[0] != '\0')
        text_printf(answer, "\tto mend\t%s\n", mend);
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : cli_json_string(text);
}

void doctor_add(struct doctor *doctor, const struct doctor_finding *finding)
{
    bool ok = finding->level == DOCTOR_OK;
    doctor->counts[finding->level]++;
    json_array_append_new(
        doctor->checks,
        json_pack("{s:o, s:b, s:s, s:o, s:o, s:o}", "name", cli_json_string(finding->name), "ok",
                  ok, "level", level_names[finding->level], "found", text_or_null(finding->found),
                  "expected", text_or_null(finding->expected), "mend",
                  ok ? json_null() : text_or_null(finding->mend)));
    if (!doctor->run->options->json)
        show(doctor, finding);
}

/* Shows what was found so far: a tool that hangs takes its time. */
static bool say_now(struct doctor *doctor, struct error *error)
{
    return doctor->run->options->json || cli_answer_now(doctor->run, error);
}

static bool check_all(struct doctor *doctor, struct error *error)
{
    void (*const checks[])(struct doctor *) = {
        doctor_check_tools,   doctor_check_libraries, doctor_check_codecs, doctor_check_colors,
        doctor_check_sandbox, doctor_check_limits,    doctor_check_machine};
    const struct option_result *parsed = &doctor->run->parsed;
    for (size_t i = 0; i < CLI_COUNT(checks); i++) {
        checks[i](doctor);
        if (!say_now(doctor, error))
            return false;
    }
    for (int i = 0; i < parsed->operand_count; i++) {
        char name[300];
        snprintf(name, sizeof name, "directory %s", parsed->operands[i]);
        doctor_check_directory(doctor, name, parsed->operands[i]);
    }
    return say_now(doctor, error);
}

static bool judge(struct doctor *doctor, struct error *error)
{
    struct cli_run *run = doctor->run;
    const unsigned *counts = doctor->counts;
    bool healthy = counts[DOCTOR_FAILED] == 0;
    unsigned all = 0;
    for (int i = 0; i < DOCTOR_LEVELS; i++)
        all += counts[i];
    json_t *result = json_pack("{s:b, s:O}", "healthy", healthy, "checks", doctor->checks);
    if (healthy) {
        run->result = result;
        cli_explain(run, "healthy: %u checks, %u warnings", all, counts[DOCTOR_WARNING]);
        return true;
    }
    /* An error's object has no result otherwise, but here it is what the caller came for. */
    run->extra = json_pack("{s:o}", "result", result);
    return error_set(error, ERROR_UNAVAILABLE, "%u of %u checks failed", counts[DOCTOR_FAILED],
                     all);
}

static bool doctor_run(struct cli_run *run, void *options, struct error *error)
{
    const struct doctor_fields *fields = options;
    struct doctor doctor = {
        .run = run,
        .timeout_ms = fields->tool_timeout_ms,
        .require_sandbox = fields->require_sandbox,
        .checks = json_array(),
        .libraries = json_object(),
    };
    bool healthy = check_all(&doctor, error) && judge(&doctor, error);
    json_decref(doctor.checks);
    json_decref(doctor.libraries);
    return healthy;
}

static const struct result_field check_fields[] = {
    {"name", RESULT_TEXT, .help = "what was checked"},
    {"ok", .type = RESULT_FLAG},
    {"level", .type = RESULT_TEXT, .choices = level_names},
    {"found", .type = RESULT_TEXT, .null = true},
    {"expected", .type = RESULT_TEXT, .null = true},
    {"mend", RESULT_TEXT, .help = "what to do about it", .null = true},
    {0},
};

static const struct result_field result_fields[] = {
    {"healthy", .type = RESULT_FLAG},
    {"checks", RESULT_OBJECT, .fields = check_fields, .list = true},
    {0},
};

const struct cli_tool doctor_tool = {
    .name = "imgtool doctor",
    .operands = "[DIRECTORY]...",
    .description =
        "Checks the installation, as a health check would: that every tool is there, works and is "
        "of this version; that each codec gives a picture back; that CIEDE2000 reproduces its "
        "published pairs and the RAL tables are whole; which layers of the sandbox hold; the "
        "limits "
        "in force and where each comes from; the versions of the libraries, with the known-bad "
        "ones "
        "marked; recipes, processors, slots, and whether files can be made in the temporary "
        "directory and in each DIRECTORY.\n\n"
        "One line a check: ok, warning, FAILED or skipped, what was checked, what was found, tab "
        "separated. What failed is followed by a line that says how to mend it. The exit status is "
        "0 where nothing failed, whatever the warnings, and 69 otherwise.",
    .results = {{"also where it failed, beside error", result_fields, .beside = false}},
    .options = {"Checks", entries, CLI_COUNT(entries)},
    .examples = {{"imgtool doctor", "everything"},
                 {"imgtool doctor /srv/pictures", "also whether pictures can be written there"},
                 {"imgtool doctor --json | jq '.result.checks[] | select(.ok | not)'",
                  "what is not as it should be"}},
    .options_size = sizeof(struct doctor_fields),
    .max_operands = -1,
    .run = doctor_run,
};
