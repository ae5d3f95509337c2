/* SPDX-License-Identifier: MIT */
#include "ops/blur.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "base/threads.h"

enum { CHUNK = BLUR_SPAN, LEAD = 4, FILTER = 5, MAX_LEVELS = 14, SLICES_PER_THREAD = 4 };

static const double REACH = 4.0;          /* of the kernel, in sigmas: cuts 0.006 % off */
static const double FINEST_SIGMA = 2.0;   /* what halving leaves at least */

static size_t chunks_up(size_t count)
{
    return (count + CHUNK - 1) / CHUNK * CHUNK;
}

/* Division that rounds down, for negative positions too. */
static int32_t floor_steps(int32_t position, uint32_t step)
{
    int32_t divisor = (int32_t)step;
    return position >= 0 ? position / divisor : -((-position + divisor - 1) / divisor);
}

/* ---- kernels ---- */

/* Convolves with a box of STEP samples of sum 1, in place and therefore from the end. */
static void spline_box(double *spline, uint32_t length, uint32_t step)
{
    double sum = 0.0;
    for (uint32_t i = length - step; i < length; i++)
        sum += spline[i];
    for (uint32_t i = length; i-- > 0;) {
        double value = sum / (double)step;
        sum += (i >= step ? spline[i - step] : 0.0) - spline[i];
        spline[i] = value;
    }
}

/* The discrete cubic B-spline, four boxes with 4 * STEP - 3 values of sum STEP, sorted into the
 * phases of interpolation. */
static void phases_fill(const struct blur *blur, double *spline)
{
    uint32_t step = blur->step, length = 4 * step - 3;
    memset(spline, 0, length * sizeof *spline);
    spline[0] = (double)step;
    for (int box = 0; box < 4; box++)
        spline_box(spline, length, step);
    for (uint32_t tap = 0; tap < BLUR_TAPS; tap++)
        for (uint32_t phase = 0; phase < step + CHUNK; phase++) {
            int64_t at = 2 * (int64_t)step - 2 + phase % step - ((int64_t)tap - 1) * step;
            blur->phases[tap][phase] = at >= 0 && at < length ? (float)spline[at] : 0.0f;
        }
}

/* What the small convolution must do to a frequency, so that the whole is Gaussian. */
static double kernel_response(double sigma, uint32_t step, double frequency)
{
    double wanted = exp(-0.5 * sigma * sigma * frequency * frequency);
    double box = sin(0.5 * frequency) / ((double)step * sin(0.5 * frequency / (double)step));
    return wanted / pow(box, 8.0);
}

static double kernel_value(double sigma, uint32_t step, unsigned at)
{
    enum { FREQUENCIES = 64 };
    double sum = 0.0, distance = at / sigma;
    if (step == 1)
        return exp(-0.5 * distance * distance);
    for (int i = 0; i < FREQUENCIES; i++) {
        double frequency = (i + 0.5) * (M_PI / FREQUENCIES);
        sum += kernel_response(sigma, step, frequency) * cos(at * frequency);
    }
    return sum;
}

static void kernel_fill(struct blur *blur, double sigma)
{
    double small_sigma = sigma / blur->step, values[BLUR_MAX_RADIUS + 1] = {1.0}, sum = 1.0;
    unsigned radius = (unsigned)ceil(REACH * small_sigma);
    if (small_sigma > 0.0)
        values[0] = sum = kernel_value(small_sigma, blur->step, 0);
    for (unsigned i = 1; i <= radius; i++) {
        values[i] = kernel_value(small_sigma, blur->step, i);
        sum += 2.0 * values[i];
    }
    for (unsigned i = 0; i <= BLUR_MAX_RADIUS; i++)
        blur->kernel[i] = (float)(values[i] / sum);
    blur->radius = (radius + 3) / 4 * 4;
}

/* ---- halving ---- */

/* One size of the plane. Row buffers start LEAD samples before position 0, which is as far as a
 * halving reaches, and end in zeros, so that every loop runs over whole chunks without a test. */
struct level {
    int32_t first, last; /* rows that are not 0 throughout; FIRST is the first column, too */
    size_t columns;
    size_t width;        /* of a row buffer */
    float *ring[FILTER];
    int32_t ring_row[FILTER];
};

