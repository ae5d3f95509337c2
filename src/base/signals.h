/* SPDX-License-Identifier: MIT */
/* Ending by a signal without leaving a temporary file, and ending in time. */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* SIGINT, SIGTERM, SIGHUP and SIGPIPE remove the named temporaries and then end the process by
 * that same signal. SIGINT and SIGHUP that were ignored before (nohup) stay ignored. */
void signals_install(void);

/* Registers the temporary NAME in the directory DIR_FD, and takes it back. False where all places
 * are taken. NAME must stay valid until it is taken back. */
bool signals_add_temporary(int dir_fd, const char *name);
void signals_drop_temporary(const char *name);

/* Removes all registered temporaries; safe in a signal handler. */
void signals_remove_temporaries(void);

/* Holds SIGINT, SIGTERM, SIGHUP back from this thread while a file has a temporary name, and lets
 * them go where they were not held back before. */
void signals_hold(void);
void signals_release(void);

/* After a write that failed with EPIPE: ends the process by the SIGPIPE that came of it, unless that
 * is ignored, also on a thread that leaves signals to others. */
void signals_take_pipe(void);

/* Calls EXPIRED(CONTEXT) on a thread of its own TIMEOUT_MS from now, unless signals_claim() came
 * first. EXPIRED ends the process. False where the thread cannot be had. */
bool signals_deadline(int64_t timeout_ms, void (*expired)(void *context), void *context);

/* Calls WORK(CONTEXT) on the thread of signals_deadline() and returns when it is done; does nothing
 * where there is no such thread. */
void signals_deadline_run(void (*work)(void *context), void *context);

/* From here on the deadline no longer ends the process: call it before the result becomes visible.
 * Where the deadline has passed already this does not return. */
void signals_claim(void);

#endif
