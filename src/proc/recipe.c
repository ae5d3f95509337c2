/* SPDX-License-Identifier: MIT */
#include "proc/recipe.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/source.h"
#include "proc/command.h"
#include "proc/target.h"

#define SUFFIX ".recipe"

enum { MOST_WORDS = 4096, MOST_DEPTH = 8 };

/* A recipe that is being read, on behalf of another one or of none. */
struct reading {
    struct recipe *recipe;
    const char *dir;
    const char *path;
    bool named; /* by its path and not found in the directory of recipes: --root holds */
    const struct reading *outer;
    unsigned line, depth;
    struct error *error;
};

/* ---- finding ---- */

static bool is_path(const char *name)
{
    return strchr(name, '/') != NULL;
}

static bool recipe_directory(const char *dir, char *out, size_t size, struct error *error)
{
    if (dir != NULL) {
        snprintf(out, size, "%s", dir);
        return true;
    }
    if (command_data_directory("recipes", out, size))
        return true;
    error_set(error, ERROR_UNAVAILABLE, "no folder of recipes at '%s'", out);
    return error_hint(error, "the installation is not complete; --recipe-dir names another");
}

static bool unknown_recipe(const char *name, const char *dir, struct error *error)
{
    struct error ignored = {0};
    char **names = recipe_names(dir, &ignored);
    size_t count = 0;
    while (names != NULL && names[count] != NULL)
        count++;
    const char *near = count == 0 ? NULL : text_nearest(name, (const char *const *)names, count);
    error_set(error, ERROR_NO_INPUT, "no recipe is called '%s'", name);
    if (near != NULL)
        error_hint(error, "did you mean '%s'?", near);
    else
        error_hint(error, "'imgtool run --list' shows them; a name with a / is a file");
    recipe_names_free(names);
    return false;
}

static bool recipe_path(const char *name, const char *dir, char *path, size_t size,
                        struct error *error)
{
    char folder[PATH_MAX];
    if (is_path(name))
        return (size_t)snprintf(path, size, "%s", name) < size ||
               error_set(error, ERROR_NO_INPUT, "the name of the recipe is too long");
    if (!recipe_directory(dir, folder, sizeof folder, error))
        return false;
    int length = snprintf(path, size, "%s/%s" SUFFIX, folder, name);
    if (name[0] != '\0' && (size_t)length < size) {
        FILE *file = fopen(path, "re");
        if (file != NULL) {
            fclose(file);
            return true;
        }
        if (errno != ENOENT)
            return error_errno(error, ERROR_NO_INPUT, errno, "recipe '%s'", path);
    }
    return unknown_recipe(name, dir, error);
}

static bool read_file(const char *path, bool named, struct text *text, struct error *error)
{
    struct source source;
    const uint8_t *data;
    size_t size;
    if (!(named ? source_open : source_open_own)(&source, path, RECIPE_MAX_BYTES, error))
        return false;
    source.limit_fixed = true;
    bool done = source_whole(&source, &data, &size, error);
    if (done && memchr(data, '\0', size) != NULL)
        done = error_set(error, ERROR_CORRUPT, "a zero byte: a text file is expected");
    if (done)
        text_add_bytes(text, (const char *)data, size);
    source_close(&source);
    return done && (!text->failed || error_set(error, ERROR_NO_MEMORY, "out of memory"));
}

/* Errors are about the recipe and not about the input of the command. */
static bool about(struct error *error, const char *path)
{
    if (error->file[0] == '\0')
        snprintf(error->file, sizeof error->file, "%s", path);
    return false;
}

bool recipe_text(const char *name, const char *dir, struct text *text, struct error *error)
{
    char path[PATH_MAX];
    return recipe_path(name, dir, path, sizeof path, error) &&
           (read_file(path, is_path(name), text, error) || about(error, path));
}

/* ---- reading ---- */

static bool complain(const struct reading *reading, const char *what)
{
    error_set(reading->error, ERROR_CORRUPT, "line %u: %s", reading->line, what);
    return about(reading->error, reading->path);
}

