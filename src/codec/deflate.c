/* SPDX-License-Identifier: MIT */
#include "codec/deflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#ifndef NO_ISAL
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#endif

#include "base/memory.h"
#include "codec/runs.h"

/* NO_ISAL: for machines that ISA-L does not support, all is done with zlib. */

enum {
    TRY_RUNS = 1, /* our own: runs only */
    TRY_FAR = 2,  /* ISA-L level 2: matches from the last 32 KiB */
    TRY_ZLIB_6 = 4,
    TRY_ZLIB_9 = 8,
    TRY_ZLIB_9_FILTERED = 16,
    TRY_LAST = TRY_ZLIB_9_FILTERED,
    BY_SAMPLE = 32, /* of the first two only the one that a sample speaks for */
};

enum { BAND_FAST = 256 << 10, BAND_SMALL = 1 << 20 };

/* Measured against libpng with zlib 6 and all its filters (1.00), on 18 pictures: photographs, RGBA
 * cutouts, drawings. Size and processor time are geometric means, worst in brackets:
 *
 *     effort   size           time             a photograph of 8 MP
 *     0        1.10 (1.59)    0.04 (0.07)      0.998, 0.04
 *     1..3     1.06 (1.50)    0.05 (0.11)      0.998, 0.04
 *     4..6     1.03 (1.25)    0.05 (0.09)      0.998, 0.04
 *     7..8     0.97 (1.01)    0.92 (1.1)       0.991, 1.00
 *     9        0.92 (0.98)    7 (8)            0.983, 1.9
 *
 * 4..6 is the default. Why these: in filtered pixels most matches are runs, and far ones of noise
 * cost more than they save, so runs with good codes are smaller than what ISA-L makes as often as
 * not, in half its time. ISA-L's level 3 took up to four times as long as
 * level 2 for about the same bytes, and its output depends on the processor. libdeflate's level 6
 * took five to ten times as long as runs, and what it makes cannot be laid one behind the other, so
 * it would need the whole image twice. */
static const struct deflate_effort efforts[] = {
    {BAND_FAST, false, TRY_RUNS},
    {BAND_FAST, true, TRY_RUNS},
    {BAND_FAST, true, TRY_RUNS | TRY_FAR | BY_SAMPLE},
    {BAND_SMALL, true, TRY_RUNS | TRY_FAR | TRY_ZLIB_6},
    {BAND_SMALL, true, TRY_RUNS | TRY_FAR | TRY_ZLIB_9 | TRY_ZLIB_9_FILTERED},
};

const struct deflate_effort *deflate_effort_of(int effort)
{
    static const uint8_t setting[10] = {0, 1, 1, 1, 2, 2, 2, 3, 3, 4};
    return &efforts[effort >= 0 && effort <= 9 ? setting[effort] : 2];
}

/* The ways to set up zlib. */
static const struct zlib_setting {
    uint8_t try;
    int level, strategy;
} zlib_settings[] = {
#ifdef NO_ISAL
    {TRY_FAR, 1, Z_FILTERED},
#endif
    {TRY_ZLIB_6, 6, Z_FILTERED},
    {TRY_ZLIB_9, 9, Z_DEFAULT_STRATEGY},
    {TRY_ZLIB_9_FILTERED, 9, Z_FILTERED},
};
enum { ZLIB_SETTINGS = sizeof zlib_settings / sizeof zlib_settings[0] };

struct deflate_encoder {
    uint8_t tries;
    uint8_t *spare; /* a second result, while the first is the best so far */
    struct runs_encoder *runs;
    z_stream zlib[ZLIB_SETTINGS]; /* kept: to set one up costs more than to compress a little */
#ifndef NO_ISAL
    struct isal_zstream isal;
    uint8_t isal_level_buffer[ISAL_DEF_LVL2_MEDIUM];
#endif
};

