/* SPDX-License-Identifier: MIT */
/* Finding what belongs to the installation: only ever beside imgtool itself, so that neither PATH
 * nor the current directory decides what runs. */
#ifndef PROC_COMMAND_H
#define PROC_COMMAND_H

#include <stddef.h>

#include "base/error.h"

/* The path of the binary that NAME ("crop", "imgcrop") means, to be freed. ERROR_NOT_FOUND, with a
 * suggestion, where there is none; ERROR_CANNOT_EXECUTE where it cannot be executed. */
char *command_path(const char *name, struct error *error);

/* The directory of this program, without a slash behind it. */
void command_directory(char *directory, size_t size);

/* The data directory's folder NAME: beside the program in a build, in ../share of an installation.
 * True where there is one. */
bool command_data_directory(const char *name, char *directory, size_t size);

#endif
