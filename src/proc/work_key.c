/* SPDX-License-Identifier: MIT */
#include "proc/work_key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/root.h"
#include "cli/catalogue.h"
#include "proc/work_place.h"

static void add_text(struct hash_state *state, char tag, const char *text, size_t length)
{
    hash_add(state, &tag, 1);
    hash_add_part(state, text, length);
}

static bool name_file(struct error *error, const char *name)
{
    if (error != NULL)
        snprintf(error->file, sizeof error->file, "%s", name);
    return false;
}

/* The bytes of the file NAME; it was seen to be a regular one, but may not be any more. */
static bool add_file(struct hash_state *state, const char *name, struct error *error)
{
    struct hash hash;
    struct stat status;
    uint64_t size;
    int fd = root_open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        error_errno(error, ERROR_NO_INPUT, errno, "cannot be opened");
        return name_file(error, name);
    }
    bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    bool done = regular ? hash_file(fd, &hash, &size, error)
                        : error_set(error, ERROR_UNSUPPORTED, "is not a regular file");
    close(fd);
    if (!done)
        return name_file(error, name);
    add_text(state, 'f', (const char *)hash.bytes, sizeof hash.bytes);
    return true;
}

/* True for a name that can hardly be meant as anything but a file: it has a directory, or an
 * extension of letters. Of any other word that happens to name a file ("auto", "40%") the text
 * counts, too. */
static bool is_surely_name(const char *value)
{
    const char *dot = strrchr(value, '.');
    return strchr(value, '/') != NULL ||
           (dot != NULL && dot != value && isalpha((unsigned char)dot[1]));
}

static const char *extension_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash == NULL ? path : slash, '.');
    return dot == NULL ? "" : dot;
}

/* Of a template what is behind its directory; and the stem, where it shows. Where the plan does not
 * know the stem, a stage takes it from among its words: then all their names count. */
static bool add_template(struct hash_state *state, const struct plan *plan,
                         const struct work_files *inputs, const char *pattern, struct error *error)
{
    const char *rest = pattern + work_template_directory(pattern);
    add_text(state, 'p', rest, strlen(rest));
    if (strstr(rest, "{stem}") == NULL)
        return true;
    char *stem = work_stem(plan);
    if (stem != NULL)
        add_text(state, 's', stem, strlen(stem));
    else if (plan->input != NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    for (size_t i = 0; stem == NULL && i < inputs->count; i++)
        add_text(state, 's', inputs->names[i], strlen(inputs->names[i]));
    free(stem);
    return true;
}

static bool add_word(struct hash_state *state, const struct plan *plan,
                     const struct work_files *inputs, const struct work_word *word,
                     struct error *error)
{
    size_t before = (size_t)(word->value - word->word); /* "--mask=" */
    if (word->role == WORK_STREAM) {
        error_set(error, ERROR_UNSUPPORTED, "is a pipe or a device, which cannot be known again");
        return name_file(error, word->value);
    }
    if (word->role == WORK_TEXT || word->role == WORK_SIDE ||
        (word->role == WORK_INPUT && !is_surely_name(word->value)))
        before = strlen(word->word);
    add_text(state, 'w', word->word, before);
    if (word->role == WORK_INPUT)
        return add_file(state, word->value, error);
    if (word->role == WORK_TARGET)
        add_text(state, 'o', extension_of(word->value), strlen(extension_of(word->value)));
    if (word->role == WORK_TEMPLATE)
        return add_template(state, plan, inputs, word->value, error);
    return true;
}

static bool add_stage(struct hash_state *state, const struct plan *plan,
                      const struct work_files *inputs, const struct plan_stage *stage,
                      struct error *error)
{
    const struct catalogue_entry *entry = catalogue_find(stage->command);
    const char *name = entry == NULL ? stage->command : entry->command;
    struct work_walk walk = {.stage = stage};
    struct work_word word;
    add_text(state, 'c', name, strlen(name));
    while (work_walk_next(&walk, &word))
        if (!add_word(state, plan, inputs, &word, error))
            return false;
    return true;
}

static bool add_plan(struct hash_state *state, const struct plan *plan,
                     const struct work_files *inputs, struct error *error)
{
    static const char opening[] = "imgtool work 1 " VERSION;
    add_text(state, 'v', opening, strlen(opening));
    add_text(state, 'd', plan->dry_run ? "trial" : "", plan->dry_run ? 5 : 0);
    for (size_t i = 0; i < plan->stage_count; i++)
        if (!add_stage(state, plan, inputs, &plan->stages[i], error))
            return false;
    if (plan->output != NULL)
        add_text(state, 'o', extension_of(plan->output), strlen(extension_of(plan->output)));
    return plan->input == NULL || add_file(state, plan->input, error);
}

bool work_key(const struct plan *plan, char key[HASH_HEX], struct error *error)
{
    struct hash_state state;
    struct hash hash;
    struct work_files inputs;
    struct stat status;
    bool unnamed = plan->input == NULL || strcmp(plan->input, "-") == 0;
    if (unnamed && !plan->no_stdin)
        return error_set(error, ERROR_UNSUPPORTED, "what comes from stdin cannot be known again");
    /* Before it is opened, as opening a FIFO is felt by who writes to it. */
    if (!unnamed && root_status(plan->input, &status) && !S_ISREG(status.st_mode)) {
        error_set(error, ERROR_UNSUPPORTED, "is not a regular file");
        return name_file(error, plan->input);
    }
    if (!work_inputs(plan, &inputs, error))
        return false;
    hash_begin(&state);
    bool done = add_plan(&state, plan, &inputs, error);
    work_files_free(&inputs);
    if (!done)
        return false;
    hash_end(&state, &hash);
    hash_hex(&hash, key);
    return true;
}
