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
        if ((feed->only > 0 ? feed->only != i + 1 : feed->layout.scans[i].skip) &&
            feed->layout.scans[i].start >= offset)
            return &feed->layout.scans[i];
    return NULL;
}

/* How many of COUNT bytes from OFFSET on lie before LIMIT. */
static size_t feed_before(uint64_t limit, uint64_t offset, size_t count)
{
    uint64_t left = limit > offset ? limit - offset : 0;
    return left < count ? (size_t)left : count;
}

const uint8_t *jpeg_feed_next(struct jpeg_feed *feed, size_t *count, struct error *error)
{
    struct source *source = feed->source;
    const struct jpeg_scan *skip;
    source_take(source, feed->shown);
    feed->shown = 0;
    while ((skip = feed_skip(feed, source->taken_bytes)) != NULL &&
           skip->start == source->taken_bytes)
        if (!source_skip(source, skip->end - skip->start, error))
            return NULL;
    const uint8_t *bytes = source_peek(source, 1, count, error);
    if (bytes == NULL)
        return NULL;
    if (feed->end > 0)
        *count = feed_before(feed->end, source->taken_bytes, *count);
    if (skip != NULL)
        *count = feed_before(skip->start, source->taken_bytes, *count);
    feed->shown = *count;
    return bytes;
}

size_t jpeg_feed_cut(struct jpeg_feed *feed, size_t left)
{
    if (left > feed->shown)
        return left; /* not our bytes: the end has been met */
    size_t used = feed->shown - left;
    uint64_t offset = feed->source->taken_bytes + used;
    const struct jpeg_scan *skip = feed_skip(feed, offset);
    if (skip != NULL)
        left = feed_before(skip->start, offset, left);
    feed->shown = used + left;
    return left;
}

void jpeg_feed_close(struct jpeg_feed *feed, size_t left)
{
    source_take(feed->source, feed->shown - (left < feed->shown ? left : feed->shown));
    feed->shown = 0;
}
