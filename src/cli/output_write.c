/* SPDX-License-Identifier: MIT */
/* Bands of rows made to suit the format, and encoded. */
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "color/icc.h"
#include "image/convert.h"

enum { BAND_ROWS = 32 };

struct output_writer {
    const struct cli_run *run;
    struct cli_output *output;
    struct image_shape given, shape; /* of the rows as they come, and as they are encoded */
    double background[3];
    struct icc_transform *to_rgb;    /* of grey with a profile, where grey cannot be written */
    struct image rgb;                /* some rows of grey that became RGB */
    struct sink sink;
    struct codec_writer *codec;      /* NULL: nothing is written, or only at the end */
    struct image whole;              /* what is then encoded, more than once */
    uint32_t rows;                   /* that came */
};

static void writer_free(struct cli_output *output)
{
    struct output_writer *writer = output->writer;
    if (writer == NULL)
        return;
    codec_discard(writer->codec);
    sink_free(&writer->sink);
    icc_transform_free(writer->to_rgb);
    image_free(&writer->rgb);
    image_free(&writer->whole);
    free(writer);
    output->writer = NULL;
}

/* Which shape the rows will have in the end. */
static void writer_plan(struct output_writer *writer, const struct image *image)
{
    const struct cli_run *run = writer->run;
    const struct codec *codec = codec_of(writer->output->format);
    bool flattens = (run->tool->groups & CLI_FLATTEN) != 0 &&
                    option_given(&run->set, &run->parsed, "background");
    writer->given = writer->shape = image->shape;
    if (!codec->writes_alpha || flattens)
        writer->shape.alpha = false;
    if (!codec->writes_depth16)
        writer->shape.depth = 8;
    if (!codec->writes_grey)
        writer->shape.color = IMAGE_RGB;
}

/* What this takes. A grey profile cannot stay where grey becomes RGB: METADATA, which will be
 * written, loses it, and its colours are taken to sRGB. */
static bool writer_prepare(struct output_writer *writer, struct image_metadata *metadata,
                           struct error *error)
{
    const struct image_shape *given = &writer->given, *shape = &writer->shape;
    enum icc_space space = given->color == IMAGE_GREY ? ICC_GREY : ICC_RGB;
    if (shape->alpha != given->alpha &&
        !icc_color_from_srgb(&metadata->icc, space, writer->run->options->background.srgb,
                             writer->background, error))
        return false;
    if (shape->color == given->color)
        return true;
    struct image_shape band = *shape;
    band.height = BAND_ROWS;
    if (!image_new(&writer->rgb, &band, error))
        return false;
    if (metadata->icc.size == 0)
        return true;
    if (!icc_transform_new(&writer->to_rgb, &metadata->icc, ICC_GREY, shape->depth, shape->alpha,
                           error))
        return false;
    metadata->icc = (struct blob){0};
    return true;
}

static struct codec_write_options writer_options(const struct output_writer *writer)
{
    const struct cli_common *options = writer->run->options;
    return (struct codec_write_options){
        .quality = (int)options->quality,
        .lossless = options->lossless,
        .effort = (int)options->effort,
        .threads = cli_threads(options),
        .origin = writer->output->origin,
    };
}

/* Where the bytes go. To a reader at the other end they go when all is well, because what has left
 * cannot be taken back; but a later stage of a pipe notices where PAM ends too early. */
static void writer_open_sink(struct output_writer *writer)
{
    const struct cli_output *output = writer->output;
    if (output->same == NULL && (output->file.dir_fd >= 0 || output->format == CODEC_PAM))
        sink_to_fd(&writer->sink, output->file.fd);
    else
        sink_to_memory(&writer->sink);
}

static bool writer_start(struct output_writer *writer, const struct image *image,
                         struct error *error)
{
    struct cli_output *output = writer->output;
    struct codec_write_options options = writer_options(writer);
    struct image head = {.metadata = image->metadata};
    writer_plan(writer, image);
    if (!writer_prepare(writer, &head.metadata, error))
        return false;
    if (output->max_bytes > 0)
        return image_new(&writer->whole, &writer->shape, error) &&
               image_metadata_copy(&writer->whole.metadata, &head.metadata, error);
    if (output->dry)
        return true;
    head.shape = writer->shape;
    writer_open_sink(writer);
    return codec_begin(output->format, &writer->sink, &head, &options, &writer->codec, error) ||
           cli_output_failed(output, error);
}

bool cli_output_begin(const struct cli_run *run, struct cli_output *output,
                      const struct image *image, struct error *error)
{
    output->writer = memory_zeroed(1, sizeof *output->writer, error);
    if (output->writer == NULL)
        return false;
    output->writer->run = run;
    output->writer->output = output;
    for (struct cli_output *other = output; other != NULL; other = other->same) {
        other->width = image->shape.width;
        other->height = image->shape.height;
    }
    if (writer_start(output->writer, image, error))
        return true;
    writer_free(output);
    return false;
}

/* Passes rows on that have their final shape. */
static bool writer_put(struct output_writer *writer, struct image *band, struct error *error)
{
    uint32_t count = band->shape.height;
    if (!writer->run->options->exact)
        image_clear_transparent(band);
    for (uint32_t y = 0; writer->whole.pixels != NULL && y < count; y++)
        memcpy(image_row(&writer->whole, writer->rows + y), image_row(band, y),
               image_row_bytes(&writer->shape));
    writer->rows += count;
    return writer->codec == NULL ||
           codec_write_rows(writer->codec, band->pixels, band->stride, count, error) ||
           cli_output_failed(writer->output, error);
}