struct deflate_encoder *deflate_encoder_new(const struct deflate_effort *effort, size_t size,
                                            struct error *error)
{
    struct deflate_encoder *encoder = memory_zeroed(1, sizeof *encoder, error);
    if (encoder == NULL)
        return NULL;
    encoder->tries = effort->tries;
    encoder->spare = memory_array(deflate_bound(size), 1, error);
    encoder->runs = runs_encoder_new(error);
    if (encoder->spare == NULL || encoder->runs == NULL) {
        deflate_encoder_free(encoder);
        return NULL;
    }
    return encoder;
}

void deflate_encoder_free(struct deflate_encoder *encoder)
{
    if (encoder == NULL)
        return;
    for (int i = 0; i < ZLIB_SETTINGS; i++)
        if (encoder->zlib[i].state != NULL)
            deflateEnd(&encoder->zlib[i]);
    runs_encoder_free(encoder->runs);
    free(encoder->spare);
    free(encoder);
}

size_t deflate_bound(size_t size)
{
    return size + size / 8 + 4096;
}

static size_t deflate_zlib(struct deflate_encoder *encoder, unsigned try, const uint8_t *data,
                           size_t size, uint8_t *out)
{
    int i = 0;
    while (zlib_settings[i].try != try)
        i++;
    z_stream *zlib = &encoder->zlib[i];
    if (zlib->state != NULL ? deflateReset(zlib) != Z_OK
                            : deflateInit2(zlib, zlib_settings[i].level, Z_DEFLATED, -MAX_WBITS,
                                           MAX_MEM_LEVEL, zlib_settings[i].strategy) != Z_OK)
        return 0;
    zlib->next_in = (uint8_t *)(uintptr_t)data;
    zlib->avail_in = (uInt)size;
    zlib->next_out = out;
    zlib->avail_out = (uInt)deflate_bound(size);
    if (deflate(zlib, Z_SYNC_FLUSH) != Z_OK || zlib->avail_in != 0 || zlib->avail_out == 0)
        return 0;
    return zlib->total_out;
}

#ifndef NO_ISAL
/* A byte that is not among the first SIZE at DATA, or -1. */
static int deflate_unused_byte(const uint8_t *data, size_t size)
{
    bool used[256] = {false};
    for (size_t i = 0; i < size; i++)
        used[data[i]] = true;
    for (int i = 0; i < 256; i++)
        if (!used[i])
            return i;
    return -1;
}

/* ISA-L (up to 2.32 at least) must not begin without a history: its assembler then files the third
 * byte under a hash of bits 16 to 47 of the address of the isal_zstream, and finds other matches at
 * another address (igzip_icf_body_h1_gr_bt.asm at write_first_byte takes tmp2, which it has not
 * set; isal_deflate_stateless always goes there). So it gets a history of one byte, before the
 * band. What hash table it makes of this points only there, or into the band. No match may reach
 * out of the band: either the byte does not occur as far as matches reach back to it, or it is the
 * first of the band, which then goes out by itself, in a stored block. */
static size_t deflate_isal(struct deflate_encoder *encoder, const uint8_t *data, size_t size,
                           uint8_t *out)
{
    enum { STORED_BYTES = 6, WINDOW_BITS = 15, WINDOW = 1 << WINDOW_BITS };
    int unused = deflate_unused_byte(data, size < WINDOW ? size : WINDOW);
    size_t lead = unused < 0;
    uint8_t history = lead != 0 ? data[0] : (uint8_t)unused;
    size_t used = 0;
    if (lead != 0) {
        const uint8_t stored[STORED_BYTES] = {0, 1, 0, 0xfe, 0xff, history};
        memcpy(out, stored, sizeof stored);
        used = sizeof stored;
    }
    struct isal_zstream *isal = &encoder->isal;
    isal_deflate_init(isal);
    isal->level = 2;
    isal->level_buf = encoder->isal_level_buffer;
    isal->level_buf_size = sizeof encoder->isal_level_buffer;
    isal->hist_bits = WINDOW_BITS;
    isal->flush = FULL_FLUSH;
    if (isal_deflate_set_dict(isal, &history, 1) != COMP_OK)
        return 0;
    isal->next_in = (uint8_t *)(uintptr_t)data + lead;
    isal->avail_in = (uint32_t)(size - lead);
    isal->next_out = out + used;
    isal->avail_out = (uint32_t)(deflate_bound(size) - used);
    if (isal_deflate(isal) != COMP_OK || isal->avail_in != 0 || isal->avail_out == 0)
        return 0;
    return used + isal->total_out;
}
#endif

