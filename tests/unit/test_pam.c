/* SPDX-License-Identifier: MIT */
/* The netpbm codec: headers byte by byte as pam(5), ppm(5) and pgm(5) define them, what a hostile
 * header may not do, and that what is written comes back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/codec.h"
#include "tap.h"

static const struct codec_read_options usual = {
    .max_pixels = 1000000, .max_dimension = 16384, .threads = 1};

/* Reads BYTES whole. */
static bool read_image(const void *bytes, size_t size, const struct codec_read_options *options,
                       struct image *image, struct codec_info *info, struct error *error)
{
    struct source source;
    struct codec_reader *reader = NULL;
    *image = (struct image){0};
    *error = (struct error){0};
    source_from_memory(&source, bytes, size);
    bool done = codec_open(&source, options, &reader, error) &&
                codec_read_image(reader, image, error);
    if (done && info != NULL) {
        *info = *codec_reader_info(reader);
        info->metadata = (struct image_metadata){0};
    }
    codec_close(reader);
    return done;
}

/* ---- Known bytes ---- */

struct known {
    const char *name, *bytes;
    size_t size;
    enum image_color color;
    bool alpha;
    uint8_t depth;
    unsigned stored_depth;
    uint16_t samples[12]; /* of one row of two pixels */
};

#define BYTES(text) text, sizeof text - 1

static const struct known knowns[] = {
    {"P5", BYTES("P5\n2 1\n255\n\x00\xff"), IMAGE_GREY, false, 8, 8, {0, 255}},
    {"P6", BYTES("P6 2 1 255 \1\2\3\4\5\6"), IMAGE_RGB, false, 8, 8, {1, 2, 3, 4, 5, 6}},
    {"P6 of 16 bits, high byte first", BYTES("P6\n2 1\n65535\n\x00\x01\x01\x00\x12\x34\xff\xff\x80"
     "\x00\x00\x00"), IMAGE_RGB, false, 16, 16, {1, 256, 0x1234, 65535, 32768, 0}},
    {"comments and a raster that looks like one",
     BYTES("P5#a\n# b\n2#c\n 1 # d\n255\n##"), IMAGE_GREY, false, 8, 8, {'#', '#'}},
    {"a comment behind the maxval ends with its line", BYTES("P5 2 1 255#x\n\x07\x08"), IMAGE_GREY,
     false, 8, 8, {7, 8}},
    {"carriage returns between numbers", BYTES("P5\r\n2 1\r\n255\n\x07\x08"), IMAGE_GREY, false, 8,
     8, {7, 8}},
    {"leading zeros", BYTES("P5 0000000000000000000000000002 01 000255 \x07\x08"), IMAGE_GREY,
     false, 8, 8, {7, 8}},
    {"maxval 1", BYTES("P5 2 1 1\n\x00\x01"), IMAGE_GREY, false, 8, 1, {0, 255}},
    {"maxval 3 is rounded", BYTES("P5 2 1 3\n\x01\x02"), IMAGE_GREY, false, 8, 2, {85, 170}},
    {"maxval 15", BYTES("P5 2 1 15\n\x01\x0e"), IMAGE_GREY, false, 8, 4, {17, 238}},
    {"maxval 100 is rounded", BYTES("P5 2 1 100\n\x01\x32"), IMAGE_GREY, false, 8, 8, {3, 128}},
    {"maxval 256 takes two bytes", BYTES("P5 2 1 256\n\x00\x80\x01\x00"), IMAGE_GREY, false, 16, 16,
     {32768, 65535}},
    {"maxval 1023", BYTES("P5 2 1 1023\n\x00\x01\x03\xff"), IMAGE_GREY, false, 16, 16, {64, 65535}},
    {"P7 RGB_ALPHA", BYTES("P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\n"
     "ENDHDR\n\x01\x02\x03\x04\x05\x06\x07\x08"), IMAGE_RGB, true, 8, 8, {1, 2, 3, 4, 5, 6, 7, 8}},
    {"P7 in another order, blank lines, CR, tabs", BYTES("P7 \n\nTUPLTYPE\tGRAYSCALE_ALPHA\r\n"
     "MAXVAL 255\r\n  HEIGHT \t 1  \nDEPTH 2\n#WIDTH 9\nWIDTH 2\nENDHDR\r\n\x01\x02\x03\x04"),
     IMAGE_GREY, true, 8, 8, {1, 2, 3, 4}},
    {"P7 without TUPLTYPE", BYTES("P7\nWIDTH 2\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\n"
     "ENDHDR\n\1\2\3\4\5\6"), IMAGE_RGB, false, 8, 8, {1, 2, 3, 4, 5, 6}},
    {"P7 BLACKANDWHITE", BYTES("P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE\n"
     "ENDHDR\n\x00\x01"), IMAGE_GREY, false, 8, 1, {0, 255}},
    {"P7 BLACKANDWHITE_ALPHA", BYTES("P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 1\nTUPLTYPE "
     "BLACKANDWHITE_ALPHA\nENDHDR\n\x00\x01\x01\x00"), IMAGE_GREY, true, 8, 1, {0, 255, 255, 0}},
};

