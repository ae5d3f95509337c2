/* SPDX-License-Identifier: MIT */
/* Rows of separated values, RFC 4180, a row a line. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stddef.h>

#include "base/error.h"

enum { CSV_MAX_FIELDS = 64 };

struct csv_row {
    char *fields[CSV_MAX_FIELDS]; /* into the line that was split */
    size_t count;                 /* at least 1: an empty line is one empty field */
};

/* The separator of a file that has LINE: tab, semicolon or comma, whichever comes first outside of
 * quotes and parentheses (`rgb(1, 2, 3)` is one field); comma where there is none. A comma between
 * digits may be a decimal one (`60,5;1,2`): it counts only where the others are nowhere. */
char csv_separator(const char *line);

/* The number that is all of FIELD. Where commas do not separate it may have one for its point, as
 * spreadsheets of half of the world write it; *COMMA is then set, and else left. */
bool csv_number(const char *field, char separator, double *value, bool *comma);

/* Splits LINE in place: quotes taken off, doubled quotes made single, blanks around fields dropped;
 * a separator inside of parentheses does not separate. A quote counts only at the start of a
 * field. ERROR_CORRUPT where a quote or a parenthesis is not closed, where text follows a closing
 * quote, or there are more than CSV_MAX_FIELDS. LINE has no line end. */
bool csv_split(char *line, char separator, struct csv_row *row, struct error *error);

#endif
