/* SPDX-License-Identifier: MIT */
/* One process that imgtool started: how it is started and what came of it. */
#ifndef PROC_CHILD_H
#define PROC_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* The descriptor on which a child finds its --report-fd. */
#define CHILD_REPORT_FD 3

/* What a child is started with. */
struct child_start {
    const char *path;
    char *const *argv;
    char *const *environment;
    int stdin_fd, stdout_fd; /* not below CHILD_REPORT_FD + 1 */
    pid_t group;             /* the process group to join; 0: it leads one of its own */
};

struct child {
    pid_t pid;         /* 0: not running */
    int stderr_fd, report_fd; /* our ends, -1 when at their end */
    struct text messages, report; /* what came out of them */
    size_t shown;      /* how much of the messages was passed on */
    int64_t heard_at;  /* when the first came that were not (watch_now_ms()); 0: none since */
    int status;        /* as waitpid() says, once it has ended */
    long max_rss_kib;  /* likewise */
    bool ended;        /* not running any more; reaped by child_reap() */
    bool reaped, killed; /* killed: we did it */
};

/* Starts START, stderr and the report on pipes to us, nothing else open, signals as after login.
 * ERROR_CANNOT_EXECUTE, or ERROR_SYSTEM where processes or descriptors ran out. */
bool child_start(struct child *child, const struct child_start *start, struct error *error);

/* Reads what is there on FD (one of the child's two) into its text; closes it at its end. */
void child_read(struct child *child, int *fd);

/* Notes whether the child has ended, without freeing its number: as long as nobody reaps it, its
 * process group cannot become somebody else's. With WAIT until it has. */
bool child_check(struct child *child, bool wait);

/* Frees the number of a child that has ended. */
void child_reap(struct child *child);

void child_kill(struct child *child, int signal_number);

void child_free(struct child *child);

/* Descriptors that could be overwritten by those of a child are moved out of its way: FD, which is
 * closed then, or another one for the same file; -1 and errno where there is none. */
int child_keep_above(int fd);

#endif
