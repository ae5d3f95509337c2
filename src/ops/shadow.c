/* SPDX-License-Identifier: MIT */
#include "ops/shadow.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"

enum {
    SPAN = BLUR_SPAN,
    PATTERN = 4, /* side of the dither pattern */
    SLICES_PER_THREAD = 4,
    SLICE_ROWS = 64, /* at least, because a slice starts with rows that nobody sees */
    MAX_SIDE = 1 << 24
};

/* A pixel of four bytes read as one number: where its samples lie. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { COLOR_SHIFT = 0, ALPHA_SHIFT = 24 };
#else
enum { COLOR_SHIFT = 8, ALPHA_SHIFT = 0 };
#endif
typedef uint32_t __attribute__((may_alias, aligned(1))) pixel32;

static bool shape_fits32(const struct image_shape *shape)
{
    return shape->depth == 8 && image_channels(shape) == 4;
}

/* ---- geometry ---- */

static int64_t shadow_blur_reach(const struct shadow_options *options)
{
    return (int64_t)ceil(3.0 * options->sigma_px);
}

static uint32_t shadow_grown(int64_t by)
{
    return by > 0 ? (uint32_t)by : 0;
}

static bool shadow_check(const struct shadow_options *options, struct error *error)
{
    if (!(options->sigma_px >= 0.0 && options->sigma_px <= BLUR_MAX_SIGMA))
        return error_set(error, ERROR_USAGE, "a sigma of %g pixels is not within 0 and %d",
                         options->sigma_px, BLUR_MAX_SIGMA);
    if (!(options->opacity >= 0.0 && options->opacity <= 1.0))
        return error_set(error, ERROR_USAGE, "an opacity of %g is not within 0 and 1",
                         options->opacity);
    if (options->spread_px > SHADOW_MAX_SPREAD)
        return error_set(error, ERROR_USAGE, "a spread of %u pixels is above %d",
                         options->spread_px, SHADOW_MAX_SPREAD);
    if (llabs(options->offset_x) > SHADOW_MAX_OFFSET ||
        llabs(options->offset_y) > SHADOW_MAX_OFFSET)
        return error_set(error, ERROR_USAGE, "an offset of %d,%d pixels is above %d",
                         options->offset_x, options->offset_y, SHADOW_MAX_OFFSET);
    return true;
}

bool shadow_canvas(const struct shadow_options *options, uint32_t width, uint32_t height,
                   struct shadow_canvas *canvas, struct error *error)
{
    if (!shadow_check(options, error))
        return false;
    *canvas = (struct shadow_canvas){width, height, {0, 0, width, height}};
    if (!options->keep_canvas) {
        int64_t reach = shadow_blur_reach(options) + options->spread_px;
        canvas->original.x = shadow_grown(reach - options->offset_x);
        canvas->original.y = shadow_grown(reach - options->offset_y);
        uint64_t wide = (uint64_t)width + canvas->original.x, high = height;
        wide += shadow_grown(reach + options->offset_x);
        high += canvas->original.y + (uint64_t)shadow_grown(reach + options->offset_y);
        if (wide > MAX_SIDE || high > MAX_SIDE)
            return error_set(error, ERROR_LIMIT, "the canvas of the shadow is too large");
        canvas->width = (uint32_t)wide;
        canvas->height = (uint32_t)high;
    }
    return true;
}

/* ---- the silhouette ---- */

static inline uint32_t alpha_at(const struct image *image, const uint8_t *row, size_t x)
{
    size_t at = image_pixel_bytes(&image->shape) * (x + 1);
    if (image->shape.depth == 8)
        return row[at - 1];
    uint16_t wide;
    memcpy(&wide, row + at - 2, sizeof wide);
    return wide;
}

MULTIVERSION static bool span_clear32(const pixel32 *pixels)
{
    uint32_t any = 0;
    for (int i = 0; i < SPAN; i++)
        any |= pixels[i];
    return (any >> ALPHA_SHIFT & 0xff) == 0;
}

/* Whether the SPAN pixels from X on are known to have no alpha. */
static bool span_clear(const struct image *image, const uint8_t *row, size_t x)
{
    return shape_fits32(&image->shape) && span_clear32((const pixel32 *)(const void *)row + x);
}

/* The first column below LIMIT with alpha, or LIMIT. */
static uint32_t alpha_first(const struct image *image, uint32_t y, uint32_t limit)
{
    const uint8_t *row = image_row(image, y);
    uint32_t x = 0;
    while (limit - x >= SPAN && span_clear(image, row, x))
        x += SPAN;
    while (x < limit && alpha_at(image, row, x) == 0)
        x++;
    return x;
}

