/* SPDX-License-Identifier: MIT */
/* Logarithms and powers of floats for loops that are to be vectorised: polynomials and bits, no
 * call, no branch. Minimax fits of this project. */
#ifndef COLOR_POWER_H
#define COLOR_POWER_H

#include "base/bits.h"

/* A call in the loop would keep it scalar. */
#define POWER_INLINE inline __attribute__((always_inline))

/* ABOVE where BITS of a float exceed those of a positive JOINT, else BELOW. Bits of positive floats
 * order like the floats, and masks of integers, unlike comparisons of floats, never keep a
 * compiler from vectorising. */
static POWER_INLINE float power_choose(int32_t bits, int32_t joint, float above, float below)
{
    int32_t mask = -(bits > joint);
    return float_of((bits_of(above) & mask) | (bits_of(below) & ~mask));
}

/* The logarithm to base 2 of a normal positive number, within 5e-8 where that is near 0 and 5e-7
 * wherever. The mantissa is taken between the roots of 1/2 and 2. */
static POWER_INLINE float power_log2(float value)
{
    int32_t whole = (bits_of(value) - 0x3f3504f3) >> 23;
    float z = float_of(bits_of(value) - whole * (1 << 23)) - 1.0f;
    float log = -0.145744469f;
    log = log * z + 0.236890377f;
    log = log * z - 0.250069042f;
    log = log * z + 0.286707455f;
    log = log * z - 0.360087216f;
    log = log * z + 0.480939445f;
    log = log * z - 0.721357149f;
    log = log * z + 1.44269477f;
    return (float)whole + log * z;
}

/* 2^EXPONENT for -126..127, within a share of 2e-7. */
static POWER_INLINE float power_exp2(float exponent)
{
    /* Adding 1.5 * 2^23 leaves no bits for a fraction, so this rounds to the nearest whole. */
    float rounded = exponent + 12582912.0f - 12582912.0f;
    float f = exponent - rounded;
    float two = 0.00132647271f;
    two = two * f + 0.00967151264f;
    two = two * f + 0.0555073374f;
    two = two * f + 0.240222421f;
    two = two * f + 0.693146978f;
    two = two * f + 1.0f;
    return two * float_of(((int32_t)rounded + 127) * (1 << 23));
}

/* VALUE^EXPONENT within the limits of both. */
static POWER_INLINE float power_raise(float value, float exponent)
{
    return power_exp2(power_log2(value) * exponent);
}

#endif