/* The same for grey rows that must be RGB. */
static bool writer_put_rgb(struct output_writer *writer, const struct image *band,
                           struct error *error)
{
    struct image rgb = writer->rgb;
    for (uint32_t y = 0; y < band->shape.height; y += rgb.shape.height) {
        uint32_t left = band->shape.height - y;
        rgb.shape.height = left < BAND_ROWS ? left : BAND_ROWS;
        for (uint32_t i = 0; i < rgb.shape.height; i++) {
            const uint8_t *row = image_row(band, y + i);
            if (writer->to_rgb != NULL)
                icc_transform_pixels(writer->to_rgb, row, image_row(&rgb, i), rgb.shape.width);
            else
                image_convert_row(&band->shape, row, &rgb.shape, image_row(&rgb, i),
                                  rgb.shape.width);
        }
        if (!writer_put(writer, &rgb, error))
            return false;
    }
    return true;
}

bool cli_output_rows(struct cli_output *output, uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error)
{
    struct output_writer *writer = output->writer;
    struct image band = {.shape = writer->given, .stride = stride, .pixels = rows};
    band.shape.height = count;
    if (writer->shape.alpha != band.shape.alpha) {
        output->flattened = output->flattened || (!codec_of(output->format)->writes_alpha &&
                                                  image_is_transparent(&band));
        image_flatten(&band, writer->background);
    }
    if (writer->shape.depth != band.shape.depth)
        image_narrow(&band);
    return writer->shape.color != band.shape.color ? writer_put_rgb(writer, &band, error)
                                                   : writer_put(writer, &band, error);
}

/* Puts the encoded BYTES into OUTPUT and those that are the same. */
static bool output_put(struct cli_output *output, const struct sink *bytes, struct error *error)
{
    for (; output != NULL; output = output->same) {
        struct sink sink;
        output->bytes = bytes->used;
        if (output->dry)
            continue;
        sink_to_fd(&sink, output->file.fd);
        bool done = sink_write(&sink, bytes->data, bytes->used) && sink_flush(&sink);
        if (!done)
            error_set(error, sink.error.kind, "%s", sink.error.message);
        sink_free(&sink);
        if (!done)
            return cli_output_failed(output, error);
    }
    return true;
}

/* Encodes into memory; false also where it became larger than allowed (then without an error). */
static bool writer_try(const struct output_writer *writer,
                       const struct codec_write_options *options, struct sink *sink,
                       struct error *error)
{
    sink_to_memory(sink);
    bool done = codec_write(writer->output->format, sink, &writer->whole, options, error);
    if (done && sink->total_bytes <= writer->output->max_bytes)
        return true;
    sink_free(sink);
    return false;
}

/* The highest quality that fits by bisection: file sizes grow with quality. */
static bool writer_search(const struct output_writer *writer, struct sink *best,
                          struct error *error)
{
    struct codec_write_options options = writer_options(writer);
    enum codec_format format = writer->output->format;
    bool found = false,
         lossy = format == CODEC_JPEG || (format == CODEC_WEBP && !options.lossless);
    int usual = format == CODEC_JPEG ? CODEC_JPEG_QUALITY : CODEC_WEBP_QUALITY;
    int low = 1, high = lossy ? (options.quality > 0 ? options.quality : usual) : 1;
    if (!lossy && options.effort < 0)
        options.effort = 9;
    /* The best quality first: often it fits. */
    for (int quality = high; low <= high && error->kind == ERROR_NONE;
         quality = (low + high + 1) / 2) {
        struct sink sink;
        if (lossy)
            options.quality = quality;
        if (!writer_try(writer, &options, &sink, error)) {
            high = quality - 1;
            continue;
        }
        if (found)
            sink_free(best);
        *best = sink;
        found = true;
        low = quality + 1;
    }
    return found;
}

/* What is left to do when all rows came. */
static bool writer_end(struct output_writer *writer, struct error *error)
{
    struct cli_output *output = writer->output;
    if (output->max_bytes > 0) {
        if (writer_search(writer, &writer->sink, error))
            return output_put(output, &writer->sink, error);
        error_set(error, ERROR_LIMIT, "cannot be written in %llu bytes: --max-bytes",
                  (unsigned long long)output->max_bytes);
        return cli_output_failed(output, error);
    }
    if (writer->codec != NULL && !codec_end(writer->codec, error))
        return cli_output_failed(output, error);
    output->bytes = writer->sink.total_bytes;
    return writer->sink.fd >= 0 || output_put(output, &writer->sink, error);
}

bool cli_output_end(struct cli_output *output, struct error *error)
{
    bool done = writer_end(output->writer, error);
    writer_free(output);
    return done;
}

bool cli_output_encode(const struct cli_run *run, struct cli_output *output, struct image *image,
                       struct error *error)
{
    return cli_output_begin(run, output, image, error) &&
           cli_output_rows(output, image->pixels, image->stride, image->shape.height, error) &&
           cli_output_end(output, error);
}

bool cli_output_write(struct cli_run *run, struct cli_output *output, struct image *image,
                      struct error *error)
{
    if (!cli_output_encode(run, output, image, error) || !cli_output_commit(run, output, error))
        return false;
    run->output = cli_output_json(output);
    return true;
}

void cli_output_discard(struct cli_output *output)
{
    writer_free(output);
    outfile_discard(&output->file);
}
