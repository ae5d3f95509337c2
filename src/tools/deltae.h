/* SPDX-License-Identifier: MIT */
/* deltae: what its parts share. */
#ifndef TOOLS_DELTAE_H
#define TOOLS_DELTAE_H

#include "cli/tool.h"
#include "color/color.h"
#include "color/difference.h"
#include "image/image.h"

enum { DELTAE_MOST_BOXES = 64 };

struct deltae_boxes {
    struct image_box boxes[DELTAE_MOST_BOXES];
    size_t count;
};

struct deltae_fields {
    struct cli_common common;
    int formula, white;                            /* enum difference_formula, difference_white */
    double kl, kc, kh, cmc[2];                     /* 0: the formula's own */
    const char *pairs;                             /* --pairs FILE */
    double tolerance;
    double max, max_mean, max_p95, max_fraction;   /* negative: not asked for */
    const char *heatmap, *mask;
    double heatmap_top;                            /* end of the scale of the heat map */
    struct deltae_boxes ignore;
};

/* The formula that FIELDS ask for. */
struct difference deltae_difference(const struct deltae_fields *fields);

/* What verdicts are about; OVER is the share above --tolerance. */
struct deltae_figures {
    double mean, p95, max, over;
};

/* The verdict on FIGURES: where they exceed one of --max, --max-mean, --max-p95, --max-fraction,
 * run->answer_no is set and a line that begins with SUBJECT (NULL: without) says so. Returns what
 * JSON calls "passed": true, false, or null where no limit was given. */
struct json_t *deltae_judge(struct cli_run *run, const struct deltae_fields *fields,
                            const struct deltae_figures *figures, const char *subject);

/* A colour as points of the formula's space: over white and over black, which are one where it is
 * opaque. */
struct deltae_point {
    double white[3], black[3];
    bool opaque;
};

void deltae_point(const struct difference *difference, const struct color *color,
                  struct deltae_point *point);

/* Translucent colours differ by the larger of what is seen over white and over black. */
double deltae_between(const struct difference *difference, const struct deltae_point *reference,
                      const struct deltae_point *sample);

/* Differences as they come, in constant memory. */
struct deltae_tally;
struct deltae_tally *deltae_tally_new(double tolerance, struct error *error);
void deltae_tally_add(struct deltae_tally *tally, double difference);
void deltae_tally_free(struct deltae_tally *tally);

struct deltae_summary {
    struct deltae_figures figures;
    double median, p99;
    uint64_t count; /* 0: the rest is 0 */
};

/* Quantiles interpolate (type 7 of Hyndman, Fan 1996). They are exact for up to 65536 differences
 * and within a share of 0.0002 for more. */
void deltae_tally_sum_up(struct deltae_tally *tally, struct deltae_summary *summary);

/* Rows of lists. */
enum deltae_row_kind {
    DELTAE_ROW_PASS,    /* blank, or a comment */
    DELTAE_ROW_HEADING, /* the first, if it names the columns */
    DELTAE_ROW_VALUE,
    DELTAE_ROW_BAD
};

enum { DELTAE_LONGEST_ROW = 1 << 20 };

struct deltae_rows;
struct deltae_rows *deltae_rows_new(const struct difference *difference, struct error *error);
void deltae_rows_free(struct deltae_rows *rows);

/* Reads the LENGTH bytes of LINE, at most DELTAE_LONGEST_ROW, without their line end; the byte
 * behind them can be read and is no part of a number. Fills *DIFFERENCE, or ERROR for a bad row. */
enum deltae_row_kind deltae_row_read(struct deltae_rows *rows, const char *line, size_t length,
                                     double *difference, struct error *error);

/* The same for rows of the usual kind behind the first one: six plain numbers, or #rrggbb twice.
 * False for any other, which says nothing. Several threads may ask at a time, while nobody reads;
 * the answer holds for the rest of the list. */
bool deltae_row_plain(const struct deltae_rows *rows, const char *line, size_t length,
                      double *difference);

/* The separator of what was read so far. */
char deltae_rows_separator(const struct deltae_rows *rows);

/* The point of its numbers: a comma once one had it, as numbers between tabs or semicolons may. */
char deltae_rows_point(const struct deltae_rows *rows);

/* Compares the images A and B (one of them may be "-"): lines into run->answer, run->result,
 * run->answer_no, the heat map. */
bool deltae_images(struct cli_run *run, const struct deltae_fields *fields, const char *a,
                   const char *b, struct error *error);

/* The rows of fields->pairs, as they come, to stdout or -o. */
bool deltae_list(struct cli_run *run, const struct deltae_fields *fields, struct error *error);

#endif
