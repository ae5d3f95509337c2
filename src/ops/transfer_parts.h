/* SPDX-License-Identifier: MIT */
/* What the files of the colour transfer share: spaces, moments, samples, and the chain of steps.
 * Nobody else includes this. */
#ifndef OPS_TRANSFER_PARTS_H
#define OPS_TRANSFER_PARTS_H

#include "ops/lut.h"
#include "ops/pixels.h"
#include "ops/transfer.h"

/* No eigenvalue of a map grows differences by more: what a nearly uniform source has is mostly
 * noise. */
#define TRANSFER_MOST_GAIN 10.0

/* y = A x + b, b in the fourth column. */
struct affine {
    double m[3][4];
};

extern const struct affine affine_identity;
/* OUTER after INNER. */
struct affine affine_after(const struct affine *outer, const struct affine *inner);
/* By MATRIX around FROM, which becomes TO. */
struct affine affine_around(const double matrix[3][3], const double from[3], const double to[3]);

/* A working space: light -> CONE (a matrix) -> a curve -> AXES. The tables and maps of a method
 * work on the axes; the affine parts of both ends melt into the chain. */
enum transfer_curve { CURVE_NONE, CURVE_SRGB, CURVE_LAB, CURVE_CUBE_ROOT, CURVE_LOG };
struct transfer_basis {
    enum transfer_curve curve;
    bool mixes; /* CONE is no identity */
    float cone[3][3], cone_back[3][3];
    struct affine axes, axes_back;
    double code; /* about one step of 8 bits on an axis */
};
void transfer_basis_set(struct transfer_basis *basis, enum transfer_space space);

/* COUNT pixels, planar, in place: light to what AXES starts from, and back. */
void transfer_basis_bend(const struct transfer_basis *basis, float *const v[3], size_t count);
void transfer_basis_unbend(const struct transfer_basis *basis, float *const v[3], size_t count);

/* One side, open for reading. Weights are whole numbers: alpha times mask. */
struct transfer_input {
    const struct transfer_side *side;
    struct pixel_reader reader;
    bool weighted; /* else every pixel counts 1 */
    unsigned threads;
};
bool transfer_input_open(struct transfer_input *input, const struct transfer_side *side,
                         unsigned threads, struct error *error);
void transfer_input_close(struct transfer_input *input);
void transfer_input_weights(const struct transfer_input *input, uint32_t x, uint32_t y,
                            size_t count, float *weight);

/* Weighted mean and covariance. */
struct transfer_moments {
    double weight, mean[3], covariance[3][3];
};

/* Those of all pixels of INPUT on the axes of BASIS. Sums are taken by bands and added in their
 * order, so that threads do not show; those of 8-bit sRGB are whole numbers. */
bool transfer_moments_of(const struct transfer_input *input, const struct transfer_basis *basis,
                         struct transfer_moments *moments, struct error *error);
/* The same from the ten sums 1, a, b, c, aa, ab, ac, bb, bc, cc. */
void transfer_moments_set(struct transfer_moments *moments, const double sums[10]);
void transfer_moments_map(struct transfer_moments *moments, const struct affine *map);

/* The maps of both parametric methods, on the axes. */
void transfer_mkl(const struct transfer_moments *source, const struct transfer_moments *reference,
                  double code, struct affine *map);
void transfer_reinhard(const struct transfer_moments *source,
                       const struct transfer_moments *reference, double code, struct affine *map);

/* Rotation INDEX of a list that covers all of them evenly: Halton's points to quaternions
 * (Shoemake: "Uniform random rotations", Graphics Gems III, 1992). The first leaves the axes. */
void transfer_frame(unsigned index, double frame[3][3]);

/* Pixels drawn from one side, on the axes: at most TRANSFER_SAMPLE_MOST, one from each of as many
 * runs of pixels that count, the same ones every time. */
enum { TRANSFER_SAMPLE_MOST = 1 << 18 };
struct transfer_sample {
    float *axis[3], *weight;
    size_t count;
};
bool transfer_sample_draw(struct transfer_sample *sample, const struct transfer_input *input,
                          const struct transfer_basis *basis, struct error *error);
void transfer_sample_free(struct transfer_sample *sample);

/* A table for each axis: straight lines between points, going on at either end with slope 1. */
enum { TRANSFER_TABLE_STEPS = 512 };
struct transfer_tables {
    float low[3], per_unit[3]; /* point = (value - low) * per_unit */
    float value[3][TRANSFER_TABLE_STEPS + 1];
};

/* An affine map, then tables or NULL. */
struct transfer_stage {
    float map[3][4];
    struct transfer_tables *tables;
};

enum { TRANSFER_STAGES_MOST = 64 };
struct transfer {
    enum transfer_space space;
    struct transfer_basis basis;
    struct lut lattice; /* what a long chain makes of encoded sRGB; no points: there is none */
    struct affine pending; /* the map that no stage has yet */
    size_t count;
    struct transfer_stage stages[TRANSFER_STAGES_MOST];
};

/* Put a map, and tables (which become the chain's), behind the chain. */
void transfer_push_map(struct transfer *transfer, const struct affine *map);
bool transfer_push_tables(struct transfer *transfer, struct transfer_tables *tables,
                          struct error *error);

/* COUNT pixels, planar, in place. */
void transfer_map_row(const float map[3][4], float *restrict a, float *restrict b,
                      float *restrict c, size_t count);
void transfer_tables_row(const struct transfer_tables *tables, float *const v[3], size_t count);

/* Appends the steps of the non-parametric methods to TRANSFER. Changes both samples. */
bool transfer_fit_steps(struct transfer *transfer, enum transfer_method method,
                        struct transfer_sample *source, struct transfer_sample *reference,
                        unsigned threads, struct error *error);

#endif
