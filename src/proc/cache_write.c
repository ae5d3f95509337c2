/* SPDX-License-Identifier: MIT */
/* Entries that are written. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/root.h"
#include "cli/report.h"
#include "proc/cache_copy.h"
#include "proc/cache_entry.h"
#include "proc/work_result.h"

static enum cache_written cannot_write(struct error *error)
{
    error_errno(error, ERROR_IO, errno, "the cache cannot be written");
    return CACHE_FULL;
}

/* The regular file that the report spells so, to be read; -1 where there is none. */
static int open_output(const struct work_place *place, const char *reported, int64_t bytes)
{
    struct text name = {0};
    struct stat status;
    int fd = -1;
    if (work_real_name(place, reported, &name) && name.data != NULL)
        fd = root_open(name.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    text_free(&name);
    if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == bytes))
        return fd;
    close(fd);
    return -1;
}

/* Stores the file that DESCRIPTION says was written, from *OFFSET on. */
static enum cache_written write_file(int fd, const struct work_place *place, json_t *description,
                                     uint64_t *offset, struct error *error)
{
    const char *reported = json_string_value(json_object_get(description, "path"));
    json_int_t bytes = json_integer_value(json_object_get(description, "bytes"));
    int output = open_output(place, reported, bytes);
    struct hash hash;
    char hex[HASH_HEX];
    if (output < 0)
        return CACHE_NO_USE;
    struct cache_range from = {output, 0}, to = {fd, *offset};
    enum cache_copy_end end = cache_copy(from, to, (uint64_t)bytes, &hash);
    int reason = errno;
    close(output);
    errno = reason;
    if (end != CACHE_COPY_DONE)
        return end == CACHE_COPY_UNREADABLE ? CACHE_NO_USE : cannot_write(error);
    hash_hex(&hash, hex);
    json_object_set_new(description, "sha256", json_string(hex));
    json_object_set_new(description, "offset", json_integer((json_int_t)*offset));
    *offset = cache_align(*offset + (uint64_t)bytes);
    return CACHE_WRITTEN;
}

static bool write_all(int fd, const char *data, size_t length, uint64_t offset)
{
    while (length > 0) {
        ssize_t count = pwrite(fd, data, length, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        data += count;
        offset += (uint64_t)count;
        length -= (size_t)count;
    }
    return true;
}

static enum cache_written write_header(int fd, const json_t *header, uint64_t offset,
                                       struct error *error)
{
    struct hash_state state;
    struct hash hash;
    struct text text = {0};
    char hex[HASH_HEX];
    char *dumped = json_dumps(header, JSON_COMPACT | JSON_REAL_PRECISION(15));
    size_t length = dumped == NULL ? 0 : strlen(dumped);
    enum cache_written written = CACHE_NO_USE;
    if (length > 0 && length <= CACHE_MOST_HEADER) {
        hash_begin(&state);
        hash_add(&state, dumped, length);
        hash_end(&state, &hash);
        hash_hex(&hash, hex);
        text_add_bytes(&text, dumped, length);
        text_printf(&text, CACHE_TRAILER "%s %010zu\n", hex, length);
        if (!text.failed)
            written =
                write_all(fd, text.data, text.length, offset) ? CACHE_WRITTEN : cannot_write(error);
    }
    text_free(&text);
    free(dumped);
    return written;
}

/* The outputs that can be found again: all of them lie in the place where they belong. */
static bool are_placed(const struct work_place *place, const json_t *files)
{
    size_t i;
    const json_t *file;
    json_t *where = cli_json_string(place->path);
    bool placed = json_array_size(files) <= CACHE_MOST_FILES;
    if (place->kind == WORK_UNNAMED)
        placed = json_array_size(files) == 0;
    if (place->kind == WORK_FILE)
        placed = json_array_size(files) == 1;
    json_array_foreach(files, i, file)
    {
        const char *path = json_string_value(json_object_get(file, "path"));
        placed = placed &&
                 strncmp(path, json_string_value(where), json_string_length(where)) == 0 &&
                 (place->kind != WORK_FILE || path[json_string_length(where)] == '\0');
    }
    json_decref(where);
    return placed;
}

enum cache_written cache_entry_write(int fd, const char *key, const struct work_place *place,
                                     const json_t *answer, struct error *error)
{
    json_t *files = work_written(place, answer), *file;
    enum cache_written written = are_placed(place, files) ? CACHE_WRITTEN : CACHE_NO_USE;
    uint64_t offset = 0;
    size_t i;
    json_array_foreach(files, i, file) if (written == CACHE_WRITTEN) written =
        write_file(fd, place, file, &offset, error);
    json_t *header =
        json_pack("{s:s, s:o, s:o, s:o, s:O}", "key", key, "inputs", work_names(&place->inputs),
                  "place", cli_json_string(place->path), "files", files, "answer", answer);
    if (written == CACHE_WRITTEN)
        written = write_header(fd, header, offset, error);
    json_decref(header);
    return written;
}