static void test_known(const struct known *known)
{
    struct image image;
    struct codec_info info = {0};
    struct error error;
    if (!tap_ok(read_image(known->bytes, known->size, &usual, &image, &info, &error),
                "%s is read: %s", known->name, error.message))
        return;
    bool shape = image.shape.width == 2 && image.shape.height == 1 &&
                 image.shape.color == known->color && image.shape.alpha == known->alpha &&
                 image.shape.depth == known->depth && info.stored_depth == known->stored_depth;
    bool same = true;
    for (unsigned i = 0; i < 2 * image_channels(&image.shape); i++) {
        unsigned sample = known->depth == 8 ? image.pixels[i]
                                            : ((uint16_t *)(void *)image.pixels)[i];
        same = same && sample == known->samples[i];
    }
    tap_ok(shape, "%s has its shape", known->name);
    tap_ok(same, "%s has its samples", known->name);
    tap_ok(info.warning[0] == '\0' && info.frames == 1, "%s is one image without a warning",
           known->name);
    image_free(&image);
}

/* ---- What is refused ---- */

#define P7(lines) "P7\n" lines "ENDHDR\nxxxxxxxxxxxxxxxx"
#define BOX "WIDTH 2\nHEIGHT 2\n"

static const struct refused {
    const char *name, *bytes;
    size_t size;
    enum error_kind kind;
} refusals[] = {
    {"P1", BYTES("P1\n1 1\n1\n"), ERROR_UNSUPPORTED},
    {"P2", BYTES("P2\n1 1\n255\n1\n"), ERROR_UNSUPPORTED},
    {"P3", BYTES("P3\n1 1\n255\n1 1 1\n"), ERROR_UNSUPPORTED},
    {"P4", BYTES("P4\n8 1\n\xff"), ERROR_UNSUPPORTED},
    {"PF", BYTES("PF\n1 1\n-1.0\nxxxxxxxxxxxx"), ERROR_UNSUPPORTED},
    {"only the magic", BYTES("P6\n"), ERROR_TRUNCATED},
    {"an end within a number", BYTES("P6\n12"), ERROR_TRUNCATED},
    {"an end within a comment", BYTES("P6\n# abc"), ERROR_TRUNCATED},
    {"no byte of the raster", BYTES("P6 2 2 255\n"), ERROR_TRUNCATED},
    {"one byte of the raster is missing", BYTES("P6 2 2 255\n12345678901"), ERROR_TRUNCATED},
    {"width 0", BYTES("P6 0 2 255\nxxx"), ERROR_CORRUPT},
    {"height 0", BYTES("P6 2 0 255\nxxx"), ERROR_CORRUPT},
    {"maxval 0", BYTES("P5 2 2 0\nxxxx"), ERROR_CORRUPT},
    {"maxval 65536", BYTES("P5 2 2 65536\nxxxxxxxx"), ERROR_CORRUPT},
    {"a negative width", BYTES("P5 -2 2 255\nxxxx"), ERROR_CORRUPT},
    {"a sign", BYTES("P5 +2 2 255\nxxxx"), ERROR_CORRUPT},
    {"hexadecimal", BYTES("P5 0x2 2 255\nxxxx"), ERROR_CORRUPT},
    {"no white space behind the maxval", BYTES("P5 2 2 255xxxx"), ERROR_CORRUPT},
    {"a sample over the maxval", BYTES("P5 2 1 100\n\x64\x65"), ERROR_CORRUPT},
    {"a wide sample over the maxval", BYTES("P5 2 1 1000\n\x03\xe8\x03\xe9"), ERROR_CORRUPT},
    {"a width that wraps 32 bits", BYTES("P5 4294967297 1 255\nx"), ERROR_LIMIT},
    {"a width that wraps 64 bits", BYTES("P5 18446744073709551617 1 255\nx"), ERROR_LIMIT},
    {"a width of 40 digits", BYTES("P5 1000000000000000000000000000000000000001 1 255\nx"),
     ERROR_LIMIT},
    {"a product that wraps",
     BYTES(P7("WIDTH 4294967295\nHEIGHT 4294967295\nDEPTH 4\nMAXVAL 65535\n")), ERROR_LIMIT},
    {"more pixels than allowed", BYTES("P5 1001 1000 255\nx"), ERROR_LIMIT},
    {"no DEPTH", BYTES(P7(BOX "MAXVAL 255\n")), ERROR_CORRUPT},
    {"no WIDTH", BYTES(P7("HEIGHT 2\nDEPTH 1\nMAXVAL 255\n")), ERROR_CORRUPT},
    {"no HEIGHT", BYTES(P7("WIDTH 2\nDEPTH 1\nMAXVAL 255\n")), ERROR_CORRUPT},
    {"no MAXVAL", BYTES(P7(BOX "DEPTH 1\n")), ERROR_CORRUPT},
    {"no ENDHDR", BYTES("P7\n" BOX "DEPTH 1\nMAXVAL 255\n"), ERROR_TRUNCATED},
    {"WIDTH twice", BYTES(P7(BOX "DEPTH 1\nMAXVAL 255\nWIDTH 2\n")), ERROR_CORRUPT},
    {"an unknown line", BYTES(P7(BOX "DEPTH 1\nMAXVAL 255\nCOLOUR 2\n")), ERROR_CORRUPT},
    {"a word for a number", BYTES(P7("WIDTH two\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\n")), ERROR_CORRUPT},
    {"nothing for a number", BYTES(P7("WIDTH\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\n")), ERROR_CORRUPT},
    {"a number with a tail", BYTES(P7("WIDTH 2x\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\n")), ERROR_CORRUPT},
    {"two numbers", BYTES(P7("WIDTH 2 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\n")), ERROR_CORRUPT},
    {"a zero byte in the header", BYTES(P7("WIDTH 2\0\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\n")),
     ERROR_CORRUPT},
    {"depth 0", BYTES(P7(BOX "DEPTH 0\nMAXVAL 255\n")), ERROR_CORRUPT},
    {"depth 5", BYTES(P7(BOX "DEPTH 5\nMAXVAL 255\n")), ERROR_UNSUPPORTED},
    {"RGB of depth 4", BYTES(P7(BOX "DEPTH 4\nMAXVAL 255\nTUPLTYPE RGB\n")), ERROR_CORRUPT},
    {"RGB_ALPHA of depth 3", BYTES(P7(BOX "DEPTH 3\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\n")),
     ERROR_CORRUPT},
    {"black and white of 255", BYTES(P7(BOX "DEPTH 1\nMAXVAL 255\nTUPLTYPE BLACKANDWHITE\n")),
     ERROR_CORRUPT},
    {"an unknown type", BYTES(P7(BOX "DEPTH 4\nMAXVAL 255\nTUPLTYPE CMYK\n")), ERROR_UNSUPPORTED},
    {"two lines of type", BYTES(P7(BOX "DEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nTUPLTYPE RGB\n")),
     ERROR_UNSUPPORTED},
    {"something behind P7", BYTES("P7 332\n" BOX "DEPTH 1\nMAXVAL 255\nENDHDR\nxxxx"),
     ERROR_CORRUPT},
    {"two images", BYTES("P5 1 1 255\nxP5 1 1 255\ny"), ERROR_UNSUPPORTED},
    {"two images with a line between", BYTES("P5 1 1 255\nx\nP7\n" BOX "DEPTH 1\n"),
     ERROR_UNSUPPORTED},
};

