/* SPDX-License-Identifier: MIT */
/* What the readers of swatches share. Only for swatches*.c. */
#ifndef COLOR_SWATCHES_PARTS_H
#define COLOR_SWATCHES_PARTS_H

#include "color/swatches.h"

/* A reader's place in its data. */
struct swatches_reader {
    struct swatches *swatches;
    const uint8_t *data;
    size_t size, at;
    size_t line; /* of what was read last */
    swatches_complain *complain;
    void *context;
    struct text text; /* the line */
};

/* The next line as reader->text, without its end, NUL where it has one is U+FFFD. False at the
 * end, or without memory (reader->text.failed). */
bool swatches_line(struct swatches_reader *reader);

/* Says what is wrong with reader->line. */
void swatches_refuse(struct swatches_reader *reader, const char *format, ...) PRINTF_LIKE(2, 3);

/* Adds a colour of reader->line. */
bool swatches_accept(struct swatches_reader *reader, const char *code, const char *name,
                     const double lab[3], uint32_t rgb, struct error *error);

/* Encoded sRGB 0..1 as 0xRRGGBB, and to Lab (D65). */
uint32_t swatches_rgb(const double srgb[3]);
void swatches_lab(const double srgb[3], double lab[3]);

/* "CODE NAME", or the one there is. */
void swatches_label(const struct swatch *swatch, struct text *out);

bool swatches_read_csv(struct swatches_reader *reader, struct error *error);
bool swatches_read_gpl(struct swatches_reader *reader, struct error *error);
bool swatches_read_ase(struct swatches_reader *reader, struct error *error);

/* Recognise by the first bytes. */
bool swatches_is_gpl(const uint8_t *data, size_t size);
bool swatches_is_ase(const uint8_t *data, size_t size);

#endif
