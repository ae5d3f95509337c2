/* SPDX-License-Identifier: MIT */
#include "color/icc_model.h"

#include <math.h>
#include <string.h>

#include "color/lab.h"
#include "color/matrix.h"

const double icc_pcs_white[3] = {0.9642, 1.0, 0.8249};

/* sRGB's colorants (IEC 61966-2-1) against the connection space's white. */
static void srgb_colorants(double colorants[3][3])
{
    static const double xy[8] = {0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290};
    const double full[3] = {1, 1, 1};
    double to_xyz[3][3], white[3], adapt[3][3];
    matrix_of_primaries(xy, to_xyz);
    matrix_apply(to_xyz, full, white);
    matrix_adapt(white, icc_pcs_white, adapt);
    matrix_multiply(adapt, to_xyz, colorants);
}

void icc_model_pcs_to_srgb(double matrix[3][3])
{
    double colorants[3][3];
    srgb_colorants(colorants);
    matrix_invert(colorants, matrix);
}

struct icc_model icc_model_srgb(enum icc_space space)
{
    struct icc_model model = {.space = space};
    for (int i = 0; i < 3; i++) {
        model.tones[i].kind = ICC_TONE_SRGB;
        model.to_srgb[i][i] = model.from_srgb[i][i] = 1;
    }
    return model;
}

bool icc_model_of(const struct icc_scan *scan, struct icc_model *model, struct error *error)
{
    *model = icc_model_srgb(scan->space);
    if (scan->space == ICC_GREY)
        return icc_tone_parse(scan->tags[ICC_TAG_GREY_CURVE], model->tones, NULL, error);
    double colorants[3][3], from_pcs[3][3];
    for (int i = 0; i < 3; i++) {
        if (!icc_tone_parse(scan->tags[ICC_TAG_CURVE + i], &model->tones[i], NULL, error))
            return false;
        for (int row = 0; row < 3; row++)
            colorants[row][i] = icc_s15f16(scan->tags[ICC_TAG_COLORANT + i].data + 8 + 4 * row);
    }
    icc_model_pcs_to_srgb(from_pcs);
    matrix_multiply(from_pcs, colorants, model->to_srgb);
    return matrix_invert(model->to_srgb, model->from_srgb) ||
           error_set(error, ERROR_CORRUPT, "ICC profile: its colorants lie in a plane");
}

void icc_model_to_srgb(const struct icc_model *model, const double in[3], double srgb[3])
{
    double light[3], linear[3];
    for (int i = 0; i < 3; i++) {
        bool grey = model->space == ICC_GREY;
        light[i] = icc_tone_value(&model->tones[grey ? 0 : i], in[grey ? 0 : i]);
    }
    matrix_apply(model->to_srgb, light, linear);
    for (int i = 0; i < 3; i++)
        srgb[i] = srgb_encode(linear[i]);
}

void icc_model_from_srgb(const struct icc_model *model, const double srgb[3], double out[3])
{
    double linear[3], light[3];
    for (int i = 0; i < 3; i++)
        linear[i] = srgb_decode(srgb[i]);
    matrix_apply(model->from_srgb, linear, light);
    if (model->space == ICC_GREY) {
        /* Luminance, as a grey picture of the colour would show it. */
        double y = (87098.0 / 409605) * linear[0] + (175762.0 / 245763) * linear[1] +
                   (12673.0 / 175545) * linear[2];
        out[0] = icc_tone_inverse(&model->tones[0], y);
        return;
    }
    for (int i = 0; i < 3; i++)
        out[i] = icc_tone_inverse(&model->tones[i], fmin(fmax(light[i], 0), 1));
}

/* How far the colour moves, clipped to what samples can hold, in steps of 8 bits. */
static double color_shift(const struct icc_model *model, const double color[3])
{
    double srgb[3], shift = 0;
    icc_model_to_srgb(model, color, srgb);
    for (int i = 0; i < 3; i++)
        shift = fmax(shift, 255 * fabs(fmin(fmax(srgb[i], 0), 1) - color[i]));
    return shift;
}

