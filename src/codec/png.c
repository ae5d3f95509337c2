/* SPDX-License-Identifier: MIT */
/* PNG by libpng, except for the bulk: plain image data is inflated and filtered by pngidat.c and
 * pngpack.c, which are several times faster. libpng still reads and judges the header, and decodes
 * what is interlaced, has a palette, less than 8 bits or a transparent colour, and all that is
 * read leniently. */
#include <ctype.h>
#include <endian.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/deflate.h"
#include "codec/exif.h"
#include "codec/pngidat.h"
#include "codec/pngpack.h"

struct png_reader {
    struct codec_reader base;
    struct source *source;
    png_structp png;
    png_infop info;
    struct error problem; /* of the call that is under way, before it becomes an error or warning */
    bool lenient, keep_metadata;
    bool gave_up; /* lenient: the data ended or broke, the rows left are 0 */
    bool bad_checksum;
    bool first_frame_is_default; /* animated: the ordinary image is frame 1 */
    uint8_t chunk_header[8];     /* the last that libpng read */
    struct pngidat *idat;        /* the fast way; NULL: libpng decodes */
    uint8_t *whole;              /* interlaced: the decoded image */
    const char *place;           /* where a truncation would be; NULL: at a row */
    bool at_last_row;            /* libpng reads the last row, and then the rest of the stream */
    size_t last_row_bytes;       /* read since then */
    uint32_t rows_done;
    uint8_t *rows; /* what the step under way works on */
    size_t stride;
    uint32_t count;
};

/* libpng's messages begin with a chunk's name or a capital letter; ours with neither capital. */
static void png_message(char *out, size_t size, const char *message)
{
    size_t start = strlen(message) > 5 && message[4] == ':' ? 5 : 0, i = 0;
    for (; message[i] != '\0' && i + 1 < size; i++) {
        unsigned char c = (unsigned char)message[i];
        out[i] = (char)(i < start || !isascii(c) ? c : (unsigned char)tolower(c));
    }
    out[i] = '\0';
}

/* Whether libpng says that it has no memory. */
static bool png_lacks_memory(const char *text)
{
    return strstr(text, "out of memory") != NULL || strstr(text, "insufficient memory") != NULL;
}

static void reader_fail(png_structp png, const char *message)
{
    struct png_reader *reader = png_get_error_ptr(png);
    char text[160];
    png_message(text, sizeof text, message);
    error_set(&reader->problem, png_lacks_memory(text) ? ERROR_NO_MEMORY : ERROR_CORRUPT, "%s",
              text);
    png_longjmp(png, 1);
}

static void reader_warn_once(struct png_reader *reader, const char *text)
{
    char *warning = reader->base.info.warning;
    if (warning[0] == '\0')
        snprintf(warning, sizeof reader->base.info.warning, "%s", text);
}

static void reader_warning(png_structp png, const char *message)
{
    struct png_reader *reader = png_get_error_ptr(png);
    char text[160];
    /* Some old sRGB profiles; every second Photoshop file has one, and it works. */
    if (strstr(message, "known incorrect sRGB profile") != NULL)
        return;
    if (strstr(message, "incorrect data check") != NULL)
        reader->bad_checksum = true;
    png_message(text, sizeof text, message);
    reader_warn_once(reader, text);
}

/* After the last row libpng inflates what may still come, however much it is: a bomb. More input
 * than a row can need is refused. */
static void reader_limit_surplus(struct png_reader *reader, size_t size)
{
    enum { SLACK_BYTES = 16 << 10 };
    reader->last_row_bytes += size;
    if (reader->last_row_bytes > 2 * image_row_bytes(&reader->base.info.shape) + SLACK_BYTES)
        png_error(reader->png, "IDAT: too much image data");
}

