/* SPDX-License-Identifier: MIT */
/* What runs at once: tasks wait in a queue, start when there is room for them, and come out again
 * when they have ended. What to answer, and whether to try once more, is the caller's matter.
 *
 * A pool that LOOKS_UP gives each task to its caller once before it may start, who says whether it
 * has to be done at all. */
#ifndef PROC_POOL_H
#define PROC_POOL_H

#include <poll.h>
#include <stdint.h>

#include "proc/clerk.h"
#include "proc/job.h"
#include "proc/outcome.h"

enum {
    POOL_FIRST_MIB = 96, /* what a stage reserves of --memory-total before any was seen */
    POOL_RETRY_BASE_MS = 100,
    POOL_RETRY_MOST_MS = 10000,
    POOL_MORE_POLLS = 8,
    POOL_TARGETS = 1024 /* buckets */
};

struct pool_task {
    struct job job;
    size_t bytes;      /* of the line that it was */
    uint64_t number;   /* in the order of the input */
    char *key;         /* of the work (proc/work_key.h), where it is known; owned */
    unsigned attempts; /* begun so far */
    double began_ms;   /* the first of them; 0: none. The caller may set it earlier */
    int64_t retry_at;
    uint64_t reserved_bytes;
    int slot_fd;       /* what it holds of the machine (base/slots.h); -1: nothing */
    size_t poll_count; /* of the pipeline's places among the polls */
    struct pipeline *pipeline; /* while it runs, and until the task is retried or freed */
    struct outcome outcome;    /* of an attempt that has ended */
    struct clerk_errand errand; /* and its ANSWER, while it is away */
    json_t *answer;
    bool added;        /* it is the pool's matter */
    struct pool_task *next, *next_target;
};

/* What everybody on the machine shares; COUNT 0: nothing. */
struct pool_slots {
    unsigned count;
    const char *dir;
    int64_t wait_ms;
};

struct pool_list {
    struct pool_task *first, *last;
    size_t count;
};

struct pool {
    unsigned most;              /* at once */
    uint64_t memory_bytes;      /* that all together may take; 0: any */
    uint64_t reserved_bytes;
    uint64_t peaks[PLAN_MAX_STAGES + 1]; /* seen, of jobs with so many stages; 0: none yet */
    bool looks_up;
    struct pool_list unknown;   /* not looked up yet */
    struct pool_list away;      /* with the caller, who looks them up or writes down what came of it */
    size_t looking;             /* the former of those */
    struct pool_list queue;     /* waiting for the first attempt */
    struct pool_list retries;   /* waiting for another one */
    struct pool_task **running; /* MOST places */
    unsigned running_count;
    pid_t *pids;                /* room for all children */
    struct pollfd *polls;       /* room for all their descriptors */
    bool strangers;             /* a killed one has not ended yet */
    struct pool_task *targets[POOL_TARGETS]; /* all tasks that have one, by its hash */
    size_t held_bytes;          /* of the lines of all tasks */
    struct pool_slots slots;
    int64_t slot_since;         /* when one was found missing; 0: none is */
};

bool pool_begin(struct pool *pool, unsigned most, uint64_t memory_bytes, struct error *error);

/* Frees the pool, in which nothing runs any more, and what waits in it. */
void pool_free(struct pool *pool);

/* An empty task; NULL when memory ran out. */
struct pool_task *pool_task_new(void);

/* Takes TASK in. */
void pool_add(struct pool *pool, struct pool_task *task);

/* How many wait, and whether there is none left, whatever it does. */
size_t pool_waiting(const struct pool *pool);
bool pool_is_empty(const struct pool *pool);

/* The task in the pool that writes TARGET; NULL where none does. */
const struct pool_task *pool_find_target(const struct pool *pool, const char *target);

/* The next task to look up, if there is a place for it; not earlier, as one that runs may be about to
 * do the same work. NULL: none. It is away until pool_take_back(); pool_enqueue() then lets it start.
 */
struct pool_task *pool_look_up(struct pool *pool);
void pool_enqueue(struct pool *pool, struct pool_task *task);

/* The same for TASK, which has ended: what the attempt left is freed. */
void pool_put_away(struct pool *pool, struct pool_task *task);
void pool_take_back(struct pool *pool, struct pool_task *task);

/* Takes out the task that may start now: a place is free, so is the memory that tasks of its kind
 * took at most (one may always run), and so is a slot where there are such. NULL: none. FRESH false:
 * only one that is tried again. */
struct pool_task *pool_next(struct pool *pool, bool fresh);

/* Starts it. False where that failed: its outcome says why. */
bool pool_start(struct pool *pool, struct pool_task *task);

/* Takes out one that has ended, with its outcome; NULL where none has. Whoever it left behind is
 * ended too. */
struct pool_task *pool_ended(struct pool *pool);

/* Puts a task that has ended behind, to be tried again after a random while: between nothing and
 * 100 ms, doubled with each attempt, at most 10 s ("full jitter"). */
void pool_retry(struct pool *pool, struct pool_task *task);

/* Takes out one that waits; NULL where none does. */
struct pool_task *pool_drop(struct pool *pool);

/* The same for one that has waited too long for a slot. */
struct pool_task *pool_drop_busy(struct pool *pool);

/* Ends all that run, with so much time between SIGTERM and SIGKILL. */
void pool_cancel(struct pool *pool, int64_t grace_ms);

/* What to poll for: COUNT places, of which the first MORE (at most POOL_MORE_POLLS) are left to the
 * caller. And reading what is there afterwards. */
struct pollfd *pool_polls(struct pool *pool, size_t more, size_t *count);
void pool_read(struct pool *pool, size_t more);

/* Monotonic, with its fractions. */
double pool_now_ms(void);

/* Since its first attempt began, in tenths; 0 before. */
double pool_elapsed_ms(const struct pool_task *task);

/* When something is due whatever happens; 0: never. */
int64_t pool_due_ms(const struct pool *pool);

void pool_task_free(struct pool *pool, struct pool_task *task);

#endif
