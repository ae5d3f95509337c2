/* SPDX-License-Identifier: MIT */
#include "proc/watch.h"

#include <time.h>

static const int signals[WATCH_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};

static volatile sig_atomic_t caught_signal, caught_count;

static void watch_catch(int signal_number)
{
    if (signal_number == SIGCHLD)
        return;
    caught_signal = signal_number;
    caught_count++;
}

void watch_begin(struct watch *watch)
{
    struct sigaction action = {.sa_handler = watch_catch};
    sigset_t blocked;
    caught_signal = caught_count = 0;
    sigemptyset(&blocked);
    for (int i = 0; i < WATCH_SIGNALS; i++)
        sigaddset(&blocked, signals[i]);
    sigprocmask(SIG_BLOCK, &blocked, &watch->before);
    for (int i = 0; i < WATCH_SIGNALS; i++) {
        sigaction(signals[i], NULL, &watch->old[i]);
        /* Ended children of somebody who ignores SIGCHLD could not be waited for. */
        if (watch->old[i].sa_handler != SIG_IGN || signals[i] == SIGCHLD)
            sigaction(signals[i], &action, NULL);
        sigdelset(&watch->before, signals[i]);
    }
}

void watch_end(struct watch *watch)
{
    for (int i = 0; i < WATCH_SIGNALS; i++)
        sigaction(signals[i], &watch->old[i], NULL);
    sigprocmask(SIG_SETMASK, &watch->before, NULL);
}

int watch_signal(void)
{
    return caught_signal;
}

unsigned watch_signal_count(void)
{
    return (unsigned)caught_count;
}

void watch_poll(const struct watch *watch, struct pollfd *polls, nfds_t count, int64_t wait_ms)
{
    struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    if (ppoll(polls, count, wait_ms < 0 ? NULL : &wait, &watch->before) > 0)
        return;
    for (nfds_t i = 0; i < count; i++)
        polls[i].revents = 0;
}

int64_t watch_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
