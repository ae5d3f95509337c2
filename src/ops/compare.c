/* SPDX-License-Identifier: MIT */
#include "ops/compare.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/compiler.h"
#include "base/threads.h"
#include "color/icc.h"
#include "color/lab.h"
#include "ops/ciede.h"
#include "ops/compare_bins.h"
#include "ops/compare_boxes.h"
#include "ops/pixels.h"

/* A band is one piece of work, summed up by itself, so that the numbers do not depend on who does
 * it; whole cells fit into it. CHUNK pixels go through the formula at a time. */
enum { CHUNK = 256, SUMS = 8, PAIRS = 4096, POINTS = 1024 };

/* What is known of a band. */
struct band {
    double sum;
    float max;
    uint32_t max_x, max_y;
    uint64_t counted, over;
};

/* Pixels that were met before, in the formulas that take long: a difference for a pair, a point for
 * a colour. A place is chosen by the key's bits, and taken by whoever came last. */
struct pair {
    float key[6], difference;
};
struct point {
    float key[3];
    double value[3];
};

/* What one thread works with. */
struct lane {
    struct pixel_reader readers[2]; /* of the band */
    struct compare_bins bins;
    struct pair *pairs;
    struct point *points[2];
    float light[2][3][CHUNK], lab[2][3][CHUNK];
    float difference[CHUNK], other[CHUNK];
    int32_t numbers[CHUNK];
    uint8_t counts[CHUNK];
    bool masked; /* COUNTS is to be looked at */
};

struct compare {
    struct compare_options options;
    struct pixel_reader readers[2];
    uint32_t width, height;
    bool fast;   /* CIEDE2000 in single precision */
    bool alike;  /* equal bytes are equal colours */
    bool alpha;  /* there is some */
    int32_t limit; /* bits of the largest float that is not over */
    double unit;   /* differences of the formula for 1 of the histogram */
    size_t band_count, lane_count;
    struct band *bands;
    struct lane *lanes;
    struct compare_cells cells;
    float *map;
};

/* A stretch of a row; ROW is counted from the first one of the band. */
struct stretch {
    uint32_t x, y, row;
    size_t count;
    double background;
};

static float exact_2000(const struct lane *lane, const struct stretch *at, size_t i)
{
    double linear[2][3], lab[2][3];
    for (int k = 0; k < 2; k++) {
        pixel_reader_exact(&lane->readers[k], at->x + (uint32_t)i, at->row, at->background,
                           linear[k]);
        lab_from_linear(linear[k], lab[k]);
    }
    return (float)lab_ciede2000(lab[0], lab[1]);
}

static void stretch_2000(struct lane *lane, const struct stretch *at, float *difference)
{
    uint32_t doubtful[CHUNK];
    const float *colors[2][3];
    for (int k = 0; k < 2; k++) {
        lab_row_from_linear(lane->light[k][0], lane->light[k][1], lane->light[k][2],
                            lane->lab[k][0], lane->lab[k][1], lane->lab[k][2], at->count);
        for (int c = 0; c < 3; c++)
            colors[k][c] = lane->lab[k][c];
    }
    size_t found =
        ciede2000_row_doubtful(colors[0], colors[1], difference, at->count, doubtful);
    for (size_t i = 0; i < found; i++)
        difference[doubtful[i]] = exact_2000(lane, at, doubtful[i]);
}

/* A place among COUNT, a power of 2, for a key of floats. */
static size_t place_of(const float *key, size_t length, size_t count)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint32_t)bits_of(key[i])) * 0x9e3779b1u;
    return (hash >> 15) & (count - 1);
}

/* Pixel I of image K, whose light is KEY, as a point of the formula. */
static const double *point_of(const struct compare *job, struct lane *lane, const struct stretch *at,
                              size_t i, int k, const float key[3])
{
    struct point *point = &lane->points[k][place_of(key, 3, POINTS)];
    if (memcmp(point->key, key, sizeof point->key) == 0)
        return point->value;
    double linear[3], lab_d65[3], lab[3];
    pixel_reader_exact(&lane->readers[k], at->x + (uint32_t)i, at->row, at->background, linear);
    lab_from_linear(linear, lab_d65);
    difference_lab(&job->options.difference, lab_d65, lab);
    difference_point(&job->options.difference, lab, point->value);
    memcpy(point->key, key, sizeof point->key);
    return point->value;
}

