/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/root.h"
#include "base/signals.h"
#include "cli/report.h"
#include "cli/sandbox.h"
#include "color/icc.h"
#include "image/convert.h"

const char *cli_output_path(const struct cli_run *run, const struct cli_input *input)
{
    bool named = option_given(&run->set, &run->parsed, "output");
    if (run->options->in_place && !named && strcmp(input->source.name, "-") != 0)
        return input->source.name;
    return run->options->output;
}

/* A name that promises a format which we do not write must not get another one silently. */
static bool output_check_extension(const char *path, struct error *error)
{
    static const char *const foreign[] = {"gif", "tif", "tiff", "avif", "heic", "heif", "bmp",
                                          "svg", "pdf", "jxl",  "jp2",  "psd",  "ico",
                                          "ppm", "pgm", "pnm",  "pbm"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < CLI_COUNT(foreign); i++)
        if (strcasecmp(dot + 1, foreign[i]) == 0) {
            error_set(error, ERROR_USAGE, "'%s': no output format is called '%s'", path, dot + 1);
            return error_hint(error, "-f chooses png, jpeg, webp or pam whatever the name");
        }
    return true;
}

/* What is left as CODEC_NONE is the input's. */
static bool output_name_format(const struct cli_run *run, struct cli_output *output,
                               struct error *error)
{
    output->format = (enum codec_format)run->options->format;
    if (output->format != CODEC_NONE || strcmp(output->path, "-") == 0)
        return true;
    output->format = codec_by_path(output->path);
    return output_check_extension(output->path, error);
}

/* FORMAT is the input's, or CODEC_NONE as long as only its header tells. */
static bool output_choose_format(const struct cli_run *run, enum codec_format format,
                                 struct cli_output *output, struct error *error)
{
    if (output->format == CODEC_NONE)
        output->format = format;
    if (output->origin == CODEC_NONE)
        output->origin = format;
    if (run->options->lossless && output->format == CODEC_JPEG)
        return error_set(error, ERROR_USAGE, "--lossless: JPEG is never lossless");
    /* Before the sandbox, where it could not be opened; any may be needed if none is known yet. */
    return codec_load(output->format, error);
}

/* True where both descriptors are one pipe or one regular file. */
static bool same_file(int one, int two)
{
    struct stat a, b;
    return two >= 0 && fstat(one, &a) == 0 && fstat(two, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino && !S_ISCHR(a.st_mode);
}

/* FD is written to as it is: stdout, or what was opened by a name like /dev/stdout. */
static bool output_check_stream(const struct cli_run *run, int fd, struct error *error)
{
    if (isatty(fd)) {
        error_set(error, ERROR_USAGE, "an image is not written to a terminal");
        return error_hint(error, "-o FILE writes it to a file");
    }
    if (run->options->json && (fd == STDOUT_FILENO || same_file(fd, STDOUT_FILENO))) {
        error_set(error, ERROR_USAGE, "--json and the image would both go to stdout");
        return error_hint(error, "-o FILE for the image, or --report-fd N for the JSON");
    }
    if (same_file(fd, (int)run->options->report_fd))
        return error_set(error, ERROR_USAGE,
                         "--report-fd: descriptor %d is where the image goes",
                         (int)run->options->report_fd);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
        error_set(error, ERROR_IO, "is closed");
        snprintf(error->file, sizeof error->file, "stdout");
        return false;
    }
    return true;
}

static bool output_check_input(const struct cli_run *run, const struct cli_input *input,
                               const struct cli_output *output, struct error *error)
{
    struct stat status;
    /* A later stage of a pipeline reads a pipe; what must not be lost is the pipeline's input. */
    const char *pipeline =
        strcmp(input->source.name, "-") == 0 ? getenv("IMGTOOL_INPUT_NAME") : NULL;
    bool own = fstat(input->source.fd, &status) == 0 && S_ISREG(status.st_mode) &&
               outfile_is_same(&output->file, &status);
    if (run->options->in_place || (!own && !outfile_replaces(&output->file, pipeline)))
        return true;
    error_set(error, ERROR_USAGE, "'%s' is the input itself", output->path);
    return error_hint(error, "--in-place allows to replace it");
}

