/* SPDX-License-Identifier: MIT */
#include "codec/pngfilter.h"

#include <string.h>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "base/compiler.h"

#define INLINE static inline __attribute__((always_inline))

size_t pngfilter_padded(size_t row_bytes)
{
    return (row_bytes + PNGFILTER_STEP - 1) / PNGFILTER_STEP * PNGFILTER_STEP;
}

/* In the loops below the inner one has a constant count, so that it becomes vectors at any level
 * of optimisation. */

MULTIVERSION static void apply_sub(const uint8_t *restrict row, const uint8_t *restrict left,
                                   uint8_t *restrict out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += PNGFILTER_STEP)
        for (size_t k = 0; k < PNGFILTER_STEP; k++)
            out[i + k] = (uint8_t)(row[i + k] - left[i + k]);
}

MULTIVERSION static void apply_average(const uint8_t *restrict row, const uint8_t *restrict left,
                                       const uint8_t *restrict up, uint8_t *restrict out,
                                       size_t bytes)
{
    for (size_t i = 0; i < bytes; i += PNGFILTER_STEP)
        for (size_t k = 0; k < PNGFILTER_STEP; k++)
            out[i + k] = (uint8_t)(row[i + k] - ((left[i + k] + up[i + k]) >> 1));
}

/* What Paeth's filter expects, in bytes alone. The estimate left + up - up_left is as far from
 * up_left as the two others together where they lie on the same side of it: then never nearest. */
INLINE uint8_t paeth_guess(uint8_t left, uint8_t up, uint8_t up_left)
{
    uint8_t to_left = (uint8_t)(up > up_left ? up - up_left : up_left - up);
    uint8_t to_up = (uint8_t)(left > up_left ? left - up_left : up_left - left);
    uint8_t difference = (uint8_t)(to_left > to_up ? to_left - to_up : to_up - to_left);
    uint8_t to_up_left = (up > up_left) != (left > up_left) ? difference : UINT8_MAX;
    uint8_t nearer = to_left <= to_up ? left : up;
    uint8_t distance = to_left <= to_up ? to_left : to_up;
    return distance <= to_up_left ? nearer : up_left;
}

MULTIVERSION static void apply_paeth(const uint8_t *restrict row, const uint8_t *restrict left,
                                     const uint8_t *restrict up, const uint8_t *restrict up_left,
                                     uint8_t *restrict out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += PNGFILTER_STEP)
        for (size_t k = 0; k < PNGFILTER_STEP; k++)
            out[i + k] =
                (uint8_t)(row[i + k] - paeth_guess(left[i + k], up[i + k], up_left[i + k]));
}

void pngfilter_apply(enum pngfilter filter, const uint8_t *row, const uint8_t *prior, uint8_t *out,
                     size_t row_bytes, unsigned pixel_bytes)
{
    size_t bytes = pngfilter_padded(row_bytes);
    const uint8_t *left = row - pixel_bytes;
    switch (filter) {
    case PNGFILTER_SUB:
        apply_sub(row, left, out, bytes);
        break;
    case PNGFILTER_UP:
        apply_sub(row, prior, out, bytes);
        break;
    case PNGFILTER_AVERAGE:
        apply_average(row, left, prior, out, bytes);
        break;
    case PNGFILTER_PAETH:
        apply_paeth(row, left, prior, prior - pixel_bytes, out, bytes);
        break;
    default:
        memcpy(out, row, row_bytes);
        break;
    }
}

/* Roughly half the bits that a filtered byte needs as a signed number: 0 to 3. */
INLINE uint8_t byte_cost(uint8_t value)
{
    uint8_t negated = (uint8_t)-value;
    uint8_t v = value < negated ? value : negated;
    return (uint8_t)((v > 0) + (v > 3) + (v > 15));
}

typedef uint8_t step_costs[PNGFILTER_COUNT][PNGFILTER_STEP];

