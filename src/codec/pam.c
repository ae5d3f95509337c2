/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/pam_header.h"

enum {
    BAND_BYTES = 128 * 1024,    /* read and converted at a time, while it is in the cache */
    LOOK_BEHIND_BYTES = 1 << 20 /* over the limit, to see what follows the image */
};

struct pam_reader {
    struct codec_reader base;
    struct source *source;
    unsigned maxval;
    uint16_t *scale; /* the full-range value of each sample; NULL where that is the sample */
    uint8_t *band;   /* some rows, for whoever wants them further apart than they come */
    bool lenient, frame_chosen;
    bool ended; /* the source is at its end, the rows that are left are empty */
};

static void pam_warn(struct pam_reader *pam, const char *format, ...) PRINTF_LIKE(2, 3);
static void pam_warn(struct pam_reader *pam, const char *format, ...)
{
    va_list args;
    if (pam->base.info.warning[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(pam->base.info.warning, sizeof pam->base.info.warning, format, args);
    va_end(args);
}

static bool pam_truncated(uint64_t row, uint32_t height, struct error *error)
{
    error_set(error, ERROR_TRUNCATED, "truncated at row %llu of %lu", (unsigned long long)row,
              (unsigned long)height);
    return error_hint(error, "the upload may be incomplete");
}

/* ---- Opening ---- */

static bool pam_use_header(struct pam_reader *pam, struct pam_header *header,
                           const struct codec_read_options *options, struct error *error)
{
    struct codec_info *info = &pam->base.info;
    unsigned maxval = header->maxval;
    image_metadata_free(&info->metadata);
    info->metadata = header->metadata;
    if (!codec_check_size(options, header->width, header->height, error))
        return false;
    pam->maxval = maxval;
    info->stored_width = (uint32_t)header->width;
    info->stored_height = (uint32_t)header->height;
    info->stored_depth = maxval < 2 ? 1 : maxval < 4 ? 2 : maxval < 16 ? 4 : maxval < 256 ? 8 : 16;
    info->orientation = 1;
    info->lossless = true;
    info->subtype = header->magic;
    info->origin = header->origin;
    info->warning[0] = '\0';
    if (header->warning[0] != '\0')
        pam_warn(pam, "%s", header->warning);
    info->shape = (struct image_shape){.width = info->stored_width,
                                       .height = info->stored_height,
                                       .color = header->color,
                                       .alpha = header->alpha,
                                       .depth = maxval < 256 ? 8 : 16};
    return true;
}

/* Goes behind white space and looks whether another image starts there, or anything else. */
static bool pam_look_behind(struct pam_reader *pam, bool *image, bool *other, struct error *error)
{
    const uint8_t *head;
    size_t got = 0, space = 0;
    do {
        source_take(pam->source, space);
        head = source_peek(pam->source, 3, &got, error);
        if (head == NULL)
            return false;
        for (space = 0; space < got && (head[space] == ' ' || (head[space] >= '\t' &&
                                                               head[space] <= '\r'));)
            space++;
    } while (space > 0);
    *image = pam_header_sniff(head, got);
    *other = got > 0 && !*image;
    return true;
}

/* The bytes of the pixels, the same in the file as in memory; half of all where they do not fit. */
static uint64_t pam_raster_bytes(const struct pam_reader *pam)
{
    const struct image_shape *shape = &pam->base.info.shape;
    uint64_t bytes = 0;
    if (__builtin_mul_overflow((uint64_t)image_row_bytes(shape), shape->height, &bytes) ||
        bytes > UINT64_MAX / 2)
        return UINT64_MAX / 2;
    return bytes;
}

/* The size has been judged by its pixels, so the bytes that follow from it are allowed. */
static void pam_allow_raster(struct pam_reader *pam)
{
    source_raise_limit(pam->source, pam->source->taken_bytes + pam_raster_bytes(pam) +
                                        LOOK_BEHIND_BYTES);
}

/* Passes over the raster of an image that is not wanted. */
static bool pam_skip_raster(struct pam_reader *pam, struct error *error)
{
    uint64_t left = pam_raster_bytes(pam);
    pam_allow_raster(pam);
    while (left > 0) {
        size_t got = 0;
        if (source_peek(pam->source, 1, &got, error) == NULL)
            return false;
        if (got == 0)
            return error_set(error, ERROR_TRUNCATED, "truncated before the frame that is wanted");
        size_t count = got < left ? got : (size_t)left;
        source_take(pam->source, count);
        left -= count;
    }
    return true;
}

/* Headers and images up to the one that is wanted. */
static bool pam_find_frame(struct pam_reader *pam, const struct codec_read_options *options,
                           struct error *error)
{
    for (unsigned frame = 1;; frame++) {
        struct pam_header header;
        bool image = false, other = false;
        if (!pam_header_read(&header, pam->source, options->keep_metadata, error) ||
            !pam_use_header(pam, &header, options, error))
            return false;
        if (frame >= options->frame)
            return true;
        if (!pam_skip_raster(pam, error) || !pam_look_behind(pam, &image, &other, error))
            return false;
        if (!image)
            return codec_check_frame(options, frame, error);
    }
}

/* A file that is too short is refused here, before anybody has taken memory for its pixels. */
static bool pam_check_length(struct pam_reader *pam, const struct codec_read_options *options,
                             struct error *error)
{
    const struct image_shape *shape = &pam->base.info.shape;
    uint64_t raster = pam_raster_bytes(pam), taken = pam->source->taken_bytes;
    pam_allow_raster(pam);
    if (pam->source->size_bytes < 0)
        return true;
    uint64_t size = (uint64_t)pam->source->size_bytes;
    uint64_t behind = size > taken ? size - taken : 0;
    if (behind == raster && options->frame <= 1)
        pam->base.info.frames = 1;
    if (behind >= raster || options->lenient || options->header_only)
        return true;
    return pam_truncated(behind / image_row_bytes(shape), shape->height, error);
}

static bool pam_prepare_scale(struct pam_reader *pam, struct error *error)
{
    unsigned maxval = pam->maxval, full = maxval < 256 ? 255 : 65535;
    if (maxval == full)
        return true;
    pam->scale = memory_array(maxval + 1, sizeof *pam->scale, error);
    if (pam->scale == NULL)
        return false;
    for (unsigned i = 0; i <= maxval; i++)
        pam->scale[i] = (uint16_t)((i * full + maxval / 2) / maxval);
    return true;
}

static void pam_close(struct codec_reader *reader)
{
    struct pam_reader *pam = (struct pam_reader *)(void *)reader;
    free(pam->scale);
    free(pam->band);
    free(pam);
}

static bool pam_open(struct source *source, const struct codec_read_options *options,
                     struct codec_reader **reader, struct error *error)
{
    struct pam_reader *pam = memory_zeroed(1, sizeof *pam, error);
    if (pam == NULL)
        return false;
    pam->source = source;
    pam->lenient = options->lenient;
    pam->frame_chosen = options->frame > 0;
    if (!pam_find_frame(pam, options, error) || !pam_check_length(pam, options, error) ||
        !pam_prepare_scale(pam, error)) {
        image_metadata_free(&pam->base.info.metadata);
        pam_close(&pam->base);
        return false;
    }
    *reader = &pam->base;
    return true;
}

/* ---- Rows ---- */

/* netpbm's samples of two bytes have the high one first. */
static uint16_t pam_from_big_endian(uint16_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap16(value);
#else
    return value;
#endif
}

static MULTIVERSION void pam_swap_samples(uint16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = pam_from_big_endian(samples[i]);
}

/* Brings samples to the full range. Returns the largest that was over MAXVAL, 0 for none. */
static unsigned pam_scale_samples_8(const uint16_t *scale, unsigned maxval, uint8_t *samples,
                                    size_t count)
{
    unsigned over = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned value = samples[i];
        over = value > maxval && value > over ? value : over;
        samples[i] = (uint8_t)scale[value > maxval ? maxval : value];
    }
    return over;
}

static unsigned pam_scale_samples_16(const uint16_t *scale, unsigned maxval, uint16_t *samples,
                                     size_t count)
{
    unsigned over = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned value = samples[i];
        over = value > maxval && value > over ? value : over;
        samples[i] = scale[value > maxval ? maxval : value];
    }
    return over;
}

