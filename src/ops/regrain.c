/* SPDX-License-Identifier: MIT */
#include "ops/regrain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"

/* The publication looks for the image J near the result T, with the gradients of the original I:
 * the least integral of phi |grad J - grad I|^2 + psi (J - T)^2. With D = J - I that is
 * phi |grad D|^2 + psi (D - (T - I))^2: the change T - I diffuses, except where the original has
 * edges. D is smooth, so coarse grids know nearly all of it, and it is 0 where nothing changed.
 *
 * Channels are solved one after the other, levels from the coarsest on, each by sweeps of Jacobi's
 * method that start from the level above: what a sweep reads another has written, so neither
 * threads nor tiles show. The full image is only ever looked at in tiles, wide enough that all
 * their sweeps are right in the middle. */
enum {
    LEVELS_MOST = 16,
    COARSEST = 16, /* pixels along the longer side */
    SWEEPS = 4,    /* of a tile */
    BAND = 32,     /* rows that a thread takes at a time */
    TILE_WIDTH = 128,
    TILE_HEIGHT = 64,
    HALO = SWEEPS + 2, /* weights look two pixels ahead */
    TILE_STRIDE = TILE_WIDTH + 2 * HALO + 1,
    TILE_FLOATS = TILE_STRIDE * (TILE_HEIGHT + 2 * HALO + 2),
    CHUNK = 256
};

/* Sweeps of a level that is not the full image, the finest first; the last holds for the rest. */
static const int level_sweeps[] = {8, 8, 8, 16};

/* phi = STIFFNESS / (1 + 10 |grad I|), psi = |grad I| / 5 codes of 8 bits, at most 1: the numbers
 * of the publication, for samples 0..1. The floor keeps the mean of a picture without gradients. */
#define STIFFNESS 30.0f
#define SOFTENING 10.0f
#define PSI_PER_GRADIENT (255.0f / 5)
#define PSI_FLOOR 0.001f

/* A plane of floats with a column behind each row and a row on either side. */
struct plane {
    float *values;
    size_t stride;
};

static inline float *plane_row(const struct plane *plane, size_t y)
{
    return plane->values + (y + 1) * plane->stride;
}

/* What a part of a level is solved with. */
struct grid {
    uint32_t x, y, width, height; /* the part */
    struct plane right, down;     /* phi between a pixel and the next; 0 at the borders */
    struct plane psi, target;     /* target: T - I */
    struct plane change[2];       /* D, before and after a sweep */
};

struct level {
    struct image original, result; /* 16 bits from level 1 on */
    float stiffness;               /* by the square of the distance of its pixels */
};

struct solver {
    unsigned threads, channel;
    int count;
    struct level levels[LEVELS_MOST];
    float *planes[6]; /* memory for the grid of level 1 or coarser */
    float *kept;      /* memory for D of the level above that, compact */
    void *samples;    /* memory for the new channel, the same as that of the last four planes */

    /* The level at work. */
    const struct level *level;
    struct grid grid;
    const float *above; /* D of the level above; NULL: there is none */
    size_t above_stride;
    uint32_t above_width, above_height;
};

/* COUNT samples of CHANNEL of row Y from X on, 0..1. */
static void fetch_row(const struct image *image, unsigned channel, uint32_t x, uint32_t y,
                      size_t count, float *restrict out)
{
    size_t step = image_channels(&image->shape), first = x * step + channel;
    const uint8_t *row = image_row(image, y) + first * (image->shape.depth / 8);
    const uint16_t *row16 = (const uint16_t *)(const void *)row;
    if (image->shape.depth == 8)
        for (size_t i = 0; i < count; i++)
            out[i] = (float)row[i * step] * (1 / 255.0f);
    else
        for (size_t i = 0; i < count; i++)
            out[i] = (float)row16[i * step] * (1 / 65535.0f);
}

MULTIVERSION
static void add_squares(const float *restrict here, const float *restrict top,
                        const float *restrict bottom, float *restrict sum, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float across = here[i + 1] - here[i], along = bottom[i] - top[i];
        sum[i] += across * across + along * along;
    }
}

/* Squares of the gradient of all channels, COUNT (at most CHUNK) pixels of row Y from X on: from
 * each pixel to the next, at the last ones from the one before. */
