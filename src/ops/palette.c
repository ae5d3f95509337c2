/* SPDX-License-Identifier: MIT */
#include "ops/palette.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "color/lab.h"
#include "ops/ciede.h"
#include "ops/gamut.h"
#include "ops/palette_cluster.h"
#include "ops/palette_exact.h"
#include "ops/palette_ground.h"
#include "ops/pixels.h"

enum {
    MOST_COLORS = 16384,  /* that are told apart before bits are given up */
    LEAST_COLORS = 4096   /* the same around a single colour */
};

#define EDGE_TRUST 0.2  /* of pixels that are a step on an edge */
#define MAJORITY 0.5     /* the share of a core from which on one exact colour stands for it */

struct palette_search {
    const struct palette_options *options;
    const struct image *image;
    struct palette_counter *counter; /* NULL: counted once the image is there as a whole */
    struct pixel_reader reader;
    struct palette_scan scan;
    struct palette_ground ground;
    struct palette *palette;
};

/* ---- colours ---- */

/* COUNT colours, given by sums of samples and their weights, to Lab planes. */
static bool counts_to_lab(const struct palette_search *search, const struct palette_count *items,
                          size_t count, float *const lab[3], struct error *error)
{
    float *memory = memory_array(3 * count + 1, sizeof *memory, error);
    if (memory == NULL)
        return false;
    double top = palette_scan_top(&search->scan);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < count; i++)
            memory[c * count + i] =
                (float)((double)items[i].sums[c] / ((double)items[i].weight * top));
    const float *const code[3] = {memory, memory + count, memory + 2 * count};
    pixel_reader_codes(&search->reader, code, count, lab);
    free(memory);
    return true;
}

static void entry_from_lab(struct palette_entry *entry, const double lab[3])
{
    double linear[3];
    memcpy(entry->lab, lab, sizeof entry->lab);
    lab_to_linear(lab, linear);
    float light[3] = {(float)linear[0], (float)linear[1], (float)linear[2]};
    bool outside = gamut_fit_row(&light[0], &light[1], &light[2], 1) > 0;
    for (int c = 0; c < 3; c++)
        entry->srgb[c] =
            fmin(fmax(srgb_encode(outside ? (double)light[c] : linear[c]), 0.0), 1.0);
}

/* The entry of one colour as it occurs; without a profile its samples are the answer. */
static void entry_from_key(const struct palette_search *search, uint64_t key, struct palette_entry *entry)
{
    unsigned lanes = palette_scan_lanes(&search->scan);
    double top = palette_scan_top(&search->scan), lab[3], linear[3], samples[3];
    float code[3], plane[3];
    for (unsigned c = 0; c < 3; c++) {
        samples[c] = (double)palette_lane(key, c < lanes ? c : 0) / top;
        code[c] = (float)samples[c];
        linear[c] = srgb_decode(samples[c]);
    }
    if (search->reader.transform == NULL) {
        lab_from_linear(linear, lab);
        entry_from_lab(entry, lab);
        memcpy(entry->srgb, samples, sizeof samples);
        return;
    }
    const float *const from[3] = {&code[0], &code[1], &code[2]};
    float *const to[3] = {&plane[0], &plane[1], &plane[2]};
    pixel_reader_codes(&search->reader, from, 1, to);
    for (int c = 0; c < 3; c++)
        lab[c] = (double)plane[c];
    entry_from_lab(entry, lab);
}

/* ---- points ---- */

/* Takes out the colours near the ignored one. */
static bool points_ignore(const struct palette_search *search, struct palette_points *points,
                          const struct palette_counts *counts, double *ignored,
                          struct error *error)
{
    size_t n = points->count;
    float *memory = memory_array(4 * n + 1, sizeof *memory, error);
    if (memory == NULL)
        return false;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < n; i++)
            memory[c * n + i] = (float)search->options->ignore_lab[c];
    const float *const one[3] = {memory, memory + n, memory + 2 * n};
    float *difference = memory + 3 * n;
    ciede2000_row(one, (const float *const *)points->lab, difference, n);
    for (size_t i = 0; i < n; i++)
        if (difference[i] <= (float)search->options->ignore_de) {
            *ignored += (double)counts->items[i].weight;
            points->share[i] = 0;
        }
    free(memory);
    return true;
}

