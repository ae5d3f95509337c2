/* SPDX-License-Identifier: MIT */
/* The journal: what it remembers, and what it makes of files that were cut, damaged or shared. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/journal.h"
#include "proc/work_key.h"
#include "tap.h"

static char crop[] = "crop", *words[] = {crop};

static void make_file(const char *name, const char *content)
{
    FILE *file = fopen(name, "w");
    fputs(content, file);
    fclose(file);
}

static char *read_all(const char *name, size_t *size)
{
    static char data[1 << 20];
    FILE *file = fopen(name, "r");
    *size = file == NULL ? 0 : fread(data, 1, sizeof data, file);
    if (file != NULL)
        fclose(file);
    return data;
}

static void write_all(const char *name, const char *data, size_t size)
{
    FILE *file = fopen(name, "w");
    fwrite(data, 1, size, file);
    fclose(file);
}

/* Job N: its key is made up, its output is the file oN of N + 1 bytes. */
static const char *key_of(int n)
{
    static char key[HASH_HEX];
    snprintf(key, sizeof key, "%064d", n);
    return key;
}

static struct plan plan_of(int n)
{
    static char names[8][24];
    struct plan plan = {.input = "a.png", .no_stdin = true};
    char *name = names[n % 8];
    snprintf(name, sizeof names[0], "o%d", n);
    plan.output = name;
    plan_parse_stages(&plan, words, 1, NULL);
    return plan;
}

static void make_output(int n)
{
    struct plan plan = plan_of(n);
    char content[64] = "";
    memset(content, 'x', (size_t)n % 50 + 1);
    make_file(plan.output, content);
}

static json_t *answer_of(int n, bool ok)
{
    struct plan plan = plan_of(n);
    return json_pack("{s:i, s:b, s:f, s:[{s:s, s:i}]}", "id", n, "ok", (int)ok, "elapsed_ms", 41.3,
                     "outputs", "path", plan.output, "bytes", n % 50 + 1);
}

static bool add(struct journal *journal, int n, bool ok)
{
    struct plan plan = plan_of(n);
    char id[24];
    json_t *answer = answer_of(n, ok);
    snprintf(id, sizeof id, "job-%d", n);
    bool done = journal_add(journal, key_of(n), id, &plan, answer, NULL);
    json_decref(answer);
    return done;
}

/* True where the journal has the very answer of job N. */
static bool has(const struct journal *journal, int n)
{
    struct plan plan = plan_of(n);
    json_t *expected = answer_of(n, true), *found = journal_find(journal, key_of(n), &plan);
    bool same = found != NULL && json_equal(found, expected);
    if (found != NULL && !same)
        printf("# job %d has the answer of another\n", n);
    json_decref(expected);
    json_decref(found);
    return same;
}

static struct journal *open_journal(const char *path, bool resume)
{
    struct journal *journal = NULL;
    struct error error = {0};
    if (journal_open(&journal, path, resume, &error))
        return journal;
    tap_ok(false, "%s", error.message);
    exit(1);
}

/* A journal of the jobs FROM to UNTIL, which are done. */
static void make_journal(const char *path, int from, int until)
{
    struct journal *journal = open_journal(path, false);
    for (int n = from; n <= until; n++) {
        make_output(n);
        add(journal, n, true);
    }
    journal_close(journal, NULL);
}

static void test_resume(void)
{
    make_journal("j", 1, 3);
    struct journal *journal = open_journal("j", true);
    tap_ok(journal_count(journal) == 3 && journal_warning(journal) == NULL, "three jobs are known");
    tap_ok(has(journal, 1) && has(journal, 2) && has(journal, 3), "with their answers");
    tap_ok(!has(journal, 4), "others are not");
    make_output(4);
    add(journal, 4, true);
    tap_ok(has(journal, 4), "one that is added counts at once");
    make_output(5);
    add(journal, 5, false);
    tap_ok(!has(journal, 5), "one that failed is not done");
    journal_close(journal, NULL);
    journal = open_journal("j", true);
    tap_ok(has(journal, 4) && !has(journal, 5) && journal_count(journal) == 4, "nor later");
    add(journal, 5, true);
    add(journal, 4, false);
    journal_close(journal, NULL);
    journal = open_journal("j", true);
    tap_ok(has(journal, 5), "until it is done");
    tap_ok(has(journal, 4), "a later failure does not undo outputs that are there");
    unlink("o2");
    make_file("o3", "too short");
    make_file("o3", "x");
    tap_ok(has(journal, 1) && !has(journal, 2) && !has(journal, 3),
           "outputs that are gone or have another size are made again");
    journal_close(journal, NULL);
    journal = open_journal("j", false);
    tap_ok(!has(journal, 1) && journal_count(journal) == 0, "without --resume nothing is known");
    journal_close(journal, NULL);
    unlink("j");
}

