/* SPDX-License-Identifier: MIT */
#include "ops/palette_cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "ops/palette.h"
#include "ops/palette_join.h"
#include "ops/palette_mix.h"

enum {
    LEAST_GROUPS = 128,
    MOST_GROUPS = LEAST_GROUPS + 2 * PALETTE_MOST,
    LLOYD_ROUNDS = 3,
    POWER_ROUNDS = 12,
    BLOCK = 256
};

#define CHROMA_STEP 0.045 /* CIE94's S_C = 1 + 0.045 C, CIE 116-1995 */
#define COMPACT 0.25      /* variance along the longest axis that need not be cut */

/* ---- points ---- */

bool palette_points_new(struct palette_points *points, size_t count, struct error *error)
{
    *points = (struct palette_points){.count = count};
    size_t each = 6 * sizeof(float) + 3 * sizeof(double) + sizeof(uint64_t) +
                  sizeof(uint16_t);
    points->memory = memory_zeroed(count + 1, each, error);
    if (points->memory == NULL)
        return false;
    points->share = points->memory;
    points->trust = points->share + count;
    points->edge = points->trust + count;
    points->key = (uint64_t *)(void *)(points->edge + count);
    float *plane = (float *)(void *)(points->key + count);
    for (int c = 0; c < 3; c++) {
        points->lab[c] = plane + count * (size_t)c;
        points->place[c] = plane + count * (size_t)(3 + c);
    }
    points->cluster = (uint16_t *)(void *)(plane + 6 * count);
    return true;
}

void palette_points_place(struct palette_points *points)
{
    for (size_t i = 0; i < points->count; i++) {
        double a = (double)points->lab[1][i], b = (double)points->lab[2][i];
        double grown = CHROMA_STEP * sqrt(a * a + b * b);
        float scale = grown > 1e-6 ? (float)(log1p(grown) / grown) : 1.0f;
        points->place[0][i] = points->lab[0][i];
        points->place[1][i] = points->lab[1][i] * scale;
        points->place[2][i] = points->lab[2][i] * scale;
    }
}

void palette_points_free(struct palette_points *points)
{
    free(points->memory);
    *points = (struct palette_points){.count = 0};
}

/* ---- cutting ---- */

struct group {
    size_t first, count;     /* of the order of points */
    double mean[3], axis[3]; /* the direction of the largest variance */
    double variance, weight;
};

struct grouping {
    struct palette_points *points;
    uint32_t *order;
    struct group groups[MOST_GROUPS];
    size_t count;
};

static void group_moments(const struct grouping *job, struct group *group, double moments[6])
{
    const struct palette_points *points = job->points;
    double sums[3] = {0};
    group->weight = 0;
    for (size_t k = group->first; k < group->first + group->count; k++) {
        size_t i = job->order[k];
        double weight = points->trust[i];
        group->weight += weight;
        for (int c = 0; c < 3; c++)
            sums[c] += weight * (double)points->place[c][i];
    }
    for (int c = 0; c < 3; c++)
        group->mean[c] = group->weight > 0 ? sums[c] / group->weight : 0;
    for (size_t k = group->first; k < group->first + group->count; k++) {
        size_t i = job->order[k];
        double weight = points->trust[i], off[3];
        for (int c = 0; c < 3; c++)
            off[c] = (double)points->place[c][i] - group->mean[c];
        moments[0] += weight * off[0] * off[0];
        moments[1] += weight * off[0] * off[1];
        moments[2] += weight * off[0] * off[2];
        moments[3] += weight * off[1] * off[1];
        moments[4] += weight * off[1] * off[2];
        moments[5] += weight * off[2] * off[2];
    }
}

