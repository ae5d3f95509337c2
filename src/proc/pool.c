/* SPDX-License-Identifier: MIT */
#include "proc/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/slots.h"
#include "proc/sweep.h"
#include "proc/watch.h"

enum { SLOT_EVERY_MS = 20 };

double pool_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

double pool_elapsed_ms(const struct pool_task *task)
{
    return task->began_ms <= 0 ? 0 : round((pool_now_ms() - task->began_ms) * 10) / 10;
}

bool pool_begin(struct pool *pool, unsigned most, uint64_t memory_bytes, struct error *error)
{
    *pool = (struct pool){.most = most, .memory_bytes = memory_bytes};
    pool->running = calloc(most, sizeof *pool->running);
    pool->pids = calloc((size_t)most * PLAN_MAX_STAGES, sizeof *pool->pids);
    pool->polls = calloc((size_t)most * PIPELINE_MOST_POLLS + POOL_MORE_POLLS, sizeof *pool->polls);
    if (pool->running != NULL && pool->pids != NULL && pool->polls != NULL)
        return true;
    pool_free(pool);
    return error_set(error, ERROR_NO_MEMORY, "out of memory");
}

void pool_free(struct pool *pool)
{
    for (struct pool_task *task; (task = pool_drop(pool)) != NULL;)
        pool_task_free(pool, task);
    free(pool->running);
    free(pool->pids);
    free(pool->polls);
    *pool = (struct pool){0};
}

struct pool_task *pool_task_new(void)
{
    struct pool_task *task = calloc(1, sizeof *task);
    if (task != NULL)
        task->slot_fd = -1;
    return task;
}

/* What an attempt left. */
static void task_clear(struct pool_task *task)
{
    if (task->slot_fd >= 0)
        close(task->slot_fd);
    task->slot_fd = -1;
    outcome_free(&task->outcome);
    if (task->pipeline != NULL)
        pipeline_free(task->pipeline);
    free(task->pipeline);
    task->pipeline = NULL;
}

/* ---- what is in the pool ---- */

static struct pool_task **targets_of(struct pool *pool, const char *target)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *at = target; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    return &pool->targets[hash % POOL_TARGETS];
}

static void take_in(struct pool *pool, struct pool_task *task)
{
    task->added = true;
    pool->held_bytes += task->bytes;
    if (task->job.target == NULL)
        return;
    struct pool_task **bucket = targets_of(pool, task->job.target);
    task->next_target = *bucket;
    *bucket = task;
}

static void take_out(struct pool *pool, const struct pool_task *task)
{
    pool->held_bytes -= task->bytes;
    if (task->job.target == NULL)
        return;
    struct pool_task **at = targets_of(pool, task->job.target);
    while (*at != task)
        at = &(*at)->next_target;
    *at = task->next_target;
}

const struct pool_task *pool_find_target(const struct pool *pool, const char *target)
{
    const struct pool_task *task = *targets_of((struct pool *)pool, target);
    while (task != NULL && strcmp(task->job.target, target) != 0)
        task = task->next_target;
    return task;
}

void pool_task_free(struct pool *pool, struct pool_task *task)
{
    if (task == NULL)
        return;
    if (task->added)
        take_out(pool, task);
    task_clear(task);
    json_decref(task->answer);
    job_free(&task->job);
    free(task->key);
    free(task);
}

static void list_add(struct pool_list *list, struct pool_task *task)
{
    task->next = NULL;
    if (list->last != NULL)
        list->last->next = task;
    else
        list->first = task;
    list->last = task;
    list->count++;
}

static void list_remove(struct pool_list *list, struct pool_task *task)
{
    struct pool_task *before = NULL;
    for (struct pool_task *at = list->first; at != task; at = at->next)
        before = at;
    if (before == NULL)
        list->first = task->next;
    else
        before->next = task->next;
    if (list->last == task)
        list->last = before;
    list->count--;
    task->next = NULL;
}

void pool_add(struct pool *pool, struct pool_task *task)
{
    take_in(pool, task);
    list_add(pool->looks_up ? &pool->unknown : &pool->queue, task);
}

