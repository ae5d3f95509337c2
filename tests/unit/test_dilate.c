/* SPDX-License-Identifier: MIT */
/* The dilation against its definition, sample by sample. */
#include "ops/dilate.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

struct plane {
    uint32_t width, height;
    uint16_t *samples;
};

static void plane_row(const void *context, uint32_t x, uint32_t y, uint32_t count, uint16_t *row)
{
    const struct plane *plane = context;
    memcpy(row, plane->samples + (size_t)y * plane->width + x, count * sizeof *row);
}

/* One sample in EVERY is not 0. */
static struct plane plane_new(uint32_t width, uint32_t height, uint32_t every)
{
    struct plane plane = {width, height, calloc((size_t)width * height, sizeof(uint16_t))};
    uint32_t state = 12345;
    if (plane.samples == NULL)
        abort();
    for (size_t i = 0; i < (size_t)width * height; i++) {
        state = state * 1664525u + 1013904223u;
        if ((state >> 8) % every == 0)
            plane.samples[i] = (uint16_t)(state >> 16 | 1);
    }
    return plane;
}

/* The largest sample of the disc round X, Y, in source coordinates. */
static uint16_t truth_at(const struct plane *plane, int radius, int x, int y)
{
    uint16_t largest = 0;
    for (int dy = -radius; dy <= radius; dy++)
        for (int dx = -radius; dx <= radius; dx++) {
            int px = x + dx, py = y + dy;
            if (dx * dx + dy * dy > radius * (radius + 1) || px < 0 || py < 0 ||
                px >= (int)plane->width || py >= (int)plane->height)
                continue;
            uint16_t sample = plane->samples[(size_t)py * plane->width + px];
            largest = sample > largest ? sample : largest;
        }
    return largest;
}

static void check(uint32_t width, uint32_t height, uint32_t every, uint32_t radius, int stride)
{
    struct plane plane = plane_new(width, height, every);
    struct dilate_source source = {width, height, plane_row, &plane};
    struct dilate_plane one = {0}, many = {0};
    struct error error = {0};
    bool done = dilate_disc(&one, &source, radius, 1, &error) &&
                dilate_disc(&many, &source, radius, 3, &error);
    bool right = done && one.width == width + 2 * radius && one.height == height + 2 * radius;
    for (int y = 0; right && y < (int)one.height; y += stride)
        for (int x = 0; right && x < (int)one.width; x += stride)
            right = one.samples[one.stride * y + x] ==
                    truth_at(&plane, (int)radius, x - (int)radius, y - (int)radius);
    tap_ok(right, "%ux%u by a disc of %u", width, height, radius);
    bool same = done && memcmp(one.samples, many.samples,
                               one.stride * one.height * sizeof *one.samples) == 0;
    tap_ok(same, "%ux%u by a disc of %u: threads change nothing", width, height, radius);
    free(one.samples);
    free(many.samples);
    free(plane.samples);
}

int main(void)
{
    check(67, 41, 3, 0, 1);
    check(67, 41, 9, 1, 1);
    check(67, 41, 30, 2, 1);
    check(130, 40, 60, 3, 1);
    check(64, 64, 200, 7, 1);
    check(1, 1, 1, 5, 1);
    check(1100, 9, 500, 12, 1);
    check(700, 50, 3000, 63, 3);
    check(1300, 30, 4000, 64, 5);
    check(520, 60, 9000, 256, 47);
    check(3, 200, 50, 256, 43);
    struct plane plane = plane_new(4, 4, 1);
    struct dilate_source source = {4, 4, plane_row, &plane};
    struct dilate_plane result;
    struct error error = {0};
    tap_ok(!dilate_disc(&result, &source, DILATE_MAX_RADIUS + 1, 1, &error) &&
               error.kind == ERROR_INTERNAL,
           "a radius beyond the limit is refused");
    free(plane.samples);
    return tap_done();
}
