/* SPDX-License-Identifier: MIT */
/* Weights of pixels, and moments over all of them. */
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/threads.h"
#include "color/icc.h"
#include "ops/transfer_parts.h"

/* Pixels at a time. 256 weighted squares of bytes, 255^3 each, still fit into 32 bits. */
enum { CHUNK = 256, LANES = 8, BAND_ROWS = 32, SUMS = 10 };

static const float max_of_depth[] = {[8] = 255, [16] = 65535};

bool transfer_input_open(struct transfer_input *input, const struct transfer_side *side,
                         unsigned threads, struct error *error)
{
    const struct image *image = side->image, *mask = side->mask;
    *input = (struct transfer_input){
        .side = side, .weighted = mask || image->shape.alpha, .threads = threads};
    if (mask && mask->shape.color != IMAGE_GREY)
        return error_set(error, ERROR_UNSUPPORTED, "the mask is not a grey image");
    if (mask &&
        (mask->shape.width != image->shape.width || mask->shape.height != image->shape.height))
        return error_set(error, ERROR_UNSUPPORTED, "the mask is %ux%u, its image %ux%u",
                         mask->shape.width, mask->shape.height, image->shape.width,
                         image->shape.height);
    return pixel_reader_open(&input->reader, image, 0, error);
}

void transfer_input_close(struct transfer_input *input)
{
    pixel_reader_close(&input->reader);
}

/* Multiplies WEIGHT by samples of row Y, of which CHANNEL is looked at. */
static void weigh(const struct image *image, unsigned channel, uint32_t x, uint32_t y, size_t count,
                  float *weight)
{
    size_t channels = image_channels(&image->shape);
    float scale = 1 / max_of_depth[image->shape.depth];
    const uint8_t *row = image_row(image, y);
    const uint16_t *row16 = (const uint16_t *)(const void *)row;
    if (image->shape.depth == 8)
        for (size_t i = 0; i < count; i++)
            weight[i] *= (float)row[(x + i) * channels + channel] * scale;
    else
        for (size_t i = 0; i < count; i++)
            weight[i] *= (float)row16[(x + i) * channels + channel] * scale;
}

void transfer_input_weights(const struct transfer_input *input, uint32_t x, uint32_t y,
                            size_t count, float *weight)
{
    const struct image *image = input->side->image;
    for (size_t i = 0; i < count; i++)
        weight[i] = 1;
    if (image->shape.alpha)
        weigh(image, image_channels(&image->shape) - 1, x, y, count, weight);
    if (input->side->mask)
        weigh(input->side->mask, 0, x, y, count, weight);
}

/* A band's sums: whole numbers for bytes, else doubles. */
struct band_sums {
    uint64_t bytes[SUMS];
    double lanes[SUMS][LANES];
};

struct survey {
    const struct transfer_input *input;
    const struct transfer_basis *basis;
    struct band_sums *bands;
};

MULTIVERSION
static void sum_opaque(const int16_t *restrict a, const int16_t *restrict b,
                       const int16_t *restrict c, uint64_t sums[SUMS])
{
    int32_t s[SUMS] = {CHUNK};
    for (int i = 0; i < CHUNK; i++) {
        s[1] += a[i];
        s[2] += b[i];
        s[3] += c[i];
        s[4] += a[i] * a[i];
        s[5] += a[i] * b[i];
        s[6] += a[i] * c[i];
        s[7] += b[i] * b[i];
        s[8] += b[i] * c[i];
        s[9] += c[i] * c[i];
    }
    for (int k = 0; k < SUMS; k++)
        sums[k] += (uint64_t)s[k] * 255;
}

