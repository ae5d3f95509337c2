/* SPDX-License-Identifier: MIT */
/* Profiles: numbers from publications, and hostile ones. */
#include "color/icc.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "color/color_space.h"
#include "color/lab.h"
#include "profile.h"
#include "tap.h"

static const struct blob none = {NULL, 0};
static const double p3_primaries[8] = {0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};

/* Linear display-p3 and XYZ; CSS Color 4, section 18. */
static const double xyz_of_p3[3][3] = {
    {608311.0 / 1250200, 189793.0 / 714400, 198249.0 / 1000160},
    {35783.0 / 156275, 247089.0 / 357200, 198249.0 / 2500400},
    {0, 32229.0 / 714400, 5220557.0 / 5000800},
};
static const double srgb_of_xyz[3][3] = {
    {12831.0 / 3959, -329.0 / 214, -1974.0 / 3959},
    {-851781.0 / 878810, 1648619.0 / 878810, 36519.0 / 878810},
    {705.0 / 12673, -2585.0 / 12673, 705.0 / 667},
};

static void apply(const double m[3][3], const double in[3], double out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = m[i][0] * in[0] + m[i][1] * in[1] + m[i][2] * in[2];
}

static double clip(double value)
{
    return fmin(fmax(value, 0), 1);
}

static void p3_to_srgb(const double p3[3], double gamma, double srgb[3])
{
    double light[3], xyz[3], linear[3];
    for (int i = 0; i < 3; i++)
        light[i] = pow(p3[i], gamma);
    apply(xyz_of_p3, light, xyz);
    apply(srgb_of_xyz, xyz, linear);
    for (int i = 0; i < 3; i++)
        srgb[i] = clip(srgb_encode(linear[i]));
}

static unsigned next_random(void)
{
    static unsigned seed = 7;
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

/* Worst error in codes of display-p3 with GAMMA, and whether alpha came through. */
static double p3_error(const struct blob *profile, double gamma, unsigned depth, bool alpha,
                       bool *kept, struct error *error)
{
    enum { COUNT = 1000 };
    struct icc_transform *transform;
    if (!icc_transform_new(&transform, profile, ICC_RGB, depth, alpha, error))
        return 1e9;
    uint16_t in[COUNT * 4], out[COUNT * 4];
    unsigned channels = 3u + alpha, most = (1u << depth) - 1;
    for (unsigned i = 0; i < COUNT * channels; i++) {
        in[i] = (uint16_t)(next_random() & most);
        if (depth == 8)
            ((uint8_t *)in)[i] = (uint8_t)next_random();
    }
    icc_transform_pixels(transform, in, out, COUNT);
    icc_transform_free(transform);
    double worst = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        double p3[3], srgb[3];
        for (unsigned c = 0; c < 3; c++)
            p3[c] = (depth == 8 ? ((uint8_t *)in)[i * channels + c] : in[i * channels + c]) /
                    (double)most;
        p3_to_srgb(p3, gamma, srgb);
        for (unsigned c = 0; c < 3; c++) {
            unsigned at = i * channels + c;
            unsigned code = depth == 8 ? ((uint8_t *)out)[at] : out[at];
            worst = fmax(worst, fabs(code - srgb[c] * most));
        }
        unsigned at = i * channels + 3;
        if (alpha)
            *kept = *kept &&
                    (depth == 8 ? ((uint8_t *)in)[at] == ((uint8_t *)out)[at] : in[at] == out[at]);
    }
    return worst;
}

static void test_p3(void)
{
    struct blob profile, again;
    struct error error = {0};
    bool good = icc_from_gamma(ICC_RGB, 1 / 2.2, p3_primaries, &profile, &error);
    if (!tap_ok(good, "a profile from gamma and primaries %s", error.message))
        return;
    good = icc_from_gamma(ICC_RGB, 1 / 2.2, p3_primaries, &again, &error);
    tap_ok(good && again.size == profile.size &&
               memcmp(again.data, profile.data, profile.size) == 0,
           "same input, same bytes");
    const uint8_t date[12] = {0x07, 0xd0, 0, 1, 0, 1};
    const uint8_t id[16] = {0};
    tap_ok(memcmp(profile.data + 24, date, 12) == 0 && memcmp(profile.data + 84, id, 16) == 0,
           "no time of day in it");
    tap_ok(icc_check(&profile, ICC_RGB, &error), "and it is sound %s", error.message);
    tap_ok(!icc_is_srgb(&profile), "and not sRGB");
    for (unsigned depth = 8; depth <= 16; depth += 8)
        for (int alpha = 0; alpha < 2; alpha++) {
            bool kept = true;
            double worst = p3_error(&profile, 2.2, depth, alpha != 0, &kept, &error);
            /* Half a code is rounding; a profile holds its colorants to 1/65536, which the way back
             * and the steep dark end of the curve turn into 20 codes of 65535. */
            tap_ok(worst < (depth == 8 ? 0.6 : 25) && kept,
                   "display-p3 to sRGB, %u bits, alpha %d: %.3f codes", depth, alpha, worst);
        }
    const double srgb[3] = {0.8, 0.3, 0.1};
    double p3[3], back[3];
    good = icc_color_from_srgb(&profile, ICC_RGB, srgb, p3, &error);
    p3_to_srgb(p3, 2.2, back);
    tap_ok(good && fabs(back[0] - 0.8) < 2e-4 && fabs(back[1] - 0.3) < 2e-4 &&
               fabs(back[2] - 0.1) < 2e-4,
           "a colour into display-p3: %.5f %.5f %.5f", p3[0], p3[1], p3[2]);
    blob_free(&profile);
    blob_free(&again);
}

