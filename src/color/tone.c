/* SPDX-License-Identifier: MIT */
#include "color/tone.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/compiler.h"

/* Codes are found in two steps, a guess and an exact decision. The bits of a float order like its
 * value, so bits of light + bias, shifted right, number bins that are even near 0 and widen with
 * the light, much like the codes do. LIMITS, the light where the next code starts, decides.
 *
 * 8 bits: FIRST has the lowest code of each bin; with usual curves no bin holds two limits.
 * 16 bits: that would take bins by the hundred thousand; LINES go through the code at the bins'
 * ends, and with usual curves are at most one code off. MOST says how far the guess can be off;
 * above 1, which odd curves can make it, there is a search. */
struct tone_table {
    unsigned shift;
    int32_t bias_bits;
    float bias;
    unsigned most;
    float *limits;     /* one per code, the last infinite */
    uint16_t *first;   /* 8 bits */
    float (*lines)[2]; /* 16 bits: code at the bin's start, codes per step of the bits */
};

enum { CHUNK = 128 };

/* How many steps of the bits LIGHT is from 0. */
static inline int32_t steps_of(float light, float bias, int32_t bias_bits)
{
    return bits_of(light + bias) - bias_bits;
}

static inline int32_t line_guess(const float (*lines)[2], unsigned shift, int32_t steps)
{
    const float *line = lines[steps >> shift];
    return (int32_t)(line[0] + line[1] * (float)(steps & ((1 << shift) - 1)));
}

/* Makes VALUES rise strictly, still from 0 to 1: tables in profiles have flat ends, and a code that
 * shares its light with another would not come back. The rise is the least a float can show. */
static void make_rising(float *values, size_t count)
{
    for (size_t i = 1; i < count; i++)
        values[i] = fmaxf(values[i], values[i - 1] * (1 + 0x1p-23f) + 0x1p-60f);
    values[count - 1] = 1;
    for (size_t i = count - 1; i > 0; i--)
        values[i - 1] = fminf(values[i - 1], values[i] * (1 - 0x1p-23f));
}

/* LIMITS from DECODE, and for 8 bits from the curve half-way between codes, where HALVES has
 * twice as many steps. With 16 bits the mean of two codes is the same to 0.001 of a code. */
static void find_limits(struct tone_table *table, const float *decode, const float *halves,
                        size_t codes)
{
    for (size_t i = 0; i + 1 < codes; i++) {
        float middle = halves != NULL ? halves[2 * i + 1] : (decode[i] + decode[i + 1]) / 2;
        bool inside = middle > decode[i] && middle <= decode[i + 1];
        table->limits[i] = inside ? middle : decode[i + 1];
    }
    table->limits[codes - 1] = INFINITY;
}

static void find_first(struct tone_table *table, size_t codes, size_t bins)
{
    size_t done = 0;
    unsigned in_bin = 0;
    int32_t last = -1;
    for (size_t i = 0; i + 1 < codes; i++) {
        int32_t bin = steps_of(table->limits[i], table->bias, table->bias_bits) >> table->shift;
        in_bin = bin == last ? in_bin + 1 : 1;
        last = bin;
        if (in_bin > table->most)
            table->most = in_bin;
        for (; done <= (size_t)bin; done++)
            table->first[done] = (uint16_t)i;
    }
    for (; done < bins; done++)
        table->first[done] = (uint16_t)(codes - 1);
}

