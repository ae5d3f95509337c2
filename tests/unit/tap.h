/* SPDX-License-Identifier: MIT */
/* The Test Anything Protocol for one program: a line for each check, the plan at the end. */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failures;

/* One check; the rest names it, as for printf. Returns GOOD. */
static inline bool tap_ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline bool tap_ok(bool good, const char *format, ...)
{
    va_list args;
    tap_count++;
    tap_failures += !good;
    printf("%sok %d - ", good ? "" : "not ", tap_count);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return good;
}

/* The plan. Returns the exit status of the program. */
static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failures != 0;
}

#endif