size_t pool_waiting(const struct pool *pool)
{
    return pool->unknown.count + pool->looking + pool->queue.count + pool->retries.count;
}

bool pool_is_empty(const struct pool *pool)
{
    return pool_waiting(pool) + pool->away.count + pool->running_count == 0;
}

struct pool_task *pool_look_up(struct pool *pool)
{
    struct pool_task *task = pool->unknown.first;
    size_t ready = pool->queue.count + pool->looking;
    if (task == NULL || ready >= pool->most - pool->running_count)
        return NULL;
    list_remove(&pool->unknown, task);
    list_add(&pool->away, task);
    pool->looking++;
    return task;
}

void pool_enqueue(struct pool *pool, struct pool_task *task)
{
    list_add(&pool->queue, task);
}

void pool_put_away(struct pool *pool, struct pool_task *task)
{
    task_clear(task);
    list_add(&pool->away, task);
}

void pool_take_back(struct pool *pool, struct pool_task *task)
{
    list_remove(&pool->away, task);
    pool->looking -= task->attempts == 0;
}

struct pool_task *pool_drop(struct pool *pool)
{
    struct pool_list *list = pool->retries.first != NULL ? &pool->retries
                             : pool->queue.first != NULL ? &pool->queue
                                                         : &pool->unknown;
    struct pool_task *task = list->first;
    if (task != NULL)
        list_remove(list, task);
    return task;
}

/* ---- starting ---- */

static uint64_t task_memory(const struct pool *pool, const struct pool_task *task)
{
    size_t stages = task->job.plan.stage_count;
    return pool->peaks[stages] != 0 ? pool->peaks[stages]
                                    : (uint64_t)stages * POOL_FIRST_MIB * 1048576;
}

static bool has_room(const struct pool *pool, const struct pool_task *task)
{
    if (pool->running_count == 0)
        return true;
    return pool->running_count < pool->most &&
           (pool->memory_bytes == 0 ||
            pool->reserved_bytes + task_memory(pool, task) <= pool->memory_bytes);
}

/* A slot for TASK; false where none is free just now. */
static bool take_slot(struct pool *pool, struct pool_task *task)
{
    const struct pool_slots *slots = &pool->slots;
    /* A directory that cannot be used is as good as one without a free slot. */
    if (slots->count > 0 &&
        (!slots_try(slots->count, slots->dir, &task->slot_fd, NULL) || task->slot_fd < 0)) {
        task->slot_fd = -1;
        pool->slot_since = pool->slot_since == 0 ? watch_now_ms() : pool->slot_since;
        return false;
    }
    pool->slot_since = 0;
    return true;
}

struct pool_task *pool_drop_busy(struct pool *pool)
{
    if (pool->slot_since == 0 || watch_now_ms() - pool->slot_since < pool->slots.wait_ms)
        return NULL;
    pool->slot_since = 0;
    return pool_drop(pool);
}

struct pool_task *pool_next(struct pool *pool, bool fresh)
{
    int64_t now = watch_now_ms();
    struct pool_list *list = &pool->retries;
    struct pool_task *task = list->first;
    while (task != NULL && task->retry_at > now)
        task = task->next;
    if (task == NULL && fresh) {
        list = &pool->queue;
        task = list->first;
    }
    if (task == NULL || !has_room(pool, task) || !take_slot(pool, task))
        return NULL;
    list_remove(list, task);
    return task;
}

bool pool_start(struct pool *pool, struct pool_task *task)
{
    struct error error = {0};
    task->attempts++;
    if (task->began_ms <= 0)
        task->began_ms = pool_now_ms();
    task->pipeline = calloc(1, sizeof *task->pipeline);
    if (task->pipeline == NULL) {
        task->outcome = (struct outcome){.verdict = OUTCOME_FAILED};
        return error_set(&task->outcome.error, ERROR_NO_MEMORY, "out of memory");
    }
    if (!pipeline_start(task->pipeline, &task->job.plan, &error)) {
        outcome_not_started(&task->outcome, &task->job.plan, task->pipeline, &error);
        return false;
    }
    task->reserved_bytes = task_memory(pool, task);
    pool->reserved_bytes += task->reserved_bytes;
    pool->running[pool->running_count++] = task;
    return true;
}

