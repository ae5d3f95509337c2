/* SPDX-License-Identifier: MIT */
#include "proc/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/outfile.h"
#include "base/root.h"
#include "proc/cache_entry.h"
#include "proc/cache_room.h"
#include "proc/work_key.h"

struct cache {
    char *dir;
    int dir_fd;
    uint64_t max_bytes; /* 0: no limit */
    uint64_t bytes;     /* what is in it as far as we know: others may use it, too */
    uint64_t added;     /* by us, since that was counted */
    bool unwritable;
    struct cache_counts counts;
};

bool cache_open(struct cache **opened, const char *dir, uint64_t max_bytes, struct error *error)
{
    struct cache_stats stats = {0};
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    cache->max_bytes = max_bytes;
    cache->dir_fd = cache_room_open(dir, true, error);
    cache->dir = strdup(dir);
    if (cache->dir == NULL)
        error_set(error, ERROR_NO_MEMORY, "out of memory");
    if (cache->dir == NULL || cache->dir_fd < 0 || (max_bytes > 0 && !cache_room_measure(cache->dir_fd, &stats, error))) {
        cache_close(cache);
        return false;
    }
    cache->bytes = stats.bytes;
    *opened = cache;
    return true;
}

void cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    if (cache->dir_fd >= 0)
        close(cache->dir_fd);
    free(cache->dir);
    free(cache);
}

struct cache_counts cache_counts(const struct cache *cache)
{
    return cache->counts;
}

bool cache_stat(const char *dir, struct cache_stats *stats, struct error *error)
{
    int fd = cache_room_open(dir, false, error);
    bool done = fd >= 0 && cache_room_measure(fd, stats, error);
    if (fd >= 0)
        close(fd);
    return done;
}

bool cache_prune(const char *dir, uint64_t max_bytes, struct cache_stats *removed,
                 struct cache_stats *left, struct error *error)
{
    int fd = cache_room_open(dir, false, error);
    bool done = fd >= 0 && cache_room_prune(fd, max_bytes, true, removed, left, error);
    if (fd >= 0)
        close(fd);
    return done;
}

/* ---- answering ---- */

/* True where an output may be placed at NAME: a file, and not one that the plan reads. */
static bool may_be_placed(const struct work_place *place, const char *name)
{
    struct stat target;
    if (!root_status(name, &target))
        return true;
    if (!S_ISREG(target.st_mode))
        return false;
    for (size_t i = 0; i < place->inputs.count && !place->plan->in_place; i++)
        if (root_is_same(place->inputs.names[i], &target))
            return false;
    return true;
}

static enum cache_copied open_output(const struct cache_entry *entry, size_t i,
                                     const struct work_place *place, struct outfile *output)
{
    struct text name = {0};
    const struct plan *plan = place->plan;
    bool exclusive = plan->no_clobber || work_has_flag(plan, "--no-clobber");
    bool mkdir = plan->mkdir || work_has_flag(plan, "--mkdir");
    bool opened =
        cache_entry_name(entry, i, place, &name) && may_be_placed(place, name.data) &&
        outfile_open(output, name.data,
                     (exclusive ? OUTFILE_EXCLUSIVE : 0u) | (mkdir ? OUTFILE_MKDIR : 0u), NULL);
    text_free(&name);
    return opened ? cache_entry_copy(entry, i, output->fd) : CACHE_UNWRITABLE;
}

/* Nothing becomes visible before everything is written and right. */
static enum cache_copied place_outputs(const struct cache_entry *entry,
                                       const struct work_place *place)
{
    enum cache_copied copied = CACHE_COPIED;
    size_t count = entry->file_count, opened = 0, placed = 0;
    struct outfile *outputs = calloc(count + 1, sizeof *outputs);
    if (outputs == NULL)
        return CACHE_UNWRITABLE;
    for (; copied == CACHE_COPIED && opened < count; opened++) {
        outputs[opened] = (struct outfile){.fd = -1, .dir_fd = -1};
        copied = open_output(entry, opened, place, &outputs[opened]);
    }
    for (; copied == CACHE_COPIED && placed < count; placed++)
        if (!outfile_commit(&outputs[placed], NULL))
            copied = CACHE_UNWRITABLE;
    for (size_t i = placed; i < opened; i++)
        outfile_discard(&outputs[i]);
    free(outputs);
    return copied;
}

static void mark_used(int fd)
{
    struct timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[1] = times[0];
    futimens(fd, times);
}

static json_t *answer_from(struct cache *cache, const struct cache_entry *entry,
                           const struct plan *plan, bool *damaged)
{
    struct work_place place;
    json_t *answer = NULL;
    if (!work_place(&place, plan, NULL))
        return NULL;
    enum cache_copied copied = place_outputs(entry, &place);
    *damaged = copied == CACHE_DAMAGED;
    if (copied == CACHE_COPIED)
        answer = cache_entry_answer(entry, &place);
    if (answer != NULL) {
        mark_used(entry->fd);
        cache->counts.hits++;
    }
    work_place_free(&place);
    return answer;
}

