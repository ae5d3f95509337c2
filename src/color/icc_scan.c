/* SPDX-License-Identifier: MIT */
#include "color/icc_scan.h"

#include "color/icc_curve.h"

/* Of the curves around a table; lut16Type allows no more (ICC.1:2010, 10.9). */
enum { MAX_TABLE_ENTRIES = 4096 };

static bool corrupt(struct error *error, const char *what)
{
    return error_set(error, ERROR_CORRUPT, "ICC profile: %s", what);
}

static unsigned space_channels(enum icc_space space)
{
    return space == ICC_GREY ? 1 : space == ICC_RGB ? 3 : 4;
}

/* What is left of SPAN from OFFSET on; empty where that is outside. */
static struct icc_span span_from(struct icc_span span, size_t offset)
{
    if (offset >= span.size)
        return (struct icc_span){span.data, 0};
    return (struct icc_span){span.data + offset, span.size - offset};
}

static bool has_type(struct icc_span tag, const char type[4], size_t size)
{
    return tag.size >= size && icc_u32(tag.data) == ICC_FOURCC(type[0], type[1], type[2], type[3]);
}

static bool check_text(struct icc_span tag, const struct icc_scan *scan, struct error *error)
{
    (void)scan;
    return tag.size >= 12 || corrupt(error, "its description ends too early");
}

static bool check_xyz(struct icc_span tag, const struct icc_scan *scan, struct error *error)
{
    (void)scan;
    return has_type(tag, "XYZ ", 20) || corrupt(error, "a colorant or white point is malformed");
}

static bool check_adaptation(struct icc_span tag, const struct icc_scan *scan, struct error *error)
{
    (void)scan;
    return has_type(tag, "sf32", 8 + 4 * 9) || corrupt(error, "its adaptation matrix is malformed");
}

/* A curve that maps samples to light has to rise, or nothing can be encoded with it. */
static bool check_curve(struct icc_span tag, const struct icc_scan *scan, struct error *error)
{
    (void)scan;
    struct icc_tone tone;
    if (!icc_tone_parse(tag, &tone, NULL, error))
        return false;
    double rise = icc_tone_value(&tone, 1) - icc_tone_value(&tone, 0);
    return rise > 0.1 || error_set(error, ERROR_UNSUPPORTED, "ICC profile: a curve does not rise");
}

/* COUNT curves, one behind the other on multiples of 4 bytes, at OFFSET (0: there are none). */
static bool check_curves(struct icc_span tag, uint32_t offset, unsigned count, struct error *error)
{
    if (offset == 0)
        return true;
    size_t place = offset;
    for (unsigned i = 0; i < count; i++) {
        struct icc_tone tone;
        size_t size;
        if (!icc_tone_parse(span_from(tag, place), &tone, &size, error))
            return false;
        if (tone.kind == ICC_TONE_TABLE && tone.count > MAX_TABLE_ENTRIES)
            return corrupt(error, "a table has curves of a wrong size");
        place += (size + 3) & ~(size_t)3;
    }
    return true;
}

/* The product of the grid's sizes and OUTPUTS values of BYTES has to be there: this is what keeps
 * a few bytes from asking for gigabytes. */
static bool check_grid(const uint8_t *grid, unsigned inputs, unsigned outputs, size_t bytes,
                       size_t available, struct error *error)
{
    size_t wanted = outputs * bytes;
    for (unsigned i = 0; i < inputs; i++) {
        if (grid[i] < 2)
            return corrupt(error, "a table with fewer than two steps");
        wanted *= grid[i];
        if (wanted > available)
            return corrupt(error, "a table is larger than the profile");
    }
    return true;
}

