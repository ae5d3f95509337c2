/* SPDX-License-Identifier: MIT */
/* Tables as .cube files. */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "ops/lut.h"

enum { LINE_MOST = 512 }; /* the specification: 250 */

struct cube_file {
    struct lut *lut;
    const char *data;
    size_t size, at;
    size_t line;             /* of TEXT, from 1 */
    char text[LINE_MOST + 1]; /* without its end and the blanks around it */
    bool ended;              /* with a line end, not with the file */
    size_t found, expected;  /* points */
};

static bool cube_error(const struct cube_file *file, struct error *error, const char *what)
{
    return error_set(error, ERROR_CORRUPT, "line %zu: '%.40s' %s", file->line, file->text, what);
}

/* Takes the next line that is not blank and no comment; false at the end of the file, or with
 * ERROR set. */
static bool cube_next_line(struct cube_file *file, struct error *error)
{
    while (file->at < file->size) {
        const char *from = file->data + file->at, *end = file->data + file->size;
        const char *stop = memchr(from, '\n', (size_t)(end - from));
        file->ended = stop != NULL;
        stop = stop != NULL ? stop : end;
        file->at = (size_t)(stop - file->data) + 1;
        file->line++;
        while (from < stop && isspace((unsigned char)*from))
            from++;
        while (stop > from && isspace((unsigned char)stop[-1]))
            stop--;
        size_t length = (size_t)(stop - from);
        if (length == 0 || *from == '#')
            continue;
        size_t kept = length < LINE_MOST ? length : LINE_MOST;
        memcpy(file->text, from, kept);
        file->text[kept] = '\0';
        if (memchr(from, '\0', length) != NULL)
            return error_set(error, ERROR_CORRUPT, "line %zu: not text, so not a .cube table",
                             file->line);
        if (kept < length)
            return cube_error(file, error, "... is too long for a line of a .cube table");
        return true;
    }
    return false;
}

/* The next number of *TEXT. A point without digits behind it is let pass: some programs write 1. */
static bool take_number(const char **text, float *value)
{
    double number;
    const char *end = *text;
    while (isspace((unsigned char)*end))
        end++;
    if (!text_to_double(end, &end, &number) || !(fabs(number) <= (double)FLT_MAX))
        return false;
    end += *end == '.';
    *value = (float)number;
    *text = end;
    return *end == '\0' || isspace((unsigned char)*end);
}

/* COUNT numbers and nothing else. */
static bool take_numbers(const char *text, float *values, int count)
{
    for (int i = 0; i < count; i++)
        if (!take_number(&text, &values[i]))
            return false;
    return *text == '\0';
}

static bool cube_take_size(struct cube_file *file, const char *value, bool curves,
                           struct error *error)
{
    struct lut *lut = file->lut;
    float size;
    unsigned most = curves ? LUT_MOST_CURVE : LUT_MOST;
    if (file->expected > 0)
        return cube_error(file, error, "is the second size of the table");
    if (!take_numbers(value, &size, 1) || !(size >= 2 && size <= (float)most) ||
        size != (float)(unsigned)size)
        return error_set(error, ERROR_CORRUPT, "line %zu: '%.40s': a size from 2 to %u is expected",
                         file->line, file->text, most);
    lut->size = (unsigned)size;
    lut->curves = curves;
    file->expected = curves ? lut->size : (size_t)lut->size * lut->size * lut->size;
    return true;
}

static bool cube_take_domain(struct cube_file *file, const char *word, const char *value,
                             struct error *error)
{
    float pair[2];
    bool done;
    if (strcmp(word, "DOMAIN_MIN") == 0) {
        done = take_numbers(value, file->lut->low, 3);
    } else if (strcmp(word, "DOMAIN_MAX") == 0) {
        done = take_numbers(value, file->lut->high, 3);
    } else {
        done = take_numbers(value, pair, 2);
        for (int c = 0; c < 3 && done; c++) {
            file->lut->low[c] = pair[0];
            file->lut->high[c] = pair[1];
        }
    }
    return done || cube_error(file, error, "has too few or too many numbers");
}

/* Words are in capitals, so that a nan is none. */
static bool begins_with_word(const char *text)
{
    size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return isupper((unsigned char)*text) &&
           (text[length] == '\0' || isspace((unsigned char)text[length]));
}

