/* SPDX-License-Identifier: MIT */
/* The store of coefficients against a plain array: random blocks of every density and size of
 * value, odd geometry, accesses in any order, with the vector code and without. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/coefficients.h"
#include "tap.h"

static uint64_t random_state = 88172645463325252u;

/* Marsaglia, "Xorshift RNGs", J. Stat. Softw. 2003. */
static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

static int16_t random_value(unsigned kind)
{
    static const int16_t edges[] = {127, 128, -128, -129, INT16_MAX, INT16_MIN, 1, -1, 255, 256,
                                    7,   8,   -8,   -9};
    switch (kind) {
    case 0:
        return (int16_t)((int)random_below(3) - 1);
    case 1:
        return (int16_t)((int)random_below(256) - 128);
    case 2:
        return edges[random_below(sizeof edges / sizeof edges[0])];
    case 3:
        return (int16_t)((int)random_below(16) - 8);
    case 4: /* some are large */
        return (int16_t)((int)random_below(random_below(8) == 0 ? 60 : 16) - 8);
    default:
        return (int16_t)random_below(65536);
    }
}

/* Changes some values of those that PARTS allows to change. */
static void random_change(struct coefficients_block *block, unsigned parts)
{
    unsigned kind = random_below(6), share = random_below(65);
    for (unsigned i = 0; i < 64; i++)
        if ((parts & (i == 0 ? COEFFICIENTS_DC : COEFFICIENTS_AC)) && random_below(64) < share)
            block->value[i] = random_below(4) == 0 ? 0 : random_value(kind);
}

/* What must come back of the value at I. */
static int16_t expected(int16_t value, unsigned i, uint64_t keep)
{
    return i == 0 || (keep >> i & 1) || value == 0 ? value : -1;
}

struct trial {
    struct coefficients *store;
    struct coefficients_block *truth; /* rows * columns */
    uint32_t columns, rows;
    uint64_t keep;
};

/* One access; compares what it shows and perhaps changes it. */
static bool trial_access(struct trial *trial)
{
    struct error error = {0};
    uint32_t first = random_below(trial->rows), left = trial->rows - first;
    uint32_t count = 1 + random_below(left < 5 ? left : 5);
    unsigned parts = 1 + random_below(3);
    bool writable = random_below(3) != 0, good = true;
    struct coefficients_block **rows =
        coefficients_access(trial->store, first, count, parts, writable, &error);
    if (rows == NULL)
        return false;
    for (uint32_t y = 0; y < count; y++)
        for (uint32_t x = 0; x < trial->columns; x++) {
            struct coefficients_block *truth = &trial->truth[(first + y) * trial->columns + x];
            for (unsigned i = 0; i < 64; i++) {
                if ((parts & (i == 0 ? COEFFICIENTS_DC : COEFFICIENTS_AC)) == 0)
                    continue;
                good = good && expected(rows[y][x].value[i], i, trial->keep) ==
                                   expected(truth->value[i], i, trial->keep);
                /* Once out of the window a dropped value is -1; both may go on from that. */
                truth->value[i] = rows[y][x].value[i];
            }
            if (writable && random_below(2) == 0) {
                random_change(&rows[y][x], parts);
                for (unsigned i = 0; i < 64; i++)
                    if (parts & (i == 0 ? COEFFICIENTS_DC : COEFFICIENTS_AC))
                        truth->value[i] = rows[y][x].value[i];
            }
        }
    return good;
}

static void test_trial(uint32_t columns, uint32_t rows, uint64_t keep, bool plain)
{
    struct error error = {0};
    struct trial trial = {.columns = columns, .rows = rows, .keep = keep};
    trial.truth = calloc((size_t)columns * rows, sizeof *trial.truth);
    bool good = trial.truth != NULL &&
                coefficients_new(&trial.store, columns, rows, keep, &error);
    if (good && plain)
        coefficients_use_plain_code(trial.store);
    for (unsigned i = 0; good && i < 200; i++)
        good = trial_access(&trial);
    tap_ok(good, "%ux%u blocks, keep %016llx, %s code %s", columns, rows, (unsigned long long)keep,
           plain ? "plain" : "vector", error.message);
    coefficients_free(trial.store);
    free(trial.truth);
}

