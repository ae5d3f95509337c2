/* SPDX-License-Identifier: MIT */
/* libjpeg-turbo for jpeg_read.c and jpeg_write.c, and for nobody else: its functions, its way of
 * failing, and the coefficients of whole images, in our packed arrays instead of its own. */
#ifndef CODEC_JPEG_LIBRARY_H
#define CODEC_JPEG_LIBRARY_H

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs it */
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/library.h"
#include "codec/coefficients.h"
#include "codec/codec.h"
#include "codec/jpeg_plan.h"

#define JPEG_CALLS(CALL) \
    CALL(jpeg_CreateCompress) CALL(jpeg_CreateDecompress) CALL(jpeg_calc_output_dimensions) \
    CALL(jpeg_consume_input) CALL(jpeg_destroy_compress) CALL(jpeg_destroy_decompress) \
    CALL(jpeg_finish_compress) CALL(jpeg_finish_decompress) CALL(jpeg_finish_output) \
    CALL(jpeg_has_multiple_scans) CALL(jpeg_read_header) \
    CALL(jpeg_read_scanlines) CALL(jpeg_resync_to_restart) CALL(jpeg_set_defaults) \
    CALL(jpeg_set_marker_processor) CALL(jpeg_set_quality) CALL(jpeg_simple_progression) \
    CALL(jpeg_start_compress) CALL(jpeg_start_decompress) CALL(jpeg_start_output) \
    CALL(jpeg_std_error) \
    CALL(jpeg_write_marker) CALL(jpeg_write_scanlines)
LIBRARY_DECLARE(libjpeg, JPEG_CALLS)

/* libjpeg reports failure by not returning: each function that calls it sets JUMP first, and holds
 * no memory but what is reached from here. ERRORS must be first, for the way back from it. */
struct jpeg_guard {
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    struct error *error;
    bool ended; /* the input did, so that whatever is wrong is wrong for that reason */
};

/* GUARD for a decoder or encoder whose failures shall go to ERROR. */
struct jpeg_error_mgr *jpeg_guard_init(struct jpeg_guard *guard, struct error *error);

/* Back to where JUMP was set, with the error set before. */
_Noreturn void jpeg_guard_jump(struct jpeg_guard *guard);

/* The library's message in the manner of ours, in BUFFER of JMSG_LENGTH_MAX bytes. */
const char *jpeg_guard_message(j_common_ptr common, char *buffer);

/* What libjpeg knows only by name: an array of blocks that its memory manager keeps. */
struct jvirt_barray_control {
    struct coefficients *store;
};

struct jpeg_arrays {
    struct jvirt_barray_control component[JPEG_MAX_COMPONENTS];
    unsigned count;
};

/* One more array of COLUMNS x ROWS blocks; of each only the coefficients of KEEP, one mask an
 * array, are held (NULL: all). Failures jump. */
jvirt_barray_ptr jpeg_arrays_add(struct jpeg_arrays *arrays, JDIMENSION columns, JDIMENSION rows,
                                 const uint64_t *keep, struct jpeg_guard *guard);

/* COUNT rows from FIRST on, of which PARTS are needed. Failures jump. */
JBLOCKARRAY jpeg_arrays_access(jvirt_barray_ptr array, JDIMENSION first, JDIMENSION count,
                               unsigned parts, bool writable, struct jpeg_guard *guard);

void jpeg_arrays_free(struct jpeg_arrays *arrays);

/* What codec_jpeg is made of; see codec/codec.h. */
bool jpeg_open(struct source *source, const struct codec_read_options *options,
               struct codec_reader **result, struct error *error);
bool jpeg_read_rows(struct codec_reader *base, uint8_t *rows, size_t stride, uint32_t count,
                    struct error *error);
bool jpeg_finish(struct codec_reader *base, struct error *error);
void jpeg_close(struct codec_reader *base);
bool jpeg_begin(struct sink *sink, const struct image *image,
                const struct codec_write_options *options, struct codec_writer **result,
                struct error *error);
bool jpeg_write_rows(struct codec_writer *base, const uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error);
bool jpeg_end(struct codec_writer *base, struct error *error);
void jpeg_discard(struct codec_writer *base);

#endif