static void squares_row(const struct image *image, uint32_t x, uint32_t y, size_t count, float *sum)
{
    uint32_t width = image->shape.width, height = image->shape.height;
    uint32_t y_top = y + 1 < height ? y : y - (y > 0), y_bottom = y_top + (height > 1);
    float here[CHUNK + 1], top[CHUNK], bottom[CHUNK], last[2] = {0, 0};
    memset(sum, 0, count * sizeof *sum);
    for (unsigned c = 0; c < 3; c++) {
        bool is_end = x + count == width;
        fetch_row(image, c, x, y, count + !is_end, here);
        if (is_end && width > 1)
            fetch_row(image, c, width - 2, y, 2, last);
        if (is_end)
            here[count] = here[count - 1] + (last[1] - last[0]);
        fetch_row(image, c, x, y_bottom, count, bottom);
        if (y_top != y)
            fetch_row(image, c, x, y_top, count, top);
        add_squares(here, y_top != y ? top : here, bottom, sum, count);
    }
}

MULTIVERSION
static void weigh(float stiffness, const float *restrict squares, float *restrict phi,
                  float *restrict psi, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float gradient = sqrtf(squares[i]), share = gradient * PSI_PER_GRADIENT;
        phi[i] = stiffness / (1 + SOFTENING * gradient);
        psi[i] = (share < 1 ? share : 1) + PSI_FLOOR;
    }
}

/* Row Y of the grid: psi, target, and phi, which goes where the sweeps will write first. */
static void prepare_row(const struct solver *solver, struct grid *grid, size_t y)
{
    const struct level *level = solver->level;
    uint32_t row = grid->y + (uint32_t)y;
    for (size_t x = 0; x < grid->width; x += CHUNK) {
        size_t part = grid->width - x < CHUNK ? grid->width - x : CHUNK;
        uint32_t column = grid->x + (uint32_t)x;
        float squares[CHUNK], original[CHUNK], *target = plane_row(&grid->target, y) + x;
        squares_row(&level->original, column, row, part, squares);
        weigh(level->stiffness, squares, plane_row(&grid->change[1], y) + x,
              plane_row(&grid->psi, y) + x, part);
        fetch_row(&level->result, solver->channel, column, row, part, target);
        fetch_row(&level->original, solver->channel, column, row, part, original);
        for (size_t i = 0; i < part; i++)
            target[i] -= original[i];
    }
}

MULTIVERSION
static void mean_row(const float *restrict one, const float *restrict two, float *restrict mean,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        mean[i] = (one[i] + two[i]) * 0.5f;
}

/* Row Y of the grid: phi between pixels, from the phi of pixels. */
static void join_row(struct grid *grid, size_t y)
{
    const float *phi = plane_row(&grid->change[1], y);
    float *right = plane_row(&grid->right, y), *down = plane_row(&grid->down, y);
    mean_row(phi, phi + 1, right, grid->width - 1);
    right[grid->width - 1] = 0;
    if (y + 1 < grid->height)
        mean_row(phi, phi + grid->change[1].stride, down, grid->width);
    else
        memset(down, 0, grid->width * sizeof *down);
}

/* Row Y of the grid: D from the level above, whose pixels are twice as wide, between four of
 * them; or simply the target. */
static void start_row(const struct solver *solver, struct grid *grid, size_t y)
{
    float *change = plane_row(&grid->change[0], y), mixed[CHUNK / 2 + 3];
    if (solver->above == NULL) {
        memcpy(change, plane_row(&grid->target, y), grid->width * sizeof *change);
        return;
    }
    int64_t last_row = solver->above_height - 1, last = solver->above_width - 1;
    int64_t row = (int64_t)((grid->y + y) / 2), other = row + ((grid->y + y) % 2 ? 1 : -1);
    other = other < 0 ? 0 : other > last_row ? last_row : other;
    const float *near = solver->above + (size_t)row * solver->above_stride;
    const float *far = solver->above + (size_t)other * solver->above_stride;
    for (size_t x = 0; x < grid->width; x += CHUNK) {
        size_t part = grid->width - x < CHUNK ? grid->width - x : CHUNK;
        size_t odd = (grid->x + x) % 2;
        int64_t first = (int64_t)((grid->x + x) / 2) - 1;
        for (size_t k = 0; k < (part + odd + 1) / 2 + 2; k++) {
            int64_t at = first + (int64_t)k;
            at = at < 0 ? 0 : at > last ? last : at;
            mixed[k] = 0.75f * near[at] + 0.25f * far[at];
        }
        for (size_t i = 0; i < part; i++) {
            size_t k = (i + odd) / 2 + 1;
            change[x + i] = 0.75f * mixed[k] + 0.25f * mixed[(i + odd) % 2 ? k + 1 : k - 1];
        }
    }
}

