/* SPDX-License-Identifier: MIT */
/* The metadata of a JPEG: application segments with EXIF, XMP and the parts of an ICC profile. */
#ifndef CODEC_JPEG_SEGMENTS_H
#define CODEC_JPEG_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "image/image.h"

enum {
    JPEG_APP1 = 0xe1,
    JPEG_APP2 = 0xe2,
    JPEG_SEGMENT_MAX_BYTES = 65533, /* of content: the length counts its own two bytes */
    JPEG_ICC_MAX_PARTS = 255,
};

/* What has been collected so far; starts zeroed. */
struct jpeg_segments {
    unsigned orientation;  /* 0: no EXIF yet */
    struct blob exif, xmp; /* as struct image_metadata has them */
    struct blob icc[JPEG_ICC_MAX_PARTS];
    unsigned icc_parts;    /* as the parts say; 0: none yet */
    size_t icc_bytes;
    const char *icc_problem; /* why the profile is of no use */
};

/* Takes the content of an APP1 or APP2 segment. Of EXIF and XMP the first one counts; their bytes
 * are kept where KEEP is set. Other segments are ignored. Fails only for want of memory. */
bool jpeg_segments_add(struct jpeg_segments *segments, unsigned marker, const uint8_t *data,
                       size_t size, bool keep, struct error *error);

/* Moves what was collected into METADATA. A profile with missing or doubled parts is left out:
 * *PROBLEM then says so, and is NULL otherwise. */
bool jpeg_segments_finish(struct jpeg_segments *segments, struct image_metadata *metadata,
                          const char **problem, struct error *error);
void jpeg_segments_free(struct jpeg_segments *segments);

/* Makes the content of the segment that holds part INDEX of what METADATA is to be written as, in
 * BUFFER of JPEG_SEGMENT_MAX_BYTES. Returns its size and *MARKER, or 0 after the last. EXIF and XMP
 * that do not fit in one segment are left out, and so is a profile of more than 255 parts. */
size_t jpeg_segments_build(const struct image_metadata *metadata, unsigned index, uint8_t *buffer,
                           unsigned *marker);

#endif