static void test_refused(const struct refused *refused)
{
    struct image image;
    struct error error;
    bool done = read_image(refused->bytes, refused->size, &usual, &image, NULL, &error);
    tap_ok(!done && error.kind == refused->kind, "%s is %s: %s", refused->name,
           error_kind_name(refused->kind), error.message);
    image_free(&image);
}

/* A header of a size that no honest one has. */
static void test_long_headers(void)
{
    static const char end[] = "\n1 1\n255\nx";
    const size_t size = 1 << 20;
    char *bytes = malloc(size + sizeof end);
    struct image image;
    struct error error;
    if (bytes == NULL)
        return;
    memset(bytes, 'x', size);
    memcpy(bytes, "P5\n#", 4);
    memcpy(bytes + size, end, sizeof end - 1);
    bool done = read_image(bytes, size + sizeof end - 1, &usual, &image, NULL, &error);
    tap_ok(!done && error.kind == ERROR_CORRUPT, "a comment of 1 MiB is refused: %s",
           error.message);
    memset(bytes + 60000, '\n', 1);
    memcpy(bytes + 60001, end + 1, sizeof end - 2);
    done = read_image(bytes, 60001 + sizeof end - 2, &usual, &image, NULL, &error);
    tap_ok(done, "a comment of 60 kB is not: %s", error.message);
    image_free(&image);
    memset(bytes, '0', size);
    memcpy(bytes, "P5\n", 3);
    done = read_image(bytes, size, &usual, &image, NULL, &error);
    tap_ok(!done && error.kind == ERROR_CORRUPT, "a number of 1 MiB is refused: %s", error.message);
    memset(bytes, '\n', size);
    memcpy(bytes, "P7", 2);
    done = read_image(bytes, size, &usual, &image, NULL, &error);
    tap_ok(!done && error.kind == ERROR_CORRUPT, "1 MiB of blank lines is refused: %s",
           error.message);
    free(bytes);
}

