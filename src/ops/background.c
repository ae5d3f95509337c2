/* SPDX-License-Identifier: MIT */
#include "ops/background.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"
#include "color/lab.h"
#include "ops/ciede.h"
#include "ops/quantile.h"

enum {
    TILE_SAMPLES = 256,   /* values a tile's median is taken of, at most */
    RANDOM_STARTS = 48,   /* per degree, beside the arcs */
    ARC_STEPS = 12,
    FIT_ROUNDS = 5,
    REFIT_CELLS = 60000   /* about as many are enough for six numbers */
};

#define RING_SHARE 0.025 /* of the shorter side */
#define RING_PIXELS 4.0
#define DEGREE_COST 0.03 /* per tile: what a degree must explain more */
#define GOOD_COST 0.02   /* per tile: no need to look for better */
#define CLIPPED 0.99     /* samples above count as white, below 0.01 as black */
#define TAIL 1.45        /* from the 90 % quantile of noise to its 99 %, in 1 to 3 dimensions */
#define MOST_BLOT 4.5f   /* what differs more is dust or an object, not a compressor's */
#define UNIFORM_RANGE 0.7 /* CIEDE2000 across the image that still counts as one colour */

static const unsigned terms_of_degree[] = {1, 3, 6};

/* ---- polynomials ---- */

/* One polynomial at a point, not clipped. */
static double value_at(const double terms[BACKGROUND_TERMS], double x, double y)
{
    return terms[0] + terms[1] * x + terms[2] * y + terms[3] * x * x + terms[4] * x * y +
           terms[5] * y * y;
}

enum { ROW_BLOCK = 32 }; /* a fixed number lets any compiler vectorise */

MULTIVERSION
static void polynomial_block(float constant, float linear, float square, float x0, float step,
                             float *restrict values)
{
    for (int i = 0; i < ROW_BLOCK; i++) {
        float x = x0 + step * (float)i, value = constant + x * (linear + x * square);
        value = value > 0.0f ? value : 0.0f;
        values[i] = value < 1.0f ? value : 1.0f;
    }
}

void background_row(const struct background *background, double x0, double step, double y,
                    size_t count, float *const code[3])
{
    for (unsigned c = 0; c < background->codes; c++) {
        const double *t = background->code[c];
        float constant = (float)(t[0] + t[2] * y + t[5] * y * y);
        float linear = (float)(t[1] + t[4] * y), square = (float)t[3];
        for (size_t i = 0; i < count; i += ROW_BLOCK) {
            float values[ROW_BLOCK], x = (float)(x0 + step * (double)i);
            bool whole = count - i >= ROW_BLOCK;
            polynomial_block(constant, linear, square, x, (float)step,
                             whole ? code[c] + i : values);
            if (!whole)
                memcpy(code[c] + i, values, (count - i) * sizeof *values);
        }
    }
}

void background_lab_row(const struct background *background, const struct pixel_reader *reader,
                        double x0, double step, double y, size_t count, float *const code[3],
                        float *const lab[3])
{
    if (background->gradient) {
        background_row(background, x0, step, y, count, code);
        pixel_reader_codes(reader, (const float *const *)code, count, lab);
        return;
    }
    for (int c = 0; c < 3; c++)
        for (size_t i = 0; i < count; i++)
            lab[c][i] = (float)background->lab[c];
}

/* The Lab of one colour in the image's samples, clipped. */
static void code_to_lab(const struct pixel_reader *reader, const double code[3], double lab[3])
{
    float sample[3], result[3];
    for (int c = 0; c < 3; c++)
        sample[c] = (float)fmin(fmax(code[c], 0.0), 1.0);
    const float *const from[3] = {&sample[0], &sample[1], &sample[2]};
    float *const to[3] = {&result[0], &result[1], &result[2]};
    pixel_reader_codes(reader, from, 1, to);
    for (int c = 0; c < 3; c++)
        lab[c] = (double)result[c];
}

