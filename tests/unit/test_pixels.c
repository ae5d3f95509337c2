/* SPDX-License-Identifier: MIT */
/* Pixels as colours, each against double precision. The profile's own numbers, as its bytes have
 * them, are the reference: to 1/65536 they are those of display-p3 (CSS Color 4, section 18). */
#include "ops/pixels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/icc.h"
#include "color/lab.h"
#include "color/matrix.h"
#include "profile.h"
#include "tap.h"

enum { WIDTH = 701, HEIGHT = 3 };

/* Colorants of display-p3 against D50 (linear Bradford), which span more than sRGB. */
static const double p3_colorants[3][3] = {
    {0.5151, 0.2920, 0.1571}, {0.2412, 0.6922, 0.0666}, {-0.0011, 0.0419, 0.7841}};
static const double p3_parameters[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};

static double fixed(double value)
{
    return floor(value * 65536 + 0.5) / 65536;
}

static struct blob p3_profile(struct profile *p)
{
    static const char *const colorants[] = {"rXYZ", "gXYZ", "bXYZ"};
    static const char *const curves[] = {"rTRC", "gTRC", "bTRC"};
    profile_start(p, 4, "mntr", "RGB ", "XYZ ");
    profile_xyz(p, "wtpt", 0.9642, 1, 0.8249);
    for (int i = 0; i < 3; i++) {
        profile_xyz(p, colorants[i], p3_colorants[0][i], p3_colorants[1][i], p3_colorants[2][i]);
        profile_parametric(p, curves[i], 3, p3_parameters, 5);
    }
    return profile_end(p);
}

/* A code of the profile to light, by the definition of a parametric curve of type 3. */
static double p3_light(double code)
{
    const double *v = p3_parameters;
    double light = code >= fixed(v[4]) ? pow(fixed(v[1]) * code + fixed(v[2]), fixed(v[0]))
                                       : fixed(v[3]) * code;
    return fmin(fmax(light, 0), 1);
}

static void p3_linear(const double code[3], double linear[3])
{
    /* sRGB against D50, from its primaries. */
    static const double srgb_xy[8] = {0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290};
    static const double d50[3] = {0.9642, 1, 0.8249}, full[3] = {1, 1, 1};
    double light[3], xyz[3], of_srgb[3][3], adapt[3][3], white[3], adapted[3][3], back[3][3];
    for (int i = 0; i < 3; i++)
        light[i] = p3_light(code[i]);
    for (int i = 0; i < 3; i++)
        xyz[i] = fixed(p3_colorants[i][0]) * light[0] + fixed(p3_colorants[i][1]) * light[1] +
                 fixed(p3_colorants[i][2]) * light[2];
    matrix_of_primaries(srgb_xy, of_srgb);
    matrix_apply(of_srgb, full, white);
    matrix_adapt(white, d50, adapt);
    matrix_multiply(adapt, of_srgb, adapted);
    matrix_invert(adapted, back);
    matrix_apply(back, xyz, linear);
}

