/* SPDX-License-Identifier: MIT */
#include "color/srgb.h"

#include <stdint.h>

#include "base/bits.h"
#include "base/compiler.h"
#include "color/power.h"

#define SIGN INT32_MIN
#define MOST_BITS 0x47800000    /* 65536.0f */
#define ENCODE_JOINT 0x3b4d2e1c /* 0.0031308f */
#define DECODE_JOINT 0x3d25aee6 /* 0.04045f */

MULTIVERSION
void srgb_encode_row(float *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int32_t bits = bits_of(value[i]) & ~SIGN, sign = bits_of(value[i]) & SIGN;
        bits = bits < MOST_BITS ? bits : MOST_BITS;
        float size = float_of(bits > ENCODE_JOINT ? bits : ENCODE_JOINT);
        float curve = 1.055f * power_raise(size, 1 / 2.4f) - 0.055f;
        float code = power_choose(bits, ENCODE_JOINT, curve, float_of(bits) * 12.92f);
        value[i] = float_of(bits_of(code) | sign);
    }
}

MULTIVERSION
void srgb_decode_row(float *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int32_t bits = bits_of(value[i]) & ~SIGN, sign = bits_of(value[i]) & SIGN;
        bits = bits < MOST_BITS ? bits : MOST_BITS;
        float size = float_of(bits > DECODE_JOINT ? bits : DECODE_JOINT);
        float curve = power_raise((size + 0.055f) * (1 / 1.055f), 2.4f);
        float light = power_choose(bits, DECODE_JOINT, curve, float_of(bits) * (1 / 12.92f));
        value[i] = float_of(bits_of(light) | sign);
    }
}
