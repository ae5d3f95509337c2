/* SPDX-License-Identifier: MIT */
/* Profiles that are curves and a matrix (RGB) or one curve (grey): nearly all that pictures carry.
 * Their few numbers are used as they are, which is exact: a general engine samples 16-bit pictures
 * through a coarse grid and is off by up to 3800 of 65535. Only for icc*.c. */
#ifndef COLOR_ICC_MODEL_H
#define COLOR_ICC_MODEL_H

#include "color/icc.h"
#include "color/icc_curve.h"
#include "color/icc_scan.h"

struct icc_model {
    enum icc_space space;     /* grey or RGB */
    struct icc_tone tones[3]; /* grey: the first */
    double to_srgb[3][3];     /* linear light to linear sRGB; relative colorimetric */
    double from_srgb[3][3];
};

/* The white of the connection space, D50 of ICC.1:2010, 7.2.16. */
extern const double icc_pcs_white[3];

/* XYZ of the connection space to linear sRGB. */
void icc_model_pcs_to_srgb(double matrix[3][3]);

/* sRGB itself. */
struct icc_model icc_model_srgb(enum icc_space space);

/* The model of a scanned profile, grey or with icc_scan_is_matrix(). SCAN's profile has to outlive
 * it. ERROR_CORRUPT where the colorants span no volume. */
bool icc_model_of(const struct icc_scan *scan, struct icc_model *model, struct error *error);

/* Colours, encoded, 0..1. RGB has 3 numbers, grey 1. Not clipped on the way to sRGB. */
void icc_model_to_srgb(const struct icc_model *model, const double in[3], double srgb[3]);
void icc_model_from_srgb(const struct icc_model *model, const double srgb[3], double out[3]);

/* The light of COUNT samples at equal steps of 0..1, clipped to 0..1. */
void icc_model_decode(const struct icc_model *model, unsigned channel, float *values, size_t count);

bool icc_model_is_srgb(const struct icc_model *model);

#endif
