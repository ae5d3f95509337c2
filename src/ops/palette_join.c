/* SPDX-License-Identifier: MIT */
#include "ops/palette_join.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/ciede.h"

#define MIXED_LEAST 0.2   /* how mixed groups are that may be further apart and still be one */
#define MIXED_FULL 0.6    /* and that may be furthest */
#define MIXED_MERGE 2.5   /* by so many merge_de more */
#define EDGE_SHARE 0.1    /* the largest share that a mere edge can have */
#define EDGE_STEPS 0.6    /* and what part of it is steps at least */
#define EDGE_ENDS 0.25    /* the colours it leads to have at least this much of its share */
#define LEAST_SHARE 0.0005
#define CRUMB_SHARE 0.005 /* what is this small has to hold together: */
#define CRUMB_OWN 0.25    /* this much of what is near by is the same */
#define MIX_NEAR 8.0      /* how far from the line between two colours their mixtures are */
#define MIX_BEND 0.15     /* and how much further, for each unit between the two */
#define WARD_POWER 0.75   /* below 1 small groups hold out longer */
#define WARD_LIGHT 0.65   /* what lightness counts there: shades of a colour before colours */

struct joining {
    struct palette_group *groups;
    size_t count, standing;
    const struct palette_join_options *options;
    float *pairs;      /* count * count: how often they meet */
    double light;      /* factor of lightness */
    float *planes[3];  /* Lab of the groups, for rows of differences */
    float *same[3];    /* one group's, repeated */
    float *difference; /* count * count */
    float *cost;       /* likewise, of the step at hand */
};

static bool group_stands(const struct joining *job, size_t i)
{
    return job->groups[i].into == i;
}

/* Differences of group I from all others. */
static void joining_measure(struct joining *job, size_t i)
{
    float *row = job->difference + i * job->count;
    for (int c = 0; c < 3; c++) {
        float value = (float)(job->groups[i].lab[c] * (c == 0 ? job->light : 1.0));
        job->planes[c][i] = value;
        for (size_t k = 0; k < job->count; k++)
            job->same[c][k] = value;
    }
    ciede2000_row((const float *const *)job->same, (const float *const *)job->planes, row,
                  job->count);
    for (size_t k = 0; k < job->count; k++)
        job->difference[k * job->count + i] = row[k];
}

static void joining_measure_all(struct joining *job, double light)
{
    job->light = light;
    for (int c = 0; c < 3; c++)
        for (size_t i = 0; i < job->count; i++)
            job->planes[c][i] = (float)(job->groups[i].lab[c] * (c == 0 ? light : 1.0));
    for (size_t i = 0; i < job->count; i++)
        joining_measure(job, i);
}

/* The pairs of FROM become those of INTO. */
static void pairs_join(struct joining *job, size_t into, size_t from)
{
    size_t n = job->count;
    for (size_t k = 0; k < n; k++)
        job->pairs[into * n + k] += job->pairs[from * n + k];
    for (size_t k = 0; k < n; k++)
        job->pairs[k * n + into] += job->pairs[k * n + from];
    for (size_t k = 0; k < n; k++)
        job->pairs[from * n + k] = job->pairs[k * n + from] = 0;
}

static void joining_join(struct joining *job, size_t into, size_t from)
{
    struct palette_group *a = &job->groups[into], *b = &job->groups[from];
    double trust = a->trust + b->trust;
    for (int c = 0; c < 3; c++)
        a->lab[c] = (a->lab[c] * a->trust + b->lab[c] * b->trust) / trust;
    a->trust = trust;
    a->share += b->share;
    a->edge += b->edge;
    b->into = (uint16_t)into;
    pairs_join(job, into, from);
    job->standing--;
    joining_measure(job, into);
}

/* ---- costs: infinite where the step is not to join the two ---- */

typedef double joining_cost(const struct joining *job, size_t i, size_t k);

/* How thoroughly two groups are mixed: 1 where a pixel of either has neighbours of both as if by
 * chance, 0 where they never meet. */
static double joining_mixed(const struct joining *job, size_t i, size_t k)
{
    size_t n = job->count;
    double own = (double)job->pairs[i * n + i] * (double)job->pairs[k * n + k];
    return own > 0 ? (double)job->pairs[i * n + k] / sqrt(own) : 0;
}

static double cost_near(const struct joining *job, size_t i, size_t k)
{
    double difference = (double)job->difference[i * job->count + k];
    double mixed = (joining_mixed(job, i, k) - MIXED_LEAST) / (MIXED_FULL - MIXED_LEAST);
    double reach = job->options->merge_de * (1.0 + MIXED_MERGE * fmin(fmax(mixed, 0.0), 1.0));
    return difference < reach ? difference : HUGE_VAL;
}

static double cost_ward(const struct joining *job, size_t i, size_t k)
{
    double a = job->groups[i].trust, b = job->groups[k].trust;
    double difference = (double)job->difference[i * job->count + k];
    return pow(a * b / (a + b), WARD_POWER) * difference * difference;
}

/* Joins the pair of the least cost until there is none, or at most MOST are left. */
static void joining_run(struct joining *job, joining_cost *cost, size_t most)
{
    size_t n = job->count;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            job->cost[i * n + k] =
                group_stands(job, i) && group_stands(job, k) ? (float)cost(job, i, k) : HUGE_VALF;
    while (job->standing > most) {
        size_t best_i = 0, best_k = 0;
        float best = HUGE_VALF;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < i; k++)
                if (job->cost[i * n + k] < best) {
                    best = job->cost[i * n + k];
                    best_i = i;
                    best_k = k;
                }
        if (best == HUGE_VALF)
            return;
        joining_join(job, best_k, best_i);
        for (size_t k = 0; k < n; k++) {
            size_t low = k < best_k ? k : best_k, high = k < best_k ? best_k : k;
            job->cost[(best_i > k ? best_i * n + k : k * n + best_i)] = HUGE_VALF;
            if (low != high && group_stands(job, k))
                job->cost[high * n + low] = (float)cost(job, high, low);
        }
    }
}

