/* SPDX-License-Identifier: MIT */
#include "ops/palette_count.h"

#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "ops/palette_cubes.h"

enum { FIRST_BITS = 10, FILTER_BITS = 12, ROWS = 32 };

/* Open addressing; at most half of the slots are taken. */
struct table {
    struct palette_count *slots;
    unsigned bits;  /* 2^bits slots */
    size_t count, most;
    unsigned level;
};

static bool table_new(struct table *table, size_t most, struct error *error)
{
    *table = (struct table){.bits = FIRST_BITS, .most = most};
    table->slots = memory_zeroed((size_t)1 << FIRST_BITS, sizeof *table->slots, error);
    return table->slots != NULL;
}

static inline uint64_t key_hash(uint64_t key)
{
    return key * 0x9e3779b97f4a7c15u; /* 2^64 over the golden ratio: Knuth, vol. 3, 6.4 */
}

static inline struct palette_count *table_slot(const struct table *table, uint64_t key)
{
    size_t last = ((size_t)1 << table->bits) - 1, at = key_hash(key) >> (64 - table->bits);
    while (table->slots[at].weight != 0 && table->slots[at].key != key)
        at = (at + 1) & last;
    return &table->slots[at];
}

/* Puts all that the table holds into a new one of 2^BITS slots, at its level. */
static bool table_rebuild(struct table *table, unsigned bits, struct error *error)
{
    struct table next = *table;
    next.slots = memory_zeroed((size_t)1 << bits, sizeof *next.slots, error);
    if (next.slots == NULL)
        return false;
    next.bits = bits;
    next.count = 0;
    for (size_t i = 0; i < (size_t)1 << table->bits; i++) {
        const struct palette_count *from = &table->slots[i];
        if (from->weight == 0)
            continue;
        uint64_t key = palette_key_at(from->key, next.level);
        struct palette_count *to = table_slot(&next, key);
        next.count += to->weight == 0;
        to->key = key;
        to->weight += from->weight;
        to->edge += from->edge;
        for (int c = 0; c < 3; c++)
            to->sums[c] += from->sums[c];
    }
    free(table->slots);
    *table = next;
    return true;
}

static bool table_raise(struct table *table, unsigned level, struct error *error)
{
    table->level = level;
    return table_rebuild(table, table->bits, error);
}

/* After a colour was added: gives it room, or gives up bits. */
static bool table_fit(struct table *table, struct error *error)
{
    while (table->count > table->most)
        if (!table_raise(table, table->level + 1, error))
            return false;
    return table->count <= (size_t)1 << (table->bits - 1) ||
           table_rebuild(table, table->bits + 1, error);
}

static inline bool table_add(struct table *table, const struct palette_count *run,
                             struct error *error)
{
    struct palette_count *slot = table_slot(table, run->key);
    bool is_new = slot->weight == 0;
    slot->key = run->key;
    slot->weight += run->weight;
    slot->edge += run->edge;
    for (int c = 0; c < 3; c++)
        slot->sums[c] += run->sums[c];
    if (!is_new)
        return true;
    table->count++;
    return table_fit(table, error);
}

/* ---- counting ---- */

/* What one thread has counted: CUBES instead of the table from the level on where they can. */
struct lane {
    struct table table;
    struct palette_cubes cubes;
    uint64_t ignored;
    struct error error;
};

struct palette_counter {
    const struct palette_scan *scan;
    const struct palette_filter *filter;
    uint8_t maybe[1 << FILTER_BITS]; /* whether a key of the filter has this hash */
    size_t most;
    bool cubes; /* fit this image */
    size_t lane_count;
    struct lane lanes[PALETTE_COUNT_LANES];
};

static int keys_compare(const void *one, const void *two)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)two;
    return (a > b) - (a < b);
}

/* Takes the weight of what the filter does not have. */
static void pixels_filter(const struct palette_counter *job, struct palette_pixels *pixels, size_t count)
{
    const struct palette_filter *filter = job->filter;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = palette_key_at(pixels->keys[i], filter->level);
        if (!job->maybe[key_hash(key) >> (64 - FILTER_BITS)] ||
            bsearch(&key, filter->keys, filter->count, sizeof key, keys_compare) == NULL)
            pixels->weights[i] = pixels->edge[i] = 0;
    }
}

/* Adds COUNT pixels of one colour. */
static inline void run_add(const struct palette_pixels *pixels, size_t first, size_t count,
                           struct palette_count *run)
{
    for (size_t i = first; i < first + count; i++) {
        uint64_t weight = pixels->weights[i];
        run->weight += weight;
        run->edge += pixels->edge[i];
        for (unsigned c = 0; c < 3; c++)
            run->sums[c] += palette_lane(pixels->keys[i], c) * weight;
    }
}

