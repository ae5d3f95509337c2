/* SPDX-License-Identifier: MIT */
/* imgtool schema: what the tools say about their results, put into what is common to all, which is
 * data/schema/protocol.json. */
#include "tools/schema.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/report.h"
#include "proc/command.h"
#include "tools/describe.h"

static const char to_definition[] = "#/$defs/";

static json_t *protocol_load(struct error *error)
{
    char directory[PATH_MAX], path[PATH_MAX + 20];
    json_error_t where;
    command_data_directory("schema", directory, sizeof directory);
    snprintf(path, sizeof path, "%s/protocol.json", directory);
    json_t *protocol = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (protocol != NULL)
        return protocol;
    error_set(error, ERROR_UNAVAILABLE, "%s: %s", path, where.text);
    error_hint(error, "the installation is not complete");
    return NULL;
}

/* The kinds of errors and their exit statuses. */
static json_t *error_kinds(void)
{
    json_t *kinds = json_array();
    for (int i = 1; i < ERROR_KIND_COUNT; i++)
        json_array_append_new(kinds,
                              json_pack("{s:{s:{s:i}, s:{s:s}}}", "properties", "code", "const",
                                        error_exit_status((enum error_kind)i), "kind", "const",
                                        error_kind_name((enum error_kind)i)));
    return json_pack("{s:s, s:o}", "type", "object", "anyOf", kinds);
}

static json_t *reference(const char *name, const char *behind)
{
    char target[200];
    snprintf(target, sizeof target, "%s%s%s", to_definition, name, behind);
    return json_pack("{s:s}", "$ref", target);
}

/* The report of the command ABOUT, which is called TOOL in it, where it worked. */
static json_t *report_schema(const char *name, const char *tool, const json_t *about)
{
    json_t *beside = json_object_get(about, "beside");
    json_t *report = json_pack(
        "{s:O, s:s, s:{s:{s:s}, s:o}, s:b}", "description", json_object_get(about, "summary"),
        "$ref", "#/$defs/success", "properties", "tool", "const", tool, "result",
        reference(name, "-result"), "unevaluatedProperties", 0);
    if (json_is_object(beside)) {
        json_object_update(json_object_get(report, "properties"),
                           json_object_get(beside, "properties"));
        /* Where there are other forms, those do not have the fields. */
        if (json_object_get(json_object_get(about, "result"), "anyOf") == NULL)
            json_object_set(report, "required", json_object_get(beside, "required"));
    }
    return report;
}

/* Adds the report and the result of every command, and what those have in common. */
static void define_commands(json_t *definitions, const json_t *commands)
{
    json_t *reports = json_array(), *results = json_array(), *about;
    const char *command;
    json_object_foreach((json_t *)commands, command, about) {
        const struct catalogue_entry *entry = catalogue_find(command);
        char result[100];
        if (entry == NULL)
            continue;
        const char *name = entry->binary != NULL ? entry->binary : command;
        snprintf(result, sizeof result, "%s-result", name);
        json_object_set(definitions, result, json_object_get(about, "result"));
        json_object_set_new(definitions, name,
                            report_schema(name, entry->binary != NULL ? name : "imgtool", about));
        json_array_append_new(results, reference(result, ""));
        json_array_append_new(reports, reference(name, ""));
    }
    json_array_append_new(reports, reference("failure", ""));
    json_object_set_new(definitions, "report", json_pack("{s:o}", "anyOf", reports));
    json_object_set_new(definitions, "result", json_pack("{s:o}", "anyOf", results));
    json_object_set_new(definitions, "error-kind", error_kinds());
}

static json_t *schema_whole(struct error *error)
{
    json_t *schema = protocol_load(error);
    json_t *commands = schema == NULL ? NULL : describe_commands(error);
    if (commands == NULL) {
        json_decref(schema);
        return NULL;
    }
    json_object_set_new(schema, "title", json_string("imgtool " VERSION));
    define_commands(json_object_get(schema, "$defs"), commands);
    json_decref(commands);
    return schema;
}

