/* SPDX-License-Identifier: MIT */
#include "proc/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/catalogue.h"
#include "proc/command.h"
#include "proc/watch.h"

enum {
    PIPE_BYTES = 1 << 20, /* fewer wake-ups than the usual 64 KiB */
    SAY_MS = 500,         /* what a message is held back where it may only tell of another stage */
    SETTLE_MS = 50,       /* what stages get to end by themselves once one has failed */
    GRACE_MS = 60         /* what they get after SIGTERM where the plan says nothing */
};

extern char **environ;

/* What stages find in their environment beside ours. */
struct surroundings {
    char name[4200], parent[48];
    char **list; /* ends with NULL */
};

static bool is_ours(const char *variable)
{
    return strncmp(variable, "IMGTOOL_INPUT_NAME=", 19) == 0 ||
           strncmp(variable, "IMGTOOL_PARENT=", 15) == 0;
}

/* Templates in a later stage see the name of the plan's input; a stage that knows its parent does
 * not outlive it. */
static bool surroundings_make(struct surroundings *around, const struct plan *plan,
                              struct error *error)
{
    bool named = plan->input != NULL && strcmp(plan->input, "-") != 0;
    size_t count = 0, kept = 0;
    snprintf(around->name, sizeof around->name, "IMGTOOL_INPUT_NAME=%s",
             named ? plan->input : "stdin");
    snprintf(around->parent, sizeof around->parent, "IMGTOOL_PARENT=%ld", (long)getpid());
    while (environ[count] != NULL)
        count++;
    around->list = calloc(count + 3, sizeof *around->list);
    if (around->list == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (!is_ours(environ[i]))
            around->list[kept++] = environ[i];
    around->list[kept++] = around->name;
    around->list[kept] = around->parent;
    return true;
}

static bool pipeline_start_stage(struct pipeline *pipeline, const struct plan *plan, size_t i,
                                 char *const *environment, int stdin_fd, int stdout_fd,
                                 struct error *error)
{
    char *path = command_path(plan->stages[i].command, error);
    char **arguments = path == NULL ? NULL : plan_arguments(plan, i, path, error);
    struct child_start start = {path, arguments, environment, stdin_fd, stdout_fd, pipeline->group};
    bool started =
        arguments != NULL && child_start(&pipeline->children[i], &start, error);
    free(arguments);
    free(path);
    if (!started) {
        pipeline->culprit = (int)i;
        return false;
    }
    if (i == 0)
        pipeline->group = pipeline->children[0].pid;
    pipeline->count = i + 1;
    return true;
}

/* Where the first stage reads. */
static int pipeline_first_stdin(const struct plan *plan)
{
    if (plan->no_stdin)
        return child_keep_above(open("/dev/null", O_RDONLY | O_CLOEXEC));
    return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, CHILD_REPORT_FD + 1);
}

/* Where the last stage writes. If stdout is taken, the words of a tool that measures are dropped,
 * as its report says the same, but an image must not get lost: it cannot be written. */
