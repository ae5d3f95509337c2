/* SPDX-License-Identifier: MIT */
/* Affine transfers from means and covariances, and rotations. */
#include <math.h>

#include "color/matrix.h"
#include "ops/transfer_parts.h"

/* Deviations are taken as at least this share of a step of 8 bits, on both sides. Directions in
 * which neither varies thus keep a gain of 1, and none is divided by 0. */
#define LEAST_DEVIATION 0.1

/* MATRIX with f(eigenvalue) for each eigenvalue, which is taken as LEAST at the least. */
static void map_eigenvalues(const double matrix[3][3], double least, double (*f)(double value),
                            double result[3][3])
{
    double values[3], vectors[3][3];
    matrix_eigen(matrix, values, vectors);
    for (int i = 0; i < 3; i++)
        values[i] = f(fmax(values[i], least));
    matrix_of_eigen(values, vectors, result);
}

static double itself(double value)
{
    return value;
}

static double root(double value)
{
    return sqrt(value);
}

static double inverse_root(double value)
{
    return 1 / sqrt(value);
}

static double limited(double gain)
{
    return fmin(gain, TRANSFER_MOST_GAIN);
}

static void product3(const double outer[3][3], const double inner[3][3], double result[3][3])
{
    double half[3][3];
    matrix_multiply(inner, outer, half);
    matrix_multiply(outer, half, result);
}

void transfer_mkl(const struct transfer_moments *source, const struct transfer_moments *reference,
                  double code, struct affine *map)
{
    double least = code * code * LEAST_DEVIATION * LEAST_DEVIATION;
    double deviation[3][3], inverse[3][3], wanted[3][3], middle[3][3], gain[3][3];
    map_eigenvalues(source->covariance, least, root, deviation);
    map_eigenvalues(source->covariance, least, inverse_root, inverse);
    map_eigenvalues(reference->covariance, least, itself, wanted);
    product3(deviation, wanted, middle);
    map_eigenvalues(middle, 0, root, middle);
    product3(inverse, middle, gain);
    map_eigenvalues(gain, 0, limited, gain);
    *map = affine_around(gain, source->mean, reference->mean);
}

void transfer_reinhard(const struct transfer_moments *source,
                       const struct transfer_moments *reference, double code, struct affine *map)
{
    double gain[3][3] = {{0}}, least = code * LEAST_DEVIATION;
    for (int i = 0; i < 3; i++) {
        double from = fmax(sqrt(fmax(source->covariance[i][i], 0)), least);
        double to = fmax(sqrt(fmax(reference->covariance[i][i], 0)), least);
        gain[i][i] = limited(to / from);
    }
    *map = affine_around(gain, source->mean, reference->mean);
}

/* Place INDEX of van der Corput's sequence: the digits of INDEX behind the point, mirrored. */
static double halton(unsigned index, unsigned base)
{
    double place = 0, digit = 1;
    for (; index > 0; index /= base) {
        digit /= base;
        place += digit * (index % base);
    }
    return place;
}

void transfer_frame(unsigned index, double frame[3][3])
{
    double a = halton(index, 2), b = 2 * M_PI * halton(index, 3), c = 2 * M_PI * halton(index, 5);
    double x = sqrt(a) * sin(c), y = sqrt(1 - a) * sin(b);
    double z = sqrt(a) * cos(c), w = sqrt(1 - a) * cos(b);
    if (index == 0)
        x = y = z = 0, w = 1;
    const double turned[3][3] = {
        {1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)},
        {2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)},
        {2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)},
    };
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            frame[i][j] = turned[i][j];
}
