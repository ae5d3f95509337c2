/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_library.h"

#include <string.h>

#include "codec/jpeg_feed.h"
#include "codec/jpeg_scans.h"
#include "codec/jpeg_segments.h"
#include "codec/jpeg_tables.h"

enum {
    ROWS_AT_ONCE = 16,
    /* So few bytes of junk behind a scan are some cameras' habit and no sign of damage. */
    JUNK_MAX_BYTES = 4,
};

struct jpeg_reader {
    struct codec_reader base;
    struct jpeg_guard guard;
    struct jpeg_decompress_struct decoder;
    struct jpeg_source_mgr input;
    const JOCTET *block;     /* where the bytes of INPUT start */
    struct jpeg_progress_mgr progress;
    struct jpeg_feed feed;
    struct jpeg_segments segments;
    uint8_t *segment;        /* JPEG_SEGMENT_MAX_BYTES */
    struct jpeg_arrays arrays;
    struct jpeg_scans *scans; /* NULL: one after the other */
    unsigned threads, scan_arrays; /* of SCANS, how many the library has asked for */
    uint64_t keep[JPEG_MAX_COMPONENTS];
    uint8_t *row;            /* ROWS_AT_ONCE that nobody wants */
    uint32_t missing_from;   /* the first row of which there is nothing */
    bool lenient, keep_metadata;
    bool opened, started, inverted, halved;
};

static struct jpeg_reader *reader_of(j_decompress_ptr decoder)
{
    return decoder->client_data;
}

static uint32_t reader_row(const struct jpeg_reader *reader)
{
    const struct jpeg_decompress_struct *decoder = &reader->decoder;
    uint64_t row = (uint64_t)decoder->max_v_samp_factor * DCTSIZE * decoder->input_iMCU_row;
    return row < decoder->image_height ? (uint32_t)row : decoder->image_height;
}

/* Where the decoder is, as " at row 8 of 16"; empty before the first row. */
static void reader_where(struct jpeg_reader *reader, char *where, size_t size)
{
    struct jpeg_decompress_struct *decoder = &reader->decoder;
    where[0] = '\0';
    if (!reader->started)
        return;
    int used = snprintf(where, size, " at row %u of %u", reader_row(reader), decoder->image_height);
    if (libjpeg.jpeg_has_multiple_scans(decoder))
        snprintf(where + used, size - (size_t)used, " in scan %d", decoder->input_scan_number);
}

static void reader_warn(struct jpeg_reader *reader, const char *message, const char *where)
{
    struct codec_info *info = &reader->base.info;
    if (info->warning[0] == '\0')
        snprintf(info->warning, sizeof info->warning, "%s%s", message, where);
}

/* Something is wrong with the data: an error, or with lenience a warning. */
static void reader_damage(struct jpeg_reader *reader, enum error_kind kind, const char *message)
{
    char where[80];
    if (reader->scans != NULL)
        jpeg_guard_jump(&reader->guard);
    reader_where(reader, where, sizeof where);
    if (reader->lenient) {
        reader_warn(reader, message, where);
        return;
    }
    error_set(reader->guard.error, kind, "%s%s", message, where);
    if (kind == ERROR_TRUNCATED)
        error_hint(reader->guard.error, "the upload may be incomplete");
    jpeg_guard_jump(&reader->guard);
}

/* The bytes that were passed over to find a marker: harmless between the segments of the header,
 * and behind a scan where they are padding; else what is left of a scan that went wrong. */
static bool junk_is_harmless(const struct jpeg_reader *reader)
{
    const struct jpeg_source_mgr *input = &reader->input;
    int count = reader->guard.errors.msg_parm.i[0];
    if (!reader->started || count <= JUNK_MAX_BYTES)
        return true;
    /* Those that came with an earlier block can no longer be looked at. */
    if (input->next_input_byte - reader->block < count)
        return false;
    for (int i = 1; i <= count; i++)
        if (input->next_input_byte[-i] != 0)
            return false;
    return true;
}

static bool warning_is_harmless(const struct jpeg_reader *reader)
{
    switch (reader->guard.errors.msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL: /* parameters of a scan that have no meaning in this mode */
        return true;
    case JWRN_EXTRANEOUS_DATA:
        return junk_is_harmless(reader);
    default:
        return false;
    }
}

