/* SPDX-License-Identifier: MIT */
#include "codec/coefficients.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_SHUFFLE 1
#include <immintrin.h>
#define SHUFFLE_CODE __attribute__((target("ssse3,popcnt")))
#else
#define HAVE_SHUFFLE 0
#endif

enum {
    /* A byte of rows, 8 masks, the size of the values, 63 values of two bytes. */
    BLOCK_MAX_BYTES = 1 + 8 + 1 + 2 * 63,
    /* The vector code reads and writes 16 bytes where fewer count. */
    SLACK_BYTES = 16,
    VALUES_BYTES = 64 + SLACK_BYTES,
    HALF_MIN = -8, /* what fits into half a byte */
    HALF_MAX = 7,
    WINDOW_ALIGNMENT = 64,
};

/* Value 0 is kept apart, so that its bit in a packed mask is free to mean that not all values fit
 * into half a byte. Then the byte behind the masks says how many of them, the first ones, take a
 * whole one; or it is WIDE, and all take two. */
static const uint64_t LARGE = 1;
enum { WIDE = 64 };

struct packed_row {
    uint8_t *data; /* NULL: all values are 0 */
    uint32_t size, capacity;
};

struct coefficients {
    uint32_t columns, rows;
    uint64_t keep;
    bool shuffle;           /* use the vector code */
    struct packed_row *dc, *ac; /* rows: the first value of each block, and the others */
    uint8_t *scratch;       /* one packed row, the longest possible */
    struct coefficients_block *window;
    struct coefficients_block **window_rows;
    uint32_t window_first, window_count, window_capacity;
    unsigned loaded, dirty; /* parts of the window */
    /* For each set of 8: which bytes to move where to close the gaps, and to open them. */
    uint8_t gather[256][8], spread[256][8];
};

static void coefficients_build_tables(struct coefficients *store)
{
    for (unsigned set = 0; set < 256; set++) {
        unsigned count = 0;
        memset(store->gather[set], 0x80, 8);
        memset(store->spread[set], 0x80, 8);
        for (unsigned i = 0; i < 8; i++)
            if (set >> i & 1) {
                store->gather[set][count] = (uint8_t)i;
                store->spread[set][i] = (uint8_t)count++;
            }
    }
}

bool coefficients_new(struct coefficients **result, uint32_t columns, uint32_t rows, uint64_t keep,
                      struct error *error)
{
    struct coefficients *store = memory_zeroed(1, sizeof *store, error);
    *result = NULL;
    if (store == NULL)
        return false;
    store->columns = columns;
    store->rows = rows;
    store->keep = keep & ~LARGE;
    coefficients_build_tables(store);
#if HAVE_SHUFFLE
    store->shuffle = __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");
#endif
    store->dc = memory_zeroed(rows, sizeof *store->dc, error);
    store->ac = memory_zeroed(rows, sizeof *store->ac, error);
    store->scratch = memory_array((size_t)columns + 1, BLOCK_MAX_BYTES, error);
    if (store->dc == NULL || store->ac == NULL || store->scratch == NULL) {
        coefficients_free(store);
        return false;
    }
    *result = store;
    return true;
}

void coefficients_free(struct coefficients *store)
{
    if (store == NULL)
        return;
    for (uint32_t row = 0; store->ac != NULL && row < store->rows; row++)
        free(store->ac[row].data);
    for (uint32_t row = 0; store->dc != NULL && row < store->rows; row++)
        free(store->dc[row].data);
    free(store->ac);
    free(store->dc);
    free(store->scratch);
    free(store->window);
    free(store->window_rows);
    free(store);
}

size_t coefficients_bytes(const struct coefficients *store)
{
    size_t bytes = 0;
    for (uint32_t row = 0; row < store->rows; row++)
        bytes += store->ac[row].capacity + store->dc[row].capacity;
    return bytes;
}

void coefficients_use_plain_code(struct coefficients *store)
{
    store->shuffle = false;
}

static uint8_t *wide_pack(const int16_t *value, uint64_t set, uint8_t *to)
{
    for (; set != 0; set &= set - 1) {
        unsigned bits = (unsigned)value[__builtin_ctzll(set)];
        *to++ = (uint8_t)bits;
        *to++ = (uint8_t)(bits >> 8);
    }
    return to;
}

static const uint8_t *wide_unpack(const uint8_t *from, uint64_t set, int16_t *value)
{
    for (; set != 0; set &= set - 1, from += 2)
        value[__builtin_ctzll(set)] = (int16_t)(from[0] | from[1] << 8);
    return from;
}

