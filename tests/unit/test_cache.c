/* SPDX-License-Identifier: MIT */
/* The cache: what it gives back, what it does not believe, and what goes first. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/cache.h"
#include "proc/work_key.h"
#include "tap.h"

static void make_file(const char *name, const char *content)
{
    FILE *file = fopen(name, "w");
    if (file == NULL || fputs(content, file) < 0 || fclose(file) != 0)
        printf("# %s: %s\n", name, strerror(errno));
}

static bool file_is(const char *name, const char *content)
{
    char found[1000] = "";
    FILE *file = fopen(name, "r");
    size_t count = file == NULL ? 0 : fread(found, 1, sizeof found - 1, file);
    if (file != NULL)
        fclose(file);
    return file != NULL && count == strlen(content) && strcmp(found, content) == 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static int files;

static int count_file(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)path, (void)status, (void)walk;
    files += type == FTW_F;
    return 0;
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A plan of one stage with up to four words. */
struct work {
    struct plan plan;
    char *words[6];
    char key[HASH_HEX];
};

static void make_work(struct work *work, const char *input, const char *output, const char *one,
                      const char *two)
{
    static char crop[] = "crop";
    int count = 1 + (one != NULL) + (two != NULL);
    *work = (struct work){.words = {crop, (char *)one, (char *)two}};
    work->plan = (struct plan){.input = input, .output = output, .no_stdin = true};
    plan_parse_stages(&work->plan, work->words, count, NULL);
    if (!work_key(&work->plan, work->key, NULL))
        printf("# no key\n");
}

/* What a job answers that has read INPUT and written those files. */
static json_t *make_answer(const char *input, const char *output, const char *second)
{
    json_t *outputs = json_array();
    struct stat status;
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? output : second;
        if (name != NULL && stat(name, &status) == 0)
            json_array_append_new(outputs, json_pack("{s:s, s:I, s:i}", "path", name, "bytes",
                                                     (json_int_t)status.st_size, "width", 80));
    }
    return json_pack("{s:s, s:b, s:f, s:o, s:{s:{s:s}}}", "id", "a", "ok", 1, "elapsed_ms", 41.3,
                     "outputs", outputs, "result", "input", "path", input);
}

static struct cache *open_cache(uint64_t max_bytes)
{
    struct cache *cache = NULL;
    struct error error = {0};
    if (!cache_open(&cache, "cache", max_bytes, &error))
        printf("# %s\n", error.message);
    return cache;
}

/* Puts what a job that wrote CONTENT to OUTPUT answered. */
static bool put(struct cache *cache, const struct work *work, const char *content)
{
    const char *output = work->plan.output;
    struct error error = {0};
    make_file(output, content);
    json_t *answer = make_answer(work->plan.input, output, NULL);
    bool done = cache_put(cache, work->key, &work->plan, answer, &error);
    if (!done)
        printf("# %s\n", error.message);
    json_decref(answer);
    return done;
}

static bool get(struct cache *cache, const struct work *work)
{
    json_t *answer = cache_get(cache, work->key, &work->plan);
    json_decref(answer);
    return answer != NULL;
}

static uint64_t entry_count(void)
{
    struct cache_stats stats = {0};
    cache_stat("cache", &stats, NULL);
    return stats.entries;
}

/* The path of the entry of WORK. */
static const char *entry_of(const struct work *work)
{
    static char path[200];
    snprintf(path, sizeof path, "cache/imgtool-cache-1/%.2s/%s", work->key, work->key + 2);
    return path;
}

