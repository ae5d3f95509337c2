/* SPDX-License-Identifier: MIT */
/*
 * Makes the test pictures. README.md beside this file says what each scene is and what is known
 * about it. The same command line gives the same bytes: no time, no threads, one seed.
 */
#include "render.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA_THRESHOLD 10 /* content is where 8-bit alpha exceeds this */
#define PI 3.14159265358979323846

enum { LEAVES = 60000, DEVIATES = 16384 };

/* What the command line says, and what is made of it before pixels are drawn. */
struct settings {
    const struct scene *scene;
    const char *output;
    long width, height, channels, depth, samples, specks, size, seed, body, background;
    long pale, touch, spot, truth;
    double falloff, vignette, noise;

    double paint[3], wall[3];         /* body in linear light, background in sRGB; 0..1 */
    float deviates[DEVIATES];         /* of the normal distribution, to pick from */
    double scale, origin_x, origin_y; /* pixels per film unit; where the lens's axis meets it */
    struct sample *product;           /* seen through the middle of each pixel */
    uint8_t *dust;                    /* 1 for each pixel where a speck lies */
    struct leaf *leaves;              /* a photo has these, and each pixel's leaf */
    uint16_t *leaf_ids;
};

/* A scene is a function that sets the values of a pixel, 0..1, in opaque black. */
struct scene {
    const char *name;
    void (*pixel)(const struct settings *set, long x, long y, double *rgba);
    void (*prepare)(struct settings *set);
    long channels; /* 0 where --channels says how many */
};

static void die(const char *message, const char *detail)
{
    fprintf(stderr, "render: %s%s\n", message, detail);
    exit(2);
}

static void *allocate(long count, size_t size)
{
    void *memory = calloc((size_t)count, size);
    if (!memory)
        die("out of memory", "");
    return memory;
}

/* SplitMix64 (Steele, Lea, Flood 2014) as a function of its counter. */
static uint64_t random_bits(long seed, long counter)
{
    uint64_t z = (uint64_t)(seed + 1) * 0xd1342543de82ef95u;
    z += (uint64_t)counter * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double random_unit(long seed, long counter)
{
    return ((double)(random_bits(seed, counter) >> 11) + 0.5) / 9007199254740992.0;
}

static double srgb_encode(double linear)
{
    return linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1.0 / 2.4) - 0.055;
}

static double srgb_decode(double encoded)
{
    return encoded <= 0.04045 ? encoded / 12.92 : pow((encoded + 0.055) / 1.055, 2.4);
}

static uint16_t quantise(double unit, long depth)
{
    return (uint16_t)(clamp01((float)unit) * (float)((1 << depth) - 1) + 0.5f);
}

/* Gaussian noise of deviation --noise on the three colours. */
static void noise_add(const struct settings *set, long x, long y, double *rgba)
{
    uint64_t bits = random_bits(set->seed, y * set->width + x);
    for (int c = 0; c < 3; c++)
        rgba[c] += set->noise / 255.0 * set->deviates[(bits >> (16 * c)) % DEVIATES];
}

/* ---- product ---- */

/* Mean over pixel (x, y), by rays from depth `start`. The n * n points of the sheared grid differ
 * in both coordinates, so that an edge along an axis gets all the levels too. Coverage comes from
 * all of them, light from every fourth. */
static struct sample product_sample(const struct settings *set, long x, long y, long n, float start)
{
    struct sample sum = {{0.0f}, {0.0f}}, lit[PART_NONE] = {{{0.0f}, {0.0f}}};
    const float share = 1.0f / (float)(n * n);
    for (long i = 0; i < n * n; i++) {
        double u = (double)x + ((double)(i % n * n + i / n) + 0.5) * share;
        double v = (double)y + ((double)(i / n * n + i % n) + 0.5) * share;
        vec d = camera_forward + camera_right * (float)((u - set->origin_x) / set->scale) +
                camera_up * (float)((set->origin_y - v) / set->scale);
        float nearness = 0.0f;
        d /= sqrtf(dot(d, d));
        enum part part = trace(d, start, 1.0f / (float)set->scale, &nearness);
        sum.share[NEARNESS] = max_of(sum.share[NEARNESS], nearness);
        if (part == PART_NONE)
            continue;
        if (lit[part].share[COVERAGE] == 0.0f || (i + 2 * (i / n)) % 4 == 0)
            lit[part] = shade(part, camera_eye + d / nearness, d, set->pale);
        sum.share += lit[part].share * share;
        sum.light += lit[part].light * share;
    }
    return sum;
}

