/* SPDX-License-Identifier: MIT */
/* deltae --pairs: a stream of rows in constant memory. */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/root.h"
#include "base/signals.h"
#include "base/sink.h"
#include "base/source.h"
#include "base/threads.h"
#include "cli/input.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "tools/deltae.h"

/* A row of the longest length, its line end, and what is read at a time. */
enum { READ_BYTES = 1 << 16, BUFFER_BYTES = DELTAE_LONGEST_ROW + 2 + READ_BYTES };

/* Lines are looked at ROWS at a time, by threads that take PIECE of them each. */
enum { ROWS = 2048, PIECE = 128 };

struct row {
    const char *line;
    size_t size;       /* with the line end */
    double difference;
    bool plain;        /* and so the difference is known */
};

struct list {
    struct cli_run *run;
    const struct deltae_fields *fields;
    struct deltae_rows *rows;
    struct deltae_tally *tally;
    struct source source;
    struct outfile file;
    struct sink sink;
    bool writes;   /* the rows go somewhere */
    char *buffer;  /* BUFFER_BYTES */
    struct row *ahead; /* ROWS */
    size_t ahead_count;
    size_t length; /* used */
    uint64_t line, bad;
};

static size_t format_exactly(double difference, char point, char out[40])
{
    size_t length = (size_t)snprintf(out, 40, "%.4f", difference);
    char *mark = strchr(out, '.');
    if (mark != NULL)
        *mark = point;
    return length;
}

