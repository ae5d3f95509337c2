/* SPDX-License-Identifier: MIT */
#include "codec/webp_library.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART_ROWS = 64, /* converted at a time, an even number */
    DEFAULT_EFFORT = 6 /* method 4, as cwebp without options */
};

/* libwebp encodes whole pictures only; but as it keeps them, which takes half the memory of the
 * rows, or with `lossless` a third more. */
struct webp_writer {
    struct codec_writer base;
    struct codec_write_options options;
    struct image_metadata metadata;
    WebPPicture picture;
    uint32_t imported; /* rows that are in the picture */
    uint8_t *pair;     /* two rows: the first may be waiting for the second */
    bool waiting;
    bool hides_color; /* some pixel of alpha 0 has a colour: the caller was asked to keep it */
};

static bool webp_hides_color(const struct image_shape *shape, const uint8_t *rows, size_t stride,
                             uint32_t count)
{
    if (!shape->alpha)
        return false;
    unsigned hidden = 0;
    for (uint32_t y = 0; y < count && hidden == 0; y++) {
        const uint8_t *row = rows + stride * y;
        for (size_t x = 0; x < (size_t)shape->width * 4; x += 4) {
            unsigned color = (unsigned)(row[x] | row[x + 1] | row[x + 2]);
            hidden |= row[x + 3] == 0 ? color : 0;
        }
    }
    return hidden != 0;
}

static bool webp_configure(WebPConfig *config, const struct webp_writer *writer)
{
    const struct codec_write_options *options = &writer->options;
    int effort = options->effort < 0 ? DEFAULT_EFFORT : options->effort > 9 ? 9 : options->effort;
    if (!libwebp.WebPConfigInitInternal(config, WEBP_PRESET_DEFAULT, CODEC_WEBP_QUALITY,
                                        WEBP_ENCODER_ABI_VERSION))
        return false;
    if (options->lossless) {
        /* No threads: they only help at effort 9, and there the bytes come to depend on them in
         * some versions of libwebp (1.5.0). */
        config->exact = 1;
        return libwebp.WebPConfigLosslessPreset(config, effort);
    }
    config->quality = (float)(options->quality > 0 ? options->quality : CODEC_WEBP_QUALITY);
    config->method = (effort * 6 + 4) / 9;
    config->thread_level = options->threads > 1;
    /* Left to itself the encoder gives hidden pixels whatever colour is cheapest beside their
     * visible neighbours; black ones cost bytes and ring into the outline. */
    config->exact = writer->hides_color;
    return libwebp.WebPValidateConfig(config) != 0;
}

static int webp_emit(const uint8_t *data, size_t size, const WebPPicture *picture)
{
    return sink_write(picture->custom_ptr, data, size);
}

/* Some places in libwebp forget to say that memory ran out, so a failure without a cause is one. */
static bool webp_lacks_memory(const WebPPicture *picture)
{
    return picture->error_code == VP8_ENC_OK ||
           picture->error_code == VP8_ENC_ERROR_OUT_OF_MEMORY ||
           picture->error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY ||
           (picture->error_code == VP8_ENC_ERROR_BAD_WRITE &&
            picture->writer == libwebp.WebPMemoryWrite);
}

static bool webp_encode_failed(const WebPPicture *picture, struct error *error)
{
    if (webp_lacks_memory(picture)) {
        error_set(error, ERROR_NO_MEMORY, "out of memory for encoding WebP");
        return error_hint(error, "a larger --memory may help");
    }
    switch (picture->error_code) {
    case VP8_ENC_ERROR_PARTITION0_OVERFLOW:
    case VP8_ENC_ERROR_PARTITION_OVERFLOW:
    case VP8_ENC_ERROR_FILE_TOO_BIG:
        error_set(error, ERROR_UNSUPPORTED, "too large and detailed for WebP");
        return error_hint(error, "use a lower --quality, or -f png");
    case VP8_ENC_ERROR_BAD_WRITE:
        return error_set(error, ERROR_IO, "the WebP data cannot be written");
    default:
        return error_set(error, ERROR_INTERNAL, "the WebP encoder failed with code %d",
                         (int)picture->error_code);
    }
}

