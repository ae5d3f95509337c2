/* SPDX-License-Identifier: MIT */
#include "proc/target.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/name_template.h"

const char *target_option(const struct plan_stage *stage, const char *name, char letter)
{
    size_t length = strlen(name);
    for (int i = 0; i < stage->argument_count; i++) {
        const char *word = stage->arguments[i];
        const char *next = i + 1 < stage->argument_count ? stage->arguments[i + 1] : NULL;
        if (strcmp(word, "--") == 0)
            return NULL;
        if (strcmp(word, name) == 0)
            return next;
        if (strncmp(word, name, length) == 0 && word[length] == '=')
            return word + length + 1;
        if (letter != 0 && word[0] == '-' && word[1] == letter)
            return word[2] == '\0' ? next : word + 2;
    }
    return NULL;
}

/* PATH with its directory resolved, as far as it exists; not where names begin at a root. */
static char *canonical(const struct plan *plan, const char *path)
{
    char resolved[PATH_MAX];
    struct text whole = {0};
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    if (directory != NULL && plan->root == NULL && realpath(directory, resolved) != NULL)
        text_printf(&whole, "%s/%s", resolved, name);
    else
        text_add(&whole, path);
    free(directory);
    if (!whole.failed)
        return whole.data;
    text_free(&whole);
    return NULL;
}

/* The template with {stem} in it; the rest, which is not known yet, stays as it is. Two templates
 * that differ only there are taken for two outputs. */
static char *of_template(const struct plan *plan, const char *pattern)
{
    struct name_values values = {.input = plan->input, .name = "{name}", .ext = "{ext}"};
    struct text expanded = {0};
    char *target = NULL;
    /* Without an input of the plan the stage names it among its words. */
    if (plan->input == NULL && strstr(pattern, "{stem}") != NULL)
        return NULL;
    if (plan->input == NULL)
        values.input = "";
    if (name_template_expand(pattern, &values, &expanded, NULL) && expanded.data != NULL)
        target = canonical(plan, expanded.data);
    text_free(&expanded);
    return target;
}

char *target_of(const struct plan *plan)
{
    const struct plan_stage *last = &plan->stages[plan->stage_count - 1];
    const char *pattern = target_option(last, "--output-template", 0);
    const char *output = plan->output != NULL ? plan->output : target_option(last, "--output", 'o');
    if (output != NULL && strcmp(output, "-") != 0)
        return canonical(plan, output);
    return pattern == NULL ? NULL : of_template(plan, pattern);
}
