/* SPDX-License-Identifier: MIT */
#include "codec/pam_header.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_MAX_BYTES = 64 * 1024, /* without the characters of profiles */
    LINE_MAX_BYTES = 255,
    TEXT_MAX_BYTES = 6 << 20,     /* base64 of 4 MiB, and some air */
    PREFIX_MAX_BYTES = 16,        /* "# imgtool:exif \n" */
    LINE_BLOB_BYTES = 45          /* of a profile in a line, 60 characters there */
};

enum pam_note { NOTE_ICC, NOTE_EXIF, NOTE_XMP, NOTE_ORIGIN, NOTE_COUNT };
static const char *const note_words[NOTE_COUNT] = {"imgtool:icc", "imgtool:exif", "imgtool:xmp",
                                                   "imgtool:origin"};

enum pam_field { FIELD_WIDTH, FIELD_HEIGHT, FIELD_DEPTH, FIELD_MAXVAL, FIELD_COUNT };
static const char *const field_words[FIELD_COUNT] = {"WIDTH", "HEIGHT", "DEPTH", "MAXVAL"};

static const struct pam_type {
    const char *name;
    unsigned depth;
    enum image_color color;
    bool alpha, bilevel;
} types[] = {
    {"GRAYSCALE", 1, IMAGE_GREY, false, false},
    {"GRAYSCALE_ALPHA", 2, IMAGE_GREY, true, false},
    {"RGB", 3, IMAGE_RGB, false, false},
    {"RGB_ALPHA", 4, IMAGE_RGB, true, false},
    {"BLACKANDWHITE", 1, IMAGE_GREY, false, true},
    {"BLACKANDWHITE_ALPHA", 2, IMAGE_GREY, true, true},
};

/* What the comments of one kind say, end to end. */
struct pam_text {
    char *data;
    size_t used, capacity;
    bool too_long;
};

struct pam_parser {
    struct source *source;
    const uint8_t *look; /* bytes shown by the source; the first LOOK_AT of them are consumed */
    size_t look_at, look_size;
    size_t budget_bytes; /* how much longer the header may be */
    bool keep_metadata;
    int magic; /* '5', '6', '7' */
    uint64_t fields[FIELD_COUNT];
    bool given[FIELD_COUNT];
    char tuple_type[LINE_MAX_BYTES + 1];
    struct pam_text notes[NOTE_COUNT];
};

static bool pam_is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool pam_header_sniff(const uint8_t *head, size_t size)
{
    return size >= 3 && head[0] == 'P' &&
           ((head[1] >= '1' && head[1] <= '7') || head[1] == 'f' || head[1] == 'F') &&
           (pam_is_space(head[2]) || head[2] == '#');
}

/* ---- Bytes and comments ---- */

/* The next byte of the header; -1 with an error set. */
static int pam_next(struct pam_parser *parser, struct error *error)
{
    if (parser->look_at == parser->look_size) {
        source_take(parser->source, parser->look_at);
        parser->look_at = parser->look_size = 0;
        size_t got = 0;
        parser->look = source_peek(parser->source, 1, &got, error);
        if (parser->look == NULL)
            return -1;
        if (got == 0) {
            error_set(error, ERROR_TRUNCATED, "truncated in the header");
            return -1;
        }
        parser->look_size = got;
    }
    if (parser->budget_bytes == 0) {
        error_set(error, ERROR_CORRUPT, "the header is longer than %d KiB",
                  HEADER_MAX_BYTES / 1024);
        return -1;
    }
    parser->budget_bytes--;
    return parser->look[parser->look_at++];
}

static bool pam_text_add(struct pam_text *text, char c, struct error *error)
{
    if (text->used == TEXT_MAX_BYTES)
        text->too_long = true;
    if (text->too_long)
        return true;
    if (text->used == text->capacity) {
        size_t capacity = text->capacity == 0 ? 4096 : text->capacity * 2;
        char *data = realloc(text->data, capacity);
        if (data == NULL)
            return error_set(error, ERROR_NO_MEMORY, "out of memory for a profile");
        text->data = data;
        text->capacity = capacity;
    }
    text->data[text->used++] = c;
    return true;
}

/* Which of our notes a comment is; NOTE_COUNT for none. *LAST is the byte behind its word. */
static enum pam_note pam_read_note_word(struct pam_parser *parser, int *last, struct error *error)
{
    char word[PREFIX_MAX_BYTES];
    size_t length = 0;
    int c;
    while ((c = pam_next(parser, error)) == ' ')
        ;
    for (; c >= 0 && !pam_is_space(c); c = pam_next(parser, error))
        if (length + 1 < sizeof word)
            word[length++] = (char)c;
    word[length] = '\0';
    *last = c;
    enum pam_note note = 0;
    while (note < NOTE_COUNT && strcmp(word, note_words[note]) != 0)
        note++;
    return note;
}

