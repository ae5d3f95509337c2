/* SPDX-License-Identifier: MIT */
/* The spaces that a transfer can work in. */
#include "base/compiler.h"
#include "color/matrix.h"
#include "color/power.h"
#include "color/srgb.h"
#include "ops/transfer_parts.h"

#define LAB_JOINT_BITS 0x3c111aa7 /* (6/29)^3 */
#define LAB_ROOT_BITS 0x3e53dcb1  /* 6/29 */
#define LAB_SLOPE (841.0f / 108.0f)
#define TINY_BITS 0x1e3ce508 /* 1e-20 */
#define LOG_MOST 8.0f        /* exponents of 10 */

/* Added to light before its logarithm is taken, and taken off behind the power: noise in the
 * shadows would otherwise be all that lalphabeta sees, and black has no logarithm. */
#define LOG_OFFSET 0.002f

const struct affine affine_identity = {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};

struct affine affine_after(const struct affine *outer, const struct affine *inner)
{
    struct affine map;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            map.m[i][j] = outer->m[i][0] * inner->m[0][j] + outer->m[i][1] * inner->m[1][j] +
                          outer->m[i][2] * inner->m[2][j] + (j == 3 ? outer->m[i][3] : 0);
    return map;
}

struct affine affine_around(const double matrix[3][3], const double from[3], const double to[3])
{
    struct affine map;
    for (int i = 0; i < 3; i++) {
        map.m[i][3] = to[i];
        for (int j = 0; j < 3; j++) {
            map.m[i][j] = matrix[i][j];
            map.m[i][3] -= matrix[i][j] * from[j];
        }
    }
    return map;
}

/* CIE XYZ over the white of D65: CSS Color 4. */
static const double cone_lab[3][3] = {
    {506752.0 / 1228815 / (0.3127 / 0.3290), 87881.0 / 245763 / (0.3127 / 0.3290),
     12673.0 / 70218 / (0.3127 / 0.3290)},
    {87098.0 / 409605, 175762.0 / 245763, 12673.0 / 175545},
    {7918.0 / 409605 / (0.3583 / 0.3290), 87881.0 / 737289 / (0.3583 / 0.3290),
     1001167.0 / 1053270 / (0.3583 / 0.3290)},
};
static const double axes_lab[3][3] = {{0, 116, 0}, {500, -500, 0}, {0, 200, -200}};

/* Björn Ottosson, "A perceptual color space for image processing", 2020. */
static const double cone_oklab[3][3] = {
    {0.4122214708, 0.5363325363, 0.0514459929},
    {0.2119034982, 0.6806995451, 0.1073969566},
    {0.0883024619, 0.2817188376, 0.6299787005},
};
static const double axes_oklab[3][3] = {
    {0.2104542553, 0.7936177850, -0.0040720468},
    {1.9779984951, -2.4285922050, 0.4505937099},
    {0.0259040371, 0.7827717662, -0.8086757660},
};

/* Reinhard, Ashikhmin, Gooch, Shirley: "Color transfer between images", IEEE CG&A 21(5), 2001. */
static const double cone_lalphabeta[3][3] = {
    {0.3811, 0.5783, 0.0402}, {0.1967, 0.7244, 0.0782}, {0.0241, 0.1288, 0.8444}};
static const double axes_lalphabeta[3][3] = {
    {0.57735026918962576, 0.57735026918962576, 0.57735026918962576},
    {0.40824829046386302, 0.40824829046386302, -0.81649658092772603},
    {0.70710678118654752, -0.70710678118654752, 0}};

static void basis_of(struct transfer_basis *basis, enum transfer_curve curve,
                     const double cone[3][3], const double axes[3][3], double code)
{
    double cone_back[3][3], axes_back[3][3];
    const double origin[3] = {0, 0, 0}, first[3] = {curve == CURVE_LAB ? -16 : 0, 0, 0};
    matrix_invert(cone, cone_back);
    matrix_invert(axes, axes_back);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            basis->cone[i][j] = (float)cone[i][j];
            basis->cone_back[i][j] = (float)cone_back[i][j];
        }
    basis->curve = curve;
    basis->mixes = true;
    basis->axes = affine_around(axes, origin, first);
    basis->axes_back = affine_around(axes_back, first, origin);
    basis->code = code;
}

