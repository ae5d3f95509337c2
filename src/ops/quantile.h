/* SPDX-License-Identifier: MIT */
/* Order statistics. */
#ifndef OPS_QUANTILE_H
#define OPS_QUANTILE_H

#include <stddef.h>

/* The value that SHARE (0..1) of the COUNT VALUES do not exceed; 0 where there are none. VALUES
 * are put in another order. Hoare's selection: linear on average. */
static inline float quantile(float *values, size_t count, double share)
{
    if (count == 0)
        return 0.0f;
    size_t wanted = (size_t)(share * (double)(count - 1) + 0.5), low = 0, high = count - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        ptrdiff_t i = (ptrdiff_t)low - 1, j = (ptrdiff_t)high + 1;
        for (;;) {
            do
                i++;
            while (values[i] < pivot);
            do
                j--;
            while (values[j] > pivot);
            if (i >= j)
                break;
            float swap = values[i];
            values[i] = values[j];
            values[j] = swap;
        }
        /* Everything up to j is at most the pivot, everything behind at least. */
        if (wanted <= (size_t)j)
            high = (size_t)j;
        else
            low = (size_t)j + 1;
    }
    return values[wanted];
}

#endif
