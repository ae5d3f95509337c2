/* SPDX-License-Identifier: MIT */
/* Recolouring: the body of an object gets a target colour and keeps its shading, its highlights and
 * its noise.
 *
 * The dichromatic model (S. Shafer: "Using color to separate reflection components", Color Res.
 * Appl. 10(4), 1985) in linear light: I = m_b * body + m_s * white + a rest. m_b and m_s are found
 * for each pixel, then the body is exchanged.
 *
 * The body's colour is the median of the pixels wholly inside mask and object between the 40th and
 * the 80th percentile of luminance. With C* of 20 and more m_b and m_s are a least squares fit;
 * otherwise m_b = min(Y / Y_body, cap), the cap following the brightness of the body round about
 * (recolor_shade.h), and what is above it is highlight. What body and white cannot mix to keeps its
 * colour: wood, labels, tinted glass. So do grey parts beside a chromatic body; beside a grey one
 * they need a mask. Partly covered pixels: line_mix() in recolor.c.
 *
 * What the source clipped is lost: highlights on a nearly white body are guessed (recolor_split.c).
 * Where parts of the object that are not the body outweigh it, FROM says what the body is. */
#ifndef OPS_RECOLOR_H
#define OPS_RECOLOR_H

#include "image/image.h"

struct recolor_options {
    const struct image *mask; /* grey, 8 or 16 bit, of the same size: how much of a pixel is the
                                 body; NULL: everywhere. Alpha counts besides. */
    const double *from;       /* Lab (D65) of the body as it is, where m_b is 1; NULL: found */
    double to[3];             /* the target, encoded sRGB 0..1, in gamut */
    double strength;          /* 0..1: so far towards the target, in Lab; 0 changes no byte */
    unsigned threads;
};

struct recolor_result {
    double from[3];      /* Lab (D65) of the body colour that was used */
    double body[3];      /* Lab of the median of the same pixels afterwards */
    double achieved_de;  /* CIEDE2000 of that against the target */
    double gain;         /* linear light, target against body, as lengths; at most 40 */
    bool chromatic;      /* split by least squares; otherwise by luminance */
    bool limited;        /* the gain was capped: from nearly black to light */
    double clipped;      /* share of the recoloured pixels that left the gamut */
};

/* Recolours IMAGE in place: RGB, sRGB without a profile, 8 or 16 bit, with or without alpha (which
 * stays). Pixels without mask or alpha keep their bytes. The same for any number of threads.
 * ERROR_UNSUPPORTED where no pixel counts. */
bool recolor(struct image *image, const struct recolor_options *options,
             struct recolor_result *result, struct error *error);

#endif
