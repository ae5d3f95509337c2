/* SPDX-License-Identifier: MIT */
#include "color/color.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "color/color_names.h"
#include "color/color_space.h"
#include "color/lab.h"
#include "color/ral.h"

/* Where the parser is, and what its messages quote. */
struct parser {
    const char *text, *at;
    struct error *error;
};

enum unit { UNIT_NUMBER, UNIT_PERCENT, UNIT_DEGREES, UNIT_NONE };

struct value {
    const char *at;
    enum unit unit;
    double number;
};

/* What functions take: three values and alpha, as written. */
struct arguments {
    struct value values[3], alpha;
    bool commas;
};

/* "'TEXT': WHAT", TEXT made safe and short. Returns false. */
static bool refuse(const struct parser *parser, const char *what)
{
    char shown[80];
    text_mask(parser->text, shown, sizeof shown);
    return error_set(parser->error, ERROR_USAGE, "'%s': %s", shown, what);
}

/* Points at the character AT, which is not the WANTED one; before it there is only ASCII, or it
 * would not have been reached. Returns false. */
static bool expected(const struct parser *parser, const char *at, const char *wanted)
{
    char shown[80], character[5] = "", masked[8];
    text_mask(parser->text, shown, sizeof shown);
    if (*at == '\0')
        return error_set(parser->error, ERROR_USAGE, "'%s': ends where %s is expected", shown,
                         wanted);
    /* One character of UTF-8: whatever continues it belongs to it. */
    for (size_t i = 0; i < 4 && (i == 0 || ((unsigned char)at[i] & 0xc0) == 0x80); i++)
        character[i] = at[i];
    text_mask(character, masked, sizeof masked);
    return error_set(parser->error, ERROR_USAGE, "'%s': '%s' at position %td is not %s", shown,
                     masked, at - parser->text + 1, wanted);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

static size_t word_length(const char *text)
{
    size_t length = 0;
    while (is_word(text[length]))
        length++;
    return length;
}

static bool is_named(const char *word, size_t length, const char *name)
{
    return strncasecmp(word, name, length) == 0 && name[length] == '\0';
}

static void skip_space(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static bool parse_unit(struct parser *parser, struct value *value)
{
    static const struct {
        char name[5];
        double degrees;
    } angles[] = {{"deg", 1}, {"grad", 0.9}, {"rad", 180 / M_PI}, {"turn", 360}};
    value->unit = UNIT_NUMBER;
    if (*parser->at == '%') {
        parser->at++;
        value->unit = UNIT_PERCENT;
        return true;
    }
    if (!isalpha((unsigned char)*parser->at))
        return true;
    size_t length = word_length(parser->at);
    for (size_t i = 0; i < sizeof angles / sizeof *angles; i++)
        if (is_named(parser->at, length, angles[i].name)) {
            parser->at += length;
            value->unit = UNIT_DEGREES;
            value->number *= angles[i].degrees;
            return true;
        }
    return expected(parser, parser->at, "%, deg, grad, rad or turn");
}

static bool parse_value(struct parser *parser, struct value *value)
{
    skip_space(parser);
    *value = (struct value){.at = parser->at};
    size_t length = word_length(parser->at);
    if (is_named(parser->at, length, "none")) {
        value->unit = UNIT_NONE;
        parser->at += length;
        return true;
    }
    if (!text_to_double(parser->at, &parser->at, &value->number))
        return expected(parser, parser->at, "a number");
    if (!(fabs(value->number) < 1e9))
        return expected(parser, value->at, "the start of a number below 1e9");
    return parse_unit(parser, value);
}

/* Three values, with white space or commas between, and alpha behind '/' or a comma. */
static bool parse_arguments(struct parser *parser, struct arguments *arguments)
{
    *arguments = (struct arguments){.alpha = {.unit = UNIT_NUMBER, .number = 1}};
    for (int i = 0; i < 3; i++) {
        skip_space(parser);
        if (i == 1)
            arguments->commas = *parser->at == ',';
        if (i > 0 && arguments->commas) {
            if (*parser->at != ',')
                return expected(parser, parser->at, "a comma");
            parser->at++;
        }
        if (!parse_value(parser, &arguments->values[i]))
            return false;
    }
    skip_space(parser);
    char mark = arguments->commas ? ',' : '/';
    if (*parser->at == mark) {
        parser->at++;
        if (!parse_value(parser, &arguments->alpha))
            return false;
        skip_space(parser);
        mark = ')';
    }
    if (*parser->at != ')')
        return expected(parser, parser->at,
                        mark == '/'   ? "')' or '/'"
                        : mark == ',' ? "')' or a comma"
                                      : "')'");
    parser->at++;
    return true;
}

/* What a number and 100 % stand for. */
struct scale {
    double number, percent;
    bool angle;
};

/* The value of VALUE on SCALE; `none` is 0. */
static bool scale_value(const struct parser *parser, const struct value *value,
                        const struct scale *scale, double *result)
{
    bool fits = value->unit == UNIT_NONE || (value->unit == UNIT_DEGREES && scale->angle) ||
                (value->unit == UNIT_NUMBER && scale->number != 0) ||
                (value->unit == UNIT_PERCENT && scale->percent != 0);
    if (!fits)
        return expected(parser, value->at,
                        scale->angle          ? "the start of an angle"
                        : scale->number == 0  ? "the start of a percentage"
                        : scale->percent == 0 ? "the start of a number"
                                              : "the start of a number or percentage");
    *result = value->unit == UNIT_PERCENT ? value->number / 100 * scale->percent
                                          : value->number * scale->number;
    return true;
}

static double clip(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

/* Everything of COLOR but alpha, from VALUE in SPACE. */
static void fill_color(enum color_space space, const double value[3], struct color *color)
{
    double linear[3];
    color_space_to_linear(space, value, linear);
    for (int i = 0; i < 3; i++)
        color->lab[i] = value[i];
    if (space != COLOR_LAB_D65)
        lab_from_linear(linear, color->lab);
    color->in_gamut = color_space_fit_srgb(linear, color->srgb);
    /* An encoded value inside is taken as written, not as it comes back from light. */
    for (int i = 0; i < 3 && space == COLOR_SRGB && color->in_gamut; i++)
        color->srgb[i] = clip(value[i], 0, 1);
}

enum shape { SHAPE_PLAIN, SHAPE_LINEAR, SHAPE_RGB, SHAPE_HSL, SHAPE_HWB, SHAPE_LIGHTNESS, SHAPE_POLAR };

/* CSS Color 4, sections 5 to 9. */
static const struct function {
    char name[8];
    enum shape shape;
    bool commas; /* are possible */
    enum color_space space;
    struct scale scales[3];
} functions[] = {
    {"rgb", SHAPE_RGB, true, COLOR_SRGB, {{1.0 / 255, 1, 0}, {1.0 / 255, 1, 0}, {1.0 / 255, 1, 0}}},
    {"rgba",
     SHAPE_RGB,
     true,
     COLOR_SRGB,
     {{1.0 / 255, 1, 0}, {1.0 / 255, 1, 0}, {1.0 / 255, 1, 0}}},
    {"hsl", SHAPE_HSL, true, COLOR_SRGB, {{1.0 / 360, 0, 1}, {0.01, 1, 0}, {0.01, 1, 0}}},
    {"hsla", SHAPE_HSL, true, COLOR_SRGB, {{1.0 / 360, 0, 1}, {0.01, 1, 0}, {0.01, 1, 0}}},
    {"hwb", SHAPE_HWB, false, COLOR_SRGB, {{1.0 / 360, 0, 1}, {0.01, 1, 0}, {0.01, 1, 0}}},
    {"lab", SHAPE_LIGHTNESS, false, COLOR_LAB_D50, {{1, 100, 0}, {1, 125, 0}, {1, 125, 0}}},
    {"lch", SHAPE_POLAR, false, COLOR_LAB_D50, {{1, 100, 0}, {1, 150, 0}, {1, 0, 1}}},
    {"oklab", SHAPE_LIGHTNESS, false, COLOR_OKLAB, {{1, 1, 0}, {1, 0.4, 0}, {1, 0.4, 0}}},
    {"oklch", SHAPE_POLAR, false, COLOR_OKLAB, {{1, 1, 0}, {1, 0.4, 0}, {1, 0, 1}}},
    {"lab-d65", SHAPE_LIGHTNESS, true, COLOR_LAB_D65, {{1, 100, 0}, {1, 125, 0}, {1, 125, 0}}},
};

enum { FUNCTION_COUNT = sizeof functions / sizeof *functions };

/* The rules of the notation with commas: one unit for all of rgb(), percentages in hsl(), no
 * `none`. */
static bool check_commas(const struct parser *parser, const struct function *function,
                         const struct arguments *arguments)
{
    const struct value *values = arguments->values;
    if (!arguments->commas)
        return true;
    if (!function->commas)
        return expected(parser, strchr(parser->text, ','),
                        "a blank: this function takes no commas");
    for (int i = 0; i < 3; i++) {
        if (values[i].unit == UNIT_NONE)
            return expected(parser, values[i].at, "a number; none takes blanks instead of commas");
        if (function->shape == SHAPE_RGB && values[i].unit != values[0].unit)
            return expected(parser, values[i].at,
                            values[0].unit == UNIT_PERCENT
                                ? "the start of a percentage, as the first value is"
                                : "the start of a number, as the first value is");
        if (function->shape == SHAPE_HSL && i > 0 && values[i].unit != UNIT_PERCENT)
            return expected(parser, values[i].at, "the start of a percentage");
    }
    return arguments->alpha.unit != UNIT_NONE ||
           expected(parser, arguments->alpha.at, "a number; none takes blanks instead of commas");
}

/* Limits that CSS sets when it reads a value, and the way from polar forms to straight ones. */
static void shape_value(const struct function *function, double value[3])
{
    double straight[3];
    double white = function->space == COLOR_OKLAB ? 1 : 100;
    switch (function->shape) {
    case SHAPE_PLAIN:
        return;
    case SHAPE_LINEAR:
        /* Of a space that has the curve of sRGB. */
        for (int i = 0; i < 3; i++)
            value[i] = srgb_encode(value[i]);
        return;
    case SHAPE_RGB:
        for (int i = 0; i < 3; i++)
            value[i] = clip(value[i], 0, 1);
        return;
    case SHAPE_HSL:
    case SHAPE_HWB:
        value[1] = clip(value[1], 0, 1);
        value[2] = clip(value[2], 0, 1);
        if (function->shape == SHAPE_HSL)
            color_space_hsl(value, straight);
        else
            color_space_hwb(value, straight);
        memcpy(value, straight, sizeof straight);
        return;
    case SHAPE_POLAR: {
        double chroma = fmax(value[1], 0), hue = value[2] * (M_PI / 180);
        value[1] = chroma * cos(hue);
        value[2] = chroma * sin(hue);
        value[0] = clip(value[0], 0, white);
        return;
    }
    case SHAPE_LIGHTNESS:
        value[0] = clip(value[0], 0, white);
        return;
    }
}

/* CSS clamps a lightness that is out of range; lab-d65() is for measured values, where that is a
 * mistake. A and b are limited to what a lost decimal point exceeds. */
static bool check_measured(const struct parser *parser, const struct arguments *arguments,
                           const double value[3])
{
    char shown[80];
    for (int i = 0; i < 3; i++) {
        double low = i == 0 ? 0 : -1000, high = i == 0 ? 100 : 1000;
        if (value[i] >= low && value[i] <= high)
            continue;
        text_mask(parser->text, shown, sizeof shown);
        return error_set(parser->error, ERROR_USAGE,
                         "'%s': %c of %g at position %td is out of range %g to %g", shown,
                         "Lab"[i], value[i], arguments->values[i].at - parser->text + 1, low, high);
    }
    return true;
}

static bool parse_alpha(const struct parser *parser, const struct value *value, double *alpha)
{
    static const struct scale scale = {1, 1, false};
    if (!scale_value(parser, value, &scale, alpha))
        return false;
    *alpha = clip(*alpha, 0, 1);
    return true;
}

/* From behind the opening parenthesis. */
static bool parse_function(struct parser *parser, const struct function *function,
                           struct color *color)
{
    struct arguments arguments;
    double value[3];
    if (!parse_arguments(parser, &arguments) || !check_commas(parser, function, &arguments))
        return false;
    for (int i = 0; i < 3; i++)
        if (!scale_value(parser, &arguments.values[i], &function->scales[i], &value[i]))
            return false;
    if (!parse_alpha(parser, &arguments.alpha, &color->alpha))
        return false;
    if (function->space == COLOR_LAB_D65 && !check_measured(parser, &arguments, value))
        return false;
    shape_value(function, value);
    fill_color(function->space, value, color);
    return true;
}

/* color(SPACE …), from behind its opening parenthesis. */
static bool parse_color_function(struct parser *parser, struct color *color)
{
    static const struct {
        char name[18];
        enum color_space space;
    } spaces[] = {
        {"srgb", COLOR_SRGB},
        {"srgb-linear", COLOR_SRGB_LINEAR},
        {"display-p3", COLOR_DISPLAY_P3},
        {"display-p3-linear", COLOR_DISPLAY_P3},
        {"a98-rgb", COLOR_A98},
        {"prophoto-rgb", COLOR_PROPHOTO},
        {"rec2020", COLOR_REC2020},
        {"xyz", COLOR_XYZ_D65},
        {"xyz-d50", COLOR_XYZ_D50},
        {"xyz-d65", COLOR_XYZ_D65},
    };
    enum { COUNT = sizeof spaces / sizeof *spaces };
    const char *list[COUNT];
    char word[24] = "";
    skip_space(parser);
    size_t length = word_length(parser->at);
    for (size_t i = 0; i < COUNT; i++) {
        list[i] = spaces[i].name;
        if (!is_named(parser->at, length, spaces[i].name))
            continue;
        bool linear = strcmp(spaces[i].name, "display-p3-linear") == 0;
        struct function function = {.shape = linear ? SHAPE_LINEAR : SHAPE_PLAIN,
                                    .space = spaces[i].space};
        for (int k = 0; k < 3; k++)
            function.scales[k] = (struct scale){1, 1, false};
        parser->at += length;
        return parse_function(parser, &function, color);
    }
    expected(parser, parser->at, "the start of a colour space");
    memcpy(word, parser->at, length < sizeof word ? length : sizeof word - 1);
    const char *near = text_nearest(word, list, COUNT);
    return near == NULL ? false : error_hint(parser->error, "did you mean '%s'?", near);
}

static bool parse_hex(struct parser *parser, struct color *color)
{
    unsigned digits[8] = {0};
    size_t count = 0;
    const char *at = parser->at + 1;
    for (; *at != '\0' && !isspace((unsigned char)*at); at++, count++) {
        if (!isxdigit((unsigned char)*at))
            return expected(parser, at, "a hexadecimal digit");
        unsigned letter = (unsigned)tolower((unsigned char)*at);
        if (count < 8)
            digits[count] = letter <= '9' ? letter - '0' : letter - 'a' + 10;
    }
    if (count != 3 && count != 4 && count != 6 && count != 8) {
        char what[64];
        snprintf(what, sizeof what, "%zu digits after the #, not 3, 4, 6 or 8", count);
        return refuse(parser, what);
    }
    double value[4] = {0, 0, 0, 1};
    for (size_t i = 0; i < (count > 4 ? count / 2 : count); i++)
        value[i] = (count > 4 ? digits[2 * i] * 16 + digits[2 * i + 1] : digits[i] * 17) / 255.0;
    fill_color(COLOR_SRGB, value, color);
    color->alpha = value[3];
    parser->at = at;
    return true;
}

static void fill_rgb(uint32_t rgb, struct color *color)
{
    double value[3];
    for (int i = 0; i < 3; i++)
        value[i] = (rgb >> (16 - 8 * i) & 255) / 255.0;
    fill_color(COLOR_SRGB, value, color);
    color->alpha = 1;
}

/* RAL's own hex is shown, its Lab is measured: they differ where sRGB is too small. */
static bool parse_ral(struct parser *parser, struct color *color)
{
    size_t index;
    if (!ral_find(parser->at, &index, parser->error))
        return false;
    struct ral_color ral = ral_at(index);
    double linear[3], fitted[3];
    fill_rgb(ral.rgb, color);
    memcpy(color->lab, ral.lab, sizeof color->lab);
    lab_to_linear(ral.lab, linear);
    color->in_gamut = color_space_fit_srgb(linear, fitted);
    parser->at += strlen(parser->at);
    return true;
}

/* A word that is none: says so, and what it may have been meant for. */
static bool refuse_word(const struct parser *parser, size_t length, bool function)
{
    char word[32];
    const char *near = NULL, *list[FUNCTION_COUNT + 1];
    refuse(parser, function ? "no such colour function" : "no such colour");
    if (length >= sizeof word)
        return false;
    memcpy(word, parser->at, length);
    word[length] = '\0';
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        list[i] = functions[i].name;
    list[FUNCTION_COUNT] = "color";
    if (function) {
        near = text_nearest(word, list, FUNCTION_COUNT + 1);
        return near == NULL ? false : error_hint(parser->error, "did you mean '%s()'?", near);
    }
    size_t index;
    bool digits = strspn(word, "0123456789") == length;
    int end = 0;
    if (sscanf(parser->at, "%*3[0-9] , %*3[0-9] , %*3[0-9]%n", &end) == 0 && end > 0)
        return error_hint(parser->error, "did you mean 'rgb(%.*s)'?", end, parser->at);
    bool alone = parser->at[length + strspn(parser->at + length, " \t\r\n")] == '\0';
    if (alone && digits && ral_find(word, &index, NULL))
        return error_hint(parser->error, "did you mean 'RAL %s'?", word);
    if (alone && strspn(word, "0123456789abcdefABCDEF") == length &&
        (length == 3 || length == 4 || length == 6 || length == 8))
        return error_hint(parser->error, "did you mean '#%s'?", word);
    near = color_name_near(word);
    return near == NULL ? false : error_hint(parser->error, "did you mean '%s'?", near);
}

static const struct function *find_function(const char *word, size_t length)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        if (is_named(word, length, functions[i].name))
            return &functions[i];
    return NULL;
}

static bool parse_word(struct parser *parser, struct color *color)
{
    const char *word = parser->at;
    size_t length = word_length(word);
    const struct function *function = find_function(word, length);
    bool is_color = is_named(word, length, "color");
    uint32_t rgb = 0;
    if (length == 0)
        return expected(parser, word, "the start of a colour");
    if (is_color || function != NULL) {
        if (word[length] != '(')
            return expected(parser, word + length, "'('");
        parser->at += length + 1;
        return is_color ? parse_color_function(parser, color)
                        : parse_function(parser, function, color);
    }
    bool clear = is_named(word, length, "transparent");
    if (word[length] == '(' || (!clear && !color_name_find(word, length, &rgb)))
        return refuse_word(parser, length, word[length] == '(');
    fill_rgb(rgb, color);
    color->alpha = clear ? 0 : 1;
    parser->at += length;
    return true;
}

/* `RAL` and a digit, with or without blanks between. */
static bool is_ral(const char *text)
{
    if (strncasecmp(text, "ral", 3) != 0)
        return false;
    const char *behind = text + 3;
    while (isspace((unsigned char)*behind))
        behind++;
    return isdigit((unsigned char)*behind) || *behind == '\0' || behind > text + 3;
}

static bool parse_whole(struct parser *parser, struct color *color)
{
    bool good = is_ral(parser->at)   ? parse_ral(parser, color)
                : *parser->at == '#' ? parse_hex(parser, color)
                                     : parse_word(parser, color);
    if (!good)
        return false;
    skip_space(parser);
    return *parser->at == '\0' || expected(parser, parser->at, "the end of the colour");
}

bool color_parse(const char *text, struct color *color, struct error *error)
{
    struct parser parser = {text, text, error};
    *color = (struct color){.alpha = 1};
    skip_space(&parser);
    if (*parser.at == '\0')
        return refuse(&parser, "no colour");
    const char *start = parser.at;
    if (parse_whole(&parser, color))
        return true;
    /* RAL's names are no colours here: several are those of CSS, with other values. */
    const char *code = ral_code_of_name(start);
    return code != NULL && error_hint(error, "did you mean 'RAL %s'?", code);
}

/* Light of 8-bit sRGB. */
static double light_of_byte[256];
static pthread_once_t light_once = PTHREAD_ONCE_INIT;

static void light_fill(void)
{
    for (int i = 0; i < 256; i++)
        light_of_byte[i] = srgb_decode(i / 255.0);
}

bool color_parse_hex(const char text[7], double lab[3])
{
    double linear[3];
    pthread_once(&light_once, light_fill);
    if (text[0] != '#')
        return false;
    for (int i = 0; i < 3; i++) {
        unsigned byte = 0;
        for (int k = 0; k < 2; k++) {
            unsigned letter = (unsigned char)text[1 + 2 * i + k];
            if (!isxdigit((int)letter))
                return false;
            byte = byte * 16 + (letter <= '9' ? letter - '0' : (letter | 32u) - 'a' + 10);
        }
        linear[i] = light_of_byte[byte];
    }
    lab_from_linear(linear, lab);
    return true;
}

bool color_parse_plain(const char *text, double lab[3])
{
    return strnlen(text, 8) == 7 && color_parse_hex(text, lab);
}
