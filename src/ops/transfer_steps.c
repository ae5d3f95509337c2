/* SPDX-License-Identifier: MIT */
/* Transfers that match distributions along axes, fitted on samples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"
#include "color/matrix.h"
#include "ops/transfer_parts.h"

enum { POINTS = TRANSFER_TABLE_STEPS + 1, CHUNK = 1 << 14, REACH_MOST = 128 };

/* The share of either side that is spread evenly over the whole range, so that shares rise
 * everywhere. A source's point with less than LEAST_MASS around it holds none of its colours. */
#define EVEN_SHARE 1e-9
#define LEAST_MASS 1e-7

/* Codes of 8 bits stand for all values that round to them, so each colour is spread over SPREAD
 * such steps at least: no comb where an image has one. What depends on finer detail than some of
 * them is no match of palettes but of noise.
 *
 * Large even areas pay for a good match: to fill a range of colours, their noise is spread over
 * it, and the slopes of many steps multiply. So the fit knows what has become of the noise around
 * each colour of the source so far, and where it has grown MOST_NOISE times along an axis, a table
 * for that axis is no steeper than 1. A colour counts as much for others as they are near:
 * NEAR_CODES steps of 8 bits away, 1/e. */
#define NEAR_CODES 2.0

/* What is steep in one step can hardly be made even again by others, so many gentle ones come
 * nearer than few steep ones. */
struct manner {
    unsigned turns;    /* of the axes, after MKL has done the rough part */
    double slope_most; /* of the full step */
    double share;      /* of the full step that is gone */
    double most_noise, spread;
};
static const struct manner manners[] = {
    [TRANSFER_HM] = {0, 10, 1, 10, 1},
    [TRANSFER_HM_MKL_HM] = {0, 5, 1, 5, 1},
    [TRANSFER_IDT] = {20, 1.5, 1, 4, 4},
    [TRANSFER_SLICED] = {48, 2, 0.5, 4.5, 4},
};

/* The covariance that noise of the same size on all axes has got around a colour. */
enum { AA, AB, AC, BB, BC, CC, NOISE_TERMS };
static const int variance_of_axis[3] = {AA, BB, CC};

/* What one chunk of one side finds. */
struct finding {
    float low[3], high[3];
    double mass[3][POINTS];
    double noise[3][POINTS]; /* variances, times mass; of the source */
};

/* SIDE 0 is the source, which moves along; 1 the reference, whose projection is made anew. */
struct fitter {
    struct transfer *transfer;
    struct transfer_sample *side[2];
    float *view[2][3];
    float *noise[NOISE_TERMS]; /* of each colour of the source */
    size_t chunks[2];
    unsigned threads;
    struct finding *findings; /* of the source's chunks, then of the reference's */
    struct transfer_tables *tables;
    float turn[2][3][4]; /* from the present axes of each side to the next */
    const struct manner *manner;
};

static size_t chunk_of(const struct fitter *fitter, size_t index, int *side, size_t *first)
{
    *side = index >= fitter->chunks[0];
    *first = (index - (*side ? fitter->chunks[0] : 0)) * CHUNK;
    size_t left = fitter->side[*side]->count - *first;
    return left < CHUNK ? left : CHUNK;
}

/* COVARIANCE of COUNT colours behind MAP. */
MULTIVERSION
static void map_noise(const float map[3][4], float *restrict aa, float *restrict ab,
                      float *restrict ac, float *restrict bb, float *restrict bc,
                      float *restrict cc, size_t count)
{
    const float *a = map[0], *b = map[1], *c = map[2];
    for (size_t i = 0; i < count; i++) {
        float xx = aa[i], xy = ab[i], xz = ac[i], yy = bb[i], yz = bc[i], zz = cc[i];
        float ax = a[0] * xx + a[1] * xy + a[2] * xz, ay = a[0] * xy + a[1] * yy + a[2] * yz;
        float az = a[0] * xz + a[1] * yz + a[2] * zz, bx = b[0] * xx + b[1] * xy + b[2] * xz;
        float by = b[0] * xy + b[1] * yy + b[2] * yz, bz = b[0] * xz + b[1] * yz + b[2] * zz;
        float cx = c[0] * xx + c[1] * xy + c[2] * xz, cy = c[0] * xy + c[1] * yy + c[2] * yz;
        float cz = c[0] * xz + c[1] * yz + c[2] * zz;
        aa[i] = ax * a[0] + ay * a[1] + az * a[2];
        ab[i] = ax * b[0] + ay * b[1] + az * b[2];
        ac[i] = ax * c[0] + ay * c[1] + az * c[2];
        bb[i] = bx * b[0] + by * b[1] + bz * b[2];
        bc[i] = bx * c[0] + by * c[1] + bz * c[2];
        cc[i] = cx * c[0] + cy * c[1] + cz * c[2];
    }
}

