/* SPDX-License-Identifier: MIT */
/* Adobe Swatch Exchange. Adobe has not published the format; it is as Olivier Berten's and Carl
 * Camera's descriptions have it: "ASEF", version, number of blocks; a block is a type, the length
 * of the rest, a name in UTF-16 that ends with 0, and for a colour its model, its values as
 * single-precision floats and a kind. Everything is big-endian. */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "color/color_space.h"
#include "color/lab.h"
#include "color/swatches_parts.h"

enum {
    HEADER_BYTES = 12,
    BLOCK_HEADER_BYTES = 6,
    BLOCK_COLOR = 0x0001,
    KIND_NORMAL = 2,
    NAME_MOST = 65534 /* UTF-16 units, without the 0 at the end */
};

/* Bytes that are left of a block. */
struct span {
    const uint8_t *at;
    size_t left;
};

static unsigned u16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint32_t u32(const uint8_t *bytes)
{
    return (uint32_t)u16(bytes) << 16 | u16(bytes + 2);
}

/* The next COUNT bytes, or NULL where there are fewer. */
static const uint8_t *take(struct span *span, size_t count)
{
    const uint8_t *bytes = span->at;
    if (span->left < count)
        return NULL;
    span->at += count;
    span->left -= count;
    return bytes;
}

bool swatches_is_ase(const uint8_t *data, size_t size)
{
    return size >= 4 && memcmp(data, "ASEF", 4) == 0;
}

static void add_character(struct text *text, uint32_t c)
{
    char bytes[4];
    size_t count = 0;
    if (c < 0x80) {
        bytes[count++] = (char)c;
    } else if (c < 0x800) {
        bytes[count++] = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        bytes[count++] = (char)(0xe0 | c >> 12);
        bytes[count++] = (char)(0x80 | (c >> 6 & 63));
    } else {
        bytes[count++] = (char)(0xf0 | c >> 18);
        bytes[count++] = (char)(0x80 | (c >> 12 & 63));
        bytes[count++] = (char)(0x80 | (c >> 6 & 63));
    }
    if (c >= 0x80)
        bytes[count++] = (char)(0x80 | (c & 63));
    text_add_bytes(text, bytes, count);
}

/* COUNT units of UTF-16 up to a 0; halves of pairs without the other are U+FFFD. */
static void add_utf16(struct text *text, const uint8_t *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t c = u16(units + 2 * i);
        uint32_t next = i + 1 < count ? u16(units + 2 * i + 2) : 0;
        if (c == 0)
            return;
        if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
            i++;
        } else if (c >= 0xd800 && c < 0xe000) {
            c = 0xfffd;
        }
        add_character(text, c);
    }
}

enum model { MODEL_RGB, MODEL_GREY, MODEL_CMYK, MODEL_LAB, MODEL_COUNT };

static const struct {
    char name[5];
    size_t values;
    float low[4], high[4];
} models[MODEL_COUNT] = {
    {"RGB ", 3, {0, 0, 0}, {1, 1, 1}},
    {"Gray", 1, {0}, {1}},
    {"CMYK", 4, {0, 0, 0, 0}, {1, 1, 1, 1}},
    {"LAB ", 3, {0, -128, -128}, {1, 128, 128}},
};

/* Some writers have GRAY in capitals. */
static enum model find_model(const uint8_t *name)
{
    enum model model = MODEL_RGB;
    while (model < MODEL_COUNT && memcmp(name, models[model].name, 4) != 0)
        model++;
    return model == MODEL_COUNT && memcmp(name, "GRAY", 4) == 0 ? MODEL_GREY : model;
}

/* VALUE of MODEL to encoded sRGB and Lab (D65). */
static void convert(enum model model, const double value[4], double srgb[3], double lab[3])
{
    double d50[3] = {100 * value[0], value[1], value[2]}, linear[3];
    if (model == MODEL_LAB) {
        color_space_to_linear(COLOR_LAB_D50, d50, linear);
        lab_from_linear(linear, lab);
        color_space_fit_srgb(linear, srgb);
        return;
    }
    for (int i = 0; i < 3; i++)
        srgb[i] = model == MODEL_RGB    ? value[i]
                  : model == MODEL_GREY ? value[0]
                                        : (1 - value[i]) * (1 - value[3]);
    swatches_lab(srgb, lab);
}

/* The values of a colour; false with a complaint where one is not in its range, to a step of 8
 * bits, or is not a number. */
static bool take_values(struct swatches_reader *reader, struct span *block, enum model model,
                        double value[4])
{
    for (size_t i = 0; i < models[model].values; i++) {
        const uint8_t *bytes = take(block, 4);
        if (bytes == NULL) {
            swatches_refuse(reader, "the block ends inside of a colour");
            return false;
        }
        float low = models[model].low[i], high = models[model].high[i];
        float number = float_of((int32_t)u32(bytes));
        if (!(number >= low - 1.0f / 255 && number <= high + 1.0f / 255)) {
            swatches_refuse(reader, "value %zu of %.*s is %g, not from %g to %g", i + 1,
                            (int)strcspn(models[model].name, " "), models[model].name,
                            (double)number, (double)low, (double)high);
            return false;
        }
        value[i] = fmin(fmax((double)number, (double)low), (double)high);
    }
    return true;
}