/* The rest of a comment, behind its '#'. Returns the byte that ended it, -1 with an error set.
 * Like netpbm, a carriage return ends it too, but not in P7. */
static int pam_read_comment(struct pam_parser *parser, struct error *error)
{
    int c;
    enum pam_note note = pam_read_note_word(parser, &c, error);
    bool wanted = note == NOTE_ICC || note == NOTE_ORIGIN ||
                  (note < NOTE_COUNT && parser->keep_metadata);
    bool refunded = false;
    for (; c >= 0 && c != '\n' && (c != '\r' || parser->magic == '7');
         c = pam_next(parser, error)) {
        if (note == NOTE_COUNT || pam_is_space(c))
            continue;
        /* How long a profile may be is said elsewhere, so its line is free. */
        parser->budget_bytes += refunded ? 1 : 1 + PREFIX_MAX_BYTES;
        refunded = true;
        if (wanted && !pam_text_add(&parser->notes[note], (char)c, error))
            return -1;
    }
    return c;
}

/* Appends a digit to VALUE, which stays at 10^18 however many more follow. */
static uint64_t pam_add_digit(uint64_t value, int digit)
{
    const uint64_t most = 1000000000000000000u;
    value = value * 10 + (unsigned)(digit - '0');
    return value < most ? value : most;
}

/* ---- P5 and P6 ---- */

/* A number and the one white space (or comment) behind it. */
static bool pam_read_number(struct pam_parser *parser, enum pam_field field, struct error *error)
{
    bool digits = false;
    uint64_t value = 0;
    int c = pam_next(parser, error);
    while (pam_is_space(c) || c == '#')
        c = c == '#' ? pam_read_comment(parser, error) : pam_next(parser, error);
    for (; c >= '0' && c <= '9'; c = pam_next(parser, error)) {
        value = pam_add_digit(value, c);
        digits = true;
    }
    if (c == '#')
        c = pam_read_comment(parser, error);
    if (c < 0)
        return false;
    parser->fields[field] = value;
    if (digits && pam_is_space(c))
        return true;
    return error_set(error, ERROR_CORRUPT, "the header's %s is not a number", field_words[field]);
}

static bool pam_read_plain_header(struct pam_parser *parser, struct error *error)
{
    parser->fields[FIELD_DEPTH] = parser->magic == '6' ? 3 : 1;
    return pam_read_number(parser, FIELD_WIDTH, error) &&
           pam_read_number(parser, FIELD_HEIGHT, error) &&
           pam_read_number(parser, FIELD_MAXVAL, error);
}

/* ---- P7 ---- */

/* The next line that is no comment, without the white space around it. */
static bool pam_read_line(struct pam_parser *parser, char line[LINE_MAX_BYTES + 1],
                          struct error *error)
{
    size_t length = 0;
    int c = pam_next(parser, error);
    while (c == '#') {
        if (pam_read_comment(parser, error) < 0)
            return false;
        c = pam_next(parser, error);
    }
    for (; c >= 0 && c != '\n'; c = pam_next(parser, error)) {
        if (length == LINE_MAX_BYTES)
            return error_set(error, ERROR_CORRUPT, "the header has a line over %d bytes",
                             LINE_MAX_BYTES);
        if (c == '\0')
            return error_set(error, ERROR_CORRUPT, "the header has a zero byte");
        if (length > 0 || !pam_is_space(c))
            line[length++] = (char)c;
    }
    while (length > 0 && pam_is_space((unsigned char)line[length - 1]))
        length--;
    line[length] = '\0';
    return c >= 0;
}

/* Several lines of TUPLTYPE are one, says pam(5). */
static bool pam_add_tuple_type(struct pam_parser *parser, const char *value, struct error *error)
{
    size_t used = strlen(parser->tuple_type), left = sizeof parser->tuple_type - used;
    int added = snprintf(parser->tuple_type + used, left, "%s%s", used > 0 ? " " : "", value);
    if ((size_t)added >= left)
        return error_set(error, ERROR_CORRUPT, "the header's TUPLTYPE is too long");
    return true;
}

static bool pam_read_field(struct pam_parser *parser, char *line, struct error *error)
{
    size_t label = strcspn(line, " \t\v\f\r");
    char *value = line + label;
    if (*value != '\0')
        *value++ = '\0';
    value += strspn(value, " \t\v\f\r");
    if (strcmp(line, "TUPLTYPE") == 0)
        return pam_add_tuple_type(parser, value, error);
    enum pam_field field = 0;
    while (field < FIELD_COUNT && strcmp(line, field_words[field]) != 0)
        field++;
    if (field == FIELD_COUNT)
        return error_set(error, ERROR_CORRUPT, "the header has an unknown line before ENDHDR");
    if (parser->given[field])
        return error_set(error, ERROR_CORRUPT, "the header gives %s twice", line);
    parser->given[field] = true;
    if (*value == '\0' || value[strspn(value, "0123456789")] != '\0')
        return error_set(error, ERROR_CORRUPT, "the header's %s is not a number", line);
    for (; *value != '\0'; value++)
        parser->fields[field] = pam_add_digit(parser->fields[field], *value);
    return true;
}

