/* SPDX-License-Identifier: MIT */
/* The colour spaces of CSS Color 4, into linear-light sRGB, and what to do with colours that sRGB
 * cannot show. Double precision, nothing clipped on the way. */
#ifndef COLOR_COLOR_SPACE_H
#define COLOR_COLOR_SPACE_H

#include <stdbool.h>

enum color_space {
    /* with primaries */
    COLOR_SRGB,
    COLOR_DISPLAY_P3,
    COLOR_A98,
    COLOR_PROPHOTO,
    COLOR_REC2020, /* display light: exponent 2.4 */
    COLOR_SRGB_LINEAR,
    COLOR_XYZ_D50,
    COLOR_XYZ_D65,
    /* L 0..100 */
    COLOR_LAB_D50,
    COLOR_LAB_D65,
    /* L 0..1. Björn Ottosson, "A perceptual color space for image processing", 2020 */
    COLOR_OKLAB
};

void color_space_to_linear(enum color_space space, const double value[3], double linear[3]);

/* Hue 0..1 (a turn), the others 0..1, to encoded sRGB. CSS Color 4, sections 7 and 8. */
void color_space_hsl(const double hsl[3], double srgb[3]);
void color_space_hwb(const double hwb[3], double srgb[3]);

void color_space_oklab(const double linear[3], double oklab[3]);

/* LINEAR to encoded sRGB 0..1. True where it is in the gamut, to half a step of 8 bits. Otherwise
 * lightness and hue are kept and chroma is given up, in OKLCh; CSS Color 4, section 13.2. */
bool color_space_fit_srgb(const double linear[3], double srgb[3]);

#endif
