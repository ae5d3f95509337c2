/* SPDX-License-Identifier: MIT */
/* JPEG: a progressive file must decode to what the baseline file of the same coefficients decodes
 * to, in full and halved; its scans give the same side by side and one after the other; each cut is
 * found; metadata comes back; scans are counted and chosen. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/jpeg_markers.h"
#include "codec/jpeg_plan.h"
#include "codec/jpeg_tables.h"
#include "tap.h"

enum { EFFORT_BASELINE = 0, EFFORT_OPTIMISED = 3, EFFORT_PROGRESSIVE = 9 };

static const struct codec_read_options usual = {
    .max_pixels = 50000000, .max_dimension = 16384, .threads = 1};

/* Waves, edges and noise. */
static bool picture_new(struct image *image, uint32_t width, uint32_t height, bool grey)
{
    struct image_shape shape = {width, height, grey ? IMAGE_GREY : IMAGE_RGB, false, 8};
    struct error error = {0};
    if (!image_new(image, &shape, &error))
        return false;
    unsigned channels = image_channels(&shape), noise = 1;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            for (unsigned c = 0; c < channels; c++) {
                noise = noise * 1664525u + 1013904223u;
                double wave = sin((x + 3 * c) * 0.11) * cos((y - c) * 0.07) * 60;
                int value = 128 + (int)wave + (x / 37 % 2 == y / 29 % 2 ? 40 : -40) +
                            (int)(noise >> 28);
                image_row(image, y)[x * channels + c] = (uint8_t)value;
            }
    return true;
}

static bool encode(const struct image *image, int quality, int effort, struct sink *sink)
{
    struct codec_write_options options = {.quality = quality, .effort = effort};
    struct error error = {0};
    sink_to_memory(sink);
    return codec_write(CODEC_JPEG, sink, image, &options, &error);
}

/* INFO, where wanted, gets a copy without the metadata. */
static bool decode(const void *bytes, size_t size, const struct codec_read_options *options,
                   struct image *image, struct codec_info *info, struct error *error)
{
    struct source source;
    struct codec_reader *reader = NULL;
    *image = (struct image){0};
    *error = (struct error){0};
    source_from_memory(&source, bytes, size);
    bool done = codec_open(&source, options, &reader, error);
    if (done && info != NULL) {
        *info = *codec_reader_info(reader);
        info->metadata = (struct image_metadata){0};
    }
    done = done && codec_read_image(reader, image, error);
    if (done && info != NULL)
        memcpy(info->warning, codec_reader_info(reader)->warning, sizeof info->warning);
    codec_close(reader);
    return done;
}

/* The largest difference of two samples; 256 where the shapes differ. */
static int difference(const struct image *a, const struct image *b)
{
    int most = 0;
    if (a->shape.width != b->shape.width || a->shape.height != b->shape.height ||
        a->shape.color != b->shape.color)
        return 256;
    for (uint32_t y = 0; y < a->shape.height; y++)
        for (size_t i = 0; i < image_row_bytes(&a->shape); i++) {
            int step = abs(image_row(a, y)[i] - image_row(b, y)[i]);
            most = step > most ? step : most;
        }
    return most;
}

/* How far the pictures of two encodings are from each other. */
static int encodings_difference(const struct sink *a, const struct sink *b,
                                const struct codec_read_options *options, struct codec_info *info)
{
    struct image first, second;
    struct error error;
    bool good = decode(a->data, a->used, options, &first, NULL, &error) &&
                decode(b->data, b->used, options, &second, info, &error);
    int result = good ? difference(&first, &second) : 257;
    image_free(&first);
    if (good)
        image_free(&second);
    return result;
}

static void test_progressive(uint32_t width, uint32_t height, bool grey, int quality)
{
    struct image image;
    struct sink baseline, optimised, progressive;
    struct codec_info info = {0};
    if (!picture_new(&image, width, height, grey))
        return;
    bool good = encode(&image, quality, EFFORT_BASELINE, &baseline);
    good = encode(&image, quality, EFFORT_OPTIMISED, &optimised) && good;
    good = encode(&image, quality, EFFORT_PROGRESSIVE, &progressive) && good;
    tap_ok(good && encodings_difference(&baseline, &optimised, &usual, NULL) == 0,
           "%ux%u %s, quality %d: optimised as baseline", width, height, grey ? "grey" : "colour",
           quality);
    tap_ok(good && encodings_difference(&baseline, &progressive, &usual, &info) == 0 &&
               info.progressive && info.quality == quality,
           "%ux%u %s, quality %d: progressive as baseline", width, height,
           grey ? "grey" : "colour", quality);
    sink_free(&baseline);
    sink_free(&optimised);
    sink_free(&progressive);
    image_free(&image);
}

