/* SPDX-License-Identifier: MIT */
/* Lines that come in any order and leave in that of their numbers. */
#ifndef PROC_ORDER_H
#define PROC_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct order {
    uint64_t next;   /* the number that may leave */
    char **lines;    /* a ring: that of number N is at N modulo CAPACITY */
    size_t capacity;
    size_t held_bytes;
};

/* Takes LINE over as that of NUMBER, which comes once and is at least NEXT. False when memory ran
 * out. */
bool order_put(struct order *order, uint64_t number, char *line);

/* The next line in order, to be freed; NULL while it is not there. */
char *order_take(struct order *order);

void order_free(struct order *order);

#endif