/* The same for at most 256 pixels of 8-bit samples and weights of 0 or 1, whose sums fit into the
 * lanes of a key. */
static inline void run_add_bytes(const struct palette_pixels *pixels, size_t first, size_t count,
                                 struct palette_count *run)
{
    uint64_t sums = 0;
    for (size_t i = first; i < first + count; i++) {
        run->weight += pixels->weights[i];
        run->edge += pixels->edge[i];
        sums += pixels->keys[i] * pixels->weights[i];
    }
    for (unsigned c = 0; c < 3; c++)
        run->sums[c] += palette_lane(sums, c);
}

/* Pixels of one colour in a row are summed up before the table is asked. */
static bool pixels_count(struct table *table, const struct palette_pixels *pixels, size_t count,
                         bool bytes, struct error *error)
{
    for (size_t i = 0; i < count;) {
        struct palette_count run = {.key = palette_key_at(pixels->keys[i], table->level)};
        uint64_t mask = palette_key_at(~(uint64_t)0, table->level);
        size_t first = i, end = count - i > 256 ? i + 256 : count;
        while (i < end && (pixels->keys[i] & mask) == run.key)
            i++;
        if (bytes)
            run_add_bytes(pixels, first, i - first, &run);
        else
            run_add(pixels, first, i - first, &run);
        if (run.weight > 0 && !table_add(table, &run, error))
            return false;
    }
    return true;
}

/* From the table, once it has given up enough. */
static bool lane_turn(struct lane *lane, struct error *error)
{
    struct table *table = &lane->table;
    if (!palette_cubes_new(&lane->cubes, table->level, table->most, error))
        return false;
    for (size_t i = 0; i < (size_t)1 << table->bits; i++)
        if (table->slots[i].weight > 0 &&
            !palette_cubes_put(&lane->cubes, &table->slots[i], error))
            return false;
    free(table->slots);
    table->slots = NULL;
    return true;
}

/* And back, as it ends. */
static bool lane_return(struct lane *lane, struct error *error)
{
    if (lane->cubes.places == NULL)
        return true;
    if (!table_new(&lane->table, lane->table.most, error))
        return false;
    lane->table.level = lane->cubes.level;
    for (size_t at = 0; at < palette_cubes_size(&lane->cubes); at++) {
        const struct palette_count count = palette_cubes_at(&lane->cubes, at);
        if (count.weight > 0 && !table_add(&lane->table, &count, error))
            return false;
    }
    palette_cubes_free(&lane->cubes);
    return true;
}

/* COUNT pixels, at most PALETTE_CHUNK. */
static bool chunk_count(const struct palette_counter *job, struct lane *lane, uint32_t x,
                        uint32_t y, size_t count, struct error *error)
{
    const struct image *image = job->scan->image;
    bool bytes = image->shape.depth == 8 && !image->shape.alpha;
    struct palette_pixels pixels;
    if (lane->cubes.places != NULL) {
        uint8_t steps[3 * PALETTE_CHUNK];
        palette_scan_steps(job->scan, x, y, count, steps);
        return palette_cubes_add(&lane->cubes, image_row(image, y) + (size_t)3 * x, steps, count,
                                 error);
    }
    lane->ignored += palette_scan_row(job->scan, x, y, count, true, &pixels);
    if (job->filter != NULL)
        pixels_filter(job, &pixels, count);
    return pixels_count(&lane->table, &pixels, count, bytes, error);
}

void palette_counter_rows(struct palette_counter *job, size_t number, uint32_t first, uint32_t end)
{
    uint32_t width = job->scan->image->shape.width;
    /* Out of the way of the other threads' caches. */
    struct lane lane = job->lanes[number];
    bool done = lane.error.kind == ERROR_NONE &&
                (lane.table.slots != NULL || lane.cubes.places != NULL ||
                 table_new(&lane.table, job->most, &lane.error));
    for (uint32_t y = first; y < end; y++)
        for (uint32_t x = 0; x < width && done; x += PALETTE_CHUNK)
            done = chunk_count(job, &lane, x, y,
                               width - x < PALETTE_CHUNK ? width - x : PALETTE_CHUNK, &lane.error);
    /* Not earlier: the first rows often give up more, and a table of cubes shrinks by 8 with it. */
    if (done && job->cubes && lane.cubes.places == NULL && lane.table.level >= PALETTE_CUBES_LEVEL)
        lane_turn(&lane, &lane.error);
    job->lanes[number] = lane;
}

