/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "ops/ciede.h"
#include "ops/crop_color.h"
#include "ops/quantile.h"

enum {
    BLOCK = 8,            /* pixels along a side of a compressor's block */
    REACH = 18,           /* how far ripples go where chroma is stored at half size */
    NOISE_SAMPLES = 16384
};

#define RIPPLE 0.25f
#define ROUGH 0.55
#define ENOUGH 50 /* weak pixels */
#define NOISE_FACTOR 1.6 /* of the 99 % quantile; 4.1 to 5.4 sigma */

/* A rectangle of pixels and its differences. */
struct region {
    uint32_t x, y, width, height;
    float *difference; /* width * height */
};

/* fmaxf() is a call where NaN must be heeded; there is none here. */
static inline float greater(float a, float b)
{
    return a > b ? a : b;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Fills REGION, whose difference has room; LINES has room for ten rows. */
static void region_measure(const struct crop_survey *survey, const struct region *region,
                           float *lines)
{
    const struct image_shape *shape = &survey->reader.image->shape;
    size_t w = region->width;
    float *const lab[3] = {lines, lines + w, lines + 2 * w};
    float *const model[3] = {lines + 3 * w, lines + 4 * w, lines + 5 * w};
    float *const code[3] = {lines + 6 * w, lines + 7 * w, lines + 8 * w};
    float *alpha = survey->reader.weighted ? lines + 9 * w : NULL;
    double step = 2.0 / shape->width, x0 = step * (region->x + 0.5) - 1.0;
    for (uint32_t y = 0; y < region->height; y++) {
        float *to = region->difference + y * w;
        pixel_reader_lab(&survey->reader, region->x, region->y + y, w, lab, alpha);
        background_lab_row(&survey->background, &survey->reader, x0, step,
                           (2.0 * (region->y + y) + 1.0) / shape->height - 1.0, w, code, model);
        ciede2000_row((const float *const *)model, (const float *const *)lab, to, w);
        for (size_t x = 0; alpha && x < w; x++)
            to[x] *= alpha[x];
    }
}

/* Appends the differences of COUNT background pixels of a row from X, Y on. */
static size_t row_gather(const struct crop_survey *survey, uint32_t x, uint32_t y, uint32_t count,
                         float *to, float *lines)
{
    uint32_t cell = survey->thumb.cell;
    const uint8_t *near = survey->near + (size_t)(y / cell) * survey->thumb.width;
    struct region row = {x, y, count, 1, to};
    region_measure(survey, &row, lines);
    size_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!near[(x + i) / cell])
            to[kept++] = to[i];
    return kept;
}

bool crop_pixel_noise(struct crop_survey *survey, struct error *error)
{
    const struct background *background = &survey->background;
    const struct image_shape *shape = &survey->reader.image->shape;
    uint32_t cell = survey->thumb.cell;
    float *memory = memory_array(NOISE_SAMPLES + 10 * (size_t)shape->width, sizeof *memory, error);
    if (!memory)
        return false;
    size_t count = 0;
    uint32_t share = NOISE_SAMPLES / (background->tile_count + 1);
    for (unsigned i = 0; i < background->tile_count; i++) {
        const struct background_tile *tile = &background->tiles[i];
        if (!tile->explained)
            continue;
        uint32_t x = tile->x * cell, y = tile->y * cell;
        uint32_t width = lesser(lesser(tile->width * cell, shape->width - x), share);
        uint32_t height = lesser(tile->height * cell, shape->height - y);
        uint32_t rows = lesser(height, share / width);
        for (uint32_t k = 0; k < rows; k++)
            count += row_gather(survey, x, y + (uint32_t)((uint64_t)height * k / rows), width,
                                memory + count, memory + NOISE_SAMPLES);
    }
    survey->pixel_noise = (double)quantile(memory, count, 0.99);
    free(memory);
    return true;
}

/* ---- one edge ---- */

/* An edge seen so that the content lies in the direction of growing DEPTH: pixels from outside to
 * inside, and along the edge. `step`s lead through the region's differences. */
struct edge {
    struct region region;
    bool along_x;   /* the edge runs along x: top or bottom */
    bool from_end;  /* right or bottom */
    uint32_t outermost, cut; /* cells outside of the content; pixels that the first one lacks */
    uint32_t start;          /* pixels outside of the region */
    uint32_t depth, length, decisive; /* only the first `decisive` pixels may hold the edge */
    float limit;
    float *blocks; /* the strongest difference of each block; blocks_deep for each along */
    uint32_t blocks_deep, blocks_long;
};

