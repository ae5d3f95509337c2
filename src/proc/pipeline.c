/* SPDX-License-Identifier: MIT */
#include "proc/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/catalogue.h"
#include "proc/command.h"

enum {
    PIPE_BYTES = 1 << 20, /* fewer wake-ups than the usual 64 KiB */
    SETTLE_MS = 50,       /* what stages get to end by themselves once one has failed */
    KILL_MS = 60,         /* what they get after SIGTERM */
    MAX_ARGUMENTS = 16    /* that we add to a stage's own */
};

bool plan_parse_stages(struct plan *plan, char **arguments, int count, struct error *error)
{
    struct plan_stage *stage = NULL;
    plan->stage_count = 0;
    for (int i = 0; i <= count; i++) {
        bool separator = i == count || strcmp(arguments[i], ":") == 0;
        if (separator && stage == NULL)
            return error_set(error, ERROR_USAGE, count == 0
                                 ? "no stage: a command such as crop is expected"
                                 : "an empty stage: a command is expected on both sides of ':'");
        if (separator) {
            stage = NULL;
        } else if (stage == NULL) {
            if (plan->stage_count == PLAN_MAX_STAGES)
                return error_set(error, ERROR_USAGE, "more than %d stages", PLAN_MAX_STAGES);
            stage = &plan->stages[plan->stage_count++];
            *stage = (struct plan_stage){.command = arguments[i], .arguments = arguments + i + 1};
        } else {
            stage->argument_count++;
        }
    }
    return true;
}

/* The argument array of stage I: what the plan asks for comes first, so that the stage's own words
 * stand as they were typed. The array is to be freed, its strings are not. */
static char **plan_arguments(const struct plan *plan, size_t i, char *path, struct error *error)
{
    const struct plan_stage *stage = &plan->stages[i];
    const char *added[MAX_ARGUMENTS];
    size_t count = 0;
    bool last = i + 1 == plan->stage_count;
    added[count++] = path;
    added[count++] = "--report-fd=3";
    if (i == 0 && plan->input != NULL) {
        added[count++] = "-i";
        added[count++] = plan->input;
    }
    if (!last)
        added[count++] = "--format=pam";
    if (last && plan->output != NULL) {
        added[count++] = "-o";
        added[count++] = plan->output;
    }
    if (last && plan->mkdir)
        added[count++] = "--mkdir";
    if (last && plan->no_clobber)
        added[count++] = "--no-clobber";
    if (last && plan->in_place)
        added[count++] = "--in-place";
    if (last && plan->dry_run)
        added[count++] = "--dry-run";
    if (plan->request_id != NULL) {
        added[count++] = "--request-id";
        added[count++] = plan->request_id;
    }
    if (plan->quiet)
        added[count++] = "-q";
    if (plan->verbose)
        added[count++] = "-v";
    char **arguments = calloc(count + (size_t)stage->argument_count + 1, sizeof *arguments);
    if (arguments == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory");
        return NULL;
    }
    memcpy(arguments, added, count * sizeof *arguments);
    for (int k = 0; k < stage->argument_count; k++)
        arguments[count + (size_t)k] = stage->arguments[k];
    return arguments;
}

static bool pipeline_start_stage(const struct plan *plan, struct pipeline *pipeline, size_t i,
                                 char *path, int stdin_fd, int stdout_fd, struct error *error)
{
    char **arguments = plan_arguments(plan, i, path, error);
    bool started =
        arguments != NULL && child_start(&pipeline->children[i], path, arguments, stdin_fd,
                                         stdout_fd, error);
    free(arguments);
    if (started)
        pipeline->count = i + 1;
    return started;
}

/* Descriptors that dup2() could overwrite in the child are moved out of the way. */
static int above_reserved(int fd)
{
    if (fd < 0 || fd > CHILD_REPORT_FD)
        return fd;
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_REPORT_FD + 1);
    close(fd);
    return higher;
}

/* Where the last stage writes. If stdout is taken, the words of a tool that measures are dropped,
 * as its report says the same, but an image must not get lost: it cannot be written. */