/* The pixel's own sample, or a finer one where it or a neighbour shows that there is an edge. Rays
 * of that one start a little before the nearest of those depths. */
static struct sample product_at(const struct settings *set, long x, long y)
{
    const struct sample *a = &set->product[y * set->width + x];
    bool edge = a->share[COVERAGE] == 0.0f && a->share[NEARNESS] > 0.0f;
    float nearness = 0.0f;
    for (long v = y > 0 ? y - 1 : 0; v <= y + 1 && v < set->height; v++)
        for (long u = x > 0 ? x - 1 : 0; u <= x + 1 && u < set->width; u++) {
            const struct sample *b = &set->product[v * set->width + u];
            float light = min_of(a->light[1], 1.0f) - min_of(b->light[1], 1.0f);
            nearness = max_of(nearness, b->share[NEARNESS]);
            edge = edge || a->share[COVERAGE] != b->share[COVERAGE] ||
                   a->share[PAINTED] != b->share[PAINTED] ||
                   max_of(fabsf(a->share[PAINT] - b->share[PAINT]), fabsf(light)) > 0.07f;
        }
    float start = 1.0f / nearness - 0.2f - 50.0f / (float)set->scale;
    return edge ? product_sample(set, x, y, set->samples, start) : *a;
}

/* Specks of 1 to 3 pixels on the bare background, away from the product and the rim. */
static void dust_scatter(struct settings *set, double left, double top, double right, double bottom)
{
    const long steps[3] = {0, 1, set->width};
    long wanted = set->width > 5 && set->height > 5 ? set->specks : 0;
    set->dust = allocate(set->width * set->height, 1);
    for (long i = 0; wanted > 0 && i < 100000; i++) {
        double x = 2.0 + random_unit(set->seed, 2 * i) * (double)(set->width - 5);
        double y = 2.0 + random_unit(set->seed, 2 * i + 1) * (double)(set->height - 5);
        if (x > left - 8.0 && x < right + 8.0 && y > top - 8.0 && y < bottom + 8.0)
            continue;
        for (uint64_t k = 0; k <= random_bits(set->seed + 1, i) % 3; k++)
            set->dust[(long)y * set->width + (long)x + steps[k]] = 1;
        wanted--;
    }
}

/* The product fills 54 % of the frame's width or 64 % of its height, in the middle; with --touch
 * the frame's top-left corner lies on its shoulder. */
static void product_prepare(struct settings *set)
{
    double width = (double)set->width, height = (double)set->height;
    set->scale = fmin(0.54 * width / film_width, 0.64 * height / film_height);
    double across = film_width * set->scale, along = film_height * set->scale;
    double left = set->touch ? -0.21 * across : 0.5 * (width - across);
    double top = set->touch ? -0.48 * along : 0.5 * (height - along);
    set->origin_x = left - film_left * set->scale;
    set->origin_y = top + film_top * set->scale;
    set->product = allocate(set->width * set->height, sizeof *set->product);
    const long right = (long)fmin(left + across + 3.0, width);
    const long bottom = (long)fmin(top + along + 3.0, height);
    for (long y = (long)fmax(top - 2.0, 0.0); y < bottom; y++)
        for (long x = (long)fmax(left - 2.0, 0.0); x < right; x++)
            set->product[y * set->width + x] = product_sample(set, x, y, 1, 0.0f);
    dust_scatter(set, left, top, left + across, top + along);
}

/* Content is where alpha, as `cutout` writes it, exceeds the threshold. */
static void truth_print(const struct settings *set)
{
    long left = set->width, top = set->height, right = 0, bottom = 0;
    const int threshold = ALPHA_THRESHOLD * (set->depth == 8 ? 1 : 257);
    double covered = 0.0;
    for (long y = 0; y < set->height; y++)
        for (long x = 0; x < set->width; x++) {
            float coverage = product_at(set, x, y).share[COVERAGE];
            covered += coverage;
            if (quantise(coverage, set->depth) <= threshold)
                continue;
            left = x < left ? x : left;
            top = y < top ? y : top;
            right = x >= right ? x + 1 : right;
            bottom = y + 1;
        }
    printf("{\"width\":%ld,\"height\":%ld,\"box\":[%ld,%ld,%ld,%ld],\"coverage\":%.6f,"
           "\"body\":\"#%06lx\",\"background\":\"#%06lx\"}\n",
           set->width, set->height, left, top, right - left, bottom - top,
           covered / (double)(set->width * set->height), set->body, set->background);
}

