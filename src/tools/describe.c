/* SPDX-License-Identifier: MIT */
#include "tools/describe.h"

#include "cli/catalogue.h"
#include "tools/doctor_parts.h"

enum { PATIENCE_MS = 10000 };

/* What BINARY itself says. */
static json_t *ask_binary(const char *binary, struct error *error)
{
    static const char *const words[] = {"--help", "--json", NULL};
    struct doctor patience = {.timeout_ms = PATIENCE_MS};
    struct doctor_answer answer;
    char end[400];
    json_t *about = NULL;
    if (doctor_ask(&patience, binary, words, NULL, &answer))
        about = json_loadb(answer.out.data, answer.out.length, 0, NULL);
    else
        error_set(error, ERROR_UNAVAILABLE, "%s: %s", binary,
                  doctor_answer_end(&patience, &answer, end, sizeof end));
    doctor_answer_free(&answer);
    if (about == NULL)
        error_set(error, ERROR_UNAVAILABLE, "%s does not know --help --json", binary);
    return about;
}

json_t *describe_commands(struct error *error)
{
    json_t *commands = json_object();
    for (size_t i = 0; i < catalogue_count; i++) {
        const struct catalogue_entry *entry = &catalogue[i];
        const struct cli_tool *own = own_tool(entry->command);
        json_t *about = own != NULL ? cli_tool_json(own) : ask_binary(entry->binary, error);
        if (about == NULL) {
            error_hint(error, "'imgtool doctor' says what is wrong");
            json_decref(commands);
            return NULL;
        }
        json_object_set_new(commands, entry->command, about);
    }
    return commands;
}