static void model_lab(const struct background *background, const struct pixel_reader *reader,
                      double x, double y, double lab[3])
{
    double code[3] = {0};
    for (unsigned c = 0; c < background->codes; c++)
        code[c] = value_at(background->code[c], x, y);
    code_to_lab(reader, code, lab);
}

static double cell_x(const struct thumb *thumb, double x)
{
    return (2.0 * x + 1.0) * thumb->cell / thumb->image_width - 1.0;
}

static double cell_y(const struct thumb *thumb, double y)
{
    return (2.0 * y + 1.0) * thumb->cell / thumb->image_height - 1.0;
}

/* ---- least squares ---- */

struct normal {
    double moments[BACKGROUND_TERMS][BACKGROUND_TERMS], right[3][BACKGROUND_TERMS];
    double weight;
};

static void point_terms(double x, double y, double terms[BACKGROUND_TERMS])
{
    const double all[BACKGROUND_TERMS] = {1.0, x, y, x * x, x * y, y * y};
    memcpy(terms, all, sizeof all);
}

static void normal_add(struct normal *normal, const double terms[BACKGROUND_TERMS],
                       const double *values, unsigned count)
{
    for (int i = 0; i < BACKGROUND_TERMS; i++) {
        for (int j = 0; j <= i; j++)
            normal->moments[i][j] += terms[i] * terms[j];
        for (unsigned c = 0; c < count; c++)
            normal->right[c][i] += terms[i] * values[c];
    }
    normal->weight += 1.0;
}

/* Solves for the first SIZE terms of COUNT values by Cholesky's decomposition. A little weight
 * pulls what the points do not determine (two opposite sides cannot tell y^2 from 1) to 0. */
static bool normal_solve(const struct normal *normal, unsigned size, unsigned count,
                         double solution[][BACKGROUND_TERMS])
{
    double lower[BACKGROUND_TERMS][BACKGROUND_TERMS] = {{0}};
    for (unsigned i = 0; i < size; i++)
        for (unsigned j = 0; j <= i; j++) {
            double sum = normal->moments[i][j];
            if (i == j && i > 0)
                sum += 1e-4 * normal->weight;
            for (unsigned k = 0; k < j; k++)
                sum -= lower[i][k] * lower[j][k];
            if (i == j && sum <= 0)
                return false;
            lower[i][j] = i == j ? sqrt(sum) : sum / lower[j][j];
        }
    for (unsigned c = 0; c < count; c++) {
        double *x = solution[c];
        memset(x, 0, BACKGROUND_TERMS * sizeof *x);
        for (unsigned i = 0; i < size; i++) {
            double sum = normal->right[c][i];
            for (unsigned k = 0; k < i; k++)
                sum -= lower[i][k] * x[k];
            x[i] = sum / lower[i][i];
        }
        for (unsigned i = size; i-- > 0;) {
            for (unsigned k = i + 1; k < size; k++)
                x[i] -= lower[k][i] * x[k];
            x[i] /= lower[i][i];
        }
    }
    return true;
}

/* ---- the ring ---- */

/* A tile's middle and medians. */
struct tile_value {
    double terms[BACKGROUND_TERMS];
    double code[3], lab[3], spread;
};

/* Samples times `metric` are in units of roughly one CIEDE2000, so that plain distances serve
 * while the model is searched for. */
