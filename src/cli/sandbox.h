/* SPDX-License-Identifier: MIT */
/* The rights that a tool gives up, so that bytes from strangers which trick a decoder gain nothing.
 * It is the process's own, one for all threads, and only ever becomes tighter.
 *
 * sandbox_begin(), before any foreign byte is read: no new privileges by execve (prctl(2)), no core
 * dumps, few descriptors, and a filter that ends the process on calls that would start a program or
 * a process, reach another one, the network or the system (seccomp.h). Nothing is done with foreign
 * bytes in this state but to recognise formats by the first of them.
 *
 * sandbox_enter(), when all inputs and outputs are open and before the first header is read: by
 * Landlock (landlock.h) and by a second filter, files can be neither opened nor made any more. What
 * putting outputs in place needs is left, in their directories alone: sandbox_keep_output(). A tool that
 * reads many inputs one after the other may go on to open those, and nothing else:
 * sandbox_keep_input(). New descriptors are refused altogether where none is needed. Threads may
 * be started and memory may be taken as before; stdin, stdout, stderr and --report-fd still work.
 *
 * What is left to a decoder that was taken over: to write nonsense into the outputs, stdout and
 * other open descriptors, to use time and memory within their limits, to ask whether names exist,
 * and, in and below the directory of a named output, to give that output other names, and to remove
 * or rename files where the output replaces one. Without Landlock it could do the latter
 * everywhere.
 *
 * Breaking a rule of the filters ends the process by SIGSYS, reading a file fails with EACCES. A
 * kernel that lacks a layer is no error: the others hold, -v says which, and --require-sandbox
 * makes it ERROR_UNAVAILABLE. No environment variable switches anything off; tests make a kernel
 * seem to lack a layer from outside. Builds with AddressSanitizer or ThreadSanitizer, which need
 * more calls than a decoder, have no sandbox, as those with SANDBOX_LEFT_OUT. */
#ifndef CLI_SANDBOX_H
#define CLI_SANDBOX_H

#include "base/outfile.h"
#include "cli/tool.h"

/* What this kernel and build can give. */
struct sandbox_layers {
    bool built_in;          /* false with sanitizers: then there is no other either */
    bool no_new_privileges;
    bool filter;            /* seccomp */
    int landlock_abi;       /* 0: no Landlock */
    int landlock_errno;     /* then why: ENOSYS not in the kernel, EOPNOTSUPP switched off */
};

/* Asks without changing anything. */
void sandbox_probe(struct sandbox_layers *layers);

/* The layers as people read them: "Landlock ABI 7, seccomp, no new privileges", or what is missing
 * ("no Landlock: not in this kernel, …"). OUT is returned. */
char *sandbox_describe(const struct sandbox_layers *layers, char *out, size_t size);

/* True where no layer is missing. */
bool sandbox_is_whole(const struct sandbox_layers *layers);

/* The first step. Call it before there is a second thread. */
bool sandbox_begin(struct cli_run *run, struct error *error);

/* Leaves what outfile_commit() and outfile_discard() of FILE need. For every output that a tool
 * opens without cli_output_open(), which does this itself. */
void sandbox_keep_output(const struct outfile *file);

/* Leaves opening and reading the file NAME; "-" and what cannot be opened are fine. Where another
 * file takes its place meanwhile, opening that fails. */
void sandbox_keep_input(const char *name);

/* The second step, once; later calls do nothing. Of all threads of the process only that of
 * signals_deadline() may have been started. */
bool sandbox_enter(struct cli_run *run, struct error *error);

/* The same before a header is read; unless some output cannot be opened yet. That is so where its
 * name comes from the header ({w} and {h} of --output-template), and where --mkdir has directories
 * to make for it, which a bad input must not leave behind. Headers are then read after the first
 * step alone, which -v says, and the tool calls sandbox_enter() before pixels are decoded. */
bool sandbox_enter_early(struct cli_run *run, struct error *error);

/* WHY, static text, an output cannot be opened before a header is read. */
void sandbox_postpone(const char *why);

/* Postpones, and returns true, where --mkdir has directories to make for PATH. */
bool sandbox_must_wait(const struct cli_run *run, const char *path);

#endif
