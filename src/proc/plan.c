/* SPDX-License-Identifier: MIT */
#include "proc/plan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/root.h"
#include "cli/catalogue.h"

enum { MOST_ADDED = 18 }; /* arguments beside a stage's own */

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

char **plan_arguments(const struct plan *plan, size_t i, const char *path, struct error *error)
{
    const struct plan_stage *stage = &plan->stages[i];
    const char *added[MOST_ADDED];
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
    if (plan->root != NULL) {
        added[count++] = "--root";
        added[count++] = plan->root;
    }
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

/* True where a stage says itself where its image goes, or makes none. */
static bool names_output(const struct plan_stage *stage)
{
    static const char *const words[] = {"-o", "--output", "--output-template", "--in-place",
                                        "--print-box", "--dry-run"};
    const struct catalogue_entry *entry = catalogue_find(stage->command);
    if (entry != NULL && !entry->makes_image)
        return true;
    for (int i = 0; i < stage->argument_count; i++)
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            size_t length = strlen(words[k]);
            const char *argument = stage->arguments[i];
            bool joined = argument[length < strlen(argument) ? length : 0] == '=' || k == 0;
            if (strncmp(argument, words[k], length) == 0 && (argument[length] == '\0' || joined))
                return true;
        }
    return false;
}

/* True where WORD, or what stands behind its '=', names the file ONE. */
static bool names_file(const char *word, const struct stat *one)
{
    const char *value = strchr(word, '=');
    return root_is_same(word, one) || (value != NULL && root_is_same(value + 1, one));
}

/* The output is not something that the plan reads: its input, what stdin was opened from, or a file
 * among the words of a stage, which itself only sees a pipe. */
static bool plan_check_output(const struct plan *plan, struct error *error)
{
    struct stat output, input;
    if (plan->output == NULL || !root_status(plan->output, &output) || !S_ISREG(output.st_mode))
        return true;
    if (root_is_same(plan->input, &output) ||
        (!plan->no_stdin && fstat(STDIN_FILENO, &input) == 0 && input.st_dev == output.st_dev &&
         input.st_ino == output.st_ino))
        return error_set(error, ERROR_USAGE, "'%s' is the input itself", plan->output);
    for (size_t i = 0; i < plan->stage_count; i++)
        for (int k = 0; k < plan->stages[i].argument_count; k++)
            if (names_file(plan->stages[i].arguments[k], &output))
                return error_set(error, ERROR_USAGE, "'%s' is what stage %zu reads", plan->output,
                                 i + 1);
    return true;
}

/* True where ARGUMENT is the option of that letter (or '\0') or name, with or without its value. */
static bool is_option(const char *argument, char letter, const char *name)
{
    size_t length = strlen(name);
    if (letter != '\0' && argument[0] == '-' && argument[1] == letter)
        return true;
    return strncmp(argument, name, length) == 0 &&
           (argument[length] == '\0' || argument[length] == '=');
}

/* Between stages there are pipes: only the first may name an input, only the last an output, or
 * make no image. */
static bool plan_check_ends(const struct plan *plan, struct error *error)
{
    for (size_t i = 0; i + 1 < plan->stage_count; i++) {
        const struct catalogue_entry *entry = catalogue_find(plan->stages[i].command);
        if (entry == NULL)
            return true; /* what is no command is told when it is looked for */
        if (entry->binary != NULL && !entry->makes_image)
            return error_set(error, ERROR_USAGE, "'%s' in stage %zu makes no image for the next",
                             plan->stages[i].command, i + 1);
    }
    for (size_t i = 0; i < plan->stage_count; i++)
        for (int k = 0; k < plan->stages[i].argument_count; k++) {
            const char *argument = plan->stages[i].arguments[k];
            if (i > 0 && is_option(argument, 'i', "--input"))
                return error_set(error, ERROR_USAGE, "'%s' in stage %zu, which reads the one before",
                                 argument, i + 1);
            if (i + 1 < plan->stage_count && is_option(argument, 'o', "--output"))
                return error_set(error, ERROR_USAGE, "'%s' in stage %zu, which feeds the next",
                                 argument, i + 1);
        }
    return true;
}

/* What holds for the pipeline as a whole: a stage that waits for a slot while another one holds it
 * would wait for ever, and one that could choose its root would not be confined. */
static bool plan_check_whole(const struct plan *plan, struct error *error)
{
    static const char *const words[] = {"--slots", "--slots-dir", "--slot-wait", "--root"};
    for (size_t i = 0; i < plan->stage_count; i++)
        for (int k = 0; k < plan->stages[i].argument_count; k++)
            for (size_t n = 0; n < 3u + (plan->root != NULL); n++)
                if (is_option(plan->stages[i].arguments[k], '\0', words[n]))
                    return error_set(error, ERROR_USAGE,
                                     "'%s' in stage %zu, it belongs to the pipeline as a whole",
                                     plan->stages[i].arguments[k], i + 1);
    return true;
}

bool plan_check(const struct plan *plan, struct error *error)
{
    if (!plan_check_ends(plan, error) || !plan_check_whole(plan, error))
        return false;
    if (plan->in_place || plan_check_output(plan, error))
        return true;
    return error_hint(error, "--in-place allows to replace it");
}

bool plan_writes_stdout(const struct plan *plan)
{
    if (plan->output != NULL)
        return strcmp(plan->output, "-") == 0;
    return !names_output(&plan->stages[plan->stage_count - 1]);
}
