/* SPDX-License-Identifier: MIT */
#include "cli/beside.h"

#include <stdio.h>
#include <string.h>

#include "cli/report.h"

/* An error about the other file says so: without a name, the run's own input would be meant. */
static bool beside_failed(const struct cli_beside *beside, struct error *error)
{
    if (error->file[0] == '\0')
        snprintf(error->file, sizeof error->file, "%s", beside->run.file);
    return false;
}

bool cli_beside_open(struct cli_run *run, const char *name, struct cli_beside *beside,
                     struct error *error)
{
    *beside = (struct cli_beside){.run = {.tool = run->tool,
                                          .options = run->options,
                                          .set = run->set,
                                          .parsed = run->parsed,
                                          .started = run->started,
                                          .file = name},
                                  .input.source.fd = -1};
    return cli_input_open(&beside->run, name, &beside->input, error) ||
           beside_failed(beside, error);
}

bool cli_beside_header(struct cli_beside *beside, struct error *error)
{
    return cli_input_header(&beside->run, NULL, NULL, &beside->input, error) ||
           beside_failed(beside, error);
}

bool cli_beside_decode(struct cli_beside *beside, struct image *image, struct error *error)
{
    return cli_input_read(&beside->run, &beside->input, image, error) ||
           beside_failed(beside, error);
}

bool cli_beside_rows(struct cli_beside *beside, uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error)
{
    return cli_input_rows(&beside->run, &beside->input, rows, stride, count, error) ||
           beside_failed(beside, error);
}

void cli_beside_close(struct cli_beside *beside)
{
    cli_input_close(&beside->input);
    json_decref(beside->run.input);
    beside->run.input = NULL;
}

bool cli_beside_read(struct cli_run *run, const char *name, bool rgb, struct image *image,
                     struct error *error)
{
    struct cli_beside beside;
    if (!cli_beside_open(run, name, &beside, error))
        return false;
    bool done = cli_beside_header(&beside, error) &&
                (!rgb || cli_input_make_rgb(&beside.input, error) ||
                 beside_failed(&beside, error)) &&
                cli_beside_decode(&beside, image, error);
    cli_beside_close(&beside);
    return done;
}

static uint32_t sample_at(const uint8_t *row, uint8_t depth, size_t i)
{
    return depth == 16 ? ((const uint16_t *)(const void *)row)[i] : row[i];
}

/* One row of IMAGE as lightness times alpha; the weights, of 65536, sum up to white. */
static void mask_row(const struct image *image, uint32_t y, const struct image *mask)
{
    const struct image_shape *shape = &image->shape;
    const uint8_t *from = image_row(image, y);
    uint8_t *to = image_row(mask, y), depth = shape->depth;
    size_t channels = image_channels(shape), colors = channels - shape->alpha;
    uint32_t most = depth == 16 ? 65535 : 255;
    for (size_t x = 0; x < shape->width; x++) {
        size_t at = x * channels;
        uint32_t value = sample_at(from, depth, at);
        if (colors == 3)
            value = (uint32_t)((13933ull * value + 46871ull * sample_at(from, depth, at + 1) +
                                4732ull * sample_at(from, depth, at + 2) + 32768) >> 16);
        if (shape->alpha)
            value = (value * sample_at(from, depth, at + colors) + most / 2) / most;
        if (depth == 16)
            ((uint16_t *)(void *)to)[x] = (uint16_t)value;
        else
            to[x] = (uint8_t)value;
    }
}

static bool mask_of_image(const struct image *image, struct image *mask, struct error *error)
{
    struct image_shape shape = image->shape;
    shape.color = IMAGE_GREY;
    shape.alpha = false;
    if (!image_new(mask, &shape, error))
        return false;
    for (uint32_t y = 0; y < shape.height; y++)
        mask_row(image, y, mask);
    return true;
}

bool cli_beside_mask(struct cli_run *run, const char *name, uint32_t width, uint32_t height,
                     struct image *mask, struct error *error)
{
    struct cli_beside beside;
    struct image image = {0};
    if (!cli_beside_open(run, name, &beside, error))
        return false;
    const struct image_shape *shape = &beside.input.shape;
    bool done = cli_beside_header(&beside, error);
    if (done && (shape->width != width || shape->height != height)) {
        done = error_set(error, ERROR_CORRUPT, "the mask is %u x %u, the image %u x %u", shape->width,
                  shape->height, width, height);
        beside_failed(&beside, error);
    }
    done = done && cli_beside_decode(&beside, &image, error) && mask_of_image(&image, mask, error);
    image_free(&image);
    cli_beside_close(&beside);
    return done;
}
