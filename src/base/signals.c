/* SPDX-License-Identifier: MIT */
#include "base/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TEMPORARIES = 64 };

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

/* NAME is written last and cleared first, so that a handler never sees half an entry. */
static struct {
    int dir_fd;
    const char *_Atomic name;
} temporaries[MAX_TEMPORARIES];

void signals_remove_temporaries(void)
{
    for (int i = 0; i < MAX_TEMPORARIES; i++) {
        const char *name = atomic_load(&temporaries[i].name);
        if (name != NULL)
            unlinkat(temporaries[i].dir_fd, name, 0);
    }
}

static void signals_end(int signal_number)
{
    int saved = errno;
    signals_remove_temporaries();
    errno = saved;
    /* SA_RESETHAND has put the default action back: it acts when this handler returns. */
    raise(signal_number);
}

void signals_install(void)
{
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++) {
        struct sigaction old, action = {.sa_handler = signals_end, .sa_flags = (int)SA_RESETHAND};
        int number = ending_signals[i];
        sigfillset(&action.sa_mask);
        sigdelset(&action.sa_mask, number);
        sigaction(number, NULL, &old);
        if (old.sa_handler != SIG_IGN || number == SIGPIPE || number == SIGTERM)
            sigaction(number, &action, NULL);
    }
    /* A file over the limit of the process is then an error of the write that meets it. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignore, NULL);
}

bool signals_add_temporary(int dir_fd, const char *name)
{
    for (int i = 0; i < MAX_TEMPORARIES; i++)
        if (atomic_load(&temporaries[i].name) == NULL) {
            temporaries[i].dir_fd = dir_fd;
            atomic_store(&temporaries[i].name, name);
            return true;
        }
    return false;
}

void signals_drop_temporary(const char *name)
{
    for (int i = 0; i < MAX_TEMPORARIES; i++)
        if (atomic_load(&temporaries[i].name) == name)
            atomic_store(&temporaries[i].name, NULL);
}

/* What was blocked before: a thread that leaves all signals to others must not get them after. */
static _Thread_local sigset_t before_hold;

void signals_hold(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++)
        sigaddset(&set, ending_signals[i]);
    pthread_sigmask(SIG_BLOCK, &set, &before_hold);
}

void signals_release(void)
{
    pthread_sigmask(SIG_SETMASK, &before_hold, NULL);
}

void signals_take_pipe(void)
{
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &set, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static struct {
    struct timespec until;
    void (*expired)(void *context);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*work)(void *context); /* something else to do; under the lock, as the rest */
    void *work_context;
    bool running;
} deadline = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Who says how the process ends: the first one to take it. */
enum { OWNER_NONE, OWNER_MAIN, OWNER_DEADLINE };
static atomic_int owner = OWNER_NONE;

void signals_claim(void)
{
    int expected = OWNER_NONE;
    atomic_compare_exchange_strong(&owner, &expected, OWNER_MAIN);
    while (expected == OWNER_DEADLINE)
        pause();
}

static void *deadline_wait(void *unused)
{
    (void)unused;
    int waited = 0;
    pthread_mutex_lock(&deadline.lock);
    while (waited == 0) {
        if (deadline.work != NULL) {
            deadline.work(deadline.work_context);
            deadline.work = NULL;
            pthread_cond_broadcast(&deadline.changed);
        }
        waited = pthread_cond_timedwait(&deadline.changed, &deadline.lock, &deadline.until);
    }
    pthread_mutex_unlock(&deadline.lock);
    int expected = OWNER_NONE;
    if (atomic_compare_exchange_strong(&owner, &expected, OWNER_DEADLINE))
        deadline.expired(deadline.context);
    pthread_mutex_lock(&deadline.lock);
    deadline.running = false;
    pthread_cond_broadcast(&deadline.changed);
    pthread_mutex_unlock(&deadline.lock);
    return NULL;
}

void signals_deadline_run(void (*work)(void *context), void *context)
{
    pthread_mutex_lock(&deadline.lock);
    if (deadline.running) {
        deadline.work = work;
        deadline.work_context = context;
        pthread_cond_broadcast(&deadline.changed);
    }
    while (deadline.running && deadline.work != NULL)
        pthread_cond_wait(&deadline.changed, &deadline.lock);
    pthread_mutex_unlock(&deadline.lock);
}

/* Small, because the address space is limited. */
static bool deadline_start(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    /* Signals are for the first thread, which holds them back at times. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&deadline.lock);
    bool started = pthread_create(&thread, &attributes, deadline_wait, NULL) == 0;
    deadline.running = started;
    pthread_mutex_unlock(&deadline.lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

bool signals_deadline(int64_t timeout_ms, void (*expired)(void *context), void *context)
{
    pthread_condattr_t attributes;
    clock_gettime(CLOCK_MONOTONIC, &deadline.until);
    deadline.until.tv_sec += timeout_ms / 1000;
    deadline.until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (deadline.until.tv_nsec >= 1000000000) {
        deadline.until.tv_nsec -= 1000000000;
        deadline.until.tv_sec++;
    }
    deadline.expired = expired;
    deadline.context = context;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool ready = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                 pthread_cond_init(&deadline.changed, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return ready && deadline_start();
}
