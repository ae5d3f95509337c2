/* SPDX-License-Identifier: MIT */
/* Sizes, by hand. */
#include "ops/resize_plan.h"
#include "tap.h"

struct row {
    const char *what;
    uint32_t width, height;
    struct resize_target target;
    enum resize_fit fit;
    enum resize_gravity gravity;
    bool upscale;
    uint32_t out_width, out_height;
    struct image_box place;         /* width 0: all of it */
    struct resample_region region;  /* width 0: all of it */
};

#define ALL {0, 0, 0, 0}

static const struct row rows[] = {
    {"half", 101, 51, {0, 0, 0.5}, RESIZE_INSIDE, 0, false, 51, 26, ALL, ALL},
    {"width decides", 3000, 2000, {800, 0, 0}, RESIZE_INSIDE, 0, false, 800, 533, ALL, ALL},
    {"height decides", 3000, 2000, {0, 800, 0}, RESIZE_INSIDE, 0, false, 1200, 800, ALL, ALL},
    {"at least 1", 10000, 10, {5, 0, 0}, RESIZE_INSIDE, 0, false, 5, 1, ALL, ALL},
    {"never larger", 100, 50, {800, 0, 0}, RESIZE_INSIDE, 0, false, 100, 50, ALL, ALL},
    {"larger on request", 100, 50, {800, 0, 0}, RESIZE_INSIDE, 0, true, 800, 400, ALL, ALL},
    {"200 % is the whole", 100, 50, {0, 0, 2}, RESIZE_INSIDE, 0, false, 100, 50, ALL, ALL},
    {"inside", 400, 300, {100, 100, 0}, RESIZE_INSIDE, 0, false, 100, 75, ALL, ALL},
    {"outside", 400, 300, {100, 100, 0}, RESIZE_OUTSIDE, 0, false, 133, 100, ALL, ALL},
    {"fill", 400, 300, {100, 200, 0}, RESIZE_FILL, 0, false, 100, 200, ALL, ALL},
    {"fill, never larger", 400, 300, {500, 200, 0}, RESIZE_FILL, 0, false, 400, 200, ALL, ALL},
    {"cover", 400, 300, {100, 100, 0}, RESIZE_COVER, GRAVITY_CENTER, false, 100, 100, ALL,
     {50, 0, 300, 300}},
    {"cover west", 400, 300, {100, 100, 0}, RESIZE_COVER, GRAVITY_WEST, false, 100, 100, ALL,
     {0, 0, 300, 300}},
    {"cover southeast", 300, 400, {100, 100, 0}, RESIZE_COVER, GRAVITY_SOUTHEAST, false, 100, 100,
     ALL, {0, 100, 300, 300}},
    {"cover of what is too small", 500, 500, {1000, 400, 0}, RESIZE_COVER, GRAVITY_CENTER, false,
     500, 400, ALL, {0, 50, 500, 400}},
    {"contain", 400, 300, {100, 100, 0}, RESIZE_CONTAIN, GRAVITY_CENTER, false, 100, 100,
     {0, 12, 100, 75}, ALL},
    {"contain south", 400, 300, {100, 100, 0}, RESIZE_CONTAIN, GRAVITY_SOUTH, false, 100, 100,
     {0, 25, 100, 75}, ALL},
    {"contain of what is small", 40, 30, {100, 100, 0}, RESIZE_CONTAIN, GRAVITY_NORTHWEST, false,
     100, 100, {0, 0, 40, 30}, ALL},
};

static bool same(double a, double b)
{
    return a - b < 1e-9 && b - a < 1e-9;
}

int main(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct resize_plan plan;
        struct image_box place = row->place;
        struct resample_region region = row->region;
        if (place.width == 0)
            place = (struct image_box){0, 0, row->out_width, row->out_height};
        if (region.width == 0)
            region = (struct resample_region){0, 0, row->width, row->height};
        resize_plan_make(&plan, row->width, row->height, &row->target, row->fit, row->gravity,
                         row->upscale);
        tap_ok(plan.width == row->out_width && plan.height == row->out_height, "%s: %u x %u",
               row->what, plan.width, plan.height);
        tap_ok(plan.place.x == place.x && plan.place.y == place.y &&
                   plan.place.width == place.width && plan.place.height == place.height,
               "%s: place %u x %u + %u + %u", row->what, plan.place.width, plan.place.height,
               plan.place.x, plan.place.y);
        tap_ok(same(plan.region.x, region.x) && same(plan.region.y, region.y) &&
                   same(plan.region.width, region.width) && same(plan.region.height, region.height),
               "%s: region %g x %g + %g + %g", row->what, plan.region.width, plan.region.height,
               plan.region.x, plan.region.y);
    }
    return tap_done();
}
