/* SPDX-License-Identifier: MIT */
#include "ops/palette_exact.h"

#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "ops/ciede.h"
#include "ops/palette.h"

enum { FIRST_BITS = 10, LAST_BITS = 22, MOST_PART_BITS = 16, MOST_THREADS = 4, BLOCK = 256 };

/* The colours of one part: open addressing, at most half full. */
struct part {
    struct palette_exact *slots;
    unsigned bits;
    size_t count;
    bool overflows; /* has more colours than LAST_BITS allow */
};

struct exact_job {
    const struct palette_scan *scan;
    const struct pixel_reader *reader;
    const struct palette_exact_options *options;
    unsigned part_bits;           /* 2^part_bits parts */
    unsigned threads;
    bool overflows;               /* some part did: all is in vain */
    bool failed;                  /* memory ran out */
    struct palette_exact *best;   /* options->most for each part */
    size_t *best_count;
    struct palette_exact_totals *totals;
};

/* The upper bits choose the slot, those below the part. */
static inline uint64_t key_hash(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15u; /* 2^64 over the golden ratio: Knuth, vol. 3, 6.4 */
    return key ^ key >> 32;
}

static inline struct palette_exact *part_slot(const struct part *part, uint64_t key, uint64_t hash)
{
    size_t last = ((size_t)1 << part->bits) - 1, at = hash >> (64 - part->bits);
    while (part->slots[at].weight != 0 && part->slots[at].key != key)
        at = (at + 1) & last;
    return &part->slots[at];
}

static bool part_grow(struct part *part)
{
    struct part next = {.bits = part->bits + 1, .count = part->count};
    if (next.bits > LAST_BITS) {
        part->overflows = true;
        return true;
    }
    next.slots = memory_zeroed((size_t)1 << next.bits, sizeof *next.slots, NULL);
    if (next.slots == NULL)
        return false;
    for (size_t i = 0; i < (size_t)1 << part->bits; i++) {
        uint64_t key = part->slots[i].key;
        if (part->slots[i].weight != 0)
            *part_slot(&next, key, key_hash(key)) = part->slots[i];
    }
    free(part->slots);
    *part = next;
    return true;
}

static bool part_count(const struct exact_job *job, size_t index, struct part *part,
                       const struct palette_pixels *pixels, size_t count)
{
    uint64_t mask = ((uint64_t)1 << job->part_bits) - 1;
    for (size_t i = 0; i < count && !part->overflows;) {
        uint64_t key = pixels->keys[i], hash = key_hash(key), weight = 0;
        for (; i < count && pixels->keys[i] == key; i++)
            weight += pixels->weights[i];
        if ((hash & mask) != index || weight == 0)
            continue;
        struct palette_exact *slot = part_slot(part, key, hash);
        bool is_new = slot->weight == 0;
        slot->key = key;
        slot->weight += weight;
        if (is_new && ++part->count > (size_t)1 << (part->bits - 1) && !part_grow(part))
            return false;
    }
    return true;
}

/* Counts part INDEX in all of the image. What SCAN ignores is summed with the first. */
static bool part_scan(const struct exact_job *job, size_t index, struct part *part)
{
    const struct image_shape *shape = &job->scan->image->shape;
    struct palette_pixels pixels;
    for (uint32_t y = 0; y < shape->height && !part->overflows; y++)
        for (uint32_t x = 0; x < shape->width; x += PALETTE_CHUNK) {
            size_t count = shape->width - x < PALETTE_CHUNK ? shape->width - x : PALETTE_CHUNK;
            uint64_t ignored = palette_scan_row(job->scan, x, y, count, false, &pixels);
            if (index == 0)
                job->totals[index].ignored += ignored;
            if (!part_count(job, index, part, &pixels, count))
                return false;
        }
    return true;
}

/* ---- what does not count, and what is best ---- */

/* Takes the weight of COUNT (at most BLOCK) colours that are near the ignored one. Returns the sum
 * of what is taken. */
static uint64_t block_ignore(const struct exact_job *job, struct palette_exact *items, size_t count)
{
    const struct palette_exact_options *options = job->options;
    float planes[9][BLOCK], difference[BLOCK], top = (float)palette_scan_top(job->scan);
    const float *const code[3] = {planes[0], planes[1], planes[2]};
    float *const lab[3] = {planes[3], planes[4], planes[5]};
    float *const one[3] = {planes[6], planes[7], planes[8]};
    uint64_t ignored = 0;
    for (unsigned c = 0; c < 3; c++)
        for (size_t i = 0; i < count; i++) {
            planes[c][i] = (float)palette_lane(items[i].key, c) / top;
            one[c][i] = (float)options->ignore_lab[c];
        }
    pixel_reader_codes(job->reader, code, count, lab);
    ciede2000_row((const float *const *)one, (const float *const *)lab, difference, count);
    for (size_t i = 0; i < count; i++)
        if (difference[i] <= (float)options->ignore_de) {
            ignored += items[i].weight;
            items[i].weight = 0;
        }
    return ignored;
}