static void reader_read(png_structp png, png_bytep data, size_t size)
{
    struct png_reader *reader = png_get_io_ptr(png);
    size_t got = 0;
    if (reader->at_last_row)
        reader_limit_surplus(reader, size);
    if (!source_read(reader->source, data, size, &got, &reader->problem))
        png_error(png, "read error");
    if (got < size) {
        if (reader->place != NULL)
            error_set(&reader->problem, ERROR_TRUNCATED, "truncated %s", reader->place);
        else
            error_set(&reader->problem, ERROR_TRUNCATED, "truncated at row %lu of %lu",
                      (unsigned long)reader->rows_done,
                      (unsigned long)reader->base.info.stored_height);
        png_error(png, "truncated");
    }
    if (size == sizeof reader->chunk_header)
        memcpy(reader->chunk_header, data, size);
}

/* Runs STEP, which may call libpng: false where that failed. The only place that libpng jumps to,
 * so that no local variable of anybody else is at risk. */
static bool reader_run(struct png_reader *reader, void (*step)(struct png_reader *reader))
{
    if (setjmp(png_jmpbuf(reader->png)) != 0)
        return false;
    step(reader);
    return true;
}

/* The XMP packet of an iTXt chunk, where it is one and not compressed. */
static void reader_take_xmp(struct png_reader *reader, const uint8_t *data, size_t size)
{
    static const char keyword[] = "XML:com.adobe.xmp";
    struct blob *xmp = &reader->base.info.metadata.xmp;
    size_t at = sizeof keyword + 2;
    if (!reader->keep_metadata || xmp->size > 0 || size < at ||
        memcmp(data, keyword, sizeof keyword) != 0 || data[sizeof keyword] != 0)
        return;
    /* Language and translated keyword, both usually empty. */
    for (int i = 0; i < 2; i++) {
        const uint8_t *end = memchr(data + at, 0, size - at);
        if (end == NULL)
            return;
        at = (size_t)(end - data) + 1;
    }
    if (size > at)
        blob_copy(xmp, data + at, size - at, &reader->problem);
}

/* Gets every chunk that libpng does not know or shall not keep. 1: done with it. */
static int reader_chunk(png_structp png, png_unknown_chunkp chunk)
{
    struct png_reader *reader = png_get_user_chunk_ptr(png);
    const uint8_t *data = chunk->data;
    const char *name = (const char *)chunk->name;
    if (isupper(chunk->name[0])) {
        error_set(&reader->problem, ERROR_CORRUPT, "%.4s: unknown critical chunk", name);
        return -1;
    }
    bool early = (chunk->location & PNG_AFTER_IDAT) == 0;
    if (strcmp(name, "acTL") == 0 && early && chunk->size >= 8) {
        reader->base.info.frames = (unsigned)png_get_uint_32(data);
        if (reader->base.info.frames == 0)
            reader->base.info.frames = 1;
    } else if (strcmp(name, "fcTL") == 0 && early) {
        reader->first_frame_is_default = true;
    } else if (strcmp(name, "iTXt") == 0) {
        reader_take_xmp(reader, data, chunk->size);
    }
    return 1;
}

static void step_header(struct png_reader *reader)
{
    /* Known to libpng, of no use to us: not parsed, not inflated. */
    static const char ignored[] =
        "bKGD\0hIST\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0tEXt\0tIME\0zTXt\0iTXt";
    png_structp png = reader->png;
    int crc = reader->lenient ? PNG_CRC_WARN_USE : PNG_CRC_ERROR_QUIT;
    png_set_read_fn(png, reader, reader_read);
    /* The size is judged by codec_check_size(), in better words. */
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, CODEC_PNG_MAX_CHUNK_BYTES);
    png_set_chunk_cache_max(png, CODEC_PNG_MAX_CHUNKS);
    png_set_crc_action(png, crc, crc);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep)ignored,
                                (int)(sizeof ignored / 5));
    png_set_read_user_chunk_fn(png, reader, reader_chunk);
    png_read_info(png, reader->info);
}

