/* SPDX-License-Identifier: MIT */
/* Waiting for children, their output and signals at one place.
 *
 * Between watch_begin() and watch_end() SIGINT, SIGTERM, SIGHUP and SIGCHLD are blocked except
 * inside of watch_poll(), so that none is lost between a look and the wait. */
#ifndef PROC_WATCH_H
#define PROC_WATCH_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>

enum { WATCH_SIGNALS = 4 };

struct watch {
    struct sigaction old[WATCH_SIGNALS];
    sigset_t before;
};

void watch_begin(struct watch *watch);
void watch_end(struct watch *watch);

/* The SIGINT, SIGTERM or SIGHUP that arrived since watch_begin(); 0: none. Those that were ignored
 * before stay ignored. */
int watch_signal(void);

/* How many of them arrived; of those that came at once fewer may have been noticed. */
unsigned watch_signal_count(void);

/* Waits until one of POLLS is ready, a child ends, a signal arrives, or WAIT_MS have passed (-1: for
 * ever). Where nothing is ready all `revents` are 0. */
void watch_poll(const struct watch *watch, struct pollfd *polls, nfds_t count, int64_t wait_ms);

/* Monotonic. */
int64_t watch_now_ms(void);

#endif
