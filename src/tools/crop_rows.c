/* SPDX-License-Identifier: MIT */
#include "tools/crop_rows.h"

#include <stdlib.h>
#include <string.h>

enum { BAND_ROWS = 32 };

struct crop_rows {
    struct cli_run *run;
    struct cli_input *input;
    const struct image_box *box;
    const struct image *cut;
    uint8_t *band;
    uint32_t next; /* row of the input */
};

bool crop_rows_can(const struct cli_input *input)
{
    return input->info->orientation <= 1;
}

/* Reads the rows before END, and keeps what lies in the box. */
static bool crop_rows_read(struct crop_rows *rows, uint32_t end, struct error *error)
{
    const struct image_box *box = rows->box;
    size_t bytes = image_row_bytes(&rows->input->shape);
    size_t left = image_pixel_bytes(&rows->input->shape) * box->x;
    while (rows->next < end) {
        uint32_t count = end - rows->next < BAND_ROWS ? end - rows->next : BAND_ROWS;
        if (!cli_input_rows(rows->run, rows->input, rows->band, bytes, count, error))
            return false;
        for (uint32_t i = 0; i < count; i++, rows->next++)
            if (rows->next >= box->y && rows->next - box->y < box->height)
                memcpy(image_row(rows->cut, rows->next - box->y), rows->band + i * bytes + left,
                       image_row_bytes(&rows->cut->shape));
    }
    return true;
}

/* With the last row of the box come all rows below it, because damage there is an error too. */
static bool crop_rows_make(void *context, uint32_t end, struct error *error)
{
    struct crop_rows *rows = context;
    uint32_t height = rows->input->shape.height;
    return crop_rows_read(rows, end < rows->box->height ? rows->box->y + end : height, error);
}

bool crop_rows_write(struct cli_run *run, struct cli_input *input, const struct image_box *box,
                     struct cli_output *output, struct error *error)
{
    struct image cut = {0};
    struct image_shape shape = input->shape;
    struct crop_rows rows = {.run = run, .input = input, .box = box, .cut = &cut};
    shape.width = box->width;
    shape.height = box->height;
    rows.band = memory_array(BAND_ROWS, image_row_bytes(&input->shape), error);
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
