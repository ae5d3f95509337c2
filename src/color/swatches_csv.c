/* SPDX-License-Identifier: MIT */
/* Tables of colours, with a heading or without. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "color/color.h"
#include "color/color_space.h"
#include "color/lab.h"
#include "color/swatches_parts.h"

enum column { COLUMN_CODE, COLUMN_NAME, COLUMN_COLOR, COLUMN_L, COLUMN_A, COLUMN_B, COLUMN_COUNT };

enum { NONE = -1, MOST_NAMES = 9 };

/* What each may be called; the first of these that a heading has is taken. */
static const char *const column_names[COLUMN_COUNT][MOST_NAMES] = {
    [COLUMN_CODE] = {"code", "number", "no", "nr", "id", "ral"},
    [COLUMN_NAME] = {"name", "name_en", "title", "label", "color_name", "colour_name", "name_de"},
    [COLUMN_COLOR] = {"hex", "srgb_hex", "rgb_hex", "color", "colour", "srgb", "value", "css"},
    [COLUMN_L] = {"lab_l", "l*", "l"},
    [COLUMN_A] = {"lab_a", "a*", "a"},
    [COLUMN_B] = {"lab_b", "b*", "b"},
};

struct table {
    char separator;
    int columns[COLUMN_COUNT]; /* places in a row, or NONE */
    bool heading;              /* columns is filled in; without, it goes by the length of a row */
};

/* `# like this`; `#fff` is a colour. */
static bool is_comment(const char *line)
{
    return line[0] == '#' && !isalnum((unsigned char)line[1]);
}

/* The next row that has anything in it. False at the end. */
static bool next_row(struct swatches_reader *reader, struct table *table, struct csv_row *row)
{
    while (swatches_line(reader)) {
        struct error error = {0};
        const char *line = reader->text.data;
        if (line[strspn(line, " \t;,")] == '\0' || is_comment(line))
            continue;
        if (table->separator == '\0')
            table->separator = csv_separator(line);
        if (csv_split(reader->text.data, table->separator, row, &error))
            return true;
        swatches_refuse(reader, "%s", error.message);
    }
    return false;
}

/* A colour as people write it, or six hexadecimal digits alone. */
static bool parse_color(const char *text, struct color *color, struct error *error)
{
    char hex[8];
    if (color_parse(text, color, error))
        return true;
    if (strlen(text) != 6 || strspn(text, "0123456789abcdefABCDEF") != 6)
        return false;
    error_clear(error);
    snprintf(hex, sizeof hex, "#%s", text);
    return color_parse(hex, color, error);
}

static int find_column(const struct csv_row *row, enum column column)
{
    for (size_t n = 0; n < MOST_NAMES && column_names[column][n] != NULL; n++)
        for (size_t i = 0; i < row->count; i++)
            if (strcasecmp(row->fields[i], column_names[column][n]) == 0)
                return (int)i;
    return NONE;
}

static bool has_color(const struct csv_row *row)
{
    struct error ignored = {0};
    struct color color;
    for (size_t i = 0; i < row->count; i++)
        if (parse_color(row->fields[i], &color, &ignored))
            return true;
    return false;
}

/* Finds the columns where ROW is a heading. False where it is one that is of no use. */
static bool table_begin(struct table *table, const struct csv_row *row, struct error *error)
{
    int *columns = table->columns;
    for (enum column c = COLUMN_CODE; c < COLUMN_COUNT; c++)
        columns[c] = find_column(row, c);
    bool lab = columns[COLUMN_L] != NONE && columns[COLUMN_A] != NONE && columns[COLUMN_B] != NONE;
    table->heading = lab || (columns[COLUMN_COLOR] != NONE && !has_color(row));
    if (!lab)
        columns[COLUMN_L] = columns[COLUMN_A] = columns[COLUMN_B] = NONE;
    if (table->heading || (columns[COLUMN_CODE] == NONE && columns[COLUMN_NAME] == NONE) ||
        has_color(row))
        return true;
    error_set(error, ERROR_UNSUPPORTED, "the heading has no column of colours");
    return error_hint(error, "hex, or lab_l, lab_a and lab_b");
}