/* One past the last column with alpha from START on, or START. */
static uint32_t alpha_end(const struct image *image, uint32_t y, uint32_t start)
{
    const uint8_t *row = image_row(image, y);
    uint32_t x = image->shape.width;
    while (x - start >= SPAN && span_clear(image, row, x - SPAN))
        x -= SPAN;
    while (x > start && alpha_at(image, row, x - 1) == 0)
        x--;
    return x;
}

/* The box of all pixels that are not transparent. Reads no more than the empty border. */
static bool content_find(const struct image *image, struct image_box *box)
{
    uint32_t width = image->shape.width, top = 0, bottom = image->shape.height;
    while (top < bottom && alpha_first(image, top, width) == width)
        top++;
    if (top == bottom)
        return false;
    while (alpha_first(image, bottom - 1, width) == width)
        bottom--;
    uint32_t left = width, right = 0;
    for (uint32_t y = top; y < bottom; y++) {
        left = alpha_first(image, y, left);
        right = alpha_end(image, y, right);
    }
    *box = (struct image_box){left, top, right - left, bottom - top};
    return true;
}

MULTIVERSION static void alpha_floats32(const uint8_t *pixels, size_t count, float *restrict to)
{
    const pixel32 *from = (const pixel32 *)(const void *)pixels;
    size_t x = 0;
    for (; x + SPAN <= count; x += SPAN)
        for (int i = 0; i < SPAN; i++)
            to[x + i] = (float)(int32_t)(from[x + i] >> ALPHA_SHIFT & 0xff) * (1.0f / 255.0f);
    for (; x < count; x++)
        to[x] = (float)(int32_t)(from[x] >> ALPHA_SHIFT & 0xff) * (1.0f / 255.0f);
}

/* A row for the blur, from a view of the content. */
static void content_floats(const void *context, uint32_t y, float *row)
{
    const struct image *view = context;
    const uint8_t *pixels = image_row(view, y);
    float scale = view->shape.depth == 8 ? 1.0f / 255.0f : 1.0f / 65535.0f;
    if (shape_fits32(&view->shape))
        alpha_floats32(pixels, view->shape.width, row);
    else
        for (uint32_t x = 0; x < view->shape.width; x++)
            row[x] = (float)alpha_at(view, pixels, x) * scale;
}

MULTIVERSION static void alpha_words32(const uint8_t *pixels, size_t count, uint16_t *restrict to)
{
    const pixel32 *from = (const pixel32 *)(const void *)pixels;
    size_t x = 0;
    for (; x + SPAN <= count; x += SPAN)
        for (int i = 0; i < SPAN; i++)
            to[x + i] = (uint16_t)((from[x + i] >> ALPHA_SHIFT & 0xff) * 257);
    for (; x < count; x++)
        to[x] = (uint16_t)((from[x] >> ALPHA_SHIFT & 0xff) * 257);
}

/* The same for the dilation. */
static void content_words(const void *context, uint32_t x, uint32_t y, uint32_t count,
                          uint16_t *row)
{
    const struct image *view = context;
    const uint8_t *pixels = image_row(view, y);
    uint32_t scale = view->shape.depth == 8 ? 257 : 1;
    if (shape_fits32(&view->shape))
        alpha_words32(pixels + sizeof(pixel32) * x, count, row);
    else
        for (uint32_t i = 0; i < count; i++)
            row[i] = (uint16_t)(alpha_at(view, pixels, x + i) * scale);
}

MULTIVERSION static void words_floats(const uint16_t *restrict from, size_t count,
                                      float *restrict to)
{
    size_t x = 0;
    for (; x + SPAN <= count; x += SPAN)
        for (int i = 0; i < SPAN; i++)
            to[x + i] = (float)(int32_t)from[x + i] * (1.0f / 65535.0f);
    for (; x < count; x++)
        to[x] = (float)(int32_t)from[x] * (1.0f / 65535.0f);
}

static void dilated_floats(const void *context, uint32_t y, float *row)
{
    const struct dilate_plane *plane = context;
    words_floats(plane->samples + plane->stride * y, plane->width, row);
}

/* ---- compositing ---- */

struct ink {
    unsigned channels;   /* of the image, alpha included */
    uint32_t samples[4]; /* the colour */
    uint32_t pixel;      /* the colour as a pixel of four bytes, its alpha 0 */
};