static void reader_message(j_common_ptr common, int level)
{
    struct jpeg_reader *reader = reader_of((j_decompress_ptr)common);
    char buffer[JMSG_LENGTH_MAX];
    if (level >= 0)
        return;
    if (reader->scans == NULL && warning_is_harmless(reader))
        reader_warn(reader, jpeg_guard_message(common, buffer), "");
    else
        reader_damage(reader, ERROR_CORRUPT, jpeg_guard_message(common, buffer));
}

/* Counted before, but the file may have changed since then. */
static void reader_progress(j_common_ptr common)
{
    struct jpeg_reader *reader = reader_of((j_decompress_ptr)common);
    if (reader->decoder.input_scan_number <= CODEC_JPEG_MAX_SCANS)
        return;
    error_set(reader->guard.error, ERROR_LIMIT, "more than %d scans", CODEC_JPEG_MAX_SCANS);
    jpeg_guard_jump(&reader->guard);
}

/* ---- Input ---- */

static void input_nothing(j_decompress_ptr decoder)
{
    (void)decoder;
}

/* The rows from here on will get nothing, unless an earlier scan has been there. */
static void input_end(struct jpeg_reader *reader)
{
    static const JOCTET end_marker[2] = {0xff, JPEG_EOI};
    if (!reader->guard.ended && reader->decoder.input_scan_number <= 1 && reader->started) {
        uint64_t next = reader_row(reader) + (uint64_t)reader->decoder.max_v_samp_factor * DCTSIZE;
        next = next * reader->base.info.shape.height / reader->decoder.image_height;
        if (next < reader->missing_from)
            reader->missing_from = (uint32_t)next;
    }
    reader->guard.ended = true;
    reader_damage(reader, ERROR_TRUNCATED,
                  reader->opened ? "truncated" : "truncated in the header");
    reader->input.next_input_byte = reader->block = end_marker;
    reader->input.bytes_in_buffer = sizeof end_marker;
}

static boolean input_fill(j_decompress_ptr decoder)
{
    struct jpeg_reader *reader = reader_of(decoder);
    const uint8_t *bytes = jpeg_feed_next(&reader->feed, &reader->input.bytes_in_buffer,
                                          reader->guard.error);
    if (bytes == NULL)
        jpeg_guard_jump(&reader->guard);
    reader->input.next_input_byte = reader->block = bytes;
    if (reader->input.bytes_in_buffer == 0)
        input_end(reader);
    return TRUE;
}

static void input_skip(j_decompress_ptr decoder, long count)
{
    struct jpeg_source_mgr *input = decoder->src;
    while (count > (long)input->bytes_in_buffer) {
        count -= (long)input->bytes_in_buffer;
        input_fill(decoder);
        /* After the end there is nothing to skip, only the marker that stands for it. */
        if (reader_of(decoder)->guard.ended)
            return;
    }
    if (count > 0) {
        input->next_input_byte += count;
        input->bytes_in_buffer -= (size_t)count;
    }
}

static unsigned input_byte(j_decompress_ptr decoder)
{
    struct jpeg_source_mgr *input = decoder->src;
    if (input->bytes_in_buffer == 0)
        input_fill(decoder);
    input->bytes_in_buffer--;
    return *input->next_input_byte++;
}

/* Reads an application segment, which may hold metadata. */
static boolean input_segment(j_decompress_ptr decoder)
{
    struct jpeg_reader *reader = reader_of(decoder);
    unsigned high = input_byte(decoder), length = high << 8 | input_byte(decoder);
    if (length < 2) {
        error_set(reader->guard.error, ERROR_CORRUPT, "a segment of %u bytes", length);
        jpeg_guard_jump(&reader->guard);
    }
    length -= 2;
    if (reader->opened) {
        input_skip(decoder, (long)length);
        return TRUE;
    }
    if (reader->segment == NULL)
        reader->segment = memory_array(JPEG_SEGMENT_MAX_BYTES, 1, reader->guard.error);
    if (reader->segment == NULL)
        jpeg_guard_jump(&reader->guard);
    for (size_t i = 0; i < length; i++)
        reader->segment[i] = (uint8_t)input_byte(decoder);
    if (!reader->guard.ended &&
        !jpeg_segments_add(&reader->segments, (unsigned)decoder->unread_marker, reader->segment,
                           length, reader->keep_metadata, reader->guard.error))
        jpeg_guard_jump(&reader->guard);
    return TRUE;
}