MULTIVERSION
static void sweep_row(const struct grid *grid, size_t y, const struct plane *from,
                      const struct plane *to)
{
    size_t stride = from->stride, count = grid->width;
    const float *restrict right = plane_row(&grid->right, y);
    const float *restrict down = plane_row(&grid->down, y);
    const float *restrict psi = plane_row(&grid->psi, y);
    const float *restrict target = plane_row(&grid->target, y);
    const float *restrict old = plane_row(from, y);
    float *restrict new = plane_row(to, y);
    const float *left = right - 1, *up = down - stride, *old_up = old - stride,
                *old_down = old + stride;
    for (size_t i = 0; i < count; i++) {
        float pull = psi[i] * target[i] + left[i] * old[(ptrdiff_t)i - 1] + right[i] * old[i + 1] +
                     up[i] * old_up[i] + down[i] * old_down[i];
        new[i] = pull / (psi[i] + left[i] + right[i] + up[i] + down[i]);
    }
}

/* Zeroes what lies around the rows of a plane. */
static void clear_around(const struct plane *plane, size_t width, size_t height)
{
    memset(plane->values, 0, plane->stride * sizeof *plane->values);
    memset(plane_row(plane, height), 0, plane->stride * sizeof *plane->values);
    for (size_t y = 0; y < height; y++)
        plane_row(plane, y)[width] = 0;
}

static void grid_lay(struct grid *grid, float *const memory[6])
{
    struct plane *const planes[6] = {&grid->change[0], &grid->change[1], &grid->right,
                                     &grid->down,      &grid->psi,       &grid->target};
    for (int i = 0; i < 6; i++) {
        *planes[i] = (struct plane){memory[i], (size_t)grid->width + 1};
        clear_around(planes[i], grid->width, grid->height);
    }
}

static size_t plane_floats(const struct image_shape *shape)
{
    return ((size_t)shape->width + 1) * ((size_t)shape->height + 2);
}

/* Levels 1 and up: rows in bands. */
struct band_work {
    struct solver *solver;
    void (*row)(struct solver *solver, size_t y);
};

static void band_do(void *context, size_t band)
{
    const struct band_work *work = context;
    size_t end = (band + 1) * BAND, height = work->solver->grid.height;
    for (size_t y = band * BAND; y < end && y < height; y++)
        work->row(work->solver, y);
}

static void for_rows(struct solver *solver, void (*row)(struct solver *solver, size_t y))
{
    struct band_work work = {solver, row};
    size_t bands = ((size_t)solver->grid.height - 1) / BAND + 1;
    threads_for(solver->threads, bands, band_do, &work);
}

static void level_prepare_row(struct solver *solver, size_t y)
{
    prepare_row(solver, &solver->grid, y);
    start_row(solver, &solver->grid, y);
}

static void level_join_row(struct solver *solver, size_t y)
{
    join_row(&solver->grid, y);
}

static void level_sweep_row(struct solver *solver, size_t y)
{
    sweep_row(&solver->grid, y, &solver->grid.change[0], &solver->grid.change[1]);
}

static void level_keep_row(struct solver *solver, size_t y)
{
    uint32_t width = solver->grid.width;
    memcpy(solver->kept + y * width, plane_row(&solver->grid.change[0], y), width * sizeof(float));
}

/* Solves a level other than the full image; `above` is its D afterwards. */
static void level_solve(struct solver *solver, int index)
{
    const int listed = sizeof level_sweeps / sizeof *level_sweeps;
    int sweeps = level_sweeps[index - 1 < listed ? index - 1 : listed - 1];
    struct grid *grid = &solver->grid;
    solver->level = &solver->levels[index];
    const struct image_shape *shape = &solver->level->original.shape;
    *grid = (struct grid){.width = shape->width, .height = shape->height};
    grid_lay(grid, solver->planes);
    for_rows(solver, level_prepare_row);
    for_rows(solver, level_join_row);
    for (int i = 0; i < sweeps; i++) {
        for_rows(solver, level_sweep_row);
        struct plane swap = grid->change[0];
        grid->change[0] = grid->change[1];
        grid->change[1] = swap;
    }
    solver->above = plane_row(&grid->change[0], 0);
    solver->above_stride = grid->change[0].stride;
    solver->above_width = shape->width;
    solver->above_height = shape->height;
    /* The next level takes the memory of this one, the full image does not. */
    if (index > 1) {
        for_rows(solver, level_keep_row);
        solver->above = solver->kept;
        solver->above_stride = shape->width;
    }
}

