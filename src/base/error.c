/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int exit_status;
    const char *name;
} kinds[ERROR_KIND_COUNT] = {
    [ERROR_NONE] = {0, "none"},
    [ERROR_USAGE] = {64, "usage"},
    [ERROR_CORRUPT] = {65, "corrupt"},
    [ERROR_TRUNCATED] = {65, "truncated"},
    [ERROR_UNSUPPORTED] = {65, "unsupported"},
    [ERROR_NO_INPUT] = {66, "no-input"},
    [ERROR_UNAVAILABLE] = {69, "unavailable"},
    [ERROR_INTERNAL] = {70, "internal"},
    [ERROR_NO_MEMORY] = {71, "no-memory"},
    [ERROR_SYSTEM] = {71, "system"},
    [ERROR_CANNOT_CREATE] = {73, "cannot-create"},
    [ERROR_IO] = {74, "io"},
    [ERROR_BUSY] = {75, "busy"},
    [ERROR_LIMIT] = {77, "limit"},
    [ERROR_POLICY] = {77, "policy"},
    [ERROR_TIMEOUT] = {124, "timeout"},
    [ERROR_CANCELLED] = {75, "cancelled"},
    [ERROR_CANNOT_EXECUTE] = {126, "unavailable"},
    [ERROR_NOT_FOUND] = {127, "unavailable"},
};

static bool error_fill(struct error *error, enum error_kind kind, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static bool error_fill(struct error *error, enum error_kind kind, const char *format, va_list args)
{
    if (error == NULL || error->kind != ERROR_NONE)
        return false;
    error->kind = kind;
    error->hint[0] = '\0';
    error->file[0] = '\0';
    vsnprintf(error->message, sizeof error->message, format, args);
    return true;
}

bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_fill(error, kind, format, args);
    va_end(args);
    return false;
}

bool error_errno(struct error *error, enum error_kind kind, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (error_fill(error, kind, format, args)) {
        size_t used = strlen(error->message);
        snprintf(error->message + used, sizeof error->message - used, ": %s", strerror(errnum));
    }
    va_end(args);
    return false;
}

bool error_hint(struct error *error, const char *format, ...)
{
    if (error == NULL || error->kind == ERROR_NONE || error->hint[0] != '\0')
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(error->hint, sizeof error->hint, format, args);
    va_end(args);
    return false;
}

void error_clear(struct error *error)
{
    *error = (struct error){0};
}

int error_exit_status(enum error_kind kind)
{
    return kinds[kind].exit_status;
}

const char *error_kind_name(enum error_kind kind)
{
    return kinds[kind].name;
}