static bool output_failed(const struct cli_output *output, struct error *error)
{
    if (error->file[0] == '\0')
        snprintf(error->file, sizeof error->file, "%s",
                 strcmp(output->path, "-") == 0 ? "stdout" : output->path);
    return false;
}

static bool output_open_file(const struct cli_run *run, const struct cli_input *input,
                             struct cli_output *output, struct error *error)
{
    const struct cli_common *options = run->options;
    unsigned flags =
        (options->no_clobber ? OUTFILE_EXCLUSIVE : 0u) | (options->mkdir ? OUTFILE_MKDIR : 0u);
    if (!outfile_open(&output->file, output->path, flags, error))
        return false;
    if ((output->file.dir_fd < 0 && !output_check_stream(run, output->file.fd, error)) ||
        !output_check_input(run, input, output, error)) {
        outfile_discard(&output->file);
        return false;
    }
    if (output->dry)
        outfile_discard(&output->file);
    else
        sandbox_keep_output(&output->file);
    return true;
}

bool cli_output_open(struct cli_run *run, const char *path, const struct cli_input *input,
                     struct cli_output *output, struct error *error)
{
    const struct cli_common *options = run->options;
    *output = (struct cli_output){
        .file = {.fd = -1, .dir_fd = -1}, .path = path, .dry = options->dry_run};
    if (!output_name_format(run, output, error) ||
        !output_choose_format(run, input->format, output, error))
        return false;
    if (options->in_place && strcmp(path, "-") == 0)
        return error_set(error, ERROR_USAGE, "--in-place: stdin cannot be replaced");
    /* A trial opens its outputs too, unnamed, so that it fails where the real run would; only
     * directories it does not create. */
    if (output->dry && (options->mkdir || strcmp(path, "-") == 0))
        return strcmp(path, "-") == 0 || root_check(path, error) || output_failed(output, error);
    output->waits = sandbox_must_wait(run, path);
    return output->waits || output_open_file(run, input, output, error);
}

bool cli_output_settle(struct cli_run *run, const struct cli_input *input,
                       struct cli_output *output, struct error *error)
{
    bool waits = output->waits;
    output->waits = false;
    return output_choose_format(run, input->format, output, error) &&
           (!waits || output_open_file(run, input, output, error));
}

static bool output_flatten(struct cli_run *run, const struct cli_output *output,
                           struct image *image, struct error *error)
{
    double background[3];
    enum icc_space space = image->shape.color == IMAGE_GREY ? ICC_GREY : ICC_RGB;
    if (!icc_color_from_srgb(&image->metadata.icc, space, run->options->background.srgb,
                             background, error))
        return false;
    if (!codec_of(output->format)->writes_alpha && image_is_transparent(image))
        cli_warn(run, "%s: %s has no transparency, flattened on --background (white unless given)",
                 strcmp(output->path, "-") == 0 ? "stdout" : output->path,
                 codec_of(output->format)->name);
    image_flatten(image, background);
    return true;
}

/* Grey to RGB. A grey profile cannot stay: its colours are taken to sRGB. */
static bool output_make_rgb(struct image *image, struct error *error)
{
    struct image_shape shape = image->shape;
    struct icc_transform *transform = NULL;
    struct image rgb;
    shape.color = IMAGE_RGB;
    if (image->metadata.icc.size > 0 &&
        !icc_transform_new(&transform, &image->metadata.icc, ICC_GREY, shape.depth, shape.alpha,
                           error))
        return false;
    if (!image_new(&rgb, &shape, error)) {
        icc_transform_free(transform);
        return false;
    }
    for (uint32_t y = 0; y < shape.height; y++) {
        if (transform != NULL)
            icc_transform_pixels(transform, image_row(image, y), image_row(&rgb, y), shape.width);
        else
            image_convert_row(&image->shape, image_row(image, y), &shape, image_row(&rgb, y),
                              shape.width);
    }
    if (transform != NULL)
        blob_free(&image->metadata.icc);
    icc_transform_free(transform);
    rgb.metadata = image->metadata;
    image->metadata = (struct image_metadata){0};
    image_free(image);
    *image = rgb;
    return true;
}

