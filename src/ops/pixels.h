/* SPDX-License-Identifier: MIT */
/* Pixels as colours: rows of an image in linear light or Lab, whatever the image stores.
 *
 * Images are grey or RGB, 8 or 16 bit, with or without alpha; their ICC profile is honoured.
 * Colours that a profile puts outside of sRGB stay what they are, with light below 0 or above 1.
 * Each pixel's Lab is within 0.002 of double precision. */
#ifndef OPS_PIXELS_H
#define OPS_PIXELS_H

#include "image/image.h"

struct icc_transform;

enum { PIXEL_DECODE_STEPS = 4096 };

/* Pixels of one image; several threads may read with it. */
struct pixel_reader {
    const struct image *image; /* not owned */
    bool weighted;             /* colours count as much as they are opaque */
    struct icc_transform *transform; /* NULL: sRGB */
    float decode[PIXEL_DECODE_STEPS + 1], decode_byte[256]; /* sRGB to light */
};

enum pixel_flags {
    PIXEL_WEIGHTED = 1,   /* alpha is looked at; otherwise the image counts as opaque */
    PIXEL_ANY_PROFILE = 2 /* a profile that cannot be used counts as none, instead of failing */
};

/* A reader of IMAGE, which must outlive it. FLAGS: enum pixel_flags. */
bool pixel_reader_open(struct pixel_reader *reader, const struct image *image, unsigned flags,
                       struct error *error);
void pixel_reader_close(struct pixel_reader *reader);

/* COUNT pixels of row Y from X on into three planes, as linear-light sRGB (0..1 in its gamut) or as
 * Lab (D65); ALPHA, 0..1, may be NULL. */
void pixel_reader_linear(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                         float *const linear[3], float *alpha);
void pixel_reader_lab(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                      float *const lab[3], float *alpha);

/* The same pixels composed over BACKGROUND, a grey from black 0 to white 1, as linear light. Done
 * on encoded sRGB, because that is what browsers and viewers show. Opaque pixels come as they
 * are. */
void pixel_reader_over(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                       double background, float *const linear[3]);

/* One pixel of that in double precision, except that a profile is applied in single. Slow. */
void pixel_reader_exact(const struct pixel_reader *reader, uint32_t x, uint32_t y,
                        double background, double linear[3]);

/* COUNT pixels of the image's own samples, 0..1 in one plane or three, to Lab. */
void pixel_reader_codes(const struct pixel_reader *reader, const float *const code[3], size_t count,
                        float *const lab[3]);

#endif
