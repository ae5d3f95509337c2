/* SPDX-License-Identifier: MIT */
#include "proc/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/catalogue.h"

void command_directory(char *directory, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", directory, size - 1);
    if (length <= 0) { /* no /proc: where it was installed */
        snprintf(directory, size, "%s", BINDIR);
        return;
    }
    directory[length] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        *slash = '\0';
}

bool command_data_directory(const char *name, char *directory, size_t size)
{
    static const char *const places[] = {"share/imgtool", "../share/imgtool"};
    char program[PATH_MAX];
    command_directory(program, sizeof program);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int length = snprintf(directory, size, "%s/%s/%s", program, places[i], name);
        if (length >= 0 && (size_t)length < size && access(directory, X_OK) == 0)
            return true;
    }
    snprintf(directory, size, "%s/%s", DATADIR, name);
    return access(directory, X_OK) == 0;
}

static char *command_unknown(const char *name, struct error *error)
{
    error_set(error, ERROR_NOT_FOUND, "no command is called '%s'", name);
    const char *near = text_nearest(name, catalogue_commands(), catalogue_count);
    const struct catalogue_entry *entry = catalogue_find(name);
    if (entry == NULL && access(name, F_OK) == 0)
        error_hint(error, "it is a file: -i names the input");
    else if (entry != NULL)
        error_hint(error, "'imgtool %s' is not for pipelines", entry->command);
    else if (near != NULL)
        error_hint(error, "did you mean '%s'?", near);
    else
        error_hint(error, "'imgtool list' shows all");
    return NULL;
}

char *command_path(const char *name, struct error *error)
{
    char directory[PATH_MAX];
    struct text path = {0};
    const struct catalogue_entry *entry = catalogue_find(name);
    if (entry == NULL || entry->binary == NULL)
        return command_unknown(name, error);
    command_directory(directory, sizeof directory);
    text_printf(&path, "%s/%s", directory, entry->binary);
    if (path.failed) {
        error_set(error, ERROR_NO_MEMORY, "out of memory");
        return NULL;
    }
    if (access(path.data, X_OK) == 0)
        return path.data;
    error_errno(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_CANNOT_EXECUTE, errno, "%s",
                path.data);
    error_hint(error, "the installation is not complete");
    text_free(&path);
    return NULL;
}
