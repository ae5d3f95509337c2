/* SPDX-License-Identifier: MIT */
/* One process that imgtool started: how it is started and what came of it. */
#ifndef PROC_CHILD_H
#define PROC_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* The descriptor on which a child finds its --report-fd. */
#define CHILD_REPORT_FD 3

struct child {
    pid_t pid;         /* 0: not running */
    int stderr_fd, report_fd; /* our ends, -1 when at their end */
    struct text messages, report; /* what came out of them */
    int status;        /* as waitpid() says, once it has ended */
    bool ended, killed; /* killed: we did it */
};

/* Starts PATH with ARGV, stdin and stdout from the given descriptors, stderr and the report on
 * pipes to us, nothing else open, signals as after login. ERROR_CANNOT_EXECUTE, or ERROR_SYSTEM
 * where processes or descriptors ran out. */
bool child_start(struct child *child, const char *path, char *const *argv, int stdin_fd,
                 int stdout_fd, struct error *error);

/* Reads what is there on FD (one of the child's two) into its text; closes it at its end. */
void child_read(struct child *child, int *fd);

/* Takes the status if the child has ended; with WAIT until it has. */
bool child_reap(struct child *child, bool wait);

void child_kill(struct child *child, int signal_number);

void child_free(struct child *child);

#endif