MULTIVERSION
static void sum_weighted(const int16_t *restrict a, const int16_t *restrict b,
                         const int16_t *restrict c, const int16_t *restrict w, uint64_t sums[SUMS])
{
    uint32_t s[SUMS] = {0};
    for (int i = 0; i < CHUNK; i++) {
        uint32_t x = (uint32_t)a[i], y = (uint32_t)b[i], z = (uint32_t)c[i], u = (uint32_t)w[i];
        uint32_t ux = u * x, uy = u * y, uz = u * z;
        s[0] += u;
        s[1] += ux;
        s[2] += uy;
        s[3] += uz;
        s[4] += ux * x;
        s[5] += ux * y;
        s[6] += ux * z;
        s[7] += uy * y;
        s[8] += uy * z;
        s[9] += uz * z;
    }
    for (int k = 0; k < SUMS; k++)
        sums[k] += s[k];
}

/* Interleaved bytes to planes, of which the last is alpha where there is one. */
MULTIVERSION
static void split_bytes(const uint8_t *restrict bytes, size_t channels, int16_t *const plane[4],
                        size_t count)
{
    int16_t *restrict a = plane[0], *restrict b = plane[1], *restrict c = plane[2];
    int16_t *restrict w = plane[3];
    if (channels == 3) {
        for (size_t i = 0; i < count; i++) {
            a[i] = bytes[3 * i];
            b[i] = bytes[3 * i + 1];
            c[i] = bytes[3 * i + 2];
        }
        return;
    }
    if (channels == 4) {
        for (size_t i = 0; i < count; i++) {
            a[i] = bytes[4 * i];
            b[i] = bytes[4 * i + 1];
            c[i] = bytes[4 * i + 2];
            w[i] = bytes[4 * i + 3];
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        a[i] = b[i] = c[i] = bytes[channels * i];
        w[i] = bytes[channels * i + channels - 1];
    }
}

/* 255 or 0 where all weights are, else -1. */
static int common_weight(const int16_t *weight)
{
    int all = 255, any = 0;
    for (int i = 0; i < CHUNK; i++) {
        all &= weight[i];
        any |= weight[i];
    }
    return any == 0 ? 0 : all == 255 ? 255 : -1;
}

static void band_bytes(const struct survey *survey, uint32_t y, struct band_sums *sums)
{
    const struct image *image = survey->input->side->image;
    size_t channels = image_channels(&image->shape), width = image->shape.width;
    int16_t planes[4][CHUNK];
    int16_t *const plane[4] = {planes[0], planes[1], planes[2], planes[3]};
    bool alpha = image->shape.alpha;
    for (size_t x = 0; x < width; x += CHUNK) {
        size_t part = width - x < CHUNK ? width - x : CHUNK;
        split_bytes(image_row(image, y) + x * channels, channels, plane, part);
        for (size_t i = 0; !alpha && i < CHUNK; i++)
            planes[3][i] = 255;
        for (size_t i = part; i < CHUNK; i++)
            planes[0][i] = planes[1][i] = planes[2][i] = planes[3][i] = 0;
        int common = common_weight(planes[3]);
        if (common == 255)
            sum_opaque(planes[0], planes[1], planes[2], sums->bytes);
        else if (common != 0)
            sum_weighted(planes[0], planes[1], planes[2], planes[3], sums->bytes);
    }
}

/* Sums in lanes: their order is fixed, and yet several go at a time. */
MULTIVERSION
static void sum_floats(const float *restrict a, const float *restrict b, const float *restrict c,
                       const float *restrict w, size_t count, double lanes[SUMS][LANES])
{
    for (size_t i = 0; i < count; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            double x = a[i + j], y = b[i + j], z = c[i + j], u = w[i + j];
            double ux = u * x, uy = u * y, uz = u * z;
            lanes[0][j] += u;
            lanes[1][j] += ux;
            lanes[2][j] += uy;
            lanes[3][j] += uz;
            lanes[4][j] += ux * x;
            lanes[5][j] += ux * y;
            lanes[6][j] += ux * z;
            lanes[7][j] += uy * y;
            lanes[8][j] += uy * z;
            lanes[9][j] += uz * z;
        }
}

static void band_floats(const struct survey *survey, uint32_t y, struct band_sums *sums)
{
    float planes[4][CHUNK];
    float *const v[3] = {planes[0], planes[1], planes[2]};
    uint32_t width = survey->input->side->image->shape.width;
    for (uint32_t x = 0; x < width; x += CHUNK) {
        size_t part = width - x < CHUNK ? width - x : CHUNK;
        transfer_input_weights(survey->input, x, y, part, planes[3]);
        pixel_reader_linear(&survey->input->reader, x, y, part, v, NULL);
        transfer_basis_bend(survey->basis, v, part);
        for (; part % LANES > 0; part++)
            planes[0][part] = planes[1][part] = planes[2][part] = planes[3][part] = 0;
        sum_floats(planes[0], planes[1], planes[2], planes[3], part, sums->lanes);
    }
}

/* Codes as they are stored are what the sums want. */
static bool is_plain(const struct survey *survey)
{
    const struct image *image = survey->input->side->image;
    return image->shape.depth == 8 && !survey->input->reader.transform &&
           !survey->input->side->mask && survey->basis->curve == CURVE_SRGB;
}

static void sum_band(void *context, size_t index)
{
    const struct survey *survey = context;
    const struct image *image = survey->input->side->image;
    uint32_t first = (uint32_t)index * BAND_ROWS, end = image->shape.height;
    end = end - first > BAND_ROWS ? first + BAND_ROWS : end;
    bool plain = is_plain(survey);
    for (uint32_t y = first; y < end; y++)
        (plain ? band_bytes : band_floats)(survey, y, &survey->bands[index]);
}

/* The bands' sums in units of 1. */
static void add_bands(const struct survey *survey, size_t count, double sums[SUMS])
{
    bool plain = is_plain(survey);
    for (int k = 0; k < SUMS; k++) {
        uint64_t whole = 0;
        double sum = 0;
        for (size_t band = 0; band < count; band++) {
            whole += survey->bands[band].bytes[k];
            for (int lane = 0; lane < LANES; lane++)
                sum += survey->bands[band].lanes[k][lane];
        }
        double unit = k == 0 ? 255.0 : k < 4 ? 255.0 * 255 : 255.0 * 255 * 255;
        sums[k] = plain ? (double)whole / unit : sum;
    }
}

bool transfer_moments_of(const struct transfer_input *input, const struct transfer_basis *basis,
                         struct transfer_moments *moments, struct error *error)
{
    double sums[SUMS];
    size_t count = (input->side->image->shape.height - 1) / BAND_ROWS + 1;
    struct survey survey = {.input = input, .basis = basis};
    survey.bands = memory_zeroed(count, sizeof *survey.bands, error);
    if (!survey.bands)
        return false;
    threads_for(input->threads, count, sum_band, &survey);
    add_bands(&survey, count, sums);
    free(survey.bands);
    if (!(sums[0] > 0))
        return error_set(error, ERROR_UNSUPPORTED,
                         "no pixel counts: all are transparent or masked");
    transfer_moments_set(moments, sums);
    transfer_moments_map(moments, &basis->axes);
    return true;
}

void transfer_moments_set(struct transfer_moments *moments, const double sums[SUMS])
{
    static const int place[3][3] = {{4, 5, 6}, {5, 7, 8}, {6, 8, 9}};
    moments->weight = sums[0];
    for (int i = 0; i < 3; i++)
        moments->mean[i] = sums[i + 1] / sums[0];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            moments->covariance[i][j] =
                sums[place[i][j]] / sums[0] - moments->mean[i] * moments->mean[j];
}

void transfer_moments_map(struct transfer_moments *moments, const struct affine *map)
{
    double mean[3], covariance[3][3];
    for (int i = 0; i < 3; i++) {
        mean[i] = map->m[i][3];
        for (int j = 0; j < 3; j++) {
            mean[i] += map->m[i][j] * moments->mean[j];
            covariance[i][j] = 0;
            for (int k = 0; k < 3; k++)
                for (int l = 0; l < 3; l++)
                    covariance[i][j] += map->m[i][k] * moments->covariance[k][l] * map->m[j][l];
        }
    }
    memcpy(moments->mean, mean, sizeof mean);
    memcpy(moments->covariance, covariance, sizeof covariance);
}