static void test_from_gamma(void)
{
    static const struct {
        enum icc_space space;
        double gamma, xy[8];
        const char *what;
    } bad[] = {
        {ICC_RGB, 0, {0}, "gamma 0"},
        {ICC_RGB, NAN, {0}, "gamma NaN"},
        {ICC_RGB, 1e-5, {0}, "gamma 0.00001"},
        {ICC_CMYK, 0.45, {0}, "CMYK"},
        {ICC_RGB, 0.45, {0.3127, 0, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06}, "white without y"},
        {ICC_RGB, 0.45, {0.3127, 0.329, 0.64, 0.33, 0.64, 0.33, 0.15, 0.06}, "twice one primary"},
        {ICC_RGB, 0.45, {0.3127, 0.329, 0.64, 0, 0.3, 0, 0.15, 0}, "primaries without y"},
        {ICC_RGB, 0.45, {0.3127, 0.329, 6.4, 0.33, 0.3, 0.6, 0.15, 0.06}, "a primary beyond 1"},
        {ICC_RGB, 0.45, {0.3127, 0.329, NAN, 0.33, 0.3, 0.6, 0.15, 0.06}, "a primary that is NaN"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct blob profile;
        struct error error = {0};
        tap_ok(!icc_from_gamma(bad[i].space, bad[i].gamma, bad[i].xy, &profile, &error) &&
                   error.message[0] != '\0' && profile.data == NULL,
               "no profile: %s (%s)", bad[i].what, error.message);
    }
    static const double srgb_primaries[8] = {0};
    struct blob grey;
    struct error error = {0};
    float values[256];
    double worst = 0;
    bool good = icc_from_gamma(ICC_GREY, 1 / 1.8, srgb_primaries, &grey, &error) &&
                icc_check(&grey, ICC_GREY, &error) && !icc_check(&grey, ICC_RGB, NULL) &&
                icc_curve(&grey, ICC_GREY, 0, values, 256, &error);
    for (int i = 0; good && i < 256; i++)
        worst = fmax(worst, fabs(values[i] - pow(i / 255.0, 1.8)));
    tap_ok(good && worst < 1e-5, "grey of gamma 1.8: %g %s", worst, error.message);
    tap_ok(!icc_is_srgb(&grey), "is not sRGB's grey");
    struct icc_transform *transform = NULL;
    const uint8_t in[4] = {128, 9, 200, 255};
    uint8_t out[8] = {0};
    good = good && icc_transform_new(&transform, &grey, ICC_GREY, 8, true, &error);
    if (good)
        icc_transform_pixels(transform, in, out, 2);
    /* 255 * encode((128/255)^1.8) = 146.4, of 200 it is 210.2. */
    const uint8_t wanted[8] = {146, 146, 146, 9, 210, 210, 210, 255};
    tap_ok(good && memcmp(out, wanted, 8) == 0, "grey with alpha to sRGB: %u %u", out[0], out[4]);
    const double white[3] = {1, 1, 1};
    double code[3] = {0};
    good = icc_color_from_srgb(&grey, ICC_GREY, white, code, &error);
    tap_ok(good && fabs(code[0] - 1) < 1e-9, "white in grey: %g", code[0]);
    icc_transform_free(transform);
    blob_free(&grey);
}

static struct blob make_srgb(struct profile *p, unsigned version)
{
    static const char *const curves[] = {"rTRC", "gTRC", "bTRC"};
    profile_start(p, version, "mntr", "RGB ", "XYZ ");
    profile_srgb_colorants(p);
    for (int i = 0; i < 3; i++)
        profile_parametric(p, curves[i], 3, profile_srgb_curve, 5);
    return profile_end(p);
}

static void test_srgb(void)
{
    static struct profile p;
    struct blob profile = make_srgb(&p, 4);
    struct error error = {0};
    tap_ok(icc_check(&profile, ICC_RGB, &error) && icc_is_srgb(&profile), "sRGB is sRGB %s",
           error.message);
    tap_ok(icc_is_srgb(&none), "no profile is sRGB");
    tap_ok(!icc_check(&profile, ICC_CMYK, &error) && error.kind == ERROR_CORRUPT,
           "but not for CMYK: %s", error.message);
    profile_start(&p, 4, "mntr", "RGB ", "XYZ ");
    profile_srgb_colorants(&p);
    static const double gamma22[1] = {2.2};
    profile_parametric(&p, "rTRC", 3, profile_srgb_curve, 5);
    profile_parametric(&p, "gTRC", 0, gamma22, 1);
    profile_parametric(&p, "bTRC", 3, profile_srgb_curve, 5);
    profile = profile_end(&p);
    tap_ok(icc_check(&profile, ICC_RGB, NULL) && !icc_is_srgb(&profile), "another curve is not");
    tap_ok(!icc_curves_are_one(&profile, ICC_RGB), "and the curves differ");
    profile = make_srgb(&p, 2);
    tap_ok(icc_curves_are_one(&profile, ICC_RGB), "sRGB's do not");
    float values[3] = {0};
    bool good = icc_curve(&profile, ICC_RGB, 2, values, 3, &error);
    tap_ok(good && values[0] == 0 && fabs(values[1] - 0.2140411) < 1e-5 && values[2] == 1,
           "its curve: %g %g %g", values[0], values[1], values[2]);
}

/* Corner colours of sRGB in Lab of D50 (CSS Color 4), R the slowest. */
static const double corners[8][3] = {
    {0, 0, 0},
    {29.5683019791, 68.2873646025, -112.0297095251},
    {87.8185343650, -79.2710607756, 80.9945814844},
    {90.6660121761, -50.6565049146, -14.9616713407},
    {54.2905414047, 80.8049281704, 69.8909647686},
    {60.1689414009, 93.5395862956, -60.5008029565},
    {97.6070078645, -15.7498283978, 93.3935907060},
    {100, 0, 0},
};

/* RGB through a lut16 of two steps a side, whose corners are sRGB's; and back through another. */
static struct blob make_rgb_table(struct profile *p)
{
    profile_start(p, 2, "mntr", "RGB ", "Lab ");
    profile_xyz(p, "wtpt", 0.9642, 1, 0.8249);
    for (int back = 0; back < 2; back++) {
        profile_tag(p, back ? "B2A0" : "A2B0", "mft2");
        put_u32(p, 0x03030200);
        for (int i = 0; i < 9; i++)
            put_fixed(p, i % 4 == 0);
        put_u16(p, 2);
        put_u16(p, 2);
        for (int i = 0; i < 3; i++)
            put_u32(p, 0x0000ffff);
        for (int i = 0; i < 8; i++) {
            for (int c = 0; c < 3 && back; c++)
                put_u16(p, i & 4 ? 0xffff : 0);
            if (back)
                continue;
            put_u16(p, (unsigned)(corners[i][0] * 652.8 + 0.5));
            put_u16(p, (unsigned)((corners[i][1] + 128) * 256 + 0.5));
            put_u16(p, (unsigned)((corners[i][2] + 128) * 256 + 0.5));
        }
        for (int i = 0; i < 3; i++)
            put_u32(p, 0x0000ffff);
    }
    return profile_end(p);
}

/* The same as lutAToB, with a square on each channel before. */
static struct blob make_rgb_elements(struct profile *p)
{
    profile_start(p, 4, "spac", "RGB ", "Lab ");
    profile_tag(p, "A2B0", "mAB ");
    put_u32(p, 0x03030000);
    put_u32(p, 32);                /* B */
    put_u32(p, 0);                 /* matrix */
    put_u32(p, 0);                 /* M */
    put_u32(p, 32 + 36);           /* grid */
    put_u32(p, 32 + 36 + 20 + 48); /* A */
    for (int i = 0; i < 3; i++) {
        put_name(p, "curv");
        put_u32(p, 0);
        put_u32(p, 0);
    }
    for (int i = 0; i < 16; i++)
        put_u8(p, i < 3 ? 2 : 0);
    put_u32(p, 0x02000000);
    for (int i = 0; i < 8; i++) {
        put_u16(p, (unsigned)(corners[i][0] * 655.35 + 0.5));
        put_u16(p, (unsigned)((corners[i][1] + 128) * 257 + 0.5));
        put_u16(p, (unsigned)((corners[i][2] + 128) * 257 + 0.5));
    }
    for (int i = 0; i < 3; i++) {
        put_name(p, "para");
        put_u32(p, 0);
        put_u32(p, 0);
        put_fixed(p, 2);
    }
    return profile_end(p);
}

/* Greys of these lightnesses at thirds, bent at each and dark at the second, as lut16. */
static const double bends[4] = {0, 4, 80, 100};

static struct blob make_bent_table(struct profile *p)
{
    profile_start(p, 2, "scnr", "RGB ", "Lab ");
    profile_tag(p, "A2B0", "mft2");
    put_u32(p, 0x03030400);
    for (int i = 0; i < 9; i++)
        put_fixed(p, i % 4 == 0);
    put_u16(p, 2);
    put_u16(p, 2);
    for (int i = 0; i < 3; i++)
        put_u32(p, 0x0000ffff);
    for (int i = 0; i < 64; i++) {
        put_u16(p, (unsigned)(bends[(i / 16 + i / 4 % 4 + i % 4) / 3] * 652.8 + 0.5));
        put_u16(p, 0x8000);
        put_u16(p, 0x8000);
    }
    for (int i = 0; i < 3; i++)
        put_u32(p, 0x0000ffff);
    return profile_end(p);
}

/* CMYK through a lut8 of two steps: any full ink is BLACK (L), no ink is white. */
static struct blob make_cmyk_table(struct profile *p, unsigned black)
{
    profile_start(p, 2, "spac", "CMYK", "Lab ");
    profile_tag(p, "A2B1", "mft1");
    put_u32(p, 0x04030200);
    for (int i = 0; i < 9; i++)
        put_fixed(p, i % 4 == 0);
    for (int i = 0; i < 4 * 256; i++)
        put_u8(p, i & 255);
    for (int i = 0; i < 16; i++) {
        put_u8(p, i == 0 ? 255 : black);
        put_u8(p, 128);
        put_u8(p, 128);
    }
    for (int i = 0; i < 3 * 256; i++)
        put_u8(p, i & 255);
    return profile_end(p);
}

static double grey_of_lightness(double lightness)
{
    const double lab[3] = {lightness, 0, 0};
    double linear[3];
    lab_to_linear(lab, linear);
    return srgb_encode(linear[1]);
}

/* Corners of RGB through PROFILE come out as they are; a grey in between has the share of its
 * sample, to the EXPONENT, as its lightness. */
static void check_rgb_table(const struct blob *profile, double exponent, const char *what)
{
    struct error error = {0};
    struct icc_transform *transform;
    for (unsigned depth = 8; depth <= 16; depth += 8) {
        if (!tap_ok(icc_check(profile, ICC_RGB, &error) &&
                        icc_transform_new(&transform, profile, ICC_RGB, depth, true, &error),
                    "%s, %u bits %s", what, depth, error.message))
            return;
        uint16_t in[9][4], out[9][4];
        uint8_t bytes_in[9][4], bytes_out[9][4];
        double worst = 0, most = depth == 8 ? 255 : 65535;
        for (int i = 0; i < 9; i++)
            for (int c = 0; c < 4; c++) {
                in[i][c] = i == 8 ? (uint16_t)(most / 2) : i & 4 >> c ? (uint16_t)most : 0;
                bytes_in[i][c] = (uint8_t)in[i][c];
            }
        if (depth == 8)
            icc_transform_pixels(transform, bytes_in, bytes_out, 9);
        else
            icc_transform_pixels(transform, in, out, 9);
        for (int i = 0; i < 9; i++)
            for (int c = 0; c < 4; c++) {
                double code = depth == 8 ? bytes_out[i][c] : out[i][c];
                double lightness = 100 * pow(in[i][c] / most, exponent);
                double wanted = i == 8 && c < 3 ? grey_of_lightness(lightness) * most : in[i][c];
                worst = fmax(worst, fabs(code - wanted) / most);
            }
        icc_transform_free(transform);
        tap_ok(worst < (depth == 8 ? 0.0023 : 0.001), "%s, %u bits: off by %g", what, depth, worst);
    }
    tap_ok(!icc_is_srgb(profile), "%s is not sRGB", what);
}

static void test_tables(void)
{
    static struct profile p;
    struct error error = {0};
    struct blob profile = make_rgb_table(&p);
    check_rgb_table(&profile, 1, "RGB table");
    const double grey[3] = {0.5, 0.5, 0.5};
    double out[3] = {0};
    bool good = icc_color_from_srgb(&profile, ICC_RGB, grey, out, &error);
    tap_ok(good && fabs(out[0] - 0.5318) < 0.001 && out[0] == out[1] && out[0] == out[2],
           "a colour into it is its L, 53.39 of 100.39: %g %s", out[0], error.message);
    profile = make_bent_table(&p);
    struct icc_transform *transform;
    if (tap_ok(icc_transform_new(&transform, &profile, ICC_RGB, 16, false, &error), "bent table")) {
        double worst = 0;
        for (unsigned i = 0; i < 65536; i += 257) {
            const uint16_t in[3] = {(uint16_t)i, (uint16_t)i, (uint16_t)i};
            uint16_t pixel[3];
            double place = i / 21845.0, below = bends[i / 21845], step = place - floor(place);
            double above = i < 65535 ? bends[i / 21845 + 1] : 0;
            double wanted = 65535 * grey_of_lightness(below + (above - below) * step);
            icc_transform_pixels(transform, in, pixel, 1);
            for (int c = 0; c < 3; c++)
                worst = fmax(worst, fabs(pixel[c] - wanted));
        }
        icc_transform_free(transform);
        tap_ok(worst < 12, "nothing between the steps of a table is lost: %.1f of 65535", worst);
    }
    profile = make_rgb_elements(&p);
    check_rgb_table(&profile, 2, "RGB elements");
    good = icc_color_from_srgb(&profile, ICC_RGB, grey, out, &error);
    tap_ok(!good && error.kind == ERROR_UNSUPPORTED,
           "no colour into a profile without the way back: %s", error.message);
}

static void test_cmyk(void)
{
    static struct profile p;
    struct error error = {0};
    struct icc_transform *transform;
    const uint8_t in[4][4] = {{0, 0, 0, 0}, {0, 0, 0, 255}, {0, 0, 0, 51}, {255, 255, 255, 255}};
    for (unsigned black = 0; black <= 51; black += 51) {
        struct blob profile = make_cmyk_table(&p, black);
        if (!tap_ok(icc_check(&profile, ICC_CMYK, &error) &&
                        icc_transform_new(&transform, &profile, ICC_CMYK, 8, false, &error),
                    "CMYK table %s", error.message))
            return;
        uint8_t out[4][3];
        icc_transform_pixels(transform, in, out, 4);
        icc_transform_free(transform);
        double lightness = 100 - (100 - black / 2.55) / 5, dark = black / 2.55;
        /* Black point compensation is linear in XYZ: Y' = (Y - Yk) / (1 - Yk). */
        double y = srgb_decode(grey_of_lightness(lightness));
        double yk = srgb_decode(grey_of_lightness(dark));
        double wanted = 255 * srgb_encode((y - yk) / (1 - yk));
        bool good = out[0][0] == 255 && out[0][1] == 255 && out[0][2] == 255;
        for (int c = 0; c < 3; c++)
            good = good && out[1][c] == 0 && out[3][c] == 0 && fabs(out[2][c] - wanted) < 0.6;
        tap_ok(good, "black of L %.0f: a fifth of ink is %u, %.2f wanted", dark, out[2][0], wanted);
    }
    tap_ok(icc_transform_new(&transform, &none, ICC_CMYK, 8, false, &error), "CMYK, no profile");
    const uint8_t inks[2][4] = {{0, 51, 255, 0}, {0, 51, 255, 102}};
    uint8_t out[2][3];
    icc_transform_pixels(transform, inks, out, 2);
    icc_transform_free(transform);
    /* (1 - c)(1 - k): 255, 204, 0 and 0.6 of that. */
    const uint8_t wanted[2][3] = {{255, 204, 0}, {153, 122, 0}};
    tap_ok(memcmp(out, wanted, sizeof out) == 0, "inks by the plain formula: %u %u", out[0][1],
           out[1][1]);
}

/* How far the light of random pixels is off what the same profile gives as samples of sRGB, in
 * codes of the samples; *SAME: a transform that only measures gives the same light. */
static double linear_error(const struct blob *profile, enum icc_space space, unsigned depth,
                           bool alpha, bool *same)
{
    enum { COUNT = 1000 };
    static uint16_t in[COUNT * 5], out[COUNT * 4];
    static float light[2][3][COUNT];
    struct icc_transform *transform, *only;
    if (!icc_transform_new(&transform, profile, space, depth, alpha, NULL) ||
        !icc_transform_new_linear(&only, profile, space, depth, alpha, NULL))
        return 1e9;
    for (unsigned i = 0; i < COUNT * 5; i++)
        in[i] = (uint16_t)next_random();
    float *const to[3] = {light[0][0], light[0][1], light[0][2]};
    float *const again[3] = {light[1][0], light[1][1], light[1][2]};
    icc_transform_pixels(transform, in, out, COUNT);
    icc_transform_linear(transform, in, to, COUNT);
    icc_transform_linear(only, in, again, COUNT);
    *same = memcmp(light[0], light[1], sizeof light[0]) == 0;
    double worst = 0, most = depth == 8 ? 255 : 65535;
    for (unsigned i = 0; i < COUNT; i++)
        for (unsigned c = 0; c < 3; c++) {
            unsigned at = i * (3u + alpha) + c;
            unsigned code = depth == 8 ? ((uint8_t *)out)[at] : out[at];
            worst = fmax(worst, fabs(code - clip(srgb_encode(light[0][c][i])) * most));
        }
    icc_transform_free(transform);
    icc_transform_free(only);
    return worst;
}

/* Green of a wider space than sRGB, as a table has it: light below 0 comes out. */
static void test_linear_outside(void)
{
    static struct profile p;
    static const double green[3] = {80, -110, 90};
    struct blob profile = make_rgb_table(&p);
    size_t at = 0;
    double right[3], worst = 0;
    while (memcmp(profile.data + at, "mft2", 4) != 0)
        at++;
    /* The grid stands behind the head, two numbers, and curves of two; green is its third point. */
    uint8_t *point = profile.data + at + 52 + 12 + 2 * 6;
    const double codes[3] = {green[0] * 652.8, (green[1] + 128) * 256, (green[2] + 128) * 256};
    for (int c = 0; c < 3; c++) {
        unsigned code = (unsigned)(codes[c] + 0.5);
        point[2 * c] = (uint8_t)(code >> 8);
        point[2 * c + 1] = (uint8_t)code;
    }
    struct icc_transform *transform;
    if (!tap_ok(icc_transform_new_linear(&transform, &profile, ICC_RGB, 8, true, NULL), "a table"))
        return;
    const uint8_t pixel[4] = {0, 255, 0, 77};
    float light[3][1];
    float *const to[3] = {light[0], light[1], light[2]};
    icc_transform_linear(transform, pixel, to, 1);
    icc_transform_free(transform);
    color_space_to_linear(COLOR_LAB_D50, green, right);
    for (int c = 0; c < 3; c++)
        worst = fmax(worst, fabs(light[c][0] - right[c]));
    tap_ok(right[0] < -0.1 && worst < 2e-4, "light outside of sRGB through a table: %.5f %.5f %.5f",
           light[0][0], light[1][0], light[2][0]);
}

static void test_linear(void)
{
    static struct profile p;
    struct blob p3, grey;
    icc_from_gamma(ICC_RGB, 1 / 2.2, p3_primaries, &p3, NULL);
    icc_from_gamma(ICC_GREY, 1 / 1.8, p3_primaries, &grey, NULL);
    const struct {
        struct blob profile;
        enum icc_space space;
        const char *what;
    } cases[] = {
        {p3, ICC_RGB, "a matrix"},      {grey, ICC_GREY, "grey"},
        {none, ICC_GREY, "plain grey"}, {make_rgb_table(&p), ICC_RGB, "a table"},
        {none, ICC_CMYK, "plain CMYK"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned depth = 8; depth <= 16; depth += 8)
            for (int alpha = 0; alpha < 2; alpha++) {
                bool same = false;
                double worst =
                    linear_error(&cases[i].profile, cases[i].space, depth, alpha != 0, &same);
                tap_ok(worst < 0.51 && same, "light and samples of %s, %u bits, alpha %d: %.3f",
                       cases[i].what, depth, alpha, worst);
            }
    struct icc_transform *transform;
    const uint16_t pixel[3] = {0, 65535, 0};
    const double code[3] = {0, 1, 0};
    float light[3][1];
    float *const to[3] = {light[0], light[1], light[2]};
    double xyz[3], right[3], worst = 0;
    icc_transform_new_linear(&transform, &p3, ICC_RGB, 16, false, NULL);
    icc_transform_linear(transform, pixel, to, 1);
    icc_transform_free(transform);
    apply(xyz_of_p3, code, xyz);
    apply(srgb_of_xyz, xyz, right);
    for (int c = 0; c < 3; c++)
        worst = fmax(worst, fabs(light[c][0] - right[c]));
    tap_ok(right[0] < -0.2 && worst < 1e-4, "green of display-p3 is not clipped: %.5f %.5f %.5f",
           light[0][0], light[1][0], light[2][0]);
    test_linear_outside();
    blob_free(&p3);
    blob_free(&grey);
}

static void test_names(void)
{
    static struct profile p;
    char name[64], tiny[5];
    make_srgb(&p, 2);
    p.tags = 7;
    profile_tag(&p, "desc", "desc");
    put_u32(&p, 9);
    for (const char *c = "My\nprofi"; *c != '\0'; c++)
        put_u8(&p, (uint8_t)*c);
    put_u8(&p, 0);
    struct blob profile = profile_end(&p);
    icc_name(&profile, name, sizeof name);
    icc_name(&profile, tiny, sizeof tiny);
    tap_ok(strcmp(name, "My?profi") == 0 && strcmp(tiny, "My?p") == 0, "a name: %s", name);

    make_srgb(&p, 4);
    p.tags = 7;
    profile_tag(&p, "desc", "mluc");
    put_u32(&p, 2);
    put_u32(&p, 12);
    put_name(&p, "deDE");
    put_u32(&p, 4);
    put_u32(&p, 40);
    put_name(&p, "enUS");
    put_u32(&p, 10);
    put_u32(&p, 44);
    put_u16(&p, 'd');
    put_u16(&p, 'e');
    put_u16(&p, 'e');
    put_u16(&p, 0xe9);
    put_u16(&p, 0xd83d);
    put_u16(&p, 0xde00);
    put_u16(&p, 0xd800);
    profile = profile_end(&p);
    icc_name(&profile, name, sizeof name);
    tap_ok(strcmp(name, "e\xc3\xa9\xf0\x9f\x98\x80?") == 0, "a name in UTF-16: %s", name);
    icc_name(&profile, tiny, sizeof tiny);
    tap_ok(strcmp(tiny, "e\xc3\xa9?") == 0, "cut between characters: %s", tiny);
    icc_name(&none, name, sizeof name);
    tap_ok(name[0] == '\0', "no profile has no name");
}

/* Everything that can be done with a profile. The results do not matter here, only that all of it
 * ends, and in bounds. */
static void use_everything(const struct blob *profile, bool transforms)
{
    for (int space = ICC_GREY; space <= ICC_CMYK; space++) {
        struct error error = {0};
        char name[40];
        float values[64];
        double color[3] = {0.2, 0.5, 0.9}, out[3];
        if (!icc_check(profile, (enum icc_space)space, &error))
            continue;
        icc_name(profile, name, sizeof name);
        icc_curve(profile, (enum icc_space)space, 1, values, 64, &error);
        if (!transforms)
            continue;
        icc_is_srgb(profile);
        icc_color_from_srgb(profile, (enum icc_space)space, color, out, &error);
        struct icc_transform *transform;
        if (!icc_transform_new(&transform, profile, (enum icc_space)space, 8, true, NULL))
            continue;
        uint8_t in[8 * 5], pixels[8 * 4];
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (uint8_t)next_random();
        icc_transform_pixels(transform, in, pixels, 8);
        icc_transform_free(transform);
    }
}

/* COUNT times a few bytes changed: anything may be refused, nothing may break. */
static void mutate(struct blob profile, unsigned count, const char *what)
{
    uint8_t *copy = malloc(profile.size);
    clock_t start = clock();
    unsigned refused = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t size = profile.size;
        memcpy(copy, profile.data, size);
        for (unsigned k = next_random() % 4 + 1; k > 0; k--) {
            /* Half of them where the structure is. */
            size_t room = next_random() % 2 ? size : 420;
            size_t at = next_random() % (room < size ? room : size);
            copy[at] = (uint8_t)(next_random() % 3   ? copy[at] ^ 1u << next_random() % 8
                                 : next_random() % 2 ? 0xff
                                                     : next_random());
        }
        if (next_random() % 8 == 0)
            size = next_random() % size;
        /* Of its own size, so that one byte too far is seen. */
        uint8_t *exact = malloc(size + !size);
        memcpy(exact, copy, size);
        struct blob changed = {exact, size};
        refused += !icc_check(&changed, ICC_RGB, NULL) && !icc_check(&changed, ICC_CMYK, NULL);
        use_everything(&changed, true);
        free(exact);
    }
    free(copy);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    tap_ok(seconds < 0.1 * count && refused > 0, "%u changes of %s, %u refused, %.1f ms each",
           count, what, refused, 1000 * seconds / count);
}

static struct blob make_curves(struct profile *p)
{
    static const char *const curves[] = {"rTRC", "gTRC", "bTRC"};
    static const uint16_t values[5] = {0, 9000, 20000, 40000, 65535};
    profile_start(p, 2, "mntr", "RGB ", "XYZ ");
    profile_srgb_colorants(p);
    for (unsigned i = 0; i < 3; i++)
        profile_table(p, curves[i], values, 5);
    return profile_end(p);
}

static void test_mutations(void)
{
    static struct profile p;
    const char *more = getenv("IMGTOOL_FUZZ");
    unsigned factor = more != NULL ? (unsigned)strtoul(more, NULL, 10) : 1;
    mutate(make_srgb(&p, 4), 3000 * factor, "sRGB");
    mutate(make_curves(&p), 3000 * factor, "curves");
    mutate(make_rgb_table(&p), 300 * factor, "an RGB table");
    mutate(make_rgb_elements(&p), 300 * factor, "RGB elements");
    mutate(make_cmyk_table(&p, 51), 300 * factor, "a CMYK table");
}

/* A good profile with COUNT bytes at AT replaced has to be refused. */
static void check_refused(struct blob profile, size_t at, const char *bytes, size_t count,
                          const char *what)
{
    struct error error = {0};
    memcpy(profile.data + at, bytes, count);
    bool good = icc_check(&profile, ICC_RGB, &error) || icc_check(&profile, ICC_CMYK, NULL);
    tap_ok(!good && (error.kind == ERROR_CORRUPT || error.kind == ERROR_UNSUPPORTED),
           "refused: %s (%s)", what, error.message);
}

static size_t tag_offset(const struct blob *profile, const char *name)
{
    for (size_t i = 132; i < 132 + 12 * PROFILE_TAGS; i += 12)
        if (memcmp(profile->data + i, name, 4) == 0)
            return (size_t)profile->data[i + 6] << 8 | profile->data[i + 7];
    return 0;
}

static void test_bad(void)
{
    static struct profile p;
    struct blob b = make_srgb(&p, 4);
    size_t curve = tag_offset(&b, "rTRC"), colorant = tag_offset(&b, "rXYZ");
    check_refused(b, 36, "acsq", 4, "no signature");
    check_refused(make_srgb(&p, 4), 0, "\0\1\0\0", 4, "ends early");
    check_refused(make_srgb(&p, 4), 8, "\5", 1, "version 5");
    check_refused(make_srgb(&p, 4), 12, "link", 4, "a device link");
    check_refused(make_srgb(&p, 4), 16, "HSV ", 4, "another space");
    check_refused(make_srgb(&p, 4), 20, "Luv ", 4, "another connection space");
    check_refused(make_srgb(&p, 4), 128, "\0\x0f\x42\x40", 4, "a million tags");
    check_refused(make_srgb(&p, 4), 136, "\xff\xff\xff\xff", 4, "a tag outside");
    check_refused(make_srgb(&p, 4), 140, "\xff\xff\xff\xff", 4, "a tag without end");
    check_refused(make_srgb(&p, 4), 144, "zzzz", 4, "a colorant missing");
    check_refused(make_srgb(&p, 4), colorant, "XYZZ", 4, "a colorant of no type");
    check_refused(make_srgb(&p, 4), curve + 8, "\0\5", 2, "an unknown formula");
    check_refused(make_srgb(&p, 4), curve, "curv\0\0\0\0\x30\0\0\0", 12, "a curve of 2^29 entries");
    check_refused(make_srgb(&p, 4), curve, "curv\0\0\0\0\0\0\3\xe8", 12,
                  "a curve longer than its tag");
    /* Exponent 0: the curve is 1 everywhere. */
    check_refused(make_srgb(&p, 4), curve + 8, "\0\0\0\0\0\0\0\0", 8, "a flat curve");
    b = make_rgb_table(&p);
    size_t tag = tag_offset(&b, "A2B0");
    check_refused(make_rgb_table(&p), tag + 10, "\xff", 1, "a grid of 255");
    check_refused(make_rgb_table(&p), tag + 10, "\1", 1, "a grid of 1");
    check_refused(make_rgb_table(&p), tag + 8, "\4", 1, "4 channels of RGB");
    check_refused(make_rgb_table(&p), tag + 48, "\xff\xff", 2, "65535 entries");
    b = make_rgb_elements(&p);
    tag = tag_offset(&b, "A2B0");
    check_refused(make_rgb_elements(&p), tag + 12, "\xff\xff\xff\xf0", 4, "curves outside");
    check_refused(make_rgb_elements(&p), tag + 24, "\0\0\0\x8c", 4, "a grid that ends early");
    check_refused(make_rgb_elements(&p), tag + 68, "\xff\xff\xff", 3, "a grid of 255 cubed");
    check_refused(make_rgb_elements(&p), tag + 68 + 16, "\4", 1, "numbers of 4 bytes");
    check_refused(make_rgb_elements(&p), tag + 16, "\0\0\0\xb0", 4, "a matrix that ends early");
    b = make_cmyk_table(&p, 0);
    tag = tag_offset(&b, "A2B1");
    check_refused(make_cmyk_table(&p, 0), tag + 10, "\x5a", 1, "90 to the 4th");
    struct error error = {0};
    b.data = calloc(1, 5 << 20);
    memcpy(b.data, make_srgb(&p, 4).data, b.size);
    b.size = 5 << 20;
    tap_ok(!icc_check(&b, ICC_RGB, &error), "refused: %s", error.message);
    free(b.data);
    /* The table of the tags, and room behind it. */
    b.data = calloc(1, 4096);
    memcpy(b.data, make_srgb(&p, 4).data, 452);
    b.size = 4096;
    set_u32(b.data, 4096);
    set_u32(b.data + 128, 101);
    error_clear(&error);
    tap_ok(!icc_check(&b, ICC_RGB, &error) && strstr(error.message, "101 tags") != NULL,
           "refused: %s", error.message);
    free(b.data);
    struct blob cut = make_srgb(&p, 4);
    unsigned passed = 0;
    for (size_t size = 1; size < cut.size; size++) {
        struct blob part = {cut.data, size};
        passed += icc_check(&part, ICC_RGB, NULL);
    }
    tap_ok(passed == 0, "cut anywhere it is refused: %u not", passed);
}

int main(void)
{
    test_p3();
    test_from_gamma();
    test_srgb();
    test_tables();
    test_cmyk();
    test_linear();
    test_names();
    test_bad();
    test_mutations();
    return tap_done();
}