/* The rows of one slice at all sizes. A row is made when it is asked for and stays while the next
 * size needs it. */
struct cascade {
    const struct blur_source *source;
    struct level levels[MAX_LEVELS + 1];
    float *memory, *zeros, *joined, *even, *odd;
};

/* The last position after one halving: its filter still meets LAST. */
static int32_t halved_last(int32_t last)
{
    return (last + 2) / 2;
}

static void level_shape(struct level *level, unsigned index, int32_t last_x, int32_t last_y)
{
    level->first = index == 0 ? 0 : -1;
    level->last = last_y;
    level->columns = (size_t)(last_x - level->first) + 1;
    /* What the chunks of the next size read; more than the level has itself. */
    level->width = 2 * chunks_up((size_t)halved_last(last_x) + 2) + 2 * CHUNK;
    for (int slot = 0; slot < FILTER; slot++)
        level->ring_row[slot] = INT32_MIN;
}

static bool cascade_new(struct cascade *cascade, const struct blur_source *source, unsigned levels,
                        struct error *error)
{
    *cascade = (struct cascade){.source = source};
    int32_t last_x = (int32_t)source->width - 1, last_y = (int32_t)source->height - 1;
    size_t total = 0, widest = 0;
    for (unsigned i = 0; i <= levels; i++) {
        struct level *level = &cascade->levels[i];
        level_shape(level, i, last_x, last_y);
        total += level->width * FILTER;
        widest = level->width > widest ? level->width : widest;
        last_x = halved_last(last_x);
        last_y = halved_last(last_y);
    }
    cascade->memory = memory_zeroed(total + 3 * widest, sizeof(float), error);
    if (cascade->memory == NULL)
        return false;
    cascade->zeros = cascade->memory;
    cascade->joined = cascade->zeros + widest;
    cascade->even = cascade->joined + widest;
    cascade->odd = cascade->even + widest / 2;
    float *next = cascade->odd + widest / 2;
    for (unsigned i = 0; i <= levels; i++)
        for (int slot = 0; slot < FILTER; slot++, next += cascade->levels[i].width)
            cascade->levels[i].ring[slot] = next;
    return true;
}

MULTIVERSION static void rows_join(const float *const *from, size_t count, float *restrict to)
{
    for (size_t x = 0; x < count; x += CHUNK) {
        const float *a = from[0] + x, *b = from[1] + x, *c = from[2] + x;
        const float *d = from[3] + x, *e = from[4] + x;
        for (int i = 0; i < CHUNK; i++)
            to[x + i] = 0.0625f * (a[i] + e[i]) + 0.25f * (b[i] + d[i]) + 0.375f * c[i];
    }
}

/* Even and odd samples go apart first: then everything reads in order. */
MULTIVERSION static void row_halve(const float *restrict from, size_t count, float *restrict even,
                                   float *restrict odd, float *restrict to)
{
    for (size_t x = 0; x < count + CHUNK; x += CHUNK) {
        const float *a = from + 2 * x;
        for (int i = 0; i < CHUNK; i++) {
            even[x + i] = a[2 * i];
            odd[x + i] = a[2 * i + 1];
        }
    }
    for (size_t x = 0; x < count; x += CHUNK) {
        const float *a = even + x, *b = odd + x;
        for (int i = 0; i < CHUNK; i++)
            to[x + i] = 0.0625f * (a[i] + a[i + 2]) + 0.25f * (b[i] + b[i + 1]) + 0.375f * a[i + 1];
    }
}

/* Row Y at a size; level 0 is the source. */
static const float *cascade_row(struct cascade *cascade, unsigned index, int32_t y)
{
    struct level *level = &cascade->levels[index];
    if (y < level->first || y > level->last)
        return cascade->zeros;
    unsigned slot = (unsigned)(y + FILTER) % FILTER;
    float *row = level->ring[slot];
    if (level->ring_row[slot] == y)
        return row;
    level->ring_row[slot] = y;
    if (index == 0) {
        cascade->source->row(cascade->source->context, (uint32_t)y, row + LEAD);
        return row;
    }
    const float *from[FILTER];
    for (int i = 0; i < FILTER; i++)
        from[i] = cascade_row(cascade, index - 1, 2 * y - 2 + i);
    size_t count = chunks_up(level->columns);
    rows_join(from, 2 * (count + CHUNK), cascade->joined);
    row_halve(cascade->joined, count, cascade->even, cascade->odd, row + LEAD - 1);
    return row;
}

