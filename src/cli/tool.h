/* SPDX-License-Identifier: MIT */
/* A tool: what a binary of the suite is, and the main that they share.
 *
 * A tool's file has an option struct that starts with `struct cli_common`, a table of its own
 * options, a `struct cli_tool` and a run function. Everything else happens here: start-up in the
 * right order, limits, signals, help, JSON, errors, exit status. */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/outfile.h"
#include "base/text.h"
#include "cli/option.h"
#include "cli/result.h"

#define CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The fields behind the options that tools share. A tool has those of the groups it names. */
struct cli_common {
    const char *input, *output;           /* CLI_INPUT, CLI_OUTPUT */
    bool in_place, no_clobber, mkdir, dry_run;
    int format;                           /* CLI_FORMAT: enum codec_format */
    int64_t quality, effort;              /* 0 and -1: the format's default */
    bool lossless, exact;
    struct cli_background {               /* what transparency is flattened on */
        double srgb[3];
    } background;
    int metadata;                         /* CLI_DECODE: 0 drop, 1 keep */
    int64_t frame;                        /* 0: none named */
    bool lenient, require_sandbox;
    uint64_t max_pixels, max_input_bytes; /* CLI_LIMITS */
    int64_t max_dimension, threads;       /* threads 0: as many as this process may use */
    uint64_t memory_bytes;                /* CLI_PROCESS */
    int64_t timeout_ms;                   /* 0: none */
    const char *root;                     /* CLI_ROOT; NULL: none */
    int64_t slots, slot_wait_ms;          /* CLI_SLOTS; 0: none */
    const char *slots_dir;                /* NULL: the usual one */
    bool json, quiet, verbose, short_help, help, version, manual; /* CLI_REPORT */
    int64_t report_fd;                    /* -1: none */
    const char *request_id;
    const char *completion;
};

enum cli_groups {
    CLI_INPUT = 1,    /* -i */
    CLI_OUTPUT = 2,   /* -o and how files are created */
    CLI_REPLACE = 4,  /* --in-place, --dry-run */
    CLI_FORMAT = 8,   /* how images are encoded */
    CLI_FLATTEN = 16, /* --background; imgcrop has its own */
    CLI_DECODE = 32,  /* what is done with images when they are read */
    CLI_LIMITS = 64,  /* of images */
    CLI_MEMORY = 128, /* --memory */
    CLI_TIMEOUT = 256, /* --timeout */
    CLI_ROOT = 512,    /* --root */
    CLI_SLOTS = 1024,  /* --slots and its kin */
    CLI_REPORT = 2048, /* --json, -q, -v, help; every tool has them */
    CLI_CONFINED = CLI_TIMEOUT | CLI_ROOT | CLI_SLOTS, /* also of what runs other tools */
    CLI_PROCESS = CLI_MEMORY | CLI_CONFINED,
    CLI_IMAGE_FILTER = CLI_INPUT | CLI_OUTPUT | CLI_REPLACE | CLI_FORMAT | CLI_FLATTEN |
                       CLI_DECODE | CLI_LIMITS | CLI_PROCESS
};

struct cli_example {
    const char *command, *what;
};

struct json_t;
struct cli_run;

struct cli_tool {
    const char *name;             /* "imgcrop", "imgtool pipe" */
    const char *operands;         /* "[INPUT]" */
    const char *description;      /* paragraphs, separated by a blank line */
    struct result_form results[4]; /* the forms of the JSON result; none: it is null */
    struct option_table options;  /* the tool's own */
    unsigned groups;              /* enum cli_groups */
    struct cli_example examples[3];
    size_t options_size;          /* of the option struct */
    int max_operands;             /* more are a usage error; -1: any number */
    bool operands_are_inputs;     /* files; no operand and a terminal as stdin is a usage error */
    bool stop_at_operand;         /* the dispatcher: what follows belongs to another tool */
    bool (*run)(struct cli_run *run, void *options, struct error *error);
    struct json_t *(*libraries)(void); /* {"libpng":"1.6.39",…} for --version --json; or NULL */
    const char *const *(*subcommands)(void); /* the dispatcher: names, ends with NULL; or NULL */
    const struct cli_tool *const *own;       /* and those that it is itself, ends with NULL */
};

/* One run of a tool: what the shared main and the tool tell each other. */
struct cli_run {
    const struct cli_tool *tool;
    struct cli_common *options;
    struct option_set set;
    struct option_result parsed;
    struct timespec started;
    struct json_t *input, *output, *result; /* parts of the JSON object; NULL is null */
    struct json_t *extra;       /* further fields of it; NULL: none */
    struct json_t *error_extra; /* further fields of its "error"; NULL: none */
    struct text answer;    /* what a measuring tool writes to its output, in lines */
    struct outfile answer_file; /* where to, once cli_answer_open() was called; else fd is -1 */
    struct text warnings;  /* of the environment, in lines, until it is known whether -q is given */
    const char *file;      /* the file that errors are about; NULL: none */
    bool answer_no;        /* exit 1: done, and the answer is no */
    bool said;             /* the error has been told on stderr already */
    bool reported;         /* the tool has written its JSON itself, a line for each input */
    int exit_status;       /* with REPORTED: what to exit with */
};

/* What the tool does in a line, from the catalogue. */
const char *cli_summary(const struct cli_tool *tool);

/* Opens the file that -o names for run->answer, under the same rules as an image's. Call it before
 * sandbox_enter(), after which nothing can be opened. Nothing to do for stdout, with --json or
 * --dry-run. Before a header is read the second does the same, unless it must wait for the first
 * (sandbox_must_wait()). */
bool cli_answer_open(struct cli_run *run, struct error *error);
bool cli_answer_open_early(struct cli_run *run, struct error *error);

/* Writes run->answer to stdout at once, for tools with many answers. */
bool cli_answer_now(struct cli_run *run, struct error *error);

int cli_main(const struct cli_tool *tool, int argc, char **argv);

/* The tables of TOOL in the order of the help: its own, then the shared ones of its groups. */
void cli_option_set(const struct cli_tool *tool, struct option_set *set);

/* What TOOL is, its options, and the JSON Schema of its result: {"tool":…,"version":…,"summary":…,
 * "operands":…,"description":…,"options":[…],"result":…,"beside":…,"examples":[…]}. */
struct json_t *cli_tool_json(const struct cli_tool *tool);

/* The shared tables (cli/common.c), in the order of their bits. */
extern const struct option_table cli_common_tables[];
extern const unsigned cli_common_table_count;

/* -h, --help, the manual page in man(7), and completions for bash, zsh and fish, as text. */
void cli_print_short_help(const struct cli_tool *tool, struct text *out);
void cli_print_help(const struct cli_tool *tool, struct text *out);
void cli_print_manual(const struct cli_tool *tool, struct text *out);
bool cli_print_completion(const struct cli_tool *tool, const char *shell, struct text *out);

#endif
