/* SPDX-License-Identifier: MIT */
/* The one EXIF tag that changes pixels. */
#ifndef CODEC_EXIF_H
#define CODEC_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* The orientation (TIFF tag 274 of IFD0) in a block that starts with the TIFF header ("II*\0" or
 * "MM\0*"); 1 where there is none or it makes no sense. */
unsigned exif_orientation(const uint8_t *data, size_t size);

/* Sets that tag to 1 where it is present, for pixels that have been turned upright. */
void exif_reset_orientation(uint8_t *data, size_t size);

#endif
