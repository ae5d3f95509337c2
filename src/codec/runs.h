/* SPDX-License-Identifier: MIT */
/* Deflate (RFC 1951) with Huffman codes and runs of one byte only: most of what there is to gain in
 * filtered pixels, in half the time that the fastest search for matches takes. */
#ifndef CODEC_RUNS_H
#define CODEC_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct runs_encoder;
struct runs_encoder *runs_encoder_new(struct error *error);
void runs_encoder_free(struct runs_encoder *encoder);

/* Room that SIZE bytes may need, compressed. */
size_t runs_bound(size_t size);

/* Compresses SIZE bytes at DATA into OUT, which has room for runs_bound(), and returns the bytes
 * written: blocks of which none is the last, then an empty one, so that they end on a byte. The
 * same data give the same bytes. */
size_t runs_encode(struct runs_encoder *encoder, const uint8_t *data, size_t size, uint8_t *out);

#endif