static float edge_at(const struct edge *edge, uint32_t depth, uint32_t along)
{
    const struct region *region = &edge->region;
    uint32_t last = edge->depth - 1;
    uint32_t inward = edge->from_end ? last - depth : depth;
    return edge->along_x ? region->difference[(size_t)inward * region->width + along]
                         : region->difference[(size_t)along * region->width + inward];
}

/* Whether the cell of that pixel, or one around, holds content. */
static bool edge_is_near(const struct crop_survey *survey, const struct edge *edge, uint32_t depth,
                         uint32_t along)
{
    uint32_t inward = edge->from_end ? edge->depth - 1 - depth : depth;
    uint32_t x = edge->region.x + (edge->along_x ? along : inward);
    uint32_t y = edge->region.y + (edge->along_x ? inward : along);
    uint32_t cell = survey->thumb.cell;
    return survey->near[(size_t)(y / cell) * survey->thumb.width + x / cell];
}

static void edge_measure_blocks(struct edge *edge)
{
    memset(edge->blocks, 0, (size_t)edge->blocks_deep * edge->blocks_long * sizeof(float));
    for (uint32_t along = 0; along < edge->length; along++)
        for (uint32_t depth = 0; depth < edge->depth; depth++) {
            float *block = edge->blocks + (size_t)(along / BLOCK) * edge->blocks_deep +
                           depth / BLOCK;
            *block = greater(*block, edge_at(edge, depth, along));
        }
}

/* The strongest difference around and behind a pixel, as far as ripples reach. */
static float edge_strongest(const struct edge *edge, uint32_t depth, uint32_t along)
{
    uint32_t d0 = depth / BLOCK, a0 = along / BLOCK > 2 ? along / BLOCK - 2 : 0;
    float strongest = 0.0f;
    for (uint32_t a = a0; a <= along / BLOCK + 2 && a < edge->blocks_long; a++)
        for (uint32_t d = d0; d <= d0 + 2 && d < edge->blocks_deep; d++)
            strongest = greater(strongest, edge->blocks[(size_t)a * edge->blocks_deep + d]);
    return strongest;
}

static bool edge_is_weak(const struct edge *edge, uint32_t depth, uint32_t along)
{
    return edge_at(edge, depth, along) <= RIPPLE * edge_strongest(edge, depth, along);
}

struct roughness {
    size_t weak, rough;
};

/* Counts weak pixels, and those of them that differ from their neighbours by a third of their own
 * difference. Ripples go up and down: two thirds and more are rough in JPEGs of quality 40 to 90.
 * The pale rim of a dark product is smooth: below a fifth, and below a half with the ripples of
 * quality 60 on it. */
static struct roughness edge_roughness(const struct crop_survey *survey, const struct edge *edge)
{
    struct roughness found = {0, 0};
    for (uint32_t along = 0; along + 1 < edge->length; along++)
        for (uint32_t depth = 0; depth + 1 < edge->decisive; depth++) {
            float value = edge_at(edge, depth, along);
            if (value <= edge->limit || !edge_is_near(survey, edge, depth, along))
                continue;
            float inner = edge_at(edge, depth + 1, along);
            float beside = edge_at(edge, depth, along + 1);
            float weak = RIPPLE * edge_strongest(edge, depth, along);
            if (value > weak || inner > weak || beside > weak)
                continue;
            found.weak++;
            found.rough += fabsf(value - inner) + fabsf(value - beside) > 0.35f * value;
        }
    return found;
}

/* A pixel counts with a neighbour that counts too: single ones may be noise. */
static bool edge_pixel_counts(const struct edge *edge, bool rippled, uint32_t depth,
                              uint32_t along)
{
    if (rippled && edge_is_weak(edge, depth, along))
        return false;
    int company = 0;
    for (uint32_t d = depth > 0 ? depth - 1 : 0; d <= depth + 1 && d < edge->depth; d++)
        for (uint32_t a = along > 0 ? along - 1 : 0; a <= along + 1 && a < edge->length; a++)
            company += edge_at(edge, d, a) > edge->limit;
    return company > 1;
}

