/* SPDX-License-Identifier: MIT */
#include "ops/recolor_shade.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"
#include "ops/recolor_body.h"

enum { SPAN = 512, CELL_MIN = 4, CELL_MAX = 256, ROWS_PER_CELL = 8 };

/* m_b of what is taken for body at once, and the bounds of the cap. Above the median of the body
 * nearly everything may be a highlight; what is far above has to prove that it is none. */
#define BODY_FROM 0.5f
#define CLIPPED 0.96f
#define CAP_LEAST 0.9f
#define CAP_MOST 1.25f
#define CAP_MARGIN 1.03f

/* Shading gets brighter by no more than this from one cell to the next; a highlight's edge does. */
#define SLOPE_MOST 1.10f

/* ---- cells ---- */

struct gathering {
    const struct recolor_shade *shade;
    const struct pixel_reader *reader;
    const struct image *mask;
    float per_y;
    float *sum, *count;               /* per cell: what is body for sure */
    float *bright_sum, *bright_count; /* what is brighter, and not clipped */
    atomic_bool failed;
};

/* Sums of the columns of a row of cells. */
struct columns {
    float *sum, *count, *bright_sum, *bright_count;
};

MULTIVERSION
static void gather_row(const float *restrict r, const float *restrict g, const float *restrict b,
                       const float *restrict cover, float per_y, float most,
                       const struct columns *columns, size_t first, size_t pixels)
{
    float *restrict sum = columns->sum + first, *restrict count = columns->count + first;
    float *restrict bright_sum = columns->bright_sum + first;
    float *restrict bright_count = columns->bright_count + first;
    for (size_t i = 0; i < pixels; i++) {
        float y = (0.2126729f * r[i] + 0.7151522f * g[i] + 0.0721750f * b[i]) * per_y;
        float low = r[i] < g[i] ? r[i] : g[i];
        low = low < b[i] ? low : b[i];
        float counts = cover[i] >= 1.0f ? 1.0f : 0.0f;
        counts = y > BODY_FROM ? counts : 0.0f;
        counts = low < CLIPPED ? counts : 0.0f;
        float body = y < most ? counts : 0.0f, bright = counts - body;
        sum[i] += body * y;
        count[i] += body;
        bright_sum[i] += bright * y;
        bright_count[i] += bright;
    }
}

/* The columns of row ROW of cells into its cells; a cell counts as full where half of it counts. */
static void gather_columns(const struct gathering *gathering, const struct columns *columns,
                           size_t row, uint32_t rows)
{
    const struct recolor_shade *shade = gathering->shade;
    float full = 2.0f / (float)(shade->cell * rows);
    for (uint32_t x = 0; x < gathering->reader->image->shape.width; x++) {
        size_t cell = row * shade->columns + x / shade->cell;
        gathering->sum[cell] += columns->sum[x] * full;
        gathering->count[cell] += columns->count[x] * full;
        gathering->bright_sum[cell] += columns->bright_sum[x] * full;
        gathering->bright_count[cell] += columns->bright_count[x] * full;
    }
}

/* Sums over one row of cells: down the columns first, so that the compiler can do eight at once. */
static void gather_cells(void *context, size_t row)
{
    struct gathering *gathering = context;
    const struct recolor_shade *shade = gathering->shade;
    const uint32_t width = gathering->reader->image->shape.width;
    const uint32_t height = gathering->reader->image->shape.height;
    float light[3][SPAN], alpha[SPAN], cover[SPAN];
    float *const linear[3] = {light[0], light[1], light[2]};
    float *memory = memory_zeroed(width, 4 * sizeof *memory, NULL);
    if (memory == NULL) {
        atomic_store(&gathering->failed, true);
        return;
    }
    struct columns columns = {memory, memory + width, memory + 2 * (size_t)width,
                              memory + 3 * (size_t)width};
    uint32_t first = (uint32_t)row * shade->cell, end = first + shade->cell;
    uint32_t step = 1 + (shade->cell - 1) / ROWS_PER_CELL;
    for (uint32_t y = first; y < end && y < height; y += step)
        for (uint32_t x = 0; x < width; x += SPAN) {
            uint32_t count = width - x < SPAN ? width - x : SPAN;
            pixel_reader_linear(gathering->reader, x, y, count, linear, alpha);
            recolor_cover_row(gathering->mask, x, y, count, alpha, cover);
            gather_row(light[0], light[1], light[2], cover, gathering->per_y, shade->most, &columns,
                       x, count);
        }
    gather_columns(gathering, &columns, row, (shade->cell + step - 1) / step);
    free(memory);
}