/* ---- Round trips ---- */

static bool images_equal(const struct image *a, const struct image *b)
{
    if (memcmp(&a->shape, &b->shape, sizeof a->shape) != 0)
        return false;
    for (uint32_t y = 0; y < a->shape.height; y++)
        if (memcmp(image_row(a, y), image_row(b, y), image_row_bytes(&a->shape)) != 0)
            return false;
    return true;
}

static void fill(struct image *image, uint32_t seed)
{
    for (size_t i = 0; i < image->stride * image->shape.height; i++) {
        seed = seed * 1664525u + 1013904223u;
        image->pixels[i] = (uint8_t)(seed >> 24);
    }
}

static void test_round_trip(const struct image_shape *shape, bool view)
{
    struct image all = {0}, image, back;
    struct image_shape larger = *shape;
    struct sink sink;
    struct error error = {0};
    struct codec_write_options options = {.effort = -1};
    larger.width += 3;
    larger.height += 2;
    sink_to_memory(&sink);
    if (!image_new(&all, &larger, &error))
        return;
    fill(&all, shape->width);
    struct image_box box = {view ? 2 : 0, view ? 1 : 0, shape->width, shape->height};
    image = image_view(&all, &box);
    bool done = codec_write(CODEC_PAM, &sink, &image, &options, &error) &&
                read_image(sink.data, sink.used, &usual, &back, NULL, &error);
    tap_ok(done && images_equal(&image, &back), "%lu x %lu, %u channels of %u bits come back%s: %s",
           (unsigned long)shape->width, (unsigned long)shape->height, image_channels(shape),
           shape->depth, view ? " from a view" : "", error.message);
    if (done)
        image_free(&back);
    image_free(&all);
    sink_free(&sink);
}

