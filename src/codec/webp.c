/* SPDX-License-Identifier: MIT */
#include "codec/webp_library.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/exif.h"

LIBRARY_DEFINE(libwebp, WEBP_CALLS, WEBP_SONAME, WEBPDEMUX_SONAME, WEBPMUX_SONAME)

enum {
    RIFF_HEADER_BYTES = 12,
    CHUNK_HEADER_BYTES = 8,
    FLAGS_OFFSET = 20, /* of the VP8X chunk, which is the first where it is present */
    PEEK_BYTES = 64 * 1024,
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
