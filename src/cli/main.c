/* SPDX-License-Identifier: MIT */
/* The main that all tools share. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/outfile.h"
#include "base/root.h"
#include "base/signals.h"
#include "base/sink.h"
#include "base/slots.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "cli/tool.h"

/* A file opened later must not become descriptor 0, 1 or 2 and be written to by mistake. What
 * stands in cannot be read or written, so that using a closed stream is still an error. */
static void main_open_descriptors(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) != fd)
            _exit(71);
}

/* True in a stage of a pipeline, as a child of the imgtool that started it. */
static bool main_is_stage(void)
{
    const char *parent = getenv("IMGTOOL_PARENT");
    return parent != NULL && strtol(parent, NULL, 10) == getppid();
}

/* True where nobody will read the report that a stage is started to give: imgtool alone could. The
 * moment to wait is for a child of it that is about to become another stage, and still has a copy. */
static bool main_is_abandoned(int argc, char **argv)
{
    struct pollfd report = {.fd = 3};
    return getenv("IMGTOOL_PARENT") != NULL && argc > 1 && strcmp(argv[1], "--report-fd=3") == 0 &&
           poll(&report, 1, 5) == 1 && (report.revents & POLLERR) != 0;
}

/* A stage does not outlive the imgtool that started it, however that ended: the kernel tells, unless
 * it was before we asked. Somebody else between the two (a wrapper) is not our matter. */
static void main_die_with_parent(int argc, char **argv)
{
    bool stage = main_is_stage();
    if (stage)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (stage ? !main_is_stage() : main_is_abandoned(argc, argv))
        _exit(143);
}

static void main_environment_warning(void *context, const char *message)
{
    struct cli_run *run = context;
    text_printf(&run->warnings, "%s\n", message);
}

static void main_show_warnings(struct cli_run *run)
{
    const char *line = run->warnings.data;
    while (line != NULL && *line != '\0') {
        size_t length = strcspn(line, "\n");
        cli_warn(run, "%.*s", (int)length, line);
        line += length + 1;
    }
}

void cli_guess_report(struct cli_run *run, int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *number = NULL;
        if (strcmp(argv[i], "--json") == 0)
            run->options->json = true;
        else if (strncmp(argv[i], "--report-fd=", 12) == 0)
            number = argv[i] + 12;
        else if (strcmp(argv[i], "--report-fd") == 0 && i + 1 < argc)
            number = argv[i + 1];
        char *end = NULL;
        long fd = number == NULL ? -1 : strtol(number, &end, 10);
        if (fd >= 0 && fd < 1000000 && end != number && *end == '\0' &&
            fcntl((int)fd, F_GETFL) >= 0)
            run->options->report_fd = fd;
    }
}

/* Reads what a caller is still sending, for a moment: a program that writes an image into a
 * mistyped command should see the message and not EPIPE. */
static void main_drain_stdin(void)
{
    static char waste[65536];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec start, now;
    if (isatty(STDIN_FILENO))
        return;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (poll(&input, 1, 50) <= 0 || read(STDIN_FILENO, waste, sizeof waste) <= 0)
            return;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < 2);
}

/* TEXT into FILE, which is committed or given up. */
static bool main_print(struct outfile *file, const char *name, const struct text *text,
                       struct error *error)
{
    struct sink sink;
    bool done = !text->failed;
    if (!done)
        error_set(error, ERROR_NO_MEMORY, "out of memory");
    sink_to_fd(&sink, file->fd);
    if (done && !(sink_write(&sink, text->data, text->length) && sink_flush(&sink))) {
        done = error_set(error, sink.error.kind, "%s", sink.error.message);
        snprintf(error->file, sizeof error->file, "%s", name);
    }
    sink_free(&sink);
    if (done)
        return outfile_commit(file, error);
    outfile_discard(file);
    return false;
}

static bool main_print_stdout(const struct text *text, struct error *error)
{
    struct outfile file;
    return outfile_open(&file, "-", 0, error) && main_print(&file, "stdout", text, error);
}