static bool pam_convert(struct pam_reader *pam, uint8_t *rows, size_t bytes, struct error *error)
{
    uint16_t *wide = (uint16_t *)(void *)rows;
    bool is_wide = pam->base.info.shape.depth == 16;
    if (is_wide)
        pam_swap_samples(wide, bytes / 2);
    if (pam->scale == NULL)
        return true;
    unsigned over = is_wide ? pam_scale_samples_16(pam->scale, pam->maxval, wide, bytes / 2)
                            : pam_scale_samples_8(pam->scale, pam->maxval, rows, bytes);
    if (over == 0)
        return true;
    if (!pam->lenient)
        return error_set(error, ERROR_CORRUPT, "a sample is %u, over the MAXVAL of %u", over,
                         pam->maxval);
    pam_warn(pam, "a sample is %u, over the MAXVAL of %u", over, pam->maxval);
    return true;
}

/* Reads COUNT rows that lie side by side; what the source does not have becomes 0. */
static bool pam_read_band(struct pam_reader *pam, uint8_t *rows, size_t count, uint64_t row,
                          struct error *error)
{
    const struct image_shape *shape = &pam->base.info.shape;
    size_t row_bytes = image_row_bytes(shape), got = 0;
    if (!pam->ended && !source_read(pam->source, rows, count * row_bytes, &got, error))
        return false;
    size_t whole = got / row_bytes;
    if (whole < count) {
        memset(rows + whole * row_bytes, 0, (count - whole) * row_bytes);
        /* Without any row there is nothing to be lenient about. */
        if (!pam->ended && (!pam->lenient || row + whole == 0))
            return pam_truncated(row + whole, shape->height, error);
        pam_warn(pam, "truncated at row %llu of %lu", (unsigned long long)(row + whole),
                 (unsigned long)shape->height);
        pam->ended = true;
    }
    return pam_convert(pam, rows, whole * row_bytes, error);
}