/* Takes what is brighter in cell I for body if it goes on from what is body there, or else in cell
 * FROM. */
static bool grow_cell(const struct gathering *gathering, size_t i, size_t from)
{
    const float *sum = gathering->sum, *count = gathering->count;
    float bright = gathering->bright_count[i];
    size_t base = count[i] > 0.1f ? i : from;
    if (bright <= 0.0f || count[base] <= 0.1f ||
        gathering->bright_sum[i] * count[base] > SLOPE_MOST * sum[base] * bright)
        return false;
    gathering->sum[i] += gathering->bright_sum[i];
    gathering->count[i] += bright;
    gathering->bright_count[i] = 0.0f;
    return true;
}

/* From cell to cell, forth and back, until nothing is added: a soft gradient is shading, however
 * bright it gets. */
static void grow_cells(const struct gathering *gathering)
{
    size_t columns = gathering->shade->columns, cells = columns * gathering->shade->rows;
    bool grown = true;
    for (int turn = 0; grown && turn < 64; turn++) {
        grown = false;
        for (size_t k = 0; k < cells; k++) {
            size_t i = turn % 2 ? cells - 1 - k : k;
            if (gathering->bright_count[i] <= 0.0f)
                continue;
            grown |= (i % columns > 0 && grow_cell(gathering, i, i - 1)) ||
                     (i % columns + 1 < columns && grow_cell(gathering, i, i + 1)) ||
                     (i >= columns && grow_cell(gathering, i, i - columns)) ||
                     (i + columns < cells && grow_cell(gathering, i, i + columns));
        }
    }
}

/* [1 2 1] / 4 along COUNT values that lie STEP apart; what is outside is 0. */
static void smooth_line(float *values, size_t count, size_t step)
{
    float before = 0.0f;
    for (size_t i = 0; i < count; i++) {
        float here = values[i * step], after = i + 1 < count ? values[(i + 1) * step] : 0.0f;
        values[i * step] = 0.25f * (before + 2.0f * here + after);
        before = here;
    }
}

static void smooth_cells(float *values, uint32_t columns, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++)
        smooth_line(values + (size_t)row * columns, columns, 1);
    for (uint32_t column = 0; column < columns; column++)
        smooth_line(values + column, rows, columns);
}

/* ---- filling ---- */

/* Bilinear value of a grid at a place given in cells, from the middle of the first one. */
static float grid_at(const float *grid, uint32_t columns, uint32_t rows, float x, float y)
{
    x = fminf(fmaxf(x, 0.0f), (float)(columns - 1));
    y = fminf(fmaxf(y, 0.0f), (float)(rows - 1));
    uint32_t left = (uint32_t)x, top = (uint32_t)y;
    uint32_t right = left + 1 < columns ? left + 1 : left, below = top + 1 < rows ? top + 1 : top;
    const float *upper = grid + (size_t)top * columns, *lower = grid + (size_t)below * columns;
    float u = x - (float)left, v = y - (float)top;
    float one = upper[left] + (upper[right] - upper[left]) * u;
    float two = lower[left] + (lower[right] - lower[left]) * u;
    return one + (two - one) * v;
}

/* Adds the grid's cells up by twos and twos. */
static void grid_halve(const float *grid, uint32_t columns, uint32_t rows, float *half)
{
    uint32_t half_columns = (columns + 1) / 2;
    for (uint32_t y = 0; y < rows; y++)
        for (uint32_t x = 0; x < columns; x++)
            half[(size_t)(y / 2) * half_columns + x / 2] += grid[(size_t)y * columns + x];
}

/* Pull-push (Gortler, Grzeszczuk, Szeliski, Cohen: "The Lumigraph", 1996): SUM becomes the mean, a
 * cell that has less than a full COUNT gets the rest from coarser ones. */
