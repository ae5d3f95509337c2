/* SPDX-License-Identifier: MIT */
#include "color/difference.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "color/cam16.h"
#include "color/color_space.h"
#include "color/lab.h"
#include "color/matrix.h"

#define DEGREES (M_PI / 180)

const char *const difference_names[] = {"2000", "76",     "94",   "94t",  "cmc", "din99",
                                        "din99o", "ok", "hyab", "itp", "cam16", NULL};
const char *const difference_white_names[] = {"d65", "d50", NULL};

unsigned difference_factors(enum difference_formula formula)
{
    switch (formula) {
    case DIFFERENCE_2000:
    case DIFFERENCE_94:
    case DIFFERENCE_94T:
        return 7;
    case DIFFERENCE_DIN99:
    case DIFFERENCE_DIN99O:
        return 3;
    case DIFFERENCE_CAM16:
        return 1;
    default:
        return 0;
    }
}

/* What is derived from definitions, once. */
static struct {
    double d50_of_d65[3][3], d65_of_d50[3][3];
    double ictcp_lms[3][3]; /* from XYZ, white at Y 1, to cd/m2 */
    struct cam16 cam;
} constants;
static pthread_once_t constants_once = PTHREAD_ONCE_INIT;

static void constants_fill(void)
{
    /* BT.2020 primaries; BT.2100, table 7. */
    static const double rec2020[8] = {0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290};
    static const double lms[3][3] = {{1688, 2146, 262}, {683, 2951, 462}, {99, 309, 3688}};
    double to_xyz[3][3], from_xyz[3][3];
    struct cam16_view view = {.adapting_luminance = 64 / M_PI / 5, .background = 20};

    matrix_adapt(lab_white_d65, lab_white_d50, constants.d50_of_d65);
    matrix_adapt(lab_white_d50, lab_white_d65, constants.d65_of_d50);
    matrix_of_primaries(rec2020, to_xyz);
    matrix_invert(to_xyz, from_xyz);
    matrix_multiply(lms, from_xyz, constants.ictcp_lms);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            constants.ictcp_lms[i][j] *= 203.0 / 4096;
        view.white[i] = 100 * lab_white_d65[i];
    }
    cam16_prepare(&constants.cam, &view);
}

static double factor(double given, double preset)
{
    return given > 0 ? given : preset;
}

/* A NaN, which nobody should send, becomes a number too. */
static double bounded(double value)
{
    return value > -1e6 ? (value < 1e6 ? value : 1e6) : -1e6;
}

/* LAB, relative to the white of DIFFERENCE, as XYZ of D65. */
static void xyz_of_lab(const struct difference *difference, const double lab[3], double xyz[3])
{
    bool d50 = difference->white == DIFFERENCE_D50;
    lab_to_xyz(lab, d50 ? lab_white_d50 : lab_white_d65, xyz);
    if (d50)
        matrix_apply(constants.d65_of_d50, xyz, xyz);
}

void difference_lab(const struct difference *difference, const double lab_d65[3], double lab[3])
{
    double xyz[3];
    for (int i = 0; i < 3; i++)
        lab[i] = bounded(lab_d65[i]);
    if (difference->white == DIFFERENCE_D65)
        return;
    pthread_once(&constants_once, constants_fill);
    lab_to_xyz(lab, lab_white_d65, xyz);
    matrix_apply(constants.d50_of_d65, xyz, xyz);
    lab_from_xyz(xyz, lab_white_d50, lab);
}

/* The shape that DIN99 and DIN99o share: lightness and chroma on logarithmic scales, a and b
 * turned by TURN degrees and the second axis shrunk. */
struct din99 {
    double lightness, lightness_rate, chroma, chroma_rate;
    double turn, shrink, back; /* BACK degrees are added to the hue */
};

static void din99_point(const struct din99 *din, const double lab[3], double point[3])
{
    double cosine = cos(din->turn * DEGREES), sine = sin(din->turn * DEGREES);
    double e = lab[1] * cosine + lab[2] * sine;
    double f = din->shrink * (lab[2] * cosine - lab[1] * sine);
    double chroma = din->chroma * log1p(din->chroma_rate * hypot(e, f));
    double hue = atan2(f, e) + din->back * DEGREES;
    /* Mirrored below black, where the logarithm ends. */
    point[0] = copysign(din->lightness * log1p(din->lightness_rate * fabs(lab[0])), lab[0]);
    point[1] = chroma * cos(hue);
    point[2] = chroma * sin(hue);
}

static void ok_point(const double xyz[3], double point[3])
{
    double linear[3];
    lab_xyz_to_linear(xyz, linear);
    color_space_oklab(linear, point);
}

/* SMPTE ST 2084: light of 10000 cd/m2 is 1. It has no negative light. */
static double pq_encode(double light)
{
    double power = pow(fmax(light / 10000, 0), 2610.0 / 16384);
    return pow((3424.0 / 4096 + 2413.0 / 128 * power) / (1 + 2392.0 / 128 * power), 2523.0 / 32);
}