/* DIFFERENCE with four decimals behind POINT, as printf() rounds. Returns the length. */
static size_t format_difference(double difference, char point, char out[40])
{
    double scaled = difference * 10000, whole = rint(scaled);
    /* Near a tie the product may have been rounded over it. */
    if (!(scaled < 1e12) || fabs(fabs(scaled - whole) - 0.5) < 1e-3)
        return format_exactly(difference, point, out);
    char digits[24];
    size_t count = 0, length = 0;
    for (uint64_t rest = (uint64_t)whole; rest > 0 || count < 5; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    while (count > 0) {
        if (count == 4)
            out[length++] = point;
        out[length++] = digits[--count];
    }
    return length;
}

/* The row again: LENGTH bytes and their line end at ROW, with ADDED in a column of its own behind
 * them, or with none where ADDED is NULL. */
static bool list_write(struct list *list, const char *row, size_t length, size_t end,
                       const char *added, size_t added_length)
{
    char separator = deltae_rows_separator(list->rows);
    if (!list->writes)
        return true;
    if (added == NULL)
        return sink_write(&list->sink, row, length + end);
    return sink_write(&list->sink, row, length) && sink_write(&list->sink, &separator, 1) &&
           sink_write(&list->sink, added, added_length) &&
           (end > 0 ? sink_write(&list->sink, row + length, end)
                    : sink_write(&list->sink, "\n", 1));
}

static void list_complain(struct list *list, const struct error *reason)
{
    struct error error = *reason;
    snprintf(error.file, sizeof error.file, "%.4000s:%llu", cli_file(list->run),
             (unsigned long long)list->line);
    cli_report_error(list->run, &error);
    list->bad++;
}

/* What became of writing. Returns false. */
static bool list_write_failed(const struct list *list, struct error *error)
{
    const char *path = list->fields->common.output;
    error_set(error, list->sink.error.kind, "%s", list->sink.error.message);
    snprintf(error->file, sizeof error->file, "%s", strcmp(path, "-") == 0 ? "stdout" : path);
    return false;
}

/* The length of a line of SIZE bytes without its end. */
static size_t line_length(const char *line, size_t size)
{
    size -= size > 0 && line[size - 1] == '\n';
    return size - (size > 0 && line[size - 1] == '\r');
}

static bool list_value(struct list *list, const struct row *row, double difference)
{
    char number[40];
    size_t length = line_length(row->line, row->size);
    deltae_tally_add(list->tally, difference);
    return list_write(list, row->line, length, row->size - length, number,
                      format_difference(difference, deltae_rows_point(list->rows), number));
}

static bool list_line(struct list *list, const struct row *row)
{
    const char *line = row->line;
    size_t length = line_length(line, row->size), mark = 0, end = row->size - length;
    double difference = 0;
    struct error reason;
    reason.kind = ERROR_NONE;
    list->line++;
    if (row->plain)
        return list_value(list, row, row->difference);
    /* Editors put a byte order mark in front of UTF-8. */
    if (list->line == 1 && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        mark = 3;
    switch (deltae_row_read(list->rows, line + mark, length - mark, &difference, &reason)) {
    case DELTAE_ROW_PASS:
        return list_write(list, line, length, end, NULL, 0);
    case DELTAE_ROW_HEADING:
        return list_write(list, line, length, end, "de", 2);
    case DELTAE_ROW_BAD:
        list_complain(list, &reason);
        return list_write(list, line, length, end, "", 0);
    case DELTAE_ROW_VALUE:
        break;
    }
    return list_value(list, row, difference);
}

static void rows_look_ahead(void *context, size_t piece)
{
    const struct list *list = context;
    size_t end = (piece + 1) * PIECE < list->ahead_count ? (piece + 1) * PIECE : list->ahead_count;
    for (size_t i = piece * PIECE; i < end; i++) {
        struct row *row = &list->ahead[i];
        row->plain = deltae_row_plain(list->rows, row->line, line_length(row->line, row->size),
                                      &row->difference);
    }
}

/* Finds up to ROWS whole lines from START on. Returns where they end. */
static size_t list_split(struct list *list, size_t start, bool last)
{
    list->ahead_count = 0;
    while (start < list->length && list->ahead_count < ROWS) {
        const char *line = list->buffer + start;
        const char *end = memchr(line, '\n', list->length - start);
        size_t size = end == NULL ? list->length - start : (size_t)(end - line) + 1;
        if ((end == NULL && !last) || size > DELTAE_LONGEST_ROW)
            break;
        list->ahead[list->ahead_count++] = (struct row){.line = line, .size = size};
        start += size;
    }
    return start;
}

/* Whether what is behind START cannot become a row any more. */
static bool list_is_too_long(const struct list *list, size_t start)
{
    size_t left = list->length - start;
    return left > DELTAE_LONGEST_ROW &&
           memchr(list->buffer + start, '\n', DELTAE_LONGEST_ROW) == NULL;
}

/* All whole lines of the buffer; what is left moves to its front. */
static bool list_lines(struct list *list, bool last, struct error *error)
{
    unsigned threads = cli_threads(&list->fields->common);
    size_t start = 0;
    list->buffer[list->length] = '\0';
    do {
        start = list_split(list, start, last);
        threads_for(threads, (list->ahead_count + PIECE - 1) / PIECE, rows_look_ahead, list);
        for (size_t i = 0; i < list->ahead_count; i++)
            if (!list_line(list, &list->ahead[i]))
                return list_write_failed(list, error);
    } while (list->ahead_count > 0);
    if (list_is_too_long(list, start))
        return error_set(error, ERROR_CORRUPT, "line %llu is longer than 1 MiB",
                         (unsigned long long)list->line + 1);
    memmove(list->buffer, list->buffer + start, list->length - start);
    list->length -= start;
    return true;
}

/* A program at the other end may wait for its answer before it sends more. */
static bool list_flush_if_idle(struct list *list)
{
    struct pollfd input = {.fd = list->source.fd, .events = POLLIN};
    if (!list->writes || list->sink.used == 0 || poll(&input, 1, 0) > 0)
        return true;
    return sink_flush(&list->sink);
}

static bool list_stream(struct list *list, struct error *error)
{
    for (;;) {
        size_t got = 0;
        if (!list_flush_if_idle(list))
            return list_write_failed(list, error);
        const uint8_t *bytes = source_peek(&list->source, 1, &got, error);
        if (bytes == NULL)
            return false;
        if (got == 0)
            return list_lines(list, true, error);
        if (got > READ_BYTES)
            got = READ_BYTES;
        memcpy(list->buffer + list->length, bytes, got);
        list->length += got;
        source_take(&list->source, got);
        if (!list_lines(list, false, error))
            return false;
    }
}

static json_t *list_json(const struct list *list, const struct deltae_summary *summary)
{
    const struct deltae_fields *fields = list->fields;
    const struct deltae_figures *figures = &summary->figures;
    json_t *json = json_pack("{s:I, s:I}", "rows", (json_int_t)summary->count, "bad",
                             (json_int_t)list->bad);
    const struct {
        const char *name;
        double value;
    } values[] = {{"mean", figures->mean},    {"median", summary->median}, {"p95", figures->p95},
                  {"p99", summary->p99},      {"max", figures->max},       {"over", figures->over}};
    for (size_t i = 0; i < CLI_COUNT(values); i++)
        json_object_set_new(json, values[i].name,
                            summary->count == 0 ? json_null() : json_real(values[i].value));
    json_object_set_new(json, "tolerance", json_real(fields->tolerance));
    json_object_set_new(json, "formula", json_string(difference_names[fields->formula]));
    json_object_set_new(json, "white", json_string(difference_white_names[fields->white]));
    json_object_set_new(json, "passed",
                        summary->count == 0
                            ? json_null()
                            : deltae_judge(list->run, fields, figures, cli_file(list->run)));
    return json;
}

/* The figures, and what they mean for the exit status. */
static bool list_end(struct list *list, struct error *error)
{
    struct cli_run *run = list->run;
    struct deltae_summary summary;
    deltae_tally_sum_up(list->tally, &summary);
    json_t *json = list_json(list, &summary);
    run->input = json_pack("{s:o, s:I}", "path", cli_json_string(list->fields->pairs), "bytes",
                           (json_int_t)list->source.taken_bytes);
    if (summary.count > 0)
        cli_explain(run, "%llu rows, mean %.4f, p95 %.4f, max %.4f",
                    (unsigned long long)summary.count, summary.figures.mean, summary.figures.p95,
                    summary.figures.max);
    else if (list->bad == 0)
        cli_warn(run, "%s: has no rows to compare", cli_file(run));
    if (list->bad == 0) {
        run->result = json;
        return true;
    }
    /* The figures of the others are worth knowing. */
    run->extra = json_pack("{s:o}", "result", json);
    return error_set(error, ERROR_CORRUPT, "%llu bad row%s", (unsigned long long)list->bad,
                     list->bad == 1 ? "" : "s");
}

static bool list_open(struct list *list, struct error *error)
{
    const struct cli_common *options = &list->fields->common;
    struct stat input;
    uint64_t limit = option_given(&list->run->set, &list->run->parsed, "max-input-bytes")
                         ? options->max_input_bytes
                         : UINT64_MAX;
    unsigned flags =
        (options->no_clobber ? OUTFILE_EXCLUSIVE : 0u) | (options->mkdir ? OUTFILE_MKDIR : 0u);
    if (strcmp(list->fields->pairs, "-") != 0 && root_status(list->fields->pairs, &input) &&
        S_ISDIR(input.st_mode))
        return error_set(error, ERROR_NO_INPUT, "is a directory, a list is expected");
    if (!source_open(&list->source, list->fields->pairs, limit, error))
        return false;
    if (!source_check_limit(&list->source, error))
        return false;
    list->buffer = memory_array(BUFFER_BYTES + 1, 1, error);
    struct difference difference = deltae_difference(list->fields);
    list->ahead = list->buffer == NULL ? NULL : memory_array(ROWS, sizeof *list->ahead, error);
    list->rows = list->ahead == NULL ? NULL : deltae_rows_new(&difference, error);
    list->tally = list->rows == NULL ? NULL : deltae_tally_new(list->fields->tolerance, error);
    if (list->tally == NULL)
        return false;
    /* With --json the object has stdout for itself. */
    list->writes = !options->json || strcmp(options->output, "-") != 0;
    if (!list->writes)
        return true;
    if (!outfile_open(&list->file, options->output, flags, error))
        return false;
    if (fstat(list->source.fd, &input) == 0 && S_ISREG(input.st_mode) &&
        outfile_is_same(&list->file, &input))
        return error_set(error, ERROR_USAGE, "'%s' is the input itself", options->output);
    sandbox_keep_output(&list->file);
    sink_to_fd(&list->sink, list->file.fd);
    return true;
}

/* Rows that were bad are no reason to withhold the file: they are in it, with an empty field. */
static bool list_commit(struct list *list, struct error *error)
{
    if (!list->writes)
        return true;
    if (!sink_flush(&list->sink))
        return list_write_failed(list, error);
    if (strcmp(list->fields->common.output, "-") != 0)
        signals_claim();
    return outfile_commit(&list->file, error);
}

bool deltae_list(struct cli_run *run, const struct deltae_fields *fields, struct error *error)
{
    struct list list = {
        .run = run, .fields = fields, .source = {.fd = -1}, .file = {.fd = -1, .dir_fd = -1}};
    run->file = fields->pairs;
    bool done = list_open(&list, error) && sandbox_enter(run, error) && list_stream(&list, error) &&
                list_commit(&list, error) && list_end(&list, error);
    outfile_discard(&list.file);
    sink_free(&list.sink);
    source_close(&list.source);
    deltae_rows_free(list.rows);
    deltae_tally_free(list.tally);
    free(list.buffer);
    free(list.ahead);
    return done;
}
