/* SPDX-License-Identifier: MIT */
#include "color/matrix.h"

#include <math.h>

void matrix_multiply(const double a[3][3], const double b[3][3], double product[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            product[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

void matrix_apply(const double m[3][3], const double in[3], double out[3])
{
    double x = in[0], y = in[1], z = in[2];
    for (int i = 0; i < 3; i++)
        out[i] = m[i][0] * x + m[i][1] * y + m[i][2] * z;
}

bool matrix_invert(const double m[3][3], double inverse[3][3])
{
    /* By cofactors. */
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int a = (j + 1) % 3, b = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
            inverse[i][j] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
        }
    double determinant =
        m[0][0] * inverse[0][0] + m[0][1] * inverse[1][0] + m[0][2] * inverse[2][0];
    if (!(fabs(determinant) > 1e-6))
        return false;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            inverse[i][j] /= determinant;
    return true;
}

void matrix_adapt(const double from[3], const double to[3], double m[3][3])
{
    static const double bradford[3][3] = {
        {0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}};
    double from_cone[3], to_cone[3], scaled[3][3], back[3][3];
    matrix_apply(bradford, from, from_cone);
    matrix_apply(bradford, to, to_cone);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            scaled[i][j] = bradford[i][j] * to_cone[i] / from_cone[i];
    matrix_invert(bradford, back);
    matrix_multiply(back, scaled, m);
}

bool matrix_of_primaries(const double xy[8], double m[3][3])
{
    double inverse[3][3], scale[3];
    const double white[3] = {xy[6] / xy[7], 1, (1 - xy[6] - xy[7]) / xy[7]};
    for (int j = 0; j < 3; j++) {
        m[0][j] = xy[2 * j];
        m[1][j] = xy[2 * j + 1];
        m[2][j] = 1 - xy[2 * j] - xy[2 * j + 1];
    }
    if (!matrix_invert(m, inverse))
        return false;
    matrix_apply(inverse, white, scale);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            m[i][j] *= scale[j];
    return true;
}

/* Turns axes P and Q so that M[P][Q] becomes 0; VECTORS turns along. */
static void eigen_rotate(double m[3][3], double vectors[3][3], int p, int q)
{
    if (m[p][q] == 0)
        return;
    double theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
    double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < 3; i++) {
        double a = m[i][p], b = m[i][q];
        m[i][p] = c * a - s * b;
        m[i][q] = s * a + c * b;
    }
    for (int i = 0; i < 3; i++) {
        double a = m[p][i], b = m[q][i];
        m[p][i] = c * a - s * b;
        m[q][i] = s * a + c * b;
        a = vectors[i][p];
        b = vectors[i][q];
        vectors[i][p] = c * a - s * b;
        vectors[i][q] = s * a + c * b;
    }
    m[p][q] = m[q][p] = 0;
}

static void eigen_swap(double values[3], double vectors[3][3], int p, int q)
{
    if (values[p] >= values[q])
        return;
    double value = values[p];
    values[p] = values[q];
    values[q] = value;
    for (int i = 0; i < 3; i++) {
        value = vectors[i][p];
        vectors[i][p] = vectors[i][q];
        vectors[i][q] = value;
    }
}

void matrix_eigen(const double m[3][3], double values[3], double vectors[3][3])
{
    double work[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            work[i][j] = i <= j ? m[i][j] : m[j][i];
            vectors[i][j] = i == j;
        }
    /* Converges quadratically; 6 sweeps are more than doubles can tell apart. */
    for (int sweep = 0; sweep < 8; sweep++) {
        eigen_rotate(work, vectors, 0, 1);
        eigen_rotate(work, vectors, 0, 2);
        eigen_rotate(work, vectors, 1, 2);
    }
    for (int i = 0; i < 3; i++)
        values[i] = work[i][i];
    eigen_swap(values, vectors, 0, 1);
    eigen_swap(values, vectors, 0, 2);
    eigen_swap(values, vectors, 1, 2);
}

void matrix_of_eigen(const double values[3], const double vectors[3][3], double m[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double sum = 0;
            for (int k = 0; k < 3; k++)
                sum += vectors[i][k] * values[k] * vectors[j][k];
            m[i][j] = sum;
        }
}
