/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_SCHEMA_H
#define TOOLS_SCHEMA_H

#include "cli/tool.h"

/* imgtool schema */
extern const struct cli_tool schema_tool;

#endif
