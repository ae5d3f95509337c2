/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "base/library.h"
#include "codec/codec.h"
#include "codec/exif.h"

#define WEBP_CALLS(CALL) \
    CALL(WebPAnimDecoderDelete) CALL(WebPAnimDecoderGetNext) CALL(WebPAnimDecoderNewInternal) \
    CALL(WebPAnimDecoderOptionsInitInternal) CALL(WebPConfigInitInternal) \
    CALL(WebPConfigLosslessPreset) CALL(WebPDemuxDelete) CALL(WebPDemuxInternal) \
    CALL(WebPEncode) CALL(WebPFree) CALL(WebPGetDecoderVersion) CALL(WebPGetFeaturesInternal) \
    CALL(WebPIDecGetRGB) CALL(WebPIDecode) CALL(WebPIDelete) CALL(WebPIUpdate) \
    CALL(WebPInitDecoderConfigInternal) CALL(WebPMemoryWrite) CALL(WebPMemoryWriterClear) \
    CALL(WebPMemoryWriterInit) CALL(WebPMuxAssemble) CALL(WebPMuxDelete) CALL(WebPMuxSetChunk) \
    CALL(WebPMuxSetImage) CALL(WebPNewInternal) CALL(WebPPictureAlloc) CALL(WebPPictureFree) \
    CALL(WebPPictureImportRGB) CALL(WebPPictureImportRGBA) CALL(WebPPictureInitInternal) \
    CALL(WebPValidateConfig)

LIBRARY(libwebp, WEBP_CALLS, WEBP_SONAME, WEBPDEMUX_SONAME, WEBPMUX_SONAME)

enum {
    RIFF_HEADER_BYTES = 12,
    CHUNK_HEADER_BYTES = 8,
    FLAGS_OFFSET = 20, /* of the VP8X chunk, which is the first where it is present */
    PEEK_BYTES = 64 * 1024,
    PART_ROWS = 64, /* converted at a time, an even number */
    DEFAULT_EFFORT = 6 /* method 4, as cwebp without options */
};

struct span {
    const uint8_t *data; /* NULL: not there */
    size_t size;
};

/* Where the chunks of a file are. */
struct webp_layout {
    uint64_t end;       /* of the RIFF container, as its header says */
    unsigned flags;     /* of VP8X; 0 without it */
    unsigned frames;    /* ANMF chunks */
    size_t image_start; /* of the VP8 or VP8L chunk; 0: not found */
    size_t image_end;   /* behind that chunk, never behind the data */
    size_t whole_end;   /* behind the last chunk that is there whole */
    struct span icc, exif, xmp;
    bool damaged; /* a chunk reaches over the end of the container */
};

struct webp_reader {
    struct codec_reader base;
    const uint8_t *data; /* owned by the source; all of the file, or its start for header_only */
    size_t size;
    struct webp_layout layout;
    unsigned frame; /* 1 is the first */
    bool animated, lenient, threads;
    const uint8_t *canvas; /* the decoded image where it is not in the caller's rows */
    size_t canvas_stride;
    uint8_t *own_canvas;
    uint8_t *repaired; /* a copy of a truncated animation that ends with a whole frame */
    WebPAnimDecoder *animation;
};

static uint32_t webp_get_32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool webp_sniff(const uint8_t *head, size_t size)
{
    return size >= RIFF_HEADER_BYTES && memcmp(head, "RIFF", 4) == 0 &&
           memcmp(head + 8, "WEBP", 4) == 0;
}

static void webp_note_chunk(struct webp_layout *layout, const uint8_t *chunk, size_t start,
                            struct span payload)
{
    static const struct {
        const char name[5];
        unsigned flag;
        size_t offset;
    } kept[] = {
        {"ICCP", ICCP_FLAG, offsetof(struct webp_layout, icc)},
        {"EXIF", EXIF_FLAG, offsetof(struct webp_layout, exif)},
        {"XMP ", XMP_FLAG, offsetof(struct webp_layout, xmp)},
    };
    if (memcmp(chunk, "ANMF", 4) == 0)
        layout->frames++;
    bool image = memcmp(chunk, "VP8 ", 4) == 0 || memcmp(chunk, "VP8L", 4) == 0;
    if (image && layout->image_start == 0) {
        layout->image_start = start;
        layout->image_end = start + CHUNK_HEADER_BYTES + payload.size;
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct span *span = (struct span *)(void *)((char *)layout + kept[i].offset);
        if (memcmp(chunk, kept[i].name, 4) == 0 && (layout->flags & kept[i].flag) != 0 &&
            span->data == NULL)
            *span = payload;
    }
}

