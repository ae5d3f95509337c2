/* SPDX-License-Identifier: MIT */
/* What the quantisation tables of a JPEG say about it. */
#ifndef CODEC_JPEG_TABLES_H
#define CODEC_JPEG_TABLES_H

#include <stdint.h>

/* The place in natural order (rows of 8) of the i-th coefficient in the order of the file: the
 * zigzag of ITU-T T.81, figure 5. */
extern const uint8_t jpeg_zigzag[64];

/* The quality 1..100 whose tables come nearest to these, in natural order: the scaling that the
 * Independent JPEG Group's library does to the example tables K.1 and K.2 of ITU-T T.81. Exact for
 * files that use it. CHROMA is NULL for a grey image. */
int jpeg_tables_quality(const uint16_t luma[64], const uint16_t chroma[64]);

/* How the error of one coefficient shows in a picture that is reduced RATIO times in each
 * direction: SHARE[u] is the part of the energy of the DCT's basis function u that lies below the
 * reduced picture's Nyquist frequency, for a one-dimensional block of 8 samples. In two dimensions
 * the shares multiply. */
void jpeg_tables_visible_share(double ratio, double share[8]);

#endif
