/* SPDX-License-Identifier: MIT */
#include "codec/pngpack.h"

#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "codec/deflate.h"
#include "codec/pngfilter.h"

enum { MEMORY_BYTES = 12 << 20, MAX_SLOTS = 16 };

/* Where one band is worked on. */
struct slot {
    struct deflate_encoder *encoder;
    uint8_t *filtered; /* rows with their filter types */
    uint8_t *lines;    /* two: this row's and that above; at first all 0, as above row 0 */
    uint8_t *out;      /* room for the header before and the trailer behind */
    size_t out_bytes;  /* 0: failed */
    size_t filtered_bytes;
    uint32_t adler;
};

struct pngpack {
    struct image_shape shape;
    const struct deflate_effort *effort;
    unsigned threads;
    size_t row_bytes;
    unsigned pixel_bytes;
    uint32_t band_rows;
    size_t bands, bands_given; /* of the image; handed out */
    size_t first_band;         /* in slot 0 */
    size_t slots_used, slot_count;
    uint32_t adler;
    const uint8_t *rows; /* the caller's, from row rows_kept to rows_given */
    size_t stride;
    uint32_t rows_kept, rows_given;
    uint8_t *kept; /* lines, from the one above the bands that are not done to rows_kept */
    struct slot slots[MAX_SLOTS];
};

/* A line is a row as filters want it: as in the file, 16 bits big-endian, between margins. */
static size_t pack_line_bytes(const struct pngpack *pack)
{
    return PNGFILTER_MARGIN + pngfilter_padded(pack->row_bytes);
}

/* Makes a line of one of the caller's rows. */
static void pack_row(const struct pngpack *pack, uint32_t y, uint8_t *to)
{
    const uint8_t *row = pack->rows + pack->stride * (y - pack->rows_kept);
    if (pack->shape.depth == 8) {
        memcpy(to, row, pack->row_bytes);
        return;
    }
    const uint16_t *wide = (const uint16_t *)(const void *)row;
    for (size_t i = 0; i < pack->row_bytes / 2; i++) {
        to[2 * i] = (uint8_t)(wide[i] >> 8);
        to[2 * i + 1] = (uint8_t)wide[i];
    }
}

/* Where the line of row Y is kept; the first is that above the band to be worked on next. */
static uint8_t *pack_kept_line(const struct pngpack *pack, uint32_t y)
{
    size_t first = pack->first_band * pack->band_rows;
    return pack->kept + (y + 1 - first) * pack_line_bytes(pack) + PNGFILTER_MARGIN;
}

/* The line of row Y, made in SLOT unless it is kept. It stays until that of row Y + 2. */
static const uint8_t *pack_line(const struct pngpack *pack, const struct slot *slot, uint32_t y)
{
    if (y < pack->rows_kept)
        return pack_kept_line(pack, y);
    uint8_t *line = slot->lines + (y & 1) * pack_line_bytes(pack) + PNGFILTER_MARGIN;
    pack_row(pack, y, line);
    return line;
}

static void pack_band(void *context, size_t index)
{
    struct pngpack *pack = context;
    struct slot *slot = &pack->slots[index];
    uint32_t first = (uint32_t)(pack->first_band + index) * pack->band_rows;
    uint32_t rows = pack->shape.height - first;
    if (rows > pack->band_rows)
        rows = pack->band_rows;
    const uint8_t *prior = first > 0 ? pack_line(pack, slot, first - 1)
                                     : slot->lines + pack_line_bytes(pack) + PNGFILTER_MARGIN;
    for (uint32_t y = 0; y < rows; y++) {
        const uint8_t *row = pack_line(pack, slot, first + y);
        enum pngfilter filter = PNGFILTER_PAETH;
        if (pack->effort->choose_filters)
            filter = pngfilter_choose(row, prior, pack->row_bytes, pack->pixel_bytes);
        uint8_t *out = slot->filtered + y * (pack->row_bytes + 1);
        out[0] = (uint8_t)filter;
        pngfilter_apply(filter, row, prior, out + 1, pack->row_bytes, pack->pixel_bytes);
        prior = row;
    }
    slot->filtered_bytes = rows * (pack->row_bytes + 1);
    slot->adler = deflate_adler32(slot->filtered, slot->filtered_bytes);
    slot->out_bytes = deflate_band(slot->encoder, slot->filtered, slot->filtered_bytes,
                                   slot->out + DEFLATE_HEADER_BYTES);
}

/* The memory of one slot. */
static size_t pack_slot_bytes(size_t band_bytes)
{
    return band_bytes + 2 * deflate_bound(band_bytes) + (768 << 10);
}

