/* SPDX-License-Identifier: MIT */
/* The dominant colours of an image.
 *
 * Counted exactly or in small cubes (palette_count.h), grouped in Lab (palette_cluster.h). An
 * entry's colour is one that occurs: the exact colour where one makes up most of what lies around
 * the densest place of its group, else the mean there. So a flat area's colour comes out as it is,
 * and neither the edges around it nor their number move it. */
#ifndef OPS_PALETTE_H
#define OPS_PALETTE_H

#include "image/image.h"

enum { PALETTE_MOST = 256 };

struct palette_options {
    size_t colors;   /* at most this many, 1..PALETTE_MOST */
    double merge_de; /* colours nearer than this (CIEDE2000) become one */
    bool exact;      /* colours as they occur, the most frequent ones, nothing merged */
    bool ignore_background;      /* what belongs to the background model of the border */
    bool lossy;                  /* the image was compressed with loss (tolerance of that model) */
    const double *ignore_lab;    /* NULL, or a colour (D65) whose neighbourhood does not count */
    double ignore_de;
    unsigned threads;
};

struct palette_entry {
    double lab[3];   /* D65 */
    double srgb[3];  /* encoded, 0..1 */
    double share;    /* of what counts, 0..1 */
};

struct palette {
    struct palette_entry entries[PALETTE_MOST]; /* largest share first */
    size_t count;
    double counted; /* pixels that count, weighted by alpha */
    double ignored; /* pixels left out as background or --ignore, weighted by alpha */
    double confidence; /* that the background is one, see crop.h; below CROP_SURE all pixels count.
                          1 where it was not looked for */
};

/* All pixels count, weighted by alpha; the same image gives the same answer, whatever the number
 * of threads. A fully transparent image, or one that is all background, gives count 0. */
bool palette_find(struct palette *palette, const struct image *image,
                  const struct palette_options *options, struct error *error);

/* The same in steps, for an image whose rows are still coming: IMAGE and OPTIONS must stay until it
 * is closed, the pixels be there when they are counted. Bands of PALETTE_BAND rows are counted once
 * each, when they and those above are there, in any order, by several threads at a time: each with
 * a LANE of its own, below options->threads and PALETTE_LANES. */
enum { PALETTE_BAND = 32, PALETTE_LANES = 8 };
struct palette_search;
bool palette_open(struct palette_search **search, const struct image *image,
                  const struct palette_options *options, struct error *error);
size_t palette_bands(const struct image *image);
void palette_band(struct palette_search *search, size_t band, size_t lane);

/* When all bands have been counted. */
bool palette_finish(struct palette_search *search, struct palette *palette, struct error *error);
void palette_close(struct palette_search *search);

#endif
