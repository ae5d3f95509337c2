/* SPDX-License-Identifier: MIT */
/* Gamut mapping of rows, against Oklab in double precision. */
#include "ops/gamut.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "color/color_space.h"
#include "color/lab.h"
#include "tap.h"

enum { COUNT = 20000 };

static float before[3][COUNT], after[3][COUNT];

static uint32_t seed = 7;

static float random_between(float low, float high)
{
    seed = seed * 1664525u + 1013904223u;
    return low + (high - low) * (float)(seed >> 8) / 16777216.0f;
}

static size_t fit(size_t count)
{
    memcpy(after, before, sizeof after);
    return gamut_fit_row(after[0], after[1], after[2], count);
}

static void fill(float low, float high)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < COUNT; i++)
            before[c][i] = random_between(low, high);
}

static bool is_inside(float planes[3][COUNT], int i)
{
    bool inside = true;
    for (int c = 0; c < 3; c++)
        inside = inside && planes[c][i] >= 0 && planes[c][i] <= 1;
    return inside;
}

static void oklab_of(float planes[3][COUNT], int i, double oklab[3])
{
    color_space_oklab((const double[3]){planes[0][i], planes[1][i], planes[2][i]}, oklab);
}

/* The share of its chroma that a colour can keep, by bisection in double precision; light a little
 * below black is clipped. */
static double share_of(const double full[3])
{
    double low = 0, high = 1;
    while (high - low > 1e-9) {
        double share = (low + high) / 2, linear[3];
        const double less[3] = {full[0], full[1] * share, full[2] * share};
        color_space_to_linear(COLOR_OKLAB, less, linear);
        bool fits = fmin(fmin(linear[0], linear[1]), linear[2]) >= -0.008 * pow(full[0], 3) &&
                    fmax(fmax(linear[0], linear[1]), linear[2]) <= 1;
        low = fits ? share : low;
        high = fits ? high : share;
    }
    return low;
}

static void check_mapping(float low, float high)
{
    double worst = 0;
    unsigned outside = 0, beyond = 0, touched = 0;
    fill(low, high);
    fit(COUNT);
    for (int i = 0; i < COUNT; i++) {
        double full[3], got[3], wanted[3] = {0, 0, 0};
        beyond += !is_inside(after, i);
        if (is_inside(before, i)) {
            for (int c = 0; c < 3; c++)
                touched += memcmp(&before[c][i], &after[c][i], sizeof(float)) != 0;
            continue;
        }
        outside++;
        oklab_of(before, i, full);
        oklab_of(after, i, got);
        double share = full[0] > 0 && full[0] < 1 ? share_of(full) : 0, linear[3];
        wanted[0] = fmin(fmax(full[0], 0), 1);
        wanted[1] = full[1] * share;
        wanted[2] = full[2] * share;
        color_space_to_linear(COLOR_OKLAB, wanted, linear);
        for (int c = 0; c < 3; c++)
            linear[c] = fmin(fmax(linear[c], 0), 1);
        color_space_oklab(linear, wanted);
        for (int k = 0; k < 3; k++)
            worst = fmax(worst, fabs(wanted[k] - got[k]));
    }
    tap_ok(outside > 100, "%g..%g: %u of %d are outside", low, high, outside, COUNT);
    tap_ok(worst < 1e-4, "%g..%g: lightness and hue stay, chroma as far as it fits: %.1e of Oklab",
           low, high, worst);
    tap_ok(beyond == 0, "%g..%g: all fit afterwards", low, high);
    tap_ok(touched == 0, "%g..%g: those inside are as they were", low, high);
    memcpy(before, after, sizeof before);
    tap_ok(fit(COUNT) == 0 && memcmp(before, after, sizeof after) == 0,
           "%g..%g: a second time changes nothing", low, high);
}

/* Steps from colour to colour, in Oklab. */
static void steps_of(float planes[3][COUNT], float steps[COUNT])
{
    double last[3], now[3];
    oklab_of(planes, 0, last);
    for (int i = 0; i < COUNT; i++) {
        oklab_of(planes, i, now);
        steps[i] = (float)hypot(hypot(now[0] - last[0], now[1] - last[1]), now[2] - last[2]);
        memcpy(last, now, sizeof last);
    }
}

/* Blue, where the surface of sRGB runs almost along lines of one lightness and hue, and within
 * 264.05 to 264.2 degrees even crosses them twice. */
static bool is_along_surface(int i)
{
    double oklab[3];
    oklab_of(before, i, oklab);
    double hue = atan2(oklab[2], oklab[1]) * 180 / M_PI + 360;
    return hue > 262 && hue < 265;
}

