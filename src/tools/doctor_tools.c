/* SPDX-License-Identifier: MIT */
/* Doctor: is every tool there, and of this version? */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/catalogue.h"
#include "proc/command.h"
#include "tools/doctor_parts.h"

enum { NOT_FOUND_BY_LOADER = 127 };

/* Whoever may replace a tool decides what runs. */
static bool is_open_to_all(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && (status.st_mode & S_IWOTH) != 0;
}

static void check_open(struct doctor *doctor, const char *name, const char *path)
{
    struct doctor_finding finding;
    struct stat status;
    /* In a directory like /tmp only the owner of a file can replace it. */
    if (!is_open_to_all(path) ||
        (stat(path, &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0))
        return;
    doctor_name(&finding, "%s is safe", name);
    doctor_found(&finding, DOCTOR_WARNING, "everybody may write to %s", path);
    doctor_mend(&finding, "chmod o-w '%s'", path);
    doctor_add(doctor, &finding);
}

/* The tool in DIRECTORY could not be run to its end. */
static void explain_failure(const struct doctor *doctor, const char *binary, const char *directory,
                            const struct doctor_answer *answer, struct doctor_finding *finding)
{
    char end[600];
    bool missing = answer->error.kind == ERROR_NOT_FOUND;
    doctor_answer_end(doctor, answer, end, sizeof end);
    doctor_found(finding, DOCTOR_FAILED, "%s%s", missing ? "missing: " : "", end);
    if (missing)
        doctor_mend(finding, "install %s %s into %s: imgtool and its tools belong together", binary,
                    VERSION, directory);
    else if (answer->error.kind != ERROR_NONE)
        doctor_mend(finding, "chmod 755 '%s/%s', or install the build for this machine there",
                    directory, binary);
    else if (answer->timed_out)
        doctor_mend(finding, "'%s/%s --version' should answer at once; --timeout gives it longer",
                    directory, binary);
    else if (WIFEXITED(answer->status) && WEXITSTATUS(answer->status) == NOT_FOUND_BY_LOADER)
        doctor_mend(finding, "install the library that is named; 'ldd %s/%s' lists what it needs",
                    directory, binary);
    else
        doctor_mend(finding, "install %s %s into %s again", binary, VERSION, directory);
}

/* Notes for each version of a library the first tool that has it. */
static void note_libraries(struct doctor *doctor, const char *binary, json_t *libraries)
{
    const char *name;
    json_t *value;
    json_object_foreach(libraries, name, value)
    {
        const char *version = json_string_value(value);
        json_t *versions = json_object_get(doctor->libraries, name);
        if (version == NULL)
            continue;
        if (versions == NULL) {
            versions = json_object();
            json_object_set_new(doctor->libraries, name, versions);
        }
        if (json_object_get(versions, version) == NULL)
            json_object_set_new(versions, version, json_string(binary));
    }
}

static void judge_version(struct doctor *doctor, const char *binary, const char *directory,
                          const struct doctor_answer *answer, struct doctor_finding *finding)
{
    const char *said = answer->out.data == NULL ? "" : answer->out.data;
    json_t *object = json_loads(said, 0, NULL);
    const char *version = json_string_value(json_object_get(object, "version"));
    const char *tool = json_string_value(json_object_get(object, "tool"));
    if (version != NULL && tool != NULL && strcmp(version, VERSION) == 0 &&
        strcmp(tool, binary) == 0) {
        doctor_found(finding, DOCTOR_OK, "%s", version);
        note_libraries(doctor, binary, json_object_get(object, "libraries"));
    } else {
        if (version != NULL && tool != NULL)
            doctor_found(finding, DOCTOR_FAILED, "%s %s", tool, version);
        else
            doctor_found(finding, DOCTOR_FAILED, "not a tool of the suite, it says '%.*s'",
                         (int)strcspn(said, "\n") > 200 ? 200 : (int)strcspn(said, "\n"), said);
        doctor_mend(finding, "install %s %s into %s: all tools must be of imgtool's own version",
                    binary, VERSION, directory);
    }
    json_decref(object);
}

static void check_tool(struct doctor *doctor, const char *binary, const char *directory)
{
    static const char *const words[] = {"--version", "--json", NULL};
    struct doctor_finding finding;
    struct doctor_answer answer;
    char name[100], path[PATH_MAX + 100];
    snprintf(name, sizeof name, "tool %s", binary);
    snprintf(path, sizeof path, "%s/%s", directory, binary);
    doctor_name(&finding, "%s", name);
    doctor_expect(&finding, "%s", VERSION);
    if (doctor_ask(doctor, binary, words, NULL, &answer))
        judge_version(doctor, binary, directory, &answer, &finding);
    else
        explain_failure(doctor, binary, directory, &answer, &finding);
    doctor_answer_free(&answer);
    doctor_add(doctor, &finding);
    check_open(doctor, name, path);
}

void doctor_check_tools(struct doctor *doctor)
{
    struct doctor_finding finding;
    char directory[PATH_MAX];
    command_directory(directory, sizeof directory);
    doctor_name(&finding, "tool imgtool");
    doctor_found(&finding, DOCTOR_OK, "%s in %s", VERSION, directory);
    doctor_add(doctor, &finding);
    check_open(doctor, "directory of the tools", directory);
    for (size_t i = 0; i < catalogue_count; i++)
        if (catalogue[i].binary != NULL)
            check_tool(doctor, catalogue[i].binary, directory);
}