/* Judges the size before libpng sees anything. */
static bool reader_check_size(const struct codec_read_options *options, struct source *source,
                              struct error *error)
{
    enum { HEAD_BYTES = 24 };
    size_t got = 0;
    const uint8_t *head = source_peek(source, HEAD_BYTES, &got, error);
    if (head == NULL)
        return false;
    if (got < HEAD_BYTES)
        return error_set(error, ERROR_TRUNCATED, "truncated in the header");
    if (memcmp(head + 12, "CgBI", 4) == 0)
        return error_set(error, ERROR_UNSUPPORTED,
                         "Apple's variant of PNG for apps, not a standard PNG");
    if (memcmp(head + 12, "IHDR", 4) != 0)
        return error_set(error, ERROR_CORRUPT, "missing IHDR");
    return codec_check_size(options, png_get_uint_32(head + 16), png_get_uint_32(head + 20), error);
}

static void reader_fill_profile(struct png_reader *reader)
{
    struct codec_info *info = &reader->base.info;
    png_charp name = NULL;
    png_bytep profile = NULL;
    png_uint_32 size = 0;
    int method = 0;
    if (png_get_iCCP(reader->png, reader->info, &name, &method, &profile, &size) == 0)
        return;
    if (size > CODEC_ICC_MAX_BYTES)
        reader_warn_once(reader, "ICC profile ignored, it is over 4 MiB");
    else
        blob_copy(&info->metadata.icc, profile, size, &reader->problem);
}

static void reader_take_exif(struct png_reader *reader, const uint8_t *data, size_t size)
{
    struct codec_info *info = &reader->base.info;
    if (info->orientation == 1)
        info->orientation = exif_orientation(data, size);
    if (reader->keep_metadata && info->metadata.exif.size == 0 && size > 0)
        blob_copy(&info->metadata.exif, data, size, &reader->problem);
}

static void reader_fill_exif(struct png_reader *reader)
{
    png_bytep exif = NULL;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(reader->png, reader->info, &size, &exif) != 0)
        reader_take_exif(reader, exif, size);
}

static void reader_fill_colorimetry(struct png_reader *reader)
{
    struct codec_info *info = &reader->base.info;
    double *xy = info->chromaticities;
    if (png_get_valid(reader->png, reader->info, PNG_INFO_sRGB | PNG_INFO_iCCP) != 0)
        return;
    png_get_gAMA(reader->png, reader->info, &info->gamma);
    png_get_cHRM(reader->png, reader->info, &xy[0], &xy[1], &xy[2], &xy[3], &xy[4], &xy[5], &xy[6],
                 &xy[7]);
}

static void step_fill_info(struct png_reader *reader)
{
    struct codec_info *info = &reader->base.info;
    png_structp png = reader->png;
    int type = png_get_color_type(png, reader->info);
    int depth = png_get_bit_depth(png, reader->info);
    bool transparent = png_get_valid(png, reader->info, PNG_INFO_tRNS) != 0;
    info->stored_width = png_get_image_width(png, reader->info);
    info->stored_height = png_get_image_height(png, reader->info);
    info->shape = (struct image_shape){
        .width = info->stored_width,
        .height = info->stored_height,
        .color = (type & PNG_COLOR_MASK_COLOR) != 0 ? IMAGE_RGB : IMAGE_GREY,
        .alpha = (type & PNG_COLOR_MASK_ALPHA) != 0 || transparent,
        .depth = depth == 16 ? 16 : 8,
    };
    info->stored_depth = (unsigned)depth;
    info->palette = type == PNG_COLOR_TYPE_PALETTE;
    info->progressive = png_get_interlace_type(png, reader->info) != PNG_INTERLACE_NONE;
    info->lossless = true;
    reader_fill_profile(reader);
    reader_fill_exif(reader);
    reader_fill_colorimetry(reader);
}

