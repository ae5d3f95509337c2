/* SPDX-License-Identifier: MIT */
/* 3 by 3 matrices between spaces of light. */
#ifndef COLOR_MATRIX_H
#define COLOR_MATRIX_H

#include <stdbool.h>

void matrix_multiply(const double a[3][3], const double b[3][3], double product[3][3]);

/* OUT may be IN. */
void matrix_apply(const double m[3][3], const double in[3], double out[3]);

/* False, INVERSE then undefined, where the determinant is next to nothing. */
bool matrix_invert(const double m[3][3], double inverse[3][3]);

/* XYZ against one white to XYZ against another: the linear Bradford transform (ICC.1:2010, annex
 * E). Whites are XYZ. */
void matrix_adapt(const double from[3], const double to[3], double m[3][3]);

/* Linear RGB to XYZ from the chromaticities x, y of red, green, blue and white (SMPTE RP 177-1993).
 * False where they span no triangle. */
bool matrix_of_primaries(const double xy[8], double m[3][3]);

/* Eigenvalues of a symmetric matrix, largest first, and its eigenvectors as columns, orthonormal.
 * Jacobi's rotations; what is below the diagonal is not looked at. */
void matrix_eigen(const double m[3][3], double values[3], double vectors[3][3]);

/* The symmetric matrix with these eigenvalues and eigenvectors. */
void matrix_of_eigen(const double values[3], const double vectors[3][3], double m[3][3]);

#endif
