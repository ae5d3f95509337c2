/* SPDX-License-Identifier: MIT */
#include "proc/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slots.h"
#include "proc/answer.h"

enum {
    MOST_UNREAD_BYTES = 1 << 20, /* of answers: beyond them nothing new begins */
    MOST_HELD_BYTES = 2 << 20    /* of lines, which as JSON take twenty times that */
};

/* ---- answers and messages ---- */

void supervisor_say(struct supervisor *sup, const char *line)
{
    struct text text = {0};
    if (sup->settings->quiet)
        return;
    progress_hide(&sup->progress, &text);
    text_printf(&text, "%s: %s\n", sup->settings->name, line);
    if (text.data != NULL)
        outlet_add(&sup->messages, text.data, text.length);
    text_free(&text);
}

/* Journal and cache may fail, and the jobs go on; once is enough to know. */
void supervisor_warn(struct supervisor *sup, const struct error *error)
{
    char file[300], message[400], line[720];
    if (sup->warned)
        return;
    sup->warned = true;
    text_mask(error->file, file, sizeof file);
    text_mask(error->message, message, sizeof message);
    snprintf(line, sizeof line, "%s%s%s", file, file[0] != '\0' ? ": " : "", message);
    supervisor_say(sup, line);
}

static void out_of_memory(struct supervisor *sup)
{
    sup->answers.failure = sup->answers.failure != 0 ? sup->answers.failure : ENOMEM;
}

/* ANSWER, which is freed, to where it goes: at once, or when its turn has come. */
static void send(struct supervisor *sup, const struct pool_task *task, json_t *answer)
{
    char *line = answer_line(answer);
    if (line == NULL) {
        out_of_memory(sup);
        return;
    }
    if (!sup->settings->ordered || task->job.ping) {
        outlet_add(&sup->answers, line, strlen(line));
        free(line);
        return;
    }
    if (!order_put(&sup->order, task->number, line)) {
        free(line);
        out_of_memory(sup);
    }
    while ((line = order_take(&sup->order)) != NULL) {
        outlet_add(&sup->answers, line, strlen(line));
        free(line);
    }
}

void supervisor_emit(struct supervisor *sup, struct pool_task *task)
{
    json_t *answer = task->answer;
    task->answer = NULL;
    send(sup, task, answer);
    pool_task_free(&sup->pool, task);
}

static void refuse(struct supervisor *sup, struct pool_task *task, const struct error *error)
{
    sup->metrics->failed[error->kind]++;
    send(sup, task, answer_refused(task, error));
    pool_task_free(&sup->pool, task);
}

void supervisor_cancel(struct supervisor *sup, struct pool_task *task)
{
    struct error error = {0};
    error_set(&error, ERROR_CANCELLED, "cancelled before it began");
    refuse(sup, task, &error);
}

/* Nothing new is begun: what waits is answered, what runs may finish. */
void supervisor_stop(struct supervisor *sup)
{
    struct pool_task *task;
    sup->stopping = true;
    while ((task = pool_drop(&sup->pool)) != NULL)
        supervisor_cancel(sup, task);
}

/* ---- jobs in ---- */

/* More answers wait for their reader than is good. */
static bool is_full(const struct supervisor *sup)
{
    return outlet_waiting(&sup->answers) + sup->order.held_bytes > MOST_UNREAD_BYTES;
}

/* With nothing on its way, the one that the order waits for is still waiting to begin. */
static bool is_idle(const struct supervisor *sup)
{
    const struct pool *pool = &sup->pool;
    return pool->running_count + pool->retries.count + pool->away.count == 0 &&
           outlet_waiting(&sup->answers) == 0;
}

static bool has_room(const struct supervisor *sup)
{
    size_t waiting = pool_waiting(&sup->pool);
    return !is_full(sup) && waiting < sup->settings->max_queue &&
           (waiting == 0 || sup->pool.held_bytes < MOST_HELD_BYTES);
}

/* What becomes of a TASK that was read, with an ERROR where it makes no sense. */
static void accept_task(struct supervisor *sup, struct pool_task *task, struct error *error)
{
    const char *name = task->job.name == NULL ? "" : task->job.name;
    if (task->job.ping && error->kind == ERROR_NONE) {
        send(sup, task, answer_ping(&task->job));
        pool_task_free(&sup->pool, task);
        return;
    }
    task->job.ping = false;
    if (!shard_has(&sup->settings->shard, name)) {
        sup->metrics->skipped++;
        pool_task_free(&sup->pool, task);
        return;
    }
    task->number = sup->accepted++;
    const struct pool_task *other =
        task->job.target == NULL ? NULL : pool_find_target(&sup->pool, task->job.target);
    if (error->kind == ERROR_NONE && other != NULL)
        error_set(error, ERROR_USAGE, "'%s' is being written by the job '%s'", task->job.target,
                  other->job.name);
    if (error->kind != ERROR_NONE)
        refuse(sup, task, error);
    else if (sup->stopping)
        supervisor_cancel(sup, task);
    else
        pool_add(&sup->pool, task);
}

/* Fills the next job from the files. False at their end. */
static bool take_file(struct supervisor *sup, struct job *job, struct error *error)
{
    struct files *files = sup->settings->files;
    sup->input_over = files->next >= files->count;
    if (!sup->input_over)
        files_job(files, files->names[files->next++], job, error);
    return !sup->input_over;
}

/* Fills the next task from what was read. False where there is none yet, or no more. */
static bool take_line(struct supervisor *sup, struct pool_task *task, struct error *error)
{
    const char *line;
    enum intake_found found = intake_next(&sup->intake, &line, &task->bytes);
    if (found == INTAKE_LINE) {
        job_parse(&task->job, line, task->bytes, &sup->settings->defaults, error);
    } else if (found == INTAKE_TOO_LONG) {
        job_parse_id(&task->job, line, task->bytes);
        error_set(error, ERROR_LIMIT, "a line of more than %d bytes", INTAKE_MOST_BYTES);
    } else {
        sup->hungry = found == INTAKE_NOTHING && !sup->stopping;
        sup->input_over = !sup->hungry;
        return false;
    }
    return true;
}

