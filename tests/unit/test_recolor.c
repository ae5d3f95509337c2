/* SPDX-License-Identifier: MIT */
/* Recolouring against the model itself: pictures of known body, m_b and m_s, and what they are with
 * another body, in double precision. */
#include "ops/recolor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/lab.h"
#include "tap.h"

static void bail(const struct error *error)
{
    printf("Bail out! %s\n", error->message);
    exit(1);
}

/* ---- pictures ---- */

enum { WIDTH = 160, HEIGHT = 150 };

static const double blue[3] = {0.012, 0.09, 0.31}, red[3] = {0.42, 0.03, 0.02};
static const double yellow[3] = {0.85, 0.5, 0.03}, grey[3] = {0.21, 0.21, 0.21};
static const double white[3] = {0.80, 0.80, 0.80}, black[3] = {0.002, 0.002, 0.002};
static const double sun[3] = {1.0, 0.5, 0.03}, sage[3] = {0.16, 0.24, 0.13};
static const double green[3] = {0.05, 0.3, 0.06};

static uint32_t random_state = 1;

static double random_unit(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (double)(random_state >> 8) / 16777216.0;
}

static double random_normal(void)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++)
        sum += random_unit();
    return sum;
}

static struct image picture(bool alpha, unsigned depth, uint32_t height)
{
    struct image_shape shape = {WIDTH, height, IMAGE_RGB, alpha, (uint8_t)depth};
    struct image image;
    struct error error = {0};
    if (!image_new(&image, &shape, &error))
        bail(&error);
    return image;
}

static struct image mask_new(unsigned depth, uint32_t height)
{
    struct image_shape shape = {WIDTH, height, IMAGE_GREY, false, (uint8_t)depth};
    struct image image;
    struct error error = {0};
    if (!image_new(&image, &shape, &error))
        bail(&error);
    return image;
}

static void sample_set(const struct image *image, uint32_t x, uint32_t y, unsigned channel,
                       double value)
{
    size_t at = (size_t)x * image_channels(&image->shape) + channel;
    double unit = fmin(fmax(value, 0.0), 1.0);
    if (image->shape.depth == 8)
        image_row(image, y)[at] = (uint8_t)lrint(unit * 255.0);
    else
        ((uint16_t *)(void *)image_row(image, y))[at] = (uint16_t)lrint(unit * 65535.0);
}

static double sample_get(const struct image *image, uint32_t x, uint32_t y, unsigned channel)
{
    size_t at = (size_t)x * image_channels(&image->shape) + channel;
    if (image->shape.depth == 8)
        return image_row(image, y)[at] / 255.0;
    return ((const uint16_t *)(const void *)image_row(image, y))[at] / 65535.0;
}

/* A pixel of linear light; opaque, where there is alpha. NOISE in steps of 8 bits. */
static void pixel_set(const struct image *image, uint32_t x, uint32_t y, const double light[3],
                      double noise)
{
    for (unsigned c = 0; c < 3; c++)
        sample_set(image, x, y, c,
                   srgb_encode(fmin(light[c], 1.0)) + noise / 255.0 * random_normal());
    if (image->shape.alpha)
        sample_set(image, x, y, 3, 1.0);
}

static void mix(const double body[3], double m_b, double m_s, double light[3])
{
    for (int c = 0; c < 3; c++)
        light[c] = m_b * body[c] + m_s;
}

/* The largest difference of encoded components between a pixel and what it should be. */
static double pixel_off(const struct image *image, uint32_t x, uint32_t y, const double light[3])
{
    double most = 0.0;
    for (unsigned c = 0; c < 3; c++)
        most = fmax(most, fabs(sample_get(image, x, y, c) - srgb_encode(fmin(light[c], 1.0))));
    return most;
}

/* ---- scenes: m_b and m_s of each pixel ---- */

typedef void scene_of(uint32_t x, uint32_t y, double *m_b, double *m_s);