/* The depth of the first pixel that counts; `decisive` where none does. */
static uint32_t edge_first(const struct crop_survey *survey, const struct edge *edge, bool rippled)
{
    for (uint32_t depth = 0; depth < edge->decisive; depth++)
        for (uint32_t along = 0; along < edge->length; along++)
            if (edge_at(edge, depth, along) > edge->limit &&
                edge_is_near(survey, edge, depth, along) &&
                edge_pixel_counts(edge, rippled, depth, along))
                return depth;
    return edge->decisive;
}

/* ---- the edge as the cells show it ---- */

/* The position, in pixels from the image's border on that side, where the outermost line of cells
 * crosses half of the contrast behind it. */
static double edge_of_cells(const struct crop_survey *survey, bool along_x, bool from_end,
                            uint32_t outermost)
{
    const struct thumb *thumb = &survey->thumb;
    uint32_t count = along_x ? thumb->height : thumb->width;
    uint32_t from = along_x ? survey->left : survey->top;
    uint32_t to = along_x ? survey->right : survey->bottom;
    size_t inward = along_x ? thumb->width : 1, across = along_x ? 1 : thumb->width;
    uint32_t window = 2 * survey->smoothed + 2;
    double best = count;
    for (uint32_t a = from; a <= to; a++)
        for (uint32_t d = outermost; d < lesser(outermost + window, count); d++) {
            size_t origin = a * across + (from_end ? (count - 1) * inward : 0);
            ptrdiff_t step = from_end ? -(ptrdiff_t)inward : (ptrdiff_t)inward;
            const float *line = survey->difference + origin;
            if (!survey->content[origin + (size_t)((ptrdiff_t)d * step)])
                continue;
            float contrast = 0.0f;
            for (uint32_t k = d; k < lesser(d + window + 1, count); k++)
                contrast = greater(contrast, line[(ptrdiff_t)k * step]);
            uint32_t k = d;
            while (line[(ptrdiff_t)k * step] < 0.5f * contrast)
                k++;
            double above = (double)line[(ptrdiff_t)k * step];
            double below = k > 0 ? (double)line[((ptrdiff_t)k - 1) * step] : 0.0;
            double past = above > below ? (above - 0.5 * (double)contrast) / (above - below) : 0.0;
            best = fmin(best, k + 0.5 - fmin(past, 1.0));
            break;
        }
    return fmax(best, 0.0) * thumb->cell;
}

/* ---- all four ---- */

/* Lays out the strip of pixels in which an edge is sought. */
static void edge_lay_out(const struct crop_survey *survey, struct edge *edge)
{
    const struct thumb *thumb = &survey->thumb;
    bool along_x = edge->along_x;
    uint32_t cell = thumb->cell, cells = along_x ? thumb->height : thumb->width;
    uint32_t size = along_x ? thumb->image_height : thumb->image_width;
    uint32_t other = along_x ? thumb->image_width : thumb->image_height;
    uint32_t near_cell = along_x ? survey->top : survey->left;
    uint32_t far_cell = along_x ? survey->bottom : survey->right;
    edge->outermost = edge->from_end ? cells - 1 - far_cell : near_cell;
    uint32_t margin = survey->smoothed + 1;
    uint32_t first = edge->outermost > margin ? edge->outermost - margin : 0;
    uint32_t last = edge->outermost + 2 * survey->smoothed + 1;
    /* Counted from the far side, the first cell may be cut off. */
    edge->cut = edge->from_end ? cells * cell - size : 0;
    edge->start = first > 0 ? first * cell - edge->cut : 0;
    uint32_t to = lesser((last + 1) * cell + REACH, size), deep = lesser(to + REACH, size);
    uint32_t along_from = (along_x ? survey->left : survey->top) * cell;
    uint32_t along_to = lesser(((along_x ? survey->right : survey->bottom) + 1) * cell, other);
    edge->depth = deep - edge->start;
    edge->decisive = to - edge->start;
    edge->length = along_to - along_from;
    edge->blocks_deep = edge->depth / BLOCK + 1;
    edge->blocks_long = edge->length / BLOCK + 1;
    uint32_t origin = edge->from_end ? size - deep : edge->start;
    if (along_x)
        edge->region = (struct region){along_from, origin, edge->length, edge->depth, NULL};
    else
        edge->region = (struct region){origin, along_from, edge->depth, edge->length, NULL};
}