/* ---- edges ---- */

/* Whether group M may be a mixture of A and B: it lies between them, near the line. */
static bool is_mixture(const struct palette_group *m, const struct palette_group *a,
                       const struct palette_group *b)
{
    double along = 0, length = 0, square = 0;
    for (int c = 0; c < 3; c++) {
        double line = b->lab[c] - a->lab[c];
        along += (m->lab[c] - a->lab[c]) * line;
        length += line * line;
    }
    double at = length > 0 ? along / length : 0;
    if (at <= 0 || at >= 1)
        return false;
    for (int c = 0; c < 3; c++) {
        double off = m->lab[c] - a->lab[c] - at * (b->lab[c] - a->lab[c]);
        square += off * off;
    }
    return sqrt(square) < MIX_NEAR + MIX_BEND * sqrt(length);
}

/* The nearest group that is no smaller; I itself where there is none. */
static size_t joining_nearest(const struct joining *job, size_t i)
{
    size_t nearest = i;
    float best = HUGE_VALF;
    for (size_t k = 0; k < job->count; k++) {
        float difference = job->difference[i * job->count + k];
        if (k != i && group_stands(job, k) && job->groups[k].share >= job->groups[i].share &&
            difference < best) {
            best = difference;
            nearest = k;
        }
    }
    return nearest;
}

/* Specks of noise, or next to nothing. */
static bool is_crumb(const struct joining *job, size_t i)
{
    double all = 0;
    for (size_t k = 0; k < job->count; k++)
        all += (double)job->pairs[i * job->count + k];
    bool scattered = (double)job->pairs[i * job->count + i] < CRUMB_OWN * all;
    return job->groups[i].share < (scattered ? CRUMB_SHARE : LEAST_SHARE);
}

/* The larger groups between which group I is but an edge: the nearer one of the heaviest two; I
 * itself where it is a colour of its own. */
static size_t edge_end(const struct joining *job, size_t i)
{
    const struct palette_group *group = &job->groups[i];
    double most = 0, least = EDGE_ENDS * group->share;
    size_t end = i, n = job->count;
    if (group->share > EDGE_SHARE || group->edge < EDGE_STEPS * group->share)
        return i;
    if (job->options->hidden)
        end = joining_nearest(job, i);
    for (size_t k = 0; k < n; k++)
        for (size_t m = 0; m < k; m++) {
            const struct palette_group *a = &job->groups[k], *b = &job->groups[m];
            if (m == i || k == i || !group_stands(job, k) || !group_stands(job, m) ||
                a->share < least || b->share < least || a->trust + b->trust <= most ||
                !is_mixture(group, a, b))
                continue;
            most = a->trust + b->trust;
            end = job->difference[i * n + k] < job->difference[i * n + m] ? k : m;
        }
    return end;
}

/* Gives edges and crumbs to larger groups, the smallest first. */
static void joining_drop_edges(struct joining *job)
{
    for (;;) {
        size_t smallest = job->count, into = 0;
        for (size_t i = 0; i < job->count; i++) {
            const struct palette_group *group = &job->groups[i];
            if (!group_stands(job, i) ||
                (smallest < job->count && group->share >= job->groups[smallest].share))
                continue;
            size_t end = edge_end(job, i);
            if (end == i && is_crumb(job, i))
                end = joining_nearest(job, i);
            if (end == i)
                continue;
            smallest = i;
            into = end;
        }
        if (smallest == job->count)
            return;
        /* What lies along an edge says nothing about the colour. */
        double lab[3];
        memcpy(lab, job->groups[into].lab, sizeof lab);
        joining_join(job, into, smallest);
        memcpy(job->groups[into].lab, lab, sizeof lab);
        joining_measure(job, into);
    }
}

/* ---- all ---- */

static bool joining_open(struct joining *job, struct error *error)
{
    size_t n = job->count;
    float *memory = memory_array(2 * n + 6, n * sizeof *memory, error);
    if (memory == NULL)
        return false;
    job->difference = memory;
    job->cost = memory + n * n;
    for (size_t c = 0; c < 3; c++) {
        job->planes[c] = memory + 2 * n * n + c * n;
        job->same[c] = memory + 2 * n * n + (3 + c) * n;
    }
    for (size_t i = 0; i < n; i++)
        job->groups[i].into = (uint16_t)i;
    joining_measure_all(job, 1.0);
    return true;
}

bool palette_join(struct palette_group *groups, size_t count, float *pairs,
                  const struct palette_join_options *options, struct error *error)
{
    struct joining job = {.groups = groups, .count = count, .standing = count, .pairs = pairs,
                          .options = options};
    if (!joining_open(&job, error))
        return false;
    joining_run(&job, cost_near, 1);
    joining_drop_edges(&job);
    joining_measure_all(&job, WARD_LIGHT);
    joining_run(&job, cost_ward, options->most);
    free(job.difference);
    for (size_t i = 0; i < count; i++)
        while (!group_stands(&job, groups[i].into))
            groups[i].into = groups[groups[i].into].into;
    return true;
}