json_t *cache_get(struct cache *cache, const char *key, const struct plan *plan)
{
    char name[CACHE_NAME];
    struct cache_entry entry;
    json_t *answer = NULL;
    cache_room_name(key, name);
    int fd = openat(cache->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool damaged = fd >= 0 && !cache_entry_read(&entry, fd, key);
    if (fd >= 0 && !damaged) {
        answer = answer_from(cache, &entry, plan, &damaged);
        cache_entry_free(&entry);
    }
    if (damaged) {
        unlinkat(cache->dir_fd, name, 0);
        cache->counts.damaged++;
    }
    if (answer == NULL)
        cache->counts.misses++;
    if (fd >= 0)
        close(fd);
    return answer;
}

/* ---- storing ---- */

/* An unnamed file in the part of the cache where NAME belongs, or a named one where the file system
 * has none, whose name is then TEMPORARY. */
static int open_temporary(const struct cache *cache, const char *name, char temporary[64])
{
    char part[3] = {name[0], name[1], '\0'};
    struct timespec now;
    temporary[0] = '\0';
    if (mkdirat(cache->dir_fd, part, 0777) != 0 && errno != EEXIST)
        return -1;
    int fd = openat(cache->dir_fd, part, O_TMPFILE | O_RDWR | O_CLOEXEC, 0444);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(temporary, 64, "%s/.tmp-%ld-%lx", part, (long)getpid(), (unsigned long)now.tv_nsec);
    return openat(cache->dir_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
}

/* Gives the entry its name; where another process was first, its entry stays. */
static bool publish(const struct cache *cache, int fd, const char *temporary, const char *name)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    mark_used(fd);
    if (temporary[0] != '\0')
        return renameat(cache->dir_fd, temporary, cache->dir_fd, name) == 0;
    return linkat(fd, "", cache->dir_fd, name, AT_EMPTY_PATH) == 0 || errno == EEXIST ||
           linkat(AT_FDCWD, self, cache->dir_fd, name, AT_SYMLINK_FOLLOW) == 0 || errno == EEXIST;
}

/* Some room beyond what is needed, so that not every entry means counting them all. */
static void make_room(struct cache *cache)
{
    struct cache_stats removed, left;
    bool often = cache->added > cache->max_bytes / 8; /* others add, too */
    if (cache->max_bytes == 0 || (cache->bytes <= cache->max_bytes && !often))
        return;
    uint64_t wanted = cache->max_bytes - cache->max_bytes / 10;
    if (cache->bytes <= cache->max_bytes && cache_room_measure(cache->dir_fd, &left, NULL) &&
        left.bytes <= cache->max_bytes) {
        cache->bytes = left.bytes;
    } else if (cache_room_prune(cache->dir_fd, wanted, false, &removed, &left, NULL)) {
        cache->bytes = left.bytes;
        cache->counts.removed += removed.entries;
    }
    cache->added = 0;
}

static enum cache_written write_entry(struct cache *cache, const char *key,
                                      const struct work_place *place, const json_t *answer,
                                      struct error *error)
{
    char name[CACHE_NAME], temporary[64], after[HASH_HEX];
    struct stat status;
    cache_room_name(key, name);
    if (faccessat(cache->dir_fd, name, F_OK, 0) == 0)
        return CACHE_NO_USE;
    int fd = open_temporary(cache, name, temporary);
    if (fd < 0) {
        error_errno(error, ERROR_CANNOT_CREATE, errno, "the cache cannot be written");
        return CACHE_FULL;
    }
    enum cache_written written = cache_entry_write(fd, key, place, answer, error);
    /* An input that changed while the job ran may have given another answer than the key says. */
    if (written == CACHE_WRITTEN &&
        (!work_key(place->plan, after, NULL) || strcmp(key, after) != 0))
        written = CACHE_NO_USE;
    uint64_t bytes = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    if (cache->max_bytes > 0 && bytes > cache->max_bytes)
        written = CACHE_NO_USE;
    if (written == CACHE_WRITTEN && !publish(cache, fd, temporary, name)) {
        error_errno(error, ERROR_CANNOT_CREATE, errno, "the cache cannot be written");
        written = CACHE_FULL;
    }
    if (written == CACHE_WRITTEN) {
        cache->counts.stored++;
        cache->bytes += bytes;
        cache->added += bytes;
    } else if (temporary[0] != '\0') {
        unlinkat(cache->dir_fd, temporary, 0);
    }
    close(fd);
    return written;
}

bool cache_put(struct cache *cache, const char *key, const struct plan *plan, const json_t *answer,
               struct error *error)
{
    struct work_place place;
    enum cache_written written = CACHE_NO_USE;
    if (cache->unwritable || plan->dry_run || work_in_place(plan) ||
        !json_is_true(json_object_get(answer, "ok")) || !work_place(&place, plan, NULL))
        return true;
    if (place.sides.count == 0)
        written = write_entry(cache, key, &place, answer, error);
    work_place_free(&place);
    if (written == CACHE_WRITTEN)
        make_room(cache);
    if (written != CACHE_FULL)
        return true;
    cache->unwritable = true;
    if (error != NULL && error->file[0] == '\0')
        snprintf(error->file, sizeof error->file, "%s", cache->dir);
    return false;
}
