/* SPDX-License-Identifier: MIT */
#include "proc/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "proc/supervisor.h"
#include "proc/sweep.h"

enum {
    MOST_MESSAGE_BYTES = 1 << 20,  /* beyond them messages are dropped */
    END_MS = 100,      /* what jobs get between SIGTERM and SIGKILL once their grace is over */
    AGAIN_MS = 250,    /* a second signal within that is the same one, sent to the group as well */
    LINGER_MS = 1000,  /* for what stderr has not taken at the end */
    SWEEP_MS = 2000
};

enum { POLL_STDIN, POLL_STDOUT, POLL_STDERR, POLL_CLERK, POLL_COUNT };

/* ---- the end ahead of time ---- */

static void stop_for_signal(struct supervisor *sup, int signal_number)
{
    int64_t now = watch_now_ms(), grace_ms = sup->settings->defaults.grace_ms;
    sup->result->signal = signal_number;
    sup->stopped_at = now;
    sup->end_at = now + grace_ms;
    sup->give_up_at = sup->end_at + grace_ms + LINGER_MS;
    supervisor_stop(sup);
}

/* The first signal lets running jobs finish within the grace; another one ends them at once. */
static void heed_signals(struct supervisor *sup)
{
    int64_t now = watch_now_ms();
    unsigned signals = watch_signal_count();
    if (signals == sup->signals)
        return;
    sup->signals = signals;
    if (sup->result->signal == 0) {
        stop_for_signal(sup, watch_signal());
    } else if (now - sup->stopped_at >= AGAIN_MS) {
        sup->end_at = now;
        sup->give_up_at = now + END_MS + LINGER_MS;
    }
}

/* Answers that nobody gets are not worked for. */
static void stop_for_reader(struct supervisor *sup)
{
    sup->result->reader_gone = sup->answers.failure == EPIPE;
    sup->input_over = true;
    supervisor_stop(sup);
    pool_cancel(&sup->pool, sup->settings->defaults.grace_ms);
}

/* ---- the loop ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t wait_ms(const struct supervisor *sup)
{
    int64_t now = watch_now_ms(), due = pool_due_ms(&sup->pool);
    due = earlier(due, sup->end_at);
    due = earlier(due, sup->give_up_at);
    due = earlier(due, sup->metrics_at);
    due = earlier(due, sup->sync_at);
    due = earlier(due, sup->progress.next_at);
    return due == 0 ? -1 : due > now ? due - now : 0;
}

/* Waits for an event, unless there was progress, and reads what is there. */
static void wait_and_read(struct supervisor *sup, bool progress)
{
    size_t poll_count;
    struct pollfd *polls = pool_polls(&sup->pool, POLL_COUNT, &poll_count);
    bool unread = outlet_waiting(&sup->answers) > 0, unsaid = outlet_waiting(&sup->messages) > 0;
    polls[POLL_STDIN] = (struct pollfd){.fd = sup->hungry ? STDIN_FILENO : -1, .events = POLLIN};
    polls[POLL_STDOUT] = (struct pollfd){.fd = sup->answers.failure != 0 ? -1 : STDOUT_FILENO,
                                         .events = unread ? POLLOUT : 0};
    polls[POLL_STDERR] = (struct pollfd){.fd = unsaid && sup->messages.failure == 0
                                                   ? STDERR_FILENO : -1, .events = POLLOUT};
    polls[POLL_CLERK] = (struct pollfd){.fd = sup->clerk.fd, .events = POLLIN};
    watch_poll(&sup->watch, polls, poll_count, progress ? 0 : wait_ms(sup));
    if (polls[POLL_STDIN].revents != 0)
        intake_read(&sup->intake);
    /* The reader is gone although there was nothing to write. */
    if ((polls[POLL_STDOUT].revents & (POLLERR | POLLHUP)) != 0 && !unread)
        sup->answers.failure = EPIPE;
    pool_read(&sup->pool, POLL_COUNT);
}

static void show_state(struct supervisor *sup, bool end)
{
    struct text text = {0};
    struct metrics *metrics = sup->metrics;
    metrics->waiting = pool_waiting(&sup->pool);
    metrics->running = sup->pool.running_count;
    metrics->reserved_bytes = sup->pool.reserved_bytes;
    if (sup->settings->files == NULL && sup->intake.at_end && sup->input_over)
        sup->progress.total = (int64_t)sup->accepted;
    progress_show(&sup->progress, metrics, end, &text);
    if (text.length > 0)
        outlet_add(&sup->messages, text.data, text.length);
    text_free(&text);
}

static void check_ends(struct supervisor *sup)
{
    int64_t now = watch_now_ms();
    heed_signals(sup);
    if (sup->answers.failure != 0 && !(sup->stopping && sup->input_over))
        stop_for_reader(sup);
    if (sup->end_at != 0 && now >= sup->end_at) {
        sup->end_at = 0;
        pool_cancel(&sup->pool, END_MS);
    }
}

