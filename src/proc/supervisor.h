/* SPDX-License-Identifier: MIT */
/* What the parts of proc/supervise.h share: its state, and what happens to a job. */
#ifndef PROC_SUPERVISOR_H
#define PROC_SUPERVISOR_H

#include "proc/clerk.h"
#include "proc/intake.h"
#include "proc/order.h"
#include "proc/outlet.h"
#include "proc/pool.h"
#include "proc/supervise.h"
#include "proc/watch.h"

/* Something that the clerk does now and then. */
struct supervisor_upkeep {
    struct clerk_errand errand;
    bool pending;
    struct error error;
};

struct supervisor {
    const struct supervise_settings *settings;
    struct supervise_result *result;
    struct metrics *metrics;
    struct pool pool;
    struct intake intake;
    struct outlet answers, messages;
    struct order order;
    struct reuse reuse; /* the clerk's between supervisor_hire() and supervisor_dismiss() */
    struct clerk clerk;
    struct supervisor_upkeep syncing, writing; /* of the journal, of the metrics */
    struct text metrics_text;
    struct progress progress;
    struct watch watch;
    uint64_t accepted;   /* jobs so far, pings not counted */
    bool hungry;         /* the next line is not there yet */
    bool input_over;
    bool stopping;       /* nothing new is begun */
    unsigned signals;    /* that were seen */
    int64_t stopped_at;  /* by the first of them */
    int64_t end_at;      /* then what runs is ended; 0: never */
    int64_t give_up_at;  /* then answers that nobody reads are lost; 0: never */
    int64_t metrics_at, sync_at; /* 0: never */
    bool warned;         /* about journal or cache */
};

/* A line for people. */
void supervisor_say(struct supervisor *sup, const char *line);

/* The same about journal, cache or metrics, which may fail while the jobs go on: only the first. */
void supervisor_warn(struct supervisor *sup, const struct error *error);

/* Takes jobs in, or starts them, while there is room. True where there was one. */
bool supervisor_accept(struct supervisor *sup);
bool supervisor_start(struct supervisor *sup);

/* An attempt at TASK has ended, or could not begin: it is answered, or tried again. */
void supervisor_finish(struct supervisor *sup, struct pool_task *task);

/* Ends TASK with its answer: task->answer itself, the same as an answer known before, or that it was
 * cancelled. */
void supervisor_emit(struct supervisor *sup, struct pool_task *task);
void supervisor_answer_known(struct supervisor *sup, struct pool_task *task);
void supervisor_cancel(struct supervisor *sup, struct pool_task *task);

/* Passes on what running jobs say. */
void supervisor_show_messages(struct supervisor *sup);

/* Nothing new is begun: what waits is answered as cancelled, what runs may finish. */
void supervisor_stop(struct supervisor *sup);

/* ---- the clerk ---- */

/* Begins and ends what the clerk does, if there is anything: then everything is written. */
bool supervisor_hire(struct supervisor *sup, struct error *error);
void supervisor_dismiss(struct supervisor *sup);

/* Has the next jobs looked up, as far as there is room for them. */
void supervisor_look_up(struct supervisor *sup);

/* Has task->answer written down, and then sent. */
void supervisor_keep(struct supervisor *sup, struct pool_task *task);

/* Gives the clerk what is due now and then. */
void supervisor_upkeep(struct supervisor *sup);

/* Goes on with what the clerk is done with. */
void supervisor_take_errands(struct supervisor *sup);

#endif
