/* SPDX-License-Identifier: MIT */
/* Text: a growing string, numbers read strictly, near names, and names made safe to print. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/* A growing string. Zeroed is empty. Out of memory is remembered in FAILED, so that a run of
 * additions is checked once; DATA may be NULL while nothing was added. */
struct text {
    char *data; /* ends with NUL */
    size_t length, capacity;
    bool failed;
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_free(struct text *text);

/* Parses a decimal number (sign, digits, fraction, exponent; no hexadecimal, infinity or nan) with
 * `.` whatever the locale. *END is behind it. False where TEXT does not begin with one. */
bool text_to_double(const char *text, const char **end, double *value);

/* The entry of LIST that a typing error away from WORD may have been meant; NULL if none is near.
 * Case does not count. */
const char *text_nearest(const char *word, const char *const *list, size_t count);

/* Copies STRING into OUT (cut at SIZE) with control characters and invalid UTF-8 replaced by '?':
 * a file name must not be able to drive a terminal. Returns OUT. */
char *text_mask(const char *string, char *out, size_t size);

/* Adds STRING with what is not valid UTF-8 replaced by U+FFFD, byte by byte. */
void text_add_utf8(struct text *text, const char *string);

#endif
