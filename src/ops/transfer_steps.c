/* SPDX-License-Identifier: MIT */
/* Transfers that match distributions along axes, fitted on samples. */
#include <math.h>
#include <stdlib.h>

#include "base/threads.h"
#include "color/matrix.h"
#include "ops/transfer_parts.h"

enum { POINTS = TRANSFER_TABLE_STEPS + 1, CHUNK = 1 << 14 };

/* The share of either side that is spread evenly over the whole range, so that shares rise
 * everywhere. A source's point with less than LEAST_MASS around it holds none of its colours. */
#define EVEN_SHARE 1e-9
#define LEAST_MASS 1e-7

/* Steps along turned axes, after MKL has done the rough part. A distribution fits the better the
 * more steps there are and the steeper they may be; but slopes multiply, and large even areas,
 * whose noise would be spread over a range of colours, pay for it. So no step is steep, and all
 * together grow differences by at most 1.2^20 = 38 and 1.1^48 = 97. */
struct turning {
    unsigned steps;
    double slope_most; /* of the full step */
    double share;      /* of the full step that is gone */
};
static const struct turning turning_idt = {20, 1.2, 1}, turning_sliced = {48, 1.2, 0.5};

/* What one chunk of one side finds. */
struct finding {
    float low[3], high[3];
    double mass[3][POINTS];
};

/* SIDE 0 is the source, which moves along; 1 the reference, whose projection is made anew. */
struct fitter {
    struct transfer *transfer;
    struct transfer_sample *side[2];
    float *view[2][3];
    size_t chunks[2];
    unsigned threads;
    struct finding *findings; /* of the source's chunks, then of the reference's */
    struct transfer_tables *tables;
    float turn[2][3][4]; /* from the present axes of each side to the next */
    double slope_most, share;
};

static size_t chunk_of(const struct fitter *fitter, size_t index, int *side, size_t *first)
{
    *side = index >= fitter->chunks[0];
    *first = (index - (*side ? fitter->chunks[0] : 0)) * CHUNK;
    size_t left = fitter->side[*side]->count - *first;
    return left < CHUNK ? left : CHUNK;
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

/* Shares each value out to the two points around it. */
static void weigh_chunk(void *context, size_t index)
{
    struct fitter *fitter = context;
    int side;
    size_t first, count = chunk_of(fitter, index, &side, &first);
    const float *weight = fitter->side[side]->weight + first;
    for (int i = 0; i < 3; i++) {
        const float *v = fitter->view[side][i] + first;
        float low = fitter->tables->low[i], per_unit = fitter->tables->per_unit[i];
        double *mass = fitter->findings[index].mass[i];
        for (size_t k = 0; k < POINTS; k++)
            mass[k] = 0;
        for (size_t k = 0; k < count; k++) {
            float at = (v[k] - low) * per_unit;
            int32_t point = (int32_t)at;
            float above = weight[k] * (at - (float)point);
            mass[point] += weight[k] - above;
            mass[point + 1] += above;
        }
    }
}

/* The share of SIDE below each point of AXIS. Codes of 8 bits stand for all values that round to
 * them, so each value is spread over about one step of them: no comb where the source has one. */
static void find_shares(const struct fitter *fitter, int side, int axis, double share[POINTS])
{
    double below[POINTS + 1] = {0};
    size_t first = side ? fitter->chunks[0] : 0;
    for (size_t k = first; k < first + fitter->chunks[side]; k++)
        for (int i = 0; i < POINTS; i++)
            below[i + 1] += fitter->findings[k].mass[axis][i];
    for (int i = 0; i < POINTS; i++)
        below[i + 1] += below[i];
    double half = fitter->transfer->basis.code * fitter->tables->per_unit[axis] / 2;
    int reach = half < 1 ? 1 : half > 64 ? 64 : (int)(half + 0.5);
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

/* Takes slopes above MOST off TARGET, which rises: the mean of the largest function below it and of
 * the least one above it that keep to the limit (McShane, Whitney 1934). */
static void limit_slopes(double target[POINTS], double most)
{
    double below[POINTS], above = target[POINTS - 1];
    below[0] = target[0];
    for (int i = 1; i < POINTS; i++)
        below[i] = fmin(target[i], below[i - 1] + most);
    for (int i = POINTS - 1; i >= 0; i--) {
        above = fmax(target[i], above - most);
        target[i] = (below[i] + above) / 2;
    }
}

/* The share of the source around point I. */
static double mass_at(const double share[POINTS], int i)
{
    return share[i < POINTS - 1 ? i + 1 : i] - share[i > 0 ? i - 1 : i];
}

/* Where the source has no colours, matching means nothing: there TARGET runs straight from one
 * colour to the next, and with slope 1 beyond the last. */
static void bridge_gaps(const double share[POINTS], double target[POINTS])
{
    int last = -1;
    for (int i = 0; i < POINTS; i++) {
        if (mass_at(share, i) < LEAST_MASS)
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
    double from[POINTS], to[POINTS], target[POINTS];
    find_shares(fitter, 0, (int)axis, from);
    find_shares(fitter, 1, (int)axis, to);
    match_shares(from, to, target);
    bridge_gaps(from, target);
    /* What the limit takes from the match must not take the mean along. */
    double mean = mean_target(from, target);
    limit_slopes(target, fitter->slope_most);
    mean -= mean_target(from, target);
    target[0] = target[1] - 1;
    target[POINTS - 1] = target[POINTS - 2] + 1;
    double low = fitter->tables->low[axis], unit = 1.0 / fitter->tables->per_unit[axis];
    for (int i = 0; i < POINTS; i++)
        fitter->tables->value[axis][i] =
            (float)(low + unit * (i + fitter->share * (target[i] + mean - i)));
}

static void move_chunk(void *context, size_t index)
{
    const struct fitter *fitter = context;
    int side;
    size_t first, count = chunk_of(fitter, index, &side, &first);
    float *const v[3] = {fitter->view[0][0] + first, fitter->view[0][1] + first,
                         fitter->view[0][2] + first};
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
    transfer_push_map(fitter->transfer, &map);
}

/* Place INDEX of van der Corput's sequence: the digits of INDEX behind the point, mirrored. */
static double halton(unsigned index, unsigned base)
{
    double place = 0, digit = 1;
    for (; index > 0; index /= base) {
        digit /= base;
        place += digit * (index % base);
    }
    return place;
}

/* Rotation INDEX of a list that covers all of them evenly: Halton's points to quaternions
 * (Shoemake: "Uniform random rotations", Graphics Gems III, 1992). The first leaves the axes. */
static void frame_of(unsigned index, double frame[3][3])
{
    double a = halton(index, 2), b = 2 * M_PI * halton(index, 3), c = 2 * M_PI * halton(index, 5);
    double x = sqrt(a) * sin(c), y = sqrt(1 - a) * sin(b);
    double z = sqrt(a) * cos(c), w = sqrt(1 - a) * cos(b);
    if (index == 0)
        x = y = z = 0, w = 1;
    const double turned[3][3] = {
        {1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)},
        {2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)},
        {2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)},
    };
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            frame[i][j] = turned[i][j];
}

