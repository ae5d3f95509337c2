/* SPDX-License-Identifier: MIT */
/* imgtool batch: many jobs. */
#include "tools/batch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/threads.h"
#include "cli/report.h"
#include "proc/supervise.h"

struct batch_fields {
    struct cli_common common;
    struct option_words files;
    const char *files_from, *output_template, *recipe, *output_dir, *recipe_dir;
    const char *journal, *cache, *metrics;
    bool zero, fail_fast, ordered, mkdir, no_clobber, resume;
    int64_t jobs, max_queue, timeout_ms, grace_ms, retries;
    uint64_t memory_bytes, cache_bytes;
    struct shard shard;
    int progress;
};

#define FIELD(name) offsetof(struct batch_fields, name)

static const char *const progress_choices[] = {"auto", "none", "bar", "json", NULL};

static const struct option_entry entries[] = {
    {"files", 0, .brief = true, OPTION_FILE, .metavar = "FILE...", .many = true,
     .offset = FIELD(files),
     .help = "run the stages behind the options on each FILE; all words up to the next option or "
             "-- are files"},
    {"files-from", 0, .brief = true, OPTION_FILE, .metavar = "FILE", .offset = FIELD(files_from),
     .help = "the same with the names in the lines of FILE; - is stdin"},
    {"null", '0', .type = OPTION_FLAG, .offset = FIELD(zero),
     .help = "names from --files-from end with a zero byte"},
    {"output-template", 0, .brief = true, OPTION_TEXT, .metavar = "TEXT",
     .offset = FIELD(output_template),
     .help = "where the picture made of a file goes: {stem} is its name without extension, {name} "
             "with it, {ext} the extension; several sizes are named by the stage that makes them"},
    {"recipe", 0, .type = OPTION_TEXT, .metavar = "RECIPE", .offset = FIELD(recipe),
     .help = "run RECIPE on each file instead of stages"},
    {"output-dir", 0, .type = OPTION_DIR, .metavar = "DIR", .offset = FIELD(output_dir),
     .help = "where its outputs go; made if missing"},
    {"recipe-dir", 0, .type = OPTION_DIR, .metavar = "DIR", .offset = FIELD(recipe_dir),
     .environment = "IMGTOOL_RECIPE_DIR",
     .help = "where recipes are looked for; the default is the installation's"},
    {"no-clobber", 0, .type = OPTION_FLAG, .offset = FIELD(no_clobber),
     .help = "refuse to replace existing files"},
    {"mkdir", 0, .type = OPTION_FLAG, .offset = FIELD(mkdir),
     .help = "create missing directories of the outputs"},
    {"jobs", 'j', .brief = true, OPTION_INTEGER, "N", NULL, 1, 512, .offset = FIELD(jobs),
     .help = "run N jobs at once; the default is the processors this process may use, which the "
             "jobs share"},
    {"max-queue", 0, .type = OPTION_INTEGER, "N", "64", 1, 100000, .offset = FIELD(max_queue),
     .help = "jobs that wait at most; more stay unread"},
    {"memory-total", 0, .type = OPTION_BYTES, "SIZE", NULL, 33554432., 1e15,
     .offset = FIELD(memory_bytes),
     .help = "run only as many at once as fit: each takes what jobs of so many stages took at most "
             "so far, at first 96 MiB a stage"},
    {"timeout", 0, .brief = true, OPTION_DURATION, "TIME", "30s", 1, 8.64e7,
     .offset = FIELD(timeout_ms), .environment = "IMGTOOL_TIMEOUT",
     .help = "end an attempt at a job after TIME; a job may say otherwise"},
    {"grace", 0, .type = OPTION_DURATION, "TIME", "2s", 0, 3.6e6, .offset = FIELD(grace_ms),
     .help = "what a job gets to end by itself, before it is killed; of the whole batch, what "
             "running jobs get to finish"},
    {"retries", 0, .brief = true, OPTION_INTEGER, "N", "0", 0, 100, .offset = FIELD(retries),
     .help = "try again what may pass next time: processes, descriptors or slots ran out, or the "
             "system killed it"},
    {"fail-fast", 0, .type = OPTION_FLAG, .offset = FIELD(fail_fast),
     .help = "begin nothing more once a job has failed"},
    {"ordered", 0, .brief = true, OPTION_FLAG, .offset = FIELD(ordered),
     .help = "answer in the order of the jobs"},
    {"journal", 0, .brief = true, OPTION_FILE, .metavar = "FILE", .offset = FIELD(journal),
     .help = "write down what is done; a directory gets a file for each process"},
    {"resume", 0, .brief = true, OPTION_FLAG, .offset = FIELD(resume),
     .help = "what the journal says is done is answered from it"},
    {"cache", 0, .type = OPTION_DIR, .metavar = "DIR", .offset = FIELD(cache),
     .help = "answer work that was done before, by whatever batch, from DIR"},
    {"cache-size", 0, .type = OPTION_BYTES, "SIZE", "2G", 1048576., 1e15,
     .offset = FIELD(cache_bytes),
     .help = "what the cache may take; what was used least recently goes first"},
    {"shard", 0, .type = OPTION_CUSTOM, .metavar = "I/N", .offset = FIELD(shard),
     .parse = value_shard, .help = "do only the jobs whose ids belong to part I of N, from 1"},
    {"progress", 0, .type = OPTION_CHOICE, "HOW", "auto", .choices = progress_choices,
     .offset = FIELD(progress),
     .help = "a bar, or lines of JSON, on stderr; auto is a bar on a terminal"},
    {"metrics", 0, .type = OPTION_FILE, .metavar = "FILE", .offset = FIELD(metrics),
     .help = "keep FILE up to date in the text format of Prometheus"},
};

