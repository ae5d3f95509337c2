/* SPDX-License-Identifier: MIT */
/* Colour transfer: the function from colours to colours that gives one image the colours of
 * another.
 *
 * Whatever the method, what is fitted is a chain of steps: an affine map, then a table for each of
 * the three axes, then an affine map. It depends on the colour alone, so it can be applied to any
 * row of any image, or be sampled into a table (lut.h). */
#ifndef OPS_TRANSFER_H
#define OPS_TRANSFER_H

#include "image/image.h"

/* mkl: the linear map of least displacement that gives the reference's mean and covariance (Pitié,
 * Kokaram: "The linear Monge-Kantorovitch linear colour mapping for example-based colour transfer",
 * CVMP 2007). reinhard: mean and deviation of each axis (Reinhard, Ashikhmin, Gooch, Shirley:
 * "Color transfer between images", IEEE CG&A 21(5), 2001). Both look at every pixel.
 *
 * The others look at a sample of at most 262144 pixels a side, the same one every time. hm: the
 * histogram of each axis. hm-mkl-hm: that, mkl, that again (Hahne, Aggoun: "PlenoptiCam v1.0", IEEE
 * TIP 30, 2021). idt: mkl, then histograms along 20 turned frames of axes (Pitié, Kokaram, Dahyot:
 * "N-dimensional probability density function transfer and its application to colour transfer",
 * ICCV 2005; CVIU 107, 2007). sliced: the same with 48 frames and half steps, stochastic descent of
 * the sliced Wasserstein distance (Rabin, Peyré, Delon, Bernot, SSVM 2011). The rotations are a
 * fixed list. */
enum transfer_method {
    TRANSFER_MKL,
    TRANSFER_REINHARD,
    TRANSFER_HM,
    TRANSFER_HM_MKL_HM,
    TRANSFER_IDT,
    TRANSFER_SLICED
};

/* The space in which the steps work; TRANSFER_SPACE_AUTO is the one of the method's publication:
 * encoded sRGB, and LALPHABETA for reinhard. */
enum transfer_space {
    TRANSFER_SPACE_AUTO,
    TRANSFER_SPACE_SRGB,   /* encoded */
    TRANSFER_SPACE_LINEAR, /* light */
    TRANSFER_SPACE_LAB,    /* CIELAB, D65 */
    TRANSFER_SPACE_OKLAB,
    /* Ruderman, Cronin, Chiao 1998, as Reinhard et al. 2001 use it; logarithms of light + 0.002 */
    TRANSFER_SPACE_LALPHABETA
};

/* The names of both for options, each ends with NULL: "mkl", "reinhard", … and "auto", "srgb", … */
extern const char *const transfer_method_names[];
extern const char *const transfer_space_names[];

/* One side of a fit: an image, and where it counts. Weight is alpha times mask. */
struct transfer_side {
    const struct image *image; /* grey or RGB; its profile is honoured */
    const struct image *mask;  /* grey, 8 or 16 bit, of the same size; NULL: everywhere */
};

struct transfer_options {
    enum transfer_method method;
    enum transfer_space space;
    unsigned threads;
};

struct transfer;

/* Fits the function that gives SOURCE the colours of REFERENCE. ERROR_UNSUPPORTED where a side has
 * no pixel that counts, or a mask does not suit its image. One colour alone (a singular covariance)
 * is fitted as far as that goes: never a NaN, never an endless gain. What a nearly uniform source
 * has is noise, so no affine map grows a difference by more than 10 times, no table of hm by more
 * than 10, the tables of idt and sliced together by not more than 38 and 97.
 * The result does not depend on the number of threads. */
bool transfer_fit(struct transfer **transfer, const struct transfer_options *options,
                  const struct transfer_side *source, const struct transfer_side *reference,
                  struct error *error);
void transfer_free(struct transfer *transfer);

/* The space that it works in, never TRANSFER_SPACE_AUTO. */
enum transfer_space transfer_space_of(const struct transfer *transfer);

/* Applies it to COUNT pixels of linear-light sRGB, planar, in place. Results may leave the gamut
 * (gamut.h). Several threads may apply one. */
void transfer_apply_row(const struct transfer *transfer, float *restrict r, float *restrict g,
                        float *restrict b, size_t count);

/* Whether it works on encoded sRGB: then the same for COUNT encoded pixels saves the way to light
 * and back. */
bool transfer_has_codes(const struct transfer *transfer);
void transfer_apply_codes(const struct transfer *transfer, float *restrict r, float *restrict g,
                          float *restrict b, size_t count);

#endif
