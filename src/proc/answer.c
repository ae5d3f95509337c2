/* SPDX-License-Identifier: MIT */
#include "proc/answer.h"

#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "proc/watch.h"

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : cli_json_string(text);
}

/* The beginning that all answers have. */
static json_t *answer_begin(const struct job *job, bool ok)
{
    json_t *id = job->id == NULL ? json_null() : json_incref(job->id);
    json_t *answer = json_pack("{s:o, s:b}", "id", id, "ok", (int)ok);
    if (job->plan.request_id != NULL)
        json_object_set_new(answer, "request_id", cli_json_string(job->plan.request_id));
    return answer;
}

static json_t *result_of(const json_t *report)
{
    json_t *result = json_object_get(report, "result");
    return result == NULL ? json_null() : json_incref(result);
}

static void add_results(json_t *answer, const json_t *stages)
{
    if (json_array_size(stages) == 1) {
        json_object_set_new(answer, "result", result_of(json_array_get(stages, 0)));
        return;
    }
    json_t *results = json_array();
    for (size_t i = 0; i < json_array_size(stages); i++)
        json_array_append_new(results, result_of(json_array_get(stages, i)));
    json_object_set_new(answer, "stages", results);
}

static json_t *answer_failed(const struct pool_task *task, const struct error *error, int stage,
                             const char *tool, bool retryable)
{
    json_t *answer = answer_begin(&task->job, false);
    json_t *object = json_pack(
        "{s:i, s:s, s:o, s:o, s:o}", "code", error_exit_status(error->kind), "kind",
        error_kind_name(error->kind), "stage", stage > 0 ? json_integer(stage) : json_null(),
        "tool", text_or_null(tool), "message", cli_json_string(error->message));
    if (error->file[0] != '\0')
        json_object_set_new(object, "file", cli_json_string(error->file));
    if (error->hint[0] != '\0')
        json_object_set_new(object, "hint", cli_json_string(error->hint));
    json_object_set_new(object, "retryable", json_boolean(retryable));
    json_object_set_new(answer, "elapsed_ms", json_real(pool_elapsed_ms(task)));
    json_object_set_new(answer, "attempts", json_integer((json_int_t)task->attempts));
    json_object_set_new(answer, "error", object);
    return answer;
}

json_t *answer_refused(const struct pool_task *task, const struct error *error)
{
    return answer_failed(task, error, 0, NULL,
                         error->kind == ERROR_BUSY || error->kind == ERROR_CANCELLED);
}

json_t *answer_of(const struct pool_task *task)
{
    const struct outcome *outcome = &task->outcome;
    if (outcome->verdict == OUTCOME_FAILED)
        return answer_failed(task, &outcome->error, outcome->stage, outcome->tool,
                             outcome->retryable);
    json_t *answer = answer_begin(&task->job, true);
    json_t *rest = json_pack("{s:f, s:I, s:i, s:b, s:b, s:O, s:O}", "elapsed_ms",
                             pool_elapsed_ms(task), "max_rss_kib",
                             (json_int_t)outcome->max_rss_kib, "attempts", (int)task->attempts,
                             "cached", 0, "passed", (int)(outcome->verdict == OUTCOME_DONE),
                             "outputs", outcome->outputs, "metadata", outcome->metadata);
    json_object_update(answer, rest);
    json_decref(rest);
    add_results(answer, outcome->stages);
    return answer;
}

json_t *answer_again(const struct pool_task *task, json_t *known)
{
    json_t *answer = answer_begin(&task->job, true);
    json_object_del(known, "request_id");
    json_object_set_new(known, "elapsed_ms", json_real(pool_elapsed_ms(task)));
    json_object_set_new(known, "attempts", json_integer(0));
    json_object_set_new(known, "cached", json_true());
    json_object_update_missing(answer, known);
    return answer;
}

json_t *answer_ping(const struct job *job)
{
    json_t *answer = answer_begin(job, true);
    json_object_set_new(answer, "pong", json_true());
    return answer;
}

char *answer_line(json_t *answer)
{
    char *line = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(answer);
    size_t length = line == NULL ? 0 : strlen(line);
    char *ended = line == NULL ? NULL : realloc(line, length + 2);
    if (ended == NULL) {
        free(line);
        return NULL;
    }
    ended[length] = '\n';
    ended[length + 1] = '\0';
    return ended;
}

static void add_masked(const char *line, size_t length, const char *prefix, struct text *out)
{
    char copy[4096], masked[4096];
    size_t kept = length < sizeof copy ? length : sizeof copy - 1;
    for (size_t i = 0; i < kept; i++)
        copy[i] = line[i] == '\0' ? '?' : line[i];
    copy[kept] = '\0';
    text_printf(out, "[%s] %s\n", prefix, text_mask(copy, masked, sizeof masked));
}

/* What CHILD said; of the last line its beginning alone only with ALL. */
static void add_said(struct child *child, bool all, const char *prefix, struct text *out)
{
    const struct text *messages = &child->messages;
    child->heard_at = 0;
    while (child->shown < messages->length) {
        const char *line = messages->data + child->shown;
        size_t there = messages->length - child->shown;
        const char *end = memchr(line, '\n', there);
        if (end == NULL && !all)
            return;
        size_t length = end == NULL ? there : (size_t)(end - line);
        add_masked(line, length, prefix, out);
        child->shown += length + (end != NULL);
    }
}

void answer_messages(const struct pool_task *task, bool ended, struct text *out)
{
    char id[200];
    struct pipeline *pipeline = task->pipeline;
    int64_t now = watch_now_ms();
    text_mask(task->job.name == NULL ? "" : task->job.name, id, sizeof id);
    for (size_t i = 0; pipeline != NULL && i < pipeline->count; i++) {
        int64_t at = pipeline_say_ms(pipeline, i);
        bool now_or_never = ended ? pipeline->culprit < 0 || pipeline->culprit == (int)i
                                  : at != 0 && at <= now;
        if (now_or_never)
            add_said(&pipeline->children[i], ended, id, out);
    }
}
