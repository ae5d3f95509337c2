/* SPDX-License-Identifier: MIT */
#include "proc/shard.h"

#include <stdint.h>
#include <string.h>

#include "proc/hash.h"

/* Digits only, without a sign; 0 to ten million, where all that is too large ends. */
static bool read_count(const char **text, unsigned long *value)
{
    const char *at = *text;
    *value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (*value < 1000000)
            *value = *value * 10 + (unsigned long)(*at - '0');
    bool found = at != *text;
    *text = at;
    return found;
}

bool value_shard(const char *text, void *field, struct error *error)
{
    struct shard *shard = field;
    unsigned long index, count;
    const char *at = text;
    bool formed = read_count(&at, &index) && *at++ == '/' && read_count(&at, &count) && *at == '\0';
    if (!formed)
        return error_set(error, ERROR_USAGE, "'%s' is not I/N, as 1/4 for the first of four shards",
                         text);
    if (count < 1 || count > SHARD_MOST)
        return error_set(error, ERROR_USAGE, "the number of shards in '%s' is not from 1 to %d",
                         text, SHARD_MOST);
    if (index < 1 || index > count) {
        error_set(error, ERROR_USAGE, "the shard in '%s' is not from 1 to %lu", text, count);
        if (index == 0)
            error_hint(error, "shards count from 1: where indices begin with 0, add 1");
        return false;
    }
    *shard = (struct shard){.index = (unsigned)index, .count = (unsigned)count};
    return true;
}

bool shard_has(const struct shard *shard, const char *id)
{
    struct hash_state state;
    struct hash hash;
    uint64_t number = 0;
    if (shard->count == 0)
        return true;
    hash_begin(&state);
    hash_add(&state, id, strlen(id));
    hash_end(&state, &hash);
    for (int i = 0; i < 8; i++)
        number = number << 8 | hash.bytes[i];
    return number % shard->count + 1 == shard->index;
}
