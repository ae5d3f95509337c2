/* SPDX-License-Identifier: MIT */
/* How far a batch is: a bar that stays on its line of a terminal, or lines of JSON for programs. */
#ifndef PROC_PROGRESS_H
#define PROC_PROGRESS_H

#include <stdint.h>

#include "base/text.h"
#include "proc/metrics.h"

enum progress_form { PROGRESS_AUTO, PROGRESS_NONE, PROGRESS_BAR, PROGRESS_JSON };

struct progress {
    enum progress_form form;
    int64_t began_at, next_at;  /* watch_now_ms() */
    int64_t total;              /* jobs of the whole batch; -1: not known yet */
    bool shown;                 /* a bar stands on the terminal's line */
    unsigned columns;
};

/* AUTO is a bar where stderr is a terminal that can show one, and nothing elsewhere. */
void progress_begin(struct progress *progress, enum progress_form form);

/* Adds to OUT, which goes to stderr, what is to be shown now; nothing before next_at, unless it is
 * the END. */
void progress_show(struct progress *progress, const struct metrics *metrics, bool end,
                   struct text *out);

/* Adds what takes the bar away, so that a line can be written. */
void progress_hide(struct progress *progress, struct text *out);

#endif