static size_t deflate_try(struct deflate_encoder *encoder, unsigned try, const uint8_t *data,
                          size_t size, uint8_t *out)
{
    switch (try) {
    case TRY_RUNS:
        return runs_encode(encoder->runs, data, size, out);
#ifndef NO_ISAL
    case TRY_FAR:
        return deflate_isal(encoder, data, size, out);
#endif
    default:
        return deflate_zlib(encoder, try, data, size, out);
    }
}

/* Whether TRY_FAR, which takes twice as long, is worth more than that on a part of the band. */
static bool deflate_far_promises(struct deflate_encoder *encoder, const uint8_t *data, size_t size)
{
    enum { SAMPLE_BYTES = 8 << 10, WORTH = 200 };
    size_t sample = size < SAMPLE_BYTES ? size : SAMPLE_BYTES;
    const uint8_t *middle = data + (size - sample) / 2;
    size_t runs = deflate_try(encoder, TRY_RUNS, middle, sample, encoder->spare);
    size_t far = deflate_try(encoder, TRY_FAR, middle, sample, encoder->spare);
    return far + far / WORTH < runs;
}

size_t deflate_band(struct deflate_encoder *encoder, const uint8_t *data, size_t size, uint8_t *out)
{
    size_t best = 0;
    unsigned tries = encoder->tries;
    if ((tries & BY_SAMPLE) != 0)
        tries -= deflate_far_promises(encoder, data, size) ? TRY_RUNS : TRY_FAR;
    for (unsigned try = 1; try <= TRY_LAST; try *= 2) {
        if ((tries & try) == 0)
            continue;
        uint8_t *to = best == 0 ? out : encoder->spare;
        size_t used = deflate_try(encoder, try, data, size, to);
        if (used == 0)
            return 0;
        if (best != 0 && used >= best)
            continue;
        if (to != out)
            memcpy(out, to, used);
        best = used;
    }
    return best;
}

void deflate_header(uint8_t out[DEFLATE_HEADER_BYTES])
{
    /* Deflate, a window of 32 KiB, "fast"; the two bytes are a multiple of 31. */
    out[0] = 0x78;
    out[1] = 0x5e;
}

void deflate_trailer(uint8_t out[DEFLATE_TRAILER_BYTES], uint32_t adler)
{
    /* A last block with nothing in it: bands need not know which of them is the last. */
    out[0] = 0x03;
    out[1] = 0x00;
    for (int i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)(adler >> (24 - 8 * i));
}

uint32_t deflate_adler32_join(uint32_t first, uint32_t second, size_t second_size)
{
    return (uint32_t)adler32_combine(first, second, (z_off_t)second_size);
}

#ifndef NO_ISAL

struct deflate_decoder {
    struct inflate_state state;
};

struct deflate_decoder *deflate_decoder_new(struct error *error)
{
    struct deflate_decoder *decoder = memory_array(1, sizeof *decoder, error);
    if (decoder == NULL)
        return NULL;
    isal_inflate_init(&decoder->state);
    decoder->state.crc_flag = ISAL_ZLIB;
    return decoder;
}

void deflate_decoder_free(struct deflate_decoder *decoder)
{
    free(decoder);
}

