/* SPDX-License-Identifier: MIT */
#include "ops/gamut.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/compiler.h"

/* BLOCK pixels are looked at together; STEPS halvings find about which chroma fits. */
enum { BLOCK = 256, STEPS = 10 };

/* Half a step of 8 bits below black and above white, in light (IEC 61966-2-1). */
#define SLACK_BELOW ((float)(-0.5 / 255 / 12.92))
#define SLACK_ABOVE 1.0044664f

/* What is clipped in the end, component by component, instead of giving up chroma for it, as a share
 * of the light of a grey so light: nobody sees it, and the line of one lightness and hue along the
 * edge of blue (264 degrees), on which red dips below 0 by 0.0076 of it, is then inside as a whole,
 * so that no gradient jumps there. */
#define CLIPPED 0.008f

/* Linear sRGB to the cone responses of Oklab and back, and their roots to its lightness: the
 * matrices of CSS Color 4 multiplied with that of sRGB. Rows add up to 1. */
static const float lms_of_linear[3][3] = {
    {0.41222147f, 0.53633254f, 0.05144599f},
    {0.21190350f, 0.68069955f, 0.10739696f},
    {0.08830246f, 0.28171884f, 0.62997870f},
};
static const float linear_of_lms[3][3] = {
    {4.07674164f, -3.30771154f, 0.23096990f},
    {-1.26843797f, 2.60975735f, -0.34131938f},
    {-0.00419608f, -0.70341862f, 1.70761469f},
};
static const float oklab_of_roots[3][3] = {
    {0.21045427f, 0.79361777f, -0.00407204f},
    {1.97799853f, -2.42859224f, 0.45059371f},
    {0.02590404f, 0.78277171f, -0.80867575f},
};

/* More chroma than any colour of sRGB has, which is 0.323. */
#define MOST_CHROMA 0.34f

/* The pixels of a block that do not fit. Along a line of one lightness and hue the roots of the
 * cone responses are L + share * k, so each component of linear sRGB is a polynomial of the third
 * degree in the share of the chroma (cut to MOST_CHROMA) that is kept. */
struct outside {
    float rgb[3][BLOCK];
    float polynomial[3][4][BLOCK]; /* the constant first */
    float share[BLOCK];
    uint16_t index[BLOCK]; /* in the block */
};

/* A bit pattern is one of 0..1 where it is not above that of 1; -0 is fine as well. */
static inline int32_t is_outside(float value)
{
    int32_t bits = bits_of(value);
    return (bits > 0x3f800000) | ((bits < 0) & (bits != INT32_MIN));
}

MULTIVERSION
static bool scan_block(const float *restrict r, const float *restrict g, const float *restrict b,
                       size_t count)
{
    int32_t any = 0;
    for (size_t i = 0; i < count; i++)
        any |= is_outside(r[i]) | is_outside(g[i]) | is_outside(b[i]);
    return any != 0;
}

/* Finite, so that nothing below is undefined; far beyond all that arises. Written so that a NaN
 * becomes 0. */
static inline float tame(float value)
{
    value = value > -1e4f ? value : value < 0 ? -1e4f : 0;
    return value < 1e4f ? value : 1e4f;
}

/* Copies what is outside to OUT and returns how many that are. */
static size_t gather(const float *const plane[3], size_t count, struct outside *out)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        out->index[found] = (uint16_t)i;
        for (int c = 0; c < 3; c++)
            out->rgb[c][found] = plane[c][i];
        found +=
            (size_t)(is_outside(plane[0][i]) | is_outside(plane[1][i]) | is_outside(plane[2][i]));
    }
    return found;
}

MULTIVERSION
static size_t count_beyond_slack(const struct outside *out, size_t count)
{
    uint32_t beyond = 0;
    for (size_t i = 0; i < count; i++) {
        float r = out->rgb[0][i], g = out->rgb[1][i], b = out->rgb[2][i];
        beyond += !((r >= SLACK_BELOW) & (r <= SLACK_ABOVE) & (g >= SLACK_BELOW) &
                    (g <= SLACK_ABOVE) & (b >= SLACK_BELOW) & (b <= SLACK_ABOVE));
    }
    return beyond;
}

/* Cube root, of negative numbers too: an inverse root guessed from the bits of the float, two
 * corrections, no division (see color/lab.c). Relative error below 3e-7. */
static inline float cube_root(float signed_value)
{
    int32_t sign = bits_of(signed_value) & INT32_MIN;
    float t = float_of(bits_of(signed_value) & INT32_MAX);
    float y = float_of(0x54a2fa8c - (int32_t)((float)bits_of(t) * (1.0f / 3)));
    float e = 1.0f - t * y * y * y;
    y += y * e * (1.0f / 3 + e * (2.0f / 9 + e * (14.0f / 81)));
    float ty = t * y;
    e = 1.0f - ty * y * y;
    y = ty * y;
    return float_of(bits_of(y + y * e * (2.0f / 3)) | sign);
}

static inline float weighted_sum(const float weights[3], const float values[3])
{
    return weights[0] * values[0] + weights[1] * values[1] + weights[2] * values[2];
}

