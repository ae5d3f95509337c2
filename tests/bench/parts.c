/* SPDX-License-Identifier: MIT */
/*
 * Times the unavoidable parts of a job alone, for `scripts/bench --limits`: what remains if
 * everything else took no time.
 *
 *     parts [OPTION]... -i INPUT [-i INPUT]... [PIXELS]...
 *
 * prints one line for each part, `wall_ns cpu_us bytes name`:
 *
 *     plain decode       the inputs one after the other, by libpng or libjpeg as everybody calls
 *                        them: one thread, rows into one buffer
 *     decode             the inputs one after the other, by our codecs
 *     copy of the pixels what was decoded, into fresh memory
 *     encode             PIXELS (PAM files), by our codecs; several at the same time, as imgresize
 *                        does; bytes are those of the results
 *
 *     -f FORMAT   what to encode (png); -q QUALITY; -e EFFORT
 *     -w WIDTH    a decoder may reduce down to this width (JPEG)
 *     -s SIGMA    also "shadow", the operation alone on the first input, by the job's options
 *     -z          instead of "encode": "libpng level 6", which encodes PIXELS with libpng's own
 *                 filters, and "encode as small, effort N", the first effort of ours whose result
 *                 is not larger; the lesser efforts as "encode, effort N"
 *
 * Each part runs in a process of its own, so that none finds memory or threads that another made.
 * Reading PIXELS is not timed; encoders write to /dev/null.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>

#include "base/threads.h"
#include "codec/codec.h"
#include "ops/shadow.h"

enum { FILES_MAX = 8, EXIT_USAGE = 64, EFFORT_MAX = 9 };
#define NO_LIMIT ((uint64_t)1 << 40)

struct parts {
    const char *inputs[FILES_MAX];
    size_t input_count;
    struct image pixels[FILES_MAX];
    size_t pixel_count;
    uint32_t width;
    double sigma_px;
    enum codec_format format;
    struct codec_write_options write;
    bool same_size;
};

struct watch {
    struct timespec start;
    struct rusage usage;
    long long wall_ns, cpu_us;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "parts: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void *allocated(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL)
        fail("memory", strerror(errno));
    return memory;
}

static void watch_start(struct watch *watch)
{
    getrusage(RUSAGE_SELF, &watch->usage);
    clock_gettime(CLOCK_MONOTONIC, &watch->start);
}

static long long usage_us(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000LL +
           usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

static void watch_stop(struct watch *watch)
{
    struct timespec now;
    struct rusage usage;
    clock_gettime(CLOCK_MONOTONIC, &now);
    getrusage(RUSAGE_SELF, &usage);
    watch->wall_ns = (now.tv_sec - watch->start.tv_sec) * 1000000000LL +
                     (now.tv_nsec - watch->start.tv_nsec);
    watch->cpu_us = usage_us(&usage) - usage_us(&watch->usage);
}

/* ---- libraries as everybody calls them ---- */

static void plain_png(FILE *file)
{
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t height = png_get_image_height(png, info), row_bytes = png_get_rowbytes(png, info);
    png_bytep pixels = allocated(height * row_bytes);
    png_bytepp rows = allocated(height * sizeof *rows);
    for (size_t y = 0; y < height; y++)
        rows[y] = pixels + y * row_bytes;
    png_read_image(png, rows);
    png_read_end(png, info);
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    free(pixels);
}

static void plain_jpeg(FILE *file, uint32_t width)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_stdio_src(&jpeg, file);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.scale_num = 1;
    jpeg.scale_denom = width == 0 ? 1 : 8;
    while (jpeg.scale_denom > 1 && jpeg.image_width / jpeg.scale_denom < width)
        jpeg.scale_denom /= 2;
    jpeg_start_decompress(&jpeg);
    size_t row_bytes = (size_t)jpeg.output_width * (size_t)jpeg.output_components;
    JSAMPLE *pixels = allocated(row_bytes * jpeg.output_height);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW row = pixels + jpeg.output_scanline * row_bytes;
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    free(pixels);
}

static void null_write(png_structp png, png_bytep data, png_size_t size)
{
    (void)data;
    *(uint64_t *)png_get_io_ptr(png) += size;
}

static void null_flush(png_structp png)
{
    (void)png;
}

static uint64_t plain_png_write(const struct image *image)
{
    uint64_t bytes = 0;
    const struct image_shape *shape = &image->shape;
    int type = (shape->color == IMAGE_RGB ? PNG_COLOR_MASK_COLOR : 0) |
               (shape->alpha ? PNG_COLOR_MASK_ALPHA : 0);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &bytes, null_write, null_flush);
    png_set_IHDR(png, info, shape->width, shape->height, shape->depth, type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 6);
    png_write_info(png, info);
    for (uint32_t y = 0; y < shape->height; y++)
        png_write_row(png, image_row(image, y));
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return bytes;
}

