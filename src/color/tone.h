/* SPDX-License-Identifier: MIT */
/* Tables between samples and linear light, for resampling. */
#ifndef COLOR_TONE_H
#define COLOR_TONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "color/icc.h"

struct tone_table;

/* For each of 3 colour channels (grey uses the first): DECODE has 2^depth floats, sample to light,
 * strictly rising from 0 to 1. Channels with the same curve share a table. */
struct tone {
    unsigned depth; /* 8 or 16 */
    float *decode[3];
    struct tone_table *encode[3]; /* for tone_encode_row(); NULL is a straight line */
};

enum tone_light { TONE_LINEAR, TONE_GAMMA }; /* light, or the samples' own scale */

/* Curves of PROFILE (empty: sRGB); TONE_GAMMA gives straight lines. */
bool tone_new(struct tone *tone, enum tone_light light, const struct blob *profile,
              enum icc_space space, unsigned depth, struct error *error);
void tone_free(struct tone *tone);

/* COUNT values of light (clipped to 0..1, NaN is 0) to samples of the tone's depth: SAMPLES is
 * uint8_t or uint16_t, STEP samples apart; LIGHT is IN_STEP floats apart. Exactly the nearest code
 * on the samples' scale (16 bit: to 0.001 of a code, or a quarter for the darkest ones).
 * Encoding what decode gave returns the same sample, whatever the curve. */
void tone_encode_row(const struct tone *tone, unsigned channel, const float *light, size_t in_step,
                     void *samples, size_t step, size_t count);

#endif
