/* SPDX-License-Identifier: MIT */
/* Lab against published numbers. */
#include "color/lab.h"

#include <math.h>
#include <stddef.h>

#include "sharma.h"
#include "tap.h"

/* 8-bit sRGB to CIELAB of D65; CSS Color 4 constants, confirmed with colorjs.io and culori. */
static const struct {
    unsigned rgb;
    double lab[3];
} conversions[] = {
    {0xff0000, {53.2371155954, 80.0901135231, 67.2032635117}},
    {0x00ff00, {87.7355191097, -86.1815968904, 83.1866202736}},
    {0x0000ff, {32.3008729040, 79.1952703074, -107.8554655397}},
    {0x00ffff, {91.1147523167, -48.0788883870, -14.1289852624}},
    {0xff00ff, {60.3227313546, 98.2374438132, -60.8289102310}},
    {0xffff00, {97.1385593418, -21.5599708145, 94.4838400156}},
    {0xffffff, {100.0000000000, 0.0000000000, 0.0000000000}},
    {0x000000, {0.0000000000, 0.0000000000, 0.0000000000}},
    {0x808080, {53.5850134522, 0.0000000000, 0.0000000000}},
    {0xffa500, {74.9339076637, 23.9268932947, 78.9530200401}},
    {0x4b0082, {20.4700220853, 51.6891793529, -53.3127189997}},
    {0xee82ee, {69.6950248484, 56.3577871163, -36.8121530863}},
    {0x008000, {46.2279094199, -51.6978239564, 49.9012249205}},
    {0xcdba88, {75.9925800449, -0.6319313937, 27.8490249286}},
    {0xe25304, {54.4139626185, 53.0862487926, 63.6923466853}},
    {0x004f7c, {31.9132157984, -2.7510984038, -31.2437353159}},
    {0x383e42, {25.8008671011, -1.5090503133, -3.3023799629}},
    {0x0e0e10, {4.0182949271, 0.3620539591, -0.9851251232}},
    {0xf1ede1, {93.7561026261, -0.7103022965, 6.2816168238}},
    {0x777777, {50.0344387925, 0.0000000000, 0.0000000000}},
    {0x010101, {0.2741748001, 0.0000000000, 0.0000000000}},
};

static double distance(const double one[3], const double two[3])
{
    double max = 0;
    for (int i = 0; i < 3; i++)
        max = fmax(max, fabs(one[i] - two[i]));
    return max;
}

static void linear_of_hex(unsigned rgb, double linear[3])
{
    for (int i = 0; i < 3; i++)
        linear[i] = srgb_decode((rgb >> (16 - 8 * i) & 255) / 255.0);
}

static void test_ciede2000(void)
{
    for (size_t i = 0; i < sizeof sharma / sizeof *sharma; i++) {
        double forth = lab_ciede2000(sharma[i].one, sharma[i].two);
        double back = lab_ciede2000(sharma[i].two, sharma[i].one);
        /* The publication has four decimals. */
        tap_ok(fabs(forth - sharma[i].difference) <= 0.5001e-4 && fabs(back - forth) < 1e-9,
               "CIEDE2000 pair %zu: %.6f, published %.4f", i + 1, forth, sharma[i].difference);
    }
}

/* At hues exactly opposite the mean hue jumps; the paper's rule takes the side where the hues are
 * less than 180 degrees apart. Rounding of the angles must not choose for it. */
static void test_opposite_hues(void)
{
    double worst = 0;
    for (int i = 1; i < 1800; i++) {
        double angle = i * M_PI / 1800, nearer = angle + M_PI - 1e-7;
        double one[3] = {50, 2.5 * cos(angle), 2.5 * sin(angle)};
        double opposite[3] = {50, -one[1], -one[2]};
        double beside[3] = {50, 2.5 * cos(nearer), 2.5 * sin(nearer)};
        double jump = fabs(lab_ciede2000(one, opposite) - lab_ciede2000(one, beside));
        worst = fmax(worst,
                     fmax(jump, fabs(lab_ciede2000(opposite, one) - lab_ciede2000(one, opposite))));
    }
    tap_ok(worst < 1e-5, "CIEDE2000 of opposite hues: %g", worst);
}

/* Directions instead of angles, over pairs of all kinds: far and near, grey, opposite, around the
 * hues where R_T lives, with factors. */
