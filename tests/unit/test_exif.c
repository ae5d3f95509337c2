/* SPDX-License-Identifier: MIT */
/* The orientation tag: blocks written byte by byte as TIFF 6.0 defines them, and every damage that
 * one byte can do to them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/exif.h"
#include "tap.h"

#define BYTES(text) (const uint8_t *)text, sizeof text - 1

static const struct known {
    const char *name;
    const uint8_t *bytes;
    size_t size;
    unsigned orientation;
} knowns[] = {
    {"little endian",
     BYTES("II*\0\x08\0\0\0" "\x01\0" "\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"), 6},
    {"big endian",
     BYTES("MM\0*\0\0\0\x08" "\0\x01" "\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"), 8},
    {"a long", BYTES("MM\0*\0\0\0\x08" "\0\x01" "\x01\x12\0\x04\0\0\0\x01\0\0\0\x03\0\0\0\0"), 3},
    {"behind another tag", BYTES("II*\0\x0a\0\0\0??" "\x02\0" "\x0f\x01\x02\0\x04\0\0\0abc\0"
                                 "\x12\x01\x03\0\x01\0\0\0\x05\0\0\0"), 5},
    {"more tags announced than there are",
     BYTES("II*\0\x08\0\0\0" "\xff\xff" "\x12\x01\x03\0\x01\0\0\0\x02\0\0\0"), 2},
    {"value 0", BYTES("II*\0\x08\0\0\0" "\x01\0" "\x12\x01\x03\0\x01\0\0\0\0\0\0\0"), 1},
    {"value 9", BYTES("II*\0\x08\0\0\0" "\x01\0" "\x12\x01\x03\0\x01\0\0\0\x09\0\0\0"), 1},
    {"two values", BYTES("II*\0\x08\0\0\0" "\x01\0" "\x12\x01\x03\0\x02\0\0\0\x06\0\x06\0"), 1},
    {"text", BYTES("II*\0\x08\0\0\0" "\x01\0" "\x12\x01\x02\0\x01\0\0\0\x06\0\0\0"), 1},
    {"no tag", BYTES("II*\0\x08\0\0\0\0\0"), 1},
    {"directory beyond the end", BYTES("II*\0\xf0\xff\xff\xff\x01\0"), 1},
    {"directory in the header", BYTES("II*\0\0\0\0\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"), 1},
    {"tag cut off", BYTES("II*\0\x08\0\0\0" "\x01\0" "\x12\x01\x03\0\x01\0\0\0\x06\0\0"), 1},
    {"not TIFF", BYTES("IM*\0\x08\0\0\0" "\x01\0" "\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"), 1},
    {"another number than 42",
     BYTES("II+\0\x08\0\0\0" "\x01\0" "\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"), 1},
    {"header only", BYTES("II*\0\x08\0\0\0"), 1},
    {"empty", BYTES(""), 1},
};

/* A copy of its own size, so that a sanitizer sees each step beyond it. */
static uint8_t *copy_bytes(const struct known *known, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        abort();
    memcpy(copy, known->bytes, size);
    return copy;
}

static void test_known(const struct known *known)
{
    uint8_t *copy = copy_bytes(known, known->size);
    tap_ok(exif_orientation(copy, known->size) == known->orientation, "%s: %u", known->name,
           known->orientation);
    exif_reset_orientation(copy, known->size);
    size_t changed = 0;
    for (size_t i = 0; i < known->size; i++)
        changed += copy[i] != known->bytes[i];
    bool upright = exif_orientation(copy, known->size) == 1;
    tap_ok(upright && changed <= 1, "%s: reset changes that value alone", known->name);
    free(copy);
}

/* Any byte changed to anything, cut off anywhere: an answer from 1 to 8, and nothing else read. */
static void test_damage(const struct known *known)
{
    bool sane = true;
    for (size_t size = 0; size <= known->size; size++)
        for (size_t at = 0; at < size; at++)
            for (unsigned value = 0; value < 256; value += size == known->size ? 1 : 51) {
                uint8_t *copy = copy_bytes(known, size);
                copy[at] = (uint8_t)value;
                unsigned orientation = exif_orientation(copy, size);
                sane = sane && orientation >= 1 && orientation <= 8;
                exif_reset_orientation(copy, size);
                sane = sane && exif_orientation(copy, size) == 1;
                free(copy);
            }
    tap_ok(sane, "%s: damaged", known->name);
}

int main(void)
{
    for (size_t i = 0; i < sizeof knowns / sizeof knowns[0]; i++) {
        test_known(&knowns[i]);
        test_damage(&knowns[i]);
    }
    tap_ok(exif_orientation(NULL, 0) == 1, "no block at all");
    exif_reset_orientation(NULL, 0);
    return tap_done();
}
