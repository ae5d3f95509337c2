/* SPDX-License-Identifier: MIT */
/* The curve of sRGB for rows of floats. */
#ifndef COLOR_SRGB_H
#define COLOR_SRGB_H

#include <stddef.h>

/* COUNT values in place, linear light to encoded and back. IEC 61966-2-1, mirrored at 0; 1 is no
 * border; what is beyond 65536 (or no number) counts as 65536. Within 5e-7 of srgb_encode() and
 * srgb_decode() in lab.h for values up to 1, within a share of 1e-6 of the result above; 0 stays 0.
 * Logarithm and power are polynomials, so that compilers vectorise them. */
void srgb_encode_row(float *value, size_t count);
void srgb_decode_row(float *value, size_t count);

#endif
