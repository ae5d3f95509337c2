/* SPDX-License-Identifier: MIT */
/* The image: pixels, their shape, and what travels with them.
 *
 * Samples are interleaved (grey; grey, alpha; R, G, B; R, G, B, alpha; C, M, Y, K), 8 bits or
 * 16 bits in the machine's byte order, full range (0..255, 0..65535). Alpha is straight, not
 * premultiplied; 0 is transparent. CMYK is 0 = no ink, and only comes out of a decoder: whoever
 * loads an image converts it before anything else sees it. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

enum image_color { IMAGE_GREY, IMAGE_RGB, IMAGE_CMYK };

struct image_shape {
    uint32_t width, height; /* pixels, both at least 1 */
    enum image_color color;
    bool alpha;
    uint8_t depth; /* bits per sample: 8 or 16 */
};

/* What travels beside the pixels. Each blob is owned by the struct that holds it. */
struct image_metadata {
    struct blob icc;  /* ICC profile; empty means sRGB (or grey with the sRGB curve) */
    struct blob exif; /* from its TIFF header on, without "Exif\0\0"; kept only on request */
    struct blob xmp;  /* the XML packet; kept only on request */
};

struct image {
    struct image_shape shape;
    size_t stride;   /* bytes from one row to the next */
    uint8_t *pixels; /* the first row */
    void *memory;    /* what free() gets; NULL where the image is a view of another */
    struct image_metadata metadata;
};

struct image_box {
    uint32_t x, y, width, height;
};

/* Samples per pixel, bytes per pixel and bytes per row of a shape. The last two cannot overflow
 * for dimensions up to 2^31. */
unsigned image_channels(const struct image_shape *shape);
size_t image_pixel_bytes(const struct image_shape *shape);
size_t image_row_bytes(const struct image_shape *shape);

/* A new image with all samples 0. Fails with ERROR_NO_MEMORY, also where the size overflows. */
bool image_new(struct image *image, const struct image_shape *shape, struct error *error);

/* VIEW shows BOX of IMAGE without copying; it owns no pixels and no metadata. BOX must be inside. */
struct image image_view(const struct image *image, const struct image_box *box);

/* Frees pixels and metadata; fine on a zeroed struct. */
void image_free(struct image *image);

static inline uint8_t *image_row(const struct image *image, uint32_t y)
{
    return image->pixels + image->stride * y;
}

bool image_metadata_copy(struct image_metadata *to, const struct image_metadata *from,
                         struct error *error);
void image_metadata_free(struct image_metadata *metadata);

/* True where some pixel is not opaque. Always false without an alpha channel. */
bool image_is_transparent(const struct image *image);

#endif
