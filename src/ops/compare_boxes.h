/* SPDX-License-Identifier: MIT */
/* Boxes around scattered pixels: the image is cut into square cells, each knows the box of its
 * pixels, and neighbouring cells with pixels make one box. */
#ifndef OPS_COMPARE_BOXES_H
#define OPS_COMPARE_BOXES_H

#include "image/image.h"

/* The side of a cell is a power of 2 and at most this. */
enum { COMPARE_CELL_MOST = 32 };

struct compare_cell {
    uint8_t left, top, right, bottom; /* within the cell, right and bottom exclusive; right 0:
                                         empty */
};

struct compare_cells {
    unsigned shift; /* the side is 1 << shift */
    uint32_t width, height;
    struct compare_cell *items; /* owned */
};

/* Empty cells for an image of WIDTH x HEIGHT. */
bool compare_cells_new(struct compare_cells *cells, uint32_t width, uint32_t height,
                       struct error *error);
void compare_cells_free(struct compare_cells *cells);

/* Several threads may add pixels, to different cells. */
static inline void compare_cells_add(struct compare_cells *cells, uint32_t x, uint32_t y)
{
    unsigned shift = cells->shift;
    struct compare_cell *cell =
        &cells->items[(size_t)(y >> shift) * cells->width + (x >> shift)];
    uint8_t in_x = (uint8_t)(x & ((1u << shift) - 1)), in_y = (uint8_t)(y & ((1u << shift) - 1));
    if (cell->right == 0)
        *cell = (struct compare_cell){in_x, in_y, 0, 0};
    cell->left = in_x < cell->left ? in_x : cell->left;
    cell->top = in_y < cell->top ? in_y : cell->top;
    cell->right = in_x >= cell->right ? (uint8_t)(in_x + 1) : cell->right;
    cell->bottom = in_y >= cell->bottom ? (uint8_t)(in_y + 1) : cell->bottom;
}

/* At most MOST boxes, the largest first, of equals the first in reading order. The cells are empty
 * afterwards. */
bool compare_cells_boxes(struct compare_cells *cells, struct image_box *boxes, size_t most,
                         size_t *count, struct error *error);

#endif