static bool has_files(const struct batch_fields *fields)
{
    return fields->files.count > 0 || fields->files_from != NULL;
}

/* What makes no sense together. */
static bool check(const struct cli_run *run, const struct batch_fields *fields,
                  struct error *error)
{
    if (fields->files.count > 0 && fields->files_from != NULL)
        return error_set(error, ERROR_USAGE, "--files and --files-from together");
    if (fields->zero && fields->files_from == NULL)
        return error_set(error, ERROR_USAGE, "-0 without --files-from");
    if (fields->resume && fields->journal == NULL)
        return error_set(error, ERROR_USAGE, "--resume without --journal");
    if (has_files(fields))
        return true;
    if (run->parsed.operand_count > 0) {
        error_set(error, ERROR_USAGE, "'%s' without --files", run->parsed.operands[0]);
        return error_hint(error, "stages are for files; jobs in JSON bring their own");
    }
    if (fields->output_template != NULL || fields->recipe != NULL || fields->output_dir != NULL)
        return error_set(error, ERROR_USAGE,
                         "--output-template, --recipe and --output-dir are for --files");
    if (isatty(STDIN_FILENO))
        return error_set(error, ERROR_USAGE, "no jobs: lines of JSON on stdin, or --files");
    return true;
}

static bool load_files(struct cli_run *run, const struct batch_fields *fields,
                       const struct job_defaults *defaults, struct files *files,
                       struct error *error)
{
    const struct files_plan plan = {
        .words = run->parsed.operands,
        .word_count = run->parsed.operand_count,
        .recipe = fields->recipe,
        .output_template = fields->output_template,
        .output_dir = fields->output_dir,
    };
    bool loaded = fields->files_from != NULL
                      ? files_load(files, fields->files_from, fields->zero, error)
                      : files_take(files, fields->files.words, (size_t)fields->files.count, error);
    if (!loaded)
        return false;
    if (plan.word_count == 0 && plan.recipe == NULL) {
        error_set(error, ERROR_USAGE, "no stages for the files");
        return error_hint(error, "they come behind an option or --, which ends the list of files");
    }
    return files_prepare(files, &plan, defaults, error);
}

