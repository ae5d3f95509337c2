/* SPDX-License-Identifier: MIT */
/* Values of options beyond plain numbers: the parsers that option tables name. Each fills its
 * field from TEXT or fails with ERROR_USAGE and a message that says what is expected. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include <stdint.h>

#include "base/error.h"

/* Pixels, or a share of something: "20", "20px", "5%". */
struct length {
    double value; /* pixels, or 0.05 for 5% */
    bool is_share;
};

/* struct length, not negative. */
bool value_length(const char *text, void *field, struct error *error);

/* struct length[4] in CSS order (top, right, bottom, left) from 1 to 4 comma-separated lengths. */
bool value_lengths(const char *text, void *field, struct error *error);

/* struct value_offset: "X,Y" in whole pixels, each from -65535 to 65535. */
struct value_offset {
    int32_t x, y;
};
bool value_offset(const char *text, void *field, struct error *error);

/* struct value_box: "WxH+X+Y" in whole pixels; "-X" lies left of the image. */
struct value_box {
    uint32_t width, height; /* width 0: none given */
    int32_t x, y;
};
bool value_box(const char *text, void *field, struct error *error);

/* double: "W:H" as W / H. */
bool value_aspect(const char *text, void *field, struct error *error);

/* struct cli_background: a colour. (cli/value_color.c, as the next one: the colour layer.) */
bool value_background(const char *text, void *field, struct error *error);

/* struct color. */
bool value_color(const char *text, void *field, struct error *error);

#endif
