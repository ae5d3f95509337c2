/* SPDX-License-Identifier: MIT */
/* The RAL colours: Classic, Design System plus and Effect. */
#ifndef COLOR_RAL_H
#define COLOR_RAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum ral_set { RAL_CLASSIC, RAL_DESIGN, RAL_EFFECT };
enum ral_finish { RAL_SOLID, RAL_FLUORESCENT, RAL_PEARLESCENT, RAL_METALLIC };

struct ral_color {
    const char *code;              /* "3020", "010 20 25", "110-M" */
    const char *name_en, *name_de; /* UTF-8; empty for Effect, which has no names */
    enum ral_set set;
    enum ral_finish finish;
    uint32_t rgb;  /* 0xRRGGBB, the sRGB value that RAL publishes */
    double lab[3]; /* D65: measured (Classic), nominal (Design), of RGB (Effect) */
};

/* How many there are, and the one at INDEX: Classic, Design, Effect, each in the order of codes. */
size_t ral_count(void);
struct ral_color ral_at(size_t index);

/* Finds TEXT, a code with or without `RAL` before it, upper or lower case. ERROR_USAGE says what is
 * wrong with it and suggests the nearest code. */
bool ral_find(const char *text, size_t *index, struct error *error);

/* The code of the colour whose English or German name TEXT is, whatever its case; NULL. */
const char *ral_code_of_name(const char *text);

/* "solid", "fluorescent", "pearlescent", "metallic". */
const char *ral_finish_name(enum ral_finish finish);

#endif
