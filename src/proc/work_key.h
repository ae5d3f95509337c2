/* SPDX-License-Identifier: MIT */
/* What work a plan is: the key under which a journal and a cache know it.
 *
 * The key is the SHA-256 of the version, the words of the stages and the bytes of the input files:
 * plan->input, and every word, or value behind its `=`, that names a regular file
 * (proc/work_words.h). Names of input files do not count, unless a template shows them ({stem}); of
 * where the output goes (proc/work_place.h) only the extension counts, which chooses the format,
 * and of a template what is behind its fixed directory. So the same work is known again under other
 * names, in other places, in another order. */
#ifndef PROC_WORK_KEY_H
#define PROC_WORK_KEY_H

#include "proc/hash.h"
#include "proc/plan.h"

/* The key of PLAN as hexadecimal digits. Reads the input files whole, at some 0.4 to 1.5 GB/s.
 * ERROR_NO_INPUT where a file cannot be read, ERROR_UNSUPPORTED where an input is a pipe, a device
 * or our stdin (unless plan->no_stdin): what comes from there is not known before it is used up;
 * ERROR_LIMIT where a file has more than HASH_MOST_BYTES.
 * Then there is no key, and the job goes past journal and cache. */
bool work_key(const struct plan *plan, char key[HASH_HEX], struct error *error);

#endif