/* Shading from left to right, highlights of all strengths in stripes. */
static void stripes(uint32_t x, uint32_t y, double *m_b, double *m_s)
{
    *m_b = 0.25 + 0.9 * x / WIDTH;
    *m_s = y % 16 < 4 ? 0.06 + 0.09 * (y % 16) : 0.0;
}

static void shading(uint32_t x, uint32_t y, double *m_b, double *m_s)
{
    *m_b = 0.25 + 0.55 * x / WIDTH + 0.25 * y / HEIGHT;
    *m_s = 0.0;
}

/* An evenly lit body with a window's reflection. */
static void window(uint32_t x, uint32_t y, double *m_b, double *m_s)
{
    *m_b = 1.0;
    *m_s = x > 40 && x < 75 && y > 30 && y < 70 ? 0.3 : 0.0;
}

static void paint(const struct image *image, scene_of *scene, const double body[3], double noise)
{
    for (uint32_t y = 0; y < image->shape.height; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            double light[3], m_b, m_s;
            scene(x, y, &m_b, &m_s);
            mix(body, m_b, m_s, light);
            pixel_set(image, x, y, light, noise);
        }
}

static double paint_off(const struct image *image, scene_of *scene, const double body[3])
{
    double most = 0.0;
    for (uint32_t y = 0; y < image->shape.height; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            double light[3], m_b, m_s;
            scene(x, y, &m_b, &m_s);
            mix(body, m_b, m_s, light);
            most = fmax(most, pixel_off(image, x, y, light));
        }
    return most;
}

/* ---- the call ---- */

static struct recolor_options options_to(const double to[3])
{
    struct recolor_options options = {.strength = 1.0, .threads = 1};
    for (int c = 0; c < 3; c++)
        options.to[c] = srgb_encode(to[c]);
    return options;
}

static struct recolor_result recolored(struct image *image, const struct recolor_options *options)
{
    struct recolor_result result;
    struct error error = {0};
    if (!recolor(image, options, &result, &error))
        bail(&error);
    return result;
}

static size_t bytes_of(const struct image *image)
{
    return image->stride * image->shape.height;
}

static struct image copy_of(const struct image *image)
{
    struct image copy = picture(image->shape.alpha, image->shape.depth, image->shape.height);
    memcpy(copy.pixels, image->pixels, bytes_of(image));
    return copy;
}

/* ---- the model ---- */

static void test_model(const char *name, scene_of *scene, unsigned depth, const double from[3],
                       const double to[3], bool chromatic, double tolerance)
{
    struct image image = picture(false, depth, HEIGHT);
    struct recolor_options options = options_to(to);
    double lab[3];
    lab_from_linear(from, lab);
    options.from = lab;
    paint(&image, scene, from, 0.0);
    struct recolor_result result = recolored(&image, &options);
    double off = 255.0 * paint_off(&image, scene, to);
    tap_ok(off < tolerance, "%s, %u bits: off by at most %.2f of 255 (< %.1f)", name, depth, off,
           tolerance);
    tap_ok(result.chromatic == chromatic && !result.limited, "%s: split by %s", name,
           chromatic ? "least squares" : "luminance");
    image_free(&image);
}

/* The body is found, and its median becomes the target. */
static void test_found(const char *name, scene_of *scene, const double from[3], const double to[3],
                       double noise)
{
    struct image image = picture(false, 8, HEIGHT);
    struct recolor_options options = options_to(to);
    double lab[3], target[3];
    lab_from_linear(to, target);
    paint(&image, scene, from, noise);
    double middle[3], m_b = 0.0, found[3];
    struct recolor_result result = recolored(&image, &options);
    lab_to_linear(result.from, found);
    for (int c = 0; c < 3; c++) {
        m_b += found[c] / from[c] / 3.0;
        middle[c] = found[c];
    }
    for (int c = 0; c < 3; c++)
        middle[c] = m_b * from[c];
    lab_from_linear(middle, lab);
    tap_ok(lab_ciede2000(lab, result.from) < 1.0 && m_b > 0.6 && m_b < 1.05,
           "%s: the body is found, at m_b = %.2f", name, m_b);
    tap_ok(result.achieved_de < 1.0 && fabs(lab_ciede2000(result.body, target) -
                                            result.achieved_de) < 0.01,
           "%s: its median is %.2f from the target", name, result.achieved_de);
    image_free(&image);
}

