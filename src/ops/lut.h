/* SPDX-License-Identifier: MIT */
/* Tables from colours to colours in the .cube format (Adobe, "Cube LUT Specification 1.0", 2013):
 * encoded sRGB in, encoded sRGB out. */
#ifndef OPS_LUT_H
#define OPS_LUT_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

enum {
    LUT_SIZE = 33,       /* of the tables that are written, */
    LUT_SIZE_FINE = 65,  /* and of those for functions with many steps */
    LUT_MOST = 129,      /* the specification allows 256, which is 200 MB */
    LUT_MOST_CURVE = 65536
};

struct lut {
    unsigned size;          /* points along each axis: 2..LUT_MOST, of curves 2..LUT_MOST_CURVE */
    bool curves;            /* a one-dimensional table: each channel goes through its own curve */
    float low[3], high[3];  /* the inputs that the first and the last point are for */
    float *points;          /* r, g, b: size^3 with red running fastest, or size; one float more
                             * behind the last, so that a point can be read as four */
};

/* SAMPLE turns COUNT pixels of encoded sRGB, planar, into their results, in place. Several threads
 * may call it. */
typedef void lut_sample(void *context, float *r, float *g, float *b, size_t count);

/* A table of SIZE points along each axis over 0..1. */
bool lut_new(struct lut *lut, unsigned size, lut_sample *sample, void *context, unsigned threads,
             struct error *error);
void lut_free(struct lut *lut);

/* Moves the points of a three-dimensional table so that it takes COUNT colours FROM nearer to what
 * they should become, TO: least squares by a few rounds of simultaneous iterative reconstruction
 * (Gilbert: "Iterative methods for the three-dimensional reconstruction of an object from
 * projections", J. Theor. Biol. 36, 1972). Points far from all of them stay; none leaves 0..1. For
 * functions with more steps than the table has points. */
bool lut_refine(struct lut *lut, const float *const from[3], const float *const to[3],
                size_t count, struct error *error);

/* Reads SIZE bytes of a .cube file, one- or three-dimensional, lines ending with LF or CR LF.
 * ERROR_CORRUPT names the line; ERROR_TRUNCATED says how many points were found and how many
 * expected. Two words of DaVinci Resolve's dialect are understood: LUT_3D_INPUT_RANGE and
 * LUT_1D_INPUT_RANGE, a domain in one pair. Those for video range are ERROR_UNSUPPORTED, as
 * colours would be wrong without them; other unknown keywords in front of the points are left
 * out. */
bool lut_read(struct lut *lut, const char *data, size_t size, struct error *error);

/* The table as a .cube file with six decimals. TITLE has no quotes or line ends. */
void lut_write(const struct lut *lut, const char *title, struct text *out);

/* COUNT pixels of encoded sRGB, planar, in place: tetrahedral interpolation (Kasson, Nin,
 * Plouffe, Hafner: "Performing color space conversions with three-dimensional linear
 * interpolation", J. Electronic Imaging 4(3), 1995), or linear in a table of curves. What lies
 * outside of the domain is clipped to it, a NaN to its low end. Several threads may apply one. */
void lut_apply_row(const struct lut *lut, float *restrict r, float *restrict g, float *restrict b,
                   size_t count);

#endif
