/* SPDX-License-Identifier: MIT */
/* Curves of an ICC profile: `curv` (ICC.1:2010, 10.5) and `para` (10.15). Only for icc*.c. */
#ifndef COLOR_ICC_CURVE_H
#define COLOR_ICC_CURVE_H

#include "color/icc_scan.h"

/* From sample to light. Points into the profile. */
struct icc_tone {
    enum { ICC_TONE_SRGB, ICC_TONE_TABLE, ICC_TONE_POWER } kind;
    const uint8_t *table; /* 16-bit numbers, at least 2 */
    size_t count;
    /* Y = (a X + b)^g + e from X = d on, else c X + f. */
    double g, a, b, c, d, e, f;
};

/* Parses the curve at the start of SPAN into TONE, the bytes it takes into *SIZE. Either of them
 * may be NULL. */
bool icc_tone_parse(struct icc_span span, struct icc_tone *tone, size_t *size, struct error *error);

/* Light of a sample 0..1, clipped to 0..1. */
double icc_tone_value(const struct icc_tone *tone, double sample);

/* The sample whose light is LIGHT, by bisection; the nearest end where there is none. */
double icc_tone_inverse(const struct icc_tone *tone, double light);

#endif