/* sRGB of the product's colours c, mixed in linear light with what is behind; the sensor clips. */
static double product_colour(const struct settings *set, struct sample s, int c, double behind)
{
    double light = fmin(s.share[PAINT] * set->paint[c] + s.light[c], s.share[COVERAGE]);
    return srgb_encode(light + (1.0 - s.share[COVERAGE]) * behind);
}

static void studio_pixel(const struct settings *set, long x, long y, double *rgba)
{
    struct sample s = product_at(set, x, y);
    double u = ((double)x + 0.5) / (double)set->width, v = ((double)y + 0.5) / (double)set->height;
    double radius2 = 2.0 * ((u - 0.5) * (u - 0.5) + (v - 0.5) * (v - 0.5));
    double darker = (set->falloff * 0.5 * (u + v) + set->vignette * radius2) / 255.0;
    const double dirt = set->dust[y * set->width + x] ? 0.65 : 1.0;
    const bool black = set->spot && x == set->width - 1 && y == set->height - 1;
    for (int c = 0; c < 3; c++) {
        rgba[c] = clamp01((float)(set->wall[c] - darker)) * dirt;
        if (s.share[COVERAGE] > 0.0f)
            rgba[c] = product_colour(set, s, c, srgb_decode(rgba[c]));
    }
    noise_add(set, x, y, rgba);
    for (int c = 0; c < 3 && black; c++)
        rgba[c] = 0.0;
}

static void cutout_pixel(const struct settings *set, long x, long y, double *rgba)
{
    struct sample s = product_at(set, x, y);
    rgba[3] = s.share[COVERAGE];
    s.light /= s.share[COVERAGE];
    s.share /= s.share[COVERAGE];
    for (int c = 0; c < 3 && quantise(rgba[3], set->depth) > 0; c++)
        rgba[c] = product_colour(set, s, c, 0.0);
}

static void mask_pixel(const struct settings *set, long x, long y, double *rgba)
{
    rgba[0] = product_at(set, x, y).share[PAINTED];
}

/* ---- formulas ---- */

static void ramp_pixel(const struct settings *set, long x, long y, double *rgba)
{
    rgba[0] = (double)x / fmax((double)(set->width - 1), 1.0);
    rgba[1] = (double)y / fmax((double)(set->height - 1), 1.0);
    rgba[2] = 0.5 * (rgba[0] + rgba[1]);
    rgba[3] = 1.0 - rgba[2];
}

static void noise_pixel(const struct settings *set, long x, long y, double *rgba)
{
    uint64_t bits = random_bits(set->seed, y * set->width + x);
    for (int c = 0; c < 4; c++)
        rgba[c] = (double)(bits >> (16 * c) & 0xffff) / 65535.0;
}

static void flat_pixel(const struct settings *set, long x, long y, double *rgba)
{
    (void)x, (void)y;
    memcpy(rgba, set->wall, sizeof set->wall);
}

static void checker_pixel(const struct settings *set, long x, long y, double *rgba)
{
    rgba[0] = rgba[1] = rgba[2] = (double)((x / set->size + y / set->size) % 2);
}

/* The frequency grows with the distance from the middle and reaches half a cycle per pixel
 * (Nyquist) where the longer side ends. */
static void zoneplate_pixel(const struct settings *set, long x, long y, double *rgba)
{
    double width = (double)set->width, height = (double)set->height;
    double u = (double)x - 0.5 * (width - 1.0), v = (double)y - 0.5 * (height - 1.0);
    rgba[0] = rgba[1] = rgba[2] = 0.5 + 0.5 * cos(PI * (u * u + v * v) / fmax(width, height));
}

/* ---- photo ---- */

/* A leaf of the photo: a disk with its own colour, shading and roughness. */
struct leaf {
    float colour[3], slope_x, slope_y, rough;
};

