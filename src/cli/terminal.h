/* SPDX-License-Identifier: MIT */
/* Colour on terminals. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdint.h>

#include "cli/tool.h"

/* True where the run's answers go to a terminal that shows colour: not with NO_COLOR, without TERM
 * or with TERM=dumb, into a file, or as JSON. */
bool terminal_shows_color(const struct cli_run *run);

/* Adds two cells of colour 0xRRGGBB (24-bit SGR, ISO 8613-6) and a blank. */
void terminal_add_swatch(struct text *text, uint32_t rgb);

#endif
