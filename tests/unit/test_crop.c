/* SPDX-License-Identifier: MIT */
/* What imgcrop decides: the geometry against numbers worked out by hand, content against pictures
 * whose truth is their formula. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/icc.h"
#include "color/lab.h"
#include "ops/ciede.h"
#include "ops/components.h"
#include "ops/crop.h"
#include "ops/quantile.h"

#include "random.h"
#include "tap.h"

static bool box_is(const struct crop_box *box, int64_t x, int64_t y, int64_t width, int64_t height)
{
    return box->x == x && box->y == y && box->width == width && box->height == height;
}

/* ---- geometry ---- */

enum flags { EXTEND = 1, SYMMETRIC_X = 2, SYMMETRIC_Y = 4 };

/* Image 1000 x 600 throughout. Padding: one number for all sides; shares are below 1. */
static const struct {
    const char *name;
    struct crop_box content;
    double padding, max_crop, aspect, fill;
    uint32_t min_padding;
    unsigned sides, flags;
    struct crop_box box;
} placements[] = {
    {"5 % of 400 and of 200 is 20 and 10, at least 20", {300, 200, 400, 200},
     0.05, 1, 0, 0, 20, 15, 0, {280, 180, 440, 240}},
    {"5 % of 419 is 20.95, rounded down", {300, 200, 419, 200},
     0.05, 1, 0, 0, 0, 15, 0, {280, 190, 459, 220}},
    {"29 % of 100 is 29 in spite of binary fractions", {300, 200, 100, 100},
     0.29, 1, 0, 0, 0, 15, 0, {271, 171, 158, 158}},
    {"pixels", {300, 200, 400, 200}, 33, 1, 0, 0, 0, 15, 0, {267, 167, 466, 266}},
    {"pixels below the least", {300, 200, 400, 200}, 5, 1, 0, 0, 20, 15, 0, {280, 180, 440, 240}},
    {"padding stops at the edge", {10, 200, 400, 395}, 20, 1, 0, 0, 0, 15, 0, {0, 180, 430, 420}},
    {"padding leaves the image", {10, 200, 400, 395}, 20, 1, 0, 0, 0, 15, EXTEND,
     {-10, 180, 440, 435}},
    {"80 % at most: 200 and 120 stay", {500, 300, 50, 40}, 0, 0.8, 0, 0, 0, 15, 0,
     {425, 260, 200, 120}},
    {"the same near a corner", {0, 590, 50, 10}, 0, 0.8, 0, 0, 0, 15, 0, {0, 480, 200, 120}},
    {"70 % of 1000 removed leaves 300", {500, 200, 100, 300}, 0, 0.7, 0, 0, 0, 15, 0,
     {400, 200, 300, 300}},
    {"only top and left", {300, 200, 400, 200}, 0, 1, 0, 0, 0, CROP_TOP | CROP_LEFT, 0,
     {300, 200, 700, 400}},
    {"only right", {300, 200, 400, 200}, 0, 1, 0, 0, 0, CROP_RIGHT, 0, {0, 0, 700, 600}},
    {"symmetric x: 200 go on both sides", {300, 200, 500, 200}, 0, 1, 0, 0, 0, 15, SYMMETRIC_X,
     {200, 200, 600, 200}},
    {"symmetric xy", {300, 200, 500, 300}, 0, 1, 0, 0, 0, 15, SYMMETRIC_X | SYMMETRIC_Y,
     {200, 100, 600, 400}},
    {"symmetric, and 60 % at most: 400 of 1000 stay", {450, 200, 50, 400}, 0, 0.6, 0, 0, 0, 15,
     SYMMETRIC_X, {300, 200, 400, 400}},
    {"square around the middle", {300, 200, 400, 200}, 0, 1, 1, 0, 0, 15, 0, {300, 100, 400, 400}},
    {"square moved down from the top", {300, 10, 400, 200}, 0, 1, 1, 0, 0, 15, 0,
     {300, 0, 400, 400}},
    {"16:9 of 400 x 300 is 533 wide", {300, 200, 400, 300}, 0, 1, 16.0 / 9, 0, 0, 15, 0,
     {233, 200, 533, 300}},
    {"square as near as the image allows", {100, 200, 800, 200}, 0, 1, 1, 0, 0, 15, 0,
     {100, 0, 800, 600}},
    {"square beyond the image", {100, 200, 800, 200}, 0, 1, 1, 0, 0, 15, EXTEND,
     {100, -100, 800, 800}},
    {"symmetric square: 401 has no halves in 1000, 402 has", {300, 100, 350, 401}, 0, 1, 1, 0, 0,
     15, SYMMETRIC_X, {299, 100, 402, 401}},
    {"80 % of the longer side: 400 in 500, margin 50", {300, 200, 400, 200}, 0.05, 1, 0, 0.8, 20,
     15, 0, {250, 150, 500, 300}},
    {"80 % in a square", {300, 200, 400, 200}, 0.05, 1, 1, 0.8, 20, 15, 0, {250, 50, 500, 500}},
    {"80 % moved inside", {10, 200, 400, 200}, 0, 1, 0, 0.8, 0, 15, 0, {0, 150, 500, 300}},
    {"80 % beyond the edge", {10, 200, 400, 200}, 0, 1, 0, 0.8, 0, 15, EXTEND,
     {-40, 150, 500, 300}},
    {"90 % of 500 high in 4:3: 556 high, 741 wide, moved inside", {300, 50, 100, 500},
     0, 1, 4.0 / 3, 0.9, 0, 15, 0, {0, 22, 741, 556}},
};

