/* SPDX-License-Identifier: MIT */
/* The colours that clusters stand for. */
#include <stdlib.h>

#include "ops/palette_cluster.h"

enum { CANDIDATES = 24, SHIFT_ROUNDS = 6 };

#define WINDOW 6.0f /* about CIEDE2000: noise is narrower, shading wider */

/* The points of one cluster, close together. */
struct cloud {
    size_t count;
    float *place[3], *weight;
    size_t *index; /* of the points */
};

static void cloud_gather(const struct palette_points *points, size_t cluster, struct cloud *cloud)
{
    cloud->count = 0;
    for (size_t i = 0; i < points->count; i++) {
        if (points->cluster[i] != cluster)
            continue;
        for (int c = 0; c < 3; c++)
            cloud->place[c][cloud->count] = points->place[c][i];
        cloud->weight[cloud->count] = (float)points->trust[i];
        cloud->index[cloud->count++] = i;
    }
}

/* 1 at distance 0, down to 0 at the window's edge. */
static inline float closeness(const struct cloud *cloud, size_t i, const float at[3])
{
    float square = 0;
    for (int c = 0; c < 3; c++) {
        float off = cloud->place[c][i] - at[c];
        square += off * off;
    }
    float near = 1.0f - square * (1.0f / (WINDOW * WINDOW));
    return near > 0 ? near : 0;
}

static double cloud_density(const struct cloud *cloud, const float at[3])
{
    double sum = 0;
    for (size_t i = 0; i < cloud->count; i++)
        sum += (double)(cloud->weight[i] * closeness(cloud, i, at));
    return sum;
}

/* The heaviest points, by insertion into a short list. */
static size_t cloud_heaviest(const struct cloud *cloud, size_t heaviest[CANDIDATES])
{
    size_t count = 0;
    for (size_t i = 0; i < cloud->count; i++) {
        if (count == CANDIDATES && cloud->weight[i] <= cloud->weight[heaviest[count - 1]])
            continue;
        size_t k = count < CANDIDATES ? count++ : count - 1;
        for (; k > 0 && cloud->weight[heaviest[k - 1]] < cloud->weight[i]; k--)
            heaviest[k] = heaviest[k - 1];
        heaviest[k] = i;
    }
    return count;
}

/* Moves AT to the mean of the window around it, until it is at the peak (Fukunaga, Hostetler, "The
 * estimation of the gradient of a density function", IEEE Transactions on Information Theory 21,
 * 1975). */
static void cloud_climb(const struct cloud *cloud, float at[3])
{
    size_t heaviest[CANDIDATES], count = cloud_heaviest(cloud, heaviest);
    double best = -1;
    for (size_t k = 0; k < count; k++) {
        const float place[3] = {cloud->place[0][heaviest[k]], cloud->place[1][heaviest[k]],
                                cloud->place[2][heaviest[k]]};
        double density = cloud_density(cloud, place);
        if (density <= best)
            continue;
        best = density;
        for (int c = 0; c < 3; c++)
            at[c] = place[c];
    }
    for (int round = 0; round < SHIFT_ROUNDS; round++) {
        double sums[4] = {0};
        for (size_t i = 0; i < cloud->count; i++) {
            if (closeness(cloud, i, at) <= 0)
                continue;
            for (int c = 0; c < 3; c++)
                sums[c] += (double)(cloud->weight[i] * cloud->place[c][i]);
            sums[3] += (double)cloud->weight[i];
        }
        for (int c = 0; c < 3 && sums[3] > 0; c++)
            at[c] = (float)(sums[c] / sums[3]);
    }
}

static void center_measure(const struct palette_points *points, const struct cloud *cloud,
                           const float at[3], struct palette_center *center)
{
    double trust = 0, most = -1;
    *center = (struct palette_center){.share = 0};
    for (size_t k = 0; k < cloud->count; k++) {
        size_t i = cloud->index[k];
        center->share += points->share[i];
        if (closeness(cloud, k, at) <= 0)
            continue;
        for (int c = 0; c < 3; c++)
            center->lab[c] += points->trust[i] * (double)points->lab[c][i];
        trust += points->trust[i];
        center->core += points->share[i];
        if (points->share[i] > most) {
            most = points->share[i];
            center->heaviest = i;
        }
    }
    for (int c = 0; c < 3 && trust > 0; c++)
        center->lab[c] /= trust;
}

bool palette_centers(const struct palette_points *points, size_t clusters,
                     struct palette_center *centers, struct error *error)
{
    struct cloud cloud;
    float *memory = memory_array(points->count + 1, 4 * sizeof *memory, error);
    cloud.index = memory == NULL ? NULL
                                 : memory_array(points->count + 1, sizeof *cloud.index, error);
    if (cloud.index == NULL) {
        free(memory);
        return false;
    }
    for (size_t c = 0; c < 3; c++)
        cloud.place[c] = memory + c * points->count;
    cloud.weight = memory + 3 * points->count;
    for (size_t k = 0; k < clusters; k++) {
        float at[3] = {0};
        cloud_gather(points, k, &cloud);
        cloud_climb(&cloud, at);
        center_measure(points, &cloud, at, &centers[k]);
    }
    free(cloud.index);
    free(memory);
    return true;
}
