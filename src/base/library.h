/* SPDX-License-Identifier: MIT */
/* Shared libraries that are opened when they are first needed. Each one that a program is linked
 * with costs every start of it some 50 to 100 us, whether it is used or not; most pictures need one
 * codec of three and no colour engine.
 *
 * The file that includes a library's headers lists the functions that it calls:
 *
 *     #define FOO_CALLS(CALL) CALL(foo_new) CALL(foo_free)
 *     LIBRARY(libfoo, FOO_CALLS, FOO_SONAME)
 *
 * and calls libfoo.foo_new() once libfoo_load() has succeeded. Where several files share it, a header
 * has LIBRARY_DECLARE() and one of them LIBRARY_DEFINE() instead. The types are those of the headers,
 * so calls are checked as usual. The sandbox lets no file be opened: load before. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define LIBRARY_CALL(name) __typeof__(name) *name;
#define LIBRARY_NAME(name) #name,

/* NAME with the functions of CALLS, and NAME_load(). */
#define LIBRARY_DECLARE(name, CALLS)                                                               \
    extern struct name##_calls {                                                                   \
        CALLS(LIBRARY_CALL)                                                                        \
    } name;                                                                                        \
    bool name##_load(struct error *error);

/* The rest are its files, by soname, of which the first names it in messages. A function may be in
 * any of them. */
#define LIBRARY_DEFINE(name, CALLS, ...)                                                           \
    struct name##_calls name;                                                                      \
    static const char *const name##_names[] = {CALLS(LIBRARY_NAME) NULL};                          \
    static struct library name##_library = {{__VA_ARGS__}, name##_names, &name, sizeof name, 0};   \
    bool name##_load(struct error *error)                                                          \
    {                                                                                              \
        return library_load(&name##_library, error);                                               \
    }

#define LIBRARY(name, CALLS, ...)                                                                  \
    LIBRARY_DECLARE(name, CALLS)                                                                   \
    LIBRARY_DEFINE(name, CALLS, __VA_ARGS__)

enum { LIBRARY_MAX_FILES = 3 };

struct library {
    const char *files[LIBRARY_MAX_FILES];
    const char *const *names; /* of the functions; NULL ends them */
    void *calls;              /* as many pointers to functions, filled in this order */
    size_t calls_bytes;
    bool loaded;
};

/* Opens LIBRARY unless that is done; from any thread. What cannot be opened, or lacks a function,
 * is ERROR_UNAVAILABLE. It stays open until the process ends. */
bool library_load(struct library *library, struct error *error);

#endif
