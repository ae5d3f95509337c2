/* SPDX-License-Identifier: MIT */
#include "proc/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/source.h"
#include "cli/name_template.h"
#include "proc/target.h"

enum { MOST_LIST_BYTES = 1 << 30 };

bool files_take(struct files *files, char **words, size_t count, struct error *error)
{
    *files = (struct files){.names = calloc(count + 1, sizeof *files->names)};
    if (files->names == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        files->names[files->count++] = words[i];
    return true;
}

/* Cuts the list into names; empty ones are passed over. */
static bool split(struct files *files, size_t size, char separator, struct error *error)
{
    size_t most = 1;
    for (size_t i = 0; i < size; i++)
        most += files->data[i] == separator;
    files->names = calloc(most + 1, sizeof *files->names);
    if (files->names == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    for (size_t at = 0; at < size;) {
        char *end = memchr(files->data + at, separator, size - at);
        size_t length = end == NULL ? size - at : (size_t)(end - files->data) - at;
        files->data[at + length] = '\0';
        if (strlen(files->data + at) != length)
            return error_set(error, ERROR_USAGE, "a zero byte in a name: -0 is for such a list");
        if (length > 0)
            files->names[files->count++] = files->data + at;
        at += length + 1;
    }
    return true;
}

bool files_load(struct files *files, const char *path, bool zero, struct error *error)
{
    struct source source;
    const uint8_t *data;
    size_t size;
    *files = (struct files){0};
    if (!source_open(&source, path, MOST_LIST_BYTES, error))
        return false;
    source.limit_fixed = true;
    bool done = source_whole(&source, &data, &size, error);
    if (done) {
        files->data = malloc(size + 1);
        done = files->data != NULL || error_set(error, ERROR_NO_MEMORY, "out of memory");
    }
    if (done) {
        memcpy(files->data, data, size);
        done = split(files, size, zero ? '\0' : '\n', error);
    }
    source_close(&source);
    return done;
}

void files_free(struct files *files)
{
    free(files->names);
    free(files->data);
    text_free(&files->output);
    recipe_free(&files->recipe);
    *files = (struct files){0};
}

/* ---- the plan ---- */

static bool expand(const struct files *files, const char *name, uint32_t size, struct text *out,
                   struct error *error)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash == NULL ? name : slash + 1;
    const char *dot = strrchr(base, '.');
    struct name_values values = {.input = name,
                                 .name = base,
                                 .ext = dot == NULL || dot == base ? "" : dot + 1,
                                 .width = size,
                                 .height = size};
    return name_template_expand(files->output.data, &values, out, error);
}

/* What is not known before a picture is opened cannot be in a name that is needed before. */
static bool check_template(const struct files *files, struct error *error)
{
    struct text one = {0}, two = {0};
    bool done = expand(files, "a.b", 1, &one, error) && expand(files, "a.b", 2, &two, error);
    if (done && strcmp(one.data, two.data) != 0)
        done = error_set(error, ERROR_USAGE,
                         "--output-template: {w} and {h} are for the stage that knows them");
    text_free(&one);
    text_free(&two);
    return done;
}

static bool apply_recipe(struct files *files, const struct files_plan *plan,
                         const struct job_defaults *defaults, struct error *error)
{
    files->pattern.input = "-";
    if (!recipe_load(&files->recipe, plan->recipe, defaults->recipe_dir, error) ||
        !recipe_apply(&files->recipe, plan->output_dir, &files->pattern, error))
        return false;
    /* The recipe says nothing about names: each file keeps its own, a format its extension. */
    if (files->pattern.output != NULL) {
        for (const char *at = plan->output_dir; *at != '\0'; at++) {
            text_add_bytes(&files->output, at, 1);
            if (*at == '{' || *at == '}')
                text_add_bytes(&files->output, at, 1);
        }
        const char *extension = recipe_extension(&files->recipe);
        if (extension == NULL)
            text_add(&files->output, "/{name}");
        else
            text_printf(&files->output, "/{stem}.%s", extension);
        files->has_output = true;
    }
    files->pattern.output = NULL;
    return true;
}

static bool set_plan(struct files *files, const struct files_plan *plan,
                     const struct job_defaults *defaults, struct error *error)
{
    job_preset(&files->pattern, defaults);
    if (plan->output_dir != NULL && (plan->recipe == NULL || plan->output_template != NULL))
        return error_set(error, ERROR_USAGE,
                         "--output-dir goes with --recipe, and not with --output-template");
    if (plan->recipe != NULL && plan->word_count > 0)
        return error_set(error, ERROR_USAGE, "--recipe together with the stage '%s'",
                         plan->words[0]);
    if (plan->output_template != NULL) {
        text_add(&files->output, plan->output_template);
        files->has_output = true;
    }
    bool done = plan->recipe != NULL
                    ? apply_recipe(files, plan, defaults, error)
                    : plan_parse_stages(&files->pattern, plan->words, plan->word_count, error);
    if (done && files->output.failed)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    return done && (!files->has_output || check_template(files, error));
}

bool files_job(const struct files *files, const char *name, struct job *job, struct error *error)
{
    struct text output = {0};
    *job = (struct job){.plan = files->pattern};
    if (!job_set_id(job, name))
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    job->plan.input = name;
    if (files->has_output && !expand(files, name, 0, &output, error)) {
        text_free(&output);
        return false;
    }
    job->output = output.data;
    job->plan.output = output.data;
    return job_check(job, error);
}

/* ---- two files, one output ---- */

struct claim {
    char *target;
    const char *name;
};

static int compare_claims(const void *a, const void *b)
{
    const struct claim *one = a, *two = b;
    return strcmp(one->target, two->target);
}

static bool compare_targets(struct claim *claims, size_t count, struct error *error)
{
    qsort(claims, count, sizeof *claims, compare_claims);
    for (size_t i = 1; i < count; i++)
        if (strcmp(claims[i - 1].target, claims[i].target) == 0)
            return error_set(error, ERROR_USAGE, "'%s' and '%s' would both write '%s'",
                             claims[i - 1].name, claims[i].name, claims[i].target);
    return true;
}

static bool check_targets(const struct files *files, struct error *error)
{
    struct claim *claims = calloc(files->count + 1, sizeof *claims);
    bool done = claims != NULL || error_set(error, ERROR_NO_MEMORY, "out of memory");
    size_t count = 0;
    for (size_t i = 0; done && i < files->count; i++) {
        struct plan plan = files->pattern;
        struct text output = {0};
        plan.input = files->names[i];
        done = !files->has_output || expand(files, files->names[i], 0, &output, error);
        plan.output = output.data;
        claims[count].target = done ? target_of(&plan) : NULL;
        claims[count].name = files->names[i];
        count += claims[count].target != NULL;
        text_free(&output);
    }
    done = done && compare_targets(claims, count, error);
    for (size_t i = 0; i < count; i++)
        free(claims[i].target);
    free(claims);
    return done;
}

bool files_prepare(struct files *files, const struct files_plan *plan,
                   const struct job_defaults *defaults, struct error *error)
{
    struct job job = {0};
    if (!set_plan(files, plan, defaults, error))
        return false;
    /* What is wrong with the first one for another reason than its file is wrong with all. */
    bool done = files->count == 0 || files_job(files, files->names[0], &job, error);
    job_free(&job);
    return done && check_targets(files, error);
}
