/* SPDX-License-Identifier: MIT */
/* --help --json: the same tables for programs. */
#include <math.h>

#include "cli/report.h"
#include "cli/tool.h"

static const char *const type_names[] = {
    [OPTION_FLAG] = "flag",       [OPTION_TEXT] = "text",         [OPTION_FILE] = "file",
    [OPTION_DIR] = "directory",   [OPTION_CHOICE] = "choice",     [OPTION_INTEGER] = "integer",
    [OPTION_PIXELS] = "pixels",   [OPTION_NUMBER] = "number",     [OPTION_SHARE] = "share",
    [OPTION_BYTES] = "bytes",     [OPTION_DURATION] = "duration", [OPTION_CUSTOM] = "custom"};

static json_t *choices_json(const struct option_entry *entry)
{
    if (entry->type != OPTION_CHOICE)
        return json_null();
    json_t *names = json_array();
    for (size_t i = 0; entry->choices[i] != NULL; i++)
        json_array_append_new(names, json_string(entry->choices[i]));
    return names;
}

/* A limit of a numeric option, null for the others. */
static json_t *limit_json(const struct option_entry *entry, double limit)
{
    if (entry->type < OPTION_INTEGER || entry->type > OPTION_DURATION)
        return json_null();
    bool whole = limit == floor(limit) && fabs(limit) < 9e15;
    return whole ? json_integer((json_int_t)limit) : json_real(limit);
}

static json_t *option_json(const struct option_table *table, const struct option_entry *entry)
{
    char letter[2] = {entry->letter, '\0'};
    return json_pack("{s:s?, s:s?, s:s, s:s?, s:s?, s:o, s:o, s:o, s:b, s:s?, s:s, s:s}", "name",
                     entry->name, "letter", entry->letter != 0 ? letter : NULL, "type",
                     type_names[entry->type], "metavar", entry->metavar, "default", entry->preset,
                     "min", limit_json(entry, entry->min), "max", limit_json(entry, entry->max),
                     "choices", choices_json(entry), "many", (int)entry->many, "environment",
                     entry->environment, "help", entry->help, "group", table->title);
}

/* The forms that a result may have; null where there is none. */
static json_t *results_schema(const struct cli_tool *tool)
{
    json_t *forms = json_array();
    for (size_t i = 0; i < CLI_COUNT(tool->results) && tool->results[i].fields != NULL; i++) {
        const struct result_form *form = &tool->results[i];
        json_t *schema =
            form->beside ? json_pack("{s:s}", "type", "null") : result_schema(form->fields);
        if (form->when != NULL)
            json_object_set_new(schema, "description", json_string(form->when));
        json_array_append_new(forms, schema);
    }
    json_t *schema = json_array_size(forms) == 0 ? json_pack("{s:s}", "type", "null")
                     : json_array_size(forms) == 1
                         ? json_incref(json_array_get(forms, 0))
                         : json_pack("{s:O}", "anyOf", forms);
    json_decref(forms);
    return schema;
}

/* The fields that a report of TOOL has beside those of all tools. */
static json_t *beside_schema(const struct cli_tool *tool)
{
    for (size_t i = 0; i < CLI_COUNT(tool->results) && tool->results[i].fields != NULL; i++)
        if (tool->results[i].beside)
            return result_schema(tool->results[i].fields);
    return json_null();
}

json_t *cli_tool_json(const struct cli_tool *tool)
{
    struct option_set set;
    json_t *options = json_array(), *examples = json_array();
    cli_option_set(tool, &set);
    OPTION_FOR_EACH(&set, table, entry)
        json_array_append_new(options, option_json(table, entry));
    for (size_t i = 0; i < CLI_COUNT(tool->examples) && tool->examples[i].command != NULL; i++)
        json_array_append_new(examples, json_pack("{s:s, s:s}", "command",
                                                  tool->examples[i].command, "what",
                                                  tool->examples[i].what));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "tool", tool->name, "version",
                     VERSION, "summary", cli_summary(tool), "operands", tool->operands,
                     "description", tool->description, "options", options, "result",
                     results_schema(tool), "beside", beside_schema(tool), "examples", examples);
}
