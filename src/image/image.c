/* SPDX-License-Identifier: MIT */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

unsigned image_channels(const struct image_shape *shape)
{
    static const unsigned colors[] = {[IMAGE_GREY] = 1, [IMAGE_RGB] = 3, [IMAGE_CMYK] = 4};
    return colors[shape->color] + (shape->alpha ? 1 : 0);
}

size_t image_pixel_bytes(const struct image_shape *shape)
{
    return image_channels(shape) * (shape->depth / 8u);
}

size_t image_row_bytes(const struct image_shape *shape)
{
    return image_pixel_bytes(shape) * shape->width;
}

bool image_new(struct image *image, const struct image_shape *shape, struct error *error)
{
    size_t stride = image_row_bytes(shape);
    *image = (struct image){.shape = *shape, .stride = stride};
    image->pixels = memory_pages(shape->height, stride, &image->memory, error);
    return image->pixels != NULL;
}

struct image image_view(const struct image *image, const struct image_box *box)
{
    struct image view = {.shape = image->shape, .stride = image->stride};
    view.shape.width = box->width;
    view.shape.height = box->height;
    view.pixels = image_row(image, box->y) + image_pixel_bytes(&image->shape) * box->x;
    return view;
}

void image_free(struct image *image)
{
    free(image->memory);
    image_metadata_free(&image->metadata);
    *image = (struct image){0};
}

bool image_metadata_copy(struct image_metadata *to, const struct image_metadata *from,
                         struct error *error)
{
    *to = (struct image_metadata){0};
    const struct blob *sources[] = {&from->icc, &from->exif, &from->xmp};
    struct blob *targets[] = {&to->icc, &to->exif, &to->xmp};
    for (int i = 0; i < 3; i++)
        if (sources[i]->size > 0 &&
            !blob_copy(targets[i], sources[i]->data, sources[i]->size, error)) {
            image_metadata_free(to);
            return false;
        }
    return true;
}

void image_metadata_free(struct image_metadata *metadata)
{
    blob_free(&metadata->icc);
    blob_free(&metadata->exif);
    blob_free(&metadata->xmp);
}

bool image_is_transparent(const struct image *image)
{
    if (!image->shape.alpha)
        return false;
    unsigned channels = image_channels(&image->shape);
    for (uint32_t y = 0; y < image->shape.height; y++) {
        const uint8_t *row = image_row(image, y);
        const uint16_t *wide = (const uint16_t *)(const void *)row;
        /* AND over the row: one test a row instead of one a pixel. */
        unsigned all = UINT32_MAX;
        for (size_t x = channels - 1; x < (size_t)image->shape.width * channels; x += channels)
            all &= image->shape.depth == 16 ? wide[x] : row[x];
        if (all != (image->shape.depth == 16 ? 0xffffu : 0xffu))
            return true;
    }
    return false;
}