static void turn_noise(const struct fitter *fitter, const float map[3][4], size_t first,
                       size_t count)
{
    float *const *noise = fitter->noise;
    map_noise(map, noise[AA] + first, noise[AB] + first, noise[AC] + first, noise[BB] + first,
              noise[BC] + first, noise[CC] + first, count);
}

/* Turns a chunk and finds its range. */
static void turn_chunk(void *context, size_t index)
{
    struct fitter *fitter = context;
    int side;
    size_t first, count = chunk_of(fitter, index, &side, &first);
    float *v[3];
    for (int i = 0; i < 3; i++) {
        v[i] = fitter->view[side][i] + first;
        for (size_t k = 0; side == 1 && k < count; k++)
            v[i][k] = fitter->side[1]->axis[i][first + k];
    }
    transfer_map_row(fitter->turn[side], v[0], v[1], v[2], count);
    if (side == 0)
        turn_noise(fitter, fitter->turn[0], first, count);
    for (int i = 0; i < 3; i++) {
        float low = v[i][0], high = v[i][0];
        for (size_t k = 1; k < count; k++) {
            low = v[i][k] < low ? v[i][k] : low;
            high = v[i][k] > high ? v[i][k] : high;
        }
        fitter->findings[index].low[i] = low;
        fitter->findings[index].high[i] = high;
    }
}

/* The range of both sides and a little more. */
static void set_range(struct fitter *fitter)
{
    struct transfer_tables *tables = fitter->tables;
    for (int i = 0; i < 3; i++) {
        double low = fitter->findings[0].low[i], high = fitter->findings[0].high[i];
        for (size_t k = 1; k < fitter->chunks[0] + fitter->chunks[1]; k++) {
            low = fmin(low, fitter->findings[k].low[i]);
            high = fmax(high, fitter->findings[k].high[i]);
        }
        double spare = 2 * fitter->transfer->basis.code + (high - low) / 64;
        tables->low[i] = (float)(low - spare);
        tables->per_unit[i] = (float)(TRANSFER_TABLE_STEPS / (high - low + 2 * spare));
    }
}

static inline void share_between(double points[POINTS], int32_t point, float whole, float share)
{
    float above = whole * share;
    points[point] += whole - above;
    points[point + 1] += above;
}

/* Shares WEIGHT out to the two points of AXIS around each V, and WEIGHT times NOISE to POINTS of
 * its own where there is one. */
static void share_out(const struct transfer_tables *tables, int axis, const float *v,
                      const float *weight, const float *noise, size_t count,
                      double points[POINTS], double noise_points[POINTS])
{
    float low = tables->low[axis], per_unit = tables->per_unit[axis];
    memset(points, 0, POINTS * sizeof *points);
    memset(noise_points, 0, POINTS * sizeof *noise_points);
    for (size_t k = 0; k < count; k++) {
        float at = (v[k] - low) * per_unit;
        int32_t point = (int32_t)at;
        float share = at - (float)point;
        share_between(points, point, weight[k], share);
        if (noise != NULL)
            share_between(noise_points, point, weight[k] * noise[k], share);
    }
}

static void weigh_chunk(void *context, size_t index)
{
    struct fitter *fitter = context;
    int side;
    size_t first, count = chunk_of(fitter, index, &side, &first);
    const float *weight = fitter->side[side]->weight + first;
    struct finding *finding = &fitter->findings[index];
    for (int i = 0; i < 3; i++) {
        const float *v = fitter->view[side][i] + first;
        const float *noise = side == 0 ? fitter->noise[variance_of_axis[i]] + first : NULL;
        share_out(fitter->tables, i, v, weight, noise, count, finding->mass[i], finding->noise[i]);
    }
}

