/* SPDX-License-Identifier: MIT */
#include "proc/order.h"

#include <stdlib.h>
#include <string.h>

/* Room for NUMBER. */
static bool order_reserve(struct order *order, uint64_t number)
{
    size_t capacity = order->capacity == 0 ? 64 : order->capacity;
    while (number - order->next >= capacity)
        capacity *= 2;
    if (capacity == order->capacity)
        return true;
    char **lines = calloc(capacity, sizeof *lines);
    if (lines == NULL)
        return false;
    for (uint64_t n = order->next; n < order->next + order->capacity; n++)
        lines[n % capacity] = order->lines[n % order->capacity];
    free(order->lines);
    order->lines = lines;
    order->capacity = capacity;
    return true;
}

bool order_put(struct order *order, uint64_t number, char *line)
{
    if (!order_reserve(order, number))
        return false;
    order->lines[number % order->capacity] = line;
    order->held_bytes += strlen(line);
    return true;
}

char *order_take(struct order *order)
{
    if (order->capacity == 0)
        return NULL;
    char **place = &order->lines[order->next % order->capacity];
    char *line = *place;
    *place = NULL;
    if (line != NULL) {
        order->next++;
        order->held_bytes -= strlen(line);
    }
    return line;
}

void order_free(struct order *order)
{
    for (size_t i = 0; i < order->capacity; i++)
        free(order->lines[i]);
    free(order->lines);
    *order = (struct order){0};
}
