/* SPDX-License-Identifier: MIT */
#include "cli/name_template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const placeholders[] = {"stem", "name", "ext", "w", "h"};
enum { STEM, NAME, EXT, WIDTH, HEIGHT, PLACEHOLDER_COUNT };

static void add_stem(const char *path, struct text *out)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(base, '.');
    size_t length = dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base);
    text_add_bytes(out, base, length);
}

static void add_value(int which, const struct name_values *values, struct text *out)
{
    switch (which) {
    case STEM:
        add_stem(values->input, out);
        break;
    case NAME:
        text_add(out, values->name);
        break;
    case EXT:
        text_add(out, values->ext);
        break;
    case WIDTH:
        text_printf(out, "%u", values->width);
        break;
    case HEIGHT:
        text_printf(out, "%u", values->height);
        break;
    }
}

static bool unknown_placeholder(const char *word, struct error *error)
{
    const char *near = text_nearest(word, placeholders, PLACEHOLDER_COUNT);
    error_set(error, ERROR_USAGE,
              "--output-template: '{%s}' is not one of {stem}, {name}, {ext}, {w}, {h}", word);
    if (near != NULL)
        error_hint(error, "did you mean '{%s}'?", near);
    return false;
}

bool name_template_expand(const char *pattern, const struct name_values *values, struct text *out,
                          struct error *error)
{
    for (const char *p = pattern; *p != '\0';) {
        if ((p[0] == '{' && p[1] == '{') || (p[0] == '}' && p[1] == '}')) {
            text_add_bytes(out, p, 1);
            p += 2;
            continue;
        }
        if (*p != '{') {
            text_add_bytes(out, p++, 1);
            continue;
        }
        char word[16];
        size_t length = strcspn(p + 1, "}");
        if (p[1 + length] == '\0')
            return error_set(error, ERROR_USAGE, "--output-template: '%s' has no closing brace", p);
        snprintf(word, sizeof word, "%.*s", (int)length, p + 1);
        int which = 0;
        while (which < PLACEHOLDER_COUNT && strcmp(placeholders[which], word) != 0)
            which++;
        if (which == PLACEHOLDER_COUNT)
            return unknown_placeholder(word, error);
        add_value(which, values, out);
        p += length + 2;
    }
    return !out->failed || error_set(error, ERROR_NO_MEMORY, "out of memory");
}

const char *name_template_input(const char *path)
{
    const char *handed_down = getenv("IMGTOOL_INPUT_NAME");
    if (strcmp(path, "-") != 0)
        return path;
    return handed_down != NULL ? handed_down : "stdin";
}
