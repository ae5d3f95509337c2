/* SPDX-License-Identifier: MIT */
#include "base/threads.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 64, STACK_BYTES = 1 << 20 };

/* The CPU quota of the cgroup in whole processors, rounded up; 0 where there is none. */
static unsigned threads_quota(void)
{
    char text[64];
    int fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    char *end = NULL;
    long quota = strtol(text, &end, 10);
    if (end == text)
        return 0;
    long period = strtol(end, NULL, 10);
    if (quota <= 0 || period <= 0)
        return 0;
    return (unsigned)((quota + period - 1) / period);
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
    unsigned wanted = threads > MAX_THREADS ? MAX_THREADS : threads;
    if (wanted > count)
        wanted = (unsigned)count;
    unsigned started = 0;
    if (wanted > 1 && pthread_attr_init(&attributes) == 0) {
        /* Small stacks, because the address space is limited. */
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        while (started + 1 < wanted &&
               pthread_create(&helpers[started], &attributes, job_run, &job) == 0)
            started++;
        pthread_attr_destroy(&attributes);
    }
    job_run(&job);
    for (unsigned i = 0; i < started; i++)
        pthread_join(helpers[i], NULL);
}