/* The formulas in double precision. */
static void stretch_any(const struct compare *job, struct lane *lane, const struct stretch *at,
                        float *difference)
{
    for (size_t i = 0; i < at->count; i++) {
        float key[6];
        for (int c = 0; c < 3; c++) {
            key[c] = lane->light[0][c][i];
            key[c + 3] = lane->light[1][c][i];
        }
        if (memcmp(key, key + 3, sizeof key / 2) == 0) {
            difference[i] = 0;
            continue;
        }
        struct pair *pair = &lane->pairs[place_of(key, 6, PAIRS)];
        if (memcmp(pair->key, key, sizeof key) != 0) {
            const double *one = point_of(job, lane, at, i, 0, key),
                         *two = point_of(job, lane, at, i, 1, key + 3);
            double value = difference_between(&job->options.difference, one, two);
            pair->difference = value > 0 ? (float)value : 0; /* and what is no number */
            memcpy(pair->key, key, sizeof key);
        }
        difference[i] = pair->difference;
    }
}

static void stretch_over(const struct compare *job, struct lane *lane, const struct stretch *at,
                         float *difference)
{
    for (int k = 0; k < 2; k++) {
        float *const to[3] = {lane->light[k][0], lane->light[k][1], lane->light[k][2]};
        pixel_reader_over(&lane->readers[k], at->x, at->row, at->count, at->background, to);
    }
    if (job->fast)
        stretch_2000(lane, at, difference);
    else
        stretch_any(job, lane, at, difference);
}

/* True where no pixel of the stretch is transparent. */
static bool stretch_opaque(const struct image *image, const struct stretch *at)
{
    size_t channels = image_channels(&image->shape);
    const uint8_t *row = image_row(image, at->row) + at->x * image_pixel_bytes(&image->shape);
    unsigned all = image->shape.depth == 16 ? 65535 : 255, most = all;
    if (!image->shape.alpha)
        return true;
    for (size_t i = channels - 1; i < at->count * channels; i += channels)
        all &= most > 255 ? ((const uint16_t *)(const void *)row)[i] : row[i];
    return all == most;
}

static bool stretch_equal(const struct image *const images[2], const struct stretch *at)
{
    size_t bytes = image_pixel_bytes(&images[0]->shape);
    return memcmp(image_row(images[0], at->row) + at->x * bytes,
                  image_row(images[1], at->row) + at->x * bytes, at->count * bytes) == 0;
}

/* The differences of the stretch. */
static void stretch_compare(const struct compare *job, struct lane *lane, struct stretch *at)
{
    const struct image *const images[2] = {lane->readers[0].image, lane->readers[1].image};
    if (job->alike && stretch_equal(images, at)) {
        memset(lane->difference, 0, at->count * sizeof(float));
        return;
    }
    at->background = 1;
    stretch_over(job, lane, at, lane->difference);
    if (!job->alpha || (stretch_opaque(images[0], at) && stretch_opaque(images[1], at)))
        return;
    at->background = 0;
    stretch_over(job, lane, at, lane->other);
    for (size_t i = 0; i < at->count; i++)
        lane->difference[i] = fmaxf(lane->difference[i], lane->other[i]);
}

/* Marks which pixels count. */
static void stretch_counts(const struct compare *job, const struct stretch *at, struct lane *lane)
{
    const struct image *mask = job->options.mask;
    uint8_t *counts = lane->counts;
    lane->masked = mask != NULL || job->options.ignore_count > 0;
    memset(counts, 1, at->count);
    if (mask != NULL) {
        const uint8_t *row = image_row(mask, at->y);
        const uint16_t *row16 = (const uint16_t *)(const void *)row;
        for (size_t i = 0; i < at->count; i++)
            counts[i] = mask->shape.depth == 16 ? row16[at->x + i] != 0 : row[at->x + i] != 0;
    }
    for (size_t b = 0; b < job->options.ignore_count; b++) {
        const struct image_box *box = &job->options.ignore[b];
        uint64_t from = box->x, to = from + box->width, end = at->x + (uint64_t)at->count;
        if (at->y < box->y || at->y - box->y >= box->height || from >= end || to <= at->x)
            continue;
        from = from < at->x ? at->x : from;
        to = to > end ? end : to;
        memset(counts + (from - at->x), 0, (size_t)(to - from));
    }
}

/* Adds up COUNT differences, a multiple of SUMS, below 0 where a pixel does not count: their sum,
 * the bits of the largest, the numbers for the histogram of those up to BINS_TOP. Several sums at
 * a time, because a double added to another takes four cycles. */
