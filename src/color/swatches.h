/* SPDX-License-Identifier: MIT */
/* Lists of named colours in the forms that other programs read and write: CSV, GIMP palettes
 * (.gpl), Adobe Swatch Exchange (.ase), CSS custom properties. */
#ifndef COLOR_SWATCHES_H
#define COLOR_SWATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct swatch {
    char *code, *name; /* valid UTF-8 of one line, owned; either may be empty */
    double lab[3];     /* D65 */
    uint32_t rgb;      /* 0xRRGGBB: shown */
    size_t line;       /* of the file it was read from (ASE: number of the block); else 0 */
};

struct swatches {
    struct swatch *items;
    size_t count, capacity;
    size_t bad; /* rows that a reader left out because they make no sense; duplicates are not */
};

/* What a reader says about rows that it leaves out, with their line (ASE: the number of the
 * block). MESSAGE may quote the file: it is not safe for a terminal. */
typedef void swatches_complain(void *context, size_t line, const char *message);

/* Reads SIZE bytes of DATA, recognised by content: ASE, GIMP, else CSV. Bad rows and duplicates
 * (the same code; without codes the same name with the same colour) are complained about and left
 * out, the first of duplicates stays. COMPLAIN may be NULL. ERROR_CORRUPT, ERROR_TRUNCATED or
 * ERROR_UNSUPPORTED where it is none of these or has no colours; SWATCHES is then empty.
 *
 * CSV: separated by tab, semicolon or comma, in the first two also with decimal commas; lines of
 * `# comment` skipped. With a heading, columns are found by name in any case: code, number; name,
 * name_en, title; hex, srgb_hex, color, colour; lab_l, lab_a, lab_b (D65, also L* a* b*). Colours
 * are whatever color_parse() takes, hex also without #. Where a row has Lab and a colour, the one
 * is matched and the other shown. Without a heading a row is a colour, or name and colour, or code,
 * name and colour.
 *
 * GIMP: red, green, blue and a name; code is empty.
 *
 * ASE: names as they are, code is empty, groups are not kept. RGB and grey are taken as sRGB; LAB
 * as D50; CMYK, whose colour depends on a press that the file does not name, as (1 - c)(1 - k). */
bool swatches_read(struct swatches *swatches, const void *data, size_t size,
                   swatches_complain *complain, void *context, struct error *error);

/* Adds one; its strings are copied, what is not UTF-8 becomes U+FFFD and control characters
 * blanks. */
bool swatches_add(struct swatches *swatches, const char *code, const char *name,
                  const double lab[3], uint32_t rgb, struct error *error);
void swatches_free(struct swatches *swatches);

/* The other way; code and name become one name, with a blank between. TITLE names the whole. CSS
 * has a custom property --PREFIX-1, --PREFIX-2, … for each colour. */
void swatches_write_gpl(const struct swatches *swatches, const char *title, struct text *out);
void swatches_write_css(const struct swatches *swatches, const char *prefix, struct text *out);
void swatches_write_ase(const struct swatches *swatches, struct text *out);

#endif