/* Several frames: only the ordinary image can be had, where it is the first of them. */
static bool reader_check_frame(const struct png_reader *reader,
                               const struct codec_read_options *options, struct error *error)
{
    unsigned frames = reader->base.info.frames;
    if (!codec_check_frame(options, frames, error))
        return false;
    if (frames > 1 && options->frame > 1)
        return error_set(error, ERROR_UNSUPPORTED,
                         "frame %u of an animated PNG, only the first is supported",
                         options->frame);
    if (frames > 1 && !reader->first_frame_is_default)
        return error_set(error, ERROR_UNSUPPORTED,
                         "an animated PNG whose first frame is not its still image");
    return true;
}

/* Whether the rows can be had without libpng. */
static bool reader_is_plain(const struct png_reader *reader)
{
    const struct codec_info *info = &reader->base.info;
    uint64_t bytes = ((uint64_t)image_row_bytes(&info->shape) + 1) * info->stored_height;
    return !reader->lenient && !info->progressive && !info->palette && info->stored_depth >= 8 &&
           png_get_valid(reader->png, reader->info, PNG_INFO_tRNS) == 0 &&
           bytes < DEFLATE_DECODER_MAX_BYTES && memcmp(reader->chunk_header + 4, "IDAT", 4) == 0;
}

static void step_start(struct png_reader *reader)
{
    png_structp png = reader->png;
    /* Palette to RGB, grey to 8 bits, tRNS to alpha. */
    png_set_expand(png);
#if __BYTE_ORDER == __LITTLE_ENDIAN
    png_set_swap(png);
#endif
    png_set_interlace_handling(png);
    png_read_update_info(png, reader->info);
    if (png_get_rowbytes(png, reader->info) != image_row_bytes(&reader->base.info.shape))
        png_error(png, "rows of an unexpected size");
}

static bool reader_prepare(struct png_reader *reader, unsigned threads, struct error *error)
{
    if (!reader_is_plain(reader))
        return reader_run(reader, step_start);
    reader->idat = pngidat_new(reader->source, png_get_uint_32(reader->chunk_header),
                               &reader->base.info.shape, threads, error);
    return reader->idat != NULL;
}

static void codec_png_close(struct codec_reader *base)
{
    struct png_reader *reader = (struct png_reader *)base;
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    pngidat_free(reader->idat);
    free(reader->whole);
    free(reader);
}

/* Gives the problem of a step to the caller. */
static bool reader_report(struct png_reader *reader, struct error *error)
{
    return error_set(error, reader->problem.kind, "%s", reader->problem.message);
}

static bool reader_open(struct png_reader *reader, const struct codec_read_options *options,
                        struct error *error)
{
    reader->base.info.orientation = 1;
    reader->base.info.frames = 1;
    reader->place = "in the header";
    reader->png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, reader_fail, reader_warning);
    if (reader->png != NULL)
        reader->info = png_create_info_struct(reader->png);
    if (reader->info == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory for libpng");
    if (!reader_run(reader, step_header) || !reader_run(reader, step_fill_info) ||
        reader->problem.kind != ERROR_NONE)
        return reader_report(reader, error);
    if (options->header_only)
        return true;
    if (!reader_check_frame(reader, options, error))
        return false;
    reader->place = NULL;
    return reader_prepare(reader, options->threads, error) || reader_report(reader, error);
}

static bool codec_png_open(struct source *source, const struct codec_read_options *options,
                           struct codec_reader **result, struct error *error)
{
    *result = NULL;
    if (!reader_check_size(options, source, error))
        return false;
    struct png_reader *reader = memory_zeroed(1, sizeof *reader, error);
    if (reader == NULL)
        return false;
    reader->source = source;
    reader->lenient = options->lenient;
    reader->keep_metadata = options->keep_metadata;
    if (!reader_open(reader, options, error)) {
        image_metadata_free(&reader->base.info.metadata);
        codec_png_close(&reader->base);
        return false;
    }
    *result = &reader->base;
    return true;
}

