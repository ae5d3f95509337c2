/* SPDX-License-Identifier: MIT */
#include "cli/report.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sink.h"

static void report_line(struct cli_run *run, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void report_line(struct cli_run *run, const char *format, va_list args)
{
    char message[5000], masked[5000], id[200], line[5400];
    vsnprintf(message, sizeof message, format, args);
    /* Names and ids come from outside: they must not drive the terminal or make up lines. */
    text_mask(message, masked, sizeof masked);
    const char *given = run->options->request_id;
    text_mask(given == NULL ? "" : given, id, sizeof id);
    snprintf(line, sizeof line, "%s: %s%s%s%s\n", run->tool->name, given ? "[" : "", id,
             given ? "] " : "", masked);
    /* One write, so that lines of several processes do not mix. Nobody can be told if it fails. */
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        return;
}

void cli_warn(struct cli_run *run, const char *format, ...)
{
    if (run->options->quiet)
        return;
    va_list args;
    va_start(args, format);
    report_line(run, format, args);
    va_end(args);
}

void cli_explain(struct cli_run *run, const char *format, ...)
{
    if (!run->options->verbose)
        return;
    va_list args;
    va_start(args, format);
    report_line(run, format, args);
    va_end(args);
}

static void report_always(struct cli_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

static void report_always(struct cli_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report_line(run, format, args);
    va_end(args);
}

char *cli_display_name(const char *name, char *out, size_t size)
{
    return text_mask(strcmp(name, "-") == 0 ? "stdin" : name, out, size);
}

json_t *cli_json_string(const char *string)
{
    struct text valid = {0};
    text_add_utf8(&valid, string);
    json_t *json = json_string(valid.data == NULL ? "" : valid.data);
    text_free(&valid);
    return json;
}

void cli_add_json(json_t *object, struct text *out)
{
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));
    text_add(out, line == NULL ? "" : line);
    text_add(out, "\n");
    out->failed = out->failed || line == NULL;
    free(line);
    json_decref(object);
}

double cli_elapsed_ms(const struct cli_run *run)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double ms = (double)(now.tv_sec - run->started.tv_sec) * 1e3 +
                (double)(now.tv_nsec - run->started.tv_nsec) / 1e6;
    return round(ms * 10) / 10;
}

const char *cli_file(const struct cli_run *run)
{
    return strcmp(run->file, "-") == 0 ? "stdin" : run->file;
}

/* The file that an error is about, or NULL. */
static const char *report_file(const struct cli_run *run, const struct error *error)
{
    if (error->file[0] != '\0')
        return error->file;
    return error->kind == ERROR_USAGE ? NULL : run->file;
}

static json_t *report_error_object(const struct cli_run *run, const struct error *error)
{
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    const char *file = report_file(run, error);
    json_t *object = json_pack("{s:i, s:s, s:o, s:o, s:o, s:s}", "code", error_exit_status(error->kind),
                     "kind", error_kind_name(error->kind), "message",
                     cli_json_string(error->message), "file",
                     file == NULL ? json_null() : cli_json_string(file), "hint",
                     error->hint[0] == '\0' ? json_null() : cli_json_string(error->hint), "time",
                     when);
    json_object_update(object, run->error_extra);
    return object;
}

static json_t *report_part(json_t **part)
{
    json_t *taken = *part == NULL ? json_null() : *part;
    *part = NULL;
    return taken;
}

/* A new object; the parts of RUN are used up. NULL when memory ran out. */
static json_t *report_object(struct cli_run *run, const struct error *error)
{
    const char *id = run->options->request_id;
    /* Programs know the binary; the command within it is for people. */
    int name_length = (int)strcspn(run->tool->name, " ");
    json_t *object = json_pack("{s:b, s:s%, s:s, s:o, s:f}", "ok", error == NULL, "tool",
                               run->tool->name, (size_t)name_length, "version", VERSION, "request_id",
                               id == NULL ? json_null() : cli_json_string(id), "elapsed_ms",
                               cli_elapsed_ms(run));
    json_t *input = report_part(&run->input), *output = report_part(&run->output),
           *result = report_part(&run->result);
    if (error != NULL) {
        json_object_set_new(object, "error", report_error_object(run, error));
        json_decref(input);
        json_decref(output);
        json_decref(result);
        json_object_update(object, run->extra);
    } else {
        json_object_set_new(object, "input", input);
        json_object_set_new(object, "output", output);
        json_object_set_new(object, "result", result);
        json_object_update(object, run->extra);
    }
    return object;
}

static bool report_write(int fd, const char *name, const char *line, struct error *failure)
{
    struct sink sink;
    sink_to_fd(&sink, fd);
    bool done = sink_write(&sink, line, strlen(line)) && sink_write(&sink, "\n", 1) &&
                sink_flush(&sink);
    if (!done) {
        error_set(failure, sink.error.kind, "%s", sink.error.message);
        snprintf(failure->file, sizeof failure->file, "%s", name);
    }
    sink_free(&sink);
    return done;
}

bool cli_report_json(struct cli_run *run, const struct error *error, struct error *failure)
{
    const struct cli_common *options = run->options;
    json_t *object = report_object(run, error);
    if (!options->json && options->report_fd < 0) {
        json_decref(object);
        return true;
    }
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(object);
    if (line == NULL)
        return error_set(failure, ERROR_NO_MEMORY, "out of memory for the JSON report");
    char name[32];
    snprintf(name, sizeof name, "descriptor %d", (int)options->report_fd);
    bool done = true;
    if (options->json)
        done = report_write(STDOUT_FILENO, "stdout", line, failure);
    if (options->report_fd >= 0 && !(options->json && options->report_fd == STDOUT_FILENO))
        done = report_write((int)options->report_fd, name, line, failure) && done;
    free(line);
    return done;
}

void cli_report_error(struct cli_run *run, const struct error *error)
{
    const char *file = report_file(run, error);
    bool hinted = error->hint[0] != '\0';
    if (error->kind == ERROR_USAGE) {
        report_always(run, "%s%s%s", error->message, hinted ? "; " : "", error->hint);
        char line[100];
        snprintf(line, sizeof line, "Try '%s --help'.\n", run->tool->name);
        if (write(STDERR_FILENO, line, strlen(line)) < 0)
            return;
        return;
    }
    if (file != NULL && strcmp(file, "-") == 0)
        file = "stdin";
    report_always(run, "%s%s%s%s%s%s", file ? file : "", file ? ": " : "", error->message,
                  hinted ? " (" : "", error->hint, hinted ? ")" : "");
}
