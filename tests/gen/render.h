/* SPDX-License-Identifier: MIT */
/*
 * The product of the test pictures: an enamel kettle with a steel bow and a wooden grip.
 *
 * Its shape is a distance field that rays are marched through (Hart, "Sphere tracing", 1996).
 * Axes: x to the spout, y up, z to the front; the body's radius is 1. Its paint follows the
 * dichromatic model (Shafer 1985) in linear light, m_b * C_b + m_s * white. A sample keeps m_b
 * ("paint") apart from all other light, m_s and the unpainted materials; the caller multiplies
 * C_b in at the very end, so nothing here depends on it.
 */
#ifndef TESTS_GEN_RENDER_H
#define TESTS_GEN_RENDER_H

#include <math.h>
#include <stdbool.h>

typedef float vec __attribute__((vector_size(16))); /* x, y, z, 0 */

enum part { PART_PAINT, PART_STEEL, PART_WOOD, PART_NONE };

/* What one ray sees; the means over rays have the same form. All zero where there is nothing. */
struct sample {
    vec share; /* lanes as below */
    vec light; /* linear light that is not the paint's; red, green, blue, 0 */
};

enum {
    COVERAGE, /* 1 where the ray meets the product */
    PAINTED,  /* 1 where it meets paint */
    PAINT,    /* m_b */
    NEARNESS, /* 1 / depth of the hit, or of the closest approach of a near miss */
};

/* The camera stands far off, a little above the product, and sees the spout to the right. Its film
 * is a plane at distance 1, on which the product stays inside these bounds. */
static const float film_left = -0.109f, film_top = 0.103f;
static const float film_width = 0.228f, film_height = 0.218f;
static const vec camera_eye = {4.597f, 2.921f, 9.802f}, camera_right = {0.91309f, 0.0f, -0.40776f};
static const vec camera_up = {-0.08899f, 0.97590f, -0.19926f};
static const vec camera_forward = {-0.39793f, -0.21823f, -0.89108f};

