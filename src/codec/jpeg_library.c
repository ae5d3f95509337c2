/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_library.h"

#include <string.h>

_Static_assert(sizeof(JBLOCK) == sizeof(struct coefficients_block), "a block is 64 16-bit values");

LIBRARY_DEFINE(libjpeg, JPEG_CALLS, JPEG_SONAME)

_Noreturn void jpeg_guard_jump(struct jpeg_guard *guard)
{
    longjmp(guard->jump, 1);
}

static enum error_kind guard_kind(int code)
{
    switch (code) {
    case JERR_OUT_OF_MEMORY:
        return ERROR_NO_MEMORY;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
        return ERROR_LIMIT;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
        return ERROR_UNSUPPORTED;
    default:
        return ERROR_CORRUPT;
    }
}

const char *jpeg_guard_message(j_common_ptr common, char *buffer)
{
    static const char usual_start[] = "Corrupt JPEG data: ";
    common->err->format_message(common, buffer);
    if (strncmp(buffer, usual_start, sizeof usual_start - 1) == 0)
        return buffer + sizeof usual_start - 1;
    if (buffer[0] >= 'A' && buffer[0] <= 'Z' && buffer[1] >= 'a' && buffer[1] <= 'z')
        buffer[0] = (char)(buffer[0] - 'A' + 'a');
    return buffer;
}

_Noreturn static void guard_exit(j_common_ptr common)
{
    struct jpeg_guard *guard = (struct jpeg_guard *)(void *)common->err;
    char buffer[JMSG_LENGTH_MAX];
    const char *message = jpeg_guard_message(common, buffer);
    if (guard->ended)
        error_set(guard->error, ERROR_TRUNCATED, "truncated: %s", message);
    error_set(guard->error, guard_kind(common->err->msg_code), "%s", message);
    jpeg_guard_jump(guard);
}

static void guard_ignore(j_common_ptr common, int level)
{
    (void)common;
    (void)level;
}

struct jpeg_error_mgr *jpeg_guard_init(struct jpeg_guard *guard, struct error *error)
{
    libjpeg.jpeg_std_error(&guard->errors);
    guard->errors.error_exit = guard_exit;
    guard->errors.emit_message = guard_ignore;
    guard->error = error;
    return &guard->errors;
}

void jpeg_arrays_free(struct jpeg_arrays *arrays)
{
    for (unsigned i = 0; i < arrays->count; i++)
        coefficients_free(arrays->component[i].store);
    arrays->count = 0;
}

jvirt_barray_ptr jpeg_arrays_add(struct jpeg_arrays *arrays, JDIMENSION columns, JDIMENSION rows,
                                 const uint64_t *keep, struct jpeg_guard *guard)
{
    if (arrays->count == JPEG_MAX_COMPONENTS) {
        error_set(guard->error, ERROR_INTERNAL, "more components than were announced");
        jpeg_guard_jump(guard);
    }
    struct jvirt_barray_control *array = &arrays->component[arrays->count];
    if (!coefficients_new(&array->store, columns, rows,
                          keep == NULL ? COEFFICIENTS_KEEP_ALL : keep[arrays->count],
                          guard->error))
        jpeg_guard_jump(guard);
    arrays->count++;
    return array;
}

JBLOCKARRAY jpeg_arrays_access(jvirt_barray_ptr array, JDIMENSION first, JDIMENSION count,
                               unsigned parts, bool writable, struct jpeg_guard *guard)
{
    struct coefficients_block **rows =
        coefficients_access(array->store, first, count, parts, writable, guard->error);
    if (rows == NULL)
        jpeg_guard_jump(guard);
    return (JBLOCKARRAY)(void *)rows;
}
