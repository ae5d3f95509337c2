/* SPDX-License-Identifier: MIT */
/* Doctor: which versions of the libraries are in use, and are there known errors in them that
 * hostile pictures can reach?
 *
 * Distributions mend errors without changing the version, so an old version alone proves nothing.
 * On Debian the version of the package tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/doctor_parts.h"

/* From FROM on (NULL: always) until FIXED. Only what the tools use is here: not the simplified
 * interface of libpng, say. The sources are the change logs of the libraries and of Debian. */
struct known_bad {
    const char *name, *from, *fixed, *reason;
    const char *package, *mended; /* Debian 12's and the version that mends it; NULL: none */
};

static const struct known_bad known[] = {
    {"libwebp", NULL, "1.3.2", "CVE-2023-4863, lossless pictures that overflow the heap",
     "libwebp7", "1.2.4-0.2+deb12u1"},
    {"libpng", NULL, "1.6.57",
     "CVE-2026-33416 and CVE-2026-34757, palettes and transparency used after they were freed",
     "libpng16-16", "1.6.39-2+deb12u5"},
    {"libjpeg-turbo", NULL, "1.3.1", "CVE-2013-6629, memory that is shown in broken pictures", NULL,
     NULL},
    {"libjpeg-turbo", "2.0.90", "2.1.0",
     "CVE-2021-29390, narrow progressive pictures that overrun a buffer", NULL, NULL},
    {"libjpeg-turbo", "2.1.90", "3.0.0", "CVE-2023-2804, lossless pictures that overrun a buffer",
     NULL, NULL},
    {"lcms2", NULL, "2.19", "CVE-2026-41254, sizes of colour tables that overflow", "liblcms2-2",
     "2.14-2+deb12u1"},
    {"zlib", NULL, "1.2.12", "CVE-2018-25032, data that corrupt memory when they are compressed",
     NULL, NULL},
    {"jansson", NULL, "2.8", "deeply nested JSON that overflows the stack", NULL, NULL},
};

/* The version of the Debian package NAME in VERSION, empty where it is not known. */
static void package_version(const char *name, char *version, size_t size)
{
    FILE *status = fopen("/var/lib/dpkg/status", "re");
    char *line = NULL;
    size_t capacity = 0;
    bool found = false;
    version[0] = '\0';
    while (status != NULL && getline(&line, &capacity, status) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "Package: ", 9) == 0)
            found = strcmp(line + 9, name) == 0;
        else if (found && strncmp(line, "Version: ", 9) == 0)
            break;
    }
    if (found && line != NULL && strncmp(line, "Version: ", 9) == 0)
        snprintf(version, size, "%s", line + 9);
    free(line);
    if (status != NULL)
        fclose(status);
}

/* True where INSTALLED is MENDED, a package of VERSION, or a later one of the same. */
static bool is_mended(const char *installed, const char *version, const char *mended)
{
    size_t same = strcspn(mended, "-");
    return strlen(version) == same && strncmp(version, mended, same) == 0 &&
           strncmp(installed, mended, same + 1) == 0 && strverscmp(installed, mended) >= 0;
}

static const struct known_bad *find_bad(const char *library, const char *version)
{
    for (size_t i = 0; i < CLI_COUNT(known); i++)
        if (strcmp(known[i].name, library) == 0 && strverscmp(version, known[i].fixed) < 0 &&
            (known[i].from == NULL || strverscmp(version, known[i].from) >= 0))
            return &known[i];
    return NULL;
}

static void judge_library(const struct known_bad *bad, const char *library, const char *version,
                          struct doctor_finding *finding)
{
    char installed[100] = "";
    if (bad == NULL) {
        doctor_found(finding, DOCTOR_OK, "%s", version);
        return;
    }
    if (bad->package != NULL)
        package_version(bad->package, installed, sizeof installed);
    doctor_expect(finding, "%s or newer", bad->fixed);
    if (bad->package != NULL && is_mended(installed, version, bad->mended)) {
        doctor_found(finding, DOCTOR_OK, "%s, mended by the package %s %s", version, bad->package,
                     installed);
        return;
    }
    doctor_found(finding, DOCTOR_WARNING, "%s, known bad unless the distribution has mended it: %s",
                 version, bad->reason);
    if (bad->package == NULL)
        doctor_mend(finding, "install %s %s or newer", library, bad->fixed);
    else
        doctor_mend(finding, "install %s %s or newer, or the security update (in Debian 12 %s %s)",
                    library, bad->fixed, bad->package, bad->mended);
}

/* Tools that disagree come from different builds. VERSIONS: a version to the first tool that has
 * it. */
static void check_mixed(struct doctor *doctor, const char *library, json_t *versions)
{
    struct doctor_finding finding;
    char all[500] = "";
    const char *version;
    json_t *tool;
    json_object_foreach(versions, version, tool)
    {
        size_t length = strlen(all);
        snprintf(all + length, sizeof all - length, "%s%s in %s", length > 0 ? ", " : "", version,
                 json_string_value(tool));
    }
    doctor_name(&finding, "library %s", library);
    doctor_found(&finding, DOCTOR_WARNING, "%s", all);
    doctor_expect(&finding, "the same in all tools");
    doctor_mend(&finding, "install all tools from one build");
    doctor_add(doctor, &finding);
}

void doctor_check_libraries(struct doctor *doctor)
{
    const char *library, *version;
    json_t *versions, *tool;
    json_object_foreach(doctor->libraries, library, versions)
    {
        bool mixed = json_object_size(versions) > 1;
        if (mixed)
            check_mixed(doctor, library, versions);
        json_object_foreach(versions, version, tool)
        {
            struct doctor_finding finding;
            doctor_name(&finding, "library %s%s%s", library, mixed ? " in " : "",
                        mixed ? json_string_value(tool) : "");
            judge_library(find_bad(library, version), library, version, &finding);
            doctor_add(doctor, &finding);
        }
    }
}
