/* SPDX-License-Identifier: MIT */
#include "ops/ciede.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"
#include "base/compiler.h"

#define POWER_25_7 6103515625.0f

/* The formula is long enough for gcc to refuse, and a call in the loop keeps it scalar. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Pixels that go through the formula at a time; a fixed number lets any compiler vectorise. */
enum { BLOCK = 32 };

/* Where doubt begins: |u1 + u2|^2 of unit vectors half a degree from opposite, and the product of
 * both chromas and twice their mean. The jump is in S_H and R_T, and its height at most some 0.04
 * of that product's root: below 0.001 of it the jump does not count. */
#define OPPOSITE 7.6e-5f
#define LEAST_CHROMAS 0.001f

/* 1/sqrt(v) of a positive number: half its logarithm guessed from the bits, then two of Newton's
 * steps, whose constants are a little above 1.5 because the step alone never comes out too large.
 * Relative error below 8e-7. A root and a division take the processor longer. */
static ALWAYS_INLINE float inverse_root(float v)
{
    float y = float_of(0x5f375a86 - (bits_of(v) >> 1)), half = 0.5f * v;
    y *= 1.5008789f - half * y * y;
    return y * (1.5000006f - half * y * y);
}

/* The same with a third step: relative error below 2e-7. */
static ALWAYS_INLINE float fine_inverse_root(float v)
{
    float y = inverse_root(v);
    return y * (1.5f - 0.5f * v * y * y);
}

static ALWAYS_INLINE float root(float v)
{
    return v * inverse_root(v + 1e-20f);
}

static ALWAYS_INLINE float power7(float v)
{
    float cube = v * v * v;
    return cube * cube * v;
}

/* sqrt(v^7 / (v^7 + 25^7)), which from 256 on is 1; far beyond that the square would overflow. */
static ALWAYS_INLINE float saturation(float v)
{
    int32_t bits = bits_of(v), most = bits_of(256.0f);
    float v7 = power7(float_of(bits < most ? bits : most));
    return v7 * inverse_root(v7 * (v7 + POWER_25_7));
}

/* 2 sin(60 exp(-(d / 25)^2)) degrees, for the cosine of d: a polynomial for 0 to 90 degrees, within
 * 1e-5 (Chebyshev); past that it is 0. */
static ALWAYS_INLINE float hue_bump(float cosine)
{
    static const float series[] = {
        0.006605757f,  0.041906926f,  0.127724004f, 0.253816164f, 0.379732417f,  0.398012667f,
        0.201228345f,  0.228757925f,  0.75698779f,  0.243668247f, -1.274041645f, -0.488633826f,
        1.448252394f,  0.645752851f,  -0.780461029f, -0.457262703f,
    };
    int32_t positive = bits_of(cosine);
    float y = 2.0f * float_of(positive & ~(positive >> 31)) - 1.0f, sum = series[15];
    for (int i = 14; i >= 0; i--)
        sum = sum * y + series[i];
    return sum;
}

/* -R_T of the formula for the mean hue (C, S = its cosine and sine) and the mean chroma. */
static ALWAYS_INLINE float hue_rotation(float c, float s, float chroma)
{
    const float c275 = 0.0871557427f, s275 = -0.9961946981f;
    return hue_bump(c * c275 + s * s275) * saturation(chroma);
}

/* T of the formula: cosines of multiples of the mean hue. */
static ALWAYS_INLINE float hue_weight(float c, float s)
{
    float c2 = c * c - s * s, s2 = 2.0f * c * s;
    float c3 = c * c2 - s * s2, s3 = s * c2 + c * s2;
    float c4 = c2 * c2 - s2 * s2, s4 = 2.0f * c2 * s2;
    return 1.0f - 0.17f * (c * 0.8660254f + s * 0.5f) + 0.24f * c2 +
           0.32f * (c3 * 0.9945219f - s3 * 0.1045285f) -
           0.20f * (c4 * 0.4539905f + s4 * 0.8910065f);
}

