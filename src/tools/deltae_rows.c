/* SPDX-License-Identifier: MIT */
/* deltae: one row of a list, two colours or six Lab numbers. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/memory.h"
#include "color/lab.h"
#include "tools/deltae.h"

/* Colours that were met, by their text: lists name the same ones over and over. */
enum { MEMO_COUNT = 4096, MEMO_TEXT = 40 };

struct memo {
    char text[MEMO_TEXT]; /* empty: unused */
    struct deltae_point point;
};

/* Lab far beyond any colour is a mistake: a lost point, a wrong column. */
#define LAB_LIMIT 1000

enum columns { COLUMNS_ANY, COLUMNS_COLORS, COLUMNS_LAB };

struct deltae_rows {
    struct difference difference;
    char separator;        /* 0: not known yet */
    bool comma;            /* a number had one for its point */
    bool begun;            /* a row was met, so that no heading follows */
    enum columns columns;  /* as a heading names them; ANY: by their number */
    size_t places[6];      /* of the columns that a heading names */
    size_t heading_count;  /* its fields */
    struct memo *memo;     /* MEMO_COUNT */
    char *copy;            /* DELTAE_LONGEST_ROW + 1 */
};

struct deltae_rows *deltae_rows_new(const struct difference *difference, struct error *error)
{
    struct deltae_rows *rows = memory_zeroed(1, sizeof *rows, error);
    if (rows == NULL)
        return NULL;
    rows->difference = *difference;
    rows->memo = memory_zeroed(MEMO_COUNT, sizeof *rows->memo, error);
    rows->copy = memory_array(DELTAE_LONGEST_ROW + 1, 1, error);
    if (rows->memo != NULL && rows->copy != NULL)
        return rows;
    deltae_rows_free(rows);
    return NULL;
}

void deltae_rows_free(struct deltae_rows *rows)
{
    if (rows == NULL)
        return;
    free(rows->memo);
    free(rows->copy);
    free(rows);
}

char deltae_rows_point(const struct deltae_rows *rows)
{
    return rows->comma ? ',' : '.';
}

char deltae_rows_separator(const struct deltae_rows *rows)
{
    return rows->separator == 0 ? ',' : rows->separator;
}

/* A decimal number of up to 15 digits without exponent, which one division makes exact (Clinger,
 * "How to Read Floating Point Numbers Accurately", 1990); NULL for any other. */
