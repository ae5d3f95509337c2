/* SPDX-License-Identifier: MIT */
#include "proc/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/report.h"
#include "proc/journal_index.h"
#include "proc/journal_lines.h"
#include "proc/work_key.h"
#include "proc/work_result.h"

struct journal {
    struct journal_index index;
    bool resume;
    int fd;             /* the file that is written */
    uint32_t number;    /* of it in the index */
    char own[PATH_MAX]; /* its name where nobody else writes to it; else empty */
    bool unsynced;
    char warning[200];
};

static bool cannot_write(const struct journal *journal, struct error *error)
{
    error_errno(error, ERROR_IO, errno, "the journal cannot be written");
    if (error != NULL && error->file[0] == '\0')
        snprintf(error->file, sizeof error->file, "%s", journal->index.names[journal->number]);
    return false;
}

static bool open_shared(struct journal *journal, const char *path, struct error *error)
{
    struct stat status;
    journal->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (journal->fd < 0)
        return error_errno(error, ERROR_CANNOT_CREATE, errno, "the journal '%s'", path);
    return (fstat(journal->fd, &status) == 0 && S_ISREG(status.st_mode)) ||
           error_set(error, ERROR_USAGE, "the journal '%s' is no regular file", path);
}

/* A file that no other process has, on whatever machine shares the directory. */
static bool open_own(struct journal *journal, const char *directory, struct error *error)
{
    char host[64] = "";
    struct timespec now;
    if (gethostname(host, sizeof host - 1) != 0 || strchr(host, '/') != NULL)
        snprintf(host, sizeof host, "host");
    for (int attempt = 0; attempt < 100 && journal->fd < 0; attempt++) {
        clock_gettime(CLOCK_REALTIME, &now);
        long long stamp = (long long)now.tv_sec * 1000000000 + now.tv_nsec;
        if (snprintf(journal->own, sizeof journal->own, "%s/%s-%ld-%llx" JOURNAL_SUFFIX, directory,
                     host, (long)getpid(), stamp) >= (int)sizeof journal->own)
            return error_set(error, ERROR_CANNOT_CREATE, "the name of the journal is too long");
        journal->fd = open(journal->own, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (journal->fd < 0 && errno != EEXIST)
            break;
    }
    if (journal->fd >= 0)
        return true;
    journal->own[0] = '\0';
    return error_errno(error, ERROR_CANNOT_CREATE, errno, "a file in the journal '%s'", directory);
}

static bool is_directory(const char *path)
{
    struct stat status;
    size_t length = strlen(path);
    if (length > 0 && path[length - 1] == '/')
        mkdir(path, 0777); /* where that fails, so does creating a file in it */
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void note_damage(struct journal *journal, const char *path)
{
    char shown[80];
    const struct journal_index *index = &journal->index;
    if (!journal->resume)
        return;
    if (index->damaged > 0)
        snprintf(journal->warning, sizeof journal->warning,
                 "%s: %llu damaged lines are skipped: their jobs are done again",
                 text_mask(path, shown, sizeof shown), (unsigned long long)index->damaged);
    else if (index->foreign > 0)
        snprintf(journal->warning, sizeof journal->warning,
                 "%s: %u files that are no journals are skipped",
                 text_mask(path, shown, sizeof shown), index->foreign);
}

static bool open_both(struct journal *journal, const char *path, struct error *error)
{
    struct journal_index *index = &journal->index;
    if (is_directory(path))
        return (!journal->resume || journal_index_directory(index, path, error)) &&
               open_own(journal, path, error);
    /* It is read in any case, so that nothing but a journal is ever written to. */
    return journal_index_file(index, path, journal->resume, error) &&
           open_shared(journal, path, error);
}

bool journal_open(struct journal **opened, const char *path, bool resume, struct error *error)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    journal->fd = -1;
    journal->resume = resume;
    bool done = open_both(journal, path, error) &&
                (journal_index_name(&journal->index, journal->own[0] == '\0' ? path : journal->own,
                                    &journal->number) ||
                 error_set(error, ERROR_NO_MEMORY, "out of memory"));
    if (done) {
        note_damage(journal, path);
        *opened = journal;
        return true;
    }
    journal_close(journal, NULL);
    return false;
}

const char *journal_warning(const struct journal *journal)
{
    return journal->warning[0] == '\0' ? NULL : journal->warning;
}

size_t journal_count(const struct journal *journal)
{
    return journal->index.count;
}

json_t *journal_find(const struct journal *journal, const char *key, const struct plan *plan)
{
    struct work_place place;
    struct hash job;
    json_t *answer = NULL;
    if (!journal->resume || !work_place(&place, plan, NULL))
        return NULL;
    work_job(&place, key, &job);
    json_t *line = journal_index_find(&journal->index, &job);
    if (work_is_there(&place, json_object_get(line, "written")))
        answer = json_incref(json_object_get(line, "answer"));
    json_decref(line);
    work_place_free(&place);
    return answer;
}

/* ---- writing ---- */

/* Locks the file for the moment of writing; but not for ever, as anybody may lock it. */
static bool lock(int fd)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < 1000; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* Writes LINES behind what is there, or nothing. The lock is for other processes on the same file;
 * without one O_APPEND alone keeps whole lines whole. *OFFSET is where they are. */
static bool append(struct journal *journal, const struct text *lines, uint64_t *offset,
                   struct error *error)
{
    struct stat status;
    char last = '\n';
    bool locked = lock(journal->fd), done = false;
    struct text whole = {0};
    if (fstat(journal->fd, &status) == 0 &&
        (status.st_size == 0 || pread(journal->fd, &last, 1, status.st_size - 1) == 1)) {
        /* Somebody was killed while writing. */
        if (last != '\n')
            text_add(&whole, "\n");
        *offset = (uint64_t)status.st_size + whole.length;
        text_add_bytes(&whole, lines->data, lines->length);
        errno = ENOMEM;
        ssize_t count = whole.failed ? -1 : write(journal->fd, whole.data, whole.length);
        done = count == (ssize_t)whole.length;
        int reason = count < 0 ? errno : ENOSPC;
        if (!done && count > 0 && locked && ftruncate(journal->fd, status.st_size) != 0)
            reason = errno;
        errno = reason;
    }
    if (!done)
        cannot_write(journal, error);
    if (locked)
        flock(journal->fd, LOCK_UN);
    text_free(&whole);
    return done;
}

static json_t *line_fields(const struct work_place *place, const char *key, const char *id,
                           const json_t *answer)
{
    char moment[40];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_pack("{s:o, s:s, s:s, s:o, s:O}", "id", cli_json_string(id), "key", key, "time",
                     moment, "written", work_written(place, answer), "answer", answer);
}

/* The line of the job; and where its input is replaced, the same again for what is the input now,
 * or it would be done to its own result. */
static bool make_lines(const struct work_place *place, const char *key, const char *id,
                       const json_t *answer, struct text *lines)
{
    char after[HASH_HEX];
    struct hash job;
    bool ok = json_is_true(json_object_get(answer, "ok"));
    json_t *fields = line_fields(place, key, id, answer);
    work_job(place, key, &job);
    bool done = fields != NULL && journal_line_add(lines, ok, &job, fields);
    if (done && ok && work_in_place(place->plan) && work_key(place->plan, after, NULL)) {
        work_job(place, after, &job);
        done = journal_line_add(lines, ok, &job, fields);
    }
    json_decref(fields);
    return done;
}

/* LINES, which stand at OFFSET now, count from here on. */
static void take_note(struct journal *journal, const struct text *lines, uint64_t offset)
{
    const char *end;
    for (size_t at = 0; at < lines->length; at = (size_t)(end - lines->data) + 1) {
        struct hash job;
        bool ok = false;
        const char *line = lines->data + at;
        end = strchr(line, '\n');
        if (journal_line_read(line, (size_t)(end - line), &ok, &job) && ok)
            journal_index_put(&journal->index, &job, journal->number, offset + at,
                              (size_t)(end - line));
    }
}

bool journal_add(struct journal *journal, const char *key, const char *id, const struct plan *plan,
                 const json_t *answer, struct error *error)
{
    struct work_place place;
    struct text lines = {0};
    uint64_t offset;
    if (!work_place(&place, plan, error))
        return false;
    bool done = make_lines(&place, key, id, answer, &lines) ||
                error_set(error, ERROR_NO_MEMORY, "out of memory");
    work_place_free(&place);
    done = done && append(journal, &lines, &offset, error);
    if (done && journal->resume)
        take_note(journal, &lines, offset);
    text_free(&lines);
    journal->unsynced = journal->unsynced || done;
    return done;
}

bool journal_sync(struct journal *journal, struct error *error)
{
    bool unsynced = journal->unsynced;
    journal->unsynced = false;
    return !unsynced || fdatasync(journal->fd) == 0 || cannot_write(journal, error);
}

bool journal_close(struct journal *journal, struct error *error)
{
    struct stat status;
    if (journal == NULL)
        return true;
    bool done = journal_sync(journal, error);
    if (journal->own[0] != '\0' && fstat(journal->fd, &status) == 0 && status.st_size == 0)
        unlink(journal->own);
    if (journal->fd >= 0)
        close(journal->fd);
    journal_index_free(&journal->index);
    free(journal);
    return done;
}
