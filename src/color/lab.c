/* SPDX-License-Identifier: MIT */
#include "color/lab.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "base/compiler.h"

/* CIE 15:2004 gives these as exact fractions; the rounded 0.008856 and 903.3 leave a step. */
#define LAB_EPSILON (216.0 / 24389.0)
#define LAB_KAPPA (24389.0 / 27.0)

/* D65 as x 0.3127, y 0.3290, Y 1. */
#define WHITE_X (0.3127 / 0.3290)
#define WHITE_Z ((1.0 - 0.3127 - 0.3290) / 0.3290)

const double lab_white_d65[3] = {WHITE_X, 1.0, WHITE_Z};
const double lab_white_d50[3] = {0.3457 / 0.3585, 1.0, (1.0 - 0.3457 - 0.3585) / 0.3585};

static const double xyz_of_linear[3][3] = {
    {506752.0 / 1228815, 87881.0 / 245763, 12673.0 / 70218},
    {87098.0 / 409605, 175762.0 / 245763, 12673.0 / 175545},
    {7918.0 / 409605, 87881.0 / 737289, 1001167.0 / 1053270},
};

static const double linear_of_xyz[3][3] = {
    {12831.0 / 3959, -329.0 / 214, -1974.0 / 3959},
    {-851781.0 / 878810, 1648619.0 / 878810, 36519.0 / 878810},
    {705.0 / 12673, -2585.0 / 12673, 705.0 / 667},
};

double srgb_decode(double value)
{
    double size = fabs(value);
    double light = size <= 0.04045 ? size / 12.92 : pow((size + 0.055) / 1.055, 2.4);
    return copysign(light, value);
}

double srgb_encode(double value)
{
    double size = fabs(value);
    double code = size > 0.0031308 ? 1.055 * pow(size, 1 / 2.4) - 0.055 : 12.92 * size;
    return copysign(code, value);
}

static double lab_curve(double t)
{
    return t > LAB_EPSILON ? cbrt(t) : (LAB_KAPPA * t + 16.0) / 116.0;
}

static double lab_curve_inverse(double f)
{
    double cube = f * f * f;
    return cube > LAB_EPSILON ? cube : (116.0 * f - 16.0) / LAB_KAPPA;
}

void lab_from_xyz(const double xyz[3], const double white[3], double lab[3])
{
    double f[3];
    for (int i = 0; i < 3; i++)
        f[i] = lab_curve(xyz[i] / white[i]);
    lab[0] = 116.0 * f[1] - 16.0;
    lab[1] = 500.0 * (f[0] - f[1]);
    lab[2] = 200.0 * (f[1] - f[2]);
}

void lab_to_xyz(const double lab[3], const double white[3], double xyz[3])
{
    double fy = (lab[0] + 16.0) / 116.0;
    xyz[0] = white[0] * lab_curve_inverse(fy + lab[1] / 500.0);
    xyz[1] = white[1] * lab_curve_inverse(fy);
    xyz[2] = white[2] * lab_curve_inverse(fy - lab[2] / 200.0);
}

void lab_xyz_to_linear(const double xyz[3], double rgb[3])
{
    double x = xyz[0], y = xyz[1], z = xyz[2];
    for (int i = 0; i < 3; i++) {
        const double *row = linear_of_xyz[i];
        rgb[i] = row[0] * x + row[1] * y + row[2] * z;
    }
}

void lab_from_linear(const double rgb[3], double lab[3])
{
    double xyz[3];
    for (int i = 0; i < 3; i++) {
        const double *row = xyz_of_linear[i];
        xyz[i] = row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2];
    }
    lab_from_xyz(xyz, lab_white_d65, lab);
}

void lab_to_linear(const double lab[3], double rgb[3])
{
    double xyz[3];
    lab_to_xyz(lab, lab_white_d65, xyz);
    lab_xyz_to_linear(xyz, rgb);
}

static double degrees(double angle)
{
    return angle * (180.0 / M_PI);
}

static double radians(double angle)
{
    return angle * (M_PI / 180.0);
}

static double power7(double value)
{
    double cube = value * value * value;
    return cube * cube * value;
}

/* Hue angle in 0..360 degrees, 0 where there is no chroma. */
static double hue_degrees(double a, double b)
{
    if (a == 0 && b == 0)
        return 0;
    double hue = degrees(atan2(b, a));
    return hue < 0 ? hue + 360.0 : hue;
}

