/* SPDX-License-Identifier: MIT */
/* The most frequent exact colours. */
#ifndef OPS_PALETTE_EXACT_H
#define OPS_PALETTE_EXACT_H

#include "ops/palette_scan.h"
#include "ops/pixels.h"

struct palette_exact {
    uint64_t key, weight; /* see palette_scan.h */
};

struct palette_exact_options {
    size_t most;              /* colours wanted */
    const double *ignore_lab; /* NULL, or what does not count */
    double ignore_de;
    unsigned threads;
};

struct palette_exact_totals {
    uint64_t weight, ignored; /* what counts, and what is left out by ignore_lab or by SCAN */
};

/* The colours that weigh most into FOUND, the heaviest first, equal ones by their samples; *COUNT
 * is how many. An image may have as many colours as pixels: each pass over it counts those whose
 * hash falls into one part, and there are as many passes as keep a part below two million
 * colours (64 MiB for each thread, of which there are at most four). */
bool palette_exact_find(const struct palette_scan *scan, const struct pixel_reader *reader,
                        const struct palette_exact_options *options, struct palette_exact *found,
                        size_t *count, struct palette_exact_totals *totals, struct error *error);

#endif
