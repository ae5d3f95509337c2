/* SPDX-License-Identifier: MIT */
/* deltae: figures over many differences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/report.h"
#include "tools/deltae.h"

/* Beyond KEPT, differences are counted in bins: BIN_BITS bits behind the leading one for each of
 * OCTAVES powers of two, the first of which begins at 2^LOWEST. */
enum { KEPT = 65536, BIN_BITS = 13, LOWEST = -12, OCTAVES = 36, BINS = OCTAVES << BIN_BITS };

struct deltae_tally {
    double tolerance;
    double sum, least, most;
    uint64_t count, over;
    double *kept;   /* KEPT of them, the first ones */
    uint64_t *bins; /* BINS; of all */
};

struct deltae_tally *deltae_tally_new(double tolerance, struct error *error)
{
    struct deltae_tally *tally = memory_zeroed(1, sizeof *tally, error);
    if (tally == NULL)
        return NULL;
    tally->tolerance = tolerance;
    tally->kept = memory_array(KEPT, sizeof *tally->kept, error);
    tally->bins = memory_zeroed(BINS, sizeof *tally->bins, error);
    if (tally->kept != NULL && tally->bins != NULL)
        return tally;
    deltae_tally_free(tally);
    return NULL;
}

void deltae_tally_free(struct deltae_tally *tally)
{
    if (tally == NULL)
        return;
    free(tally->kept);
    free(tally->bins);
    free(tally);
}

/* The bits of a positive double are in the order of its value. */
static const int64_t first_bin = (int64_t)(1023 + LOWEST) << BIN_BITS;

static size_t bin_of(double difference)
{
    int64_t bits;
    memcpy(&bits, &difference, sizeof bits);
    bits = (bits >> (52 - BIN_BITS)) - first_bin;
    return bits < 0 ? 0 : bits >= BINS ? BINS - 1 : (size_t)bits;
}

static double bin_start(size_t bin)
{
    int64_t bits = ((int64_t)bin + first_bin) << (52 - BIN_BITS);
    double start;
    memcpy(&start, &bits, sizeof start);
    return bin == 0 ? 0 : start;
}

void deltae_tally_add(struct deltae_tally *tally, double difference)
{
    if (tally->count < KEPT)
        tally->kept[tally->count] = difference;
    tally->least = tally->count == 0 || difference < tally->least ? difference : tally->least;
    tally->most = difference > tally->most ? difference : tally->most;
    tally->bins[bin_of(difference)]++;
    tally->sum += difference;
    tally->over += difference > tally->tolerance;
    tally->count++;
}

static int compare_doubles(const void *one, const void *two)
{
    double a = *(const double *)one, b = *(const double *)two;
    return (a > b) - (a < b);
}

/* The one at PLACE, counted from 0 in their order. What is kept has been sorted. */
static double difference_at(const struct deltae_tally *tally, uint64_t place)
{
    if (tally->count <= KEPT)
        return tally->kept[place];
    size_t bin = 0;
    for (uint64_t before = 0; bin < BINS - 1; bin++) {
        before += tally->bins[bin];
        if (before > place)
            break;
    }
    /* The start of the bin never exceeds a limit that all of them keep. */
    return fmin(fmax(bin_start(bin), tally->least), tally->most);
}

static double quantile_at(const struct deltae_tally *tally, double share)
{
    double place = share * (double)(tally->count - 1), whole = floor(place);
    double here = difference_at(tally, (uint64_t)whole);
    if (place == whole)
        return here;
    return here + (place - whole) * (difference_at(tally, (uint64_t)whole + 1) - here);
}

void deltae_tally_sum_up(struct deltae_tally *tally, struct deltae_summary *summary)
{
    *summary = (struct deltae_summary){.count = tally->count};
    if (tally->count == 0)
        return;
    if (tally->count <= KEPT)
        qsort(tally->kept, (size_t)tally->count, sizeof *tally->kept, compare_doubles);
    summary->figures = (struct deltae_figures){
        .mean = tally->sum / (double)tally->count,
        .p95 = quantile_at(tally, 0.95),
        .max = tally->most,
        .over = (double)tally->over / (double)tally->count,
    };
    summary->median = quantile_at(tally, 0.5);
    summary->p99 = quantile_at(tally, 0.99);
}

json_t *deltae_judge(struct cli_run *run, const struct deltae_fields *fields,
                     const struct deltae_figures *figures, const char *subject)
{
    const struct {
        const char *what, *option;
        double value, limit;
    } limits[] = {
        {"max", "--max", figures->max, fields->max},
        {"mean", "--max-mean", figures->mean, fields->max_mean},
        {"p95", "--max-p95", figures->p95, fields->max_p95},
        {"over", "--max-fraction", figures->over, fields->max_fraction},
    };
    struct text line = {0};
    bool asked = false;
    for (size_t i = 0; i < CLI_COUNT(limits); i++) {
        asked = asked || limits[i].limit >= 0;
        if (limits[i].limit < 0 || !(limits[i].value > limits[i].limit))
            continue;
        text_printf(&line, "%s%s %.4f exceeds %s %g", line.length > 0 ? ", " : "", limits[i].what,
                    limits[i].value, limits[i].option, limits[i].limit);
        run->answer_no = true;
    }
    bool passed = line.length == 0;
    if (!passed)
        cli_warn(run, "%s%s%s", subject == NULL ? "" : subject, subject == NULL ? "" : ": ",
                 line.data);
    text_free(&line);
    return asked ? json_boolean(passed) : json_null();
}