bool cli_answer_now(struct cli_run *run, struct error *error)
{
    bool done = run->answer.length == 0 || main_print_stdout(&run->answer, error);
    text_free(&run->answer);
    return done;
}

/* The lines of a measuring tool must not replace what it reads. */
static bool main_answer_is_input(const struct cli_run *run, const char *path)
{
    const struct cli_common *options = run->options;
    struct stat output;
    if (options->in_place || !root_status(path, &output))
        return false;
    bool same = root_is_same(run->file, &output) || root_is_same(options->input, &output);
    for (int i = 0; run->tool->operands_are_inputs && i < run->parsed.operand_count; i++)
        same = same || root_is_same(run->parsed.operands[i], &output);
    return same;
}

bool cli_answer_open(struct cli_run *run, struct error *error)
{
    const struct cli_common *options = run->options;
    const char *path = options->output == NULL ? "-" : options->output;
    unsigned flags =
        (options->no_clobber ? OUTFILE_EXCLUSIVE : 0u) | (options->mkdir ? OUTFILE_MKDIR : 0u);
    if (options->json || strcmp(path, "-") == 0 || run->answer_file.fd >= 0)
        return true;
    if (main_answer_is_input(run, path))
        return error_set(error, ERROR_USAGE, "'%s' is the input itself", path);
    if (options->dry_run)
        return true;
    if (!outfile_open(&run->answer_file, path, flags, error))
        return false;
    sandbox_keep_output(&run->answer_file);
    return true;
}

bool cli_answer_open_early(struct cli_run *run, struct error *error)
{
    const struct cli_common *options = run->options;
    bool wants_file = !options->json && !options->dry_run && run->answer_file.fd < 0;
    return (wants_file && sandbox_must_wait(run, options->output)) || cli_answer_open(run, error);
}

static bool main_print_answer(struct cli_run *run, struct error *error)
{
    if (!cli_answer_open(run, error))
        return false;
    if (run->answer_file.fd >= 0)
        return main_print(&run->answer_file, run->options->output, &run->answer, error);
    const char *path = run->options->output;
    if (!run->options->dry_run || path == NULL || strcmp(path, "-") == 0)
        return main_print_stdout(&run->answer, error);
    cli_warn(run, "would write %s", path);
    return true;
}

static void main_version(const struct cli_run *run, struct text *out)
{
    const struct cli_tool *tool = run->tool;
    if (!run->options->json) {
        text_printf(out, "%s (imgtool) %s\n", tool->name, VERSION);
        return;
    }
    json_t *libraries = tool->libraries == NULL ? json_object() : tool->libraries();
    json_object_set_new(libraries, "jansson", json_string(jansson_version_str()));
    cli_add_json(json_pack("{s:s, s:s, s:o}", "tool", tool->name, "version", VERSION, "libraries",
                           libraries), out);
}

static void main_help(const struct cli_run *run, struct text *out)
{
    if (run->options->json)
        cli_add_json(cli_tool_json(run->tool), out);
    else
        cli_print_help(run->tool, out);
}

/* The options that print something and end. *ASKED says whether there was one. */
static bool main_information(const struct cli_run *run, bool *asked, struct error *error)
{
    const struct cli_common *options = run->options;
    struct text out = {0};
    *asked = true;
    if (options->short_help)
        cli_print_short_help(run->tool, &out);
    else if (options->help)
        main_help(run, &out);
    else if (options->version)
        main_version(run, &out);
    else if (options->manual)
        cli_print_manual(run->tool, &out);
    else if (options->completion == NULL)
        *asked = false;
    else if (strchr(run->tool->name, ' ') != NULL)
        return error_set(error, ERROR_USAGE,
                         "--completion: 'imgtool --completion %s' prints that of all its commands",
                         options->completion);
    else if (!cli_print_completion(run->tool, options->completion, &out))
        return error_set(error, ERROR_USAGE, "--completion: '%s' is not one of bash, zsh or fish",
                         options->completion);
    bool done = !*asked || main_print_stdout(&out, error);
    text_free(&out);
    return done;
}

