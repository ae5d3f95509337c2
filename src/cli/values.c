/* SPDX-License-Identifier: MIT */
#include "cli/values.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

enum { MAX_PIXELS_A_SIDE = 65535 };

/* Reads a length at *TEXT and moves behind it. */
static bool length_at(const char **text, struct length *length)
{
    const char *end = NULL;
    if (!text_to_double(*text, &end, &length->value) || length->value < 0)
        return false;
    length->is_share = *end == '%';
    if (length->is_share) {
        length->value /= 100;
        end++;
    } else if (strncmp(end, "px", 2) == 0) {
        end += 2;
    }
    *text = end;
    return length->value <= (length->is_share ? 100 : MAX_PIXELS_A_SIDE);
}

bool value_length(const char *text, void *field, struct error *error)
{
    struct length length;
    const char *end = text;
    if (!length_at(&end, &length) || *end != '\0')
        return error_set(error, ERROR_USAGE, "'%s' is not a length such as 20, 20px or 5%%, from 0 to 65535 pixels", text);
    *(struct length *)field = length;
    return true;
}

bool value_lengths(const char *text, void *field, struct error *error)
{
    struct length lengths[4];
    const char *end = text;
    int count = 0;
    while (count < 4 && length_at(&end, &lengths[count])) {
        count++;
        if (*end != ',')
            break;
        end++;
    }
    if (count == 0 || *end != '\0' || end[-1] == ',')
        return error_set(error, ERROR_USAGE,
                         "'%s' is not 1 to 4 lengths such as 5%% or 10,20px,5%%,20, each from 0 "
                         "to 65535 pixels", text);
    /* As in CSS: a missing left is the right, a missing bottom the top, a missing right the top. */
    struct length *sides = field;
    sides[0] = lengths[0];
    sides[1] = count > 1 ? lengths[1] : sides[0];
    sides[2] = count > 2 ? lengths[2] : sides[0];
    sides[3] = count > 3 ? lengths[3] : sides[1];
    return true;
}

/* Reads a whole number from MIN to MAX at *TEXT, without an exponent or a sign not asked for. */
static bool whole_at(const char **text, double min, double max, double *number)
{
    const char *p = *text;
    if (*p == '-' || (*p == '+' && min < 0))
        p++;
    size_t digits = strspn(p, "0123456789");
    const char *end = NULL;
    if (digits == 0 || digits > 9 || !text_to_double(*text, &end, number))
        return false;
    *text = end;
    return end == p + digits && *number >= min && *number <= max;
}

bool value_offset(const char *text, void *field, struct error *error)
{
    double x = 0, y = 0;
    const char *p = text;
    bool good = whole_at(&p, -MAX_PIXELS_A_SIDE, MAX_PIXELS_A_SIDE, &x) && *p == ',';
    if (good) {
        p++;
        good = whole_at(&p, -MAX_PIXELS_A_SIDE, MAX_PIXELS_A_SIDE, &y) && *p == '\0';
    }
    if (!good)
        return error_set(error, ERROR_USAGE,
                         "'%s' is not an offset X,Y such as 8,12, each from -65535 to 65535", text);
    *(struct value_offset *)field = (struct value_offset){(int32_t)x, (int32_t)y};
    return true;
}

/* Reads "+20" or "-20", as --print-box writes a box that leaves the image. */
static bool signed_at(const char **text, double *number)
{
    return (**text == '+' || **text == '-') &&
           whole_at(text, -MAX_PIXELS_A_SIDE, MAX_PIXELS_A_SIDE, number);
}

bool value_box(const char *text, void *field, struct error *error)
{
    double width = 0, height = 0, x = 0, y = 0;
    const char *p = text;
    bool good = whole_at(&p, 1, MAX_PIXELS_A_SIDE, &width) && *p++ == 'x' &&
                whole_at(&p, 1, MAX_PIXELS_A_SIDE, &height) && signed_at(&p, &x) &&
                signed_at(&p, &y) && *p == '\0';
    if (!good)
        return error_set(error, ERROR_USAGE,
                         "'%s' is not a box WxH+X+Y such as 640x480+10+20, each to 65535", text);
    *(struct value_box *)field =
        (struct value_box){(uint32_t)width, (uint32_t)height, (int32_t)x, (int32_t)y};
    return true;
}

bool value_aspect(const char *text, void *field, struct error *error)
{
    double width = 0, height = 0;
    const char *end = NULL;
    if (!text_to_double(text, &end, &width) || *end != ':' ||
        !text_to_double(end + 1, &end, &height) || *end != '\0' || width <= 0 || height <= 0 ||
        width / height > 1000 || height / width > 1000)
        return error_set(error, ERROR_USAGE,
                         "'%s' is not a ratio W:H such as 4:3, at most 1000:1", text);
    *(double *)field = width / height;
    return true;
}
