/* SPDX-License-Identifier: MIT */
#include "proc/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "proc/watch.h"

enum { BAR_EVERY_MS = 200, JSON_EVERY_MS = 1000, BAR_CELLS = 24, MOST_COLUMNS = 250 };

static bool can_show_bar(void)
{
    const char *terminal = getenv("TERM"), *plain = getenv("NO_COLOR");
    return isatty(STDERR_FILENO) && (plain == NULL || *plain == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

void progress_begin(struct progress *progress, enum progress_form form)
{
    struct winsize size = {0};
    if (form == PROGRESS_AUTO)
        form = can_show_bar() ? PROGRESS_BAR : PROGRESS_NONE;
    *progress = (struct progress){.form = form, .total = -1, .columns = 80};
    if (form == PROGRESS_BAR && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        progress->columns = size.ws_col < MOST_COLUMNS ? size.ws_col : MOST_COLUMNS;
    progress->began_at = watch_now_ms();
    progress->next_at = form == PROGRESS_NONE ? 0 : progress->began_at + BAR_EVERY_MS;
}

/* What is answered is as quick as what is left: good enough for a bar. -1: not known. */
static double seconds_left(const struct progress *progress, double answered, double elapsed_s)
{
    if (progress->total < 0 || answered <= 0)
        return -1;
    return elapsed_s / answered * ((double)progress->total - answered);
}

static void add_bar(const struct progress *progress, double answered, struct text *out)
{
    double share = progress->total <= 0 ? 0 : answered / (double)progress->total;
    int cells = (int)(share * BAR_CELLS);
    text_add(out, "[");
    for (int i = 0; i < BAR_CELLS; i++)
        text_add(out, i < cells ? "#" : "-");
    text_printf(out, "] %3.0f%% ", floor(share * 100));
}

static void show_bar(const struct progress *progress, const struct metrics *metrics,
                     struct text *out)
{
    struct text line = {0};
    double answered = (double)metrics_answered(metrics);
    double elapsed_s = (double)(watch_now_ms() - progress->began_at) / 1000;
    double left_s = seconds_left(progress, answered, elapsed_s);
    uint64_t failed = metrics_failed(metrics);
    if (progress->total >= 0)
        add_bar(progress, answered, &line);
    text_printf(&line, "%.0f", answered);
    if (progress->total >= 0)
        text_printf(&line, "/%" PRId64, progress->total);
    text_printf(&line, "  %.1f/s", elapsed_s > 0 ? answered / elapsed_s : 0.0);
    if (failed > 0)
        text_printf(&line, "  %" PRIu64 " failed", failed);
    if (left_s >= 0) {
        long seconds = lround(left_s);
        text_printf(&line, "  %ld:%02ld:%02ld left", seconds / 3600, seconds / 60 % 60,
                    seconds % 60);
    }
    if (line.data != NULL)
        text_printf(out, "\r%.*s\033[K", (int)progress->columns - 1, line.data);
    text_free(&line);
}

static void show_json(const struct progress *progress, const struct metrics *metrics,
                      struct text *out)
{
    double answered = (double)metrics_answered(metrics);
    double elapsed_s = (double)(watch_now_ms() - progress->began_at) / 1000;
    double left_s = seconds_left(progress, answered, elapsed_s);
    text_printf(out,
                "{\"progress\":{\"answered\":%.0f,\"failed\":%" PRIu64 ",\"cached\":%" PRIu64
                ",\"running\":%zu,\"waiting\":%zu,\"rate\":%.2f,\"elapsed_s\":%.1f",
                answered, metrics_failed(metrics), metrics->cached, metrics->running,
                metrics->waiting, elapsed_s > 0 ? answered / elapsed_s : 0.0, elapsed_s);
    if (progress->total >= 0)
        text_printf(out, ",\"total\":%" PRId64, progress->total);
    else
        text_add(out, ",\"total\":null");
    if (left_s >= 0)
        text_printf(out, ",\"left_s\":%.1f}}\n", left_s);
    else
        text_add(out, ",\"left_s\":null}}\n");
}

void progress_show(struct progress *progress, const struct metrics *metrics, bool end,
                   struct text *out)
{
    int64_t now = watch_now_ms();
    if (progress->form == PROGRESS_NONE || (!end && now < progress->next_at))
        return;
    progress->next_at = now + (progress->form == PROGRESS_BAR ? BAR_EVERY_MS : JSON_EVERY_MS);
    if (progress->form == PROGRESS_JSON) {
        show_json(progress, metrics, out);
        return;
    }
    show_bar(progress, metrics, out);
    progress->shown = !end;
    if (end)
        text_add(out, "\n");
}

void progress_hide(struct progress *progress, struct text *out)
{
    if (progress->shown)
        text_add(out, "\r\033[K");
    progress->shown = false;
}