/* *DOUBT is above LEAST_CHROMAS where rounding may decide on which side of the jump it is. */
static ALWAYS_INLINE float ciede2000(float l1, float a1, float b1, float l2, float a2, float b2,
                                     float *doubt)
{
    float b1b1 = b1 * b1, b2b2 = b2 * b2;
    float plain = 0.5f * (root(a1 * a1 + b1b1) + root(a2 * a2 + b2b2));
    float stretch = 1.5f - 0.5f * saturation(plain);
    a1 *= stretch;
    a2 *= stretch;
    float square1 = a1 * a1 + b1b1, square2 = a2 * a2 + b2b2;
    /* Where hues are nearly opposite, what is wrong in the unit vectors is most of their sum. */
    float r1 = fine_inverse_root(square1 + 1e-20f), r2 = fine_inverse_root(square2 + 1e-20f);
    float c1 = square1 * r1, c2 = square2 * r2;
    /* A grey has the unit vector 0, so that the mean hue is that of the other colour. */
    float u1 = a1 * r1, v1 = b1 * r1, u2 = a2 * r2, v2 = b2 * r2;
    float u = u1 + u2, v = v1 + v2;
    float length = u * u + v * v;
    float scale = inverse_root(length + 1e-10f);
    float cosine = u * scale, sine = v * scale;
    float du = u2 - u1, dv = v2 - v1;
    float hue = copysignf(root(c1 * c2 * (du * du + dv * dv)), u1 * v2 - u2 * v1);

    float middle = 0.5f * (l1 + l2) - 50.0f, chroma = 0.5f * (c1 + c2);
    *doubt = c1 * c2 * chroma * chroma * (1.0f - length * (1.0f / OPPOSITE));
    middle *= middle;
    float sl = 1.0f + 0.015f * middle * inverse_root(20.0f + middle);
    float sc = 1.0f + 0.045f * chroma;
    float sh = 1.0f + 0.015f * chroma * hue_weight(cosine, sine);
    /* One division for three. */
    float slc = sl * sc, every = 1.0f / (slc * sh);
    float l = (l2 - l1) * (sc * sh * every), c = (c2 - c1) * (sl * sh * every);
    float h = hue * (slc * every);
    float square = l * l + c * c + h * h - hue_rotation(cosine, sine, chroma) * c * h;
    return root(fabsf(square)); /* rounding may leave a square below 0 */
}

/* Returns the bits of the largest doubt. */
MULTIVERSION
static int32_t ciede2000_block(const float *restrict l1, const float *restrict a1,
                               const float *restrict b1, const float *restrict l2,
                               const float *restrict a2, const float *restrict b2,
                               float *restrict difference, float *restrict doubt)
{
    int32_t most = INT32_MIN;
    for (int i = 0; i < BLOCK; i++)
        difference[i] = ciede2000(l1[i], a1[i], b1[i], l2[i], a2[i], b2[i], &doubt[i]);
    for (int i = 0; i < BLOCK; i++)
        most = bits_of(doubt[i]) > most ? bits_of(doubt[i]) : most;
    return most;
}

/* Adds to DOUBTFUL the numbers, from FIRST on, of the COUNT pixels of a block that are. */
static size_t collect(const float *doubt, size_t first, size_t count, uint32_t *doubtful)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (doubt[i] > LEAST_CHROMAS)
            doubtful[found++] = (uint32_t)(first + i);
    return found;
}

size_t ciede2000_row_doubtful(const float *const one[3], const float *const two[3],
                              float *difference, size_t count, uint32_t *doubtful)
{
    float doubt[BLOCK];
    size_t i = 0, found = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        int32_t most = ciede2000_block(one[0] + i, one[1] + i, one[2] + i, two[0] + i, two[1] + i,
                                       two[2] + i, difference + i, doubt);
        if (doubtful != NULL && most > bits_of(LEAST_CHROMAS))
            found += collect(doubt, i, BLOCK, doubtful + found);
    }
    if (i == count)
        return found;
    float rest[6][BLOCK] = {{0}}, result[BLOCK];
    for (int k = 0; k < 3; k++) {
        memcpy(rest[k], one[k] + i, (count - i) * sizeof(float));
        memcpy(rest[k + 3], two[k] + i, (count - i) * sizeof(float));
    }
    ciede2000_block(rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], result, doubt);
    memcpy(difference + i, result, (count - i) * sizeof(float));
    if (doubtful != NULL)
        found += collect(doubt, i, count - i, doubtful + found);
    return found;
}

void ciede2000_row(const float *const one[3], const float *const two[3], float *difference,
                   size_t count)
{
    ciede2000_row_doubtful(one, two, difference, count, NULL);
}
