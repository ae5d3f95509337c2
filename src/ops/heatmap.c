/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "color/color_space.h"
#include "ops/compare.h"

enum { STEPS = 256, PATH = 1024 };

/* The legend, in units of some pixels: a bar between margins, ticks below it, digits below them. */
enum { MARGIN = 8, ABOVE = 4, BAR = 10, TICK = 3, GAP = 2, BELOW = 4 };
enum { DIGIT_WIDTH = 3, DIGIT_HEIGHT = 5, DOT = 2 };
enum { STRIP = ABOVE + BAR + TICK + GAP + DIGIT_HEIGHT * DOT + BELOW };

static const uint8_t paper[3] = {255, 255, 255}, ink[3] = {0, 0, 0}, unknown[3] = {128, 128, 128};

/* The way the ramp takes, AT from 0 to 1: dark blue, purple, red, orange, yellow. Its lightness
 * rises all along, so that it reads the same without hues; red never stands against green. */
static void ramp_path(double at, double oklab[3])
{
    double hue = (270 + 195 * at) * (M_PI / 180), chroma = 0.07 + 0.13 * sin(M_PI * at) + 0.05 * at;
    double wanted[3] = {0.14 + 0.82 * at, chroma * cos(hue), chroma * sin(hue)};
    double linear[3], srgb[3];
    color_space_to_linear(COLOR_OKLAB, wanted, linear);
    color_space_fit_srgb(linear, srgb);
    color_space_to_linear(COLOR_SRGB, srgb, linear);
    color_space_oklab(linear, oklab);
}

static void ramp_color(const double oklab[3], uint8_t rgb[3])
{
    double linear[3], srgb[3];
    color_space_to_linear(COLOR_OKLAB, oklab, linear);
    color_space_fit_srgb(linear, srgb);
    for (int c = 0; c < 3; c++)
        rgb[c] = (uint8_t)(srgb[c] * 255 + 0.5);
}

/* Steps of the same length in OKLab along that way. */
static void ramp_new(uint8_t ramp[STEPS][3])
{
    double path[PATH][3], length[PATH];
    length[0] = 0;
    for (int i = 0; i < PATH; i++) {
        ramp_path(i / (PATH - 1.0), path[i]);
        if (i > 0)
            length[i] = length[i - 1] + hypot(hypot(path[i][0] - path[i - 1][0],
                                                    path[i][1] - path[i - 1][1]),
                                              path[i][2] - path[i - 1][2]);
    }
    for (int step = 0, i = 1; step < STEPS; step++) {
        double wanted = length[PATH - 1] * step / (STEPS - 1), oklab[3];
        while (i < PATH - 1 && length[i] < wanted)
            i++;
        double share = (wanted - length[i - 1]) / (length[i] - length[i - 1]);
        for (int c = 0; c < 3; c++)
            oklab[c] = path[i - 1][c] + (path[i][c] - path[i - 1][c]) * fmin(share, 1);
        ramp_color(oklab, ramp[step]);
    }
}

/* Colours pixel X of ROW by VALUE, a share of the scale. */
static void paint_value(uint8_t *row, size_t x, const uint8_t ramp[STEPS][3], double value)
{
    double step = fmin(fmax(value, 0), 1) * (STEPS - 1) + 0.5;
    memcpy(row + 3 * x, ramp[(int)step], 3);
}

static void paint_box(const struct image *picture, int64_t x, int64_t y, int64_t width,
                      int64_t height, const uint8_t rgb[3])
{
    for (int64_t i = y < 0 ? 0 : y; i < y + height && i < picture->shape.height; i++)
        for (int64_t k = x < 0 ? 0 : x; k < x + width && k < picture->shape.width; k++)
            memcpy(image_row(picture, (uint32_t)i) + 3 * k, rgb, 3);
}

/* Rows of a digit from its top, 3 bits each; the last is a point. */
static const uint16_t digits[11] = {
    075557, 026227, 071747, 071717, 055711, 074717, 074757, 071244, 075757, 075717, 000002,
};

static void paint_text(const struct image *picture, const char *text, int64_t x, int64_t y,
                       int64_t dot)
{
    for (; *text != '\0'; text++, x += (DIGIT_WIDTH + 1) * dot) {
        unsigned bits = *text == '.' ? digits[10]
                        : *text >= '0' && *text <= '9' ? digits[*text - '0'] : 0;
        for (int i = 0; i < DIGIT_WIDTH * DIGIT_HEIGHT; i++)
            if (bits >> (DIGIT_WIDTH * DIGIT_HEIGHT - 1 - i) & 1)
                paint_box(picture, x + i % DIGIT_WIDTH * dot, y + i / DIGIT_WIDTH * dot, dot, dot,
                          ink);
    }
}

static int64_t text_width(const char *text, int64_t dot)
{
    return ((int64_t)strlen(text) * (DIGIT_WIDTH + 1) - 1) * dot;
}

