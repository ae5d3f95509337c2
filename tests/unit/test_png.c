/* SPDX-License-Identifier: MIT */
/* What is below the PNG codec: row filters against the words of the standard, checksums against
 * published values, and that neither threads nor the way of reading can be seen in the result. */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/deflate.h"
#include "codec/pngfilter.h"
#include "tap.h"

enum { MAX_BYTES = 1000, GUARD = 0xa5 };

static uint32_t random_state = 1;

static uint8_t random_byte(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint8_t)(random_state >> 24);
}

/* ISO/IEC 15948, 9.4: the predictor of Paeth. */
static int paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* 9.2, table 5: what the filter subtracts from byte X of ROW. */
static int predicted(unsigned filter, const uint8_t *row, const uint8_t *prior, size_t x,
                     size_t bpp)
{
    int a = x >= bpp ? row[x - bpp] : 0, b = prior[x], c = x >= bpp ? prior[x - bpp] : 0;
    const int guesses[] = {0, a, b, (a + b) / 2, paeth(a, b, c)};
    return guesses[filter];
}

struct rows {
    uint8_t prior[8 + MAX_BYTES + 64], row[8 + MAX_BYTES + 64], out[MAX_BYTES + 64 + 8];
};

static void rows_fill(struct rows *rows, size_t bytes)
{
    memset(rows, 0, sizeof *rows);
    memset(rows->out, GUARD, sizeof rows->out);
    /* Few values, so that ties happen. */
    int mask = bytes % 2 == 0 ? 0xff : 0x83;
    for (size_t x = 0; x < bytes; x++) {
        rows->prior[8 + x] = (uint8_t)(random_byte() & mask);
        rows->row[8 + x] = (uint8_t)(random_byte() & mask);
    }
}

/* Bytes that are wrong after filtering BYTES bytes and undoing it. */
static unsigned filter_errors(unsigned filter, size_t bytes, unsigned bpp)
{
    struct rows rows;
    rows_fill(&rows, bytes);
    const uint8_t *row = rows.row + 8, *prior = rows.prior + 8;
    unsigned wrong = 0;
    pngfilter_apply(filter, row, prior, rows.out, bytes, bpp);
    for (size_t x = 0; x < bytes; x++)
        wrong += rows.out[x] != (uint8_t)(row[x] - predicted(filter, row, prior, x, bpp));
    wrong += rows.out[pngfilter_padded(bytes)] != GUARD;
    memset(rows.out + bytes, GUARD, 8);
    wrong += !pngfilter_undo(filter, rows.out, prior, bytes, bpp);
    wrong += memcmp(rows.out, row, bytes) != 0;
    for (int i = 0; i < 8; i++)
        wrong += rows.out[bytes + i] != GUARD;
    return wrong;
}

/* Two rows undone at once are what they are one after the other. */
static unsigned pair_errors(size_t bytes, unsigned bpp)
{
    struct rows one, two;
    rows_fill(&one, bytes);
    two = one;
    pngfilter_undo(PNGFILTER_PAETH, one.row + 8, one.prior + 8, bytes, bpp);
    pngfilter_undo(PNGFILTER_PAETH, one.out, one.row + 8, bytes, bpp);
    pngfilter_undo_paeth_pair(two.row + 8, two.out, two.prior + 8, bytes, bpp);
    return memcmp(&one, &two, sizeof one) != 0;
}

/* Every left, up and upper left, eight of them as the channels of a pixel. */
static unsigned paeth_errors(void)
{
    unsigned wrong = 0;
    for (int up_left = 0; up_left < 256; up_left++)
        for (int up = 0; up < 256; up++)
            for (int left = 0; left < 256; left += 8) {
                uint8_t prior[24], row[24] = {0};
                memset(prior, up_left, 8);
                memset(prior + 8, up, 8);
                for (int i = 0; i < 8; i++)
                    row[i] = (uint8_t)(left + i - up_left);
                pngfilter_undo(PNGFILTER_PAETH, row, prior, 16, 8);
                for (int i = 0; i < 8; i++)
                    wrong += row[8 + i] != paeth(left + i, up, up_left);
            }
    return wrong;
}

