/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_CACHE_H
#define TOOLS_CACHE_H

#include "cli/tool.h"

/* imgtool cache */
extern const struct cli_tool cache_tool;

#endif