enum deflate_status deflate_decode(struct deflate_decoder *decoder, const uint8_t **in,
                                   size_t *in_size, uint8_t **out, size_t *out_size)
{
    struct inflate_state *state = &decoder->state;
    uint32_t in_now = *in_size < UINT32_MAX ? (uint32_t)*in_size : UINT32_MAX;
    uint32_t out_now = *out_size < UINT32_MAX ? (uint32_t)*out_size : UINT32_MAX;
    state->next_in = (uint8_t *)(uintptr_t)*in;
    state->avail_in = in_now;
    state->next_out = *out;
    state->avail_out = out_now;
    int result = isal_inflate(state);
    /* On damaged data the library moves past the end now and then; that must not be believed. */
    if (state->avail_in > in_now || state->avail_out > out_now)
        return DEFLATE_BAD_DATA;
    *in += in_now - state->avail_in;
    *in_size -= in_now - state->avail_in;
    *out += out_now - state->avail_out;
    *out_size -= out_now - state->avail_out;
    if (result == ISAL_INCORRECT_CHECKSUM)
        return DEFLATE_BAD_CHECKSUM;
    if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT && result != ISAL_OUT_OVERFLOW)
        return DEFLATE_BAD_DATA;
    return state->block_state == ISAL_BLOCK_FINISH ? DEFLATE_END : DEFLATE_MORE;
}

uint32_t deflate_crc32(uint32_t crc, const uint8_t *data, size_t size)
{
    return crc32_gzip_refl(crc, data, size);
}

uint32_t deflate_adler32(const uint8_t *data, size_t size)
{
    return isal_adler32(1, data, size);
}

#else

struct deflate_decoder {
    z_stream zlib;
};

struct deflate_decoder *deflate_decoder_new(struct error *error)
{
    struct deflate_decoder *decoder = memory_zeroed(1, sizeof *decoder, error);
    if (decoder == NULL)
        return NULL;
    if (inflateInit(&decoder->zlib) != Z_OK) {
        error_set(error, ERROR_NO_MEMORY, "out of memory for the decompressor");
        free(decoder);
        return NULL;
    }
    return decoder;
}

void deflate_decoder_free(struct deflate_decoder *decoder)
{
    if (decoder != NULL)
        inflateEnd(&decoder->zlib);
    free(decoder);
}

enum deflate_status deflate_decode(struct deflate_decoder *decoder, const uint8_t **in,
                                   size_t *in_size, uint8_t **out, size_t *out_size)
{
    z_stream *zlib = &decoder->zlib;
    uInt in_now = *in_size < UINT32_MAX ? (uInt)*in_size : UINT32_MAX;
    uInt out_now = *out_size < UINT32_MAX ? (uInt)*out_size : UINT32_MAX;
    zlib->next_in = (uint8_t *)(uintptr_t)*in;
    zlib->avail_in = in_now;
    zlib->next_out = *out;
    zlib->avail_out = out_now;
    int result = inflate(zlib, Z_NO_FLUSH);
    *in += in_now - zlib->avail_in;
    *in_size -= in_now - zlib->avail_in;
    *out += out_now - zlib->avail_out;
    *out_size -= out_now - zlib->avail_out;
    if (result == Z_STREAM_END)
        return DEFLATE_END;
    if (result == Z_DATA_ERROR && zlib->msg != NULL && strstr(zlib->msg, "data check") != NULL)
        return DEFLATE_BAD_CHECKSUM;
    return result == Z_OK || result == Z_BUF_ERROR ? DEFLATE_MORE : DEFLATE_BAD_DATA;
}

uint32_t deflate_crc32(uint32_t crc, const uint8_t *data, size_t size)
{
    return (uint32_t)crc32_z(crc, data, size);
}

uint32_t deflate_adler32(const uint8_t *data, size_t size)
{
    return (uint32_t)adler32_z(1, data, size);
}

#endif

void deflate_version(char *out, size_t size)
{
    snprintf(out, size, "%s", zlibVersion());
}