static int component_scaled_size(const jpeg_component_info *component)
{
#if JPEG_LIB_VERSION >= 70
    return component->DCT_h_scaled_size;
#else
    return component->DCT_scaled_size;
#endif
}

/* In place of the library's own functions, so that its arrays are packed. It asks for one array a
 * component, in their order, and sets all of them to 0. */
static jvirt_barray_ptr reader_request_array(j_common_ptr common, int pool, boolean zero,
                                             JDIMENSION columns, JDIMENSION rows,
                                             JDIMENSION rows_at_once)
{
    struct jpeg_reader *reader = reader_of((j_decompress_ptr)common);
    (void)pool;
    (void)zero;
    (void)rows_at_once;
    if (reader->scans != NULL) {
        jvirt_barray_ptr array =
            jpeg_scans_array(reader->scans, reader->scan_arrays++, columns, rows);
        if (array == NULL)
            jpeg_guard_jump(&reader->guard);
        return array;
    }
    return jpeg_arrays_add(&reader->arrays, columns, rows, reader->keep, &reader->guard);
}

/* While scans are read the rows are writable, and a progressive scan has either the first
 * coefficient of each block or others. */
static JBLOCKARRAY reader_access_array(j_common_ptr common, jvirt_barray_ptr array,
                                       JDIMENSION first, JDIMENSION count, boolean writable)
{
    struct jpeg_reader *reader = reader_of((j_decompress_ptr)common);
    unsigned parts = COEFFICIENTS_BOTH;
    if (reader->scans != NULL) {
        JBLOCKARRAY blocks = jpeg_scans_access(reader->scans, array, first, count, writable);
        if (blocks == NULL)
            jpeg_guard_jump(&reader->guard);
        return blocks;
    }
    if (writable && reader->decoder.progressive_mode)
        parts = reader->decoder.Ss == 0 ? COEFFICIENTS_DC : COEFFICIENTS_AC;
    return jpeg_arrays_access(array, first, count, parts, writable, &reader->guard);
}

/* ---- The header ---- */

static void reader_create_decoder(struct jpeg_reader *reader)
{
    struct jpeg_decompress_struct *decoder = &reader->decoder;
    libjpeg.jpeg_CreateDecompress(decoder, JPEG_LIB_VERSION, sizeof *decoder);
    decoder->client_data = reader;
    reader->guard.errors.emit_message = reader_message;
    reader->input = (struct jpeg_source_mgr){
        .init_source = input_nothing,
        .fill_input_buffer = input_fill,
        .skip_input_data = input_skip,
        .resync_to_restart = libjpeg.jpeg_resync_to_restart,
        .term_source = input_nothing,
    };
    decoder->src = &reader->input;
    reader->progress.progress_monitor = reader_progress;
    decoder->progress = &reader->progress;
    decoder->mem->request_virt_barray = reader_request_array;
    decoder->mem->access_virt_barray = reader_access_array;
    libjpeg.jpeg_set_marker_processor(decoder, JPEG_APP1, input_segment);
    libjpeg.jpeg_set_marker_processor(decoder, JPEG_APP2, input_segment);
}

static bool reader_describe_color(struct jpeg_reader *reader, struct error *error)
{
    const struct jpeg_decompress_struct *decoder = &reader->decoder;
    struct codec_info *info = &reader->base.info;
    switch (decoder->jpeg_color_space) {
    case JCS_GRAYSCALE:
        info->shape.color = IMAGE_GREY;
        return true;
    case JCS_RGB:
    case JCS_YCbCr:
        info->subtype = decoder->jpeg_color_space == JCS_RGB ? "RGB" : NULL;
        info->shape.color = IMAGE_RGB;
        return true;
    case JCS_CMYK:
    case JCS_YCCK:
        info->subtype = decoder->jpeg_color_space == JCS_YCCK ? "Adobe YCCK" : "CMYK";
        if (decoder->saw_Adobe_marker && decoder->jpeg_color_space == JCS_CMYK)
            info->subtype = "Adobe CMYK";
        info->shape.color = IMAGE_CMYK;
        /* Adobe's programs store 255 for no ink, and everybody reads files with their marker so. */
        reader->inverted = decoder->saw_Adobe_marker;
        return true;
    default:
        return error_set(error, ERROR_UNSUPPORTED, "%d components in unknown colours",
                         decoder->num_components);
    }
}