/* ---- the convolution along x ---- */

/* FROM starts RADIUS samples before the first result. Four pairs at a time, because the sums pass
 * through memory between turns. */
MULTIVERSION static void row_convolve(const float *restrict from, size_t count, unsigned radius,
                                      const float *restrict kernel, uint16_t *restrict to)
{
    for (size_t x = 0; x < count; x += CHUNK) {
        const float *middle = from + x + radius;
        float sums[CHUNK];
        for (int i = 0; i < CHUNK; i++)
            sums[i] = kernel[0] * middle[i];
        for (unsigned k = 1; k < radius; k += 4) {
            const float *left = middle - k, *right = middle + k, *weight = kernel + k;
            for (int i = 0; i < CHUNK; i++)
                sums[i] += weight[0] * (left[i] + right[i]) +
                           weight[1] * (left[i - 1] + right[i + 1]) +
                           weight[2] * (left[i - 2] + right[i + 2]) +
                           weight[3] * (left[i - 3] + right[i + 3]);
        }
        for (int i = 0; i < CHUNK; i++) {
            float value = sums[i] * 65535.0f + 0.5f;
            value = value > 65535.0f ? 65535.0f : value;
            to[x + i] = (uint16_t)(int32_t)value;
        }
    }
}

struct preparation {
    struct blur *blur;
    const struct blur_source *source;
    size_t slices;
    atomic_bool failed;
};

static void slice_run(struct preparation *job, struct cascade *cascade, float *padded, size_t index)
{
    struct blur *blur = job->blur;
    const struct level *level = &cascade->levels[blur->levels];
    int32_t start = blur->first_column - (int32_t)blur->radius;
    int32_t end = blur->first_column + (int32_t)(blur->columns + blur->radius);
    int32_t from = start > level->first ? start : level->first;
    int32_t last = level->first + (int32_t)level->columns;
    int32_t to = end < last ? end : last;
    size_t row = blur->row_count * index / job->slices;
    size_t row_end = blur->row_count * (index + 1) / job->slices;
    for (; row < row_end; row++) {
        const float *line = cascade_row(cascade, blur->levels, blur->first_row + (int32_t)row);
        if (to > from)
            memcpy(padded + (from - start), line + LEAD + from, (size_t)(to - from) * sizeof *line);
        row_convolve(padded, blur->stride, blur->radius, blur->kernel,
                     blur->rows + row * blur->stride);
    }
}

static void slice_work(void *context, size_t index)
{
    struct preparation *job = context;
    struct cascade cascade = {0};
    float *padded = memory_zeroed(job->blur->stride + 2 * job->blur->radius, sizeof *padded, NULL);
    if (padded != NULL && cascade_new(&cascade, job->source, job->blur->levels, NULL))
        slice_run(job, &cascade, padded, index);
    else
        atomic_store(&job->failed, true);
    free(cascade.memory);
    free(padded);
}

/* ---- preparation ---- */

static bool phases_new(struct blur *blur, struct error *error)
{
    size_t length = (size_t)blur->step + CHUNK;
    float *memory = memory_array(BLUR_TAPS * length, sizeof *memory, error);
    double *spline = memory_array(4 * (size_t)blur->step, sizeof *spline, error);
    for (int i = 0; i < BLUR_TAPS && memory != NULL; i++)
        blur->phases[i] = memory + (size_t)i * length;
    if (memory != NULL && spline != NULL)
        phases_fill(blur, spline);
    bool done = memory != NULL && spline != NULL;
    free(spline);
    return done;
}

static void geometry_fill(struct blur *blur, const struct blur_source *source, int32_t x,
                          uint32_t width)
{
    /* Interpolation takes one sample before and two behind. At step 1 they are not used. */
    int32_t last_row = (int32_t)source->height - 1;
    blur->first_column = floor_steps(x, blur->step) - 1;
    int32_t last_column = floor_steps(x + (int32_t)width - 1, blur->step) + 2;
    blur->columns = (uint32_t)(last_column - blur->first_column) + 1;
    blur->stride = chunks_up(blur->columns);
    for (unsigned i = 0; i < blur->levels; i++)
        last_row = halved_last(last_row);
    blur->first_row = blur->levels == 0 ? 0 : -1;
    blur->row_count = (uint32_t)(last_row - blur->first_row) + 1;
}