static bool recipe_add_word(struct recipe *recipe, const char *word, struct error *error)
{
    if (recipe->words == NULL)
        recipe->words = calloc(MOST_WORDS, sizeof *recipe->words);
    if (recipe->words == NULL || recipe->word_count + 1 >= MOST_WORDS)
        return error_set(error, recipe->words == NULL ? ERROR_NO_MEMORY : ERROR_CORRUPT,
                         "more than %d words", MOST_WORDS - 1);
    char *copy = strdup(word);
    if (copy == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    recipe->words[recipe->word_count++] = copy;
    return true;
}

/* Takes the next word at *AT into WORD. *FOUND is false at the end of the line. */
static bool next_word(const struct reading *reading, const char **at, struct text *word,
                      bool *found)
{
    const char *p = *at + strspn(*at, " \t\r");
    char quote = '\0';
    word->length = 0;
    *found = *p != '\0' && *p != '#';
    text_add_bytes(word, "", 0);
    while (*found && *p != '\0' && (quote != '\0' || strchr(" \t\r", *p) == NULL)) {
        bool escapes = *p == '\\' && quote != '\'' &&
                       (quote == '\0' || p[1] == '"' || p[1] == '\\');
        if (escapes && p[1] == '\0')
            return complain(reading, "ends with a backslash");
        if (quote == '\0' && (*p == '\'' || *p == '"')) {
            quote = *p++;
        } else if (quote != '\0' && *p == quote) {
            quote = '\0';
            p++;
        } else {
            p += escapes;
            text_add_bytes(word, p++, 1);
        }
    }
    *at = p;
    if (quote != '\0')
        return complain(reading, quote == '"' ? "a \" is not closed" : "a ' is not closed");
    return !word->failed || error_set(reading->error, ERROR_NO_MEMORY, "out of memory");
}

static bool read_recipe(const struct reading *reading);

/* `run NAME` as a stage. */
static bool include(const struct reading *reading, const char *name)
{
    char path[PATH_MAX];
    struct reading inner = *reading;
    if (!recipe_path(name, reading->dir, path, sizeof path, reading->error))
        return about(reading->error, reading->path);
    inner.path = path;
    inner.named = is_path(name);
    inner.outer = reading;
    inner.line = 0;
    inner.depth++;
    for (const struct reading *outer = reading; outer != NULL; outer = outer->outer)
        if (strcmp(outer->path, path) == 0)
            return complain(reading, "recipes run each other in a circle");
    if (inner.depth > MOST_DEPTH)
        return complain(reading, "recipes run each other too deep");
    return read_recipe(&inner);
}

/* The words of a line as a stage, or as the stages of the recipe that it runs. */
static bool add_stage(const struct reading *reading, size_t first)
{
    struct recipe *recipe = reading->recipe;
    size_t count = recipe->word_count - first;
    char **words = recipe->words + first;
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], ":") == 0)
            return complain(reading, "a ':' stands between words: a recipe has one stage a line");
    if (strcmp(words[0], "run") == 0)
        return count == 2 ? include(reading, words[1])
                          : complain(reading, "'run' takes the name of a recipe");
    if (recipe->stage_count == PLAN_MAX_STAGES)
        return complain(reading, "too many stages");
    recipe->stages[recipe->stage_count++] = (struct plan_stage){
        .command = words[0], .arguments = words + 1, .argument_count = (int)count - 1};
    return true;
}

static bool read_line(const struct reading *reading, const char *line)
{
    struct text word = {0};
    size_t first = reading->recipe->word_count;
    bool found = true, done = true;
    while (done && found) {
        done = next_word(reading, &line, &word, &found);
        if (done && found)
            done = recipe_add_word(reading->recipe, word.data, reading->error);
    }
    text_free(&word);
    return done && add_stage(reading, first);
}

static bool read_recipe(const struct reading *reading)
{
    struct reading here = *reading;
    struct text text = {0};
    bool done = read_file(reading->path, reading->named, &text, reading->error);
    for (char *line = text.data; done && line != NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        here.line++;
        done = read_line(&here, line);
        line = end == NULL ? NULL : end + 1;
    }
    text_free(&text);
    return done || about(reading->error, reading->path);
}

bool recipe_load(struct recipe *recipe, const char *name, const char *dir, struct error *error)
{
    char path[PATH_MAX];
    struct reading reading = {
        .recipe = recipe, .dir = dir, .path = path, .named = is_path(name), .error = error};
    *recipe = (struct recipe){0};
    bool done = recipe_path(name, dir, path, sizeof path, error) && read_recipe(&reading);
    if (done && recipe->stage_count == 0) {
        error_set(error, ERROR_CORRUPT, "no stage: a line like 'crop --padding 5%%' is expected");
        done = about(error, path);
    }
    if (!done)
        recipe_free(recipe);
    return done;
}

void recipe_free(struct recipe *recipe)
{
    for (size_t i = 0; i < recipe->word_count; i++)
        free(recipe->words[i]);
    free(recipe->words);
    *recipe = (struct recipe){0};
}

/* ---- listing ---- */

static int has_suffix(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > strlen(SUFFIX) && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0;
}

