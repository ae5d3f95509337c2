/* SPDX-License-Identifier: MIT */
#include "tools/crop_rows.h"

#include <stdlib.h>

#include "base/threads.h"
#include "image/orient.h"
#include "ops/resize_plan.h"

enum { BAND_ROWS = 32 };

/* Stored rows. */
struct band {
    uint8_t *rows;
    uint32_t first, count;
};

struct crop_rows {
    struct cli_run *run;
    struct cli_input *input;
    struct cli_output *output;
    struct image_box box;  /* among the rows as they are stored */
    struct image cut;      /* what is written, where it is stored otherwise than upright */
    struct band now, next; /* one is written while the other is decoded */
    struct error read_error, write_error;
};

/* The rows that follow; none behind the last. */
static void crop_rows_decode(struct crop_rows *rows)
{
    struct cli_input *input = rows->input;
    struct band *next = &rows->next;
    uint32_t left = input->stored.height - input->next_row;
    next->first = input->next_row;
    next->count = left < BAND_ROWS ? left : BAND_ROWS;
    if (next->count > 0 &&
        !cli_input_rows(rows->run, input, next->rows, image_row_bytes(&input->stored), next->count,
                        &rows->read_error))
        next->count = 0;
}

/* Takes over what of the band lies in the box. */
static void crop_rows_take(struct crop_rows *rows)
{
    const struct image_box *box = &rows->box;
    const struct band *band = &rows->now;
    struct image_shape shape = rows->input->stored;
    size_t bytes = image_row_bytes(&shape), left = image_pixel_bytes(&shape) * box->x;
    uint32_t first = band->first > box->y ? band->first : box->y;
    uint32_t end = band->first + band->count, most = box->y + box->height;
    end = end < most ? end : most;
    if (first >= end)
        return;
    uint8_t *at = band->rows + (first - band->first) * bytes + left;
    shape.width = box->width;
    shape.height = box->height;
    if (rows->cut.pixels == NULL)
        cli_output_rows(rows->output, at, bytes, end - first, &rows->write_error);
    else
        image_place_rows(&rows->cut, rows->input->info->orientation, &shape, first - box->y, at,
                         bytes, end - first);
}

static void crop_rows_step(void *context, size_t index)
{
    if (index == 0)
        crop_rows_decode(context);
    else
        crop_rows_take(context);
}

/* Before the box's last row is written all rows below are read, because damage there is an error
 * too. False where that, or writing, failed. */
static bool crop_rows_pass(struct crop_rows *rows)
{
    const struct cli_input *input = rows->input;
    unsigned threads = cli_threads(rows->run->options);
    uint32_t end = rows->box.y + rows->box.height;
    crop_rows_decode(rows);
    while (rows->next.count > 0 && rows->write_error.kind == ERROR_NONE) {
        struct band band = rows->now;
        rows->now = rows->next;
        rows->next = band;
        while (rows->now.first + rows->now.count >= end && input->next_row < input->stored.height &&
               rows->read_error.kind == ERROR_NONE)
            crop_rows_decode(rows);
        if (rows->read_error.kind == ERROR_NONE)
            threads_for(threads, 2, crop_rows_step, rows);
    }
    return rows->read_error.kind == ERROR_NONE && rows->write_error.kind == ERROR_NONE;
}

/* Where BOX of the upright picture lies in the rows as they are stored. */
static struct image_box crop_rows_box(const struct cli_input *input, const struct image_box *box)
{
    struct resample_region region = {box->x, box->y, box->width, box->height};
    region = resize_plan_stored(&region, input->info->orientation, input->shape.width,
                                input->shape.height);
    return (struct image_box){(uint32_t)region.x, (uint32_t)region.y, (uint32_t)region.width,
                              (uint32_t)region.height};
}

static bool crop_rows_all(struct crop_rows *rows, const struct image *head, struct error *error)
{
    const struct cli_input *input = rows->input;
    size_t bytes = image_row_bytes(&input->stored);
    rows->now.rows = memory_array(BAND_ROWS, bytes, error);
    rows->next.rows = memory_array(BAND_ROWS, bytes, error);
    if (rows->now.rows == NULL || rows->next.rows == NULL ||
        (input->info->orientation > 1 && !image_new(&rows->cut, &head->shape, error)) ||
        !cli_output_begin(rows->run, rows->output, head, error))
        return false;
    if (!crop_rows_pass(rows)) {
        *error = rows->read_error.kind != ERROR_NONE ? rows->read_error : rows->write_error;
        return false;
    }
    return (rows->cut.pixels == NULL ||
            cli_output_rows(rows->output, rows->cut.pixels, rows->cut.stride, head->shape.height,
                            error)) &&
           cli_output_end(rows->output, error) &&
           cli_output_commit(rows->run, rows->output, error);
}

bool crop_rows_write(struct cli_run *run, struct cli_input *input, const struct image_box *box,
                     struct cli_output *output, struct error *error)
{
    struct image head = {.shape = input->shape, .metadata = input->metadata};
    struct crop_rows rows = {.run = run, .input = input, .output = output,
                             .box = crop_rows_box(input, box)};
    head.shape.width = box->width;
    head.shape.height = box->height;
    bool done = crop_rows_all(&rows, &head, error);
    if (done)
        run->output = cli_output_json(output);
    image_free(&rows.cut);
    free(rows.now.rows);
    free(rows.next.rows);
    return done;
}
