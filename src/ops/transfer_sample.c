/* SPDX-License-Identifier: MIT */
/* Pixels that stand for all. */
#include <stdlib.h>

#include "base/threads.h"
#include "ops/transfer_parts.h"

enum { CHUNK = 256, BEND_CHUNK = 4096 };

struct draw {
    const struct transfer_input *input;
    const struct transfer_basis *basis;
    struct transfer_sample *sample;
    uint64_t *before; /* pixels that count in the rows above each row */
    uint64_t total;
};

static void count_row(void *context, size_t y)
{
    struct draw *draw = context;
    uint32_t width = draw->input->side->image->shape.width;
    uint64_t counted = draw->input->weighted ? 0 : width;
    float weight[CHUNK];
    for (uint32_t x = 0; draw->input->weighted && x < width; x += CHUNK) {
        size_t part = width - x < CHUNK ? width - x : CHUNK;
        transfer_input_weights(draw->input, x, (uint32_t)y, part, weight);
        for (size_t i = 0; i < part; i++)
            counted += weight[i] > 0;
    }
    draw->before[y + 1] = counted;
}

/* Bits of NUMBER well mixed: the finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t number)
{
    number += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

/* Which pixel, of those that count, run INDEX gives; any one of the run, so that no pattern in the
 * picture can fall in step with the runs. */
static uint64_t place_of(const struct draw *draw, uint64_t index)
{
    uint64_t count = draw->sample->count;
    uint64_t first = index * draw->total / count, end = (index + 1) * draw->total / count;
    return first + mix(index) % (end - first);
}

static void take(const struct draw *draw, uint64_t index, uint32_t x, uint32_t y, float weight)
{
    float *const *axis = draw->sample->axis;
    float *const at[3] = {axis[0] + index, axis[1] + index, axis[2] + index};
    pixel_reader_linear(&draw->input->reader, x, y, 1, at, NULL);
    draw->sample->weight[index] = weight;
}

static void draw_row(void *context, size_t row)
{
    const struct draw *draw = context;
    uint32_t width = draw->input->side->image->shape.width, y = (uint32_t)row;
    uint64_t at = draw->before[row], end = draw->before[row + 1], count = draw->sample->count;
    /* The first run that may have its pixel in this row. */
    uint64_t index = at * count / draw->total;
    while (index < count && place_of(draw, index) < at)
        index++;
    if (!draw->input->weighted) {
        for (; index < count && place_of(draw, index) < end; index++)
            take(draw, index, (uint32_t)(place_of(draw, index) - at), y, 1);
        return;
    }
    float weight[CHUNK];
    for (uint32_t x = 0; x < width && at < end; x += CHUNK) {
        size_t part = width - x < CHUNK ? width - x : CHUNK;
        transfer_input_weights(draw->input, x, y, part, weight);
        for (size_t i = 0; i < part; i++) {
            if (!(weight[i] > 0))
                continue;
            if (index < count && place_of(draw, index) == at)
                take(draw, index++, x + (uint32_t)i, y, weight[i]);
            at++;
        }
    }
}

struct bend {
    const struct transfer_basis *basis;
    struct transfer_sample *sample;
    float map[3][4];
};

static void bend_chunk(void *context, size_t index)
{
    const struct bend *bend = context;
    size_t first = index * BEND_CHUNK, left = bend->sample->count - first;
    float *const *axis = bend->sample->axis;
    float *const v[3] = {axis[0] + first, axis[1] + first, axis[2] + first};
    size_t part = left < BEND_CHUNK ? left : BEND_CHUNK;
    transfer_basis_bend(bend->basis, v, part);
    transfer_map_row(bend->map, v[0], v[1], v[2], part);
}

static void bend_all(struct transfer_sample *sample, const struct transfer_basis *basis,
                     unsigned threads)
{
    struct bend bend = {.basis = basis, .sample = sample};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            bend.map[i][j] = (float)basis->axes.m[i][j];
    threads_for(threads, (sample->count - 1) / BEND_CHUNK + 1, bend_chunk, &bend);
}

bool transfer_sample_draw(struct transfer_sample *sample, const struct transfer_input *input,
                          const struct transfer_basis *basis, struct error *error)
{
    size_t height = input->side->image->shape.height;
    struct draw draw = {.input = input, .basis = basis, .sample = sample};
    bool good = false;
    *sample = (struct transfer_sample){0};
    draw.before = memory_zeroed(height + 1, sizeof *draw.before, error);
    if (!draw.before)
        return false;
    threads_for(input->threads, height, count_row, &draw);
    for (size_t y = 0; y < height; y++)
        draw.before[y + 1] += draw.before[y];
    draw.total = draw.before[height];
    if (draw.total == 0) {
        error_set(error, ERROR_UNSUPPORTED, "no pixel counts: all are transparent or masked");
        goto out;
    }
    sample->count =
        draw.total < TRANSFER_SAMPLE_MOST ? (size_t)draw.total : (size_t)TRANSFER_SAMPLE_MOST;
    float *memory = memory_array(sample->count, 4 * sizeof *memory, error);
    if (!memory)
        goto out;
    for (int i = 0; i < 3; i++)
        sample->axis[i] = memory + (size_t)i * sample->count;
    sample->weight = memory + 3 * sample->count;
    threads_for(input->threads, height, draw_row, &draw);
    bend_all(sample, basis, input->threads);
    good = true;
out:
    free(draw.before);
    return good;
}

void transfer_sample_free(struct transfer_sample *sample)
{
    free(sample->axis[0]);
    *sample = (struct transfer_sample){0};
}