/* The values that SET names: COUNT in a byte each, then two in each, the first in the low half. */
static uint8_t *values_pack(const int16_t *value, uint64_t set, unsigned count, uint8_t *to)
{
    for (; count > 0; count--, set &= set - 1)
        *to++ = (uint8_t)value[__builtin_ctzll(set)];
    for (bool second = false; set != 0; set &= set - 1, second = !second) {
        unsigned bits = (unsigned)value[__builtin_ctzll(set)] & 15;
        if (second)
            to[-1] |= (uint8_t)(bits << 4);
        else
            *to++ = (uint8_t)bits;
    }
    return to;
}

static const uint8_t *values_unpack(const uint8_t *from, uint64_t set, unsigned count,
                                    int16_t *value)
{
    for (; count > 0; count--, set &= set - 1)
        value[__builtin_ctzll(set)] = (int8_t)*from++;
    for (bool second = false; set != 0; set &= set - 1, second = !second) {
        int bits = second ? from[-1] >> 4 : *from++ & 15;
        value[__builtin_ctzll(set)] = (int16_t)(bits > HALF_MAX ? bits - 16 : bits);
    }
    return from;
}

/* How many values of SET there are up to the last one of LARGE_ONES, which is not empty. */
static inline unsigned count_up_to(uint64_t set, uint64_t large_ones)
{
    return (unsigned)__builtin_popcountll(set & (UINT64_MAX >> __builtin_clzll(large_ones)));
}

/* The plain code: what the vector code below must agree with. */
static uint8_t *block_pack_plain(const struct coefficients *store, const int16_t *value,
                                 uint8_t *to)
{
    uint64_t mask = 0, large = 0;
    bool wide = false;
    for (unsigned i = 1; i < 64; i++) {
        mask |= (uint64_t)(value[i] != 0) << i;
        large |= (uint64_t)(value[i] < HALF_MIN || value[i] > HALF_MAX) << i;
        wide |= value[i] < INT8_MIN || value[i] > INT8_MAX;
    }
    uint8_t *rows = to++;
    *rows = 0;
    if (large != 0)
        mask |= LARGE;
    for (unsigned row = 0; row < 8; row++)
        if ((mask >> 8 * row & 0xff) != 0) {
            *rows |= (uint8_t)(1u << row);
            *to++ = (uint8_t)(mask >> 8 * row);
        }
    mask &= store->keep;
    unsigned count = large == 0 ? 0 : wide ? WIDE : count_up_to(mask, large);
    if (large != 0)
        *to++ = (uint8_t)count;
    return wide ? wide_pack(value, mask, to) : values_pack(value, mask, count, to);
}

static const uint8_t *block_unpack_plain(const struct coefficients *store, const uint8_t *from,
                                         int16_t *value)
{
    unsigned rows = *from++;
    uint64_t mask = 0;
    memset(value, 0, 64 * sizeof *value);
    for (unsigned row = 0; row < 8; row++)
        if (rows >> row & 1)
            mask |= (uint64_t)*from++ << 8 * row;
    unsigned count = mask & LARGE ? *from++ : 0;
    mask &= ~LARGE;
    for (uint64_t rest = mask & ~store->keep; rest != 0; rest &= rest - 1)
        value[__builtin_ctzll(rest)] = -1;
    mask &= store->keep;
    return count == WIDE ? wide_unpack(from, mask, value)
                         : values_unpack(from, mask, count, value);
}

static size_t row_pack_plain(const struct coefficients *store,
                             const struct coefficients_block *blocks, uint8_t *to)
{
    uint8_t *start = to;
    for (uint32_t i = 0; i < store->columns; i++)
        to = block_pack_plain(store, blocks[i].value, to);
    return (size_t)(to - start);
}

static void row_unpack_plain(const struct coefficients *store, const uint8_t *from,
                             struct coefficients_block *blocks)
{
    for (uint32_t i = 0; i < store->columns; i++)
        from = block_unpack_plain(store, from, blocks[i].value);
}

#if HAVE_SHUFFLE

SHUFFLE_CODE static inline __m128i load_8_bytes(const uint8_t *from)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)from);
}

SHUFFLE_CODE static inline void store_8_bytes(uint8_t *to, __m128i bytes)
{
    _mm_storel_epi64((__m128i *)(void *)to, bytes);
}

/* Which of 16 bytes are not 0. */
SHUFFLE_CODE static inline unsigned nonzero_bytes(__m128i bytes)
{
    return ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128())) & 0xffff;
}

