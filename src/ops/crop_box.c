/* SPDX-License-Identifier: MIT */
/* The geometry of crop.h: no pixels here. */
#include <math.h>

#include "ops/crop.h"

/* One axis of the box on its way: [from, to) in an image of `size` pixels. */
struct axis {
    int64_t size, from, to;
    int64_t content_from, content_to;
    bool symmetric, extend;
};

enum { LONGEST = INT32_MAX }; /* keeps absurd aspects within what sums can hold */

/* Shares such as 0.29 of 100 must not lose a pixel to the last bit of a double. */
static int64_t floor_pixels(double value)
{
    return (int64_t)fmin(floor(value + 1e-9), LONGEST);
}

static int64_t round_pixels(double value)
{
    return (int64_t)fmin(floor(value + 0.5), LONGEST);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static int64_t halve_down(int64_t value)
{
    return value >= 0 ? value / 2 : -((1 - value) / 2);
}

/* Makes the box LENGTH long, where it is shorter: around the content's middle, but over all that
 * it holds already and inside the image. */
static void axis_grow(struct axis *axis, int64_t length)
{
    if (!axis->extend && length > axis->size)
        length = axis->size;
    if (length <= axis->to - axis->from)
        return;
    if (axis->symmetric) {
        length += (axis->size - length) % 2 != 0; /* halves on both sides are whole pixels */
        axis->from = (axis->size - length) / 2;
        axis->to = axis->from + length;
        return;
    }
    int64_t from = halve_down(axis->content_from + axis->content_to - length);
    from = clamp(from, axis->to - length, axis->from);
    if (!axis->extend)
        from = clamp(from, 0, axis->size - length);
    axis->from = from;
    axis->to = from + length;
}

static void axis_pad(struct axis *axis, const struct crop_length *before,
                     const struct crop_length *after, uint32_t least)
{
    double side = (double)(axis->content_to - axis->content_from);
    int64_t first = floor_pixels(before->is_share ? before->value * side : before->value);
    int64_t last = floor_pixels(after->is_share ? after->value * side : after->value);
    axis->from -= first > least ? first : least;
    axis->to += last > least ? last : least;
    if (!axis->extend) {
        axis->from = clamp(axis->from, 0, axis->size);
        axis->to = clamp(axis->to, 0, axis->size);
    }
}

static void axis_symmetric(struct axis *axis)
{
    if (!axis->symmetric)
        return;
    int64_t before = axis->from, after = axis->size - axis->to;
    int64_t removed = before < after ? before : after;
    axis->from = removed;
    axis->to = axis->size - removed;
}

static void axes_fill(struct axis *x, struct axis *y, const struct crop_options *options)
{
    double width = (double)(x->content_to - x->content_from);
    double height = (double)(y->content_to - y->content_from);
    if (options->aspect > 0) {
        axis_grow(x, round_pixels(width / options->fill));
        axis_grow(y, round_pixels(height / options->fill));
    } else {
        double longer = fmax(width, height);
        double margin = (double)round_pixels(longer / options->fill) - longer;
        axis_grow(x, round_pixels(width + margin));
        axis_grow(y, round_pixels(height + margin));
    }
}

static void axes_aspect(struct axis *x, struct axis *y, double aspect)
{
    double width = (double)(x->to - x->from), height = (double)(y->to - y->from);
    if (width < height * aspect)
        axis_grow(x, round_pixels(height * aspect));
    else
        axis_grow(y, round_pixels(width / aspect));
}

static void axis_keep_sides(struct axis *axis, bool crop_before, bool crop_after)
{
    if (!crop_before)
        axis->from = 0;
    if (!crop_after)
        axis->to = axis->size;
}

void crop_place(const struct crop_options *options, uint32_t width, uint32_t height,
                const struct crop_box *content, struct crop_box *box)
{
    struct axis x = {.size = width, .from = content->x, .to = content->x + content->width,
                     .symmetric = options->symmetric_x, .extend = options->extend};
    struct axis y = {.size = height, .from = content->y, .to = content->y + content->height,
                     .symmetric = options->symmetric_y, .extend = options->extend};
    struct axis *const axes[] = {&x, &y};
    for (int i = 0; i < 2; i++) {
        axes[i]->content_from = axes[i]->from;
        axes[i]->content_to = axes[i]->to;
    }
    if (options->fill > 0) {
        /* Symmetry comes after: around the image's middle the content need not be inside. */
        x.symmetric = y.symmetric = false;
        axes_fill(&x, &y, options);
        x.symmetric = options->symmetric_x;
        y.symmetric = options->symmetric_y;
    } else {
        axis_pad(&x, &options->padding[3], &options->padding[1], options->min_padding);
        axis_pad(&y, &options->padding[0], &options->padding[2], options->min_padding);
    }
    axis_keep_sides(&x, options->sides & CROP_LEFT, options->sides & CROP_RIGHT);
    axis_keep_sides(&y, options->sides & CROP_TOP, options->sides & CROP_BOTTOM);
    for (int i = 0; i < 2; i++) {
        axis_symmetric(axes[i]);
        double most = (double)axes[i]->size * options->max_crop;
        axis_grow(axes[i], axes[i]->size - floor_pixels(most));
    }
    if (options->aspect > 0)
        axes_aspect(&x, &y, options->aspect);
    *box = (struct crop_box){x.from, y.from, x.to - x.from, y.to - y.from};
}