static void find_lines(struct tone_table *table, size_t codes, size_t bins)
{
    float(*lines)[2] = table->lines;
    size_t code = 0;
    for (size_t bin = 0; bin <= bins; bin++) {
        float light = float_of(table->bias_bits + (int32_t)(bin << table->shift)) - table->bias;
        while (light >= table->limits[code])
            code++;
        /* Limits are where the code becomes whole. */
        double below = code > 0 ? table->limits[code - 1] : 0;
        double above = code + 1 < codes ? table->limits[code] : 2;
        lines[bin][0] = (float)((double)code + (light - below) / (above - below));
    }
    for (size_t bin = 0; bin < bins; bin++)
        lines[bin][1] = (lines[bin + 1][0] - lines[bin][0]) / (float)(1 << table->shift);
    /* The lines rise, so they are farthest off at a limit or just below it. */
    for (size_t i = 0; i + 1 < codes; i++) {
        float limit = table->limits[i];
        int32_t at =
            line_guess(lines, table->shift, steps_of(limit, table->bias, table->bias_bits));
        int32_t below =
            line_guess(lines, table->shift,
                       steps_of(float_of(bits_of(limit) - 1), table->bias, table->bias_bits));
        unsigned off = (unsigned)abs(at - (int32_t)i - 1),
                 off_below = (unsigned)abs(below - (int32_t)i);
        off = off > off_below ? off : off_below;
        table->most = off > table->most ? off : table->most;
    }
}

static void table_free(struct tone_table *table)
{
    if (table == NULL)
        return;
    free(table->limits);
    free(table->first);
    free(table->lines);
    free(table);
}

static struct tone_table *table_new(const float *decode, const float *halves, unsigned depth,
                                    struct error *error)
{
    size_t codes = (size_t)1 << depth;
    struct tone_table *table = memory_zeroed(1, sizeof *table, error);
    if (table == NULL)
        return NULL;
    bool small = depth == 8;
    table->bias = small ? 0x1p-8f : 0x1p-24f;
    table->bias_bits = bits_of(table->bias);
    table->shift = small ? 23 - 9 : 23 - 8;
    size_t bins = (size_t)(steps_of(1.0f, table->bias, table->bias_bits) >> table->shift) + 1;
    table->limits = memory_array(codes, sizeof *table->limits, error);
    if (small)
        table->first = memory_array(bins, sizeof *table->first, error);
    else
        table->lines = memory_array(bins + 1, sizeof *table->lines, error);
    if (table->limits == NULL || (small ? (void *)table->first : (void *)table->lines) == NULL) {
        table_free(table);
        return NULL;
    }
    find_limits(table, decode, halves, codes);
    if (small)
        find_first(table, codes, bins);
    else
        find_lines(table, codes, bins);
    return table;
}

/* The straight line needs no table to encode. */
static bool is_line(const float *decode, size_t codes)
{
    for (size_t i = 0; i < codes; i++)
        if (fabsf(decode[i] * (float)(codes - 1) - (float)i) > 0.01f)
            return false;
    return true;
}

static bool channel_line(struct tone *tone, unsigned channel, struct error *error)
{
    size_t codes = (size_t)1 << tone->depth;
    float *decode = memory_array(codes, sizeof *decode, error);
    if (decode == NULL)
        return false;
    tone->decode[channel] = decode;
    for (size_t i = 0; i < codes; i++)
        decode[i] = (float)i / (float)(codes - 1);
    return true;
}

static bool channel_curve(struct tone *tone, unsigned channel, const struct blob *profile,
                          enum icc_space space, struct error *error)
{
    float halves[511];
    size_t codes = (size_t)1 << tone->depth;
    float *decode = memory_array(codes, sizeof *decode, error);
    if (decode == NULL)
        return false;
    tone->decode[channel] = decode;
    bool fine = tone->depth == 8;
    if (!icc_curve(profile, space, channel, fine ? halves : decode, fine ? 511 : codes, error))
        return false;
    for (size_t i = 0; fine && i < codes; i++)
        decode[i] = halves[2 * i];
    make_rising(decode, codes);
    if (is_line(decode, codes))
        return true;
    tone->encode[channel] = table_new(decode, fine ? halves : NULL, tone->depth, error);
    return tone->encode[channel] != NULL;
}

bool tone_new(struct tone *tone, enum tone_light light, const struct blob *profile,
              enum icc_space space, unsigned depth, struct error *error)
{
    bool shared = space == ICC_GREY || light == TONE_GAMMA || icc_curves_are_one(profile, space);
    *tone = (struct tone){.depth = depth};
    for (unsigned c = 0; c < 3; c++) {
        if (c > 0 && shared) {
            tone->decode[c] = tone->decode[0];
            tone->encode[c] = tone->encode[0];
            continue;
        }
        bool good = light == TONE_GAMMA ? channel_line(tone, c, error)
                                        : channel_curve(tone, c, profile, space, error);
        if (!good) {
            tone_free(tone);
            return false;
        }
    }
    return true;
}