/* Row Y of the full image: original plus D as samples, COUNT from X on. */
static void store_row(const struct solver *solver, uint32_t x, uint32_t y, size_t count,
                      const float *change)
{
    const struct image *result = &solver->levels[0].result;
    size_t at = (size_t)y * result->shape.width + x;
    float sample[TILE_WIDTH], most = result->shape.depth == 8 ? 255.0f : 65535.0f;
    fetch_row(&solver->levels[0].original, solver->channel, x, y, count, sample);
    for (size_t i = 0; i < count; i++) {
        float value = (sample[i] + change[i]) * most + 0.5f;
        value = value > 0 ? value : 0;
        sample[i] = value < most ? value : most;
    }
    if (result->shape.depth == 8)
        for (size_t i = 0; i < count; i++)
            ((uint8_t *)solver->samples)[at + i] = (uint8_t)(int32_t)sample[i];
    else
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)solver->samples)[at + i] = (uint16_t)(int32_t)sample[i];
}

/* A tile of the full image with what its sweeps need around it. */
static struct grid tile_grid(const struct image_shape *shape, uint32_t x, uint32_t y)
{
    struct grid grid = {.x = x > HALO ? x - HALO : 0, .y = y > HALO ? y - HALO : 0};
    uint32_t right = shape->width - x > TILE_WIDTH + HALO ? x + TILE_WIDTH + HALO : shape->width;
    uint32_t end = shape->height - y > TILE_HEIGHT + HALO ? y + TILE_HEIGHT + HALO : shape->height;
    grid.width = right - grid.x;
    grid.height = end - grid.y;
    return grid;
}

static uint32_t tiles_across(const struct image_shape *shape)
{
    return (shape->width - 1) / TILE_WIDTH + 1;
}

static void tile_solve(void *context, size_t index)
{
    const struct solver *solver = context;
    const struct image_shape *shape = &solver->level->original.shape;
    uint32_t x = (uint32_t)(index % tiles_across(shape)) * TILE_WIDTH;
    uint32_t y = (uint32_t)(index / tiles_across(shape)) * TILE_HEIGHT;
    uint32_t width = shape->width - x < TILE_WIDTH ? shape->width - x : TILE_WIDTH;
    uint32_t height = shape->height - y < TILE_HEIGHT ? shape->height - y : TILE_HEIGHT;
    float memory[6][TILE_FLOATS];
    struct grid grid = tile_grid(shape, x, y);
    grid_lay(&grid,
             (float *const[6]){memory[0], memory[1], memory[2], memory[3], memory[4], memory[5]});
    for (size_t row = 0; row < grid.height; row++) {
        prepare_row(solver, &grid, row);
        start_row(solver, &grid, row);
    }
    for (size_t row = 0; row < grid.height; row++)
        join_row(&grid, row);
    for (int i = 0; i < SWEEPS; i++)
        for (size_t row = 0; row < grid.height; row++)
            sweep_row(&grid, row, &grid.change[i % 2], &grid.change[(i + 1) % 2]);
    for (uint32_t row = y; row < y + height; row++)
        store_row(solver, x, row, width,
                  plane_row(&grid.change[SWEEPS % 2], row - grid.y) + (x - grid.x));
}

/* The new channel into the image: it could not go there before, as tiles read around themselves. */
static void copy_row(void *context, size_t y)
{
    const struct solver *solver = context;
    const struct image *result = &solver->levels[0].result;
    size_t width = result->shape.width, step = image_channels(&result->shape), at = y * width;
    uint8_t *row = image_row(result, (uint32_t)y);
    uint16_t *row16 = (uint16_t *)(void *)row;
    if (result->shape.depth == 8)
        for (size_t i = 0; i < width; i++)
            row[i * step + solver->channel] = ((const uint8_t *)solver->samples)[at + i];
    else
        for (size_t i = 0; i < width; i++)
            row16[i * step + solver->channel] = ((const uint16_t *)solver->samples)[at + i];
}

static void channel_solve(struct solver *solver)
{
    solver->above = NULL;
    for (int i = solver->count - 1; i > 0; i--)
        level_solve(solver, i);
    solver->level = &solver->levels[0];
    const struct image_shape *shape = &solver->level->original.shape;
    size_t down = (shape->height - 1) / TILE_HEIGHT + 1;
    threads_for(solver->threads, down * tiles_across(shape), tile_solve, solver);
    threads_for(solver->threads, shape->height, copy_row, solver);
}

