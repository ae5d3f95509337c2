/* SPDX-License-Identifier: MIT */
#include "color/icc_curve.h"

#include <math.h>

#include "color/lab.h"

/* More than any device has; 16-bit samples cannot use more. */
enum { MAX_ENTRIES = 65536 };

static bool curve_truncated(struct error *error)
{
    return error_set(error, ERROR_CORRUPT, "ICC profile: a curve ends too early");
}

static bool parse_table(struct icc_span span, struct icc_tone *tone, size_t *size,
                        struct error *error)
{
    uint32_t count = icc_u32(span.data + 8);
    if (count > MAX_ENTRIES)
        return error_set(error, ERROR_CORRUPT, "ICC profile: a curve of %u entries", count);
    if (span.size - 12 < 2 * (size_t)count)
        return curve_truncated(error);
    *size = 12 + 2 * (size_t)count;
    if (count >= 2) {
        *tone = (struct icc_tone){.kind = ICC_TONE_TABLE, .table = span.data + 12, .count = count};
        return true;
    }
    double gamma = count == 0 ? 1.0 : icc_u16(span.data + 12) / 256.0;
    *tone = (struct icc_tone){.kind = ICC_TONE_POWER, .g = gamma, .a = 1};
    return true;
}

static bool parse_parametric(struct icc_span span, struct icc_tone *tone, size_t *size,
                             struct error *error)
{
    static const uint8_t counts[] = {1, 3, 4, 5, 7};
    unsigned type = icc_u16(span.data + 8);
    if (type >= sizeof counts)
        return error_set(error, ERROR_CORRUPT, "ICC profile: no parametric curve %u is known",
                         type);
    *size = 12 + 4 * (size_t)counts[type];
    if (span.size < *size)
        return curve_truncated(error);
    double p[7] = {0};
    for (unsigned i = 0; i < counts[type]; i++)
        p[i] = icc_s15f16(span.data + 12 + 4 * i);
    *tone = (struct icc_tone){.kind = ICC_TONE_POWER, .g = p[0], .a = 1};
    if (type >= 1) {
        tone->a = p[1];
        tone->b = p[2];
    }
    if (type == 1 || type == 2) {
        tone->d = p[1] != 0 ? -p[2] / p[1] : 0;
        tone->e = tone->f = p[3];
    } else if (type >= 3) {
        tone->c = p[3];
        tone->d = p[4];
        tone->e = p[5];
        tone->f = p[6];
    }
    return true;
}

bool icc_tone_parse(struct icc_span span, struct icc_tone *tone, size_t *size, struct error *error)
{
    struct icc_tone ignored_tone;
    size_t ignored_size;
    tone = tone != NULL ? tone : &ignored_tone;
    size = size != NULL ? size : &ignored_size;
    if (span.size < 12)
        return curve_truncated(error);
    uint32_t type = icc_u32(span.data);
    if (type != ICC_FOURCC('c', 'u', 'r', 'v') && type != ICC_FOURCC('p', 'a', 'r', 'a'))
        return error_set(error, ERROR_CORRUPT, "ICC profile: a curve of unknown type");
    return type == ICC_FOURCC('c', 'u', 'r', 'v') ? parse_table(span, tone, size, error)
                                                  : parse_parametric(span, tone, size, error);
}

static double table_value(const struct icc_tone *tone, double sample)
{
    double place = sample * (double)(tone->count - 1);
    size_t index = (size_t)place;
    if (index >= tone->count - 1)
        return icc_u16(tone->table + 2 * (tone->count - 1)) / 65535.0;
    double low = icc_u16(tone->table + 2 * index), high = icc_u16(tone->table + 2 * index + 2);
    return (low + (high - low) * (place - (double)index)) / 65535.0;
}

static double power_value(const struct icc_tone *tone, double sample)
{
    if (sample < tone->d)
        return tone->c * sample + tone->f;
    return pow(fmax(tone->a * sample + tone->b, 0), tone->g) + tone->e;
}

double icc_tone_value(const struct icc_tone *tone, double sample)
{
    double light = tone->kind == ICC_TONE_SRGB    ? srgb_decode(sample)
                   : tone->kind == ICC_TONE_TABLE ? table_value(tone, sample)
                                                  : power_value(tone, sample);
    /* In this order a NaN, which hostile parameters can make, becomes 0. */
    return fmin(fmax(light, 0), 1);
}

double icc_tone_inverse(const struct icc_tone *tone, double light)
{
    double low = 0, high = 1;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (icc_tone_value(tone, middle) < light)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