static void test_round_trip(void)
{
    struct work work, other;
    struct cache *cache = open_cache(0);
    make_work(&work, "a.png", "x.png", NULL, NULL);
    tap_ok(!get(cache, &work), "an empty cache misses");
    tap_ok(put(cache, &work, "the picture") && entry_count() == 1, "an answer is stored");
    unlink("x.png");
    json_t *expected, *answer = cache_get(cache, work.key, &work.plan);
    expected = make_answer("a.png", "x.png", NULL);
    tap_ok(file_is("x.png", "the picture"), "its output comes back");
    tap_ok(json_equal(answer, expected), "and the very answer");
    json_decref(expected);
    json_decref(answer);
    make_work(&other, "copy.png", "d/y.png", NULL, NULL);
    answer = cache_get(cache, other.key, &other.plan);
    expected = make_answer("copy.png", "d/y.png", NULL);
    tap_ok(file_is("d/y.png", "the picture") && json_equal(answer, expected),
           "under other names, which are those of the answer");
    json_decref(expected);
    json_decref(answer);
    struct stat one, two;
    stat("d/y.png", &one);
    stat(entry_of(&work), &two);
    tap_ok(one.st_ino != two.st_ino && one.st_nlink == 1, "the file is nobody else's");
    tap_ok((one.st_mode & 0777) == 0644, "with the usual mode (%o)", one.st_mode & 0777u);
    make_file("d/y.png", "edited in place");
    tap_ok(get(cache, &work) && file_is("x.png", "the picture"), "whoever edits it harms nothing");
    const struct cache_counts counts = cache_counts(cache);
    tap_ok(counts.hits == 3 && counts.misses == 1 && counts.stored == 1, "it is counted");
    cache_close(cache);
    cache = open_cache(0);
    tap_ok(get(cache, &work), "a later process finds it");
    cache_close(cache);
    unlink("d/y.png");
    remove_tree("cache");
}

static void test_many_outputs(void)
{
    struct work work, other;
    struct cache *cache = open_cache(0);
    make_work(&work, "a.png", NULL, "--output-template", "d/{stem}-{name}.png");
    make_file("d/a-one.png", "");
    make_file("d/a-two.png", "the second");
    json_t *answer = make_answer("a.png", "d/a-one.png", "d/a-two.png");
    cache_put(cache, work.key, &work.plan, answer, NULL);
    json_decref(answer);
    mkdir("e", 0777);
    make_work(&other, "a.png", NULL, "--output-template", "e/{stem}-{name}.png");
    answer = cache_get(cache, other.key, &other.plan);
    json_t *expected = make_answer("a.png", "e/a-one.png", "e/a-two.png");
    tap_ok(file_is("e/a-one.png", "") && file_is("e/a-two.png", "the second") &&
               json_equal(answer, expected),
           "all outputs of a template, an empty one too, in another directory");
    json_decref(answer);
    json_decref(expected);
    remove_tree("e");
    tap_ok(!get(cache, &other), "a directory that is missing is a miss");
    other.plan.mkdir = true;
    tap_ok(get(cache, &other) && file_is("e/a-two.png", "the second"), "unless it may be made");
    unlink("e/a-one.png");
    make_file("e/a-two.png", "kept");
    other.plan.no_clobber = true;
    tap_ok(!get(cache, &other) && file_is("e/a-two.png", "kept") &&
               access("e/a-one.png", F_OK) != 0,
           "an output that must not be replaced: nothing is placed at all");
    cache_close(cache);
    unlink("d/a-one.png");
    unlink("d/a-two.png");
    remove_tree("e");
    remove_tree("cache");
}

static void test_no_use(void)
{
    struct work work;
    struct cache *cache = open_cache(0);
    make_work(&work, "a.png", "x.png", NULL, NULL);
    make_file("x.png", "picture");
    json_t *answer = make_answer("a.png", "x.png", NULL);
    json_object_set_new(answer, "ok", json_false());
    tap_ok(cache_put(cache, work.key, &work.plan, answer, NULL) && entry_count() == 0, "a failure");
    json_object_set_new(answer, "ok", json_true());
    make_file("x.png", "picture, changed");
    tap_ok(cache_put(cache, work.key, &work.plan, answer, NULL) && entry_count() == 0,
           "an output that is not what the job wrote");
    make_file("x.png", "picture");
    make_file("a.png", "INPUT");
    tap_ok(cache_put(cache, work.key, &work.plan, answer, NULL) && entry_count() == 0,
           "an input that changed meanwhile");
    make_file("a.png", "input");
    work.plan.in_place = true;
    tap_ok(cache_put(cache, work.key, &work.plan, answer, NULL) && entry_count() == 0,
           "work in place");
    make_work(&work, "a.png", "x.png", "--save-lut", "t.cube");
    tap_ok(cache_put(cache, work.key, &work.plan, answer, NULL) && entry_count() == 0,
           "a file beside the output");
    make_work(&work, "a.png", NULL, "--print-box", NULL);
    json_object_set_new(answer, "outputs", json_array());
    tap_ok(cache_put(cache, work.key, &work.plan, answer, NULL) && get(cache, &work),
           "but an answer without outputs is fine");
    json_decref(answer);
    make_work(&work, "a.png", "x.png", NULL, NULL);
    put(cache, &work, "picture");
    work.plan.output = "a.png";
    tap_ok(!get(cache, &work) && file_is("a.png", "input"), "an input is not replaced");
    work.plan.output = "fifo";
    tap_ok(!get(cache, &work), "nor is anything sent to a FIFO");
    cache_close(cache);
    remove_tree("cache");
}

