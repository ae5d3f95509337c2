/* SPDX-License-Identifier: MIT */
/* Shards: what I/N means, and that the shards of a batch share its jobs out. */
#include <stdio.h>
#include <string.h>

#include "proc/shard.h"
#include "tap.h"

static const char *const wrong[] = {"",     "1",     "/",         "1/",           "/4",
                                    "a/b",  "1/4x",  " 1/4",      "1 /4",         "-1/4",
                                    "+1/4", "1.5/4", "1/4/2",     "1/0",          "0/0",
                                    "0/4",  "5/4",   "1/1000001", "4294967297/4", "1/4294967298"};

static void test_syntax(void)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct shard shard = {7, 9};
        struct error error = {0};
        tap_ok(!value_shard(wrong[i], &shard, &error) && error.kind == ERROR_USAGE &&
                   shard.index == 7,
               "'%s' is refused: %s", wrong[i], error.message);
    }
    struct shard shard;
    struct error error = {0};
    tap_ok(value_shard("3/4", &shard, &error) && shard.index == 3 && shard.count == 4, "3/4");
    tap_ok(value_shard("1/1", &shard, &error) && shard_has(&shard, "any"), "1/1 has everything");
    tap_ok(value_shard("1000000/1000000", &shard, &error), "the last of the most");
    value_shard("0/4", &shard, &error);
    tap_ok(strstr(error.message, "from 1 to 4") != NULL && error.hint[0] != '\0',
           "the range is named, and what to do about counting from 0");
    error_clear(&error);
    value_shard("5/4", &shard, &error);
    tap_ok(strstr(error.message, "from 1 to 4") != NULL, "the range is named");
}

/* Every id belongs to exactly one shard, and each shard gets its part: with 10,000 ids the number
 * in a shard has a standard deviation below sqrt(10000 / N); five of them are never passed. */
static void test_partition(unsigned count)
{
    unsigned sizes[64] = {0}, owners_wrong = 0;
    for (int id = 0; id < 10000; id++) {
        char name[32];
        unsigned owners = 0;
        snprintf(name, sizeof name, "picture-%d.jpg", id);
        for (unsigned i = 1; i <= count; i++)
            if (shard_has(&(struct shard){i, count}, name)) {
                owners++;
                sizes[i - 1]++;
            }
        owners_wrong += owners != 1;
    }
    bool even = true;
    for (unsigned i = 0; i < count; i++) {
        double off = (double)sizes[i] - 10000.0 / count;
        even = even && off * off <= 25 * 10000.0 / count;
    }
    tap_ok(owners_wrong == 0, "%u shards: every id in exactly one", count);
    tap_ok(even, "%u shards: all about as large", count);
}

int main(void)
{
    static const unsigned counts[] = {1, 2, 3, 7, 16, 64};
    test_syntax();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        test_partition(counts[i]);
    /* SHA-256 of "abc" begins with ba7816bf8f01cfea: 13436514500253700074 = 4 * … + 2. */
    tap_ok(shard_has(&(struct shard){3, 4}, "abc") && !shard_has(&(struct shard){2, 4}, "abc"),
           "the hash is SHA-256, so every machine agrees");
    tap_ok(shard_has(&(struct shard){0, 0}, "any"), "without shards everything is ours");
    return tap_done();
}