static void want_530x400(void *context, const struct codec_info *info, uint32_t *width,
                         uint32_t *height)
{
    (void)context;
    (void)info;
    *width = 530;
    *height = 400;
}

static void want_16x11(void *context, const struct codec_info *info, uint32_t *width,
                       uint32_t *height)
{
    (void)context;
    (void)info;
    *width = 16;
    *height = 11;
}

/* At quality 80 no bits are left out; at 100 there may be, but not so that it shows. */
static void test_halved(void)
{
    struct codec_read_options reduced = usual;
    reduced.enough = want_530x400;
    struct image image;
    struct sink baseline, progressive;
    struct codec_info info = {0};
    if (!picture_new(&image, 4006, 3000, false))
        return;
    bool good = encode(&image, 80, EFFORT_BASELINE, &baseline);
    good = encode(&image, 80, EFFORT_PROGRESSIVE, &progressive) && good;
    tap_ok(good && encodings_difference(&baseline, &progressive, &reduced, &info) == 0 &&
               info.shape.width == 2003 && info.shape.height == 1500 && info.stored_width == 4006,
           "halved: progressive as baseline");
    sink_free(&baseline);
    sink_free(&progressive);
    good = encode(&image, 100, EFFORT_BASELINE, &baseline);
    good = encode(&image, 100, EFFORT_PROGRESSIVE, &progressive) && good;
    int most = good ? encodings_difference(&baseline, &progressive, &reduced, &info) : 256;
    tap_ok(most >= 1 && most <= 16 && info.warning[0] == '\0',
           "halved, last bits left out: %d at most %s", most, info.warning);
    sink_free(&baseline);
    sink_free(&progressive);
    image_free(&image);
}

/* With lenience every cut is shown once the first scan has begun. */
static void test_cuts(int effort, const char *name)
{
    enum { CUTS = 400 };
    struct image image, cut;
    struct sink sink;
    struct error error;
    struct codec_info info = {0};
    struct codec_read_options lenient = usual;
    unsigned refused = 0, shown = 0, first = 0;
    bool dark = true;
    lenient.lenient = true;
    if (!picture_new(&image, 163, 110, false) || !encode(&image, 85, effort, &sink))
        return;
    for (unsigned i = 1; i <= CUTS; i++) {
        size_t size = sink.used * i / CUTS - (i == CUTS);
        uint8_t *copy = malloc(size);
        memcpy(copy, sink.data, size);
        refused += !decode(copy, size, &usual, &cut, NULL, &error) && error.kind == ERROR_TRUNCATED;
        shown += decode(copy, size, &lenient, &cut, &info, &error) && info.warning[0] != '\0';
        first = shown == 0 ? i : first;
        /* Of half a baseline file the last row cannot be known. */
        if (effort == EFFORT_BASELINE && i == CUTS / 2 && cut.pixels != NULL)
            for (size_t k = 0; k < image_row_bytes(&cut.shape); k++)
                dark = dark && image_row(&cut, cut.shape.height - 1)[k] == 0;
        image_free(&cut);
        free(copy);
    }
    tap_ok(dark, "%s: rows that are missing are 0", name);
    tap_ok(refused == CUTS, "%s: each cut is found, %u of %d", name, refused, CUTS);
    tap_ok(shown == CUTS - first && first < CUTS / 4,
           "%s: with lenience all are shown, with a warning, %u", name, shown);
    sink_write(&sink, "\xff\xd8\xff?", 4);
    tap_ok(decode(sink.data, sink.used, &usual, &cut, &info, &error) && info.warning[0] == '\0',
           "%s: what follows the end does not matter", name);
    image_free(&cut);
    sink_free(&sink);
    image_free(&image);
}

/* What became of decoding. */
struct outcome {
    bool done;
    struct image image;
    struct codec_info info;
    struct error error;
};