/* Mean, longest axis (by power iteration) and the variance along it. */
static void group_measure(const struct grouping *job, struct group *group)
{
    double m[6] = {0};
    group_moments(job, group, m);
    double axis[3] = {m[0] + 1e-9, m[3] + 2e-9, m[5] + 3e-9}, length = 0;
    for (int round = 0; round < POWER_ROUNDS; round++) {
        double next[3] = {m[0] * axis[0] + m[1] * axis[1] + m[2] * axis[2],
                          m[1] * axis[0] + m[3] * axis[1] + m[4] * axis[2],
                          m[2] * axis[0] + m[4] * axis[1] + m[5] * axis[2]};
        length = sqrt(next[0] * next[0] + next[1] * next[1] + next[2] * next[2]);
        if (length <= 0)
            break;
        for (int c = 0; c < 3; c++)
            axis[c] = next[c] / length;
    }
    memcpy(group->axis, axis, sizeof axis);
    group->variance = group->weight > 0 ? length / group->weight : 0;
}

/* Cuts a group at its mean, across its longest axis. False where all is on one side. */
static bool group_cut(struct grouping *job, struct group *group, struct group *other)
{
    const struct palette_points *points = job->points;
    uint32_t *order = job->order + group->first;
    size_t low = 0, high = group->count;
    while (low < high) {
        double along = 0;
        for (int c = 0; c < 3; c++)
            along += ((double)points->place[c][order[low]] - group->mean[c]) * group->axis[c];
        if (along <= 0) {
            low++;
            continue;
        }
        uint32_t swap = order[low];
        order[low] = order[--high];
        order[high] = swap;
    }
    if (low == 0 || low == group->count)
        return false;
    *other = (struct group){.first = group->first + low, .count = group->count - low};
    group->count = low;
    return true;
}

static void groups_cut(struct grouping *job, size_t wanted)
{
    for (size_t i = 0; i < job->points->count; i++)
        job->order[i] = (uint32_t)i;
    job->groups[0] = (struct group){.count = job->points->count};
    job->count = 1;
    group_measure(job, &job->groups[0]);
    while (job->count < wanted) {
        struct group *widest = &job->groups[0];
        for (size_t g = 1; g < job->count; g++)
            if (job->groups[g].variance * job->groups[g].weight >
                widest->variance * widest->weight)
                widest = &job->groups[g];
        if (widest->variance < COMPACT || !group_cut(job, widest, &job->groups[job->count]))
            break;
        group_measure(job, widest);
        group_measure(job, &job->groups[job->count++]);
    }
}

/* ---- Lloyd's rounds ---- */

/* Lowers the squared distances of a block of points to that of group INDEX, and notes where. */
MULTIVERSION
static void block_nearest(const float *restrict l, const float *restrict a,
                          const float *restrict b, const float mean[3], int32_t index,
                          float *restrict best, int32_t *restrict nearest)
{
    for (int i = 0; i < BLOCK; i++) {
        float dl = l[i] - mean[0], da = a[i] - mean[1], db = b[i] - mean[2];
        float square = dl * dl + da * da + db * db;
        bool less = square < best[i];
        best[i] = less ? square : best[i];
        nearest[i] = less ? index : nearest[i];
    }
}

/* Gives COUNT (at most BLOCK) points from FIRST on to the nearest group. */
static void block_assign(struct grouping *job, size_t first, size_t count)
{
    float place[3][BLOCK] = {{0}}, best[BLOCK];
    int32_t nearest[BLOCK] = {0};
    for (int c = 0; c < 3; c++)
        memcpy(place[c], job->points->place[c] + first, count * sizeof(float));
    for (int i = 0; i < BLOCK; i++)
        best[i] = HUGE_VALF;
    for (size_t g = 0; g < job->count; g++) {
        const double *mean = job->groups[g].mean;
        const float at[3] = {(float)mean[0], (float)mean[1], (float)mean[2]};
        block_nearest(place[0], place[1], place[2], at, (int32_t)g, best, nearest);
    }
    for (size_t i = 0; i < count; i++)
        job->points->cluster[first + i] = (uint16_t)nearest[i];
}

static void groups_assign(struct grouping *job)
{
    for (size_t i = 0; i < job->points->count; i += BLOCK)
        block_assign(job, i, job->points->count - i < BLOCK ? job->points->count - i : BLOCK);
}

