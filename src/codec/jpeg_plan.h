/* SPDX-License-Identifier: MIT */
/* How much of a JPEG has to be decoded where the picture will be reduced. */
#ifndef CODEC_JPEG_PLAN_H
#define CODEC_JPEG_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec.h"
#include "codec/jpeg_markers.h"

/* How many times the picture will be reduced, by what OPTIONS wants of a picture like INFO: at
 * least, where that differs by direction, and 1 where nothing is known about it. */
double jpeg_plan_reduction(const struct codec_info *info, const struct codec_read_options *options);

/* Whether a picture that will be reduced REDUCTION times can be decoded at half its size. */
bool jpeg_plan_halves(const struct codec_info *info, double reduction);

/* The coefficients, in natural order, that libjpeg's inverse transform to SIZE x SIZE samples
 * looks at. */
uint64_t jpeg_plan_used(int size);

/* What there is to know of a component to choose its scans. */
struct jpeg_component {
    const uint16_t *steps;   /* quantisation, in natural order; NULL: not known */
    uint64_t used;           /* jpeg_plan_used() */
    double ratio_x, ratio_y; /* its samples to one sample of the final picture */
};

/* Marks the scans that a picture reduced REDUCTION times can do without: those of coefficients that
 * are not looked at, and those last bits of coefficients whose absence changes the final picture
 * by less than rounding it to 8 bits does. A picture that is not clearly reduced keeps all. */
void jpeg_plan_scans(struct jpeg_layout *layout, double reduction,
                     const struct jpeg_component components[JPEG_MAX_COMPONENTS]);

#endif
