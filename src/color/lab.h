/* SPDX-License-Identifier: MIT */
/* CIELAB and how far two of its colours are apart. D65 white, 2 degree observer; L 0..100. */
#ifndef COLOR_LAB_H
#define COLOR_LAB_H

#include <stddef.h>
#include <stdint.h>

struct lab {
    float l, a, b;
};

/* sRGB with components 0..1 (beyond is fine: the curve is mirrored at 0) to and from linear light.
 * IEC 61966-2-1. */
double srgb_decode(double value);
double srgb_encode(double value);

/* Linear-light sRGB to Lab and back, in double precision. CSS Color 4 matrices; CIE 15:2004. */
void lab_from_linear(const double rgb[3], double lab[3]);
void lab_to_linear(const double lab[3], double rgb[3]);

/* XYZ of the whites x 0.3127, y 0.3290 and x 0.3457, y 0.3585, with Y 1. */
extern const double lab_white_d65[3], lab_white_d50[3];

/* XYZ to Lab relative to WHITE and back. */
void lab_from_xyz(const double xyz[3], const double white[3], double lab[3]);
void lab_to_xyz(const double lab[3], const double white[3], double xyz[3]);

/* XYZ of D65 to linear-light sRGB. */
void lab_xyz_to_linear(const double xyz[3], double rgb[3]);

/* CIEDE2000 with kL = kC = kH = 1. Sharma, Wu, Dalal: "The CIEDE2000 Color-Difference Formula:
 * Implementation Notes", Color Res. Appl. 30(1), 2005. Symmetric; reproduces the 34 published
 * pairs to 0.0001. */
double lab_ciede2000(const double one[3], const double two[3]);

/* The same with K = kL, kC, kH. The mean hue is the direction between two unit vectors, its
 * multiples follow from the addition theorems. */
double lab_ciede2000_weighted(const double one[3], const double two[3], const double k[3]);

/* The same in the words of the paper, with angles: what the others fall back to where hues are
 * opposite, and agree with to 1e-10 elsewhere. */
double lab_ciede2000_by_angles(const double one[3], const double two[3], const double k[3]);

/* COUNT pixels of linear-light sRGB, planar, 0..1, to Lab planes, in single precision with a
 * polynomial cube root: within 0.0002 of the above. Planes may not overlap. */
void lab_row_from_linear(const float *r, const float *g, const float *b, float *l, float *a,
                         float *bb, size_t count);

#endif
