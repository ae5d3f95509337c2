/* SPDX-License-Identifier: MIT */
/* From an image to the bytes inside PNG's IDAT chunks: filters, deflate, over several threads. */
#ifndef CODEC_PNGPACK_H
#define CODEC_PNGPACK_H

#include "image/image.h"

struct pngpack;

/* Starts on IMAGE, which must outlive the packer. EFFORT as in codec_write_options. Holds a few
 * MiB whatever the size of the image, unless a single row is larger. */
struct pngpack *pngpack_new(const struct image *image, int effort, unsigned threads,
                            struct error *error);

/* The next piece of the zlib stream, good for one IDAT chunk, valid until the next call; *SIZE is 0
 * behind the last. The pieces do not depend on the number of threads. */
bool pngpack_next(struct pngpack *pack, const uint8_t **data, size_t *size, struct error *error);

void pngpack_free(struct pngpack *pack);

#endif
