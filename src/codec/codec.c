/* SPDX-License-Identifier: MIT */
#include "codec/codec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SNIFF_BYTES = 32 };

static const struct codec *const codecs[CODEC_FORMAT_COUNT] = {
    [CODEC_PNG] = &codec_png,
    [CODEC_JPEG] = &codec_jpeg,
    [CODEC_WEBP] = &codec_webp,
    [CODEC_PAM] = &codec_pam,
};

const struct codec *codec_of(enum codec_format format)
{
    return codecs[format];
}

/* True where WORD is one of the blank-separated words of LIST, in any case. */
static bool codec_word_in(const char *word, const char *list)
{
    size_t length = strlen(word);
    while (length > 0 && *list != '\0') {
        size_t candidate = strcspn(list, " ");
        if (candidate == length && strncasecmp(word, list, length) == 0)
            return true;
        list += candidate;
        list += strspn(list, " ");
    }
    return false;
}

enum codec_format codec_by_name(const char *name)
{
    for (enum codec_format format = CODEC_PNG; format < CODEC_FORMAT_COUNT; format++)
        if (strcmp(name, codecs[format]->name) == 0 ||
            codec_word_in(name, codecs[format]->extensions))
            return format;
    return CODEC_NONE;
}

enum codec_format codec_by_path(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name == NULL ? path : name, '.');
    return dot == NULL ? CODEC_NONE : codec_by_name(dot + 1);
}

/* What an input that no codec knows looks like, for the message. */
static const char *codec_guess(const uint8_t *head, size_t size)
{
    static const struct {
        const char *bytes;
        size_t offset, length;
        const char *name;
    } others[] = {
        {"GIF8", 0, 4, "a GIF image"},
        {"BM", 0, 2, "a BMP image"},
        {"II*\0", 0, 4, "a TIFF image"},
        {"MM\0*", 0, 4, "a TIFF image"},
        {"ftypavif", 4, 8, "an AVIF image"},
        {"ftypheic", 4, 8, "a HEIC image"},
        {"ftypmif1", 4, 8, "a HEIF image"},
        {"8BPS", 0, 4, "a Photoshop document"},
        {"%PDF", 0, 4, "a PDF document"},
        {"PK\3\4", 0, 4, "a ZIP archive"},
        {"\x1f\x8b", 0, 2, "gzip data"},
        {"<svg", 0, 4, "an SVG document"},
        {"<?xml", 0, 5, "an XML document"},
        {"<!DOCTYPE", 0, 9, "an HTML page"},
        {"<html", 0, 5, "an HTML page"},
        {"{", 0, 1, "JSON text"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].offset + others[i].length <= size &&
            memcmp(head + others[i].offset, others[i].bytes, others[i].length) == 0)
            return others[i].name;
    for (size_t i = 0; i < size; i++)
        if (!isprint(head[i]) && !isspace(head[i]))
            return "unknown data";
    return "text";
}

/* The usual reason for a file that ends too early. */
static bool codec_failed(struct error *error)
{
    if (error->kind == ERROR_TRUNCATED)
        error_hint(error, "the upload may be incomplete");
    return false;
}

bool codec_load(enum codec_format format, struct error *error)
{
    if (format != CODEC_NONE)
        return codecs[format]->load == NULL || codecs[format]->load(error);
    for (format = CODEC_PNG; format < CODEC_FORMAT_COUNT; format++)
        if (!codec_load(format, error))
            return false;
    return true;
}

bool codec_sniff(struct source *source, enum codec_format *format, struct error *error)
{
    size_t size = 0;
    const uint8_t *head = source_peek(source, SNIFF_BYTES, &size, error);
    if (head == NULL)
        return false;
    if (size == 0) {
        error_set(error, ERROR_TRUNCATED, "is empty, an image is expected");
        return codec_failed(error);
    }
    for (*format = CODEC_PNG; *format < CODEC_FORMAT_COUNT; ++*format)
        if (codecs[*format]->sniff(head, size))
            /* Raw images may be larger: their header states the size, which is judged in pixels. */
            return (*format == CODEC_PAM && !source->limit_fixed) ||
                   source_check_limit(source, error);
    return error_set(error, ERROR_UNSUPPORTED, "%s, not a PNG, JPEG, WebP or PAM image",
                     codec_guess(head, size));
}

bool codec_open(struct source *source, const struct codec_read_options *options,
                struct codec_reader **reader, struct error *error)
{
    enum codec_format format;
    *reader = NULL;
    if (!codec_sniff(source, &format, error))
        return false;
    if (!codec_load(format, error) || !codecs[format]->open(source, options, reader, error))
        return codec_failed(error);
    (*reader)->codec = codecs[format];
    (*reader)->info.format = format;
    return true;
}

struct codec_info *codec_reader_info(struct codec_reader *reader)
{
    return &reader->info;
}

bool codec_read_rows(struct codec_reader *reader, uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error)
{
    if (count > reader->info.shape.height - reader->rows_read)
        return error_set(error, ERROR_INTERNAL, "more rows asked for than there are");
    if (!reader->codec->read_rows(reader, rows, stride, count, error))
        return codec_failed(error);
    reader->rows_read += count;
    return true;
}