static struct crop_options options_plain(void)
{
    struct crop_options options;
    crop_options_init(&options);
    for (int i = 0; i < 4; i++)
        options.padding[i] = (struct crop_length){0, false};
    options.min_padding = 0;
    options.max_crop = 1.0;
    return options;
}

static void test_placements(void)
{
    for (size_t i = 0; i < sizeof placements / sizeof *placements; i++) {
        struct crop_options options = options_plain();
        double padding = placements[i].padding;
        for (int k = 0; k < 4; k++)
            options.padding[k] = (struct crop_length){padding, padding < 1};
        options.min_padding = placements[i].min_padding;
        options.max_crop = placements[i].max_crop;
        options.aspect = placements[i].aspect;
        options.fill = placements[i].fill;
        options.sides = placements[i].sides;
        options.extend = placements[i].flags & EXTEND;
        options.symmetric_x = placements[i].flags & SYMMETRIC_X;
        options.symmetric_y = placements[i].flags & SYMMETRIC_Y;
        struct crop_box box, want = placements[i].box;
        crop_place(&options, 1000, 600, &placements[i].content, &box);
        tap_ok(box_is(&box, want.x, want.y, want.width, want.height),
               "%s: %dx%d%+d%+d", placements[i].name, (int)box.width, (int)box.height, (int)box.x,
               (int)box.y);
    }
    struct crop_options options = options_plain();
    struct crop_box box, content = {300, 200, 400, 200};
    for (int k = 0; k < 4; k++)
        options.padding[k] = (struct crop_length){k + 1, false};
    crop_place(&options, 1000, 600, &content, &box);
    tap_ok(box_is(&box, 296, 199, 406, 204), "padding is top, right, bottom, left");
}

/* What must hold for any options. */
static bool placement_holds(const struct crop_options *options, int64_t w, int64_t h,
                            const struct crop_box *content, const struct crop_box *box)
{
    bool holds = box->x <= content->x && box->y <= content->y &&
                 box->x + box->width >= content->x + content->width &&
                 box->y + box->height >= content->y + content->height;
    if (!options->extend)
        holds &= box->x >= 0 && box->y >= 0 && box->x + box->width <= w &&
                 box->y + box->height <= h;
    holds &= (double)(w - box->width) <= options->max_crop * (double)w + 1e-9;
    holds &= (double)(h - box->height) <= options->max_crop * (double)h + 1e-9;
    if (options->symmetric_x)
        holds &= box->x == w - box->x - box->width;
    if (options->symmetric_y)
        holds &= box->y == h - box->y - box->height;
    if (!(options->sides & CROP_LEFT))
        holds &= box->x <= 0;
    if (!(options->sides & CROP_BOTTOM))
        holds &= box->y + box->height >= h;
    double ratio = (double)box->width - (double)box->height * options->aspect;
    if (options->aspect > 0 && options->extend && !options->symmetric_x && !options->symmetric_y)
        holds &= fabs(ratio) <= fmax(1.0, options->aspect);
    return holds;
}

static void test_placement_properties(void)
{
    static const double aspects[] = {0, 0, 1, 1.5, 0.75, 16.0 / 9};
    unsigned broken = 0;
    for (int i = 0; i < 20000; i++) {
        struct crop_options options = options_plain();
        uint32_t w = 1 + random_below(300), h = 1 + random_below(300);
        struct crop_box content = {random_below(w), random_below(h), 0, 0}, box;
        content.width = 1 + random_below((uint32_t)(w - content.x));
        content.height = 1 + random_below((uint32_t)(h - content.y));
        for (int k = 0; k < 4; k++)
            options.padding[k] = (struct crop_length){random_below(100) / 100.0, true};
        options.min_padding = random_below(30);
        options.max_crop = random_below(101) / 100.0;
        options.sides = random_below(16);
        options.aspect = aspects[random_below(6)];
        options.fill = random_below(3) ? 0 : 0.3 + random_below(70) / 100.0;
        options.extend = random_below(2);
        options.symmetric_x = random_below(3) == 0;
        options.symmetric_y = random_below(3) == 0;
        crop_place(&options, w, h, &content, &box);
        broken += !placement_holds(&options, w, h, &content, &box);
    }
    tap_ok(broken == 0, "20000 random placements keep what is promised (%u do not)", broken);
}

