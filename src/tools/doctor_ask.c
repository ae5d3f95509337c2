/* SPDX-License-Identifier: MIT */
/* A tool is started, given its input, and listened to until it ends or its time is over. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/catalogue.h"
#include "proc/child.h"
#include "proc/command.h"
#include "proc/watch.h"
#include "tools/doctor_parts.h"

enum { MOST_WORDS = 16, MOST_BYTES = 4 << 20, LISTENED = 3 };

extern char **environ;

/* The tools run in the surroundings that they will have, as these are part of what is checked, but
 * they neither wait for a slot nor end by somebody else's time limit. */
static bool is_left_out(const char *variable)
{
    static const char *const names[] = {"IMGTOOL_PARENT=", "IMGTOOL_SLOT_HELD=", "IMGTOOL_SLOTS=",
                                        "IMGTOOL_TIMEOUT=", "IMGTOOL_REQUEST_ID="};
    for (size_t i = 0; i < CLI_COUNT(names); i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* PARENT makes the tools end with us. The array is to be freed. */
static char **surroundings(char *parent, size_t size)
{
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **list = calloc(count + 2, sizeof *list);
    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (!is_left_out(environ[i]))
            list[kept++] = environ[i];
    snprintf(parent, size, "IMGTOOL_PARENT=%ld", (long)getpid());
    list[kept] = parent;
    return list;
}

/* A descriptor that INPUT can be read from; it is small enough to lie in a pipe. */
static int input_open(const struct text *input)
{
    int ends[2];
    if (input == NULL)
        return child_keep_above(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    bool whole = write(ends[1], input->data, input->length) == (ssize_t)input->length;
    close(ends[1]);
    if (whole && fcntl(ends[0], F_SETFL, 0) == 0)
        return child_keep_above(ends[0]);
    close(ends[0]);
    return -1;
}

static bool start(const char *tool, const char *const *words, int stdin_fd, int stdout_fd,
                  struct child *child, struct error *error)
{
    char parent[48], *arguments[MOST_WORDS + 2] = {NULL};
    char *path = command_path(tool, error);
    char **environment = path == NULL ? NULL : surroundings(parent, sizeof parent);
    if (path == NULL)
        return false;
    arguments[0] = path;
    for (size_t i = 0; i < MOST_WORDS && words[i] != NULL; i++)
        arguments[i + 1] = (char *)words[i];
    const struct child_start how = {path, arguments, environment, stdin_fd, stdout_fd, 0};
    bool started = environment != NULL ? child_start(child, &how, error)
                                       : error_set(error, ERROR_NO_MEMORY, "out of memory");
    free(environment);
    free(path);
    return started;
}

static void read_out(int *fd, struct text *out)
{
    char buffer[65536];
    ssize_t got = read(*fd, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got > 0) {
        text_add_bytes(out, buffer, (size_t)got);
        return;
    }
    close(*fd);
    *fd = -1;
}

/* Waits for something to read, and reads. True where there was something. */
static bool listen_once(const struct watch *watch, struct child *child, int *out_fd,
                        struct doctor_answer *answer, int64_t wait_ms)
{
    struct pollfd polls[LISTENED] = {{.fd = *out_fd, .events = POLLIN},
                                     {.fd = child->stderr_fd, .events = POLLIN},
                                     {.fd = child->report_fd, .events = POLLIN}};
    watch_poll(watch, polls, LISTENED, wait_ms);
    if (polls[0].revents != 0)
        read_out(out_fd, &answer->out);
    if (polls[1].revents != 0)
        child_read(child, &child->stderr_fd);
    if (polls[2].revents != 0)
        child_read(child, &child->report_fd);
    return polls[0].revents != 0 || polls[1].revents != 0 || polls[2].revents != 0;
}

static void listen_to(const struct doctor *doctor, const struct watch *watch, struct child *child,
                      int *out_fd, struct doctor_answer *answer)
{
    int64_t until = watch_now_ms() + doctor->timeout_ms;
    while (!child_check(child, false)) {
        int64_t left = until - watch_now_ms();
        answer->timed_out = left <= 0;
        if (answer->timed_out || watch_signal() != 0 || answer->out.length > MOST_BYTES) {
            kill(-child->pid, SIGKILL);
            child_check(child, true);
            break;
        }
        listen_once(watch, child, out_fd, answer, left);
    }
    /* What it may have started goes with it, as long as its number is still its own. */
    kill(-child->pid, SIGKILL);
    while (answer->out.length <= MOST_BYTES && listen_once(watch, child, out_fd, answer, 0))
        ;
    child_reap(child);
    answer->status = child->status;
}

/* The place of TOOL in the catalogue. */
static size_t place_of(const char *tool)
{
    const struct catalogue_entry *entry = catalogue_find(tool);
    size_t place = entry == NULL ? 0 : (size_t)(entry - catalogue);
    return place < DOCTOR_MOST_TOOLS ? place : 0;
}

bool doctor_ask(struct doctor *doctor, const char *tool, const char *const *words,
                const struct text *input, struct doctor_answer *answer)
{
    struct watch watch;
    struct child child = {.stderr_fd = -1, .report_fd = -1};
    int ends[2] = {-1, -1};
    *answer = (struct doctor_answer){.status = -1};
    int stdin_fd = input_open(input);
    if (stdin_fd < 0 || pipe2(ends, O_CLOEXEC) != 0)
        error_errno(&answer->error, ERROR_SYSTEM, errno, "no pipe for '%s'", tool);
    ends[0] = child_keep_above(ends[0]);
    ends[1] = child_keep_above(ends[1]);
    watch_begin(&watch);
    bool started = answer->error.kind == ERROR_NONE &&
                   start(tool, words, stdin_fd, ends[1], &child, &answer->error);
    if (stdin_fd >= 0)
        close(stdin_fd);
    if (ends[1] >= 0)
        close(ends[1]);
    if (started)
        listen_to(doctor, &watch, &child, &ends[0], answer);
    if (ends[0] >= 0)
        close(ends[0]);
    answer->messages = child.messages;
    child.messages = (struct text){0};
    child_free(&child);
    int signal_number = watch_signal();
    watch_end(&watch);
    if (signal_number != 0)
        raise(signal_number);
    bool answered = started && !answer->timed_out;
    doctor->broken[place_of(tool)] = doctor->broken[place_of(tool)] || !answered;
    return answered && answer->status == 0 && !answer->out.failed;
}

void doctor_answer_free(struct doctor_answer *answer)
{
    text_free(&answer->out);
    text_free(&answer->messages);
}

char *doctor_answer_end(const struct doctor *doctor, const struct doctor_answer *answer, char *out,
                        size_t size)
{
    const char *said = answer->messages.data == NULL ? "" : answer->messages.data;
    int length = (int)strcspn(said, "\n");
    const char *joint = length > 0 ? ": " : "";
    if (answer->error.kind != ERROR_NONE)
        snprintf(out, size, "%s", answer->error.message);
    else if (answer->timed_out)
        snprintf(out, size, "no answer in %g s", (double)doctor->timeout_ms / 1000);
    else if (WIFSIGNALED(answer->status))
        snprintf(out, size, "ended by signal %d%s%.*s", WTERMSIG(answer->status), joint, length,
                 said);
    else
        snprintf(out, size, "exit status %d%s%.*s", WEXITSTATUS(answer->status), joint, length,
                 said);
    return out;
}

bool doctor_can_ask(struct doctor *doctor, const char *tool, struct doctor_finding *finding)
{
    if (!doctor->broken[place_of(tool)])
        return true;
    doctor_found(finding, DOCTOR_SKIPPED, "%s does not work", tool);
    doctor_add(doctor, finding);
    return false;
}