/* Finds the chunks without a word of memory: the demuxer of libwebp allocates for every chunk, and
 * a file can hold millions of empty ones. Chunks that are cut off count, but are not kept. */
static void webp_walk(struct webp_layout *layout, const uint8_t *data, size_t size)
{
    *layout = (struct webp_layout){.end = (uint64_t)webp_get_32(data + 4) + 8};
    if (size > FLAGS_OFFSET && memcmp(data + RIFF_HEADER_BYTES, "VP8X", 4) == 0)
        layout->flags = data[FLAGS_OFFSET];
    uint64_t limit = layout->end < size ? layout->end : size;
    uint64_t at = RIFF_HEADER_BYTES;
    while (at + CHUNK_HEADER_BYTES <= limit) {
        const uint8_t *chunk = data + at;
        uint64_t payload_size = webp_get_32(chunk + 4);
        uint64_t end = at + CHUNK_HEADER_BYTES + payload_size;
        if (end > layout->end) {
            layout->damaged = true;
            return;
        }
        bool whole = end <= size;
        struct span payload = {whole ? chunk + CHUNK_HEADER_BYTES : NULL,
                               (size_t)((whole ? end : size) - at - CHUNK_HEADER_BYTES)};
        webp_note_chunk(layout, chunk, (size_t)at, payload);
        at = end + (payload_size & 1);
        if (whole)
            layout->whole_end = (size_t)(at < limit ? at : limit);
    }
}