/* ---- pictures ---- */

enum shape_of { ELLIPSE, RECTANGLE, DIAMOND };

/* A studio picture by formula: light that falls off to the bottom right, a vignette, an object
 * with smooth edges and some shading, normal noise. */
struct scene {
    const char *name;
    uint32_t width, height;
    double background[3], falloff, vignette, noise;
    enum shape_of shape;
    double object[3]; /* levels at its lit side; the other side has 0.6 of the light */
    double left, top, right, bottom;
    int allowed; /* pixels by which an edge may be off */
};

static double scene_distance(const struct scene *scene, double x, double y)
{
    double half_x = (scene->right - scene->left) / 2, half_y = (scene->bottom - scene->top) / 2;
    double u = x - (scene->left + scene->right) / 2, v = y - (scene->top + scene->bottom) / 2;
    if (scene->shape == RECTANGLE)
        return fmax(fabs(u) - half_x, fabs(v) - half_y);
    double a = fabs(u) / half_x, b = fabs(v) / half_y;
    if (scene->shape == DIAMOND)
        return (a + b - 1) / hypot(1 / half_x, 1 / half_y);
    double r = hypot(a, b);
    return r > 0 ? (r - 1) * r / hypot(a / half_x, b / half_y) : -half_x;
}

static double scene_level(const struct scene *scene, int c, double x, double y)
{
    double u = x / scene->width, v = y / scene->height;
    double dark = scene->falloff * 0.5 * (u + v) +
                  scene->vignette * 2 * ((u - 0.5) * (u - 0.5) + (v - 0.5) * (v - 0.5));
    double behind = fmin(fmax(scene->background[c] - dark, 0), 255) / 255;
    double cover = fmin(fmax(0.5 - scene_distance(scene, x, y), 0), 1);
    if (cover == 0)
        return 255 * behind;
    double across = (x - scene->left) / (scene->right - scene->left);
    double light = srgb_decode(scene->object[c] / 255) * (1 - 0.4 * fmin(fmax(across, 0), 1));
    return 255 * srgb_encode(cover * light + (1 - cover) * srgb_decode(behind));
}

static void sample_put(const struct image *image, uint32_t x, uint32_t y, unsigned channel,
                       double level)
{
    uint8_t *row = image_row(image, y);
    size_t at = (size_t)x * image_channels(&image->shape) + channel;
    level = fmin(fmax(level, 0), 255);
    if (image->shape.depth == 16)
        ((uint16_t *)(void *)row)[at] = (uint16_t)(level * 257 + 0.5);
    else
        row[at] = (uint8_t)(level + 0.5);
}

static struct image scene_draw(const struct scene *scene, enum image_color color, uint8_t depth)
{
    struct image image;
    struct image_shape shape = {scene->width, scene->height, color, false, depth};
    if (!image_new(&image, &shape, NULL))
        exit(99);
    unsigned channels = image_channels(&shape);
    for (uint32_t y = 0; y < shape.height; y++)
        for (uint32_t x = 0; x < shape.width; x++)
            for (unsigned c = 0; c < channels; c++)
                sample_put(&image, x, y, c, scene_level(scene, (int)c, x + 0.5, y + 0.5) +
                                                scene->noise * random_normal());
    return image;
}

static int scene_error(const struct scene *scene, const struct crop_box *box)
{
    double edges[4] = {(double)box->x - fmax(scene->left, 0), (double)box->y - fmax(scene->top, 0),
                       (double)(box->x + box->width) - fmin(scene->right, scene->width),
                       (double)(box->y + box->height) - fmin(scene->bottom, scene->height)};
    double worst = 0;
    for (int i = 0; i < 4; i++)
        worst = fmax(worst, fabs(edges[i]));
    return (int)ceil(worst - 1e-9);
}

#define WHITE {255, 255, 255}
#define LIGHT {238, 238, 238}
#define BLUE {40, 60, 140}

