/* SPDX-License-Identifier: MIT */
/* CIEDE2000 of rows in single precision, against the formula with angles in double precision. */
#include "ops/ciede.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "color/lab.h"
#include "tap.h"

enum { COUNT = 1000, ROUNDS = 100 };

static const double plain[3] = {1, 1, 1};
static uint32_t state = 1;

/* -1 to 1; Numerical Recipes' linear congruential generator. */
static float random_share(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (float)(1 << 23) - 1;
}

/* COUNT pairs up to CHROMA on either axis and up to APART from each other. */
static void fill(float planes[6][COUNT], float chroma, float apart)
{
    for (int i = 0; i < COUNT; i++) {
        planes[0][i] = 50 + 50 * random_share();
        planes[1][i] = chroma * random_share();
        planes[2][i] = chroma * random_share();
        for (int k = 0; k < 3; k++)
            planes[k + 3][i] = planes[k][i] + apart * random_share();
    }
}

static double exact(float planes[6][COUNT], size_t i)
{
    const double one[3] = {planes[0][i], planes[1][i], planes[2][i]};
    const double two[3] = {planes[3][i], planes[4][i], planes[5][i]};
    return lab_ciede2000_by_angles(one, two, plain);
}

/* *WORST error of a pixel, and its share of it that all have in common. */
static double measure(float chroma, float apart, double *worst)
{
    static float planes[6][COUNT], difference[COUNT];
    static uint32_t doubtful[COUNT];
    const float *const one[3] = {planes[0], planes[1], planes[2]};
    const float *const two[3] = {planes[3], planes[4], planes[5]};
    double sum = 0;
    *worst = 0;
    for (int round = 0; round < ROUNDS; round++) {
        fill(planes, chroma, apart);
        size_t doubts = ciede2000_row_doubtful(one, two, difference, COUNT, doubtful), next = 0;
        for (size_t i = 0; i < COUNT; i++) {
            if (next < doubts && doubtful[next] == i) {
                next++;
                continue;
            }
            double error = (double)difference[i] - exact(planes, i);
            sum += error;
            *worst = fmax(*worst, fabs(error));
        }
    }
    return sum / COUNT / ROUNDS;
}

static void test_errors(void)
{
    static const struct {
        const char *what;
        float chroma, apart;
        double worst, mean;
    } cases[] = {
        {"anything", 128, 128, 0.001, 2e-5},      {"near colours", 100, 2, 1e-4, 1e-6},
        {"nearly equal colours", 100, 0.02f, 1e-5, 1e-7}, {"greys", 0.01f, 1, 0.001, 1e-5},
        {"beyond any screen", 400, 50, 0.001, 2e-5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double worst, mean = measure(cases[i].chroma, cases[i].apart, &worst);
        tap_ok(worst < cases[i].worst && fabs(mean) < cases[i].mean,
               "%s: each within %g: %g; on average %g", cases[i].what, cases[i].worst, worst, mean);
    }
}

/* Planes around every hue, where R_T rises and falls, and at its wrap from 360 to 0. */
static void test_hues(void)
{
    static float planes[6][COUNT], difference[COUNT];
    const float *const one[3] = {planes[0], planes[1], planes[2]};
    const float *const two[3] = {planes[3], planes[4], planes[5]};
    double worst = 0;
    for (int chroma = 5; chroma <= 150; chroma += 5) {
        for (int i = 0; i < COUNT; i++) {
            double hue = i * 2 * M_PI / COUNT, beside = hue + 0.1;
            planes[0][i] = planes[3][i] = 60;
            planes[1][i] = (float)(chroma * cos(hue));
            planes[2][i] = (float)(chroma * sin(hue));
            planes[4][i] = (float)((chroma + 8) * cos(beside));
            planes[5][i] = (float)((chroma + 8) * sin(beside));
        }
        ciede2000_row(one, two, difference, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            worst = fmax(worst, fabs((double)difference[i] - exact(planes, i)));
    }
    tap_ok(worst < 2e-4, "all hues: %g", worst);
}

/* Equal colours are exactly 0 and what no camera has is still a number. */
static void test_ends(void)
{
    float planes[3][COUNT], difference[COUNT];
    const float *const one[3] = {planes[0], planes[1], planes[2]};
    const float far[] = {0, 1e-30f, 1e-4f, 300, 1000, 1e4f};
    bool equal = true, finite = true;
    for (size_t i = 0; i < COUNT; i++)
        for (int k = 0; k < 3; k++)
            planes[k][i] = random_share() * far[i % (sizeof far / sizeof *far)];
    ciede2000_row(one, one, difference, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        equal = equal && difference[i] == 0;
    const float *const two[3] = {planes[1], planes[2], planes[0]};
    ciede2000_row(one, two, difference, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        finite = finite && isfinite(difference[i]);
    tap_ok(equal, "equal colours are 0 apart");
    tap_ok(finite, "far out of any gamut it is a number");
}

/* Every count gives the same, and nothing behind it is touched. */
static void test_counts(void)
{
    static float planes[6][COUNT], all[COUNT];
    const float *const one[3] = {planes[0], planes[1], planes[2]};
    const float *const two[3] = {planes[3], planes[4], planes[5]};
    bool same = true;
    fill(planes, 100, 20);
    ciede2000_row(one, two, all, COUNT);
    for (size_t count = 0; count < 100; count++) {
        float part[101];
        part[count] = -1;
        ciede2000_row(one, two, part, count);
        same = same && part[count] == -1 && memcmp(part, all, count * sizeof *part) == 0;
    }
    tap_ok(same, "any count gives the same");
}

int main(void)
{
    test_errors();
    test_hues();
    test_ends();
    test_counts();
    return tap_done();
}