static void outcome_of(const struct sink *file, const struct codec_read_options *options,
                       struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    outcome->done = decode(file->data, file->used, options, &outcome->image, &outcome->info,
                           &outcome->error);
}

static bool outcomes_equal(const struct outcome *a, const struct outcome *b)
{
    return a->done == b->done && a->error.kind == b->error.kind &&
           strcmp(a->error.message, b->error.message) == 0 &&
           strcmp(a->info.warning, b->info.warning) == 0 &&
           (!a->done || difference(&a->image, &b->image) == 0);
}

/* The same file with much ado before its header, as scans are not read side by side then. */
static void burden(const struct sink *file, struct sink *burdened)
{
    enum { COMMENTS = 5 };
    static const uint8_t comment[2 + 65535] = {0xff, 0xfe, 0xff, 0xff};
    sink_to_memory(burdened);
    sink_write(burdened, file->data, 2);
    for (int i = 0; i < COMMENTS; i++)
        sink_write(burdened, comment, sizeof comment);
    sink_write(burdened, file->data + 2, file->used - 2);
}

static bool beside_as_after(const struct sink *file, const struct codec_read_options *options)
{
    struct sink burdened;
    struct outcome one, other;
    burden(file, &burdened);
    outcome_of(file, options, &one);
    outcome_of(&burdened, options, &other);
    bool equal = outcomes_equal(&one, &other);
    if (!equal)
        printf("# %s%s, but: %s%s\n", one.error.message, one.info.warning, other.error.message,
               other.info.warning);
    image_free(&one.image);
    image_free(&other.image);
    sink_free(&burdened);
    return equal;
}

enum { DAMAGES = 250 };

/* Damaged here and there, or cut where CUT. */
static void damage(const struct sink *file, unsigned number, bool cut, struct sink *damaged)
{
    unsigned noise = number * 2654435761u + 12345;
    size_t count = cut ? 20 + (file->used - 20) * number / DAMAGES : file->used;
    sink_to_memory(damaged);
    sink_write(damaged, file->data, count);
    for (unsigned i = 0; !cut && i <= number % 3; i++) {
        noise = noise * 1664525u + 1013904223u;
        uint8_t *byte = &damaged->data[2 + (noise >> 8) % (damaged->used - 2)];
        *byte ^= (uint8_t)(number % 5 == 0 ? 0xff : 1 << noise % 8);
    }
}

/* Scans that are read side by side give what they give one after the other, whatever is wrong. */
static void test_side_by_side(bool grey, unsigned threads)
{
    struct image image;
    struct sink file;
    unsigned equal = 0, cut_equal = 0;
    struct codec_read_options options = usual;
    options.threads = threads;
    if (!picture_new(&image, 163, 110, grey) || !encode(&image, 85, EFFORT_PROGRESSIVE, &file))
        return;
    tap_ok(beside_as_after(&file, &options), "%s, %u threads: side by side as one after the other",
           grey ? "grey" : "colour", threads);
    for (unsigned i = 0; i < DAMAGES; i++) {
        struct sink damaged;
        options.lenient = i % 4 > 0;
        options.enough = i % 8 < 6 ? NULL : want_16x11;
        damage(&file, i, false, &damaged);
        equal += beside_as_after(&damaged, &options);
        sink_free(&damaged);
        damage(&file, i, true, &damaged);
        cut_equal += beside_as_after(&damaged, &options);
        sink_free(&damaged);
    }
    tap_ok(equal == DAMAGES, "damaged: the same, %u of %d", equal, DAMAGES);
    tap_ok(cut_equal == DAMAGES, "cut: the same, %u of %d", cut_equal, DAMAGES);
    sink_free(&file);
    image_free(&image);
}

