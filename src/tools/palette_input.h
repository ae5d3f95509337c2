/* SPDX-License-Identifier: MIT */
/* The palette of an input, counted while it is decoded. For imgpalette and ralmatch. */
#ifndef TOOLS_PALETTE_INPUT_H
#define TOOLS_PALETTE_INPUT_H

#include "cli/input.h"
#include "ops/palette.h"

/* Reads INPUT to its end and finds what palette_find() finds. */
bool palette_input(struct cli_run *run, struct cli_input *input,
                   const struct palette_options *options, struct palette *palette,
                   struct error *error);

#endif