/* These put a shadow of alpha SHADOW under COUNT pixels, at most SPAN, and tell whether it shows.
 * With integers that range to FULL, alpha is total / FULL^2, where
 *     own = original * FULL,  share = shadow * (FULL - original),  total = own + share,
 * and a colour is (its own * own + ink * share) / total. */
typedef bool ink_put(uint8_t *pixels, size_t count, const int32_t *shadow, const struct ink *ink);

static inline __attribute__((always_inline)) bool
pixel_put(uint32_t *samples, uint32_t shadow, const struct ink *ink, uint32_t full)
{
    unsigned alpha = ink->channels - 1;
    uint64_t own = (uint64_t)samples[alpha] * full;
    uint64_t share = (uint64_t)shadow * (full - samples[alpha]), total = own + share;
    if (share == 0)
        return false;
    for (unsigned i = 0; i < alpha; i++)
        samples[i] = (uint32_t)((samples[i] * own + ink->samples[i] * share + total / 2) / total);
    samples[alpha] = (uint32_t)((total + full / 2) / full);
    return true;
}

static bool ink_put8(uint8_t *pixels, size_t count, const int32_t *shadow, const struct ink *ink)
{
    bool shows = false;
    for (size_t x = 0; x < count; x++, pixels += ink->channels) {
        uint32_t samples[4];
        for (unsigned i = 0; i < ink->channels; i++)
            samples[i] = pixels[i];
        if (!pixel_put(samples, (uint32_t)shadow[x], ink, 255))
            continue;
        shows = true;
        for (unsigned i = 0; i < ink->channels; i++)
            pixels[i] = (uint8_t)samples[i];
    }
    return shows;
}

static bool ink_put16(uint8_t *pixels, size_t count, const int32_t *shadow, const struct ink *ink)
{
    bool shows = false;
    uint16_t *words = (uint16_t *)(void *)pixels;
    for (size_t x = 0; x < count; x++, words += ink->channels) {
        uint32_t samples[4];
        for (unsigned i = 0; i < ink->channels; i++)
            samples[i] = words[i];
        if (!pixel_put(samples, (uint32_t)shadow[x], ink, 65535))
            continue;
        shows = true;
        for (unsigned i = 0; i < ink->channels; i++)
            words[i] = (uint16_t)samples[i];
    }
    return shows;
}

/* Under transparent pixels only. */
MULTIVERSION static void span_fill32(pixel32 *pixels, const int32_t *restrict shadow, uint32_t ink)
{
    for (int i = 0; i < SPAN; i++) {
        uint32_t alpha = (uint32_t)shadow[i];
        pixels[i] = alpha != 0 ? ink | alpha << ALPHA_SHIFT : pixels[i];
    }
}

/* One colour of a pixel, SHIFT bits up in it. The quotient is exact in float: the numerator stays
 * below 2^24, and unless it is whole it is at least 1/65025 from the next integer, which is more
 * than half a unit in the last place of 255. */
static inline __attribute__((always_inline)) uint32_t color_over32(uint32_t pixel, uint32_t ink,
                                                                   int32_t own, int32_t share,
                                                                   int shift)
{
    int32_t total = own + share, divisor = total + (total == 0);
    int32_t sum = (int32_t)(pixel >> shift & 0xff) * own + (int32_t)(ink >> shift & 0xff) * share;
    return (uint32_t)(int32_t)((float)(sum + total / 2) / (float)divisor) << shift;
}

MULTIVERSION static void span_over32(pixel32 *pixels, const int32_t *restrict shadow, uint32_t ink)
{
    for (int i = 0; i < SPAN; i++) {
        uint32_t pixel = pixels[i];
        int32_t alpha = (int32_t)(pixel >> ALPHA_SHIFT & 0xff);
        int32_t own = alpha * 255, share = shadow[i] * (255 - alpha);
        uint32_t result = ((uint32_t)(own + share) + 127) / 255 << ALPHA_SHIFT;
        result |= color_over32(pixel, ink, own, share, COLOR_SHIFT);
        result |= color_over32(pixel, ink, own, share, COLOR_SHIFT + 8);
        result |= color_over32(pixel, ink, own, share, COLOR_SHIFT + 16);
        /* A mask, because a choice between the two would make the divisions conditional. */
        uint32_t keep = 0u - (uint32_t)(share == 0);
        pixels[i] = (pixel & keep) | (result & ~keep);
    }
}