static bool cube_take_word(struct cube_file *file, struct error *error)
{
    static const char *const domains[] = {"DOMAIN_MIN", "DOMAIN_MAX", "LUT_1D_INPUT_RANGE",
                                          "LUT_3D_INPUT_RANGE"};
    char word[32];
    size_t length = strcspn(file->text, " \t");
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : 0), file->text);
    const char *value = file->text + length;
    bool curves = strcmp(word, "LUT_1D_SIZE") == 0;
    if (curves || strcmp(word, "LUT_3D_SIZE") == 0)
        return cube_take_size(file, value, curves, error);
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
        if (strcmp(word, domains[i]) == 0)
            return cube_take_domain(file, word, value, error);
    if (strstr(word, "VIDEO_RANGE") != NULL)
        return error_set(error, ERROR_UNSUPPORTED, "line %zu: %s: a table for video levels",
                         file->line, word);
    return true;
}

/* Before the first point: the domain must be one, and memory is taken. */
static bool cube_start_points(struct cube_file *file, struct error *error)
{
    struct lut *lut = file->lut;
    if (file->expected == 0)
        return cube_error(file, error, "stands where LUT_3D_SIZE or LUT_1D_SIZE is expected");
    for (int c = 0; c < 3; c++)
        if (!(lut->low[c] < lut->high[c]))
            return error_set(error, ERROR_CORRUPT, "DOMAIN_MIN %g is not below DOMAIN_MAX %g",
                             (double)lut->low[c], (double)lut->high[c]);
    lut->points = memory_array(file->expected * 3 + 1, sizeof *lut->points, error);
    if (lut->points == NULL)
        return false;
    lut->points[file->expected * 3] = 0;
    return true;
}

static bool cube_truncated(const struct cube_file *file, struct error *error)
{
    if (file->expected == 0)
        return error_set(error, ERROR_TRUNCATED, "ends before LUT_3D_SIZE or LUT_1D_SIZE");
    return error_set(error, ERROR_TRUNCATED, "found %zu of %zu points", file->found,
                     file->expected);
}

static bool cube_take_line(struct cube_file *file, struct error *error)
{
    if (file->found == 0 && begins_with_word(file->text))
        return cube_take_word(file, error);
    if (file->found == file->expected && file->expected > 0)
        return error_set(error, ERROR_CORRUPT, "line %zu: more than %zu points", file->line,
                         file->expected);
    if (file->found == 0 && !cube_start_points(file, error))
        return false;
    if (!take_numbers(file->text, file->lut->points + 3 * file->found, 3))
        return cube_error(file, error, "is not three numbers");
    file->found++;
    return true;
}

bool lut_read(struct lut *lut, const char *data, size_t size, struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, from some editors */
    struct cube_file file = {.lut = lut, .data = data, .size = size};
    struct error failure = {0};
    *lut = (struct lut){.high = {1, 1, 1}};
    if (size >= 3 && memcmp(data, mark, 3) == 0)
        file.at = 3;
    while (cube_next_line(&file, &failure) && cube_take_line(&file, &failure))
        continue;
    if (failure.kind == ERROR_NONE && (file.expected == 0 || file.found < file.expected))
        cube_truncated(&file, &failure);
    if (failure.kind == ERROR_NONE)
        return true;
    lut_free(lut);
    /* What is wrong with a last line that does not end is that it does not end. */
    if (failure.kind == ERROR_CORRUPT && !file.ended && file.at > size &&
        (file.found < file.expected || file.expected == 0)) {
        error_clear(&failure);
        cube_truncated(&file, &failure);
    }
    return error_set(error, failure.kind, "%s", failure.message);
}

void lut_write(const struct lut *lut, const char *title, struct text *out)
{
    static const float low[3] = {0, 0, 0}, high[3] = {1, 1, 1};
    size_t size = lut->size, count = lut->curves ? size : size * size * size;
    char line[160];
    text_printf(out, "TITLE \"%s\"\n%s %zu\n", title, lut->curves ? "LUT_1D_SIZE" : "LUT_3D_SIZE",
                size);
    if (memcmp(lut->low, low, sizeof low) != 0 || memcmp(lut->high, high, sizeof high) != 0)
        text_printf(out, "DOMAIN_MIN %.9g %.9g %.9g\nDOMAIN_MAX %.9g %.9g %.9g\n",
                    (double)lut->low[0], (double)lut->low[1], (double)lut->low[2],
                    (double)lut->high[0], (double)lut->high[1], (double)lut->high[2]);
    for (size_t i = 0; i < count; i++) {
        const float *point = lut->points + 3 * i;
        int length = snprintf(line, sizeof line, "%.6f %.6f %.6f\n", (double)point[0],
                              (double)point[1], (double)point[2]);
        text_add_bytes(out, line, (size_t)length);
    }
}