static int pipeline_last_stdout(const struct plan *plan)
{
    const struct catalogue_entry *last = catalogue_find(plan->stages[plan->stage_count - 1].command);
    bool image = last != NULL && last->makes_image;
    if (plan->no_stdout)
        return child_keep_above(open("/dev/null", (image ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, CHILD_REPORT_FD + 1);
}

static bool pipeline_start_stages(struct pipeline *pipeline, const struct plan *plan,
                                  char *const *environment, struct error *error)
{
    int input = pipeline_first_stdin(plan);
    bool done = true;
    for (size_t i = 0; done && i < plan->stage_count; i++) {
        int ends[2] = {-1, -1};
        if (i + 1 == plan->stage_count) {
            ends[1] = pipeline_last_stdout(plan);
        } else if (pipe2(ends, O_CLOEXEC) == 0) {
            ends[0] = child_keep_above(ends[0]);
            ends[1] = child_keep_above(ends[1]);
            /* A refusal (the user has too many large pipes) only makes it slower. */
            if (fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
                errno = 0;
        }
        done = input >= 0 && ends[1] >= 0
                   ? pipeline_start_stage(pipeline, plan, i, environment, input, ends[1], error)
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

/* All names are looked up before anything starts, so that a mistyped one costs nothing. */
static bool pipeline_check_commands(struct pipeline *pipeline, const struct plan *plan,
                                    struct error *error)
{
    for (size_t i = 0; i < plan->stage_count; i++) {
        char *path = command_path(plan->stages[i].command, error);
        free(path);
        if (path == NULL) {
            pipeline->culprit = (int)i;
            return false;
        }
    }
    return true;
}

bool pipeline_start(struct pipeline *pipeline, const struct plan *plan, struct error *error)
{
    struct surroundings around;
    *pipeline = (struct pipeline){
        .culprit = -1,
        .grace_ms = plan->grace_ms > 0 ? plan->grace_ms : GRACE_MS,
        .timeout_at = plan->timeout_ms > 0 ? watch_now_ms() + plan->timeout_ms : 0,
    };
    if (!pipeline_check_commands(pipeline, plan, error) ||
        !surroundings_make(&around, plan, error))
        return false;
    bool done = pipeline_start_stages(pipeline, plan, around.list, error);
    free(around.list);
    if (done)
        return true;
    int culprit = pipeline->culprit;
    if (pipeline->group != 0)
        kill(-pipeline->group, SIGKILL);
    for (size_t i = 0; i < pipeline->count; i++)
        child_check(&pipeline->children[i], true);
    pipeline_step(pipeline);
    pipeline->culprit = culprit;
    return false;
}

size_t pipeline_polls(const struct pipeline *pipeline, struct pollfd *polls)
{
    size_t count = 0;
    for (size_t i = 0; i < pipeline->count; i++) {
        const struct child *child = &pipeline->children[i];
        if (child->stderr_fd >= 0)
            polls[count++] = (struct pollfd){.fd = child->stderr_fd, .events = POLLIN};
        if (child->report_fd >= 0)
            polls[count++] = (struct pollfd){.fd = child->report_fd, .events = POLLIN};
    }
    return count;
}

void pipeline_read(struct pipeline *pipeline, const struct pollfd *polls, size_t count)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; polls[k].revents != 0 && i < pipeline->count; i++) {
            struct child *child = &pipeline->children[i];
            if (child->stderr_fd == polls[k].fd)
                child_read(child, &child->stderr_fd);
            else if (child->report_fd == polls[k].fd)
                child_read(child, &child->report_fd);
        }
}

/* Reads what ended children left. Their pipes may be held open by somebody who escaped, for whom
 * nobody waits. */
static void pipeline_drain(struct pipeline *pipeline)
{
    struct pollfd polls[PIPELINE_MOST_POLLS];
    size_t count;
    while ((count = pipeline_polls(pipeline, polls)) > 0 && poll(polls, count, 0) > 0)
        pipeline_read(pipeline, polls, count);
}

static bool child_failed(const struct child *child)
{
    return child->ended && !(WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0);
}

static void pipeline_signal(struct pipeline *pipeline, int signal_number)
{
    for (size_t i = 0; i < pipeline->count; i++)
        pipeline->children[i].killed |= !pipeline->children[i].ended;
    kill(-pipeline->group, signal_number);
}

/* Does to the children that are left what is due. */
static void pipeline_act(struct pipeline *pipeline)
{
    int64_t now = watch_now_ms();
    if (pipeline->failed && pipeline->terminate_at == 0)
        pipeline->terminate_at = now + SETTLE_MS;
    if (pipeline->timeout_at != 0 && now >= pipeline->timeout_at && pipeline->kill_at == 0 &&
        !pipeline->failed) {
        pipeline->timed_out = true;
        pipeline->terminate_at = now;
    }
    if (pipeline->kill_at != 0 && now >= pipeline->kill_at) {
        pipeline_signal(pipeline, SIGKILL);
        pipeline->kill_at = now + GRACE_MS;
    } else if (pipeline->kill_at == 0 && pipeline->terminate_at != 0 &&
               now >= pipeline->terminate_at) {
        pipeline_signal(pipeline, SIGTERM);
        pipeline->kill_at = now + pipeline->grace_ms;
    }
}

int64_t pipeline_due_ms(const struct pipeline *pipeline)
{
    return pipeline->kill_at        ? pipeline->kill_at
           : pipeline->terminate_at ? pipeline->terminate_at
                                    : pipeline->timeout_at;
}

int64_t pipeline_say_ms(const struct pipeline *pipeline, size_t i)
{
    int64_t heard_at = pipeline->children[i].heard_at;
    return heard_at == 0 || pipeline->failed ? 0 : heard_at + (pipeline->count > 1 ? SAY_MS : 0);
}

void pipeline_cancel(struct pipeline *pipeline, int64_t grace_ms)
{
    int64_t now = watch_now_ms();
    pipeline->cancelled = true;
    pipeline->grace_ms = grace_ms;
    if (pipeline->kill_at == 0)
        pipeline->terminate_at = now;
    else if (pipeline->kill_at > now + grace_ms)
        pipeline->kill_at = now + grace_ms;
}

/* A shell's status: what it exited with, or 128 and the signal. */
static int child_exit_status(const struct child *child)
{
    return WIFEXITED(child->status) ? WEXITSTATUS(child->status) : 128 + WTERMSIG(child->status);
}

/* True where the stage has reported a failure: whatever ended it then came too late to matter. */
static bool child_confessed(const struct child *child)
{
    static const char opening[] = "{\"ok\":false";
    return child->report.length >= sizeof opening - 1 &&
           memcmp(child->report.data, opening, sizeof opening - 1) == 0;
}

/* The leftmost stage that failed by itself. One that died of SIGPIPE did so because a later one read
 * no more, which may have all that it needs; one that was ended by us, because another failed. */
static void pipeline_judge(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count && pipeline->culprit < 0; i++) {
        const struct child *child = &pipeline->children[i];
        bool broken_pipe = WIFSIGNALED(child->status) && WTERMSIG(child->status) == SIGPIPE;
        bool innocent = (broken_pipe && i + 1 < pipeline->count) ||
                        (child->killed && WIFSIGNALED(child->status));
        if (child_failed(child) && (!innocent || child_confessed(child)))
            pipeline->culprit = (int)i;
    }
    if (pipeline->culprit >= 0)
        pipeline->status = child_exit_status(&pipeline->children[pipeline->culprit]);
}

bool pipeline_step(struct pipeline *pipeline)
{
    bool left = false;
    for (size_t i = 0; i < pipeline->count; i++) {
        struct child *child = &pipeline->children[i];
        left = !child_check(child, false) || left;
        pipeline->failed = pipeline->failed || child_failed(child);
    }
    if (left) {
        pipeline_act(pipeline);
        return true;
    }
    pipeline_drain(pipeline);
    /* Whom the stages started and left in their group. As none of them is reaped yet, the number of
     * the group is still theirs. */
    if (pipeline->group != 0)
        kill(-pipeline->group, SIGKILL);
    for (size_t i = 0; i < pipeline->count; i++)
        child_reap(&pipeline->children[i]);
    pipeline_judge(pipeline);
    return false;
}

bool pipeline_run(const struct plan *plan, struct pipeline *pipeline, struct error *error)
{
    struct pollfd polls[PIPELINE_MOST_POLLS];
    struct watch watch;
    watch_begin(&watch);
    bool done = pipeline_start(pipeline, plan, error);
    while (done && pipeline_step(pipeline)) {
        int64_t due = pipeline_due_ms(pipeline), now = watch_now_ms();
        size_t count = pipeline_polls(pipeline, polls);
        watch_poll(&watch, polls, count, due == 0 ? -1 : due > now ? due - now : 0);
        pipeline_read(pipeline, polls, count);
        if (watch_signal() != 0 && !pipeline->cancelled) {
            pipeline->signal = watch_signal();
            pipeline_cancel(pipeline, pipeline->grace_ms);
        }
    }
    watch_end(&watch);
    return done;
}

void pipeline_free(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++)
        child_free(&pipeline->children[i]);
    pipeline->count = 0;
}