/* Encodes into the sink, or into MEMORY where that is not NULL. */
static bool webp_encode(struct webp_writer *writer, WebPConfig *config, WebPMemoryWriter *memory,
                        struct error *error)
{
    WebPPicture *picture = &writer->picture;
    picture->writer = memory != NULL ? libwebp.WebPMemoryWrite : webp_emit;
    picture->custom_ptr = memory != NULL ? (void *)memory : (void *)writer->base.sink;
    bool done = libwebp.WebPEncode(config, picture);
    /* A thread that cannot be had looks like memory, and nothing is written before. */
    if (!done && config->thread_level > 0 && webp_lacks_memory(picture)) {
        config->thread_level = 0;
        done = libwebp.WebPEncode(config, picture);
    }
    return done || webp_encode_failed(picture, error);
}

/* Puts the metadata around the encoded IMAGE and writes both. */
static bool webp_write_container(struct sink *sink, const WebPMemoryWriter *image,
                                 const struct image_metadata *metadata, struct error *error)
{
    WebPData bare = {image->mem, image->size}, file = {0};
    WebPData icc = {metadata->icc.data, metadata->icc.size};
    WebPData exif = {metadata->exif.data, metadata->exif.size};
    WebPData xmp = {metadata->xmp.data, metadata->xmp.size};
    WebPMux *mux = libwebp.WebPNewInternal(WEBP_MUX_ABI_VERSION);
    bool done = mux != NULL && libwebp.WebPMuxSetImage(mux, &bare, 0) == WEBP_MUX_OK &&
                (icc.size == 0 || libwebp.WebPMuxSetChunk(mux, "ICCP", &icc, 0) == WEBP_MUX_OK) &&
                (exif.size == 0 || libwebp.WebPMuxSetChunk(mux, "EXIF", &exif, 0) == WEBP_MUX_OK) &&
                (xmp.size == 0 || libwebp.WebPMuxSetChunk(mux, "XMP ", &xmp, 0) == WEBP_MUX_OK) &&
                libwebp.WebPMuxAssemble(mux, &file) == WEBP_MUX_OK;
    libwebp.WebPMuxDelete(mux);
    if (!done)
        error_set(error, ERROR_NO_MEMORY, "out of memory for the metadata of WebP");
    else if (!sink_write(sink, file.bytes, file.size))
        done = error_set(error, ERROR_IO, "the WebP data cannot be written");
    libwebp.WebPFree((void *)file.bytes);
    return done;
}

static void webp_copy_plane(uint8_t *to, int to_stride, const uint8_t *from, int from_stride,
                            size_t bytes, uint32_t rows)
{
    for (uint32_t y = 0; y < rows; y++)
        memcpy(to + (ptrdiff_t)to_stride * y, from + (ptrdiff_t)from_stride * y, bytes);
}

/* Puts PART into the picture behind the rows that are there, an even number of them. */
static void webp_append(struct webp_writer *writer, const WebPPicture *part)
{
    WebPPicture *all = &writer->picture;
    ptrdiff_t y = writer->imported;
    uint32_t rows = (uint32_t)part->height;
    size_t width = (size_t)part->width;
    if (all->use_argb) {
        webp_copy_plane((uint8_t *)(all->argb + all->argb_stride * y), all->argb_stride * 4,
                        (const uint8_t *)part->argb, part->argb_stride * 4, width * 4, rows);
        return;
    }
    ptrdiff_t uv_start = all->uv_stride * (y / 2);
    webp_copy_plane(all->y + all->y_stride * y, all->y_stride, part->y, part->y_stride, width,
                    rows);
    webp_copy_plane(all->u + uv_start, all->uv_stride, part->u, part->uv_stride, (width + 1) / 2,
                    (rows + 1) / 2);
    webp_copy_plane(all->v + uv_start, all->uv_stride, part->v, part->uv_stride, (width + 1) / 2,
                    (rows + 1) / 2);
    if (all->a != NULL && part->a != NULL)
        webp_copy_plane(all->a + all->a_stride * y, all->a_stride, part->a, part->a_stride, width,
                        rows);
    else if (all->a != NULL) /* libwebp saw no transparent pixel */
        memset(all->a + all->a_stride * y, 255, (size_t)all->a_stride * rows);
}