/* The columns of a row without a heading. */
static bool columns_by_length(struct table *table, size_t count)
{
    int length = (int)count;
    for (enum column c = COLUMN_CODE; c < COLUMN_COUNT; c++)
        table->columns[c] = NONE;
    table->columns[COLUMN_COLOR] = length - 1;
    if (length > 1)
        table->columns[COLUMN_NAME] = length - 2;
    if (length > 2)
        table->columns[COLUMN_CODE] = 0;
    return length <= 3;
}

static const char *field(const struct table *table, const struct csv_row *row, enum column column)
{
    int place = table->columns[column];
    return place != NONE && (size_t)place < row->count ? row->fields[place] : "";
}

/* The Lab columns; false with a complaint where they are no colour. */
static bool take_lab(struct swatches_reader *reader, const struct table *table,
                     const struct csv_row *row, double lab[3])
{
    bool comma = false;
    for (int i = 0; i < 3; i++) {
        const char *text = field(table, row, COLUMN_L + (enum column)i);
        double low = i == 0 ? 0 : -200, high = i == 0 ? 100 : 200;
        if (!csv_number(text, table->separator, &lab[i], &comma)) {
            swatches_refuse(reader, "'%.60s' is not a number: %c* is expected", text, "Lab"[i]);
            return false;
        }
        if (!(lab[i] >= low && lab[i] <= high)) {
            swatches_refuse(reader, "%c* is %.60s, not from %g to %g", "Lab"[i], text, low, high);
            return false;
        }
    }
    return true;
}

/* What is shown and matched, from either column or both. */
static bool take_color(struct swatches_reader *reader, const struct table *table,
                       const struct csv_row *row, double srgb[3], double lab[3])
{
    const char *text = field(table, row, COLUMN_COLOR);
    bool measured = field(table, row, COLUMN_L)[0] != '\0' ||
                    field(table, row, COLUMN_A)[0] != '\0' ||
                    field(table, row, COLUMN_B)[0] != '\0';
    struct error error = {0};
    struct color color;
    if (text[0] == '\0' && !measured) {
        swatches_refuse(reader, "has no colour");
        return false;
    }
    if (text[0] != '\0' && !parse_color(text, &color, &error)) {
        swatches_refuse(reader, "%s%s%s", error.message, error.hint[0] == '\0' ? "" : "; ",
                        error.hint);
        return false;
    }
    if (measured && !take_lab(reader, table, row, lab))
        return false;
    if (!measured)
        memcpy(lab, color.lab, sizeof color.lab);
    if (text[0] == '\0') {
        double linear[3];
        lab_to_linear(lab, linear);
        color_space_fit_srgb(linear, srgb);
    } else {
        memcpy(srgb, color.srgb, sizeof color.srgb);
    }
    return true;
}

static bool read_row(struct swatches_reader *reader, struct table *table, const struct csv_row *row,
                     struct error *error)
{
    double srgb[3], lab[3];
    if (!table->heading && !columns_by_length(table, row->count)) {
        swatches_refuse(reader, "%zu fields; without a heading code, name and colour are expected",
                        row->count);
        return true;
    }
    return !take_color(reader, table, row, srgb, lab) ||
           swatches_accept(reader, field(table, row, COLUMN_CODE), field(table, row, COLUMN_NAME),
                           lab, swatches_rgb(srgb), error);
}

bool swatches_read_csv(struct swatches_reader *reader, struct error *error)
{
    struct table table = {0};
    struct csv_row row;
    if (!next_row(reader, &table, &row))
        return true;
    if (!table_begin(&table, &row, error))
        return false;
    if (!table.heading && !read_row(reader, &table, &row, error))
        return false;
    while (next_row(reader, &table, &row))
        if (!read_row(reader, &table, &row, error))
            return false;
    return true;
}