/* Rows of the fast way into the caller's memory. */
static bool reader_plain_rows(struct png_reader *reader)
{
    size_t row_bytes = image_row_bytes(&reader->base.info.shape);
    for (uint32_t y = 0; y < reader->count; y++) {
        const uint8_t *from = pngidat_row(reader->idat, &reader->problem);
        if (from == NULL)
            return false;
        uint8_t *to = reader->rows + reader->stride * y;
        if (reader->base.info.shape.depth == 8) {
            memcpy(to, from, row_bytes);
        } else {
            uint16_t *wide = (uint16_t *)(void *)to;
            for (size_t i = 0; i < row_bytes / 2; i++)
                wide[i] = (uint16_t)(from[2 * i] << 8 | from[2 * i + 1]);
        }
        reader->rows_done++;
    }
    return true;
}

static void step_rows(struct png_reader *reader)
{
    for (uint32_t y = 0; y < reader->count; y++) {
        reader->at_last_row = reader->rows_done + 1 == reader->base.info.stored_height;
        png_read_row(reader->png, reader->rows + reader->stride * y, NULL);
        reader->rows_done++;
    }
}

static void step_whole(struct png_reader *reader)
{
    static const char *const places[] = {"in pass 1 of 7", "in pass 2 of 7", "in pass 3 of 7",
                                         "in pass 4 of 7", "in pass 5 of 7", "in pass 6 of 7",
                                         "in pass 7 of 7"};
    size_t row_bytes = image_row_bytes(&reader->base.info.shape);
    uint32_t height = reader->base.info.stored_height;
    /* The last pass has the odd rows. An image of one row is all last row. */
    uint32_t last = height / 2 * 2 - 1;
    reader->at_last_row = height == 1;
    for (int pass = 0; pass < 7; pass++) {
        reader->place = places[pass];
        for (uint32_t y = 0; y < height; y++) {
            reader->at_last_row = reader->at_last_row || (pass == 6 && y == last);
            png_read_row(reader->png, reader->whole + row_bytes * y, NULL);
        }
    }
    reader->place = NULL;
}

/* A failed step: an error, or when lenient a warning. */
static bool reader_give_up(struct png_reader *reader, struct error *error)
{
    enum error_kind kind = reader->problem.kind;
    bool bad_data = kind == ERROR_CORRUPT || kind == ERROR_TRUNCATED;
    if (!reader->lenient || !bad_data)
        return reader_report(reader, error);
    /* What went wrong in earnest says more than an oddity before it. */
    snprintf(reader->base.info.warning, sizeof reader->base.info.warning, "%.180s",
             reader->problem.message);
    reader->gave_up = true;
    return true;
}

static bool reader_interlaced_rows(struct png_reader *reader, struct error *error)
{
    const struct image_shape *shape = &reader->base.info.shape;
    size_t row_bytes = image_row_bytes(shape);
    if (reader->whole == NULL) {
        reader->whole = memory_zeroed(shape->height, row_bytes, error);
        if (reader->whole == NULL)
            return false;
        if (!reader_run(reader, step_whole) && !reader_give_up(reader, error))
            return false;
    }
    for (uint32_t y = 0; y < reader->count; y++)
        memcpy(reader->rows + reader->stride * y,
               reader->whole + row_bytes * (reader->rows_done + y), row_bytes);
    reader->rows_done += reader->count;
    return true;
}

static bool codec_png_read_rows(struct codec_reader *base, uint8_t *rows, size_t stride,
                                uint32_t count, struct error *error)
{
    struct png_reader *reader = (struct png_reader *)base;
    reader->rows = rows;
    reader->stride = stride;
    reader->count = count;
    error_clear(&reader->problem);
    if (base->info.progressive)
        return reader_interlaced_rows(reader, error);
    if (reader->idat != NULL) {
        if (reader_plain_rows(reader))
            return true;
        if (reader->problem.kind == ERROR_TRUNCATED)
            return error_set(error, ERROR_TRUNCATED, "truncated at row %lu of %lu",
                             (unsigned long)reader->rows_done,
                             (unsigned long)base->info.stored_height);
        return reader_report(reader, error);
    }
    uint32_t before = reader->rows_done;
    if (!reader->gave_up) {
        if (reader_run(reader, step_rows))
            return true;
        if (!reader_give_up(reader, error))
            return false;
    }
    for (uint32_t y = reader->rows_done - before; y < count; y++)
        memset(rows + stride * y, 0, image_row_bytes(&base->info.shape));
    reader->rows_done = before + count;
    return true;
}