/* Difference and mean of two hues, equations 10 and 14 of the paper. */
static void hue_compare(double h1, double h2, bool grey, double *difference, double *mean)
{
    if (grey) {
        *difference = 0;
        *mean = h1 + h2;
        return;
    }
    double d = h2 - h1, sum = h1 + h2;
    /* Opposite hues come out of atan2 a few ulp beside 180, and the mean jumps there. */
    if (fabs(d) <= 180.0 + 1e-9) {
        *difference = d;
        *mean = sum / 2;
        return;
    }
    *difference = d > 0 ? d - 360.0 : d + 360.0;
    *mean = sum < 360.0 ? (sum + 360.0) / 2 : (sum - 360.0) / 2;
}

/* The rotation term R_T; the mean hue is given by how far it is beyond 275 degrees. */
static double hue_rotation(double beyond_275, double mean_chroma)
{
    double bump = beyond_275 / 25.0;
    double angle = 30.0 * exp(-bump * bump);
    double c7 = power7(mean_chroma);
    return -sin(radians(2 * angle)) * 2.0 * sqrt(c7 / (c7 + 6103515625.0));
}

double lab_ciede2000(const double one[3], const double two[3])
{
    static const double k[3] = {1, 1, 1};
    return lab_ciede2000_weighted(one, two, k);
}

/* Everything but the hue. */
struct ciede {
    double a1, a2, c1, c2; /* with a stretched */
    double sl, sc, l, c;   /* weights, weighted differences */
};

static double length(double x, double y)
{
    return sqrt(x * x + y * y); /* hypot() takes some ten times as long, for sizes nobody has */
}

static void ciede_begin(const double one[3], const double two[3], const double k[3],
                        struct ciede *of)
{
    double plain_chroma = (length(one[1], one[2]) + length(two[1], two[2])) / 2;
    double plain7 = power7(plain_chroma);
    double stretch = 1.0 + 0.5 * (1.0 - sqrt(plain7 / (plain7 + 6103515625.0)));
    of->a1 = stretch * one[1];
    of->a2 = stretch * two[1];
    of->c1 = length(of->a1, one[2]);
    of->c2 = length(of->a2, two[2]);
    double lightness = (one[0] + two[0]) / 2 - 50.0, middle = lightness * lightness;
    of->sl = 1.0 + 0.015 * middle / sqrt(20.0 + middle);
    of->sc = 1.0 + 0.045 * ((of->c1 + of->c2) / 2);
    of->l = (two[0] - one[0]) / (k[0] * of->sl);
    of->c = (of->c2 - of->c1) / (k[1] * of->sc);
}

/* The difference, once the hue's part is known: DH before weights, T, R_T. */
static double ciede_end(const struct ciede *of, double dh, double t, double rt, double kh)
{
    double sh = 1.0 + 0.015 * ((of->c1 + of->c2) / 2) * t, h = dh / (kh * sh);
    double square = of->l * of->l + of->c * of->c + h * h + rt * of->c * h;
    return square > 0 ? sqrt(square) : 0;
}

double lab_ciede2000_by_angles(const double one[3], const double two[3], const double k[3])
{
    struct ciede of;
    double hue_difference, hue;
    ciede_begin(one, two, k, &of);
    double h1 = hue_degrees(of.a1, one[2]), h2 = hue_degrees(of.a2, two[2]);
    hue_compare(h1, h2, of.c1 * of.c2 == 0, &hue_difference, &hue);
    double t = 1.0 - 0.17 * cos(radians(hue - 30.0)) + 0.24 * cos(radians(2 * hue)) +
               0.32 * cos(radians(3 * hue + 6.0)) - 0.20 * cos(radians(4 * hue - 63.0));
    double dh = 2.0 * sqrt(of.c1 * of.c2) * sin(radians(hue_difference / 2));
    return ciede_end(&of, dh, t, hue_rotation(hue - 275.0, (of.c1 + of.c2) / 2), k[2]);
}

/* R_T for the mean hue, whose cosine and sine are C and S. The paper does not go around the circle:
 * hues from 0 to 95 degrees are 180 and more below 275. From 145 degrees on R_T is less than the
 * last bit of what it is added to. */
static double direction_rotation(double c, double s, double mean_chroma)
{
    const double c275 = 0.08715574274765817, s275 = -0.9961946980917455;
    double along = c * c275 + s * s275;
    if (along < -0.82 || (s >= 0 && c > -c275))
        return 0;
    return hue_rotation(degrees(atan2(s * c275 - c * s275, along)), mean_chroma);
}

