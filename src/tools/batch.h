/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_BATCH_H
#define TOOLS_BATCH_H

#include "cli/tool.h"

/* imgtool batch */
extern const struct cli_tool batch_tool;

#endif