static bool pam_read_pam_header(struct pam_parser *parser, struct error *error)
{
    char line[LINE_MAX_BYTES + 1];
    if (!pam_read_line(parser, line, error))
        return false;
    if (line[0] != '\0')
        return error_set(error, ERROR_CORRUPT, "the header has something behind P7");
    for (;;) {
        if (!pam_read_line(parser, line, error))
            return false;
        if (strcmp(line, "ENDHDR") == 0)
            break;
        if (line[0] != '\0' && !pam_read_field(parser, line, error))
            return false;
    }
    for (enum pam_field field = 0; field < FIELD_COUNT; field++)
        if (!parser->given[field])
            return error_set(error, ERROR_CORRUPT, "the header has no %s", field_words[field]);
    return true;
}

/* ---- Base64 ---- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_encode(char *to, const uint8_t *from, size_t size)
{
    for (size_t i = 0; i < size; i += 3, to += 4) {
        size_t left = size - i;
        unsigned bits = (unsigned)from[i] << 16;
        bits |= left > 1 ? (unsigned)from[i + 1] << 8 : 0;
        bits |= left > 2 ? from[i + 2] : 0;
        to[0] = base64_digits[bits >> 18];
        to[1] = base64_digits[bits >> 12 & 63];
        to[2] = left > 1 ? base64_digits[bits >> 6 & 63] : '=';
        to[3] = left > 2 ? base64_digits[bits & 63] : '=';
    }
}

/* Replaces TEXT by what it stands for. False where it is not exactly what an encoder writes. */
static bool base64_decode(char *text, size_t length, size_t *size)
{
    int8_t values[256];
    memset(values, -1, sizeof values);
    for (int8_t i = 0; i < 64; i++)
        values[(unsigned char)base64_digits[i]] = i;
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    if (length % 4 != 0)
        return false;
    uint8_t *to = (uint8_t *)text;
    for (size_t i = 0; i < length; i += 4) {
        size_t empty = i + 4 == length ? padding : 0;
        unsigned bits = 0;
        for (size_t j = 0; j < 4; j++) {
            int value = j < 4 - empty ? values[(unsigned char)text[i + j]] : 0;
            if (value < 0)
                return false;
            bits = bits << 6 | (unsigned)value;
        }
        if ((bits & ((1u << (8 * empty)) - 1)) != 0)
            return false;
        for (size_t j = 0; j < 3 - empty; j++)
            *to++ = (uint8_t)(bits >> (16 - 8 * j));
    }
    *size = (size_t)(to - (uint8_t *)text);
    return true;
}

/* ---- What the header means ---- */

/* The type by its name, or by the depth where there is no name; NULL with an error set. */
static const struct pam_type *pam_find_type(const struct pam_parser *parser, struct error *error)
{
    unsigned long long depth = parser->fields[FIELD_DEPTH], maxval = parser->fields[FIELD_MAXVAL];
    bool named = parser->tuple_type[0] != '\0';
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (named ? strcmp(parser->tuple_type, types[i].name) != 0 : types[i].depth != depth)
            continue;
        if (types[i].depth == depth && (!types[i].bilevel || maxval == 1))
            return &types[i];
        error_set(error, ERROR_CORRUPT, "TUPLTYPE %s with DEPTH %llu and MAXVAL %llu",
                  types[i].name, depth, maxval);
        return NULL;
    }
    if (named)
        error_set(error, ERROR_UNSUPPORTED, "this TUPLTYPE is not supported; GRAYSCALE, RGB, "
                  "BLACKANDWHITE, and these with _ALPHA are");
    else
        error_set(error, depth == 0 ? ERROR_CORRUPT : ERROR_UNSUPPORTED,
                  "DEPTH %llu without TUPLTYPE, 1 to 4 is expected", depth);
    return NULL;
}