static bool blob_equal(const struct blob *a, const struct blob *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static void test_metadata(size_t icc_size)
{
    static const uint8_t exif[] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0";
    struct image image, back;
    struct sink sink;
    struct error error = {0};
    struct codec_info info = {0};
    struct codec_read_options keep = usual;
    keep.keep_metadata = true;
    if (!picture_new(&image, 16, 16, false))
        return;
    struct image_metadata *metadata = &image.metadata;
    bool good = blob_copy(&metadata->exif, exif, sizeof exif, &error) &&
                blob_copy(&metadata->xmp, "<x/>", 4, &error);
    metadata->icc.data = calloc(icc_size, 1);
    metadata->icc.size = icc_size;
    for (size_t i = 0; i < icc_size; i++)
        metadata->icc.data[i] = (uint8_t)(i * 7 + i / 251);
    good = good && encode(&image, 85, EFFORT_BASELINE, &sink) &&
           decode(sink.data, sink.used, &keep, &back, &info, &error);
    tap_ok(good && blob_equal(&metadata->icc, &back.metadata.icc) &&
               blob_equal(&metadata->exif, &back.metadata.exif) &&
               blob_equal(&metadata->xmp, &back.metadata.xmp) && info.orientation == 6,
           "metadata, profile of %zu bytes", icc_size);
    image_free(&back);
    good = decode(sink.data, sink.used, &usual, &back, &info, &error);
    tap_ok(good && blob_equal(&metadata->icc, &back.metadata.icc) && back.metadata.exif.size == 0 &&
               back.metadata.xmp.size == 0 && info.orientation == 6,
           "without request only the profile and the orientation");
    image_free(&back);
    sink_free(&sink);
    image_free(&image);
}

/* A frame header and COUNT empty scans. */
static size_t many_scans(uint8_t *bytes, unsigned count)
{
    static const uint8_t frame[] = {0xff, 0xd8, 0xff, 0xc2, 0,    11, 8, 0,
                                    16,   0,    16,   1,    1,    0x11, 0};
    static const uint8_t scan[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0};
    size_t size = sizeof frame;
    memcpy(bytes, frame, size);
    for (unsigned i = 0; i < count; i++, size += sizeof scan)
        memcpy(bytes + size, scan, sizeof scan);
    bytes[size] = 0xff;
    bytes[size + 1] = 0xd9;
    return size + 2;
}

static void test_scan_limit(void)
{
    static uint8_t bytes[2000];
    struct source source;
    struct jpeg_layout layout;
    struct image image;
    struct error error = {0};
    for (unsigned count = 99; count <= 102; count++) {
        size_t size = many_scans(bytes, count);
        source_from_memory(&source, bytes, size);
        unsigned counted = count > 101 ? 101 : count;
        tap_ok(jpeg_layout_read(&source, &layout, &error) && layout.scan_count == counted &&
                   layout.complete == (count <= 100),
               "%u scans are counted", count);
        bool limit = !decode(bytes, size, &usual, &image, NULL, &error) &&
                     error.kind == ERROR_LIMIT;
        tap_ok(limit == (count > 100), "%u scans are %s", count,
               limit ? "refused" : "not too many");
    }
}

/* Of a scan's decoder, all that is no scan is work, whatever it consists of. */
static void test_other_bytes(void)
{
    enum { JUNK = 100 };
    static uint8_t bytes[2000 + JUNK], plain[2000];
    static const uint8_t kinds[][2] = {{0x12, 0x12}, {0, 0}, {0xff, 0xff}, {0xff, 0xd0}, {0xff, 0}};
    struct source source;
    struct jpeg_layout layout, with_junk;
    struct error error = {0};
    size_t size = many_scans(plain, 4);
    source_from_memory(&source, plain, size);
    bool good = jpeg_layout_read(&source, &layout, &error) && layout.other_bytes < size;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        memcpy(bytes, plain, 2);
        for (size_t k = 0; k < JUNK; k++)
            bytes[2 + k] = kinds[i][k % 2];
        memcpy(bytes + 2 + JUNK, plain + 2, size - 2);
        source_from_memory(&source, bytes, size + JUNK);
        good = good && jpeg_layout_read(&source, &with_junk, &error) && with_junk.known &&
               with_junk.other_bytes == layout.other_bytes + JUNK;
        tap_ok(good, "junk between segments counts: %02x %02x", kinds[i][0], kinds[i][1]);
    }
}

/* The usual ten scans of libjpeg: DC; Y 1-5, Cr, Cb, Y 6-63; the second last bits of Y; then the
 * last bits of DC, Cr, Cb and Y. */