/* COUNT bytes, and 0 behind them, to half as many, which may be in their place. */
SHUFFLE_CODE static inline uint8_t *halves_pack_shuffle(const uint8_t *bytes, size_t count,
                                                        uint8_t *to)
{
    const __m128i low_half = _mm_set1_epi8(15), factors = _mm_set1_epi16(0x1001); /* 1 and 16 */
    for (size_t i = 0; i < count; i += 16) {
        __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i));
        __m128i pairs = _mm_maddubs_epi16(_mm_and_si128(halves, low_half), factors);
        store_8_bytes(to + i / 2, _mm_packus_epi16(pairs, pairs));
    }
    return to + (count + 1) / 2;
}

SHUFFLE_CODE static inline const uint8_t *halves_unpack_shuffle(const uint8_t *from, size_t count,
                                                                uint8_t *bytes)
{
    const __m128i low_half = _mm_set1_epi8(15), sign = _mm_set1_epi8(8);
    for (size_t i = 0; i < count; i += 16) {
        __m128i pairs = load_8_bytes(from + i / 2);
        __m128i halves = _mm_unpacklo_epi8(_mm_and_si128(pairs, low_half),
                                           _mm_and_si128(_mm_srli_epi16(pairs, 4), low_half));
        halves = _mm_sub_epi8(_mm_xor_si128(halves, sign), sign);
        _mm_storeu_si128((__m128i *)(void *)(bytes + i), halves);
    }
    return from + (count + 1) / 2;
}

/* The values that MASK names, one after the other as bytes, out of 4 * 16. */
SHUFFLE_CODE static inline size_t values_gather(const struct coefficients *store,
                                                __m128i narrow[4], uint64_t mask, uint8_t *bytes)
{
    uint8_t *to = bytes;
    for (unsigned i = 0; i < 4 && mask != 0; i++, mask >>= 16) {
        unsigned even = mask & 0xff, odd = mask >> 8 & 0xff;
        store_8_bytes(to, _mm_shuffle_epi8(narrow[i], load_8_bytes(store->gather[even])));
        to += __builtin_popcount(even);
        narrow[i] = _mm_unpackhi_epi64(narrow[i], narrow[i]);
        store_8_bytes(to, _mm_shuffle_epi8(narrow[i], load_8_bytes(store->gather[odd])));
        to += __builtin_popcount(odd);
    }
    store_8_bytes(to, _mm_setzero_si128());
    return (size_t)(to - bytes);
}

/* Which of 16 bytes do not fit into half of one: those that 8 added to does not leave in 0..15. */
SHUFFLE_CODE static inline unsigned large_bytes(__m128i bytes)
{
    __m128i raised = _mm_sub_epi8(bytes, _mm_set1_epi8(HALF_MIN));
    return nonzero_bytes(_mm_and_si128(raised, _mm_set1_epi8((char)0xf0)));
}

SHUFFLE_CODE static uint8_t *block_pack_shuffle(const struct coefficients *store,
                                                const int16_t *value, uint8_t *to)
{
    const __m128i *from = (const __m128i *)(const void *)value;
    __m128i narrow[4], low = _mm_set1_epi16(INT8_MIN), high = _mm_set1_epi16(INT8_MAX);
    const __m128i lowest = low, highest = high;
    uint64_t mask = 0, large = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i even = _mm_loadu_si128(from + 2 * i), odd = _mm_loadu_si128(from + 2 * i + 1);
        if (i == 0)
            even = _mm_insert_epi16(even, 0, 0);
        low = _mm_min_epi16(low, _mm_min_epi16(even, odd));
        high = _mm_max_epi16(high, _mm_max_epi16(even, odd));
        narrow[i] = _mm_packs_epi16(even, odd);
        mask |= (uint64_t)nonzero_bytes(narrow[i]) << 16 * i;
        large |= (uint64_t)large_bytes(narrow[i]) << 16 * i;
    }
    __m128i within = _mm_and_si128(_mm_cmpeq_epi16(low, lowest), _mm_cmpeq_epi16(high, highest));
    if (_mm_movemask_epi8(within) != 0xffff)
        return block_pack_plain(store, value, to);

    __m128i masks = _mm_cvtsi64_si128((long long)(large != 0 ? mask | LARGE : mask));
    unsigned rows = nonzero_bytes(masks) & 0xff;
    *to++ = (uint8_t)rows;
    store_8_bytes(to, _mm_shuffle_epi8(masks, load_8_bytes(store->gather[rows])));
    to += __builtin_popcount(rows);
    mask &= store->keep;
    unsigned whole = large != 0 ? count_up_to(mask, large) : 0;
    if (large != 0)
        *to++ = (uint8_t)whole;
    size_t count = values_gather(store, narrow, mask, to);
    return halves_pack_shuffle(to + whole, count - whole, to + whole);
}

