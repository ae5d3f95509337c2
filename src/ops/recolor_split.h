/* SPDX-License-Identifier: MIT */
/* What the light of each pixel is made of: body, highlight, and a rest that the model does not
 * explain. */
#ifndef OPS_RECOLOR_SPLIT_H
#define OPS_RECOLOR_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

struct recolor_split {
    float body[3];  /* linear light */
    bool chromatic; /* least squares; otherwise by luminance */
    float weight[3], doubt; /* of the components in the fit; m_s that noise alone may make */
    float light_y;          /* luminance of the body */
};

/* BODY in linear light, 0 or more and not all 0; chromatic where C* is at least 20. */
void recolor_split_init(struct recolor_split *split, const double body[3]);

/* Planes of the parts of a row. */
struct recolor_parts {
    float *m_b, *m_s; /* what there is of the body, and of white */
    float *trust;     /* 1: the pixel is body; 0: its colour is none of the model's */
};

/* COUNT pixels of linear light into PARTS. CAP is the largest m_b of each pixel, only read where
 * the split is by luminance. Where there is no trust, m_b is 0: wood, a label, tinted glass stay
 * what they are. */
void recolor_split_row(const struct recolor_split *split, const float *const linear[3],
                       const float *restrict cap, const struct recolor_parts *parts, size_t count);

/* The other way: COUNT pixels with m_b times TO in place of m_b times the body, in place. The body
 * by itself gets no brighter than the gamut allows: a bright yellow would turn white at its lit
 * side, while a camera keeps it yellow. The sum with m_s may leave the gamut. What the
 * model does not explain, noise and texture, keeps its share of the pixel where that gets darker
 * (it would drown a dark colour), and its size where it gets lighter. Without trust that is another
 * thing and stays. */
void recolor_join_row(const struct recolor_split *split, const float to[3],
                      const struct recolor_parts *parts, float *const linear[3], size_t count);

#endif