/* Along a straight ramp from one colour to another: by how much the mapping enlarges a step. */
static double enlarged_most(const float from[3], const float to[3], bool blue)
{
    static float step_before[COUNT], step_after[COUNT];
    double worst = 0;
    for (int i = 0; i < COUNT; i++)
        for (int c = 0; c < 3; c++)
            before[c][i] = from[c] + (to[c] - from[c]) * (float)i / (COUNT - 1);
    fit(COUNT);
    steps_of(before, step_before);
    steps_of(after, step_after);
    for (int i = 1; i < COUNT; i++) {
        /* What the rounding of floats does to dark colours is no step. */
        double grown = (step_after[i] - 1e-4) / step_before[i];
        if (blue)
            worst = fmax(worst, step_after[i] - step_before[i]);
        else if (!is_along_surface(i))
            worst = fmax(worst, grown);
    }
    return worst;
}

/* Out of the gamut, from a middle grey in many directions. */
static void check_continuity(void)
{
    const float grey[3] = {0.4f, 0.4f, 0.4f};
    double worst = 0, worst_blue = 0;
    for (int n = 0; n < 40; n++) {
        const float to[3] = {random_between(-1, 2), random_between(-1, 2), random_between(-1, 2)};
        const float blue[3] = {random_between(-0.2f, 0.2f), random_between(-0.2f, 0.1f), 2};
        worst = fmax(worst, enlarged_most(grey, to, false));
        worst_blue = fmax(worst_blue, enlarged_most(grey, blue, true));
    }
    tap_ok(worst < 2, "ramps stay smooth: steps grow by %.2f at most", worst);
    tap_ok(worst_blue < 0.036, "in the worst blue too: by at most %.3f of Oklab", worst_blue);
}

static size_t fit_one(float r, float g, float b)
{
    before[0][0] = r;
    before[1][0] = g;
    before[2][0] = b;
    return fit(1);
}

static bool is_color(float r, float g, float b)
{
    return after[0][0] == r && after[1][0] == g && after[2][0] == b;
}

static void check_extremes(void)
{
    fit_one(2, 2, 2);
    tap_ok(is_color(1, 1, 1), "lighter than white is white");
    fit_one(3, 1, 1.5f);
    tap_ok(is_color(1, 1, 1), "whatever its hue");
    fit_one(-1, -0.5f, -2);
    tap_ok(is_color(0, 0, 0), "darker than black is black");
    fit_one(INFINITY, 0.5f, 0.5f);
    tap_ok(is_color(1, 1, 1), "endless light is white");
    fit_one(NAN, NAN, NAN);
    tap_ok(is_color(0, 0, 0), "no number is black");
    fit_one(-NAN, 0.25f, 1);
    tap_ok(after[0][0] < 1e-6f && fabsf(after[1][0] - 0.25f) < 1e-5f && after[2][0] > 0.9999f,
           "one that is no number is 0");
    bool inside = true;
    const float odd[] = {-INFINITY, INFINITY, NAN, -1e30f, 1e30f, -1e-40f, 1e-40f, 0, -0.0f, 0.5f};
    enum { ODD = sizeof odd / sizeof *odd };
    for (int n = 0; n < ODD * ODD * ODD; n++) {
        fit_one(odd[n % ODD], odd[n / ODD % ODD], odd[n / ODD / ODD]);
        inside = inside && is_inside(after, 0);
    }
    tap_ok(inside, "odd numbers of all kinds end inside");
}

/* Half a step of 8 bits is what the count forgives, as color_space_fit_srgb() does. */
static void check_count(void)
{
    float above = (float)srgb_decode(1 + 0.5 / 255), below = (float)srgb_decode(-0.5 / 255);
    bool good =
        fit_one(above * 0.99999f, 0.5f, 0.5f) == 0 && fit_one(above * 1.00001f, 0.5f, 0.5f) == 1 &&
        fit_one(0.5f, below * 0.999f, 0.5f) == 0 && fit_one(0.5f, below * 1.001f, 0.5f) == 1;
    tap_ok(good, "half a step of 8 bits is not counted, more is");
    tap_ok(fit_one(0.5f, 0.5f, NAN) == 1, "what is no number is counted");
    size_t wanted = 0;
    fill(-0.2f, 1.2f);
    for (int i = 0; i < COUNT; i++) {
        double srgb[3];
        wanted += !color_space_fit_srgb((const double[3]){before[0][i], before[1][i], before[2][i]},
                                        srgb);
    }
    size_t got = fit(COUNT);
    tap_ok(got == wanted, "counted %zu of %zu", got, wanted);
}

/* Any length, and nothing behind it. */
static void check_lengths(void)
{
    unsigned wrong = 0;
    for (size_t count = 0; count < 600; count += 1 + count / 8) {
        fill(-0.5f, 1.5f);
        fit(count);
        for (size_t i = 0; i < 1000; i++) {
            bool same = true;
            for (int c = 0; c < 3; c++)
                same = same && before[c][i] == after[c][i];
            wrong += i < count ? !is_inside(after, (int)i) : !same;
        }
    }
    tap_ok(wrong == 0, "rows of all lengths");
}

int main(void)
{
    check_mapping(-0.3f, 1.3f);
    check_mapping(-0.01f, 0.05f);
    check_mapping(0.5f, 1.1f);
    check_mapping(-3, 5);
    check_continuity();
    check_extremes();
    check_count();
    check_lengths();
    return tap_done();
}
