/* SPDX-License-Identifier: MIT */
#include "color/color_space.h"

#include <math.h>

#include "color/lab.h"
#include "color/matrix.h"

#define D50_XY 0.3457, 0.3585
#define D65_XY 0.3127, 0.3290

/* x, y of red, green, blue and white, in the order of the enumeration. */
static const double primaries[][8] = {
    {0.64, 0.33, 0.30, 0.60, 0.15, 0.06, D65_XY},
    {0.680, 0.320, 0.265, 0.690, 0.150, 0.060, D65_XY},
    {0.64, 0.33, 0.21, 0.71, 0.15, 0.06, D65_XY},
    {0.734699, 0.265301, 0.159597, 0.840403, 0.036598, 0.000105, D50_XY},
    {0.708, 0.292, 0.170, 0.797, 0.131, 0.046, D65_XY},
};

static const double white_d50[3] = {0.3457 / 0.3585, 1, (1 - 0.3457 - 0.3585) / 0.3585};
static const double white_d65[3] = {0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290};

static const double lms_of_xyz[3][3] = {
    {0.8190224379967030, 0.3619062600528904, -0.1288737815209879},
    {0.0329836539323885, 0.9292868615863434, 0.0361446663506424},
    {0.0481771893596242, 0.2642395317527308, 0.6335478284694309},
};
static const double oklab_of_lms[3][3] = {
    {0.2104542683093140, 0.7936177747023054, -0.0040720430116193},
    {1.9779985324311684, -2.4285922420485799, 0.4505937096174110},
    {0.0259040424655478, 0.7827717124575296, -0.8086757549230774},
};

/* The curve from encoded values to light, mirrored at 0. */
static double decode(enum color_space space, double value)
{
    double size = fabs(value);
    switch (space) {
    case COLOR_SRGB:
    case COLOR_DISPLAY_P3:
        return srgb_decode(value);
    case COLOR_A98:
        return copysign(pow(size, 563.0 / 256), value);
    case COLOR_PROPHOTO:
        return copysign(size <= 16.0 / 512 ? size / 16 : pow(size, 1.8), value);
    case COLOR_REC2020:
        return copysign(pow(size, 2.4), value);
    default:
        return value;
    }
}

static void linear_of_xyz(const double xyz[3], double linear[3])
{
    double to_xyz[3][3], from_xyz[3][3];
    matrix_of_primaries(primaries[COLOR_SRGB], to_xyz);
    matrix_invert(to_xyz, from_xyz);
    matrix_apply(from_xyz, xyz, linear);
}

static void d65_of_d50(const double in[3], double out[3])
{
    double adapt[3][3];
    matrix_adapt(white_d50, white_d65, adapt);
    matrix_apply(adapt, in, out);
}

/* Lab's coordinates are relative to its white, so only the white differs between D50 and D65. */
static void xyz_of_lab_d50(const double lab[3], double xyz[3])
{
    double linear[3], to_xyz[3][3];
    lab_to_linear(lab, linear);
    matrix_of_primaries(primaries[COLOR_SRGB], to_xyz);
    matrix_apply(to_xyz, linear, xyz);
    for (int i = 0; i < 3; i++)
        xyz[i] *= white_d50[i] / white_d65[i];
}

static void xyz_of_oklab(const double oklab[3], double xyz[3])
{
    double to_lms[3][3], to_xyz[3][3], lms[3];
    matrix_invert(oklab_of_lms, to_lms);
    matrix_invert(lms_of_xyz, to_xyz);
    matrix_apply(to_lms, oklab, lms);
    for (int i = 0; i < 3; i++)
        lms[i] = lms[i] * lms[i] * lms[i];
    matrix_apply(to_xyz, lms, xyz);
}

static void linear_of_rgb(enum color_space space, const double value[3], double linear[3])
{
    double to_xyz[3][3], xyz[3];
    for (int i = 0; i < 3; i++)
        linear[i] = decode(space, value[i]);
    /* The second half only shows compilers that the table is long enough. */
    if (space == COLOR_SRGB || space > COLOR_REC2020)
        return;
    matrix_of_primaries(primaries[space], to_xyz);
    matrix_apply(to_xyz, linear, xyz);
    if (space == COLOR_PROPHOTO)
        d65_of_d50(xyz, xyz);
    linear_of_xyz(xyz, linear);
}