static void leaf_paint(const struct settings *set, long id, double x, double y, double radius)
{
    long bottom = (long)fmin(y + radius, (double)set->height - 1.0);
    for (long v = (long)fmax(ceil(y - radius), 0.0); v <= bottom; v++) {
        double half = sqrt(fmax(radius * radius - ((double)v - y) * ((double)v - y), 0.0));
        long right = (long)fmin(x + half, (double)set->width - 1.0);
        for (long u = (long)fmax(ceil(x - half), 0.0); u <= right; u++)
            set->leaf_ids[v * set->width + u] = (uint16_t)id;
    }
}

/* Disks that hide each other, radii r with density r^-3: "dead leaves" (Lee, Mumford, Huang
 * 2001), which have the edges and the spectrum of photographs. */
static void photo_prepare(struct settings *set)
{
    double width = (double)set->width, height = (double)set->height, r[8];
    double diagonal = hypot(width, height), high = pow(0.25 * diagonal + 1.0, -2.0);
    double low = pow(fmax(0.0018 * diagonal, 1.0), -2.0);
    set->leaves = allocate(LEAVES, sizeof *set->leaves);
    set->leaf_ids = allocate(set->width * set->height, sizeof *set->leaf_ids);
    for (long id = 0; id < LEAVES; id++) {
        for (int i = 0; i < 8; i++)
            r[i] = random_unit(set->seed, 8 * id + i);
        double radius = 1.0 / sqrt(high + (low - high) * r[0]);
        double x = (width + radius) * r[1] - 0.5 * radius, slope_x = 0.2 * (r[5] - 0.5) / radius;
        double y = (height + radius) * r[2] - 0.5 * radius, slope_y = 0.2 * (r[6] - 0.5) / radius;
        float tone = (float)(0.05 + 0.75 * r[3] - x * slope_x - y * slope_y);
        float warm = 0.16f * (float)r[4], rough = 0.06f * (float)(r[7] * r[7] * r[7]);
        set->leaves[id] = (struct leaf){{tone + warm, tone + 0.05f, tone + 0.12f - warm},
                                        (float)slope_x, (float)slope_y, rough};
        leaf_paint(set, id, x, y, radius);
    }
}

static void photo_pixel(const struct settings *set, long x, long y, double *rgba)
{
    long right = x + 1 < set->width, down = y + 1 < set->height ? set->width : 0;
    for (int i = 0; i < 4; i++) { /* soft as a lens: mean of 2 x 2 */
        long at = y * set->width + x + (i & 1 ? right : 0) + (i & 2 ? down : 0);
        const struct leaf *leaf = &set->leaves[set->leaf_ids[at]];
        float shade = (float)x * leaf->slope_x + (float)y * leaf->slope_y +
                      leaf->rough * set->deviates[random_bits(set->seed, at) % DEVIATES];
        for (int c = 0; c < 3; c++)
            rgba[c] += 0.25f * (leaf->colour[c] + shade);
    }
    noise_add(set, x, y, rgba);
}

/* ---- command line and output ---- */

static const struct scene scenes[] = {
    {"studio", studio_pixel, product_prepare, 3}, {"cutout", cutout_pixel, product_prepare, 4},
    {"body-mask", mask_pixel, product_prepare, 1}, {"photo", photo_pixel, photo_prepare, 0},
    {"ramp", ramp_pixel, NULL, 0}, {"noise", noise_pixel, NULL, 0},
    {"flat", flat_pixel, NULL, 0}, {"checker", checker_pixel, NULL, 0},
    {"zoneplate", zoneplate_pixel, NULL, 0},
};

/* Kinds of values: f flag, n whole number, r real number, c colour, s string. */
static const struct option {
    const char *name;
    char kind;
    size_t offset;
} options[] = {
#define OPTION(field, kind) {"--" #field, kind, offsetof(struct settings, field)}
    OPTION(width, 'n'),   OPTION(height, 'n'),   OPTION(channels, 'n'), OPTION(depth, 'n'),
    OPTION(samples, 'n'), OPTION(size, 'n'),     OPTION(seed, 'n'),     OPTION(specks, 'n'),
    OPTION(falloff, 'r'), OPTION(vignette, 'r'), OPTION(noise, 'r'),    OPTION(body, 'c'),
    OPTION(pale, 'f'),    OPTION(touch, 'f'),    OPTION(spot, 'f'),     OPTION(truth, 'f'),
    OPTION(background, 'c'), {"-o", 's', offsetof(struct settings, output)},
};