/* A body that gets its own colour stays as it is, overexposed parts too. */
static void test_same(const char *name, const double body[3], double tolerance)
{
    struct image image = picture(false, 8, HEIGHT);
    paint(&image, stripes, body, 1.0);
    struct image before = copy_of(&image);
    struct recolor_options options = options_to(body);
    double lab[3], most = 0.0;
    lab_from_linear(body, lab);
    options.from = lab;
    recolored(&image, &options);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            for (unsigned c = 0; c < 3; c++)
                most = fmax(most, fabs(sample_get(&image, x, y, c) - sample_get(&before, x, y, c)));
    tap_ok(most * 255.0 < tolerance, "%s to itself: changed by at most %.0f of 255", name,
           most * 255.0);
    image_free(&image);
    image_free(&before);
}

static void test_strength(void)
{
    struct image image = picture(false, 16, HEIGHT);
    paint(&image, window, blue, 1.0);
    struct image before = copy_of(&image);
    struct recolor_options options = options_to(red);
    options.strength = 0.0;
    struct recolor_result result = recolored(&image, &options);
    tap_ok(memcmp(image.pixels, before.pixels, bytes_of(&image)) == 0 && result.achieved_de > 30.0,
           "strength 0 changes no byte, and says how far that is");
    options.strength = 0.5;
    result = recolored(&image, &options);
    double target[3], half[3];
    lab_from_linear(red, target);
    for (int c = 0; c < 3; c++)
        half[c] = 0.5 * (target[c] + result.from[c]);
    tap_ok(lab_ciede2000(half, result.body) < 0.7, "strength 0.5 is half way in Lab (%.2f)",
           lab_ciede2000(half, result.body));
    image_free(&image);
    image_free(&before);
}

/* ---- limits ---- */

static void test_limits(void)
{
    struct image image = picture(false, 8, HEIGHT);
    struct recolor_options options = options_to(white);
    paint(&image, shading, black, 1.0);
    struct recolor_result result = recolored(&image, &options);
    tap_ok(result.limited && fabs(result.gain - 40.0) < 1e-9 && result.achieved_de > 10.0,
           "black to white: the gain is limited to %.0f, which is told (%.1f off)", result.gain,
           result.achieved_de);
    double nothing[3] = {0.0, 0.0, 0.0};
    options = options_to(nothing);
    paint(&image, shading, white, 1.0);
    result = recolored(&image, &options);
    double most = 0.0;
    for (uint32_t x = 0; x < WIDTH; x++)
        for (unsigned c = 0; c < 3; c++)
            most = fmax(most, sample_get(&image, x, 70, c));
    tap_ok(result.achieved_de < 0.5 && most <= 4.0 / 255.0, "white to #000000: at most %.0f of 255",
           most * 255.0);
    paint(&image, shading, nothing, 0.0);
    options = options_to(yellow);
    result = recolored(&image, &options);
    tap_ok(result.limited && isfinite(result.achieved_de) && sample_get(&image, 9, 9, 0) == 0.0,
           "#000000 to yellow: nothing to multiply");
    image_free(&image);
}

/* Luminance of a neighbour less that of a pixel, root mean square, encoded. */
static double grain(const struct image *image)
{
    double sum = 0.0;
    for (uint32_t y = 80; y < HEIGHT; y++)
        for (uint32_t x = 0; x + 1 < WIDTH; x++) {
            double d = sample_get(image, x + 1, y, 1) - sample_get(image, x, y, 1);
            sum += d * d;
        }
    return 255.0 * sqrt(sum / ((HEIGHT - 80.0) * (WIDTH - 1.0) * 2.0));
}