static void test_round_trips(void)
{
    static const struct {
        uint32_t width, height;
    } sizes[] = {{1, 1}, {1, 7}, {7, 1}, {33, 17}, {300, 200}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (unsigned kind = 0; kind < 16; kind++) {
            struct image_shape shape;
            memset(&shape, 0, sizeof shape);
            shape.width = sizes[i].width;
            shape.height = sizes[i].height;
            shape.color = kind & 1 ? IMAGE_RGB : IMAGE_GREY;
            shape.alpha = (kind & 2) != 0;
            shape.depth = kind & 4 ? 16 : 8;
            test_round_trip(&shape, (kind & 8) != 0);
        }
}

static void test_written_bytes(void)
{
    static const char expected[] = "P7\n# imgtool:origin png\n# imgtool:icc aWNjIQ==\n"
                                   "# imgtool:exif TU0=\n# imgtool:xmp PHgv\nWIDTH 1\nHEIGHT 1\n"
                                   "DEPTH 3\nMAXVAL 65535\nTUPLTYPE RGB\nENDHDR\n"
                                   "\x12\x34\0\1\xff\0";
    uint16_t pixel[3] = {0x1234, 1, 0xff00};
    struct image image = {
        .shape = {.width = 1, .height = 1, .color = IMAGE_RGB, .depth = 16},
        .stride = sizeof pixel,
        .pixels = (uint8_t *)pixel,
        .metadata = {.icc = {(uint8_t *)"icc!", 4}, .exif = {(uint8_t *)"MM", 2},
                     .xmp = {(uint8_t *)"<x/", 3}},
    };
    struct codec_write_options options = {.effort = -1, .origin = CODEC_PNG};
    struct sink sink;
    struct error error = {0};
    sink_to_memory(&sink);
    bool done = codec_write(CODEC_PAM, &sink, &image, &options, &error);
    tap_ok(done && sink.used == sizeof expected - 1 && memcmp(sink.data, expected, sink.used) == 0,
           "the written bytes are those of pam(5), with the notes in comments");
    tap_ok(pixel[0] == 0x1234, "writing leaves the pixels alone");
    sink_free(&sink);
}

/* ---- Profiles ---- */

static void test_profile_of(size_t size)
{
    struct image image = {.shape = {.width = 1, .height = 1, .color = IMAGE_GREY, .depth = 8},
                          .stride = 1,
                          .pixels = (uint8_t *)"x"};
    struct codec_write_options options = {.effort = -1, .origin = CODEC_WEBP};
    struct codec_read_options keep = usual;
    struct image back;
    struct codec_info info = {0};
    struct sink sink;
    struct error error = {0};
    keep.keep_metadata = true;
    sink_to_memory(&sink);
    uint8_t *profile = malloc(size);
    if (profile == NULL)
        return;
    for (size_t i = 0; i < size; i++)
        profile[i] = (uint8_t)(i * 2654435761u >> 13);
    image.metadata.icc = image.metadata.exif = image.metadata.xmp = (struct blob){profile, size};
    bool done = codec_write(CODEC_PAM, &sink, &image, &options, &error) &&
                read_image(sink.data, sink.used, &keep, &back, &info, &error);
    tap_ok(done, "a profile of %zu bytes passes: %s", size, error.message);
    size_t longest = 0, line = 0;
    for (size_t i = 0; i < sink.used; i++) {
        line = sink.data[i] == '\n' ? 0 : line + 1;
        longest = line > longest ? line : longest;
    }
    tap_ok(longest <= 76, "no line of that header is longer than 76 bytes");
    if (done) {
        const struct blob *blobs = &back.metadata.icc;
        bool same = info.origin == CODEC_WEBP && info.warning[0] == '\0';
        for (int i = 0; i < 3; i++)
            same = same && blobs[i].size == size && memcmp(blobs[i].data, profile, size) == 0;
        tap_ok(same, "ICC, EXIF and XMP of %zu bytes and the origin come back", size);
        image_free(&back);
        done = read_image(sink.data, sink.used, &usual, &back, NULL, &error);
        tap_ok(done && back.metadata.icc.size == size && back.metadata.exif.size == 0 &&
                   back.metadata.xmp.size == 0,
               "only the ICC profile where metadata is not asked for");
        image_free(&back);
    }
    free(profile);
    sink_free(&sink);
}

static void test_bad_profiles(void)
{
    /* The last digit of "AAB=" and of "ABD=" has bits that stand for nothing. */
    static const char *const texts[] = {"A",    "AB",   "ABC",  "A===", "====", "AB=C", "ABC=DEFG",
                                        "AB!D", "AA-_", "ABD=", "AAB=", "AB==CD=="};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char bytes[128];
        struct image image;
        struct codec_info info = {0};
        struct error error;
        int size = snprintf(bytes, sizeof bytes, "P5\n# imgtool:icc %s\n1 1\n255\nx", texts[i]);
        bool done = read_image(bytes, (size_t)size, &usual, &image, &info, &error);
        tap_ok(done && image.metadata.icc.size == 0 && info.warning[0] != '\0',
               "base64 %s is ignored: %s", texts[i], info.warning);
        image_free(&image);
    }
}