struct ring {
    unsigned count, codes;
    struct tile_value values[BACKGROUND_TILES];
    double metric[3][3]; /* [L, a, b][sample] */
    double tolerance;    /* distance up to which a tile belongs to the model */
};

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Cuts a strip of the ring into tiles about LENGTH long, in the ring's direction. */
static void strip_cut(struct background *background, struct background_tile strip, bool across,
                      bool backwards, uint32_t length)
{
    uint32_t extent = across ? strip.width : strip.height;
    uint32_t pieces = extent > 0 && strip.width > 0 && strip.height > 0
                          ? (extent + length - 1) / length : 0;
    for (uint32_t n = 0; n < pieces && background->tile_count < BACKGROUND_TILES; n++) {
        uint32_t i = backwards ? pieces - 1 - n : n;
        uint32_t from = (uint32_t)((uint64_t)extent * i / pieces);
        uint32_t to = (uint32_t)((uint64_t)extent * (i + 1) / pieces);
        struct background_tile tile = strip;
        if (across) {
            tile.x += from;
            tile.width = to - from;
        } else {
            tile.y += from;
            tile.height = to - from;
        }
        background->tiles[background->tile_count++] = tile;
    }
}

static void ring_cut(struct background *background, const struct thumb *thumb)
{
    uint32_t w = thumb->width, h = thumb->height, shorter = least(w, h);
    double cells = fmax(RING_SHARE * shorter, fmax(RING_PIXELS / thumb->cell, 2.0));
    uint32_t t = least((uint32_t)ceil(cells), shorter / 4 > 0 ? shorter / 4 : 1);
    uint32_t length = (2 * (w + h) + BACKGROUND_TILES - 9) / (BACKGROUND_TILES - 8);
    length = length < t ? t : length;
    background->tile_count = 0;
    strip_cut(background, (struct background_tile){.width = w, .height = t}, true, false, length);
    if (h > t) {
        uint32_t side = h > 2 * t ? h - 2 * t : 0;
        struct background_tile right = {.x = w - t, .y = t, .width = t, .height = side};
        struct background_tile bottom = {.y = h - t, .width = w, .height = t};
        struct background_tile left = {.y = t, .width = w > t ? t : 0, .height = side};
        strip_cut(background, right, false, false, length);
        strip_cut(background, bottom, true, true, length);
        strip_cut(background, left, false, true, length);
    }
}

static size_t tile_gather(const struct thumb *thumb, const struct background_tile *tile,
                          const float *plane, float *values, size_t most)
{
    size_t cells = (size_t)tile->width * tile->height, step = (cells + most - 1) / most, count = 0;
    for (size_t i = 0; i < cells; i += step) {
        size_t x = tile->x + i % tile->width, y = tile->y + i / tile->width;
        values[count++] = plane[y * thumb->width + x];
    }
    return count;
}

/* Weights of the formula at COLOR for L and for both of a, b: CIEDE2000 of a small step. */
static void weights_at(const double color[3], double weights[3])
{
    double lighter[3] = {color[0] - 1.0, color[1], color[2]};
    double redder[3] = {color[0], color[1] + 1.0, color[2]};
    double yellower[3] = {color[0], color[1], color[2] + 1.0};
    weights[0] = lab_ciede2000(color, lighter);
    weights[1] = weights[2] = 0.5 * (lab_ciede2000(color, redder) + lab_ciede2000(color, yellower));
}

/* Slopes of weighted Lab over the samples, at the ring's median colour. */
static void ring_set_metric(struct ring *ring, const struct pixel_reader *reader)
{
    const double step = 0.02;
    double middle[3] = {0}, lab[3], weights[3];
    float values[BACKGROUND_TILES];
    for (unsigned c = 0; c < ring->codes; c++) {
        for (unsigned i = 0; i < ring->count; i++)
            values[i] = (float)ring->values[i].code[c];
        middle[c] = fmin(fmax((double)quantile(values, ring->count, 0.5), step), 1.0);
    }
    code_to_lab(reader, middle, lab);
    weights_at(lab, weights);
    for (unsigned c = 0; c < ring->codes; c++) {
        double darker[3] = {middle[0], middle[1], middle[2]}, other[3];
        darker[c] -= step;
        code_to_lab(reader, darker, other);
        for (int k = 0; k < 3; k++)
            ring->metric[k][c] = weights[k] * (lab[k] - other[k]) / step;
    }
    for (unsigned i = 0; i < ring->count; i++)
        values[i] = (float)(ring->values[i].spread * weights[0]);
    /* A tile's median wanders with its noise, and with blocks of a compressor. */
    ring->tolerance = fmin(fmax(1.5 * (double)quantile(values, ring->count, 0.5), 1.2), 4.0);
}