static void test_plan(void)
{
    static const struct jpeg_scan usual_scans[10] = {
        {.components = 7, .after = 1},
        {.components = 1, .first = 1, .last = 5, .after = 2},
        {.components = 4, .first = 1, .last = 63, .after = 1},
        {.components = 2, .first = 1, .last = 63, .after = 1},
        {.components = 1, .first = 6, .last = 63, .after = 2},
        {.components = 1, .first = 1, .last = 63, .before = 2, .after = 1},
        {.components = 7, .before = 1},
        {.components = 4, .first = 1, .last = 63, .before = 1},
        {.components = 2, .first = 1, .last = 63, .before = 1},
        {.components = 1, .first = 1, .last = 63, .before = 1},
    };
    static const struct {
        double reduction;
        uint16_t step;
        int size;
        const char *skipped, *name;
    } cases[] = {
        {1, 1, 8, "..........", "full size"},
        {1.9, 1, 8, "..........", "little reduced"},
        {2.1, 1, 8, "..........", "halved"},
        {8, 1, 4, ".....X.XXX", "much reduced, finest steps"},
        {8, 20, 4, "..........", "much reduced, coarse steps"},
        {8, 20, 1, ".XXXXX.XXX", "only DC is looked at"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jpeg_layout layout = {.known = true, .progressive = true, .component_count = 3,
                                     .scan_count = 10};
        struct jpeg_component components[JPEG_MAX_COMPONENTS] = {0};
        uint16_t steps[64];
        char skipped[11] = "";
        memcpy(layout.scans, usual_scans, sizeof usual_scans);
        for (unsigned k = 0; k < 64; k++)
            steps[k] = cases[i].step;
        for (unsigned c = 0; c < 3; c++)
            components[c] = (struct jpeg_component){steps, jpeg_plan_used(cases[i].size),
                                                    cases[i].reduction, cases[i].reduction};
        jpeg_plan_scans(&layout, cases[i].reduction, components);
        for (unsigned s = 0; s < 10; s++)
            skipped[s] = layout.scans[s].skip ? 'X' : '.';
        tap_ok(strcmp(skipped, cases[i].skipped) == 0, "%s: %s", cases[i].name, skipped);
    }
}

static void test_tables(void)
{
    bool order = jpeg_zigzag[0] == 0 && jpeg_zigzag[63] == 63;
    /* The diagonals x + y follow each other, and neighbours touch. */
    for (unsigned k = 1; k < 64; k++) {
        int x = jpeg_zigzag[k] % 8, y = jpeg_zigzag[k] / 8;
        int dx = x - jpeg_zigzag[k - 1] % 8, dy = y - jpeg_zigzag[k - 1] / 8;
        order = order && abs(dx) <= 1 && abs(dy) <= 1 && (dx + dy == 0 || dx + dy == 1);
    }
    tap_ok(order, "zigzag");
    for (int i = 1; i <= 16; i++) {
        double share[8], sum = 0;
        jpeg_tables_visible_share(i, share);
        for (int u = 0; u < 8; u++)
            sum += share[u];
        /* The basis is complete: together its functions are white. */
        tap_ok(fabs(sum - 8.0 / i) < 1e-9 && share[0] > share[7] - 1e-9, "shares at %d", i);
    }
}

static void test_quality(void)
{
    struct image image;
    unsigned right = 0;
    if (!picture_new(&image, 8, 8, false))
        return;
    for (int quality = 1; quality <= 100; quality++) {
        struct sink sink;
        struct image back;
        struct codec_info info = {0};
        struct error error;
        right += encode(&image, quality, EFFORT_BASELINE, &sink) &&
                 decode(sink.data, sink.used, &usual, &back, &info, &error) &&
                 info.quality == quality;
        image_free(&back);
        sink_free(&sink);
    }
    tap_ok(right == 100, "quality is told from the tables: %u of 100", right);
    image_free(&image);
}

int main(void)
{
    static const uint32_t sizes[][2] = {{1, 1}, {8, 8}, {17, 33}, {203, 150}, {640, 49}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int k = 0; k < 6; k++)
            test_progressive(sizes[i][0], sizes[i][1], k % 2 == 1, k < 2 ? 30 : k < 4 ? 85 : 100);
    test_halved();
    test_cuts(EFFORT_BASELINE, "baseline");
    test_cuts(EFFORT_PROGRESSIVE, "progressive");
    for (unsigned threads = 1; threads <= 3; threads++)
        test_side_by_side(threads == 3, threads);
    test_metadata(1);
    test_metadata(65519);
    test_metadata(65520);
    test_metadata(300000);
    test_scan_limit();
    test_other_bytes();
    test_plan();
    test_tables();
    test_quality();
    return tap_done();
}
