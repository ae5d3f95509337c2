/* SPDX-License-Identifier: MIT */
/* How much of an image has which colour, in bounded memory.
 *
 * Colours are told apart exactly as long as there are few. Where there are more than the table may
 * hold, the lowest bits of all samples are given up until they fit, and a colour stands for a small
 * cube of them, whose mean is known. The result is that of one table for the whole image, however
 * many threads count: a table gives bits up only when it must, and then so must the whole. */
#ifndef OPS_PALETTE_COUNT_H
#define OPS_PALETTE_COUNT_H

#include "ops/palette_scan.h"

struct palette_count {
    uint64_t key;    /* see palette_scan.h; the bits given up are 0 */
    uint64_t weight; /* 0: a free slot */
    uint64_t edge;   /* the part of it that only leads from one colour to another */
    uint64_t sums[3]; /* of samples times weight */
};

struct palette_counts {
    struct palette_count *items; /* in the order of keys, once counted */
    size_t count;
    unsigned level;              /* bits given up */
    uint64_t weight, ignored;    /* all that was counted; what SCAN says not to count */
};

/* Counts what SCAN gives into at most MOST colours. With FILTER, FILTER_COUNT keys of
 * FILTER_LEVEL in order, only what belongs to them counts. */
struct palette_filter {
    const uint64_t *keys;
    size_t count;
    unsigned level;
};
bool palette_count_new(struct palette_counts *counts, const struct palette_scan *scan,
                       const struct palette_filter *filter, size_t most, unsigned threads,
                       struct error *error);
void palette_count_free(struct palette_counts *counts);

/* The same in steps, for an image whose rows are still coming. Rows FIRST to END, exclusive, are
 * counted together with others of the same LANE, below THREADS and PALETTE_COUNT_LANES; one thread
 * at a time uses a lane. The rows around them are looked at too. A failure is kept for the end. */
enum { PALETTE_COUNT_LANES = 8 };
struct palette_counter;
bool palette_counter_new(struct palette_counter **counter, const struct palette_scan *scan,
                         const struct palette_filter *filter, size_t most, unsigned threads,
                         struct error *error);
void palette_counter_rows(struct palette_counter *counter, size_t lane, uint32_t first,
                          uint32_t end);
bool palette_counter_finish(struct palette_counter *counter, struct palette_counts *counts,
                            struct error *error);
void palette_counter_free(struct palette_counter *counter);

/* KEY without its LEVEL lowest bits. */
static inline uint64_t palette_key_at(uint64_t key, unsigned level)
{
    return key & ~((((uint64_t)1 << level) - 1) * 0x0000000100010001u);
}

#endif
