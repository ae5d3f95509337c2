/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_feed.h"

enum { PEEK_BYTES = 64 * 1024 };

bool jpeg_feed_open(struct jpeg_feed *feed, struct source *source, struct error *error)
{
    if (!source->regular && !source->held) {
        size_t got = 0;
        const uint8_t *bytes = source_peek(source, PEEK_BYTES, &got, error);
        if (bytes == NULL)
            return false;
        struct source start;
        source_from_memory(&start, bytes, got);
        if (!jpeg_layout_read(&start, &feed->layout, error))
            return false;
        if (feed->layout.one_pass)
            return true;
    }
    if (!source_hold(source, error) || !jpeg_layout_read(source, &feed->layout, error) ||
        !source_rewind(source, error))
        return false;
    if (feed->layout.scan_count > CODEC_JPEG_MAX_SCANS)
        return error_set(error, ERROR_LIMIT, "more than %d scans", CODEC_JPEG_MAX_SCANS);
    return true;
}

/* The first scan at or behind OFFSET that is passed over. */
static const struct jpeg_scan *feed_skip(const struct jpeg_feed *feed, uint64_t offset)
{
    for (unsigned i = 0; i < feed->layout.scan_count; i++)
        if (feed->layout.scans[i].skip && feed->layout.scans[i].start >= offset)
            return &feed->layout.scans[i];
    return NULL;
}

const uint8_t *jpeg_feed_next(struct jpeg_feed *feed, size_t *count, struct error *error)
{
    struct source *source = feed->source;
    uint64_t skipped = 0; /* of the scan we are in, what is still to come */
    source_take(source, feed->shown);
    feed->shown = 0;
    for (;;) {
        const uint8_t *bytes = source_peek(source, 1, count, error);
        if (bytes == NULL || *count == 0)
            return bytes;
        const struct jpeg_scan *skip = feed_skip(feed, source->taken_bytes);
        if (skipped == 0 && skip != NULL && skip->start == source->taken_bytes)
            skipped = skip->end - skip->start;
        if (skipped == 0) {
            if (skip != NULL && skip->start - source->taken_bytes < *count)
                *count = (size_t)(skip->start - source->taken_bytes);
            feed->shown = *count;
            return bytes;
        }
        size_t step = *count < skipped ? *count : (size_t)skipped;
        source_take(source, step);
        skipped -= step;
    }
}

size_t jpeg_feed_cut(struct jpeg_feed *feed)
{
    const struct jpeg_scan *skip = feed_skip(feed, feed->source->taken_bytes);
    if (skip == NULL || skip->start - feed->source->taken_bytes >= feed->shown)
        return 0;
    size_t kept = (size_t)(skip->start - feed->source->taken_bytes), cut = feed->shown - kept;
    feed->shown = kept;
    return cut;
}

void jpeg_feed_close(struct jpeg_feed *feed, size_t left)
{
    source_take(feed->source, feed->shown - (left < feed->shown ? left : feed->shown));
    feed->shown = 0;
}