static void test_identity(void)
{
    struct plan plan = plan_of(1), other = plan_of(2);
    struct journal *journal;
    make_journal("j", 1, 1);
    make_output(2);
    journal = open_journal("j", true);
    tap_ok(journal_find(journal, key_of(1), &other) == NULL,
           "the same work for another output is another job");
    plan.root = "/";
    tap_ok(journal_find(journal, key_of(1), &plan) == NULL, "and below another root");
    journal_close(journal, NULL);
    unlink("j");
}

/* Where the input is replaced, its bytes after are what is done. */
static void test_in_place(void)
{
    struct plan plan = {.input = "o1", .output = "o1", .in_place = true, .no_stdin = true};
    char before[HASH_HEX], after[HASH_HEX];
    json_t *answer = answer_of(1, true), *found;
    plan_parse_stages(&plan, words, 1, NULL);
    make_file("o1", "before");
    work_key(&plan, before, NULL);
    make_output(1);
    work_key(&plan, after, NULL);
    struct journal *journal = open_journal("j", true);
    journal_add(journal, before, "one", &plan, answer, NULL);
    found = journal_find(journal, after, &plan);
    tap_ok(found != NULL, "the result of work in place is not worked on again");
    json_decref(found);
    journal_close(journal, NULL);
    journal = open_journal("j", true);
    found = journal_find(journal, after, &plan);
    tap_ok(found != NULL, "nor after a restart");
    make_file("o1", "before");
    json_t *again = journal_find(journal, before, &plan);
    tap_ok(again == NULL, "but the old input is, where it is back");
    json_decref(again);
    json_decref(found);
    json_decref(answer);
    journal_close(journal, NULL);
    unlink("j");
}

/* The journal of two jobs, cut behind every byte: what was whole is known, what is appended after
 * is not lost. */
static void test_cuts(void)
{
    size_t size, wrong = 0, lost = 0, warned = 0;
    make_journal("j", 1, 2);
    char *data = memcpy(malloc(1 << 20), read_all("j", &size), 1 << 20);
    make_output(4);
    for (size_t cut = 0; cut <= size; cut++) {
        size_t whole = 0;
        for (size_t i = 0; i < cut; i++)
            whole += data[i] == '\n';
        /* A line that lacks nothing but its end is whole, too. */
        whole += cut < size && data[cut] == '\n';
        write_all("j", data, cut);
        struct journal *journal = open_journal("j", true);
        wrong += journal_count(journal) != whole || (whole > 0 && !has(journal, 1));
        warned += journal_warning(journal) != NULL;
        add(journal, 4, true);
        journal_close(journal, NULL);
        journal = open_journal("j", true);
        lost += !has(journal, 4) || journal_count(journal) != whole + 1;
        journal_close(journal, NULL);
    }
    tap_ok(wrong == 0, "cut behind each of %zu bytes: whole lines are known (%zu wrong)", size,
           wrong);
    tap_ok(lost == 0, "and a line that follows is whole (%zu lost)", lost);
    tap_ok(warned == 0, "without a warning");
    free(data);
    unlink("j");
}

/* Each byte of the middle line changed: that job is done again, the others are known. */
static void test_damage(void)
{
    size_t size, known = 0, others = 0, silent = 0, begin, end;
    make_journal("j", 1, 3);
    char *data = memcpy(malloc(1 << 20), read_all("j", &size), 1 << 20);
    begin = (size_t)(strchr(data, '\n') - data) + 1;
    end = (size_t)(strchr(data + begin, '\n') - data);
    for (size_t i = begin; i < end; i++) {
        data[i] ^= 1;
        write_all("j", data, size);
        data[i] ^= 1;
        struct journal *journal = open_journal("j", true);
        known += has(journal, 2);
        others += !has(journal, 1) || !has(journal, 3);
        silent += journal_warning(journal) == NULL;
        journal_close(journal, NULL);
    }
    tap_ok(known == 0, "each byte of a line changed: it is not believed (%zu)", known);
    tap_ok(others == 0, "the lines around are (%zu)", others);
    tap_ok(silent == 0, "and it is said (%zu)", silent);
    free(data);
    unlink("j");
}

static void test_not_a_journal(void)
{
    struct journal *journal = NULL;
    struct error error = {0};
    make_file("jobs", "{\"id\":\"a1\",\"input\":\"a.png\"}\n");
    size_t size;
    tap_ok(!journal_open(&journal, "jobs", false, &error) && error.kind == ERROR_USAGE,
           "a file of something else is refused: %s", error.message);
    const char *left = read_all("jobs", &size);
    tap_ok(size == 28 && left[0] == '{', "and left alone");
    error_clear(&error);
    tap_ok(!journal_open(&journal, "/dev/null", false, &error) && error.kind == ERROR_USAGE,
           "so is a device");
    error_clear(&error);
    tap_ok(!journal_open(&journal, "none/j", false, &error) && error.kind == ERROR_CANNOT_CREATE,
           "a directory that is missing: %s", error.message);
    unlink("jobs");
}

