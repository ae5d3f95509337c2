/* SPDX-License-Identifier: MIT */
/* The colour appearance model CAM16 and its uniform space. Li, Li, Wang, Xu, Luo, Cui, Melgosa,
 * Brill, Pointer: "Comprehensive color solutions: CAM16, CAT16, and CAM16-UCS", Color Res. Appl.
 * 42(6), 2017. Average surround. */
#ifndef COLOR_CAM16_H
#define COLOR_CAM16_H

/* How a colour is looked at. */
struct cam16_view {
    double white[3];           /* XYZ with Y 100 */
    double adapting_luminance; /* L_A, cd/m2 */
    double background;         /* Y_b, 0..100 */
};

/* What follows from a view; see cam16_prepare(). */
struct cam16 {
    double adaptation[3]; /* D_R, D_G, D_B */
    double luminance;     /* F_L */
    double background;    /* N_bb, which is N_cb */
    double exponent;      /* c z */
    double chroma;        /* (1.64 - 0.29^n)^0.73 */
    double white;         /* A_w */
};

void cam16_prepare(struct cam16 *cam, const struct cam16_view *view);

struct cam16_color {
    double lightness, chroma, colorfulness; /* J, C, M */
    double hue;                             /* h in radians, -pi..pi */
};

/* XYZ on the scale of the view's white. Any finite colour has finite correlates: lightness below
 * black is mirrored, and where the model divides by nothing the chroma stays large. */
void cam16_from_xyz(const struct cam16 *cam, const double xyz[3], struct cam16_color *color);

/* J', a', b' of CAM16-UCS (c1 0.007, c2 0.0228). */
void cam16_ucs(const struct cam16_color *color, double ucs[3]);

#endif
