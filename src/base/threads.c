/* SPDX-License-Identifier: MIT */
#include "base/threads.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 64, STACK_BYTES = 1 << 20 };

/* Reads the start of a small file; false where it cannot be read. */
static bool threads_read(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The CPU quota that GROUP/cpu.max states ("max 100000", "150000 100000") in whole processors,
 * rounded up; 0 where there is none. */
static unsigned threads_quota_of(const char *group)
{
    char path[512], text[64];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
    if (!threads_read(path, text, sizeof text))
        return 0;
    char *end = NULL;
    long quota = strtol(text, &end, 10);
    long period = end == text ? 0 : strtol(end, NULL, 10);
    return quota > 0 && period > 0 ? (unsigned)((quota + period - 1) / period) : 0;
}

/* The least quota of this process's cgroup and those above it; 0 where there is none. */
static unsigned threads_quota(void)
{
    char text[400], *group = text;
    unsigned least = 0;
    if (threads_read("/proc/self/cgroup", text, sizeof text) && strncmp(text, "0::/", 4) == 0) {
        group = text + 3;
        group[strcspn(group, "\n")] = '\0';
    } else {
        group[0] = '\0';
    }
    for (;;) {
        unsigned quota = threads_quota_of(group);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

unsigned threads_available(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    unsigned quota = threads_quota();
    if (quota > 0 && quota < (unsigned)count)
        count = (int)quota;
    return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : (unsigned)count;
}

struct job {
    void (*work)(void *context, size_t index);
    void *context;
    size_t count;
    atomic_size_t next;
};

static void *job_run(void *argument)
{
    struct job *job = argument;
    for (;;) {
        size_t index = atomic_fetch_add(&job->next, 1);
        if (index >= job->count)
            return NULL;
        job->work(job->context, index);
    }
}

void threads_for(unsigned threads, size_t count, void (*work)(void *context, size_t index),
                 void *context)
{
    struct job job = {.work = work, .context = context, .count = count};
    pthread_t helpers[MAX_THREADS];
    pthread_attr_t attributes;
    sigset_t all, before;
    unsigned wanted = threads > MAX_THREADS ? MAX_THREADS : threads;
    if (wanted > count)
        wanted = (unsigned)count;
    unsigned started = 0;
    if (wanted > 1 && pthread_attr_init(&attributes) == 0) {
        /* Small stacks, because the address space is limited. Signals are for the first thread,
         * which holds them back at times. */
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (started + 1 < wanted &&
               pthread_create(&helpers[started], &attributes, job_run, &job) == 0)
            started++;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
    }
    job_run(&job);
    for (unsigned i = 0; i < started; i++)
        pthread_join(helpers[i], NULL);
}
