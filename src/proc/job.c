/* SPDX-License-Identifier: MIT */
#include "proc/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/option.h"
#include "cli/report.h"
#include "proc/command.h"
#include "proc/target.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The fields that a job may have. */
static const char *const names[] = {"id",    "recipe",     "stages",     "argv",
                                    "input", "output",     "output_dir", "timeout",
                                    "mkdir", "request_id", "no_clobber", "in_place",
                                    "ping"};

static bool unknown_field(const char *name, struct error *error)
{
    char shown[100];
    error_set(error, ERROR_USAGE, "unknown field '%s'", text_mask(name, shown, sizeof shown));
    const char *near = text_nearest(name, names, COUNT(names));
    if (near != NULL)
        return error_hint(error, "did you mean '%s'?", near);
    return error_hint(error, "a job has id and recipe, stages or argv, and input, output, "
                             "output_dir, timeout, request_id, mkdir, no_clobber, in_place");
}

static bool check_fields(const json_t *fields, struct error *error)
{
    for (void *at = json_object_iter((json_t *)fields); at != NULL;
         at = json_object_iter_next((json_t *)fields, at)) {
        size_t i = 0;
        while (i < COUNT(names) && strcmp(names[i], json_object_iter_key(at)) != 0)
            i++;
        if (i == COUNT(names))
            return unknown_field(json_object_iter_key(at), error);
    }
    return true;
}

/* A field of text, or NULL; false where it is something else. */
static bool get_text(const json_t *fields, const char *name, const char **value,
                     struct error *error)
{
    const json_t *field = json_object_get(fields, name);
    *value = json_string_value(field);
    if (field == NULL || *value != NULL)
        return true;
    return error_set(error, ERROR_USAGE, "\"%s\" is not a string", name);
}

static bool get_flag(const json_t *fields, const char *name, bool *value, struct error *error)
{
    const json_t *field = json_object_get(fields, name);
    if (field != NULL)
        *value = json_is_true(field);
    if (field == NULL || json_is_boolean(field))
        return true;
    return error_set(error, ERROR_USAGE, "\"%s\" is not true or false", name);
}

static bool get_timeout(const json_t *fields, int64_t *timeout_ms, struct error *error)
{
    static const struct option_entry duration = {
        "timeout", 0, .type = OPTION_DURATION, .min = 1, .max = 8.64e7};
    const json_t *field = json_object_get(fields, "timeout");
    struct error reason = {0};
    char number[40];
    const char *text = json_string_value(field);
    if (field == NULL)
        return true;
    if (json_is_number(field)) {
        snprintf(number, sizeof number, "%.3f", json_number_value(field));
        text = number;
    }
    if (text == NULL)
        return error_set(error, ERROR_USAGE, "\"timeout\" is neither a string nor a number");
    if (option_value(&duration, text, timeout_ms, &reason))
        return true;
    return error_set(error, ERROR_USAGE, "\"timeout\": %s", reason.message);
}

/* ---- the id ---- */

static bool take_id(struct job *job, json_t *id, struct error *error)
{
    char number[40];
    if (id == NULL)
        return error_set(error, ERROR_USAGE, "no \"id\"");
    if (!json_is_string(id) && !json_is_integer(id))
        return error_set(error, ERROR_USAGE, "\"id\" is neither a string nor an integer");
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    free(job->name);
    job->name = strdup(json_is_string(id) ? json_string_value(id) : number);
    json_decref(job->id);
    job->id = json_incref(id);
    return job->name != NULL || error_set(error, ERROR_NO_MEMORY, "out of memory");
}

bool job_set_id(struct job *job, const char *id)
{
    json_t *string = cli_json_string(id);
    bool done = take_id(job, string, NULL);
    json_decref(string);
    return done;
}

void job_parse_id(struct job *job, const char *line, size_t length)
{
    static const char *const opening[] = {"{", "\"id\"", ":"};
    size_t at = 0;
    for (size_t i = 0; i < COUNT(opening); i++) {
        while (at < length && (line[at] == ' ' || line[at] == '\t'))
            at++;
        if (length - at < strlen(opening[i]) ||
            memcmp(line + at, opening[i], strlen(opening[i])) != 0)
            return;
        at += strlen(opening[i]);
    }
    json_t *id = json_loadb(line + at, length - at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
    take_id(job, id, NULL);
    json_decref(id);
}

/* ---- the stages ---- */

/* ARRAY as the words of the next stage; *AT is the next free word. */
static bool take_stage(struct job *job, const json_t *array, size_t *at, struct error *error)
{
    size_t number = job->plan.stage_count + 1;
    char **words = job->words + *at;
    if (!json_is_array(array) || json_array_size(array) == 0)
        return error_set(error, ERROR_USAGE, "stage %zu is not an array of words", number);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));
        if (word == NULL)
            return error_set(error, ERROR_USAGE, "word %zu of stage %zu is not a string", i + 1,
                             number);
        job->words[(*at)++] = (char *)word;
    }
    job->plan.stages[job->plan.stage_count++] =
        (struct plan_stage){.command = words[0],
                            .arguments = words + 1,
                            .argument_count = (int)json_array_size(array) - 1};
    return true;
}