static void ring_measure(struct ring *ring, const struct background *background,
                         const struct thumb *thumb, const struct pixel_reader *reader)
{
    float values[TILE_SAMPLES];
    ring->count = background->tile_count;
    ring->codes = thumb->codes;
    for (unsigned i = 0; i < ring->count; i++) {
        const struct background_tile *tile = &background->tiles[i];
        struct tile_value *value = &ring->values[i];
        point_terms(cell_x(thumb, tile->x + 0.5 * (tile->width - 1)),
                    cell_y(thumb, tile->y + 0.5 * (tile->height - 1)), value->terms);
        for (unsigned c = 0; c < thumb->codes; c++) {
            size_t count = tile_gather(thumb, tile, thumb->code[c], values, TILE_SAMPLES);
            value->code[c] = (double)quantile(values, count, 0.5);
        }
        code_to_lab(reader, value->code, value->lab);
        size_t count = tile_gather(thumb, tile, thumb->lab[0], values, TILE_SAMPLES);
        value->spread = (double)(quantile(values, count, 0.84) -
                                 quantile(values, count, 0.16)) / 2;
    }
    ring_set_metric(ring, reader);
}

/* ---- the robust fit ---- */

struct candidate {
    double solution[3][BACKGROUND_TERMS];
    double cost; /* 0..1 per tile, plus what a degree costs */
};

/* Squared distance of a tile from the clipped model. */
static double tile_residual(const struct ring *ring, const struct tile_value *value,
                            const double solution[3][BACKGROUND_TERMS])
{
    double off[3] = {0}, square = 0;
    for (unsigned c = 0; c < ring->codes; c++) {
        double model = value_at(solution[c], value->terms[1], value->terms[2]);
        off[c] = value->code[c] - fmin(fmax(model, 0.0), 1.0);
    }
    for (int k = 0; k < 3; k++) {
        const double *metric = ring->metric[k];
        double distance = metric[0] * off[0] + metric[1] * off[1] + metric[2] * off[2];
        square += distance * distance;
    }
    return square;
}

/* Whether a sample is white or black because it is clipped there, as the model says: then all that
 * is known of the light is that it is no less, or no more. */
static bool is_clipped(double sample, double model)
{
    return (sample > CLIPPED && model > 2.0 - CLIPPED) ||
           (sample < 1.0 - CLIPPED && model < CLIPPED - 1.0);
}

static bool tile_is_clipped(const struct ring *ring, const struct tile_value *value,
                            const double solution[3][BACKGROUND_TERMS])
{
    bool clipped = false;
    for (unsigned c = 0; c < ring->codes; c++)
        clipped |= is_clipped(value->code[c],
                              value_at(solution[c], value->terms[1], value->terms[2]));
    return clipped;
}

static double ring_cost(const struct ring *ring, const double solution[3][BACKGROUND_TERMS])
{
    double scale = 1.0 / (ring->tolerance * ring->tolerance), cost = 0;
    for (unsigned i = 0; i < ring->count; i++)
        cost += fmin(tile_residual(ring, &ring->values[i], solution) * scale, 1.0);
    return cost;
}