static bool webp_import(struct webp_writer *writer, const uint8_t *rows, size_t stride,
                        uint32_t count, struct error *error)
{
    const struct image_shape *shape = &writer->base.shape;
    WebPPicture part;
    libwebp.WebPPictureInitInternal(&part, WEBP_ENCODER_ABI_VERSION);
    part.width = (int)shape->width;
    part.height = (int)count;
    part.use_argb = writer->picture.use_argb;
    bool done = shape->alpha ? libwebp.WebPPictureImportRGBA(&part, rows, (int)stride)
                             : libwebp.WebPPictureImportRGB(&part, rows, (int)stride);
    if (done)
        webp_append(writer, &part);
    else
        error_set(error, ERROR_NO_MEMORY, "out of memory for encoding WebP");
    libwebp.WebPPictureFree(&part);
    writer->imported += count;
    writer->hides_color = writer->hides_color || webp_hides_color(shape, rows, stride, count);
    return done;
}

void webp_discard(struct codec_writer *base)
{
    struct webp_writer *writer = (struct webp_writer *)(void *)base;
    libwebp.WebPPictureFree(&writer->picture);
    image_metadata_free(&writer->metadata);
    free(writer->pair);
    free(writer);
}

bool webp_begin(struct sink *sink, const struct image *image,
                const struct codec_write_options *options, struct codec_writer **result,
                struct error *error)
{
    const struct image_shape *shape = &image->shape;
    (void)sink;
    if (shape->width > WEBP_MAX_DIMENSION || shape->height > WEBP_MAX_DIMENSION)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%lu x %lu pixels, WebP ends at %d a side: -f png",
                         (unsigned long)shape->width, (unsigned long)shape->height,
                         WEBP_MAX_DIMENSION);
    struct webp_writer *writer = memory_zeroed(1, sizeof *writer, error);
    if (writer == NULL)
        return false;
    *result = &writer->base;
    if (!libwebp.WebPPictureInitInternal(&writer->picture, WEBP_ENCODER_ABI_VERSION))
        return error_set(error, ERROR_INTERNAL, "libwebp has another version than its headers");
    writer->options = *options;
    writer->picture.width = (int)shape->width;
    writer->picture.height = (int)shape->height;
    writer->picture.use_argb = options->lossless;
    writer->picture.colorspace = shape->alpha ? WEBP_YUV420A : WEBP_YUV420;
    writer->pair = memory_array(2, image_row_bytes(shape), error);
    if (writer->pair == NULL ||
        !image_metadata_copy(&writer->metadata, &image->metadata, error))
        return false;
    return libwebp.WebPPictureAlloc(&writer->picture) ||
           error_set(error, ERROR_NO_MEMORY, "out of memory for encoding WebP");
}

/* Two rows share their colour, so that parts end with the second of them, or with the image. */
bool webp_write_rows(struct codec_writer *base, const uint8_t *rows, size_t stride,
                     uint32_t count, struct error *error)
{
    struct webp_writer *writer = (struct webp_writer *)(void *)base;
    size_t row_bytes = image_row_bytes(&base->shape);
    if (stride > INT_MAX)
        return error_set(error, ERROR_INTERNAL, "%zu bytes from row to row", stride);
    while (count > 0) {
        uint32_t part = count < PART_ROWS ? count : PART_ROWS;
        bool last = writer->imported + part == base->shape.height;
        bool done = true;
        if (writer->waiting) {
            memcpy(writer->pair + row_bytes, rows, row_bytes);
            done = webp_import(writer, writer->pair, row_bytes, 2, error);
            writer->waiting = false;
            part = 1;
        } else if (part > 1 || last) {
            part -= last ? 0 : part % 2;
            done = webp_import(writer, rows, stride, part, error);
        } else {
            memcpy(writer->pair, rows, row_bytes);
            writer->waiting = true;
        }
        if (!done)
            return false;
        rows += stride * part;
        count -= part;
    }
    return true;
}

bool webp_end(struct codec_writer *base, struct error *error)
{
    struct webp_writer *writer = (struct webp_writer *)(void *)base;
    const struct image_metadata *metadata = &writer->metadata;
    WebPConfig config;
    if (!webp_configure(&config, writer))
        return error_set(error, ERROR_INTERNAL, "the WebP encoder refuses its settings");
    if (metadata->icc.size + metadata->exif.size + metadata->xmp.size == 0)
        return webp_encode(writer, &config, NULL, error);
    WebPMemoryWriter memory;
    libwebp.WebPMemoryWriterInit(&memory);
    bool done = webp_encode(writer, &config, &memory, error) &&
                webp_write_container(base->sink, &memory, metadata, error);
    libwebp.WebPMemoryWriterClear(&memory);
    return done;
}
