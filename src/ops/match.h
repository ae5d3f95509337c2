/* SPDX-License-Identifier: MIT */
/* The nearest colours of a catalogue: exactly those that comparing with all of it would give.
 *
 * CIEDE2000 without factors of its own looks at a part of the catalogue only: at the colours whose
 * lightness alone does not put them farther away than what was found, and among those exactly at
 * the ones that single precision does not rule out. The other formulas compare with all. */
#ifndef OPS_MATCH_H
#define OPS_MATCH_H

#include <stddef.h>

#include "base/error.h"
#include "color/difference.h"

struct matcher;

struct match {
    size_t index; /* of the catalogue */
    double de;
};

/* A matcher of COUNT colours, Lab (D65), which are copied. The catalogue is the reference of
 * formulas that have one. */
bool matcher_new(struct matcher **matcher, const struct difference *difference,
                 const double (*lab)[3], size_t count, struct error *error);
void matcher_free(struct matcher *matcher);

/* The WANTED nearest to LAB (D65), nearest first, equal ones in the order of the catalogue. Returns
 * how many were found: WANTED, or all there are. Several threads may ask at a time. */
size_t matcher_find(const struct matcher *matcher, const double lab[3], size_t wanted,
                    struct match *found);

#endif
