/* SPDX-License-Identifier: MIT */
#include "proc/work_result.h"

#include <string.h>
#include <sys/stat.h>

#include "base/root.h"
#include "cli/report.h"

static void add_part(struct hash_state *state, const char *text)
{
    hash_add_part(state, text, strlen(text));
}

void work_job(const struct work_place *place, const char *key, struct hash *job)
{
    const struct plan *plan = place->plan;
    struct hash_state state;
    hash_begin(&state);
    add_part(&state, key);
    add_part(&state, plan->root == NULL ? "" : plan->root);
    add_part(&state, place->path);
    for (size_t i = 0; i < place->sides.count; i++)
        add_part(&state, place->sides.names[i]);
    /* Where no output is named, it may be each input that is replaced. */
    for (size_t i = 0; place->kind == WORK_UNNAMED && i < place->inputs.count; i++)
        add_part(&state, place->inputs.names[i]);
    hash_end(&state, job);
}

/* The status of the regular file that a report spells so. */
static bool file_status(const struct work_place *place, const char *reported, struct stat *status)
{
    struct text name = {0};
    bool found = work_real_name(place, reported, &name) && name.data != NULL &&
                 root_status(name.data, status) && S_ISREG(status->st_mode);
    text_free(&name);
    return found;
}

static bool is_listed(const json_t *list, const json_t *path)
{
    size_t i;
    const json_t *file;
    json_array_foreach(list, i,
                       file) if (json_equal(json_object_get(file, "path"), path)) return true;
    return false;
}

/* Adds the file NAME, which no report mentions, as large as it is now. */
static void add_silent(const struct work_place *place, const char *name, json_t *list)
{
    json_t *path = cli_json_string(name);
    struct stat status;
    if (!is_listed(list, path) && file_status(place, json_string_value(path), &status))
        json_array_append_new(
            list, json_pack("{s:O, s:I}", "path", path, "bytes", (json_int_t)status.st_size));
    json_decref(path);
}

json_t *work_written(const struct work_place *place, const json_t *answer)
{
    json_t *list = json_array();
    size_t i;
    const json_t *output;
    json_array_foreach(json_object_get(answer, "outputs"), i, output)
    {
        json_t *path = json_object_get(output, "path"), *bytes = json_object_get(output, "bytes");
        if (json_is_string(path) && json_is_integer(bytes))
            json_array_append_new(list, json_pack("{s:O, s:O}", "path", path, "bytes", bytes));
    }
    if (place->kind == WORK_FILE)
        add_silent(place, place->path, list);
    for (i = 0; i < place->sides.count; i++)
        add_silent(place, place->sides.names[i], list);
    return list;
}

bool work_is_there(const struct work_place *place, const json_t *written)
{
    size_t i;
    const json_t *file;
    struct stat status;
    if (!json_is_array(written))
        return false;
    json_array_foreach(written, i, file)
    {
        const char *path = json_string_value(json_object_get(file, "path"));
        const json_t *bytes = json_object_get(file, "bytes");
        if (path == NULL || !file_status(place, path, &status) ||
            (json_int_t)status.st_size != json_integer_value(bytes))
            return false;
    }
    return true;
}

json_t *work_names(const struct work_files *files)
{
    json_t *names = json_array();
    for (size_t i = 0; i < files->count; i++)
        json_array_append_new(names, cli_json_string(files->names[i]));
    return names;
}
