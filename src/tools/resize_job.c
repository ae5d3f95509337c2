/* SPDX-License-Identifier: MIT */
/* One output of imgresize: from rows that are made to rows that are written. */
#include <stdlib.h>
#include <string.h>

#include "color/icc.h"
#include "image/convert.h"
#include "image/orient.h"
#include "tools/resize_parts.h"

enum { MARGIN_ROWS = 32 };

static bool job_has_margins(const struct resize_job *job)
{
    const struct image_box *place = &job->plan.place;
    return place->width < job->plan.width || place->height < job->plan.height;
}

/* What lies around the picture of a contained size: transparent, or the background. */
static bool job_fill(const struct resize *resize, const struct resize_job *job,
                     struct image *image, struct error *error)
{
    bool named = option_given(&resize->run->set, &resize->run->parsed, "background");
    if (!job_has_margins(job) || (image->shape.alpha && !named))
        return true;
    double color[3];
    enum icc_space space = image->shape.color == IMAGE_GREY ? ICC_GREY : ICC_RGB;
    if (!icc_color_from_srgb(&resize->input.metadata.icc, space,
                             resize->options->common.background.srgb, color, error))
        return false;
    image_fill(image, color, 1);
    return true;
}

/* The part of the stored rows that becomes the picture. */
static struct resample_region job_region(const struct cli_input *input,
                                         const struct resize_job *job)
{
    struct resample_region region = job->plan.region;
    /* The codec may have decoded to a smaller size. */
    double across = (double)input->shape.width / input->full_width;
    double down = (double)input->shape.height / input->full_height;
    region = (struct resample_region){region.x * across, region.y * down, region.width * across,
                                      region.height * down};
    return resize_plan_stored(&region, input->info->orientation, input->shape.width,
                              input->shape.height);
}

static bool job_new_resampler(const struct resize *resize, struct resize_job *job,
                              struct error *error)
{
    const struct cli_input *input = &resize->input;
    const struct image_box *place = &job->plan.place;
    struct image_shape shape = job->shape;
    if (resize_plan_is_identity(&job->plan, input->shape.width, input->shape.height))
        return true;
    bool swaps = image_orientation_swaps(input->info->orientation);
    shape.width = swaps ? place->height : place->width;
    shape.height = swaps ? place->width : place->height;
    if (input->info->orientation > 1 && !image_new(&job->turned, &shape, error))
        return false;
    struct resample_region region = job_region(input, job);
    return resampler_new(&job->resampler, input->stored.width, input->stored.height, &region,
                         (enum resample_filter)resize->options->filter, &resize->tone, &shape,
                         error);
}

static bool rows_new(struct resize_rows *rows, const struct resize_job *job, uint32_t count,
                     struct error *error)
{
    rows->memory = memory_array((size_t)count + 1, image_row_bytes(&job->shape), error);
    return rows->memory != NULL;
}

/* Memory for rows of which some are made while others are written. */
static bool job_new_rows(const struct resize *resize, struct resize_job *job, struct error *error)
{
    const struct image_box *place = &job->plan.place;
    uint32_t most = job->resampler != NULL ? resampler_most(job->resampler) : RESAMPLE_BAND_ROWS;
    struct image_shape row = job->shape;
    row.height = 1;
    if (!rows_new(&job->filling, job, most, error) ||
        (most < place->height && !rows_new(&job->full, job, most, error)))
        return false;
    if (resize->options->sharpen > 0 &&
        !sharpener_new(&job->sharpener, &job->shape, resize->options->sharpen, error))
        return false;
    return !job_has_margins(job) ||
           (rows_new(&job->margin, job, MARGIN_ROWS, error) &&
            image_new(&job->around, &row, error) && job_fill(resize, job, &job->around, error));
}

bool resize_job_begin(const struct resize *resize, struct resize_job *job, struct error *error)
{
    const struct cli_input *input = &resize->input;
    struct image head = {.shape = input->shape, .metadata = input->metadata};
    head.shape.width = job->plan.width;
    head.shape.height = job->plan.height;
    job->shape = head.shape;
    job->output.max_bytes = resize->options->max_bytes;
    if (!job_new_resampler(resize, job, error))
        return false;
    if (input->info->orientation <= 1)
        return job_new_rows(resize, job, error) &&
               cli_output_begin(resize->run, &job->output, &head, error);
    if (!image_new(&job->image, &job->shape, error) ||
        !job_fill(resize, job, &job->image, error))
        return false;
    job->view = image_view(&job->image, &job->plan.place);
    return cli_output_begin(resize->run, &job->output, &head, error);
}

/* ROW of the picture among the rows that are made. */
static uint8_t *job_row(const struct resize_job *job, const struct resize_rows *rows, uint32_t row)
{
    return rows->memory + image_row_bytes(&job->shape) * ((size_t)row + 1) +
           image_pixel_bytes(&job->shape) * job->plan.place.x;
}

uint32_t resize_job_due(const struct resize_job *job, const struct resize_band *band)
{
    return job->resampler == NULL ? 0 : resampler_complete(job->resampler, band->count);
}

