/* SPDX-License-Identifier: MIT */
#include "color/swatches.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "color/lab.h"
#include "color/swatches_parts.h"

static bool swatches_reserve(struct swatches *swatches, struct error *error)
{
    size_t capacity = swatches->capacity == 0 ? 64 : 2 * swatches->capacity, bytes;
    struct swatch *items = NULL;
    if (swatches->count < swatches->capacity)
        return true;
    if (memory_multiply(capacity, sizeof *items, &bytes))
        items = realloc(swatches->items, bytes);
    if (items == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory for %zu colours", capacity);
    swatches->items = items;
    swatches->capacity = capacity;
    return true;
}

/* A copy of STRING as the header promises; NULL without memory. */
static char *clean_copy(const char *string)
{
    struct text clean = {0};
    text_add_utf8(&clean, string);
    if (clean.length == 0)
        text_add(&clean, "");
    if (clean.failed) {
        text_free(&clean);
        return NULL;
    }
    for (char *p = clean.data; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    return clean.data;
}

bool swatches_add(struct swatches *swatches, const char *code, const char *name,
                  const double lab[3], uint32_t rgb, struct error *error)
{
    if (!swatches_reserve(swatches, error))
        return false;
    struct swatch *item = &swatches->items[swatches->count];
    *item = (struct swatch){clean_copy(code), clean_copy(name), {lab[0], lab[1], lab[2]}, rgb, 0};
    if (item->code == NULL || item->name == NULL) {
        free(item->code);
        free(item->name);
        return error_set(error, ERROR_NO_MEMORY, "out of memory for the name of a colour");
    }
    swatches->count++;
    return true;
}

void swatches_free(struct swatches *swatches)
{
    for (size_t i = 0; i < swatches->count; i++) {
        free(swatches->items[i].code);
        free(swatches->items[i].name);
    }
    free(swatches->items);
    *swatches = (struct swatches){0};
}

bool swatches_line(struct swatches_reader *reader)
{
    const char *start = (const char *)reader->data + reader->at;
    size_t left = reader->size - reader->at;
    if (left == 0)
        return false;
    const char *end = memchr(start, '\n', left);
    size_t length = end == NULL ? left : (size_t)(end - start);
    reader->at += end == NULL ? left : length + 1;
    reader->line++;
    while (length > 0 && start[length - 1] == '\r')
        length--;
    reader->text.length = 0;
    for (const char *nul; (nul = memchr(start, '\0', length)) != NULL;) {
        text_add_bytes(&reader->text, start, (size_t)(nul - start));
        text_add(&reader->text, "\xef\xbf\xbd");
        length -= (size_t)(nul - start) + 1;
        start = nul + 1;
    }
    text_add_bytes(&reader->text, start, length);
    return !reader->text.failed;
}

void swatches_refuse(struct swatches_reader *reader, const char *format, ...)
{
    char message[400];
    va_list args;
    reader->swatches->bad++;
    if (reader->complain == NULL)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    reader->complain(reader->context, reader->line, message);
}

bool swatches_accept(struct swatches_reader *reader, const char *code, const char *name,
                     const double lab[3], uint32_t rgb, struct error *error)
{
    struct swatches *swatches = reader->swatches;
    if (!swatches_add(swatches, code, name, lab, rgb, error))
        return false;
    swatches->items[swatches->count - 1].line = reader->line;
    return true;
}

uint32_t swatches_rgb(const double srgb[3])
{
    uint32_t rgb = 0;
    for (int i = 0; i < 3; i++)
        rgb = rgb << 8 | (uint32_t)lrint(fmin(fmax(srgb[i], 0), 1) * 255);
    return rgb;
}

void swatches_lab(const double srgb[3], double lab[3])
{
    double linear[3];
    for (int i = 0; i < 3; i++)
        linear[i] = srgb_decode(srgb[i]);
    lab_from_linear(linear, lab);
}

void swatches_label(const struct swatch *swatch, struct text *out)
{
    text_add(out, swatch->code);
    text_add(out, swatch->code[0] != '\0' && swatch->name[0] != '\0' ? " " : "");
    text_add(out, swatch->name);
}

/* Orders by what makes a duplicate; equal ones by their place. */
static int compare_identity(const void *one, const void *two)
{
    const struct swatch *a = *(const struct swatch *const *)one;
    const struct swatch *b = *(const struct swatch *const *)two;
    int order = strcmp(a->code, b->code);
    if (order == 0 && a->code[0] == '\0') {
        order = strcmp(a->name, b->name);
        if (order == 0 && a->rgb != b->rgb)
            order = a->rgb < b->rgb ? -1 : 1;
    }
    return order != 0 ? order : a < b ? -1 : a > b;
}

static bool is_duplicate(const struct swatch *first, const struct swatch *second)
{
    if (first->code[0] != '\0' || second->code[0] != '\0')
        return strcmp(first->code, second->code) == 0;
    return first->name[0] != '\0' && strcmp(first->name, second->name) == 0 &&
           first->rgb == second->rgb;
}

/* Takes out the swatches whose FIRST, the line of the one before them, is not 0. */
static void remove_duplicates(struct swatches_reader *reader, const size_t *first)
{
    struct swatches *swatches = reader->swatches;
    size_t kept = 0;
    for (size_t i = 0; i < swatches->count; i++) {
        struct swatch *item = &swatches->items[i];
        if (first[i] == 0) {
            swatches->items[kept++] = *item;
            continue;
        }
        reader->line = item->line;
        swatches_refuse(reader, "'%.200s' is there already, at %zu",
                        item->code[0] != '\0' ? item->code : item->name, first[i]);
        swatches->bad--;
        free(item->code);
        free(item->name);
    }
    swatches->count = kept;
}

/* By sorting: however the names are chosen, it stays quick. */
static bool drop_duplicates(struct swatches_reader *reader, struct error *error)
{
    struct swatches *swatches = reader->swatches;
    size_t count = swatches->count;
    const struct swatch **sorted = memory_array(count, sizeof *sorted, error);
    size_t *first = memory_zeroed(count, sizeof *first, error);
    bool done = sorted != NULL && first != NULL;
    if (done) {
        for (size_t i = 0; i < count; i++)
            sorted[i] = &swatches->items[i];
        qsort(sorted, count, sizeof *sorted, compare_identity);
        for (size_t i = 1, start = 0; i < count; i++) {
            if (is_duplicate(sorted[start], sorted[i]))
                first[sorted[i] - swatches->items] = sorted[start]->line;
            else
                start = i;
        }
        remove_duplicates(reader, first);
    }
    free(first);
    free(sorted);
    return done;
}

static bool read_any(struct swatches_reader *reader, struct error *error)
{
    static const uint8_t utf8_mark[] = {0xef, 0xbb, 0xbf};
    if (reader->size == 0)
        return error_set(error, ERROR_TRUNCATED, "is empty, a list of colours is expected");
    if (swatches_is_ase(reader->data, reader->size))
        return swatches_read_ase(reader, error);
    if (reader->size >= 2 && (reader->data[0] ^ reader->data[1]) == 1 && reader->data[0] >= 0xfe) {
        error_set(error, ERROR_UNSUPPORTED, "is text in UTF-16");
        return error_hint(error, "save it as UTF-8");
    }
    if (reader->size >= 3 && memcmp(reader->data, utf8_mark, 3) == 0)
        reader->at = 3;
    if (swatches_is_gpl(reader->data + reader->at, reader->size - reader->at))
        return swatches_read_gpl(reader, error);
    /* Text has no NUL; a name that has one later on is mended. */
    if (memchr(reader->data, '\0', reader->size < 512 ? reader->size : 512) != NULL)
        return error_set(error, ERROR_UNSUPPORTED,
                         "is neither text nor ASE: a CSV, GIMP or ASE list of colours is expected");
    return swatches_read_csv(reader, error);
}

bool swatches_read(struct swatches *swatches, const void *data, size_t size,
                   swatches_complain *complain, void *context, struct error *error)
{
    struct swatches_reader reader = {
        .swatches = swatches, .data = data, .size = size, .complain = complain, .context = context};
    *swatches = (struct swatches){0};
    bool done = read_any(&reader, error);
    if (reader.text.failed)
        done = error_set(error, ERROR_NO_MEMORY, "out of memory for a line");
    done = done && drop_duplicates(&reader, error);
    if (done && swatches->count == 0)
        done = error_set(error, ERROR_CORRUPT, "has no colours");
    text_free(&reader.text);
    if (!done)
        swatches_free(swatches);
    return done;
}

/* A comment must not end before its end. */
static void add_css_comment(const char *label, struct text *out)
{
    for (const char *p = label; *p != '\0'; p++)
        text_add_bytes(out, p[0] == '*' && p[1] == '/' ? " " : p, 1);
}

void swatches_write_css(const struct swatches *swatches, const char *prefix, struct text *out)
{
    struct text label = {0};
    text_add(out, ":root {\n");
    for (size_t i = 0; i < swatches->count; i++) {
        label.length = 0;
        text_add(&label, "");
        swatches_label(&swatches->items[i], &label);
        text_printf(out, "  --%s-%zu: #%06x;", prefix, i + 1, (unsigned)swatches->items[i].rgb);
        if (label.length > 0) {
            text_add(out, " /* ");
            add_css_comment(label.data, out);
            text_add(out, " */");
        }
        text_add(out, "\n");
    }
    text_add(out, "}\n");
    out->failed = out->failed || label.failed;
    text_free(&label);
}