static bool pack_prepare(struct pngpack *pack, struct error *error)
{
    size_t band_bytes = pack->band_rows * (pack->row_bytes + 1);
    size_t fitting = MEMORY_BYTES / pack_slot_bytes(band_bytes);
    size_t wanted = pack->threads > 1 ? 2 * (size_t)pack->threads : 1;
    if (wanted > fitting)
        wanted = fitting > 0 ? fitting : 1;
    if (wanted > MAX_SLOTS)
        wanted = MAX_SLOTS;
    if (wanted > pack->bands)
        wanted = pack->bands;
    pack->slot_count = wanted;
    for (size_t i = 0; i < wanted; i++) {
        struct slot *slot = &pack->slots[i];
        slot->encoder = deflate_encoder_new(pack->effort, band_bytes, error);
        slot->filtered = memory_array(band_bytes + PNGFILTER_STEP, 1, error);
        slot->lines = memory_zeroed(2, pack_line_bytes(pack), error);
        slot->out = memory_array(
            DEFLATE_HEADER_BYTES + deflate_bound(band_bytes) + DEFLATE_TRAILER_BYTES, 1, error);
        if (slot->encoder == NULL || slot->filtered == NULL || slot->lines == NULL ||
            slot->out == NULL)
            return false;
    }
    return true;
}

struct pngpack *pngpack_new(const struct image_shape *shape, int effort, unsigned threads,
                            struct error *error)
{
    size_t row_bytes = image_row_bytes(shape);
    /* The deflate libraries count in 32 bits, and so does an IDAT chunk's length in 31. */
    if (row_bytes > (1u << 30)) {
        error_set(error, ERROR_UNSUPPORTED, "%zu bytes a row are too many for PNG", row_bytes);
        return NULL;
    }
    struct pngpack *pack = memory_zeroed(1, sizeof *pack, error);
    if (pack == NULL)
        return NULL;
    pack->shape = *shape;
    pack->effort = deflate_effort_of(effort);
    pack->threads = threads > 0 ? threads : 1;
    pack->row_bytes = row_bytes;
    pack->pixel_bytes = (unsigned)image_pixel_bytes(shape);
    pack->band_rows = (uint32_t)(pack->effort->band_bytes / (row_bytes + 1));
    if (pack->band_rows == 0)
        pack->band_rows = 1;
    if (pack->band_rows > shape->height)
        pack->band_rows = shape->height;
    pack->bands = (shape->height - 1) / pack->band_rows + 1;
    pack->adler = 1;
    if (!pack_prepare(pack, error)) {
        pngpack_free(pack);
        return NULL;
    }
    return pack;
}

void pngpack_give(struct pngpack *pack, const uint8_t *rows, size_t stride, uint32_t count)
{
    pack->rows = rows;
    pack->stride = stride;
    pack->rows_given += count;
}

/* Packs as many bands as there are slots, or what is left at the end of the image: with fewer some
 * threads would have nothing to do. False where these are not there yet. */
static bool pack_bands(struct pngpack *pack)
{
    bool all = pack->rows_given == pack->shape.height;
    size_t there = (all ? pack->bands : pack->rows_given / pack->band_rows) - pack->bands_given;
    pack->first_band = pack->bands_given;
    pack->slots_used = there < pack->slot_count ? (all ? there : 0) : pack->slot_count;
    threads_for(pack->threads, pack->slots_used, pack_band, pack);
    return pack->slots_used > 0;
}

/* Copies what later bands need of the caller's rows: always less than the bands of all slots. */
static bool pack_keep(struct pngpack *pack, struct error *error)
{
    size_t first = pack->first_band * pack->band_rows;
    uint32_t above = (uint32_t)(first > 0 ? first - 1 : 0);
    if (pack->rows_given == pack->shape.height)
        return true;
    if (pack->kept == NULL)
        pack->kept =
            memory_zeroed(pack->slot_count * pack->band_rows, pack_line_bytes(pack), error);
    if (pack->kept == NULL)
        return false;
    for (uint32_t y = above > pack->rows_kept ? above : pack->rows_kept; y < pack->rows_given; y++)
        pack_row(pack, y, pack_kept_line(pack, y));
    pack->rows_kept = pack->rows_given;
    return true;
}

bool pngpack_next(struct pngpack *pack, const uint8_t **data, size_t *size, struct error *error)
{
    *size = 0;
    if (pack->bands_given == pack->first_band + pack->slots_used && !pack_bands(pack))
        return pack_keep(pack, error);
    struct slot *slot = &pack->slots[pack->bands_given - pack->first_band];
    if (slot->out_bytes == 0) {
        error_set(error, ERROR_NO_MEMORY, "out of memory for packing PNG");
        return error_hint(error, "a larger --memory may help");
    }
    pack->adler = deflate_adler32_join(pack->adler, slot->adler, slot->filtered_bytes);
    *data = slot->out + DEFLATE_HEADER_BYTES;
    *size = slot->out_bytes;
    if (pack->bands_given == 0) {
        deflate_header(slot->out);
        *data = slot->out;
        *size += DEFLATE_HEADER_BYTES;
    }
    pack->bands_given++;
    if (pack->bands_given == pack->bands) {
        deflate_trailer(slot->out + DEFLATE_HEADER_BYTES + slot->out_bytes, pack->adler);
        *size += DEFLATE_TRAILER_BYTES;
    }
    return true;
}

void pngpack_free(struct pngpack *pack)
{
    if (pack == NULL)
        return;
    for (size_t i = 0; i < pack->slot_count; i++) {
        deflate_encoder_free(pack->slots[i].encoder);
        free(pack->slots[i].filtered);
        free(pack->slots[i].lines);
        free(pack->slots[i].out);
    }
    free(pack->kept);
    free(pack);
}
