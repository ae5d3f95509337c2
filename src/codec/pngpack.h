/* SPDX-License-Identifier: MIT */
/* From rows of pixels to the bytes inside PNG's IDAT chunks: filters, deflate, over several
 * threads. Work is by bands of rows, several at a time. */
#ifndef CODEC_PNGPACK_H
#define CODEC_PNGPACK_H

#include "image/image.h"

struct pngpack;

/* Starts on an image of SHAPE. EFFORT as in codec_write_options. Holds a few MiB whatever the size
 * of the image, unless a single row is larger. */
struct pngpack *pngpack_new(const struct image_shape *shape, int effort, unsigned threads,
                            struct error *error);

/* The next COUNT rows, STRIDE bytes apart, are there until pngpack_next() wants more. */
void pngpack_give(struct pngpack *pack, const uint8_t *rows, size_t stride, uint32_t count);

/* The next piece of the zlib stream, good for one IDAT chunk, valid until the next call. *SIZE is 0
 * where it takes more rows: those that were given are copied or done with then. The pieces depend
 * neither on the number of threads nor on how the rows are divided. */
bool pngpack_next(struct pngpack *pack, const uint8_t **data, size_t *size, struct error *error);

void pngpack_free(struct pngpack *pack);

#endif
