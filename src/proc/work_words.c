/* SPDX-License-Identifier: MIT */
#include "proc/work_words.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/root.h"

static const struct option_role {
    const char *name;
    char letter;
    enum work_role role;
} option_roles[] = {
    {"--input", 'i', WORK_INPUT},
    {"--output", 'o', WORK_TARGET},
    {"--output-template", 0, WORK_TEMPLATE},
    {"--heatmap", 0, WORK_SIDE},
    {"--save-lut", 0, WORK_SIDE},
};

enum { ROLE_COUNT = sizeof option_roles / sizeof option_roles[0] };

/* Where WORD begins with the option: its value, "" at the end of WORD where it is the next word. */
static const char *value_in(const char *word, const struct option_role *option)
{
    size_t length = strlen(option->name);
    if (strncmp(word, option->name, length) == 0 && word[length] == '=')
        return word + length + 1;
    if (strcmp(word, option->name) == 0)
        return word + length;
    if (option->letter != 0 && word[0] == '-' && word[1] == option->letter)
        return word + 2;
    return NULL;
}

/* What a word is by what lies under its name. */
static enum work_role role_of_file(const char *name)
{
    struct stat status;
    if (name[0] == '\0' || !root_status(name, &status) || S_ISDIR(status.st_mode))
        return WORK_TEXT;
    return S_ISREG(status.st_mode) ? WORK_INPUT : WORK_STREAM;
}

static void take_option(struct work_walk *walk, struct work_word *word)
{
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        const char *value = value_in(word->word, &option_roles[i]);
        if (value == NULL)
            continue;
        if (*value == '\0' && value[-1] != '=') {
            walk->awaited = option_roles[i].role;
        } else {
            word->value = value;
            word->role = option_roles[i].role;
        }
        return;
    }
    const char *sign = word->word[0] == '-' ? strchr(word->word, '=') : NULL;
    if (sign != NULL)
        word->value = sign + 1;
    word->role = WORK_INPUT;
}

bool work_walk_next(struct work_walk *walk, struct work_word *word)
{
    if (walk->next >= walk->stage->argument_count)
        return false;
    const char *text = walk->stage->arguments[walk->next++];
    *word = (struct work_word){.word = text, .value = text, .role = WORK_TEXT};
    if (walk->awaited != WORK_TEXT) {
        word->role = walk->awaited;
        walk->awaited = WORK_TEXT;
    } else if (walk->operands) {
        word->role = WORK_INPUT;
    } else if (strcmp(text, "--") == 0) {
        walk->operands = true;
    } else {
        take_option(walk, word);
    }
    if (word->role == WORK_INPUT)
        word->role = role_of_file(word->value);
    return true;
}

bool work_has_flag(const struct plan *plan, const char *option)
{
    for (size_t i = 0; i < plan->stage_count; i++)
        for (int k = 0; k < plan->stages[i].argument_count; k++)
            if (strcmp(plan->stages[i].arguments[k], option) == 0)
                return true;
    return false;
}

/* The input of the plan, if any, and all words of ROLE. */
static bool collect(const struct plan *plan, const char *input, enum work_role role,
                    struct work_files *files, struct error *error)
{
    size_t most = 1;
    for (size_t i = 0; i < plan->stage_count; i++)
        most += (size_t)plan->stages[i].argument_count;
    *files = (struct work_files){.names = memory_array(most, sizeof *files->names, error)};
    if (files->names == NULL)
        return false;
    if (input != NULL)
        files->names[files->count++] = input;
    for (size_t i = 0; i < plan->stage_count; i++) {
        struct work_walk walk = {.stage = &plan->stages[i]};
        struct work_word word;
        while (work_walk_next(&walk, &word))
            if (word.role == role)
                files->names[files->count++] = word.value;
    }
    return true;
}

bool work_inputs(const struct plan *plan, struct work_files *files, struct error *error)
{
    return collect(plan, plan->input, WORK_INPUT, files, error);
}

bool work_side_outputs(const struct plan *plan, struct work_files *files, struct error *error)
{
    return collect(plan, NULL, WORK_SIDE, files, error);
}

void work_files_free(struct work_files *files)
{
    free(files->names);
    *files = (struct work_files){0};
}
