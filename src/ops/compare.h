/* SPDX-License-Identifier: MIT */
/* Two images of one size, pixel by pixel. */
#ifndef OPS_COMPARE_H
#define OPS_COMPARE_H

#include "color/difference.h"
#include "image/image.h"

struct compare_options {
    struct difference difference;
    double tolerance;               /* a pixel above it is `over` */
    const struct image *mask;       /* grey, of the same size: not 0 counts; NULL: everywhere */
    const struct image_box *ignore; /* boxes that do not count; may reach beyond the image */
    size_t ignore_count;
    bool want_map;                  /* fill `map` */
    unsigned threads;
};

enum { COMPARE_MOST_BOXES = 32 };

struct compare_result {
    double mean, median, p95, p99, max; /* over the pixels that count */
    uint32_t max_x, max_y;              /* where the largest is, first in reading order */
    double over;                        /* share of them above the tolerance */
    double tolerance;                   /* that of the options */
    uint64_t counted;                   /* pixels */
    float *map; /* width * height, -1 where a pixel does not count; owned; only with want_map */
    struct image_box boxes[COMPARE_MOST_BOXES]; /* tight around pixels that are over and near each
                                                   other (within a hundredth of the longer side,
                                                   or 4 pixels); the largest first */
    size_t box_count;
};

/* A is the reference. Both may be grey or RGB, 8 or 16 bits, with profiles of their own; one that
 * cannot be used is an error.
 *
 * Transparent pixels are compared over white and over black and count with the larger difference;
 * what is transparent in both is equal. They are composed on encoded sRGB, as browsers and viewers
 * do, because the question is whether people see a difference. Equal pixels are exactly 0.
 *
 * CIEDE2000 on D65 without factors is computed in single precision, each pixel within 0.005 and
 * the mean within 0.0005 of double; everything else in double precision, which takes some 20 times
 * as long. The quantiles interpolate between the two nearest pixels (type 7 of Hyndman, Fan:
 * "Sample Quantiles in Statistical Packages", The American Statistician 50, 1996) and are within
 * 0.0005 (beyond 512: within a share of 1e-5). The numbers do not depend on the threads.
 *
 * ERROR_UNSUPPORTED where no pixel counts, ERROR_CORRUPT with both sizes where they differ. */
bool compare_images(struct compare_result *result, const struct image *a, const struct image *b,
                    const struct compare_options *options, struct error *error);
void compare_free(struct compare_result *result);

/* The same in steps, for images of which only a band of rows is there at a time. Of A and B only
 * shape and metadata are looked at when it is opened; OPTIONS is copied, what it points to must
 * stay. *UNUSABLE: the image whose profile is to blame for a failure, or NULL. */
struct compare;
bool compare_open(struct compare **compare, const struct image *a, const struct image *b,
                  const struct compare_options *options, const struct image **unusable,
                  struct error *error);

/* Compares the rows from NUMBER * COMPARE_BAND on: A and B have nothing but these, COMPARE_BAND of
 * them or what is left. Each band once, in any order, by several threads at a time: each with a
 * LANE of its own, below options->threads and COMPARE_LANES. */
enum { COMPARE_BAND = 32, COMPARE_LANES = 16 };
void compare_band(struct compare *compare, size_t number, size_t lane, const struct image *a,
                  const struct image *b);

/* That band of an image that is there as a whole. */
struct image compare_rows(const struct image *image, size_t number);

/* When all bands have been compared. */
bool compare_finish(struct compare *compare, struct compare_result *result, struct error *error);
void compare_close(struct compare *compare);

/* A picture of the map of RESULT, which has WIDTH x HEIGHT: a fixed scale from 0 to TOP,
 * perceptually even and readable for colour-blind people, grey where a pixel does not count. Below
 * it a legend: the scale, the numbers as far as they fit, a mark at the tolerance. RGB, 8 bits, as
 * wide as the map. */
bool compare_heatmap(const struct compare_result *result, uint32_t width, uint32_t height,
                     double top, struct image *picture, struct error *error);

#endif
