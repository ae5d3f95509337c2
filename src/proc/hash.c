/* SPDX-License-Identifier: MIT */
#include "proc/hash.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_BYTES = 128 * 1024 };

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(struct hash_state),
               "the state must hold that of nettle");
_Static_assert(SHA256_DIGEST_SIZE == sizeof(struct hash), "a hash is what nettle makes");

static struct sha256_ctx *context_of(struct hash_state *state)
{
    return (struct sha256_ctx *)(void *)state->words;
}

void hash_begin(struct hash_state *state)
{
    sha256_init(context_of(state));
}

void hash_add(struct hash_state *state, const void *data, size_t size)
{
    if (size > 0)
        sha256_update(context_of(state), size, data);
}

void hash_end(struct hash_state *state, struct hash *hash)
{
    sha256_digest(context_of(state), sizeof hash->bytes, hash->bytes);
}

void hash_add_part(struct hash_state *state, const void *data, size_t size)
{
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)size >> (8 * i));
    hash_add(state, length, sizeof length);
    hash_add(state, data, size);
}

void hash_hex(const struct hash *hash, char hex[HASH_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof hash->bytes; i++) {
        hex[2 * i] = digits[hash->bytes[i] >> 4];
        hex[2 * i + 1] = digits[hash->bytes[i] & 15];
    }
    hex[2 * sizeof hash->bytes] = '\0';
}

static int digit_value(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

bool hash_from_hex(const char *hex, struct hash *hash)
{
    for (size_t i = 0; i < sizeof hash->bytes; i++) {
        int high = digit_value(hex[2 * i]);
        int low = high < 0 ? -1 : digit_value(hex[2 * i + 1]);
        if (low < 0)
            return false;
        hash->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool hash_file(int fd, struct hash *hash, uint64_t *size, struct error *error)
{
    struct hash_state state;
    uint8_t *buffer = malloc(READ_BYTES);
    ssize_t count = 0;
    if (buffer == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    *size = 0;
    hash_begin(&state);
    while (*size <= HASH_MOST_BYTES && (count = read(fd, buffer, READ_BYTES)) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            break;
        hash_add(&state, buffer, (size_t)count);
        *size += (uint64_t)count;
    }
    int reason = errno;
    free(buffer);
    if (count < 0)
        return error_errno(error, ERROR_IO, reason, "cannot be read");
    if (*size > HASH_MOST_BYTES)
        return error_set(error, ERROR_LIMIT, "more than %d bytes", HASH_MOST_BYTES);
    hash_end(&state, hash);
    return true;
}