/* Means of what the groups got. */
static void groups_center(struct grouping *job)
{
    const struct palette_points *points = job->points;
    double sums[MOST_GROUPS][4];
    memset(sums, 0, sizeof sums);
    for (size_t i = 0; i < points->count; i++) {
        double *sum = sums[points->cluster[i]], weight = points->trust[i];
        for (int c = 0; c < 3; c++)
            sum[c] += weight * (double)points->place[c][i];
        sum[3] += weight;
    }
    for (size_t g = 0; g < job->count; g++) {
        job->groups[g].weight = sums[g][3];
        for (int c = 0; c < 3 && sums[g][3] > 0; c++)
            job->groups[g].mean[c] = sums[g][c] / sums[g][3];
    }
}

/* Leaves out the groups without points. */
static void groups_compact(struct grouping *job)
{
    uint16_t place[MOST_GROUPS];
    size_t count = 0;
    for (size_t g = 0; g < job->count; g++) {
        place[g] = (uint16_t)count;
        if (job->groups[g].weight > 0)
            job->groups[count++] = job->groups[g];
    }
    for (size_t i = 0; i < job->points->count; i++)
        job->points->cluster[i] = place[job->points->cluster[i]];
    job->count = count;
}

/* ---- all ---- */

/* Sums up the groups in Lab, where they are joined. */
static void groups_sum(const struct grouping *job, struct palette_group *joined)
{
    const struct palette_points *points = job->points;
    memset(joined, 0, job->count * sizeof *joined);
    for (size_t i = 0; i < points->count; i++) {
        struct palette_group *sum = &joined[points->cluster[i]];
        sum->share += points->share[i];
        sum->edge += points->edge[i];
        sum->trust += points->trust[i];
        for (int c = 0; c < 3; c++)
            sum->lab[c] += points->trust[i] * (double)points->lab[c][i];
    }
    for (size_t g = 0; g < job->count; g++)
        for (int c = 0; c < 3; c++)
            joined[g].lab[c] /= joined[g].trust;
}

/* Numbers the clusters that stand, and gives each point its own. */
static size_t groups_finish(const struct grouping *job, const struct palette_group *joined)
{
    uint16_t number[MOST_GROUPS] = {0}, next = 0;
    for (size_t g = 0; g < job->count; g++)
        if (joined[g].into == g)
            number[g] = next++;
    for (size_t i = 0; i < job->points->count; i++)
        job->points->cluster[i] = number[joined[job->points->cluster[i]].into];
    return next;
}

static bool groups_join(struct grouping *job, const struct palette_scan *scan,
                        const struct palette_join_options *options, size_t *found,
                        struct error *error)
{
    struct palette_group joined[MOST_GROUPS];
    const struct palette_points *points = job->points;
    struct palette_labels labels = {points->key, points->cluster, points->count, points->level};
    float *pairs = memory_array(job->count, job->count * sizeof *pairs, error);
    groups_sum(job, joined);
    bool done = pairs != NULL && palette_mix_count(scan, &labels, job->count, pairs, error) &&
                palette_join(joined, job->count, pairs, options, error);
    if (done)
        *found = groups_finish(job, joined);
    free(pairs);
    return done;
}

bool palette_cluster(struct palette_points *points, const struct palette_scan *scan,
                     const struct palette_join_options *options, size_t *found,
                     struct error *error)
{
    struct grouping *job = memory_zeroed(1, sizeof *job, error);
    if (job == NULL)
        return false;
    job->points = points;
    job->order = memory_array(points->count, sizeof *job->order, error);
    bool done = job->order != NULL;
    if (done) {
        groups_cut(job, LEAST_GROUPS + 2 * options->most);
        for (int round = 0; round < LLOYD_ROUNDS; round++) {
            groups_assign(job);
            groups_center(job);
            groups_compact(job);
        }
        done = groups_join(job, scan, options, found, error);
    }
    free(job->order);
    free(job);
    return done;
}
