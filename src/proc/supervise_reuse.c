/* SPDX-License-Identifier: MIT */
/* What a batch leaves to its clerk, who may wait for a disk: what was done before is looked up, what
 * came of a job is written down, journal and metrics are taken to the disk. */
#include "proc/supervisor.h"

#include "proc/answer.h"

enum { SYNC_AFTER_MS = 1000, METRICS_EVERY_MS = 5000 };

/* Errors that keep nobody from going on: once is enough to know. */
static void warn(struct supervisor *sup, struct error *error)
{
    if (error->kind != ERROR_NONE)
        supervisor_warn(sup, error);
    error_clear(error);
}

/* Some time from now the journal is to be taken to the disk. */
static void plan_sync(struct supervisor *sup)
{
    if (sup->sync_at == 0 && sup->reuse.journal != NULL)
        sup->sync_at = watch_now_ms() + SYNC_AFTER_MS;
}

/* ---- before a job ---- */

static void find_run(void *owner, void *context)
{
    struct supervisor *sup = owner;
    struct pool_task *task = context;
    task->answer = reuse_find(&sup->reuse, task, &task->outcome.error);
}

static void find_done(void *owner, void *context)
{
    struct supervisor *sup = owner;
    struct pool_task *task = context;
    pool_take_back(&sup->pool, task);
    warn(sup, &task->outcome.error);
    if (task->answer != NULL) {
        plan_sync(sup);
        supervisor_answer_known(sup, task);
    } else if (sup->stopping) {
        supervisor_cancel(sup, task);
    } else {
        task->began_ms = 0;
        pool_enqueue(&sup->pool, task);
    }
}

void supervisor_look_up(struct supervisor *sup)
{
    struct pool_task *task;
    while ((task = pool_look_up(&sup->pool)) != NULL) {
        task->began_ms = pool_now_ms();
        task->errand = (struct clerk_errand){find_run, find_done, task, NULL};
        clerk_give(&sup->clerk, &task->errand);
    }
}

/* ---- after a job ---- */

static void keep_run(void *owner, void *context)
{
    struct supervisor *sup = owner;
    struct pool_task *task = context;
    reuse_keep(&sup->reuse, task, task->answer, &task->outcome.error);
}

static void keep_done(void *owner, void *context)
{
    struct supervisor *sup = owner;
    struct pool_task *task = context;
    pool_take_back(&sup->pool, task);
    warn(sup, &task->outcome.error);
    plan_sync(sup);
    supervisor_emit(sup, task);
}

void supervisor_keep(struct supervisor *sup, struct pool_task *task)
{
    pool_put_away(&sup->pool, task);
    task->errand = (struct clerk_errand){keep_run, keep_done, task, NULL};
    clerk_give(&sup->clerk, &task->errand);
}

/* ---- now and then ---- */

static void sync_run(void *owner, void *context)
{
    struct supervisor *sup = owner;
    (void)context;
    reuse_sync(&sup->reuse, &sup->syncing.error);
}

static void metrics_run(void *owner, void *context)
{
    struct supervisor *sup = owner;
    (void)context;
    metrics_store(&sup->metrics_text, sup->settings->metrics_file, &sup->writing.error);
}

static void upkeep_done(void *owner, void *context)
{
    struct supervisor_upkeep *upkeep = context;
    upkeep->pending = false;
    warn(owner, &upkeep->error);
}

static void upkeep_give(struct supervisor *sup, struct supervisor_upkeep *upkeep,
                        void (*run)(void *owner, void *context))
{
    upkeep->pending = true;
    upkeep->errand = (struct clerk_errand){run, upkeep_done, upkeep, NULL};
    clerk_give(&sup->clerk, &upkeep->errand);
}

void supervisor_upkeep(struct supervisor *sup)
{
    int64_t now = watch_now_ms();
    if (sup->sync_at != 0 && now >= sup->sync_at) {
        sup->sync_at = sup->syncing.pending ? now + SYNC_AFTER_MS : 0;
        if (!sup->syncing.pending)
            upkeep_give(sup, &sup->syncing, sync_run);
    }
    if (sup->metrics_at != 0 && now >= sup->metrics_at) {
        sup->metrics_at = now + METRICS_EVERY_MS;
        if (sup->writing.pending)
            return;
        sup->metrics_text.length = 0;
        metrics_print(sup->metrics, &sup->metrics_text);
        upkeep_give(sup, &sup->writing, metrics_run);
    }
}

bool supervisor_hire(struct supervisor *sup, struct error *error)
{
    bool reuses = sup->reuse.journal != NULL || sup->reuse.cache != NULL;
    sup->clerk.fd = -1;
    sup->pool.looks_up = reuses;
    if (!reuses && sup->settings->metrics_file == NULL)
        return true;
    return clerk_begin(&sup->clerk, sup, error);
}

void supervisor_take_errands(struct supervisor *sup)
{
    struct clerk_errand *errand;
    while ((errand = clerk_take(&sup->clerk)) != NULL)
        errand->done(sup, errand->context);
}

void supervisor_dismiss(struct supervisor *sup)
{
    struct error error = {0};
    clerk_end(&sup->clerk);
    if (sup->settings->metrics_file != NULL) {
        sup->metrics_text.length = 0;
        metrics_print(sup->metrics, &sup->metrics_text);
        metrics_store(&sup->metrics_text, sup->settings->metrics_file, &error);
        warn(sup, &error);
    }
    warn(sup, &sup->syncing.error);
    text_free(&sup->metrics_text);
}
