/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), by nettle. */
#ifndef PROC_HASH_H
#define PROC_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { HASH_HEX = 65 }; /* characters of a hash as text, with its end */

struct hash {
    uint8_t bytes[32];
};

/* A hash in the making; owns nothing. */
struct hash_state {
    uint64_t words[32];
};

void hash_begin(struct hash_state *state);
void hash_add(struct hash_state *state, const void *data, size_t size);
void hash_end(struct hash_state *state, struct hash *hash);

/* Adds SIZE and then the bytes, so that no two sequences of parts are the same bytes. */
void hash_add_part(struct hash_state *state, const void *data, size_t size);

/* The hash as 64 digits, lower case. */
void hash_hex(const struct hash *hash, char hex[HASH_HEX]);

/* The hash that HEX begins with; false where it does not begin with 64 such digits. */
bool hash_from_hex(const char *hex, struct hash *hash);

enum { HASH_MOST_BYTES = 1 << 30 }; /* of a file: the memory that a tool may take */

/* The hash of all that can be read from FD, from where it stands; *SIZE is how much that was.
 * ERROR_IO; ERROR_LIMIT where it is more than HASH_MOST_BYTES. */
bool hash_file(int fd, struct hash *hash, uint64_t *size, struct error *error);

#endif