static void test_noise(const char *name, const double from[3], const double to[3], double low,
                       double high)
{
    struct image image = picture(false, 8, HEIGHT);
    struct recolor_options options = options_to(to);
    paint(&image, window, from, 2.0);
    double before = grain(&image);
    recolored(&image, &options);
    double after = grain(&image);
    tap_ok(after > low * before && after < high * before,
           "%s: noise survives and does not blow up (%.2f to %.2f)", name, before, after);
    image_free(&image);
}

/* ---- what counts ---- */

/* A body with a soft edge before something else; COVER is the mask. */
static double edge_cover(uint32_t x)
{
    double cover = (100.0 - x) / 4.0;
    return fmin(fmax(cover, 0.0), 1.0);
}

static void edge_paint(const struct image *image, const struct image *mask, const double body[3],
                       const double behind[3])
{
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            double light[3], cover = edge_cover(x), m_b = 0.6 + 0.4 * y / HEIGHT;
            for (int c = 0; c < 3; c++)
                light[c] = cover * m_b * body[c] + (1.0 - cover) * behind[c];
            pixel_set(image, x, y, light, 0.0);
            sample_set(mask, x, y, 0, cover);
        }
}

static void test_edge(const char *name, const double from[3], const double to[3],
                      const double behind[3], double tolerance)
{
    struct image image = picture(false, 16, HEIGHT), mask = mask_new(16, HEIGHT);
    struct image right = picture(false, 16, HEIGHT);
    struct recolor_options options = options_to(to);
    double lab[3], most = 0.0;
    lab_from_linear(from, lab);
    options.from = lab;
    options.mask = &mask;
    edge_paint(&right, &mask, to, behind);
    edge_paint(&image, &mask, from, behind);
    struct image before = copy_of(&image);
    recolored(&image, &options);
    bool kept = true;
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 90; x < 110; x++)
            for (unsigned c = 0; c < 3; c++) {
                double is = sample_get(&image, x, y, c);
                most = fmax(most, fabs(is - sample_get(&right, x, y, c)));
                kept = kept && (edge_cover(x) > 0.0 || is == sample_get(&before, x, y, c));
            }
    tap_ok(most * 255.0 < tolerance, "%s: the soft edge is off by %.1f of 255", name,
           most * 255.0);
    tap_ok(kept, "%s: what is outside keeps its bytes", name);
    image_free(&image);
    image_free(&before);
    image_free(&right);
    image_free(&mask);
}

/* Alpha and mask leave each a part out. The hidden colours of transparent pixels stay. */
static void test_untouched(unsigned depth)
{
    struct image image = picture(true, depth, HEIGHT), mask = mask_new(8, HEIGHT);
    struct recolor_options options = options_to(yellow);
    options.mask = &mask;
    paint(&image, stripes, blue, 1.0);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            sample_set(&image, x, y, 3, y < 70 ? 0.0 : y < 80 ? 0.5 : 1.0);
            sample_set(&mask, x, y, 0, x < 30 ? 0.0 : 1.0);
        }
    struct image before = copy_of(&image);
    recolored(&image, &options);
    bool kept = true, alpha = true, changed = true;
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            size_t pixel = image_pixel_bytes(&image.shape), at = x * pixel;
            bool same = memcmp(image_row(&image, y) + at, image_row(&before, y) + at, pixel) == 0;
            kept = kept && (same || (y >= 70 && x >= 30));
            changed = changed && (!same || y < 70 || x < 30);
            alpha = alpha && sample_get(&image, x, y, 3) == sample_get(&before, x, y, 3);
        }
    tap_ok(kept && alpha && changed, "%u bits: without mask or alpha every byte is kept", depth);
    image_free(&image);
    image_free(&before);
    image_free(&mask);
}

/* A cutout whose mask and alpha say the same at the edge: its colour there is paint alone. */
static void test_cutout(void)
{
    struct image image = picture(true, 8, HEIGHT), mask = mask_new(8, HEIGHT);
    struct recolor_options options = options_to(yellow);
    double most = 0.0, lab[3];
    lab_from_linear(blue, lab);
    options.from = lab;
    options.mask = &mask;
    paint(&image, shading, blue, 0.0);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            sample_set(&image, x, y, 3, edge_cover(x));
            sample_set(&mask, x, y, 0, edge_cover(x));
        }
    recolored(&image, &options);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 95; x < 100; x++) {
            double light[3], m_b, m_s;
            shading(x, y, &m_b, &m_s);
            mix(yellow, m_b, m_s, light);
            most = fmax(most, pixel_off(&image, x, y, light));
        }
    tap_ok(most * 255.0 < 4.0, "mask and alpha alike: the edge is off by %.1f of 255",
           most * 255.0);
    image_free(&image);
    image_free(&mask);
}

