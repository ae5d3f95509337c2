/* SPDX-License-Identifier: MIT */
/* Entries that are read. */
#include "proc/cache_entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"
#include "proc/cache_copy.h"
#include "proc/work_result.h"

static bool read_all(int fd, char *data, size_t length, uint64_t offset)
{
    while (length > 0) {
        ssize_t count = pread(fd, data, length, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        data += count;
        offset += (uint64_t)count;
        length -= (size_t)count;
    }
    return true;
}

/* The last line: where the header is, and its hash. */
static bool read_trailer(struct cache_entry *entry, struct hash *hash, size_t *length)
{
    char line[CACHE_TRAILER_BYTES + 1], again[CACHE_TRAILER_BYTES + 1], hex[HASH_HEX];
    struct stat status;
    if (fstat(entry->fd, &status) != 0 || status.st_size < CACHE_TRAILER_BYTES)
        return false;
    entry->bytes = (uint64_t)status.st_size;
    if (!read_all(entry->fd, line, CACHE_TRAILER_BYTES, entry->bytes - CACHE_TRAILER_BYTES))
        return false;
    line[CACHE_TRAILER_BYTES] = '\0';
    if (!hash_from_hex(line + sizeof CACHE_TRAILER - 1, hash))
        return false;
    *length = (size_t)strtoul(line + sizeof CACHE_TRAILER - 1 + HASH_HEX, NULL, 10);
    hash_hex(hash, hex);
    snprintf(again, sizeof again, CACHE_TRAILER "%s %010zu\n", hex, *length);
    return strcmp(line, again) == 0 && *length <= CACHE_MOST_HEADER &&
           *length <= entry->bytes - CACHE_TRAILER_BYTES;
}

static json_t *read_header(struct cache_entry *entry)
{
    struct hash_state state;
    struct hash expected, found;
    size_t length;
    json_t *header = NULL;
    if (!read_trailer(entry, &expected, &length))
        return NULL;
    char *data = malloc(length + 1);
    if (data != NULL &&
        read_all(entry->fd, data, length, entry->bytes - CACHE_TRAILER_BYTES - length)) {
        hash_begin(&state);
        hash_add(&state, data, length);
        hash_end(&state, &found);
        if (memcmp(&expected, &found, sizeof found) == 0)
            header = json_loadb(data, length, 0, NULL);
    }
    free(data);
    return header;
}

bool cache_entry_read(struct cache_entry *entry, int fd, const char *key)
{
    *entry = (struct cache_entry){.fd = fd};
    entry->header = read_header(entry);
    entry->file_count = json_array_size(json_object_get(entry->header, "files"));
    const char *found = json_string_value(json_object_get(entry->header, "key"));
    if (found != NULL && strcmp(found, key) == 0 && entry->file_count <= CACHE_MOST_FILES)
        return true;
    cache_entry_free(entry);
    return false;
}

void cache_entry_free(struct cache_entry *entry)
{
    json_decref(entry->header);
    *entry = (struct cache_entry){.fd = -1};
}

static const json_t *file_of(const struct cache_entry *entry, size_t i)
{
    return json_array_get(json_object_get(entry->header, "files"), i);
}

/* How JSON spells the name of file I where the outputs go to PLACE. */
static json_t *reported_name(const struct cache_entry *entry, size_t i,
                             const struct work_place *place)
{
    const char *then = json_string_value(json_object_get(entry->header, "place"));
    const char *path = json_string_value(json_object_get(file_of(entry, i), "path"));
    if (then == NULL || path == NULL || strncmp(path, then, strlen(then)) != 0)
        return NULL;
    json_t *now = cli_json_string(place->path);
    json_t *name = json_sprintf("%s%s", json_string_value(now), path + strlen(then));
    json_decref(now);
    return name;
}

bool cache_entry_name(const struct cache_entry *entry, size_t i, const struct work_place *place,
                      struct text *name)
{
    json_t *reported = place->kind == WORK_UNNAMED ? NULL : reported_name(entry, i, place);
    bool done = reported != NULL && work_real_name(place, json_string_value(reported), name);
    json_decref(reported);
    return done && name->data != NULL;
}

enum cache_copied cache_entry_copy(const struct cache_entry *entry, size_t i, int fd)
{
    const json_t *file = file_of(entry, i);
    const char *hex = json_string_value(json_object_get(file, "sha256"));
    json_int_t bytes = json_integer_value(json_object_get(file, "bytes"));
    json_int_t offset = json_integer_value(json_object_get(file, "offset"));
    struct hash hash;
    char found[HASH_HEX];
    if (hex == NULL || bytes < 0 || offset < 0)
        return CACHE_DAMAGED;
    struct cache_range from = {entry->fd, (uint64_t)offset}, to = {fd, 0};
    enum cache_copy_end end = cache_copy(from, to, (uint64_t)bytes, &hash);
    if (end != CACHE_COPY_DONE)
        return end == CACHE_COPY_UNREADABLE ? CACHE_DAMAGED : CACHE_UNWRITABLE;
    hash_hex(&hash, found);
    return strcmp(hex, found) == 0 ? CACHE_COPIED : CACHE_DAMAGED;
}

/* Puts NOW[i] for THEN[i] wherever VALUE, and what is in it, names a file. */
static void rename_files(json_t *value, const json_t *then, const json_t *now)
{
    const char *name;
    json_t *part;
    size_t i;
    json_object_foreach(value, name, part)
    {
        bool names =
            json_is_string(part) && (strcmp(name, "path") == 0 || strcmp(name, "file") == 0);
        for (i = 0; names && i < json_array_size(then); i++)
            if (json_equal(part, json_array_get(then, i))) {
                json_string_set(part, json_string_value(json_array_get(now, i)));
                break;
            }
        rename_files(part, then, now);
    }
    json_array_foreach(value, i, part) rename_files(part, then, now);
}

json_t *cache_entry_answer(const struct cache_entry *entry, const struct work_place *place)
{
    json_t *answer = json_deep_copy(json_object_get(entry->header, "answer"));
    json_t *then = json_copy(json_object_get(entry->header, "inputs"));
    json_t *now = work_names(&place->inputs);
    for (size_t i = 0; i < entry->file_count; i++) {
        json_array_append(then, json_object_get(file_of(entry, i), "path"));
        json_array_append_new(now, reported_name(entry, i, place));
    }
    if (json_array_size(then) == json_array_size(now))
        rename_files(answer, then, now);
    json_decref(then);
    json_decref(now);
    return answer;
}