/* The same for rows STRIDE apart: a call to the kernel for each of them would cost more than the
 * copy. */
static bool pam_read_apart(struct pam_reader *pam, uint8_t *rows, size_t stride, size_t count,
                           uint64_t row, struct error *error)
{
    size_t row_bytes = image_row_bytes(&pam->base.info.shape);
    if (pam->band == NULL)
        pam->band = memory_array(BAND_BYTES / row_bytes + 1, row_bytes, error);
    if (pam->band == NULL || !pam_read_band(pam, pam->band, count, row, error))
        return false;
    for (size_t y = 0; y < count; y++)
        memcpy(rows + stride * y, pam->band + row_bytes * y, row_bytes);
    return true;
}

static bool pam_read_rows(struct codec_reader *reader, uint8_t *rows, size_t stride,
                          uint32_t count, struct error *error)
{
    struct pam_reader *pam = (struct pam_reader *)(void *)reader;
    const struct image_shape *shape = &reader->info.shape;
    size_t row_bytes = image_row_bytes(shape), band = count;
    bool apart = stride != row_bytes;
    if (apart || shape->depth == 16 || pam->scale != NULL)
        band = BAND_BYTES / row_bytes + 1;
    for (size_t done = 0; done < count; done += band) {
        size_t wanted = count - done < band ? count - done : band;
        uint8_t *at = rows + stride * done;
        uint64_t row = reader->rows_read + done;
        if (!(apart ? pam_read_apart(pam, at, stride, wanted, row, error)
                    : pam_read_band(pam, at, wanted, row, error)))
            return false;
    }
    return true;
}

static bool pam_finish(struct codec_reader *reader, struct error *error)
{
    struct pam_reader *pam = (struct pam_reader *)(void *)reader;
    bool image = false, other = false;
    if (pam->ended || pam->frame_chosen)
        return true;
    if (!pam_look_behind(pam, &image, &other, error))
        return false;
    if (image) {
        error_set(error, ERROR_UNSUPPORTED, "several images in one stream, one is expected");
        return error_hint(error, "--frame N takes one of them");
    }
    const struct source *source = pam->source;
    if (other && source->size_bytes >= 0)
        pam_warn(pam, "%llu bytes after the image ignored",
                 (unsigned long long)source->size_bytes - source->taken_bytes);
    else if (other)
        pam_warn(pam, "data after the image ignored");
    return true;
}

/* ---- Writing ---- */

struct pam_writer {
    struct codec_writer base;
    uint16_t *swapped; /* room for a row of 16 bits, else NULL */
};

static void pam_discard(struct codec_writer *base)
{
    struct pam_writer *writer = (struct pam_writer *)(void *)base;
    free(writer->swapped);
    free(writer);
}

/* The header goes out before there is any row: a later stage of a pipe can prepare for the image
 * meanwhile. */
static bool pam_begin(struct sink *sink, const struct image *image,
                      const struct codec_write_options *options, struct codec_writer **result,
                      struct error *error)
{
    if (image->shape.color == IMAGE_CMYK)
        return error_set(error, ERROR_INTERNAL, "CMYK cannot be written");
    struct pam_writer *writer = memory_zeroed(1, sizeof *writer, error);
    if (writer == NULL)
        return false;
    *result = &writer->base;
    if (image->shape.depth == 16) {
        writer->swapped = memory_array(image_row_bytes(&image->shape), 1, error);
        if (writer->swapped == NULL)
            return false;
    }
    return pam_header_write(sink, image, options->origin) && sink_flush(sink);
}

static bool pam_write_rows(struct codec_writer *base, const uint8_t *rows, size_t stride,
                           uint32_t count, struct error *error)
{
    const struct pam_writer *writer = (const struct pam_writer *)(const void *)base;
    size_t row_bytes = image_row_bytes(&base->shape);
    bool done = true;
    (void)error;
    if (writer->swapped == NULL && stride == row_bytes)
        return sink_write(base->sink, rows, row_bytes * count);
    for (uint32_t y = 0; done && y < count; y++) {
        const uint8_t *row = rows + stride * y;
        if (writer->swapped != NULL) {
            memcpy(writer->swapped, row, row_bytes);
            pam_swap_samples(writer->swapped, row_bytes / 2);
            row = (const uint8_t *)writer->swapped;
        }
        done = sink_write(base->sink, row, row_bytes);
    }
    return done;
}

static bool pam_end(struct codec_writer *base, struct error *error)
{
    (void)base;
    (void)error;
    return true;
}

const struct codec codec_pam = {
    .name = "pam",
    .extensions = "pam pnm ppm pgm",
    .writes_alpha = true,
    .writes_depth16 = true,
    .writes_grey = true,
    .sniff = pam_header_sniff,
    .open = pam_open,
    .read_rows = pam_read_rows,
    .finish = pam_finish,
    .close = pam_close,
    .begin = pam_begin,
    .write_rows = pam_write_rows,
    .end = pam_end,
    .discard = pam_discard,
};
