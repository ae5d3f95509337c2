/* SPDX-License-Identifier: MIT */
/* Separable resampling, row by row.
 *
 * Rows come in as light: four floats a pixel (R, G, B or grey in the first; alpha), 0..1, colour
 * premultiplied by alpha. Each is resampled across at once and added, with its weights, to the
 * output rows that it touches, so that neither image is ever held in float. Sampling positions
 * follow the usual convention: pixel i covers [i, i + 1), the edges of both images coincide. When
 * reducing, the kernel is stretched by the factor of reduction; weights are normalised to a sum
 * of 1, and the edge is where the image ends (no pixels are invented beyond it).
 *
 * Kernels: box and triangle; Catmull-Rom and Mitchell as the (0, 1/2) and (1/3, 1/3) members of
 * Mitchell, Netravali: "Reconstruction Filters in Computer Graphics", SIGGRAPH 1988; Lanczos:
 * windowed sinc, Duchon: "Lanczos Filtering in One and Two Dimensions", J. Appl. Meteor. 1979. */
#ifndef OPS_RESAMPLE_H
#define OPS_RESAMPLE_H

#include "color/tone.h"
#include "image/image.h"

enum resample_filter {
    RESAMPLE_LANCZOS3,
    RESAMPLE_LANCZOS2,
    RESAMPLE_MITCHELL,
    RESAMPLE_CATROM,
    RESAMPLE_TRIANGLE,
    RESAMPLE_BOX,
    RESAMPLE_NEAREST
};

/* The part of the source that becomes the whole output, in source pixels. */
struct resample_region {
    double x, y, width, height;
};

struct resampler;

/* OUT is filled from the top as rows come in; it must stay, and must have the colour, alpha and
 * depth of the source. TONE says what its samples mean and must stay too. */
bool resampler_new(struct resampler **resampler, uint32_t source_width, uint32_t source_height,
                   const struct resample_region *region, enum resample_filter filter,
                   const struct tone *tone, const struct image *out, struct error *error);

/* Source rows go through in bands of up to so many. For each band: resampler_across() for every row,
 * then resampler_down() for every chunk of columns, then resampler_advance(). The calls of one kind
 * are independent of each other and may run on several threads. */
enum { RESAMPLE_BAND_ROWS = 64 };

/* Takes row INDEX of the band: source_width * 4 floats from resample_load_row(). */
void resampler_across(struct resampler *resampler, const float *row, uint32_t index);

/* Brings a band of COUNT rows into columns of chunk INDEX, below resampler_chunks(). */
void resampler_down(struct resampler *resampler, uint32_t count, size_t index);
size_t resampler_chunks(const struct resampler *resampler);

/* The band of COUNT rows is done. */
void resampler_advance(struct resampler *resampler, uint32_t count);

void resampler_free(struct resampler *resampler);

/* WIDTH pixels of SHAPE to light. Opaque images get alpha 1. */
void resample_load_row(const struct tone *tone, const struct image_shape *shape,
                       const uint8_t *samples, float *row, size_t width);

#endif