static void step_end(struct png_reader *reader)
{
    reader->at_last_row = false;
    png_read_end(reader->png, reader->info);
    if (reader->bad_checksum && !reader->lenient)
        png_error(reader->png, "IDAT: incorrect data check");
}

static bool reader_plain_finish(struct png_reader *reader)
{
    bool surplus = false;
    bool done = pngidat_finish(reader->idat, &surplus, &reader->problem);
    if (surplus)
        reader_warn_once(reader, "IDAT: more data than the image needs");
    return done && reader->problem.kind == ERROR_NONE;
}

static bool codec_png_finish(struct codec_reader *base, struct error *error)
{
    struct png_reader *reader = (struct png_reader *)base;
    if (reader->gave_up)
        return true;
    error_clear(&reader->problem);
    reader->place = "behind the last row, the end of the file is missing";
    if (reader->idat != NULL ? reader_plain_finish(reader) : reader_run(reader, step_end))
        return true;
    if (reader->idat != NULL && reader->problem.kind == ERROR_TRUNCATED)
        return error_set(error, ERROR_TRUNCATED, "truncated %s", reader->place);
    return reader_give_up(reader, error);
}

/* Writing */

/* While libpng writes what goes before the pixels. */
struct png_header {
    struct sink *sink;
    const struct image *image;
    png_structp png;
    png_infop info;
    struct error *error;
};

static void header_fail(png_structp png, const char *message)
{
    struct png_header *header = png_get_error_ptr(png);
    char text[160];
    png_message(text, sizeof text, message);
    error_set(header->error, png_lacks_memory(text) ? ERROR_NO_MEMORY : ERROR_INTERNAL,
              "libpng: %s", text);
    png_longjmp(png, 1);
}

static void header_warning(png_structp png, const char *message)
{
    (void)png;
    (void)message;
}

static void header_write(png_structp png, png_bytep data, size_t size)
{
    struct png_header *header = png_get_io_ptr(png);
    if (!sink_write(header->sink, data, size))
        png_error(png, "write error");
}

static void header_flush(png_structp png)
{
    (void)png;
}

/* The signature, IHDR and what goes before the pixels. */
static void step_write_header(struct png_header *header)
{
    const struct image_shape *shape = &header->image->shape;
    const struct image_metadata *metadata = &header->image->metadata;
    int type = (shape->color == IMAGE_RGB ? PNG_COLOR_MASK_COLOR : 0) |
               (shape->alpha ? PNG_COLOR_MASK_ALPHA : 0);
    png_structp png = header->png;
    png_set_write_fn(png, header, header_write, header_flush);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    /* A profile that does not fit the image is left out rather than an error. */
    png_set_benign_errors(png, 1);
    png_set_IHDR(png, header->info, shape->width, shape->height, shape->depth, type,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (metadata->icc.size > 0)
        png_set_iCCP(png, header->info, "ICC profile", PNG_COMPRESSION_TYPE_BASE,
                     metadata->icc.data, (png_uint_32)metadata->icc.size);
    if (metadata->exif.size > 0)
        png_set_eXIf_1(png, header->info, (png_uint_32)metadata->exif.size, metadata->exif.data);
    png_write_info(png, header->info);
}

static bool header_run(struct png_header *header)
{
    if (setjmp(png_jmpbuf(header->png)) != 0)
        return false;
    step_write_header(header);
    return true;
}

static bool writer_header(struct sink *sink, const struct image *image, struct error *error)
{
    struct png_header header = {.sink = sink, .image = image, .error = error};
    bool done = false;
    header.png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &header, header_fail, header_warning);
    if (header.png != NULL)
        header.info = png_create_info_struct(header.png);
    if (header.info == NULL)
        error_set(error, ERROR_NO_MEMORY, "out of memory for libpng");
    else
        done = header_run(&header);
    png_destroy_write_struct(&header.png, &header.info);
    return done;
}

