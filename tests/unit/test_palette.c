/* SPDX-License-Identifier: MIT */
/* What imgpalette finds, in pictures whose colours are their formula. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/lab.h"
#include "ops/palette.h"
#include "ops/palette_count.h"

#include "profile.h"
#include "random.h"
#include "tap.h"

static struct image picture(uint32_t width, uint32_t height, enum image_color color, bool alpha,
                            uint8_t depth)
{
    struct image_shape shape = {width, height, color, alpha, depth};
    struct image image;
    if (!image_new(&image, &shape, NULL))
        abort();
    return image;
}

static void put(const struct image *image, uint32_t x, uint32_t y, unsigned channel, double value)
{
    size_t at = x * image_channels(&image->shape) + channel;
    double top = image->shape.depth == 16 ? 65535 : 255;
    double sample = fmin(fmax(value, 0), top) + 0.5;
    if (image->shape.depth == 16)
        ((uint16_t *)(void *)image_row(image, y))[at] = (uint16_t)sample;
    else
        image_row(image, y)[at] = (uint8_t)sample;
}

/* A pixel of an RGB picture, with noise of standard deviation SIGMA. */
static void put_rgb(const struct image *image, uint32_t x, uint32_t y, uint32_t rgb, double sigma)
{
    for (unsigned c = 0; c < 3; c++) {
        double noise = sigma > 0 ? sigma * random_normal() : 0;
        put(image, x, y, c, (double)(rgb >> (16 - 8 * c) & 255) + noise);
    }
}

/* Columns FROM to TO of one colour. */
static void fill(const struct image *image, uint32_t from, uint32_t to, uint32_t rgb, double sigma)
{
    for (uint32_t y = 0; y < image->shape.height; y++)
        for (uint32_t x = from; x < to; x++)
            put_rgb(image, x, y, rgb, sigma);
}

static const struct palette_options usual = {.colors = 6, .merge_de = 5, .threads = 1};

static const struct palette *find(const struct image *image, const struct palette_options *options)
{
    static struct palette palette;
    struct error error = {0};
    memset(&palette, 0, sizeof palette);
    if (!palette_find(&palette, image, options, &error))
        printf("# %s\n", error.message);
    return &palette;
}

static uint32_t hex(const struct palette_entry *entry)
{
    uint32_t rgb = 0;
    for (int c = 0; c < 3; c++)
        rgb = rgb << 8 | (uint32_t)(entry->srgb[c] * 255 + 0.5);
    return rgb;
}

static void lab_of(uint32_t rgb, double lab[3])
{
    double linear[3];
    for (int c = 0; c < 3; c++)
        linear[c] = srgb_decode((rgb >> (16 - 8 * c) & 255) / 255.0);
    lab_from_linear(linear, lab);
}

static void show(const struct palette *palette)
{
    for (size_t k = 0; k < palette->count; k++)
        printf("# %06x %.5f\n", (unsigned)hex(&palette->entries[k]), palette->entries[k].share);
}

static bool has(const struct palette *palette, uint32_t rgb)
{
    for (size_t i = 0; i < palette->count; i++)
        if (hex(&palette->entries[i]) == rgb)
            return true;
    show(palette);
    return false;
}

/* Whether entry I is within DE of RGB (0: exactly that hex) and has SHARE to within BY. */
static bool is_entry(const struct palette *palette, size_t i, uint32_t rgb, double de, double share,
                     double by)
{
    const struct palette_entry *entry = &palette->entries[i];
    double lab[3];
    lab_of(rgb, lab);
    bool near = i < palette->count && fabs(entry->share - share) <= by &&
                (de > 0 || hex(entry) == rgb) &&
                lab_ciede2000(lab, entry->lab) <= (de > 0 ? de : 0.001);
    if (!near)
        show(palette);
    return near;
}

/* ---- flat areas ---- */

