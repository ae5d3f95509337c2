/* SPDX-License-Identifier: MIT */
/* Which colours belong together.
 *
 * The colours of an image are cut into some hundred compact groups: always the one that varies most
 * along some direction is cut there (Wu, "Color quantization by dynamic programming and principal
 * analysis", ACM Transactions on Graphics 11, 1992), then each colour goes to the nearest group
 * (Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982).
 * Groups are then joined: first those nearer than a CIEDE2000, further apart where they are mixed
 * pixel by pixel as noise does, then those whose joining changes
 * least (Ward, "Hierarchical grouping to optimize an objective function", Journal of the American
 * Statistical Association 58, 1963). Small groups that occur only along edges, as a mixture of
 * what meets there, are no colours of their own. */
#ifndef OPS_PALETTE_CLUSTER_H
#define OPS_PALETTE_CLUSTER_H

#include "ops/palette_count.h"

/* The colours to be grouped, in planes. */
struct palette_points {
    size_t count;
    float *lab[3];      /* D65 */
    float *place[3];    /* the same with chroma compressed: distances are roughly CIEDE2000 */
    double *share;      /* of all, 0..1 */
    double *edge;       /* the part of it that is but steps on edges, see palette_scan.h */
    double *trust;      /* the same as share, with less for that part */
    uint64_t *key;      /* see palette_scan.h */
    unsigned level;     /* bits that keys have given up */
    uint16_t *cluster;  /* what palette_cluster() found */
    void *memory;
};

/* Room for COUNT. The caller fills lab, share, edge, trust, key and level, then calls
 * palette_points_place(). */
bool palette_points_new(struct palette_points *points, size_t count, struct error *error);
void palette_points_place(struct palette_points *points);
void palette_points_free(struct palette_points *points);

struct palette_join_options {
    size_t most;     /* clusters */
    double merge_de; /* their centres are at least this far apart */
    bool hidden;     /* there are colours that do not count, to which edges may lead */
};

/* Puts the points, which come from SCAN, into clusters; *FOUND is how many there are. */
bool palette_cluster(struct palette_points *points, const struct palette_scan *scan,
                     const struct palette_join_options *options, size_t *found,
                     struct error *error);

/* The colour that a cluster stands for: the mean around the place where its points are densest. */
struct palette_center {
    double lab[3];
    double share;    /* of the cluster */
    double core;     /* of what the mean is taken of */
    size_t heaviest; /* the point with the largest share in there */
};

bool palette_centers(const struct palette_points *points, size_t clusters,
                     struct palette_center *centers, struct error *error);

#endif