/* Rows are done in bands, in place: where a band begins must not show. */
static void test_bands(void)
{
    enum { SKIP = 37 };
    struct image image = picture(false, 8, 3 * HEIGHT), mask = mask_new(8, 3 * HEIGHT);
    struct recolor_options options = options_to(yellow);
    double lab[3];
    lab_from_linear(grey, lab);
    lab[1] = 25.0; /* chromatic: nothing but the nearest rows matters */
    options.from = lab;
    paint(&image, stripes, grey, 9.0);
    for (uint32_t y = 0; y < 3 * HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            sample_set(&mask, x, y, 0, 1.2 * random_unit());
    struct image other = copy_of(&image);
    struct image_box box = {0, SKIP, WIDTH, 3 * HEIGHT - SKIP};
    struct image part = image_view(&other, &box), part_mask = image_view(&mask, &box);
    options.mask = &mask;
    recolored(&image, &options);
    options.mask = &part_mask;
    recolored(&part, &options);
    size_t row = image_row_bytes(&image.shape);
    size_t bytes = row * (part.shape.height - 3);
    tap_ok(memcmp(image_row(&image, SKIP + 3), image_row(&part, 3), bytes) == 0,
           "the same wherever the bands of rows begin");
    image_free(&image);
    image_free(&other);
    image_free(&mask);
}

/* Wood and steel beside a blue body. */
static void test_materials(void)
{
    static const double wood[3] = {0.40, 0.20, 0.08}, steel[3] = {0.3, 0.3, 0.3};
    struct image image = picture(false, 8, HEIGHT);
    struct recolor_options options = options_to(yellow);
    paint(&image, shading, blue, 0.0);
    for (uint32_t y = 10; y < 40; y++)
        for (uint32_t x = 10; x < 40; x++)
            pixel_set(&image, x, y, x < 25 ? wood : steel, 0.0);
    recolored(&image, &options);
    tap_ok(pixel_off(&image, 15, 20, wood) * 255.0 < 1.1 &&
               pixel_off(&image, 35, 20, steel) * 255.0 < 1.1,
           "wood and steel beside a blue body stay what they are");
    paint(&image, shading, grey, 0.0);
    pixel_set(&image, 15, 20, wood, 0.0);
    recolored(&image, &options);
    tap_ok(pixel_off(&image, 15, 20, wood) * 255.0 < 20.0, "wood nearly stays beside a grey one");
    image_free(&image);
}

static void test_nothing(void)
{
    struct image image = picture(true, 8, HEIGHT), mask = mask_new(16, HEIGHT);
    struct recolor_options options = options_to(red);
    struct recolor_result result;
    struct error error = {0};
    paint(&image, shading, blue, 0.0);
    options.mask = &mask;
    tap_ok(!recolor(&image, &options, &result, &error) && error.kind == ERROR_UNSUPPORTED,
           "an empty mask: %s", error.message);
    error_clear(&error);
    options.mask = NULL;
    memset(image.pixels, 0, bytes_of(&image));
    tap_ok(!recolor(&image, &options, &result, &error) && error.kind == ERROR_UNSUPPORTED,
           "all transparent: %s", error.message);
    /* A mask that is nowhere full still says where the body is. */
    paint(&image, shading, blue, 0.0);
    for (uint32_t x = 20; x < 90; x++)
        sample_set(&mask, x, 60, 0, 0.5);
    options.mask = &mask;
    recolored(&image, &options);
    tap_ok(sample_get(&image, 60, 60, 0) > sample_get(&image, 60, 61, 0) + 0.05,
           "a mask that is nowhere full");
    image_free(&image);
    image_free(&mask);
}

/* Small ones, where borders and cells are all there is. */
static void test_small(void)
{
    for (uint32_t height = 1; height < 4; height++) {
        struct image image = picture(false, 8, height), mask = mask_new(8, height);
        struct recolor_options options = options_to(red);
        paint(&image, shading, grey, 0.0);
        memset(mask.pixels, 200, bytes_of(&mask));
        options.mask = height == 2 ? NULL : &mask;
        options.threads = 3;
        recolored(&image, &options);
        tap_ok(sample_get(&image, 80, 0, 0) > sample_get(&image, 80, 0, 2) + 0.1, "%u rows",
               (unsigned)height);
        image_free(&image);
        image_free(&mask);
    }
}

static void test_threads(const double from[3], unsigned depth, bool masked)
{
    struct image image = picture(true, depth, 3 * HEIGHT), mask = mask_new(8, 3 * HEIGHT);
    struct recolor_options options = options_to(yellow);
    struct recolor_result one, three;
    paint(&image, stripes, from, 2.0);
    for (uint32_t y = 0; y < 3 * HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            sample_set(&mask, x, y, 0, 2.0 * random_unit());
    struct image other = copy_of(&image);
    options.mask = masked ? &mask : NULL;
    one = recolored(&image, &options);
    options.threads = 3;
    three = recolored(&other, &options);
    tap_ok(memcmp(image.pixels, other.pixels, bytes_of(&image)) == 0 &&
               one.achieved_de == three.achieved_de && one.clipped == three.clipped,
           "%u bits%s, split by %s: the same with 1 and 3 threads", depth, masked ? ", mask" : "",
           one.chromatic ? "least squares" : "luminance");
    image_free(&image);
    image_free(&other);
    image_free(&mask);
}

int main(void)
{
    test_model("blue to red", stripes, 16, blue, red, true, 1.0);
    test_model("blue to red", stripes, 8, blue, red, true, 4.0);
    test_model("blue to white", shading, 16, blue, white, true, 0.5);
    test_model("red to green", stripes, 16, red, green, true, 1.0);
    test_model("green to grey", stripes, 16, green, grey, true, 1.0);
    test_model("grey to red", shading, 16, grey, red, false, 2.0);
    test_model("white to blue", shading, 16, white, blue, false, 2.0);
    test_model("white to black", shading, 16, white, black, false, 1.0);
    test_model("yellow, overexposed, to blue", shading, 16, sun, blue, true, 1.0);
    test_model("grey to red, highlight", window, 16, grey, red, false, 4.0);
    test_found("blue to yellow", stripes, blue, yellow, 1.0);
    test_found("yellow to blue", window, yellow, blue, 1.0);
    test_found("grey to red", window, grey, red, 0.0);
    test_found("grey to white", window, grey, white, 1.0);
    test_found("white to black", shading, white, black, 1.0);
    test_same("yellow", yellow, 7.0);
    test_same("grey", grey, 1.1);
    test_same("white", white, 1.1);
    test_strength();
    test_limits();
    test_noise("white to blue", white, blue, 0.2, 1.1);
    test_noise("blue to white", blue, white, 0.5, 2.0);
    test_noise("grey to yellow", grey, yellow, 0.5, 2.0);
    test_noise("sage to blue", sage, blue, 0.2, 1.2);
    test_noise("sage to red", sage, red, 0.2, 2.5);
    test_edge("blue to yellow before white", blue, yellow, white, 2.0);
    test_edge("blue to white before black", blue, white, black, 2.0);
    test_edge("white to blue before black", white, blue, black, 30.0);
    test_edge("grey to red before white", grey, red, white, 8.0);
    test_cutout();
    test_bands();
    test_untouched(8);
    test_untouched(16);
    test_materials();
    test_nothing();
    test_small();
    test_threads(blue, 8, true);
    test_threads(grey, 8, true);
    test_threads(grey, 16, true);
    test_threads(green, 16, false);
    return tap_done();
}
