/* SPDX-License-Identifier: MIT */
#include "ops/compare_bins.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

enum { BINS = (BINS_LINEAR >> BINS_LAST_BITS) * 2 };

bool compare_bins_new(struct compare_bins *bins, uint64_t pixels, struct error *error)
{
    unsigned last_bits = BINS_LAST_BITS;
    /* All may fall into one bin, whose integer is then shared by count and sum. */
    while (last_bits > 0 && pixels >> (64 - last_bits) / 2 > 0)
        last_bits -= 4;
    bins->dropped = BINS_LAST_BITS - last_bits;
    bins->count_shift = (64 + last_bits) / 2;
    bins->items = memory_zeroed(BINS, sizeof *bins->items, error);
    return bins->items != NULL;
}

void compare_bins_free(struct compare_bins *bins)
{
    free(bins->items);
    bins->items = NULL;
}

int32_t compare_bins_number(float difference)
{
    if (difference < BINS_TOP)
        return (int32_t)(difference * (1 << BINS_FINE) + 0.5f);
    /* As many numbers again, for eight powers of two. */
    int32_t bits = bits_of(difference) - bits_of(BINS_TOP), most = BINS_LINEAR >> 2;
    return BINS_LINEAR + ((bits < most ? bits : most - 1) << 2);
}

static double difference_of(double number)
{
    if (number <= BINS_LINEAR)
        return number / (1 << BINS_FINE);
    return float_of(bits_of(BINS_TOP) + (int32_t)((number - BINS_LINEAR) / 4));
}

static uint32_t bins_up_to(float most)
{
    return ((uint32_t)compare_bins_number(most) >> BINS_LAST_BITS) + 1;
}

void compare_bins_merge(struct compare_bins *bins, const struct compare_bins *from, float most)
{
    uint32_t used = bins_up_to(most);
    for (uint32_t i = 0; i < used; i++)
        bins->items[i] += from->items[i];
}

/* The difference at RANK, counted from 0 in their order. */
static double difference_at(const struct compare_bins *bins, uint64_t rank, float most)
{
    uint32_t used = bins_up_to(most);
    for (uint32_t i = 0; i < used; i++) {
        uint64_t count = bins->items[i] >> bins->count_shift;
        if (rank >= count) {
            rank -= count;
            continue;
        }
        uint64_t sum = bins->items[i] & (((uint64_t)1 << bins->count_shift) - 1);
        double last = (double)sum / (double)count * (1 << bins->dropped);
        return fmin(difference_of((double)(i << BINS_LAST_BITS) + last), most);
    }
    return most;
}

double compare_bins_quantile(const struct compare_bins *bins, uint64_t count, double share,
                             float most)
{
    double place = share * (double)(count - 1), whole = floor(place);
    double below = difference_at(bins, (uint64_t)whole, most);
    if (place == whole)
        return below;
    return below + (difference_at(bins, (uint64_t)whole + 1, most) - below) * (place - whole);
}
