/* SPDX-License-Identifier: MIT */
/* Apart from the other values, so that the dispatcher links no colour engine. */
#include <string.h>

#include "cli/tool.h"
#include "cli/values.h"
#include "color/color.h"

bool value_color(const char *text, void *field, struct error *error)
{
    return color_parse(text, field, error);
}

bool value_background(const char *text, void *field, struct error *error)
{
    struct color color;
    if (!color_parse(text, &color, error))
        return false;
    if (color.alpha < 1)
        return error_set(error, ERROR_USAGE, "'%s' is not opaque, a background has to be", text);
    memcpy(((struct cli_background *)field)->srgb, color.srgb, sizeof color.srgb);
    return true;
}