/* Limits of the process, before anything from outside is touched. memory_bytes becomes what there
 * really is, where the system grants less. */
static bool main_limit(struct cli_common *options, struct error *error)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0) {
        limit.rlim_cur = options->memory_bytes;
        if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
            limit.rlim_cur = limit.rlim_max;
        if (options->memory_bytes > 0 && setrlimit(RLIMIT_AS, &limit) != 0)
            return error_errno(error, ERROR_SYSTEM, errno, "--memory cannot be set");
        if (options->memory_bytes > limit.rlim_cur)
            options->memory_bytes = limit.rlim_cur;
    }
#else
    (void)error;
#endif
    /* Every further arena reserves 64 MiB of address space, which is limited. */
    bool is_short = options->memory_bytes > 0 && options->memory_bytes < (uint64_t)256 << 20;
    mallopt(M_ARENA_MAX, is_short ? 1 : 2);
    return true;
}

static void main_expired(void *context)
{
    struct cli_run *run = context;
    struct error error = {0}, ignored = {0};
    error_set(&error, ERROR_TIMEOUT, "not done after %g s: --timeout",
              (double)run->options->timeout_ms / 1000);
    signals_remove_temporaries();
    cli_report_error(run, &error);
    run->input = run->output = run->result = NULL; /* the other thread may be at them */
    cli_report_json(run, &error, &ignored);
    _exit(error_exit_status(error.kind));
}