/* T: cosines of multiples of the mean hue. */
static double direction_weight(double c, double s)
{
    double c2 = c * c - s * s, s2 = 2 * c * s;
    double c3 = c * c2 - s * s2, s3 = s * c2 + c * s2;
    double c4 = c2 * c2 - s2 * s2, s4 = 2 * c2 * s2;
    return 1.0 - 0.17 * (c * 0.8660254037844386 + s * 0.5) + 0.24 * c2 +
           0.32 * (c3 * 0.9945218953682733 - s3 * 0.10452846326765347) -
           0.20 * (c4 * 0.45399049973954675 + s4 * 0.8910065241883678);
}

double lab_ciede2000_weighted(const double one[3], const double two[3], const double k[3])
{
    struct ciede of;
    ciede_begin(one, two, k, &of);
    double r1 = 1 / of.c1, r2 = 1 / of.c2;
    double u1 = of.a1 * r1, v1 = one[2] * r1, u2 = of.a2 * r2, v2 = two[2] * r2;
    double u = u1 + u2, v = v1 + v2, size = length(u, v);
    /* Near opposite hues, or where one colour is grey, directions tell too little. */
    if (!(size > 0.01))
        return lab_ciede2000_by_angles(one, two, k);
    double dh = copysign(sqrt(of.c1 * of.c2) * length(u2 - u1, v2 - v1), u1 * v2 - v1 * u2);
    double cosine = u / size, sine = v / size;
    return ciede_end(&of, dh, direction_weight(cosine, sine),
                     direction_rotation(cosine, sine, (of.c1 + of.c2) / 2), k[2]);
}

/* Cube root of 0.008 < T < 2: an inverse cube root guessed from the bits of the float (a third of
 * its logarithm), then one step of fourth and one of second order of y <- y (1 - e)^(-1/3),
 * e = 1 - t y^3. No division and no branch. Relative error below 3e-7. */
static inline float cube_root(float t)
{
    float y = float_of(0x54a2fa8c - (int32_t)((float)bits_of(t) * (1.0f / 3)));
    float e = 1.0f - t * y * y * y;
    y += y * e * (1.0f / 3 + e * (2.0f / 9 + e * (14.0f / 81)));
    float ty = t * y;
    e = 1.0f - ty * y * y;
    y = ty * y;
    /* The root is t y^2, so the last correction counts twice. */
    return y + y * e * (2.0f / 3);
}

/* Chooses by masks of integers: a comparison of floats could trap, which keeps compilers from
 * turning it into a blend. Bits of floats order like the floats where one of them is positive. */
static inline float lab_curve_single(float t)
{
    const int32_t joint = 0x3c111aa7; /* 216/24389 */
    int32_t above = -(bits_of(t) > joint);
    /* Below the joint the root is not used, and 0 or less must not make it infinite. */
    float root = cube_root(float_of((bits_of(t) & above) | (joint & ~above)));
    float line = t * (float)(LAB_KAPPA / 116) + (float)(16.0 / 116);
    return float_of((bits_of(root) & above) | (bits_of(line) & ~above));
}

MULTIVERSION
void lab_row_from_linear(const float *restrict r, const float *restrict g, const float *restrict b,
                         float *restrict l, float *restrict a, float *restrict bb, size_t count)
{
    const float xr = (float)(506752.0 / 1228815 / WHITE_X),
                xg = (float)(87881.0 / 245763 / WHITE_X), xb = (float)(12673.0 / 70218 / WHITE_X);
    const float yr = (float)(87098.0 / 409605), yg = (float)(175762.0 / 245763),
                yb = (float)(12673.0 / 175545);
    const float zr = (float)(7918.0 / 409605 / WHITE_Z), zg = (float)(87881.0 / 737289 / WHITE_Z),
                zb = (float)(1001167.0 / 1053270 / WHITE_Z);
    for (size_t i = 0; i < count; i++) {
        float fx = lab_curve_single(xr * r[i] + xg * g[i] + xb * b[i]);
        float fy = lab_curve_single(yr * r[i] + yg * g[i] + yb * b[i]);
        float fz = lab_curve_single(zr * r[i] + zg * g[i] + zb * b[i]);
        l[i] = 116.0f * fy - 16.0f;
        a[i] = 500.0f * (fx - fy);
        bb[i] = 200.0f * (fy - fz);
    }
}
