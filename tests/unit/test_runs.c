/* SPDX-License-Identifier: MIT */
/* Runs and Huffman codes: zlib must read them, and makes no shorter ones. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec/runs.h"
#include "tap.h"

enum { LARGEST = 300000, GUARD = 0xa5, GUARD_BYTES = 16 };

static uint32_t random_state = 1;
static struct runs_encoder *encoder;
static uint8_t *data, *out, *back;

static uint32_t random_next(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* Whether zlib reads the USED bytes at OUT as DATA. */
static bool comes_back(size_t size, size_t used)
{
    z_stream zlib = {.next_in = out, .avail_in = (uInt)used};
    zlib.next_out = back;
    zlib.avail_out = LARGEST + 1;
    if (inflateInit2(&zlib, -MAX_WBITS) != Z_OK)
        return false;
    int status = inflate(&zlib, Z_SYNC_FLUSH);
    size_t got = zlib.total_out, left = zlib.avail_in;
    inflateEnd(&zlib);
    return status == Z_OK && left == 0 && got == size && memcmp(back, data, size) == 0;
}

/* Encodes SIZE bytes of DATA; 0 where the result is wrong or too long. */
static size_t encoded(size_t size)
{
    size_t room = runs_bound(size);
    memset(out + room, GUARD, GUARD_BYTES);
    size_t used = runs_encode(encoder, data, size, out);
    for (int i = 0; i < GUARD_BYTES; i++)
        if (out[room + (size_t)i] != GUARD)
            return 0;
    return used <= room && comes_back(size, used) ? used : 0;
}

/* Runs of every length, at every place of a word, between other bytes. */
static void test_lengths(void)
{
    unsigned wrong = 0;
    for (int byte = 0; byte < 2; byte++)
        for (size_t length = 1; length <= 1100; length += length < 530 ? 1 : 7)
            for (size_t before = 0; before < 9; before++) {
                size_t size = 0;
                for (size_t i = 0; i < before; i++)
                    data[size++] = (uint8_t)(17 * i + 3);
                memset(data + size, byte * 200, length);
                size += length;
                for (size_t i = 0; i < before * 5 % 9; i++)
                    data[size++] = (uint8_t)(29 * i + 1);
                wrong += encoded(size) == 0;
            }
    tap_ok(wrong == 0, "runs of 1 to 1100 bytes (%u wrong)", wrong);
}

static void test_sizes(void)
{
    unsigned wrong = 0;
    for (size_t size = 1; size <= LARGEST; size += 1 + size / 5)
        for (unsigned range = 1; range <= 256; range *= 4)
            for (unsigned stay = 1; stay <= 64; stay *= 8) {
                uint8_t value = 0;
                for (size_t i = 0; i < size; i++) {
                    if (i == 0 || random_next() % stay == 0)
                        value = (uint8_t)(random_next() % range);
                    data[i] = value;
                }
                wrong += encoded(size) == 0;
            }
    tap_ok(wrong == 0, "all sizes, many and few values, long and short runs (%u wrong)", wrong);
}

/* Counts that grow like Fibonacci's numbers make the deepest trees: 24 levels below. */
static void test_deep(void)
{
    size_t size = 0, count = 1, last = 1;
    for (unsigned symbol = 1; size + count < 64000; symbol++) {
        memset(data + size, (int)(symbol * 5), count);
        size += count;
        size_t next = count + last;
        last = count;
        count = next;
    }
    for (size_t i = size - 1; i > 0; i--) {
        size_t other = random_next() % (i + 1);
        uint8_t byte = data[i];
        data[i] = data[other];
        data[other] = byte;
    }
    tap_ok(encoded(size) > 0, "a tree deeper than codes may be long");
}

/* What zlib makes of SIZE bytes of DATA by Huffman codes alone. */
static size_t by_zlib(size_t size)
{
    z_stream zlib = {.next_in = data, .avail_in = (uInt)size};
    zlib.next_out = back;
    zlib.avail_out = LARGEST;
    if (deflateInit2(&zlib, 9, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL, Z_HUFFMAN_ONLY) != Z_OK)
        return 0;
    deflate(&zlib, Z_FINISH);
    size_t used = zlib.total_out;
    deflateEnd(&zlib);
    return used;
}

/* Bytes of a geometric distribution, without runs that are worth it. */
static void test_codes(void)
{
    for (unsigned thousandths = 300; thousandths < 1000; thousandths += 69) {
        for (size_t i = 0; i < LARGEST; i++) {
            unsigned value = i % 3 == 0;
            while (value < 255 && random_next() % 1000 < thousandths)
                value += 2;
            data[i] = (uint8_t)(value * 7);
        }
        size_t used = encoded(LARGEST), zlib = by_zlib(LARGEST);
        tap_ok(used > 0 && used < zlib + zlib / 200, "ratio 0.%u: %zu bytes, zlib %zu", thousandths,
               used, zlib);
    }
}

static void test_noise(void)
{
    for (size_t i = 0; i < LARGEST; i++)
        data[i] = (uint8_t)random_next();
    size_t used = encoded(LARGEST);
    tap_ok(used > 0 && used < LARGEST + 100, "noise does not grow: %zu of %d", used, LARGEST);
    memset(data, 0, LARGEST);
    used = encoded(LARGEST);
    tap_ok(used > 0 && used < LARGEST / 258 / 4 + 100, "zeros: %zu of %d", used, LARGEST);
}

int main(void)
{
    size_t room = runs_bound(LARGEST) + GUARD_BYTES;
    encoder = runs_encoder_new(NULL);
    data = malloc(LARGEST);
    out = malloc(room);
    back = malloc(LARGEST + 1);
    if (encoder == NULL || data == NULL || out == NULL || back == NULL)
        return 71;
    test_lengths();
    test_sizes();
    test_deep();
    test_codes();
    test_noise();
    runs_encoder_free(encoder);
    free(data);
    free(out);
    free(back);
    return tap_done();
}