char **recipe_names(const char *dir, struct error *error)
{
    char folder[PATH_MAX];
    struct dirent **entries;
    if (!recipe_directory(dir, folder, sizeof folder, error))
        return NULL;
    int count = scandir(folder, &entries, has_suffix, alphasort);
    if (count < 0) {
        error_errno(error, ERROR_NO_INPUT, errno, "'%s'", folder);
        return NULL;
    }
    char **names = calloc((size_t)count + 1, sizeof *names);
    for (int i = 0; i < count; i++) {
        size_t length = strlen(entries[i]->d_name) - strlen(SUFFIX);
        if (names != NULL)
            names[i] = strndup(entries[i]->d_name, length);
        free(entries[i]);
    }
    free(entries);
    if (names == NULL)
        error_set(error, ERROR_NO_MEMORY, "out of memory");
    return names;
}

void recipe_names_free(char **names)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        free(names[i]);
    free(names);
}

/* ---- applying ---- */

/* The word of STAGE that holds the value of --output-template, which begins at *VALUE in it; -1
 * where it has none. */
static int template_of(const struct plan_stage *stage, size_t *value)
{
    static const char option[] = "--output-template";
    size_t length = sizeof option - 1;
    for (int i = 0; i < stage->argument_count; i++) {
        const char *word = stage->arguments[i];
        *value = strncmp(word, option, length) == 0 && word[length] == '=' ? length + 1 : 0;
        if (*value > 0)
            return i;
        if (strcmp(word, option) == 0 && i + 1 < stage->argument_count)
            return i + 1;
    }
    return -1;
}

/* DIR and a slash; ESCAPED as part of a template, where braces mean something. */
static void add_directory(struct text *out, const char *dir, bool escaped)
{
    size_t length = strlen(dir);
    while (length > 0 && dir[length - 1] == '/')
        length--;
    for (size_t i = 0; i < length; i++) {
        text_add_bytes(out, dir + i, 1);
        if (escaped && (dir[i] == '{' || dir[i] == '}'))
            text_add_bytes(out, dir + i, 1);
    }
    text_add(out, "/");
}

const char *recipe_extension(const struct recipe *recipe)
{
    const char *format = target_option(&recipe->stages[recipe->stage_count - 1], "--format", 'f');
    if (format == NULL || strcmp(format, "auto") == 0)
        return NULL;
    if (strcmp(format, "jpeg") == 0)
        return "jpg";
    /* What is no format is complained about by the stage. */
    return strspn(format, "abcdefghijklmnopqrstuvwxyz") == strlen(format) ? format : NULL;
}

/* DIR/STEM.EXT of INPUT; EXTENSION instead of its own unless NULL. */
static void add_same_name(struct text *out, const char *dir, const char *input,
                          const char *extension)
{
    const char *slash = strrchr(input, '/');
    const char *name = strcmp(input, "-") == 0 ? "stdin" : slash == NULL ? input : slash + 1;
    const char *dot = strrchr(name, '.');
    size_t stem = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    add_directory(out, dir, false);
    if (extension == NULL)
        text_add(out, name);
    else
        text_printf(out, "%.*s.%s", (int)stem, name, extension);
}

bool recipe_apply(struct recipe *recipe, const char *output_dir, struct plan *plan,
                  struct error *error)
{
    struct plan_stage *last = &recipe->stages[recipe->stage_count - 1];
    struct text word = {0};
    size_t value = 0;
    if (plan->output != NULL && template_of(last, &value) >= 0) {
        error_set(error, ERROR_USAGE, "the recipe names its outputs, '%s' cannot", plan->output);
        return error_hint(error, "--output-dir, in a job output_dir, says where they go");
    }
    if (output_dir != NULL) {
        int index = template_of(last, &value);
        char **place = index < 0 ? NULL : &last->arguments[index];
        if (place != NULL && (*place)[value] != '/') {
            text_add_bytes(&word, *place, value);
            add_directory(&word, output_dir, true);
            text_add(&word, *place + value);
        } else if (place == NULL) {
            add_same_name(&word, output_dir, plan->input == NULL ? "-" : plan->input,
                          recipe_extension(recipe));
        }
        if (word.failed)
            return error_set(error, ERROR_NO_MEMORY, "out of memory");
        if (place != NULL && word.data != NULL) {
            free(*place);
            *place = word.data;
        } else if (word.data != NULL) {
            bool kept = recipe_add_word(recipe, word.data, error);
            text_free(&word);
            if (!kept)
                return false;
            plan->output = recipe->words[recipe->word_count - 1];
        }
        plan->mkdir = true;
    }
    memcpy(plan->stages, recipe->stages, sizeof plan->stages);
    plan->stage_count = recipe->stage_count;
    return true;
}
