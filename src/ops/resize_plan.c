/* SPDX-License-Identifier: MIT */
#include "ops/resize_plan.h"

#include <math.h>

#include "image/orient.h"

static uint32_t rounded(double size)
{
    return size < 1 ? 1 : size > 4e9 ? 4000000000u : (uint32_t)floor(size + 0.5);
}

/* Where gravity puts something: 0 at the low end, 1/2 centred, 1 at the high end. */
static double gravity_x(enum resize_gravity gravity)
{
    switch (gravity) {
    case GRAVITY_NORTHWEST:
    case GRAVITY_WEST:
    case GRAVITY_SOUTHWEST:
        return 0;
    case GRAVITY_NORTHEAST:
    case GRAVITY_EAST:
    case GRAVITY_SOUTHEAST:
        return 1;
    default:
        return 0.5;
    }
}

static double gravity_y(enum resize_gravity gravity)
{
    switch (gravity) {
    case GRAVITY_NORTHWEST:
    case GRAVITY_NORTH:
    case GRAVITY_NORTHEAST:
        return 0;
    case GRAVITY_SOUTHWEST:
    case GRAVITY_SOUTH:
    case GRAVITY_SOUTHEAST:
        return 1;
    default:
        return 0.5;
    }
}

static double limit_scale(double scale, bool upscale)
{
    return !upscale && scale > 1 ? 1 : scale;
}

/* The whole source at one scale for both axes; the axis that decides gets its size exactly. */
static void plan_whole(struct resize_plan *plan, uint32_t width, uint32_t height, double scale)
{
    plan->width = rounded(width * scale);
    plan->height = rounded(height * scale);
}

static void plan_cover(struct resize_plan *plan, uint32_t width, uint32_t height,
                       const struct resize_target *target, enum resize_gravity gravity,
                       double scale)
{
    double scaled_width = width * scale, scaled_height = height * scale;
    plan->width = target->width < scaled_width ? target->width : rounded(scaled_width);
    plan->height = target->height < scaled_height ? target->height : rounded(scaled_height);
    struct resample_region *region = &plan->region;
    region->width = fmin(width, plan->width / scale);
    region->height = fmin(height, plan->height / scale);
    region->x = (width - region->width) * gravity_x(gravity);
    region->y = (height - region->height) * gravity_y(gravity);
}

static void plan_contain(struct resize_plan *plan, uint32_t width, uint32_t height,
                         const struct resize_target *target, enum resize_gravity gravity,
                         double scale)
{
    struct image_box *place = &plan->place;
    place->width = rounded(width * scale);
    place->height = rounded(height * scale);
    plan->width = target->width;
    plan->height = target->height;
    place->x = (uint32_t)floor((plan->width - place->width) * gravity_x(gravity));
    place->y = (uint32_t)floor((plan->height - place->height) * gravity_y(gravity));
}

static void plan_fill(struct resize_plan *plan, uint32_t width, uint32_t height,
                      const struct resize_target *target, bool upscale)
{
    plan->width = !upscale && target->width > width ? width : target->width;
    plan->height = !upscale && target->height > height ? height : target->height;
}

void resize_plan_make(struct resize_plan *plan, uint32_t width, uint32_t height,
                      const struct resize_target *target, enum resize_fit fit,
                      enum resize_gravity gravity, bool upscale)
{
    double across = (double)target->width / width, down = (double)target->height / height;
    *plan = (struct resize_plan){.region = {0, 0, width, height}};
    if (target->share > 0)
        plan_whole(plan, width, height, limit_scale(target->share, upscale));
    else if (target->width == 0 || target->height == 0)
        plan_whole(plan, width, height, limit_scale(fmax(across, down), upscale));
    else if (fit == RESIZE_COVER)
        plan_cover(plan, width, height, target, gravity, limit_scale(fmax(across, down), upscale));
    else if (fit == RESIZE_CONTAIN)
        plan_contain(plan, width, height, target, gravity,
                     limit_scale(fmin(across, down), upscale));
    else if (fit == RESIZE_FILL)
        plan_fill(plan, width, height, target, upscale);
    else
        plan_whole(plan, width, height,
                   limit_scale(fit == RESIZE_OUTSIDE ? fmax(across, down) : fmin(across, down),
                               upscale));
    if (plan->place.width == 0)
        plan->place = (struct image_box){0, 0, plan->width, plan->height};
}

bool resize_plan_is_identity(const struct resize_plan *plan, uint32_t width, uint32_t height)
{
    return plan->place.width == width && plan->place.height == height &&
           plan->region.width >= width && plan->region.height >= height;
}

bool resize_plan_equal(const struct resize_plan *one, const struct resize_plan *other)
{
    const struct image_box *a = &one->place, *b = &other->place;
    const struct resample_region *from = &one->region, *of = &other->region;
    return one->width == other->width && one->height == other->height && a->x == b->x &&
           a->y == b->y && a->width == b->width && a->height == b->height && from->x == of->x &&
           from->y == of->y && from->width == of->width && from->height == of->height;
}

struct resample_region resize_plan_stored(const struct resample_region *region,
                                          unsigned orientation, uint32_t width, uint32_t height)
{
    struct resample_region stored = *region;
    /* Upright, the first stored row is at the bottom or at the right; the first column likewise. */
    bool row_last = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    bool column_last = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool swaps = image_orientation_swaps(orientation);
    if (swaps ? row_last : column_last)
        stored.x = width - region->x - region->width;
    if (swaps ? column_last : row_last)
        stored.y = height - region->y - region->height;
    if (!swaps)
        return stored;
    return (struct resample_region){stored.y, stored.x, stored.height, stored.width};
}