/* lut8Type and lut16Type (ICC.1:2010, 10.8 and 10.9). */
static bool check_plain_table(struct icc_span tag, unsigned inputs, unsigned outputs, size_t bytes,
                              struct error *error)
{
    size_t head = bytes == 1 ? 48 : 52, in_entries = 256, out_entries = 256;
    if (tag.size < head)
        return corrupt(error, "a table ends too early");
    if (bytes == 2) {
        in_entries = icc_u16(tag.data + 48);
        out_entries = icc_u16(tag.data + 50);
        if (in_entries < 2 || in_entries > MAX_TABLE_ENTRIES || out_entries < 2 ||
            out_entries > MAX_TABLE_ENTRIES)
            return corrupt(error, "a table has curves of a wrong size");
    }
    size_t curves = (in_entries * inputs + out_entries * outputs) * bytes;
    if (curves > tag.size - head)
        return corrupt(error, "a table ends too early");
    const uint8_t grid[4] = {tag.data[10], tag.data[10], tag.data[10], tag.data[10]};
    return check_grid(grid, inputs, outputs, bytes, tag.size - head - curves, error);
}

/* lutAToBType and lutBToAType (10.10 and 10.11): the offsets of five elements, 0 for none. */
static bool check_element_table(struct icc_span tag, unsigned inputs, unsigned outputs, bool to_pcs,
                                struct error *error)
{
    enum { B, MATRIX, M, GRID, A, ELEMENTS };
    uint32_t offsets[ELEMENTS];
    if (tag.size < 32)
        return corrupt(error, "a table ends too early");
    for (unsigned i = 0; i < ELEMENTS; i++) {
        offsets[i] = icc_u32(tag.data + 12 + 4 * i);
        if (offsets[i] != 0 && (offsets[i] < 32 || offsets[i] >= tag.size))
            return corrupt(error, "a part of a table lies outside of it");
    }
    if (offsets[MATRIX] != 0 && tag.size - offsets[MATRIX] < 48)
        return corrupt(error, "a matrix ends too early");
    unsigned pcs_side = to_pcs ? outputs : inputs, device_side = to_pcs ? inputs : outputs;
    if (offsets[GRID] == 0) {
        if (inputs != outputs)
            return corrupt(error, "a table without its grid");
    } else {
        struct icc_span grid = span_from(tag, offsets[GRID]);
        if (grid.size < 20 || (grid.data[16] != 1 && grid.data[16] != 2))
            return corrupt(error, "a table of unknown precision");
        if (!check_grid(grid.data, inputs, outputs, grid.data[16], grid.size - 20, error))
            return false;
    }
    return check_curves(tag, offsets[A], device_side, error) &&
           check_curves(tag, offsets[M], pcs_side, error) &&
           check_curves(tag, offsets[B], pcs_side, error);
}

static bool check_table(struct icc_span tag, const struct icc_scan *scan, bool to_pcs,
                        struct error *error)
{
    unsigned device = space_channels(scan->space);
    unsigned inputs = to_pcs ? device : 3, outputs = to_pcs ? 3 : device;
    if (tag.size < 32)
        return corrupt(error, "a table ends too early");
    if (tag.data[8] != inputs || tag.data[9] != outputs)
        return corrupt(error, "a table has the wrong number of channels");
    if (has_type(tag, "mft1", 32))
        return check_plain_table(tag, inputs, outputs, 1, error);
    if (has_type(tag, "mft2", 32))
        return check_plain_table(tag, inputs, outputs, 2, error);
    if (has_type(tag, to_pcs ? "mAB " : "mBA ", 32))
        return check_element_table(tag, inputs, outputs, to_pcs, error);
    return corrupt(error, "a table of unknown type");
}

static bool check_to_pcs(struct icc_span tag, const struct icc_scan *scan, struct error *error)
{
    return check_table(tag, scan, true, error);
}

static bool check_from_pcs(struct icc_span tag, const struct icc_scan *scan, struct error *error)
{
    return check_table(tag, scan, false, error);
}

static const struct {
    char signature[5];
    bool (*check)(struct icc_span tag, const struct icc_scan *scan, struct error *error);
} known[ICC_TAG_COUNT] = {
    {"desc", check_text},       {"wtpt", check_xyz},      {"bkpt", check_xyz},
    {"chad", check_adaptation}, {"kTRC", check_curve},    {"rTRC", check_curve},
    {"gTRC", check_curve},      {"bTRC", check_curve},    {"rXYZ", check_xyz},
    {"gXYZ", check_xyz},        {"bXYZ", check_xyz},      {"A2B0", check_to_pcs},
    {"A2B1", check_to_pcs},     {"A2B2", check_to_pcs},   {"B2A0", check_from_pcs},
    {"B2A1", check_from_pcs},   {"B2A2", check_from_pcs},
};

