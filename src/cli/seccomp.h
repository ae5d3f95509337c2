/* SPDX-License-Identifier: MIT */
/* The system call filters of the sandbox, as classic BPF (seccomp(2)).
 *
 * The first one holds from the start of a tool: calls that decoding and writing need pass, calls
 * that would reach other processes, the network or the system end the process, and all others fail
 * with ENOSYS, so that a newer libc which tries a newer call falls back to an older one. The second
 * one holds from where pixels are decoded: then no file may be opened any more, let alone made.
 *
 * Both are laid over one another by the kernel, which takes the stricter answer. */
#ifndef CLI_SECCOMP_H
#define CLI_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the second filter leaves. */
enum seccomp_keep {
    SECCOMP_KEEP_READING = 1,   /* opening files for reading */
    SECCOMP_KEEP_READING_AT = 2, /* the same by openat2(), whose flags a filter cannot see */
    SECCOMP_KEEP_LINK = 4,      /* giving a file a name */
    SECCOMP_KEEP_REPLACE = 8    /* renaming, and removing files */
};

struct sock_filter;

enum { SECCOMP_MAX_STEPS = 1024 };

/* Writes the first filter for the process PID to STEPS, of SECCOMP_MAX_STEPS, and returns its
 * length; 0 where this architecture is not known. */
size_t seccomp_first_filter(struct sock_filter *steps, int pid);

/* The same for the second, which leaves KEEP. */
size_t seccomp_second_filter(struct sock_filter *steps, unsigned keep);

/* True where this kernel and architecture have what is needed; else errno says why. */
bool seccomp_is_possible(void);

/* Puts the first filter on the calling thread and those that it will start. False with errno. */
bool seccomp_begin(void);

/* Puts the second filter on all threads. False with errno. */
bool seccomp_enter(unsigned keep);

#endif