static const uint16_t *reader_steps(const struct jpeg_reader *reader, int component)
{
    const struct jpeg_decompress_struct *decoder = &reader->decoder;
    if (component >= decoder->num_components)
        return NULL;
    int number = decoder->comp_info[component].quant_tbl_no;
    if (number < 0 || number >= NUM_QUANT_TBLS || decoder->quant_tbl_ptrs[number] == NULL)
        return NULL;
    return decoder->quant_tbl_ptrs[number]->quantval;
}

static bool reader_describe(struct jpeg_reader *reader, const struct codec_read_options *options,
                            struct error *error)
{
    const struct jpeg_decompress_struct *decoder = &reader->decoder;
    struct codec_info *info = &reader->base.info;
    const char *icc_problem = NULL;
    if (!codec_check_size(options, decoder->image_width, decoder->image_height, error) ||
        !codec_check_frame(options, 1, error) || !reader_describe_color(reader, error))
        return false;
    info->shape.width = info->stored_width = decoder->image_width;
    info->shape.height = info->stored_height = decoder->image_height;
    info->shape.depth = 8;
    info->stored_depth = (unsigned)decoder->data_precision;
    info->progressive = decoder->progressive_mode;
    info->frames = 1;
    info->orientation = reader->segments.orientation == 0 ? 1 : reader->segments.orientation;
    const uint16_t *luma = reader_steps(reader, 0);
    bool ycc = decoder->jpeg_color_space == JCS_YCbCr;
    const uint16_t *chroma = ycc ? reader_steps(reader, 1) : NULL;
    info->quality = luma != NULL ? jpeg_tables_quality(luma, chroma) : 0;
    if (!jpeg_segments_finish(&reader->segments, &info->metadata, &icc_problem, error))
        return false;
    if (icc_problem != NULL)
        reader_warn(reader, "ICC profile ignored: ", icc_problem);
    return true;
}

static void reader_scale(struct jpeg_reader *reader)
{
    if (!reader->halved)
        return;
    reader->decoder.scale_num = 1;
    reader->decoder.scale_denom = 2;
}

/* Decides how much of the data is needed for a picture of the wanted size. */
static void reader_choose(struct jpeg_reader *reader, const struct codec_read_options *options)
{
    struct jpeg_decompress_struct *decoder = &reader->decoder;
    struct jpeg_component components[JPEG_MAX_COMPONENTS] = {0};
    double reduction = jpeg_plan_reduction(&reader->base.info, options);
    reader->halved = jpeg_plan_halves(&reader->base.info, reduction);
    reader_scale(reader);
    libjpeg.jpeg_calc_output_dimensions(decoder);
    reader->base.info.shape.width = decoder->output_width;
    reader->base.info.shape.height = decoder->output_height;
    for (int i = 0; i < decoder->num_components; i++) {
        const jpeg_component_info *component = &decoder->comp_info[i];
        reader->keep[i] = jpeg_plan_used(component_scaled_size(component));
        components[i].steps = reader_steps(reader, i);
        components[i].used = reader->keep[i];
        components[i].ratio_x = reduction * component->h_samp_factor / decoder->max_h_samp_factor;
        components[i].ratio_y = reduction * component->v_samp_factor / decoder->max_v_samp_factor;
    }
    jpeg_plan_scans(&reader->feed.layout, reduction, components);
    /* The library may already have been shown a part of what is now to be passed over. */
    reader->input.bytes_in_buffer = jpeg_feed_cut(&reader->feed, reader->input.bytes_in_buffer);
}

static bool reader_start(struct jpeg_reader *reader, const struct codec_read_options *options,
                         struct error *error)
{
    struct jpeg_decompress_struct *decoder = &reader->decoder;
    decoder->err = jpeg_guard_init(&reader->guard, error);
    if (setjmp(reader->guard.jump) != 0) {
        /* A size that the library refuses is judged in the words of our own limits. */
        if (error->kind == ERROR_LIMIT && decoder->image_width > 0) {
            error_clear(error);
            if (codec_check_size(options, decoder->image_width, decoder->image_height, error))
                error_set(error, ERROR_LIMIT, "%u x %u pixels are more than a JPEG can have",
                          decoder->image_width, decoder->image_height);
        }
        return false;
    }
    reader_create_decoder(reader);
    libjpeg.jpeg_read_header(decoder, TRUE);
    reader->opened = true;
    if (!reader_describe(reader, options, error))
        return false;
    if (!options->header_only)
        reader_choose(reader, options);
    reader->missing_from = reader->base.info.shape.height;
    return true;
}