/* Fits the tiles of MEMBERS, then in rounds all tiles near the result, ever nearer. */
static void ring_descend(const struct ring *ring, uint8_t *members, unsigned size,
                         struct candidate *best)
{
    static const double widths[FIT_ROUNDS] = {8.0, 4.0, 2.0, 1.0, 1.0};
    struct candidate candidate = {.cost = 0};
    for (int round = 0; round <= FIT_ROUNDS; round++) {
        struct normal normal = {.weight = 0};
        for (unsigned i = 0; i < ring->count; i++)
            if (members[i] && (round == 0 || !tile_is_clipped(ring, &ring->values[i],
                                                              candidate.solution)))
                normal_add(&normal, ring->values[i].terms, ring->values[i].code, ring->codes);
        if (normal.weight < size ||
            !normal_solve(&normal, size, ring->codes, candidate.solution))
            return;
        if (round == FIT_ROUNDS)
            break;
        double near = ring->tolerance * widths[round];
        for (unsigned i = 0; i < ring->count; i++)
            members[i] = tile_residual(ring, &ring->values[i], candidate.solution) < near * near;
    }
    candidate.cost = ring_cost(ring, candidate.solution);
    if (candidate.cost < best->cost)
        *best = candidate;
}

/* All tiles but an arc: what touches the border usually does so in one piece. */
static void ring_try_arcs(const struct ring *ring, unsigned size, struct candidate *best)
{
    uint8_t members[BACKGROUND_TILES];
    static const double shares[] = {0.0, 0.2, 0.45, 0.7};
    for (unsigned s = 0; s < sizeof shares / sizeof *shares; s++) {
        unsigned length = (unsigned)(shares[s] * ring->count);
        for (unsigned k = 0; k < (length > 0 ? ARC_STEPS : 1); k++) {
            if (best->cost < GOOD_COST * ring->count)
                return;
            unsigned from = ring->count * k / ARC_STEPS;
            for (unsigned i = 0; i < ring->count; i++)
                members[i] = (i + ring->count - from) % ring->count >= length;
            ring_descend(ring, members, size, best);
        }
    }
}

/* Few tiles at random, for what touches the border in several pieces. */
static void ring_try_subsets(const struct ring *ring, unsigned size, struct candidate *best)
{
    uint8_t members[BACKGROUND_TILES];
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (int k = 0; k < RANDOM_STARTS && best->cost >= GOOD_COST * ring->count; k++) {
        memset(members, 0, sizeof members);
        for (unsigned n = 0; n < size + 1; n++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            members[(state >> 33) % ring->count] = 1;
        }
        ring_descend(ring, members, size, best);
    }
}

static void tiles_judge(struct background *background, const struct ring *ring,
                        const struct pixel_reader *reader, double tolerance)
{
    double explained = 0, all = 0;
    for (unsigned i = 0; i < ring->count; i++) {
        const struct tile_value *value = &ring->values[i];
        double model[3] = {background->lab[0], background->lab[1], background->lab[2]};
        if (background->gradient)
            model_lab(background, reader, value->terms[1], value->terms[2], model);
        struct background_tile *tile = &background->tiles[i];
        tile->explained = lab_ciede2000(model, value->lab) < tolerance;
        double cells = (double)tile->width * tile->height;
        all += cells;
        explained += tile->explained ? cells : 0;
    }
    background->explained = all > 0 ? explained / all : 0;
}

/* The best candidate of the simplest degree that explains the ring. */
static void ring_search(const struct ring *ring, struct background *background)
{
    struct candidate chosen = {.cost = HUGE_VAL};
    memcpy(chosen.solution, background->code, sizeof chosen.solution);
    for (unsigned degree = 0; degree < 3; degree++) {
        unsigned size = terms_of_degree[degree];
        /* A degree that costs more than there is left to gain need not be tried. */
        if (ring->count < 4 * size || chosen.cost < DEGREE_COST * degree * ring->count)
            break;
        struct candidate best = {.cost = HUGE_VAL};
        ring_try_arcs(ring, size, &best);
        ring_try_subsets(ring, size, &best);
        best.cost += DEGREE_COST * degree * ring->count;
        if (best.cost < chosen.cost) {
            chosen = best;
            background->gradient = degree > 0;
        }
    }
    memcpy(background->code, chosen.solution, sizeof chosen.solution);
}