/* Adds the costs of COUNT bytes, each in a place of its own. */
INLINE void add_costs(step_costs costs, const uint8_t *row, const uint8_t *left, const uint8_t *up,
                      const uint8_t *up_left, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        uint8_t mean = (uint8_t)((left[k] + up[k]) >> 1);
        uint8_t guess = paeth_guess(left[k], up[k], up_left[k]);
        costs[PNGFILTER_NONE][k] = (uint8_t)(costs[PNGFILTER_NONE][k] + byte_cost(row[k]));
        costs[PNGFILTER_SUB][k] =
            (uint8_t)(costs[PNGFILTER_SUB][k] + byte_cost((uint8_t)(row[k] - left[k])));
        costs[PNGFILTER_UP][k] =
            (uint8_t)(costs[PNGFILTER_UP][k] + byte_cost((uint8_t)(row[k] - up[k])));
        costs[PNGFILTER_AVERAGE][k] =
            (uint8_t)(costs[PNGFILTER_AVERAGE][k] + byte_cost((uint8_t)(row[k] - mean)));
        costs[PNGFILTER_PAETH][k] =
            (uint8_t)(costs[PNGFILTER_PAETH][k] + byte_cost((uint8_t)(row[k] - guess)));
    }
}

MULTIVERSION static void cost_steps(step_costs costs, const uint8_t *restrict row,
                                    const uint8_t *restrict left, const uint8_t *restrict up,
                                    const uint8_t *restrict up_left, size_t bytes)
{
    size_t i = 0;
    for (; i + PNGFILTER_STEP <= bytes; i += PNGFILTER_STEP)
        add_costs(costs, row + i, left + i, up + i, up_left + i, PNGFILTER_STEP);
    add_costs(costs, row + i, left + i, up + i, up_left + i, bytes - i);
}

enum pngfilter pngfilter_choose(const uint8_t *row, const uint8_t *prior, size_t row_bytes,
                                unsigned pixel_bytes)
{
    /* As many steps as a byte can count. */
    enum { PART = PNGFILTER_STEP * (UINT8_MAX / 3) };
    uint64_t sums[PNGFILTER_COUNT] = {0};
    for (size_t i = 0; i < row_bytes; i += PART) {
        step_costs costs = {{0}};
        const uint8_t *from = row + i, *above = prior + i;
        cost_steps(costs, from, from - pixel_bytes, above, above - pixel_bytes,
                   row_bytes - i < PART ? row_bytes - i : PART);
        for (unsigned filter = 0; filter < PNGFILTER_COUNT; filter++)
            for (size_t k = 0; k < PNGFILTER_STEP; k++)
                sums[filter] += costs[filter][k];
    }
    enum pngfilter best = PNGFILTER_NONE;
    for (enum pngfilter filter = PNGFILTER_SUB; filter < PNGFILTER_COUNT; filter++)
        if (sums[filter] < sums[best])
            best = filter;
    return best;
}

MULTIVERSION static void undo_up(uint8_t *restrict row, const uint8_t *restrict prior, size_t bytes)
{
    /* Whole steps first: a constant count becomes vectors at any level of optimisation. */
    size_t whole = bytes / PNGFILTER_STEP * PNGFILTER_STEP;
    for (size_t i = 0; i < whole; i += PNGFILTER_STEP)
        for (size_t k = 0; k < PNGFILTER_STEP; k++)
            row[i + k] = (uint8_t)(row[i + k] + prior[i + k]);
    for (size_t i = whole; i < bytes; i++)
        row[i] = (uint8_t)(row[i] + prior[i]);
}

/* Undoing is serial from pixel to pixel: only the channels of one pixel can go side by side. */
typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef int16_t words8 __attribute__((vector_size(16)));

INLINE bytes8 load_bytes(const uint8_t *from, size_t pixel_bytes)
{
    /* May take in bytes of the next pixel, which are computed in vain and not stored. */
    bytes8 bytes = {0};
    memcpy(&bytes, from, pixel_bytes <= 4 ? 4 : 8);
    return bytes;
}

/* Compilers see what the general form of these means, but not how to do it well. */
#ifdef __x86_64__

INLINE words8 load_words(const uint8_t *from, size_t pixel_bytes)
{
    uint64_t bytes = 0;
    memcpy(&bytes, from, pixel_bytes <= 4 ? 4 : 8);
    __m128i zero = _mm_setzero_si128();
    return (words8)_mm_unpacklo_epi8(_mm_cvtsi64_si128((int64_t)bytes), zero);
}

INLINE void store_words(uint8_t *to, words8 words, size_t pixel_bytes)
{
    uint64_t bytes = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16((__m128i)words, (__m128i)words));
    memcpy(to, &bytes, pixel_bytes);
}

INLINE void store_two(uint8_t *first, uint8_t *second, words8 words, size_t pixel_bytes)
{
    uint64_t bytes = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16((__m128i)words, (__m128i)words));
    uint32_t parts[2] = {(uint32_t)bytes, (uint32_t)(bytes >> 32)};
    memcpy(first, &parts[0], pixel_bytes);
    memcpy(second, &parts[1], pixel_bytes);
}

