/* SPDX-License-Identifier: MIT */
#include "codec/pngidat.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "codec/codec.h"
#include "codec/deflate.h"
#include "codec/pngfilter.h"

enum { READ_BYTES = 16 * 1024, AHEAD_BYTES = 128 * 1024, CHUNK_HEADER_BYTES = 8, CRC_BYTES = 4 };

struct pngidat {
    struct source *source;
    struct deflate_decoder *decoder;
    size_t row_bytes;
    unsigned pixel_bytes;
    char type[5]; /* of the chunk that is being read */
    uint32_t chunk_left, crc;
    bool stream_ended;
    /* Rows with their filter types: the one above, whose filter is undone, then those to come. */
    uint8_t *buffer;
    size_t capacity, above, next, filled;
    bool next_done; /* the filter of the next row is undone already */
};

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

struct pngidat *pngidat_new(struct source *source, uint32_t first_chunk_bytes, size_t row_bytes,
                            unsigned pixel_bytes, struct error *error)
{
    struct pngidat *idat = memory_zeroed(1, sizeof *idat, error);
    if (idat == NULL)
        return NULL;
    idat->source = source;
    idat->row_bytes = row_bytes;
    idat->pixel_bytes = pixel_bytes;
    memcpy(idat->type, "IDAT", 5);
    idat->chunk_left = first_chunk_bytes;
    idat->crc = deflate_crc32(0, (const uint8_t *)"IDAT", 4);
    /* The row above, the next one, and as much again as makes a call of the decoder worth it. */
    idat->capacity = 2 * (row_bytes + 1) + AHEAD_BYTES;
    idat->buffer = memory_array(idat->capacity + PNGFILTER_MARGIN, 1, error);
    idat->decoder = deflate_decoder_new(error);
    if (idat->buffer == NULL || idat->decoder == NULL) {
        pngidat_free(idat);
        return NULL;
    }
    memset(idat->buffer, 0, row_bytes + 1);
    memset(idat->buffer + idat->capacity, 0, PNGFILTER_MARGIN);
    idat->next = idat->filled = row_bytes + 1;
    return idat;
}

void pngidat_free(struct pngidat *idat)
{
    if (idat == NULL)
        return;
    deflate_decoder_free(idat->decoder);
    free(idat->buffer);
    free(idat);
}

static bool idat_truncated(struct error *error)
{
    return error_set(error, ERROR_TRUNCATED, "truncated");
}

/* Shows at most READ_BYTES of the chunk's data; none where the chunk is over. */
static bool chunk_peek(struct pngidat *idat, const uint8_t **data, size_t *size,
                       struct error *error)
{
    *size = 0;
    if (idat->chunk_left == 0)
        return true;
    *data = source_peek(idat->source, 1, size, error);
    if (*data == NULL)
        return false;
    if (*size == 0)
        return idat_truncated(error);
    if (*size > READ_BYTES)
        *size = READ_BYTES;
    if (*size > idat->chunk_left)
        *size = idat->chunk_left;
    return true;
}

static void chunk_take(struct pngidat *idat, const uint8_t *data, size_t size)
{
    idat->crc = deflate_crc32(idat->crc, data, size);
    idat->chunk_left -= (uint32_t)size;
    source_take(idat->source, size);
}

/* Checks the CRC of a chunk that is over and reads the header of the next. */
static bool chunk_next(struct pngidat *idat, struct error *error)
{
    size_t got = 0;
    const uint8_t *bytes = source_peek(idat->source, CRC_BYTES, &got, error);
    if (bytes == NULL)
        return false;
    if (got < CRC_BYTES)
        return idat_truncated(error);
    if (big_endian(bytes) != idat->crc)
        return error_set(error, ERROR_CORRUPT, "%s: crc error", idat->type);
    source_take(idat->source, CRC_BYTES);
    if (memcmp(idat->type, "IEND", 4) == 0)
        return true;
    bytes = source_peek(idat->source, CHUNK_HEADER_BYTES, &got, error);
    if (bytes == NULL)
        return false;
    if (got < CHUNK_HEADER_BYTES)
        return idat_truncated(error);
    idat->chunk_left = big_endian(bytes);
    idat->crc = deflate_crc32(0, bytes + 4, 4);
    for (int i = 0; i < 4; i++)
        if (bytes[4 + i] >= 128 || !isalpha(bytes[4 + i]))
            return error_set(error, ERROR_CORRUPT, "invalid chunk type");
    memcpy(idat->type, bytes + 4, 4);
    if (idat->chunk_left > INT32_MAX)
        return error_set(error, ERROR_CORRUPT, "%s: the length is out of range", idat->type);
    source_take(idat->source, CHUNK_HEADER_BYTES);
    return true;
}

/* One call of the decoder with what is left of the chunk, which may be nothing: it can hold back
 * output, also when it has taken the last byte of the stream. *MOVED: it took or gave something. */
