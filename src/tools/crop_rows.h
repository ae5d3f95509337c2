/* SPDX-License-Identifier: MIT */
/* imgcrop --box inside of the picture: row by row. */
#ifndef TOOLS_CROP_ROWS_H
#define TOOLS_CROP_ROWS_H

#include "cli/output.h"

/* Reads INPUT to its end and writes what lies in BOX, which is inside, as it comes. Holds a few
 * rows, or all of the box where INPUT is not stored upright. */
bool crop_rows_write(struct cli_run *run, struct cli_input *input, const struct image_box *box,
                     struct cli_output *output, struct error *error);

#endif