static const struct scene scenes[] = {
    {"plain", 640, 480, LIGHT, 0, 0, 0, RECTANGLE, BLUE, 200, 150, 421, 303, 0},
    {"ellipse", 640, 480, LIGHT, 0, 0, 0, ELLIPSE, BLUE, 200, 150, 421, 303, 1},
    {"falloff of 40 levels", 640, 480, LIGHT, 40, 0, 1, ELLIPSE, BLUE, 200, 150, 421, 303, 2},
    {"falloff and vignette", 900, 600, LIGHT, 40, 30, 1, ELLIPSE, BLUE, 250, 150, 700, 500, 2},
    {"falloff of 80 levels", 640, 480, LIGHT, 80, 0, 2, DIAMOND, BLUE, 200, 150, 421, 303, 4},
    {"vignette of 60 levels", 640, 480, LIGHT, 0, 60, 0, ELLIPSE, BLUE, 100, 100, 541, 403, 2},
    {"noise of 4 levels", 640, 480, LIGHT, 20, 0, 4, ELLIPSE, BLUE, 200, 150, 421, 303, 3},
    {"pale on white", 1280, 960, WHITE, 0, 0, 1, ELLIPSE, {246, 246, 245}, 400, 300, 842, 606, 6},
    {"pale, falloff, noise", 1280, 960, WHITE, 20, 0, 2, RECTANGLE, {215, 214, 212},
     400, 300, 842, 606, 8},
    {"in the corner", 640, 480, LIGHT, 40, 0, 1, ELLIPSE, BLUE, -120, -80, 301, 203, 2},
    {"on two sides, a third of the border", 640, 480, LIGHT, 40, 0, 1, RECTANGLE, BLUE,
     -10, -10, 420, 350, 1},
    {"coloured background", 640, 480, {60, 110, 190}, 40, 0, 2, ELLIPSE, {230, 190, 40},
     200, 150, 421, 303, 2},
    {"dark background", 640, 480, {24, 24, 26}, -30, 0, 1, ELLIPSE, {200, 60, 40},
     200, 150, 421, 303, 2},
    {"white blown out, grey corners", 640, 480, {280, 280, 280}, 0, 60, 1, ELLIPSE, BLUE,
     200, 150, 421, 303, 2},
    {"pale on white blown out", 1280, 720, {280, 280, 280}, 0, 60, 2, RECTANGLE, {246, 246, 246},
     288, 162, 993, 559, 8},
    {"small object", 1280, 960, LIGHT, 30, 0, 1, ELLIPSE, BLUE, 800, 500, 861, 561, 2},
    {"nearly all of the image", 640, 480, LIGHT, 30, 0, 1, RECTANGLE, BLUE, 20, 18, 622, 460, 1},
    {"reduced by 3", 1921, 1081, LIGHT, 40, 20, 1, ELLIPSE, BLUE, 601, 250, 1303, 911, 2},
};

static void scene_check(const struct scene *scene, const struct image *image, const char *what)
{
    struct crop_options options = options_plain();
    struct crop_result result;
    struct error error = {.kind = ERROR_NONE};
    bool done = crop_find(image, &options, &result, &error);
    tap_ok(done && result.sure && scene_error(scene, &result.content) <= scene->allowed,
           "%s%s: off by %d of %d, confidence %.2f", scene->name, what,
           scene_error(scene, &result.content), scene->allowed, result.confidence);
}

static void test_scenes(void)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct image image = scene_draw(&scenes[i], IMAGE_RGB, 8);
        scene_check(&scenes[i], &image, "");
        image_free(&image);
    }
    struct image wide = scene_draw(&scenes[3], IMAGE_RGB, 16);
    scene_check(&scenes[3], &wide, ", 16 bit");
    image_free(&wide);
    struct image grey = scene_draw(&scenes[2], IMAGE_GREY, 8);
    scene_check(&scenes[2], &grey, ", grey");
    memset(image_row(&grey, 479) + 639, 0, 1);
    scene_check(&scenes[2], &grey, ", a black pixel in a corner");
    for (int i = 0; i < 40; i++) {
        uint32_t x = 2 + random_below(180), y = 2 + random_below(470);
        memset(image_row(&grey, y) + x, 90, 2);
    }
    scene_check(&scenes[2], &grey, ", dust");
    image_free(&grey);
}

/* Model, colour and cropped follow from the picture. */
static void test_result(void)
{
    struct crop_options options;
    struct crop_result result, other;
    crop_options_init(&options);
    struct image image = scene_draw(&scenes[0], IMAGE_RGB, 8);
    crop_find(&image, &options, &result, NULL);
    tap_ok(box_is(&result.content, 200, 150, 221, 153), "content of the plain scene");
    tap_ok(box_is(&result.box, 180, 130, 261, 193), "20 pixels around it by default");
    tap_ok(result.model == CROP_MODEL_UNIFORM && result.color[0] == 238 && result.color[1] == 238 &&
               result.color[2] == 238 && result.cropped && !result.blank,
           "one colour, #eeeeee");
    options.threads = 5;
    crop_find(&image, &options, &other, NULL);
    tap_ok(!memcmp(&result, &other, sizeof result), "threads change nothing");
    image_free(&image);
    image = scene_draw(&scenes[2], IMAGE_RGB, 8);
    crop_find(&image, &options, &result, NULL);
    tap_ok(result.model == CROP_MODEL_GRADIENT && abs(result.color[1] - 218) <= 1,
           "a gradient, 20 levels down in the middle");

    options.tolerance = 100;
    crop_find(&image, &options, &result, NULL);
    tap_ok(result.blank && !result.cropped, "nothing differs by 100");
    options.tolerance = -1;
    options.has_box = true;
    options.box = (struct crop_box){10, 20, 30, 40};
    tap_ok(crop_find(&image, &options, &result, NULL) && box_is(&result.box, 10, 20, 30, 40) &&
               result.confidence == 1.0 && result.model == CROP_MODEL_NONE && result.cropped,
           "an explicit box is taken as it is");
    struct error error = {.kind = ERROR_NONE};
    options.box.width = 631;
    tap_ok(!crop_find(&image, &options, &result, &error) && error.kind == ERROR_USAGE,
           "an explicit box outside of the image: %s", error.message);
    image_free(&image);
}