MULTIVERSION static bool span_put32(pixel32 *pixels, const int32_t *restrict shadow, uint32_t ink)
{
    uint32_t any = 0, shows = 0;
    for (int i = 0; i < SPAN; i++) {
        uint32_t alpha = pixels[i] >> ALPHA_SHIFT & 0xff;
        any |= alpha;
        shows |= alpha < 255 ? (uint32_t)shadow[i] : 0;
    }
    if (shows == 0)
        return false;
    if (any == 0)
        span_fill32(pixels, shadow, ink);
    else
        span_over32(pixels, shadow, ink);
    return true;
}

static bool ink_put32(uint8_t *pixels, size_t count, const int32_t *shadow, const struct ink *ink)
{
    uint32_t copy[SPAN] = {0};
    int32_t shadow_copy[SPAN] = {0};
    if (count == SPAN)
        return span_put32((pixel32 *)(void *)pixels, shadow, ink->pixel);
    memcpy(copy, pixels, count * sizeof *copy);
    memcpy(shadow_copy, shadow, count * sizeof *shadow_copy);
    bool shows = span_put32(copy, shadow_copy, ink->pixel);
    memcpy(pixels, copy, count * sizeof *copy);
    return shows;
}

static struct ink ink_new(const struct image_shape *shape, const uint16_t *color)
{
    struct ink ink = {.channels = image_channels(shape)};
    uint8_t bytes[4] = {0};
    for (unsigned i = 0; i + 1 < ink.channels; i++) {
        ink.samples[i] = color[i];
        bytes[i] = (uint8_t)color[i];
    }
    memcpy(&ink.pixel, bytes, sizeof ink.pixel);
    return ink;
}

/* ---- painting ---- */

struct shadow {
    const struct image *image;
    const struct image_box *original;
    const struct shadow_options *options;
    bool meets;                 /* there is something to paint */
    uint32_t first, end;        /* the rows that are painted now; those before are */
    struct image_box box;       /* the part of the canvas that the shadow reaches */
    int64_t source_x, source_y; /* where the silhouette starts on the canvas, shifted */
    struct blur blur;
    struct ink ink;
    ink_put *put;
    float full;                 /* the largest sample */
    float cut, stretch;         /* how the last level runs out */
    float pattern[PATTERN][SPAN + PATTERN];
    size_t slices;
    atomic_bool shows, failed;
};

/* Bayer's pattern (1973): the bits of x ^ y and y, interlaced, the lowest first. Of 4 x 4, because
 * larger ones cost as much in a compressed file and end in a wider fringe of lone dots; patterns
 * that look random cost twice as much. */
static float pattern_value(unsigned x, unsigned y)
{
    unsigned value = 0;
    for (int bit = 0; bit < 2; bit++)
        value = value << 2 | ((x ^ y) >> bit & 1) << 1 | (y >> bit & 1);
    return ((float)value + 0.5f) / (PATTERN * PATTERN);
}

/* The levels that a straight edge's shadow still has on the canvas's last pixels. Where these are
 * the greater part of one, they stay. */
static double painting_tail(const struct shadow *painting)
{
    double sigma = painting->options->sigma_px;
    double distance = (double)shadow_blur_reach(painting->options) - 0.5;
    if (sigma <= 0.0)
        return 0.0;
    double left = painting->options->opacity * 255.0 * 0.5 * erfc(distance / (sigma * M_SQRT2));
    return left < 0.5 ? left : 0.5;
}

static void painting_round(struct shadow *painting)
{
    bool dither = painting->image->shape.depth == 8 && !painting->options->no_dither;
    for (unsigned y = 0; y < PATTERN; y++)
        for (unsigned x = 0; x < SPAN + PATTERN; x++)
            painting->pattern[y][x] = dither ? pattern_value(x % PATTERN, y) : 0.5f;
    painting->cut = dither ? (float)painting_tail(painting) : 0.0f;
    painting->stretch = 1.0f / (1.0f - painting->cut);
}

/* Samples to levels. Below 1 a value is stretched, so that it reaches 0 at the cut. */
MULTIVERSION static void span_levels(const float *restrict span, const float *restrict pattern,
                                     const struct shadow *painting, int32_t *restrict levels)
{
    float cut = painting->cut, stretch = painting->stretch, full = painting->full;
    for (int i = 0; i < SPAN; i++) {
        float value = span[i], low = (value - cut) * stretch;
        value = low < value ? low : value;
        value = value > 0.0f ? value : 0.0f;
        value += pattern[i];
        levels[i] = (int32_t)(value < full ? value : full);
    }
}

