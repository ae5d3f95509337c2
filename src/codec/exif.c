/* SPDX-License-Identifier: MIT */
#include "codec/exif.h"

#include <stdbool.h>

enum {
    HEADER_BYTES = 8,
    ENTRY_BYTES = 12,
    TAG_ORIENTATION = 274,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
};

struct tiff {
    const uint8_t *data;
    size_t size;
    bool big_endian;
};

static uint32_t tiff_u16(const struct tiff *tiff, size_t at)
{
    const uint8_t *p = tiff->data + at;
    return tiff->big_endian ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t tiff_u32(const struct tiff *tiff, size_t at)
{
    uint32_t first = tiff_u16(tiff, at), second = tiff_u16(tiff, at + 2);
    return tiff->big_endian ? first << 16 | second : second << 16 | first;
}

/* Where the value of the orientation entry lies; 0 where there is no such entry. *WIDE: it has
 * four bytes, as some writers have it, and not two. */
static size_t tiff_orientation_at(const struct tiff *tiff, bool *wide)
{
    size_t ifd = tiff_u32(tiff, 4);
    if (ifd < HEADER_BYTES || ifd > tiff->size || tiff->size - ifd < 2)
        return 0;
    size_t count = tiff_u16(tiff, ifd), room = (tiff->size - ifd - 2) / ENTRY_BYTES;
    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++) {
        size_t entry = ifd + 2 + i * ENTRY_BYTES;
        if (tiff_u16(tiff, entry) != TAG_ORIENTATION)
            continue;
        uint32_t type = tiff_u16(tiff, entry + 2);
        if ((type != TYPE_SHORT && type != TYPE_LONG) || tiff_u32(tiff, entry + 4) != 1)
            return 0;
        *wide = type == TYPE_LONG;
        return entry + 8;
    }
    return 0;
}

static bool tiff_open(struct tiff *tiff, const uint8_t *data, size_t size)
{
    if (data == NULL || size < HEADER_BYTES || data[0] != data[1] ||
        (data[0] != 'I' && data[0] != 'M'))
        return false;
    *tiff = (struct tiff){data, size, data[0] == 'M'};
    return tiff_u16(tiff, 2) == 42;
}

unsigned exif_orientation(const uint8_t *data, size_t size)
{
    struct tiff tiff;
    bool wide = false;
    if (!tiff_open(&tiff, data, size))
        return 1;
    size_t at = tiff_orientation_at(&tiff, &wide);
    if (at == 0)
        return 1;
    uint32_t value = wide ? tiff_u32(&tiff, at) : tiff_u16(&tiff, at);
    return value >= 1 && value <= 8 ? value : 1;
}

void exif_reset_orientation(uint8_t *data, size_t size)
{
    struct tiff tiff;
    bool wide = false;
    if (!tiff_open(&tiff, data, size))
        return;
    size_t at = tiff_orientation_at(&tiff, &wide);
    if (at == 0)
        return;
    size_t length = wide ? 4 : 2;
    for (size_t i = 0; i < length; i++)
        data[at + i] = i == (tiff.big_endian ? length - 1 : 0);
}