MULTIVERSION
static double differences_sum(const float *restrict difference, size_t count, float scale,
                              int32_t *restrict numbers, int32_t *restrict largest)
{
    double sums[SUMS] = {0}, sum = 0;
    int32_t most = bits_of(-1.0f), top = bits_of(BINS_TOP);
    for (size_t i = 0; i < count; i += SUMS)
        for (int k = 0; k < SUMS; k++) {
            int32_t bits = bits_of(difference[i + k]);
            float positive = float_of(bits & ~(bits >> 31));
            most = bits > most ? bits : most;
            sums[k] += positive;
            int32_t scaled = bits_of(positive * scale);
            scaled = scaled < top ? scaled : top;
            numbers[i + k] = (int32_t)(float_of(scaled) * (1 << BINS_FINE) + 0.5f);
        }
    for (int k = 0; k < SUMS; k++)
        sum += sums[k];
    *largest = most;
    return sum;
}

/* How many of COUNT differences are above LIMIT, the bits of a float; *FROM and *TO are around
 * them, TO exclusive, and 0 where there are none. */
MULTIVERSION
static uint32_t differences_over(const float *difference, uint32_t count, int32_t limit,
                                 uint32_t *from, uint32_t *to)
{
    int32_t over = 0, most = -1, least = -(int32_t)count;
    for (int32_t i = 0; i < (int32_t)count; i++) {
        int32_t above = -(bits_of(difference[i]) > limit);
        int32_t here = (i & above) | ~above, back = (-i & above) | (least & ~above);
        over -= above;
        most = here > most ? here : most;
        least = back > least ? back : least;
    }
    *from = (uint32_t)-least;
    *to = (uint32_t)(most + 1);
    return (uint32_t)over;
}

/* Notes the pixels that are over, cell by cell. */
static void stretch_cells(struct compare *job, const struct lane *lane, const struct stretch *at,
                          struct band *band)
{
    uint32_t side = 1u << job->cells.shift;
    for (uint32_t i = 0, part; i < at->count; i += part) {
        uint32_t x = at->x + i, from, to;
        part = side - (x & (side - 1));
        part = part < at->count - i ? part : (uint32_t)at->count - i;
        uint32_t over = differences_over(lane->difference + i, part, job->limit, &from, &to);
        if (over == 0)
            continue;
        band->over += over;
        compare_cells_add(&job->cells, x + from, at->y);
        compare_cells_add(&job->cells, x + to - 1, at->y);
    }
}

static void stretch_bins(struct lane *lane, const struct stretch *at, float scale, float largest)
{
    const float *difference = lane->difference;
    const struct compare_bins bins = lane->bins; /* which no count can overlap, so it is read once */
    if (largest * scale >= BINS_TOP)
        for (size_t i = 0; i < at->count; i++)
            lane->numbers[i] = compare_bins_number(fmaxf(difference[i], 0) * scale);
    for (size_t i = 0; i < at->count; i++)
        if (difference[i] >= 0)
            compare_bins_add(&bins, lane->numbers[i]);
}

static void band_largest(struct band *band, const float *difference, const struct stretch *at,
                         float largest)
{
    size_t i = 0;
    while (difference[i] != largest)
        i++;
    band->max = largest;
    band->max_x = at->x + (uint32_t)i;
    band->max_y = at->y;
}

/* Adds the stretch to what is known of its band. */
static void stretch_add(struct compare *job, struct lane *lane, const struct stretch *at,
                        struct band *band)
{
    float *difference = lane->difference, scale = (float)(1 / job->unit);
    int32_t bits;
    size_t padded = at->count;
    for (; padded % SUMS != 0; padded++)
        difference[padded] = -1;
    band->counted += at->count;
    for (size_t i = 0; lane->masked && i < at->count; i++) {
        band->counted -= !lane->counts[i];
        difference[i] = lane->counts[i] ? difference[i] : -1;
    }
    band->sum += differences_sum(difference, padded, scale, lane->numbers, &bits);
    float largest = float_of(bits);
    if (largest > band->max)
        band_largest(band, difference, at, largest);
    stretch_bins(lane, at, scale, largest);
    if (bits > job->limit)
        stretch_cells(job, lane, at, band);
    if (job->map != NULL)
        memcpy(job->map + (size_t)at->y * job->width + at->x, difference,
               at->count * sizeof(float));
}