/* The share of SIDE below each point of AXIS. */
static void find_shares(const struct fitter *fitter, int side, int axis, double share[POINTS])
{
    double below[POINTS + 1] = {0};
    size_t first = side ? fitter->chunks[0] : 0;
    for (size_t k = first; k < first + fitter->chunks[side]; k++)
        for (int i = 0; i < POINTS; i++)
            below[i + 1] += fitter->findings[k].mass[axis][i];
    for (int i = 0; i < POINTS; i++)
        below[i + 1] += below[i];
    double half = fitter->manner->spread / 2 * fitter->transfer->basis.code * fitter->tables->per_unit[axis];
    int reach = half < 1 ? 1 : half > REACH_MOST ? REACH_MOST : (int)(half + 0.5);
    double total = below[POINTS];
    for (int i = 0; i < POINTS; i++) {
        double sum = 0;
        for (int k = i - reach; k <= i + reach; k++) {
            int at = k < 0 ? 0 : k > POINTS - 1 ? POINTS - 1 : k;
            sum += (below[at] + below[at + 1]) / 2;
        }
        share[i] = sum / (2 * reach + 1) / total * (1 - EVEN_SHARE) +
                   EVEN_SHARE * i / TRANSFER_TABLE_STEPS;
    }
}

/* Where on the points each share of FROM is reached in TO, which rises strictly. The very ends,
 * where it is the even share alone that rises, are left out. */
static void match_shares(const double from[POINTS], const double to[POINTS], double target[POINTS])
{
    int at = 0;
    for (int i = 0; i < POINTS; i++) {
        double share = fmin(fmax(from[i], LEAST_MASS), 1 - LEAST_MASS);
        while (at < POINTS - 2 && to[at + 1] < share)
            at++;
        target[i] = at + (share - to[at]) / (to[at + 1] - to[at]);
    }
}

/* Takes slopes off TARGET, which rises, where they are above MOST, behind each point: the mean of
 * the largest function below it and of the least one above it that keep to the limit (McShane,
 * Whitney 1934). */
static void limit_slopes(double target[POINTS], const double most[POINTS])
{
    double below[POINTS], above = target[POINTS - 1];
    below[0] = target[0];
    for (int i = 1; i < POINTS; i++)
        below[i] = fmin(target[i], below[i - 1] + most[i - 1]);
    for (int i = POINTS - 1; i >= 0; i--) {
        above = i == POINTS - 1 ? target[i] : fmax(target[i], above - most[i]);
        target[i] = (below[i] + above) / 2;
    }
}

/* Whether the source has colours on both sides of point I. Beside a gap, what is reached with the
 * same share in the reference would hang on the last digits. */
static bool has_colors(const double share[POINTS], int i)
{
    return i > 0 && i < POINTS - 1 && share[i] - share[i - 1] >= LEAST_MASS &&
           share[i + 1] - share[i] >= LEAST_MASS;
}

/* The share of the source around point I. */
static double mass_at(const double share[POINTS], int i)
{
    return share[i < POINTS - 1 ? i + 1 : i] - share[i > 0 ? i - 1 : i];
}

/* Adds to each of POINTS what the others have, less by FADE with every point between. */
static void spread(double points[POINTS], double fade)
{
    double behind[POINTS], sum = 0;
    for (int i = POINTS - 1; i >= 0; i--) {
        behind[i] = sum;
        sum = (sum + points[i]) * fade;
    }
    sum = 0;
    for (int i = 0; i < POINTS; i++) {
        sum = sum * fade + points[i];
        points[i] = sum + behind[i];
    }
}

/* How steep the full step may be behind each point of AXIS. FROM are the source's shares: beyond
 * its last colours there is nothing to match. */
static void find_most(const struct fitter *fitter, int axis, const double from[POINTS],
                      double most[POINTS])
{
    double mass[POINTS] = {0}, noise[POINTS] = {0};
    for (size_t k = 0; k < fitter->chunks[0]; k++)
        for (int i = 0; i < POINTS; i++) {
            mass[i] += fitter->findings[k].mass[axis][i];
            noise[i] += fitter->findings[k].noise[axis][i];
        }
    double fade = exp(-1 / (NEAR_CODES * fitter->transfer->basis.code *
                            (double)fitter->tables->per_unit[axis]));
    spread(mass, fade);
    spread(noise, fade);
    for (int i = 0; i < POINTS; i++) {
        int next = i < POINTS - 1 ? i + 1 : i;
        double grown = sqrt((noise[i] + noise[next]) / fmax(mass[i] + mass[next], 1e-300));
        double left = fmax(fitter->manner->most_noise / fmax(grown, 1e-6), 1);
        most[i] = fmin(1 + (left - 1) / fitter->manner->share, fitter->manner->slope_most);
    }
    for (int i = 0; i < POINTS && !has_colors(from, i); i++)
        most[i] = 1;
    for (int i = POINTS - 1; i >= 0 && !has_colors(from, i); i--)
        most[i] = 1;
}