/* ---- one definition ---- */

/* Copies to USED the definitions that PART refers to, and what those refer to. */
static void collect(const json_t *part, const json_t *definitions, json_t *used)
{
    const char *key;
    json_t *value;
    size_t i;
    json_array_foreach((json_t *)part, i, value)
        collect(value, definitions, used);
    json_object_foreach((json_t *)part, key, value) {
        const char *target = json_string_value(value);
        char name[100];
        collect(value, definitions, used);
        if (target == NULL || strcmp(key, "$ref") != 0 ||
            strncmp(target, to_definition, strlen(to_definition)) != 0)
            continue;
        target += strlen(to_definition);
        snprintf(name, sizeof name, "%.*s", (int)strcspn(target, "/"), target);
        if (json_object_get(used, name) != NULL)
            continue;
        json_object_set(used, name, json_object_get(definitions, name));
        collect(json_object_get(definitions, name), definitions, used);
    }
}

static bool unknown_name(const json_t *definitions, const char *word, struct error *error)
{
    const char *names[200], *key;
    char shown[100];
    json_t *value;
    size_t count = 0;
    json_object_foreach((json_t *)definitions, key, value)
        if (count < CLI_COUNT(names))
            names[count++] = key;
    const char *near = text_nearest(word, names, count);
    error_set(error, ERROR_USAGE, "nothing is called '%s'", text_mask(word, shown, sizeof shown));
    if (near != NULL)
        return error_hint(error, "did you mean '%s'?", near);
    return error_hint(error, "the names are those of commands, and the keys of $defs in the whole");
}

/* The schema of what WORD names, with all that it needs; NULL where it names nothing. */
static json_t *schema_part(const json_t *whole, const char *word, struct error *error)
{
    const struct catalogue_entry *entry = catalogue_find(word);
    const char *name = entry != NULL && entry->binary != NULL ? entry->binary : word;
    const json_t *definitions = json_object_get(whole, "$defs");
    if (json_object_get(definitions, name) == NULL) {
        unknown_name(definitions, word, error);
        return NULL;
    }
    json_t *used = json_object(), *part = reference(name, "");
    collect(part, definitions, used);
    json_object_set(part, "$schema", json_object_get(whole, "$schema"));
    json_object_set(part, "title", json_object_get(whole, "title"));
    json_object_set_new(part, "$defs", used);
    return part;
}

static bool schema_run(struct cli_run *run, void *options, struct error *error)
{
    (void)options;
    json_t *schema = schema_whole(error);
    if (schema != NULL && run->parsed.operand_count > 0) {
        json_t *part = schema_part(schema, run->parsed.operands[0], error);
        json_decref(schema);
        schema = part;
    }
    if (schema == NULL)
        return false;
    cli_add_json(schema, &run->answer);
    run->options->json = false; /* what goes to stdout is JSON already */
    return !run->answer.failed || error_set(error, ERROR_NO_MEMORY, "out of memory");
}

const struct cli_tool schema_tool = {
    .name = "imgtool schema",
    .operands = "[NAME]",
    .description =
        "Prints the JSON Schema (2020-12) of everything that the suite prints as JSON: reports of "
        "--json and --report-fd, errors, the result of each tool, and the answers of a batch. The "
        "jobs that a batch reads are in it, too.\n\n"
        "NAME picks a part with all that it needs: a command (crop, pipe) for its report, the "
        "same with -result for its result alone, or report, failure, error, job, ping, answer, "
        "pong, progress, version, commands or command.",
    .examples = {{"imgtool schema", "all of it"},
                 {"imgtool schema job", "what a line for imgtool batch looks like"},
                 {"imgtool schema imgcrop-result", "what imgcrop says about its box"}},
    .options_size = sizeof(struct cli_common),
    .max_operands = 1,
    .run = schema_run,
};