/* The jobs share the processors, and need two descriptors a stage. */
static void share_machine(unsigned jobs)
{
    char threads[16];
    unsigned each = threads_available() / jobs;
    struct rlimit limit;
    snprintf(threads, sizeof threads, "%u", each > 0 ? each : 1);
    setenv("IMGTOOL_THREADS", threads, 0);
    /* It was ours, and each job has its own now. */
    unsetenv("IMGTOOL_TIMEOUT");
    rlim_t wanted = 256 + (rlim_t)jobs * 16;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void summarize(const struct cli_run *run, const struct supervise_result *result)
{
    const struct metrics *metrics = &result->metrics;
    uint64_t answered = metrics_answered(metrics), failed = metrics_failed(metrics);
    struct text text = {0};
    if (run->options->quiet)
        return;
    text_printf(&text, "%s: %" PRIu64 " job%s: %" PRIu64 " done, %" PRIu64 " failed",
                run->tool->name, answered, answered == 1 ? "" : "s",
                metrics->passed + metrics->refused, failed);
    if (metrics->refused > 0)
        text_printf(&text, ", %" PRIu64 " with the answer no", metrics->refused);
    if (metrics->cached > 0)
        text_printf(&text, ", %" PRIu64 " known before", metrics->cached);
    if (metrics->skipped > 0)
        text_printf(&text, ", %" PRIu64 " left to other shards", metrics->skipped);
    for (int i = 1; i < ERROR_KIND_COUNT; i++)
        if (metrics->failed[i] > 0)
            text_printf(&text, "; %" PRIu64 " %s", metrics->failed[i],
                        error_kind_name((enum error_kind)i));
    text_printf(&text, "; %.1f s, %.1f a second\n", result->elapsed_s,
                result->elapsed_s > 0 ? (double)answered / result->elapsed_s : 0.0);
    if (text.data != NULL && write(STDERR_FILENO, text.data, text.length) < 0)
        text.failed = true; /* nobody can be told */
    text_free(&text);
}

static json_t *result_object(const struct supervise_result *result)
{
    const struct metrics *metrics = &result->metrics;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "jobs",
                     (json_int_t)metrics_answered(metrics), "failed",
                     (json_int_t)metrics_failed(metrics), "refused",
                     (json_int_t)metrics->refused, "cached", (json_int_t)metrics->cached, "skipped",
                     (json_int_t)metrics->skipped, "retries", (json_int_t)metrics->retries);
}

static bool run_batch(struct cli_run *run, const struct batch_fields *fields, struct files *files,
                      struct supervise_settings *settings, struct error *error)
{
    struct supervise_result result;
    if (has_files(fields)) {
        if (!load_files(run, fields, &settings->defaults, files, error))
            return false;
        settings->files = files;
    }
    share_machine(settings->jobs);
    bool done = supervise(settings, &result, error);
    if (done || metrics_answered(&result.metrics) > 0)
        summarize(run, &result);
    run->options->json = false; /* stdout is full of JSON already */
    run->result = result_object(&result);
    run->answer_no = metrics_failed(&result.metrics) + result.metrics.refused > 0;
    if (result.reader_gone || result.signal != 0)
        raise(result.reader_gone ? SIGPIPE : result.signal);
    return done;
}

static bool batch_run(struct cli_run *run, void *options, struct error *error)
{
    const struct batch_fields *fields = options;
    struct files files = {0};
    struct supervise_settings settings = {
        .name = run->tool->name,
        .defaults = {.recipe_dir = fields->recipe_dir,
                     .root = fields->common.root,
                     .timeout_ms = fields->timeout_ms,
                     .grace_ms = fields->grace_ms,
                     .mkdir = fields->mkdir,
                     .no_clobber = fields->no_clobber,
                     .quiet = fields->common.quiet,
                     .verbose = fields->common.verbose},
        .jobs = fields->jobs > 0 ? (unsigned)fields->jobs : threads_available(),
        .max_queue = (size_t)fields->max_queue,
        .memory_bytes = fields->memory_bytes,
        .retries = (unsigned)fields->retries,
        .fail_fast = fields->fail_fast,
        .ordered = fields->ordered,
        .quiet = fields->common.quiet,
        .shard = fields->shard,
        .slots = {(unsigned)fields->common.slots, fields->common.slots_dir,
                  fields->common.slot_wait_ms},
        .reuse = {fields->journal, fields->cache, fields->resume, fields->cache_bytes},
        .progress = (enum progress_form)fields->progress,
        .metrics_file = fields->metrics,
    };
    if (!check(run, fields, error))
        return false;
    bool done = run_batch(run, fields, &files, &settings, error);
    files_free(&files);
    return done;
}

