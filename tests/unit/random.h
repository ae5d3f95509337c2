/* SPDX-License-Identifier: MIT */
/* Numbers that look random and are the same on every run. */
#ifndef TESTS_UNIT_RANDOM_H
#define TESTS_UNIT_RANDOM_H

#include <math.h>
#include <stdint.h>

static uint64_t random_state = 1;

/* 0 to LIMIT - 1. */
static inline uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) * limit >> 31);
}

/* Sum of four uniform deviates, scaled to a variance of 1: near enough to a normal one. */
static inline double random_normal(void)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += random_below(65536) / 65535.0 - 0.5;
    return sum * sqrt(3.0);
}

#endif