/* Adds FROM to TO. */
static bool table_merge(struct table *to, struct table *from, struct error *error)
{
    if (to->level < from->level && !table_raise(to, from->level, error))
        return false;
    for (size_t i = 0; i < (size_t)1 << from->bits; i++) {
        struct palette_count run = from->slots[i];
        run.key = palette_key_at(run.key, to->level);
        if (run.weight > 0 && !table_add(to, &run, error))
            return false;
    }
    return true;
}

static int counts_compare(const void *one, const void *two)
{
    const struct palette_count *a = one, *b = two;
    return (a->key > b->key) - (a->key < b->key);
}

/* The table's colours in order; its memory changes hands. */
static void table_finish(struct table *table, struct palette_counts *counts)
{
    size_t count = 0;
    for (size_t i = 0; i < (size_t)1 << table->bits; i++)
        if (table->slots[i].weight > 0)
            table->slots[count++] = table->slots[i];
    qsort(table->slots, count, sizeof *table->slots, counts_compare);
    counts->items = table->slots;
    counts->count = count;
    counts->level = table->level;
    for (size_t i = 0; i < count; i++)
        counts->weight += counts->items[i].weight;
    table->slots = NULL;
}

bool palette_counter_new(struct palette_counter **counter, const struct palette_scan *scan,
                         const struct palette_filter *filter, size_t most, unsigned threads,
                         struct error *error)
{
    const struct image_shape *shape = &scan->image->shape;
    struct palette_counter *job = *counter = memory_zeroed(1, sizeof *job, error);
    if (job == NULL)
        return false;
    job->scan = scan;
    job->filter = filter;
    job->most = most;
    job->cubes = filter == NULL && scan->ignored == NULL && shape->depth == 8 &&
                 shape->color == IMAGE_RGB && !shape->alpha &&
                 (uint64_t)shape->width * shape->height <= UINT32_MAX;
    job->lane_count = threads < 1                     ? 1
                      : threads < PALETTE_COUNT_LANES ? threads
                                                      : PALETTE_COUNT_LANES;
    for (size_t i = 0; filter != NULL && i < filter->count; i++)
        job->maybe[key_hash(filter->keys[i]) >> (64 - FILTER_BITS)] = 1;
    return true;
}

void palette_counter_free(struct palette_counter *counter)
{
    for (size_t i = 0; counter != NULL && i < counter->lane_count; i++) {
        free(counter->lanes[i].table.slots);
        palette_cubes_free(&counter->lanes[i].cubes);
    }
    free(counter);
}

bool palette_counter_finish(struct palette_counter *job, struct palette_counts *counts,
                            struct error *error)
{
    struct table all;
    *counts = (struct palette_counts){.items = NULL};
    bool done = table_new(&all, job->most, error);
    for (size_t i = 0; i < job->lane_count && done; i++) {
        struct lane *lane = &job->lanes[i];
        if (lane->error.kind != ERROR_NONE) {
            *error = lane->error;
            done = false;
        }
        counts->ignored += lane->ignored;
        done = done && lane_return(lane, error) &&
               (lane->table.slots == NULL || table_merge(&all, &lane->table, error));
    }
    if (done)
        table_finish(&all, counts);
    free(all.slots);
    return done;
}

static void counting_run(void *context, size_t lane)
{
    struct palette_counter *job = context;
    uint64_t height = job->scan->image->shape.height;
    uint32_t end = (uint32_t)(height * (lane + 1) / job->lane_count);
    for (uint32_t y = (uint32_t)(height * lane / job->lane_count), rows; y < end; y += rows) {
        rows = end - y < ROWS ? end - y : ROWS;
        palette_counter_rows(job, lane, y, y + rows);
    }
}

bool palette_count_new(struct palette_counts *counts, const struct palette_scan *scan,
                       const struct palette_filter *filter, size_t most, unsigned threads,
                       struct error *error)
{
    struct palette_counter *job;
    *counts = (struct palette_counts){.items = NULL};
    if (!palette_counter_new(&job, scan, filter, most, threads, error))
        return false;
    threads_for((unsigned)job->lane_count, job->lane_count, counting_run, job);
    bool done = palette_counter_finish(job, counts, error);
    palette_counter_free(job);
    return done;
}

void palette_count_free(struct palette_counts *counts)
{
    free(counts->items);
    *counts = (struct palette_counts){.items = NULL};
}