void jpeg_close(struct codec_reader *base)
{
    struct jpeg_reader *reader = (struct jpeg_reader *)base;
    jpeg_scans_close(reader->scans);
    libjpeg.jpeg_destroy_decompress(&reader->decoder);
    jpeg_arrays_free(&reader->arrays);
    jpeg_segments_free(&reader->segments);
    free(reader->segment);
    free(reader->row);
    free(reader);
}

bool jpeg_open(struct source *source, const struct codec_read_options *options,
               struct codec_reader **result, struct error *error)
{
    struct jpeg_reader *reader = memory_zeroed(1, sizeof *reader, error);
    *result = NULL;
    if (reader == NULL)
        return false;
    reader->feed.source = source;
    reader->lenient = options->lenient;
    reader->keep_metadata = options->keep_metadata;
    reader->threads = options->threads;
    bool fed = options->header_only || jpeg_feed_open(&reader->feed, source, error);
    /* Half a table makes the library give up; before it, it can still show what has come. */
    if (options->lenient)
        reader->feed.end = reader->feed.layout.broken_at;
    if (!fed || !reader_start(reader, options, error)) {
        image_metadata_free(&reader->base.info.metadata);
        jpeg_close(&reader->base);
        return false;
    }
    *result = &reader->base;
    return true;
}

/* ---- Rows ---- */

/* Where that is possible the scans are read side by side. */
static void rows_begin(struct jpeg_reader *reader)
{
    struct jpeg_decompress_struct *decoder = &reader->decoder;
    reader->started = true;
    decoder->dct_method = JDCT_ISLOW;
    /* Smoothing guesses at coefficients that have not come; it needs all rows at hand. */
    decoder->do_block_smoothing = FALSE;
    decoder->buffered_image = reader->scans != NULL;
    libjpeg.jpeg_start_decompress(decoder);
    if (reader->scans != NULL)
        libjpeg.jpeg_start_output(decoder, 1);
}

/* COUNT rows, not more than are left. */
static void rows_decode(struct jpeg_reader *reader, uint8_t *rows, size_t stride, uint32_t count)
{
    if (!reader->started)
        rows_begin(reader);
    for (uint32_t done = 0; done < count;) {
        JSAMPROW pointers[ROWS_AT_ONCE];
        uint32_t step = count - done < ROWS_AT_ONCE ? count - done : ROWS_AT_ONCE;
        for (uint32_t i = 0; i < step; i++)
            pointers[i] = rows + (size_t)(done + i) * stride;
        done += libjpeg.jpeg_read_scanlines(&reader->decoder, pointers, step);
    }
}

/* Rows that the scans give side by side. */
struct rows {
    struct jpeg_reader *reader;
    uint8_t *rows;
    size_t stride;
    uint32_t count;
    bool done;
};

static void rows_work(void *context)
{
    struct rows *rows = context;
    struct error unsaid = {0};
    rows->reader->guard.error = &unsaid;
    if (setjmp(rows->reader->guard.jump) != 0)
        return;
    rows_decode(rows->reader, rows->rows, rows->stride, rows->count);
    rows->done = true;
}

static bool rows_side_by_side(struct jpeg_reader *reader, uint8_t *rows, size_t stride,
                              uint32_t count)
{
    struct rows work = {reader, rows, stride, count, false};
    if (!reader->started)
        reader->scans = jpeg_scans_open(&reader->feed, &reader->decoder, reader->threads);
    if (reader->scans == NULL)
        return false;
    if (!reader->started) {
        reader->feed.only = 1;
        reader->input.bytes_in_buffer = jpeg_feed_cut(&reader->feed, reader->input.bytes_in_buffer);
    }
    jpeg_scans_read(reader->scans, rows_work, &work);
    return work.done;
}