static void test_flat(void)
{
    struct image image = picture(100, 40, IMAGE_RGB, false, 8);
    fill(&image, 0, 50, 0xc83232, 0);
    fill(&image, 50, 100, 0xffffff, 0);
    const struct palette *p = find(&image, &usual);
    tap_ok(p->count == 2 && is_entry(p, 0, 0xc83232, 0, 0.5, 0) &&
               is_entry(p, 1, 0xffffff, 0, 0.5, 0) && p->counted == 4000 && p->ignored == 0,
           "two halves are two colours, exactly, and equal shares go by value");
    fill(&image, 0, 99, 0x808080, 0);
    fill(&image, 99, 100, 0xdc1e28, 0);
    p = find(&image, &usual);
    tap_ok(p->count == 2 && is_entry(p, 0, 0x808080, 0, 0.99, 1e-9) &&
               is_entry(p, 1, 0xdc1e28, 0, 0.01, 1e-9),
           "an accent of 1 %% is a colour");
    for (uint32_t x = 0; x < 99; x++)
        fill(&image, x, x + 1, 0x010101 * (100 + x), 0);
    p = find(&image, &usual);
    tap_ok(has(p, 0xdc1e28), "also on a gradient");
    image_free(&image);
}

static void test_depths(void)
{
    struct image image = picture(64, 8, IMAGE_RGB, false, 16);
    for (uint32_t y = 0; y < 8; y++)
        for (uint32_t x = 0; x < 64; x++) {
            put(&image, x, y, 0, x < 48 ? 51234 : 1000);
            put(&image, x, y, 1, x < 48 ? 20001 : 1000);
            put(&image, x, y, 2, x < 48 ? 777 : 1000);
        }
    const struct palette *p = find(&image, &usual);
    tap_ok(p->count == 2 && fabs(p->entries[0].srgb[0] * 65535 - 51234) < 1e-6 &&
               fabs(p->entries[0].srgb[1] * 65535 - 20001) < 1e-6 &&
               fabs(p->entries[0].srgb[2] * 65535 - 777) < 1e-6 && p->entries[0].share == 0.75,
           "16 bits are not rounded to 8");
    image_free(&image);
    image = picture(40, 4, IMAGE_GREY, false, 8);
    for (uint32_t y = 0; y < 4; y++)
        for (uint32_t x = 0; x < 40; x++)
            put(&image, x, y, 0, x < 30 ? 20 : 200);
    p = find(&image, &usual);
    tap_ok(p->count == 2 && is_entry(p, 0, 0x141414, 0, 0.75, 0) &&
               is_entry(p, 1, 0xc8c8c8, 0, 0.25, 0),
           "grey");
    image_free(&image);
}

/* A profile with the colorants of sRGB whose samples are light itself: 128 of 255 is L* 76.19. */
static void test_profile(void)
{
    static struct profile profile;
    const double one[] = {1.0};
    profile_start(&profile, 4, "mntr", "RGB ", "XYZ ");
    profile_srgb_colorants(&profile);
    profile_parametric(&profile, "rTRC", 0, one, 1);
    profile_parametric(&profile, "gTRC", 0, one, 1);
    profile_parametric(&profile, "bTRC", 0, one, 1);
    struct blob blob = profile_end(&profile);
    struct image image = picture(20, 20, IMAGE_RGB, false, 8);
    fill(&image, 0, 20, 0x808080, 0);
    blob_copy(&image.metadata.icc, blob.data, blob.size, NULL);
    struct palette_options options = usual;
    const struct palette *p = find(&image, &options);
    double expected[3], light[3] = {128 / 255.0, 128 / 255.0, 128 / 255.0};
    lab_from_linear(light, expected);
    tap_ok(p->count == 1 && lab_ciede2000(expected, p->entries[0].lab) < 0.05 &&
               hex(&p->entries[0]) == 0xbcbcbc,
           "the profile is honoured: L* %.2f, #%06x", p->entries[0].lab[0], hex(&p->entries[0]));
    options.exact = true;
    p = find(&image, &options);
    tap_ok(p->count == 1 && hex(&p->entries[0]) == 0xbcbcbc, "by --exact-colors too");
    image_free(&image);
}

