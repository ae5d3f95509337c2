/* SPDX-License-Identifier: MIT */
#include "tools/palette_input.h"

#include "base/threads.h"

struct reading {
    struct cli_run *run;
    struct cli_input *input;
    struct image *image;
    struct palette_search *search;
    struct error *error;
};

static bool band_read(void *context, size_t source, size_t band)
{
    const struct reading *reading = context;
    const struct image *image = reading->image;
    uint32_t first = (uint32_t)band * PALETTE_BAND, left = image->shape.height - first;
    (void)source;
    return cli_input_rows(reading->run, reading->input, image_row(image, first), image->stride,
                          left < PALETTE_BAND ? left : PALETTE_BAND, reading->error);
}

static void band_count(void *context, size_t band, size_t lane)
{
    const struct reading *reading = context;
    palette_band(reading->search, band, lane);
}

static bool read_counting(struct reading *reading, const struct palette_options *options,
                          struct palette *palette, struct error *error)
{
    const struct threads_flow flow = {.bands = palette_bands(reading->image),
                                      .sources = 1,
                                      .slots = THREADS_SLOTS,
                                      .read = band_read,
                                      .work = band_count,
                                      .context = reading};
    if (!palette_open(&reading->search, reading->image, options, error))
        return false;
    bool done =
        threads_flow(&flow, options->threads < PALETTE_LANES ? options->threads : PALETTE_LANES) &&
        palette_finish(reading->search, palette, error);
    palette_close(reading->search);
    return done;
}

bool palette_input(struct cli_run *run, struct cli_input *input,
                   const struct palette_options *options, struct palette *palette,
                   struct error *error)
{
    struct image image = {0};
    struct reading reading = {.run = run, .input = input, .image = &image, .error = error};
    bool done;
    if (input->info->orientation > 1) {
        done = cli_input_read(run, input, &image, error) &&
               palette_find(palette, &image, options, error);
    } else {
        done = image_new(&image, &input->shape, error);
        image.metadata = input->metadata;
        input->metadata = (struct image_metadata){0};
        done = done && read_counting(&reading, options, palette, error);
    }
    image_free(&image);
    return done;
}
