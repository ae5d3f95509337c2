/* SPDX-License-Identifier: MIT */
/* Landlock (landlock(7)), called by number: what files a process may still reach, whoever it runs
 * as. The kernel says how much of it there is (its ABI); everything that it knows is taken away:
 * reading, making, removing and running files (1), moving them between directories (2), truncating
 * (3), TCP (4), controlling devices (5), abstract sockets and signals to others (6). */
#ifndef CLI_LANDLOCK_H
#define CLI_LANDLOCK_H

#include <stdbool.h>

/* The ABI of this kernel; 0 with errno where there is none. */
int landlock_abi(void);

/* A new set of rules, which allows nothing, as a descriptor; -1 with errno. */
int landlock_rules_new(int abi);

/* Allows to make regular files in and below the directory DIR_FD, and with REMOVING to rename and
 * remove files there. */
bool landlock_keep_directory(int rules, int dir_fd, bool removing);

/* Allows to open the file FD for reading, or the DIRECTORY (not the files in it). What has no place
 * among files, a pipe, needs no rule. */
bool landlock_keep_reading(int rules, int fd, bool directory);

/* Holds the calling thread, and what it will start, to RULES from now on. no_new_privs must be
 * set. */
bool landlock_restrict(int rules);

#endif
