/* SPDX-License-Identifier: MIT */
/* Content by alpha. Rows are read from the top and from the bottom until something is found, then
 * columns between them: what lies inside of the box is never touched, so a large cutout costs
 * less than one pass over its memory. */
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "ops/crop.h"

enum { GAP = 2, LOOK_AHEAD = 128 };

struct point {
    uint32_t x, y;
};

struct alpha_search {
    const struct image *image;
    size_t pixel_bytes, alpha_offset;
    unsigned limit; /* in the image's own depth: content is above */
    uint64_t least;
    uint64_t *visited; /* a bit for each pixel of a piece that was looked at */
    uint64_t *kept;    /* of those, the pixels of pieces that are large enough */
    size_t row_words;
    struct point *queue;
    size_t capacity;
};

static inline bool is_above(const struct alpha_search *search, uint32_t x, uint32_t y)
{
    const uint8_t *at = image_row(search->image, y) + x * search->pixel_bytes +
                        search->alpha_offset;
    uint16_t wide;
    if (search->image->shape.depth == 8)
        return *at > search->limit;
    memcpy(&wide, at, sizeof wide);
    return wide > search->limit;
}

static inline bool bit_test(const struct alpha_search *search, const uint64_t *bits, uint32_t x,
                            uint32_t y)
{
    return bits[search->row_words * y + x / 64] >> x % 64 & 1;
}

static inline void bit_set(const struct alpha_search *search, uint64_t *bits, uint32_t x,
                           uint32_t y)
{
    bits[search->row_words * y + x / 64] |= 1ull << x % 64;
}

/* Whether any of LOOK_AHEAD pixels of four bytes is above LIMIT. On a little-endian machine
 * alpha, the last sample, is the top of the pixel read as one number: a plain comparison. */
MULTIVERSION
static bool block_any_32(const uint8_t *pixels, uint32_t limit)
{
    uint32_t any = 0;
    for (size_t i = 0; i < LOOK_AHEAD; i++) {
        uint32_t pixel;
        memcpy(&pixel, pixels + 4 * i, sizeof pixel);
        any |= pixel > limit;
    }
    return any != 0;
}

static bool block_any(const struct alpha_search *search, uint32_t x, uint32_t y, uint32_t count)
{
    const uint8_t *at = image_row(search->image, y) + x * search->pixel_bytes;
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && search->pixel_bytes == 4 &&
        count == LOOK_AHEAD) {
        unsigned shift = search->image->shape.depth == 8 ? 24 : 16;
        return block_any_32(at, search->limit << shift | ((1u << shift) - 1));
    }
    bool any = false;
    for (uint32_t i = 0; i < count; i++)
        any |= is_above(search, x + i, y);
    return any;
}

static bool queue_push(struct alpha_search *search, size_t *count, uint32_t x, uint32_t y,
                       struct error *error)
{
    if (*count == search->capacity) {
        size_t capacity = search->capacity < 512 ? 1024 : search->capacity * 2;
        struct point *queue = realloc(search->queue, capacity * sizeof *queue);
        if (!queue)
            return error_set(error, ERROR_NO_MEMORY, "no memory for a piece of %zu pixels",
                             capacity);
        search->queue = queue;
        search->capacity = capacity;
    }
    bit_set(search, search->visited, x, y);
    search->queue[(*count)++] = (struct point){x, y};
    return true;
}

/* Adds what is near P to the queue. *COUNTS where that belongs to a piece known to be large. */
static bool queue_neighbours(struct alpha_search *search, struct point p, size_t *count,
                             bool *counts, struct error *error)
{
    const struct image_shape *shape = &search->image->shape;
    uint32_t left = p.x > GAP ? p.x - GAP : 0, top = p.y > GAP ? p.y - GAP : 0;
    for (uint32_t y = top; y <= p.y + GAP && y < shape->height; y++)
        for (uint32_t x = left; x <= p.x + GAP && x < shape->width; x++) {
            if (bit_test(search, search->visited, x, y))
                *counts |= bit_test(search, search->kept, x, y);
            else if (is_above(search, x, y) && !queue_push(search, count, x, y, error))
                return false;
        }
    return true;
}

