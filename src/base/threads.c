/* SPDX-License-Identifier: MIT */
#include "base/threads.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
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

/* One call of threads_for(). It lives on its caller's stack, and is in the list of open jobs while
 * it has work that nobody has taken. */
struct job {
    void (*work)(void *context, size_t index);
    void *context;
    size_t count, next, done; /* under the pool's lock, as all of this */
    unsigned helpers;         /* that may still join */
    uint64_t number;
    struct job *below;
};

/* Threads that stay, because starting one takes longer than many a piece of work. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t opened, finished; /* who waits for the second looks for open ones, too */
    struct job *open; /* the newest first: it is the part of an older one */
    unsigned started, idle;
    uint64_t jobs; /* so far */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .opened = PTHREAD_COND_INITIALIZER,
          .finished = PTHREAD_COND_INITIALIZER};

/* Takes JOB out of the list. With the lock. */
static void job_close(const struct job *job)
{
    for (struct job **place = &pool.open; *place != NULL; place = &(*place)->below)
        if (*place == job) {
            *place = job->below;
            return;
        }
}

/* Does what is left of JOB, together with whoever else is at it. With the lock, which is given up
 * during the work itself. */
static void job_work(struct job *job)
{
    while (job->next < job->count) {
        size_t index = job->next++;
        if (job->next == job->count)
            job_close(job);
        pthread_mutex_unlock(&pool.lock);
        job->work(job->context, index);
        pthread_mutex_lock(&pool.lock);
        if (++job->done == job->count)
            pthread_cond_broadcast(&pool.finished);
    }
}

/* Joins a job that wants help and is newer than the one NUMBER; false where none does. With the
 * lock. */
static bool pool_join(uint64_t number)
{
    struct job *job = pool.open;
    while (job != NULL && job->helpers == 0)
        job = job->below;
    if (job == NULL || job->number <= number)
        return false;
    job->helpers--;
    job_work(job);
    return true;
}

/* The same, or waits until there may be one. */
static void pool_help(void)
{
    if (pool_join(0))
        return;
    pool.idle++;
    pthread_cond_wait(&pool.opened, &pool.lock);
    pool.idle--;
}

static void *pool_thread(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    for (;;)
        pool_help();
    return NULL;
}

/* Sees to it that up to WANTED threads are there to help. With the lock. */
static void pool_grow(unsigned wanted)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (pool.idle >= wanted || pthread_attr_init(&attributes) != 0)
        return;
    /* Small stacks, because the address space is limited. Signals are for the first thread, which
     * holds them back at times. */
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.started < wanted &&
           pthread_create(&thread, &attributes, pool_thread, NULL) == 0)
        pool.started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

void threads_for(unsigned threads, size_t count, void (*work)(void *context, size_t index),
                 void *context)
{
    unsigned wanted = threads > MAX_THREADS ? MAX_THREADS : threads;
    if (wanted > count)
        wanted = (unsigned)count;
    if (wanted <= 1) {
        for (size_t i = 0; i < count; i++)
            work(context, i);
        return;
    }
    struct job job = {.work = work, .context = context, .count = count, .helpers = wanted - 1};
    pthread_mutex_lock(&pool.lock);
    pool_grow(wanted - 1);
    job.number = ++pool.jobs;
    job.below = pool.open;
    pool.open = &job;
    pthread_cond_broadcast(&pool.opened);
    pthread_cond_broadcast(&pool.finished);
    job_work(&job);
    /* What is left is with others. An older job may wait for this one, so it gets no help here. */
    while (job.done < job.count)
        if (!pool_join(job.number))
            pthread_cond_wait(&pool.finished, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

/* How far a flow is; under the pool's lock. */
struct flowing {
    const struct threads_flow *flow;
    unsigned threads;
    size_t read[THREADS_SOURCES]; /* bands of each source that are there */
    bool reading[THREADS_SOURCES];
    size_t taken, finished;   /* bands that somebody works on; those below are all done with */
    bool done[THREADS_SLOTS]; /* of the bands between */
    bool failed;
};

/* The source to be read next: the one that is behind. SOURCES where none can be read now. */
static size_t flow_source(const struct flowing *flowing)
{
    const struct threads_flow *flow = flowing->flow;
    size_t best = flow->sources, most = flowing->finished + flow->slots;
    most = most < flow->bands ? most : flow->bands;
    for (size_t i = 0; i < flow->sources; i++)
        if (!flowing->reading[i] && flowing->read[i] < most &&
            (best == flow->sources || flowing->read[i] < flowing->read[best]))
            best = i;
    return best;
}

static bool flow_has_band(const struct flowing *flowing)
{
    for (size_t i = 0; i < flowing->flow->sources; i++)
        if (flowing->read[i] <= flowing->taken)
            return false;
    return true;
}

static void flow_read(struct flowing *flowing, size_t source)
{
    const struct threads_flow *flow = flowing->flow;
    flowing->reading[source] = true;
    pthread_mutex_unlock(&pool.lock);
    bool good = flow->read(flow->context, source, flowing->read[source]);
    pthread_mutex_lock(&pool.lock);
    flowing->reading[source] = false;
    flowing->read[source] += good;
    flowing->failed = flowing->failed || !good;
}

static void flow_work(struct flowing *flowing, size_t lane)
{
    const struct threads_flow *flow = flowing->flow;
    size_t band = flowing->taken++;
    pthread_mutex_unlock(&pool.lock);
    flow->work(flow->context, band, lane);
    pthread_mutex_lock(&pool.lock);
    flowing->done[band % flow->slots] = true;
    for (bool *done; *(done = &flowing->done[flowing->finished % flow->slots]); *done = false)
        flowing->finished++;
}

/* One thread of a flow. Reading goes first, because only one can do it; but who is alone works on
 * rows while they are in the cache. */
static void flow_lane(void *context, size_t lane)
{
    struct flowing *flowing = context;
    const struct threads_flow *flow = flowing->flow;
    pthread_mutex_lock(&pool.lock);
    while (!flowing->failed && flowing->taken < flow->bands) {
        size_t source = flow_source(flowing);
        bool work = flow_has_band(flowing);
        if (source < flow->sources && !(work && flowing->threads == 1)) {
            flow_read(flowing, source);
        } else if (work) {
            flow_work(flowing, lane);
        } else {
            pool_help();
            continue;
        }
        if (flowing->threads > 1)
            pthread_cond_broadcast(&pool.opened);
    }
    pthread_mutex_unlock(&pool.lock);
}

bool threads_flow(const struct threads_flow *flow, unsigned threads)
{
    struct flowing flowing = {.flow = flow, .threads = threads < 1 ? 1 : threads};
    threads_for(threads, threads, flow_lane, &flowing);
    return !flowing.failed;
}