struct halving {
    const struct image *from;
    struct image *to;
};

static uint32_t sample_at(const struct image *image, const uint8_t *row, size_t index)
{
    return image->shape.depth == 8 ? row[index] * 257u
                                   : ((const uint16_t *)(const void *)row)[index];
}

/* Row Y of half the size: means of four, of two at the last of an odd number. */
static void halve_row(void *context, size_t y)
{
    const struct halving *halving = context;
    const struct image *from = halving->from;
    size_t step = image_channels(&from->shape), last = from->shape.width - 1;
    uint32_t row = (uint32_t)y * 2, next = row + (row + 1 < from->shape.height);
    const uint8_t *top = image_row(from, row), *bottom = image_row(from, next);
    uint16_t *out = (uint16_t *)(void *)image_row(halving->to, (uint32_t)y);
    for (size_t x = 0; x < halving->to->shape.width; x++) {
        size_t left = x * 2 * step, right = x * 2 < last ? left + step : left;
        for (size_t c = 0; c < 3; c++)
            out[x * 3 + c] =
                (uint16_t)((sample_at(from, top, left + c) + sample_at(from, top, right + c) +
                            sample_at(from, bottom, left + c) + sample_at(from, bottom, right + c) +
                            2) /
                           4);
    }
}

static bool halve(const struct image *from, struct image *to, unsigned threads, struct error *error)
{
    struct image_shape shape = {(from->shape.width + 1) / 2, (from->shape.height + 1) / 2,
                                IMAGE_RGB, false, 16};
    struct halving halving = {from, to};
    if (!image_new(to, &shape, error))
        return false;
    threads_for(threads, shape.height, halve_row, &halving);
    return true;
}

static bool levels_new(struct solver *solver, struct error *error)
{
    struct level *level = solver->levels;
    solver->count = 1;
    while (solver->count < LEVELS_MOST &&
           (level->original.shape.width > COARSEST || level->original.shape.height > COARSEST)) {
        level[1].stiffness = level->stiffness / 4;
        solver->count++;
        if (!halve(&level->original, &level[1].original, solver->threads, error) ||
            !halve(&level->result, &level[1].result, solver->threads, error))
            return false;
        level++;
    }
    return true;
}

/* Cuts one block of memory into the planes of the solver. */
static bool planes_new(struct solver *solver, float **memory, struct error *error)
{
    const struct image_shape *shape = &solver->levels[0].result.shape;
    size_t plane = solver->count > 1 ? plane_floats(&solver->levels[1].original.shape) : 0;
    size_t kept = solver->count > 2 ? plane_floats(&solver->levels[2].original.shape) : 0;
    size_t samples = (size_t)shape->width * shape->height / 2 + 1;
    size_t grid = 4 * plane > samples ? 4 * plane : samples;
    *memory = memory_array(2 * plane + grid + kept, sizeof **memory, error);
    if (*memory == NULL)
        return false;
    for (size_t i = 0; i < 6; i++)
        solver->planes[i] = *memory + i * plane;
    solver->samples = solver->planes[2];
    solver->kept = *memory + 2 * plane + grid;
    return true;
}

bool regrain(struct image *result, const struct image *original, unsigned threads,
             struct error *error)
{
    const struct image_shape *shape = &result->shape;
    struct solver solver = {.threads = threads};
    float *memory = NULL;
    if (shape->color != IMAGE_RGB || original->shape.color != IMAGE_RGB ||
        shape->width != original->shape.width || shape->height != original->shape.height)
        return error_set(error, ERROR_INTERNAL, "regrain got images of two shapes");
    /* Views: their pixels belong to the caller. */
    const struct image_box all = {0, 0, shape->width, shape->height};
    solver.levels[0].result = image_view(result, &all);
    solver.levels[0].original = image_view(original, &all);
    solver.levels[0].stiffness = STIFFNESS;
    bool good = levels_new(&solver, error) && planes_new(&solver, &memory, error);
    for (solver.channel = 0; good && solver.channel < 3; solver.channel++)
        channel_solve(&solver);
    free(memory);
    for (int i = 1; i < LEVELS_MOST; i++) {
        image_free(&solver.levels[i].original);
        image_free(&solver.levels[i].result);
    }
    return good;
}
