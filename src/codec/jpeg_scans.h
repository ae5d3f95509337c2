/* SPDX-License-Identifier: MIT */
/* The scans of a progressive JPEG side by side.
 *
 * Each scan goes over the whole picture, and gives some bits of some of its coefficients. Read one
 * after the other they need all coefficients in between. Here each scan has a decoder of its own,
 * and all of them go down the picture together: only a few rows of coefficients are there at a
 * time, the first pixels come at once, and several threads can take part.
 *
 * The first scan stays with the reader's own decoder, called the picture's here, which turns rows
 * of coefficients into pixels when all scans have been there.
 *
 * This is for files in good order. At the first sign that one is not, every call fails without
 * saying why, and the reader starts again with one scan after the other. */
#ifndef CODEC_JPEG_SCANS_H
#define CODEC_JPEG_SCANS_H

#include "codec/jpeg_feed.h"
#include "codec/jpeg_library.h"

struct jpeg_scans;

/* Opens the scans that FEED shows to PICTURE, whose header has been read, but for the first; NULL
 * where that is not possible or not wise. At most THREADS threads will take part. */
struct jpeg_scans *jpeg_scans_open(const struct jpeg_feed *feed,
                                   const struct jpeg_decompress_struct *picture, unsigned threads);
void jpeg_scans_close(struct jpeg_scans *scans);

/* What PICTURE's memory manager gives out in place of its own: the array of a component that has so
 * many blocks; and rows of it, complete unless they are WRITABLE. NULL where it does not fit. */
jvirt_barray_ptr jpeg_scans_array(struct jpeg_scans *scans, unsigned component, JDIMENSION columns,
                                  JDIMENSION rows);
JBLOCKARRAY jpeg_scans_access(struct jpeg_scans *scans, jvirt_barray_ptr array, JDIMENSION first,
                              JDIMENSION count, bool writable);

/* Calls WORK(CONTEXT), which uses the picture's decoder; other threads help meanwhile. */
void jpeg_scans_read(struct jpeg_scans *scans, void (*work)(void *context), void *context);

/* After the last row: whether all scans ended where they should. */
bool jpeg_scans_finish(struct jpeg_scans *scans);

#endif
