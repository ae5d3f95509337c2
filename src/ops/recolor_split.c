/* SPDX-License-Identifier: MIT */
#include "ops/recolor_split.h"

#include <math.h>

#include "base/compiler.h"
#include "color/lab.h"

static const double chromatic_from = 20.0; /* C* */

/* A component at the upper end tells only that there was at least so much light. */
#define CLIP_FROM 0.988f
#define CLIP_TO 0.998f
#define CLIP_WEIGHT 0.01f

/* What the model leaves over, as a share of the pixel: noise, coloured light and reflections up to
 * the first, another material from the second on. In the dark, noise is a large share. */
#define FAMILIAR 0.25f
#define STRANGE 0.5f
#define DARK 0.02f

static inline float least(float a, float b)
{
    return a < b ? a : b;
}

static inline float most(float a, float b)
{
    return a > b ? a : b;
}

static inline float unit(float value)
{
    return least(most(value, 0.0f), 1.0f);
}

/* How much light one step of the sRGB curve is. */
static double curve_slope(double light)
{
    double code = srgb_encode(least((float)light, 1.0f));
    return code <= 0.04045 ? 1.0 / 12.92 : 2.4 / 1.055 * pow((code + 0.055) / 1.055, 1.4);
}

void recolor_split_init(struct recolor_split *split, const double body[3])
{
    double lab[3], weight[3], total = 0.0, ba = 0.0, aa = 0.0;
    const double light_y = 0.2126729 * body[0] + 0.7151522 * body[1] + 0.0721750 * body[2];
    lab_from_linear(body, lab);
    *split = (struct recolor_split){.chromatic = hypot(lab[1], lab[2]) >= chromatic_from,
                                    .light_y = (float)light_y};
    /* Noise and rounding are even in sRGB's code, so dark components are known best in light. */
    for (int c = 0; c < 3; c++) {
        double deviation = curve_slope(body[c]) / 255.0;
        weight[c] = 1.0 / (deviation * deviation);
        total += weight[c];
        ba += weight[c] * body[c];
        aa += weight[c] * body[c] * body[c];
    }
    for (int c = 0; c < 3; c++) {
        split->body[c] = (float)body[c];
        split->weight[c] = (float)(weight[c] / total);
    }
    /* Twice the deviation of m_s for noise of one step: the normal equations, inverted. */
    if (split->chromatic)
        split->doubt = (float)(2.0 * sqrt(aa / (aa * total - ba * ba)));
}

/* Weighted least squares with m_b, m_s at least 0. Near a neutral body m_s is little more than
 * noise: what is not well above its own deviation shrinks towards 0, and m_b is fitted again. */
MULTIVERSION
static void split_fit(const struct recolor_split *split, const float *restrict r,
                      const float *restrict g, const float *restrict b, float *restrict m_b,
                      float *restrict m_s, size_t count)
{
    const float body_r = split->body[0], body_g = split->body[1], body_b = split->body[2];
    const float sure_r = split->weight[0], sure_g = split->weight[1], sure_b = split->weight[2];
    const float doubt = split->doubt * split->doubt + 1e-12f;
    const float scale = 1.0f / (CLIP_TO - CLIP_FROM);
    for (size_t i = 0; i < count; i++) {
        float w_r = sure_r * most(unit((CLIP_TO - r[i]) * scale), CLIP_WEIGHT);
        float w_g = sure_g * most(unit((CLIP_TO - g[i]) * scale), CLIP_WEIGHT);
        float w_b = sure_b * most(unit((CLIP_TO - b[i]) * scale), CLIP_WEIGHT);
        float ww = w_r + w_g + w_b;
        float aw = w_r * body_r + w_g * body_g + w_b * body_b;
        float aa = w_r * body_r * body_r + w_g * body_g * body_g + w_b * body_b * body_b;
        float iw = w_r * r[i] + w_g * g[i] + w_b * b[i];
        float ia = w_r * r[i] * body_r + w_g * g[i] * body_g + w_b * b[i] * body_b;
        float s = most((iw * aa - ia * aw) / (aa * ww - aw * aw), 0.0f);
        s = s * s * s / (s * s + doubt);
        float body = (ia - s * aw) / aa;
        m_s[i] = body < 0.0f ? iw / ww : s;
        m_b[i] = most(body, 0.0f);
    }
}

