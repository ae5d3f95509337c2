/* SPDX-License-Identifier: MIT */
/* Gaussian blur of one plane, at a cost that does not grow with sigma.
 *
 * The plane is 0 outside its source. Below sigma 4 it is convolved as it is, rows first, with the
 * sampled Gaussian. Above, it is halved until the Gaussian is 2 to 4 samples wide, convolved
 * there, and interpolated back. Halving with [1 4 6 4 1]/16 n times amounts to a discrete cubic
 * B-spline of width 2^n (Unser, Aldroubi, Eden, "B-spline signal processing", 1993); the same
 * B-spline interpolates. What both take from the frequencies that the Gaussian lets pass is given
 * back by the small convolution, so that the whole is a Gaussian of the wanted sigma.
 *
 * For sources within 0 to 1 no result is further than 1/1000 from the exact convolution; that is
 * the sum of absolute differences of the two kernels, a bound for every picture.
 *
 * A blur is prepared once, which reads the source; afterwards the source may change. Its rows are
 * then read by any number of readers, one per thread. Results do not depend on threads, on the
 * window, or on the order of rows. */
#ifndef OPS_BLUR_H
#define OPS_BLUR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    BLUR_SPAN = 64,        /* samples that blur_reader_span() gives at once */
    BLUR_MAX_SIGMA = 16384,
    BLUR_MAX_RADIUS = 16,  /* of the small convolution */
    BLUR_TAPS = 4          /* of the interpolation, per axis */
};

/* Where the samples come from: ROW writes the WIDTH samples of row Y, and may be called by several
 * threads at once. Width and height are 1 to 2^24. */
struct blur_source {
    uint32_t width, height;
    void (*row)(const void *context, uint32_t y, float *row);
    const void *context;
};

struct blur {
    uint32_t step;                      /* samples of the source per sample here, a power of 2 */
    unsigned levels;                    /* log2(step) */
    unsigned radius;                    /* of the kernel, rounded up to a multiple of 4 */
    float kernel[BLUR_MAX_RADIUS + 1];  /* one half, the middle first */
    float *phases[BLUR_TAPS];           /* interpolation weights for STEP phases, then again */
    int32_t first_column, first_row;    /* of ROWS, in steps */
    uint32_t columns, row_count;
    size_t stride;                      /* samples from row to row */
    uint16_t *rows;                     /* halved, blurred along x; 65535 is 1; then a row of 0 */
};

/* Blurs SOURCE with SIGMA (0 to BLUR_MAX_SIGMA, in samples) so that the columns X to X + WIDTH can
 * be read; they may lie outside the source. Takes 2/step^2 bytes per sample of that window. */
bool blur_prepare(struct blur *blur, const struct blur_source *source, double sigma, int32_t x,
                  uint32_t width, unsigned threads, struct error *error);
void blur_free(struct blur *blur);

struct blur_reader {
    const struct blur *blur;
    float kernel[BLUR_MAX_RADIUS + 1]; /* with the scale */
    float *memory;
    float *ring[BLUR_TAPS];            /* the last rows, in steps, blurred along both axes */
    int32_t ring_row[BLUR_TAPS];
    float *line, *repeated;            /* the current row in steps, and each sample STEP times */
    const float *current;
};

/* A reader of rows, every sample multiplied by SCALE. */
bool blur_reader_new(struct blur_reader *reader, const struct blur *blur, float scale,
                     struct error *error);
void blur_reader_free(struct blur_reader *reader);

/* Goes to row Y of the source's count (any Y, also outside). Cheapest from row to row. */
void blur_reader_row(struct blur_reader *reader, int32_t y);

/* BLUR_SPAN samples of the current row from X on. X must be within the window; what lies behind
 * the window's end is 0 or blurred, but defined. */
void blur_reader_span(const struct blur_reader *reader, int32_t x, float *span);

#endif
