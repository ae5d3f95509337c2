/* SPDX-License-Identifier: MIT */
/* The bytes of a JPEG for a decoder, without the scans that it shall not see. */
#ifndef CODEC_JPEG_FEED_H
#define CODEC_JPEG_FEED_H

#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "codec/jpeg_markers.h"

struct jpeg_feed {
    struct source *source;
    struct jpeg_layout layout;
    unsigned only; /* the one scan to show, counted from 1; 0: all that are not marked */
    uint64_t end;  /* show nothing from here on; 0: no such place */
    size_t shown;  /* bytes that the decoder has, not yet taken from the source */
};

/* Finds the scans of SOURCE, which is at its start, and goes back there. The usual file has one
 * scan, seen near its start; a pipe is only kept whole where that is not so. Too many scans are
 * ERROR_LIMIT. */
bool jpeg_feed_open(struct jpeg_feed *feed, struct source *source, struct error *error);

/* The next bytes, COUNT of them; 0 at the end. The ones before are no longer valid. NULL only
 * where reading fails. */
const uint8_t *jpeg_feed_next(struct jpeg_feed *feed, size_t *count, struct error *error);

/* After scans have been marked, or ONLY was set: how many of the LEFT bytes that the decoder still
 * has not used that leaves it. */
size_t jpeg_feed_cut(struct jpeg_feed *feed, size_t left);

/* Takes what the decoder has used: all but the last LEFT bytes. */
void jpeg_feed_close(struct jpeg_feed *feed, size_t left);

#endif
