/* SPDX-License-Identifier: MIT */
/* Tables between samples and light: against the formulas of the curves, and there and back. */
#include "color/tone.h"

#include <math.h>
#include <stdlib.h>

#include "color/lab.h"
#include "profile.h"
#include "tap.h"

static const struct blob none = {NULL, 0};
static const double srgb_primaries[8] = {0};

static unsigned code_of(const struct tone *tone, unsigned channel, float light)
{
    uint8_t byte = 0;
    uint16_t word = 0;
    tone_encode_row(tone, channel, &light, 1, tone->depth == 8 ? (void *)&byte : &word, 1, 1);
    return tone->depth == 8 ? byte : word;
}

/* Samples that do not come back. */
static unsigned lost_codes(const struct tone *tone)
{
    unsigned lost = 0, codes = 1u << tone->depth;
    uint16_t *back = malloc(codes * sizeof *back);
    for (unsigned c = 0; c < 3; c++) {
        tone_encode_row(tone, c, tone->decode[c], 1, back, 1, codes);
        for (unsigned i = 0; i < codes; i++)
            lost += i != (tone->depth == 8 ? ((uint8_t *)back)[i] : back[i]);
    }
    free(back);
    return lost;
}

/* Codes whose limit to the next one is more than SLACK of a code beside CURVE's own. */
static unsigned wrong_limits(const struct tone *tone, double (*curve)(double, double), double gamma,
                             double slack, unsigned from)
{
    unsigned wrong = 0, most = (1u << tone->depth) - 1;
    for (unsigned i = from; i < most; i++) {
        double below = curve((i + 0.5 - slack) / most, gamma);
        double above = curve((i + 0.5 + slack) / most, gamma);
        wrong += code_of(tone, 0, (float)below) != i || code_of(tone, 0, (float)above) != i + 1;
    }
    return wrong;
}

/* With 16 bits the limit is the mean of two neighbours' light; codes where it is not, to the last
 * bit of a float. */
static unsigned inexact_limits(const struct tone *tone)
{
    unsigned inexact = 0;
    for (unsigned i = 0; i < 65535; i++) {
        float middle = (tone->decode[0][i] + tone->decode[0][i + 1]) / 2;
        if (middle <= tone->decode[0][i])
            middle = tone->decode[0][i + 1];
        inexact +=
            code_of(tone, 0, middle) != i + 1 || code_of(tone, 0, nextafterf(middle, 0)) != i;
    }
    return inexact;
}

static double srgb_curve(double value, double gamma)
{
    (void)gamma;
    return srgb_decode(value);
}

static double power_curve(double value, double gamma)
{
    return pow(value, gamma);
}

static double decode_error(const struct tone *tone, double (*curve)(double, double), double gamma)
{
    double worst = 0;
    unsigned most = (1u << tone->depth) - 1;
    for (unsigned i = 0; i <= most; i++)
        worst = fmax(worst, fabs(tone->decode[0][i] - curve((double)i / most, gamma)));
    return worst;
}

static void test_srgb(void)
{
    for (unsigned depth = 8; depth <= 16; depth += 8) {
        struct tone tone;
        struct error error = {0};
        tap_ok(tone_new(&tone, TONE_LINEAR, &none, ICC_RGB, depth, &error), "sRGB, %u bits", depth);
        double worst = decode_error(&tone, srgb_curve, 0);
        tap_ok(worst < 6e-8, "decodes as IEC 61966-2-1: %g", worst);
        unsigned lost = lost_codes(&tone);
        tap_ok(lost == 0, "every sample comes back: %u lost", lost);
        unsigned wrong = wrong_limits(&tone, srgb_curve, 0, 0.01, 0);
        tap_ok(wrong == 0, "the nearest code is taken to 0.01 of a code: %u not", wrong);
        tone_free(&tone);
    }
}

static void test_powers(void)
{
    static const double gammas[] = {1.0, 1.8, 2.2, 2.6, 4.0, 0.5};
    for (size_t i = 0; i < sizeof gammas / sizeof *gammas; i++)
        for (unsigned depth = 8; depth <= 16; depth += 8) {
            struct blob profile = {NULL, 0};
            struct tone tone = {0};
            struct error error = {0};
            bool good = icc_from_gamma(ICC_RGB, 1 / gammas[i], srgb_primaries, &profile, &error) &&
                        tone_new(&tone, TONE_LINEAR, &profile, ICC_RGB, depth, &error);
            if (!tap_ok(good, "gamma %g, %u bits %s", gammas[i], depth, error.message))
                continue;
            /* A profile holds the exponent to 1/65536. */
            double worst = decode_error(&tone, power_curve, gammas[i]);
            tap_ok(worst < 1e-5, "decodes as the power: %g", worst);
            unsigned lost = lost_codes(&tone);
            tap_ok(lost == 0, "every sample comes back: %u lost", lost);
            double slack = depth == 8 ? 0.02 : 0.3;
            unsigned wrong =
                wrong_limits(&tone, power_curve, gammas[i], slack, depth == 8 ? 0 : 64);
            tap_ok(wrong == 0, "the nearest code is taken to %g of a code: %u not", slack, wrong);
            unsigned inexact = depth == 16 && gammas[i] != 1 ? inexact_limits(&tone) : 0;
            tap_ok(inexact == 0, "codes change half-way between their light: %u do not", inexact);
            tone_free(&tone);
            blob_free(&profile);
        }
}

