/* SPDX-License-Identifier: MIT */
/* Colours as people write them: CSS Color 4 and RAL codes. */
#ifndef COLOR_COLOR_H
#define COLOR_COLOR_H

#include "base/error.h"

/* A colour value. LAB (D65) is exact. SRGB is encoded, 0..1; where LAB is outside of the gamut it
 * is what CSS Color 4 maps it to (lightness and hue kept), and for RAL codes the value that RAL
 * publishes. */
struct color {
    double lab[3];
    double srgb[3];
    double alpha;  /* 0..1; 1 where the notation has none */
    bool in_gamut; /* LAB is one of sRGB, to half a step of 8 bits */
};

/* Parses CSS Color 4 in whatever case: names, `transparent`, #rgb #rgba #rrggbb #rrggbbaa; rgb(),
 * rgba(), hsl(), hsla() with blanks or commas; hwb(), lab(), lch() (D50), oklab(), oklch();
 * color() with srgb, srgb-linear, display-p3, display-p3-linear, a98-rgb, prophoto-rgb, rec2020
 * (exponent 2.4), xyz, xyz-d50, xyz-d65; `none`, percentages, angles, alpha. Further lab-d65(L a b),
 * which does not clamp but refuses L outside of 0..100, and RAL codes (`RAL 3020`, `ral3020`,
 * `RAL 010 20 25`, `RAL 110-1`). No calc(), no comments, no system colours.
 * ERROR_USAGE quotes TEXT, points at the offending character and suggests near names. */
bool color_parse(const char *text, struct color *color, struct error *error);

/* Reads what long lists are made of: nothing but #rrggbb. False where TEXT is not that, which says
 * nothing about whether it is a colour; LAB is what color_parse() gives. */
bool color_parse_plain(const char *text, double lab[3]);

/* The same for the first seven bytes of TEXT, whatever follows. */
bool color_parse_hex(const char text[7], double lab[3]);

#endif
