/* SPDX-License-Identifier: MIT */
#include "codec/codec.h"
#include "codec/jpeg_library.h"

static bool jpeg_sniff(const uint8_t *head, size_t size)
{
    return size >= 3 && head[0] == 0xff && head[1] == 0xd8 && head[2] == 0xff;
}

/* That of the headers: the library does not tell at run time. */
static void jpeg_version(char *out, size_t size)
{
    int n = LIBJPEG_TURBO_VERSION_NUMBER;
    snprintf(out, size, "%d.%d.%d", n / 1000000, n / 1000 % 1000, n % 1000);
}

const struct codec codec_jpeg = {
    .name = "jpeg",
    .extensions = "jpg jpeg jpe jfif",
    .writes_grey = true,
    .sniff = jpeg_sniff,
    .open = jpeg_open,
    .read_rows = jpeg_read_rows,
    .finish = jpeg_finish,
    .close = jpeg_close,
    .begin = jpeg_begin,
    .write_rows = jpeg_write_rows,
    .end = jpeg_end,
    .discard = jpeg_discard,
    .backend = "libjpeg-turbo",
    .load = libjpeg_load,
    .version = jpeg_version,
};
