/* SPDX-License-Identifier: MIT */
/* The parts of imgtool doctor. Each check adds findings; none of them ends the others.
 *
 * imgtool links no codec and no colour engine, so what those can do is asked of the tools, each
 * started with pipes and a time limit. */
#ifndef TOOLS_DOCTOR_PARTS_H
#define TOOLS_DOCTOR_PARTS_H

#include <jansson.h>

#include "cli/tool.h"

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_SKIPPED, /* could not be checked because of what another check found */
    DOCTOR_WARNING, /* works, but not as well as it could */
    DOCTOR_FAILED,
    DOCTOR_LEVELS
};

enum { DOCTOR_MOST_TOOLS = 64 };

struct doctor {
    struct cli_run *run;
    int64_t timeout_ms; /* for each tool that is asked */
    bool require_sandbox;
    json_t *checks;    /* the findings */
    json_t *libraries; /* name to version to the first tool that says so */
    unsigned counts[DOCTOR_LEVELS];
    bool broken[DOCTOR_MOST_TOOLS]; /* by place in the catalogue: ask it no more */
};

/* One line of the answer. Names and what was found may come from outside: they are masked when they
 * are shown. */
struct doctor_finding {
    enum doctor_level level;
    char name[300];
    char found[700];
    char expected[300]; /* empty: nothing in particular */
    char mend[700];     /* empty where nothing needs it */
};

/* Begins a finding that is ok. */
void doctor_name(struct doctor_finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
void doctor_found(struct doctor_finding *finding, enum doctor_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
void doctor_expect(struct doctor_finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
void doctor_mend(struct doctor_finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
void doctor_add(struct doctor *doctor, const struct doctor_finding *finding);

/* Tools are started by doctor_ask.c. */
struct doctor_answer {
    struct text out, messages; /* stdout and stderr */
    int status;                /* as waitpid() says */
    bool timed_out;
    struct error error; /* where it could not be started */
};

/* Runs the binary TOOL with WORDS (ends with NULL) and INPUT (NULL: nothing) on stdin until it
 * ends, or until the time limit ends it together with what it started. True where it ended with 0.
 * ANSWER is to be freed either way. A signal to us ends it and then us. */
bool doctor_ask(struct doctor *doctor, const char *tool, const char *const *words,
                const struct text *input, struct doctor_answer *answer);
void doctor_answer_free(struct doctor_answer *answer);

/* How it ended where that was not 0, with the first line that it said. OUT is returned. */
char *doctor_answer_end(const struct doctor *doctor, const struct doctor_answer *answer, char *out,
                        size_t size);

/* True where TOOL can be asked; else FINDING is added as skipped. */
bool doctor_can_ask(struct doctor *doctor, const char *tool, struct doctor_finding *finding);

/* A small picture as PAM: smooth, or with what is hard to compress. Its colour under alpha 0 is
 * 0. */
void doctor_picture(struct text *pam, unsigned channels, unsigned maximum, bool smooth);

/* The checks, in their order. */
void doctor_check_tools(struct doctor *doctor);
void doctor_check_libraries(struct doctor *doctor);
void doctor_check_codecs(struct doctor *doctor);
void doctor_check_colors(struct doctor *doctor);
void doctor_check_sandbox(struct doctor *doctor);
void doctor_check_limits(struct doctor *doctor);
void doctor_check_machine(struct doctor *doctor);
void doctor_check_directory(struct doctor *doctor, const char *name, const char *directory);

#endif