/* Fills POINTS from COUNTS; ITEM tells which each is. What does not count is left out. */
static bool points_fill(const struct palette_search *search, const struct palette_counts *counts,
                        struct palette_points *points, size_t *item, struct error *error)
{
    double unit = palette_scan_unit(&search->scan), ignored = (double)counts->ignored;
    if (!counts_to_lab(search, counts->items, counts->count, points->lab, error))
        return false;
    for (size_t i = 0; i < points->count; i++)
        points->share[i] = (double)counts->items[i].weight;
    if (search->options->ignore_lab != NULL &&
        !points_ignore(search, points, counts, &ignored, error))
        return false;
    double counted = 0;
    size_t kept = 0;
    for (size_t i = 0; i < points->count; i++) {
        if (points->share[i] <= 0)
            continue;
        double share = points->share[i], edge = (double)counts->items[i].edge;
        for (int c = 0; c < 3; c++)
            points->lab[c][kept] = points->lab[c][i];
        counted += share;
        item[kept] = i;
        points->share[kept] = share;
        points->trust[kept] = share - edge + EDGE_TRUST * edge;
        points->edge[kept] = edge;
        points->key[kept++] = counts->items[i].key;
    }
    points->count = kept;
    points->level = counts->level;
    for (size_t i = 0; i < kept; i++) {
        points->share[i] /= counted;
        points->trust[i] /= counted;
        points->edge[i] /= counted;
    }
    search->palette->counted = counted / unit;
    search->palette->ignored = ignored / unit;
    palette_points_place(points);
    return true;
}

/* ---- clusters ---- */

/* Joins clusters whose colours have come nearer than merge_de. */
static bool centers_merge(const struct palette_search *search, struct palette_points *points,
                          struct palette_center *centers, size_t *count, struct error *error)
{
    for (;;) {
        size_t one = 0, two = 0;
        double least = search->options->merge_de;
        if (!palette_centers(points, *count, centers, error))
            return false;
        for (size_t i = 0; i < *count; i++)
            for (size_t k = 0; k < i; k++) {
                double difference = lab_ciede2000(centers[i].lab, centers[k].lab);
                if (difference < least) {
                    least = difference;
                    one = k;
                    two = i;
                }
            }
        if (one == two)
            return true;
        --*count;
        for (size_t i = 0; i < points->count; i++) {
            uint16_t *cluster = &points->cluster[i];
            *cluster = *cluster == two ? (uint16_t)one : (uint16_t)(*cluster - (*cluster > two));
        }
    }
}

static int keys_compare(const void *one, const void *two)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)two;
    return (a > b) - (a < b);
}

/* Where a cube of colours makes up most of a core, looks into it: if one exact colour does, that
 * is the entry's. EXACT gets its key, or UINT64_MAX. */