static inline float min_of(float a, float b) { return a < b ? a : b; }
static inline float max_of(float a, float b) { return a > b ? a : b; }
static inline float clamp01(float v) { return min_of(max_of(v, 0.0f), 1.0f); }
static inline float norm(float x, float y) { return sqrtf(x * x + y * y); }
static inline float dot(vec a, vec b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static inline float smooth_step(float low, float high, float v)
{
    float t = clamp01((v - low) / (high - low));
    return t * t * (3.0f - 2.0f * t);
}

static inline float smooth_min(float a, float b, float radius)
{
    float h = max_of(radius - fabsf(a - b), 0.0f);
    return min_of(a, b) - h * h * (0.25f / radius);
}

static inline float smooth_max(float a, float b, float r) { return -smooth_min(-a, -b, r); }

/* ---- shape ---- */

/* A part that is farther than FAR may give a lower bound of its distance. */
#define FAR 0.2f

/* Solid of revolution r^2 + |y/height|^2.5 < 1; the exponent makes the curvature continuous at the
 * equator though the halves differ in height. To first order the distance from G = 1, where G is
 * the root of the left side, is (G-1)/|grad G|. */
static inline float dome_distance(float r, float y, float up, float down)
{
    float scale = y > 0.0f ? 1.0f / up : 1.0f / down;
    float t = fabsf(y) * scale, t15 = t * sqrtf(t), g = sqrtf(r * r + t * t15);
    return (g - 1.0f) * 2.0f * g / (norm(2.0f * r, 2.5f * t15 * scale) + 1e-3f);
}

/* Hollow tube round a parabola, thinner to its end and cut off there. */
static inline float spout_distance(vec p)
{
    const vec from = {0.62f, -0.16f}, b = {0.60f, 0.18f}, c = {-0.32f, 0.46f};
    vec off = from - p;
    float t = clamp01(dot(off, (vec){-0.61f, -0.57f}));
    for (int i = 0; i < 2; i++) { /* Newton's steps to the foot of the perpendicular */
        vec slope = (b + c * t) * 2.0f;
        off = from - p + (b * 2.0f + c * t) * t;
        t = clamp01(t - dot(off, slope) / max_of(dot(slope, slope) + 2.0f * dot(off, c), 0.3f));
    }
    off = from - p + (b * 2.0f + c * t) * t;
    float tube = sqrtf(dot(off, off)) - 0.10f - 0.17f * (1.0f - t) * (1.0f - t);
    float cut = (p[0] - 1.50f) * 0.55f + (p[1] - 0.66f) * 0.835f + 0.03f;
    return smooth_max(smooth_max(tube, cut, 0.02f), -0.026f - tube, 0.012f);
}

static inline float paint_distance(vec p, float r)
{
    float body = smooth_max(dome_distance(r, p[1], 0.84f, 0.72f), -0.50f - p[1], 0.07f);
    vec to_spout = p - (vec){1.05f, 0.22f}, to_ear = {fabsf(p[0]) - 0.80f, p[1] - 0.50f, p[2]};
    float spout = max_of(sqrtf(dot(to_spout, to_spout)) - 0.72f, fabsf(p[2]) - 0.28f);
    float lid = max_of(r - 0.52f, 0.6f - p[1]);
    spout = max_of(spout, 0.45f - p[0]);
    body = spout > FAR ? min_of(body, spout) : smooth_min(body, spout_distance(p), 0.16f);
    body = smooth_min(body, sqrtf(dot(to_ear, to_ear)) - 0.10f, 0.10f);
    if (lid < FAR)
        lid = smooth_max(dome_distance(r, p[1] - 0.035f, 0.84f, 0.72f), r - 0.515f, 0.05f);
    return min_of(body, lid);
}

static inline float bow_distance(vec p)
{
    float x = fabsf(p[0]) - 0.28f, y = fabsf(p[1] - 0.80f) - 0.22f;
    float outline = norm(max_of(x, 0.0f), max_of(y, 0.0f)) + min_of(max_of(x, y), 0.0f) - 0.52f;
    return norm(fabsf(outline), max_of(fabsf(p[2]) - 0.030f, 0.0f)) - 0.026f;
}

static inline float steel_distance(vec p, float r)
{
    float base = smooth_max(r - 0.77f, fabsf(p[1] + 0.52f) - 0.045f, 0.03f);
    float top = max_of(r - 0.56f, fabsf(p[1] - 0.86f) - 0.16f), bow = fabsf(p[2]) - 0.08f;
    if (top < FAR) {
        float rim = norm(r - 0.535f, p[1] - 0.742f) - 0.022f;
        float stem = max_of(r - 0.055f + 0.02f * (p[1] - 0.86f), fabsf(p[1] - 0.88f) - 0.08f);
        top = min_of(rim, stem);
    }
    return min_of(min_of(top, base), bow < FAR ? bow_distance(p) : bow);
}

static inline float wood_distance(vec p, float r)
{
    if (p[1] < 0.9f - FAR)
        return 0.9f - p[1];
    float knob = max_of(r - 0.16f, fabsf(p[1] - 1.02f) - 0.12f);
    if (knob < FAR)
        knob = 0.115f * dome_distance(r / 0.150f, (p[1] - 1.02f) / 0.115f, 1.0f, 1.0f);
    float along = smooth_max(fabsf(p[0]) - 0.30f, 0.0f, 0.15f);
    float grip = norm(norm(along, p[1] - 1.54f), p[2] * 0.85f) - 0.082f + 0.10f * p[0] * p[0];
    return min_of(knob, grip * 0.9f);
}

static float product_distance(vec p)
{
    float r = norm(p[0], p[2]);
    return min_of(min_of(paint_distance(p, r), steel_distance(p, r)), wood_distance(p, r));
}

static inline enum part product_part(vec p)
{
    float r = norm(p[0], p[2]), steel = steel_distance(p, r), wood = wood_distance(p, r);
    enum part other = steel <= wood ? PART_STEEL : PART_WOOD;
    return paint_distance(p, r) <= min_of(steel, wood) ? PART_PAINT : other;
}

static inline vec product_normal(vec p)
{
    static const vec corners[4] = {{1, -1, -1}, {-1, -1, 1}, {-1, 1, -1}, {1, 1, 1}};
    vec n = {0.0f};
    for (int i = 0; i < 4; i++)
        n += corners[i] * product_distance(p + corners[i] * 0.0007f);
    return n / sqrtf(dot(n, n));
}

/* ---- light ---- */

/* A soft box is a lit rectangle far away that faces the product. */
static const struct soft_box {
    vec to, right, up;
    float half_width, half_height, power;
} soft_boxes[] = {
    {{-0.431f, 0.500f, 0.751f}, {0.867f, 0.000f, 0.498f}, {-0.249f, -0.866f, 0.433f},
     0.38f, 0.80f, 13.0f},
    {{0.944f, 0.280f, -0.174f}, {-0.182f, 0.000f, -0.983f}, {-0.275f, 0.960f, 0.051f},
     0.10f, 0.95f, 8.0f},
    {{-0.053f, 0.930f, -0.364f}, {0.913f, 0.000f, -0.408f}, {-0.379f, -0.354f, -0.849f},
     0.70f, 0.16f, 5.0f},
};

/* Light from direction d, all of it neutral: the soft boxes and a grey room, of which lacquer gets
 * a small share, as through a polarising filter, so that the paint keeps its colour. */
static inline float studio_light(vec d, float room)
{
    float light = room * (0.20f + 0.38f * smooth_step(0.5f, -0.9f, 0.913f * d[0] - 0.408f * d[2]) +
                          0.25f * smooth_step(-0.1f, 0.9f, d[1]) +
                          0.12f * smooth_step(-0.05f, -0.5f, d[1]));
    for (int i = 0; i < 3; i++) {
        const struct soft_box *box = &soft_boxes[i];
        float facing = dot(d, box->to);
        if (facing < 0.2f)
            continue;
        float u = dot(d, box->right) / facing, v = fabsf(dot(d, box->up)) / facing;
        light += box->power * (0.65f - 0.35f * u / box->half_width) *
                 smooth_step(box->half_width, box->half_width - 0.05f, fabsf(u)) *
                 smooth_step(box->half_height, box->half_height - 0.05f, v);
    }
    return light;
}

/* Share of the light along d that the product lets through; `width` is that of the cone. */
static inline float light_reaching(vec p, vec d, float width)
{
    float open = 1.0f;
    for (float t = 0.03f; t < 1.6f && open > 0.02f;) {
        float gap = product_distance(p + d * t);
        open = min_of(open, 0.5f + 0.5f * gap / min_of(width * t, FAR));
        t += max_of(gap * 0.9f, 0.03f + 0.08f * t);
    }
    return smooth_step(0.0f, 1.0f, open);
}

/* Ambient occlusion from distances along the normal. */
static inline float openness(vec p, vec n)
{
    float taken = 0.0f, weight = 0.55f;
    for (int i = 1; i <= 4; i++) {
        float reach = FAR / 4.0f * (float)i;
        taken += weight * (reach - product_distance(p + n * reach)) / reach;
        weight *= 0.62f;
    }
    return clamp01(1.0f - taken);
}

/* Walnut with its grain along x. */
static inline vec wood_tone(vec p)
{
    const vec light = {0.48f, 0.245f, 0.105f}, dark = {0.25f, 0.105f, 0.04f};
    float ring = norm(p[1] + 0.31f, p[2] - 0.23f) + 0.012f * sinf(p[0] * 5.0f + 1.0f) +
                 0.004f * sinf(p[0] * 17.0f + p[2] * 40.0f);
    float bands = 0.5f + 0.5f * sinf(ring * 190.0f);
    float fine = 0.5f + 0.5f * sinf(ring * 900.0f + 9.0f * sinf(p[0] * 11.0f));
    return light + (dark - light) * (0.65f * bands * bands + 0.35f * fine);
}

/* Light and paint at p, which belongs to `part` and is seen along d. */
static inline struct sample shade(enum part part, vec p, vec d, bool pale)
{
    vec n = product_normal(p), from = p + n * 0.004f;
    float open = openness(p, n), key = clamp01((dot(n, soft_boxes[0].to) + 0.2f) / 1.2f);
    float side = clamp01((dot(n, soft_boxes[1].to) + 0.2f) / 1.2f);
    float bounce = (0.11f - 0.11f * n[1]) * clamp01((p[1] + 0.6f) / 0.5f);
    if (key > 0.0f)
        key *= light_reaching(from, soft_boxes[0].to, 0.30f);
    float diffuse = 0.99f * key + (0.22f * side + 0.13f + 0.13f * n[1] + bounce) * open;

    float facing = clamp01(-dot(n, d)), graze = 1.0f - facing, graze2 = graze * graze;
    float fresnel = 0.042f + 0.32f * graze2 * graze2 * graze; /* Schlick 1994, dimmed */
    vec mirror = d + n * (2.0f * facing), white = {1.0f, 1.0f, 1.0f};
    float clear = light_reaching(from, mirror, 0.06f);
    float room = part == PART_STEEL ? 1.0f : 0.08f;
    float gloss = studio_light(mirror, room) * clear + 0.10f * room * (1.0f - clear);
    float steel = (0.75f + 0.2f * graze2) * gloss * (0.15f + 0.85f * open);
    float shine = fresnel * gloss * (0.35f + 0.65f * open), body = diffuse * (1.0f - fresnel);
    vec wood = wood_tone(p);
    if (pale) { /* a high key, and white parts throughout */
        shine *= 0.5f;
        body = 0.66f + 0.30f * diffuse * open;
        steel = 0.9f * body + shine;
        wood = white * 0.85f;
    }
    if (part == PART_PAINT)
        return (struct sample){{1.0f, 1.0f, body}, white * shine};
    vec light = part == PART_STEEL ? white * min_of(steel, 1.0f) : wood * body + white * shine;
    return (struct sample){{1.0f}, light};
}

/* Follows a ray from depth `start` to the product, all of which lies between depths 9 and 13;
 * returns the part it meets, and where it is nearest to the product if it may be in the pixel. */
static inline enum part trace(vec d, float start, float pixel_width, float *nearness)
{
    float closest = 0.75f * pixel_width; /* a corner is 0.71 away */
    for (float t = max_of(start, 9.0f), gap; t < 13.0f; t += gap * 0.98f) {
        gap = product_distance(camera_eye + d * t);
        const bool met = gap < max_of(0.0002f, 0.05f * pixel_width * t);
        if (met || gap < closest * t) {
            closest = gap / t;
            *nearness = 1.0f / t;
        }
        if (met)
            return product_part(camera_eye + d * t);
    }
    return PART_NONE;
}

#endif