static int16_t pattern(int i)
{
    return (int16_t)(i % 3 == 0 ? 0 : i % 3 == 1 ? i : 100 * i);
}

/* What is dropped comes back as 0 or -1, the rest as it was. */
static void test_keep(bool plain)
{
    static const uint64_t keep = 0x0000000000ff3301u;
    struct coefficients *store = NULL;
    struct error error = {0};
    bool good = coefficients_new(&store, 3, 2, keep, &error);
    if (good && plain)
        coefficients_use_plain_code(store);
    struct coefficients_block **rows =
        good ? coefficients_access(store, 1, 1, COEFFICIENTS_BOTH, true, &error) : NULL;
    for (unsigned i = 0; rows != NULL && i < 64; i++)
        rows[0][2].value[i] = pattern((int)i);
    good = rows != NULL && coefficients_access(store, 0, 1, COEFFICIENTS_BOTH, true, &error);
    rows = good ? coefficients_access(store, 1, 1, COEFFICIENTS_BOTH, false, &error) : NULL;
    good = rows != NULL;
    for (unsigned i = 0; good && i < 64; i++)
        good = rows[0][2].value[i] == expected(pattern((int)i), i, keep) &&
               rows[0][1].value[i] == 0;
    tap_ok(good, "dropped values are 0 or -1, %s code", plain ? "plain" : "vector");
    coefficients_free(store);
}

static void test_refusals(void)
{
    struct coefficients *store = NULL;
    struct error error = {0};
    if (!tap_ok(coefficients_new(&store, 7, 5, COEFFICIENTS_KEEP_ALL, &error), "a store"))
        return;
    static const uint32_t wrong[][2] = {{5, 1}, {4, 2},          {0, 6},
                                        {0, 0}, {UINT32_MAX, 2}, {1, UINT32_MAX}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        error = (struct error){0};
        tap_ok(coefficients_access(store, wrong[i][0], wrong[i][1], COEFFICIENTS_BOTH, true,
                                   &error) == NULL && error.kind == ERROR_INTERNAL,
               "%u rows from row %u of 5 are refused", wrong[i][1], wrong[i][0]);
    }
    coefficients_free(store);
    coefficients_free(NULL);
}

/* Empty rows cost nothing, sparse ones a few bytes. */
static void test_size(void)
{
    struct coefficients *store = NULL;
    struct error error = {0};
    bool good = coefficients_new(&store, 100, 2, COEFFICIENTS_KEEP_ALL, &error);
    size_t empty = good ? coefficients_bytes(store) : 0;
    struct coefficients_block **rows =
        good ? coefficients_access(store, 0, 1, COEFFICIENTS_BOTH, true, &error) : NULL;
    for (unsigned x = 0; rows != NULL && x < 100; x++) {
        rows[0][x].value[0] = 100;
        rows[0][x].value[9] = 5;
    }
    good = rows != NULL && coefficients_access(store, 1, 1, COEFFICIENTS_AC, true, &error) != NULL;
    tap_ok(good && empty == 0 && coefficients_bytes(store) == 100 + 300,
           "a block of one value takes 3 bytes and 1 for the first");
    rows = good ? coefficients_access(store, 0, 1, COEFFICIENTS_AC, true, &error) : NULL;
    for (unsigned x = 0; rows != NULL && x < 100; x++)
        rows[0][x].value[9] = 0;
    good = rows != NULL && coefficients_access(store, 1, 1, COEFFICIENTS_AC, false, &error) != NULL;
    tap_ok(good && coefficients_bytes(store) == 100, "and nothing when it is 0 again");
    coefficients_free(store);
}

int main(void)
{
    static const uint64_t keeps[] = {COEFFICIENTS_KEEP_ALL, 1, 0, 0xefefef00efefefef,
                                     0xab00ab00ab00abab, 0x070707};
    static const uint32_t sizes[][2] = {{1, 1}, {1, 9}, {7, 3}, {33, 17}, {130, 4}};
    for (int plain = 0; plain < 2; plain++) {
        for (size_t k = 0; k < sizeof keeps / sizeof keeps[0]; k++)
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
                test_trial(sizes[i][0], sizes[i][1], keeps[k], plain);
        test_keep(plain);
    }
    test_refusals();
    test_size();
    return tap_done();
}