/* Every byte of an entry changed, and every length: no wrong picture ever, and nothing placed. */
static void test_damage(void)
{
    struct work work;
    struct cache *cache = open_cache(0);
    size_t wrong = 0, believed = 0, stays = 0, cuts = 0;
    static char data[20000];
    make_work(&work, "a.png", "x.png", NULL, NULL);
    put(cache, &work, "the picture");
    FILE *file = fopen(entry_of(&work), "r");
    size_t size = fread(data, 1, sizeof data, file), padding = 4096 - strlen("the picture");
    fclose(file);
    for (size_t i = 0; i < 2 * size; i++) {
        bool cut = i >= size;
        if (i > 32 && i % size < 4000 && i % 97 != 0)
            continue; /* the padding, from place to place */
        data[i % size] ^= (char)!cut;
        unlink(entry_of(&work));
        file = fopen(entry_of(&work), "w");
        fwrite(data, 1, cut ? i - size : size, file);
        fclose(file);
        data[i % size] ^= (char)!cut;
        make_file("x.png", "old");
        bool in_padding = !cut && i >= strlen("the picture") && i < 4096;
        bool hit = get(cache, &work);
        wrong += !file_is("x.png", hit ? "the picture" : "old");
        believed += hit && !in_padding && !cut;
        cuts += hit && cut;
        stays += !hit && access(entry_of(&work), F_OK) == 0;
    }
    tap_ok(wrong == 0, "a damaged entry never gives a wrong picture (%zu)", wrong);
    tap_ok(believed == 0, "a changed byte is a miss (%zu; of %zu bytes %zu are padding)", believed,
           size, padding);
    tap_ok(cuts == 0, "so is any cut (%zu)", cuts);
    tap_ok(stays == 0, "and the entry goes (%zu)", stays);
    tap_ok(cache_counts(cache).damaged > 100, "it is counted");
    tap_ok(put(cache, &work, "the picture") && get(cache, &work), "and is made anew");
    cache_close(cache);
    remove_tree("cache");
}

/* Entries of about 5 KB, numbered: as many as fit stay, those that were used last. */
static void test_order(void)
{
    struct work works[12];
    char names[12][20];
    struct cache_stats removed, left;
    struct cache *cache = open_cache(0);
    for (int i = 0; i < 12; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        make_work(&works[i], "a.png", "x.png", "--padding", names[i]);
        put(cache, &works[i], "picture");
    }
    get(cache, &works[0]);
    get(cache, &works[5]);
    struct cache_stats stats;
    cache_stat("cache", &stats, NULL);
    uint64_t each = stats.bytes / 12 + 1;
    tap_ok(stats.entries == 12, "twelve entries of %llu bytes", (unsigned long long)each);
    tap_ok(cache_prune("cache", 5 * each, &removed, &left, NULL) && removed.entries == 7 &&
               left.entries == 5 && left.bytes <= 5 * each,
           "five of them fit");
    bool right = get(cache, &works[0]) && get(cache, &works[5]);
    for (int i = 1; i < 12; i++)
        right = right && (i == 5 || get(cache, &works[i]) == (i > 8));
    tap_ok(right, "those stay that were used last");
    tap_ok(cache_prune("cache", 0, &removed, &left, NULL) && left.entries == 0 &&
               entry_count() == 0,
           "all can go");
    tap_ok(put(cache, &works[0], "picture") && get(cache, &works[0]),
           "while a batch goes on using it");
    cache_close(cache);
    cache = open_cache(5 * each);
    for (int i = 0; i < 12; i++)
        put(cache, &works[i], "picture");
    cache_stat("cache", &stats, NULL);
    tap_ok(stats.bytes <= 5 * each && stats.entries >= 3 && get(cache, &works[11]) &&
               !get(cache, &works[0]),
           "a cache keeps to its size by itself (%llu entries)", (unsigned long long)stats.entries);
    cache_close(cache);
    cache = open_cache(1000);
    tap_ok(put(cache, &works[0], "picture") && !get(cache, &works[0]),
           "what is larger than the cache is not stored");
    cache_close(cache);
    remove_tree("cache");
}

