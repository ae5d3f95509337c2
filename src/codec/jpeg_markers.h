/* SPDX-License-Identifier: MIT */
/* The scans of a JPEG, found by walking its markers without decoding anything.
 *
 * A scan costs a decoder a pass over the whole picture however few bytes it has, so they are
 * counted before the first is decoded. Knowing them also tells which ones a reduction can do
 * without: see jpeg_plan.h. */
#ifndef CODEC_JPEG_MARKERS_H
#define CODEC_JPEG_MARKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/source.h"
#include "codec/codec.h"

enum { JPEG_MAX_COMPONENTS = 4 };

struct jpeg_scan {
    uint64_t start, end;    /* bytes from the start of the file: the SOS marker, what follows */
    uint8_t components;     /* bit i: the i-th component of the frame header */
    uint8_t first, last;    /* coefficients, in the order of the file: Ss, Se */
    uint8_t before, after;  /* bits of them still missing before and after: Ah, Al */
    bool skip;              /* not needed, see jpeg_plan_scans() */
};

struct jpeg_layout {
    bool known;             /* the walk met nothing that it does not understand */
    bool one_pass;          /* not progressive, and the first scan has all components */
    bool progressive;
    bool complete;          /* the end marker is there; not looked for where one_pass is set */
    uint8_t component_count, component_id[JPEG_MAX_COMPONENTS];
    uint64_t broken_at;     /* the marker whose content is not all there or not right; 0: none */
    uint64_t other_bytes;   /* seen outside of scans: segments, and junk between them */
    unsigned scan_count;    /* the walk ends at CODEC_JPEG_MAX_SCANS + 1 */
    struct jpeg_scan scans[CODEC_JPEG_MAX_SCANS];
};

/* Reads SOURCE from where it is up to the end marker, or up to the first scan where the picture
 * has only one, or up to whatever cannot be understood: a decoder will say what is wrong with it.
 * False only where reading fails. */
bool jpeg_layout_read(struct source *source, struct jpeg_layout *layout, struct error *error);

#endif
