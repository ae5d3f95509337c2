/* SPDX-License-Identifier: MIT */
/* ralmatch: what its parts share. */
#ifndef TOOLS_RALMATCH_H
#define TOOLS_RALMATCH_H

#include "base/source.h"
#include "cli/report.h"
#include "color/swatches.h"
#include "ops/match.h"

enum { RALMATCH_ALL = 3 };

struct match_fields {
    struct cli_common common;
    int set, formula, finish; /* SET: enum ral_set or RALMATCH_ALL; FINISH: 0 solid, 1 all */
    const char *catalogue, *code;
    int64_t top, colors;
    double max_de;
    bool list;
};

/* A colour that may be the answer. */
struct shade {
    const char *set, *finish; /* NULL in catalogues of one's own */
    const char *code, *name_en, *name_de;
    uint32_t rgb;
    double lab[3];
};

struct session {
    struct cli_run *run;
    const struct match_fields *fields;
    struct shade *shades;
    size_t shade_count;
    struct swatches own; /* what shades of a catalogue point into */
    struct text shown;   /* the shades as text one behind the other, once that is written down */
    size_t *shown_ends;  /* NULL until then */
    struct matcher *matcher;
    struct match *found;
    size_t wanted; /* one more than is shown where the runner-up is needed */
    double max_de; /* infinity: any will do */
    bool swatch;   /* shown beside each line */
    bool prefixed; /* lines start with what was asked */
    bool several;  /* operands: lines of images end with the image's name */
    bool none;     /* some query had no match */
};

/* One colour to be matched. */
struct query {
    const char *text;
    double lab[3];
    double share;      /* of an image; negative: of none */
    const char *image; /* NULL: none, or the only one */
    size_t line;       /* of a list; 0: of none */
};

/* Fills session->shades with what the options name. (ralmatch_shades.c, as the next five) */
bool session_load(struct session *session, struct error *error);

/* The answer to --code and --list: shades as they are. */
bool session_show(struct session *session, struct error *error);

/* Adds CODE, NAME and HEX of SHADE, with tabs between, to ANSWER. */
void shade_text(const struct session *session, const struct shade *shade, struct text *answer);

/* Writes down what shade_text() adds for each shade: most of the time of a long list went there. */
bool session_write_shades(struct session *session, struct error *error);

/* The object for SHADE; DE negative: nothing was measured. */
json_t *shade_json(const struct shade *shade, double de);

/* As it is shown in JSON: four decimals. */
double shade_rounded(double value);

/* True where JSON goes anywhere. */
bool session_wants_json(const struct session *session);

/* Matches QUERY: lines into run->answer; RESULT becomes the object where one is wanted. */
void session_match(struct session *session, const struct query *query, json_t **result);

/* The same where the FOUND nearest are known. */
void session_answer(struct session *session, const struct query *query, const struct match *match,
                    size_t found, json_t **result);

/* Adds the lines of that to TEXT and nothing else, so that several threads may. False where no
 * match is near enough. */
bool session_text(const struct session *session, const struct query *query,
                  const struct match *match, size_t found, struct text *text);

/* What became of one of several queries: FAILURE NULL, or the reason. */
bool session_report(struct session *session, const struct error *failure, struct error *error);

/* Lets out what was answered so far, where it goes to stdout. */
bool session_flush(struct session *session, struct error *error);

/* Matches every line of SOURCE and reports them one by one. (ralmatch_list.c) */
bool session_list(struct session *session, struct source *source, struct error *error);

/* Matches what is in NAME: an image's colours or a list. (ralmatch_input.c) */
bool session_file(struct session *session, const char *name, struct error *error);

#endif