/* A profile changes what the samples mean, for the model and for what is reported. */
static void test_profile(void)
{
    static const double wide_gamut[8] = {0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06};
    struct scene scene = scenes[11];
    scene.noise = 0;
    struct image image = scene_draw(&scene, IMAGE_RGB, 8), cut;
    struct crop_options options = options_plain();
    struct crop_result plain, profiled;
    crop_find(&image, &options, &plain, NULL);
    if (!icc_from_gamma(ICC_RGB, 0.45455, wide_gamut, &image.metadata.icc, NULL))
        exit(99);
    options.extend = true;
    options.min_padding = 250;
    crop_find(&image, &options, &profiled, NULL);
    tap_ok(scene_error(&scene, &profiled.content) <= 2 && profiled.sure,
           "an image with a profile: off by %d", scene_error(&scene, &profiled.content));
    /* The same samples are a stronger blue in the wider gamut. */
    tap_ok(profiled.color[0] < plain.color[0], "its background is another colour: red %d, not %d",
           profiled.color[0], plain.color[0]);
    crop_apply(&image, &profiled, &cut, NULL);
    const uint8_t *corner = image_row(&image, 0);
    const uint8_t *outside = image_row(&cut, 0);
    tap_ok(cut.metadata.icc.size > 0 && abs(outside[0] - corner[0]) <= 1 &&
               abs(outside[2] - corner[2]) <= 1,
           "the canvas grows in the image's own samples");
    image_free(&cut);
    image_free(&image);
}

/* A colour that is given, for a background that is not what the ring says. */
static void test_color(void)
{
    struct scene scene = {"red left on white", 300, 200, WHITE, 0, 0, 0, RECTANGLE, {200, 30, 30},
                          -10, -10, 150, 220, 0};
    struct image image = scene_draw(&scene, IMAGE_RGB, 8);
    struct crop_options options = options_plain();
    struct crop_result result;
    options.background = CROP_COLOR;
    const double white[3] = {100, 0, 0};
    memcpy(options.background_lab, white, sizeof white);
    for (int c = 0; c < 3; c++)
        options.background_srgb[c] = 1.0;
    crop_find(&image, &options, &result, NULL);
    tap_ok(box_is(&result.content, 0, 0, 150, 200) && result.model == CROP_MODEL_UNIFORM &&
               result.color[0] == 255,
           "given white, the red half is content");
    image_free(&image);
}

/* ---- doubt ---- */

static double confidence_of(const struct image *image, struct crop_result *result)
{
    struct crop_options options;
    crop_options_init(&options);
    return crop_find(image, &options, result, NULL) ? result->confidence : -1;
}

static void test_doubt(void)
{
    struct image image;
    struct crop_result result;
    struct image_shape shape = {500, 400, IMAGE_RGB, false, 8};
    image_new(&image, &shape, NULL);
    for (uint32_t y = 0; y < shape.height; y++)
        memset(image_row(&image, y), 200, image_row_bytes(&shape));
    double confidence = confidence_of(&image, &result);
    tap_ok(result.blank && !result.cropped && result.box.width == 500 && confidence > 0.9,
           "a flat image is blank for sure");

    for (uint32_t y = 0; y < shape.height; y++)
        for (size_t i = 0; i < image_row_bytes(&shape); i++)
            image_row(&image, y)[i] = (uint8_t)random_below(256);
    confidence = confidence_of(&image, &result);
    tap_ok(!result.sure && !result.cropped, "noise: %.2f", confidence);

    for (uint32_t y = 0; y < shape.height; y++)
        memset(image_row(&image, y), y / 57 % 2 ? 60 : 220, image_row_bytes(&shape));
    confidence = confidence_of(&image, &result);
    tap_ok(!result.sure && !result.cropped, "stripes: %.2f", confidence);

    /* A disc on a weave so fine that averaging hides it. */
    for (uint32_t y = 0; y < shape.height; y++)
        for (uint32_t x = 0; x < shape.width; x++) {
            bool disc = hypot(x - 240.0, y - 190.0) < 80;
            memset(image_row(&image, y) + 3 * (size_t)x, disc ? 20 : (x + y) % 2 ? 80 : 240, 3);
        }
    confidence = confidence_of(&image, &result);
    tap_ok(!result.sure && !result.cropped, "a disc on a weave: %.2f", confidence);

    /* A spot of light on a wall: no object, only light that fades. */
    for (uint32_t y = 0; y < shape.height; y++)
        for (uint32_t x = 0; x < shape.width; x++)
            for (unsigned c = 0; c < 3; c++)
                sample_put(&image, x, y, c, 180 + 50 * exp(-hypot(x - 240.0, y - 190.0) / 60) +
                                                random_normal());
    confidence = confidence_of(&image, &result);
    tap_ok(!result.sure && !result.cropped, "a spot of light: %.2f", confidence);

    /* Sky above, ground below, a tower between. */
    for (uint32_t y = 0; y < shape.height; y++)
        for (uint32_t x = 0; x < shape.width; x++) {
            bool tower = x > 220 && x < 270 && y > 90;
            double ground = 70 + 25 * random_normal();
            for (unsigned c = 0; c < 3; c++)
                sample_put(&image, x, y, c,
                           tower ? 40 : y > 250 ? ground : 170 + 20 * c + y / 8.0);
        }
    confidence = confidence_of(&image, &result);
    tap_ok(!result.sure && !result.cropped && box_is(&result.box, 0, 0, 500, 400),
           "a landscape: %.2f", confidence);
    image_free(&image);
}