static void test_table(void)
{
    /* A table as coarse as they come: flat at both ends and falling in between, one per channel. */
    static const uint16_t rough[] = {0, 0, 0, 300, 200, 30000, 29000, 65535, 65535, 65535};
    static const uint16_t other[] = {100, 20000, 65000};
    static struct profile p;
    profile_start(&p, 2, "mntr", "RGB ", "XYZ ");
    profile_srgb_colorants(&p);
    profile_table(&p, "rTRC", rough, 10);
    profile_table(&p, "gTRC", other, 3);
    profile_table(&p, "bTRC", rough, 10);
    struct blob profile = profile_end(&p);
    for (unsigned depth = 8; depth <= 16; depth += 8) {
        struct tone tone = {0};
        struct error error = {0};
        if (!tap_ok(tone_new(&tone, TONE_LINEAR, &profile, ICC_RGB, depth, &error),
                    "tables, %u bits %s", depth, error.message))
            continue;
        bool rising = tone.decode[0][0] == 0 && tone.decode[1][0] == 0;
        for (unsigned c = 0; c < 3; c++) {
            for (unsigned i = 1; i < 1u << depth; i++)
                rising = rising && tone.decode[c][i] > tone.decode[c][i - 1];
            rising = rising && tone.decode[c][(1u << depth) - 1] == 1;
        }
        tap_ok(rising, "strictly rising from 0 to 1");
        unsigned lost = lost_codes(&tone);
        tap_ok(lost == 0, "every sample comes back: %u lost", lost);
        /* The green table at its middle: (20000 - 100) / (65000 - 100). */
        double middle = tone.decode[1][(1u << depth) / 2], wanted = 19900.0 / 64900;
        tap_ok(fabs(middle - wanted) < (depth == 8 ? 0.003 : 2e-5), "green's own table: %g",
               middle);
        tone_free(&tone);
    }
}

static void test_line(void)
{
    for (unsigned depth = 8; depth <= 16; depth += 8) {
        struct tone tone;
        struct error error = {0};
        tap_ok(tone_new(&tone, TONE_GAMMA, &none, ICC_GREY, depth, &error), "straight, %u", depth);
        unsigned most = (1u << depth) - 1, lost = lost_codes(&tone);
        tap_ok(lost == 0, "every sample comes back: %u lost", lost);
        tap_ok(tone.decode[0][most / 3] == (float)(most / 3) / (float)most, "a third is a third");
        tap_ok(code_of(&tone, 0, 0.49f / (float)most) == 0 &&
                   code_of(&tone, 0, 0.51f / (float)most) == 1,
               "rounds to the nearest");
        tone_free(&tone);
    }
}

static void test_edges(void)
{
    static const float odd[] = {-1, -0.0f, NAN, -INFINITY, 1.0001f, 1e30f, INFINITY};
    for (unsigned depth = 8; depth <= 16; depth += 8)
        for (int light = TONE_LINEAR; light <= TONE_GAMMA; light++) {
            struct tone tone;
            struct error error = {0};
            bool good = tone_new(&tone, (enum tone_light)light, &none, ICC_RGB, depth, &error);
            unsigned most = (1u << depth) - 1;
            for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
                good = good && code_of(&tone, 1, odd[i]) == (i < 4 ? 0 : most);
            tap_ok(good, "beyond 0..1 is clipped, NaN is 0, %u bits", depth);
            tone_free(&tone);
        }
}

static void test_steps(void)
{
    enum { COUNT = 301 };
    float light[COUNT * 4];
    uint8_t samples[COUNT * 3 + 1];
    struct tone tone;
    struct error error = {0};
    bool good = tone_new(&tone, TONE_LINEAR, &none, ICC_RGB, 8, &error);
    memset(samples, 7, sizeof samples);
    for (int i = 0; i < COUNT * 4; i++)
        light[i] = i % 4 == 0 ? tone.decode[0][i / 4 % 256] : NAN;
    tone_encode_row(&tone, 2, light, 4, samples + 1, 3, COUNT);
    for (int i = 0; i < COUNT * 3; i++)
        good = good && samples[i + 1] == (i % 3 == 0 ? i / 3 % 256 : 7);
    tap_ok(good && samples[0] == 7, "steps in and out, nothing else is touched");
    tone_free(&tone);
}

int main(void)
{
    test_srgb();
    test_powers();
    test_table();
    test_line();
    test_edges();
    test_steps();
    return tap_done();
}
