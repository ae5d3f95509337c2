/* SPDX-License-Identifier: MIT */
#include "ops/compare_boxes.h"

#include <stdlib.h>
#include <string.h>

bool compare_cells_new(struct compare_cells *cells, uint32_t width, uint32_t height,
                       struct error *error)
{
    uint32_t longest = width > height ? width : height;
    *cells = (struct compare_cells){.shift = 2};
    while ((1u << cells->shift) < COMPARE_CELL_MOST && longest >> cells->shift > 128)
        cells->shift++;
    cells->width = (uint32_t)(((uint64_t)width + (1u << cells->shift) - 1) >> cells->shift);
    cells->height = (uint32_t)(((uint64_t)height + (1u << cells->shift) - 1) >> cells->shift);
    size_t count;
    if (!memory_multiply(cells->width, cells->height, &count))
        return error_set(error, ERROR_NO_MEMORY, "no memory for so many pixels");
    cells->items = memory_zeroed(count, sizeof *cells->items, error);
    return cells->items != NULL;
}

void compare_cells_free(struct compare_cells *cells)
{
    free(cells->items);
    cells->items = NULL;
}

/* Corners of a growing box, right and bottom exclusive. */
struct extent {
    uint32_t left, top, right, bottom;
};

/* Empties cell AT and makes EXTENT hold its pixels too. */
static void cell_take(struct compare_cells *cells, uint32_t at, struct extent *extent)
{
    struct compare_cell *cell = &cells->items[at];
    uint32_t x = (at % cells->width) << cells->shift, y = (at / cells->width) << cells->shift;
    extent->left = x + cell->left < extent->left ? x + cell->left : extent->left;
    extent->top = y + cell->top < extent->top ? y + cell->top : extent->top;
    extent->right = x + cell->right > extent->right ? x + cell->right : extent->right;
    extent->bottom = y + cell->bottom > extent->bottom ? y + cell->bottom : extent->bottom;
    cell->right = 0;
}

/* The extent of all cells that hang together with cell FIRST. STACK has room for all cells: one is
 * emptied when it goes on, so that it goes on once. */
static struct extent piece_extent(struct compare_cells *cells, uint32_t first, uint32_t *stack)
{
    struct extent extent = {UINT32_MAX, UINT32_MAX, 0, 0};
    size_t depth = 0;
    cell_take(cells, first, &extent);
    stack[depth++] = first;
    while (depth > 0) {
        uint32_t at = stack[--depth], x = at % cells->width, y = at / cells->width;
        for (uint32_t near_y = y > 0 ? y - 1 : 0; near_y <= y + 1 && near_y < cells->height;
             near_y++)
            for (uint32_t near_x = x > 0 ? x - 1 : 0; near_x <= x + 1 && near_x < cells->width;
                 near_x++) {
                uint32_t near = near_y * cells->width + near_x;
                if (cells->items[near].right == 0)
                    continue;
                cell_take(cells, near, &extent);
                stack[depth++] = near;
            }
    }
    return extent;
}

static uint64_t box_area(const struct image_box *box)
{
    return (uint64_t)box->width * box->height;
}

/* Puts BOX into its place among the largest. */
static void boxes_insert(struct image_box *boxes, size_t most, size_t *count,
                         const struct image_box *box)
{
    size_t at = *count;
    while (at > 0 && box_area(box) > box_area(&boxes[at - 1]))
        at--;
    if (at == most)
        return;
    if (*count < most)
        ++*count;
    memmove(boxes + at + 1, boxes + at, (*count - at - 1) * sizeof *boxes);
    boxes[at] = *box;
}

bool compare_cells_boxes(struct compare_cells *cells, struct image_box *boxes, size_t most,
                         size_t *count, struct error *error)
{
    uint32_t all = cells->width * cells->height, *stack = memory_array(all, sizeof *stack, error);
    *count = 0;
    if (stack == NULL)
        return false;
    for (uint32_t i = 0; i < all; i++) {
        if (cells->items[i].right == 0)
            continue;
        struct extent extent = piece_extent(cells, i, stack);
        struct image_box box = {extent.left, extent.top, extent.right - extent.left,
                                extent.bottom - extent.top};
        boxes_insert(boxes, most, count, &box);
    }
    free(stack);
    return true;
}
