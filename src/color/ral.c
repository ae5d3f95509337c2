/* SPDX-License-Identifier: MIT */
#include "color/ral.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "color/lab.h"

struct ral_row {
    char code[10];
    uint8_t set, finish;
    uint16_t name_en, name_de; /* places in the pools */
    uint32_t rgb;
    int32_t lab[3]; /* thousandths */
};

#include "color/ral_table.h"

enum { RAL_COUNT = sizeof ral_rows / sizeof *ral_rows };

size_t ral_count(void)
{
    return RAL_COUNT;
}

struct ral_color ral_at(size_t index)
{
    const struct ral_row *row = &ral_rows[index];
    struct ral_color color = {
        .code = row->code,
        .name_en = ral_names_en + row->name_en,
        .name_de = ral_names_de + row->name_de,
        .set = (enum ral_set)row->set,
        .finish = (enum ral_finish)row->finish,
        .rgb = row->rgb,
    };
    if (color.set == RAL_EFFECT) {
        double linear[3];
        for (int i = 0; i < 3; i++)
            linear[i] = srgb_decode((row->rgb >> (16 - 8 * i) & 255) / 255.0);
        lab_from_linear(linear, color.lab);
    } else {
        for (int i = 0; i < 3; i++)
            color.lab[i] = row->lab[i] / 1000.0;
    }
    return color;
}

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* The code in TEXT as the table writes it. False where it has none of the three shapes, which are
 * given as patterns: 9 is a digit, M a digit or the letter, a blank any white space or none. */
static bool normal_code(const char *text, char code[10])
{
    static const char *const shapes[] = {"9999", "999 99 99", "999-M"};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const char *from = text, *shape = shapes[s];
        char *to = code;
        for (; *shape != '\0'; shape++) {
            bool digit = isdigit((unsigned char)*from) != 0;
            if (*shape == ' ') {
                from = skip_space(from);
                *to++ = ' ';
            } else if ((*shape == '9' && digit) || (*shape == '-' && *from == '-') ||
                       (*shape == 'M' && (digit || toupper((unsigned char)*from) == 'M'))) {
                *to++ = (char)toupper((unsigned char)*from++);
            } else {
                break;
            }
        }
        *to = '\0';
        if (*shape == '\0' && *skip_space(from) == '\0')
            return true;
    }
    return false;
}

/* The code nearest to CODE among those of its shape: codes are numbers, so that the digits in
 * front weigh most and neighbours are likely. */
static const char *nearest_code(const char *code)
{
    const char *best = NULL;
    unsigned best_common = 0, best_distance = 0;
    for (size_t i = 0; i < RAL_COUNT; i++) {
        const char *other = ral_rows[i].code;
        unsigned common = 0, distance;
        if (strlen(other) != strlen(code))
            continue;
        while (other[common] == code[common])
            common++;
        distance = (unsigned)abs(other[common] - code[common]);
        if (best == NULL || common > best_common ||
            (common == best_common && distance < best_distance)) {
            best = other;
            best_common = common;
            best_distance = distance;
        }
    }
    return best_common > 0 ? best : NULL;
}

const char *ral_code_of_name(const char *text)
{
    for (size_t i = 0; *text != '\0' && i < RAL_COUNT; i++)
        if (strcasecmp(text, ral_names_en + ral_rows[i].name_en) == 0 ||
            strcasecmp(text, ral_names_de + ral_rows[i].name_de) == 0)
            return ral_rows[i].code;
    return NULL;
}

bool ral_find(const char *text, size_t *index, struct error *error)
{
    char code[10], shown[48];
    const char *start = skip_space(text);
    text_mask(text, shown, sizeof shown);
    if (strncasecmp(start, "ral", 3) == 0)
        start = skip_space(start + 3);
    if (!normal_code(start, code)) {
        const char *named = ral_code_of_name(start);
        error_set(error, ERROR_USAGE, "'%s': not a RAL code", shown);
        if (*start == '\0') /* a shell took the code for a word of its own */
            return error_hint(error, "the code belongs to it: 'RAL 3020' in quotes, or RAL3020");
        return named != NULL ? error_hint(error, "did you mean 'RAL %s'?", named)
                             : error_hint(error, "a code is like 3020, 010 20 25 or 110-1");
    }
    for (size_t i = 0; i < RAL_COUNT; i++)
        if (strcmp(ral_rows[i].code, code) == 0) {
            *index = i;
            return true;
        }
    error_set(error, ERROR_USAGE, "'%s': there is no RAL %s", shown, code);
    const char *near = nearest_code(code);
    return near == NULL ? false : error_hint(error, "did you mean 'RAL %s'?", near);
}

const char *ral_finish_name(enum ral_finish finish)
{
    static const char *const names[] = {"solid", "fluorescent", "pearlescent", "metallic"};
    return names[finish];
}