/* Whether the piece around (X, Y), which was not visited before, is large enough. */
static bool piece_counts(struct alpha_search *search, uint32_t x, uint32_t y, bool *counts,
                         struct error *error)
{
    size_t count = 0;
    if (!queue_push(search, &count, x, y, error))
        return false;
    *counts = count >= search->least;
    for (size_t next = 0; next < count && !*counts; next++) {
        if (!queue_neighbours(search, search->queue[next], &count, counts, error))
            return false;
        *counts |= count >= search->least;
    }
    for (size_t i = 0; *counts && i < count; i++)
        bit_set(search, search->kept, search->queue[i].x, search->queue[i].y);
    return true;
}

/* The first pixel of row Y in [FROM, TO) that belongs to content, from the left or, BACKWARDS,
 * from the right. *FOUND is TO where there is none. */
static bool row_first(struct alpha_search *search, uint32_t y, uint32_t from, uint32_t to,
                      bool backwards, uint32_t *found, struct error *error)
{
    *found = to;
    for (uint32_t done = 0; done < to - from;) {
        uint32_t part = to - from - done < LOOK_AHEAD ? to - from - done : LOOK_AHEAD;
        uint32_t start = backwards ? to - done - part : from + done;
        done += part;
        if (!block_any(search, start, y, part))
            continue;
        for (uint32_t i = 0; i < part; i++) {
            uint32_t x = backwards ? start + part - 1 - i : start + i;
            if (!is_above(search, x, y))
                continue;
            bool counts = bit_test(search, search->kept, x, y);
            if (!bit_test(search, search->visited, x, y) &&
                !piece_counts(search, x, y, &counts, error))
                return false;
            if (counts) {
                *found = x;
                return true;
            }
        }
    }
    return true;
}

static bool search_rows(struct alpha_search *search, uint32_t *top, uint32_t *bottom,
                        struct error *error)
{
    uint32_t width = search->image->shape.width, height = search->image->shape.height, x = width;
    for (*top = 0; *top < height; (*top)++) {
        if (!row_first(search, *top, 0, width, false, &x, error))
            return false;
        if (x < width)
            break;
    }
    if (*top == height)
        return true;
    for (*bottom = height - 1; *bottom > *top; (*bottom)--) {
        if (!row_first(search, *bottom, 0, width, false, &x, error))
            return false;
        if (x < width)
            break;
    }
    return true;
}

static bool search_box(struct alpha_search *search, struct crop_box *content, struct error *error)
{
    uint32_t width = search->image->shape.width, height = search->image->shape.height;
    uint32_t top = 0, bottom = 0, left = width, right = 0, x;
    *content = (struct crop_box){0};
    if (!search_rows(search, &top, &bottom, error))
        return false;
    if (top == height)
        return true;
    for (uint32_t y = top; y <= bottom; y++) {
        if (!row_first(search, y, 0, left, false, &x, error))
            return false;
        left = x;
        /* From here on only what is to the right of the last find can move the edge. */
        if (right + 1 < width && !row_first(search, y, right, width, true, &x, error))
            return false;
        right = right + 1 < width && x < width ? x : right;
    }
    *content = (struct crop_box){left, top, (int64_t)right - left + 1, (int64_t)bottom - top + 1};
    return true;
}

bool crop_alpha_content(const struct image *image, unsigned threshold, uint64_t least_pixels,
                        struct crop_box *content, struct error *error)
{
    const struct image_shape *shape = &image->shape;
    *content = (struct crop_box){0, 0, shape->width, shape->height};
    if (!shape->alpha)
        return true;
    struct alpha_search search = {
        .image = image,
        .pixel_bytes = image_pixel_bytes(shape),
        .alpha_offset = image_pixel_bytes(shape) - shape->depth / 8,
        .limit = threshold > 255 ? 65535 : shape->depth == 16 ? threshold * 257 : threshold,
        .least = least_pixels > 0 ? least_pixels : 1,
        .row_words = ((size_t)shape->width + 63) / 64,
    };
    size_t row_bytes = search.row_words * sizeof *search.visited;
    search.visited = memory_zeroed(shape->height, row_bytes, error);
    search.kept = memory_zeroed(shape->height, row_bytes, error);
    bool done = search.visited && search.kept && search_box(&search, content, error);
    free(search.visited);
    free(search.kept);
    free(search.queue);
    return done;
}
