/* SPDX-License-Identifier: MIT */
#include "color/cam16.h"

#include <math.h>

#include "color/matrix.h"

/* The average surround: F, c, N_c. */
#define SURROUND_F 1.0
#define SURROUND_C 0.69
#define SURROUND_NC 1.0

static const double cat16[3][3] = {
    {0.401288, 0.650173, -0.051461},
    {-0.250268, 1.204414, 0.045854},
    {-0.002079, 0.048952, 0.953127},
};

/* What the cones answer, without the model's constant 0.1, which cancels but for a sum. */
static void cone_response(const struct cam16 *cam, const double xyz[3], double response[3])
{
    matrix_apply(cat16, xyz, response);
    for (int i = 0; i < 3; i++) {
        double light = cam->luminance * cam->adaptation[i] * response[i] / 100;
        double power = pow(fabs(light), 0.42);
        response[i] = copysign(400 * power / (power + 27.13), light);
    }
}

static double achromatic(const struct cam16 *cam, const double response[3])
{
    return (2 * response[0] + response[1] + response[2] / 20) * cam->background;
}

void cam16_prepare(struct cam16 *cam, const struct cam16_view *view)
{
    double cone[3], response[3], luminance = view->adapting_luminance;
    double degree = SURROUND_F * (1 - exp((-luminance - 42) / 92) / 3.6);
    degree = fmin(fmax(degree, 0), 1);
    matrix_apply(cat16, view->white, cone);
    for (int i = 0; i < 3; i++)
        cam->adaptation[i] = degree * view->white[1] / cone[i] + 1 - degree;
    double k = 1 / (5 * luminance + 1), k4 = k * k * k * k;
    cam->luminance =
        0.2 * k4 * 5 * luminance + 0.1 * (1 - k4) * (1 - k4) * cbrt(5 * luminance);
    double n = view->background / view->white[1];
    cam->background = 0.725 * pow(1 / n, 0.2);
    cam->exponent = SURROUND_C * (1.48 + sqrt(n));
    cam->chroma = pow(1.64 - pow(0.29, n), 0.73);
    cone_response(cam, view->white, response);
    cam->white = achromatic(cam, response);
}

void cam16_from_xyz(const struct cam16 *cam, const double xyz[3], struct cam16_color *color)
{
    double response[3];
    cone_response(cam, xyz, response);
    double r = response[0], g = response[1], b = response[2];
    double red_green = r - 12 * g / 11 + b / 11, yellow_blue = (r + g - 2 * b) / 9;
    double share = achromatic(cam, response) / cam->white;
    double eccentricity;

    color->hue = atan2(yellow_blue, red_green);
    eccentricity = 0.25 * (cos(color->hue + 2) + 3.8);
    color->lightness = copysign(100 * pow(fabs(share), cam->exponent), share);
    /* The sum is 0.305 at black; only colours that do not exist bring it to 0. */
    double sum = fmax(r + g + 1.05 * b + 0.305, 1e-3);
    double t = 50000.0 / 13 * SURROUND_NC * cam->background * eccentricity *
               hypot(red_green, yellow_blue) / sum;
    color->chroma = pow(t, 0.9) * sqrt(fabs(color->lightness) / 100) * cam->chroma;
    color->colorfulness = color->chroma * sqrt(sqrt(cam->luminance));
}

void cam16_ucs(const struct cam16_color *color, double ucs[3])
{
    double colorfulness = log1p(0.0228 * color->colorfulness) / 0.0228;
    ucs[0] = 1.7 * color->lightness / (1 + 0.007 * fabs(color->lightness));
    ucs[1] = colorfulness * cos(color->hue);
    ucs[2] = colorfulness * sin(color->hue);
}