/* Of a row that FILTER alone predicts, but for a pixel. */
static unsigned choice_errors(unsigned filter, size_t bytes, unsigned bpp)
{
    struct rows rows;
    uint8_t *row = rows.row + 8, *prior = rows.prior + 8;
    size_t half = bytes / bpp / 2 * bpp;
    rows_fill(&rows, bytes);
    if (filter == PNGFILTER_PAETH) {
        /* Like the row above, then all the same, under a row that is too. */
        memcpy(row, prior, half);
        memset(row + half, 200, bytes - half);
        memset(prior + half, 100, bytes - half);
    } else {
        memset(row, 0, bytes);
        memset(row, filter == PNGFILTER_SUB || filter == PNGFILTER_AVERAGE ? 90 : 0, bpp);
        pngfilter_undo(filter, row, prior, bytes, bpp);
    }
    return pngfilter_choose(row, prior, bytes, bpp) != filter;
}

static void test_choice(void)
{
    unsigned wrong = 0;
    for (unsigned filter = 0; filter < PNGFILTER_COUNT; filter++)
        for (unsigned bpp = 1; bpp <= 4; bpp++)
            for (size_t pixels = 16; pixels * bpp <= MAX_BYTES; pixels++)
                wrong += choice_errors(filter, pixels * bpp, bpp);
    tap_ok(wrong == 0, "the filter that predicts a row is chosen (%u are not)", wrong);
}

static void test_filters(void)
{
    static const unsigned pixel_bytes[] = {1, 2, 3, 4, 6, 8};
    for (unsigned filter = 0; filter < PNGFILTER_COUNT; filter++) {
        unsigned wrong = 0;
        for (unsigned k = 0; k < 6; k++)
            for (size_t pixels = 1; pixels * pixel_bytes[k] <= MAX_BYTES; pixels += 1 + pixels / 9)
                wrong += filter_errors(filter, pixels * pixel_bytes[k], pixel_bytes[k]);
        tap_ok(wrong == 0, "filter %u is as in the standard, and back (%u wrong)", filter, wrong);
    }
    unsigned wrong = 0;
    for (unsigned k = 0; k < 6; k++)
        for (size_t pixels = 1; pixels * pixel_bytes[k] <= MAX_BYTES; pixels += 1 + pixels / 9)
            wrong += pair_errors(pixels * pixel_bytes[k], pixel_bytes[k]);
    tap_ok(wrong == 0, "two rows of Paeth at once are the same as one by one (%u wrong)", wrong);
    wrong = paeth_errors();
    tap_ok(wrong == 0, "all that Paeth's filter can meet (%u wrong)", wrong);
    tap_ok(!pngfilter_undo(5, (uint8_t[16]){0}, (uint8_t[16]){0}, 4, 4), "filter 5 is refused");
}

static void test_checksums(void)
{
    /* The check value of the CRC catalogues, and the example of Wikipedia's article. */
    tap_ok(deflate_crc32(0, (const uint8_t *)"123456789", 9) == 0xcbf43926u, "CRC-32");
    tap_ok(deflate_crc32(deflate_crc32(0, (const uint8_t *)"12345", 5), (const uint8_t *)"6789",
                         4) == 0xcbf43926u,
           "CRC-32 in two parts");
    tap_ok(deflate_adler32((const uint8_t *)"Wikipedia", 9) == 0x11e60398u, "Adler-32");
    uint32_t first = deflate_adler32((const uint8_t *)"Wiki", 4);
    uint32_t second = deflate_adler32((const uint8_t *)"pedia", 5);
    tap_ok(deflate_adler32_join(first, second, 5) == 0x11e60398u, "Adler-32 of two parts");
}

/* RFC 1950 and 1951 by hand: header, one stored block, Adler-32. Byte by byte. */
static void test_decoder(void)
{
    static const char stream[] = "\x78\x01\x01\x09\x00\xf6\xffWikipedia\x11\xe6\x03\x98";
    for (int damage = 0; damage < 2; damage++) {
        uint8_t bytes[sizeof stream - 1], text[10] = {0}, *out = text;
        size_t room = 9;
        memcpy(bytes, stream, sizeof bytes);
        bytes[sizeof bytes - 1] ^= (uint8_t)damage;
        struct deflate_decoder *decoder = deflate_decoder_new(NULL);
        enum deflate_status status = DEFLATE_MORE;
        for (size_t i = 0; i < sizeof bytes && status == DEFLATE_MORE; i++) {
            const uint8_t *in = bytes + i;
            size_t size = 1;
            status = deflate_decode(decoder, &in, &size, &out, &room);
        }
        tap_ok(status == (damage ? DEFLATE_BAD_CHECKSUM : DEFLATE_END) &&
                   memcmp(text, "Wikipedia", 9) == 0,
               "a stream with a %s checksum", damage ? "wrong" : "right");
        deflate_decoder_free(decoder);
    }
}

