/* SPDX-License-Identifier: MIT */
/* What the commands say about themselves. */
#ifndef TOOLS_DESCRIBE_H
#define TOOLS_DESCRIBE_H

#include <jansson.h>

#include "cli/tool.h"

/* The command that is part of imgtool itself; NULL if NAME is none. */
const struct cli_tool *own_tool(const char *name);

/* Every command of the catalogue by its name, as cli_tool_json() has it: those of imgtool itself
 * from their tables, the others from their binaries, which are started for it. ERROR_UNAVAILABLE
 * where one does not answer. */
json_t *describe_commands(struct error *error);

#endif