/* The first warning stays. */
static void webp_warn(struct webp_reader *webp, const char *format, ...) PRINTF_LIKE(2, 3);
static void webp_warn(struct webp_reader *webp, const char *format, ...)
{
    va_list args;
    if (webp->base.info.warning[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(webp->base.info.warning, sizeof webp->base.info.warning, format, args);
    va_end(args);
}

static bool webp_truncated(const struct webp_reader *webp)
{
    return webp->size < webp->layout.end;
}

/* Makes the image's shape known and judges it, from the bytes that HEAD shows. */
static bool webp_judge_header(struct webp_reader *webp, const uint8_t *head, size_t size,
                              const struct codec_read_options *options, struct error *error)
{
    static const char *const subtypes[] = {"VP8X", "VP8", "VP8L"}; /* 0 where it has none or many */
    WebPBitstreamFeatures features;
    VP8StatusCode status =
        libwebp.WebPGetFeaturesInternal(head, size, &features, WEBP_DECODER_ABI_VERSION);
    if (status == VP8_STATUS_NOT_ENOUGH_DATA && webp_truncated(webp))
        return error_set(error, ERROR_TRUNCATED, "truncated in the header");
    if (status != VP8_STATUS_OK)
        return error_set(error, ERROR_CORRUPT, "the WebP header is damaged");
    if (!codec_check_size(options, (uint64_t)features.width, (uint64_t)features.height, error))
        return false;
    struct codec_info *info = &webp->base.info;
    webp->animated = features.has_animation != 0;
    info->stored_width = (uint32_t)features.width;
    info->stored_height = (uint32_t)features.height;
    info->stored_depth = 8;
    info->orientation = 1;
    info->lossless = features.format == 2;
    info->subtype = subtypes[features.format];
    /* The canvas of an animation starts transparent, and frames need not cover it. */
    info->shape = (struct image_shape){.width = info->stored_width,
                                       .height = info->stored_height,
                                       .color = IMAGE_RGB,
                                       .alpha = features.has_alpha || webp->animated,
                                       .depth = 8};
    return true;
}

static bool webp_keep(struct webp_reader *webp, struct blob *blob, struct span span,
                      const char *name, struct error *error)
{
    if (span.data == NULL || span.size == 0)
        return true;
    if (span.size <= CODEC_ICC_MAX_BYTES)
        return blob_copy(blob, span.data, span.size, error);
    webp_warn(webp, "%s over 4 MiB ignored", name);
    return true;
}

static bool webp_read_metadata(struct webp_reader *webp, const struct codec_read_options *options,
                               struct error *error)
{
    struct codec_info *info = &webp->base.info;
    struct span exif = webp->layout.exif;
    /* Some writers put the prefix of the JPEG segment here, which WebP does not have. */
    if (exif.data != NULL && exif.size >= 6 && memcmp(exif.data, "Exif\0\0", 6) == 0)
        exif = (struct span){exif.data + 6, exif.size - 6};
    if (exif.data != NULL)
        info->orientation = exif_orientation(exif.data, exif.size);
    if (!webp_keep(webp, &info->metadata.icc, webp->layout.icc, "ICC profile", error))
        return false;
    return !options->keep_metadata ||
           (webp_keep(webp, &info->metadata.exif, exif, "EXIF", error) &&
            webp_keep(webp, &info->metadata.xmp, webp->layout.xmp, "XMP", error));
}

static bool webp_check_chunks(struct webp_reader *webp, const struct codec_read_options *options,
                              struct error *error)
{
    const struct webp_layout *layout = &webp->layout;
    webp->base.info.frames = webp->animated ? layout->frames : 1;
    if (options->header_only)
        return true;
    bool found = webp->animated ? layout->frames > 0 : layout->image_start > 0;
    if (!found && webp_truncated(webp))
        return error_set(error, ERROR_TRUNCATED, "truncated before the image data");
    if (!found || (layout->damaged && webp->animated))
        return error_set(error, ERROR_CORRUPT, "the chunks of the WebP file are damaged");
    if (webp->animated && webp_truncated(webp) &&
        (!options->lenient || options->frame > layout->frames)) {
        error_set(error, ERROR_TRUNCATED, "truncated in frame %u", layout->frames);
        return error_hint(error, "the upload may be incomplete");
    }
    if (layout->damaged)
        webp_warn(webp, "damaged chunk after the image ignored");
    else if (webp->size > layout->end)
        webp_warn(webp, "%llu bytes after the image ignored",
                  (unsigned long long)(webp->size - layout->end));
    return codec_check_frame(options, webp->base.info.frames, error);
}

/* The first bytes say the size. They also serve for header_only, unless something that the info
 * needs comes behind them: EXIF follows the image, and frames are only counted by passing them. */
static bool webp_load(struct webp_reader *webp, struct source *source,
                      const struct codec_read_options *options, struct error *error)
{
    size_t got = 0;
    const uint8_t *head = source_peek(source, PEEK_BYTES, &got, error);
    if (head == NULL)
        return false;
    if (!webp_sniff(head, got))
        return error_set(error, ERROR_CORRUPT, "not a WebP file");
    webp->data = head;
    webp->size = got;
    webp_walk(&webp->layout, head, got);
    if (!webp_judge_header(webp, head, got, options, error))
        return false;
    if (options->header_only && webp->layout.image_start > 0 &&
        (webp->layout.flags & (ANIMATION_FLAG | EXIF_FLAG | XMP_FLAG)) == 0)
        return true;
    if (!source_whole(source, &webp->data, &webp->size, error))
        return false;
    webp_walk(&webp->layout, webp->data, webp->size);
    /* Again, because a large profile can hide the image's own header from the first look. */
    return webp_judge_header(webp, webp->data, webp->size, options, error);
}

static void webp_close(struct codec_reader *reader)
{
    struct webp_reader *webp = (struct webp_reader *)(void *)reader;
    libwebp.WebPAnimDecoderDelete(webp->animation);
    free(webp->repaired);
    free(webp->own_canvas);
    free(webp);
}

static bool webp_open(struct source *source, const struct codec_read_options *options,
                      struct codec_reader **reader, struct error *error)
{
    struct webp_reader *webp = memory_zeroed(1, sizeof *webp, error);
    if (webp == NULL)
        return false;
    webp->lenient = options->lenient;
    webp->threads = options->threads > 1;
    webp->frame = options->frame > 0 ? options->frame : 1;
    if (!webp_load(webp, source, options, error) || !webp_check_chunks(webp, options, error) ||
        !webp_read_metadata(webp, options, error)) {
        image_metadata_free(&webp->base.info.metadata);
        webp_close(&webp->base);
        return false;
    }
    *reader = &webp->base;
    return true;
}

static bool webp_no_memory(struct error *error)
{
    error_set(error, ERROR_NO_MEMORY, "out of memory for decoding WebP");
    return error_hint(error, "a larger --memory may help");
}

/* libwebp 1.2 says that data is damaged where it finds no memory for the alpha channel of a lossy
 * image: up to a byte a pixel for the plane and four for its decoder. */
static bool webp_alpha_lacks_memory(const struct webp_reader *webp)
{
    const struct image_shape *shape = &webp->base.info.shape;
    if (!shape->alpha || webp->base.info.lossless)
        return false;
    void *volatile probe = memory_array((size_t)shape->width * 5, shape->height, NULL);
    bool none = probe == NULL;
    free(probe);
    return none;
}

/* What STATUS means after DONE rows. */
static bool webp_decode_failed(const struct webp_reader *webp, VP8StatusCode status, uint32_t done,
                               struct error *error)
{
    uint32_t height = webp->base.info.shape.height;
    if (status == VP8_STATUS_OUT_OF_MEMORY || (done == 0 && webp_alpha_lacks_memory(webp)))
        return webp_no_memory(error);
    if (status == VP8_STATUS_UNSUPPORTED_FEATURE)
        return error_set(error, ERROR_UNSUPPORTED, "uses a feature that the WebP decoder lacks");
    if (webp_truncated(webp)) {
        error_set(error, ERROR_TRUNCATED, "truncated at row %lu of %lu", (unsigned long)done,
                  (unsigned long)height);
        return error_hint(error, "the upload may be incomplete");
    }
    if (done == 0)
        return error_set(error, ERROR_CORRUPT, "the image data is damaged");
    return error_set(error, ERROR_CORRUPT, "damaged at row %lu of %lu", (unsigned long)done,
                     (unsigned long)height);
}

/* The incremental decoder, fed once with everything, because it alone tells how many rows are good
 * where the data is not. It sees nothing behind its chunk: what follows is not pixels. */
static VP8StatusCode webp_run_decoder(const struct webp_reader *webp, uint8_t *rows, size_t stride,
                                      bool threads, uint32_t *done)
{
    const struct image_shape *shape = &webp->base.info.shape;
    WebPDecoderConfig config;
    *done = 0;
    if (!libwebp.WebPInitDecoderConfigInternal(&config, WEBP_DECODER_ABI_VERSION))
        return VP8_STATUS_INVALID_PARAM;
    config.options.use_threads = threads;
    config.output.colorspace = shape->alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = rows;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = stride * (shape->height - 1) + image_row_bytes(shape);
    WebPIDecoder *decoder = libwebp.WebPIDecode(NULL, 0, &config);
    if (decoder == NULL)
        return VP8_STATUS_OUT_OF_MEMORY;
    VP8StatusCode status = libwebp.WebPIUpdate(decoder, webp->data, webp->layout.image_end);
    int last = 0;
    if (libwebp.WebPIDecGetRGB(decoder, &last, NULL, NULL, NULL) != NULL && last > 0)
        *done = (uint32_t)last;
    libwebp.WebPIDelete(decoder);
    return status;
}

/* Decodes the whole still image into ROWS. */
static bool webp_decode(struct webp_reader *webp, uint8_t *rows, size_t stride, struct error *error)
{
    const struct image_shape *shape = &webp->base.info.shape;
    uint32_t done = 0;
    if (stride > INT_MAX)
        return error_set(error, ERROR_INTERNAL, "rows too far apart for the WebP decoder");
    VP8StatusCode status = webp_run_decoder(webp, rows, stride, webp->threads, &done);
    /* A thread that cannot be had is reported like memory. */
    if (status == VP8_STATUS_OUT_OF_MEMORY && webp->threads)
        status = webp_run_decoder(webp, rows, stride, false, &done);
    if (status == VP8_STATUS_OK)
        return true;
    struct error failure = {0};
    webp_decode_failed(webp, status, done, &failure);
    bool data_is_bad = failure.kind == ERROR_TRUNCATED || failure.kind == ERROR_CORRUPT;
    if (!webp->lenient || !data_is_bad || done == 0) {
        error_set(error, failure.kind, "%s", failure.message);
        return error_hint(error, "%s", failure.hint);
    }
    webp_warn(webp, "%s", failure.message);
    for (uint32_t y = done; y < shape->height; y++)
        memset(rows + stride * y, 0, image_row_bytes(shape));
    return true;
}

static bool webp_decode_canvas(struct webp_reader *webp, struct error *error)
{
    const struct image_shape *shape = &webp->base.info.shape;
    webp->canvas_stride = image_row_bytes(shape);
    webp->own_canvas = memory_array(shape->height, webp->canvas_stride, error);
    if (webp->own_canvas == NULL ||
        !webp_decode(webp, webp->own_canvas, webp->canvas_stride, error))
        return false;
    webp->canvas = webp->own_canvas;
    return true;
}

/* The animation decoder takes whole files only: a cut one is ended behind its last whole chunk. */
static bool webp_repair(struct webp_reader *webp, WebPData *file, struct error *error)
{
    size_t size = webp->layout.whole_end;
    if (!webp_truncated(webp))
        return true;
    webp->repaired = memory_array(size, 1, error);
    if (webp->repaired == NULL)
        return false;
    memcpy(webp->repaired, webp->data, size);
    for (int i = 0; i < 4; i++)
        webp->repaired[4 + i] = (uint8_t)((size - 8) >> (8 * i));
    *file = (WebPData){webp->repaired, size};
    webp_warn(webp, "truncated in frame %u", webp->layout.frames);
    return true;
}

/* The decoder does not say why it cannot be had: what the demuxer takes only lacks memory. */
static bool webp_compose_failed(const WebPData *file, struct error *error)
{
    WebPDemuxer *demuxer = libwebp.WebPDemuxInternal(file, 0, NULL, WEBP_DEMUX_ABI_VERSION);
    bool valid = demuxer != NULL;
    libwebp.WebPDemuxDelete(demuxer);
    if (valid)
        return webp_no_memory(error);
    return error_set(error, ERROR_CORRUPT, "the chunks of the animation are damaged");
}

/* Frames build on those before them, so the decoder goes through all of them. */
static bool webp_compose(struct webp_reader *webp, struct error *error)
{
    WebPData file = {webp->data, webp->size};
    WebPAnimDecoderOptions options;
    if (!webp_repair(webp, &file, error))
        return false;
    if (!libwebp.WebPAnimDecoderOptionsInitInternal(&options, WEBP_DEMUX_ABI_VERSION))
        return error_set(error, ERROR_INTERNAL, "libwebp has another version than its headers");
    options.color_mode = MODE_RGBA;
    webp->animation = libwebp.WebPAnimDecoderNewInternal(&file, &options, WEBP_DEMUX_ABI_VERSION);
    if (webp->animation == NULL)
        return webp_compose_failed(&file, error);
    uint8_t *canvas = NULL;
    int time_ms = 0;
    for (unsigned frame = 1; frame <= webp->frame; frame++)
        if (!libwebp.WebPAnimDecoderGetNext(webp->animation, &canvas, &time_ms))
            return error_set(error, webp_truncated(webp) ? ERROR_TRUNCATED : ERROR_CORRUPT,
                             "frame %u is damaged", frame);
    webp->canvas = canvas;
    webp->canvas_stride = image_row_bytes(&webp->base.info.shape);
    return true;
}

static bool webp_read_rows(struct codec_reader *reader, uint8_t *rows, size_t stride,
                           uint32_t count, struct error *error)
{
    struct webp_reader *webp = (struct webp_reader *)(void *)reader;
    const struct image_shape *shape = &webp->base.info.shape;
    if (webp->canvas == NULL) {
        if (!webp->animated && count == shape->height)
            return webp_decode(webp, rows, stride, error);
        if (!(webp->animated ? webp_compose(webp, error) : webp_decode_canvas(webp, error)))
            return false;
    }
    for (uint32_t y = 0; y < count; y++)
        memcpy(rows + stride * y, webp->canvas + webp->canvas_stride * (reader->rows_read + y),
               image_row_bytes(shape));
    return true;
}

static bool webp_finish(struct codec_reader *reader, struct error *error)
{
    struct webp_reader *webp = (struct webp_reader *)(void *)reader;
    if (!webp_truncated(webp))
        return true;
    if (!webp->lenient)
        return error_set(error, ERROR_TRUNCATED, "truncated after the image, %llu more bytes "
                         "are expected", (unsigned long long)(webp->layout.end - webp->size));
    webp_warn(webp, "truncated after the image");
    return true;
}

/* ---- Writing ---- */

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

static void webp_discard(struct codec_writer *base)
{
    struct webp_writer *writer = (struct webp_writer *)(void *)base;
    libwebp.WebPPictureFree(&writer->picture);
    image_metadata_free(&writer->metadata);
    free(writer->pair);
    free(writer);
}

static bool webp_begin(struct sink *sink, const struct image *image,
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
static bool webp_write_rows(struct codec_writer *base, const uint8_t *rows, size_t stride,
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

static bool webp_end(struct codec_writer *base, struct error *error)
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

static void webp_version(char *out, size_t size)
{
    *out = '\0';
    if (!libwebp_load(NULL))
        return;
    int version = libwebp.WebPGetDecoderVersion();
    snprintf(out, size, "%d.%d.%d", version >> 16, version >> 8 & 255, version & 255);
}

const struct codec codec_webp = {
    .name = "webp",
    .extensions = "webp",
    .writes_alpha = true,
    .writes_depth16 = false,
    .writes_grey = false,
    .sniff = webp_sniff,
    .open = webp_open,
    .read_rows = webp_read_rows,
    .finish = webp_finish,
    .close = webp_close,
    .begin = webp_begin,
    .write_rows = webp_write_rows,
    .end = webp_end,
    .discard = webp_discard,
    .backend = "libwebp",
    .load = libwebp_load,
    .version = webp_version,
};