/* ---- alpha ---- */

static void alpha_fill(const struct image *image, uint32_t x, uint32_t y, uint32_t width,
                       uint32_t height, double level)
{
    for (uint32_t v = y; v < y + height; v++)
        for (uint32_t u = x; u < x + width; u++)
            sample_put(image, u, v, image_channels(&image->shape) - 1, level);
}

static void test_alpha_of(enum image_color color, uint8_t depth)
{
    struct image image;
    struct image_shape shape = {701, 403, color, true, depth};
    struct crop_options options = options_plain();
    struct crop_result result;
    image_new(&image, &shape, NULL);
    crop_find(&image, &options, &result, NULL);
    tap_ok(result.blank && !result.cropped && result.model == CROP_MODEL_ALPHA,
           "%u channels of %u bits: all transparent is blank", image_channels(&shape), depth);
    alpha_fill(&image, 100, 50, 400, 300, 255);
    alpha_fill(&image, 300, 20, 1, 40, 11);
    alpha_fill(&image, 480, 340, 150, 2, 128);
    alpha_fill(&image, 30, 200, 80, 1, 10);
    alpha_fill(&image, 2, 2, 3, 3, 255);
    alpha_fill(&image, 690, 396, 4, 4, 255);
    crop_find(&image, &options, &result, NULL);
    tap_ok(box_is(&result.content, 100, 20, 530, 330) && result.confidence == 1.0 && result.cropped,
           "alpha 11 counts, alpha 10 and specks do not: %dx%d%+d%+d", (int)result.content.width,
           (int)result.content.height, (int)result.content.x, (int)result.content.y);
    options.min_area = 0;
    crop_find(&image, &options, &result, NULL);
    tap_ok(box_is(&result.content, 2, 2, 692, 398), "without a least area specks do");
    options.alpha_threshold = 9;
    options.min_area = 0.0002;
    crop_find(&image, &options, &result, NULL);
    tap_ok(box_is(&result.content, 30, 20, 600, 330), "above 9");
    options.alpha_threshold = 128;
    crop_find(&image, &options, &result, NULL);
    tap_ok(box_is(&result.content, 100, 50, 400, 300), "above 128");
    options.alpha_threshold = 255;
    crop_find(&image, &options, &result, NULL);
    tap_ok(result.blank, "nothing is above 255");
    image_free(&image);
}

/* The slow and obvious way: all pixels in pieces of at least LEAST, found by flooding. */
static struct crop_box alpha_reference(const struct image *image, unsigned threshold, size_t least)
{
    int w = (int)image->shape.width, h = (int)image->shape.height;
    int left = w, top = h, right = -1, bottom = -1;
    bool *seen = calloc((size_t)w * (size_t)h, 1);
    int *stack = calloc((size_t)w * (size_t)h, sizeof *stack);
    for (int start = 0; start < w * h; start++) {
        size_t count = 0, next = 0;
        if (seen[start] || image_row(image, (uint32_t)(start / w))[start % w * 4 + 3] <= threshold)
            continue;
        seen[start] = true;
        stack[count++] = start;
        while (next < count) {
            int x = stack[next] % w, y = stack[next] / w;
            next++;
            for (int v = y - 2; v <= y + 2; v++)
                for (int u = x - 2; u <= x + 2; u++)
                    if (u >= 0 && v >= 0 && u < w && v < h && !seen[v * w + u] &&
                        image_row(image, (uint32_t)v)[u * 4 + 3] > threshold) {
                        seen[v * w + u] = true;
                        stack[count++] = v * w + u;
                    }
        }
        for (size_t i = 0; count >= least && i < count; i++) {
            int x = stack[i] % w, y = stack[i] / w;
            left = x < left ? x : left;
            right = x > right ? x : right;
            top = y < top ? y : top;
            bottom = y > bottom ? y : bottom;
        }
    }
    free(seen);
    free(stack);
    return right < 0 ? (struct crop_box){0, 0, 0, 0}
                     : (struct crop_box){left, top, right - left + 1, bottom - top + 1};
}

