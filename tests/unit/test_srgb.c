/* SPDX-License-Identifier: MIT */
/* Rows through the sRGB curve against the formula in double precision. */
#include "color/srgb.h"

#include <math.h>

#include "color/lab.h"
#include "tap.h"

enum { COUNT = 1027 };

typedef void row_curve(float *value, size_t count);
typedef double curve(double value);

/* The largest error for values in LOW..HIGH, as a share of the result where that is above 1. */
static double worst(row_curve *row, curve *exact, double low, double high)
{
    double most = 0;
    float in[COUNT], out[COUNT];
    for (int part = 0; part < 997; part++) {
        for (int i = 0; i < COUNT; i++)
            out[i] = in[i] = (float)(low + (high - low) * (i * 997 + part) / (COUNT * 997.0));
        row(out, COUNT);
        for (int i = 0; i < COUNT; i++) {
            double value = exact(in[i]);
            double off = fabs(out[i] - value) / fmax(1, fabs(value));
            most = off > most || isnan(off) ? off : most;
        }
    }
    return most;
}

/* IEC 61966-2-1: 8-bit codes and their light, to 9 digits. */
static void check_published(void)
{
    static const struct {
        int code;
        float light;
    } known[] = {{0, 0},
                 {1, 0.000303527f},
                 {10, 0.003035270f},
                 {11, 0.003346536f},
                 {128, 0.215860501f},
                 {188, 0.502886458f},
                 {255, 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        float light = (float)known[i].code / 255, code = known[i].light;
        srgb_decode_row(&light, 1);
        srgb_encode_row(&code, 1);
        tap_ok(fabsf(light - known[i].light) < 5e-7f &&
                   fabsf(code * 255 - (float)known[i].code) < 1e-3f,
               "code %d: light %.9f, back %.6f", known[i].code, light, code * 255);
    }
}

static void check_odd(void)
{
    float odd[5] = {INFINITY, -INFINITY, NAN, 1e-42f, -0.0f}, back[5];
    for (int i = 0; i < 5; i++)
        back[i] = odd[i];
    srgb_encode_row(odd, 5);
    srgb_decode_row(back, 5);
    bool finite = true;
    for (int i = 0; i < 5; i++)
        finite = finite && isfinite(odd[i]) && isfinite(back[i]);
    tap_ok(finite && odd[1] < -50 && odd[0] > 50, "what is no number comes out finite");
    tap_ok(odd[4] == 0 && back[4] == 0, "0 stays 0");
}

int main(void)
{
    double off = worst(srgb_encode_row, srgb_encode, -1, 1);
    tap_ok(off < 3e-7, "encode within 3e-7 (%.2g)", off);
    off = worst(srgb_decode_row, srgb_decode, -1, 1);
    tap_ok(off < 5e-7, "decode within 5e-7 (%.2g)", off);
    off = worst(srgb_encode_row, srgb_encode, 0, 0.01);
    tap_ok(off < 2e-7, "encode near black (%.2g)", off);
    off = worst(srgb_encode_row, srgb_encode, 1, 60000);
    tap_ok(off < 1e-6, "encode beyond 1 (%.2g)", off);
    off = worst(srgb_decode_row, srgb_decode, 1, 4);
    tap_ok(off < 1e-6, "decode beyond 1 (%.2g)", off);
    check_published();
    check_odd();
    return tap_done();
}