/* ---- our codecs ---- */

static void enough(void *context, const struct codec_info *info, uint32_t *width, uint32_t *height)
{
    const struct parts *parts = context;
    (void)info;
    double share = (double)parts->width / *width;
    if (parts->width > 0 && share < 1) {
        *width = parts->width;
        *height = (uint32_t)ceil(share * *height);
    }
}

static void reader_open(const struct parts *parts, const char *path, unsigned threads,
                        struct source *source, struct codec_reader **reader)
{
    struct error error = {0};
    struct codec_read_options options = {.max_pixels = NO_LIMIT,
                                         .max_dimension = UINT32_MAX,
                                         .threads = threads,
                                         .enough = enough,
                                         .enough_context = (void *)parts};
    if (!source_open(source, path, NO_LIMIT, &error) ||
        !codec_open(source, &options, reader, &error))
        fail(path, error.message);
}

static struct image decoded(const struct parts *parts, const char *path, unsigned threads)
{
    struct image image = {0};
    struct error error = {0};
    struct source source;
    struct codec_reader *reader;
    reader_open(parts, path, threads, &source, &reader);
    if (!codec_read_image(reader, &image, &error))
        fail(path, error.message);
    codec_close(reader);
    source_close(&source);
    return image;
}

static uint64_t encoded_bytes(const struct parts *parts, const struct image *image, int effort)
{
    struct error error = {0};
    struct sink sink;
    struct codec_write_options options = parts->write;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    options.effort = effort;
    sink_to_fd(&sink, fd);
    if (fd < 0 || !codec_write(parts->format, &sink, image, &options, &error))
        fail("encode", error.message);
    sink_free(&sink);
    close(fd);
    return sink.total_bytes;
}

/* ---- the parts ---- */

static uint64_t part_plain_decode(const struct parts *parts, struct watch *watch)
{
    watch_start(watch);
    for (size_t i = 0; i < parts->input_count; i++) {
        FILE *file = fopen(parts->inputs[i], "rb");
        if (file == NULL)
            fail(parts->inputs[i], strerror(errno));
        if (codec_by_path(parts->inputs[i]) == CODEC_PNG)
            plain_png(file);
        else
            plain_jpeg(file, parts->width);
        fclose(file);
    }
    watch_stop(watch);
    return 0;
}

static uint64_t part_decode(const struct parts *parts, struct watch *watch)
{
    watch_start(watch);
    for (size_t i = 0; i < parts->input_count; i++) {
        struct image image = decoded(parts, parts->inputs[i], threads_available());
        image_free(&image);
    }
    watch_stop(watch);
    return 0;
}

static uint64_t part_copy(const struct parts *parts, struct watch *watch)
{
    struct image images[FILES_MAX];
    for (size_t i = 0; i < parts->input_count; i++)
        images[i] = decoded(parts, parts->inputs[i], threads_available());
    watch_start(watch);
    for (size_t i = 0; i < parts->input_count; i++) {
        size_t size = images[i].stride * images[i].shape.height;
        void *copy = memcpy(allocated(size), images[i].pixels, size);
        __asm__ volatile("" : : "r"(copy) : "memory"); /* else the copy is left out */
        free(copy);
    }
    watch_stop(watch);
    return 0;
}

struct encode_call {
    const struct parts *parts;
    uint64_t bytes[FILES_MAX];
};

static void encode_one(void *context, size_t index)
{
    struct encode_call *call = context;
    const struct parts *parts = call->parts;
    call->bytes[index] = encoded_bytes(parts, &parts->pixels[index], parts->write.effort);
}

static uint64_t part_encode(const struct parts *parts, struct watch *watch)
{
    struct encode_call call = {.parts = parts};
    uint64_t bytes = 0;
    watch_start(watch);
    threads_for(threads_available(), parts->pixel_count, encode_one, &call);
    watch_stop(watch);
    for (size_t i = 0; i < parts->pixel_count; i++)
        bytes += call.bytes[i];
    return bytes;
}

static uint64_t part_libpng_write(const struct parts *parts, struct watch *watch)
{
    uint64_t bytes = 0;
    watch_start(watch);
    for (size_t i = 0; i < parts->pixel_count; i++)
        bytes += plain_png_write(&parts->pixels[i]);
    watch_stop(watch);
    return bytes;
}