/* Jobs that find no room stay unread, but a ping among them is answered. */
static void answer_pings(struct supervisor *sup)
{
    char *line;
    size_t length;
    while (!is_full(sup) && (line = intake_ahead(&sup->intake, &length)) != NULL) {
        struct pool_task ping = {.slot_fd = -1};
        struct error error = {0};
        if (memmem(line, length, "\"ping\"", 6) != NULL &&
            job_parse(&ping.job, line, length, &sup->settings->defaults, &error) && ping.job.ping) {
            send(sup, &ping, answer_ping(&ping.job));
            memset(line, ' ', length); /* which is passed over */
        }
        job_free(&ping.job);
    }
}

/* Takes jobs in while there is room. True where there was one. */
bool supervisor_accept(struct supervisor *sup)
{
    bool any = false;
    sup->hungry = false;
    while (!sup->input_over && has_room(sup)) {
        struct error error = {0};
        struct pool_task *task = pool_task_new();
        if (task == NULL) {
            out_of_memory(sup);
            return any;
        }
        bool taken = sup->settings->files != NULL ? take_file(sup, &task->job, &error)
                                                  : take_line(sup, task, &error);
        if (!taken) {
            pool_task_free(&sup->pool, task);
            return any;
        }
        accept_task(sup, task, &error);
        any = true;
    }
    if (!sup->input_over && !is_full(sup) && sup->settings->files == NULL) {
        answer_pings(sup);
        sup->hungry = intake_has_room(&sup->intake);
    }
    return any;
}

/* ---- jobs out ---- */

static void count(struct supervisor *sup, const struct pool_task *task)
{
    struct metrics *metrics = sup->metrics;
    const struct outcome *outcome = &task->outcome;
    metrics->passed += outcome->verdict == OUTCOME_DONE;
    metrics->refused += outcome->verdict == OUTCOME_NO;
    metrics->failed[outcome->error.kind] += outcome->verdict == OUTCOME_FAILED;
    metrics_note_duration(metrics, pool_elapsed_ms(task));
}

static void show_messages(struct supervisor *sup, const struct pool_task *task, bool ended)
{
    struct text lines = {0};
    answer_messages(task, ended, &lines);
    if (lines.length > 0) {
        struct text text = {0};
        progress_hide(&sup->progress, &text);
        text_add_bytes(&text, lines.data, lines.length);
        if (text.data != NULL)
            outlet_add(&sup->messages, text.data, text.length);
        text_free(&text);
    }
    text_free(&lines);
}

void supervisor_show_messages(struct supervisor *sup)
{
    for (unsigned i = 0; i < sup->pool.running_count; i++)
        show_messages(sup, sup->pool.running[i], false);
}

/* An attempt at TASK has ended, or could not begin. */
void supervisor_finish(struct supervisor *sup, struct pool_task *task)
{
    const struct outcome *outcome = &task->outcome;
    uint64_t rss = (uint64_t)outcome->max_rss_kib * 1024;
    if (rss > sup->metrics->max_rss_bytes)
        sup->metrics->max_rss_bytes = rss;
    show_messages(sup, task, true);
    if (outcome->verdict == OUTCOME_FAILED && outcome->retryable && !sup->stopping &&
        task->attempts <= sup->settings->retries) {
        sup->metrics->retries++;
        pool_retry(&sup->pool, task);
        return;
    }
    bool failed = outcome->verdict == OUTCOME_FAILED;
    task->answer = answer_of(task);
    count(sup, task);
    if (task->key != NULL && !failed)
        supervisor_keep(sup, task);
    else
        supervisor_emit(sup, task);
    if (failed && sup->settings->fail_fast && !sup->stopping)
        supervisor_stop(sup);
}

void supervisor_answer_known(struct supervisor *sup, struct pool_task *task)
{
    json_t *known = task->answer;
    bool passed = !json_is_false(json_object_get(known, "passed"));
    sup->metrics->passed += passed;
    sup->metrics->refused += !passed;
    sup->metrics->cached++;
    task->answer = answer_again(task, known);
    json_decref(known);
    supervisor_emit(sup, task);
}

/* A task that waited too long for a slot. */
static void refuse_busy(struct supervisor *sup, struct pool_task *task)
{
    const struct pool_slots *slots = &sup->settings->slots;
    struct error error = {0};
    int fd = -1;
    /* What keeps the directory from being used says more. */
    if (slots_try(slots->count, slots->dir, &fd, &error))
        error_set(&error, ERROR_BUSY, "no slot became free in %g s: --slot-wait",
                  (double)slots->wait_ms / 1000);
    if (fd >= 0)
        close(fd);
    refuse(sup, task, &error);
}

/* Starts what may start. True where something did. */
bool supervisor_start(struct supervisor *sup)
{
    struct pool *pool = &sup->pool;
    struct pool_task *task;
    bool any = false;
    for (;; any = true) {
        bool fresh = is_idle(sup) || (!is_full(sup) && pool->away.count < 2u * pool->most);
        if (fresh && !sup->stopping)
            supervisor_look_up(sup);
        task = sup->stopping ? NULL : pool_next(pool, fresh);
        if (task == NULL && (task = pool_drop_busy(pool)) != NULL) {
            refuse_busy(sup, task);
            continue;
        }
        if (task == NULL)
            return any;
        if (!pool_start(pool, task))
            supervisor_finish(sup, task);
    }
}
