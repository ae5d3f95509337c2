/* SPDX-License-Identifier: MIT */
/* Eigenvalues of symmetric matrices. */
#include "color/matrix.h"

#include <math.h>

#include "tap.h"

static unsigned state = 1;

static double random_share(void)
{
    state = state * 1664525u + 1013904223u;
    return (double)(state >> 8) / 16777216.0;
}

static double distance(const double one[3][3], const double two[3][3])
{
    double most = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            most = fmax(most, isnan(one[i][j]) ? 1e9 : fabs(one[i][j] - two[i][j]));
    return most;
}

/* [2 -1 0; -1 2 -1; 0 -1 2] has 2 and 2 +- sqrt(2): the textbook's second difference. */
static void check_known(void)
{
    const double m[3][3] = {{2, -1, 0}, {-1, 2, -1}, {0, -1, 2}};
    double values[3], vectors[3][3];
    matrix_eigen(m, values, vectors);
    tap_ok(fabs(values[0] - 2 - sqrt(2)) < 1e-14 && fabs(values[1] - 2) < 1e-14 &&
               fabs(values[2] - 2 + sqrt(2)) < 1e-14,
           "second difference: %.15g %.15g %.15g", values[0], values[1], values[2]);
    tap_ok(fabs(fabs(vectors[0][1]) - sqrt(0.5)) < 1e-14 && fabs(vectors[1][1]) < 1e-14,
           "its middle eigenvector is (1 0 -1)");
}

static void check_random(double scale, bool singular)
{
    double off = 0, skew = 0;
    bool sorted = true;
    for (int n = 0; n < 1000; n++) {
        double m[3][3], values[3], vectors[3][3], again[3][3], turned[3][3], product[3][3];
        const double unit[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
        double v[3] = {random_share() - 0.5, random_share() - 0.5, random_share() - 0.5};
        for (int i = 0; i < 3; i++)
            for (int j = i; j < 3; j++)
                m[i][j] = m[j][i] = scale * (singular ? v[i] * v[j] : random_share() - 0.5);
        matrix_eigen(m, values, vectors);
        matrix_of_eigen(values, vectors, again);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++)
                turned[i][j] = vectors[j][i];
        matrix_multiply(turned, vectors, product);
        off = fmax(off, distance(m, again) / scale);
        skew = fmax(skew, distance(product, unit));
        sorted = sorted && values[0] >= values[1] && values[1] >= values[2];
    }
    tap_ok(off < 1e-14 && skew < 1e-14 && sorted, "%s matrices of %g: off by %.2g, skew %.2g",
           singular ? "singular" : "symmetric", scale, off, skew);
}

int main(void)
{
    const double zero[3][3] = {{0}};
    double values[3], vectors[3][3];
    check_known();
    check_random(1, false);
    check_random(1e-12, false);
    check_random(1e12, true);
    matrix_eigen(zero, values, vectors);
    tap_ok(values[0] == 0 && values[2] == 0 && vectors[0][0] == 1, "nothing stays nothing");
    return tap_done();
}
