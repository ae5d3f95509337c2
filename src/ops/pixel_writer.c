/* SPDX-License-Identifier: MIT */
#include "ops/pixel_writer.h"

#include <stdlib.h>

#include "color/tone.h"

struct pixel_writer {
    struct image *image; /* not owned */
    struct tone tone;
};

bool pixel_writer_new(struct pixel_writer **writer, struct image *image, struct error *error)
{
    static const struct blob srgb = {NULL, 0};
    *writer = NULL;
    if (image->shape.color != IMAGE_RGB)
        return error_set(error, ERROR_INTERNAL, "colour writer got an image that is not RGB");
    struct pixel_writer *made = memory_zeroed(1, sizeof *made, error);
    if (made == NULL)
        return false;
    made->image = image;
    if (!tone_new(&made->tone, TONE_LINEAR, &srgb, ICC_RGB, image->shape.depth, error)) {
        free(made);
        return false;
    }
    *writer = made;
    return true;
}

void pixel_writer_free(struct pixel_writer *writer)
{
    if (writer == NULL)
        return;
    tone_free(&writer->tone);
    free(writer);
}

void pixel_writer_linear(const struct pixel_writer *writer, uint32_t x, uint32_t y, size_t count,
                         const float *const linear[3])
{
    const struct image *image = writer->image;
    size_t step = image_channels(&image->shape), sample = image->shape.depth / 8;
    uint8_t *first = image_row(image, y) + x * step * sample;
    for (unsigned c = 0; c < 3; c++)
        tone_encode_row(&writer->tone, c, linear[c], 1, first + c * sample, step, count);
}