void compare_band(struct compare *job, size_t number, size_t lane_number, const struct image *a,
                  const struct image *b)
{
    struct band *band = &job->bands[number];
    struct lane *lane = &job->lanes[lane_number];
    uint32_t first = (uint32_t)number * COMPARE_BAND;
    lane->readers[0].image = a;
    lane->readers[1].image = b;
    band->max = -1;
    for (uint32_t y = first; y < job->height && y < first + COMPARE_BAND; y++)
        for (uint32_t x = 0; x < job->width; x += CHUNK) {
            struct stretch at = {x, y, y - first, job->width - x < CHUNK ? job->width - x : CHUNK,
                                 1};
            stretch_counts(job, &at, lane);
            stretch_compare(job, lane, &at);
            stretch_add(job, lane, &at, band);
        }
}

/* Brings bands and lanes together, bands in their order. */
bool compare_finish(struct compare *job, struct compare_result *result, struct error *error)
{
    uint64_t over = 0;
    double sum = 0;
    *result = (struct compare_result){.tolerance = job->options.tolerance, .max = -1};
    for (size_t i = 0; i < job->band_count; i++) {
        const struct band *band = &job->bands[i];
        sum += band->sum;
        over += band->over;
        result->counted += band->counted;
        if (band->max > result->max) {
            result->max = band->max;
            result->max_x = band->max_x;
            result->max_y = band->max_y;
        }
    }
    if (result->counted == 0)
        return error_set(error, ERROR_UNSUPPORTED, "no pixel is left to compare");
    result->mean = sum / (double)result->counted;
    result->over = (double)over / (double)result->counted;
    const double shares[3] = {0.5, 0.95, 0.99};
    double *const quantiles[3] = {&result->median, &result->p95, &result->p99};
    struct compare_bins *bins = &job->lanes[0].bins;
    float most = (float)(result->max / job->unit);
    for (size_t lane = 1; lane < job->lane_count; lane++)
        compare_bins_merge(bins, &job->lanes[lane].bins, most);
    for (int i = 0; i < 3; i++)
        *quantiles[i] =
            job->unit * compare_bins_quantile(bins, result->counted, shares[i], most);
    if (!compare_cells_boxes(&job->cells, result->boxes, COMPARE_MOST_BOXES, &result->box_count,
                             error))
        return false;
    result->map = job->map;
    job->map = NULL;
    return true;
}

/* Light that no pixel has, so that empty places match nothing. */
static void lane_forget(struct lane *lane)
{
    for (size_t i = 0; i < PAIRS; i++)
        lane->pairs[i].key[0] = NAN;
    for (size_t i = 0; i < POINTS; i++)
        lane->points[0][i].key[0] = lane->points[1][i].key[0] = NAN;
}

static bool lane_new(struct lane *lane, const struct compare *job, struct error *error)
{
    if (!compare_bins_new(&lane->bins, (uint64_t)job->width * job->height, error))
        return false;
    for (int k = 0; k < 2; k++)
        lane->readers[k] = job->readers[k];
    if (job->fast)
        return true;
    lane->pairs = memory_zeroed(PAIRS, sizeof *lane->pairs, error);
    for (int k = 0; k < 2; k++)
        lane->points[k] = memory_zeroed(POINTS, sizeof *lane->points[k], error);
    if (lane->pairs == NULL || lane->points[0] == NULL || lane->points[1] == NULL)
        return false;
    lane_forget(lane);
    return true;
}

void compare_close(struct compare *job)
{
    if (job == NULL)
        return;
    for (size_t i = 0; job->lanes != NULL && i < job->lane_count; i++) {
        compare_bins_free(&job->lanes[i].bins);
        free(job->lanes[i].pairs);
        free(job->lanes[i].points[0]);
        free(job->lanes[i].points[1]);
    }
    free(job->lanes);
    free(job->bands);
    free(job->map);
    compare_cells_free(&job->cells);
    for (int k = 0; k < 2; k++)
        pixel_reader_close(&job->readers[k]);
    free(job);
}

/* True where equal bytes mean equal colours. */
static bool images_alike(const struct image *a, const struct image *b)
{
    const struct blob *one = &a->metadata.icc, *two = &b->metadata.icc;
    bool same = one->size == two->size &&
                (one->size == 0 || memcmp(one->data, two->data, one->size) == 0);
    return a->shape.color == b->shape.color && a->shape.alpha == b->shape.alpha &&
           a->shape.depth == b->shape.depth && (same || (icc_is_srgb(one) && icc_is_srgb(two)));
}

static bool is_plain_2000(const struct difference *difference)
{
    const double factors[3] = {difference->kl, difference->kc, difference->kh};
    bool plain = difference->formula == DIFFERENCE_2000 && difference->white == DIFFERENCE_D65;
    for (int i = 0; i < 3; i++)
        plain = plain && (factors[i] == 0 || factors[i] == 1);
    return plain;
}

