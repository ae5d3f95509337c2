/* SPDX-License-Identifier: MIT */
#include "ops/match.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/compiler.h"
#include "base/memory.h"
#include "ops/ciede.h"

/* Colours that single precision judges at a time. */
enum { CHUNK = 32 };

/* ciede2000_row_doubtful() is within 0.001 for the colours of RANGE; what it puts this much too far
 * away is still looked at exactly. */
#define SCREEN_MARGIN 0.005

/* Lab values outside of this are compared the slow way: beyond it the bound below is not proven,
 * and powers in single precision overflow. */
#define RANGE_DARKEST -5.0
#define RANGE_LIGHTEST 105.0
#define RANGE_AB 200.0

struct matcher {
    struct difference difference;
    size_t count;
    double (*points)[3]; /* in the space of the formula, in the order of the catalogue */
    bool screened;       /* the rest is there */
    size_t *order;       /* of the catalogue by lightness: what follows is in that order */
    double *lightness;
    float *planes[3]; /* Lab, CHUNK more than there are colours */
};

/* What is asked, and the best answers so far. */
struct search {
    const struct matcher *matcher;
    double lab[3], point[3]; /* relative to the white of the formula; as a point of its space */
    float planes[3][CHUNK];  /* LAB repeated */
    size_t wanted, count;
    struct match *found;
};

static bool in_range(const double lab[3])
{
    /* Comparisons that are false for what is not a number. */
    return lab[0] >= RANGE_DARKEST && lab[0] <= RANGE_LIGHTEST && fabs(lab[1]) <= RANGE_AB &&
           fabs(lab[2]) <= RANGE_AB;
}

static bool is_plain_2000(const struct difference *difference)
{
    const double factors[] = {difference->kl, difference->kc, difference->kh};
    for (int i = 0; i < 3; i++)
        if (factors[i] != 0 && factors[i] != 1)
            return false;
    return difference->formula == DIFFERENCE_2000;
}

struct sorted {
    double lab[3];
    size_t index;
};

static int compare_lightness(const void *one, const void *two)
{
    const struct sorted *a = one, *b = two;
    if (a->lab[0] != b->lab[0])
        return a->lab[0] < b->lab[0] ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Sorts and fills what screening needs; what lies behind the last colour repeats it. */
static bool matcher_sort(struct matcher *matcher, struct sorted *sorted, struct error *error)
{
    size_t padded = matcher->count + CHUNK;
    qsort(sorted, matcher->count, sizeof *sorted, compare_lightness);
    matcher->order = memory_array(matcher->count, sizeof *matcher->order, error);
    matcher->lightness = memory_array(matcher->count, sizeof *matcher->lightness, error);
    for (int c = 0; c < 3; c++)
        matcher->planes[c] = memory_array(padded, sizeof(float), error);
    if (matcher->order == NULL || matcher->lightness == NULL || matcher->planes[0] == NULL ||
        matcher->planes[1] == NULL || matcher->planes[2] == NULL)
        return false;
    for (size_t i = 0; i < matcher->count; i++) {
        matcher->order[i] = sorted[i].index;
        matcher->lightness[i] = sorted[i].lab[0];
    }
    for (size_t i = 0; i < padded; i++)
        for (int c = 0; c < 3; c++)
            matcher->planes[c][i] =
                (float)sorted[i < matcher->count ? i : matcher->count - 1].lab[c];
    matcher->screened = true;
    return true;
}

static bool matcher_fill(struct matcher *matcher, const double (*lab)[3], struct error *error)
{
    size_t count = matcher->count;
    bool screened = is_plain_2000(&matcher->difference) && count > 0;
    struct sorted *sorted = memory_array(count, sizeof *sorted, error);
    matcher->points = memory_array(count, sizeof *matcher->points, error);
    if (matcher->points == NULL || sorted == NULL) {
        free(sorted);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i].index = i;
        difference_lab(&matcher->difference, lab[i], sorted[i].lab);
        difference_point(&matcher->difference, sorted[i].lab, matcher->points[i]);
        screened = screened && in_range(sorted[i].lab);
    }
    bool done = !screened || matcher_sort(matcher, sorted, error);
    free(sorted);
    return done;
}

bool matcher_new(struct matcher **matcher, const struct difference *difference,
                 const double (*lab)[3], size_t count, struct error *error)
{
    *matcher = memory_zeroed(1, sizeof **matcher, error);
    if (*matcher == NULL)
        return false;
    (*matcher)->difference = *difference;
    (*matcher)->count = count;
    if (matcher_fill(*matcher, lab, error))
        return true;
    matcher_free(*matcher);
    *matcher = NULL;
    return false;
}

void matcher_free(struct matcher *matcher)
{
    if (matcher == NULL)
        return;
    for (int c = 0; c < 3; c++)
        free(matcher->planes[c]);
    free(matcher->lightness);
    free(matcher->order);
    free(matcher->points);
    free(matcher);
}

/* How far away a colour may be and still be an answer. */
static double search_limit(const struct search *search)
{
    return search->count < search->wanted ? INFINITY : search->found[search->count - 1].de;
}

/* Compares exactly with the colour INDEX of the catalogue and keeps it where it belongs. */
static void search_add(struct search *search, size_t index)
{
    const struct matcher *matcher = search->matcher;
    struct match *found = search->found;
    double de = difference_between(&matcher->difference, matcher->points[index], search->point);
    size_t place = search->count;
    while (place > 0 && (de < found[place - 1].de ||
                         (de == found[place - 1].de && index < found[place - 1].index)))
        place--;
    if (place == search->wanted)
        return;
    if (search->count < search->wanted)
        search->count++;
    for (size_t i = search->count - 1; i > place; i--)
        found[i] = found[i - 1];
    found[place] = (struct match){index, de};
}

