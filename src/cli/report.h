/* SPDX-License-Identifier: MIT */
/* What a run says: messages for people on stderr, one JSON object for programs. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <jansson.h>

#include "cli/tool.h"

/* A line on stderr, `TOOL: message`; not with -q. */
void cli_warn(struct cli_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same, only with -v. */
void cli_explain(struct cli_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

/* A file's name as people see it: "stdin" for "-", control characters masked. OUT is returned. */
char *cli_display_name(const char *name, char *out, size_t size);

/* The run's file as messages name it: "stdin" for "-". */
const char *cli_file(const struct cli_run *run);

/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. */
json_t *cli_json_string(const char *string);

/* Adds OBJECT, which is freed, to OUT as a line. */
void cli_add_json(json_t *object, struct text *out);

/* Writes the JSON object of this run (or of one of its inputs) where --json and --report-fd ask
 * for it, and frees its parts. ERROR NULL: success. False where it cannot be written. */
bool cli_report_json(struct cli_run *run, const struct error *error, struct error *failure);

/* The line(s) on stderr for ERROR. */
void cli_report_error(struct cli_run *run, const struct error *error);

/* Looks through ARGV for --json and --report-fd where it could not be parsed: whoever reads JSON must
 * get an object even where the command line makes no sense. */
void cli_guess_report(struct cli_run *run, int argc, char **argv);

/* Milliseconds since the run, or its current input, started. */
double cli_elapsed_ms(const struct cli_run *run);

#endif
