/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_markers.h"

#include <string.h>

/* Markers, ITU-T T.81, table B.1. */
enum {
    MARKER_TEM = 0x01,
    MARKER_SOF0 = 0xc0,
    MARKER_SOF2 = 0xc2,
    MARKER_DHT = 0xc4,
    MARKER_JPG = 0xc8,
    MARKER_SOF10 = 0xca,
    MARKER_DAC = 0xcc,
    MARKER_SOF15 = 0xcf,
    MARKER_RST0 = 0xd0,
    MARKER_RST7 = 0xd7,
    MARKER_SOI = 0xd8,
    MARKER_EOI = 0xd9,
    MARKER_SOS = 0xda,
    MARKER_DQT = 0xdb,
    MARKER_DRI = 0xdd,
    MARKER_APP0 = 0xe0,
    MARKER_APP15 = 0xef,
    MARKER_COM = 0xfe,
};

/* The longest headers: 8 bytes and 3 for each of 255 components; 6 and 2 for each of 4. */
enum { FRAME_MAX_BYTES = 8 + 3 * 255, SCAN_MAX_BYTES = 6 + 2 * 4 };

struct walk {
    struct source *source;
    struct jpeg_layout *layout;
    struct error *error;
    bool failed; /* reading did */
};

/* SIZE bytes without taking them; NULL where the input ends before. */
static const uint8_t *walk_peek(struct walk *walk, size_t size)
{
    size_t got = 0;
    const uint8_t *bytes = source_peek(walk->source, size, &got, walk->error);
    if (bytes == NULL)
        walk->failed = true;
    return bytes == NULL || got < size ? NULL : bytes;
}

static bool walk_skip(struct walk *walk, size_t count)
{
    while (count > 0) {
        size_t got = 0;
        if (source_peek(walk->source, 1, &got, walk->error) == NULL)
            walk->failed = true;
        if (walk->failed || got == 0)
            return false;
        size_t step = got < count ? got : count;
        source_take(walk->source, step);
        count -= step;
    }
    return true;
}

/* Goes on to the next 0xff. */
static bool walk_to_ff(struct walk *walk)
{
    for (;;) {
        size_t got = 0;
        const uint8_t *bytes = source_peek(walk->source, 1, &got, walk->error);
        if (bytes == NULL)
            walk->failed = true;
        if (walk->failed || got == 0)
            return false;
        const uint8_t *found = memchr(bytes, 0xff, got);
        source_take(walk->source, found == NULL ? got : (size_t)(found - bytes));
        if (found != NULL)
            return true;
    }
}

/* Goes on to the next marker and past it. *START is where its last 0xff is. In a scan a restart
 * marker is no end; elsewhere it is a marker without content, and comes to the same. */
static bool walk_marker(struct walk *walk, unsigned *marker, uint64_t *start)
{
    while (walk_to_ff(walk)) {
        const uint8_t *bytes = walk_peek(walk, 2);
        if (bytes == NULL)
            return false;
        *marker = bytes[1];
        *start = walk->source->taken_bytes;
        bool fill = *marker == 0xff;
        source_take(walk->source, fill ? 1 : 2);
        if (!fill && *marker != 0 && *marker != MARKER_TEM &&
            !(*marker >= MARKER_RST0 && *marker <= MARKER_RST7))
            return true;
    }
    return false;
}

static bool marker_is_frame(unsigned marker)
{
    return marker >= MARKER_SOF0 && marker <= MARKER_SOF15 && marker != MARKER_DHT &&
           marker != MARKER_JPG && marker != MARKER_DAC;
}

static bool marker_has_content(unsigned marker)
{
    return marker_is_frame(marker) || marker == MARKER_DHT || marker == MARKER_DAC ||
           (marker >= MARKER_SOS && marker <= MARKER_DRI) ||
           (marker >= MARKER_APP0 && marker <= MARKER_APP15) || marker == MARKER_COM;
}

