/* SPDX-License-Identifier: MIT */
/* imgtool doctor: checks the installation as a health check would. */
#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H

#include "cli/tool.h"

extern const struct cli_tool doctor_tool;

#endif
