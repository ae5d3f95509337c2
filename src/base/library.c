/* SPDX-License-Identifier: MIT */
#include "base/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
/* gcc 12's runtime notes where threads have the variables of a library that was opened late, and
 * its look for leaks at the end crashes on such notes of threads that still wait for work. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "intercept_tls_get_addr=0";
}
#endif

static bool library_fail(const struct library *library, struct error *error)
{
    const char *reason = dlerror();
    error_set(error, ERROR_UNAVAILABLE, "%s cannot be used: %s", library->files[0],
              reason != NULL ? reason : "unknown reason");
    return error_hint(error, "install it, or see 'imgtool doctor'");
}

/* Among all that is loaded, as the linker of a start would: so that a preloaded library can still
 * stand in for a function. */
static bool library_find(struct library *library, struct error *error)
{
    void *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < LIBRARY_MAX_FILES && library->files[i] != NULL; i++)
        if (dlopen(library->files[i], RTLD_NOW | RTLD_GLOBAL) == NULL)
            return library_fail(library, error);
    for (const char *const *name = library->names; *name != NULL; name++, count++) {
        found = dlsym(RTLD_DEFAULT, *name);
        if (found == NULL)
            return library_fail(library, error);
        memcpy((char *)library->calls + count * sizeof found, &found, sizeof found);
    }
    if (count * sizeof found != library->calls_bytes)
        return error_set(error, ERROR_INTERNAL, "the list of %s's functions", library->files[0]);
    return true;
}

bool library_load(struct library *library, struct error *error)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (!library->loaded)
        library->loaded = library_find(library, error);
    bool loaded = library->loaded;
    pthread_mutex_unlock(&lock);
    return loaded;
}
