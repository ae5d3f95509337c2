/* SPDX-License-Identifier: MIT */
/* imgtool pipe: several commands as one pipeline. */
#include "tools/pipe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/catalogue.h"
#include "cli/report.h"
#include "proc/pipeline.h"

struct pipe_options {
    struct cli_common common;
};

static json_t *stage_report(const struct child *child)
{
    if (child->report.data == NULL)
        return NULL;
    return json_loadb(child->report.data, child->report.length, JSON_DISABLE_EOF_CHECK, NULL);
}

static enum error_kind kind_of(const char *name)
{
    for (int i = 1; i < ERROR_KIND_COUNT; i++)
        if (strcmp(name, error_kind_name((enum error_kind)i)) == 0)
            return (enum error_kind)i;
    return ERROR_INTERNAL;
}

/* The failure of a stage in its own words, or what its end says where it left none. */
static bool stage_error(const struct plan_stage *stage, const struct child *child,
                        struct error *error)
{
    json_t *report = stage_report(child);
    const json_t *failure = json_object_get(report, "error");
    const char *kind = json_string_value(json_object_get(failure, "kind"));
    const char *message = json_string_value(json_object_get(failure, "message"));
    const char *hint = json_string_value(json_object_get(failure, "hint"));
    const char *file = json_string_value(json_object_get(failure, "file"));
    if (kind != NULL && message != NULL) {
        error_set(error, kind_of(kind), "%s", message);
        if (hint != NULL)
            error_hint(error, "%s", hint);
        snprintf(error->file, sizeof error->file, "%s", file == NULL ? "" : file);
    } else if (WIFSIGNALED(child->status)) {
        error_set(error, ERROR_SYSTEM, "%s was ended by signal %d (%s)", stage->command,
                  WTERMSIG(child->status), strsignal(WTERMSIG(child->status)));
    } else {
        error_set(error, ERROR_INTERNAL, "%s ended with status %d and no report", stage->command,
                  WEXITSTATUS(child->status));
    }
    json_decref(report);
    return false;
}

/* What the stages said on stderr: all of them, or after a failure only the culprit, as the others
 * only tell how the failure reached them. True where something was said. */
static bool show_messages(const struct pipeline *pipeline)
{
    bool said = false;
    for (size_t i = 0; i < pipeline->count; i++) {
        const struct text *messages = &pipeline->children[i].messages;
        if (messages->length == 0 || (pipeline->culprit >= 0 && pipeline->culprit != (int)i))
            continue;
        said = write(STDERR_FILENO, messages->data, messages->length) > 0;
    }
    return said;
}

static json_t *size_of(const json_t *file)
{
    json_t *width = json_object_get(file, "width"), *height = json_object_get(file, "height");
    return width == NULL ? json_null() : json_pack("[O, O]", width, height);
}

/* The outputs of the last stage: its own list, or its one output. */
static json_t *outputs_of(const json_t *last)
{
    json_t *list = json_object_get(json_object_get(last, "result"), "outputs");
    json_t *one = json_object_get(last, "output");
    if (list != NULL)
        return json_incref(list);
    return json_is_object(one) ? json_pack("[O]", one) : json_array();
}

/* The parts of the JSON object that a pipeline has beyond those of a tool. */
static void describe(struct cli_run *run, const struct pipeline *pipeline)
{
    json_t *stages = json_array();
    bool has_shadow = false;
    for (size_t i = 0; i < pipeline->count; i++) {
        /* What came behind a failure only tells how it got there. */
        bool victim = pipeline->culprit >= 0 && (int)i > pipeline->culprit;
        json_t *report = victim ? NULL : stage_report(&pipeline->children[i]);
        json_t *shadow = json_object_get(json_object_get(report, "result"), "has_shadow");
        has_shadow = has_shadow || json_is_true(shadow);
        json_array_append_new(stages, report == NULL ? json_null() : report);
    }
    const json_t *first = json_array_get(stages, 0);
    const json_t *last = json_array_get(stages, json_array_size(stages) - 1);
    json_t *outputs = outputs_of(last);
    run->input = json_incref(json_object_get(first, "input"));
    run->output = json_incref(json_object_get(last, "output"));
    run->extra = json_pack(
        "{s:o, s:o, s:{s:o, s:o, s:b, s:f}}", "stages", stages, "outputs", outputs, "metadata",
        "original_size", size_of(run->input), "final_size", size_of(json_array_get(outputs, 0)),
        "has_shadow", (int)has_shadow, "elapsed_ms", cli_elapsed_ms(run));
}

