/* SPDX-License-Identifier: MIT */
/* Clearing what lies under alpha 0, against a loop over samples. */
#include "image/convert.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static const struct image_shape shapes[] = {
    {71, 5, IMAGE_GREY, true, 8}, {71, 5, IMAGE_GREY, true, 16}, {200, 9, IMAGE_RGB, true, 8},
    {1, 1, IMAGE_RGB, true, 8},   {63, 2, IMAGE_RGB, true, 16},  {40, 3, IMAGE_RGB, false, 8},
};

/* Noise with many samples of 0, so that all of alpha 0 over colour, over 0, and low alpha occur. */
static void fill(uint8_t *bytes, size_t count)
{
    static uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = state >> 30 == 0 ? (uint8_t)(state >> 16) : 0;
    }
}

static void clear_plainly(const struct image_shape *shape, uint8_t *row)
{
    size_t bytes = shape->depth / 8u, pixel = image_pixel_bytes(shape);
    for (uint32_t x = 0; shape->alpha && x < shape->width; x++, row += pixel) {
        bool clear = true;
        for (size_t i = pixel - bytes; i < pixel; i++)
            clear = clear && row[i] == 0;
        for (size_t i = 0; clear && i < pixel; i++)
            row[i] = 0;
    }
}

static void check_clear(const struct image_shape *shape)
{
    struct image canvas, view;
    struct image_shape larger = *shape;
    struct error error = {0};
    larger.width += 2;
    if (!image_new(&canvas, &larger, &error))
        abort();
    size_t bytes = canvas.stride * larger.height, pixel = image_pixel_bytes(shape);
    uint8_t *plain = memory_array(bytes, 1, &error);
    if (plain == NULL)
        abort();
    fill(canvas.pixels, bytes);
    memcpy(plain, canvas.pixels, bytes);
    for (uint32_t y = 0; y < shape->height; y++)
        clear_plainly(shape, plain + canvas.stride * y + pixel);
    view = image_view(&canvas, &(struct image_box){1, 0, shape->width, shape->height});
    for (int time = 1; time <= 2; time++) {
        image_clear_transparent(&view);
        tap_ok(memcmp(plain, canvas.pixels, bytes) == 0,
               "%u channels of %u bits, time %d: as the plain loop, the surroundings stay",
               image_channels(shape), (unsigned)shape->depth, time);
    }
    free(plain);
    image_free(&canvas);
}

int main(void)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_clear(&shapes[i]);
    return tap_done();
}
