/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_tables.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

const uint8_t jpeg_zigzag[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* ITU-T T.81, tables K.1 and K.2. */
static const uint8_t example_luma[64] = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
};
static const uint8_t example_chroma[64] = {
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
};

/* Sum of the differences between TABLE and EXAMPLE at QUALITY. The larger steps of the lowest
 * qualities are cut to 8 bits by most writers, so that both count as equal. */
static long table_distance(const uint16_t table[64], const uint8_t example[64], int quality)
{
    long scale = quality < 50 ? 5000 / quality : 200 - 2 * quality, distance = 0;
    for (int i = 0; i < 64; i++) {
        long step = (example[i] * scale + 50) / 100;
        step = step < 1 ? 1 : step > 255 ? 255 : step;
        distance += labs(step - (table[i] > 255 ? 255 : table[i]));
    }
    return distance;
}

int jpeg_tables_quality(const uint16_t luma[64], const uint16_t chroma[64])
{
    int best = 1;
    long least = -1;
    for (int quality = 100; quality >= 1; quality--) {
        long distance = table_distance(luma, example_luma, quality);
        if (chroma != NULL)
            distance += table_distance(chroma, example_chroma, quality);
        if (least < 0 || distance < least) {
            least = distance;
            best = quality;
        }
    }
    return best;
}

/* The energy of c below frequency f is the integral of |C|^2 from -f to f, with C the Fourier
 * transform of c: the sum over all x and y of c(x) c(y) sin(2 pi f (x - y)) / (pi (x - y)). */
void jpeg_tables_visible_share(double ratio, double share[8])
{
    double kernel[8], nyquist = 0.5 / (ratio < 1 ? 1 : ratio);
    kernel[0] = 2 * nyquist;
    for (int d = 1; d < 8; d++)
        kernel[d] = sin(2 * M_PI * nyquist * d) / (M_PI * d);
    for (int u = 0; u < 8; u++) {
        double wave[8];
        for (int x = 0; x < 8; x++)
            wave[x] = sqrt(u == 0 ? 0.125 : 0.25) * cos((2 * x + 1) * u * M_PI / 16);
        share[u] = 0;
        for (int x = 0; x < 8; x++)
            for (int y = 0; y < 8; y++)
                share[u] += wave[x] * wave[y] * kernel[x > y ? x - y : y - x];
    }
}
