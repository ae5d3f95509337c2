/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool text_reserve(struct text *text, size_t more)
{
    if (text->failed)
        return false;
    size_t wanted = text->length + more + 1;
    if (wanted <= text->capacity)
        return true;
    size_t capacity = wanted < 2 * text->capacity ? 2 * text->capacity : wanted;
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_add_bytes(struct text *text, const char *bytes, size_t count)
{
    if (!text_reserve(text, count))
        return;
    memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length >= 0 && text_reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

/* The length of the decimal number that TEXT begins with; 0 if none. */
static size_t number_length(const char *text)
{
    const char *p = text;
    if (*p == '+' || *p == '-')
        p++;
    const char *digits = p;
    while (isdigit((unsigned char)*p))
        p++;
    bool any = p > digits;
    if (*p == '.' && isdigit((unsigned char)p[1])) {
        any = true;
        for (p++; isdigit((unsigned char)*p);)
            p++;
    }
    if (!any)
        return 0;
    if (*p == 'e' || *p == 'E') {
        const char *exponent = p + 1;
        if (*exponent == '+' || *exponent == '-')
            exponent++;
        if (isdigit((unsigned char)*exponent)) {
            for (p = exponent; isdigit((unsigned char)*p);)
                p++;
        }
    }
    return (size_t)(p - text);
}

bool text_to_double(const char *text, const char **end, double *value)
{
    char number[64];
    size_t length = number_length(text);
    if (length == 0 || length >= sizeof number)
        return false;
    memcpy(number, text, length);
    number[length] = '\0';
    /* The tools never call setlocale(), so strtod() reads the C locale's point. */
    *value = strtod(number, NULL);
    *end = text + length;
    return true;
}

enum { NEAR_MAX_LENGTH = 40 };

/* Optimal string alignment distance: insertions, deletions, substitutions, and transpositions of
 * neighbours. Damerau, Comm. ACM 7(3), 1964. */
static unsigned edit_distance(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    unsigned rows[3][NEAR_MAX_LENGTH + 1];
    if (m > NEAR_MAX_LENGTH || n > NEAR_MAX_LENGTH)
        return UINT32_MAX;
    for (unsigned j = 0; j <= n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            unsigned best = last[j - 1] + (ca != cb);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                cb == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[m % 3][n];
}

const char *text_nearest(const char *word, const char *const *list, size_t count)
{
    const char *best = NULL;
    /* Up to a third of the word may be wrong; more is a different word. */
    unsigned limit = (unsigned)strlen(word) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = edit_distance(word, list[i]);
        if (distance < limit || (distance == limit && best == NULL && limit > 1)) {
            best = list[i];
            limit = distance;
        }
    }
    if (best != NULL)
        return best;
    /* The beginning of exactly one name: what an abbreviation would have meant. */
    size_t length = strlen(word);
    for (size_t i = 0; i < count && length >= 2; i++)
        if (strncasecmp(word, list[i], length) == 0) {
            if (best != NULL)
                return NULL;
            best = list[i];
        }
    return best;
}

/* Bytes of the valid UTF-8 character at P, or 0. */
static size_t utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    size_t length = p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    if (p[0] > 0xf4 || length == 0)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

/* U+202A to 202E and U+2066 to 2069 turn the direction of writing: "gpj.exe" for "exe.jpg". */
static bool is_bidi(const unsigned char *p)
{
    return p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
                            (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

char *text_mask(const char *string, char *out, size_t size)
{
    const unsigned char *p = (const unsigned char *)string;
    size_t used = 0;
    while (*p != '\0' && used + 1 < size) {
        size_t length = utf8_length(p);
        bool control = *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0) || is_bidi(p);
        if (length == 0 || control) {
            out[used++] = '?';
            p += length == 0 ? 1 : length;
            continue;
        }
        if (used + length >= size)
            break;
        memcpy(out + used, p, length);
        used += length;
        p += length;
    }
    out[used] = '\0';
    return out;
}

void text_add_utf8(struct text *text, const char *string)
{
    const unsigned char *p = (const unsigned char *)string;
    while (*p != '\0') {
        size_t length = utf8_length(p);
        if (length == 0)
            text_add(text, "\xef\xbf\xbd");
        else
            text_add_bytes(text, (const char *)p, length);
        p += length == 0 ? 1 : length;
    }
}