bool icc_model_is_srgb(const struct icc_model *model)
{
    for (int i = 0; i < 256; i++) {
        const double grey[3] = {i / 255.0, i / 255.0, i / 255.0};
        if (!(color_shift(model, grey) <= 0.5))
            return false;
    }
    /* Makers of sRGB profiles round the colorants differently, which shows in the dark channels of
     * saturated colours: up to 0.51 in profiles in use. */
    for (int i = 0; model->space == ICC_RGB && i < 125; i++) {
        const double color[3] = {i / 25 / 4.0, i / 5 % 5 / 4.0, i % 5 / 4.0};
        if (!(color_shift(model, color) <= 1))
            return false;
    }
    return true;
}

/* The cubic through Y at -1, 0, 1 and 2 (Lagrange), at T. */
static double cubic(const double y[4], double t)
{
    double c1 = y[2] - y[0] / 3 - y[1] / 2 - y[3] / 6, c2 = (y[0] + y[2]) / 2 - y[1];
    double c3 = (y[3] - y[0]) / 6 + (y[1] - y[2]) / 2;
    return y[1] + t * (c1 + t * (c2 + t * c3));
}

/* COUNT values of TONE. Powers are slow and 16 bits want 65536: between every 15th a cubic through
 * four of them does, wherever it meets the curve half-way to the precision of floats. */
static void sample_tone(const struct icc_tone *tone, float *values, size_t count)
{
    enum { STRIDE = 15, CHECK = 7, MANY = 4096 };
    double step = 1.0 / (double)(count - 1), y[4] = {0};
    size_t i = 0;
    for (; count > MANY && i + 2 * STRIDE < count && tone->kind != ICC_TONE_TABLE; i += STRIDE) {
        for (int k = 0; k < 3; k++)
            y[k] = i > 0 ? y[k + 1] : icc_tone_value(tone, step * STRIDE * fmax(k - 1, 0));
        y[3] = icc_tone_value(tone, step * (double)(i + 2 * STRIDE));
        double exact = icc_tone_value(tone, step * (double)(i + CHECK));
        double miss = fabs(cubic(y, (double)CHECK / STRIDE) - exact);
        bool smooth = i > 0 && miss <= 0x1p-26 * exact;
        for (size_t k = 0; k < STRIDE; k++)
            values[i + k] = (float)(smooth ? cubic(y, (double)k / STRIDE)
                                           : icc_tone_value(tone, step * (double)(i + k)));
    }
    for (; i < count; i++)
        values[i] = (float)icc_tone_value(tone, step * (double)i);
}

bool icc_curve(const struct blob *profile, enum icc_space space, unsigned channel, float *values,
               size_t count, struct error *error)
{
    struct icc_tone tone = {.kind = ICC_TONE_SRGB};
    if (profile->size != 0) {
        struct icc_scan scan;
        if (!icc_scan(profile, &scan, error))
            return false;
        unsigned tag = space == ICC_GREY ? ICC_TAG_GREY_CURVE : ICC_TAG_CURVE + channel % 3;
        if (scan.space == space && scan.tags[tag].data != NULL &&
            !icc_tone_parse(scan.tags[tag], &tone, NULL, error))
            return false;
    }
    sample_tone(&tone, values, count);
    float low = values[0], rise = values[count - 1] - low, highest = 0;
    for (size_t i = 0; i < count; i++) {
        highest = fminf(fmaxf(highest, (values[i] - low) / rise), 1);
        values[i] = highest;
    }
    return true;
}

void icc_model_decode(const struct icc_model *model, unsigned channel, float *values, size_t count)
{
    sample_tone(&model->tones[channel], values, count);
}

bool icc_curves_are_one(const struct blob *profile, enum icc_space space)
{
    struct icc_scan scan;
    if (profile->size == 0 || space != ICC_RGB || !icc_scan(profile, &scan, NULL))
        return true;
    const struct icc_span *curve = scan.tags + ICC_TAG_CURVE;
    for (int i = 1; i < 3; i++)
        if (curve[i].size != curve[0].size ||
            (curve[0].size != 0 && memcmp(curve[i].data, curve[0].data, curve[0].size) != 0))
            return false;
    return true;
}
