/* SPDX-License-Identifier: MIT */
#include "color/icc_scan.h"

/* A string being built: NUL at the end always fits. */
struct writer {
    char *out;
    size_t size, used;
};

/* Appends one character as UTF-8; nothing of it where it does not fit. */
static void writer_add(struct writer *writer, uint32_t character)
{
    uint8_t bytes[4];
    size_t count = 0;
    bool control = character < 0x20 || (character >= 0x7f && character < 0xa0);
    bool surrogate = character >= 0xd800 && character < 0xe000;
    if (control || surrogate || character == 0xfffe || character == 0xffff)
        character = '?';
    if (character < 0x80) {
        bytes[count++] = (uint8_t)character;
    } else if (character < 0x800) {
        bytes[count++] = (uint8_t)(0xc0 | character >> 6);
    } else if (character < 0x10000) {
        bytes[count++] = (uint8_t)(0xe0 | character >> 12);
        bytes[count++] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
    } else {
        bytes[count++] = (uint8_t)(0xf0 | character >> 18);
        bytes[count++] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
        bytes[count++] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
    }
    if (character >= 0x80)
        bytes[count++] = (uint8_t)(0x80 | (character & 0x3f));
    if (count >= writer->size - writer->used)
        return;
    for (size_t i = 0; i < count; i++)
        writer->out[writer->used++] = (char)bytes[i];
    writer->out[writer->used] = '\0';
}

static void add_ascii(struct writer *writer, const uint8_t *text, size_t count)
{
    for (size_t i = 0; i < count && text[i] != 0; i++)
        writer_add(writer, text[i] < 0x80 ? text[i] : '?');
}

static void add_utf16(struct writer *writer, const uint8_t *text, size_t bytes)
{
    for (size_t i = 0; i + 2 <= bytes; i += 2) {
        uint32_t unit = icc_u16(text + i);
        if (unit == 0)
            return;
        uint32_t next = i + 4 <= bytes ? icc_u16(text + i + 2) : 0;
        if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);
            i += 2;
        }
        writer_add(writer, unit);
    }
}

/* multiLocalizedUnicodeType (ICC.1:2010, 10.13): the English text, else the first. */
static void add_localized(struct writer *writer, struct icc_span tag)
{
    if (tag.size < 16 || icc_u32(tag.data + 12) != 12)
        return;
    size_t fitting = (tag.size - 16) / 12, count = icc_u32(tag.data + 8);
    const uint8_t *chosen = NULL;
    for (size_t i = 0; i < count && i < fitting; i++) {
        const uint8_t *record = tag.data + 16 + 12 * i;
        bool english = record[0] == 'e' && record[1] == 'n';
        if (chosen == NULL || english)
            chosen = record;
        if (english)
            break;
    }
    if (chosen == NULL)
        return;
    uint32_t bytes = icc_u32(chosen + 4), offset = icc_u32(chosen + 8);
    if (offset <= tag.size && bytes <= tag.size - offset)
        add_utf16(writer, tag.data + offset, bytes);
}

void icc_name(const struct blob *profile, char *name, size_t size)
{
    struct icc_scan scan;
    struct writer writer = {name, size, 0};
    if (size == 0)
        return;
    name[0] = '\0';
    if (profile->size == 0 || !icc_scan(profile, &scan, NULL))
        return;
    struct icc_span tag = scan.tags[ICC_TAG_DESCRIPTION];
    if (tag.size < 12)
        return;
    uint32_t type = icc_u32(tag.data);
    if (type == ICC_FOURCC('d', 'e', 's', 'c')) {
        size_t stated = icc_u32(tag.data + 8), there = tag.size - 12;
        add_ascii(&writer, tag.data + 12, stated < there ? stated : there);
    } else if (type == ICC_FOURCC('t', 'e', 'x', 't')) {
        add_ascii(&writer, tag.data + 8, tag.size - 8);
    } else if (type == ICC_FOURCC('m', 'l', 'u', 'c')) {
        add_localized(&writer, tag);
    }
}
