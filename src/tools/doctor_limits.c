/* SPDX-License-Identifier: MIT */
/* Doctor: which limits are in force, and where does each come from? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/doctor_parts.h"

enum { MOST_VARIABLES = 48, FEWEST_FILES = 64, LEAST_FILE_MIB = 256 };

extern char **environ;

/* Variables that are read elsewhere than by the shared options. */
static const char *const other_variables[] = {"IMGTOOL_RECIPE_DIR", "IMGTOOL_PARENT",
                                              "IMGTOOL_SLOT_HELD", "IMGTOOL_INPUT_NAME"};

/* True where VALUE is one that ENTRY takes. */
static bool is_valid(const struct option_entry *entry, const char *value, struct error *error)
{
    union {
        uint64_t whole;
        double real;
        const char *text;
        max_align_t any[4];
    } field;
    return entry->type == OPTION_CUSTOM || option_value(entry, value, &field, error);
}

static void check_limit(struct doctor *doctor, const struct option_entry *entry)
{
    struct doctor_finding finding;
    struct error error = {0};
    char range[200];
    const char *value = getenv(entry->environment);
    const char *preset = entry->preset == NULL ? "not set" : entry->preset;
    option_describe_range(entry, range, sizeof range);
    doctor_name(&finding, "limit --%s", entry->name);
    doctor_expect(&finding, "%s", range);
    if (value == NULL || *value == '\0') {
        doctor_found(&finding, DOCTOR_OK, "%s, the default", preset);
    } else if (is_valid(entry, value, &error)) {
        doctor_found(&finding, DOCTOR_OK, "%s, from %s", value, entry->environment);
    } else {
        doctor_found(&finding, DOCTOR_WARNING, "%s, the default, as %s is '%.100s'", preset,
                     entry->environment, value);
        doctor_mend(&finding, "set %s to %s, or unset it", entry->environment,
                    range[0] == '\0' ? "something else" : range);
    }
    doctor_add(doctor, &finding);
}

/* A variable that is written wrongly is a limit that does not hold. */
static void check_misspelt(struct doctor *doctor, const char *const *known, size_t count)
{
    for (char **variable = environ; *variable != NULL; variable++) {
        struct doctor_finding finding;
        char name[100];
        bool exact = false;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*variable, "="), *variable);
        if (strncmp(name, "IMGTOOL_", 8) != 0)
            continue;
        const char *near = NULL;
        for (size_t i = 0; i < count; i++) {
            const char *const end[] = {known[i] + 8};
            exact = exact || strcmp(name, known[i]) == 0;
            if (text_nearest(name + 8, end, 1) != NULL)
                near = known[i];
        }
        if (exact || near == NULL)
            continue;
        doctor_name(&finding, "variable %s", name);
        doctor_found(&finding, DOCTOR_WARNING, "no tool reads it");
        doctor_mend(&finding, "did you mean %s?", near);
        doctor_add(doctor, &finding);
    }
}

static void describe_limit(int resource, const char *what, uint64_t unit, const char *unit_name,
                           char *out, size_t size)
{
    struct rlimit limit;
    size_t length = strlen(out);
    const char *joint = length > 0 ? ", " : "";
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        snprintf(out + length, size - length, "%s%s unlimited", joint, what);
    else
        snprintf(out + length, size - length, "%s%s %llu%s", joint, what,
                 (unsigned long long)(limit.rlim_cur / unit), unit_name);
}

static bool is_below(int resource, uint64_t least)
{
    struct rlimit limit;
    return getrlimit((__rlimit_resource_t)resource, &limit) == 0 &&
           limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < least;
}

/* What the caller's system allows, whatever the tools are told. */
static void check_system(struct doctor *doctor)
{
    struct doctor_finding finding;
    struct rlimit memory;
    char found[300] = "";
    describe_limit(RLIMIT_NOFILE, "open files", 1, "", found, sizeof found);
    describe_limit(RLIMIT_NPROC, "processes", 1, "", found, sizeof found);
    describe_limit(RLIMIT_FSIZE, "size of a file", 1 << 20, " MiB", found, sizeof found);
    describe_limit(RLIMIT_AS, "memory", 1 << 20, " MiB", found, sizeof found);
    describe_limit(RLIMIT_CPU, "time", 1, " s", found, sizeof found);
    doctor_name(&finding, "limits of the system");
    doctor_found(&finding, DOCTOR_OK, "%s", found);
    bool low_memory = getrlimit(RLIMIT_AS, &memory) == 0 && memory.rlim_max != RLIM_INFINITY &&
                      memory.rlim_max < (rlim_t)512 << 20;
    if (low_memory || is_below(RLIMIT_NOFILE, FEWEST_FILES) ||
        is_below(RLIMIT_FSIZE, (uint64_t)LEAST_FILE_MIB << 20)) {
        finding.level = DOCTOR_WARNING;
        doctor_expect(&finding, "%d open files, files of %d MiB, memory of 512 MiB", FEWEST_FILES,
                      LEAST_FILE_MIB);
        doctor_mend(&finding, "raise them with ulimit, or where the service is defined");
    }
    doctor_add(doctor, &finding);
}

void doctor_check_limits(struct doctor *doctor)
{
    const char *known[MOST_VARIABLES];
    size_t count = 0;
    for (size_t i = 0; i < CLI_COUNT(other_variables); i++)
        known[count++] = other_variables[i];
    for (unsigned i = 0; i < cli_common_table_count; i++)
        for (size_t k = 0; k < cli_common_tables[i].count; k++) {
            const struct option_entry *entry = &cli_common_tables[i].entries[k];
            if (entry->environment == NULL || count == MOST_VARIABLES)
                continue;
            known[count++] = entry->environment;
            if (entry->type != OPTION_TEXT)
                check_limit(doctor, entry);
        }
    check_misspelt(doctor, known, count);
    check_system(doctor);
}
