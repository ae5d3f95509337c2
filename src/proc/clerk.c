/* SPDX-License-Identifier: MIT */
#include "proc/clerk.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK_BYTES = 512 * 1024 }; /* some names on it have PATH_MAX bytes */

static void list_add(struct clerk_list *list, struct clerk_errand *errand)
{
    errand->next = NULL;
    if (list->last != NULL)
        list->last->next = errand;
    else
        list->first = errand;
    list->last = errand;
}

static struct clerk_errand *list_take(struct clerk_list *list)
{
    struct clerk_errand *errand = list->first;
    if (errand == NULL)
        return NULL;
    list->first = errand->next;
    if (list->first == NULL)
        list->last = NULL;
    return errand;
}

static void ring(const struct clerk *clerk)
{
    uint64_t one = 1;
    while (write(clerk->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void *work(void *argument)
{
    struct clerk *clerk = argument;
    struct clerk_errand *errand;
    pthread_mutex_lock(&clerk->lock);
    for (;;) {
        while ((errand = list_take(&clerk->to_do)) == NULL && !clerk->ends)
            pthread_cond_wait(&clerk->given, &clerk->lock);
        if (errand == NULL)
            break;
        pthread_mutex_unlock(&clerk->lock);
        errand->run(clerk->owner, errand->context);
        pthread_mutex_lock(&clerk->lock);
        list_add(&clerk->done, errand);
        ring(clerk);
    }
    pthread_mutex_unlock(&clerk->lock);
    return NULL;
}

static int start(struct clerk *clerk)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int reason = pthread_attr_init(&attributes);
    if (reason != 0)
        return reason;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    reason = pthread_create(&clerk->thread, &attributes, work, clerk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return reason;
}

bool clerk_begin(struct clerk *clerk, void *owner, struct error *error)
{
    *clerk = (struct clerk){.lock = PTHREAD_MUTEX_INITIALIZER,
                            .given = PTHREAD_COND_INITIALIZER,
                            .owner = owner};
    clerk->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int reason = clerk->fd < 0 ? errno : start(clerk);
    if (reason == 0)
        return true;
    if (clerk->fd >= 0)
        close(clerk->fd);
    clerk->fd = -1;
    return error_errno(error, ERROR_SYSTEM, reason, "no thread for journal and cache");
}

void clerk_give(struct clerk *clerk, struct clerk_errand *errand)
{
    pthread_mutex_lock(&clerk->lock);
    list_add(&clerk->to_do, errand);
    pthread_cond_signal(&clerk->given);
    pthread_mutex_unlock(&clerk->lock);
}

struct clerk_errand *clerk_take(struct clerk *clerk)
{
    uint64_t count;
    if (clerk->fd < 0)
        return NULL;
    pthread_mutex_lock(&clerk->lock);
    struct clerk_errand *errand = list_take(&clerk->done);
    if (clerk->done.first == NULL && read(clerk->fd, &count, sizeof count) < 0)
        errno = 0; /* it was not readable, which is what is wanted */
    pthread_mutex_unlock(&clerk->lock);
    return errand;
}

void clerk_end(struct clerk *clerk)
{
    if (clerk->fd < 0)
        return;
    pthread_mutex_lock(&clerk->lock);
    clerk->ends = true;
    pthread_cond_signal(&clerk->given);
    pthread_mutex_unlock(&clerk->lock);
    pthread_join(clerk->thread, NULL);
    pthread_mutex_destroy(&clerk->lock);
    pthread_cond_destroy(&clerk->given);
    close(clerk->fd);
    clerk->fd = -1;
}