/* The rows of a mask byte: -1 in each place whose bit is set. */
SHUFFLE_CODE static inline __m128i places(unsigned set)
{
    const __m128i bits = _mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm_cmpeq_epi16(_mm_and_si128(_mm_set1_epi16((short)set), bits), bits);
}

SHUFFLE_CODE static const uint8_t *block_unpack_shuffle(const struct coefficients *store,
                                                        const uint8_t *from, int16_t *value)
{
    __m128i *to = (__m128i *)(void *)value;
    const __m128i zero = _mm_setzero_si128();
    const uint8_t *start = from;
    uint8_t bytes[VALUES_BYTES], *values = bytes;
    unsigned rows = *from, whole = 0;
    __m128i masks = _mm_shuffle_epi8(load_8_bytes(from + 1), load_8_bytes(store->spread[rows]));
    uint64_t mask = (uint64_t)_mm_cvtsi128_si64(masks);
    uint64_t kept = mask & store->keep, dropped = mask & ~store->keep & ~LARGE;
    from += 1 + __builtin_popcount(rows);
    if (mask & LARGE)
        whole = *from++;
    if (whole == WIDE)
        return block_unpack_plain(store, start, value);
    for (unsigned i = 0; i < whole; i += 16)
        _mm_storeu_si128((__m128i *)(void *)(bytes + i),
                         _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
    from = halves_unpack_shuffle(from + whole, (size_t)__builtin_popcountll(kept) - whole,
                                 bytes + whole);
    for (unsigned row = 0; row < 8; row++) {
        unsigned set = kept >> 8 * row & 0xff;
        __m128i narrow = _mm_shuffle_epi8(load_8_bytes(values), load_8_bytes(store->spread[set]));
        values += __builtin_popcount(set);
        __m128i wide = _mm_srai_epi16(_mm_unpacklo_epi8(zero, narrow), 8);
        _mm_storeu_si128(to + row, _mm_or_si128(wide, places(dropped >> 8 * row & 0xff)));
    }
    return from;
}

SHUFFLE_CODE static size_t row_pack_shuffle(const struct coefficients *store,
                                            const struct coefficients_block *blocks, uint8_t *to)
{
    uint8_t *start = to;
    for (uint32_t i = 0; i < store->columns; i++)
        to = block_pack_shuffle(store, blocks[i].value, to);
    return (size_t)(to - start);
}

SHUFFLE_CODE static void row_unpack_shuffle(const struct coefficients *store, const uint8_t *from,
                                            struct coefficients_block *blocks)
{
    for (uint32_t i = 0; i < store->columns; i++)
        from = block_unpack_shuffle(store, from, blocks[i].value);
}

#else
#define row_pack_shuffle row_pack_plain
#define row_unpack_shuffle row_unpack_plain
#endif

/* The first values change little from block to block: a byte holds the difference, or says that
 * the value itself follows. */
static size_t row_pack_dc(const struct coefficients *store, const struct coefficients_block *blocks,
                          uint8_t *to)
{
    uint8_t *start = to;
    int before = 0, any = 0;
    for (uint32_t x = 0; x < store->columns; x++) {
        int value = blocks[x].value[0], difference = value - before;
        any |= value;
        before = value;
        if (difference > INT8_MIN && difference <= INT8_MAX) {
            *to++ = (uint8_t)difference;
            continue;
        }
        *to++ = (uint8_t)INT8_MIN;
        *to++ = (uint8_t)value;
        *to++ = (uint8_t)((unsigned)value >> 8);
    }
    return any == 0 ? 0 : (size_t)(to - start);
}

static void row_unpack_dc(const struct coefficients *store, const uint8_t *from,
                          struct coefficients_block *blocks)
{
    int value = 0;
    for (uint32_t x = 0; x < store->columns; x++) {
        int difference = (int8_t)*from++;
        if (difference == INT8_MIN) {
            value = (int16_t)(from[0] | from[1] << 8);
            from += 2;
        } else {
            value += difference;
        }
        blocks[x].value[0] = (int16_t)value;
    }
}

/* Takes the packed row out of the scratch memory. */
static bool packed_row_set(struct packed_row *row, const uint8_t *data, size_t size,
                           struct error *error)
{
    if (size > row->capacity || size < row->capacity / 4 * 3) {
        free(row->data);
        row->capacity = 0;
        row->data = memory_array(size + SLACK_BYTES, 1, error);
        if (row->data == NULL)
            return false;
        row->capacity = (uint32_t)size;
    }
    memcpy(row->data, data, size);
    row->size = (uint32_t)size;
    return true;
}

static void packed_row_empty(struct packed_row *row)
{
    free(row->data);
    *row = (struct packed_row){0};
}

static bool window_save_ac(struct coefficients *store, uint32_t i, struct error *error)
{
    const struct coefficients_block *blocks = store->window_rows[i];
    struct packed_row *row = &store->ac[store->window_first + i];
    size_t size = store->shuffle ? row_pack_shuffle(store, blocks, store->scratch)
                                 : row_pack_plain(store, blocks, store->scratch);
    /* Each block takes at least a byte: with no more than that, all are 0. */
    if (size > store->columns)
        return packed_row_set(row, store->scratch, size, error);
    packed_row_empty(row);
    return true;
}

static bool window_save_dc(struct coefficients *store, uint32_t i, struct error *error)
{
    struct packed_row *row = &store->dc[store->window_first + i];
    size_t size = row_pack_dc(store, store->window_rows[i], store->scratch);
    if (size > 0)
        return packed_row_set(row, store->scratch, size, error);
    packed_row_empty(row);
    return true;
}

static bool window_save(struct coefficients *store, struct error *error)
{
    for (uint32_t i = 0; i < store->window_count; i++)
        if (((store->dirty & COEFFICIENTS_DC) && !window_save_dc(store, i, error)) ||
            ((store->dirty & COEFFICIENTS_AC) && !window_save_ac(store, i, error)))
            return false;
    store->dirty = 0;
    return true;
}

/* The value 0 of each block comes last: unpacking the others writes over it. */
static void window_load(struct coefficients *store, unsigned parts)
{
    for (uint32_t i = 0; i < store->window_count; i++) {
        struct coefficients_block *blocks = store->window_rows[i];
        const struct packed_row *row = &store->ac[store->window_first + i];
        const struct packed_row *dc = &store->dc[store->window_first + i];
        if ((parts & COEFFICIENTS_AC) && row->data == NULL)
            memset(blocks, 0, store->columns * sizeof *blocks);
        else if ((parts & COEFFICIENTS_AC) && store->shuffle)
            row_unpack_shuffle(store, row->data, blocks);
        else if (parts & COEFFICIENTS_AC)
            row_unpack_plain(store, row->data, blocks);
        if ((parts & COEFFICIENTS_DC) && dc->data != NULL)
            row_unpack_dc(store, dc->data, blocks);
        for (uint32_t x = 0; (parts & COEFFICIENTS_DC) && dc->data == NULL && x < store->columns;
             x++)
            blocks[x].value[0] = 0;
    }
    store->loaded = parts;
}

static bool window_reserve(struct coefficients *store, uint32_t count, struct error *error)
{
    if (count <= store->window_capacity)
        return true;
    free(store->window);
    free(store->window_rows);
    store->window = NULL;
    store->window_rows = NULL;
    store->window_capacity = 0;
    size_t bytes = 0;
    if (!memory_multiply((size_t)store->columns * count, sizeof *store->window, &bytes) ||
        (store->window = aligned_alloc(WINDOW_ALIGNMENT, bytes)) == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory for %u rows of %u blocks", count,
                         store->columns);
    memset(store->window, 0, bytes);
    store->window_rows = memory_array(count, sizeof *store->window_rows, error);
    if (store->window_rows == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        store->window_rows[i] = store->window + (size_t)i * store->columns;
    store->window_capacity = count;
    return true;
}

struct coefficients_block **coefficients_access(struct coefficients *store, uint32_t first,
                                                uint32_t count, unsigned parts, bool writable,
                                                struct error *error)
{
    if (count == 0 || first > store->rows || count > store->rows - first) {
        error_set(error, ERROR_INTERNAL, "rows %u to %u of %u coefficient rows are not there",
                  first, first + count, store->rows);
        return NULL;
    }
    bool elsewhere = first != store->window_first || count != store->window_count;
    if (elsewhere || (parts & ~store->loaded) != 0) {
        if (!window_save(store, error))
            return NULL;
        store->loaded = 0;
        store->window_count = 0;
        if (!window_reserve(store, count, error))
            return NULL;
        store->window_first = first;
        store->window_count = count;
        window_load(store, parts);
    }
    if (writable)
        store->dirty |= parts;
    return store->window_rows;
}