INLINE words8 words_lower(words8 a, words8 b)
{
    return (words8)_mm_min_epi16((__m128i)a, (__m128i)b);
}

INLINE words8 words_higher(words8 a, words8 b)
{
    return (words8)_mm_max_epi16((__m128i)a, (__m128i)b);
}

#else

INLINE words8 load_words(const uint8_t *from, size_t pixel_bytes)
{
    return __builtin_convertvector(load_bytes(from, pixel_bytes), words8);
}

INLINE void store_words(uint8_t *to, words8 words, size_t pixel_bytes)
{
    bytes8 bytes = __builtin_convertvector(words, bytes8);
    memcpy(to, &bytes, pixel_bytes);
}

INLINE void store_two(uint8_t *first, uint8_t *second, words8 words, size_t pixel_bytes)
{
    bytes8 bytes = __builtin_convertvector(words, bytes8);
    memcpy(first, &bytes, pixel_bytes);
    memcpy(second, (const uint8_t *)&bytes + 4, pixel_bytes);
}

INLINE words8 words_lower(words8 a, words8 b)
{
    words8 first = a < b;
    return (a & first) | (b & ~first);
}

INLINE words8 words_higher(words8 a, words8 b)
{
    words8 first = a > b;
    return (a & first) | (b & ~first);
}

#endif

/* Sums and differences of the lower bytes of words whose upper bytes are 0, and stay 0. */
INLINE words8 bytes_sum(words8 a, words8 b)
{
    return (words8)((bytes16)a + (bytes16)b);
}

INLINE words8 bytes_difference(words8 a, words8 b)
{
    return (words8)((bytes16)a - (bytes16)b);
}

INLINE void undo_sub_pixels(uint8_t *row, size_t bytes, size_t pixel_bytes)
{
    bytes8 left = {0};
    for (size_t i = 0; i < bytes; i += pixel_bytes) {
        left += load_bytes(row + i, pixel_bytes);
        memcpy(row + i, &left, pixel_bytes);
    }
}

INLINE void undo_average_pixels(uint8_t *row, const uint8_t *prior, size_t bytes,
                                size_t pixel_bytes)
{
    words8 left = {0};
    for (size_t i = 0; i < bytes; i += pixel_bytes) {
        words8 mean = (left + load_words(prior + i, pixel_bytes)) >> 1;
        left = bytes_sum(load_words(row + i, pixel_bytes), mean);
        store_words(row + i, left, pixel_bytes);
    }
}

/* What Paeth's filter remembers of the pixel before. */
struct paeth {
    words8 left, up_left;
};

/* The pixel whose filtered bytes are RAW and whose neighbour above is UP. Of left, up and upper
 * left, Paeth's filter takes the one nearest to left + up - upper left: the lower of left and up
 * where the higher is at most 3 * upper left - left - up, the higher where the lower is at least
 * that, else the upper left. (Both: then all three are equal.) The next pixel waits for this one,
 * so what counts is how few steps lie between them: that is why all is added to the upper left. */
INLINE words8 undo_paeth_pixel(struct paeth *paeth, words8 raw, words8 up)
{
    words8 left = paeth->left, up_left = paeth->up_left;
    words8 limit = up_left + up_left + up_left - up - left;
    words8 lower = words_lower(left, up), higher = words_higher(left, up);
    words8 to_lower = bytes_difference(lower, up_left) & ~(higher > limit);
    words8 to_higher = bytes_difference(higher, up_left) & ~(limit > lower);
    paeth->left = bytes_sum(bytes_sum(bytes_sum(raw, up_left), to_lower), to_higher);
    paeth->up_left = up;
    return paeth->left;
}

INLINE void undo_paeth_pixels(uint8_t *row, const uint8_t *prior, size_t bytes, size_t pixel_bytes)
{
    struct paeth paeth = {0};
    for (size_t i = 0; i < bytes; i += pixel_bytes) {
        words8 raw = load_words(row + i, pixel_bytes), up = load_words(prior + i, pixel_bytes);
        store_words(row + i, undo_paeth_pixel(&paeth, raw, up), pixel_bytes);
    }
}

/* The lower halves of both. */
INLINE words8 words_join(words8 first, words8 second)
{
    return __builtin_shufflevector(first, second, 0, 1, 2, 3, 8, 9, 10, 11);
}

