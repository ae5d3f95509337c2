/* SPDX-License-Identifier: MIT */
#include "tools/resize_size.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { MAX_SIZES = 64, MAX_SIDE = 65535 };

/* Reads a side in pixels at *TEXT; 0 where there is none. */
static bool side_at(const char **text, uint32_t *side)
{
    char *end = NULL;
    *side = 0;
    if (**text < '0' || **text > '9')
        return true;
    unsigned long value = strtoul(*text, &end, 10);
    if (value < 1 || value > MAX_SIDE || end - *text > 6)
        return false;
    *side = (uint32_t)value;
    *text = end;
    return true;
}

static bool target_parse(const char *text, struct resize_target *target)
{
    const char *end = text;
    *target = (struct resize_target){0};
    if (text_to_double(text, &end, &target->share) && strcmp(end, "%") == 0) {
        target->share /= 100;
        return target->share > 0 && target->share <= 100;
    }
    target->share = 0;
    end = text;
    return side_at(&end, &target->width) && *end++ == 'x' && side_at(&end, &target->height) &&
           *end == '\0' && (target->width > 0 || target->height > 0);
}

bool resize_sizes_add(const char *text, void *field, struct error *error)
{
    struct resize_sizes *sizes = field;
    struct resize_size size = {0};
    const char *equals = strchr(text, '=');
    if (!target_parse(equals == NULL ? text : equals + 1, &size.target) || equals == text ||
        (equals != NULL && memchr(text, '/', (size_t)(equals - text)) != NULL))
        return error_set(error, ERROR_USAGE,
                         "'%s' is not a size such as 800x600, 800x, x600, 50%% or thumb=200x, "
                         "sides from 1 to %d, no / in a name", text, MAX_SIDE);
    if (sizes->count == MAX_SIZES)
        return error_set(error, ERROR_USAGE, "'%s' is one size too many, %d are allowed", text,
                         MAX_SIZES);
    struct resize_size *list = realloc(sizes->list, (sizes->count + 1) * sizeof *list);
    if (list == NULL)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    sizes->list = list;
    if (equals != NULL) {
        size.name = strndup(text, (size_t)(equals - text));
        if (size.name == NULL)
            return error_set(error, ERROR_NO_MEMORY, "out of memory");
    }
    list[sizes->count++] = size;
    return true;
}

void resize_sizes_release(void *field)
{
    struct resize_sizes *sizes = field;
    for (size_t i = 0; i < sizes->count; i++)
        free(sizes->list[i].name);
    free(sizes->list);
    *sizes = (struct resize_sizes){0};
}