/* Six processes put and get the same and other work, while a seventh removes everything. */
static void test_concurrency(void)
{
    enum { PROCESSES = 6, ROUNDS = 150 };
    int failures = 0, status;
    struct cache *cache = open_cache(0);
    for (int p = 0; p <= PROCESSES; p++) {
        if (fork() != 0)
            continue;
        struct work work;
        struct cache_stats removed, left;
        char output[20], number[20], content[40];
        int wrong = 0;
        snprintf(output, sizeof output, "p%d.png", p);
        for (int i = 0; i < ROUNDS; i++) {
            snprintf(number, sizeof number, "%d", i % 10);
            snprintf(content, sizeof content, "picture %d", i % 10);
            make_work(&work, "a.png", output, "--padding", number);
            if (p == PROCESSES)
                wrong += !cache_prune("cache", i % 3 == 0 ? 0 : 20000, &removed, &left, NULL);
            else if (get(cache, &work))
                wrong += !file_is(output, content);
            else
                wrong += !put(cache, &work, content);
        }
        unlink(output);
        _exit(wrong > 0);
    }
    while (wait(&status) > 0)
        failures += status != 0;
    tap_ok(failures == 0, "many processes: nobody got a wrong picture or an error (%d)", failures);
    struct cache_stats removed, left;
    tap_ok(cache_prune("cache", 0, &removed, &left, NULL) && entry_count() == 0,
           "and what is there is whole entries");
    files = 0;
    nftw("cache", count_file, 16, FTW_PHYS);
    tap_ok(files == 1, "nothing is left over but the tag (%d)", files);
    cache_close(cache);
    remove_tree("cache");
}

static void test_full_disk(void)
{
    struct work work;
    static char large[200000];
    memset(large, 'x', sizeof large - 1);
    mkdir("small", 0777);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "small", "tmpfs", 0, "size=128k") != 0) {
        tap_ok(true, "a full disk # SKIP only root can mount a small one");
        rmdir("small");
        return;
    }
    struct cache *cache = NULL;
    struct error error = {0};
    make_work(&work, "a.png", "x.png", NULL, NULL);
    make_file("x.png", large);
    json_t *answer = make_answer("a.png", "x.png", NULL);
    tap_ok(cache_open(&cache, "small/cache", 0, &error), "a cache on a small disk");
    tap_ok(!cache_put(cache, work.key, &work.plan, answer, &error) && error.kind == ERROR_IO,
           "a full disk is told: %s", error.message);
    tap_ok(cache_put(cache, work.key, &work.plan, answer, NULL), "once");
    struct cache_stats stats;
    tap_ok(cache_stat("small/cache", &stats, NULL) && stats.entries == 0,
           "and there is no half entry");
    json_decref(answer);
    cache_close(cache);
    umount("small");
    rmdir("small");
}

int main(void)
{
    /* In memory where that is possible, as thousands of syncs would wait for a disk. */
    char memory[] = "/dev/shm/test-cache-XXXXXX", disk[] = "/tmp/test-cache-XXXXXX";
    const char *directory = mkdtemp(memory) != NULL ? memory : mkdtemp(disk);
    struct cache *cache;
    struct cache_stats stats;
    struct error error = {0};
    umask(022);
    if (directory == NULL || chdir(directory) != 0 || mkdir("d", 0777) != 0 ||
        mkfifo("fifo", 0600) != 0)
        return 2;
    make_file("a.png", "input");
    make_file("copy.png", "input");
    test_round_trip();
    test_many_outputs();
    test_no_use();
    test_damage();
    test_order();
    test_concurrency();
    test_full_disk();
    tap_ok(!cache_stat("none", &stats, &error) && error.kind == ERROR_NO_INPUT,
           "a cache that is not there: %s", error.message);
    error_clear(&error);
    tap_ok(!cache_open(&cache, "a.png", 0, &error) && error.kind == ERROR_CANNOT_CREATE,
           "a file as a cache: %s", error.message);
    if (chdir("/") != 0)
        return 2;
    remove_tree(directory);
    return tap_done();
}