struct legend {
    const struct image *picture;
    int64_t unit, left, width, top; /* of the bar */
    double end;                     /* of the scale */
};

static void label_at(const struct legend *legend, double value, char *text, size_t size,
                     int64_t *from, int64_t *to)
{
    int64_t x = legend->left + (int64_t)(value / legend->end * (double)(legend->width - 1));
    snprintf(text, size, "%g", value);
    int64_t width = text_width(text, DOT * legend->unit);
    int64_t most = (int64_t)legend->picture->shape.width - width;
    *from = x - width / 2 < 0 ? 0 : x - width / 2 > most ? most : x - width / 2;
    *to = *from + width;
}

/* True where numbers STEP apart do not touch. */
static bool labels_fit(const struct legend *legend, double step)
{
    int64_t last = -1000000;
    for (int i = 0; i * step <= legend->end * (1 + 1e-9); i++) {
        char text[32];
        int64_t from, to;
        label_at(legend, i * step, text, sizeof text, &from, &to);
        if (from < 0 || from - last < 3 * DOT * legend->unit)
            return false;
        last = to;
    }
    return true;
}

/* 1, 2 or 5 times a power of 10 from a tenth of the scale on; 0 where no numbers fit. */
static double label_step(const struct legend *legend)
{
    static const double nice[3] = {1, 2, 5};
    int first = (int)floor(log10(legend->end / 10)) * 3;
    for (int i = first; i < first + 9; i++) {
        int power = i >= 0 ? i / 3 : -((2 - i) / 3);
        double step = nice[i - 3 * power] * pow(10, power);
        if (step >= legend->end / 10 && step <= legend->end && labels_fit(legend, step))
            return step;
    }
    return 0;
}

static void paint_labels(const struct legend *legend)
{
    double step = label_step(legend);
    int64_t unit = legend->unit, below = legend->top + BAR * unit;
    for (int i = 0; step > 0 && i * step <= legend->end * (1 + 1e-9); i++) {
        char text[32];
        int64_t from, to;
        label_at(legend, i * step, text, sizeof text, &from, &to);
        double at = i * step / legend->end * (double)(legend->width - 1);
        paint_box(legend->picture, legend->left + (int64_t)at, below, unit, TICK * unit, ink);
        paint_text(legend->picture, text, from, below + (TICK + GAP) * unit, DOT * unit);
    }
}

/* A line through the bar, white beside black to show on every colour of it. */
static void paint_mark(const struct legend *legend, double value)
{
    if (!(value >= 0 && value <= legend->end))
        return;
    int64_t unit = legend->unit, height = (BAR + ABOVE) * unit;
    int64_t x = legend->left + (int64_t)(value / legend->end * (double)(legend->width - 1));
    paint_box(legend->picture, x - unit, legend->top, 3 * unit, BAR * unit, paper);
    paint_box(legend->picture, x, legend->top - ABOVE * unit, unit, height, ink);
}

static int64_t legend_unit(uint32_t width)
{
    return width < 1920 ? 1 : width / 960;
}

static void paint_legend(const struct image *picture, uint32_t y, double end, double tolerance,
                         const uint8_t ramp[STEPS][3])
{
    struct legend legend = {.picture = picture, .unit = legend_unit(picture->shape.width),
                            .end = end};
    uint32_t width = picture->shape.width;
    legend.left = width > 4 * MARGIN ? MARGIN * legend.unit : 0;
    legend.width = width - 2 * legend.left;
    legend.top = y + ABOVE * legend.unit;
    paint_box(picture, 0, y, width, picture->shape.height - y, paper);
    for (int64_t row = 0; row < BAR * legend.unit; row++)
        for (int64_t x = 0; x < legend.width; x++)
            paint_value(image_row(picture, (uint32_t)(legend.top + row)),
                        (size_t)(legend.left + x), ramp,
                        legend.width > 1 ? (double)x / (double)(legend.width - 1) : 0);
    paint_labels(&legend);
    paint_mark(&legend, tolerance);
}

bool compare_heatmap(const struct compare_result *result, uint32_t width, uint32_t height,
                     double top, struct image *picture, struct error *error)
{
    uint8_t ramp[STEPS][3];
    uint32_t strip = (uint32_t)(STRIP * legend_unit(width));
    const struct image_shape shape = {width, height + strip, IMAGE_RGB, false, 8};
    if (result->map == NULL || !(top > 0) || height > UINT32_MAX - strip)
        return error_set(error, ERROR_INTERNAL, "no heat map of this size and scale");
    if (!image_new(picture, &shape, error))
        return false;
    ramp_new(ramp);
    for (uint32_t y = 0; y < height; y++) {
        const float *map = result->map + (size_t)y * width;
        uint8_t *row = image_row(picture, y);
        for (size_t x = 0; x < width; x++)
            if (map[x] < 0)
                memcpy(row + 3 * x, unknown, 3);
            else
                paint_value(row, x, ramp, map[x] / top);
    }
    paint_legend(picture, height, top, result->tolerance, ramp);
    return true;
}