bool blur_prepare(struct blur *blur, const struct blur_source *source, double sigma, int32_t x,
                  uint32_t width, unsigned threads, struct error *error)
{
    *blur = (struct blur){.step = 1};
    if (!(sigma >= 0.0 && sigma <= BLUR_MAX_SIGMA))
        return error_set(error, ERROR_INTERNAL, "sigma %g is not within 0 and %d", sigma,
                         BLUR_MAX_SIGMA);
    while (sigma / blur->step >= 2.0 * FINEST_SIGMA) {
        blur->step *= 2;
        blur->levels++;
    }
    kernel_fill(blur, sigma);
    geometry_fill(blur, source, x, width);
    if (!phases_new(blur, error))
        goto fail;
    /* One row more, of zeros, stands for all that lies above and below. */
    size_t row_bytes = blur->stride * sizeof *blur->rows;
    blur->rows = memory_array(blur->row_count + (size_t)1, row_bytes, error);
    if (blur->rows == NULL)
        goto fail;
    memset(blur->rows + blur->row_count * blur->stride, 0, row_bytes);
    struct preparation job = {.blur = blur, .source = source};
    job.slices = threads > 1 ? threads * SLICES_PER_THREAD : 1;
    if (job.slices > blur->row_count)
        job.slices = blur->row_count;
    threads_for(threads, job.slices, slice_work, &job);
    if (!atomic_load(&job.failed))
        return true;
    error_set(error, ERROR_NO_MEMORY, "out of memory while blurring");
    error_hint(error, "a larger --memory may help");
fail:
    blur_free(blur);
    return false;
}

void blur_free(struct blur *blur)
{
    free(blur->rows);
    free(blur->phases[0]);
    *blur = (struct blur){0};
}

/* ---- reading ---- */

bool blur_reader_new(struct blur_reader *reader, const struct blur *blur, float scale,
                     struct error *error)
{
    *reader = (struct blur_reader){.blur = blur};
    for (unsigned i = 0; i <= blur->radius; i++)
        reader->kernel[i] = blur->kernel[i] * (scale / 65535.0f);
    size_t repeated = (size_t)blur->columns * blur->step + CHUNK;
    reader->memory = memory_zeroed((BLUR_TAPS + 1) * (blur->stride + CHUNK) + repeated,
                                   sizeof(float), error);
    if (reader->memory == NULL)
        return false;
    for (int i = 0; i < BLUR_TAPS; i++) {
        reader->ring[i] = reader->memory + (size_t)i * (blur->stride + CHUNK);
        reader->ring_row[i] = INT32_MIN;
    }
    reader->line = reader->memory + BLUR_TAPS * (blur->stride + CHUNK);
    reader->repeated = reader->line + blur->stride + CHUNK;
    return true;
}

void blur_reader_free(struct blur_reader *reader)
{
    free(reader->memory);
    *reader = (struct blur_reader){0};
}

/* ROWS are 2 * RADIUS + 1 rows, the middle one at [RADIUS]. Pairs are added as integers, which is
 * exact and saves a conversion. */
MULTIVERSION static void column_convolve(const uint16_t *const *rows, size_t count, unsigned radius,
                                         const float *restrict kernel, float *restrict to)
{
    for (size_t x = 0; x < count; x += CHUNK) {
        const uint16_t *middle = rows[radius] + x;
        for (int i = 0; i < CHUNK; i++)
            to[x + i] = kernel[0] * (float)(int32_t)middle[i];
        for (unsigned k = 1; k < radius; k += 4) {
            const uint16_t *const *up = rows + radius - k, *const *down = rows + radius + k;
            const uint16_t *a = up[0] + x, *b = down[0] + x, *c = up[-1] + x, *d = down[1] + x;
            const uint16_t *e = up[-2] + x, *f = down[2] + x, *g = up[-3] + x, *h = down[3] + x;
            const float *weight = kernel + k;
            for (int i = 0; i < CHUNK; i++)
                to[x + i] += weight[0] * (float)(a[i] + b[i]) + weight[1] * (float)(c[i] + d[i]) +
                             weight[2] * (float)(e[i] + f[i]) + weight[3] * (float)(g[i] + h[i]);
        }
    }
}