static bool idat_decode_chunk(struct pngidat *idat, uint8_t *out, size_t size, size_t *done,
                              bool *moved, struct error *error)
{
    const uint8_t *data = (const uint8_t *)"";
    size_t shown = 0;
    if (idat->chunk_left > 0 && !chunk_peek(idat, &data, &shown, error))
        return false;
    size_t left = shown, room = size;
    const uint8_t *in = data;
    enum deflate_status status = deflate_decode(idat->decoder, &in, &left, &out, &room);
    if (status == DEFLATE_BAD_DATA)
        return error_set(error, ERROR_CORRUPT, "IDAT: invalid compressed data");
    if (status == DEFLATE_BAD_CHECKSUM)
        return error_set(error, ERROR_CORRUPT, "IDAT: incorrect data check");
    if (left < shown)
        chunk_take(idat, data, shown - left);
    idat->stream_ended = status == DEFLATE_END;
    *done = size - room;
    *moved = *done > 0 || left < shown || idat->stream_ended;
    return true;
}

/* Decodes into SIZE bytes at OUT, going on to the next chunk where one is used up; *DONE says how
 * many came, possibly none yet. */
static bool idat_decode(struct pngidat *idat, uint8_t *out, size_t size, size_t *done,
                        struct error *error)
{
    bool moved = false;
    while (idat_decode_chunk(idat, out, size, done, &moved, error)) {
        if (moved)
            return true;
        /* A decoder that neither takes nor gives has lost its way. */
        if (idat->chunk_left > 0)
            return error_set(error, ERROR_CORRUPT, "IDAT: invalid compressed data");
        if (!chunk_next(idat, error))
            return false;
        if (memcmp(idat->type, "IDAT", 4) != 0)
            return error_set(error, ERROR_CORRUPT, "not enough image data");
    }
    return false;
}

/* Makes the next row complete. */
static bool idat_fill(struct pngidat *idat, struct error *error)
{
    size_t line_bytes = idat->row_bytes + 1;
    if (idat->next + line_bytes > idat->capacity) {
        memmove(idat->buffer, idat->buffer + idat->above, idat->filled - idat->above);
        idat->filled -= idat->above;
        idat->next -= idat->above;
        idat->above = 0;
    }
    while (idat->filled - idat->next < line_bytes) {
        size_t done = 0;
        if (idat->stream_ended)
            return error_set(error, ERROR_CORRUPT, "not enough image data");
        if (!idat_decode(idat, idat->buffer + idat->filled, idat->capacity - idat->filled, &done,
                         error))
            return false;
        idat->filled += done;
    }
    return true;
}

/* Undoes the filter of the next row, and where it is cheaper of the one after it too. */
static bool idat_undo(struct pngidat *idat, struct error *error)
{
    uint8_t *line = idat->buffer + idat->next, *above = idat->buffer + idat->above;
    size_t line_bytes = idat->row_bytes + 1;
    if (line[0] == PNGFILTER_PAETH && idat->filled - idat->next >= 2 * line_bytes &&
        line[line_bytes] == PNGFILTER_PAETH) {
        pngfilter_undo_paeth_pair(line + 1, line + line_bytes + 1, above + 1, idat->row_bytes,
                                  idat->pixel_bytes);
        idat->next_done = true;
        return true;
    }
    if (!pngfilter_undo(line[0], line + 1, above + 1, idat->row_bytes, idat->pixel_bytes))
        return error_set(error, ERROR_CORRUPT, "bad filter type %u", line[0]);
    return true;
}

const uint8_t *pngidat_row(struct pngidat *idat, struct error *error)
{
    if (!idat_fill(idat, error))
        return NULL;
    if (idat->next_done)
        idat->next_done = false;
    else if (!idat_undo(idat, error))
        return NULL;
    idat->above = idat->next;
    idat->next += idat->row_bytes + 1;
    return idat->buffer + idat->above + 1;
}

/* Reads the rest of the stream; the image is complete, so nothing should come out of it. */
static bool idat_end_stream(struct pngidat *idat, bool *surplus, struct error *error)
{
    *surplus = idat->filled > idat->next;
    while (!idat->stream_ended) {
        size_t done = 0;
        if (!idat_decode(idat, idat->buffer, idat->capacity, &done, error))
            return false;
        if (done > 0) {
            /* More than the image has: what it is does not matter, and it may be much. */
            *surplus = true;
            return true;
        }
    }
    return true;
}

static bool chunk_skip(struct pngidat *idat, struct error *error)
{
    while (idat->chunk_left > 0) {
        const uint8_t *data = NULL;
        size_t size = 0;
        if (!chunk_peek(idat, &data, &size, error))
            return false;
        chunk_take(idat, data, size);
    }
    return true;
}

/* An upper-case first letter: nobody may ignore the chunk who does not know it. */
static bool chunk_is_critical(const struct pngidat *idat)
{
    return isupper(idat->type[0]) && memcmp(idat->type, "IEND", 4) != 0 &&
           memcmp(idat->type, "IDAT", 4) != 0 && memcmp(idat->type, "PLTE", 4) != 0;
}

bool pngidat_finish(struct pngidat *idat, bool *surplus, struct error *error)
{
    if (!idat_end_stream(idat, surplus, error))
        return false;
    for (bool last = false; !last;) {
        last = memcmp(idat->type, "IEND", 4) == 0;
        if (!chunk_skip(idat, error) || !chunk_next(idat, error))
            return false;
        if (chunk_is_critical(idat))
            return error_set(error, ERROR_CORRUPT, "%s: unknown critical chunk", idat->type);
    }
    return true;
}