static void test_directions(void)
{
    static const double far[] = {200, 5, 1e-3, 1e-9, 0};
    const double k[2][3] = {{1, 1, 1}, {2, 1.5, 0.7}};
    uint32_t state = 1;
    double worst = 0;
    for (int i = 0; i < 200000; i++) {
        double one[3], two[3];
        for (int c = 0; c < 3; c++) {
            state = state * 1664525u + 1013904223u;
            one[c] = ((state >> 8) / (double)(1 << 24) - 0.5) * (c == 0 ? 100 : 300);
            state = state * 1664525u + 1013904223u;
            two[c] = one[c] + ((state >> 8) / (double)(1 << 24) - 0.5) * far[i % 5];
        }
        for (int c = 1; c < 3 && i % 7 < 3; c++)
            two[c] = i % 7 == 0 ? -one[c] : i % 7 == 1 ? one[c] * 1e-12 : 0;
        double right = lab_ciede2000_by_angles(one, two, k[i % 2]);
        double got = lab_ciede2000_weighted(one, two, k[i % 2]);
        worst = fmax(worst, isfinite(got) ? fabs(got - right) : 1);
    }
    tap_ok(worst < 1e-10, "CIEDE2000 by directions and by angles: %g", worst);
}

static void test_conversions(void)
{
    for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++) {
        double linear[3], lab[3], back[3];
        linear_of_hex(conversions[i].rgb, linear);
        lab_from_linear(linear, lab);
        tap_ok(distance(lab, conversions[i].lab) < 1e-9, "Lab of #%06x: %.10f %.10f %.10f",
               conversions[i].rgb, lab[0], lab[1], lab[2]);
        lab_to_linear(conversions[i].lab, back);
        tap_ok(distance(linear, back) < 1e-9, "#%06x of its Lab", conversions[i].rgb);
    }
}

static void test_curve(void)
{
    /* IEC 61966-2-1: the two pieces, their joint, and the mirror below 0. */
    tap_ok(fabs(srgb_decode(0.04045) - 0.0031308) < 1e-7, "sRGB curve at its joint");
    tap_ok(fabs(srgb_decode(0.5) - 0.21404114048223255) < 1e-15, "sRGB decodes 0.5");
    tap_ok(fabs(srgb_encode(0.18) - 0.46135612950044164) < 1e-14, "sRGB encodes 0.18");
    tap_ok(srgb_decode(-0.5) == -srgb_decode(0.5) && srgb_encode(-0.5) == -srgb_encode(0.5),
           "sRGB curve is mirrored");
    double worst = 0;
    for (int i = 0; i <= 4096; i++)
        worst = fmax(worst, fabs(srgb_encode(srgb_decode(i / 4096.0)) - i / 4096.0));
    /* The published joint is rounded: the pieces miss each other by up to 4e-8. */
    tap_ok(worst < 1e-7, "sRGB curve there and back: %g", worst);
}

enum { ROW = 4099, GUARD = 16 };

/* Planes with colours in and around the gamut, COUNT of them used, the rest guards. */
static double row_error(size_t count, double lowest, double highest, bool *guarded)
{
    static float plane[6][ROW + GUARD];
    unsigned seed = 1;
    for (int p = 0; p < 6; p++)
        for (size_t i = 0; i < ROW + GUARD; i++) {
            seed = seed * 1664525u + 1013904223u;
            double share = (seed >> 8) / 16777215.0;
            /* Cubed: half of the samples are dark, where the curve changes its form. */
            plane[p][i] = p < 3 ? (float)(lowest + (highest - lowest) * share * share * share) : 77;
        }
    lab_row_from_linear(plane[0], plane[1], plane[2], plane[3], plane[4], plane[5], count);
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double linear[3] = {plane[0][i], plane[1][i], plane[2][i]}, lab[3];
        lab_from_linear(linear, lab);
        double row[3] = {plane[3][i], plane[4][i], plane[5][i]};
        worst = fmax(worst, distance(lab, row));
    }
    for (int p = 3; p < 6; p++)
        for (size_t i = count; i < ROW + GUARD; i++)
            *guarded &= plane[p][i] == 77;
    return worst;
}

static void test_row(void)
{
    bool guarded = true;
    double inside = row_error(ROW, 0, 1, &guarded), around = row_error(ROW, -0.5, 2, &guarded);
    tap_ok(inside < 0.0002, "single precision within 0.0002 in the gamut: %g", inside);
    tap_ok(around < 0.0005, "single precision around the gamut: %g", around);
    double worst = 0;
    for (size_t count = 0; count < 70; count++)
        worst = fmax(worst, row_error(count, 0, 1, &guarded));
    tap_ok(worst < 0.0002, "every short count: %g", worst);
    tap_ok(guarded, "nothing is written behind the row");
}

int main(void)
{
    test_ciede2000();
    test_directions();
    test_opposite_hues();
    test_conversions();
    test_curve();
    test_row();
    return tap_done();
}