static struct image noisy_image(uint32_t width, uint32_t height, enum image_color color, bool alpha,
                                uint8_t depth)
{
    struct image_shape shape = {width, height, color, alpha, depth};
    struct image image;
    if (!image_new(&image, &shape, NULL))
        exit(71);
    /* Half of it noise, half flat. */
    for (size_t i = 0; i < image.stride * height / 2; i++)
        image.pixels[i] = random_byte() & 31;
    return image;
}

static struct sink written(const struct image *image, int effort, unsigned threads)
{
    struct codec_write_options options = {.effort = effort, .threads = threads};
    struct sink sink;
    struct error error = {0};
    sink_to_memory(&sink);
    if (!codec_write(CODEC_PNG, &sink, image, &options, &error))
        printf("# %s\n", error.message);
    return sink;
}

static const struct codec_read_options read_options = {
    .max_pixels = 50000000, .max_dimension = 500000};

static bool read_back(const void *data, size_t size, bool lenient, unsigned threads,
                      struct image *image, struct error *error)
{
    struct codec_read_options options = read_options;
    struct codec_reader *reader = NULL;
    struct source source;
    options.lenient = lenient;
    options.threads = threads;
    source_from_memory(&source, data, size);
    bool good =
        codec_open(&source, &options, &reader, error) && codec_read_image(reader, image, error);
    codec_close(reader);
    source_close(&source);
    return good;
}

static void test_round_trip(const struct image *image, const char *name)
{
    unsigned wrong = 0;
    for (int effort = -1; effort <= 9; effort++) {
        struct sink one = written(image, effort, 1), three = written(image, effort, 3);
        wrong += one.used != three.used || memcmp(one.data, three.data, one.used) != 0;
        /* Leniently libpng decodes, else the fast way. */
        for (unsigned threads = 0; threads <= 3; threads++) {
            struct image back = {0};
            struct error error = {0};
            wrong += !read_back(one.data, one.used, threads == 0, threads, &back, &error) ||
                     memcmp(back.pixels, image->pixels, image->stride * image->shape.height) != 0;
            image_free(&back);
        }
        sink_free(&one);
        sink_free(&three);
    }
    tap_ok(wrong == 0, "%s: every effort, every number of threads (%u wrong)", name, wrong);
}