/* Everything about JOB that needs no memory. */
static void job_plan(struct compare *job, const struct image *a, const struct image *b)
{
    job->width = a->shape.width;
    job->height = a->shape.height;
    job->alike = images_alike(a, b);
    job->alpha = a->shape.alpha || b->shape.alpha;
    job->fast = is_plain_2000(&job->options.difference);
    /* The differences of OKLab are hundredths of the others'. */
    job->unit = job->options.difference.formula == DIFFERENCE_OK ? 1.0 / 128 : 1;
    float limit = (float)job->options.tolerance;
    if (limit > job->options.tolerance)
        limit = nextafterf(limit, 0);
    job->limit = bits_of(limit);
    job->band_count = (job->height + (size_t)COMPARE_BAND - 1) / COMPARE_BAND;
    job->lane_count = job->options.threads < COMPARE_LANES ? job->options.threads : COMPARE_LANES;
    if (job->lane_count == 0)
        job->lane_count = 1;
}

static bool job_open(struct compare *job, struct error *error)
{
    job->bands = memory_zeroed(job->band_count, sizeof *job->bands, error);
    job->lanes = memory_zeroed(job->lane_count, sizeof *job->lanes, error);
    if (job->bands == NULL || job->lanes == NULL)
        return false;
    if (job->options.want_map) {
        size_t pixels;
        if (!memory_multiply(job->width, job->height, &pixels))
            return error_set(error, ERROR_NO_MEMORY, "no memory for so many differences");
        job->map = memory_array(pixels, sizeof(float), error);
        if (job->map == NULL)
            return false;
    }
    for (size_t i = 0; i < job->lane_count; i++)
        if (!lane_new(&job->lanes[i], job, error))
            return false;
    return compare_cells_new(&job->cells, job->width, job->height, error);
}

bool compare_open(struct compare **compare, const struct image *a, const struct image *b,
                  const struct compare_options *options, const struct image **unusable,
                  struct error *error)
{
    const struct image *const images[2] = {a, b};
    *compare = NULL;
    *unusable = NULL;
    if (b->shape.width != a->shape.width || b->shape.height != a->shape.height)
        return error_set(error, ERROR_CORRUPT, "%u x %u and %u x %u: the sizes differ",
                         a->shape.width, a->shape.height, b->shape.width, b->shape.height);
    struct compare *job = memory_zeroed(1, sizeof *job, error);
    if (job == NULL)
        return false;
    job->options = *options;
    job_plan(job, a, b);
    for (int k = 0; k < 2 && *unusable == NULL; k++)
        if (!pixel_reader_open(&job->readers[k], images[k], PIXEL_WEIGHTED, error))
            *unusable = images[k];
    if (*unusable == NULL && job_open(job, error))
        *compare = job;
    else
        compare_close(job);
    return *compare != NULL;
}

/* Both images as they lie in memory. */
struct whole {
    struct compare *compare;
    const struct image *images[2];
    atomic_size_t next;
};

static void whole_lane(void *context, size_t lane)
{
    struct whole *whole = context;
    for (;;) {
        size_t number = atomic_fetch_add(&whole->next, 1);
        if (number >= whole->compare->band_count)
            return;
        struct image a = compare_rows(whole->images[0], number),
                     b = compare_rows(whole->images[1], number);
        compare_band(whole->compare, number, lane, &a, &b);
    }
}

struct image compare_rows(const struct image *image, size_t number)
{
    uint32_t first = (uint32_t)number * COMPARE_BAND, left = image->shape.height - first;
    const struct image_box box = {0, first, image->shape.width,
                                  left < COMPARE_BAND ? left : COMPARE_BAND};
    return image_view(image, &box);
}

bool compare_images(struct compare_result *result, const struct image *a, const struct image *b,
                    const struct compare_options *options, struct error *error)
{
    struct whole whole = {.images = {a, b}};
    const struct image *unusable;
    *result = (struct compare_result){.tolerance = options->tolerance};
    if (!compare_open(&whole.compare, a, b, options, &unusable, error))
        return false;
    threads_for((unsigned)whole.compare->lane_count, whole.compare->lane_count, whole_lane, &whole);
    bool done = compare_finish(whole.compare, result, error);
    compare_close(whole.compare);
    return done;
}

void compare_free(struct compare_result *result)
{
    free(result->map);
    result->map = NULL;
}
