/* SPDX-License-Identifier: MIT */
/* The quantised DCT coefficients of one colour component, kept packed.
 *
 * A progressive JPEG needs all its coefficients at once: 128 bytes a block, twice the bytes of the
 * decoded picture. Most of them are 0 and most others small, so that here a block takes one byte
 * for the rows of it that are not empty, one for each such row, and one for two values, but one
 * each up to the last value beyond -8..7, and two each in the rare block with one beyond -128..127.
 * Of the first value a byte has the difference to the block before. Only the block rows in use are
 * unpacked: the window.
 *
 * For a reduction many values are never looked at. Of those the store keeps whether they are 0,
 * which is all that later scans ask, and gives back -1 for the others: a refinement sets bits that
 * are missing in a coefficient, and in -1 none is. */
#ifndef CODEC_COEFFICIENTS_H
#define CODEC_COEFFICIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct coefficients;

struct coefficients_block {
    int16_t value[64]; /* in natural order: 8 rows of 8 */
};

#define COEFFICIENTS_KEEP_ALL UINT64_MAX

/* What an access needs: the first value of each block, the other 63, or both. */
enum { COEFFICIENTS_DC = 1, COEFFICIENTS_AC = 2, COEFFICIENTS_BOTH = 3 };

/* A store of ROWS rows of COLUMNS blocks, all 0. Bit i of KEEP is set where value i must come back
 * as it was stored; value 0 always does. */
bool coefficients_new(struct coefficients **store, uint32_t columns, uint32_t rows, uint64_t keep,
                      struct error *error);
void coefficients_free(struct coefficients *store);

/* Moves the window to COUNT rows from row FIRST on and returns the pointers to them, valid until
 * the next access; NULL on failure. Only what PARTS names is defined in them, and only that may be
 * changed, where WRITABLE. Rows may come in any order and number. */
struct coefficients_block **coefficients_access(struct coefficients *store, uint32_t first,
                                                uint32_t count, unsigned parts, bool writable,
                                                struct error *error);

/* Bytes in use, the window not counted. */
size_t coefficients_bytes(const struct coefficients *store);

/* For tests: leaves the processor's vector instructions unused. */
void coefficients_use_plain_code(struct coefficients *store);

#endif