static void test_images(void)
{
    static const struct {
        uint32_t width, height;
        enum image_color color;
        bool alpha;
        uint8_t depth;
        const char *name;
    } cases[] = {
        {1, 1, IMAGE_GREY, false, 8, "1 x 1 grey"},
        {3, 501, IMAGE_GREY, true, 16, "3 x 501 grey and alpha, 16 bits"},
        {517, 400, IMAGE_RGB, true, 8, "517 x 400 RGBA"},
        {333, 301, IMAGE_RGB, false, 16, "333 x 301 RGB, 16 bits"},
        {9001, 2, IMAGE_RGB, false, 8, "9001 x 2 RGB"},
        {400000, 3, IMAGE_GREY, false, 8, "400000 x 3 grey"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image image = noisy_image(cases[i].width, cases[i].height, cases[i].color,
                                         cases[i].alpha, cases[i].depth);
        test_round_trip(&image, cases[i].name);
        image_free(&image);
    }
}

/* Every width up to 17 of every kind: libpng reads what we write, and so do we. */
static void test_narrow(void)
{
    unsigned wrong = 0;
    for (uint32_t width = 1; width <= 17; width++)
        for (int kind = 0; kind < 8; kind++) {
            struct image image =
                noisy_image(width, 1 + width * 7 % 11, kind & 1 ? IMAGE_RGB : IMAGE_GREY,
                            (kind & 2) != 0, kind & 4 ? 16 : 8);
            struct sink sink = written(&image, -1, 1);
            for (unsigned threads = 0; threads <= 2; threads++) {
                struct image back = {0};
                struct error error = {0};
                wrong += !read_back(sink.data, sink.used, threads == 0, threads, &back, &error) ||
                         memcmp(back.pixels, image.pixels, image.stride * image.shape.height) != 0;
                image_free(&back);
            }
            sink_free(&sink);
            image_free(&image);
        }
    tap_ok(wrong == 0, "all kinds, 1 to 17 pixels wide (%u wrong)", wrong);
}

/* The fast way must see every flipped bit: CRCs cover all but the lengths, which move the CRCs. */
static void test_damage(void)
{
    struct image image = noisy_image(40, 30, IMAGE_RGB, true, 8), back = {0};
    struct sink sink = written(&image, -1, 1);
    struct error error = {0};
    unsigned accepted = 0, other = 0;
    for (size_t at = 8; at < sink.used; at++) {
        sink.data[at] ^= 4;
        error_clear(&error);
        accepted += read_back(sink.data, sink.used, false, 2, &back, &error);
        sink.data[at] ^= 4;
    }
    tap_ok(accepted == 0, "no flipped bit is accepted (%u)", accepted);
    for (size_t size = 33; size < sink.used; size++) {
        error_clear(&error);
        other +=
            read_back(sink.data, size, false, 2, &back, &error) || error.kind != ERROR_TRUNCATED;
    }
    tap_ok(other == 0, "every shorter file is truncated (%u not)", other);
    error_clear(&error);
    read_back(sink.data, sink.used - 5, false, 1, &back, &error);
    tap_ok(strstr(error.message, "behind the last row") != NULL, "half of IEND: %s", error.message);
    error_clear(&error);
    read_back(sink.data, 60, false, 1, &back, &error);
    tap_ok(strcmp(error.message, "truncated at row 0 of 30") == 0, "at a row: %s", error.message);
    image_free(&image);
    sink_free(&sink);
}

static size_t put_chunk(uint8_t *to, const char *type, const uint8_t *data, size_t size)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(size >> (24 - 8 * i));
    memcpy(to + 4, type, 4);
    memcpy(to + 8, data, size);
    uint32_t crc = deflate_crc32(0, to + 4, size + 4);
    for (int i = 0; i < 4; i++)
        to[8 + size + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    return size + 12;
}

/* Reads, as a grey PNG of WIDTH x HEIGHT, a stream of SIZE bytes of rows with filter types. */
static bool read_crafted(uint16_t width, uint16_t height, const uint8_t *lines, size_t size,
                         struct error *error)
{
    const uint8_t head[13] = {0, 0, (uint8_t)(width >> 8),  (uint8_t)width,
                              0, 0, (uint8_t)(height >> 8), (uint8_t)height,
                              8};
    uint8_t *stream = malloc(deflate_bound(size) + 16), *png = malloc(deflate_bound(size) + 100);
    struct deflate_encoder *encoder = deflate_encoder_new(deflate_effort_of(0), size, error);
    struct image image = {0};
    if (stream == NULL || png == NULL || encoder == NULL)
        exit(71);
    deflate_header(stream);
    size_t used = 2 + deflate_band(encoder, lines, size, stream + 2), at = 8;
    deflate_trailer(stream + used, deflate_adler32(lines, size));
    memcpy(png, "\x89PNG\r\n\x1a\n", 8);
    at += put_chunk(png + at, "IHDR", head, sizeof head);
    at += put_chunk(png + at, "IDAT", stream, used + DEFLATE_TRAILER_BYTES);
    at += put_chunk(png + at, "IEND", head, 0);
    error_clear(error);
    bool good = read_back(png, at, false, 2, &image, error);
    image_free(&image);
    deflate_encoder_free(encoder);
    free(stream);
    free(png);
    return good;
}

/* Streams that do not fit the image, of one and of several blocks. */
static void test_streams(void)
{
    static uint8_t lines[1000 * 1001];
    for (uint16_t height = 10; height <= 900; height += 890) {
        struct error error = {0};
        size_t size = height * 1001u;
        for (size_t i = 0; i < sizeof lines; i++)
            lines[i] = i % 1001 == 0 ? 2 : random_byte() & 3;
        tap_ok(read_crafted(1000, height, lines, size, &error), "%u rows", height);
        tap_ok(read_crafted(1000, height, lines, size + 5, &error), "more data: accepted");
        tap_ok(read_crafted(1000, height, lines, sizeof lines, &error), "much more: accepted");
        tap_ok(!read_crafted(1000, height, lines, size - 1, &error) &&
                   strcmp(error.message, "not enough image data") == 0,
               "a byte less: %s", error.message);
        tap_ok(!read_crafted(1000, height, lines, size / 3, &error) &&
                   strcmp(error.message, "not enough image data") == 0,
               "a third: %s", error.message);
        lines[(height - 2) * 1001u] = 7;
        tap_ok(!read_crafted(1000, height, lines, size, &error) &&
                   strcmp(error.message, "bad filter type 7") == 0,
               "filter 7: %s", error.message);
    }
}

int main(void)
{
    test_filters();
    test_choice();
    test_checksums();
    test_decoder();
    test_images();
    test_narrow();
    test_damage();
    test_streams();
    return tap_done();
}
