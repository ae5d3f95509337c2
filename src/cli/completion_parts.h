/* SPDX-License-Identifier: MIT */
/* What the completions of all shells are made of. */
#ifndef CLI_COMPLETION_PARTS_H
#define CLI_COMPLETION_PARTS_H

#include "cli/tool.h"

/* Words up to NULL, with BETWEEN between them. */
void completion_add_words(const char *const *words, const char *between, struct text *out);

/* "--output|-o" */
void completion_add_pattern(const struct option_entry *entry, struct text *out);

/* "_imgtool_pipe", the function of "imgtool pipe". */
void completion_add_function(const struct cli_tool *tool, struct text *out);

/* Commands that may be a stage of a pipeline. */
void completion_add_stages(struct text *out);

/* What the operand of TOOL may be: commands, or what its usage has as "one|another"; or nothing. */
void completion_add_operands(const struct cli_tool *tool, struct text *out);

void completion_bash(const struct cli_tool *tool, struct text *out);

#endif
