/* SPDX-License-Identifier: MIT */
/* Separable resampling, row by row.
 *
 * Rows come in as light: floats of 0..1, for each pixel its colours, premultiplied by alpha, and
 * alpha where the image has it. They are added, with their weights, to the output rows that they
 * touch, at the width of the source; a row that is complete is resampled across. So neither image
 * is ever held in float, and nearly all of the work runs along rows. Sampling positions follow the
 * usual convention: pixel i covers [i, i + 1), the edges of both images coincide. When
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

/* SHAPE is that of the output, with the colour, alpha and depth of the source. TONE says what its
 * samples mean and must stay. */
bool resampler_new(struct resampler **resampler, uint32_t source_width, uint32_t source_height,
                   const struct resample_region *region, enum resample_filter filter,
                   const struct tone *tone, const struct image_shape *shape, struct error *error);

/* Source rows go through in bands of up to RESAMPLE_BAND_ROWS. For each band: resampler_down() for
 * all columns of the source, where every column gets its groups of rows in order; then
 * resampler_across() for every output row that is complete with it; then resampler_advance().
 * Different columns and different output rows may go on several threads. */
enum { RESAMPLE_BAND_ROWS = 32, RESAMPLE_GROUP = 4, RESAMPLE_COLUMNS = 256 };

/* ROWS rows of light from row ROW of the band on, a multiple of RESAMPLE_GROUP, and WIDTH columns
 * from X on. LIGHT has RESAMPLE_GROUP rows RESAMPLE_COLUMNS * 4 floats apart, finite ones also
 * where ROWS is less. */
struct resample_group {
    uint32_t row, rows, x, width;
    const float *light;
};

void resampler_down(struct resampler *resampler, const struct resample_group *group);

/* How many output rows are complete with a band of COUNT rows. */
uint32_t resampler_complete(const struct resampler *resampler, uint32_t count);

/* The most that any band completes, where all but the last have RESAMPLE_BAND_ROWS rows. */
uint32_t resampler_most(const struct resampler *resampler);

/* Makes the INDEX-th of them at ROW. */
void resampler_across(const struct resampler *resampler, uint32_t index, uint8_t *row);

/* The band of COUNT rows is done. */
void resampler_advance(struct resampler *resampler, uint32_t count);

void resampler_free(struct resampler *resampler);

/* WIDTH pixels of SHAPE to light. */
void resample_load_row(const struct tone *tone, const struct image_shape *shape,
                       const uint8_t *samples, float *light, size_t width);

#endif
