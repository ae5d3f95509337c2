/* SPDX-License-Identifier: MIT */
#include "proc/outcome.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/catalogue.h"

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
static void stage_error(const char *command, const struct child *child, struct error *error)
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
        error_set(error, ERROR_SYSTEM, "%s was ended by signal %d (%s)", command,
                  WTERMSIG(child->status), strsignal(WTERMSIG(child->status)));
    } else {
        error_set(error, ERROR_INTERNAL, "%s ended with status %d and no report", command,
                  WEXITSTATUS(child->status));
    }
    json_decref(report);
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

static void outcome_describe(struct outcome *outcome, const struct pipeline *pipeline,
                             double elapsed_ms)
{
    bool has_shadow = false;
    outcome->stages = json_array();
    for (size_t i = 0; i < pipeline->count; i++) {
        /* What came behind a failure only tells how it got there. */
        bool victim = pipeline->culprit >= 0 && (int)i > pipeline->culprit;
        json_t *report = victim ? NULL : stage_report(&pipeline->children[i]);
        json_t *shadow = json_object_get(json_object_get(report, "result"), "has_shadow");
        has_shadow = has_shadow || json_is_true(shadow);
        json_array_append_new(outcome->stages, report == NULL ? json_null() : report);
        if (pipeline->children[i].max_rss_kib > outcome->max_rss_kib)
            outcome->max_rss_kib = pipeline->children[i].max_rss_kib;
    }
    const json_t *first = json_array_get(outcome->stages, 0);
    const json_t *last = json_array_get(outcome->stages, json_array_size(outcome->stages) - 1);
    outcome->input = json_incref(json_object_get(first, "input"));
    outcome->output = json_incref(json_object_get(last, "output"));
    outcome->outputs = outputs_of(last);
    outcome->metadata =
        json_pack("{s:o, s:o, s:b, s:f}", "original_size", size_of(outcome->input), "final_size",
                  size_of(json_array_get(outcome->outputs, 0)), "has_shadow", (int)has_shadow,
                  "elapsed_ms", elapsed_ms);
}

static void outcome_name_culprit(struct outcome *outcome, const struct plan *plan, int culprit)
{
    if (culprit < 0)
        return;
    const char *command = plan->stages[culprit].command;
    const struct catalogue_entry *entry = catalogue_find(command);
    outcome->stage = culprit + 1;
    outcome->tool = entry != NULL && entry->binary != NULL ? entry->binary : command;
}

static bool killed_by_system(const struct child *child)
{
    return !child->killed && WIFSIGNALED(child->status) && WTERMSIG(child->status) == SIGKILL;
}

void outcome_of(struct outcome *outcome, const struct plan *plan, const struct pipeline *pipeline,
                double elapsed_ms)
{
    *outcome = (struct outcome){.verdict = OUTCOME_DONE};
    outcome_describe(outcome, pipeline, elapsed_ms);
    if (pipeline->timed_out) {
        outcome->verdict = OUTCOME_FAILED;
        error_set(&outcome->error, ERROR_TIMEOUT, "not done after %g s: --timeout",
                  (double)plan->timeout_ms / 1000);
    } else if (pipeline->cancelled) {
        outcome->verdict = OUTCOME_FAILED;
        error_set(&outcome->error, ERROR_CANCELLED, "cancelled");
        outcome->retryable = true;
    } else if (pipeline->culprit >= 0 && pipeline->status == 1) {
        outcome->verdict = OUTCOME_NO;
    } else if (pipeline->culprit >= 0) {
        const struct child *child = &pipeline->children[pipeline->culprit];
        outcome->verdict = OUTCOME_FAILED;
        outcome_name_culprit(outcome, plan, pipeline->culprit);
        stage_error(plan->stages[pipeline->culprit].command, child, &outcome->error);
        outcome->retryable = killed_by_system(child) || outcome->error.kind == ERROR_BUSY ||
                             (outcome->error.kind == ERROR_SYSTEM && WIFEXITED(child->status));
    }
}

void outcome_not_started(struct outcome *outcome, const struct plan *plan,
                         const struct pipeline *pipeline, const struct error *error)
{
    *outcome = (struct outcome){.verdict = OUTCOME_FAILED, .error = *error};
    outcome->retryable = error->kind == ERROR_SYSTEM;
    outcome_name_culprit(outcome, plan, pipeline->culprit);
}

void outcome_free(struct outcome *outcome)
{
    json_decref(outcome->input);
    json_decref(outcome->output);
    json_decref(outcome->stages);
    json_decref(outcome->outputs);
    json_decref(outcome->metadata);
    *outcome = (struct outcome){0};
}

static bool show_lines(const struct text *messages, const char *prefix)
{
    struct text lines = {0};
    for (const char *at = messages->data; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, "\n");
        text_printf(&lines, "%s%.*s\n", prefix, (int)length, at);
        at += length + (at[length] == '\n');
    }
    bool said = lines.length > 0 && write(STDERR_FILENO, lines.data, lines.length) > 0;
    text_free(&lines);
    return said;
}

bool outcome_show_messages(const struct pipeline *pipeline, const char *prefix)
{
    bool said = false;
    for (size_t i = 0; i < pipeline->count; i++)
        if (pipeline->culprit < 0 || pipeline->culprit == (int)i)
            said = show_lines(&pipeline->children[i].messages, prefix) || said;
    return said;
}