static bool grid_fill(float *sum, float *count, uint32_t columns, uint32_t rows,
                      struct error *error)
{
    uint32_t half_columns = (columns + 1) / 2, half_rows = (rows + 1) / 2;
    size_t cells = (size_t)half_columns * half_rows;
    if (columns == 1 && rows == 1) {
        sum[0] = count[0] > 1e-6f ? sum[0] / count[0] : 1.0f;
        return true;
    }
    float *half = memory_zeroed(cells, 2 * sizeof *half, error);
    if (half == NULL)
        return false;
    grid_halve(sum, columns, rows, half);
    grid_halve(count, columns, rows, half + cells);
    for (size_t i = 0; i < cells; i++) { /* no cell counts more than a full one */
        float scale = half[cells + i] > 1.0f ? 1.0f / half[cells + i] : 1.0f;
        half[i] *= scale;
        half[cells + i] *= scale;
    }
    bool good = grid_fill(half, half + cells, half_columns, half_rows, error);
    for (uint32_t y = 0; y < rows && good; y++)
        for (uint32_t x = 0; x < columns; x++) {
            size_t i = (size_t)y * columns + x;
            float full = fminf(count[i], 1.0f), own = full > 1e-6f ? sum[i] / count[i] : 0.0f;
            float coarse = grid_at(half, half_columns, half_rows, 0.5f * (float)x - 0.25f,
                                   0.5f * (float)y - 0.25f);
            sum[i] = own * full + coarse * (1.0f - full);
        }
    free(half);
    return good;
}

/* ---- the whole ---- */

static uint32_t shade_cell(const struct image_shape *shape, double pixels)
{
    double cell = floor(sqrt(pixels) / 20.0);
    double least = fmax(CELL_MIN, ceil(fmax(shape->width, shape->height) / 1024.0));
    return (uint32_t)fmin(fmax(cell, least), CELL_MAX);
}

bool recolor_shade_new(struct recolor_shade *shade, const struct pixel_reader *reader,
                       const struct image *mask, float light_y, const struct recolor_body *body,
                       struct error *error)
{
    const struct image_shape *shape = &reader->image->shape;
    uint32_t cell = shade_cell(shape, body->pixels);
    *shade = (struct recolor_shade){.cell = cell,
                                    .most = fmaxf((float)body->bright_y / light_y, CAP_MOST),
                                    .columns = (shape->width - 1) / cell + 1,
                                    .rows = (shape->height - 1) / cell + 1};
    size_t cells = (size_t)shade->columns * shade->rows;
    float *sums = memory_zeroed(cells, 4 * sizeof *sums, error);
    if (sums == NULL)
        return false;
    struct gathering gathering = {shade, reader, mask, 1.0f / light_y, sums, sums + cells,
                                  sums + 2 * cells, sums + 3 * cells, false};
    threads_for(body->threads, shade->rows, gather_cells, &gathering);
    grow_cells(&gathering);
    smooth_cells(gathering.sum, shade->columns, shade->rows);
    smooth_cells(gathering.count, shade->columns, shade->rows);
    if (atomic_load(&gathering.failed))
        error_set(error, ERROR_NO_MEMORY, "out of memory for a row of pixels");
    else if (grid_fill(gathering.sum, gathering.count, shade->columns, shade->rows, error))
        shade->level = sums;
    if (shade->level == NULL) {
        free(sums);
        return false;
    }
    for (size_t i = 0; i < cells; i++)
        sums[i] = fmaxf(sums[i] * CAP_MARGIN, CAP_LEAST);
    return true;
}

void recolor_shade_free(struct recolor_shade *shade)
{
    free(shade->level);
    shade->level = NULL;
}

void recolor_shade_row(const struct recolor_shade *shade, uint32_t x, uint32_t y, size_t count,
                       float *restrict cap)
{
    const float per_cell = 1.0f / (float)shade->cell, cell = (float)shade->cell;
    const float v = ((float)y + 0.5f) * per_cell - 0.5f;
    for (size_t done = 0; done < count;) {
        /* To the middle of the next cell the value is linear. */
        float at = (float)(x + done) + 0.5f;
        int64_t left = (int64_t)floorf(at * per_cell - 0.5f);
        double middle = ((double)left + 1.5) * shade->cell - 0.5 - (double)x;
        size_t end = middle > (double)(done + 1) ? (size_t)ceil(middle) : done + 1;
        end = end < count ? end : count;
        float one = grid_at(shade->level, shade->columns, shade->rows, (float)left, v);
        float two = grid_at(shade->level, shade->columns, shade->rows, (float)left + 1.0f, v);
        float first = at * per_cell - 0.5f - (float)left, step = 1.0f / cell;
        for (size_t i = done; i < end; i++)
            cap[i] = one + (two - one) * (first + step * (float)(i - done));
        done = end;
    }
}