/* The picture is decoded to where the operation wants it, as imgshadow does; not timed. */
static uint64_t part_shadow(const struct parts *parts, struct watch *watch)
{
    const struct shadow_options options = {.sigma_px = parts->sigma_px,
                                           .opacity = 0.4,
                                           .offset_x = 8,
                                           .offset_y = 12,
                                           .threads = threads_available()};
    struct source source;
    struct codec_reader *reader;
    struct shadow_canvas canvas;
    struct image image;
    struct error error = {0};
    struct shadow *shadow = NULL;
    reader_open(parts, parts->inputs[0], options.threads, &source, &reader);
    struct image_shape shape = codec_reader_info(reader)->shape;
    uint32_t rows = shape.height;
    if (!shadow_canvas(&options, shape.width, shape.height, &canvas, &error))
        fail("shadow", error.message);
    shape.width = canvas.width;
    shape.height = canvas.height;
    if (!image_new(&image, &shape, &error))
        fail("shadow", error.message);
    struct image place = image_view(&image, &canvas.original);
    if (!codec_read_rows(reader, place.pixels, place.stride, rows, &error))
        fail(parts->inputs[0], error.message);
    watch_start(watch);
    if (!shadow_new(&shadow, &image, &canvas.original, &options, &error) ||
        !shadow_paint(shadow, shape.height, &error))
        fail("shadow", error.message);
    watch_stop(watch);
    return 0;
}

/* Runs PART in a process of its own, which prints its line. Returns the bytes that it says. */
static uint64_t part_run(const char *name, const struct parts *parts,
                         uint64_t (*part)(const struct parts *, struct watch *))
{
    int ends[2], status;
    uint64_t bytes = 0;
    if (pipe(ends) != 0)
        fail("pipe", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        struct watch watch;
        bytes = part(parts, &watch);
        printf("%lld %lld %llu %s\n", watch.wall_ns, watch.cpu_us, (unsigned long long)bytes, name);
        fflush(stdout);
        _exit(write(ends[1], &bytes, sizeof bytes) == sizeof bytes ? 0 : EXIT_FAILURE);
    }
    close(ends[1]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 ||
        read(ends[0], &bytes, sizeof bytes) != sizeof bytes)
        fail(name, "did not end well");
    close(ends[0]);
    return bytes;
}

/* Which effort is the one is found before any is timed. */
static void same_size_run(struct parts *parts)
{
    char name[64];
    uint64_t limit = part_run("libpng level 6", parts, part_libpng_write);
    bool small = false;
    for (int effort = 0; !small && effort <= EFFORT_MAX; effort++) {
        uint64_t bytes = 0;
        parts->write.effort = effort;
        parts->write.threads = 1; /* no threads before a fork */
        for (size_t i = 0; i < parts->pixel_count; i++)
            bytes += encoded_bytes(parts, &parts->pixels[i], effort);
        parts->write.threads = threads_available();
        small = bytes <= limit;
        snprintf(name, sizeof name, "encode%s, effort %d", small ? " as small" : "", effort);
        part_run(name, parts, part_encode);
    }
}

static void parts_run(struct parts *parts)
{
    if (parts->input_count > 0) {
        part_run("plain decode", parts, part_plain_decode);
        part_run("decode", parts, part_decode);
        part_run("copy of the pixels", parts, part_copy);
    }
    if (parts->sigma_px > 0)
        part_run("shadow", parts, part_shadow);
    if (parts->same_size)
        same_size_run(parts);
    else if (parts->pixel_count > 0)
        part_run("encode", parts, part_encode);
}

static bool options_parse(int argc, char **argv, struct parts *parts)
{
    int letter;
    while ((letter = getopt(argc, argv, "i:f:q:e:w:s:z")) != -1) {
        if (letter == 'i' && parts->input_count < FILES_MAX)
            parts->inputs[parts->input_count++] = optarg;
        else if (letter == 'f')
            parts->format = codec_by_name(optarg);
        else if (letter == 'q')
            parts->write.quality = (int)strtol(optarg, NULL, 10);
        else if (letter == 'e')
            parts->write.effort = (int)strtol(optarg, NULL, 10);
        else if (letter == 'w')
            parts->width = (uint32_t)strtoul(optarg, NULL, 10);
        else if (letter == 's')
            parts->sigma_px = strtod(optarg, NULL);
        else if (letter == 'z')
            parts->same_size = true;
        else
            return false;
    }
    return parts->format != CODEC_NONE && argc - optind <= FILES_MAX;
}

int main(int argc, char **argv)
{
    struct parts parts = {.format = CODEC_PNG,
                          .write = {.effort = -1, .threads = threads_available()}};
    if (!options_parse(argc, argv, &parts)) {
        fputs("usage: parts [-f FORMAT] [-q QUALITY] [-e EFFORT] [-w WIDTH] [-s SIGMA] [-z] "
              "[-i INPUT]... [PIXELS]...\n",
              stderr);
        return EXIT_USAGE;
    }
    for (int i = optind; i < argc; i++)
        parts.pixels[parts.pixel_count++] =
            decoded(&(struct parts){0}, argv[i], 1); /* no threads before a fork */
    parts_run(&parts);
    for (size_t i = 0; i < parts.pixel_count; i++)
        image_free(&parts.pixels[i]);
    return EXIT_SUCCESS;
}