static unsigned next_random(void)
{
    static unsigned seed = 5;
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static struct image picture(const struct image_shape *shape)
{
    struct image image;
    if (!image_new(&image, shape, NULL))
        abort();
    size_t samples = image_row_bytes(shape) / (shape->depth / 8);
    for (uint32_t y = 0; y < shape->height; y++)
        for (size_t i = 0; i < samples; i++) {
            unsigned value = next_random();
            /* Some dark, some at the ends. */
            value = value % 5 == 0 ? value & 0x3ff : value % 7 == 0 ? 0xffff : value & 0xffff;
            if (shape->depth == 16)
                ((uint16_t *)(void *)image_row(&image, y))[i] = (uint16_t)value;
            else
                image_row(&image, y)[i] = (uint8_t)(value % 5 == 0 ? value & 15 : value >> 8);
        }
    return image;
}

static double sample(const struct image *image, uint32_t x, uint32_t y, unsigned c)
{
    size_t at = (size_t)x * image_channels(&image->shape) + c;
    if (image->shape.depth == 16)
        return ((const uint16_t *)(const void *)image_row(image, y))[at] / 65535.0;
    return image_row(image, y)[at] / 255.0;
}

static void exact_linear(const struct image *image, bool p3, uint32_t x, uint32_t y,
                         double linear[3])
{
    double code[3];
    bool grey = image->shape.color == IMAGE_GREY;
    for (unsigned c = 0; c < 3; c++)
        code[c] = sample(image, x, y, grey ? 0 : c);
    if (p3)
        p3_linear(code, linear);
    for (unsigned c = 0; c < 3 && !p3; c++)
        linear[c] = srgb_decode(code[c]);
}

/* Reads every row in two pieces and compares; how far Lab is off at most, and how far outside of
 * sRGB the light went. */
static double lab_error(const struct pixel_reader *reader, bool p3, double *outside)
{
    static float plane[4][WIDTH];
    float *const lab[3] = {plane[0], plane[1], plane[2]};
    const struct image *image = reader->image;
    double worst = 0;
    for (uint32_t y = 0; y < HEIGHT; y++) {
        float *const rest[3] = {lab[0] + 300, lab[1] + 300, lab[2] + 300};
        pixel_reader_lab(reader, 0, y, 300, lab, plane[3]);
        pixel_reader_lab(reader, 300, y, WIDTH - 300, rest, plane[3] + 300);
        for (uint32_t x = 0; x < WIDTH; x++) {
            double linear[3], right[3];
            exact_linear(image, p3, x, y, linear);
            lab_from_linear(linear, right);
            for (int c = 0; c < 3; c++) {
                worst = fmax(worst, fabs(right[c] - plane[c][x]));
                *outside = fmax(*outside, fmax(-linear[c], linear[c] - 1));
            }
            unsigned last = image_channels(&image->shape) - 1;
            double alpha = reader->weighted ? sample(image, x, y, last) : 1;
            worst = fmax(worst, fabs(alpha - plane[3][x]) * 1000);
        }
    }
    return worst;
}

static void test_lab(void)
{
    static struct profile p;
    for (int i = 0; i < 16; i++) {
        bool p3 = (i & 1) != 0, deep = (i & 2) != 0, alpha = (i & 4) != 0, grey = (i & 8) != 0;
        const struct image_shape shape = {WIDTH, HEIGHT, grey ? IMAGE_GREY : IMAGE_RGB, alpha,
                                          deep ? 16 : 8};
        if (grey && p3)
            continue;
        struct image image = picture(&shape);
        struct pixel_reader reader;
        struct error error = {0};
        double outside = 0;
        if (p3) {
            struct blob profile = p3_profile(&p);
            blob_copy(&image.metadata.icc, profile.data, profile.size, NULL);
            memset(&p, 0, sizeof p);
        }
        if (!tap_ok(pixel_reader_open(&reader, &image, PIXEL_WEIGHTED, &error), "opened %s",
                    error.message))
            continue;
        double worst = lab_error(&reader, p3, &outside);
        tap_ok(worst < 0.002 && (outside > 0.05) == p3,
               "Lab of %s, %d bits, alpha %d, %s: %.5f off at most, light %.2f outside",
               grey ? "grey" : "RGB", shape.depth, alpha, p3 ? "display-p3" : "sRGB", worst,
               outside);
        pixel_reader_close(&reader);
        image_free(&image);
    }
}

/* Composition over BACKGROUND by the rule for encoded values; both ways to read it. */
static double over_error(const struct pixel_reader *reader, double background, double *exact_worst)
{
    static float plane[3][WIDTH];
    float *const light[3] = {plane[0], plane[1], plane[2]};
    double worst = 0;
    unsigned last = image_channels(&reader->image->shape) - 1;
    for (uint32_t y = 0; y < HEIGHT; y++) {
        pixel_reader_over(reader, 0, y, WIDTH, background, light);
        for (uint32_t x = 0; x < WIDTH; x++) {
            double right[3], got[3], alpha = sample(reader->image, x, y, last);
            exact_linear(reader->image, reader->transform != NULL, x, y, right);
            pixel_reader_exact(reader, x, y, background, got);
            for (int c = 0; c < 3; c++) {
                right[c] = srgb_decode(srgb_encode(right[c]) * alpha + background * (1 - alpha));
                worst = fmax(worst, fabs(right[c] - plane[c][x]));
                *exact_worst = fmax(*exact_worst, fabs(right[c] - got[c]));
            }
        }
    }
    return worst;
}

static void test_over(void)
{
    static struct profile p;
    for (int i = 0; i < 8; i++) {
        bool p3 = (i & 1) != 0, deep = (i & 2) != 0, grey = (i & 4) != 0;
        const struct image_shape shape = {WIDTH, HEIGHT, grey ? IMAGE_GREY : IMAGE_RGB, true,
                                          deep ? 16 : 8};
        if (grey && p3)
            continue;
        struct image image = picture(&shape);
        struct pixel_reader reader;
        if (p3) {
            struct blob profile = p3_profile(&p);
            blob_copy(&image.metadata.icc, profile.data, profile.size, NULL);
            memset(&p, 0, sizeof p);
        }
        pixel_reader_open(&reader, &image, PIXEL_WEIGHTED, NULL);
        double exact = 0, worst = over_error(&reader, 0, &exact);
        worst = fmax(worst, over_error(&reader, 1, &exact));
        tap_ok(worst < 1e-6 && exact < (p3 ? 1e-6 : 1e-12),
               "over black and white, %s, %d bits: light off by %.2g, exactly by %.2g",
               p3 ? "display-p3" : grey ? "grey" : "sRGB", shape.depth, worst, exact);
        pixel_reader_close(&reader);
        image_free(&image);
    }
}

/* Samples that were averaged, as thumbnails have them. */
static void test_codes(void)
{
    static struct profile p;
    const struct image_shape shape = {1, 1, IMAGE_RGB, false, 8};
    for (int p3 = 0; p3 < 2; p3++) {
        struct image image = picture(&shape);
        struct pixel_reader reader;
        static float code[3][WIDTH], lab[3][WIDTH];
        const float *const from[3] = {code[0], code[1], code[2]};
        float *const to[3] = {lab[0], lab[1], lab[2]};
        double worst = 0;
        if (p3) {
            struct blob profile = p3_profile(&p);
            blob_copy(&image.metadata.icc, profile.data, profile.size, NULL);
            memset(&p, 0, sizeof p);
        }
        pixel_reader_open(&reader, &image, 0, NULL);
        for (int i = 0; i < 3 * WIDTH; i++)
            code[i / WIDTH][i % WIDTH] = (float)(next_random() & 65535) / 65535.0f;
        pixel_reader_codes(&reader, from, WIDTH, to);
        for (int i = 0; i < WIDTH; i++) {
            double codes[3] = {code[0][i], code[1][i], code[2][i]}, linear[3], right[3];
            if (p3)
                p3_linear(codes, linear);
            for (int c = 0; c < 3 && !p3; c++)
                linear[c] = srgb_decode(codes[c]);
            lab_from_linear(linear, right);
            for (int c = 0; c < 3; c++)
                worst = fmax(worst, fabs(right[c] - lab[c][i]));
        }
        tap_ok(worst < 0.002, "Lab of averaged samples, %s: %.5f", p3 ? "display-p3" : "sRGB",
               worst);
        pixel_reader_close(&reader);
        image_free(&image);
    }
}

static void test_bad_profile(void)
{
    const struct image_shape shape = {1, 1, IMAGE_RGB, false, 8};
    struct image image = picture(&shape);
    struct pixel_reader reader;
    struct error error = {0};
    uint8_t rubbish[200] = {1, 2, 3};
    blob_copy(&image.metadata.icc, rubbish, sizeof rubbish, NULL);
    bool strict = pixel_reader_open(&reader, &image, 0, &error);
    tap_ok(!strict && error.message[0] != '\0', "a profile that cannot be used is an error: %s",
           error.message);
    tap_ok(pixel_reader_open(&reader, &image, PIXEL_ANY_PROFILE, NULL) && reader.transform == NULL,
           "or counts as none");
    pixel_reader_close(&reader);
    image_free(&image);
}

int main(void)
{
    test_lab();
    test_over();
    test_codes();
    test_bad_profile();
    return tap_done();
}
