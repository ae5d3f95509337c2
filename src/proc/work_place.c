/* SPDX-License-Identifier: MIT */
#include "proc/work_place.h"

#include <stdlib.h>
#include <string.h>

#include "cli/name_template.h"

size_t work_template_directory(const char *pattern)
{
    size_t length = 0;
    for (const char *at = pattern; *at != '\0'; at++) {
        if ((at[0] == '{' || at[0] == '}') && at[1] == at[0])
            at++;
        else if (*at == '{')
            break;
        else if (*at == '/')
            length = (size_t)(at - pattern) + 1;
    }
    return length;
}

/* The directory itself: braces in a template are doubled. */
static char *template_directory(const char *pattern)
{
    size_t length = work_template_directory(pattern), used = 0;
    char *directory = strndup(pattern, length);
    if (directory == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        directory[used++] = pattern[i];
        if (pattern[i] == '{' || pattern[i] == '}')
            i++;
    }
    directory[used] = '\0';
    return directory;
}

/* The last word of the last stage that says where the output goes. */
static struct work_word find_target(const struct plan *plan)
{
    struct work_walk walk = {.stage = &plan->stages[plan->stage_count - 1]};
    struct work_word word, found = {.role = WORK_TEXT};
    while (work_walk_next(&walk, &word))
        if (word.role == WORK_TARGET || (word.role == WORK_TEMPLATE && found.role != WORK_TARGET))
            found = word;
    return found;
}

bool work_place(struct work_place *place, const struct plan *plan, struct error *error)
{
    struct work_word target = find_target(plan);
    *place = (struct work_place){.plan = plan};
    if (plan->output != NULL)
        target = (struct work_word){.value = plan->output, .role = WORK_TARGET};
    if (target.role == WORK_TARGET && strcmp(target.value, "-") == 0)
        target.role = WORK_TEXT;
    if (target.role == WORK_TARGET) {
        place->kind = WORK_FILE;
        place->path = strdup(target.value);
    } else if (target.role == WORK_TEMPLATE) {
        place->kind = WORK_DIRECTORY;
        place->path = template_directory(target.value);
    } else {
        place->path = strdup("");
    }
    if (place->path == NULL)
        error_set(error, ERROR_NO_MEMORY, "out of memory");
    if (place->path != NULL && work_inputs(plan, &place->inputs, error) &&
        work_side_outputs(plan, &place->sides, error))
        return true;
    work_place_free(place);
    return false;
}

void work_place_free(struct work_place *place)
{
    free(place->path);
    place->path = NULL;
    work_files_free(&place->inputs);
    work_files_free(&place->sides);
}

/* True where NAME is spelled REPORTED in JSON. */
static bool is_reported(const char *name, const char *reported)
{
    struct text spelled = {0};
    text_add_utf8(&spelled, name);
    bool same = spelled.data != NULL && strcmp(spelled.data, reported) == 0;
    text_free(&spelled);
    return same;
}

static bool is_among(const struct work_files *files, const char *reported, struct text *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (is_reported(files->names[i], reported)) {
            text_add(name, files->names[i]);
            return true;
        }
    return false;
}

/* Adds TEXT to NAME with what is spelled like REAL in JSON replaced by it. */
static void add_real(struct text *name, const char *text, const char *real)
{
    struct text spelled = {0};
    text_add_utf8(&spelled, real);
    const char *at = spelled.data == NULL ? NULL : strstr(text, spelled.data);
    for (; at != NULL && spelled.length > 0; at = strstr(text, spelled.data)) {
        text_add_bytes(name, text, (size_t)(at - text));
        text_add(name, real);
        text = at + spelled.length;
    }
    text_add(name, text);
    text_free(&spelled);
}

/* A name of the template: the directory, then a name that may have the stem in it. */
static void add_templated(const struct work_place *place, const char *reported, struct text *name)
{
    struct text directory = {0};
    char *stem = work_stem(place->plan);
    text_add_utf8(&directory, place->path);
    if (directory.length > 0 && strncmp(reported, directory.data, directory.length) == 0) {
        text_add(name, place->path);
        reported += directory.length;
    }
    if (stem != NULL)
        add_real(name, reported, stem);
    else
        text_add(name, reported);
    name->failed = name->failed || directory.failed;
    text_free(&directory);
    free(stem);
}

bool work_real_name(const struct work_place *place, const char *reported, struct text *name)
{
    if (place->kind == WORK_FILE && is_reported(place->path, reported))
        text_add(name, place->path);
    else if (place->kind == WORK_DIRECTORY)
        add_templated(place, reported, name);
    else if (!is_among(&place->sides, reported, name) && !is_among(&place->inputs, reported, name))
        text_add(name, reported);
    return !name->failed;
}

char *work_stem(const struct plan *plan)
{
    struct text stem = {0};
    struct name_values values = {.input = plan->input, .name = "", .ext = ""};
    if (plan->input == NULL || !name_template_expand("{stem}", &values, &stem, NULL)) {
        text_free(&stem);
        return NULL;
    }
    return stem.data == NULL ? strdup("") : stem.data;
}

bool work_in_place(const struct plan *plan)
{
    return plan->in_place || work_has_flag(plan, "--in-place");
}
