/* SPDX-License-Identifier: MIT */
/* Writing by rows: however an image is divided, the bytes are those of writing it whole, and rows
 * can be forgotten once they are given. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/codec.h"
#include "tap.h"

static bool picture_new(struct image *image, const struct image_shape *shape)
{
    struct error error = {0};
    if (!image_new(image, shape, &error))
        return false;
    unsigned noise = 1;
    for (uint32_t y = 0; y < shape->height; y++)
        for (size_t i = 0; i < image_row_bytes(shape); i++) {
            noise = noise * 1664525u + 1013904223u;
            /* Flat, then a ramp, then noise: what is hard to compress differs by rows. */
            unsigned value = y < shape->height / 3 ? 200 : y + (unsigned)i / 5;
            image_row(image, y)[i] = (uint8_t)(y > shape->height / 2 ? noise >> 24 : value);
        }
    return true;
}

/* Each part is given in memory that is overwritten before the next: parts of PART rows, or, where
 * RANDOM is not NULL, of none to PART. */
static bool write_divided(enum codec_format format, struct sink *sink, const struct image *image,
                          const struct codec_write_options *options, uint32_t part,
                          unsigned *random, struct error *error)
{
    struct codec_writer *writer = NULL;
    size_t row_bytes = image_row_bytes(&image->shape), stride = row_bytes + 16;
    uint8_t *rows = malloc(part * stride);
    struct image shape = {.shape = image->shape, .metadata = image->metadata};
    bool done = rows != NULL && codec_begin(format, sink, &shape, options, &writer, error);
    for (uint32_t y = 0, count; done && y < image->shape.height; y += count) {
        count = random == NULL ? part : (*random = *random * 1664525u + 1013904223u) % (part + 1);
        if (count > image->shape.height - y)
            count = image->shape.height - y;
        for (uint32_t i = 0; i < count; i++)
            memcpy(rows + i * stride, image_row(image, y + i), row_bytes);
        done = codec_write_rows(writer, rows, stride, count, error);
        memset(rows, 0x5a, part * stride);
    }
    done = done && codec_end(writer, error);
    codec_discard(writer);
    free(rows);
    return done;
}

static bool write_parts(enum codec_format format, struct sink *sink, const struct image *image,
                        const struct codec_write_options *options, uint32_t part,
                        struct error *error)
{
    return write_divided(format, sink, image, options, part, NULL, error);
}

static void test_format(enum codec_format format, const struct image *image,
                        const struct codec_write_options *options)
{
    static const uint32_t parts[] = {1, 7, 16, 250, 1000};
    struct sink whole;
    struct error error = {0};
    sink_to_memory(&whole);
    if (!tap_ok(codec_write(format, &whole, image, options, &error), "%s is written whole: %s",
                codec_of(format)->name, error.message))
        return;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct sink sink;
        sink_to_memory(&sink);
        bool done = write_parts(format, &sink, image, options, parts[i], &error);
        tap_ok(done && sink.used == whole.used && memcmp(sink.data, whole.data, sink.used) == 0,
               "%s of %u channels, effort %d, %u threads, by %u rows: the same bytes: %s",
               codec_of(format)->name, image_channels(&image->shape), options->effort,
               options->threads, (unsigned)parts[i], error.message);
        sink_free(&sink);
    }
    sink_free(&whole);
}

static void test_formats(void)
{
    for (enum codec_format format = CODEC_PNG; format < CODEC_FORMAT_COUNT; format++) {
        const struct codec *codec = codec_of(format);
        for (unsigned kind = 0; kind < 16; kind++) {
            struct image_shape shape;
            memset(&shape, 0, sizeof shape);
            shape.width = 311;
            shape.height = 777;
            shape.alpha = codec->writes_alpha && (kind & 1) != 0;
            shape.depth = codec->writes_depth16 && (kind & 2) != 0 ? 16 : 8;
            shape.color = codec->writes_grey && (kind & 4) != 0 ? IMAGE_GREY : IMAGE_RGB;
            struct image image;
            struct codec_write_options options = {
                .effort = format == CODEC_WEBP ? 0 : kind & 8 ? 7 : -1,
                .threads = kind & 8 ? 1 : 2,
                .origin = CODEC_PNG,
            };
            if (!picture_new(&image, &shape))
                return;
            image.metadata.icc = (struct blob){(uint8_t *)"profile", 7};
            test_format(format, &image, &options);
            image.metadata.icc = (struct blob){0};
            image_free(&image);
        }
    }
}

