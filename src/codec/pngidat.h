/* SPDX-License-Identifier: MIT */
/* The fast way through the image data of a PNG: from the first IDAT chunk, whose header has been
 * read, to the IEND chunk. For images that are not interlaced. Every CRC is checked, memory does
 * not grow with the file, and what is wrong is an error: there is no leniency here. */
#ifndef CODEC_PNGIDAT_H
#define CODEC_PNGIDAT_H

#include "base/source.h"
#include "image/image.h"

struct pngidat;

/* FIRST_CHUNK_BYTES is the length that stands in the header of the first IDAT chunk. The rows
 * together, with one byte more for each, must be below DEFLATE_DECODER_MAX_BYTES. With two THREADS
 * the next rows are decoded while the filters of these are undone. */
struct pngidat *pngidat_new(struct source *source, uint32_t first_chunk_bytes,
                            const struct image_shape *shape, unsigned threads,
                            struct error *error);

/* The next row with its filter undone (16-bit samples big-endian), valid until the next call. NULL
 * on failure: ERROR_TRUNCATED where the input ends, ERROR_CORRUPT for bad data. Call it only as
 * often as there are rows. */
const uint8_t *pngidat_row(struct pngidat *idat, struct error *error);

/* After the last row: checks the end of the stream and all chunks to IEND. *SURPLUS: there is more
 * data than the image needs. */
bool pngidat_finish(struct pngidat *idat, bool *surplus, struct error *error);

void pngidat_free(struct pngidat *idat);

#endif
