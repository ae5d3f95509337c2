/* SPDX-License-Identifier: MIT */
/* Colour difference formulas: eleven of them, exact, in double precision.
 *
 * Every formula is a distance between two points of a space of its own. A colour becomes a point
 * once (difference_point) and is then compared as often as needed (difference_between).
 *
 *   2000    CIEDE2000. Sharma, Wu, Dalal, Color Res. Appl. 30(1), 2005. kL, kC, kH.
 *   76      CIE 1976 L*a*b*, Euclidean. CIE 15:2004.
 *   94 94t  CIE94, CIE 116-1995: for graphic arts (K1 0.045, K2 0.015) and for textiles (kL 2,
 *           K1 0.048, K2 0.014). kL, kC, kH.
 *   cmc     CMC l:c. Clarke, McDonald, Rigg, J. Soc. Dyers Colour. 100, 1984. 2:1.
 *   din99   DIN 6176 as in ASTM D2244-07: kl is kE, kc is kCH (textiles 2 and 0.5). kE
 *           multiplies lightness, as in the values published with colour-science.
 *   din99o  DIN 6176:2018, optimised. kl is kE, which divides, kc is kCH.
 *   ok      Euclidean in OKLab (white has L 1). Ottosson, 2020.
 *   hyab    |dL| and the Euclidean distance of a and b, added. Abasi, Tehran, Fairchild, Color Res.
 *           Appl. 45(2), 2020.
 *   itp     Delta E ITP, ITU-R BT.2124. ICtCp of BT.2100 (PQ), sRGB white at 203 cd/m2.
 *   cam16   Euclidean in CAM16-UCS (color/cam16.h), seen as IEC 61966-2-1 describes: L_A 64/pi/5
 *           cd/m2, background 20, average surround. kl is K_L (Luo, Cui, Li 2006).
 *
 * The spaces of ok, itp and cam16 have a D65 white of their own; with another white Lab is adapted
 * to it first. Coordinates beyond 1e6 count as 1e6, so that the difference of any two finite
 * colours is a finite number. */
#ifndef COLOR_DIFFERENCE_H
#define COLOR_DIFFERENCE_H

#include <stdbool.h>

enum difference_formula {
    DIFFERENCE_2000,
    DIFFERENCE_76,
    DIFFERENCE_94,
    DIFFERENCE_94T,
    DIFFERENCE_CMC,
    DIFFERENCE_DIN99,
    DIFFERENCE_DIN99O,
    DIFFERENCE_OK,
    DIFFERENCE_HYAB,
    DIFFERENCE_ITP,
    DIFFERENCE_CAM16,
    DIFFERENCE_COUNT
};

/* "2000", "76", "94", "94t", "cmc", …: the choices of --formula, ends with NULL. */
extern const char *const difference_names[];

enum difference_white { DIFFERENCE_D65, DIFFERENCE_D50 };

/* "d65", "d50": the choices of --white, ends with NULL. */
extern const char *const difference_white_names[];

struct difference {
    enum difference_formula formula;
    enum difference_white white; /* the white that Lab values refer to */
    double kl, kc, kh;           /* parametric factors; 0: the formula's own default */
    double cmc_l, cmc_c;         /* CMC l:c; 0: 2 and 1 */
};

/* Which of the factors kl, kc, kh FORMULA takes: bits 1, 2, 4. */
unsigned difference_factors(enum difference_formula formula);

/* Lab (D65) as Lab relative to the white of DIFFERENCE (linear Bradford). */
void difference_lab(const struct difference *difference, const double lab_d65[3], double lab[3]);

/* LAB, relative to the white of DIFFERENCE, as a point of the formula's space: L a b; L99 a99 b99;
 * OKLab; I, Ct / 2, Cp; J' a' b'. */
void difference_point(const struct difference *difference, const double lab[3], double point[3]);

/* From the point REFERENCE to the point SAMPLE. Only CIE94 and CMC depend on which is which. */
double difference_between(const struct difference *difference, const double reference[3],
                          const double sample[3]);

#endif