static struct ring *ring_new(struct background *background, const struct thumb *thumb,
                             const struct pixel_reader *reader, struct error *error)
{
    *background = (struct background){.codes = thumb->codes};
    struct ring *ring = memory_zeroed(1, sizeof *ring, error);
    if (!ring)
        return NULL;
    ring_cut(background, thumb);
    ring_measure(ring, background, thumb, reader);
    return ring;
}

bool background_fit(struct background *background, const struct thumb *thumb,
                    const struct pixel_reader *reader, struct error *error)
{
    struct ring *ring = ring_new(background, thumb, reader, error);
    if (!ring)
        return false;
    for (unsigned c = 0; c < ring->codes; c++)
        background->code[c][0] = ring->values[0].code[c];
    ring_search(ring, background);
    model_lab(background, reader, 0, 0, background->lab);
    tiles_judge(background, ring, reader, 1.5 * ring->tolerance);
    free(ring);
    return true;
}

bool background_from_color(struct background *background, const struct thumb *thumb,
                           const struct pixel_reader *reader, const double lab[3],
                           const double code[3], struct error *error)
{
    struct ring *ring = ring_new(background, thumb, reader, error);
    if (!ring)
        return false;
    for (unsigned c = 0; c < 3; c++) {
        background->lab[c] = lab[c];
        background->code[c][0] = code[c];
    }
    tiles_judge(background, ring, reader, 2.0 * ring->tolerance);
    free(ring);
    return true;
}

/* ---- the fit to all of the background ---- */

/* Whether light is only known to be beyond what a cell can hold. */
static bool cell_is_clipped(const struct background *background, const struct thumb *thumb,
                            size_t cell, double x, double y)
{
    bool clipped = false;
    for (unsigned c = 0; c < background->codes; c++) {
        double sample = (double)thumb->code[c][cell];
        if (sample > CLIPPED || sample < 1.0 - CLIPPED)
            clipped |= is_clipped(sample, value_at(background->code[c], x, y));
    }
    return clipped;
}

/* Sums one row of cells, powers of x first: those of y are the same along the row. */
static void normal_add_row(struct normal *normal, const struct background *background,
                           const struct thumb *thumb, uint32_t y, uint32_t step,
                           const uint8_t *content)
{
    double power[5] = {0}, right[3][3] = {{0}}, v = cell_y(thumb, y);
    size_t row = (size_t)y * thumb->width;
    for (uint32_t x = 0; x < thumb->width; x += step) {
        double u = cell_x(thumb, x), uu = u * u;
        if (content[row + x] || cell_is_clipped(background, thumb, row + x, u, v))
            continue;
        power[0] += 1;
        power[1] += u;
        power[2] += uu;
        power[3] += uu * u;
        power[4] += uu * uu;
        for (unsigned c = 0; c < thumb->codes; c++) {
            double value = (double)thumb->code[c][row + x];
            right[c][0] += value;
            right[c][1] += value * u;
            right[c][2] += value * uu;
        }
    }
    static const int in_x[] = {0, 1, 0, 2, 1, 0}, in_y[] = {0, 0, 1, 0, 1, 2};
    double v_power[5] = {1, v, v * v, v * v * v, v * v * v * v};
    for (int i = 0; i < BACKGROUND_TERMS; i++) {
        for (int j = 0; j <= i; j++)
            normal->moments[i][j] += power[in_x[i] + in_x[j]] * v_power[in_y[i] + in_y[j]];
        for (unsigned c = 0; c < thumb->codes; c++)
            normal->right[c][i] += right[c][in_x[i]] * v_power[in_y[i]];
    }
    normal->weight += power[0];
}

/* The largest CIEDE2000 between the model's middle and points all over the image. */
static double model_range(const struct background *background, const struct pixel_reader *reader)
{
    double middle[3], point[3], range = 0;
    model_lab(background, reader, 0, 0, middle);
    for (int i = 0; i < 25; i++) {
        model_lab(background, reader, i % 5 / 2.0 - 1.0, i / 5 / 2.0 - 1.0, point);
        range = fmax(range, lab_ciede2000(middle, point));
    }
    return range;
}

