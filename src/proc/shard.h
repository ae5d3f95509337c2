/* SPDX-License-Identifier: MIT */
/* Shards: the part of a batch that is this process's own. Every job belongs to exactly one of N
 * shards, whatever the order of the jobs and whoever asks: the SHA-256 of its id decides. */
#ifndef PROC_SHARD_H
#define PROC_SHARD_H

#include "base/error.h"

enum { SHARD_MOST = 1000000 };

struct shard {
    unsigned index, count; /* 1 <= index <= count; count 0: no shards, everything is ours */
};

/* struct shard from "I/N", 1 <= I <= N <= SHARD_MOST: for option tables. ERROR_USAGE says the
 * range. */
bool value_shard(const char *text, void *field, struct error *error);

/* True where the job ID is ours. */
bool shard_has(const struct shard *shard, const char *id);

#endif