/* Bands of PNG of many rows and of one, with more and fewer threads than there are bands. */
static void test_bands(void)
{
    static const struct image_shape shapes[] = {
        {.width = 90001, .height = 11, .color = IMAGE_RGB, .depth = 8},
        {.width = 44000, .height = 23, .color = IMAGE_RGB, .depth = 8},
        {.width = 1500, .height = 700, .color = IMAGE_RGB, .alpha = true, .depth = 8},
        {.width = 3, .height = 70001, .color = IMAGE_GREY, .alpha = true, .depth = 16},
        {.width = 1, .height = 1, .color = IMAGE_GREY, .depth = 8},
    };
    unsigned random = 1;
    for (unsigned i = 0; i < 5 * sizeof shapes / sizeof shapes[0]; i++) {
        const struct image_shape *shape = &shapes[i / 5];
        struct codec_write_options whole_options = {.effort = -1, .threads = 1};
        struct codec_write_options options = {.effort = -1, .threads = i % 5 + 1};
        struct sink whole, sink;
        struct image image;
        struct error error = {0};
        if (!picture_new(&image, shape))
            return;
        sink_to_memory(&whole);
        sink_to_memory(&sink);
        bool done = codec_write(CODEC_PNG, &whole, &image, &whole_options, &error) &&
                    write_divided(CODEC_PNG, &sink, &image, &options,
                                  i % 2 == 0 ? shape->height : shape->height / 5 + 1, &random,
                                  &error);
        tap_ok(done && sink.used == whole.used && memcmp(sink.data, whole.data, sink.used) == 0,
               "png of %u x %u, %u threads, divided at random: the same bytes: %s",
               (unsigned)shape->width, (unsigned)shape->height, options.threads, error.message);
        sink_free(&whole);
        sink_free(&sink);
        image_free(&image);
    }
}

static void test_misuse(void)
{
    struct image image = {.shape = {.width = 4, .height = 4, .color = IMAGE_RGB, .depth = 8}};
    struct codec_write_options options = {.effort = -1};
    static const uint8_t rows[5][12];
    for (enum codec_format format = CODEC_PNG; format < CODEC_FORMAT_COUNT; format++) {
        struct codec_writer *writer = NULL;
        struct sink sink;
        struct error error = {0};
        sink_to_memory(&sink);
        bool begun = codec_begin(format, &sink, &image, &options, &writer, &error);
        tap_ok(begun && !codec_write_rows(writer, rows[0], 12, 5, &error) &&
                   error.kind == ERROR_INTERNAL,
               "%s: more rows than there are: %s", codec_of(format)->name, error.message);
        error_clear(&error);
        tap_ok(begun && codec_write_rows(writer, rows[0], 12, 3, &error) &&
                   !codec_end(writer, &error) && error.kind == ERROR_INTERNAL,
               "%s: fewer rows than there are: %s", codec_of(format)->name, error.message);
        codec_discard(writer);
        sink_free(&sink);
    }
}

/* A later stage of a pipe can prepare for the image while the first row is still to be made. */
static void test_header_leaves(void)
{
    struct image image = {.shape = {.width = 4, .height = 4, .color = IMAGE_RGB, .depth = 8}};
    struct codec_write_options options = {.effort = -1};
    struct codec_writer *writer = NULL;
    struct sink sink;
    struct error error = {0};
    char got[200] = "";
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return;
    sink_to_fd(&sink, ends[1]);
    bool begun = codec_begin(CODEC_PAM, &sink, &image, &options, &writer, &error);
    ssize_t size = read(ends[0], got, sizeof got - 1);
    tap_ok(begun && size > 7 && strcmp(got + size - 7, "ENDHDR\n") == 0,
           "pam: the header is on its way before the first row");
    codec_discard(writer);
    sink_free(&sink);
    close(ends[0]);
    close(ends[1]);
}

/* Wherever the output fails, that is what is reported, and it can be discarded then. */
static void test_full_disk(void)
{
    struct image_shape shape = {.width = 311, .height = 777, .color = IMAGE_RGB, .depth = 8};
    struct image image;
    if (!picture_new(&image, &shape))
        return;
    for (enum codec_format format = CODEC_PNG; format < CODEC_FORMAT_COUNT; format++)
        for (int effort = -1; effort < 9; effort += 8) {
            struct codec_write_options options = {.effort = effort, .threads = 2, .quality = 99};
            struct error whole = {0}, parts = {0};
            struct sink sink;
            int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
            sink_to_fd(&sink, fd);
            bool done = codec_write(format, &sink, &image, &options, &whole);
            sink_free(&sink);
            sink_to_fd(&sink, fd);
            done = write_parts(format, &sink, &image, &options, 16, &parts) || done;
            sink_free(&sink);
            tap_ok(!done && whole.kind == ERROR_IO && parts.kind == ERROR_IO &&
                       strstr(whole.message, strerror(ENOSPC)) != NULL &&
                       strcmp(whole.message, parts.message) == 0,
                   "%s, effort %d, of a full disk: %s", codec_of(format)->name, effort,
                   parts.message);
            close(fd);
        }
    image_free(&image);
}

int main(void)
{
    test_formats();
    test_bands();
    test_misuse();
    test_header_leaves();
    test_full_disk();
    return tap_done();
}