static bool centers_look_closer(const struct palette_search *search, const struct palette_counts *counts,
                                const size_t *item, const struct palette_points *points,
                                const struct palette_center *centers, size_t count,
                                uint64_t *exact, struct error *error)
{
    uint64_t keys[PALETTE_MOST];
    struct palette_filter filter = {.keys = keys, .level = counts->level};
    struct palette_counts inside = {.items = NULL};
    for (size_t k = 0; k < count; k++) {
        const struct palette_center *center = &centers[k];
        bool majority = points->share[center->heaviest] >= MAJORITY * center->core;
        exact[k] = majority ? counts->items[item[center->heaviest]].key : UINT64_MAX;
        if (majority)
            keys[filter.count++] = exact[k];
    }
    if (counts->level == 0 || filter.count == 0)
        return true;
    qsort(keys, filter.count, sizeof *keys, keys_compare);
    if (!palette_count_new(&inside, &search->scan, &filter, LEAST_COLORS + MOST_COLORS,
                           search->options->threads, error))
        return false;
    double all = search->palette->counted * palette_scan_unit(&search->scan);
    for (size_t k = 0; k < count; k++) {
        uint64_t cube = exact[k], most = 0;
        exact[k] = UINT64_MAX;
        for (size_t i = 0; cube != UINT64_MAX && inside.level == 0 && i < inside.count; i++) {
            const struct palette_count *color = &inside.items[i];
            if (palette_key_at(color->key, counts->level) == cube && color->weight > most) {
                most = color->weight;
                exact[k] = color->key;
            }
        }
        if ((double)most < MAJORITY * centers[k].core * all)
            exact[k] = UINT64_MAX;
    }
    palette_count_free(&inside);
    return true;
}

/* The largest first; equal ones by lightness and so on, so that there is one order only. */
static int entries_compare(const void *one, const void *two)
{
    const struct palette_entry *a = one, *b = two;
    if (a->share != b->share)
        return a->share < b->share ? 1 : -1;
    for (int c = 0; c < 3; c++)
        if (a->srgb[c] != b->srgb[c])
            return a->srgb[c] > b->srgb[c] ? 1 : -1;
    return 0;
}

static bool palette_fill(const struct palette_search *search, const struct palette_counts *counts,
                         struct palette_points *points, const size_t *item, struct error *error)
{
    struct palette_center centers[PALETTE_MOST];
    uint64_t exact[PALETTE_MOST];
    struct palette *palette = search->palette;
    const struct palette_join_options join = {.most = search->options->colors,
                                              .merge_de = search->options->merge_de,
                                              .hidden = palette->ignored > 0};
    size_t count = 0;
    if (!palette_cluster(points, &search->scan, &join, &count, error) ||
        !centers_merge(search, points, centers, &count, error) ||
        !centers_look_closer(search, counts, item, points, centers, count, exact, error))
        return false;
    for (size_t k = 0; k < count; k++) {
        struct palette_entry *entry = &palette->entries[k];
        if (exact[k] != UINT64_MAX)
            entry_from_key(search, exact[k], entry);
        else
            entry_from_lab(entry, centers[k].lab);
        entry->share = centers[k].share;
    }
    palette->count = count;
    qsort(palette->entries, count, sizeof *palette->entries, entries_compare);
    return true;
}

static bool palette_find_clusters(const struct palette_search *search, struct error *error)
{
    struct palette_counts counts = {.items = NULL};
    struct palette_points points = {.count = 0};
    size_t *item = NULL;
    bool counted = search->counter != NULL
                       ? palette_counter_finish(search->counter, &counts, error)
                       : palette_count_new(&counts, &search->scan, NULL, MOST_COLORS,
                                           search->options->threads, error);
    bool done = counted && palette_points_new(&points, counts.count, error);
    if (!done)
        goto out;
    item = memory_array(counts.count + 1, sizeof *item, error);
    done = item != NULL && points_fill(search, &counts, &points, item, error) &&
           (points.count == 0 || palette_fill(search, &counts, &points, item, error));
out:
    free(item);
    palette_points_free(&points);
    palette_count_free(&counts);
    return done;
}

/* ---- exact ---- */

static bool palette_find_exact(const struct palette_search *search, struct error *error)
{
    struct palette_exact found[PALETTE_MOST];
    struct palette_exact_totals totals;
    struct palette *palette = search->palette;
    const struct palette_options *options = search->options;
    struct palette_exact_options exact = {.most = options->colors,
                                          .ignore_lab = options->ignore_lab,
                                          .ignore_de = options->ignore_de,
                                          .threads = options->threads};
    if (!palette_exact_find(&search->scan, &search->reader, &exact, found, &palette->count,
                            &totals, error))
        return false;
    double unit = palette_scan_unit(&search->scan);
    palette->counted = (double)totals.weight / unit;
    palette->ignored = (double)totals.ignored / unit;
    for (size_t i = 0; i < palette->count; i++) {
        entry_from_key(search, found[i].key, &palette->entries[i]);
        palette->entries[i].share = (double)found[i].weight / (double)totals.weight;
    }
    return true;
}