/* Where hues are opposite the formula jumps, but this is below either side of it: with x = dC'/S_C
 * and y = dH'/S_H, x^2 + y^2 + R_T x y >= (1 - R_T^2 / 4) y^2 >= y^2 / 4, which is C1' C2' / S_H^2.
 * C' >= C; T < 1.94, and the mean of C' is less than 6.5 above that of C. */
static float opposite_bound(const float *const one[3], const float *const two[3], size_t i)
{
    float c1 = sqrtf(one[1][i] * one[1][i] + one[2][i] * one[2][i]);
    float c2 = sqrtf(two[1][i] * two[1][i] + two[2][i] * two[2][i]);
    return 0.999f * sqrtf(c1 * c2) / (1.0f + 0.015f * 1.94f * (0.5f * (c1 + c2) + 6.5f));
}

/* Estimates as numbers that order like them and carry their place in the chunk, in bits that are
 * worth less than 0.001. */
static void chunk_keys(const float *const one[3], const float *const two[3], size_t count,
                       int32_t key[CHUNK])
{
    float estimate[CHUNK];
    uint32_t doubtful[CHUNK];
    size_t doubts = ciede2000_row_doubtful(one, two, estimate, CHUNK, doubtful);
    for (size_t i = 0; i < doubts; i++)
        estimate[doubtful[i]] = opposite_bound(one, two, doubtful[i]);
    for (int32_t i = 0; i < CHUNK; i++)
        key[i] = (bits_of(estimate[i]) & ~(CHUNK - 1)) | i;
    for (size_t i = count; i < CHUNK; i++)
        key[i] = INT32_MAX;
}

/* The lowest key from FIRST on; INT32_MAX where there is none. What is below wraps around to the
 * end. Nothing is crossed out: to write one key and read all again takes the processor longer. */
MULTIVERSION
static int32_t next_key(const int32_t key[CHUNK], int32_t first)
{
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < CHUNK; i++) {
        uint32_t beyond = (uint32_t)key[i] - (uint32_t)first;
        least = beyond < least ? beyond : least;
    }
    return least > INT32_MAX ? INT32_MAX : first + (int32_t)least;
}

/* COUNT colours, at most a chunk, from FROM in the order of lightness; likely ones first, so that
 * few are looked at. */
static void search_chunk(struct search *search, size_t from, size_t count)
{
    const struct matcher *matcher = search->matcher;
    const float *one[3], *two[3];
    int32_t key[CHUNK];
    for (int c = 0; c < 3; c++) {
        one[c] = search->planes[c];
        two[c] = matcher->planes[c] + from;
    }
    chunk_keys(one, two, count, key);
    for (int32_t next = 0; (next = next_key(key, next)) != INT32_MAX; next++) {
        if (float_of(next & ~(CHUNK - 1)) > search_limit(search) + SCREEN_MARGIN)
            return;
        search_add(search, matcher->order[from + (size_t)(next & (CHUNK - 1))]);
    }
}

/* What the lightness L alone makes of the difference. The formula's other terms, rotation included,
 * sum up to 0 at least, since |R_T| < 2. In RANGE it grows with the distance: S_L changes by less
 * than 0.0164 a unit, and by half of that where one colour is fixed. */
static double lightness_bound(const struct search *search, double lightness)
{
    double middle = (search->lab[0] + lightness) / 2 - 50;
    middle *= middle;
    return fabs(search->lab[0] - lightness) / (1 + 0.015 * middle / sqrt(20 + middle));
}

static bool search_reaches(const struct search *search, double lightness)
{
    return lightness_bound(search, lightness) <= search_limit(search) + 1e-9;
}

/* From the colours of like lightness outwards, until lightness alone is too far away. */
static void search_screened(struct search *search)
{
    const struct matcher *matcher = search->matcher;
    size_t low = 0, high = matcher->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (matcher->lightness[middle] < search->lab[0])
            low = middle + 1;
        else
            high = middle;
    }
    low = high = low < CHUNK / 2 ? 0 : low - CHUNK / 2;
    for (bool more = true; more;) {
        more = false;
        if (high < matcher->count && search_reaches(search, matcher->lightness[high])) {
            size_t left = matcher->count - high, count = left < CHUNK ? left : CHUNK;
            search_chunk(search, high, count);
            high += count;
            more = true;
        }
        if (low > 0 && search_reaches(search, matcher->lightness[low - 1])) {
            size_t count = low < CHUNK ? low : CHUNK;
            low -= count;
            search_chunk(search, low, count);
            more = true;
        }
    }
}

size_t matcher_find(const struct matcher *matcher, const double lab[3], size_t wanted,
                    struct match *found)
{
    struct search search;
    if (wanted == 0)
        return 0;
    search.matcher = matcher;
    search.wanted = wanted;
    search.count = 0;
    search.found = found;
    difference_lab(&matcher->difference, lab, search.lab);
    difference_point(&matcher->difference, search.lab, search.point);
    if (matcher->screened && in_range(search.lab)) {
        for (int c = 0; c < 3; c++)
            for (size_t i = 0; i < CHUNK; i++)
                search.planes[c][i] = (float)search.lab[c];
        search_screened(&search);
    } else {
        for (size_t i = 0; i < matcher->count; i++)
            search_add(&search, i);
    }
    return search.count;
}
