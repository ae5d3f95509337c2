/* SPDX-License-Identifier: MIT */
/* imgtool pipe: several commands as one pipeline. */
#include "tools/pipe.h"

#include <signal.h>

#include "base/slots.h"
#include "cli/report.h"
#include "proc/outcome.h"

struct pipe_options {
    struct cli_common common;
};

bool pipe_check(const struct cli_run *run, const struct plan *plan, struct error *error)
{
    if (!plan_check(plan, error))
        return false;
    if (run->options->json && plan_writes_stdout(plan)) {
        error_set(error, ERROR_USAGE, "--json and the image would both go to stdout");
        return error_hint(error, "-o FILE for the image, or --report-fd N for the JSON");
    }
    return true;
}

struct plan pipe_plan(const struct cli_run *run)
{
    const struct cli_common *common = run->options;
    return (struct plan){
        .output = option_given(&run->set, &run->parsed, "output") ? common->output : NULL,
        .mkdir = common->mkdir,
        .no_clobber = common->no_clobber,
        .dry_run = common->dry_run,
        .in_place = common->in_place,
        .root = common->root,
        .request_id = common->request_id,
        .no_stdout = common->json,
        .quiet = common->quiet,
        .verbose = common->verbose,
        .timeout_ms = common->timeout_ms,
    };
}

static bool make_plan(const struct cli_run *run, struct plan *plan, struct error *error)
{
    const struct cli_common *common = run->options;
    *plan = pipe_plan(run);
    if (option_given(&run->set, &run->parsed, "input"))
        plan->input = common->input;
    if (common->in_place && plan->output == NULL)
        plan->output = plan->input;
    return plan_parse_stages(plan, run->parsed.operands, run->parsed.operand_count, error) &&
           pipe_check(run, plan, error);
}

/* The parts of the JSON object that a pipeline has beyond those of a tool. */
static void describe(struct cli_run *run, const struct outcome *outcome)
{
    run->input = json_incref(outcome->input);
    run->output = json_incref(outcome->output);
    if (outcome->stages != NULL)
        run->extra = json_pack("{s:O, s:O, s:O}", "stages", outcome->stages, "outputs",
                               outcome->outputs, "metadata", outcome->metadata);
    if (outcome->stage > 0)
        run->error_extra = json_pack("{s:i, s:o}", "stage", outcome->stage, "tool",
                                     cli_json_string(outcome->tool));
}

bool pipe_execute(struct cli_run *run, const struct plan *plan, struct error *error)
{
    struct pipeline pipeline;
    struct outcome outcome;
    if (!slots_enter(error))
        return false;
    if (pipeline_run(plan, &pipeline, error)) {
        run->said = outcome_show_messages(&pipeline, "");
        outcome_of(&outcome, plan, &pipeline, cli_elapsed_ms(run));
    } else {
        outcome_not_started(&outcome, plan, &pipeline, error);
    }
    describe(run, &outcome);
    int signal_number = pipeline.signal;
    /* The last stage lost its reader, and so did we. */
    bool lost_reader = pipeline.culprit >= 0 && pipeline.status == 128 + SIGPIPE;
    bool done = outcome.verdict != OUTCOME_FAILED || lost_reader;
    run->answer_no = outcome.verdict == OUTCOME_NO;
    /* A stage has told why; that time ran out only we know. */
    run->said = run->said && !done && !pipeline.timed_out;
    if (!done && error->kind == ERROR_NONE)
        *error = outcome.error;
    outcome_free(&outcome);
    pipeline_free(&pipeline);
    if (lost_reader)
        signal_number = SIGPIPE;
    if (signal_number != 0)
        raise(signal_number);
    return done;
}

static bool pipe_run(struct cli_run *run, void *fields, struct error *error)
{
    struct plan plan;
    (void)fields;
    return make_plan(run, &plan, error) && pipe_execute(run, &plan, error);
}

static const struct result_field output_fields[] = {
    {"name", RESULT_TEXT, .help = "as imgresize --size gives it", .null = true, .optional = true},
    {0},
};

static const struct result_field metadata_fields[] = {
    {"original_size", RESULT_SIZE, .help = "of the input", .null = true},
    {"final_size", RESULT_SIZE, .help = "of the first output", .null = true},
    {"has_shadow", .type = RESULT_FLAG},
    {"elapsed_ms", .type = RESULT_NUMBER},
    {0},
};

const struct result_field pipe_fields[] = {
    {"stages", RESULT_REPORT, .help = "each stage's own; null behind one that failed", .list = true},
    {"outputs", RESULT_FILE, .fields = output_fields, .list = true},
    {"metadata", RESULT_OBJECT, .fields = metadata_fields},
    {0},
};

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
        "the exit status are those of the stage that failed first.\n\n"
        "--root holds for every stage, and none may choose another one. With --slots the pipeline "
        "counts as one command.",
    .results = {{NULL, pipe_fields, .beside = true}},
    .groups = CLI_INPUT | CLI_OUTPUT | CLI_REPLACE | CLI_CONFINED,
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