static void test_alpha(void)
{
    struct image image = picture(60, 10, IMAGE_RGB, true, 8);
    for (uint32_t y = 0; y < 10; y++)
        for (uint32_t x = 0; x < 60; x++) {
            put_rgb(&image, x, y, x < 20 ? 0xc81020 : x < 40 ? 0x2040a0 : 0x00ff00 + x, 0);
            put(&image, x, y, 3, x < 20 ? 255 : x < 40 ? 85 : 0);
        }
    const struct palette *p = find(&image, &usual);
    tap_ok(p->count == 2 && is_entry(p, 0, 0xc81020, 0, 0.75, 1e-12) &&
               is_entry(p, 1, 0x2040a0, 0, 0.25, 1e-12) && fabs(p->counted - 800 / 3.0) < 1e-9,
           "pixels weigh as much as they are opaque, alpha 0 never counts");
    struct palette_options options = usual;
    options.exact = true;
    p = find(&image, &options);
    tap_ok(p->count == 2 && is_entry(p, 0, 0xc81020, 0, 0.75, 1e-12) &&
               fabs(p->counted - 800 / 3.0) < 1e-9,
           "by --exact-colors too");
    for (uint32_t y = 0; y < 10; y++)
        for (uint32_t x = 0; x < 60; x++)
            put(&image, x, y, 3, 0);
    tap_ok(find(&image, &usual)->count == 0, "a transparent image has no colours");
    tap_ok(find(&image, &options)->count == 0, "nor exact ones");
    image_free(&image);
}

/* ---- noise, edges, texture ---- */

static void test_noise(void)
{
    struct image image = picture(240, 200, IMAGE_RGB, false, 8);
    for (double sigma = 2; sigma <= 8; sigma *= 2) {
        fill(&image, 0, 96, 0x285aa0, sigma);
        fill(&image, 96, 180, 0xd8c040, sigma);
        fill(&image, 180, 240, 0x707070, sigma);
        const struct palette *p = find(&image, &usual);
        tap_ok(p->count == 3 && is_entry(p, 0, 0x285aa0, 1.5, 0.4, 0.002) &&
                   is_entry(p, 1, 0xd8c040, 1.5, 0.35, 0.002) &&
                   is_entry(p, 2, 0x707070, 1.5, 0.25, 0.002),
               "noise of %g levels adds no colours and moves none", sigma);
        if (p->count != 3)
            show(p);
    }
    image_free(&image);
}

/* A disk with edges that are mixed in light; RADIUS and middle in pixels. */
static void draw_disk(const struct image *image, double x0, double y0, double radius, uint32_t rgb)
{
    for (uint32_t y = 0; y < image->shape.height; y++)
        for (uint32_t x = 0; x < image->shape.width; x++) {
            double cover = fmin(fmax(radius - hypot(x - x0, y - y0) + 0.5, 0), 1);
            for (unsigned c = 0; c < 3; c++) {
                double below = srgb_decode(image_row(image, y)[3 * x + c] / 255.0);
                double above = srgb_decode((rgb >> (16 - 8 * c) & 255) / 255.0);
                put(image, x, y, c, 255 * srgb_encode(below + cover * (above - below)));
            }
        }
}

static void test_edges(void)
{
    struct image image = picture(300, 200, IMAGE_RGB, false, 8);
    fill(&image, 0, 300, 0xffffff, 0);
    for (int i = 0; i < 24; i++)
        draw_disk(&image, 25 + 50 * (i % 6) + 0.3 * i, 25 + 50 * (i / 6), 12,
                  i % 2 ? 0x103070 : 0xd02010);
    const struct palette *p = find(&image, &usual);
    tap_ok(p->count == 3 && hex(&p->entries[0]) == 0xffffff && p->entries[1].share > 0.08 &&
               (is_entry(p, 1, 0x103070, 0, 0.09, 0.01) || is_entry(p, 1, 0xd02010, 0, 0.09, 0.01)),
           "the mixed pixels of edges are no colours of their own");
    image_free(&image);
}

/* ---- merging ---- */

