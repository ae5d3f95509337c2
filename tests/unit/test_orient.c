/* SPDX-License-Identifier: MIT */
/* Orientation against the words of TIFF 6.0 and EXIF (tag 274): which side of the picture the
 * first row and the first column of the file are. */
#include "image/orient.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum side { TOP, BOTTOM, LEFT, RIGHT };

static const struct {
    enum side row, column;
} table[9] = {
    [1] = {TOP, LEFT},  [2] = {TOP, RIGHT},  [3] = {BOTTOM, RIGHT}, [4] = {BOTTOM, LEFT},
    [5] = {LEFT, TOP},  [6] = {RIGHT, TOP},  [7] = {RIGHT, BOTTOM}, [8] = {LEFT, BOTTOM},
};

static const struct {
    enum image_color color;
    bool alpha;
    uint8_t depth;
} kinds[] = {
    {IMAGE_GREY, false, 8}, {IMAGE_GREY, true, 8},   {IMAGE_GREY, false, 16}, {IMAGE_GREY, true, 16},
    {IMAGE_RGB, false, 8},  {IMAGE_RGB, true, 8},    {IMAGE_RGB, false, 16},  {IMAGE_RGB, true, 16},
    {IMAGE_CMYK, false, 8}, {IMAGE_CMYK, false, 16}, {IMAGE_CMYK, true, 8},   {IMAGE_CMYK, true, 16},
};

static const struct {
    uint32_t width, height;
} sizes[] = {{1, 1}, {1, 7}, {7, 1}, {5, 3}, {32, 32}, {33, 31}, {64, 97}, {130, 65}, {2, 2}};

/* A byte that tells where in the stored image it is. */
static uint8_t byte_at(uint32_t row, uint32_t column, size_t byte)
{
    uint32_t hash = row * 2654435761u ^ column * 2246822519u ^ (uint32_t)byte * 3266489917u;
    return (uint8_t)((hash ^ (hash >> 15)) * 2654435761u >> 24);
}

/* Moves the position along SIDE's axis, INDEX steps away from that side. */
static void step_from(enum side side, uint32_t index, const struct image_shape *upright, uint32_t *x,
                      uint32_t *y)
{
    switch (side) {
    case TOP: *y = index; break;
    case BOTTOM: *y = upright->height - 1 - index; break;
    case LEFT: *x = index; break;
    case RIGHT: *x = upright->width - 1 - index; break;
    }
}

static bool upright_right(const struct image *image, unsigned orientation, uint32_t width,
                          uint32_t height)
{
    size_t size = image_pixel_bytes(&image->shape);
    for (uint32_t row = 0; row < height; row++)
        for (uint32_t column = 0; column < width; column++) {
            uint32_t x = 0, y = 0;
            step_from(table[orientation].row, row, &image->shape, &x, &y);
            step_from(table[orientation].column, column, &image->shape, &x, &y);
            for (size_t i = 0; i < size; i++)
                if (image_row(image, y)[x * size + i] != byte_at(row, column, i))
                    return false;
        }
    return true;
}

/* Places an image of SHAPE band by band and looks where its bytes went. */
static bool orient_right(struct image_shape shape, unsigned orientation)
{
    struct image stored, upright;
    struct image_shape turned = shape;
    struct error error = {0};
    if (image_orientation_swaps(orientation)) {
        turned.width = shape.height;
        turned.height = shape.width;
    }
    if (!image_new(&stored, &shape, &error) || !image_new(&upright, &turned, &error))
        abort();
    size_t size = image_pixel_bytes(&shape);
    for (uint32_t row = 0; row < shape.height; row++)
        for (uint32_t column = 0; column < shape.width; column++)
            for (size_t i = 0; i < size; i++)
                image_row(&stored, row)[column * size + i] = byte_at(row, column, i);
    for (uint32_t y = 0, step; y < shape.height; y += step) {
        step = shape.height - y < 13 ? shape.height - y : 13;
        image_place_rows(&upright, orientation, &shape, y, image_row(&stored, y), stored.stride,
                         step);
    }
    bool right = upright_right(&upright, orientation, shape.width, shape.height);
    image_free(&stored);
    image_free(&upright);
    return right;
}

static void check_orientations(void)
{
    for (unsigned orientation = 1; orientation <= 8; orientation++)
        for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
            struct image_shape shape = {1, 1, kinds[kind].color, kinds[kind].alpha,
                                        kinds[kind].depth};
            bool right = true;
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                shape.width = sizes[i].width;
                shape.height = sizes[i].height;
                right = orient_right(shape, orientation) && right;
            }
            tap_ok(right, "orientation %u, %zu bytes a pixel", orientation,
                   image_pixel_bytes(&shape));
        }
}

/* What lies beside a view stays. */
static void check_view(void)
{
    struct image_shape shape = {12, 9, IMAGE_RGB, false, 8}, stored = {7, 5, IMAGE_RGB, false, 8};
    struct error error = {0};
    uint8_t rows[5 * 7 * 3];
    bool right = true;
    memset(rows, 1, sizeof rows);
    for (unsigned orientation = 1; orientation <= 8; orientation++) {
        struct image image;
        struct image_box box = {2, 1, 7, 5};
        if (image_orientation_swaps(orientation))
            box = (struct image_box){2, 1, 5, 7};
        if (!image_new(&image, &shape, &error))
            abort();
        struct image view = image_view(&image, &box);
        image_place_rows(&view, orientation, &stored, 0, rows, 21, 5);
        for (uint32_t y = 0; y < shape.height; y++)
            for (uint32_t x = 0; x < shape.width; x++) {
                bool inside = x >= box.x && x < box.x + box.width && y >= box.y &&
                              y < box.y + box.height;
                right = right && image_row(&image, y)[3 * x] == inside;
            }
        image_free(&image);
    }
    tap_ok(right, "the surroundings of a view stay, all of the view is filled");
}

static void check_reserved(void)
{
    static const unsigned reserved[] = {0, 9, 65535};
    for (size_t i = 0; i < 3; i++) {
        struct image_shape shape = {2, 1, IMAGE_GREY, false, 8};
        struct image image;
        struct error error = {0};
        static const uint8_t row[2] = {3, 9};
        if (!image_new(&image, &shape, &error))
            abort();
        image_place_rows(&image, reserved[i], &shape, 0, row, 2, 1);
        tap_ok(image.pixels[0] == 3 && image.pixels[1] == 9,
               "the reserved orientation %u changes nothing", reserved[i]);
        image_free(&image);
    }
}

int main(void)
{
    check_orientations();
    check_view();
    check_reserved();
    return tap_done();
}