/* By luminance: what is above the cap is highlight. Where all components are clipped, the highlight
 * is at least what the body lacks to white; how much more is lost. Half of that again is about what
 * rendered highlights have on average; it vanishes where the body itself is overexposed. */
MULTIVERSION
static void split_luminance(const struct recolor_split *split, const float *restrict r,
                            const float *restrict g, const float *restrict b,
                            const float *restrict cap, float *restrict m_b, float *restrict m_s,
                            size_t count)
{
    const float body_r = split->body[0], body_g = split->body[1], body_b = split->body[2];
    const float body_least = least(least(body_r, body_g), body_b);
    const float light_y = split->light_y, per_y = 1.0f / light_y;
    for (size_t i = 0; i < count; i++) {
        float y = (0.2126729f * r[i] + 0.7151522f * g[i] + 0.0721750f * b[i]) * per_y;
        float body = least(y, cap[i]);
        float s = (y - body) * light_y;
        float clipped = unit((least(least(r[i], g[i]), b[i]) - 0.97f) * (1.0f / 0.028f));
        float lacking = 1.5f * most(1.0f - body * body_least, 0.0f);
        m_b[i] = body;
        m_s[i] = s + clipped * most(lacking - s, 0.0f);
    }
}

/* Takes the body out of pixels whose colour is far from all that body and white can mix to. */
MULTIVERSION
static void split_trust(const struct recolor_split *split, const float *restrict r,
                        const float *restrict g, const float *restrict b, float *restrict m_b,
                        const float *restrict m_s, float *restrict trust, size_t count)
{
    const float body_r = split->body[0], body_g = split->body[1], body_b = split->body[2];
    const float scale = 1.0f / (STRANGE - FAMILIAR);
    for (size_t i = 0; i < count; i++) {
        float off_r = r[i] - least(m_b[i] * body_r + m_s[i], 1.0f);
        float off_g = g[i] - least(m_b[i] * body_g + m_s[i], 1.0f);
        float off_b = b[i] - least(m_b[i] * body_b + m_s[i], 1.0f);
        float off = off_r * off_r + off_g * off_g + off_b * off_b;
        float all = r[i] * r[i] + g[i] * g[i] + b[i] * b[i] + DARK * DARK;
        float t = unit((STRANGE - sqrtf(off / all)) * scale);
        trust[i] = t * t * (3.0f - 2.0f * t);
        m_b[i] *= trust[i];
    }
}

void recolor_split_row(const struct recolor_split *split, const float *const linear[3],
                       const float *restrict cap, const struct recolor_parts *parts, size_t count)
{
    const float *r = linear[0], *g = linear[1], *b = linear[2];
    if (split->chromatic)
        split_fit(split, r, g, b, parts->m_b, parts->m_s, count);
    else
        split_luminance(split, r, g, b, cap, parts->m_b, parts->m_s, count);
    split_trust(split, r, g, b, parts->m_b, parts->m_s, parts->trust, count);
}

/* What the source clipped is there again in the sum of its parts; where the result is above 1 as
 * well, that much is clipped again, so that a body that gets its own colour stays as it is. */
MULTIVERSION
static void join_plane(float from, float to, const float *restrict m_b, const float *restrict m_s,
                       const float *restrict trust, float *restrict light, size_t count)
{
    const float dark = 1e-4f; /* against a quotient of two nothings */
    for (size_t i = 0; i < count; i++) {
        float before = m_b[i] * from + m_s[i], after = least(m_b[i] * to, 1.0f) + m_s[i];
        float rest = light[i] - least(before, 1.0f);
        float less = 1.0f - least((after + dark) / (before + dark), 1.0f);
        float again = most(least(before, after) - 1.0f, 0.0f);
        light[i] = after - again + rest * (1.0f - less * trust[i]);
    }
}

void recolor_join_row(const struct recolor_split *split, const float to[3],
                      const struct recolor_parts *parts, float *const linear[3], size_t count)
{
    for (unsigned c = 0; c < 3; c++)
        join_plane(split->body[c], to[c], parts->m_b, parts->m_s, parts->trust, linear[c], count);
}
