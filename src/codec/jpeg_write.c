/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_library.h"

#include "codec/jpeg_segments.h"

enum {
    OUTPUT_BYTES = 64 * 1024,
    /* From here on colour is stored at full size. */
    FULL_COLOR_QUALITY = 90,
    /* Tables made for the picture take 3 times as long for 1 to 7 percent, a progressive file
     * 7 times for some 5 percent: not by default. */
    OPTIMISED_EFFORT = 3,
    PROGRESSIVE_EFFORT = 7,
};

struct jpeg_writer {
    struct codec_writer base;
    struct jpeg_guard guard; /* its error is that of the call that is under way */
    struct jpeg_compress_struct encoder;
    struct jpeg_destination_mgr output;
    uint8_t *buffer; /* OUTPUT_BYTES, and behind them room for a segment */
    struct jpeg_arrays arrays;
};

static struct jpeg_writer *writer_of(j_compress_ptr encoder)
{
    return encoder->client_data;
}

static void output_start(j_compress_ptr encoder)
{
    encoder->dest->next_output_byte = writer_of(encoder)->buffer;
    encoder->dest->free_in_buffer = OUTPUT_BYTES;
}

static void output_send(struct jpeg_writer *writer, size_t count)
{
    if (!sink_write(writer->base.sink, writer->buffer, count))
        jpeg_guard_jump(&writer->guard);
}

static boolean output_flush(j_compress_ptr encoder)
{
    output_send(writer_of(encoder), OUTPUT_BYTES);
    output_start(encoder);
    return TRUE;
}

static void output_finish(j_compress_ptr encoder)
{
    output_send(writer_of(encoder), OUTPUT_BYTES - encoder->dest->free_in_buffer);
}

static jvirt_barray_ptr writer_request_array(j_common_ptr common, int pool, boolean zero,
                                             JDIMENSION columns, JDIMENSION rows,
                                             JDIMENSION rows_at_once)
{
    struct jpeg_writer *writer = writer_of((j_compress_ptr)common);
    (void)pool;
    (void)zero;
    (void)rows_at_once;
    return jpeg_arrays_add(&writer->arrays, columns, rows, NULL, &writer->guard);
}

/* The coefficients are written once and then read for each scan, by progressive ones in part. */
static JBLOCKARRAY writer_access_array(j_common_ptr common, jvirt_barray_ptr array,
                                       JDIMENSION first, JDIMENSION count, boolean writable)
{
    struct jpeg_writer *writer = writer_of((j_compress_ptr)common);
    unsigned parts = COEFFICIENTS_BOTH;
    if (!writable && writer->encoder.progressive_mode)
        parts = writer->encoder.Ss == 0 ? COEFFICIENTS_DC : COEFFICIENTS_AC;
    return jpeg_arrays_access(array, first, count, parts, writable, &writer->guard);
}

static void writer_create_encoder(struct jpeg_writer *writer)
{
    struct jpeg_compress_struct *encoder = &writer->encoder;
    libjpeg.jpeg_CreateCompress(encoder, JPEG_LIB_VERSION, sizeof *encoder);
    encoder->client_data = writer;
    writer->output = (struct jpeg_destination_mgr){
        .init_destination = output_start,
        .empty_output_buffer = output_flush,
        .term_destination = output_finish,
    };
    encoder->dest = &writer->output;
    encoder->mem->request_virt_barray = writer_request_array;
    encoder->mem->access_virt_barray = writer_access_array;
}

static void writer_set_up(struct jpeg_writer *writer, const struct image *image,
                          const struct codec_write_options *options)
{
    struct jpeg_compress_struct *encoder = &writer->encoder;
    int quality = options->quality == 0 ? CODEC_JPEG_QUALITY : options->quality;
    encoder->image_width = image->shape.width;
    encoder->image_height = image->shape.height;
    encoder->input_components = (int)image_channels(&image->shape);
    encoder->in_color_space = image->shape.color == IMAGE_GREY ? JCS_GRAYSCALE : JCS_RGB;
    libjpeg.jpeg_set_defaults(encoder);
    libjpeg.jpeg_set_quality(encoder, quality, TRUE);
    encoder->dct_method = JDCT_ISLOW;
    if (quality >= FULL_COLOR_QUALITY)
        encoder->comp_info[0].h_samp_factor = encoder->comp_info[0].v_samp_factor = 1;
    encoder->optimize_coding = options->effort >= OPTIMISED_EFFORT;
    if (options->effort >= PROGRESSIVE_EFFORT)
        libjpeg.jpeg_simple_progression(encoder);
}

static void writer_write_metadata(struct jpeg_writer *writer, const struct image_metadata *metadata)
{
    uint8_t *segment = writer->buffer + OUTPUT_BYTES;
    size_t size = 1;
    for (unsigned i = 0, marker = 0; size > 0; i++) {
        size = jpeg_segments_build(metadata, i, segment, &marker);
        if (size > 0)
            libjpeg.jpeg_write_marker(&writer->encoder, (int)marker, segment, (unsigned)size);
    }
}

/* Each call that gets into libjpeg sets the place to jump to anew. */
static bool writer_start(struct jpeg_writer *writer, const struct image *image,
                         const struct codec_write_options *options, struct error *error)
{
    writer->encoder.err = jpeg_guard_init(&writer->guard, error);
    if (setjmp(writer->guard.jump) != 0)
        return false;
    writer_create_encoder(writer);
    writer_set_up(writer, image, options);
    libjpeg.jpeg_start_compress(&writer->encoder, TRUE);
    writer_write_metadata(writer, &image->metadata);
    return true;
}

bool jpeg_begin(struct sink *sink, const struct image *image,
                const struct codec_write_options *options, struct codec_writer **result,
                struct error *error)
{
    if (image->shape.color == IMAGE_CMYK || image->shape.alpha || image->shape.depth != 8)
        return error_set(error, ERROR_INTERNAL, "JPEG is written from 8-bit grey or RGB only");
    struct jpeg_writer *writer = memory_zeroed(1, sizeof *writer, error);
    if (writer == NULL)
        return false;
    *result = &writer->base;
    writer->base.sink = sink;
    writer->buffer = memory_array(OUTPUT_BYTES + JPEG_SEGMENT_MAX_BYTES, 1, error);
    return writer->buffer != NULL && writer_start(writer, image, options, error);
}

bool jpeg_write_rows(struct codec_writer *base, const uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error)
{
    struct jpeg_writer *writer = (struct jpeg_writer *)(void *)base;
    writer->guard.error = error;
    if (setjmp(writer->guard.jump) != 0)
        return false;
    for (uint32_t y = 0; y < count; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rows + stride * y);
        libjpeg.jpeg_write_scanlines(&writer->encoder, &row, 1);
    }
    return true;
}

bool jpeg_end(struct codec_writer *base, struct error *error)
{
    struct jpeg_writer *writer = (struct jpeg_writer *)(void *)base;
    writer->guard.error = error;
    if (setjmp(writer->guard.jump) != 0)
        return false;
    libjpeg.jpeg_finish_compress(&writer->encoder);
    return true;
}

void jpeg_discard(struct codec_writer *base)
{
    struct jpeg_writer *writer = (struct jpeg_writer *)(void *)base;
    libjpeg.jpeg_destroy_compress(&writer->encoder);
    jpeg_arrays_free(&writer->arrays);
    free(writer->buffer);
    free(writer);
}
