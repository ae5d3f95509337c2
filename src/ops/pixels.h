/* SPDX-License-Identifier: MIT */
/* Pixels as colours: rows of an image in linear light or Lab, whatever the image stores.
 *
 * Images are grey or RGB, 8 or 16 bit, with or without alpha; their ICC profile is honoured
 * (one that the engine refuses counts as none). */
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

/* A reader of IMAGE, which must outlive it. With WEIGHTED, alpha is looked at; without, the image
 * counts as opaque. */
bool pixel_reader_open(struct pixel_reader *reader, const struct image *image, bool weighted,
                       struct error *error);
void pixel_reader_close(struct pixel_reader *reader);

/* COUNT pixels of row Y from X on into three planes, as linear-light sRGB 0..1 or as Lab (D65);
 * ALPHA, 0..1, may be NULL. */
void pixel_reader_linear(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                         float *const linear[3], float *alpha);
void pixel_reader_lab(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                      float *const lab[3], float *alpha);

/* COUNT pixels of the image's own samples, 0..1 in one plane or three, to Lab. */
void pixel_reader_codes(const struct pixel_reader *reader, const float *const code[3], size_t count,
                        float *const lab[3]);

/* Writes rows of linear-light sRGB back as samples of an RGB image without a profile. */
struct pixel_writer;
bool pixel_writer_new(struct pixel_writer **writer, struct image *image, struct error *error);
void pixel_writer_free(struct pixel_writer *writer);

/* COUNT pixels of row Y from X on; clipped to 0..1, rounded to the nearest code. Alpha is left as it
 * is. Several threads may write rows of one image at a time. */
void pixel_writer_linear(const struct pixel_writer *writer, uint32_t x, uint32_t y, size_t count,
                         const float *const linear[3]);

#endif
