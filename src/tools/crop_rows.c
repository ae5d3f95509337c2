/* SPDX-License-Identifier: MIT */
#include "tools/crop_rows.h"

#include <stdlib.h>

#include "image/orient.h"
#include "ops/resize_plan.h"

enum { BAND_ROWS = 32 };

struct crop_rows {
    struct cli_run *run;
    struct cli_input *input;
    struct image_box box; /* among the rows as they are stored */
    const struct image *cut;
    uint8_t *band;
};

/* Takes over what of COUNT stored rows from Y on lies in the box. */
static void crop_rows_keep(const struct crop_rows *rows, uint32_t y, uint32_t count)
{
    const struct image_box *box = &rows->box;
    struct image_shape shape = rows->input->stored;
    size_t bytes = image_row_bytes(&shape), left = image_pixel_bytes(&shape) * box->x;
    uint32_t first = y > box->y ? y : box->y, end = box->y + box->height;
    end = y + count < end ? y + count : end;
    if (first >= end)
        return;
    shape.width = box->width;
    shape.height = box->height;
    image_place_rows(rows->cut, rows->input->info->orientation, &shape, first - box->y,
                     rows->band + (first - y) * bytes + left, bytes, end - first);
}

/* Reads the stored rows before END. */
static bool crop_rows_read(struct crop_rows *rows, uint32_t end, struct error *error)
{
    size_t bytes = image_row_bytes(&rows->input->stored);
    while (rows->input->next_row < end) {
        uint32_t y = rows->input->next_row;
        uint32_t count = end - y < BAND_ROWS ? end - y : BAND_ROWS;
        if (!cli_input_rows(rows->run, rows->input, rows->band, bytes, count, error))
            return false;
        crop_rows_keep(rows, y, count);
    }
    return true;
}

/* With the last row of the box come all rows below it, because damage there is an error too; and
 * with the first one all of them where the picture is not stored upright. */
static bool crop_rows_make(void *context, uint32_t end, struct error *error)
{
    struct crop_rows *rows = context;
    bool all = rows->input->info->orientation > 1 || end >= rows->box.height;
    return crop_rows_read(rows, all ? rows->input->stored.height : rows->box.y + end, error);
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

bool crop_rows_write(struct cli_run *run, struct cli_input *input, const struct image_box *box,
                     struct cli_output *output, struct error *error)
{
    struct image cut = {0};
    struct image_shape shape = input->shape;
    struct crop_rows rows = {.run = run, .input = input, .cut = &cut,
                             .box = crop_rows_box(input, box)};
    shape.width = box->width;
    shape.height = box->height;
    rows.band = memory_array(BAND_ROWS, image_row_bytes(&input->stored), error);
    bool done = rows.band != NULL && image_new(&cut, &shape, error);
    if (done) {
        cut.metadata = input->metadata;
        input->metadata = (struct image_metadata){0};
        done = cli_output_write_made(run, output, &cut, crop_rows_make, &rows, error);
    }
    image_free(&cut);
    free(rows.band);
    return done;
}
