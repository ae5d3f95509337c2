/* SPDX-License-Identifier: MIT */
/* Libraries that are opened when they are needed: calls go where the linked ones would, and what is
 * missing is said. Every list of calls in the suite is tried too. */
#include <math.h>
#include <string.h>

#include "base/library.h"
#include "codec/codec.h"
#include "color/icc.h"
#include "tap.h"

#define MATH_CALLS(CALL) CALL(cbrt) CALL(fabs)
LIBRARY(math, MATH_CALLS, "libm.so.6")

static const char *const wrong_names[] = {"cbrt", "no_such_function", NULL};

static void test_calls(void)
{
    struct error error = {0};
    tap_ok(math_load(&error), "opened: %s", error.message);
    tap_ok(math.fabs(math.cbrt(27.0) - 3.0) < 1e-9 && math.fabs(-2.0) >= 2.0,
           "each name has its own function");
    math.cbrt = NULL;
    tap_ok(math_load(&error) && math.cbrt == NULL, "once is enough");
}

static void test_missing(void)
{
    struct library file = {{"libm.so.6", "libnosuch.so.1"}, math_names, &math, sizeof math, false};
    struct library name = {{"libm.so.6"}, wrong_names, &math, sizeof math, false};
    struct library size = {{"libm.so.6"}, math_names, &math, sizeof math + sizeof(void *), false};
    struct error error = {0};
    tap_ok(!library_load(&file, &error) && !file.loaded && error.kind == ERROR_UNAVAILABLE &&
               strstr(error.message, "libnosuch.so.1") != NULL,
           "a missing file: %s", error.message);
    error_clear(&error);
    tap_ok(!library_load(&name, &error) && !name.loaded && error.kind == ERROR_UNAVAILABLE &&
               strstr(error.message, "no_such_function") != NULL,
           "a missing function: %s", error.message);
    error_clear(&error);
    tap_ok(!library_load(&size, &error) && error.kind == ERROR_INTERNAL,
           "a list and a struct of different length: %s", error.message);
}

int main(void)
{
    test_calls();
    test_missing();
    for (enum codec_format format = CODEC_PNG; format < CODEC_FORMAT_COUNT; format++) {
        struct error error = {0};
        tap_ok(codec_load(format, &error), "%s: %s", codec_of(format)->name, error.message);
    }
    struct error error = {0};
    tap_ok(icc_load(&error), "Little CMS: %s", error.message);
    return tap_done();
}
