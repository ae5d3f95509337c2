/* SPDX-License-Identifier: MIT */
/* The geometry of a resize: from what was asked to which part goes where. */
#ifndef OPS_RESIZE_PLAN_H
#define OPS_RESIZE_PLAN_H

#include "image/image.h"
#include "ops/resample.h"

enum resize_fit { RESIZE_INSIDE, RESIZE_COVER, RESIZE_CONTAIN, RESIZE_FILL, RESIZE_OUTSIDE };

enum resize_gravity {
    GRAVITY_CENTER,
    GRAVITY_NORTH,
    GRAVITY_NORTHEAST,
    GRAVITY_EAST,
    GRAVITY_SOUTHEAST,
    GRAVITY_SOUTH,
    GRAVITY_SOUTHWEST,
    GRAVITY_WEST,
    GRAVITY_NORTHWEST
};

/* A size as asked for: pixels, 0 for "as the ratio gives", or a share of the original. */
struct resize_target {
    uint32_t width, height; /* not both 0 unless SHARE is set */
    double share;           /* 0.5 for 50%; 0: none */
};

struct resize_plan {
    uint32_t width, height;        /* of the output */
    struct image_box place;        /* where in the output the picture goes; all of it but for contain */
    struct resample_region region; /* which part of the source: all of it but for cover */
};

/* Plans TARGET for a source of WIDTH x HEIGHT. Without UPSCALE the picture is never enlarged: its
 * size stays at most the original's, and cover then gives what fits of the box. Sizes are rounded
 * to nearest and at least 1; whoever takes memory for them judges them first. */
void resize_plan_make(struct resize_plan *plan, uint32_t width, uint32_t height,
                      const struct resize_target *target, enum resize_fit fit,
                      enum resize_gravity gravity, bool upscale);

/* True where the plan changes nothing. */
bool resize_plan_is_identity(const struct resize_plan *plan, uint32_t width, uint32_t height);

/* True where both make the same picture. */
bool resize_plan_equal(const struct resize_plan *one, const struct resize_plan *other);

/* REGION of an upright image of WIDTH x HEIGHT, as a region of the image as it is stored under
 * ORIENTATION (see image/orient.h). */
struct resample_region resize_plan_stored(const struct resample_region *region,
                                          unsigned orientation, uint32_t width, uint32_t height);

#endif