/* One chunk of two parts. Not by libpng, whose CRC takes longer than the compression. */
static bool writer_chunk(struct sink *sink, const char *type, const struct blob *first,
                         const uint8_t *data, size_t size)
{
    uint8_t head[8], tail[4];
    uint32_t crc = deflate_crc32(0, (const uint8_t *)type, 4);
    if (first != NULL)
        crc = deflate_crc32(crc, first->data, first->size);
    if (size > 0)
        crc = deflate_crc32(crc, data, size);
    png_save_uint_32(head, (png_uint_32)(size + (first != NULL ? first->size : 0)));
    memcpy(head + 4, type, 4);
    png_save_uint_32(tail, crc);
    return sink_write(sink, head, sizeof head) &&
           (first == NULL || sink_write(sink, first->data, first->size)) &&
           sink_write(sink, data, size) && sink_write(sink, tail, sizeof tail);
}

static bool writer_xmp(struct sink *sink, const struct blob *xmp)
{
    /* Keyword, not compressed, no language, no translation. */
    static uint8_t start[] = "XML:com.adobe.xmp\0\0\0\0";
    const struct blob first = {start, sizeof start};
    return xmp->size == 0 || writer_chunk(sink, "iTXt", &first, xmp->data, xmp->size);
}

struct png_writer {
    struct codec_writer base;
    struct pngpack *pack;
};

static void codec_png_discard(struct codec_writer *base)
{
    struct png_writer *writer = (struct png_writer *)base;
    pngpack_free(writer->pack);
    free(writer);
}

static bool codec_png_begin(struct sink *sink, const struct image *image,
                            const struct codec_write_options *options,
                            struct codec_writer **result, struct error *error)
{
    struct png_writer *writer = memory_zeroed(1, sizeof *writer, error);
    if (writer == NULL)
        return false;
    *result = &writer->base;
    writer->pack = pngpack_new(&image->shape, options->effort, options->threads, error);
    return writer->pack != NULL && writer_header(sink, image, error) &&
           writer_xmp(sink, &image->metadata.xmp);
}

static bool codec_png_write_rows(struct codec_writer *base, const uint8_t *rows, size_t stride,
                                 uint32_t count, struct error *error)
{
    struct png_writer *writer = (struct png_writer *)base;
    const uint8_t *data = NULL;
    size_t size = 0;
    pngpack_give(writer->pack, rows, stride, count);
    do {
        if (!pngpack_next(writer->pack, &data, &size, error))
            return false;
        if (size > 0 && !writer_chunk(base->sink, "IDAT", NULL, data, size))
            return false;
    } while (size > 0);
    return true;
}

static bool codec_png_end(struct codec_writer *base, struct error *error)
{
    (void)error;
    return writer_chunk(base->sink, "IEND", NULL, NULL, 0);
}

static bool codec_png_sniff(const uint8_t *head, size_t size)
{
    return size >= 8 && png_sig_cmp(head, 0, 8) == 0;
}

static void codec_png_version(char *out, size_t size)
{
    snprintf(out, size, "%s", png_get_libpng_ver(NULL));
}

const struct codec codec_png = {
    .name = "png",
    .extensions = "png",
    .writes_alpha = true,
    .writes_depth16 = true,
    .writes_grey = true,
    .sniff = codec_png_sniff,
    .open = codec_png_open,
    .read_rows = codec_png_read_rows,
    .finish = codec_png_finish,
    .close = codec_png_close,
    .begin = codec_png_begin,
    .write_rows = codec_png_write_rows,
    .end = codec_png_end,
    .discard = codec_png_discard,
    .backend = "libpng",
    .version = codec_png_version,
};
