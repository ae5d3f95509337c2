/* SPDX-License-Identifier: MIT */
/* Cropping to the content.
 *
 * Where an image has transparent pixels, its content is what is more opaque than a threshold.
 * Otherwise it is what differs from a model of the background (background.h) by more than a
 * tolerance in CIEDE2000: found on a small copy (thumb.h), freed of specks (components.h), then
 * its edges are sought again among the pixels. crop_place() turns the content into the box.
 *
 * Confidence is 0..1, the product of what speaks for the answer, each 0..1:
 *   how much of the border ring the background model explains,
 *   how calm the explained background is (a lawn is not a studio),
 *   how clearly the content stands out of it, against noise and against what is in between,
 *   how sharply it ends somewhere (light that the model does not follow fades),
 *   how much of the border the content itself covers (an object may touch a corner; a picture
 *   whose content runs from edge to edge has no background).
 * Below CROP_SURE the image is left alone. Transparency and an explicit box are certain: 1. */
#ifndef OPS_CROP_H
#define OPS_CROP_H

#include "image/image.h"
#include "ops/background.h"

#define CROP_SURE 0.5

enum crop_background {
    CROP_AUTO,  /* alpha where any pixel is transparent, else a model of the border ring */
    CROP_ALPHA, /* alpha, also where all of it is opaque */
    CROP_COLOR  /* this colour, and what is transparent */
};

enum crop_side {
    CROP_TOP = 1,
    CROP_RIGHT = 2,
    CROP_BOTTOM = 4,
    CROP_LEFT = 8,
    CROP_ALL_SIDES = 15
};

/* Pixels, or a share of the content's side along the same axis (0.05 is 5 %). */
struct crop_length {
    double value;
    bool is_share;
};

/* Pixels of the image; with `extend` a box may leave it. Empty where a side is 0. */
struct crop_box {
    int64_t x, y, width, height;
};

struct crop_options {
    struct crop_length padding[4]; /* top, right, bottom, left */
    uint32_t min_padding;          /* pixels; padding is never less */
    double max_crop;               /* no axis loses a larger share than this */
    unsigned alpha_threshold;      /* content has alpha > this, of 255 whatever the depth */
    enum crop_background background;
    double background_lab[3];      /* CROP_COLOR: Lab D65 */
    double background_srgb[3];     /* CROP_COLOR: the same encoded, 0..1 */
    double tolerance;              /* CIEDE2000; below 0 it follows from the noise */
    double min_area;               /* share of the image's area */
    bool lossy;                    /* it was a JPEG or lossy WebP: blocks of 8 or 16 pixels */
    unsigned sides;                /* of enum crop_side; the others are not cropped */
    bool symmetric_x, symmetric_y; /* as much goes left as right; as much above as below */
    double aspect;                 /* width / height of the box; 0: as it comes */
    double fill;                   /* instead of padding, see crop_place(); 0: padding */
    bool extend;                   /* the box may leave the image */
    bool has_box;
    struct crop_box box; /* with has_box: this one, and nothing automatic */
    unsigned threads;
};

/* What the command line promises where nothing is said. */
void crop_options_init(struct crop_options *options);

enum crop_model { CROP_MODEL_NONE, CROP_MODEL_ALPHA, CROP_MODEL_UNIFORM, CROP_MODEL_GRADIENT };

struct crop_result {
    struct crop_box box;     /* what to cut out; the whole image where nothing is to be done */
    struct crop_box content; /* the best guess even where it is not sure; empty if blank */
    enum crop_model model;   /* none: an explicit box that needed no model */
    uint8_t color[3];        /* the background in sRGB, at the middle of a gradient; for alpha 0 */
    double tolerance;        /* that was used; 0 for alpha */
    double confidence;
    bool sure;    /* confidence >= CROP_SURE */
    bool blank;   /* there is no content */
    bool cropped; /* the box is not the whole image */
    struct background background; /* for crop_extend(); not set for alpha */
};

/* Decides. Fails where memory ends, or with ERROR_USAGE where an explicit box leaves the image
 * and `extend` is not set. */
bool crop_find(const struct image *image, const struct crop_options *options,
               struct crop_result *result, struct error *error);

/* A new image of RESULT->box, profile and metadata included. What lies outside of IMAGE is
 * transparent where the model is alpha, else the background continued from the nearest border. */
bool crop_apply(const struct image *image, const struct crop_result *result, struct image *cropped,
                struct error *error);

/* The geometry alone: the box for CONTENT in an image of WIDTH x HEIGHT, in this order.
 * 1. Padding: each side moves out by max(min_padding, floor(share * content side)) and stops at
 *    the image's edge. With `fill` instead: without an aspect the longer side of the content
 *    becomes that share of the box's, with the same margin all around; with an aspect both sides
 *    are at most that share. The box is moved inside rather than cut.
 * 2. Sides that are not to be cropped go to the image's edge.
 * 3. Symmetry: of two opposite sides the one that loses more moves out.
 * 4. max_crop, then the aspect: the box grows around the content's middle (the image's, where
 *    symmetric), moved as far as the image's edge demands. It never shrinks: where the image is
 *    too small for the aspect, it comes as near as it can.
 * With `extend` the image's edge stops nothing. */
void crop_place(const struct crop_options *options, uint32_t width, uint32_t height,
                const struct crop_box *content, struct crop_box *box);

/* Content by alpha: the box of all pixels above THRESHOLD (of 255) in pieces of at least
 * LEAST_PIXELS. Reads only what lies outside of the box. Pieces up to 2 pixels apart are one. */
bool crop_alpha_content(const struct image *image, unsigned threshold, uint64_t least_pixels,
                        struct crop_box *content, struct error *error);

#endif
