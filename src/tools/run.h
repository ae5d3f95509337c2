/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

#include "cli/tool.h"

/* imgtool run */
extern const struct cli_tool run_tool;

#endif
