/* SPDX-License-Identifier: MIT */
/* A small copy of an image in Lab, for everything that judges an image as a whole: the background,
 * where the content is. Averaging over square cells also takes most of the noise away.
 */
#ifndef OPS_THUMB_H
#define OPS_THUMB_H

#include "ops/pixels.h"

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