static void test_merge(void)
{
    struct image image = picture(100, 10, IMAGE_RGB, false, 8);
    /* #808080 and #888888 are 2.9 apart. */
    fill(&image, 0, 70, 0x808080, 0);
    fill(&image, 70, 100, 0x888888, 0);
    struct palette_options options = usual;
    const struct palette *p = find(&image, &options);
    tap_ok(p->count == 1 && is_entry(p, 0, 0x808080, 0, 1, 0),
           "colours nearer than merge_de are one, the one that prevails");
    options.merge_de = 2.5;
    p = find(&image, &options);
    tap_ok(p->count == 2 && is_entry(p, 0, 0x808080, 0, 0.7, 1e-12) &&
               is_entry(p, 1, 0x888888, 0, 0.3, 1e-12),
           "those that are not nearer are two");
    image_free(&image);

    image = picture(200, 150, IMAGE_RGB, false, 8);
    for (uint32_t y = 0; y < 150; y++)
        for (uint32_t x = 0; x < 200; x++)
            put_rgb(&image, x, y, (x + 55) << 16 | (y + 50) << 8 | (300 - x - y / 2) / 2, 3);
    for (int round = 0; round < 8; round++) {
        options.merge_de = round % 4 * 4;
        options.colors = round < 4 ? 12 : PALETTE_MOST;
        p = find(&image, &options);
        double nearest = HUGE_VAL, sum = 0;
        for (size_t i = 0; i < p->count; i++) {
            sum += p->entries[i].share;
            for (size_t k = 0; k < i; k++)
                nearest = fmin(nearest, lab_ciede2000(p->entries[i].lab, p->entries[k].lab));
        }
        tap_ok(p->count >= 1 && p->count <= options.colors && nearest >= options.merge_de &&
                   fabs(sum - 1) < 1e-9,
               "%zu colours, none nearer than %g, together all of it", p->count, options.merge_de);
    }
    image_free(&image);
}

/* ---- sameness ---- */

/* Disks of flat, shaded and noisy colours, more than can be told apart. */
static struct image scene(bool alpha, uint8_t depth)
{
    struct image image = picture(200, 170, IMAGE_RGB, alpha, depth);
    unsigned step = depth == 16 ? 257 : 1;
    for (uint32_t y = 0; y < 170; y++)
        for (uint32_t x = 0; x < 200; x++) {
            uint32_t r = y < 60 ? random_below(256) : x, g = y < 60 ? random_below(256) : y;
            uint32_t b = y < 60 ? random_below(256) : (x * y) >> 8;
            bool flat = x > 120 && y > 80;
            put(&image, x, y, 0, flat ? 0x12 * 257.0 * step / 257 : r * step);
            put(&image, x, y, 1,
                flat ? 0x34 * 257.0 * step / 257 : g * step + (depth == 16 ? x : 0));
            put(&image, x, y, 2, flat ? 0x56 * 257.0 * step / 257 : b * step);
            if (alpha)
                put(&image, x, y, 3, step * (flat ? 255 : random_below(256)));
        }
    return image;
}

static void test_threads(void)
{
    static struct palette one;
    for (int kind = 0; kind < 8; kind++) {
        struct image image = scene(kind & 1, kind & 2 ? 16 : 8);
        struct palette_options options = usual;
        options.exact = (kind & 4) != 0;
        one = *find(&image, &options);
        bool same = true;
        for (unsigned threads = 2; threads < 9; threads += 3) {
            options.threads = threads;
            same &= memcmp(&one, find(&image, &options), sizeof one) == 0;
        }
        tap_ok(same, "1, 2, 5 and 8 threads give the same bytes: %s%s, %u bits",
               options.exact ? "exact" : "clusters", kind & 1 ? ", alpha" : "", image.shape.depth);
        tap_ok(has(&one, 0x123456),
               "a flat area comes out exactly also among more colours than can be told apart");
        image_free(&image);
    }
}

/* ---- exact ---- */