void color_space_to_linear(enum color_space space, const double value[3], double linear[3])
{
    double xyz[3];
    switch (space) {
    case COLOR_SRGB_LINEAR:
        for (int i = 0; i < 3; i++)
            linear[i] = value[i];
        return;
    case COLOR_LAB_D65:
        lab_to_linear(value, linear);
        return;
    case COLOR_XYZ_D65:
        linear_of_xyz(value, linear);
        return;
    case COLOR_XYZ_D50:
        d65_of_d50(value, xyz);
        break;
    case COLOR_LAB_D50:
        xyz_of_lab_d50(value, xyz);
        d65_of_d50(xyz, xyz);
        break;
    case COLOR_OKLAB:
        xyz_of_oklab(value, xyz);
        break;
    default:
        linear_of_rgb(space, value, linear);
        return;
    }
    linear_of_xyz(xyz, linear);
}

void color_space_hsl(const double hsl[3], double srgb[3])
{
    double swing = hsl[1] * fmin(hsl[2], 1 - hsl[2]);
    for (int i = 0; i < 3; i++) {
        /* Twelfths of the turn, from where this channel is at its lowest. */
        double place = fmod(12 * (hsl[0] - floor(hsl[0])) + (i == 0 ? 0 : i == 1 ? 8 : 4), 12);
        srgb[i] = hsl[2] - swing * fmax(-1, fmin(fmin(place - 3, 9 - place), 1));
    }
}

void color_space_hwb(const double hwb[3], double srgb[3])
{
    const double pure[3] = {hwb[0], 1, 0.5};
    double sum = hwb[1] + hwb[2];
    color_space_hsl(pure, srgb);
    for (int i = 0; i < 3; i++)
        srgb[i] = sum >= 1 ? hwb[1] / sum : hwb[1] + srgb[i] * (1 - sum);
}

void color_space_oklab(const double linear[3], double oklab[3])
{
    double to_xyz[3][3], xyz[3], lms[3];
    matrix_of_primaries(primaries[COLOR_SRGB], to_xyz);
    matrix_apply(to_xyz, linear, xyz);
    matrix_apply(lms_of_xyz, xyz, lms);
    for (int i = 0; i < 3; i++)
        lms[i] = cbrt(lms[i]);
    matrix_apply(oklab_of_lms, lms, oklab);
}

/* LINEAR encoded and clipped. True where clipping moved nothing by more than SLACK. */
static bool encode_clipped(const double linear[3], double slack, double srgb[3])
{
    bool inside = true;
    for (int i = 0; i < 3; i++) {
        double value = srgb_encode(linear[i]);
        srgb[i] = fmin(fmax(value, 0), 1);
        inside = inside && fabs(value - srgb[i]) <= slack;
    }
    return inside;
}

static double oklab_distance(const double one[3], const double srgb[3])
{
    double linear[3], two[3];
    for (int i = 0; i < 3; i++)
        linear[i] = srgb_decode(srgb[i]);
    color_space_oklab(linear, two);
    return hypot(hypot(one[0] - two[0], one[1] - two[1]), one[2] - two[2]);
}

bool color_space_fit_srgb(const double linear[3], double srgb[3])
{
    /* As far as the clipped colour may be from the one it stands for: hardly noticeable, and it
     * keeps much more of the chroma than going on to the gamut's surface. */
    const double noticeable = 0.02;
    double full[3];
    if (encode_clipped(linear, 0.5 / 255, srgb))
        return true;
    color_space_oklab(linear, full);
    if (full[0] >= 1 || full[0] <= 0) {
        for (int i = 0; i < 3; i++)
            srgb[i] = full[0] >= 1;
        return false;
    }
    if (oklab_distance(full, srgb) < noticeable)
        return false;
    double low = 0, high = 1;
    while (high - low > 1e-5) {
        double share = (low + high) / 2, light[3];
        const double less[3] = {full[0], full[1] * share, full[2] * share};
        color_space_to_linear(COLOR_OKLAB, less, light);
        if (encode_clipped(light, 0, srgb) || oklab_distance(less, srgb) < noticeable)
            low = share;
        else
            high = share;
    }
    return false;
}