static bool span_opaque(const struct shadow *painting, const uint8_t *pixels, size_t count)
{
    const struct image *image = painting->image;
    uint32_t all = UINT32_MAX;
    for (size_t x = 0; x < count; x++)
        all &= alpha_at(image, pixels, x);
    return all == (uint32_t)painting->full;
}

MULTIVERSION static bool span_opaque32(const pixel32 *pixels)
{
    uint32_t all = UINT32_MAX;
    for (int i = 0; i < SPAN; i++)
        all &= pixels[i];
    return (all >> ALPHA_SHIFT & 0xff) == 255;
}

/* COUNT pixels from X on; COVERED where the original may lie on them. */
static bool segment_paint(struct shadow *painting, const struct blur_reader *reader, uint32_t x,
                          uint32_t y, uint32_t count, bool covered)
{
    uint8_t *row = image_row(painting->image, y);
    size_t pixel_bytes = image_pixel_bytes(&painting->image->shape);
    bool shows = false;
    for (uint32_t end = x + count, step; x < end; x += step) {
        float span[SPAN];
        int32_t levels[SPAN];
        uint8_t *pixels = row + pixel_bytes * x;
        step = end - x < SPAN ? end - x : SPAN;
        bool whole = step == SPAN && painting->put == ink_put32;
        if (covered && (whole ? span_opaque32((const pixel32 *)(const void *)pixels)
                              : span_opaque(painting, pixels, step)))
            continue;
        blur_reader_span(reader, (int32_t)((int64_t)x - painting->source_x), span);
        span_levels(span, painting->pattern[y % PATTERN] + x % PATTERN, painting, levels);
        shows |= painting->put(pixels, step, levels, &painting->ink);
    }
    return shows;
}

