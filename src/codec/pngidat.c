/* SPDX-License-Identifier: MIT */
#include "codec/pngidat.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "codec/codec.h"
#include "codec/deflate.h"
#include "codec/pngfilter.h"

enum { READ_BYTES = 16 * 1024, BLOCK_BYTES = 256 * 1024, CHUNK_HEADER_BYTES = 8, CRC_BYTES = 4 };

/* A piece of the decoded stream. */
struct block {
    uint8_t *memory;
    uint8_t *data;  /* what was decoded; before it is room for what the block before left over */
    size_t filled;
    uint8_t *next;  /* the next row with its filter type; the row above it lies before it */
    size_t rows;    /* from there on whose filter is undone */
    bool bad_filter; /* behind those */
};

struct pngidat {
    struct source *source;
    struct deflate_decoder *decoder;
    size_t line_bytes; /* of a row with its filter type */
    unsigned pixel_bytes, threads;
    char type[5]; /* of the chunk that is being read */
    uint32_t chunk_left, crc;
    bool begun, stream_ended;
    uint64_t bytes_left;  /* of the image, to be decoded */
    struct error failure; /* of the decoder, which is ahead of the rows given */
    /* One gives rows, while the other is filled. */
    size_t block_bytes;
    struct block blocks[2], *current, *other;
};

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool block_new(const struct pngidat *idat, struct block *block, struct error *error)
{
    /* What is left over is less than a row; then there is the row above it. */
    size_t before = 2 * idat->line_bytes;
    block->memory = memory_array(before + idat->block_bytes + PNGFILTER_MARGIN, 1, error);
    if (block->memory == NULL)
        return false;
    block->data = block->next = block->memory + before;
    memset(block->data - idat->line_bytes, 0, idat->line_bytes);
    memset(block->data + idat->block_bytes, 0, PNGFILTER_MARGIN);
    return true;
}

struct pngidat *pngidat_new(struct source *source, uint32_t first_chunk_bytes,
                            const struct image_shape *shape, unsigned threads, struct error *error)
{
    struct pngidat *idat = memory_zeroed(1, sizeof *idat, error);
    if (idat == NULL)
        return NULL;
    idat->source = source;
    idat->line_bytes = image_row_bytes(shape) + 1;
    idat->pixel_bytes = (unsigned)image_pixel_bytes(shape);
    idat->threads = threads;
    memcpy(idat->type, "IDAT", 5);
    idat->chunk_left = first_chunk_bytes;
    idat->crc = deflate_crc32(0, (const uint8_t *)"IDAT", 4);
    idat->bytes_left = (uint64_t)idat->line_bytes * shape->height;
    idat->block_bytes = idat->bytes_left < BLOCK_BYTES ? (size_t)idat->bytes_left : BLOCK_BYTES;
    /* So that a full block always completes a row. */
    if (idat->block_bytes < idat->line_bytes)
        idat->block_bytes = idat->line_bytes;
    idat->current = &idat->blocks[0];
    idat->other = &idat->blocks[1];
    idat->decoder = deflate_decoder_new(error);
    if (idat->decoder == NULL || !block_new(idat, idat->current, error) ||
        !block_new(idat, idat->other, error)) {
        pngidat_free(idat);
        return NULL;
    }
    return idat;
}

void pngidat_free(struct pngidat *idat)
{
    if (idat == NULL)
        return;
    deflate_decoder_free(idat->decoder);
    free(idat->blocks[0].memory);
    free(idat->blocks[1].memory);
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

/* Fills BLOCK as far as the image and the stream go. */
static void idat_fill(struct pngidat *idat, struct block *block)
{
    size_t room = idat->block_bytes;
    if (room > idat->bytes_left)
        room = (size_t)idat->bytes_left;
    block->filled = 0;
    while (block->filled < room && !idat->stream_ended && idat->failure.kind == ERROR_NONE) {
        size_t done = 0;
        if (idat_decode(idat, block->data + block->filled, room - block->filled, &done,
                        &idat->failure))
            block->filled += done;
    }
    idat->bytes_left -= block->filled;
}

/* Undoes the filters of all rows that BLOCK completes. */
static void idat_undo(const struct pngidat *idat, struct block *block)
{
    size_t line_bytes = idat->line_bytes, row_bytes = line_bytes - 1;
    size_t rows = (size_t)(block->data + block->filled - block->next) / line_bytes, y = 0;
    while (y < rows && !block->bad_filter) {
        uint8_t *line = block->next + y * line_bytes, *below = line + line_bytes;
        const uint8_t *above = line - line_bytes;
        if (y + 1 < rows && line[0] == PNGFILTER_PAETH && below[0] == PNGFILTER_PAETH) {
            pngfilter_undo_paeth_pair(line + 1, below + 1, above + 1, row_bytes,
                                      idat->pixel_bytes);
            y += 2;
        } else if (pngfilter_undo(line[0], line + 1, above + 1, row_bytes, idat->pixel_bytes)) {
            y++;
        } else {
            block->bad_filter = true;
        }
    }
    block->rows = y;
}

/* Row pointers into the current block stay good while the other one is filled. */
static void idat_work(void *context, size_t index)
{
    struct pngidat *idat = context;
    if (index == 0)
        idat_undo(idat, idat->current);
    else
        idat_fill(idat, idat->other);
}

/* Goes on to the block that was decoded ahead, and decodes the one after it meanwhile. */
static bool idat_advance(struct pngidat *idat, struct error *error)
{
    struct block *from = idat->current, *to = idat->other;
    if (from->bad_filter)
        return error_set(error, ERROR_CORRUPT, "bad filter type %u", from->next[0]);
    if (!idat->begun)
        idat_fill(idat, to);
    idat->begun = true;
    if (to->filled == 0 && idat->failure.kind != ERROR_NONE)
        return error_set(error, idat->failure.kind, "%s", idat->failure.message);
    if (to->filled == 0)
        return error_set(error, ERROR_CORRUPT, "not enough image data");
    size_t left = (size_t)(from->data + from->filled - from->next);
    to->next = to->data - left;
    memcpy(to->next - idat->line_bytes, from->next - idat->line_bytes, idat->line_bytes + left);
    from->filled = 0;
    idat->current = to;
    idat->other = from;
    threads_for(idat->threads, idat->bytes_left > 0 ? 2 : 1, idat_work, idat);
    return true;
}

const uint8_t *pngidat_row(struct pngidat *idat, struct error *error)
{
    while (idat->current->rows == 0)
        if (!idat_advance(idat, error))
            return NULL;
    const uint8_t *row = idat->current->next + 1;
    idat->current->next += idat->line_bytes;
    idat->current->rows--;
    return row;
}

/* Reads the rest of the stream; the image is complete, so nothing should come out of it. */
static bool idat_end_stream(struct pngidat *idat, bool *surplus, struct error *error)
{
    *surplus = false;
    while (!idat->stream_ended && !*surplus) {
        size_t done = 0;
        if (!idat_decode(idat, idat->other->data, idat->block_bytes, &done, error))
            return false;
        /* What it is does not matter, and it may be much. */
        *surplus = done > 0;
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