/* True where a stage says itself where its image goes, or makes none. */
static bool names_output(const struct plan_stage *stage)
{
    static const char *const words[] = {"-o", "--output", "--output-template", "--in-place",
                                        "--print-box", "--dry-run"};
    const struct catalogue_entry *entry = catalogue_find(stage->command);
    if (entry != NULL && !entry->makes_image)
        return true;
    for (int i = 0; i < stage->argument_count; i++)
        for (size_t k = 0; k < CLI_COUNT(words); k++) {
            size_t length = strlen(words[k]);
            const char *argument = stage->arguments[i];
            bool joined = argument[length < strlen(argument) ? length : 0] == '=' || k == 0;
            if (strncmp(argument, words[k], length) == 0 && (argument[length] == '\0' || joined))
                return true;
        }
    return false;
}

/* True where the output is what the first stage reads: the plan's input, a file among the stage's
 * own words, or what stdin was opened from. The last stage only sees a pipe. */
static bool replaces_input(const struct plan *plan)
{
    struct stat output, input;
    const struct plan_stage *first = &plan->stages[0];
    if (plan->output == NULL || stat(plan->output, &output) != 0 || !S_ISREG(output.st_mode))
        return false;
    for (int i = -2; i < first->argument_count; i++) {
        const char *name = i == -2 ? plan->input : i == -1 ? "/dev/stdin" : first->arguments[i];
        if (name != NULL && stat(name, &input) == 0 && input.st_dev == output.st_dev &&
            input.st_ino == output.st_ino)
            return true;
    }
    return false;
}

/* True where ARGUMENT is the option of that letter or name, with or without its value. */
static bool is_option(const char *argument, char letter, const char *name)
{
    size_t length = strlen(name);
    if (argument[0] == '-' && argument[1] == letter)
        return true;
    return strncmp(argument, name, length) == 0 &&
           (argument[length] == '\0' || argument[length] == '=');
}

/* Between stages there are pipes: only the first may name an input, only the last an output. */
static bool check_ends(const struct plan *plan, struct error *error)
{
    for (size_t i = 0; i < plan->stage_count; i++)
        for (int k = 0; k < plan->stages[i].argument_count; k++) {
            const char *argument = plan->stages[i].arguments[k];
            if (i > 0 && is_option(argument, 'i', "--input"))
                return error_set(error, ERROR_USAGE, "'%s' in stage %zu, which reads the one before",
                                 argument, i + 1);
            if (i + 1 < plan->stage_count && is_option(argument, 'o', "--output"))
                return error_set(error, ERROR_USAGE, "'%s' in stage %zu, which feeds the next",
                                 argument, i + 1);
        }
    return true;
}

static bool make_plan(const struct cli_run *run, const struct pipe_options *options,
                      struct plan *plan, struct error *error)
{
    const struct cli_common *common = &options->common;
    *plan = (struct plan){
        .input = option_given(&run->set, &run->parsed, "input") ? common->input : NULL,
        .output = option_given(&run->set, &run->parsed, "output") ? common->output : NULL,
        .mkdir = common->mkdir,
        .no_clobber = common->no_clobber,
        .dry_run = common->dry_run,
        .in_place = common->in_place,
        .request_id = common->request_id,
        .no_stdout = common->json,
        .quiet = common->quiet,
        .verbose = common->verbose,
        .timeout_ms = common->timeout_ms,
    };
    if (!plan_parse_stages(plan, run->parsed.operands, run->parsed.operand_count, error) ||
        !check_ends(plan, error))
        return false;
    if (common->in_place && plan->output == NULL)
        plan->output = plan->input;
    if (!common->in_place && replaces_input(plan)) {
        error_set(error, ERROR_USAGE, "'%s' is the input itself", plan->output);
        return error_hint(error, "--in-place allows to replace it");
    }
    bool to_stdout = plan->output != NULL ? strcmp(plan->output, "-") == 0
                                          : !names_output(&plan->stages[plan->stage_count - 1]);
    if (common->json && to_stdout) {
        error_set(error, ERROR_USAGE, "--json and the image would both go to stdout");
        return error_hint(error, "-o FILE for the image, or --report-fd N for the JSON");
    }
    return true;
}