/* Moves the notes into the header. A bad one is ignored with a warning: the pixels are fine. */
static void pam_use_notes(struct pam_parser *parser, struct pam_header *header)
{
    struct blob *blobs[] = {&header->metadata.icc, &header->metadata.exif, &header->metadata.xmp};
    static const char *const names[] = {"ICC profile", "EXIF", "XMP"};
    for (enum pam_note note = NOTE_ICC; note <= NOTE_XMP; note++) {
        struct pam_text *text = &parser->notes[note];
        size_t size = 0;
        if (text->data == NULL)
            continue;
        bool whole = !text->too_long && base64_decode(text->data, text->used, &size);
        if (whole && size <= CODEC_ICC_MAX_BYTES) {
            *blobs[note] = (struct blob){(uint8_t *)text->data, size};
            text->data = NULL;
        } else {
            snprintf(header->warning, sizeof header->warning, "%s %s in the header ignored",
                     names[note], whole || text->too_long ? "over 4 MiB" : "with bad base64");
        }
    }
    const struct pam_text *origin = &parser->notes[NOTE_ORIGIN];
    char name[8];
    if (origin->used > 0 && origin->used < sizeof name) {
        memcpy(name, origin->data, origin->used);
        name[origin->used] = '\0';
        header->origin = codec_by_name(name);
    }
}

static bool pam_parse(struct pam_parser *parser, struct error *error)
{
    int letter = pam_next(parser, error);
    parser->magic = letter < 0 ? -1 : pam_next(parser, error);
    if (parser->magic < 0)
        return false;
    if (letter != 'P')
        return error_set(error, ERROR_CORRUPT, "not a netpbm image");
    if (parser->magic < '5' || parser->magic > '7')
        return error_set(error, ERROR_UNSUPPORTED, "netpbm type P%c is not supported; binary "
                         "P5 (PGM), P6 (PPM) and P7 (PAM) are",
                         isalnum(parser->magic) ? parser->magic : '?');
    if (parser->magic == '7')
        return pam_read_pam_header(parser, error);
    return pam_read_plain_header(parser, error);
}

bool pam_header_read(struct pam_header *header, struct source *source, bool keep_metadata,
                     struct error *error)
{
    static const char *const magics[] = {"P5", "P6", "P7"};
    struct pam_parser parser = {.source = source,
                                .budget_bytes = HEADER_MAX_BYTES,
                                .keep_metadata = keep_metadata};
    *header = (struct pam_header){0};
    bool done = pam_parse(&parser, error);
    source_take(source, parser.look_at);
    const struct pam_type *type = done ? pam_find_type(&parser, error) : NULL;
    uint64_t maxval = parser.fields[FIELD_MAXVAL];
    if (type != NULL && (maxval == 0 || maxval > 65535))
        done = error_set(error, ERROR_CORRUPT, "MAXVAL %llu, 1 to 65535 is expected",
                         (unsigned long long)maxval);
    if (type != NULL && done) {
        header->magic = magics[parser.magic - '5'];
        header->width = parser.fields[FIELD_WIDTH];
        header->height = parser.fields[FIELD_HEIGHT];
        header->maxval = (unsigned)maxval;
        header->color = type->color;
        header->alpha = type->alpha;
        pam_use_notes(&parser, header);
    }
    for (enum pam_note note = 0; note < NOTE_COUNT; note++)
        free(parser.notes[note].data);
    return type != NULL && done;
}

/* ---- Writing ---- */

static bool pam_write_note(struct sink *sink, enum pam_note note, const struct blob *blob)
{
    char line[128];
    bool done = true;
    for (size_t at = 0; done && at < blob->size; at += LINE_BLOB_BYTES) {
        size_t size = blob->size - at < LINE_BLOB_BYTES ? blob->size - at : LINE_BLOB_BYTES;
        size_t length = (size_t)snprintf(line, sizeof line, "# %s ", note_words[note]);
        base64_encode(line + length, blob->data + at, size);
        length += (size + 2) / 3 * 4;
        line[length++] = '\n';
        done = sink_write(sink, line, length);
    }
    return done;
}

bool pam_header_write(struct sink *sink, const struct image *image, enum codec_format origin)
{
    const struct image_shape *shape = &image->shape;
    const struct image_metadata *metadata = &image->metadata;
    char text[256];
    int length = 0;
    size_t type = 0;
    while (types[type].color != shape->color || types[type].alpha != shape->alpha)
        type++;
    if (origin == CODEC_NONE)
        length = snprintf(text, sizeof text, "P7\n");
    else
        length = snprintf(text, sizeof text, "P7\n# %s %s\n", note_words[NOTE_ORIGIN],
                          codec_of(origin)->name);
    if (!sink_write(sink, text, (size_t)length) ||
        !pam_write_note(sink, NOTE_ICC, &metadata->icc) ||
        !pam_write_note(sink, NOTE_EXIF, &metadata->exif) ||
        !pam_write_note(sink, NOTE_XMP, &metadata->xmp))
        return false;
    length = snprintf(text, sizeof text,
                      "WIDTH %lu\nHEIGHT %lu\nDEPTH %u\nMAXVAL %u\nTUPLTYPE %s\nENDHDR\n",
                      (unsigned long)shape->width, (unsigned long)shape->height,
                      types[type].depth, shape->depth == 16 ? 65535u : 255u, types[type].name);
    return sink_write(sink, text, (size_t)length);
}