static bool output_flattens(const struct cli_run *run, const struct cli_output *output,
                            const struct image *image)
{
    bool wanted = (run->tool->groups & CLI_FLATTEN) != 0 &&
                  option_given(&run->set, &run->parsed, "background");
    return image->shape.alpha && (!codec_of(output->format)->writes_alpha || wanted);
}

bool cli_output_prepare(struct cli_run *run, const struct cli_output *output, struct image *image,
                        struct error *error)
{
    const struct codec *codec = codec_of(output->format);
    if (output_flattens(run, output, image) && !output_flatten(run, output, image, error))
        return false;
    if (image->shape.depth == 16 && !codec->writes_depth16)
        image_narrow(image);
    if (image->shape.color == IMAGE_GREY && !codec->writes_grey && !output_make_rgb(image, error))
        return false;
    if (!run->options->exact)
        image_clear_transparent(image);
    return true;
}

static struct codec_write_options output_options(const struct cli_run *run,
                                                 const struct cli_output *output)
{
    const struct cli_common *options = run->options;
    return (struct codec_write_options){
        .quality = (int)options->quality,
        .lossless = options->lossless,
        .effort = (int)options->effort,
        .threads = cli_threads(options),
        .origin = output->origin,
        .make = output->make,
        .make_context = output->make_context,
    };
}

/* Puts the encoded BYTES of IMAGE into OUTPUT and those that are the same. */
static bool output_put(struct cli_output *output, const struct image *image,
                       const struct sink *bytes, struct error *error)
{
    for (; output != NULL; output = output->same) {
        struct sink sink;
        output->width = image->shape.width;
        output->height = image->shape.height;
        output->bytes = bytes->used;
        if (output->dry)
            continue;
        sink_to_fd(&sink, output->file.fd);
        bool done = sink_write(&sink, bytes->data, bytes->used) && sink_flush(&sink);
        if (!done)
            error_set(error, sink.error.kind, "%s", sink.error.message);
        sink_free(&sink);
        if (!done)
            return output_failed(output, error);
    }
    return true;
}

bool cli_output_encode(const struct cli_run *run, struct cli_output *output,
                       const struct image *image, struct error *error)
{
    struct codec_write_options options = output_options(run, output);
    struct sink sink = {0};
    if (output->dry)
        return output_put(output, image, &sink, error);
    if (output->same == NULL)
        sink_to_fd(&sink, output->file.fd);
    else
        sink_to_memory(&sink);
    output->width = image->shape.width;
    output->height = image->shape.height;
    bool done = codec_write(output->format, &sink, image, &options, error);
    output->bytes = sink.total_bytes;
    if (!done)
        output_failed(output, error);
    else if (output->same != NULL)
        done = output_put(output, image, &sink, error);
    sink_free(&sink);
    return done;
}

/* Encodes into memory; false also where it became larger than MAX_BYTES (then without an error). */
static bool output_try(const struct cli_output *output, const struct image *image,
                       const struct codec_write_options *options, uint64_t max_bytes,
                       struct sink *sink, struct error *error)
{
    sink_to_memory(sink);
    bool done = codec_write(output->format, sink, image, options, error);
    if (done && sink->total_bytes <= max_bytes)
        return true;
    sink_free(sink);
    return false;
}

