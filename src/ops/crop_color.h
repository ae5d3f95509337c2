/* SPDX-License-Identifier: MIT */
/* Content by colour: the part of crop.h that looks at pixels. */
#ifndef OPS_CROP_COLOR_H
#define OPS_CROP_COLOR_H

#include "ops/crop.h"

/* What the search knows between its steps. Planes have one value per cell of the thumb. */
struct crop_survey {
    struct pixel_reader reader;
    struct thumb thumb;
    struct background background;
    float *difference;   /* CIEDE2000 from the background, times alpha */
    uint8_t *content;    /* 1 where there is content */
    uint8_t *near;       /* 1 there and in the eight cells around */
    uint64_t content_cells;
    uint32_t left, top, right, bottom; /* of the content, in cells, inclusive */
    bool lossy;          /* see crop_options */
    uint32_t smoothed;   /* radius in cells; 0 where the thumb is as it was */
    double tolerance;
    double pixel_noise;  /* what 99 % of single background pixels stay below */
};

/* What confidence is made of; each is 0..1 and 1 is good. */
struct crop_doubts {
    double ring;     /* the model explains the ring */
    double calm;     /* the explained background is smooth, as cells and as pixels */
    double contrast; /* content stands out */
    double gap;      /* little lies between background and content */
    double outline;  /* content ends sharply, at least in parts; light fades */
    double border;   /* content leaves most of the border free */
};

/* Finds content. SURVEY is set up and to be closed by crop_survey_close() even after a failure;
 * content_cells is 0 where the image is blank. */
bool crop_survey_open(struct crop_survey *survey, const struct image *image,
                      const struct crop_options *options, struct error *error);
void crop_survey_close(struct crop_survey *survey);

/* The box of the content's cells, in pixels. */
void crop_survey_box(const struct crop_survey *survey, struct crop_box *content);

/* Sets survey->pixel_noise, from rows through the explained tiles. */
bool crop_pixel_noise(struct crop_survey *survey, struct error *error);

/* How far a survey is to be trusted; after crop_pixel_noise(). */
bool crop_survey_judge(const struct crop_survey *survey, struct crop_doubts *doubts,
                       struct error *error);
double crop_confidence(const struct crop_doubts *doubts);

/* The content's box in pixels, sought along the four edges of the box in cells. A pixel is content
 * where it exceeds the tolerance, or the noise of single pixels where that is more. Where weak
 * differences around strong ones go up and down as a compressor's ripples do, it must also reach
 * a quarter of the strongest near by; also where the edge of weak differences in a lossy image
 * happens to be that of a compressor's block. Where noise hides the edge from single pixels, it
 * lies where the cells cross half of the contrast. */
bool crop_edges(const struct crop_survey *survey, struct crop_box *content, struct error *error);

#endif
