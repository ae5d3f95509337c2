/* SPDX-License-Identifier: MIT */
/* Rows of pixels through a model to sRGB, as light or as samples. Only for icc*.c. */
#ifndef COLOR_ICC_PIXELS_H
#define COLOR_ICC_PIXELS_H

#include "color/icc_model.h"
#include "color/tone.h"

struct icc_pixels {
    unsigned depth, in_channels; /* without alpha */
    bool alpha, pcs_is_xyz;
    float *decode[3];              /* 2^depth values of light for each channel in */
    float matrix[3][3], offset[3]; /* light, or XYZ, to linear sRGB */
    struct tone srgb;              /* back from light; icc_pixels_new_back() */
};

/* Tables from samples to light for MODEL; DEPTH is 8 or 16. */
bool icc_pixels_new(struct icc_pixels *pixels, const struct icc_model *model, unsigned depth,
                    bool alpha, struct error *error);
void icc_pixels_free(struct icc_pixels *pixels);

/* The same for pixels that somebody else brings into the connection space. BLACK is the XYZ that
 * becomes black (black point compensation: linear in XYZ, Adobe Systems, 2006). */
void icc_pixels_new_pcs(struct icc_pixels *pixels, const struct icc_scan *scan,
                        const double black[3], unsigned depth, bool alpha);

/* Adds the tables from light to samples, without which there is only light. */
bool icc_pixels_new_back(struct icc_pixels *pixels, struct error *error);

/* COUNT pixels, grey or RGB, to three planes of linear-light sRGB. Nothing is clipped. */
void icc_pixels_light(const struct icc_pixels *pixels, const void *in, float *const linear[3],
                      size_t count);

/* The same of PCS, 3 samples a pixel as ICC.1:2010, 6.3.4 encodes Lab or XYZ in 16 bits. */
void icc_pixels_light_pcs(const struct icc_pixels *pixels, const uint16_t *pcs,
                          float *const linear[3], size_t count);

/* COUNT pixels, grey or RGB, to as many of sRGB. */
void icc_pixels_convert(const struct icc_pixels *pixels, const void *in, void *out, size_t count);

/* The same of PCS. IN is where they came from; only its alpha is read. */
void icc_pixels_convert_pcs(const struct icc_pixels *pixels, const uint16_t *pcs, const void *in,
                            void *out, size_t count);

/* CMYK without a profile: r = (1 - c)(1 - k). */
void icc_pixels_from_cmyk(unsigned depth, bool alpha, const void *in, void *out, size_t count);

#endif
