/* SPDX-License-Identifier: MIT */
/* CIEDE2000 of whole rows of pixels. */
#ifndef OPS_CIEDE_H
#define OPS_CIEDE_H

#include <stddef.h>
#include <stdint.h>

/* Differences of COUNT pixels, ONE against TWO (planes L, a, b each), into DIFFERENCE. The formula
 * of Sharma, Wu, Dalal 2005 in single precision, without trigonometry: the mean hue is the
 * direction between two unit vectors, its multiples follow from the addition theorems. Within
 * 0.001 of lab_ciede2000(), except where the two hues are opposite: there the formula itself jumps,
 * and rounding may land on the other side. */
void ciede2000_row(const float *const one[3], const float *const two[3], float *difference,
                   size_t count);

/* The same, and says which pixels those are: the numbers of all whose hues are opposite to within
 * half a degree, and whose chroma is not so small that the jump is below 0.002, go to DOUBTFUL,
 * which has room for COUNT. Returns how many. */
size_t ciede2000_row_doubtful(const float *const one[3], const float *const two[3],
                              float *difference, size_t count, uint32_t *doubtful);

#endif
