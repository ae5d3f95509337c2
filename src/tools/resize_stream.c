/* SPDX-License-Identifier: MIT */
/* imgresize's rows: decoded, resampled and written, each band of them while the next one is a step
 * behind. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "tools/resize_parts.h"

enum { BAND_ROWS = RESAMPLE_BAND_ROWS };

struct stream {
    struct resize *resize;
    struct resize_band now, next; /* one is resampled while the other is decoded */
    bool all_read;                /* with NOW */
    unsigned threads;
    struct error error;           /* of decoding NEXT */
};

/* Some columns of the band to light, and down into each output. */
static void stream_down(void *context, size_t index)
{
    const struct stream *stream = context;
    const struct resize *resize = stream->resize;
    const struct resize_band *band = &stream->now;
    const struct image_shape *shape = &resize->input.stored;
    enum { STRIDE = RESAMPLE_COLUMNS * 4 };
    float light[RESAMPLE_GROUP * STRIDE];
    uint32_t x = (uint32_t)index * RESAMPLE_COLUMNS, left = shape->width - x;
    struct resample_group group = {
        .x = x, .width = left < RESAMPLE_COLUMNS ? left : RESAMPLE_COLUMNS, .light = light};
    for (; group.row < band->count; group.row += RESAMPLE_GROUP) {
        left = band->count - group.row;
        group.rows = left < RESAMPLE_GROUP ? left : RESAMPLE_GROUP;
        if (group.rows < RESAMPLE_GROUP)
            memset(light, 0, sizeof light);
        for (uint32_t y = 0; y < group.rows; y++)
            resample_load_row(&resize->tone, shape,
                              band->rows + (group.row + y) * band->stride +
                                  x * image_pixel_bytes(shape),
                              light + y * STRIDE, group.width);
        for (size_t i = 0; i < resize->ordered_count; i++)
            if (resize->ordered[i]->resampler != NULL)
                resampler_down(resize->ordered[i]->resampler, &group);
    }
}

/* One output row that is complete with this band. */
static void stream_across(void *context, size_t index)
{
    const struct stream *stream = context;
    struct resize_job *const *job = stream->resize->ordered;
    for (uint32_t rows = 0; index >= (rows = resize_job_due(*job, &stream->now)); job++)
        index -= rows;
    resize_job_make(*job, (uint32_t)index);
}

static void stream_resample(struct stream *stream)
{
    const struct resize *resize = stream->resize;
    uint32_t columns = (resize->input.stored.width + RESAMPLE_COLUMNS - 1) / RESAMPLE_COLUMNS;
    size_t due = 0;
    bool resampled = false;
    for (size_t i = 0; i < resize->ordered_count; i++) {
        resampled = resampled || resize->ordered[i]->resampler != NULL;
        due += resize_job_due(resize->ordered[i], &stream->now);
    }
    if (resampled)
        threads_for(stream->threads, columns, stream_down, stream);
    threads_for(stream->threads, due, stream_across, stream);
    for (size_t i = 0; i < resize->ordered_count; i++)
        resize_job_advance(resize, resize->ordered[i], &stream->now);
}

/* The rows that follow; none behind the last. */
static void stream_decode(struct stream *stream)
{
    struct cli_input *input = &stream->resize->input;
    struct resize_band *next = &stream->next;
    uint32_t left = input->stored.height - input->next_row;
    next->first = input->next_row;
    next->count = left < BAND_ROWS ? left : BAND_ROWS;
    if (next->count > 0 && !cli_input_rows(stream->resize->run, input, next->rows, next->stride,
                                           next->count, &stream->error))
        next->count = 0;
}

/* What only one thread can do goes first, the largest part of it at the head. */
static void stream_step(void *context, size_t index)
{
    struct stream *stream = context;
    const struct resize *resize = stream->resize;
    if (index == 0)
        stream_decode(stream);
    else if (index <= resize->ordered_count)
        resize_job_write(resize->ordered[index - 1], stream->all_read);
    else
        stream_resample(stream);
}

/* The first thing that went wrong: with the input, or else with an output. */
static bool stream_good(const struct stream *stream, struct error *error)
{
    const struct resize *resize = stream->resize;
    const struct error *wrong = &stream->error;
    for (size_t i = 0; wrong->kind == ERROR_NONE && i < resize->job_count; i++)
        wrong = &resize->jobs[i].error;
    if (wrong->kind == ERROR_NONE)
        return true;
    *error = *wrong;
    return false;
}

static bool stream_pass(struct stream *stream, struct error *error)
{
    struct resize *resize = stream->resize;
    const struct cli_input *input = &resize->input;
    stream_decode(stream);
    while (stream->next.count > 0 && stream_good(stream, error)) {
        struct resize_band band = stream->now;
        stream->now = stream->next;
        stream->next = band;
        stream->all_read = input->next_row == input->stored.height;
        for (size_t i = 0; i < resize->ordered_count; i++)
            resize_job_swap(resize->ordered[i]);
        threads_for(stream->threads, resize->ordered_count + 2, stream_step, stream);
    }
    return stream_good(stream, error);
}

static void stream_end_job(void *context, size_t index)
{
    struct stream *stream = context;
    resize_job_end(stream->resize, stream->resize->ordered[index]);
}

bool resize_stream(struct resize *resize, struct error *error)
{
    size_t bytes = image_row_bytes(&resize->input.stored);
    struct stream stream = {.resize = resize, .now.stride = bytes, .next.stride = bytes,
                            .threads = cli_threads(&resize->options->common)};
    stream.now.rows = memory_array(BAND_ROWS, bytes, error);
    stream.next.rows = memory_array(BAND_ROWS, bytes, error);
    bool done = stream.now.rows != NULL && stream.next.rows != NULL &&
                stream_pass(&stream, error);
    free(stream.now.rows);
    free(stream.next.rows);
    if (!done)
        return false;
    threads_for(stream.threads, resize->ordered_count, stream_end_job, &stream);
    return stream_good(&stream, error);
}
