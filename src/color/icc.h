/* SPDX-License-Identifier: MIT */
/* ICC profiles: what one is, its curves, and transforms to sRGB. The only user of Little CMS.
 *
 * A profile is hostile until checked. Everywhere an empty blob means sRGB (for grey: the sRGB
 * curve). Samples are interleaved, 8 or 16 bit, full range, without alpha unless said otherwise. */
#ifndef COLOR_ICC_H
#define COLOR_ICC_H

#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"

enum icc_space { ICC_GREY, ICC_RGB, ICC_CMYK };

/* True where PROFILE is one that images of SPACE can carry: it parses, is at most 4 MiB, its class
 * is input, display, output or colour space, its data space is SPACE. Otherwise ERROR_CORRUPT or
 * ERROR_UNSUPPORTED with the reason; callers usually warn and drop the profile. */
bool icc_check(const struct blob *profile, enum icc_space space, struct error *error);

/* The profile's description in UTF-8, control characters replaced; "" where it has none. */
void icc_name(const struct blob *profile, char *name, size_t size);

/* True where the profile is sRGB to within what 8-bit samples can show. */
bool icc_is_srgb(const struct blob *profile);

/* The curve of channel CHANNEL from sample to linear light at COUNT equal steps of 0..1. Follows
 * the profile's own curve where it has one (grey, or RGB with curves and a matrix), else sRGB's.
 * Monotonic, starts at 0, ends at 1. */
bool icc_curve(const struct blob *profile, enum icc_space space, unsigned channel, float *values,
               size_t count, struct error *error);

/* True where all channels have the same curve. */
bool icc_curves_are_one(const struct blob *profile, enum icc_space space);

/* A profile of a PNG's gAMA and cHRM: white, red, green, blue as x, y pairs (all 0: sRGB's) and
 * the file gamma (0.45455). For grey, only white and gamma count. Same input, same bytes. */
bool icc_from_gamma(enum icc_space space, double gamma, const double chromaticities[8],
                    struct blob *profile, struct error *error);

/* A transform of pixels: SPACE through PROFILE to sRGB (3 samples), relative colorimetric with
 * black point compensation. CMYK without a profile is the naive r = (1-c)(1-k). With ALPHA both
 * sides carry an alpha sample behind, which is copied; IN and OUT must not overlap.
 *
 * Curves and matrices are computed here, exact to half a code; only tables go through the engine,
 * whose memory is one block of 64 MiB of address space, of which it touches what it needs: where
 * that cannot be had it is ERROR_NO_MEMORY, and where it is used up ERROR_UNSUPPORTED. Several
 * threads may convert pixels with one transform at a time. */
struct icc_transform;
bool icc_transform_new(struct icc_transform **transform, const struct blob *profile,
                       enum icc_space space, unsigned depth, bool alpha, struct error *error);
void icc_transform_pixels(const struct icc_transform *transform, const void *in, void *out,
                          size_t count);

/* A transform for measuring, quicker to make: it has no way back to samples, so that only
 * icc_transform_linear() may be called with it. */
bool icc_transform_new_linear(struct icc_transform **transform, const struct blob *profile,
                              enum icc_space space, unsigned depth, bool alpha,
                              struct error *error);

/* COUNT pixels to three planes of linear-light sRGB, 0..1 within its gamut and beyond outside of
 * it: nothing is clipped or rounded to samples. Alpha is skipped. */
void icc_transform_linear(const struct icc_transform *transform, const void *in,
                          float *const linear[3], size_t count);
void icc_transform_free(struct icc_transform *transform);

/* One sRGB colour (encoded, 0..1) in the space of PROFILE, encoded, 0..1: 3 numbers for RGB, 1 for
 * grey. Out-of-gamut results are clipped. */
bool icc_color_from_srgb(const struct blob *profile, enum icc_space space, const double srgb[3],
                         double out[3], struct error *error);

/* Opens Little CMS where that is not done yet (base/library.h). The other functions do it when they
 * need it, which is for profiles of tables and for new profiles; it is for what comes before a
 * sandbox, which lets no file be opened. */
bool icc_load(struct error *error);

/* The version of Little CMS that runs, "2.14"; empty where it cannot be opened. */
void icc_version(char *out, size_t size);

#endif