static void transpose(const double m[3][3], double turned[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            turned[i][j] = m[j][i];
}

static bool match_turning(struct fitter *fitter, const struct turning *turning, struct error *error)
{
    double frame[3][3], back[3][3], turn[3][3];
    const double origin[3] = {0, 0, 0};
    match_moments(fitter);
    transpose(unit, back);
    fitter->slope_most = turning->slope_most;
    fitter->share = turning->share;
    for (unsigned k = 0; k < turning->steps; k++) {
        frame_of(k, frame);
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
    size_t count = fitter->side[1]->count;
    float *view = memory_array(count, 3 * sizeof *view, error);
    for (int i = 0; i < 3; i++) {
        fitter->view[0][i] = fitter->side[0]->axis[i];
        fitter->view[1][i] = view ? view + (size_t)i * count : NULL;
    }
    return fitter->findings && view;
}

bool transfer_fit_steps(struct transfer *transfer, enum transfer_method method,
                        struct transfer_sample *source, struct transfer_sample *reference,
                        unsigned threads, struct error *error)
{
    struct fitter fitter = {.transfer = transfer,
                            .side = {source, reference},
                            .threads = threads,
                            .slope_most = TRANSFER_MOST_GAIN,
                            .share = 1};
    bool good = fitter_open(&fitter, error);
    if (good && method == TRANSFER_IDT) {
        good = match_turning(&fitter, &turning_idt, error);
    } else if (good && method == TRANSFER_SLICED) {
        good = match_turning(&fitter, &turning_sliced, error);
    } else if (good) {
        good = match(&fitter, unit, unit, error);
        if (good && method == TRANSFER_HM_MKL_HM) {
            match_moments(&fitter);
            good = match(&fitter, unit, unit, error);
        }
    }
    free(fitter.findings);
    free(fitter.view[1][0]);
    return good;
}