static bool is_over(const struct supervisor *sup)
{
    bool read = outlet_waiting(&sup->answers) == 0 || sup->answers.failure != 0 ||
                (sup->give_up_at != 0 && watch_now_ms() >= sup->give_up_at);
    return sup->input_over && read && pool_is_empty(&sup->pool);
}

static void run_loop(struct supervisor *sup)
{
    struct pool_task *task;
    for (;;) {
        bool progress = supervisor_accept(sup);
        progress = supervisor_start(sup) || progress;
        outlet_flush(&sup->answers);
        if (is_over(sup))
            return;
        wait_and_read(sup, progress);
        while ((task = pool_ended(&sup->pool)) != NULL)
            supervisor_finish(sup, task);
        supervisor_show_messages(sup);
        supervisor_take_errands(sup);
        outlet_flush(&sup->answers);
        check_ends(sup);
        show_state(sup, false);
        supervisor_upkeep(sup);
        outlet_flush(&sup->messages);
    }
}

/* ---- beginning and end ---- */

static int64_t own_files(const struct supervise_settings *settings)
{
    int64_t own = 0;
    for (size_t i = 0; settings->files != NULL && i < settings->files->count; i++)
        own += shard_has(&settings->shard, settings->files->names[i]);
    return settings->files == NULL ? -1 : own;
}

static bool begin(struct supervisor *sup, struct error *error)
{
    const struct supervise_settings *settings = sup->settings;
    if (!reuse_begin(&sup->reuse, &settings->reuse, error))
        return false;
    if (!pool_begin(&sup->pool, settings->jobs, settings->memory_bytes, error)) {
        reuse_end(&sup->reuse, NULL);
        return false;
    }
    if (!supervisor_hire(sup, error)) {
        reuse_end(&sup->reuse, NULL);
        pool_free(&sup->pool);
        return false;
    }
    sup->pool.slots = settings->slots;
    intake_begin(&sup->intake, STDIN_FILENO);
    outlet_begin(&sup->answers, STDOUT_FILENO, 0);
    outlet_begin(&sup->messages, STDERR_FILENO, MOST_MESSAGE_BYTES);
    progress_begin(&sup->progress, settings->progress);
    sup->progress.total = own_files(settings);
    sup->metrics_at = settings->metrics_file == NULL ? 0 : watch_now_ms();
    if (sup->reuse.journal != NULL && journal_warning(sup->reuse.journal) != NULL)
        supervisor_say(sup, journal_warning(sup->reuse.journal));
    sweep_begin();
    return true;
}

/* What did not get through. */
static bool judge(const struct supervisor *sup, struct error *error)
{
    int failure = sup->answers.failure;
    if (failure != 0 && !sup->result->reader_gone) {
        if (failure == ENOMEM)
            return error_set(error, ERROR_NO_MEMORY, "out of memory for answers");
        error_errno(error, ERROR_IO, failure, "cannot be written");
        snprintf(error->file, sizeof error->file, "stdout");
        return false;
    }
    if (sup->intake.failure != 0) {
        error_errno(error, ERROR_IO, sup->intake.failure, "cannot be read");
        snprintf(error->file, sizeof error->file, "stdin");
        return false;
    }
    return true;
}

static bool end(struct supervisor *sup, struct error *error)
{
    int64_t until = watch_now_ms() + LINGER_MS;
    sweep_all(SWEEP_MS);
    show_state(sup, true);
    supervisor_dismiss(sup);
    while (outlet_flush(&sup->messages), outlet_waiting(&sup->messages) > 0 &&
           sup->messages.failure == 0 && watch_now_ms() < until) {
        struct pollfd poll_fd = {.fd = STDERR_FILENO, .events = POLLOUT};
        watch_poll(&sup->watch, &poll_fd, 1, until - watch_now_ms());
    }
    bool done = judge(sup, error);
    done = reuse_end(&sup->reuse, error) && done;
    pool_free(&sup->pool);
    intake_free(&sup->intake);
    outlet_free(&sup->answers);
    outlet_free(&sup->messages);
    order_free(&sup->order);
    return done;
}

bool supervise(const struct supervise_settings *settings, struct supervise_result *result,
               struct error *error)
{
    struct supervisor sup = {.settings = settings, .result = result, .metrics = &result->metrics};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    double began_ms = pool_now_ms();
    *result = (struct supervise_result){0};
    if (!begin(&sup, error))
        return false;
    sigaction(SIGPIPE, &ignore, &before);
    watch_begin(&sup.watch);
    run_loop(&sup);
    bool done = end(&sup, error);
    watch_end(&sup.watch);
    sigaction(SIGPIPE, &before, NULL);
    result->elapsed_s = (pool_now_ms() - began_ms) / 1000;
    return done;
}