/* Two rows in step, the lower one a pixel behind the upper, in the two halves of the same words:
 * each pixel must wait for the one before it in its row, so two take no longer than one. For pixels
 * of up to 4 bytes. */
INLINE void undo_paeth_pair(uint8_t *row, uint8_t *below, const uint8_t *prior, size_t bytes,
                            size_t pixel_bytes)
{
    const words8 zero = {0};
    struct paeth paeth = {0};
    words8 raw = load_words(row, pixel_bytes), up = load_words(prior, pixel_bytes);
    /* The lower row has not begun. */
    raw = words_join(raw, zero);
    up = words_join(up, zero);
    store_words(row, undo_paeth_pixel(&paeth, raw, up), pixel_bytes);
    for (size_t i = pixel_bytes; i < bytes; i += pixel_bytes) {
        uint8_t *lower = below + i - pixel_bytes;
        raw = words_join(load_words(row + i, pixel_bytes), load_words(lower, pixel_bytes));
        up = words_join(load_words(prior + i, pixel_bytes), paeth.left);
        store_two(row + i, lower, undo_paeth_pixel(&paeth, raw, up), pixel_bytes);
    }
    raw = words_join(zero, load_words(below + bytes - pixel_bytes, pixel_bytes));
    up = words_join(zero, paeth.left);
    words8 last = undo_paeth_pixel(&paeth, raw, up);
    last = __builtin_shufflevector(last, last, 4, 5, 6, 7, 0, 1, 2, 3);
    store_words(below + bytes - pixel_bytes, last, pixel_bytes);
}

/* One copy of each for every constant pixel size. */
#define FOR_PIXEL_BYTES(function, ...)                                                             \
    switch (pixel_bytes) {                                                                         \
    case 1:                                                                                        \
        function(__VA_ARGS__, 1);                                                                  \
        break;                                                                                     \
    case 2:                                                                                        \
        function(__VA_ARGS__, 2);                                                                  \
        break;                                                                                     \
    case 3:                                                                                        \
        function(__VA_ARGS__, 3);                                                                  \
        break;                                                                                     \
    case 4:                                                                                        \
        function(__VA_ARGS__, 4);                                                                  \
        break;                                                                                     \
    case 6:                                                                                        \
        function(__VA_ARGS__, 6);                                                                  \
        break;                                                                                     \
    default:                                                                                       \
        function(__VA_ARGS__, 8);                                                                  \
        break;                                                                                     \
    }

static void undo_sub(uint8_t *row, size_t bytes, unsigned pixel_bytes)
{
    FOR_PIXEL_BYTES(undo_sub_pixels, row, bytes)
}

static void undo_average(uint8_t *row, const uint8_t *prior, size_t bytes, unsigned pixel_bytes)
{
    FOR_PIXEL_BYTES(undo_average_pixels, row, prior, bytes)
}

static void undo_paeth(uint8_t *row, const uint8_t *prior, size_t bytes, unsigned pixel_bytes)
{
    FOR_PIXEL_BYTES(undo_paeth_pixels, row, prior, bytes)
}

bool pngfilter_undo(unsigned filter, uint8_t *row, const uint8_t *prior, size_t row_bytes,
                    unsigned pixel_bytes)
{
    switch (filter) {
    case PNGFILTER_NONE:
        return true;
    case PNGFILTER_SUB:
        undo_sub(row, row_bytes, pixel_bytes);
        return true;
    case PNGFILTER_UP:
        undo_up(row, prior, row_bytes);
        return true;
    case PNGFILTER_AVERAGE:
        undo_average(row, prior, row_bytes, pixel_bytes);
        return true;
    case PNGFILTER_PAETH:
        undo_paeth(row, prior, row_bytes, pixel_bytes);
        return true;
    default:
        return false;
    }
}

void pngfilter_undo_paeth_pair(uint8_t *row, uint8_t *below, const uint8_t *prior, size_t row_bytes,
                               unsigned pixel_bytes)
{
    if (pixel_bytes == 4)
        undo_paeth_pair(row, below, prior, row_bytes, 4);
    else if (pixel_bytes == 3)
        undo_paeth_pair(row, below, prior, row_bytes, 3);
    else {
        undo_paeth(row, prior, row_bytes, pixel_bytes);
        undo_paeth(below, row, row_bytes, pixel_bytes);
    }
}
