/* SPDX-License-Identifier: MIT */
#include "color/icc_pixels.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

enum { CHUNK = 128 };

bool icc_pixels_new_back(struct icc_pixels *pixels, struct error *error)
{
    static const struct blob srgb = {NULL, 0};
    return tone_new(&pixels->srgb, TONE_LINEAR, &srgb, ICC_RGB, pixels->depth, error);
}

bool icc_pixels_new(struct icc_pixels *pixels, const struct icc_model *model, unsigned depth,
                    bool alpha, struct error *error)
{
    size_t codes = (size_t)1 << depth;
    *pixels = (struct icc_pixels){.depth = depth, .alpha = alpha};
    pixels->in_channels = model->space == ICC_GREY ? 1 : 3;
    for (unsigned c = 0; c < pixels->in_channels; c++) {
        pixels->decode[c] = memory_array(codes, sizeof(float), error);
        if (pixels->decode[c] == NULL)
            goto fail;
        icc_model_decode(model, c, pixels->decode[c], codes);
    }
    for (int i = 0; i < 9; i++)
        pixels->matrix[i / 3][i % 3] = (float)model->to_srgb[i / 3][i % 3];
    return true;
fail:
    icc_pixels_free(pixels);
    return false;
}

void icc_pixels_new_pcs(struct icc_pixels *pixels, const struct icc_scan *scan,
                        const double black[3], unsigned depth, bool alpha)
{
    double to_srgb[3][3];
    *pixels = (struct icc_pixels){.depth = depth, .alpha = alpha, .pcs_is_xyz = scan->pcs_is_xyz};
    pixels->in_channels = scan->space == ICC_CMYK ? 4 : 3;
    icc_model_pcs_to_srgb(to_srgb);
    for (int j = 0; j < 3; j++) {
        double white = icc_pcs_white[j], scale = white / (white - black[j]);
        for (int i = 0; i < 3; i++) {
            pixels->offset[i] -= (float)(to_srgb[i][j] * scale * black[j]);
            pixels->matrix[i][j] = (float)(to_srgb[i][j] * scale * (scan->pcs_is_xyz ? 1 : white));
        }
    }
}

void icc_pixels_free(struct icc_pixels *pixels)
{
    for (int c = 0; c < 3; c++)
        free(pixels->decode[c]);
    tone_free(&pixels->srgb);
    *pixels = (struct icc_pixels){0};
}

/* COUNT samples, STEP apart, to light. */
static void decode_row(const float *decode, unsigned depth, const void *in, size_t step,
                       float *light, size_t count)
{
    const uint8_t *bytes = in;
    const uint16_t *words = in;
    if (depth == 8)
        for (size_t i = 0; i < count; i++)
            light[i] = decode[bytes[i * step]];
    else
        for (size_t i = 0; i < count; i++)
            light[i] = decode[words[i * step]];
}

MULTIVERSION
static void mix_row(const float *restrict r, const float *restrict g, const float *restrict b,
                    const float m[3], float offset, float *restrict out, size_t count)
{
    float mr = m[0], mg = m[1], mb = m[2];
    for (size_t i = 0; i < count; i++)
        out[i] = mr * r[i] + mg * g[i] + mb * b[i] + offset;
}

/* The inverse of Lab's curve (CIE 15:2004, appendix D). */
static inline float lab_light(float f)
{
    float line = (f - (float)(16.0 / 116)) * (float)(27.0 * 116 / 24389), cube = f * f * f;
    return f > (float)(6.0 / 29) ? cube : line;
}

/* Encoded Lab to X, Y and Z, each as a share of white's. */
MULTIVERSION
static void lab_row(const uint16_t *restrict pcs, float *restrict x, float *restrict y,
                    float *restrict z, size_t count)
{
    const float lightness = (float)(100.0 / 65535 / 116), a = (float)(1 / 257.0 / 500),
                b = (float)(1 / 257.0 / 200);
    for (size_t i = 0; i < count; i++) {
        float fy = (float)pcs[3 * i] * lightness + (float)(16.0 / 116);
        x[i] = lab_light(fy + ((float)pcs[3 * i + 1] - 32896.0f) * a);
        y[i] = lab_light(fy);
        z[i] = lab_light(fy - ((float)pcs[3 * i + 2] - 32896.0f) * b);
    }
}

static void xyz_row(const uint16_t *pcs, float *x, float *y, float *z, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)pcs[3 * i] / 32768.0f;
        y[i] = (float)pcs[3 * i + 1] / 32768.0f;
        z[i] = (float)pcs[3 * i + 2] / 32768.0f;
    }
}

static void copy_samples(unsigned depth, const void *in, size_t in_step, void *out, size_t out_step,
                         size_t count)
{
    if (depth == 8)
        for (size_t i = 0; i < count; i++)
            ((uint8_t *)out)[i * out_step] = ((const uint8_t *)in)[i * in_step];
    else
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)out)[i * out_step] = ((const uint16_t *)in)[i * in_step];
}

/* LIGHT, of the profile or of the connection space, to linear sRGB. */
static void mix_planes(const struct icc_pixels *pixels, float light[3][CHUNK],
                       float *const linear[3], size_t count)
{
    for (unsigned c = 0; c < 3; c++)
        mix_row(light[0], light[1], light[2], pixels->matrix[c], pixels->offset[c], linear[c],
                count);
}