static uint32_t clamp_to(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static bool row_paint(struct shadow *painting, struct blur_reader *reader, uint32_t y)
{
    const struct image_box *box = &painting->box, *original = painting->original;
    uint32_t left = box->x, right = box->x + box->width;
    uint32_t from = clamp_to(original->x, left, right);
    uint32_t to = clamp_to(original->x + original->width, left, right);
    bool covered = !painting->options->shadow_only && y >= original->y &&
                   y - original->y < original->height;
    blur_reader_row(reader, (int32_t)((int64_t)y - painting->source_y));
    bool shows = segment_paint(painting, reader, left, y, from - left, false);
    shows |= segment_paint(painting, reader, from, y, to - from, covered);
    shows |= segment_paint(painting, reader, to, y, right - to, false);
    return shows;
}

static void row_clear(const struct shadow *painting, uint32_t y)
{
    const struct image_box *original = painting->original;
    size_t pixel_bytes = image_pixel_bytes(&painting->image->shape);
    if (y >= original->y && y - original->y < original->height)
        memset(image_row(painting->image, y) + pixel_bytes * original->x, 0,
               pixel_bytes * original->width);
}

static void slice_paint(void *context, size_t index)
{
    struct shadow *painting = context;
    const struct image_box *box = &painting->box;
    uint32_t rows = painting->end - painting->first;
    uint32_t y = painting->first + (uint32_t)(rows * index / painting->slices);
    uint32_t end = painting->first + (uint32_t)(rows * (index + 1) / painting->slices);
    struct blur_reader reader = {0};
    bool shows = false;
    float scale = painting->full * (float)painting->options->opacity;
    if (painting->meets && !blur_reader_new(&reader, &painting->blur, scale, NULL)) {
        atomic_store(&painting->failed, true);
        return;
    }
    for (; y < end; y++) {
        if (painting->options->shadow_only)
            row_clear(painting, y);
        if (painting->meets && y >= box->y && y - box->y < box->height)
            shows |= row_paint(painting, &reader, y);
    }
    if (shows)
        atomic_store(&painting->shows, true);
    blur_reader_free(&reader);
}

/* Intersects the shadow, WIDTH x HEIGHT before the blur, with the canvas; false where they do not
 * meet. */
static bool painting_place(struct shadow *painting, uint32_t width, uint32_t height)
{
    const struct image_shape *canvas = &painting->image->shape;
    int64_t reach = shadow_blur_reach(painting->options);
    int64_t left = painting->source_x - reach, right = painting->source_x + width + reach;
    int64_t top = painting->source_y - reach, bottom = painting->source_y + height + reach;
    left = left > 0 ? left : 0;
    top = top > 0 ? top : 0;
    right = right < canvas->width ? right : canvas->width;
    bottom = bottom < canvas->height ? bottom : canvas->height;
    if (left >= right || top >= bottom)
        return false;
    painting->box = (struct image_box){(uint32_t)left, (uint32_t)top, (uint32_t)(right - left),
                                       (uint32_t)(bottom - top)};
    return true;
}

/* Blurs the silhouette of CONTENT, a view; after this the canvas may be painted. */
static bool painting_blur(struct shadow *painting, const struct image *content, struct error *error)
{
    const struct shadow_options *options = painting->options;
    uint32_t width = content->shape.width, height = content->shape.height;
    struct blur_source source = {width, height, content_floats, content};
    struct dilate_source plain = {width, height, content_words, content};
    struct dilate_plane dilated = {0};
    source.width = width + 2 * options->spread_px;
    source.height = height + 2 * options->spread_px;
    painting->meets = painting_place(painting, source.width, source.height);
    if (!painting->meets)
        return true;
    if (options->spread_px > 0) {
        if (!dilate_disc(&dilated, &plain, options->spread_px, options->threads, error))
            return false;
        source.row = dilated_floats;
        source.context = &dilated;
    }
    int32_t x = (int32_t)(painting->box.x - painting->source_x);
    bool done = blur_prepare(&painting->blur, &source, options->sigma_px, x, painting->box.width,
                             options->threads, error);
    free(dilated.samples);
    return done;
}

static bool painting_prepare(struct shadow *painting, struct error *error)
{
    const struct shadow_options *options = painting->options;
    const struct image_shape *shape = &painting->image->shape;
    struct image view = image_view(painting->image, painting->original);
    struct image_box content;
    painting->full = shape->depth == 8 ? 255.0f : 65535.0f;
    painting->ink = ink_new(shape, options->color);
    painting->put = shape_fits32(shape) ? ink_put32 : shape->depth == 8 ? ink_put8 : ink_put16;
    painting_round(painting);
    if (options->opacity <= 0.0 || !content_find(&view, &content))
        return true;
    view = image_view(&view, &content);
    int64_t x = (int64_t)painting->original->x + content.x;
    int64_t y = (int64_t)painting->original->y + content.y;
    painting->source_x = x + options->offset_x - options->spread_px;
    painting->source_y = y + options->offset_y - options->spread_px;
    return painting_blur(painting, &view, error);
}

bool shadow_new(struct shadow **shadow, const struct image *image, const struct image_box *original,
                const struct shadow_options *options, struct error *error)
{
    *shadow = NULL;
    if (!image->shape.alpha || image->shape.color == IMAGE_CMYK)
        return error_set(error, ERROR_INTERNAL, "a shadow needs a grey or RGB image with alpha");
    if (!shadow_check(options, error))
        return false;
    struct shadow *painting = memory_zeroed(1, sizeof *painting, error);
    if (painting == NULL)
        return false;
    painting->image = image;
    painting->original = original;
    painting->options = options;
    if (painting_prepare(painting, error)) {
        *shadow = painting;
        return true;
    }
    shadow_free(painting);
    return false;
}

bool shadow_paint(struct shadow *painting, uint32_t end, struct error *error)
{
    unsigned threads = painting->options->threads;
    uint32_t height = painting->image->shape.height, left = height - painting->end;
    if (end <= painting->end)
        return true;
    uint32_t rows = end - painting->end, least = SLICE_ROWS * threads;
    rows = rows > least ? rows : least;
    rows = rows < left ? rows : left;
    painting->first = painting->end;
    painting->end += rows;
    painting->slices = threads > 1 ? (size_t)threads * SLICES_PER_THREAD : 1;
    if (painting->slices > rows / SLICE_ROWS + 1)
        painting->slices = rows / SLICE_ROWS + 1;
    threads_for(threads, painting->slices, slice_paint, painting);
    if (!atomic_load(&painting->failed))
        return true;
    error_set(error, ERROR_NO_MEMORY, "out of memory while painting the shadow");
    return error_hint(error, "a larger --memory may help");
}

bool shadow_shows(const struct shadow *painting)
{
    return atomic_load(&painting->shows);
}

void shadow_free(struct shadow *painting)
{
    if (painting != NULL)
        blur_free(&painting->blur);
    free(painting);
}
