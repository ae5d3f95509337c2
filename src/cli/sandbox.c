/* SPDX-License-Identifier: MIT */
#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/root.h"
#include "base/signals.h"
#include "base/slots.h"
#include "base/threads.h"
#include "cli/landlock.h"
#include "cli/report.h"
#include "cli/seccomp.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_LEFT_OUT
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_LEFT_OUT
#endif
#ifdef SANDBOX_LEFT_OUT
enum { BUILT_IN = 0 };
#else
enum { BUILT_IN = 1 };
#endif

/* Descriptors: while there are still files to open, and from then on. poll() wants one. */
enum { SOME_DESCRIPTORS = 1024, NO_DESCRIPTORS = 1 };

/* The layers that hold, and what is left by the second step. */
static struct {
    struct sandbox_layers holds;
    int rules; /* Landlock's, until they hold; -1: none */
    unsigned keep;
    bool begun, entered;
    const char *postponed; /* why headers are read outside; NULL: they are not */
} sandbox = {.rules = -1};

void sandbox_probe(struct sandbox_layers *layers)
{
    *layers = (struct sandbox_layers){.built_in = BUILT_IN};
    if (!BUILT_IN)
        return;
    layers->no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0;
    layers->filter = seccomp_is_possible();
    layers->landlock_abi = landlock_abi();
    layers->landlock_errno = layers->landlock_abi > 0 ? 0 : errno;
}

bool sandbox_is_whole(const struct sandbox_layers *layers)
{
    return layers->built_in && layers->no_new_privileges && layers->filter &&
           layers->landlock_abi > 0;
}

char *sandbox_describe(const struct sandbox_layers *layers, char *out, size_t size)
{
    char landlock[80];
    if (!layers->built_in) {
        snprintf(out, size, "none, as this build is for finding errors in it");
        return out;
    }
    if (layers->landlock_abi > 0)
        snprintf(landlock, sizeof landlock, "Landlock ABI %d", layers->landlock_abi);
    else
        snprintf(landlock, sizeof landlock, "no Landlock (%s)",
                 layers->landlock_errno == ENOSYS       ? "the kernel does not have it"
                 : layers->landlock_errno == EOPNOTSUPP ? "it was not switched on at boot"
                                                        : strerror(layers->landlock_errno));
    snprintf(out, size, "%s, %sseccomp, %sno new privileges", landlock,
             layers->filter ? "" : "no ", layers->no_new_privileges ? "" : "not: ");
    return out;
}

/* Where a layer is missing that the user insists on. */
static bool sandbox_judge(const struct cli_run *run, struct error *error)
{
    char layers[200];
    if (!run->options->require_sandbox || sandbox_is_whole(&sandbox.holds))
        return true;
    return error_set(error, ERROR_UNAVAILABLE, "--require-sandbox: this process can have: %s",
                     sandbox_describe(&sandbox.holds, layers, sizeof layers));
}

/* Never raises a limit. */
static void sandbox_limit(int resource, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return;
    if (limit.rlim_cur > most)
        limit.rlim_cur = most;
    if (limit.rlim_max > most)
        limit.rlim_max = most;
    setrlimit((__rlimit_resource_t)resource, &limit);
}

/* For a reason in errno it cannot be had. */
static void sandbox_drop_landlock(void)
{
    sandbox.holds.landlock_errno = errno;
    sandbox.holds.landlock_abi = 0;
    if (sandbox.rules >= 0)
        close(sandbox.rules);
    sandbox.rules = -1;
}

bool sandbox_begin(struct cli_run *run, struct error *error)
{
    struct sandbox_layers *holds = &sandbox.holds;
    *holds = (struct sandbox_layers){.built_in = BUILT_IN};
    sandbox.begun = true;
    /* Once, as the files that say so cannot be opened later. */
    if (run->options->threads == 0)
        run->options->threads = threads_available();
    if (!BUILT_IN)
        return sandbox_judge(run, error);
    holds->landlock_abi = landlock_abi();
    if (holds->landlock_abi > 0)
        sandbox.rules = landlock_rules_new(holds->landlock_abi);
    if (sandbox.rules < 0)
        sandbox_drop_landlock();
    sandbox_limit(RLIMIT_CORE, 0);
    sandbox_limit(RLIMIT_NOFILE, SOME_DESCRIPTORS);
    holds->no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    holds->filter = seccomp_begin();
    return sandbox_judge(run, error);
}

void sandbox_keep_output(const struct outfile *file)
{
    /* Without a directory it is open and written as it is. */
    if (file->dir_fd < 0)
        return;
    bool replaces = !file->exclusive || file->temporary[0] != '\0';
    sandbox.keep |= SECCOMP_KEEP_LINK | (replaces ? SECCOMP_KEEP_REPLACE : 0u);
    if (sandbox.rules >= 0 && !landlock_keep_directory(sandbox.rules, file->dir_fd, replaces))
        sandbox_drop_landlock();
}

void sandbox_keep_input(const char *name)
{
    struct stat status;
    if (strcmp(name, "-") == 0)
        return;
    sandbox.keep |= SECCOMP_KEEP_READING | (root_is_set() ? SECCOMP_KEEP_READING_AT : 0u);
    int fd = sandbox.rules < 0 ? -1 : root_open(name, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0)
        landlock_keep_reading(sandbox.rules, fd, S_ISDIR(status.st_mode));
    close(fd);
}

/* On each thread. */
static void sandbox_restrict(void *failed)
{
    if (!landlock_restrict(sandbox.rules))
        *(int *)failed = errno;
}

static void sandbox_enter_landlock(void)
{
    int failed = 0;
    if (sandbox.rules < 0)
        return;
    sandbox_restrict(&failed);
    signals_deadline_run(sandbox_restrict, &failed);
    errno = failed;
    if (failed != 0)
        sandbox_drop_landlock();
    else
        close(sandbox.rules);
    sandbox.rules = -1;
}

bool sandbox_enter(struct cli_run *run, struct error *error)
{
    char layers[200];
    if (!sandbox.begun || sandbox.entered)
        return true;
    /* This opens files, which then is over. */
    if (!slots_enter(error))
        return false;
    sandbox.entered = true;
    if (BUILT_IN) {
        sandbox_enter_landlock();
        if ((sandbox.keep & SECCOMP_KEEP_READING) == 0)
            sandbox_limit(RLIMIT_NOFILE, NO_DESCRIPTORS);
        sandbox.holds.filter = sandbox.holds.filter && seccomp_enter(sandbox.keep);
    }
    cli_explain(run, "sandbox: %s", sandbox_describe(&sandbox.holds, layers, sizeof layers));
    return sandbox_judge(run, error);
}

void sandbox_postpone(const char *why)
{
    sandbox.postponed = why;
}

bool sandbox_must_wait(const struct cli_run *run, const char *path)
{
    if (!run->options->mkdir || !outfile_lacks_directory(path))
        return false;
    sandbox_postpone("--mkdir has directories to make");
    return true;
}

bool sandbox_enter_early(struct cli_run *run, struct error *error)
{
    if (sandbox.postponed == NULL || sandbox.entered)
        return sandbox_enter(run, error);
    cli_explain(run, "sandbox: the header is read outside of it, as %s", sandbox.postponed);
    return true;
}
