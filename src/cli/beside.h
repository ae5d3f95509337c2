/* SPDX-License-Identifier: MIT */
/* Images beside the input: references to take colours from, masks, the other side of a comparison.
 * They are read under the same limits; run->input stays what it is, and errors name their file. */
#ifndef CLI_BESIDE_H
#define CLI_BESIDE_H

#include "cli/input.h"

/* The image NAME ("-" is stdin), upright, grey or RGB, with its profile. With RGB, grey becomes
 * RGB. May run on a thread of its own. */
bool cli_beside_read(struct cli_run *run, const char *name, bool rgb, struct image *image,
                     struct error *error);

/* A mask of WIDTH x HEIGHT: grey without alpha, 8 or 16 bits; what is read is the lightness of its
 * samples (luma, Rec. 709 weights; a profile means nothing here) times alpha. ERROR_CORRUPT with
 * both sizes where it has another one, before it is decoded. */
bool cli_beside_mask(struct cli_run *run, const char *name, uint32_t width, uint32_t height,
                     struct image *mask, struct error *error);

/* The same in steps, for whoever opens several files before it reads the first header, or judges a
 * header (input.shape) before the pixels are decoded: the run is a shadow that says things in the
 * name of the other file. What was opened is to be closed. */
struct cli_beside {
    struct cli_run run;
    struct cli_input input;
};
bool cli_beside_open(struct cli_run *run, const char *name, struct cli_beside *beside,
                     struct error *error);
bool cli_beside_header(struct cli_beside *beside, struct error *error);
bool cli_beside_decode(struct cli_beside *beside, struct image *image, struct error *error);
bool cli_beside_rows(struct cli_beside *beside, uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error);
void cli_beside_close(struct cli_beside *beside);

#endif
