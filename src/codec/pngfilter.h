/* SPDX-License-Identifier: MIT */
/* The five row filters of PNG (ISO/IEC 15948, section 9), in both directions. Rows are bytes as in
 * the file: 16-bit samples big-endian. */
#ifndef CODEC_PNGFILTER_H
#define CODEC_PNGFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pngfilter {
    PNGFILTER_NONE,
    PNGFILTER_SUB,
    PNGFILTER_UP,
    PNGFILTER_AVERAGE,
    PNGFILTER_PAETH,
    PNGFILTER_COUNT
};

/* Rows to be filtered lie in memory with PNGFILTER_MARGIN zero bytes before them, and with
 * pngfilter_padded() readable bytes: so no loop has a special case at either end. */
enum { PNGFILTER_MARGIN = 8, PNGFILTER_STEP = 64 };
size_t pngfilter_padded(size_t row_bytes);

/* Filters ROW, of which PRIOR is the one above (zeros above the first), into OUT, which has room
 * for the padded row; what is there behind the row does not matter. PIXEL_BYTES: 1 to 8. */
void pngfilter_apply(enum pngfilter filter, const uint8_t *row, const uint8_t *prior, uint8_t *out,
                     size_t row_bytes, unsigned pixel_bytes);

/* The filter after which ROW is likely to become smallest. */
enum pngfilter pngfilter_choose(const uint8_t *row, const uint8_t *prior, size_t row_bytes,
                                unsigned pixel_bytes);

/* Undoes FILTER on ROW in place; PRIOR is the row above, undone. False for an unknown filter. Both
 * have PNGFILTER_MARGIN readable and writable bytes behind them, whose content does not matter. */
bool pngfilter_undo(unsigned filter, uint8_t *row, const uint8_t *prior, size_t row_bytes,
                    unsigned pixel_bytes);

/* Undoes Paeth's filter on two rows, BELOW under ROW; faster than one after the other. */
void pngfilter_undo_paeth_pair(uint8_t *row, uint8_t *below, const uint8_t *prior, size_t row_bytes,
                               unsigned pixel_bytes);

#endif
