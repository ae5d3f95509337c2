/* SPDX-License-Identifier: MIT */
#include "proc/sweep.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/watch.h"

enum { MOST_FOUND = 256, MOST_ROUNDS = 64 };

/* The strangers of one look. */
struct found {
    const pid_t *ours;
    size_t our_count;
    pid_t pids[MOST_FOUND];
    size_t count;
};

/* Children that were there before us. */
static struct found inherited;

static bool is_among(pid_t pid, const pid_t *pids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static void found_add(struct found *found, pid_t pid)
{
    if (is_among(pid, found->ours, found->our_count) ||
        (found != &inherited && is_among(pid, inherited.pids, inherited.count)))
        return;
    if (pid > 0 && found->count < MOST_FOUND)
        found->pids[found->count++] = pid;
}

/* Where the kernel lists children. */
static bool find_in_list(struct found *found)
{
    char path[64], line[32];
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = 0;
    for (int c = 0; c != EOF;) {
        c = getc(file);
        if (c != EOF && isdigit(c) && length + 1 < sizeof line) {
            line[length++] = (char)c;
        } else if (length > 0) {
            line[length] = '\0';
            found_add(found, (pid_t)strtol(line, NULL, 10));
            length = 0;
        }
    }
    fclose(file);
    return true;
}

/* The parent of the process PID; 0 where it cannot be told. Its name, in parentheses, may contain
 * anything, also parentheses. */
static pid_t parent_of(const char *pid)
{
    char path[300], text[400];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[got] = '\0';
    const char *end = strrchr(text, ')');
    return end == NULL || strlen(end) < 4 ? 0 : (pid_t)strtol(end + 4, NULL, 10);
}

/* Everywhere else. */
static void find_in_processes(struct found *found)
{
    DIR *directory = opendir("/proc");
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]) && parent_of(entry->d_name) == getpid())
            found_add(found, (pid_t)strtol(entry->d_name, NULL, 10));
    closedir(directory);
}

static void find(struct found *found)
{
    if (!find_in_list(found))
        find_in_processes(found);
}

void sweep_begin(void)
{
    inherited = (struct found){0};
    find(&inherited);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

bool sweep_strangers(const pid_t *ours, size_t count)
{
    bool left = true;
    /* Those that a killed one leaves behind are ours in the next round. */
    for (int round = 0; left && round < MOST_ROUNDS; round++) {
        struct found found = {.ours = ours, .our_count = count};
        size_t reaped = 0;
        find(&found);
        for (size_t i = 0; i < found.count; i++) {
            kill(found.pids[i], SIGKILL);
            reaped += waitpid(found.pids[i], NULL, WNOHANG) == found.pids[i];
        }
        left = found.count > 0;
        if (left && reaped == 0)
            return true;
    }
    return left;
}

/* The list of children may miss some while others end; that there is none at all is certain. */
static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOWAIT | WNOHANG) == 0;
}

bool sweep_all(int64_t wait_ms)
{
    const struct timespec moment = {0, 2000000};
    int64_t until = watch_now_ms() + wait_ms;
    while (sweep_strangers(NULL, 0) || (inherited.count == 0 && has_children())) {
        if (watch_now_ms() >= until)
            return false;
        nanosleep(&moment, NULL);
    }
    return true;
}
