/* SPDX-License-Identifier: MIT */
/* colorxfer --ref: a function of colours, fitted to two images. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cli/beside.h"
#include "ops/distance.h"
#include "tools/colorxfer.h"

/* ---- reading ---- */

struct reference {
    struct image image, mask;
    bool masked;
};

/* Image and reference, which are decoded side by side. */
struct reading {
    struct xfer_job *job;
    struct reference *reference;
    bool done[2];
    struct error errors[2];
};

static void read_one(void *context, size_t index)
{
    struct reading *reading = context;
    struct xfer_job *job = reading->job;
    struct error *error = &reading->errors[index];
    reading->done[index] =
        index == 0 ? cli_input_read(job->run, &job->input, &job->image, error)
                   : cli_beside_read(job->run, job->fields->ref, true, &reading->reference->image,
                                     error);
}

static bool read_both(struct xfer_job *job, struct reference *reference, struct error *error)
{
    struct reading *reading = memory_zeroed(1, sizeof *reading, error);
    if (reading == NULL)
        return false;
    reading->job = job;
    reading->reference = reference;
    job->input.warns_later = true;
    threads_for(cli_threads(&job->fields->common), 2, read_one, reading);
    if (reading->done[0])
        cli_input_warn(job->run, &job->input);
    bool done = reading->done[0] && reading->done[1];
    if (!done)
        *error = reading->errors[reading->done[0] ? 1 : 0];
    free(reading);
    return done;
}

static bool read_all(struct xfer_job *job, struct reference *reference, struct error *error)
{
    const char *mask = job->fields->ref_mask;
    if (!read_both(job, reference, error) || !xfer_prepare(job, error))
        return false;
    xfer_check_profile(job, job->fields->ref, &reference->image);
    if (mask == NULL)
        return true;
    const struct image_shape *shape = &reference->image.shape;
    reference->masked = cli_beside_mask(job->run, mask, shape->width, shape->height,
                                        &reference->mask, error);
    return reference->masked;
}

/* ---- what there is to see ---- */

enum variety { NO_PIXEL, ONE_COLOR, MANY_COLORS };

static bool is_zero(const uint8_t *sample, size_t bytes)
{
    return sample[0] == 0 && (bytes == 1 || sample[1] == 0);
}

/* Looks no further than it has to, which is not far. */
static enum variety variety_of(const struct transfer_side *side)
{
    const struct image *image = side->image;
    size_t bytes = image_pixel_bytes(&image->shape), sample = image->shape.depth / 8;
    size_t colors = bytes - (image->shape.alpha ? sample : 0);
    const uint8_t *first = NULL;
    for (uint32_t y = 0; y < image->shape.height; y++) {
        const uint8_t *pixel = image_row(image, y);
        const uint8_t *mask = side->mask != NULL ? image_row(side->mask, y) : NULL;
        size_t mask_bytes = side->mask != NULL ? image_pixel_bytes(&side->mask->shape) : 0;
        for (uint32_t x = 0; x < image->shape.width; x++, pixel += bytes) {
            if (image->shape.alpha && is_zero(pixel + colors, sample))
                continue;
            if (mask != NULL && is_zero(mask + x * mask_bytes, mask_bytes))
                continue;
            if (first == NULL)
                first = pixel;
            else if (memcmp(first, pixel, colors) != 0)
                return MANY_COLORS;
        }
    }
    return first != NULL ? ONE_COLOR : NO_PIXEL;
}

/* NAME is NULL for the input. */
static bool check_side(struct xfer_job *job, const struct transfer_side *side, const char *name,
                       struct error *error)
{
    enum variety variety = variety_of(side);
    if (variety == ONE_COLOR)
        cli_warn(job->run, "%s: has one colour only: there is little to transfer",
                 name != NULL ? name : cli_file(job->run));
    if (variety != NO_PIXEL)
        return true;
    error_set(error, ERROR_UNSUPPORTED, side->mask != NULL
                                            ? "nothing counts: all is transparent or masked out"
                                            : "nothing counts: all is transparent");
    return name != NULL ? xfer_fail_in(error, name) : false;
}

/* ---- --ref ---- */

/* How far the palettes are apart, where somebody wants to know. */
static bool measure(const struct xfer_job *job, const struct transfer_side *source,
                    const struct transfer_side *reference, double *distance, struct error *error)
{
    *distance = 0;
    return !job->measures || !job->makes_image ||
           distance_palettes(source, reference, cli_threads(&job->fields->common), distance,
                             error);
}

static void tell_reference(struct xfer_job *job, enum transfer_space space, double before,
                           double after, double clipped)
{
    const struct xfer_fields *fields = job->fields;
    xfer_tell(job, "method", json_string(transfer_method_names[fields->method]));
    xfer_tell(job, "space", json_string(transfer_space_names[space]));
    if (fields->save_lut != NULL)
        xfer_tell(job, "lut", cli_json_string(fields->save_lut));
    if (!job->makes_image)
        return;
    if (job->measures) {
        xfer_tell(job, "ref_distance", json_pack("{s:f, s:f}", "before", round(before * 1e4) / 1e4,
                                                 "after", round(after * 1e4) / 1e4));
        cli_explain(job->run, "%s: palette distance to %s %.2f before, %.2f after",
                    cli_file(job->run), fields->ref, before, after);
    }
    xfer_tell_clipped(job, clipped);
}

static bool transfer_all(struct xfer_job *job, const struct reference *reference,
                         struct error *error)
{
    const struct xfer_fields *fields = job->fields;
    struct transfer_side source = {&job->image, job->masked ? &job->mask : NULL};
    struct transfer_side target = {&reference->image,
                                   reference->masked ? &reference->mask : NULL};
    struct xfer_change change = xfer_change_of(job);
    struct transfer_options options = {.method = (enum transfer_method)fields->method,
                                       .space = (enum transfer_space)fields->space,
                                       .threads = change.threads};
    struct transfer *transfer = NULL;
    double before, after, clipped = 0;
    if (!check_side(job, &source, NULL, error) || !check_side(job, &target, fields->ref, error) ||
        !transfer_fit(&transfer, &options, &source, &target, error))
        return false;
    change.transfer = transfer;
    bool done = xfer_save_table(job, &change, error) &&
                measure(job, &source, &target, &before, error) &&
                xfer_change_image(job, &change, &clipped, error) &&
                measure(job, &source, &target, &after, error);
    if (done)
        tell_reference(job, transfer_space_of(transfer), before, after, clipped);
    transfer_free(transfer);
    return done;
}

bool xfer_by_reference(struct xfer_job *job, struct error *error)
{
    struct reference reference = {0};
    bool done = read_all(job, &reference, error) && transfer_all(job, &reference, error);
    image_free(&reference.image);
    image_free(&reference.mask);
    return done;
}
