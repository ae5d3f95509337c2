/* SPDX-License-Identifier: MIT */
/* Colours back to pixels: what ops/pixels.h reads, written. */
#ifndef OPS_PIXEL_WRITER_H
#define OPS_PIXEL_WRITER_H

#include "image/image.h"

/* Writes rows of linear-light sRGB as samples of one image. */
struct pixel_writer;

/* A writer into IMAGE, which must outlive it: RGB, 8 or 16 bits, with or without alpha. Its profile
 * is not looked at: what is written is sRGB. */
bool pixel_writer_new(struct pixel_writer **writer, struct image *image, struct error *error);
void pixel_writer_free(struct pixel_writer *writer);

/* COUNT pixels of row Y from X on; clipped to 0..1 (NaN is 0), rounded to the nearest code, so that
 * what pixel_reader_linear() made of 8-bit samples comes back as it was. Alpha is left as it is.
 * Several threads may write at a time, to different pixels. */
void pixel_writer_linear(const struct pixel_writer *writer, uint32_t x, uint32_t y, size_t count,
                         const float *const linear[3]);

#endif