static void test_exact(void)
{
    struct image image = picture(100, 10, IMAGE_RGB, false, 8);
    fill(&image, 0, 20, 0x808081, 0);
    fill(&image, 20, 40, 0x808080, 0);
    fill(&image, 40, 90, 0x808180, 0);
    fill(&image, 90, 91, 0xffffff, 0);
    fill(&image, 91, 100, 0x000000, 0);
    struct palette_options options = usual;
    options.exact = true;
    options.colors = 4;
    const struct palette *p = find(&image, &options);
    tap_ok(p->count == 4 && is_entry(p, 0, 0x808180, 0, 0.5, 0) &&
               is_entry(p, 1, 0x808080, 0, 0.2, 0) && is_entry(p, 2, 0x808081, 0, 0.2, 0) &&
               is_entry(p, 3, 0x000000, 0, 0.09, 0),
           "exact colours by frequency, equal ones by value");
    double lab[3];
    lab_of(0x808080, lab);
    options.ignore_lab = lab;
    options.ignore_de = 1.5;
    p = find(&image, &options);
    tap_ok(p->count == 2 && is_entry(p, 0, 0x000000, 0, 0.9, 1e-12) && p->ignored == 900,
           "without the ignored ones");
    image_free(&image);
}

/* The table's level is the least that fits, in whichever order and on however many threads. */
static void test_counts(void)
{
    struct image image = picture(256, 256, IMAGE_RGB, false, 8);
    for (uint32_t y = 0; y < 256; y++)
        for (uint32_t x = 0; x < 256; x++)
            put_rgb(&image, x, y, x << 16 | y << 8 | 7, 0);
    struct palette_scan scan = {.image = &image};
    for (unsigned level = 0; level < 9; level++)
        for (unsigned threads = 1; threads < 4; threads += 2) {
            struct palette_counts counts;
            size_t fits = (size_t)65536 >> 2 * level;
            palette_count_new(&counts, &scan, NULL, fits, threads, NULL);
            bool good = counts.level == level && counts.count == fits && counts.weight == 65536;
            for (size_t i = 0; i < counts.count; i++)
                good &= counts.items[i].weight == (uint64_t)1 << 2 * level &&
                        counts.items[i].sums[2] == 7 * counts.items[i].weight;
            palette_count_free(&counts);
            if (level % 4 == 0 || !good)
                tap_ok(good, "%zu colours are told apart at level %u, %u threads", fits, level,
                       threads);
        }
    image_free(&image);
}

/* By indexed cubes, and by looking colours up, which is what happens where something is ignored. */
static void test_cubes(void)
{
    enum { WIDTH = 601, HEIGHT = 150 };
    static uint8_t nothing[HEIGHT][WIDTH / 8 + 1];
    struct image image = picture(WIDTH, HEIGHT, IMAGE_RGB, false, 8);
    const struct palette_scan scans[2] = {
        {.image = &image},
        {.image = &image, .ignored = nothing[0], .ignored_stride = sizeof nothing[0]}};
    uint32_t state = 1;
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            state = state * 1664525u + 1013904223u;
            put_rgb(&image, x, y, x % 64 < 8 ? 0xc83232 : (state >> 8 & 0x3f7fff) + (y << 8), 0);
        }
    for (size_t most = 20000; most >= 20; most /= 10) {
        struct palette_counts counts[2];
        for (int i = 0; i < 2; i++)
            palette_count_new(&counts[i], &scans[i], NULL, most, 1 + (most == 200), NULL);
        tap_ok(counts[0].level == counts[1].level && counts[0].level >= 1 &&
                   counts[0].count == counts[1].count && counts[0].weight == WIDTH * HEIGHT &&
                   memcmp(counts[0].items, counts[1].items,
                          counts[0].count * sizeof *counts[0].items) == 0,
               "at most %zu colours: %zu at level %u, by index as by search", most, counts[0].count,
               counts[0].level);
        palette_count_free(&counts[0]);
        palette_count_free(&counts[1]);
    }
    image_free(&image);
}

/* ---- what does not count ---- */