static void test_alpha_random(void)
{
    unsigned wrong = 0;
    for (int i = 0; i < 400; i++) {
        struct image image;
        struct image_shape shape = {1 + random_below(300), 1 + random_below(60), IMAGE_RGB, true,
                                    8};
        image_new(&image, &shape, NULL);
        uint32_t blobs = random_below(6), dots = random_below(60);
        for (uint32_t k = 0; k < blobs + dots; k++) {
            uint32_t x = random_below(shape.width), y = random_below(shape.height);
            uint32_t width = 1 + (k < blobs ? random_below(shape.width - x) / 3 : 0);
            uint32_t height = 1 + (k < blobs ? random_below(shape.height - y) / 2 : 0);
            alpha_fill(&image, x, y, width, height, 1 + random_below(255));
        }
        struct crop_box box, want = alpha_reference(&image, 10, 1 + i % 20);
        crop_alpha_content(&image, 10, 1 + (uint64_t)i % 20, &box, NULL);
        wrong += !box_is(&box, want.x, want.y, want.width, want.height);
        image_free(&image);
    }
    tap_ok(wrong == 0, "400 random alpha channels as by flooding (%u are not)", wrong);
}

/* ---- cutting out ---- */

static void test_apply(void)
{
    struct image image, cut;
    struct crop_options options = options_plain();
    struct crop_result result;
    struct scene scene = scenes[2];
    scene.noise = 0;
    image = scene_draw(&scene, IMAGE_RGB, 8);
    options.min_padding = 20;
    crop_find(&image, &options, &result, NULL);
    bool same = crop_apply(&image, &result, &cut, NULL);
    for (int64_t y = 0; same && y < result.box.height; y++)
        same = !memcmp(image_row(&cut, (uint32_t)y),
                       image_row(&image, (uint32_t)(y + result.box.y)) + 3 * result.box.x,
                       3 * (size_t)result.box.width);
    tap_ok(same, "pixels inside are copied");
    image_free(&cut);

    options.extend = true;
    options.min_padding = 300;
    crop_find(&image, &options, &result, NULL);
    tap_ok(result.box.x < 0 && result.box.y < 0 && crop_apply(&image, &result, &cut, NULL) &&
               cut.shape.width == result.box.width,
           "the box leaves the image: %dx%d%+d%+d", (int)result.box.width, (int)result.box.height,
           (int)result.box.x, (int)result.box.y);
    int worst = 0;
    for (int64_t y = 0; y < result.box.height; y++)
        for (int64_t x = 0; x < result.box.width; x++) {
            int64_t u = x + result.box.x, v = y + result.box.y;
            if (u >= 0 && v >= 0 && u < scene.width && v < scene.height)
                continue;
            u = u < 0 ? 0 : u < scene.width ? u : scene.width - 1;
            v = v < 0 ? 0 : v < scene.height ? v : scene.height - 1;
            int off = image_row(&cut, (uint32_t)y)[3 * x] - image_row(&image, (uint32_t)v)[3 * u];
            worst = abs(off) > worst ? abs(off) : worst;
        }
    tap_ok(worst <= 1, "outside the gradient goes on within a level (%d)", worst);
    image_free(&cut);
    image_free(&image);
}

static void test_apply_alpha(void)
{
    struct image image, cut;
    struct image_shape shape = {60, 40, IMAGE_GREY, true, 16};
    struct crop_options options = options_plain();
    struct crop_result result;
    image_new(&image, &shape, NULL);
    alpha_fill(&image, 10, 5, 45, 30, 200);
    options.min_padding = 10;
    options.extend = true;
    crop_find(&image, &options, &result, NULL);
    tap_ok(box_is(&result.box, 0, -5, 65, 50) && crop_apply(&image, &result, &cut, NULL),
           "a cutout extended");
    const uint16_t *outside = (const uint16_t *)(const void *)image_row(&cut, 0);
    const uint16_t *inside = (const uint16_t *)(const void *)image_row(&cut, 20);
    tap_ok(outside[2 * 20 + 1] == 0 && inside[2 * 20 + 1] == 200 * 257 && inside[2 * 62 + 1] == 0,
           "what is new is transparent");
    image_free(&cut);
    image_free(&image);
}

/* ---- parts ---- */

