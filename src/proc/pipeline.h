/* SPDX-License-Identifier: MIT */
/* The execution of a plan: all stages at once, joined by pipes that carry PAM, in a process group of
 * their own, watched until the last one has ended.
 *
 * One plan is run by pipeline_run(). Whoever runs many starts each, waits for all their descriptors
 * and times at once, and calls pipeline_step() until it says that the pipeline has ended. */
#ifndef PROC_PIPELINE_H
#define PROC_PIPELINE_H

#include <poll.h>

#include "proc/child.h"
#include "proc/plan.h"

enum { PIPELINE_MOST_POLLS = 2 * PLAN_MAX_STAGES };

struct pipeline {
    struct child children[PLAN_MAX_STAGES];
    size_t count;
    pid_t group;
    int culprit;  /* the stage that failed first in the order of the data, or that could not be
                   * started; -1: none */
    int status;   /* the exit status of the whole */
    bool timed_out, cancelled;
    int signal;   /* one that ended us in between; the caller ends by it */
    bool failed;  /* a stage has */
    int64_t grace_ms;
    int64_t timeout_at, terminate_at, kill_at; /* 0: not planned */
};

/* Starts all stages of PLAN, of which nothing is kept. On false nothing is left running. */
bool pipeline_start(struct pipeline *pipeline, const struct plan *plan, struct error *error);

/* Fills POLLS, room for PIPELINE_MOST_POLLS, with what the children may say. */
size_t pipeline_polls(const struct pipeline *pipeline, struct pollfd *polls);

/* Reads what POLLS, as filled above and polled, say is there. */
void pipeline_read(struct pipeline *pipeline, const struct pollfd *polls, size_t count);

/* Sees who has ended and ends what is due. True while it runs; when false, culprit and status are
 * set and nothing of it is left. */
bool pipeline_step(struct pipeline *pipeline);

/* When the next step is due whatever happens (watch_now_ms()); 0: never. */
int64_t pipeline_due_ms(const struct pipeline *pipeline);

/* When what stage I has said so far may be passed on; 0: nothing was, or not before the pipeline has
 * ended. Where there are several stages that is a moment after it was said: by then it is known
 * whether another one failed, which may be all that this one is talking about. */
int64_t pipeline_say_ms(const struct pipeline *pipeline, size_t i);

/* Ends it: SIGTERM now, SIGKILL after GRACE_MS, or sooner where that was planned already. */
void pipeline_cancel(struct pipeline *pipeline, int64_t grace_ms);

/* Runs PLAN. True where all stages were started and watched to their end, however that was: see
 * culprit and status. A signal that we get in between cancels it. */
bool pipeline_run(const struct plan *plan, struct pipeline *pipeline, struct error *error);

void pipeline_free(struct pipeline *pipeline);

#endif