static bool walk_frame(struct walk *walk, unsigned marker, size_t size)
{
    struct jpeg_layout *layout = walk->layout;
    if (size < 8 || size > FRAME_MAX_BYTES || layout->component_count > 0)
        return false;
    const uint8_t *header = walk_peek(walk, size);
    if (header == NULL || header[7] == 0 || header[7] > JPEG_MAX_COMPONENTS ||
        size != 8u + 3u * header[7])
        return false;
    layout->progressive = marker == MARKER_SOF2 || marker == MARKER_SOF10;
    layout->component_count = header[7];
    for (unsigned i = 0; i < layout->component_count; i++)
        layout->component_id[i] = header[8 + 3 * i];
    return walk_skip(walk, size);
}

static bool walk_scan(struct walk *walk, uint64_t start, size_t size)
{
    struct jpeg_layout *layout = walk->layout;
    if (size < 6 || size > SCAN_MAX_BYTES)
        return false;
    const uint8_t *header = walk_peek(walk, size);
    if (header == NULL || size != 6u + 2u * header[2])
        return false;
    unsigned count = header[2];
    struct jpeg_scan scan = {.start = start};
    /* Where two components have one name, it means both of them here. */
    for (unsigned i = 0; i < count; i++)
        for (unsigned c = 0; c < layout->component_count; c++)
            if (header[3 + 2 * i] == layout->component_id[c])
                scan.components |= (uint8_t)(1u << c);
    const uint8_t *range = header + 3 + 2 * count;
    scan.first = range[0];
    scan.last = range[1];
    scan.before = range[2] >> 4;
    scan.after = range[2] & 15;
    if (layout->scan_count < CODEC_JPEG_MAX_SCANS)
        layout->scans[layout->scan_count] = scan;
    layout->scan_count++;
    layout->one_pass = layout->scan_count == 1 && !layout->progressive &&
                       count == layout->component_count;
    return walk_skip(walk, size);
}

/* All that has been seen and is not in a scan. */
static uint64_t walk_other_bytes(const struct walk *walk)
{
    const struct jpeg_layout *layout = walk->layout;
    uint64_t bytes = walk->source->taken_bytes;
    for (unsigned i = 0; i < layout->scan_count && i < CODEC_JPEG_MAX_SCANS; i++)
        if (layout->scans[i].end > 0)
            bytes -= layout->scans[i].end - layout->scans[i].start;
    return bytes;
}

static void walk_all(struct walk *walk)
{
    struct jpeg_layout *layout = walk->layout;
    unsigned marker = 0;
    uint64_t start = 0;
    if (walk_peek(walk, 2) == NULL || !walk_skip(walk, 2))
        return;
    while (!layout->one_pass && layout->scan_count <= CODEC_JPEG_MAX_SCANS &&
           walk_marker(walk, &marker, &start)) {
        if (layout->scan_count > 0 && layout->scans[layout->scan_count - 1].end == 0)
            layout->scans[layout->scan_count - 1].end = start;
        layout->complete = marker == MARKER_EOI;
        if (layout->complete)
            break;
        const uint8_t *length = marker_has_content(marker) ? walk_peek(walk, 2) : NULL;
        size_t size = length == NULL ? 0 : (size_t)(length[0] << 8 | length[1]);
        bool good = size >= 2;
        if (good && marker == MARKER_SOS)
            good = walk_scan(walk, start, size);
        else if (good && marker_is_frame(marker))
            good = walk_frame(walk, marker, size);
        else if (good)
            good = walk_skip(walk, size);
        if (!good) {
            layout->broken_at = start;
            return;
        }
    }
    layout->known = layout->complete || layout->one_pass;
    layout->other_bytes = walk_other_bytes(walk);
}

bool jpeg_layout_read(struct source *source, struct jpeg_layout *layout, struct error *error)
{
    struct walk walk = {.source = source, .layout = layout, .error = error};
    *layout = (struct jpeg_layout){0};
    walk_all(&walk);
    return !walk.failed;
}