static bool take_stages(struct job *job, const json_t *stages, struct error *error)
{
    size_t count = json_array_size(stages), words = 0, at = 0;
    if (!json_is_array(stages) || count == 0)
        return error_set(error, ERROR_USAGE, "\"stages\" is not an array of stages");
    if (count > PLAN_MAX_STAGES)
        return error_set(error, ERROR_USAGE, "more than %d stages", PLAN_MAX_STAGES);
    for (size_t i = 0; i < count; i++)
        words += json_array_size(json_array_get(stages, i));
    job->words = calloc(words + 1, sizeof *job->words);
    if (job->words == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (!take_stage(job, json_array_get(stages, i), &at, error))
            return false;
    return true;
}

static bool take_argv(struct job *job, const json_t *argv, struct error *error)
{
    size_t at = 0;
    if (!json_is_array(argv))
        return error_set(error, ERROR_USAGE, "\"argv\" is not an array of words");
    job->words = calloc(json_array_size(argv) + 1, sizeof *job->words);
    if (job->words == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    return take_stage(job, argv, &at, error);
}

/* What is to be done: exactly one of the three. */
static bool take_work(struct job *job, const struct job_defaults *defaults, struct error *error)
{
    const json_t *stages = json_object_get(job->fields, "stages");
    const json_t *argv = json_object_get(job->fields, "argv");
    const char *recipe, *output_dir;
    if (!get_text(job->fields, "recipe", &recipe, error) ||
        !get_text(job->fields, "output_dir", &output_dir, error))
        return false;
    if ((recipe != NULL) + (stages != NULL) + (argv != NULL) != 1)
        return error_set(error, ERROR_USAGE,
                         "exactly one of \"recipe\", \"stages\" and \"argv\" is expected");
    if (output_dir != NULL && (recipe == NULL || job->plan.output != NULL))
        return error_set(error, ERROR_USAGE,
                         "\"output_dir\" goes with a recipe, and not with \"output\"");
    if (stages != NULL)
        return take_stages(job, stages, error);
    if (argv != NULL)
        return take_argv(job, argv, error);
    return recipe_load(&job->recipe, recipe, defaults->recipe_dir, error) &&
           recipe_apply(&job->recipe, output_dir, &job->plan, error);
}

/* ---- the whole ---- */

void job_preset(struct plan *plan, const struct job_defaults *defaults)
{
    *plan = (struct plan){
        .root = defaults->root,
        .mkdir = defaults->mkdir,
        .no_clobber = defaults->no_clobber,
        .quiet = defaults->quiet,
        .verbose = defaults->verbose,
        .timeout_ms = defaults->timeout_ms,
        .grace_ms = defaults->grace_ms,
        .no_stdin = true,
        .no_stdout = true,
    };
}

bool job_check(struct job *job, struct error *error)
{
    const struct plan *plan = &job->plan;
    for (size_t i = 0; i < plan->stage_count; i++) {
        const struct catalogue_entry *entry = catalogue_find(plan->stages[i].command);
        if (entry == NULL || entry->binary == NULL) {
            free(command_path(plan->stages[i].command, error)); /* which says what is wrong */
            return false;
        }
    }
    if (plan->input != NULL && strcmp(plan->input, "-") == 0)
        return error_set(error, ERROR_USAGE, "the input of a job cannot be stdin");
    if (!plan_check(plan, error))
        return false;
    if (plan_writes_stdout(plan)) {
        error_set(error, ERROR_USAGE, "the image has nowhere to go");
        return error_hint(error, "an output, or a stage with --output-template");
    }
    job->target = target_of(plan);
    return true;
}

static bool take_plan(struct job *job, const struct job_defaults *defaults, struct error *error)
{
    struct plan *plan = &job->plan;
    const json_t *fields = job->fields;
    job_preset(plan, defaults);
    if (!get_text(fields, "input", &plan->input, error) ||
        !get_text(fields, "output", &plan->output, error) ||
        !get_text(fields, "request_id", &plan->request_id, error) ||
        !get_flag(fields, "mkdir", &plan->mkdir, error) ||
        !get_flag(fields, "no_clobber", &plan->no_clobber, error) ||
        !get_flag(fields, "in_place", &plan->in_place, error) ||
        !get_timeout(fields, &plan->timeout_ms, error))
        return false;
    if (plan->in_place && plan->output == NULL)
        plan->output = plan->input;
    return take_work(job, defaults, error) && job_check(job, error);
}

bool job_parse(struct job *job, const char *line, size_t length,
               const struct job_defaults *defaults, struct error *error)
{
    json_error_t where;
    *job = (struct job){0};
    job->fields = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where);
    if (job->fields == NULL) {
        job_parse_id(job, line, length);
        return error_set(error, ERROR_USAGE, "not JSON at byte %d: %s", where.position, where.text);
    }
    if (!json_is_object(job->fields))
        return error_set(error, ERROR_USAGE, "not a JSON object");
    if (!take_id(job, json_object_get(job->fields, "id"), error) ||
        !check_fields(job->fields, error) ||
        !get_flag(job->fields, "ping", &job->ping, error))
        return false;
    if (!job->ping)
        return take_plan(job, defaults, error);
    return json_object_size(job->fields) == 2 ||
           error_set(error, ERROR_USAGE, "a ping is nothing else");
}

void job_free(struct job *job)
{
    json_decref(job->id);
    json_decref(job->fields);
    free(job->name);
    free(job->target);
    free(job->words);
    free(job->output);
    recipe_free(&job->recipe);
    *job = (struct job){0};
}
