/* SPDX-License-Identifier: MIT */
/* Finding the binary of a command: only ever in the directory that imgtool itself lies in, so that
 * neither PATH nor the current directory decides what runs. */
#ifndef PROC_COMMAND_H
#define PROC_COMMAND_H

#include "base/error.h"

/* The path of the binary that NAME ("crop", "imgcrop") means, to be freed. ERROR_NOT_FOUND, with a
 * suggestion, where there is none; ERROR_CANNOT_EXECUTE where it cannot be executed. */
char *command_path(const char *name, struct error *error);

#endif
