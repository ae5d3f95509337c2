/* SPDX-License-Identifier: MIT */
#include "proc/journal_index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/journal_lines.h"

/* A job. Half of its hash is enough to find it: the line has all of it. */
struct journal_entry {
    uint8_t job[16];
    uint64_t offset;
    uint32_t length; /* 0: a free place */
    uint32_t number;
};

static struct journal_entry *place_of(const struct journal_index *index, const struct hash *job)
{
    uint64_t start;
    memcpy(&start, job->bytes, sizeof start);
    size_t at = (size_t)start & (index->capacity - 1);
    while (index->entries[at].length != 0 &&
           memcmp(index->entries[at].job, job->bytes, sizeof index->entries[at].job) != 0)
        at = (at + 1) & (index->capacity - 1);
    return &index->entries[at];
}

static bool grow(struct journal_index *index)
{
    struct journal_index larger = {.capacity = index->capacity == 0 ? 1024 : index->capacity * 2};
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    for (size_t i = 0; i < index->capacity; i++) {
        struct hash job = {{0}};
        memcpy(job.bytes, index->entries[i].job, sizeof index->entries[i].job);
        if (index->entries[i].length != 0)
            *place_of(&larger, &job) = index->entries[i];
    }
    free(index->entries);
    index->entries = larger.entries;
    index->capacity = larger.capacity;
    return true;
}

bool journal_index_put(struct journal_index *index, const struct hash *job, uint32_t number,
                       uint64_t offset, size_t length)
{
    if ((index->count + 1) * 4 > index->capacity * 3 && !grow(index))
        return false;
    struct journal_entry *entry = place_of(index, job);
    index->count += entry->length == 0;
    *entry = (struct journal_entry){.offset = offset, .length = (uint32_t)length, .number = number};
    memcpy(entry->job, job->bytes, sizeof entry->job);
    return true;
}

bool journal_index_name(struct journal_index *index, const char *name, uint32_t *number)
{
    char **names = realloc(index->names, (index->name_count + 1) * sizeof *names);
    if (names == NULL)
        return false;
    index->names = names;
    names[index->name_count] = strdup(name);
    if (names[index->name_count] == NULL)
        return false;
    *number = (uint32_t)index->name_count++;
    return true;
}

/* Where the lines that are found go. */
struct keeping {
    struct journal_index *index;
    uint32_t number;
    bool keep;
};

static bool keep_line(void *context, const struct hash *job, uint64_t offset, size_t length)
{
    const struct keeping *keeping = context;
    return !keeping->keep ||
           journal_index_put(keeping->index, job, keeping->number, offset, length);
}

/* Opens a journal to be read; -1 with ERROR_NONE where there is none. */
static int open_file(const char *name, struct error *error)
{
    struct stat status;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno != ENOENT)
        error_errno(error, ERROR_CANNOT_CREATE, errno, "the journal '%s'", name);
    if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
        return fd;
    error_set(error, ERROR_USAGE, "the journal '%s' is no regular file", name);
    close(fd);
    return -1;
}

static bool read_file(struct journal_index *index, const char *name, bool keep, bool *foreign,
                      struct error *error)
{
    struct keeping keeping = {.index = index, .keep = keep};
    struct journal_scan scan;
    struct error reason = {0};
    *foreign = false;
    int fd = open_file(name, &reason);
    if (fd < 0)
        return reason.kind == ERROR_NONE || error_set(error, reason.kind, "%s", reason.message);
    bool done = journal_index_name(index, name, &keeping.number)
                    ? journal_scan(fd, &scan, keep_line, &keeping, error)
                    : error_set(error, ERROR_NO_MEMORY, "out of memory");
    close(fd);
    if (!done)
        return false;
    *foreign = scan.foreign;
    index->damaged += scan.foreign ? 0 : scan.damaged;
    return true;
}

bool journal_index_file(struct journal_index *index, const char *name, bool keep,
                        struct error *error)
{
    bool foreign;
    if (!read_file(index, name, keep, &foreign, error))
        return false;
    if (!foreign)
        return true;
    error_set(error, ERROR_USAGE, "'%s' is not a journal: nothing is written to it", name);
    return error_hint(error, "a journal has lines that begin with {\"sum\":");
}

static int is_journal_name(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), suffix = strlen(JOURNAL_SUFFIX);
    return length > suffix && strcmp(entry->d_name + length - suffix, JOURNAL_SUFFIX) == 0;
}

static bool read_entry(struct journal_index *index, const char *directory, const char *name,
                       struct error *error)
{
    char path[PATH_MAX];
    bool foreign = false;
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return error_set(error, ERROR_IO, "the name of a file in '%s' is too long", directory);
    bool done = read_file(index, path, true, &foreign, error);
    index->foreign += foreign;
    return done;
}

bool journal_index_directory(struct journal_index *index, const char *name, struct error *error)
{
    struct dirent **list = NULL;
    int count = scandir(name, &list, is_journal_name, alphasort);
    bool done = count >= 0 || error_errno(error, ERROR_IO, errno, "the journal '%s'", name);
    for (int i = 0; i < count; i++) {
        done = done && read_entry(index, name, list[i]->d_name, error);
        free(list[i]);
    }
    free(list);
    return done;
}

json_t *journal_index_find(const struct journal_index *index, const struct hash *job)
{
    const struct journal_entry *entry = index->capacity == 0 ? NULL : place_of(index, job);
    struct hash found;
    bool ok = false;
    json_t *object = NULL;
    if (entry == NULL || entry->length == 0)
        return NULL;
    int fd = open(index->names[entry->number], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *line = malloc(entry->length);
    /* Nobody has locked the file meanwhile: it is judged again. */
    if (fd >= 0 && line != NULL &&
        pread(fd, line, entry->length, (off_t)entry->offset) == (ssize_t)entry->length &&
        journal_line_read(line, entry->length, &ok, &found) && ok &&
        memcmp(&found, job, sizeof found) == 0)
        object = json_loadb(line, entry->length, 0, NULL);
    free(line);
    if (fd >= 0)
        close(fd);
    return object;
}

void journal_index_free(struct journal_index *index)
{
    for (size_t i = 0; i < index->name_count; i++)
        free(index->names[i]);
    free(index->names);
    free(index->entries);
    *index = (struct journal_index){0};
}