/* Row Y, in steps, blurred along both axes. */
static const float *reader_blurred(struct blur_reader *reader, int32_t y)
{
    const struct blur *blur = reader->blur;
    const int radius = (int)blur->radius;
    unsigned slot = (unsigned)y % BLUR_TAPS;
    if (reader->ring_row[slot] == y)
        return reader->ring[slot];
    const uint16_t *rows[2 * BLUR_MAX_RADIUS + 1];
    for (int i = -radius; i <= radius; i++) {
        int64_t index = (int64_t)y + i - blur->first_row;
        bool inside = index >= 0 && index < blur->row_count;
        rows[i + radius] = blur->rows + blur->stride * (inside ? (size_t)index : blur->row_count);
    }
    column_convolve(rows, blur->stride, blur->radius, reader->kernel, reader->ring[slot]);
    reader->ring_row[slot] = y;
    return reader->ring[slot];
}

MULTIVERSION static void rows_weigh(const float *const *rows, size_t count,
                                    const float *restrict weights, float *restrict to)
{
    for (size_t x = 0; x < count; x += CHUNK) {
        const float *a = rows[0] + x, *b = rows[1] + x, *c = rows[2] + x, *d = rows[3] + x;
        for (int i = 0; i < CHUNK; i++)
            to[x + i] = weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] +
                        weights[3] * d[i];
    }
}

/* Each sample STEP times: interpolation then is a sum of whole rows. STEP is a power of 2. */
MULTIVERSION static void row_repeat(const float *restrict from, size_t count, uint32_t step,
                                    float *restrict to)
{
    if (step == 2)
        for (size_t x = 0; x < count; x++)
            to[2 * x] = to[2 * x + 1] = from[x];
    else if (step == 4)
        for (size_t x = 0; x < count; x++)
            for (int i = 0; i < 4; i++)
                to[4 * x + i] = from[x];
    else
        for (size_t x = 0; x < count; x++)
            for (uint32_t i = 0; i < step; i += 8, to += 8)
                for (int k = 0; k < 8; k++)
                    to[k] = from[x];
}

void blur_reader_row(struct blur_reader *reader, int32_t y)
{
    const struct blur *blur = reader->blur;
    int32_t at = floor_steps(y, blur->step);
    if (blur->step == 1) {
        reader->current = reader_blurred(reader, y);
        return;
    }
    const float *rows[BLUR_TAPS];
    float weights[BLUR_TAPS];
    for (int i = 0; i < BLUR_TAPS; i++) {
        rows[i] = reader_blurred(reader, at - 1 + i);
        weights[i] = blur->phases[i][y - at * (int32_t)blur->step];
    }
    rows_weigh(rows, blur->stride, weights, reader->line);
    row_repeat(reader->line, blur->columns, blur->step, reader->repeated);
    reader->current = reader->repeated;
}

MULTIVERSION static void span_interpolate(const float *restrict from, size_t step,
                                          const float *const *phases, size_t phase,
                                          float *restrict to)
{
    const float *a = from - step, *b = from, *c = from + step, *d = from + 2 * step;
    const float *wa = phases[0] + phase, *wb = phases[1] + phase;
    const float *wc = phases[2] + phase, *wd = phases[3] + phase;
    for (int i = 0; i < CHUNK; i++)
        to[i] = wa[i] * a[i] + wb[i] * b[i] + wc[i] * c[i] + wd[i] * d[i];
}

void blur_reader_span(const struct blur_reader *reader, int32_t x, float *span)
{
    const struct blur *blur = reader->blur;
    size_t at = (size_t)(x - blur->first_column * (int32_t)blur->step);
    if (blur->step == 1)
        memcpy(span, reader->current + at, CHUNK * sizeof *span);
    else
        span_interpolate(reader->current + at, blur->step, (const float *const *)blur->phases,
                         at % blur->step, span);
}