static const char *plain_number(const char *at, char mark, double *value)
{
    static const double powers[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    bool minus = *at == '-';
    uint64_t digits = 0;
    const char *start = at += minus;
    while ((unsigned char)(*at - '0') < 10)
        digits = digits * 10 + (unsigned char)(*at++ - '0');
    size_t count = (size_t)(at - start), fraction = 0;
    if (*at == mark && count > 0) {
        const char *point = at++;
        while ((unsigned char)(*at - '0') < 10)
            digits = digits * 10 + (unsigned char)(*at++ - '0');
        fraction = (size_t)(at - point) - 1;
        count += fraction;
        if (fraction == 0)
            return NULL;
    }
    if (count == 0 || count > 15 || *at == 'e' || *at == 'E')
        return NULL;
    *value = (double)digits / powers[fraction];
    *value = minus ? -*value : *value;
    return at;
}

/* Six plain numbers and nothing else. */
static bool plain_row(const struct deltae_rows *rows, const char *line, size_t length,
                      double lab[2][3])
{
    char separator = rows->separator, mark = deltae_rows_point(rows);
    const char *at = line;
    for (int i = 0; i < 6; i++) {
        while (*at == ' ')
            at++;
        at = plain_number(at, mark, &lab[i / 3][i % 3]);
        if (at == NULL)
            return false;
        while (*at == ' ')
            at++;
        if (i < 5 && *at++ != separator)
            return false;
    }
    return at == line + length;
}

static bool hex_row(const struct deltae_rows *rows, const char *line, size_t length,
                    double lab[2][3])
{
    return length == 15 && line[7] == rows->separator && color_parse_hex(line, lab[0]) &&
           color_parse_hex(line + 8, lab[1]);
}

static double lab_difference(const struct deltae_rows *rows, double lab[2][3])
{
    double one[3], two[3];
    difference_point(&rows->difference, lab[0], one);
    difference_point(&rows->difference, lab[1], two);
    return difference_between(&rows->difference, one, two);
}

static const char lab_letters[] = "Lab";

static bool lab_in_range(double lab[2][3], struct error *error)
{
    for (int i = 0; i < 6; i++) {
        double value = lab[i / 3][i % 3], low = i % 3 == 0 ? 0 : -LAB_LIMIT,
               high = i % 3 == 0 ? 100 : LAB_LIMIT;
        if (!(value >= low && value <= high))
            return error_set(error, ERROR_CORRUPT, "%c%d is %g, out of range %g to %g",
                             lab_letters[i % 3], i / 3 + 1, value, low, high);
    }
    return true;
}

static bool color_field(struct deltae_rows *rows, const char *text, struct deltae_point *point,
                        struct error *error)
{
    size_t length = strlen(text);
    uint32_t hash = 2166136261u;
    struct color color;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    struct memo *memo = &rows->memo[(hash ^ hash >> 15) % MEMO_COUNT];
    bool fits = length > 0 && length < MEMO_TEXT;
    if (fits && strcmp(memo->text, text) == 0) {
        *point = memo->point;
        return true;
    }
    struct error reason = {0};
    if (!color_parse(text, &color, &reason)) {
        error_set(error, ERROR_CORRUPT, "%s", reason.message);
        return error_hint(error, "%s", reason.hint);
    }
    deltae_point(&rows->difference, &color, point);
    if (fits) {
        memcpy(memo->text, text, length + 1);
        memo->point = *point;
    }
    return true;
}

static bool lab_fields(struct deltae_rows *rows, char *const fields[6], double *difference,
                       struct error *error)
{
    double lab[2][3];
    for (int i = 0; i < 6; i++)
        if (!csv_number(fields[i], rows->separator, &lab[i / 3][i % 3], &rows->comma)) {
            char shown[64];
            text_mask(fields[i], shown, sizeof shown);
            return error_set(error, ERROR_CORRUPT, "%c%d is '%s', not a number", lab_letters[i % 3],
                             i / 3 + 1, shown);
        }
    if (!lab_in_range(lab, error))
        return false;
    *difference = lab_difference(rows, lab);
    return true;
}

static bool color_fields(struct deltae_rows *rows, char *const fields[2], double *difference,
                         struct error *error)
{
    struct deltae_point one, two;
    if (!color_field(rows, fields[0], &one, error) || !color_field(rows, fields[1], &two, error))
        return false;
    *difference = deltae_between(&rows->difference, &one, &two);
    return true;
}

/* Names that a heading may have for the columns that count. */
static const char *const lab_columns[6] = {"L1", "a1", "b1", "L2", "a2", "b2"};
static const char *const color_columns[][2] = {
    {"color1", "color2"}, {"colour1", "colour2"}, {"reference", "sample"}};

static bool find_columns(const struct csv_row *row, const char *const *names, size_t count,
                         size_t *places)
{
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < row->count && strcasecmp(row->fields[k], names[i]) != 0)
            k++;
        if (k == row->count)
            return false;
        places[i] = k;
    }
    return true;
}

/* True where no field looks like a colour or a number, not even a mistyped one. */
static bool is_heading(const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        struct color color;
        const char *field = row->fields[i], *end = NULL;
        double number;
        if (*field == '#' || strchr(field, '(') != NULL || text_to_double(field, &end, &number) ||
            color_parse(field, &color, NULL))
            return false;
        if (strncasecmp(field, "ral", 3) == 0 && strpbrk(field, "0123456789") != NULL)
            return false;
    }
    return true;
}

static void take_heading(struct deltae_rows *rows, const struct csv_row *row)
{
    rows->heading_count = row->count;
    if (find_columns(row, lab_columns, 6, rows->places)) {
        bool in_order = row->count == 6;
        for (size_t i = 0; i < 6; i++)
            in_order = in_order && rows->places[i] == i;
        rows->columns = in_order ? COLUMNS_ANY : COLUMNS_LAB;
        return;
    }
    for (size_t i = 0; i < CLI_COUNT(color_columns); i++)
        if (find_columns(row, color_columns[i], 2, rows->places)) {
            rows->columns = COLUMNS_COLORS;
            return;
        }
}

