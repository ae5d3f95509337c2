/* SPDX-License-Identifier: MIT */
/* Errors: one struct that a failing function fills and its callers hand up unread.
 *
 * A function that can fail takes a `struct error *` last and returns bool, true for success. The
 * message is for people: lower case, no full stop, says what was found and what was expected; it
 * does not repeat the file's name, which whoever prints it puts in front. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#include "base/compiler.h"

enum error_kind {
    ERROR_NONE,
    ERROR_USAGE,         /* 64 wrong command line */
    ERROR_CORRUPT,       /* 65 the data contradicts its format */
    ERROR_TRUNCATED,     /* 65 the data ends too early */
    ERROR_UNSUPPORTED,   /* 65 the data may be fine, but is not for us */
    ERROR_NO_INPUT,      /* 66 the input cannot be opened */
    ERROR_UNAVAILABLE,   /* 69 a program, library or feature is missing */
    ERROR_INTERNAL,      /* 70 a bug */
    ERROR_NO_MEMORY,     /* 71 */
    ERROR_SYSTEM,        /* 71 another resource of the machine ran out */
    ERROR_CANNOT_CREATE, /* 73 the output cannot be created */
    ERROR_IO,            /* 74 reading or writing failed */
    ERROR_BUSY,          /* 75 try again */
    ERROR_LIMIT,         /* 77 refused by a limit */
    ERROR_POLICY,        /* 77 refused by a rule */
    ERROR_TIMEOUT,       /* 124 */
    ERROR_CANCELLED,     /* 75 given up because we were told to end */
    ERROR_CANNOT_EXECUTE, /* 126 */
    ERROR_NOT_FOUND,     /* 127 no such tool */
    ERROR_KIND_COUNT
};

struct error {
    enum error_kind kind;
    char message[320];
    char hint[200]; /* what the reader can do about it; empty where nothing helps */
    char file[4096]; /* the file that is meant, where it is not the input; empty otherwise */
};

/* Fills ERROR and returns false, so that a failing function can say `return error_set(…)`. An
 * ERROR that is already set is kept: the first cause is the one to report. ERROR may be NULL. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same with ": " and the text of ERRNUM behind the message. */
bool error_errno(struct error *error, enum error_kind kind, int errnum, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Adds a hint to an error that is set. Returns false like error_set(). */
bool error_hint(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Empties ERROR, so that it can be used again. */
void error_clear(struct error *error);

/* The exit status and the word in JSON that belong to a kind. */
int error_exit_status(enum error_kind kind);
const char *error_kind_name(enum error_kind kind);

#endif
