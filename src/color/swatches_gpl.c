/* SPDX-License-Identifier: MIT */
/* GIMP palettes: a line `GIMP Palette`, fields and comments, then lines of three numbers and a
 * name. GIMP's developer documentation, "GIMP Palette file format (GPL)". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "color/swatches_parts.h"

static const char first_line[] = "GIMP Palette";

bool swatches_is_gpl(const uint8_t *data, size_t size)
{
    size_t length = strlen(first_line);
    return size >= length && memcmp(data, first_line, length) == 0 &&
           (size == length || isspace(data[length]));
}

/* A whole number from 0 to 255 at *TEXT, which moves behind it. */
static bool take_byte(const char **text, unsigned *value)
{
    const char *p = *text + strspn(*text, " \t");
    if (!isdigit((unsigned char)*p))
        return false;
    for (*value = 0; isdigit((unsigned char)*p) && *value < 1000; p++)
        *value = *value * 10 + (unsigned)(*p - '0');
    if (*value > 255 || (*p != '\0' && !isspace((unsigned char)*p)))
        return false;
    *text = p;
    return true;
}

/* Fields that GIMP and its kin write; a name of a colour never stands at the start of a line. */
static bool is_field(const char *line)
{
    static const char *const fields[] = {"Name:", "Columns:", "Channels:"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strncasecmp(line, fields[i], strlen(fields[i])) == 0)
            return true;
    return *line == '#' || *line == '\0';
}

static bool read_line(struct swatches_reader *reader, struct error *error)
{
    const char *line = reader->text.data + strspn(reader->text.data, " \t");
    const char *rest = line;
    unsigned byte[3] = {0};
    if (is_field(line))
        return true;
    for (int i = 0; i < 3; i++)
        if (!take_byte(&rest, &byte[i])) {
            swatches_refuse(reader, "'%.60s': three numbers from 0 to 255 and a name are expected",
                            line);
            return true;
        }
    double srgb[3] = {byte[0] / 255.0, byte[1] / 255.0, byte[2] / 255.0}, lab[3];
    size_t length = strlen(rest);
    while (length > 0 && isspace((unsigned char)rest[length - 1]))
        length--;
    reader->text.data[(size_t)(rest - reader->text.data) + length] = '\0';
    swatches_lab(srgb, lab);
    return swatches_accept(reader, "", rest + strspn(rest, " \t"), lab, swatches_rgb(srgb), error);
}

bool swatches_read_gpl(struct swatches_reader *reader, struct error *error)
{
    swatches_line(reader);
    while (swatches_line(reader))
        if (!read_line(reader, error))
            return false;
    return true;
}

void swatches_write_gpl(const struct swatches *swatches, const char *title, struct text *out)
{
    text_add(out, "GIMP Palette\nName: ");
    for (const char *p = title; *p != '\0'; p++)
        text_add_bytes(out, (unsigned char)*p < ' ' ? " " : p, 1);
    text_add(out, "\n#\n");
    for (size_t i = 0; i < swatches->count; i++) {
        const struct swatch *item = &swatches->items[i];
        text_printf(out, "%3u %3u %3u\t", (unsigned)(item->rgb >> 16),
                    (unsigned)(item->rgb >> 8 & 255), (unsigned)(item->rgb & 255));
        swatches_label(item, out);
        text_add(out, "\n");
    }
}