void tone_free(struct tone *tone)
{
    for (int c = 2; c >= 0; c--) {
        if (c > 0 && tone->decode[c] == tone->decode[0])
            continue;
        free(tone->decode[c]);
        table_free(tone->encode[c]);
    }
    *tone = (struct tone){0};
}

/* Written so that a NaN becomes 0. */
static inline float clip(float light)
{
    light = light > 0 ? light : 0;
    return light < 1 ? light : 1;
}

MULTIVERSION
static void find_steps(const float *restrict light, size_t in_step, float *restrict clipped,
                       int32_t *restrict steps, float bias, int32_t bias_bits, size_t count)
{
    if (in_step == 1)
        for (size_t i = 0; i < count; i++)
            clipped[i] = clip(light[i]);
    else
        for (size_t i = 0; i < count; i++)
            clipped[i] = clip(light[i * in_step]);
    for (size_t i = 0; i < count; i++)
        steps[i] = steps_of(clipped[i], bias, bias_bits);
}

static void encode_chunk8(const struct tone_table *table, const float *light, const int32_t *steps,
                          uint8_t *out, size_t step, size_t count)
{
    const float *limits = table->limits;
    const uint16_t *first = table->first;
    unsigned shift = table->shift;
    if (table->most <= 1) {
        for (size_t i = 0; i < count; i++) {
            unsigned code = first[steps[i] >> shift];
            out[i * step] = (uint8_t)(code + (light[i] >= limits[code]));
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned code = first[steps[i] >> shift];
        while (light[i] >= limits[code])
            code++;
        out[i * step] = (uint8_t)code;
    }
}

static void encode_chunk16(const struct tone_table *table, const float *light, const int32_t *steps,
                           uint16_t *out, size_t step, size_t count)
{
    const float *limits = table->limits;
    const float(*lines)[2] = (const float(*)[2])table->lines;
    unsigned shift = table->shift;
    if (table->most <= 1) {
        for (size_t i = 0; i < count; i++) {
            int32_t code = line_guess(lines, shift, steps[i]);
            code -= code > 0;
            code += light[i] >= limits[code];
            code += light[i] >= limits[code];
            out[i * step] = (uint16_t)code;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        int32_t code = line_guess(lines, shift, steps[i]);
        while (light[i] >= limits[code])
            code++;
        while (code > 0 && light[i] < limits[code - 1])
            code--;
        out[i * step] = (uint16_t)code;
    }
}

MULTIVERSION
static void encode_line8(const float *light, size_t in_step, uint8_t *out, size_t step,
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i * step] = (uint8_t)(int32_t)(clip(light[i * in_step]) * 255.0f + 0.5f);
}

MULTIVERSION
static void encode_line16(const float *light, size_t in_step, uint16_t *out, size_t step,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i * step] = (uint16_t)(int32_t)(clip(light[i * in_step]) * 65535.0f + 0.5f);
}

void tone_encode_row(const struct tone *tone, unsigned channel, const float *light, size_t in_step,
                     void *samples, size_t step, size_t count)
{
    const struct tone_table *table = tone->encode[channel];
    if (table == NULL) {
        if (tone->depth == 8)
            encode_line8(light, in_step, samples, step, count);
        else
            encode_line16(light, in_step, samples, step, count);
        return;
    }
    float clipped[CHUNK];
    int32_t steps[CHUNK];
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t part = count - done < CHUNK ? count - done : CHUNK;
        find_steps(light + done * in_step, in_step, clipped, steps, table->bias, table->bias_bits,
                   part);
        if (tone->depth == 8)
            encode_chunk8(table, clipped, steps, (uint8_t *)samples + done * step, step, part);
        else
            encode_chunk16(table, clipped, steps, (uint16_t *)samples + done * step, step, part);
    }
}
