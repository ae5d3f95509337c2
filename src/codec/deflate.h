/* SPDX-License-Identifier: MIT */
/* Deflate, the compression inside PNG (RFC 1950 and 1951), by what is fastest: runs.c, ISA-L where
 * the build found it, zlib for the rest. Nothing outside deflate.c sees any of them.
 *
 * Compression is by bands: each becomes a run of blocks that starts on a byte, ends on a byte and
 * looks back at nothing before it. So bands may be compressed at once and laid one after the other
 * between deflate_header() and deflate_trailer(). */
#ifndef CODEC_DEFLATE_H
#define CODEC_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What an effort from 0 (fastest) to 9 (smallest) means. -1 and what is out of range is the
 * default. Bands of one stream all have the same effort. */
struct deflate_effort {
    size_t band_bytes;   /* a good size for bands */
    bool choose_filters; /* worth choosing a PNG filter for each row */
    uint8_t tries;       /* how to compress; a set of private flags */
};

const struct deflate_effort *deflate_effort_of(int effort);

/* Compresses bands of up to SIZE bytes, one after the other. For one thread at a time. */
struct deflate_encoder;
struct deflate_encoder *deflate_encoder_new(const struct deflate_effort *effort, size_t size,
                                            struct error *error);
void deflate_encoder_free(struct deflate_encoder *encoder);

/* Room that a compressed band of SIZE bytes may need. */
size_t deflate_bound(size_t size);

/* Compresses SIZE bytes at DATA into OUT, which has room for deflate_bound(). Returns the bytes
 * written, 0 where there is no memory for it. The same data give the same bytes. */
size_t deflate_band(struct deflate_encoder *encoder, const uint8_t *data, size_t size,
                    uint8_t *out);

/* What stands before the first band and behind the last. ADLER is the Adler-32 of all data. */
enum { DEFLATE_HEADER_BYTES = 2, DEFLATE_TRAILER_BYTES = 6 };
void deflate_header(uint8_t out[DEFLATE_HEADER_BYTES]);
void deflate_trailer(uint8_t out[DEFLATE_TRAILER_BYTES], uint32_t adler);

/* Decompression of a zlib stream in pieces of any size. */
struct deflate_decoder;
enum deflate_status {
    DEFLATE_MORE, /* wants more input, or more room */
    DEFLATE_END,  /* the stream is complete and its checksum right */
    DEFLATE_BAD_DATA,
    DEFLATE_BAD_CHECKSUM, /* all bytes came out, but they are not what went in */
};

/* At most this many bytes can come out of one stream. */
#define DEFLATE_DECODER_MAX_BYTES UINT32_MAX

struct deflate_decoder *deflate_decoder_new(struct error *error);
void deflate_decoder_free(struct deflate_decoder *decoder);

/* Takes from *IN and writes to *OUT as far as both go, and moves pointers and sizes on. What was
 * written is not looked at again: the caller may change it. */
enum deflate_status deflate_decode(struct deflate_decoder *decoder, const uint8_t **in,
                                   size_t *in_size, uint8_t **out, size_t *out_size);

/* CRC-32 as PNG uses it, of data behind those that CRC (at first 0) is of. */
uint32_t deflate_crc32(uint32_t crc, const uint8_t *data, size_t size);

/* Adler-32 of data, and of two runs of data one behind the other. The start value is 1. */
uint32_t deflate_adler32(const uint8_t *data, size_t size);
uint32_t deflate_adler32_join(uint32_t first, uint32_t second, size_t second_size);

/* The version of zlib that runs. */
void deflate_version(char *out, size_t size);

#endif
