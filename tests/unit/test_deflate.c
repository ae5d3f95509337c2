/* SPDX-License-Identifier: MIT */
/* Bands: the same bytes wherever the encoder lies in memory, and they come back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/deflate.h"
#include "tap.h"

enum { ENCODERS = 64, PATTERNS = 6, LARGEST = 100000 };

static uint32_t random_state;

static uint32_t random_next(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return random_state >> 16;
}

/* Bytes that compress in different ways, some not at all. */
static void fill(uint8_t *data, size_t size, int pattern)
{
    for (size_t i = 0; i < size; i++) {
        uint32_t r = random_next();
        switch (pattern) {
        case 0: /* sparse, with all values */
            data[i] = r % 8 != 0 ? 0 : (uint8_t)random_next();
            break;
        case 1: /* few values */
            data[i] = (uint8_t)(r % 3);
            break;
        case 2: /* runs */
            data[i] = (uint8_t)(i / 7 * 5);
            break;
        case 3: /* noise */
            data[i] = (uint8_t)r;
            break;
        case 4: /* noise around 0, as filtered pixels */
            data[i] = (uint8_t)(r % 9 - random_next() % 5);
            break;
        default:
            data[i] = 0;
            break;
        }
    }
}

/* Whether USED bytes at BAND, a stream of one band, give DATA. */
static bool comes_back(const uint8_t *band, size_t used, const uint8_t *data, size_t size)
{
    static uint8_t stream[2 * LARGEST + 8192], back[LARGEST + 1];
    deflate_header(stream);
    memcpy(stream + DEFLATE_HEADER_BYTES, band, used);
    deflate_trailer(stream + DEFLATE_HEADER_BYTES + used, deflate_adler32(data, size));
    struct error error = {0};
    struct deflate_decoder *decoder = deflate_decoder_new(&error);
    if (decoder == NULL)
        return false;
    const uint8_t *in = stream;
    size_t in_size = DEFLATE_HEADER_BYTES + used + DEFLATE_TRAILER_BYTES;
    uint8_t *out = back;
    size_t out_size = sizeof back;
    enum deflate_status status = deflate_decode(decoder, &in, &in_size, &out, &out_size);
    deflate_decoder_free(decoder);
    return status == DEFLATE_END && (size_t)(out - back) == size && memcmp(back, data, size) == 0;
}

/* The default finds out what becomes small by runs, and what by matches far back. */
static void test_sample(void)
{
    static uint8_t data[LARGEST], out[2 * LARGEST];
    struct error error = {0};
    struct deflate_encoder *encoder =
        deflate_encoder_new(deflate_effort_of(-1), LARGEST, &error);
    if (!tap_ok(encoder != NULL, "an encoder"))
        return;
    fill(data, LARGEST, 3);
    for (size_t i = 1000; i < LARGEST; i++)
        data[i] = data[i - 1000];
    size_t used = deflate_band(encoder, data, LARGEST, out);
    tap_ok(used < LARGEST / 20 && comes_back(out, used, data, LARGEST), "repeated noise: %zu",
           used);
    /* One byte in 64 is not 0, and any: 8 bits, and not quite one for where. */
    for (size_t i = 0; i < LARGEST; i++)
        data[i] = random_next() % 64 == 0 ? (uint8_t)random_next() : 0;
    used = deflate_band(encoder, data, LARGEST, out);
    tap_ok(used < LARGEST / 64 * 2 + 1500 && comes_back(out, used, data, LARGEST),
           "sparse noise: %zu", used);
    deflate_encoder_free(encoder);
}

int main(void)
{
    static const size_t sizes[] = {1,    2,    3,     4,     5,     8,      15,  16,  17,
                                   18,   20,   30,    31,    32,    33,     40,  50,  60,
                                   80,   100,  150,   200,   257,   400,    700, 999, 1500,
                                   3000, 9999, 32767, 33000, 70000, LARGEST};
    static uint8_t data[LARGEST], first[2 * LARGEST], other[2 * LARGEST];
    for (int effort = 0; effort <= 4; effort += 2) {
        /* All kept: each lies at another address, and mostly far apart. */
        struct deflate_encoder *encoders[ENCODERS];
        struct error error = {0};
        bool made = true;
        for (int i = 0; i < ENCODERS; i++)
            made &= (encoders[i] =
                         deflate_encoder_new(deflate_effort_of(effort), LARGEST, &error)) != NULL;
        if (!tap_ok(made, "effort %d: encoders", effort))
            return tap_done();
        for (int pattern = 0; pattern < PATTERNS; pattern++) {
            size_t differ = 0, wrong = 0;
            for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
                size_t size = sizes[s];
                for (int repeat = size <= 400 ? 8 : 1; repeat > 0; repeat--) {
                    fill(data, size, pattern);
                    size_t used = deflate_band(encoders[0], data, size, first);
                    wrong += used == 0 || !comes_back(first, used, data, size);
                    for (int i = 1; i < (size <= 400 ? ENCODERS : 6); i++)
                        differ += deflate_band(encoders[i], data, size, other) != used ||
                                  memcmp(first, other, used) != 0;
                }
            }
            tap_ok(wrong == 0, "effort %d, pattern %d: the data come back (%zu do not)", effort,
                   pattern, wrong);
            tap_ok(differ == 0, "effort %d, pattern %d: the same at each address (%zu are not)",
                   effort, pattern, differ);
        }
        for (int i = 0; i < ENCODERS; i++)
            deflate_encoder_free(encoders[i]);
    }
    test_sample();
    return tap_done();
}
