/* SPDX-License-Identifier: MIT */
#include "base/csv.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

/* Blanks around a field; a tab that separates is none. */
static char *skip_blanks(char *at, char separator)
{
    while (*at == ' ' || (*at == '\t' && separator != '\t'))
        at++;
    return at;
}

static bool is_between_digits(const char *line, const char *at)
{
    return at > line && isdigit((unsigned char)at[-1]) && isdigit((unsigned char)at[1]);
}

char csv_separator(const char *line)
{
    unsigned depth = 0;
    bool quoted = false;
    const char *at = line + strspn(line, " ");
    /* Within quotes a doubled quote closes and opens again. */
    bool quotes = *at == '"';
    for (; *at != '\0'; at++) {
        if (*at == '"' && quotes)
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (*at == '(')
            depth++;
        else if (*at == ')' && depth > 0)
            depth--;
        else if (depth == 0 && (*at == '\t' || *at == ';' ||
                                (*at == ',' && !is_between_digits(line, at))))
            return *at;
    }
    return ',';
}

bool csv_number(const char *field, char separator, double *value, bool *comma)
{
    char copy[64];
    const char *end = field;
    size_t length = strlen(field), place = strcspn(field, ",");
    bool has_comma = place < length && separator != ',' && length < sizeof copy;
    if (has_comma) {
        memcpy(copy, field, length + 1);
        copy[place] = '.';
        end = field = copy;
    }
    if (!text_to_double(field, &end, value) || *end != '\0')
        return false;
    *comma = *comma || has_comma;
    return true;
}

/* The quoted field at *AT, its content moved to where the quote was. *AT is then behind the closing
 * quote. NULL where it is not closed. */
static char *quoted_field(char **at)
{
    char *start = *at, *to = start;
    for (char *from = start + 1; *from != '\0'; from++) {
        if (*from == '"' && from[1] != '"') {
            *to = '\0';
            *at = from + 1;
            return start;
        }
        from += *from == '"';
        *to++ = *from;
    }
    return NULL;
}

/* The end of the plain field at AT, NULL where a parenthesis is not closed. */
static char *plain_end(char *at, char separator)
{
    unsigned depth = 0;
    for (; *at != '\0' && (*at != separator || depth > 0); at++) {
        depth += *at == '(';
        depth -= *at == ')' && depth > 0;
    }
    return depth > 0 ? NULL : at;
}

/* One field from *AT on; *AT is then at the separator behind it, which is still there, or at the
 * end. The field may still be followed by blanks, up to *END. */
static bool next_field(char **at, char separator, char **field, char **end, struct error *error)
{
    *at = skip_blanks(*at, separator);
    if (**at != '"') {
        *field = *at;
        *at = *end = plain_end(*at, separator);
        return *at != NULL || error_set(error, ERROR_CORRUPT, "a parenthesis is not closed");
    }
    *field = quoted_field(at);
    *end = NULL;
    if (*field == NULL)
        return error_set(error, ERROR_CORRUPT, "a quote is not closed");
    *at = skip_blanks(*at, separator);
    return **at == separator || **at == '\0' ||
           error_set(error, ERROR_CORRUPT, "text behind a closing quote");
}

bool csv_split(char *line, char separator, struct csv_row *row, struct error *error)
{
    char *at = line, *field = NULL, *end = NULL;
    row->count = 0;
    for (;;) {
        if (row->count == CSV_MAX_FIELDS)
            return error_set(error, ERROR_CORRUPT, "more than %d fields", CSV_MAX_FIELDS);
        if (!next_field(&at, separator, &field, &end, error))
            return false;
        bool last = *at == '\0';
        if (end != NULL) {
            while (end > field && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
            *end = '\0';
        }
        row->fields[row->count++] = field;
        if (last)
            return true;
        at++;
    }
}