static bool pipe_judge(struct cli_run *run, const struct plan *plan,
                       const struct pipeline *pipeline, struct error *error)
{
    bool said = show_messages(pipeline);
    if (pipeline->timed_out)
        return error_set(error, ERROR_TIMEOUT, "not done after %g s: --timeout",
                         (double)plan->timeout_ms / 1000);
    describe(run, pipeline);
    if (pipeline->culprit < 0 || pipeline->status == 128 + SIGPIPE)
        return true;
    if (pipeline->status == 1) {
        run->answer_no = true;
        return true;
    }
    run->said = said;
    return stage_error(&plan->stages[pipeline->culprit],
                       &pipeline->children[pipeline->culprit], error);
}

/* Which stage an error is about, for its JSON object. */
static void name_stage(struct cli_run *run, const struct plan *plan, int culprit)
{
    const char *command = plan->stages[culprit].command;
    const struct catalogue_entry *entry = catalogue_find(command);
    bool known = entry != NULL && entry->binary != NULL;
    run->error_extra = json_pack("{s:i, s:o}", "stage", culprit + 1, "tool",
                                 cli_json_string(known ? entry->binary : command));
}

static bool pipe_run(struct cli_run *run, void *fields, struct error *error)
{
    const struct pipe_options *options = fields;
    struct pipeline pipeline;
    struct plan plan;
    if (!make_plan(run, options, &plan, error))
        return false;
    /* Templates in a later stage see the name of the pipeline's input. */
    const char *name = plan.input == NULL || strcmp(plan.input, "-") == 0 ? "stdin" : plan.input;
    char parent[24];
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    if (setenv("IMGTOOL_INPUT_NAME", name, 1) != 0 || setenv("IMGTOOL_PARENT", parent, 1) != 0)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    bool done = pipeline_run(&plan, &pipeline, error) && pipe_judge(run, &plan, &pipeline, error);
    int signal_number = pipeline.signal;
    if (!done && pipeline.culprit >= 0)
        name_stage(run, &plan, pipeline.culprit);
    pipeline_free(&pipeline);
    /* The last stage lost its reader, and so did we. */
    if (done && pipeline.status == 128 + SIGPIPE)
        signal_number = SIGPIPE;
    if (signal_number != 0)
        raise(signal_number);
    return done;
}

const struct cli_tool pipe_tool = {
    .name = "imgtool pipe",
    .operands = "COMMAND [ARGUMENT]... [: COMMAND [ARGUMENT]...]...",
    .description =
        "Runs the commands at the same time, joined by pipes that carry raw PAM images, so that "
        "the picture is decoded once and encoded once. A colon that stands alone separates the "
        "stages; every other word goes to its stage as it is, and no shell is involved.\n\n"
        "The first stage reads the input, the last one writes the output and encodes: give it -f, "
        "or -o a name with an extension. Its --output-template sees the name of the pipeline's "
        "input.\n\n"
        "When a stage fails, the others are ended, no output file appears, and the message and "
        "the exit status are those of the stage that failed first.",
    .result = "stages: each stage's own object; outputs: an array of {path, width, height, bytes, "
              "format}; metadata: {original_size, final_size, has_shadow, elapsed_ms}",
    .groups = CLI_INPUT | CLI_OUTPUT | CLI_REPLACE | CLI_TIMEOUT,
    .examples = {{"imgtool pipe -i car.png -o car.webp crop : shadow : resize --width 800",
                  "one picture for a listing"},
                 {"imgtool pipe -i car.png crop : resize --size a=1200x --size b=400x "
                  "--output-template '{name}.jpg'",
                  "two sizes from one decode"},
                 {"imgtool pipe --json -i car.png -o listing.png crop : shadow",
                  "one JSON object with the objects of the stages"}},
    .options_size = sizeof(struct pipe_options),
    .max_operands = -1,
    .stop_at_operand = true,
    .run = pipe_run,
};