/* The lightness of RGB; K becomes the roots beyond it, none where that is out of 0..1. */
static inline float find_line(const float rgb[3], float k[3])
{
    for (int c = 0; c < 3; c++)
        k[c] = cube_root(weighted_sum(lms_of_linear[c], rgb));
    float lightness = weighted_sum(oklab_of_roots[0], k);
    float a = weighted_sum(oklab_of_roots[1], k), b = weighted_sum(oklab_of_roots[2], k);
    float square = a * a + b * b;
    float cut = square > MOST_CHROMA * MOST_CHROMA ? MOST_CHROMA / sqrtf(square) : 1;
    bool has_hue = (lightness > 0) & (lightness < 1);
    for (int c = 0; c < 3; c++)
        k[c] = has_hue ? (k[c] - lightness) * cut : 0;
    lightness = lightness > 0 ? lightness : 0;
    return lightness < 1 ? lightness : 1;
}

MULTIVERSION
static void find_polynomials(struct outside *restrict out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float rgb[3] = {tame(out->rgb[0][i]), tame(out->rgb[1][i]), tame(out->rgb[2][i])};
        float k[3], lightness = find_line(rgb, k);
        const float square[3] = {k[0] * k[0], k[1] * k[1], k[2] * k[2]};
        const float cube[3] = {square[0] * k[0], square[1] * k[1], square[2] * k[2]};
        for (int c = 0; c < 3; c++) {
            out->polynomial[c][0][i] = lightness * lightness * lightness;
            out->polynomial[c][1][i] =
                3 * lightness * lightness * weighted_sum(linear_of_lms[c], k);
            out->polynomial[c][2][i] = 3 * lightness * weighted_sum(linear_of_lms[c], square);
            out->polynomial[c][3][i] = weighted_sum(linear_of_lms[c], cube);
        }
    }
}

static inline float value_at(const float (*polynomial)[BLOCK], size_t i, float share)
{
    return ((polynomial[3][i] * share + polynomial[2][i]) * share + polynomial[1][i]) * share +
           polynomial[0][i];
}

/* How much of the way from FROM, which fits, to TO a component can go until it leaves LOW..1. */
static inline float way_until(float low, float from, float to)
{
    float bound = to < low ? low : 1;
    float way = (bound - from) / (to - from);
    return (to >= low) & (to <= 1) ? 1 : way;
}

/* The largest share with which all components fit. At 0 they do, and up to MOST_CHROMA a line of
 * one lightness and hue leaves the gamut of sRGB once, so halving finds that place. Farther out
 * some lines meet it again. After some halvings what is left of the line is as good as straight:
 * within 1e-6. */
MULTIVERSION
static void find_shares(struct outside *restrict out, size_t count)
{
    float step = 0.5f;
    for (size_t i = 0; i < count; i++)
        out->share[i] = 0;
    for (int n = 0; n < STEPS; n++, step /= 2)
        for (size_t i = 0; i < count; i++) {
            float share = out->share[i] + step;
            float r = value_at(out->polynomial[0], i, share);
            float g = value_at(out->polynomial[1], i, share);
            float b = value_at(out->polynomial[2], i, share);
            float low = -CLIPPED * out->polynomial[0][0][i];
            bool fits =
                (r >= low) & (r <= 1) & (g >= low) & (g <= 1) & (b >= low) & (b <= 1);
            out->share[i] = fits ? share : out->share[i];
        }
    step *= 2;
    for (size_t i = 0; i < count; i++) {
        float share = out->share[i], low = -CLIPPED * out->polynomial[0][0][i], least = 1;
        for (int c = 0; c < 3; c++) {
            float way = way_until(low, value_at(out->polynomial[c], i, share),
                                  value_at(out->polynomial[c], i, share + step));
            least = way < least ? way : least;
        }
        out->share[i] = share + step * least;
    }
}

MULTIVERSION
static void apply_shares(struct outside *restrict out, size_t count)
{
    for (int c = 0; c < 3; c++)
        for (size_t i = 0; i < count; i++) {
            float value = value_at(out->polynomial[c], i, out->share[i]);
            value = value > 0 ? value : 0;
            out->rgb[c][i] = value < 1 ? value : 1;
        }
}

static size_t fit_block(float *const plane[3], size_t count)
{
    struct outside out;
    const float *const from[3] = {plane[0], plane[1], plane[2]};
    size_t found = gather(from, count, &out);
    size_t beyond = count_beyond_slack(&out, found);
    find_polynomials(&out, found);
    find_shares(&out, found);
    apply_shares(&out, found);
    for (int c = 0; c < 3; c++)
        for (size_t i = 0; i < found; i++)
            plane[c][out.index[i]] = out.rgb[c][i];
    return beyond;
}

size_t gamut_fit_row(float *restrict r, float *restrict g, float *restrict b, size_t count)
{
    size_t beyond = 0;
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t part = count - done < BLOCK ? count - done : BLOCK;
        if (scan_block(r + done, g + done, b + done, part))
            beyond += fit_block((float *const[3]){r + done, g + done, b + done}, part);
    }
    return beyond;
}
