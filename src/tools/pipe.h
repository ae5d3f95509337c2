/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_PIPE_H
#define TOOLS_PIPE_H

#include "cli/tool.h"
#include "proc/plan.h"

/* imgtool pipe */
extern const struct cli_tool pipe_tool;

/* What the report of a pipeline has beside that of a tool. */
extern const struct result_field pipe_fields[];

/* What the common options of a pipeline say of its plan; stages and input are still to come. */
struct plan pipe_plan(const struct cli_run *run);

/* What has to be right before: the plan itself, and that JSON and image do not meet on stdout. */
bool pipe_check(const struct cli_run *run, const struct plan *plan, struct error *error);

/* Runs PLAN as the whole of a command: messages, JSON object, exit status. */
bool pipe_execute(struct cli_run *run, const struct plan *plan, struct error *error);

#endif
