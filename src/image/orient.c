/* SPDX-License-Identifier: MIT */
#include "image/orient.h"

#include <string.h>

enum { TILE = 32 };

/* Where stored pixel (x, y) goes: ORIGIN + x * ACROSS + y * DOWN, in bytes. */
struct placing {
    uint8_t *origin;
    ptrdiff_t across, down;
};

static struct placing placing_of(const struct image *into, unsigned orientation,
                                 const struct image_shape *from)
{
    /* In upright pixels: the step right and the step down of the stored image, as x, y. */
    static const int steps[9][4] = {
        [1] = {1, 0, 0, 1}, [2] = {-1, 0, 0, 1}, [3] = {-1, 0, 0, -1}, [4] = {1, 0, 0, -1},
        [5] = {0, 1, 1, 0}, [6] = {0, 1, -1, 0}, [7] = {0, -1, -1, 0}, [8] = {0, -1, 1, 0},
    };
    const int *step = steps[orientation >= 1 && orientation <= 8 ? orientation : 1];
    ptrdiff_t pixel = (ptrdiff_t)image_pixel_bytes(from), row = (ptrdiff_t)into->stride;
    struct placing placing = {into->pixels, step[0] * pixel + step[1] * row,
                              step[2] * pixel + step[3] * row};
    if (placing.across < 0)
        placing.origin -= placing.across * (ptrdiff_t)(from->width - 1);
    if (placing.down < 0)
        placing.origin -= placing.down * (ptrdiff_t)(from->height - 1);
    return placing;
}

/* With PIXEL a constant the copies become moves. */
static inline __attribute__((always_inline)) void
place_tiles(const struct placing *placing, const uint8_t *rows, size_t stride, uint32_t width,
            uint32_t count, size_t pixel)
{
    for (uint32_t first = 0; first < width; first += TILE) {
        uint32_t columns = width - first < TILE ? width - first : TILE;
        for (uint32_t y = 0; y < count; y++) {
            const uint8_t *from = rows + y * stride + first * pixel;
            uint8_t *to = placing->origin + (ptrdiff_t)y * placing->down +
                          (ptrdiff_t)first * placing->across;
            for (uint32_t x = 0; x < columns; x++, from += pixel, to += placing->across)
                memcpy(to, from, pixel);
        }
    }
}

void image_place_rows(const struct image *into, unsigned orientation,
                      const struct image_shape *from, uint32_t y, const uint8_t *rows,
                      size_t stride, uint32_t count)
{
    struct placing placing = placing_of(into, orientation, from);
    size_t pixel = image_pixel_bytes(from);
    placing.origin += (ptrdiff_t)y * placing.down;
    if (placing.across == (ptrdiff_t)pixel) {
        for (uint32_t i = 0; i < count; i++)
            memcpy(placing.origin + (ptrdiff_t)i * placing.down, rows + i * stride,
                   from->width * pixel);
        return;
    }
    switch (pixel) {
    case 1: place_tiles(&placing, rows, stride, from->width, count, 1); break;
    case 2: place_tiles(&placing, rows, stride, from->width, count, 2); break;
    case 3: place_tiles(&placing, rows, stride, from->width, count, 3); break;
    case 4: place_tiles(&placing, rows, stride, from->width, count, 4); break;
    case 6: place_tiles(&placing, rows, stride, from->width, count, 6); break;
    case 8: place_tiles(&placing, rows, stride, from->width, count, 8); break;
    default: place_tiles(&placing, rows, stride, from->width, count, pixel); break;
    }
}