static void test_split_profile(void)
{
    static const char bytes[] = "P6\n# imgtool:icc YW\n1 # imgtool:icc\tJj\r"
                                "#  imgtool:icc   ZA==  \n"
                                "# imgtool:iccc AAAA\n# imgtool:origin jpeg\n1\n255\nabc";
    struct image image;
    struct codec_info info = {0};
    struct error error;
    bool done = read_image(bytes, sizeof bytes - 1, &usual, &image, &info, &error);
    tap_ok(done && image.metadata.icc.size == 4 &&
               memcmp(image.metadata.icc.data, "abcd", 4) == 0 && info.origin == CODEC_JPEG,
           "a profile may be cut anywhere, also in P6: %s", error.message);
    image_free(&image);
}

static void test_large_profile(size_t digits)
{
    static const char start[] = "P5\n# imgtool:icc ", end[] = "\n1 1\n255\nx";
    char *bytes = malloc(sizeof start + digits + sizeof end);
    struct image image;
    struct codec_info info = {0};
    struct error error;
    if (bytes == NULL)
        return;
    memcpy(bytes, start, sizeof start - 1);
    memset(bytes + sizeof start - 1, 'A', digits);
    memcpy(bytes + sizeof start - 1 + digits, end, sizeof end - 1);
    bool done = read_image(bytes, sizeof start + digits + sizeof end - 2, &usual, &image, &info,
                           &error);
    tap_ok(done && image.metadata.icc.size == 0 && info.warning[0] != '\0',
           "a profile of %zu digits is ignored: %s", digits, done ? info.warning : error.message);
    image_free(&image);
    free(bytes);
}

/* ---- Frames, ends, lenience ---- */

static void test_frames(void)
{
    static const char bytes[] = "P5 1 1 255\na\n\nP6 1 1 65535\nbbccdd# not an image";
    for (unsigned frame = 0; frame <= 3; frame++) {
        struct codec_read_options options = usual;
        struct image image;
        struct error error;
        options.frame = frame;
        bool done = read_image(bytes, sizeof bytes - 1, &options, &image, NULL, &error);
        if (frame == 1)
            tap_ok(done && image.pixels[0] == 'a', "--frame 1 is the first image");
        else if (frame == 2)
            tap_ok(done && image.shape.depth == 16 && image.pixels[4] == 'd',
                   "--frame 2 is the second image: %s", error.message);
        else
            tap_ok(!done && error.kind == ERROR_UNSUPPORTED, "frame %u is refused: %s", frame,
                   error.message);
        image_free(&image);
    }
}

static void test_tail(const char *bytes, size_t size, bool warned, const char *name)
{
    struct image image;
    struct codec_info info = {0};
    struct error error;
    bool done = read_image(bytes, size, &usual, &image, &info, &error);
    tap_ok(done && (info.warning[0] != '\0') == warned, "%s: %s%s", name, error.message,
           info.warning);
    image_free(&image);
}

static void test_lenient(void)
{
    static const char short_raster[] = "P5 2 4 255\nabcde";
    static const char over[] = "P5 2 1 100\n\x65\x32";
    struct codec_read_options lenient = usual;
    struct image image;
    struct codec_info info = {0};
    struct error error;
    lenient.lenient = true;
    bool done = read_image(short_raster, sizeof short_raster - 1, &usual, &image, NULL, &error);
    tap_ok(!done && strcmp(error.message, "truncated at row 2 of 4") == 0, "a short raster: %s",
           error.message);
    done = read_image(short_raster, sizeof short_raster - 1, &lenient, &image, &info, &error);
    tap_ok(done && memcmp(image.pixels, "abcd\0\0\0\0", 8) == 0 && info.warning[0] != '\0',
           "lenient: the rows that are there, and zeros: %s", info.warning);
    image_free(&image);
    done = read_image(over, sizeof over - 1, &lenient, &image, &info, &error);
    tap_ok(done && image.pixels[0] == 255 && image.pixels[1] == 128 && info.warning[0] != '\0',
           "lenient: a sample over the maxval is the maxval: %s", info.warning);
    image_free(&image);
}