/* The highest quality that fits by bisection: file sizes grow with quality. */
static bool output_search(const struct cli_output *output, const struct image *image,
                          struct codec_write_options *options, uint64_t max_bytes,
                          struct sink *best, struct error *error)
{
    bool found = false, lossy = output->format == CODEC_JPEG ||
                                (output->format == CODEC_WEBP && !options->lossless);
    int usual = output->format == CODEC_JPEG ? CODEC_JPEG_QUALITY : CODEC_WEBP_QUALITY;
    int low = 1, high = lossy ? (options->quality > 0 ? options->quality : usual) : 1;
    if (!lossy && options->effort < 0)
        options->effort = 9;
    /* The best quality first: often it fits. */
    for (int quality = high; low <= high && error->kind == ERROR_NONE;
         quality = (low + high + 1) / 2) {
        struct sink sink;
        if (lossy)
            options->quality = quality;
        if (!output_try(output, image, options, max_bytes, &sink, error)) {
            high = quality - 1;
            continue;
        }
        if (found)
            sink_free(best);
        *best = sink;
        found = true;
        low = quality + 1;
    }
    return found;
}

bool cli_output_encode_within(const struct cli_run *run, struct cli_output *output,
                              const struct image *image, uint64_t max_bytes, struct error *error)
{
    struct codec_write_options options = output_options(run, output);
    struct sink best;
    if (max_bytes == 0)
        return cli_output_encode(run, output, image, error);
    if (!output_search(output, image, &options, max_bytes, &best, error)) {
        error_set(error, ERROR_LIMIT, "cannot be written in %llu bytes: --max-bytes",
                  (unsigned long long)max_bytes);
        return output_failed(output, error);
    }
    bool done = output_put(output, image, &best, error);
    sink_free(&best);
    return done;
}

bool cli_output_commit(struct cli_run *run, struct cli_output *output, struct error *error)
{
    if (output->dry) {
        cli_warn(run, "would write %s: %s, %u x %u",
                 strcmp(output->path, "-") == 0 ? "stdout" : output->path,
                 codec_of(output->format)->name, output->width, output->height);
        return true;
    }
    signals_claim();
    return outfile_commit(&output->file, error);
}

struct json_t *cli_output_json(const struct cli_output *output)
{
    return json_pack("{s:o, s:s, s:i, s:i, s:o}", "path", cli_json_string(output->path), "format",
                     codec_of(output->format)->name, "width", (int)output->width, "height",
                     (int)output->height, "bytes",
                     output->dry ? json_null() : json_integer((json_int_t)output->bytes));
}

void cli_output_discard(struct cli_output *output)
{
    outfile_discard(&output->file);
}

/* An image that is prepared, and maybe only then made, by the rows that are asked for. */
struct output_rows {
    const struct cli_run *run;
    const struct image *image;
    cli_output_make *make;
    void *context;
    uint32_t ready;
};

static bool output_make(void *context, uint32_t end, struct error *error)
{
    struct output_rows *rows = context;
    if (rows->make != NULL && !rows->make(rows->context, end, error)) {
        /* The output has no part in it. */
        if (error->file[0] == '\0')
            snprintf(error->file, sizeof error->file, "%s", rows->run->file);
        return false;
    }
    struct image_box box = {0, rows->ready, rows->image->shape.width, end - rows->ready};
    struct image view = image_view(rows->image, &box);
    if (!rows->run->options->exact)
        image_clear_transparent(&view);
    rows->ready = end;
    return true;
}

bool cli_output_write_made(struct cli_run *run, struct cli_output *output, struct image *image,
                           cli_output_make *make, void *context, struct error *error)
{
    struct output_rows rows = {.run = run, .image = image, .make = make, .context = context};
    bool by_rows = !output->dry && codec_of(output->format)->writes_as_made &&
                   !output_flattens(run, output, image);
    if (by_rows) {
        output->make = output_make;
        output->make_context = &rows;
    } else if ((make != NULL && !make(context, image->shape.height, error)) ||
               !cli_output_prepare(run, output, image, error)) {
        return false;
    }
    if (!cli_output_encode(run, output, image, error) || !cli_output_commit(run, output, error))
        return false;
    run->output = cli_output_json(output);
    return true;
}

bool cli_output_write(struct cli_run *run, struct cli_output *output, struct image *image,
                      struct error *error)
{
    return cli_output_write_made(run, output, image, NULL, NULL, error);
}
