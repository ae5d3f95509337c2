/* SPDX-License-Identifier: MIT */
/* Writing an image the way every tool does: format chosen, pixels made to suit it, encoded into a
 * file that appears whole or not at all. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/outfile.h"
#include "base/sink.h"
#include "cli/input.h"

struct cli_output {
    struct outfile file;
    const char *path;         /* as given; not owned */
    enum codec_format format;
    enum codec_format origin; /* of the input, for later stages of a pipe */
    bool dry;                 /* --dry-run: nothing is opened or written */
    bool waits;               /* for cli_output_settle() to open it */
    uint32_t width, height;
    uint64_t bytes;
    uint64_t max_bytes;       /* 0, or set before cli_output_begin(): the best quality that fits */
    struct cli_output *same;  /* another one that gets the same bytes when this is encoded; or NULL */
    bool flattened;           /* the format has no transparency, and there was some */
    struct output_writer *writer; /* while it is written; else NULL */
};

/* The path that -o and --in-place mean for INPUT. */
const char *cli_output_path(const struct cli_run *run, const struct cli_input *input);

/* Chooses the format and opens PATH, before the header of INPUT is read, so that this can happen in
 * the sandbox and a mistake costs nothing. Refuses a terminal, the input itself without --in-place,
 * and JSON on the same stdout. */
bool cli_output_open(struct cli_run *run, const char *path, const struct cli_input *input,
                     struct cli_output *output, struct error *error);

/* The rest, when the header is known and before sandbox_enter(): the format where only the header
 * tells, and the file where it had to wait (sandbox_must_wait()). */
bool cli_output_settle(struct cli_run *run, const struct cli_input *input,
                       struct cli_output *output, struct error *error);

/* Writing by bands of rows, which are made to suit the format: flattened, 8 bits, RGB, colour under
 * alpha 0 cleared. What can leave leaves, into the file that is not in place yet; all of it is kept
 * only for WebP and for max_bytes. What goes to a pipe or a device leaves at the end, but for PAM,
 * whose header is on its way at once: a later stage prepares, and notices where the rest is missing.
 * One output may be on any thread, several at the same time.
 *
 * IMAGE gives the shape and the metadata of what comes; its pixels are not looked at, and it is not
 * needed after the call. */
bool cli_output_begin(const struct cli_run *run, struct cli_output *output,
                      const struct image *image, struct error *error);

/* The next COUNT rows, STRIDE bytes apart, which may be changed. */
bool cli_output_rows(struct cli_output *output, uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error);

/* After the last row. ERROR_LIMIT where it cannot be done in max_bytes. */
bool cli_output_end(struct cli_output *output, struct error *error);

/* The three for an image that is there, whose pixels may be changed. */
bool cli_output_encode(const struct cli_run *run, struct cli_output *output, struct image *image,
                       struct error *error);

/* Puts the file in place, and warns where it lost its transparency. */
bool cli_output_commit(struct cli_run *run, struct cli_output *output, struct error *error);

/* {"path","format","width","height","bytes"} */
struct json_t *cli_output_json(const struct cli_output *output);

void cli_output_discard(struct cli_output *output);

/* All of it for the tools that write one image: encode, commit, run->output. */
bool cli_output_write(struct cli_run *run, struct cli_output *output, struct image *image,
                      struct error *error);

/* Says that ERROR is about OUTPUT, unless it is about another file; returns false. */
bool cli_output_failed(const struct cli_output *output, struct error *error);

#endif