static int pipeline_last_stdout(const struct plan *plan)
{
    const struct catalogue_entry *last = catalogue_find(plan->stages[plan->stage_count - 1].command);
    if (plan->no_stdout)
        return above_reserved(open("/dev/null", (last->makes_image ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, CHILD_REPORT_FD + 1);
}

static bool pipeline_start(const struct plan *plan, struct pipeline *pipeline,
                           char *const paths[PLAN_MAX_STAGES], struct error *error)
{
    int input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, CHILD_REPORT_FD + 1);
    bool done = true;
    for (size_t i = 0; done && i < plan->stage_count; i++) {
        int ends[2] = {-1, -1};
        if (i + 1 < plan->stage_count && pipe2(ends, O_CLOEXEC) == 0) {
            ends[0] = above_reserved(ends[0]);
            ends[1] = above_reserved(ends[1]);
            /* A refusal (the user has too many large pipes) only makes it slower. */
            if (fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
                errno = 0;
        } else if (i + 1 == plan->stage_count) {
            ends[1] = pipeline_last_stdout(plan);
        }
        done = input >= 0 && ends[1] >= 0
                   ? pipeline_start_stage(plan, pipeline, i, paths[i], input, ends[1], error)
                   : error_errno(error, ERROR_SYSTEM, errno, "no descriptor for stage %zu", i + 1);
        if (input >= 0)
            close(input);
        if (ends[1] >= 0)
            close(ends[1]);
        input = ends[0];
    }
    if (input >= 0)
        close(input);
    return done;
}

static volatile sig_atomic_t caught_signal;

static void pipeline_catch(int signal_number)
{
    caught_signal = signal_number;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for output of any child, a signal, or WAIT_MS (-1: for ever), and reads what there is. */
static void pipeline_poll(struct pipeline *pipeline, int64_t wait_ms, const sigset_t *unblocked)
{
    struct pollfd polls[2 * PLAN_MAX_STAGES];
    int *fds[2 * PLAN_MAX_STAGES];
    struct child *owners[2 * PLAN_MAX_STAGES];
    nfds_t count = 0;
    for (size_t i = 0; i < pipeline->count; i++) {
        struct child *child = &pipeline->children[i];
        int *both[2] = {&child->stderr_fd, &child->report_fd};
        for (int k = 0; k < 2; k++)
            if (*both[k] >= 0) {
                fds[count] = both[k];
                owners[count] = child;
                polls[count++] = (struct pollfd){.fd = *both[k], .events = POLLIN};
            }
    }
    struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    if (ppoll(polls, count, wait_ms < 0 ? NULL : &wait, unblocked) <= 0)
        return;
    for (nfds_t i = 0; i < count; i++)
        if (polls[i].revents != 0)
            child_read(owners[i], fds[i]);
}

static bool child_failed(const struct child *child)
{
    return child->ended && !(WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0);
}

/* Reaps the children whose pipes have ended. True while some are left. */
static bool pipeline_reap(struct pipeline *pipeline, bool *failed)
{
    bool left = false;
    for (size_t i = 0; i < pipeline->count; i++) {
        struct child *child = &pipeline->children[i];
        bool closed = child->stderr_fd < 0 && child->report_fd < 0;
        if (!child->ended)
            child_reap(child, closed);
        left = left || !child->ended || !closed;
        *failed = *failed || child_failed(child);
    }
    return left;
}

static void pipeline_kill(struct pipeline *pipeline, int signal_number)
{
    for (size_t i = 0; i < pipeline->count; i++)
        child_kill(&pipeline->children[i], signal_number);
}

/* When to do what to the children that are left. */
struct schedule {
    int64_t timeout_at, terminate_at, kill_at; /* 0: not planned */
};

static int64_t schedule_wait(const struct schedule *schedule, int64_t now)
{
    int64_t next = schedule->kill_at        ? schedule->kill_at
                   : schedule->terminate_at ? schedule->terminate_at
                                            : schedule->timeout_at;
    return next == 0 ? -1 : next > now ? next - now : 0;
}

static void schedule_act(struct schedule *schedule, struct pipeline *pipeline, bool failed)
{
    int64_t now = now_ms();
    if (failed && schedule->terminate_at == 0)
        schedule->terminate_at = now + SETTLE_MS;
    if (schedule->timeout_at != 0 && now >= schedule->timeout_at && schedule->terminate_at == 0) {
        pipeline->timed_out = true;
        schedule->terminate_at = now;
    }
    if (caught_signal != 0 && schedule->kill_at == 0) {
        pipeline->signal = caught_signal;
        schedule->terminate_at = now;
    }
    if (schedule->kill_at != 0 && now >= schedule->kill_at) {
        pipeline_kill(pipeline, SIGKILL);
        schedule->kill_at = now + KILL_MS;
    } else if (schedule->kill_at == 0 && schedule->terminate_at != 0 &&
               now >= schedule->terminate_at) {
        pipeline_kill(pipeline, SIGTERM);
        schedule->kill_at = now + KILL_MS;
    }
}

static void pipeline_watch(struct pipeline *pipeline, int64_t timeout_ms, const sigset_t *unblocked)
{
    struct schedule schedule = {.timeout_at = timeout_ms > 0 ? now_ms() + timeout_ms : 0};
    bool failed = false;
    while (pipeline_reap(pipeline, &failed)) {
        schedule_act(&schedule, pipeline, failed);
        pipeline_poll(pipeline, schedule_wait(&schedule, now_ms()), unblocked);
    }
}

/* A shell's status: what it exited with, or 128 and the signal. */
static int child_exit_status(const struct child *child)
{
    return WIFEXITED(child->status) ? WEXITSTATUS(child->status) : 128 + WTERMSIG(child->status);
}

/* The leftmost stage that failed by itself. One that died of SIGPIPE did so because a later one read
 * no more, which may have all that it needs; one that was ended by us, because another failed. */
static void pipeline_judge(struct pipeline *pipeline)
{
    pipeline->culprit = -1;
    for (size_t i = 0; i < pipeline->count && pipeline->culprit < 0; i++) {
        const struct child *child = &pipeline->children[i];
        bool broken_pipe = WIFSIGNALED(child->status) && WTERMSIG(child->status) == SIGPIPE;
        bool innocent = (broken_pipe && i + 1 < pipeline->count) ||
                        (child->killed && WIFSIGNALED(child->status));
        if (child_failed(child) && !innocent)
            pipeline->culprit = (int)i;
    }
    if (pipeline->culprit >= 0)
        pipeline->status = child_exit_status(&pipeline->children[pipeline->culprit]);
}

bool pipeline_run(const struct plan *plan, struct pipeline *pipeline, struct error *error)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    char *paths[PLAN_MAX_STAGES] = {NULL};
    struct sigaction old[3], action = {.sa_handler = pipeline_catch};
    sigset_t blocked, before;
    *pipeline = (struct pipeline){.culprit = -1};
    bool done = true;
    for (size_t i = 0; done && i < plan->stage_count; i++) {
        done = (paths[i] = command_path(plan->stages[i].command, error)) != NULL;
        if (!done)
            pipeline->culprit = (int)i;
    }
    /* Blocked but while polling: a signal is then seen at one place only. */
    sigemptyset(&blocked);
    for (int i = 0; i < 3; i++)
        sigaddset(&blocked, signals[i]);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    for (int i = 0; i < 3; i++) {
        sigaction(signals[i], NULL, &old[i]);
        if (old[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    if (done) {
        done = pipeline_start(plan, pipeline, paths, error);
        if (!done)
            pipeline_kill(pipeline, SIGKILL);
        pipeline_watch(pipeline, plan->timeout_ms, &before);
        pipeline_judge(pipeline);
    }
    for (int i = 0; i < 3; i++)
        sigaction(signals[i], &old[i], NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < plan->stage_count; i++)
        free(paths[i]);
    return done;
}

void pipeline_free(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++)
        child_free(&pipeline->children[i]);
}