static bool exact_is_before(const struct palette_exact *a, const struct palette_exact *b)
{
    return a->weight > b->weight || (a->weight == b->weight && a->key < b->key);
}

/* Inserts ITEM into the list of the COUNT best, at most MOST. */
static size_t best_insert(struct palette_exact *best, size_t count, size_t most,
                          const struct palette_exact *item)
{
    if (count == most && !exact_is_before(item, &best[count - 1]))
        return count;
    size_t k = count < most ? count++ : count - 1;
    for (; k > 0 && exact_is_before(item, &best[k - 1]); k--)
        best[k] = best[k - 1];
    best[k] = *item;
    return count;
}

static void part_finish(const struct exact_job *job, size_t index, struct part *part)
{
    size_t most = job->options->most, count = 0;
    for (size_t i = 0; i < (size_t)1 << part->bits; i++)
        if (part->slots[i].weight != 0)
            part->slots[count++] = part->slots[i];
    for (size_t i = 0; job->options->ignore_lab != NULL && i < count; i += BLOCK)
        job->totals[index].ignored +=
            block_ignore(job, part->slots + i, count - i < BLOCK ? count - i : BLOCK);
    for (size_t i = 0; i < count; i++) {
        job->totals[index].weight += part->slots[i].weight;
        if (part->slots[i].weight > 0)
            job->best_count[index] = best_insert(job->best + index * most, job->best_count[index],
                                                 most, &part->slots[i]);
    }
}

static void exact_run(void *context, size_t index)
{
    struct exact_job *job = context;
    struct part part = {.bits = FIRST_BITS};
    if (__atomic_load_n(&job->overflows, __ATOMIC_RELAXED))
        return;
    part.slots = memory_zeroed((size_t)1 << FIRST_BITS, sizeof *part.slots, NULL);
    if (part.slots == NULL || !part_scan(job, index, &part))
        __atomic_store_n(&job->failed, true, __ATOMIC_RELAXED);
    else if (part.overflows)
        __atomic_store_n(&job->overflows, true, __ATOMIC_RELAXED);
    else
        part_finish(job, index, &part);
    free(part.slots);
}

/* ---- all ---- */

/* One try with 2^part_bits parts. */
static bool exact_try(struct exact_job *job, struct palette_exact *found, size_t *count,
                      struct palette_exact_totals *totals, struct error *error)
{
    size_t parts = (size_t)1 << job->part_bits, most = job->options->most;
    bool done = false;
    job->overflows = false;
    job->best = memory_array(parts, most * sizeof *job->best, error);
    job->best_count = memory_zeroed(parts, sizeof *job->best_count, error);
    job->totals = memory_zeroed(parts, sizeof *job->totals, error);
    if (!job->best || !job->best_count || !job->totals)
        goto out;
    threads_for(job->threads, parts, exact_run, job);
    done = !job->failed || error_set(error, ERROR_NO_MEMORY, "no memory to count the colours");
    for (size_t p = 0; p < parts && done && !job->overflows; p++) {
        totals->weight += job->totals[p].weight;
        totals->ignored += job->totals[p].ignored;
        for (size_t i = 0; i < job->best_count[p]; i++)
            *count = best_insert(found, *count, most, &job->best[p * most + i]);
    }
out:
    free(job->best);
    free(job->best_count);
    free(job->totals);
    return done;
}

bool palette_exact_find(const struct palette_scan *scan, const struct pixel_reader *reader,
                        const struct palette_exact_options *options, struct palette_exact *found,
                        size_t *count, struct palette_exact_totals *totals, struct error *error)
{
    struct exact_job job = {.scan = scan, .reader = reader, .options = options};
    *count = 0;
    *totals = (struct palette_exact_totals){.weight = 0};
    job.threads = options->threads < MOST_THREADS ? options->threads : MOST_THREADS;
    while ((1u << job.part_bits) < job.threads)
        job.part_bits++;
    for (;;) {
        if (!exact_try(&job, found, count, totals, error))
            return false;
        if (!job.overflows)
            return true;
        if (++job.part_bits > MOST_PART_BITS)
            return error_set(error, ERROR_INTERNAL, "colours cannot be told apart");
    }
}