/* The fields of ROW under a heading that named what they are. */
static bool named_fields(struct deltae_rows *rows, const struct csv_row *row, double *difference,
                         struct error *error)
{
    char *fields[6] = {NULL};
    size_t count = rows->columns == COLUMNS_LAB ? 6 : 2;
    if (row->count != rows->heading_count)
        return error_set(error, ERROR_CORRUPT, "%zu fields, the heading has %zu", row->count,
                         rows->heading_count);
    for (size_t i = 0; i < count; i++)
        fields[i] = row->fields[rows->places[i]];
    return count == 6 ? lab_fields(rows, fields, difference, error)
                      : color_fields(rows, fields, difference, error);
}

/* The row in rows->copy. */
static enum deltae_row_kind read_copy(struct deltae_rows *rows, double *difference,
                                      struct error *error)
{
    struct csv_row row;
    bool first = !rows->begun, good;
    rows->begun = true;
    char separator = rows->separator == 0 ? csv_separator(rows->copy) : rows->separator;
    if (!csv_split(rows->copy, separator, &row, error))
        return DELTAE_ROW_BAD;
    if (row.count > 1)
        rows->separator = separator;
    if (first && is_heading(&row)) {
        take_heading(rows, &row);
        return DELTAE_ROW_HEADING;
    }
    if (rows->columns != COLUMNS_ANY)
        good = named_fields(rows, &row, difference, error);
    else if (row.count == 6)
        good = lab_fields(rows, row.fields, difference, error);
    else if (row.count == 2)
        good = color_fields(rows, row.fields, difference, error);
    else
        good = error_set(error, ERROR_CORRUPT,
                         "%zu field%s, two colours or six Lab numbers are expected", row.count,
                         row.count == 1 ? "" : "s");
    return good ? DELTAE_ROW_VALUE : DELTAE_ROW_BAD;
}

/* A line that begins with # is a comment unless it begins with a hex colour, right or wrong. */
static bool is_comment(const char *line, size_t length)
{
    if (length == 0 || *line != '#')
        return false;
    if (length < 2 || !isxdigit((unsigned char)line[1]))
        return true;
    size_t word = 1;
    while (word < length && isalnum((unsigned char)line[word]))
        word++;
    while (word < length && line[word] == ' ')
        word++;
    return word == length || (line[word] != ',' && line[word] != ';' && line[word] != '\t');
}

static bool is_blank(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    return length == 0;
}

bool deltae_row_plain(const struct deltae_rows *rows, const char *line, size_t length,
                      double *difference)
{
    double lab[2][3], moved[2][3];
    if (!rows->begun || rows->columns != COLUMNS_ANY || rows->separator == 0)
        return false;
    if (plain_row(rows, line, length, lab)) {
        if (!lab_in_range(lab, NULL))
            return false;
        *difference = lab_difference(rows, lab);
        return true;
    }
    if (!hex_row(rows, line, length, lab))
        return false;
    difference_lab(&rows->difference, lab[0], moved[0]);
    difference_lab(&rows->difference, lab[1], moved[1]);
    *difference = lab_difference(rows, moved);
    return true;
}

enum deltae_row_kind deltae_row_read(struct deltae_rows *rows, const char *line, size_t length,
                                     double *difference, struct error *error)
{
    if (deltae_row_plain(rows, line, length, difference))
        return DELTAE_ROW_VALUE;
    if (is_blank(line, length) || is_comment(line, length))
        return DELTAE_ROW_PASS;
    if (memchr(line, '\0', length) != NULL) {
        error_set(error, ERROR_CORRUPT, "a NUL byte, text is expected");
        error_hint(error, "UTF-8 is read, UTF-16 is not");
        return DELTAE_ROW_BAD;
    }
    memcpy(rows->copy, line, length);
    rows->copy[length] = '\0';
    return read_copy(rows, difference, error);
}
