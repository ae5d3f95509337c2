/* SPDX-License-Identifier: MIT */
/* Rows of separated values: RFC 4180 and what colours need. */
#include "base/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static const struct {
    const char *line;
    char separator;
} separators[] = {
    {"", ','},
    {"abc", ','},
    {"a,b;c\td", ','},
    {"a;b,c", ';'},
    {"a\tb,c", '\t'},
    {"rgb(1, 2, 3);red", ';'},
    {"rgb(1, 2, 3)\tred", '\t'},
    {"rgb(1, 2, 3)", ','},
    {"lab(calc(1, 2), 3);x", ';'},
    {"\"a;b\"\"c;d\",e;f", ','},
    {"  \"a;b\" , e", ','},
    {"a) ; b, c", ';'},
    {"5\" pipe; red, blue", ';'},
    {"\"not closed; a, b", ','},
    {"60,5;1,2;3", ';'},
    {"60,5\t1,2", '\t'},
    {"60,5,1;2", ';'},
    {"60,5,1,2", ','},
    {"60,-5;1", ','},
    {"60, 5;1", ','},
    {"#c80000,60;1", ';'},
};

/* Fields are joined by | to compare. */
static const struct {
    const char *line;
    char separator;
    const char *fields;
} rows[] = {
    {"", ',', ""},
    {"a", ',', "a"},
    {"a,b,c", ',', "a|b|c"},
    {"a,,c", ',', "a||c"},
    {",", ',', "|"},
    {"a,b,", ',', "a|b|"},
    {"a;b,c", ';', "a|b,c"},
    {"a\tb, c\t", '\t', "a|b, c|"},
    {"\t\t", '\t', "||"},
    {"  a b ,\tc\t", ',', "a b|c"},
    {"\"a,b\",c", ',', "a,b|c"},
    {"\"say \"\"hi\"\"\",b", ',', "say \"hi\"|b"},
    {"\"\"\"\",\"\"", ',', "\"|"},
    {" \" kept \" , b", ',', " kept |b"},
    {"a \"b\" c,5\"", ',', "a \"b\" c|5\""},
    {"rgb(1, 2, 3),hsl(1,2%,3%)", ',', "rgb(1, 2, 3)|hsl(1,2%,3%)"},
    {"rgb(1, (2), 3),x", ',', "rgb(1, (2), 3)|x"},
    {"a),(b,c)", ',', "a)|(b,c)"},
    {"\"rgb(1,2\",3)", ',', "rgb(1,2|3)"},
    {"RAL 3020;Gr\xc3\xbcn", ';', "RAL 3020|Gr\xc3\xbcn"},
};

static const struct {
    const char *line, *message;
} bad[] = {
    {"a,\"b", "a quote is not closed"},
    {"\"", "a quote is not closed"},
    {"\"a\"\"", "a quote is not closed"},
    {"\"a\"b,c", "text behind a closing quote"},
    {"rgb(1,2,3", "a parenthesis is not closed"},
};

static void join(const struct csv_row *row, char *out)
{
    *out = '\0';
    for (size_t i = 0; i < row->count; i++) {
        strcat(out, i == 0 ? "" : "|");
        strcat(out, row->fields[i]);
    }
}

static void check_numbers(void)
{
    static const struct {
        const char *field;
        char separator;
        bool good, comma;
        double value;
    } numbers[] = {
        {"60.5", ',', true, false, 60.5}, {"60.5", ';', true, false, 60.5},
        {"60,5", ';', true, true, 60.5},  {"-60,5", '\t', true, true, -60.5},
        {"60", ';', true, false, 60},     {"6,05e1", ';', true, true, 60.5},
        {"60,5", ',', false, false, 0},   {"60,5,1", ';', false, false, 0},
        {"1.060,5", ';', false, false, 0}, {"1,060.5", ';', false, false, 0},
        {"", ';', false, false, 0},       {",", ';', false, false, 0},
        {"60,5x", ';', false, false, 0},  {"60,", ';', false, false, 0},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        bool comma = false;
        double value = 0;
        bool good = csv_number(numbers[i].field, numbers[i].separator, &value, &comma);
        tap_ok(good == numbers[i].good && comma == numbers[i].comma &&
                   (!good || fabs(value - numbers[i].value) < 1e-12),
               "'%s' between '%c' is %g", numbers[i].field, numbers[i].separator, value);
    }
}

int main(void)
{
    for (size_t i = 0; i < sizeof separators / sizeof *separators; i++)
        tap_ok(csv_separator(separators[i].line) == separators[i].separator, "separator of '%s'",
               separators[i].line);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct csv_row row;
        struct error error = {0};
        char joined[200], *line = strdup(rows[i].line);
        bool good = csv_split(line, rows[i].separator, &row, &error);
        join(&row, joined);
        tap_ok(good && strcmp(joined, rows[i].fields) == 0, "'%s' is %s", rows[i].line, joined);
        free(line);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct csv_row row;
        struct error error = {0};
        char *line = strdup(bad[i].line);
        tap_ok(!csv_split(line, ',', &row, &error) && error.kind == ERROR_CORRUPT &&
                   strcmp(error.message, bad[i].message) == 0,
               "'%s': %s", bad[i].line, error.message);
        free(line);
    }
    char many[CSV_MAX_FIELDS + 1];
    struct csv_row row;
    struct error error = {0};
    memset(many, ',', sizeof many);
    many[CSV_MAX_FIELDS - 1] = '\0';
    tap_ok(csv_split(many, ',', &row, &error) && row.count == CSV_MAX_FIELDS, "%zu fields",
           row.count);
    memset(many, ',', sizeof many);
    many[CSV_MAX_FIELDS] = '\0';
    tap_ok(!csv_split(many, ',', &row, &error) && error.kind == ERROR_CORRUPT, "%s",
           error.message);
    check_numbers();
    return tap_done();
}
