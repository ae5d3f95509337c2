/* SPDX-License-Identifier: MIT */
/* The 148 named colours of CSS Color 4, section 6.1. */
#ifndef COLOR_COLOR_NAMES_H
#define COLOR_COLOR_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds the LENGTH characters at NAME, whatever their case. The value is 0xRRGGBB. */
bool color_name_find(const char *name, size_t length, uint32_t *rgb);

/* A name near to NAME (see text_nearest()), or NULL. */
const char *color_name_near(const char *name);

#endif