/* ---- ending ---- */

/* Ends whoever was handed to us. */
static void pool_sweep(struct pool *pool)
{
    size_t count = 0;
    for (unsigned i = 0; i < pool->running_count; i++) {
        const struct pipeline *pipeline = pool->running[i]->pipeline;
        for (size_t k = 0; k < pipeline->count; k++)
            pool->pids[count++] = pipeline->children[k].pid;
    }
    pool->strangers = sweep_strangers(pool->pids, count);
}

static void note_peak(struct pool *pool, const struct pool_task *task)
{
    uint64_t bytes = 0;
    const struct pipeline *pipeline = task->pipeline;
    for (size_t i = 0; i < pipeline->count; i++)
        bytes += (uint64_t)pipeline->children[i].max_rss_kib * 1024;
    if (bytes > pool->peaks[pipeline->count])
        pool->peaks[pipeline->count] = bytes;
}

struct pool_task *pool_ended(struct pool *pool)
{
    for (unsigned i = 0; i < pool->running_count; i++) {
        struct pool_task *task = pool->running[i];
        if (pipeline_step(task->pipeline))
            continue;
        pool->running[i] = pool->running[--pool->running_count];
        pool->reserved_bytes -= task->reserved_bytes;
        note_peak(pool, task);
        pool_sweep(pool);
        outcome_of(&task->outcome, &task->job.plan, task->pipeline, pool_elapsed_ms(task));
        return task;
    }
    if (pool->strangers)
        pool_sweep(pool);
    return NULL;
}

void pool_retry(struct pool *pool, struct pool_task *task)
{
    uint32_t random = 0;
    unsigned doubled = task->attempts < 8 ? task->attempts - 1 : 7;
    int64_t most = (int64_t)POOL_RETRY_BASE_MS << doubled;
    if (most > POOL_RETRY_MOST_MS)
        most = POOL_RETRY_MOST_MS;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
        random = (uint32_t)task->number * 2654435761u; /* Knuth's multiplicative hash */
    task_clear(task);
    task->retry_at = watch_now_ms() + random % (most + 1);
    list_add(&pool->retries, task);
}

void pool_cancel(struct pool *pool, int64_t grace_ms)
{
    for (unsigned i = 0; i < pool->running_count; i++)
        pipeline_cancel(pool->running[i]->pipeline, grace_ms);
}

/* ---- waiting ---- */

struct pollfd *pool_polls(struct pool *pool, size_t more, size_t *count)
{
    *count = more;
    for (unsigned i = 0; i < pool->running_count; i++)
        *count += pool->running[i]->poll_count =
            pipeline_polls(pool->running[i]->pipeline, pool->polls + *count);
    return pool->polls;
}

void pool_read(struct pool *pool, size_t more)
{
    const struct pollfd *polls = pool->polls + more;
    for (unsigned i = 0; i < pool->running_count; i++) {
        pipeline_read(pool->running[i]->pipeline, polls, pool->running[i]->poll_count);
        polls += pool->running[i]->poll_count;
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

int64_t pool_due_ms(const struct pool *pool)
{
    int64_t due = 0;
    for (unsigned i = 0; i < pool->running_count; i++) {
        const struct pipeline *pipeline = pool->running[i]->pipeline;
        due = earlier(due, pipeline_due_ms(pipeline));
        for (size_t k = 0; k < pipeline->count; k++)
            due = earlier(due, pipeline_say_ms(pipeline, k));
    }
    if (pool->running_count < pool->most)
        for (const struct pool_task *task = pool->retries.first; task != NULL; task = task->next)
            if (has_room(pool, task)) /* else somebody has to end first, which is an event */
                due = earlier(due, task->retry_at);
    return pool->slot_since == 0 ? due : earlier(due, watch_now_ms() + SLOT_EVERY_MS);
}