void transfer_basis_set(struct transfer_basis *basis, enum transfer_space space)
{
    *basis =
        (struct transfer_basis){.curve = space == TRANSFER_SPACE_LINEAR ? CURVE_NONE : CURVE_SRGB,
                                .axes = affine_identity,
                                .axes_back = affine_identity,
                                .code = 1.0 / 255};
    if (space == TRANSFER_SPACE_LAB)
        basis_of(basis, CURVE_LAB, cone_lab, axes_lab, 0.4);
    else if (space == TRANSFER_SPACE_OKLAB)
        basis_of(basis, CURVE_CUBE_ROOT, cone_oklab, axes_oklab, 0.004);
    else if (space == TRANSFER_SPACE_LALPHABETA)
        basis_of(basis, CURVE_LOG, cone_lalphabeta, axes_lalphabeta, 0.006);
}

MULTIVERSION
static void mix_row(const float m[3][3], float *restrict a, float *restrict b, float *restrict c,
                    size_t count)
{
    float aa = m[0][0], ab = m[0][1], ac = m[0][2];
    float ba = m[1][0], bb = m[1][1], bc = m[1][2];
    float ca = m[2][0], cb = m[2][1], cc = m[2][2];
    for (size_t i = 0; i < count; i++) {
        float x = a[i], y = b[i], z = c[i];
        a[i] = aa * x + ab * y + ac * z;
        b[i] = ba * x + bb * y + bc * z;
        c[i] = ca * x + cb * y + cc * z;
    }
}

/* A logarithm of 0 would do no harm, but one of a negative number or of a subnormal might. */
static POWER_INLINE float at_least_tiny(float value)
{
    int32_t bits = bits_of(value);
    return float_of(bits > TINY_BITS ? bits : TINY_BITS);
}

MULTIVERSION
static void lab_row(float *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float root = power_raise(at_least_tiny(v[i]), 1 / 3.0f);
        v[i] = power_choose(bits_of(v[i]), LAB_JOINT_BITS, root, v[i] * LAB_SLOPE + 4 / 29.0f);
    }
}

MULTIVERSION
static void lab_back_row(float *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        v[i] = power_choose(bits_of(v[i]), LAB_ROOT_BITS, v[i] * v[i] * v[i],
                            (v[i] - 4 / 29.0f) * (1 / LAB_SLOPE));
}

MULTIVERSION
static void cube_root_row(float *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int32_t sign = bits_of(v[i]) & INT32_MIN, size = bits_of(v[i]) & INT32_MAX;
        float root = power_raise(at_least_tiny(float_of(size)), 1 / 3.0f);
        v[i] = float_of(bits_of(power_choose(size, TINY_BITS, root, 0)) | sign);
    }
}

MULTIVERSION
static void cube_row(float *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        v[i] = v[i] * v[i] * v[i];
}

MULTIVERSION
static void log_row(float *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        v[i] = power_log2(at_least_tiny(v[i] + LOG_OFFSET)) * 0.301029996f;
}

MULTIVERSION
static void log_back_row(float *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float exponent = v[i] > -LOG_MOST ? v[i] : -LOG_MOST;
        exponent = exponent < LOG_MOST ? exponent : LOG_MOST;
        v[i] = power_exp2(exponent * 3.32192809f) - LOG_OFFSET;
    }
}

void transfer_basis_bend(const struct transfer_basis *basis, float *const v[3], size_t count)
{
    static void (*const rows[])(float *v, size_t count) = {
        [CURVE_SRGB] = srgb_encode_row,
        [CURVE_LAB] = lab_row,
        [CURVE_CUBE_ROOT] = cube_root_row,
        [CURVE_LOG] = log_row,
    };
    if (basis->mixes)
        mix_row(basis->cone, v[0], v[1], v[2], count);
    for (int i = 0; basis->curve != CURVE_NONE && i < 3; i++)
        rows[basis->curve](v[i], count);
}

void transfer_basis_unbend(const struct transfer_basis *basis, float *const v[3], size_t count)
{
    static void (*const rows[])(float *v, size_t count) = {
        [CURVE_SRGB] = srgb_decode_row,
        [CURVE_LAB] = lab_back_row,
        [CURVE_CUBE_ROOT] = cube_row,
        [CURVE_LOG] = log_back_row,
    };
    for (int i = 0; basis->curve != CURVE_NONE && i < 3; i++)
        rows[basis->curve](v[i], count);
    if (basis->mixes)
        mix_row(basis->cone_back, v[0], v[1], v[2], count);
}
