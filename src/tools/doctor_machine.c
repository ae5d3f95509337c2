/* SPDX-License-Identifier: MIT */
/* Doctor: what the tools find around them: processors, calls of the kernel, directories, recipes.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/outfile.h"
#include "base/slots.h"
#include "base/threads.h"
#include "proc/command.h"
#include "proc/recipe.h"
#include "tools/doctor_parts.h"

enum { LEAST_FREE_MIB = 256 };

static void check_processors(struct doctor *doctor)
{
    struct doctor_finding finding;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned usable = threads_available();
    doctor_name(&finding, "processors");
    doctor_found(&finding, DOCTOR_OK, "%u of %ld%s", usable, online,
                 usable < online ? ", by affinity or the quota of the cgroup" : "");
    doctor_add(doctor, &finding);
}

/* Makes a file in DIRECTORY as every output is made. *UNNAMED says whether it had no name before it
 * was whole. */
static bool make_file(const char *directory, bool *unnamed, struct error *error)
{
    static const char bytes[4096];
    char path[PATH_MAX];
    struct outfile file;
    struct stat status;
    if (stat(directory, &status) != 0)
        return error_set(error, ERROR_CANNOT_CREATE, "%s", strerror(errno));
    int length = snprintf(path, sizeof path, "%s/.imgtool-doctor-%ld", directory, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof path)
        return error_set(error, ERROR_CANNOT_CREATE, "the name is too long");
    if (!outfile_open(&file, path, 0, error))
        return false;
    *unnamed = file.temporary[0] == '\0';
    if (write(file.fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes) {
        error_errno(error, ERROR_IO, errno, "cannot be written");
        outfile_discard(&file);
        return false;
    }
    bool made = outfile_commit(&file, error);
    if (made)
        unlink(path);
    return made;
}

/* What is free in DIRECTORY, in MiB; *FULL where no further file can be made. */
static uint64_t free_mib(const char *directory, bool *full)
{
    struct statvfs status;
    *full = false;
    if (statvfs(directory, &status) != 0)
        return UINT64_MAX >> 20;
    *full = status.f_files > 0 && status.f_favail == 0;
    return (uint64_t)status.f_bavail * status.f_frsize >> 20;
}

void doctor_check_directory(struct doctor *doctor, const char *name, const char *directory)
{
    struct doctor_finding finding;
    struct error error = {0};
    bool unnamed = true, full;
    uint64_t left_mib = free_mib(directory, &full);
    doctor_name(&finding, "%s", name);
    doctor_expect(&finding,
                  "files can be made there, unnamed until they are whole (O_TMPFILE), and "
                  "%d MiB are free",
                  LEAST_FREE_MIB);
    if (!make_file(directory, &unnamed, &error)) {
        doctor_found(&finding, DOCTOR_FAILED, "%s: %s", directory, error.message);
        doctor_mend(&finding, "make it a directory that this user may write to, with room left%s",
                    strcmp(name, "temporary directory") == 0 ? ", or name another one in TMPDIR"
                                                             : "");
    } else if (full || left_mib < LEAST_FREE_MIB) {
        doctor_found(&finding, DOCTOR_WARNING, "%s: %llu MiB free%s", directory,
                     (unsigned long long)left_mib, full ? ", and no further files" : "");
        doctor_mend(&finding, "make room on its file system");
    } else if (!unnamed) {
        doctor_found(&finding, DOCTOR_WARNING, "%s: no O_TMPFILE", directory);
        doctor_mend(&finding, "use a file system that has it (ext4, XFS, Btrfs, tmpfs), with /proc "
                              "mounted; here a kill -9 can leave a temporary file behind");
    } else {
        doctor_found(&finding, DOCTOR_OK, "%s: writable, O_TMPFILE, %llu MiB free", directory,
                     (unsigned long long)left_mib);
    }
    doctor_add(doctor, &finding);
}

/* --root needs a call that kernels before 5.6 and some containers lack. */
static void check_root(struct doctor *doctor)
{
    static const char *const words[] = {"--root", "/", NULL};
    struct doctor_finding finding;
    struct doctor_answer answer;
    struct text picture = {0};
    char end[600];
    doctor_name(&finding, "confinement by --root");
    if (!doctor_can_ask(doctor, "imginfo", &finding))
        return;
    doctor_picture(&picture, 3, 255, true);
    if (doctor_ask(doctor, "imginfo", words, &picture, &answer))
        doctor_found(&finding, DOCTOR_OK, "available");
    else
        doctor_found(&finding, DOCTOR_WARNING, "%s",
                     doctor_answer_end(doctor, &answer, end, sizeof end));
    doctor_mend(&finding,
                "use Linux 5.6 or newer; in a container, let its seccomp profile allow the "
                "call openat2");
    doctor_answer_free(&answer);
    text_free(&picture);
    doctor_add(doctor, &finding);
}

/* All recipes of the installation make sense. */
static void check_recipes(struct doctor *doctor)
{
    struct doctor_finding finding;
    struct error error = {0};
    const char *dir = getenv("IMGTOOL_RECIPE_DIR");
    char data[PATH_MAX];
    size_t count = 0;
    dir = dir != NULL && *dir == '\0' ? NULL : dir;
    if (!command_data_directory("recipes", data, sizeof data) && dir == NULL)
        error_set(&error, ERROR_NO_INPUT, "%s is missing", data);
    char **names = error.kind == ERROR_NONE ? recipe_names(dir, &error) : NULL;
    for (; names != NULL && names[count] != NULL && error.kind == ERROR_NONE; count++) {
        struct recipe recipe;
        if (recipe_load(&recipe, names[count], dir, &error))
            recipe_free(&recipe);
    }
    doctor_name(&finding, "recipes");
    doctor_expect(&finding, "recipes that make sense");
    if (error.kind != ERROR_NONE) {
        doctor_found(&finding, DOCTOR_FAILED, "%s%s%s", error.file, error.file[0] ? ": " : "",
                     error.message);
        doctor_mend(&finding, dir == NULL ? "install the data directory of imgtool again"
                                          : "mend the recipe, or let IMGTOOL_RECIPE_DIR name the "
                                            "directory of the recipes");
    } else {
        doctor_found(&finding, DOCTOR_OK, "%zu in %s", count, dir == NULL ? data : dir);
    }
    recipe_names_free(names);
    doctor_add(doctor, &finding);
}

/* The other part of the data directory, of which `imgtool schema` is made. */
static void check_schema(struct doctor *doctor)
{
    struct doctor_finding finding;
    json_error_t where;
    char path[PATH_MAX];
    command_data_directory("schema", path, sizeof path);
    strncat(path, "/protocol.json", sizeof path - strlen(path) - 1);
    json_t *schema = json_load_file(path, 0, &where);
    doctor_name(&finding, "JSON Schema");
    doctor_found(&finding, schema == NULL ? DOCTOR_FAILED : DOCTOR_OK, "%s%s%s", path,
                 schema == NULL ? ": " : "", schema == NULL ? where.text : "");
    doctor_mend(&finding, "install the data directory of imgtool again");
    json_decref(schema);
    doctor_add(doctor, &finding);
}

/* A slot is taken and given back at once. */
static void check_slots(struct doctor *doctor)
{
    struct doctor_finding finding;
    struct error error = {0};
    const char *dir = getenv("IMGTOOL_SLOTS_DIR"), *count = getenv("IMGTOOL_SLOTS");
    dir = dir != NULL && *dir == '\0' ? NULL : dir;
    bool used = dir != NULL || (count != NULL && *count != '\0');
    int fd = -1;
    doctor_name(&finding, "slots");
    if (!slots_try(SLOTS_MOST, dir, &fd, &error)) {
        doctor_found(&finding, used ? DOCTOR_FAILED : DOCTOR_WARNING, "%s", error.message);
        doctor_mend(&finding, "let --slots-dir or IMGTOOL_SLOTS_DIR name a directory of this user, "
                              "which nobody else may write to");
    } else {
        doctor_found(&finding, DOCTOR_OK, "%s",
                     fd < 0 ? "all are taken at the moment" : "can be taken");
    }
    if (fd >= 0)
        close(fd);
    doctor_add(doctor, &finding);
}

void doctor_check_machine(struct doctor *doctor)
{
    const char *temporary = getenv("TMPDIR");
    check_processors(doctor);
    check_root(doctor);
    doctor_check_directory(doctor, "temporary directory",
                           temporary == NULL || *temporary == '\0' ? "/tmp" : temporary);
    check_recipes(doctor);
    check_schema(doctor);
    check_slots(doctor);
}
