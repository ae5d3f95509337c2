/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_PIPE_H
#define TOOLS_PIPE_H

#include "cli/tool.h"

/* imgtool pipe */
extern const struct cli_tool pipe_tool;

#endif