/* Removes the directory NAME; returns how many files it had. */
static int empty_directory(const char *name)
{
    int count = 0;
    DIR *directory = opendir(name);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            count += unlinkat(dirfd(directory), entry->d_name, 0) == 0;
    closedir(directory);
    rmdir(name);
    return count;
}

static void test_directory(void)
{
    make_journal("dir/", 1, 2);
    make_journal("dir", 3, 4);
    make_journal("dir", 5, 4);
    make_file("dir/notes.ndjson", "something else\n");
    make_file("dir/README", "not read\n");
    struct journal *journal = open_journal("dir", true);
    tap_ok(journal_count(journal) == 4 && has(journal, 1) && has(journal, 4),
           "a directory: all files are read");
    tap_ok(journal_warning(journal) != NULL, "foreign ones are skipped: %s",
           journal_warning(journal));
    add(journal, 4, true);
    journal_close(journal, NULL);
    int count = empty_directory("dir");
    tap_ok(count == 5, "each process has a file of its own, and leaves no empty one (%d)", count);
}

/* Eight processes append to one file at the same time. */
static void test_sharing(void)
{
    enum { PROCESSES = 8, EACH = 200 };
    size_t missing = 0;
    for (int p = 0; p < PROCESSES; p++)
        if (fork() == 0) {
            struct journal *journal = open_journal("j", false);
            for (int i = 0; i < EACH; i++)
                add(journal, 1000 + p * EACH + i, true);
            journal_close(journal, NULL);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    struct journal *journal = open_journal("j", true);
    tap_ok(journal_count(journal) == PROCESSES * EACH && journal_warning(journal) == NULL,
           "lines of %d processes in one file are whole (%zu)", PROCESSES, journal_count(journal));
    for (int i = 0; i < PROCESSES * EACH; i++) {
        make_output(1000 + i);
        missing += !has(journal, 1000 + i);
        struct plan plan = plan_of(1000 + i);
        unlink(plan.output);
    }
    tap_ok(missing == 0, "and all are found (%zu missing)", missing);
    journal_close(journal, NULL);
    unlink("j");
}

/* A file that may not grow any more: the line is not there at all. */
static void test_full(void)
{
    pid_t child = fork();
    if (child == 0) {
        struct error error = {0};
        struct plan plan = plan_of(2);
        json_t *answer = answer_of(2, true);
        make_journal("j", 1, 1);
        size_t size, after;
        read_all("j", &size);
        struct journal *journal = open_journal("j", true);
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){size + 20, size + 20});
        bool failed = !journal_add(journal, key_of(2), "two", &plan, answer, &error);
        read_all("j", &after);
        _exit(failed && error.kind == ERROR_IO && after == size ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    tap_ok(status == 0, "a line for which there is no room is an error, and not half there");
    unlink("j");
}

static long resident_kib(void)
{
    long kib = 0;
    char line[200];
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kib;
}

static void test_memory(void)
{
    enum { MANY = 100000 };
    struct journal *journal = open_journal("j", false);
    for (int n = 1; n <= MANY; n++)
        add(journal, n, true);
    journal_close(journal, NULL);
    long before = resident_kib();
    journal = open_journal("j", true);
    long grown = resident_kib() - before;
    tap_ok(journal_count(journal) == MANY && grown < 32 * 1024, "%d jobs take %ld KiB", MANY,
           grown);
    make_output(77777);
    tap_ok(has(journal, 77777), "and each is found");
    unlink("o77777");
    journal_close(journal, NULL);
    unlink("j");
}

int main(void)
{
    /* In memory where that is possible, as thousands of syncs would wait for a disk. */
    char memory[] = "/dev/shm/test-journal-XXXXXX", disk[] = "/tmp/test-journal-XXXXXX";
    const char *directory = mkdtemp(memory) != NULL ? memory : mkdtemp(disk);
    if (directory == NULL || chdir(directory) != 0)
        return 2;
    make_file("a.png", "input");
    test_resume();
    test_identity();
    test_in_place();
    test_cuts();
    test_damage();
    test_not_a_journal();
    test_directory();
    test_sharing();
    test_full();
    test_memory();
    for (int n = 1; n <= 5; n++) {
        struct plan plan = plan_of(n);
        unlink(plan.output);
    }
    unlink("a.png");
    tap_ok(rmdir(directory) == 0, "nothing is left over");
    return tap_done();
}