static void settings_parse(struct settings *set, char **words)
{
    for (; *words; words++) {
        const struct option *option = options, *after = options + sizeof options / sizeof *options;
        while (option < after && strcmp(*words, option->name))
            option++;
        if (option == after || (option->kind != 'f' && !words[1]))
            die("unknown option, or no value: ", *words);
        void *field = (char *)set + option->offset;
        const char *text = option->kind == 'f' ? "1" : *++words;
        const bool colour = option->kind == 'c';
        char *end = "";
        if (option->kind == 's')
            *(const char **)field = text;
        else if (option->kind == 'r')
            *(double *)field = strtod(text, &end);
        else
            *(long *)field = strtol(text + colour, &end, colour ? 16 : 10);
        if (!*text || *end || (colour && (*text != '#' || strlen(text) != 7)))
            die("bad value: ", text);
    }
}

/* Checks the options and fills what follows from them. */
static void settings_finish(struct settings *set)
{
    const long fixed = set->scene->channels;
    set->channels = set->channels ? set->channels : fixed ? fixed : 3;
    if (set->width < 1 || set->width > 65500 || set->height < 1 || set->height > 65500)
        die("bad width or height", "");
    if ((fixed && set->channels != fixed) || set->channels < 1 || set->channels > 4 ||
        (set->depth != 8 && set->depth != 16) || set->samples < 1 || set->size < 1)
        die("bad channels, depth, samples or size for ", set->scene->name);
    if (set->body < 0)
        set->body = set->pale ? 0xf2f0eb : 0x1e3c8c;
    if (set->background < 0)
        set->background = set->pale ? 0xffffff : 0xe6e6e6;
    for (int c = 0; c < 3; c++) {
        set->paint[c] = srgb_decode((double)(set->body >> (16 - 8 * c) & 255) / 255.0);
        set->wall[c] = (double)(set->background >> (16 - 8 * c) & 255) / 255.0;
    }
    for (long i = 0; i < DEVIATES; i++) /* Box, Muller 1958 */
        set->deviates[i] = (float)(sqrt(-2.0 * log(random_unit(set->seed, 2 * i))) *
                                   cos(2.0 * PI * random_unit(set->seed, 2 * i + 1)));
}

static void picture_write(const struct settings *set)
{
    const int max = (1 << set->depth) - 1;
    if (set->channels % 2)
        printf("P%ld\n%ld %ld\n%d\n", set->channels / 2 + 5, set->width, set->height, max);
    else
        printf("P7\nWIDTH %ld\nHEIGHT %ld\nDEPTH %ld\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n",
                set->width, set->height, set->channels, max,
                set->channels == 2 ? "GRAYSCALE_ALPHA" : "RGB_ALPHA");
    for (long y = 0; y < set->height; y++)
        for (long x = 0; x < set->width; x++) {
            double rgba[4] = {0.0, 0.0, 0.0, 1.0};
            set->scene->pixel(set, x, y, rgba);
            for (int c = 0; c < set->channels; c++) {
                uint16_t value = quantise(rgba[c == 1 && set->channels == 2 ? 3 : c], set->depth);
                if (set->depth == 16)
                    putchar_unlocked(value >> 8);
                putchar_unlocked(value & 255);
            }
        }
}

int main(int argc, char **argv)
{
    static struct settings set = {.width = 2560, .height = 1440, .depth = 8, .samples = 4,
                                  .size = 8, .seed = 1, .body = -1, .background = -1,
                                  .falloff = 25.0, .noise = 1.0};
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes && argc > 1; i++)
        if (!strcmp(argv[1], scenes[i].name))
            set.scene = &scenes[i];
    if (!set.scene)
        die("usage: render SCENE [OPTION VALUE]...", "");
    settings_parse(&set, argv + 2);
    settings_finish(&set);
    if (set.scene->prepare)
        set.scene->prepare(&set);
    if (set.truth && !set.product)
        die("no truth is known of ", set.scene->name);
    if (set.output && !freopen(set.output, "wb", stdout))
        die("cannot open ", set.output);
    (set.truth ? truth_print : picture_write)(&set);
    if (ferror(stdout) | fclose(stdout))
        die("cannot write the output", "");
    return 0;
}
