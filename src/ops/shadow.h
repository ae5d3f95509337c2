/* SPDX-License-Identifier: MIT */
/* A soft shadow under a cutout, painted in place.
 *
 * The caller asks shadow_canvas() for the size of the result, lays the original at the place that
 * it names on a canvas of that size that is otherwise 0 (a decoder can write it there), and calls
 * shadow_new(), then shadow_paint() for the rows from the top on. Besides the canvas this takes a
 * plane of the original's alpha: 2 bytes per pixel of the shadow's box for sigmas below 4, a
 * quarter of that up to 8, and so on; with a spread 2 bytes per pixel more while it is blurred. */
#ifndef OPS_SHADOW_H
#define OPS_SHADOW_H

#include "image/image.h"
#include "ops/blur.h"
#include "ops/dilate.h"

enum { SHADOW_MAX_SPREAD = DILATE_MAX_RADIUS, SHADOW_MAX_OFFSET = 1 << 24 };

struct shadow_options {
    double sigma_px;             /* 0 to BLUR_MAX_SIGMA; 0 is a hard edge */
    double opacity;              /* 0 to 1 */
    int32_t offset_x, offset_y;  /* to the right and down, at most SHADOW_MAX_OFFSET either way */
    uint32_t spread_px;          /* 0 to SHADOW_MAX_SPREAD: the silhouette grows by a disc */
    uint16_t color[3];           /* in the image's own samples; a grey image takes the first */
    bool keep_canvas;            /* the result has the original's size */
    bool shadow_only;            /* without the original on top, aligned with the whole result */
    bool no_dither;              /* 8 bits: round instead */
    unsigned threads;
};

struct shadow_canvas {
    uint32_t width, height;
    struct image_box original; /* where the original lies on it */
};

/* The canvas for an original of WIDTH x HEIGHT: with r = ceil(3 sigma) + spread it grows by
 * max(0, r - X), max(0, r + X), max(0, r - Y), max(0, r + Y) on the left, the right, above and
 * below. ERROR_USAGE where an option is out of its range, ERROR_LIMIT where the canvas is larger
 * than 2^24 on a side; the caller judges it by its own limits. */
bool shadow_canvas(const struct shadow_options *options, uint32_t width, uint32_t height,
                   struct shadow_canvas *canvas, struct error *error);

/* A shadow on its way. */
struct shadow;

/* Blurs the shadow of what lies in ORIGINAL, to be painted under it. IMAGE is grey or RGB with
 * alpha, 8 or 16 bits, and 0 outside ORIGINAL. It must stay, as must OPTIONS.
 *
 * The shadow's alpha is the original's, dilated, blurred, times the opacity; r away from the
 * original it ends. In 8 bits it is dithered with an ordered 4 x 4 pattern: every pixel is the
 * exact value rounded up or down, and the mean over a block is the exact ramp. Only the last level
 * is bent a little, so that it reaches 0 where a straight edge's shadow meets the end of the
 * canvas. The original lies over the shadow (Porter and Duff, "Compositing digital images", 1984),
 * the result is rounded to nearest. Pixels that are opaque, or that the shadow does not reach,
 * keep their bits. The result does not depend on the number of threads. */
bool shadow_new(struct shadow **shadow, const struct image *image, const struct image_box *original,
                const struct shadow_options *options, struct error *error);

/* Paints the rows that are still to be painted before END, and maybe some behind it. */
bool shadow_paint(struct shadow *shadow, uint32_t end, struct error *error);

/* Whether any pixel that was painted shows shadow. */
bool shadow_shows(const struct shadow *shadow);

void shadow_free(struct shadow *shadow);

#endif