static const struct result_field result_fields[] = {
    {"jobs", RESULT_INTEGER, .help = "that were answered"},
    {"failed", .type = RESULT_INTEGER},
    {"refused", RESULT_INTEGER, .help = "done, and the answer is no"},
    {"cached", RESULT_INTEGER, .help = "answered from the journal or the cache"},
    {"skipped", RESULT_INTEGER, .help = "left to other shards"},
    {"retries", .type = RESULT_INTEGER},
    {0},
};

const struct cli_tool batch_tool = {
    .name = "imgtool batch",
    .operands = "[COMMAND [ARGUMENT]... [: COMMAND [ARGUMENT]...]...]",
    .description =
        "Runs many jobs, a few at a time, and answers each with one line of JSON on stdout, as it "
        "ends. With --files the stages behind the options run on each file; a colon that stands "
        "alone separates them. Without, jobs are lines of JSON on stdin.\n\n"
        "A job has an id, a text or a whole number, and one of recipe (its name), stages (an array "
        "of arrays of words) and argv (an array of words). It may have input, output or, with a "
        "recipe, output_dir, timeout (\"10s\", or seconds), request_id, and mkdir, no_clobber and "
        "in_place, which are true or false. An answer has the id, ok, passed, outputs, metadata "
        "and the result, or the error with its kind, message, hint and whether it is retryable; "
        "imgtool schema says it exactly.\n\n"
        "A job that fails, hangs or is killed harms no other: it is answered with its error, its "
        "whole process group ends, and so does whoever escaped from it. A line that makes no sense "
        "is answered, too. Jobs are read only while there is room, so that input may come for "
        "ever: with pipes kept open this is a pool of workers, and a job {\"id\":…,\"ping\":true} "
        "is answered at once, also where up to 64 KiB of jobs that find no room in the queue stand "
        "in front of it.\n\n"
        "A job whose command ends with status 1 is done, and its answer has passed:false. The exit "
        "status is 0 where all jobs were done and passed, else 1. SIGTERM, SIGINT and SIGHUP: "
        "nothing more is read, what waits is answered as cancelled, what runs gets --grace to "
        "finish, and imgtool ends by that signal. Another one, a quarter of a second later or "
        "more, ends what runs at once. A cancelled job is retryable: it says nothing against "
        "it.\n\n"
        "A journal that cannot be written ends in exit status 74, as --resume would do work "
        "twice; the jobs are done all the same. Trouble with the cache or the metrics is a "
        "warning. Inputs of more than 1 GiB go past journal and cache.\n\n"
        "What the commands say on stderr comes out line by line behind [id], while they run; of a "
        "job that fails only what the stage says that failed first. With --slots each job that "
        "runs takes one.",
    .results = {{"for --report-fd", result_fields, .beside = false}},
    .options = {"Batches", entries, CLI_COUNT(entries)},
    .groups = CLI_ROOT | CLI_SLOTS,
    .examples = {{"imgtool batch < jobs.ndjson > results.ndjson",
                  "jobs such as {\"id\":1,\"recipe\":\"product\",\"input\":\"car.png\","
                  "\"output_dir\":\"out\"}"},
                 {"imgtool batch --files *.jpg --output-template 'out/{stem}.webp' --mkdir crop : "
                  "resize --width 800",
                  "the same for each file"},
                 {"imgtool batch --files *.png --recipe product --output-dir out --journal done "
                  "--resume",
                  "goes on where it ended"}},
    .options_size = sizeof(struct batch_fields),
    .max_operands = -1,
    .stop_at_operand = true,
    .run = batch_run,
};
