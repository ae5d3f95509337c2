/* SPDX-License-Identifier: MIT */
/* Where a plan will write, before it runs. */
#ifndef PROC_TARGET_H
#define PROC_TARGET_H

#include "proc/plan.h"

/* A text, to be freed, that is the same for two plans which would write the same file: the name of
 * its output, its directory resolved, or the template of the last stage with the input's {stem} in
 * it. NULL where nothing is known or memory ran out. */
char *target_of(const struct plan *plan);

/* The value of the option NAME ("--output") or LETTER (0: none) among the words of STAGE; NULL. */
const char *target_option(const struct plan_stage *stage, const char *name, char letter);

#endif