void background_refit(struct background *background, const struct thumb *thumb,
                      const struct pixel_reader *reader, const uint8_t *content)
{
    size_t cells = (size_t)thumb->width * thumb->height;
    uint32_t step = 1;
    while (cells / step / step > REFIT_CELLS)
        step++;
    struct normal normal = {.weight = 0};
    for (uint32_t y = 0; y < thumb->height; y += step)
        normal_add_row(&normal, background, thumb, y, step, content);
    struct background fitted = *background;
    if (normal.weight < 16 || !normal_solve(&normal, BACKGROUND_TERMS, thumb->codes, fitted.code))
        return;
    fitted.gradient = model_range(&fitted, reader) > UNIFORM_RANGE;
    if (!fitted.gradient && !normal_solve(&normal, 1, thumb->codes, fitted.code))
        return;
    model_lab(&fitted, reader, 0, 0, fitted.lab);
    *background = fitted;
}

/* ---- differences ---- */

/* Noise from what nine tenths of each explained tile stay below: a thin leg or a wire may run
 * along the ring without moving a tile's median. */
static void noise_measure(struct background *background, const struct thumb *thumb,
                          const float *difference)
{
    float values[TILE_SAMPLES], high[BACKGROUND_TILES], highest[BACKGROUND_TILES];
    size_t tiles = 0, calm = 0;
    for (unsigned i = 0; i < background->tile_count; i++) {
        const struct background_tile *tile = &background->tiles[i];
        if (!tile->explained)
            continue;
        size_t count = tile_gather(thumb, tile, difference, values, TILE_SAMPLES);
        high[tiles++] = quantile(values, count, 0.9);
        float most = quantile(values, count, 1.0);
        if (most < MOST_BLOT)
            highest[calm++] = most;
    }
    background->noise = TAIL * (double)quantile(high, tiles, 0.8);
    background->blots = (double)quantile(highest, calm, 0.975);
}

struct differing {
    const struct background *background;
    const struct thumb *thumb;
    const struct pixel_reader *reader;
    float *difference, *rows; /* six rows of the model for each band */
    uint32_t bands;
};

static void differing_run(void *context, size_t band)
{
    const struct differing *job = context;
    const struct thumb *thumb = job->thumb;
    size_t w = thumb->width;
    float *rows = job->rows + 6 * w * band;
    float *const model[3] = {rows, rows + w, rows + 2 * w};
    float *const code[3] = {rows + 3 * w, rows + 4 * w, rows + 5 * w};
    double step = cell_x(thumb, 1) - cell_x(thumb, 0);
    uint32_t first = (uint32_t)((uint64_t)thumb->height * band / job->bands);
    uint32_t last = (uint32_t)((uint64_t)thumb->height * (band + 1) / job->bands);
    for (uint32_t y = first; y < last; y++) {
        size_t at = y * w;
        background_lab_row(job->background, job->reader, cell_x(thumb, 0), step, cell_y(thumb, y),
                           w, code, model);
        const float *const row[3] = {thumb->lab[0] + at, thumb->lab[1] + at, thumb->lab[2] + at};
        ciede2000_row((const float *const *)model, row, job->difference + at, w);
        for (size_t x = 0; thumb->alpha && x < w; x++)
            job->difference[at + x] *= thumb->alpha[at + x];
    }
}

bool background_difference(struct background *background, const struct thumb *thumb,
                           const struct pixel_reader *reader, float *difference,
                           struct error *error)
{
    struct differing job = {.background = background, .thumb = thumb, .reader = reader,
                            .difference = difference,
                            .bands = least(thumb->threads, thumb->height)};
    job.rows = memory_array((size_t)thumb->width * 6 * job.bands, sizeof *job.rows, error);
    if (!job.rows)
        return false;
    threads_for(job.bands, job.bands, differing_run, &job);
    free(job.rows);
    noise_measure(background, thumb, difference);
    return true;
}