void resize_job_make(const struct resize_job *job, uint32_t index)
{
    uint8_t *row = job->turned.pixels != NULL ? image_row(&job->turned, job->made + index)
                                              : job_row(job, &job->filling, index);
    resampler_across(job->resampler, index, row);
}

void resize_job_advance(const struct resize *resize, struct resize_job *job,
                        const struct resize_band *band)
{
    const struct cli_input *input = &resize->input;
    if (job->resampler != NULL) {
        job->filling.count = resize_job_due(job, band);
        job->made += job->filling.count;
        resampler_advance(job->resampler, band->count);
    } else if (job->image.pixels != NULL) {
        image_place_rows(&job->view, input->info->orientation, &input->stored, band->first,
                         band->rows, band->stride, band->count);
    } else {
        for (uint32_t y = 0; y < band->count; y++)
            memcpy(job_row(job, &job->filling, y), band->rows + y * band->stride, band->stride);
        job->filling.count = band->count;
    }
}

void resize_job_swap(struct resize_job *job)
{
    struct resize_rows made = job->filling;
    if (job->filling.count == 0 || job->full.count > 0 || job->image.pixels != NULL)
        return;
    job->filling = job->full;
    job->full = made;
}

/* Hands COUNT rows to the output; LAST where no more follow. */
static bool job_put(struct resize_job *job, const struct resize_rows *rows, uint32_t count,
                    bool last)
{
    size_t stride = image_row_bytes(&job->shape);
    uint8_t *from = rows->memory + stride;
    if (job->sharpener != NULL) {
        count = sharpener_rows(job->sharpener, from, stride, count, last, rows->memory);
        from = rows->memory;
    }
    return cli_output_rows(&job->output, from, stride, count, &job->error);
}

/* COUNT rows of what lies around the picture. */
static bool job_put_margin(struct resize_job *job, uint32_t count, bool last)
{
    size_t stride = image_row_bytes(&job->shape);
    for (uint32_t step; count > 0; count -= step) {
        step = count < MARGIN_ROWS ? count : MARGIN_ROWS;
        for (uint32_t y = 1; y <= step; y++)
            memcpy(job->margin.memory + y * stride, job->around.pixels, stride);
        if (!job_put(job, &job->margin, step, last && step == count))
            return false;
    }
    return true;
}

/* What lies on the left and the right of the rows that are made. */
static void job_put_sides(const struct resize_job *job)
{
    size_t stride = image_row_bytes(&job->shape), pixel = image_pixel_bytes(&job->shape);
    size_t left = pixel * job->plan.place.x, end = left + pixel * job->plan.place.width;
    for (uint32_t y = 1; job->around.pixels != NULL && y <= job->full.count; y++) {
        uint8_t *row = job->full.memory + y * stride;
        memcpy(row, job->around.pixels, left);
        memcpy(row + end, job->around.pixels + end, stride - end);
    }
}

void resize_job_write(struct resize_job *job, bool all_read)
{
    const struct image_box *place = &job->plan.place;
    uint32_t count = job->full.count, below = job->plan.height - place->height - place->y;
    bool last = job->written + count == place->height;
    if (count == 0 || (last && !all_read))
        return;
    if (job->written == 0 && !job_put_margin(job, place->y, false))
        return;
    job_put_sides(job);
    if (!job_put(job, &job->full, count, last && below == 0) ||
        (last && !job_put_margin(job, below, true)))
        return;
    job->written += count;
    job->full.count = 0;
}

/* Puts what was resampled as it is stored where it belongs, and writes the image. */
static bool job_write_image(const struct resize *resize, struct resize_job *job)
{
    struct image *image = &job->image;
    if (job->turned.pixels != NULL)
        image_place_rows(&job->view, resize->input.info->orientation, &job->turned.shape, 0,
                         job->turned.pixels, job->turned.stride, job->turned.shape.height);
    image_free(&job->turned);
    return sharpen_apply(image, resize->options->sharpen, &job->error) &&
           cli_output_rows(&job->output, image->pixels, image->stride, image->shape.height,
                           &job->error);
}

void resize_job_end(const struct resize *resize, struct resize_job *job)
{
    bool done;
    if (job->image.pixels != NULL) {
        done = job_write_image(resize, job);
    } else {
        resize_job_swap(job);
        resize_job_write(job, true);
        done = job->error.kind == ERROR_NONE;
    }
    done = done && cli_output_end(&job->output, &job->error);
    for (struct cli_output *output = &job->output; done && output != NULL; output = output->same)
        done = outfile_sync(&output->file, &job->error);
    image_free(&job->image);
}

void resize_job_free(struct resize_job *job)
{
    resampler_free(job->resampler);
    sharpener_free(job->sharpener);
    free(job->filling.memory);
    free(job->full.memory);
    free(job->margin.memory);
    image_free(&job->around);
    image_free(&job->image);
    image_free(&job->turned);
    cli_output_discard(&job->output);
    text_free(&job->path);
}