/* At most CHUNK pixels, as are those of the next. */
static void light_chunk(const struct icc_pixels *pixels, const uint8_t *in,
                        float *const linear[3], size_t count)
{
    float light[3][CHUNK];
    size_t bytes = pixels->depth / 8, step = pixels->in_channels + pixels->alpha;
    if (pixels->in_channels == 1) {
        decode_row(pixels->decode[0], pixels->depth, in, step, linear[0], count);
        memcpy(linear[1], linear[0], count * sizeof(float));
        memcpy(linear[2], linear[0], count * sizeof(float));
        return;
    }
    for (size_t c = 0; c < 3; c++)
        decode_row(pixels->decode[c], pixels->depth, in + c * bytes, step, light[c], count);
    mix_planes(pixels, light, linear, count);
}

static void light_chunk_pcs(const struct icc_pixels *pixels, const uint16_t *pcs,
                            float *const linear[3], size_t count)
{
    float light[3][CHUNK];
    if (pixels->pcs_is_xyz)
        xyz_row(pcs, light[0], light[1], light[2], count);
    else
        lab_row(pcs, light[0], light[1], light[2], count);
    mix_planes(pixels, light, linear, count);
}

void icc_pixels_light(const struct icc_pixels *pixels, const void *in, float *const linear[3],
                      size_t count)
{
    size_t in_bytes = (pixels->in_channels + pixels->alpha) * pixels->depth / 8;
    for (size_t done = 0, part; done < count; done += part) {
        part = count - done < CHUNK ? count - done : CHUNK;
        float *const to[3] = {linear[0] + done, linear[1] + done, linear[2] + done};
        light_chunk(pixels, (const uint8_t *)in + done * in_bytes, to, part);
    }
}

void icc_pixels_light_pcs(const struct icc_pixels *pixels, const uint16_t *pcs,
                          float *const linear[3], size_t count)
{
    for (size_t done = 0, part; done < count; done += part) {
        part = count - done < CHUNK ? count - done : CHUNK;
        float *const to[3] = {linear[0] + done, linear[1] + done, linear[2] + done};
        light_chunk_pcs(pixels, pcs + 3 * done, to, part);
    }
}

/* Three planes of light to samples, with the alpha of IN. */
static void encode_chunk(const struct icc_pixels *pixels, float *const linear[3],
                         const uint8_t *in, uint8_t *out, size_t count)
{
    size_t bytes = pixels->depth / 8, channels = pixels->in_channels;
    for (unsigned c = 0; c < 3; c++)
        tone_encode_row(&pixels->srgb, c, linear[c], 1, out + c * bytes, 3u + pixels->alpha,
                        count);
    if (pixels->alpha)
        copy_samples(pixels->depth, in + channels * bytes, channels + 1, out + 3 * bytes, 4,
                     count);
}

void icc_pixels_convert(const struct icc_pixels *pixels, const void *in, void *out, size_t count)
{
    float light[3][CHUNK];
    float *const linear[3] = {light[0], light[1], light[2]};
    size_t bytes = pixels->depth / 8;
    size_t in_bytes = (pixels->in_channels + pixels->alpha) * bytes;
    size_t out_bytes = (3u + pixels->alpha) * bytes;
    for (size_t done = 0, part; done < count; done += part) {
        const uint8_t *from = (const uint8_t *)in + done * in_bytes;
        part = count - done < CHUNK ? count - done : CHUNK;
        light_chunk(pixels, from, linear, part);
        encode_chunk(pixels, linear, from, (uint8_t *)out + done * out_bytes, part);
    }
}

void icc_pixels_convert_pcs(const struct icc_pixels *pixels, const uint16_t *pcs, const void *in,
                            void *out, size_t count)
{
    float light[3][CHUNK];
    float *const linear[3] = {light[0], light[1], light[2]};
    size_t bytes = pixels->depth / 8;
    size_t in_bytes = (pixels->in_channels + pixels->alpha) * bytes;
    size_t out_bytes = (3u + pixels->alpha) * bytes;
    for (size_t done = 0, part; done < count; done += part) {
        part = count - done < CHUNK ? count - done : CHUNK;
        light_chunk_pcs(pixels, pcs + 3 * done, linear, part);
        encode_chunk(pixels, linear, (const uint8_t *)in + done * in_bytes,
                     (uint8_t *)out + done * out_bytes, part);
    }
}

void icc_pixels_from_cmyk(unsigned depth, bool alpha, const void *in, void *out, size_t count)
{
    size_t in_step = 4u + alpha, out_step = 3u + alpha;
    const uint8_t *in8 = in;
    uint8_t *out8 = out;
    const uint16_t *in16 = in;
    uint16_t *out16 = out;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++) {
            size_t from = i * in_step, to = i * out_step + c;
            if (depth == 8) {
                unsigned light = (255u - in8[from + c]) * (255u - in8[from + 3]);
                out8[to] = (uint8_t)((light + 127) / 255);
            } else {
                uint32_t light = (65535u - in16[from + c]) * (65535u - in16[from + 3]);
                out16[to] = (uint16_t)((light + 32767) / 65535);
            }
        }
    if (alpha)
        copy_samples(depth, in8 + 4 * depth / 8, in_step, out8 + 3 * depth / 8, out_step, count);
}
