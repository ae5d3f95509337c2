/* SPDX-License-Identifier: MIT */
/* A small copy of an image in Lab, for everything that judges an image as a whole: the background,
 * where the content is. Averaging over square cells also takes most of the noise away.
 *
 * Images are grey or RGB, 8 or 16 bit, with or without alpha; their ICC profile is honoured
 * (a damaged one counts as none). */
#ifndef OPS_THUMB_H
#define OPS_THUMB_H

#include "image/image.h"

struct icc_transform;

enum { PIXEL_DECODE_STEPS = 4096 };

/* Pixels of one image as Lab; several threads may read with it. */
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

/* COUNT pixels of row Y from X on into three planes; ALPHA, 0..1, may be NULL. */
void pixel_reader_lab(const struct pixel_reader *reader, uint32_t x, uint32_t y, size_t count,
                      float *const lab[3], float *alpha);

/* COUNT pixels of the image's own samples, 0..1 in one plane or three, to Lab. */
void pixel_reader_codes(const struct pixel_reader *reader, const float *const code[3], size_t count,
                        float *const lab[3]);

struct thumb {
    uint32_t width, height; /* cells */
    uint32_t cell;          /* pixels along a cell's side; the last column and row may be cut off */
    uint32_t image_width, image_height;
    unsigned threads; /* for work on it */
    unsigned codes;  /* colour samples per pixel: 1 or 3 */
    float *lab[3];   /* planes of width * height */
    float *code[3];  /* mean samples as the image has them, 0..1 */
    float *alpha;    /* mean alpha, 0..1; NULL where the reader is not weighted */
    float *memory;   /* all planes */
};

/* A copy of at most about LONGEST cells on the longer side; the shorter keeps at least some 48
 * where the image has them. */
bool thumb_new(struct thumb *thumb, const struct pixel_reader *reader, uint32_t longest,
               unsigned threads, struct error *error);
void thumb_free(struct thumb *thumb);

/* Replaces each cell's Lab by the mean of the (2 RADIUS + 1)^2 cells around it, against noise. */
bool thumb_smooth(struct thumb *thumb, uint32_t radius, struct error *error);

#endif