/* ---- all ---- */

bool palette_open(struct palette_search **opened, const struct image *image,
                  const struct palette_options *options, struct error *error)
{
    struct palette_search *search = *opened = memory_zeroed(1, sizeof *search, error);
    if (search == NULL)
        return false;
    search->options = options;
    search->image = image;
    search->scan.image = image;
    bool done = options->colors >= 1 && options->colors <= PALETTE_MOST;
    if (!done)
        error_set(error, ERROR_INTERNAL, "a palette of %zu colours", options->colors);
    /* What is background shows in the whole only. */
    bool streams = !options->ignore_background && !options->exact;
    done = done &&
           pixel_reader_open(&search->reader, image, PIXEL_WEIGHTED | PIXEL_ANY_PROFILE, error) &&
           (!streams || palette_counter_new(&search->counter, &search->scan, NULL, MOST_COLORS,
                                            options->threads, error));
    if (!done) {
        palette_close(search);
        *opened = NULL;
    }
    return done;
}

void palette_close(struct palette_search *search)
{
    if (search == NULL)
        return;
    palette_counter_free(search->counter);
    palette_ground_free(&search->ground);
    pixel_reader_close(&search->reader);
    free(search);
}

void palette_band(struct palette_search *search, size_t band, size_t lane)
{
    uint32_t height = search->image->shape.height;
    uint32_t first = (uint32_t)band * PALETTE_BAND, left = height - first;
    /* The last row waits for the one below it. */
    if (search->counter != NULL)
        palette_counter_rows(search->counter, lane, first == 0 ? 0 : first - 1,
                             left <= PALETTE_BAND ? height : first + PALETTE_BAND - 1);
}

bool palette_finish(struct palette_search *search, struct palette *palette, struct error *error)
{
    const struct palette_options *options = search->options;
    palette->count = 0;
    palette->counted = palette->ignored = 0;
    palette->confidence = 1;
    search->palette = palette;
    if (options->ignore_background) {
        if (!palette_ground_find(&search->ground, search->image, options->lossy, options->threads,
                                 error))
            return false;
        palette->confidence = search->ground.confidence;
        search->scan.ignored = search->ground.bits;
        search->scan.ignored_stride = search->ground.stride;
    }
    return options->exact ? palette_find_exact(search, error)
                          : palette_find_clusters(search, error);
}

_Static_assert((int)PALETTE_LANES == (int)PALETTE_COUNT_LANES, "a lane for every thread");

static bool band_is_there(void *context, size_t source, size_t band)
{
    (void)context;
    (void)source;
    (void)band;
    return true;
}

static void band_count(void *context, size_t band, size_t lane)
{
    palette_band(context, band, lane);
}

bool palette_find(struct palette *palette, const struct image *image,
                  const struct palette_options *options, struct error *error)
{
    struct palette_search *search;
    if (!palette_open(&search, image, options, error))
        return false;
    const struct threads_flow flow = {.bands = palette_bands(image),
                                      .sources = 1,
                                      .slots = THREADS_SLOTS,
                                      .read = band_is_there,
                                      .work = band_count,
                                      .context = search};
    threads_flow(&flow, options->threads < PALETTE_LANES ? options->threads : PALETTE_LANES);
    bool done = palette_finish(search, palette, error);
    palette_close(search);
    return done;
}

size_t palette_bands(const struct image *image)
{
    return (image->shape.height + (size_t)PALETTE_BAND - 1) / PALETTE_BAND;
}
