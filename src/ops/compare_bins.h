/* SPDX-License-Identifier: MIT */
/* A histogram of differences that is fine enough for quantiles of four decimals.
 *
 * A difference becomes a whole number: steps of 2^-19 up to 512, the float's own bits beyond. The
 * number without its last 8 bits is the bin. A bin holds in one integer how many there were and,
 * below that, the sum of those last bits: so a bin with one value, as plain images have, gives that
 * value back, and others the mean of what is at most 2^-11 apart. */
#ifndef OPS_COMPARE_BINS_H
#define OPS_COMPARE_BINS_H

#include "base/bits.h"
#include "base/error.h"

enum { BINS_FINE = 19, BINS_LAST_BITS = 8, BINS_TOP = 512, BINS_LINEAR = BINS_TOP << BINS_FINE };

struct compare_bins {
    unsigned dropped;     /* of the last bits, where their sum would not fit */
    unsigned count_shift; /* what is above it is the count */
    uint64_t *items;      /* owned; what is never touched has no memory */
};

/* Bins for up to PIXELS differences. */
bool compare_bins_new(struct compare_bins *bins, uint64_t pixels, struct error *error);
void compare_bins_free(struct compare_bins *bins);

/* The number of a difference from 0 on. Below BINS_TOP it is
 * (int32_t)(difference * (1 << BINS_FINE) + 0.5f). */
int32_t compare_bins_number(float difference);

static inline void compare_bins_add(const struct compare_bins *bins, int32_t number)
{
    uint32_t last = (uint32_t)number & ((1 << BINS_LAST_BITS) - 1);
    bins->items[(uint32_t)number >> BINS_LAST_BITS] +=
        ((uint64_t)1 << bins->count_shift) + (last >> bins->dropped);
}

/* Adds what FROM holds; neither has more than MOST. */
void compare_bins_merge(struct compare_bins *bins, const struct compare_bins *from, float most);

/* The quantile SHARE of COUNT differences, the largest of which is MOST: between the two nearest
 * ranks it interpolates (type 7 of Hyndman, Fan). */
double compare_bins_quantile(const struct compare_bins *bins, uint64_t count, double share,
                             float most);

#endif
