/* SPDX-License-Identifier: MIT */
/* Doctor: which layers of the sandbox does this kernel have, and which does a tool reach? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/sandbox.h"
#include "tools/doctor_parts.h"

static enum doctor_level missing(const struct doctor *doctor)
{
    return doctor->require_sandbox ? DOCTOR_FAILED : DOCTOR_WARNING;
}

static void check_landlock(struct doctor *doctor, const struct sandbox_layers *layers)
{
    struct doctor_finding finding;
    doctor_name(&finding, "sandbox Landlock");
    doctor_expect(&finding, "ABI 1 or newer");
    if (layers->landlock_abi > 0) {
        doctor_found(&finding, DOCTOR_OK, "ABI %d", layers->landlock_abi);
    } else if (layers->landlock_errno == EOPNOTSUPP) {
        doctor_found(&finding, missing(doctor), "switched off");
        doctor_mend(&finding, "add landlock to the list lsm= of the kernel's command line");
    } else if (layers->landlock_errno == ENOSYS) {
        doctor_found(&finding, missing(doctor), "not in this kernel");
        doctor_mend(&finding,
                    "use Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK; in a container, "
                    "let its seccomp profile allow the landlock calls");
    } else {
        doctor_found(&finding, missing(doctor), "%s", strerror(layers->landlock_errno));
        doctor_mend(&finding, "let what surrounds the process, a container's seccomp profile say, "
                              "allow the landlock calls");
    }
    doctor_add(doctor, &finding);
}

static void check_layer(struct doctor *doctor, const char *name, bool holds, const char *mend)
{
    struct doctor_finding finding;
    doctor_name(&finding, "sandbox %s", name);
    doctor_found(&finding, holds ? DOCTOR_OK : missing(doctor), holds ? "available" : "missing");
    doctor_mend(&finding, "%s", mend);
    doctor_add(doctor, &finding);
}

/* What `-v` of a tool says behind "sandbox: ", in OUT. */
static bool said_layers(const struct doctor_answer *answer, char *out, size_t size)
{
    const char *said = answer->messages.data == NULL ? "" : answer->messages.data;
    const char *line = strstr(said, "sandbox: ");
    if (line == NULL)
        return false;
    line += strlen("sandbox: ");
    snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
    return true;
}

/* The kernel may have what a tool, built otherwise or surrounded by something else, does not get.
 */
static void check_tool(struct doctor *doctor)
{
    static const char *const words[] = {"-v", "--require-sandbox", "-f", "pam", NULL};
    struct doctor_finding finding;
    struct doctor_answer answer;
    struct text picture = {0};
    char found[400];
    doctor_name(&finding, "sandbox of a tool");
    if (!doctor_can_ask(doctor, "imgresize", &finding))
        return;
    doctor_expect(&finding, "every layer");
    doctor_picture(&picture, 3, 255, true);
    bool whole = doctor_ask(doctor, "imgresize", words, &picture, &answer);
    if (!said_layers(&answer, found, sizeof found))
        doctor_answer_end(doctor, &answer, found, sizeof found);
    doctor_found(&finding, whole ? DOCTOR_OK : missing(doctor), "%s", found);
    doctor_mend(&finding,
                "see the layers above; builds with sanitizers have no sandbox and are not "
                "for hostile pictures");
    doctor_answer_free(&answer);
    text_free(&picture);
    doctor_add(doctor, &finding);
}

void doctor_check_sandbox(struct doctor *doctor)
{
    struct sandbox_layers layers;
    struct doctor_finding finding;
    sandbox_probe(&layers);
    if (layers.built_in) {
        check_landlock(doctor, &layers);
        check_layer(
            doctor, "seccomp", layers.filter,
            "use a kernel with CONFIG_SECCOMP_FILTER, on x86-64 or ARM64; in a container, let "
            "its seccomp profile allow the call seccomp");
        check_layer(doctor, "no new privileges", layers.no_new_privileges,
                    "use Linux 3.5 or newer");
    } else {
        doctor_name(&finding, "sandbox");
        doctor_found(&finding, missing(doctor), "left out of this build");
        doctor_mend(&finding, "build without sanitizers");
        doctor_add(doctor, &finding);
    }
    check_tool(doctor);
}