/* As jpeg_open() left it, but for one scan after the other. */
static bool reader_again(struct jpeg_reader *reader, struct error *error)
{
    struct jpeg_decompress_struct *decoder = &reader->decoder;
    const struct image_shape *shape = &reader->base.info.shape;
    jpeg_scans_close(reader->scans);
    reader->scans = NULL;
    libjpeg.jpeg_destroy_decompress(decoder);
    reader->feed.only = 0;
    reader->feed.shown = 0;
    reader->guard.ended = reader->started = false;
    reader->missing_from = shape->height;
    if (!source_rewind(reader->feed.source, error))
        return false;
    *decoder = (struct jpeg_decompress_struct){.err = jpeg_guard_init(&reader->guard, error)};
    reader_create_decoder(reader);
    libjpeg.jpeg_read_header(decoder, TRUE);
    reader_scale(reader);
    libjpeg.jpeg_calc_output_dimensions(decoder);
    if (decoder->output_width != shape->width || decoder->output_height != shape->height ||
        (unsigned)decoder->out_color_components != image_channels(shape))
        return error_set(error, ERROR_IO, "has changed since its header was read");
    return true;
}

/* Starts again and passes over the rows that have been given out. */
static bool rows_again(struct jpeg_reader *reader, uint8_t *rows, size_t stride, uint32_t count,
                       struct error *error)
{
    uint32_t given = reader->base.rows_read;
    if (!reader_again(reader, error))
        return false;
    for (uint32_t step; given > 0; given -= step) {
        step = given < count ? given : count;
        rows_decode(reader, rows, stride, step);
    }
    return true;
}

static void rows_settle(const struct jpeg_reader *reader, uint8_t *rows, size_t stride,
                        uint32_t count)
{
    size_t row_bytes = image_row_bytes(&reader->base.info.shape);
    uint32_t first = reader->base.rows_read;
    for (uint32_t i = 0; i < count; i++) {
        for (size_t x = 0; reader->inverted && x < row_bytes; x++)
            rows[i * stride + x] = (uint8_t)~rows[i * stride + x];
        if (first + i >= reader->missing_from)
            memset(rows + i * stride, 0, row_bytes);
    }
}

bool jpeg_read_rows(struct codec_reader *base, uint8_t *rows, size_t stride, uint32_t count,
                    struct error *error)
{
    struct jpeg_reader *reader = (struct jpeg_reader *)base;
    if (count > 0 && !rows_side_by_side(reader, rows, stride, count)) {
        reader->guard.error = error;
        if (setjmp(reader->guard.jump) != 0)
            return false;
        if (reader->scans != NULL && !rows_again(reader, rows, stride, count, error))
            return false;
        rows_decode(reader, rows, stride, count);
    }
    rows_settle(reader, rows, stride, count);
    return true;
}

static bool finish_side_by_side(struct jpeg_reader *reader)
{
    struct error unsaid = {0};
    reader->guard.error = &unsaid;
    if (!jpeg_scans_finish(reader->scans))
        return false;
    if (setjmp(reader->guard.jump) != 0)
        return false;
    libjpeg.jpeg_finish_output(&reader->decoder);
    libjpeg.jpeg_finish_decompress(&reader->decoder);
    return true;
}

/* Only to find out what is wrong: nobody waits for the rows. */
static bool finish_again(struct jpeg_reader *reader, struct error *error)
{
    size_t stride = image_row_bytes(&reader->base.info.shape);
    reader->row = memory_array(ROWS_AT_ONCE, stride, error);
    return reader->row != NULL && rows_again(reader, reader->row, stride, ROWS_AT_ONCE, error);
}

/* The library goes on to the end marker. What follows it is not ours. */
bool jpeg_finish(struct codec_reader *base, struct error *error)
{
    struct jpeg_reader *reader = (struct jpeg_reader *)base;
    bool done = reader->scans != NULL && finish_side_by_side(reader);
    reader->guard.error = error;
    if (!done) {
        if (setjmp(reader->guard.jump) != 0)
            return false;
        if (reader->scans != NULL && !finish_again(reader, error))
            return false;
        libjpeg.jpeg_finish_decompress(&reader->decoder);
    }
    if (!reader->guard.ended)
        jpeg_feed_close(&reader->feed, reader->input.bytes_in_buffer);
    jpeg_arrays_free(&reader->arrays);
    jpeg_scans_close(reader->scans);
    reader->scans = NULL;
    return true;
}