bool codec_finish(struct codec_reader *reader, struct error *error)
{
    return reader->codec->finish(reader, error) || codec_failed(error);
}

void codec_close(struct codec_reader *reader)
{
    if (reader == NULL)
        return;
    image_metadata_free(&reader->info.metadata);
    reader->codec->close(reader);
}

bool codec_read_image(struct codec_reader *reader, struct image *image, struct error *error)
{
    if (!image_new(image, &reader->info.shape, error))
        return false;
    if (!codec_read_rows(reader, image->pixels, image->stride, image->shape.height, error) ||
        !codec_finish(reader, error)) {
        image_free(image);
        return false;
    }
    image->metadata = reader->info.metadata;
    reader->info.metadata = (struct image_metadata){0};
    return true;
}

/* Why writing stopped: where the sink failed, whatever the codec made of it. */
static bool write_failed(const struct codec *codec, const struct sink *sink, struct error *error)
{
    if (sink->error.kind != ERROR_NONE) {
        error_clear(error);
        return error_set(error, sink->error.kind, "%s", sink->error.message);
    }
    return error_set(error, ERROR_INTERNAL, "the %s encoder failed", codec->name);
}

bool codec_begin(enum codec_format format, struct sink *sink, const struct image *image,
                 const struct codec_write_options *options, struct codec_writer **writer,
                 struct error *error)
{
    const struct codec *codec = codecs[format];
    *writer = NULL;
    bool done = codec_load(format, error) && codec->begin(sink, image, options, writer, error);
    if (*writer != NULL) {
        (*writer)->codec = codec;
        (*writer)->format = format;
        (*writer)->sink = sink;
        (*writer)->shape = image->shape;
    }
    if (done)
        return true;
    codec_discard(*writer);
    *writer = NULL;
    return write_failed(codec, sink, error);
}

bool codec_write_rows(struct codec_writer *writer, const uint8_t *rows, size_t stride,
                      uint32_t count, struct error *error)
{
    if (count > writer->shape.height - writer->rows_written)
        return error_set(error, ERROR_INTERNAL, "more rows written than there are");
    if (!writer->codec->write_rows(writer, rows, stride, count, error))
        return write_failed(writer->codec, writer->sink, error);
    writer->rows_written += count;
    return true;
}

bool codec_end(struct codec_writer *writer, struct error *error)
{
    if (writer->rows_written < writer->shape.height)
        return error_set(error, ERROR_INTERNAL, "fewer rows written than there are");
    return (writer->codec->end(writer, error) && sink_flush(writer->sink)) ||
           write_failed(writer->codec, writer->sink, error);
}

void codec_discard(struct codec_writer *writer)
{
    if (writer != NULL)
        writer->codec->discard(writer);
}

bool codec_write(enum codec_format format, struct sink *sink, const struct image *image,
                 const struct codec_write_options *options, struct error *error)
{
    struct codec_writer *writer;
    bool done = codec_begin(format, sink, image, options, &writer, error) &&
                codec_write_rows(writer, image->pixels, image->stride, image->shape.height,
                                 error) &&
                codec_end(writer, error);
    codec_discard(writer);
    return done;
}

bool codec_check_size(const struct codec_read_options *options, uint64_t width, uint64_t height,
                      struct error *error)
{
    if (width == 0 || height == 0)
        return error_set(error, ERROR_CORRUPT, "%llu x %llu pixels, at least 1 x 1 is expected",
                         (unsigned long long)width, (unsigned long long)height);
    uint64_t longer = width > height ? width : height;
    if (longer > options->max_dimension)
        return error_set(error, ERROR_LIMIT, "%llu pixels a side, over the %lu limit: --max-dimension",
                         (unsigned long long)longer, (unsigned long)options->max_dimension);
    /* Both are at most 2^32 - 1 now, so the product fits. */
    if (width * height > options->max_pixels)
        /* In pixels where megapixels would hide the difference. */
        return options->max_pixels >= 1000000 && width * height > options->max_pixels / 20 * 21
                   ? error_set(error, ERROR_LIMIT, "%.1f MP, over the %.1f MP limit: --max-pixels",
                               (double)(width * height) / 1e6, (double)options->max_pixels / 1e6)
                   : error_set(error, ERROR_LIMIT, "%llu pixels, over the %llu limit: --max-pixels",
                               (unsigned long long)(width * height),
                               (unsigned long long)options->max_pixels);
    return true;
}

bool codec_check_frame(const struct codec_read_options *options, unsigned frames,
                       struct error *error)
{
    if (frames > 1 && options->frame == 0) {
        error_set(error, ERROR_UNSUPPORTED, "has %u frames, a still image is expected", frames);
        return error_hint(error, "--frame N takes one of them");
    }
    if (options->frame > frames)
        return error_set(error, ERROR_UNSUPPORTED, "has %u frame%s, --frame %u is not among them",
                         frames, frames == 1 ? "" : "s", options->frame);
    return true;
}
