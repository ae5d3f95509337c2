/* SPDX-License-Identifier: MIT */
/* imgtool: the dispatcher. It decodes nothing itself: it hands over to the tools. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/catalogue.h"
#include "cli/report.h"
#include "proc/command.h"
#include "tools/batch.h"
#include "tools/cache.h"
#include "tools/describe.h"
#include "tools/doctor.h"
#include "tools/pipe.h"
#include "tools/run.h"
#include "tools/schema.h"

/* Becomes the tool that NAME means, with ARGUMENTS untouched behind its path. */
static bool become(const char *name, char **arguments, int count, struct error *error)
{
    char *path = command_path(name, error);
    if (path == NULL)
        return false;
    char **argv = calloc((size_t)count + 2, sizeof *argv);
    if (argv == NULL) {
        free(path);
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    }
    argv[0] = path;
    for (int i = 0; i < count; i++)
        argv[i + 1] = arguments[i];
    execv(path, argv);
    error_errno(error, ERROR_CANNOT_EXECUTE, errno, "%s", path);
    free(argv);
    free(path);
    return false;
}

static bool list_run(struct cli_run *run, void *fields, struct error *error)
{
    json_t *commands = json_array();
    (void)fields;
    for (size_t i = 0; i < catalogue_count; i++) {
        const struct catalogue_entry *entry = &catalogue[i];
        text_printf(&run->answer, "%s\t%s\n", entry->command, entry->summary);
        json_array_append_new(commands, json_pack("{s:s, s:s?, s:s}", "command", entry->command,
                                                  "binary", entry->binary, "summary",
                                                  entry->summary));
    }
    run->result = json_pack("{s:o}", "commands", commands);
    return !run->answer.failed || error_set(error, ERROR_NO_MEMORY, "out of memory");
}

static const struct cli_tool imgtool_tool, help_tool;

static const struct result_field command_fields[] = {
    {"command", .type = RESULT_TEXT},
    {"binary", RESULT_TEXT, .help = "null: part of imgtool itself", .null = true},
    {"summary", .type = RESULT_TEXT},
    {0},
};

static const struct result_field list_fields[] = {
    {"commands", RESULT_OBJECT, .fields = command_fields, .list = true},
    {0},
};

static const struct cli_tool list_tool = {
    .name = "imgtool list",
    .operands = "",
    .description = "Prints a line for each command: its name and what it does, tab separated.",
    .results = {{.fields = list_fields}},
    .examples = {{"imgtool list", "all commands"}},
    .options_size = sizeof(struct cli_common),
    .run = list_run,
};

static const struct cli_tool *const own_tools[] = {&pipe_tool,  &run_tool,  &batch_tool,
                                                   &cache_tool, &doctor_tool, &schema_tool,
                                                   &list_tool, &help_tool, NULL};

const struct cli_tool *own_tool(const char *name)
{
    for (size_t i = 0; own_tools[i] != NULL; i++)
        if (strcmp(own_tools[i]->name + strlen("imgtool "), name) == 0)
            return own_tools[i];
    return NULL;
}

/* What somebody new may have meant by NAME, where no command is called so. */
static void hint_for_new(const struct cli_run *run, const char *name, struct error *error)
{
    if (error->kind != ERROR_NOT_FOUND || catalogue_find(name) != NULL)
        return;
    struct error better = *error;
    better.hint[0] = '\0';
    OPTION_FOR_EACH(&run->set, table, entry)
        if (entry->name != NULL && strcmp(entry->name, name) == 0)
            error_hint(&better, "did you mean '--%s'?", name);
    if (access(name, F_OK) == 0)
        error_hint(&better, "it is a file: a command comes first, as in 'imgtool info FILE'");
    if (better.hint[0] != '\0')
        *error = better;
}