uint32_t icc_scan_signature(unsigned tag)
{
    const char *name = known[tag].signature;
    return ICC_FOURCC(name[0], name[1], name[2], name[3]);
}

static bool scan_class(const uint8_t *header, struct error *error)
{
    switch (icc_u32(header + 12)) {
    case ICC_FOURCC('s', 'c', 'n', 'r'):
    case ICC_FOURCC('m', 'n', 't', 'r'):
    case ICC_FOURCC('p', 'r', 't', 'r'):
    case ICC_FOURCC('s', 'p', 'a', 'c'):
        return true;
    default:
        return error_set(error, ERROR_UNSUPPORTED,
                         "ICC profile: its class is not input, display, output or colour space");
    }
}

static bool scan_spaces(struct icc_scan *scan, struct error *error)
{
    const uint8_t *header = scan->profile.data;
    switch (icc_u32(header + 16)) {
    case ICC_FOURCC('G', 'R', 'A', 'Y'):
        scan->space = ICC_GREY;
        break;
    case ICC_FOURCC('R', 'G', 'B', ' '):
        scan->space = ICC_RGB;
        break;
    case ICC_FOURCC('C', 'M', 'Y', 'K'):
        scan->space = ICC_CMYK;
        break;
    default:
        return error_set(error, ERROR_UNSUPPORTED, "ICC profile: not for grey, RGB or CMYK");
    }
    uint32_t pcs = icc_u32(header + 20);
    scan->pcs_is_xyz = pcs == ICC_FOURCC('X', 'Y', 'Z', ' ');
    return scan->pcs_is_xyz || pcs == ICC_FOURCC('L', 'a', 'b', ' ') ||
           corrupt(error, "its connection space is neither XYZ nor Lab");
}

static bool scan_header(struct icc_scan *scan, struct error *error)
{
    const uint8_t *header = scan->profile.data;
    size_t size = scan->profile.size;
    if (size > ICC_MAX_BYTES)
        return error_set(error, ERROR_UNSUPPORTED, "ICC profile of %zu bytes: the limit is 4 MiB",
                         size);
    if (size < ICC_HEADER_BYTES + 4)
        return corrupt(error, "shorter than its header");
    if (icc_u32(header + 36) != ICC_FOURCC('a', 'c', 's', 'p'))
        return corrupt(error, "no signature");
    if (icc_u32(header) > size)
        return error_set(error, ERROR_CORRUPT, "ICC profile: ends after %zu of %u bytes", size,
                         icc_u32(header));
    if (header[8] < 2 || header[8] > 4)
        return error_set(error, ERROR_UNSUPPORTED, "ICC profile: version %u is not known",
                         header[8]);
    return scan_class(header, error) && scan_spaces(scan, error);
}

/* Finds the known tags. Where one stands twice, the first counts. */
static bool scan_tags(struct icc_scan *scan, struct error *error)
{
    const uint8_t *data = scan->profile.data;
    uint32_t count = icc_u32(data + ICC_HEADER_BYTES);
    if (count > ICC_MAX_TAGS || scan->profile.size - ICC_HEADER_BYTES - 4 < 12 * (size_t)count)
        return error_set(error, ERROR_CORRUPT, "ICC profile: a table of %u tags", count);
    size_t behind = ICC_HEADER_BYTES + 4 + 12 * (size_t)count;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = data + ICC_HEADER_BYTES + 4 + 12 * i;
        uint32_t offset = icc_u32(entry + 4), size = icc_u32(entry + 8);
        for (unsigned tag = 0; tag < ICC_TAG_COUNT; tag++) {
            if (icc_scan_signature(tag) != icc_u32(entry) || scan->tags[tag].data != NULL)
                continue;
            if (offset < behind || offset > scan->profile.size ||
                size > scan->profile.size - offset)
                return corrupt(error, "a tag lies outside of it");
            scan->tags[tag] = (struct icc_span){data + offset, size};
            if (!known[tag].check(scan->tags[tag], scan, error))
                return false;
        }
    }
    return true;
}

