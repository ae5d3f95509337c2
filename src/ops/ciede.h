/* SPDX-License-Identifier: MIT */
/* CIEDE2000 of whole rows of pixels. */
#ifndef OPS_CIEDE_H
#define OPS_CIEDE_H

#include <stddef.h>

/* Differences of COUNT pixels, ONE against TWO (planes L, a, b each), into DIFFERENCE. The formula
 * of Sharma, Wu, Dalal 2005 in single precision, without trigonometry: the mean hue is the
 * direction between two unit vectors, its multiples follow from the addition theorems. Within
 * 0.005 of lab_ciede2000() unless the two hues are opposite to within half a degree: there the
 * mean hue is ill defined, and nearer than a hundredth of a degree it may land on the other side
 * of the formula's own jump. */
void ciede2000_row(const float *const one[3], const float *const two[3], float *difference,
                   size_t count);

#endif