static bool tool_run(struct cli_run *run, void *fields, struct error *error)
{
    (void)fields;
    if (run->parsed.operand_count == 0) {
        error_set(error, ERROR_USAGE, "no command");
        return error_hint(error, "'imgtool list' shows them");
    }
    /* Before the command stand options of imgtool itself, of which none would reach the tool. */
    if (run->parsed.given[0] != 0) {
        error_set(error, ERROR_USAGE, "options before the command '%s'", run->parsed.operands[0]);
        return error_hint(error, "what is meant for it goes behind it");
    }
    const struct cli_tool *own = own_tool(run->parsed.operands[0]);
    if (own != NULL) {
        run->reported = true;
        run->exit_status = cli_main(own, run->parsed.operand_count, run->parsed.operands);
        return true;
    }
    become(run->parsed.operands[0], run->parsed.operands + 1, run->parsed.operand_count - 1, error);
    hint_for_new(run, run->parsed.operands[0], error);
    /* There is no such tool to say so itself, in the form that its caller expects. */
    cli_guess_report(run, run->parsed.operand_count, run->parsed.operands);
    return false;
}

/* All commands, or only OWN. */
static bool help_json(struct cli_run *run, const struct cli_tool *own, struct error *error)
{
    json_t *commands = own != NULL ? NULL : describe_commands(error);
    if (own == NULL && commands == NULL)
        return false;
    cli_add_json(own != NULL ? cli_tool_json(own) : json_pack("{s:s, s:o}", "version", VERSION,
                                                              "commands", commands),
                 &run->answer);
    run->options->json = false; /* what goes to stdout is JSON already */
    return !run->answer.failed || error_set(error, ERROR_NO_MEMORY, "out of memory");
}

static bool help_run(struct cli_run *run, void *fields, struct error *error)
{
    char *arguments[] = {(char[]){"--help"}, (char[]){"--json"}};
    const char *name = run->parsed.operand_count > 0 ? run->parsed.operands[0] : NULL;
    const struct cli_tool *own = name == NULL ? NULL : own_tool(name);
    (void)fields;
    if (name != NULL && own == NULL)
        return become(name, arguments, run->options->json ? 2 : 1, error);
    if (run->options->json)
        return help_json(run, own, error);
    cli_print_help(own != NULL ? own : &imgtool_tool, &run->answer);
    return true;
}

static const struct cli_tool help_tool = {
    .name = "imgtool help",
    .operands = "[COMMAND]",
    .description = "Prints the complete help of a command, or of imgtool itself. With --json it is "
                   "an object: of a command its options, as programs need them, and the JSON "
                   "Schema of its result; without COMMAND that of all commands.",
    .examples = {{"imgtool help crop", "the same as imgcrop --help"},
                 {"imgtool help --json | jq '.commands.crop.options[].name'",
                  "the options of imgcrop"}},
    .options_size = sizeof(struct cli_common),
    .max_operands = 1,
    .run = help_run,
};

static const struct cli_tool imgtool_tool = {
    .name = "imgtool",
    .operands = "COMMAND [ARGUMENT]...",
    .description =
        "imgtool NAME runs imgNAME, or NAME, from the directory that imgtool itself lies in, and "
        "passes every argument through untouched. It never uses a shell, and never searches PATH "
        "or the current directory.\n\n"
        "Of its own imgtool has pipe, which runs several commands as one pipeline, run, which "
        "takes such a pipeline from a file, batch for many pictures, doctor, which checks the "
        "installation, cache and schema. imgtool list shows all commands, imgtool help NAME "
        "explains one.",
    .examples = {{"imgtool crop -o cropped.png car.png", "the same as imgcrop"},
                 {"imgtool pipe -i car.png -o car.webp crop : shadow : resize --width 800",
                  "three commands, one decode, one encode"},
                 {"imgtool help shadow", "the complete help of a command"}},
    .options_size = sizeof(struct cli_common),
    .max_operands = -1,
    .stop_at_operand = true,
    .run = tool_run,
    .subcommands = catalogue_commands,
    .own = own_tools,
};

int main(int argc, char **argv)
{
    return cli_main(&imgtool_tool, argc, argv);
}