/* Rows that lie apart, a few at a time: what is between them stays. */
static void test_apart(void)
{
    static const char bytes[] = "P5 1 5 1000\n\0\1\0\2\0\3\0\4\0\5";
    static const uint16_t expected[15] = {66, 7, 7, 131, 7, 7, 197, 7, 7, 262, 7, 7, 328, 7, 7};
    uint16_t rows[15];
    struct source source;
    struct codec_reader *reader = NULL;
    struct error error = {0};
    source_from_memory(&source, bytes, sizeof bytes - 1);
    for (size_t i = 0; i < 15; i++)
        rows[i] = 7;
    bool done = codec_open(&source, &usual, &reader, &error) &&
                codec_read_rows(reader, (uint8_t *)rows, 6, 2, &error) &&
                codec_read_rows(reader, (uint8_t *)(rows + 6), 6, 3, &error) &&
                codec_finish(reader, &error);
    tap_ok(done && memcmp(rows, expected, sizeof rows) == 0, "rows apart from each other: %s",
           error.message);
    codec_close(reader);
}

/* The same for more rows than are fetched at once. */
static void test_far_apart(void)
{
    enum { WIDTH = 1000, ROWS = 500, STRIDE = WIDTH + 1 };
    static const char header[] = "P5 1000 500 255\n";
    static char bytes[sizeof header - 1 + WIDTH * ROWS];
    static uint8_t rows[STRIDE * ROWS];
    struct source source;
    struct codec_reader *reader = NULL;
    struct error error = {0};
    memcpy(bytes, header, sizeof header - 1);
    for (size_t i = 0; i < WIDTH * ROWS; i++)
        bytes[sizeof header - 1 + i] = (char)(i % 251);
    source_from_memory(&source, bytes, sizeof bytes);
    bool done = codec_open(&source, &usual, &reader, &error) &&
                codec_read_rows(reader, rows, STRIDE, ROWS, &error) &&
                codec_finish(reader, &error);
    for (size_t i = 0; done && i < STRIDE * ROWS; i++)
        done = rows[i] == (i % STRIDE < WIDTH ? (i / STRIDE * WIDTH + i % STRIDE) % 251 : 0);
    tap_ok(done, "many rows apart from each other: %s", error.message);
    codec_close(reader);
}

/* A pipe has no size and gives its bytes in pieces. */
static void test_pipe(void)
{
    static const char bytes[] = "P7\n# imgtool:icc YWJj\nWIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 65535\n"
                                "ENDHDR\n\1\2\3\4\5\6\7";
    int ends[2];
    struct source source = {0};
    struct codec_reader *reader = NULL;
    struct error error = {0};
    uint16_t rows[4] = {0};
    if (pipe(ends) != 0 || write(ends[1], bytes, sizeof bytes - 1) < 0)
        return;
    close(ends[1]);
    int saved = dup(0);
    dup2(ends[0], 0);
    close(ends[0]);
    bool opened = source_open(&source, "-", 1 << 20, &error) &&
                  codec_open(&source, &usual, &reader, &error);
    tap_ok(opened && codec_reader_info(reader)->frames == 0,
           "a pipe opens, and how many frames it has is not known: %s", error.message);
    tap_ok(opened && codec_read_rows(reader, (uint8_t *)rows, 4, 1, &error) && rows[0] == 0x0102 &&
               rows[1] == 0x0304,
           "its first row is there");
    tap_ok(opened && !codec_read_rows(reader, (uint8_t *)rows, 4, 1, &error) &&
               error.kind == ERROR_TRUNCATED &&
               strcmp(error.message, "truncated at row 1 of 2") == 0,
           "its second is not: %s", error.message);
    codec_close(reader);
    source_close(&source);
    dup2(saved, 0);
    close(saved);
}

int main(void)
{
    for (size_t i = 0; i < sizeof knowns / sizeof knowns[0]; i++)
        test_known(&knowns[i]);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        test_refused(&refusals[i]);
    test_long_headers();
    test_round_trips();
    test_written_bytes();
    test_profile_of(1);
    test_profile_of(45);
    test_profile_of(46);
    test_profile_of(47);
    test_profile_of(100000);
    test_profile_of(CODEC_ICC_MAX_BYTES);
    test_bad_profiles();
    test_split_profile();
    test_large_profile((CODEC_ICC_MAX_BYTES + 2) / 3 * 4 + 4);
    test_large_profile(8 << 20);
    test_frames();
    test_tail(BYTES("P5 1 1 255\nx\n"), false, "a line end behind the image");
    test_tail(BYTES("P5 1 1 255\nx\nabc"), true, "other bytes behind the image");
    test_tail(BYTES("P5 1 1 255\nxP8 \n"), true, "what is no image behind the image");
    test_lenient();
    test_apart();
    test_far_apart();
    test_pipe();
    return tap_done();
}