static void itp_point(const double xyz[3], double point[3])
{
    double lms[3];
    matrix_apply(constants.ictcp_lms, xyz, lms);
    for (int i = 0; i < 3; i++)
        lms[i] = pq_encode(lms[i]);
    point[0] = (lms[0] + lms[1]) / 2;
    point[1] = (6610 * lms[0] - 13613 * lms[1] + 7003 * lms[2]) / 4096 / 2;
    point[2] = (17933 * lms[0] - 17390 * lms[1] - 543 * lms[2]) / 4096;
}

static void cam_point(const double xyz[3], double point[3])
{
    const double scaled[3] = {100 * xyz[0], 100 * xyz[1], 100 * xyz[2]};
    struct cam16_color color;
    cam16_from_xyz(&constants.cam, scaled, &color);
    cam16_ucs(&color, point);
}

void difference_point(const struct difference *difference, const double lab[3], double point[3])
{
    double xyz[3], safe[3] = {bounded(lab[0]), bounded(lab[1]), bounded(lab[2])};
    double ke = factor(difference->kl, 1), kch = factor(difference->kc, 1);
    struct din99 din99 = {105.509 * ke, 0.0158, 1 / (0.045 * kch * ke), 0.045, 16, 0.7, 0};
    struct din99 din99o = {303.67 / ke, 0.0039, 1 / (0.0435 * kch * ke), 0.075, 26, 0.83, 26};

    switch (difference->formula) {
    case DIFFERENCE_DIN99:
        din99_point(&din99, safe, point);
        return;
    case DIFFERENCE_DIN99O:
        din99_point(&din99o, safe, point);
        return;
    case DIFFERENCE_OK:
    case DIFFERENCE_ITP:
    case DIFFERENCE_CAM16:
        break;
    default:
        memcpy(point, safe, sizeof safe);
        return;
    }
    pthread_once(&constants_once, constants_fill);
    xyz_of_lab(difference, safe, xyz);
    if (difference->formula == DIFFERENCE_OK)
        ok_point(xyz, point);
    else if (difference->formula == DIFFERENCE_ITP)
        itp_point(xyz, point);
    else
        cam_point(xyz, point);
}

/* Lightness, chroma and hue differences; the last squared, as neither formula wants its sign. */
struct lch_difference {
    double l, c, h2;
};

static struct lch_difference lch_difference(const double one[3], const double two[3])
{
    double a = two[1] - one[1], b = two[2] - one[2];
    double c = hypot(two[1], two[2]) - hypot(one[1], one[2]);
    return (struct lch_difference){two[0] - one[0], c, fmax(a * a + b * b - c * c, 0)};
}

static double cie94(const struct difference *difference, bool textile, const double one[3],
                    const double two[3])
{
    struct lch_difference d = lch_difference(one, two);
    double chroma = hypot(one[1], one[2]);
    double sc = 1 + (textile ? 0.048 : 0.045) * chroma, sh = 1 + (textile ? 0.014 : 0.015) * chroma;
    double l = d.l / factor(difference->kl, textile ? 2 : 1);
    double c = d.c / (factor(difference->kc, 1) * sc);
    double h = factor(difference->kh, 1) * sh;
    return sqrt(l * l + c * c + d.h2 / (h * h));
}

static double cmc(const struct difference *difference, const double one[3], const double two[3])
{
    struct lch_difference d = lch_difference(one, two);
    double chroma = hypot(one[1], one[2]), chroma4 = pow(chroma, 4);
    double hue = atan2(one[2], one[1]) / DEGREES;
    if (hue < 0)
        hue += 360;
    double sl = one[0] < 16 ? 0.511 : 0.040975 * one[0] / (1 + 0.01765 * one[0]);
    double sc = 0.0638 * chroma / (1 + 0.0131 * chroma) + 0.638;
    double t = hue >= 164 && hue <= 345 ? 0.56 + fabs(0.2 * cos((hue + 168) * DEGREES))
                                        : 0.36 + fabs(0.4 * cos((hue + 35) * DEGREES));
    double f = sqrt(chroma4 / (chroma4 + 1900)), sh = sc * (f * t + 1 - f);
    double l = d.l / (factor(difference->cmc_l, 2) * sl);
    double c = d.c / (factor(difference->cmc_c, 1) * sc);
    return sqrt(l * l + c * c + d.h2 / (sh * sh));
}

static double euclid(double x, double y, double z)
{
    return sqrt(x * x + y * y + z * z);
}

double difference_between(const struct difference *difference, const double reference[3],
                          const double sample[3])
{
    double x = sample[0] - reference[0], y = sample[1] - reference[1],
           z = sample[2] - reference[2];
    switch (difference->formula) {
    case DIFFERENCE_2000: {
        const double k[3] = {factor(difference->kl, 1), factor(difference->kc, 1),
                             factor(difference->kh, 1)};
        return lab_ciede2000_weighted(reference, sample, k);
    }
    case DIFFERENCE_94:
    case DIFFERENCE_94T:
        return cie94(difference, difference->formula == DIFFERENCE_94T, reference, sample);
    case DIFFERENCE_CMC:
        return cmc(difference, reference, sample);
    case DIFFERENCE_HYAB:
        return fabs(x) + hypot(y, z);
    case DIFFERENCE_ITP:
        return 720 * euclid(x, y, z);
    case DIFFERENCE_CAM16:
        return euclid(x / factor(difference->kl, 1), y, z);
    default:
        return euclid(x, y, z);
    }
}
