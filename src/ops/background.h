/* SPDX-License-Identifier: MIT */
/* The background of an image, modelled from the ring along its border.
 *
 * The model is a polynomial of degree 0 or 2 in x and y for each colour sample of the image,
 * clipped to what a sample can hold. So it follows light that falls off to one side, a vignette,
 * and white that is blown out in the middle and grey in the corners. The ring is cut into tiles;
 * their medians take away noise, dust and a black pixel in a corner. The fit survives an object
 * that covers up to some 40 % of the ring: from many starting arcs and subsets of tiles it descends
 * on the truncated quadratic loss (Torr, Zisserman, "MLESAC", Computer Vision and Image
 * Understanding 78, 2000), and the simplest degree that explains the ring wins. Starts are fixed:
 * same image, same answer.
 *
 * Coordinates are -1..1 from edge to edge of the image, so that a model holds for the thumb and for
 * the pixels alike. */
#ifndef OPS_BACKGROUND_H
#define OPS_BACKGROUND_H

#include "ops/thumb.h"

enum { BACKGROUND_TERMS = 6, BACKGROUND_TILES = 192 }; /* 1, x, y, x^2, x y, y^2 */

/* A piece of the ring, in cells. */
struct background_tile {
    uint32_t x, y, width, height;
    bool explained; /* its median follows the model */
};

struct background {
    bool gradient; /* false: one colour */
    unsigned codes;                   /* colour samples: 1 or 3 */
    double code[3][BACKGROUND_TERMS]; /* samples 0..1 before they are clipped */
    double lab[3];                    /* in the middle of the image */
    double explained;                 /* share of the ring that follows the model */
    double noise; /* CIEDE2000 from the model that 99 % of the background stays below */
    double blots; /* what single blots of a compressor reach */
    unsigned tile_count;
    struct background_tile tiles[BACKGROUND_TILES]; /* clockwise from the top left */
};

/* Fits the ring. Always gives some model; `explained` says how much it is worth. */
bool background_fit(struct background *background, const struct thumb *thumb,
                    const struct pixel_reader *reader, struct error *error);

/* Fits again, to all cells whose CONTENT is 0: it follows the light behind the object better, and
 * decides whether one colour is enough. Leaves the model as it was where too few cells are left. */
void background_refit(struct background *background, const struct thumb *thumb,
                      const struct pixel_reader *reader, const uint8_t *content);

/* A model of one known colour; what of the ring has it counts as explained. CODE is the colour in
 * the image's own samples. */
bool background_from_color(struct background *background, const struct thumb *thumb,
                           const struct pixel_reader *reader, const double lab[3],
                           const double code[3], struct error *error);

/* The model's samples at COUNT points of a row: x = X0 + i * STEP, y = Y; clipped to 0..1. */
void background_row(const struct background *background, double x0, double step, double y,
                    size_t count, float *const code[3]);

/* The same in Lab; CODE has room for the samples between. */
void background_lab_row(const struct background *background, const struct pixel_reader *reader,
                        double x0, double step, double y, size_t count, float *const code[3],
                        float *const lab[3]);

/* CIEDE2000 of every cell from the model, times its alpha. Sets `noise` and `blots` too. */
bool background_difference(struct background *background, const struct thumb *thumb,
                           const struct pixel_reader *reader, float *difference,
                           struct error *error);

#endif
