/* SPDX-License-Identifier: MIT */
/* Reading an image the way every tool does: opened, judged by its header, then read as upright grey
 * or RGB pixels with a profile that fits them. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <sys/stat.h>

#include "cli/tool.h"
#include "codec/codec.h"

struct cli_input {
    struct source source;
    struct codec_reader *reader;
    const struct codec_info *info;    /* what the file says */
    struct image_shape stored;        /* the rows of cli_input_rows(): grey or RGB, as stored */
    struct image_shape shape;         /* the same upright */
    uint32_t full_width, full_height; /* upright, before any reduction on decoding */
    struct image_metadata metadata;   /* profile checked and fitting, EXIF for upright pixels */
    enum codec_format format;         /* what `auto` output means */
    struct icc_transform *to_srgb;    /* of CMYK, or of grey that must be RGB; else NULL */
    uint8_t *band;                    /* rows before conversion */
    uint32_t next_row;
    bool warns_later;                 /* cli_input_warn() is called when all rows are read */
};

/* Opens NAME and recognises its format by its first bytes: input->format is what the header will
 * say, or CODEC_NONE where only that tells; nothing else of INPUT is known yet. run->file is set.
 * What was opened is to be closed, whatever follows. */
bool cli_input_open(struct cli_run *run, const char *name, struct cli_input *input,
                    struct error *error);

/* Leaves opening NAME by cli_input_open() to the sandbox: sandbox_keep_input(), and the libraries
 * that any image may need. */
void cli_input_keep(const char *name);

/* Reads the header, in the sandbox (sandbox_enter_early()): outputs are opened before. ENOUGH,
 * which may be NULL, is asked for the smallest upright size that serves once the real one is known.
 * run->input is set. */
typedef void cli_input_enough(void *context, uint32_t *width, uint32_t *height);
bool cli_input_header(struct cli_run *run, cli_input_enough *enough, void *context,
                      struct cli_input *input, struct error *error);

/* Makes what is read from INPUT RGB where it is grey; a grey profile is then applied and gone. */
bool cli_input_make_rgb(struct cli_input *input, struct error *error);

/* The next COUNT stored rows as input->stored; after the last one what follows is checked. */
bool cli_input_rows(struct cli_run *run, struct cli_input *input, uint8_t *rows, size_t stride,
                    uint32_t count, struct error *error);

/* All pixels into INTO, an image or view of the upright size whose shape may add alpha or turn
 * grey into RGB. */
bool cli_input_read_into(struct cli_run *run, struct cli_input *input, const struct image *into,
                         struct error *error);

/* All pixels as a new image, which gets the metadata too. */
bool cli_input_read(struct cli_run *run, struct cli_input *input, struct image *image,
                    struct error *error);

void cli_input_close(struct cli_input *input);

/* Says what was wrong with INPUT, all of which is read: for whoever reads several at the same time,
 * and sets warns_later so that the order does not depend on which of them ended first. */
void cli_input_warn(struct cli_run *run, const struct cli_input *input);

/* What the options say about reading; for imginfo, which opens codecs itself. */
void cli_read_options(const struct cli_run *run, struct codec_read_options *options);

/* The threads of a command: as asked for, but no more than --memory has room for. */
unsigned cli_threads(const struct cli_common *options);

/* The libraries that images need, for --version --json. */
struct json_t *cli_image_libraries(void);

#endif
