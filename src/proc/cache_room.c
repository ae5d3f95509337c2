/* SPDX-License-Identifier: MIT */
#include "proc/cache_room.h"

#include <dirent.h>
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

#define ROOM_NAME "imgtool-cache-1"

enum { LEFT_OVER_S = 3600 }; /* a temporary older than that has lost its process */

/* What programs that make backups look for (the Cache Directory Tagging Specification). */
static const char tag_text[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                               "# A cache of imgtool; 'imgtool cache clear' empties it.\n";

struct item {
    struct hash key;
    uint64_t bytes;
    struct timespec used;
};

struct items {
    struct item *list;
    size_t count, capacity;
};

static void write_tag(int dir_fd)
{
    int fd = openat(dir_fd, "CACHEDIR.TAG", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    if (write(fd, tag_text, sizeof tag_text - 1) < 0)
        unlinkat(dir_fd, "CACHEDIR.TAG", 0);
    close(fd);
}

int cache_room_open(const char *dir, bool make, struct error *error)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, ROOM_NAME) >= (int)sizeof path) {
        error_set(error, ERROR_CANNOT_CREATE, "the name of the cache is too long");
        return -1;
    }
    if (make && ((mkdir(dir, 0700) != 0 && errno != EEXIST) ||
                 (mkdir(path, 0700) != 0 && errno != EEXIST))) {
        error_errno(error, ERROR_CANNOT_CREATE, errno, "the cache '%s'", dir);
        return -1;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && !make && errno == ENOENT)
        error_set(error, ERROR_NO_INPUT, "there is no cache in '%s'", dir);
    else if (fd < 0)
        error_errno(error, ERROR_CANNOT_CREATE, errno, "the cache '%s'", dir);
    else if (make)
        write_tag(fd);
    return fd;
}

void cache_room_name(const char *key, char name[CACHE_NAME])
{
    snprintf(name, CACHE_NAME, "%.2s/%.62s", key, key + 2);
}

/* ---- listing ---- */

static bool add_item(struct items *items, const struct item *item)
{
    if (items->count == items->capacity) {
        size_t capacity = items->capacity == 0 ? 256 : items->capacity * 2;
        struct item *list = reallocarray(items->list, capacity, sizeof *list);
        if (list == NULL)
            return false;
        items->list = list;
        items->capacity = capacity;
    }
    items->list[items->count++] = *item;
    return true;
}

/* Takes the entry NAME of the part ("ab"), or clears away a temporary that was left over. */
static bool take_file(int fd, const char *part, const char *name, struct items *items)
{
    char key[HASH_HEX + NAME_MAX];
    struct item item;
    struct stat status;
    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return true;
    if (strncmp(name, ".tmp-", 5) == 0 && status.st_mtime + LEFT_OVER_S < time(NULL))
        unlinkat(fd, name, 0);
    snprintf(key, sizeof key, "%s%s", part, name);
    if (strlen(key) != HASH_HEX - 1 || !hash_from_hex(key, &item.key))
        return true;
    item.bytes = (uint64_t)status.st_size;
    item.used = status.st_mtim;
    return add_item(items, &item);
}

static bool take_part(int dir_fd, const char *part, struct items *items)
{
    int fd = openat(dir_fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    bool done = true;
    const struct dirent *entry;
    if (directory == NULL) {
        if (fd >= 0)
            close(fd);
        return true;
    }
    while (done && (entry = readdir(directory)) != NULL)
        done = take_file(fd, part, entry->d_name, items);
    closedir(directory);
    return done;
}

static bool list_items(int dir_fd, struct items *items, struct error *error)
{
    for (unsigned i = 0; i < 256; i++) {
        char part[3];
        snprintf(part, sizeof part, "%02x", i);
        if (!take_part(dir_fd, part, items))
            return error_set(error, ERROR_NO_MEMORY, "out of memory");
    }
    return true;
}

static void count_item(struct cache_stats *stats, const struct item *item)
{
    int64_t used = item->used.tv_sec;
    stats->oldest = stats->entries == 0 || used < stats->oldest ? used : stats->oldest;
    stats->newest = stats->entries == 0 || used > stats->newest ? used : stats->newest;
    stats->entries++;
    stats->bytes += item->bytes;
}

bool cache_room_measure(int dir_fd, struct cache_stats *stats, struct error *error)
{
    struct items items = {0};
    *stats = (struct cache_stats){0};
    bool done = list_items(dir_fd, &items, error);
    for (size_t i = 0; done && i < items.count; i++)
        count_item(stats, &items.list[i]);
    free(items.list);
    return done;
}

/* ---- removing ---- */

static int compare_use(const void *a, const void *b)
{
    const struct item *one = a, *two = b;
    if (one->used.tv_sec != two->used.tv_sec)
        return one->used.tv_sec < two->used.tv_sec ? -1 : 1;
    if (one->used.tv_nsec != two->used.tv_nsec)
        return one->used.tv_nsec < two->used.tv_nsec ? -1 : 1;
    return memcmp(&one->key, &two->key, sizeof one->key);
}

/* True where the entry is gone after; one that was used meanwhile stays. */
static bool remove_item(int dir_fd, const struct item *item)
{
    char key[HASH_HEX], name[CACHE_NAME];
    struct stat status;
    hash_hex(&item->key, key);
    cache_room_name(key, name);
    if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    return status.st_mtim.tv_sec == item->used.tv_sec &&
           status.st_mtim.tv_nsec == item->used.tv_nsec && unlinkat(dir_fd, name, 0) == 0;
}

static void remove_oldest(int dir_fd, struct items *items, uint64_t max_bytes,
                          struct cache_stats *removed, struct cache_stats *left)
{
    uint64_t total = 0;
    for (size_t i = 0; i < items->count; i++)
        total += items->list[i].bytes;
    if (items->count > 0)
        qsort(items->list, items->count, sizeof *items->list, compare_use);
    for (size_t i = 0; i < items->count; i++) {
        const struct item *item = &items->list[i];
        bool gone = total > max_bytes && remove_item(dir_fd, item);
        count_item(gone ? removed : left, item);
        total -= gone ? item->bytes : 0;
    }
}

bool cache_room_prune(int dir_fd, uint64_t max_bytes, bool wait, struct cache_stats *removed,
                      struct cache_stats *left, struct error *error)
{
    struct items items = {0};
    *removed = *left = (struct cache_stats){0};
    /* One at a time, or two would each remove half of what both count. */
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool busy = fd >= 0 && flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) != 0 && errno == EWOULDBLOCK;
    bool done = list_items(dir_fd, &items, error);
    if (done)
        remove_oldest(dir_fd, &items, busy ? UINT64_MAX : max_bytes, removed, left);
    if (fd >= 0)
        close(fd);
    free(items.list);
    return done;
}