static bool fd_is_writable(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

static bool main_refuse_operand(const struct cli_run *run, struct error *error)
{
    const struct cli_tool *tool = run->tool;
    char **operands = run->parsed.operands;
    if (!tool->operands_are_inputs || tool->max_operands != 1)
        return error_set(error, ERROR_USAGE, "unexpected operand '%s', %s takes %s",
                         operands[tool->max_operands], tool->name,
                         tool->max_operands == 0   ? "none"
                         : tool->max_operands == 1 ? "one"
                                                   : "fewer");
    /* The first may be the stray one: a value behind an option that takes none. */
    error_set(error, ERROR_USAGE, "unexpected operand '%s': '%s' is the input, %s takes one",
              operands[1], operands[0], tool->name);
    return error_hint(error, "-o names the output; 'imgtool batch --files' takes many inputs");
}

static bool main_check_common(struct cli_run *run, struct error *error)
{
    struct cli_common *options = run->options;
    const struct cli_tool *tool = run->tool;
    const struct option_result *parsed = &run->parsed;
    if (options->report_fd >= 0 && !fd_is_writable((int)options->report_fd))
        return error_set(error, ERROR_USAGE, "--report-fd: descriptor %d is not open for writing",
                         (int)options->report_fd);
    if (options->json && !fd_is_writable(STDOUT_FILENO)) {
        /* Before anything is written: the caller could not be told what became of it. */
        error_set(error, ERROR_IO, "is closed");
        snprintf(error->file, sizeof error->file, "stdout");
        return false;
    }
    if (options->json && (tool->groups & CLI_FORMAT) == 0 && (tool->groups & CLI_INPUT) != 0 &&
        tool->operands_are_inputs && option_given(&run->set, parsed, "output"))
        return error_set(error, ERROR_USAGE, "--output together with --json, which goes to stdout");
    if (tool->max_operands >= 0 && parsed->operand_count > tool->max_operands)
        return main_refuse_operand(run, error);
    if (tool->operands_are_inputs && tool->max_operands == 1 && parsed->operand_count == 1) {
        if (option_given(&run->set, parsed, "input"))
            return error_set(error, ERROR_USAGE, "'%s' and -i '%s' are two inputs, one is expected",
                             parsed->operands[0], options->input);
        options->input = parsed->operands[0];
    }
    return true;
}

/* Without an input a person at a terminal gets help instead of a program that waits. */
static bool main_waits_for_terminal(const struct cli_run *run)
{
    return run->tool->operands_are_inputs && run->parsed.operand_count == 0 &&
           !option_given(&run->set, &run->parsed, "input") && isatty(STDIN_FILENO);
}

/* Who else is at work, and what may be opened. The slot is taken when the first input is opened,
 * once the command line is known to be right. A stage has none of its own: its pipeline has one for
 * all, and stages that wait for each other's would wait for ever. */
static bool main_share(const struct cli_common *options, struct error *error)
{
    if (options->slots > 0 && !main_is_stage())
        slots_announce((unsigned)options->slots, options->slots_dir, options->slot_wait_ms);
    return options->root == NULL || root_set(options->root, error);
}

static bool main_run(struct cli_run *run, struct error *error)
{
    bool asked = false;
    if (!main_information(run, &asked, error) || asked)
        return error->kind == ERROR_NONE;
    if (!main_check_common(run, error))
        return false;
    if (main_waits_for_terminal(run)) {
        struct text help = {0};
        cli_print_short_help(run->tool, &help);
        if (help.data != NULL && write(STDERR_FILENO, help.data, help.length) < 0)
            errno = 0;
        text_free(&help);
        return error_set(error, ERROR_USAGE, "no input: a file name or a pipe is expected");
    }
    if (!main_limit(run->options, error) || !main_share(run->options, error))
        return false;
    signals_install();
    /* Before the thread of --timeout, which then is held to the same rules. */
    if ((run->tool->groups & CLI_DECODE) != 0 && !sandbox_begin(run, error))
        return false;
    if (run->options->timeout_ms > 0 &&
        !signals_deadline(run->options->timeout_ms, main_expired, run))
        return error_set(error, ERROR_SYSTEM, "no thread for --timeout");
    if (!run->tool->run(run, run->options, error))
        return false;
    signals_claim(); /* from here on the result stands */
    if (run->answer.length > 0 && !run->options->json && !main_print_answer(run, error))
        return false;
    return run->reported || cli_report_json(run, NULL, error);
}

static int main_fail(struct cli_run *run, const struct error *error)
{
    struct error failure = {0};
    signals_claim();
    if (!run->said)
        cli_report_error(run, error);
    if (!run->reported)
        cli_report_json(run, error, &failure);
    if (error->kind == ERROR_USAGE)
        main_drain_stdin();
    return error_exit_status(error->kind);
}

/* Some file systems tell only on closing that a write failed. */
static int main_close_stdout(const struct cli_tool *tool, int status)
{
    if (close(STDOUT_FILENO) == 0 || errno == EBADF || status != 0)
        return status;
    fprintf(stderr, "%s: stdout: cannot be written: %s\n", tool->name, strerror(errno));
    return error_exit_status(ERROR_IO);
}

int cli_main(const struct cli_tool *tool, int argc, char **argv)
{
    struct error error = {0};
    struct cli_run run = {.tool = tool, .answer_file = {.fd = -1, .dir_fd = -1}};
    int status = 70;

    main_open_descriptors();
    main_die_with_parent(argc, argv);
    /* Options and operands come in any order, also where this variable would stop at the first. */
    unsetenv("POSIXLY_CORRECT");
    clock_gettime(CLOCK_MONOTONIC, &run.started);
    run.options = calloc(1, tool->options_size);
    if (run.options == NULL)
        return 71;
    run.options->report_fd = -1;
    run.options->effort = -1;
    cli_option_set(tool, &run.set);
    options_preset(&run.set, run.options, main_environment_warning, &run);
    bool parsed = options_parse(&run.set, argc, argv, tool->stop_at_operand, run.options,
                                &run.parsed, &error);
    main_show_warnings(&run);
    if (!parsed) {
        cli_guess_report(&run, argc, argv);
        status = main_fail(&run, &error);
    } else if (!main_run(&run, &error)) {
        status = main_fail(&run, &error);
    } else {
        status = run.reported ? run.exit_status : run.answer_no ? 1 : 0;
    }
    json_decref(run.input);
    json_decref(run.output);
    json_decref(run.result);
    json_decref(run.extra);
    json_decref(run.error_extra);
    outfile_discard(&run.answer_file);
    text_free(&run.answer);
    text_free(&run.warnings);
    options_release(&run.set, run.options);
    free(run.options);
    return main_close_stdout(tool, status);
}
