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
    struct cli_output *same;  /* another one that gets the same bytes when this is encoded; or NULL */
    bool (*make)(void *context, uint32_t end, struct error *error); /* codec_write_options.make */
    void *make_context;
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

/* Makes IMAGE suit the format: flattened, 8 bits, RGB, colour under alpha 0 cleared. It may be
 * changed in place or replaced. */
bool cli_output_prepare(struct cli_run *run, const struct cli_output *output, struct image *image,
                        struct error *error);

/* Encodes the prepared IMAGE. The file is not in place yet. May run on any thread. */
bool cli_output_encode(const struct cli_run *run, struct cli_output *output,
                       const struct image *image, struct error *error);

/* The same in at most MAX_BYTES (0: no limit), at the best quality that gives so few; ERROR_LIMIT
 * where none does. */
bool cli_output_encode_within(const struct cli_run *run, struct cli_output *output,
                              const struct image *image, uint64_t max_bytes, struct error *error);

/* Puts the file in place. */
bool cli_output_commit(struct cli_run *run, struct cli_output *output, struct error *error);

/* {"path","format","width","height","bytes"} */
struct json_t *cli_output_json(const struct cli_output *output);

void cli_output_discard(struct cli_output *output);

/* All of it for the tools that write one image: prepare, encode, commit, run->output. */
bool cli_output_write(struct cli_run *run, struct cli_output *output, struct image *image,
                      struct error *error);

/* The same for an image whose rows are still to be made: MAKE is asked, from the top on, for those
 * before END, and what goes to a later stage of a pipe leaves while the rest is being made. The
 * shape and the metadata of IMAGE are final. */
typedef bool cli_output_make(void *context, uint32_t end, struct error *error);
bool cli_output_write_made(struct cli_run *run, struct cli_output *output, struct image *image,
                           cli_output_make *make, void *context, struct error *error);

#endif