static bool read_color(struct swatches_reader *reader, struct span block, struct error *error)
{
    const uint8_t *length = take(&block, 2);
    const uint8_t *name = length == NULL ? NULL : take(&block, (size_t)u16(length) * 2);
    const uint8_t *model_name = name == NULL ? NULL : take(&block, 4);
    double value[4] = {0}, srgb[3], lab[3];
    if (model_name == NULL) {
        swatches_refuse(reader, "the block ends inside of a name");
        return true;
    }
    enum model model = find_model(model_name);
    if (model == MODEL_COUNT) {
        swatches_refuse(reader, "'%.4s' is not one of RGB, LAB, Gray and CMYK",
                        (const char *)model_name);
        return true;
    }
    if (!take_values(reader, &block, model, value))
        return true;
    convert(model, value, srgb, lab);
    reader->text.length = 0;
    text_add(&reader->text, "");
    add_utf16(&reader->text, name, u16(length));
    return !reader->text.failed &&
           swatches_accept(reader, "", reader->text.data, lab, swatches_rgb(srgb), error);
}

bool swatches_read_ase(struct swatches_reader *reader, struct error *error)
{
    struct span file = {reader->data, reader->size};
    const uint8_t *header = take(&file, HEADER_BYTES);
    if (header == NULL)
        return error_set(error, ERROR_TRUNCATED, "truncated in the header");
    if (u16(header + 4) != 1)
        return error_set(error, ERROR_UNSUPPORTED, "version %u.%u of ASE, not 1.0", u16(header + 4),
                         u16(header + 6));
    uint32_t blocks = u32(header + 8);
    for (uint32_t i = 0; i < blocks; i++) {
        reader->line = (size_t)i + 1;
        const uint8_t *start = take(&file, BLOCK_HEADER_BYTES);
        const uint8_t *data = start == NULL ? NULL : take(&file, u32(start + 2));
        if (data == NULL)
            return error_set(error, ERROR_TRUNCATED, "truncated in block %u of %u", i + 1, blocks);
        struct span block = {data, u32(start + 2)};
        if (u16(start) == BLOCK_COLOR && !read_color(reader, block, error))
            return false;
    }
    return true;
}

static void add_u16(struct text *text, unsigned value)
{
    char bytes[2] = {(char)(value >> 8), (char)value};
    text_add_bytes(text, bytes, sizeof bytes);
}

static void add_u32(struct text *text, uint32_t value)
{
    add_u16(text, value >> 16);
    add_u16(text, value & 0xffff);
}

/* The character at *P, which is valid UTF-8; *P moves behind it. */
static uint32_t take_character(const unsigned char **p)
{
    const unsigned char *at = *p;
    size_t more = at[0] < 0x80 ? 0 : at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? at[0] : at[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++)
        c = c << 6 | (at[i] & 63);
    *p = at + more + 1;
    return c;
}

/* UTF-16 of STRING, cut where it is longer than a name can be. */
static void add_utf16_of(struct text *text, const char *string)
{
    const unsigned char *p = (const unsigned char *)string;
    size_t start = text->length;
    while (*p != '\0' && text->length - start < 2 * (NAME_MOST - 1)) {
        uint32_t c = take_character(&p);
        if (c >= 0x10000) {
            add_u16(text, 0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        add_u16(text, c);
    }
    add_u16(text, 0);
}

static void write_color(const struct swatch *item, struct text *block)
{
    struct text label = {0}, name = {0};
    text_add(&label, "");
    swatches_label(item, &label);
    if (!label.failed)
        add_utf16_of(&name, label.data);
    add_u16(block, (unsigned)(name.length / 2));
    text_add_bytes(block, name.data == NULL ? "" : name.data, name.length);
    text_add_bytes(block, models[MODEL_RGB].name, 4);
    for (int shift = 16; shift >= 0; shift -= 8)
        add_u32(block, (uint32_t)bits_of((float)(item->rgb >> shift & 255) / 255.0f));
    add_u16(block, KIND_NORMAL);
    block->failed = block->failed || label.failed || name.failed;
    text_free(&name);
    text_free(&label);
}

void swatches_write_ase(const struct swatches *swatches, struct text *out)
{
    struct text block = {0};
    text_add(out, "ASEF");
    add_u16(out, 1);
    add_u16(out, 0);
    add_u32(out, (uint32_t)swatches->count);
    for (size_t i = 0; i < swatches->count; i++) {
        block.length = 0;
        write_color(&swatches->items[i], &block);
        add_u16(out, BLOCK_COLOR);
        add_u32(out, (uint32_t)block.length);
        text_add_bytes(out, block.data == NULL ? "" : block.data, block.length);
    }
    out->failed = out->failed || block.failed;
    text_free(&block);
}