static bool edge_measure(const struct crop_survey *survey, struct edge *edge, struct error *error)
{
    edge_lay_out(survey, edge);
    size_t area = (size_t)edge->region.width * edge->region.height;
    size_t blocks = (size_t)edge->blocks_deep * edge->blocks_long;
    edge->region.difference = memory_array(area + blocks + 10 * (size_t)edge->region.width,
                                           sizeof(float), error);
    if (!edge->region.difference)
        return false;
    edge->blocks = edge->region.difference + area;
    edge->limit = (float)fmax(survey->tolerance, NOISE_FACTOR * survey->pixel_noise);
    region_measure(survey, &edge->region, edge->blocks + blocks);
    edge_measure_blocks(edge);
    return true;
}

/* Whether an edge that is DEPTH deep coincides with that of a block: of luma, or of chroma at half
 * size, which is smoothed over one pixel more when it is enlarged. */
static bool edge_is_of_block(const struct crop_survey *survey, const struct edge *edge,
                             uint32_t depth)
{
    const struct thumb *thumb = &survey->thumb;
    uint32_t size = edge->along_x ? thumb->image_height : thumb->image_width;
    uint32_t outside = edge->start + depth;
    uint32_t position = edge->from_end ? size - outside : outside;
    return position % BLOCK == 0 || position % (2 * BLOCK) == (edge->from_end ? 1 : 2 * BLOCK - 1);
}

/* The number of pixels outside of the content on one side. */
static uint32_t edge_find(const struct crop_survey *survey, const struct edge *edge, bool rippled)
{
    uint32_t depth = edge_first(survey, edge, rippled);
    if (survey->lossy && !rippled && edge_is_of_block(survey, edge, depth))
        depth = edge_first(survey, edge, true);
    double coarse = edge_of_cells(survey, edge->along_x, edge->from_end, edge->outermost);
    coarse = fmax(coarse - edge->cut, 0.0);
    bool noisy = NOISE_FACTOR * survey->pixel_noise > 1.5 * survey->tolerance;
    /* In noise a strong part behind the edge is found where the edge itself is not. */
    if (depth >= edge->decisive || (noisy && edge->start + depth > coarse + survey->thumb.cell))
        return (uint32_t)(coarse + 0.5);
    return edge->start + depth;
}

struct edge_work {
    const struct crop_survey *survey;
    struct edge edges[4]; /* left, right, top, bottom */
    struct roughness roughness[4];
    struct error errors[4];
};

static void edge_prepare(void *context, size_t side)
{
    struct edge_work *work = context;
    struct edge *edge = &work->edges[side];
    edge->from_end = side % 2 == 1;
    edge->along_x = side >= 2;
    if (edge_measure(work->survey, edge, &work->errors[side]))
        work->roughness[side] = edge_roughness(work->survey, edge);
}

bool crop_edges(const struct crop_survey *survey, struct crop_box *content, struct error *error)
{
    struct edge_work work = {.survey = survey};
    struct roughness all = {0, 0};
    uint32_t outside[4];
    bool done = true;
    threads_for(survey->thumb.threads, 4, edge_prepare, &work);
    for (int i = 0; i < 4; i++) {
        all.weak += work.roughness[i].weak;
        all.rough += work.roughness[i].rough;
        if (!work.edges[i].region.difference && done)
            done = error_set(error, work.errors[i].kind, "%s", work.errors[i].message);
    }
    for (int i = 0; i < 4; i++) {
        /* Few pixels on one side say little; then all sides say more. */
        const struct roughness *judge = work.roughness[i].weak > ENOUGH ? &work.roughness[i] : &all;
        bool rippled = (double)judge->rough > ROUGH * (double)judge->weak;
        if (done)
            outside[i] = edge_find(survey, &work.edges[i], rippled);
        free(work.edges[i].region.difference);
    }
    if (!done)
        return false;
    int64_t width = survey->thumb.image_width, height = survey->thumb.image_height;
    /* Both edges of something smaller than a cell may come out on each other. */
    int64_t right = width - outside[1], bottom = height - outside[3];
    content->x = outside[0] < width ? outside[0] : width - 1;
    content->y = outside[2] < height ? outside[2] : height - 1;
    content->width = right > content->x ? right - content->x : 1;
    content->height = bottom > content->y ? bottom - content->y : 1;
    return true;
}