/* Where the source has no colours, matching means nothing: there TARGET runs straight from one
 * colour to the next, and with slope 1 beyond the last. */
static void bridge_gaps(const double share[POINTS], double target[POINTS])
{
    int last = -1;
    for (int i = 0; i < POINTS; i++) {
        if (!has_colors(share, i))
            continue;
        double slope = last < 0 ? 1 : (target[i] - target[last]) / (i - last);
        for (int k = last + 1; k < i; k++)
            target[k] = target[i] - (i - k) * slope;
        last = i;
    }
    for (int k = last + 1; last >= 0 && k < POINTS; k++)
        target[k] = target[last] + k - last;
}

static double mean_target(const double share[POINTS], const double target[POINTS])
{
    double sum = 0, total = 0;
    for (int i = 0; i < POINTS; i++) {
        sum += mass_at(share, i) * target[i];
        total += mass_at(share, i);
    }
    return sum / total;
}

static void fit_axis(void *context, size_t axis)
{
    const struct fitter *fitter = context;
    double from[POINTS], to[POINTS], target[POINTS], most[POINTS];
    find_shares(fitter, 0, (int)axis, from);
    find_shares(fitter, 1, (int)axis, to);
    match_shares(from, to, target);
    bridge_gaps(from, target);
    /* What the limit takes from the match must not take the mean along. */
    double mean = mean_target(from, target);
    find_most(fitter, (int)axis, from, most);
    limit_slopes(target, most);
    mean -= mean_target(from, target);
    target[0] = target[1] - 1;
    target[POINTS - 1] = target[POINTS - 2] + 1;
    double low = fitter->tables->low[axis], unit = 1.0 / fitter->tables->per_unit[axis];
    for (int i = 0; i < POINTS; i++)
        fitter->tables->value[axis][i] =
            (float)(low + unit * (i + fitter->manner->share * (target[i] + mean - i)));
}

/* The slope of AXIS's table at COUNT values. */
MULTIVERSION
static void slope_row(const struct transfer_tables *tables, int axis, const float *restrict v,
                      float *restrict slope, size_t count)
{
    const float *table = tables->value[axis], low = tables->low[axis];
    float per_unit = tables->per_unit[axis];
    for (size_t i = 0; i < count; i++) {
        int32_t point = (int32_t)((v[i] - low) * per_unit);
        slope[i] = (table[point + 1] - table[point]) * per_unit;
    }
}

/* What the tables make of the noise of a chunk, before it is moved. */
static void grow_noise(const struct fitter *fitter, size_t first, size_t count)
{
    enum { PART = 512 };
    float slope[3][PART];
    for (size_t end = first + count; first < end; first += PART) {
        size_t part = end - first < PART ? end - first : PART;
        for (int i = 0; i < 3; i++)
            slope_row(fitter->tables, i, fitter->view[0][i] + first, slope[i], part);
        for (int i = 0, term = 0; i < 3; i++)
            for (int j = i; j < 3; j++, term++)
                for (size_t k = 0; k < part; k++)
                    fitter->noise[term][first + k] *= slope[i][k] * slope[j][k];
    }
}

static void move_chunk(void *context, size_t index)
{
    const struct fitter *fitter = context;
    int side;
    size_t first, count = chunk_of(fitter, index, &side, &first);
    float *const v[3] = {fitter->view[0][0] + first, fitter->view[0][1] + first,
                         fitter->view[0][2] + first};
    grow_noise(fitter, first, count);
    transfer_tables_row(fitter->tables, v, count);
}

static void set_turn(float turn[3][4], const double matrix[3][3])
{
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            turn[i][j] = (float)matrix[i][j];
        turn[i][3] = 0;
    }
}

/* One step: turns the source by TURN, which makes its axes FRAME (rows, on the chain's axes), and
 * moves it the SHARE of the way to the reference's distributions there. */