static bool has_tables(const struct icc_scan *scan)
{
    return scan->tags[ICC_TAG_TO_PCS].data != NULL || scan->tags[ICC_TAG_TO_PCS + 1].data != NULL;
}

static bool has_matrix(const struct icc_scan *scan)
{
    bool all = scan->space == ICC_RGB && scan->pcs_is_xyz;
    for (unsigned i = 0; i < 3; i++)
        all = all && scan->tags[ICC_TAG_CURVE + i].data != NULL &&
              scan->tags[ICC_TAG_COLORANT + i].data != NULL;
    return all;
}

bool icc_scan_is_matrix(const struct icc_scan *scan)
{
    return has_matrix(scan) && !has_tables(scan);
}

bool icc_scan(const struct blob *profile, struct icc_scan *scan, struct error *error)
{
    *scan = (struct icc_scan){.profile = {profile->data, profile->size}};
    if (!scan_header(scan, error) || !scan_tags(scan, error))
        return false;
    bool usable = scan->space == ICC_GREY ? scan->tags[ICC_TAG_GREY_CURVE].data != NULL
                                          : has_tables(scan) || has_matrix(scan);
    return usable || error_set(error, ERROR_UNSUPPORTED,
                               "ICC profile: neither curves with a matrix nor tables");
}

/* Curves of ENTRIES numbers of BYTES that are the identity to a thousandth. */
static bool are_lines(const uint8_t *values, size_t curves, size_t entries, size_t bytes)
{
    for (size_t i = 0; i < curves * entries; i++) {
        double value = bytes == 1 ? values[i] / 255.0 : icc_u16(values + 2 * i) / 65535.0;
        double wanted = (double)(i % entries) / (double)(entries - 1);
        if (value - wanted > 0.001 || wanted - value > 0.001)
            return false;
    }
    return true;
}

static unsigned plain_grid(struct icc_span tag, size_t inputs, size_t bytes)
{
    size_t head = bytes == 1 ? 48 : 52, in_entries = 256, out_entries = 256, grid = 3 * bytes;
    if (bytes == 2) {
        in_entries = icc_u16(tag.data + 48);
        out_entries = icc_u16(tag.data + 50);
    }
    for (size_t i = 0; i < inputs; i++)
        grid *= tag.data[10];
    const uint8_t *out = tag.data + head + inputs * in_entries * bytes + grid;
    return are_lines(out, 3, out_entries, bytes) ? tag.data[10] : 0;
}

static unsigned element_grid(struct icc_span tag, size_t inputs)
{
    uint32_t b = icc_u32(tag.data + 12), matrix = icc_u32(tag.data + 16);
    uint32_t m = icc_u32(tag.data + 20), grid = icc_u32(tag.data + 24);
    if (matrix != 0 || m != 0 || grid == 0)
        return 0;
    for (size_t i = 1; i < inputs; i++)
        if (tag.data[grid + i] != tag.data[grid])
            return 0;
    for (unsigned i = 0; b != 0 && i < 3; i++) {
        struct icc_tone tone;
        size_t size;
        if (!icc_tone_parse(span_from(tag, b), &tone, &size, NULL))
            return 0;
        for (int k = 0; k <= 16; k++) {
            double off = icc_tone_value(&tone, k / 16.0) - k / 16.0;
            if (off > 0.001 || off < -0.001)
                return 0;
        }
        b += (uint32_t)((size + 3) & ~(size_t)3);
    }
    return tag.data[grid];
}

unsigned icc_scan_grid(const struct icc_scan *scan)
{
    struct icc_span tag = scan->tags[ICC_TAG_TO_PCS + 1];
    if (tag.data == NULL)
        tag = scan->tags[ICC_TAG_TO_PCS];
    size_t inputs = space_channels(scan->space);
    if (tag.data == NULL)
        return 0;
    if (has_type(tag, "mAB ", 32))
        return element_grid(tag, inputs);
    return plain_grid(tag, inputs, has_type(tag, "mft1", 32) ? 1 : 2);
}
