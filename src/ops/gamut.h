/* SPDX-License-Identifier: MIT */
/* Colours that sRGB cannot show, in rows. */
#ifndef OPS_GAMUT_H
#define OPS_GAMUT_H

#include <stddef.h>

/* COUNT pixels of linear-light sRGB, planar, in place: where a component is outside of 0..1,
 * lightness and hue stay and chroma is given up, in OKLCh (Ottosson 2020), until all fit but for
 * what clipping takes invisibly (light below black, 0.008 of that of a grey so light); black or
 * white where the lightness itself does not fit. Afterwards all are in 0..1; pixels inside are not
 * touched; a NaN counts as 0. Returns how many were outside by more than half a step of 8 bits.
 *
 * color_space_fit_srgb() follows CSS Color 4, which keeps more chroma: it clips single components
 * where that moves a colour by less than 0.02. For one colour that is better; in a picture that
 * threshold would be an edge across a gradient, so here it is the chroma alone. */
size_t gamut_fit_row(float *restrict r, float *restrict g, float *restrict b, size_t count);

#endif