static bool match(struct fitter *fitter, const double turn[3][3], const double frame[3][3],
                  struct error *error)
{
    const double origin[3] = {0, 0, 0};
    struct affine map = affine_around(turn, origin, origin);
    size_t chunks = fitter->chunks[0] + fitter->chunks[1];
    fitter->tables = memory_zeroed(1, sizeof *fitter->tables, error);
    if (!fitter->tables)
        return false;
    set_turn(fitter->turn[0], turn);
    set_turn(fitter->turn[1], frame);
    threads_for(fitter->threads, chunks, turn_chunk, fitter);
    set_range(fitter);
    threads_for(fitter->threads, chunks, weigh_chunk, fitter);
    threads_for(fitter->threads, 3, fit_axis, fitter);
    threads_for(fitter->threads, fitter->chunks[0], move_chunk, fitter);
    transfer_push_map(fitter->transfer, &map);
    return transfer_push_tables(fitter->transfer, fitter->tables, error);
}

static const double unit[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

static void sample_moments(const struct transfer_sample *sample, struct transfer_moments *moments)
{
    double sums[10] = {0};
    for (size_t i = 0; i < sample->count; i++) {
        double x = sample->axis[0][i], y = sample->axis[1][i], z = sample->axis[2][i];
        double w = sample->weight[i];
        const double terms[10] = {1, x, y, z, x * x, x * y, x * z, y * y, y * z, z * z};
        for (int k = 0; k < 10; k++)
            sums[k] += w * terms[k];
    }
    transfer_moments_set(moments, sums);
}

/* MKL between what the samples are now. */
static void match_moments(struct fitter *fitter)
{
    struct transfer_moments moments[2];
    struct transfer_sample *source = fitter->side[0];
    struct affine map;
    float row[3][4];
    for (int i = 0; i < 2; i++)
        sample_moments(fitter->side[i], &moments[i]);
    transfer_mkl(&moments[0], &moments[1], fitter->transfer->basis.code, &map);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            row[i][j] = (float)map.m[i][j];
    transfer_map_row(row, source->axis[0], source->axis[1], source->axis[2], source->count);
    turn_noise(fitter, row, 0, source->count);
    transfer_push_map(fitter->transfer, &map);
}

static void transpose(const double m[3][3], double turned[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            turned[i][j] = m[j][i];
}

static bool match_turning(struct fitter *fitter, struct error *error)
{
    double frame[3][3], back[3][3], turn[3][3];
    const double origin[3] = {0, 0, 0};
    match_moments(fitter);
    transpose(unit, back);
    for (unsigned k = 0; k < fitter->manner->turns; k++) {
        transfer_frame(k, frame);
        matrix_multiply(frame, back, turn);
        if (!match(fitter, turn, frame, error))
            return false;
        transpose(frame, back);
    }
    struct affine map = affine_around(back, origin, origin);
    transfer_push_map(fitter->transfer, &map);
    return true;
}

static bool fitter_open(struct fitter *fitter, struct error *error)
{
    for (int i = 0; i < 2; i++)
        fitter->chunks[i] = (fitter->side[i]->count - 1) / CHUNK + 1;
    fitter->findings =
        memory_array(fitter->chunks[0] + fitter->chunks[1], sizeof *fitter->findings, error);
    size_t sources = fitter->side[0]->count, count = fitter->side[1]->count;
    float *view = memory_array(count, 3 * sizeof *view, error);
    float *noise = memory_array(sources, NOISE_TERMS * sizeof *noise, error);
    for (int i = 0; i < 3; i++) {
        fitter->view[0][i] = fitter->side[0]->axis[i];
        fitter->view[1][i] = view ? view + (size_t)i * count : NULL;
    }
    for (int term = 0; noise && term < NOISE_TERMS; term++) {
        fitter->noise[term] = noise + (size_t)term * sources;
        for (size_t k = 0; k < sources; k++)
            fitter->noise[term][k] = term == AA || term == BB || term == CC ? 1 : 0;
    }
    return fitter->findings && view && noise;
}

bool transfer_fit_steps(struct transfer *transfer, enum transfer_method method,
                        struct transfer_sample *source, struct transfer_sample *reference,
                        unsigned threads, struct error *error)
{
    struct fitter fitter = {.transfer = transfer,
                            .side = {source, reference},
                            .threads = threads,
                            .manner = &manners[method]};
    bool good = fitter_open(&fitter, error);
    if (good && fitter.manner->turns > 0) {
        good = match_turning(&fitter, error);
    } else if (good) {
        good = match(&fitter, unit, unit, error);
        if (good && method == TRANSFER_HM_MKL_HM) {
            match_moments(&fitter);
            good = match(&fitter, unit, unit, error);
        }
    }
    free(fitter.findings);
    free(fitter.view[1][0]);
    free(fitter.noise[0]);
    return good;
}