static void test_ignore(void)
{
    struct image image = picture(100, 10, IMAGE_RGB, false, 8);
    fill(&image, 0, 60, 0xffffff, 0);
    fill(&image, 60, 80, 0xf8f8f8, 0);
    fill(&image, 80, 100, 0xc83232, 0);
    double white[3] = {100, 0, 0};
    struct palette_options options = usual;
    options.ignore_lab = white;
    options.ignore_de = 3;
    const struct palette *p = find(&image, &options);
    tap_ok(p->count == 1 && is_entry(p, 0, 0xc83232, 0, 1, 0) && p->ignored == 800 &&
               p->counted == 200,
           "a colour and what is near it does not count");
    options.ignore_de = 0.5;
    p = find(&image, &options);
    tap_ok(p->count == 2 && is_entry(p, 0, 0xc83232, 0, 0.5, 0) && p->ignored == 600,
           "what is further does");
    options.ignore_de = 150;
    p = find(&image, &options);
    tap_ok(p->count == 0 && p->ignored == 1000, "all may be ignored");
    image_free(&image);
}

static void test_background(void)
{
    struct image image = picture(400, 300, IMAGE_RGB, false, 8);
    for (uint32_t y = 0; y < 300; y++)
        for (uint32_t x = 0; x < 400; x++) {
            double cover = fmin(fmax(80 - hypot(x - 200.0, y - 150.0) + 0.5, 0), 1);
            for (unsigned c = 0; c < 3; c++) {
                double product = x < 200 ? (c == 0 ? 180 : 30) : (c == 2 ? 160 : 40);
                double ground = 235 - 0.06 * x - 0.08 * y;
                put(&image, x, y, c, ground + cover * (product - ground) + random_normal());
            }
        }
    struct palette_options options = usual;
    options.ignore_background = true;
    const struct palette *p = find(&image, &options);
    double disk = 3.14159265 * 80 * 80;
    size_t red = p->entries[0].srgb[0] > p->entries[0].srgb[2] ? 0 : 1;
    tap_ok(p->count == 2 && p->confidence > 0.5 && is_entry(p, red, 0xb41e1e, 1, 0.5, 0.02) &&
               is_entry(p, 1 - red, 0x2828a0, 1, 0.5, 0.02) &&
               fabs(p->counted - disk) < 0.03 * disk &&
               fabs(p->counted + p->ignored - 120000) < 1e-6,
           "the background is left out with its gradient and noise: %.0f of %.0f", p->counted,
           disk);
    if (p->count != 2)
        show(p);
    options.exact = true;
    p = find(&image, &options);
    tap_ok(fabs(p->counted - disk) < 0.03 * disk, "by --exact-colors too");
    image_free(&image);

    image = picture(160, 120, IMAGE_RGB, false, 8);
    for (uint32_t y = 0; y < 120; y++)
        for (uint32_t x = 0; x < 160; x++)
            put_rgb(&image, x, y, random_below(0x1000000), 0);
    options.exact = false;
    p = find(&image, &options);
    tap_ok(p->confidence < 0.5 && p->ignored == 0 && p->count > 0,
           "where there is no background all counts");
    image_free(&image);
}

static void test_small(void)
{
    static const struct {
        uint32_t width, height;
    } sizes[] = {{1, 1}, {1, 300}, {300, 1}, {2, 2}, {511, 2}, {513, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int kind = 0; kind < 8; kind++) {
            struct image image = picture(sizes[i].width, sizes[i].height,
                                         kind & 1 ? IMAGE_GREY : IMAGE_RGB, kind & 2,
                                         kind & 4 ? 16 : 8);
            memset(image.pixels, 200, image.stride * image.shape.height);
            struct palette_options options = usual;
            options.threads = 2;
            options.ignore_background = kind == 0 && i > 0;
            const struct palette *p = find(&image, &options);
            bool one = p->count == 1 && hex(&p->entries[0]) == 0xc8c8c8;
            if (!one && !(options.ignore_background && p->count == 0))
                tap_ok(false, "%u x %u, kind %d", sizes[i].width, sizes[i].height, kind);
            image_free(&image);
        }
    tap_ok(true, "images of a few pixels");
}

int main(void)
{
    test_flat();
    test_depths();
    test_profile();
    test_alpha();
    test_noise();
    test_edges();
    test_merge();
    test_threads();
    test_exact();
    test_counts();
    test_cubes();
    test_ignore();
    test_background();
    test_small();
    return tap_done();
}