static void test_ciede(void)
{
    enum { COUNT = 1003 };
    static float planes[6][COUNT], difference[COUNT];
    double worst = 0;
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < 3; k++) {
            bool lightness = k == 0;
            planes[k][i] = (float)(random_below(10000) / 100.0 - (lightness ? 0 : 50));
            planes[k + 3][i] = i % 3 ? (float)(random_below(10000) / 100.0 - (lightness ? 0 : 50))
                                     : planes[k][i] + (float)(random_below(400) / 100.0 - 2);
            if (i % 7 == 0 && !lightness)
                planes[k][i] = 0;
        }
    const float *const one[3] = {planes[0], planes[1], planes[2]};
    const float *const two[3] = {planes[3], planes[4], planes[5]};
    ciede2000_row(one, two, difference, COUNT);
    for (int i = 0; i < COUNT; i++) {
        double a[3], b[3];
        for (int k = 0; k < 3; k++) {
            a[k] = (double)planes[k][i];
            b[k] = (double)planes[k + 3][i];
        }
        /* Between opposite hues the mean hue jumps. */
        double chroma = hypot(a[1], a[2]) * hypot(b[1], b[2]);
        double cosine = (a[1] * b[1] + a[2] * b[2]) / (chroma + 1e-9);
        if (cosine > -0.98)
            worst = fmax(worst, fabs(lab_ciede2000(a, b) - (double)difference[i]));
    }
    tap_ok(worst < 0.005, "rows of CIEDE2000 are within 0.005 (%.5f)", worst);
}

static void test_components(void)
{
    uint8_t mask[20 * 40] = {0};
    float difference[20 * 40];
    uint64_t kept = 0;
    for (int i = 0; i < 20 * 40; i++)
        difference[i] = 100.0f;
    for (int y = 5; y < 15; y++)
        memset(mask + y * 40 + 5, 1, 10);
    memset(mask + 10 * 40 + 17, 1, 3); /* a dash, two cells off and three long */
    mask[2 * 40 + 30] = 1;             /* dust */
    mask[15 * 40 + 15] = 1;            /* touches by a corner */
    bool done = components_remove_specks(mask, 40, 20, difference, 2.0, 8.0, 20.0, &kept, NULL);
    tap_ok(done && kept == 104 && mask[10 * 40 + 17] && mask[15 * 40 + 15] && !mask[2 * 40 + 30],
           "a dash and a corner stay, dust goes (%d cells)", (int)kept);
    for (int i = 0; i < 20 * 40; i++)
        difference[i] = 2.8f;
    components_remove_specks(mask, 40, 20, difference, 2.0, 8.0, 20.0, &kept, NULL);
    tap_ok(kept == 0, "104 cells barely over count as 10");
}

static void test_quantile(void)
{
    float values[101];
    bool good = true;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 101; i++)
            values[i] = (float)(i * 37 % 101);
        for (int i = 0; i < round; i++)
            values[random_below(101)] = values[random_below(101)];
        float copy[101];
        memcpy(copy, values, sizeof copy);
        float value = quantile(values, 101, 0.25);
        int below = 0, at_most = 0;
        for (int i = 0; i < 101; i++) {
            below += copy[i] < value;
            at_most += copy[i] <= value;
        }
        good &= below <= 25 && at_most > 25;
    }
    tap_ok(good, "quartiles of 200 lists");
}

/* Any size, any content: nothing is read or written outside, and the answer is a box. */
static void test_sizes(void)
{
    unsigned wrong = 0;
    for (int i = 0; i < 600; i++) {
        struct image_shape shape = {1 + random_below(i % 9 ? 40 : 1500), 1 + random_below(40),
                                    random_below(2) ? IMAGE_RGB : IMAGE_GREY, random_below(2),
                                    random_below(2) ? 16 : 8};
        struct image image, cut;
        struct crop_options options;
        struct crop_result result;
        crop_options_init(&options);
        image_new(&image, &shape, NULL);
        unsigned kind = random_below(3);
        for (uint32_t y = 0; y < shape.height; y++)
            for (size_t k = 0; k < image_row_bytes(&shape); k++)
                image_row(&image, y)[k] = (uint8_t)(kind == 0   ? random_below(256)
                                                    : kind == 1 ? 255
                                                                : random_below(20) ? 240 : 0);
        options.background = random_below(3) ? CROP_AUTO : CROP_COLOR;
        options.extend = random_below(2);
        options.tolerance = random_below(2) ? -1.0 : random_below(20);
        options.threads = 1 + random_below(3);
        bool done = crop_find(&image, &options, &result, NULL) &&
                    crop_apply(&image, &result, &cut, NULL);
        wrong += !done || result.box.width < 1 || result.box.height < 1 ||
                 !(result.confidence >= 0 && result.confidence <= 1);
        if (done)
            image_free(&cut);
        image_free(&image);
    }
    tap_ok(wrong == 0, "600 images of any size and kind (%u fail)", wrong);
}

int main(void)
{
    test_placements();
    test_placement_properties();
    test_scenes();
    test_result();
    test_profile();
    test_color();
    test_doubt();
    test_alpha_of(IMAGE_RGB, 8);
    test_alpha_of(IMAGE_RGB, 16);
    test_alpha_of(IMAGE_GREY, 8);
    test_alpha_of(IMAGE_GREY, 16);
    test_alpha_random();
    test_apply();
    test_apply_alpha();
    test_ciede();
    test_components();
    test_quantile();
    test_sizes();
    return tap_done();
}
