/* SPDX-License-Identifier: MIT */
/* A clerk: one thread that does, one after another, what may wait for a disk, so that whoever has
 * processes to watch never does.
 *
 * An errand belongs to the clerk from clerk_give() until clerk_take() gives it back, and so does
 * all that it touches. */
#ifndef PROC_CLERK_H
#define PROC_CLERK_H

#include <pthread.h>

#include "base/error.h"

struct clerk_errand {
    void (*run)(void *owner, void *context); /* on the clerk's thread, with all signals blocked */
    void (*done)(void *owner, void *context); /* to be called by whom clerk_take() gives it */
    void *context;
    struct clerk_errand *next;
};

struct clerk_list {
    struct clerk_errand *first, *last;
};

struct clerk {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct clerk_list to_do, done;
    void *owner;
    int fd;     /* to poll for: readable while clerk_take() has something; -1: there is no clerk */
    bool ends;
};

/* Hires one for OWNER. ERROR_SYSTEM where there is no thread or descriptor for it. */
bool clerk_begin(struct clerk *clerk, void *owner, struct error *error);

void clerk_give(struct clerk *clerk, struct clerk_errand *errand);

/* The next errand that is done; NULL where none is. */
struct clerk_errand *clerk_take(struct clerk *clerk);

/* Waits until everything is done, and lets the clerk go. Fine on {.fd = -1}. */
void clerk_end(struct clerk *clerk);

#endif
