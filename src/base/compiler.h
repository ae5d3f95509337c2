/* SPDX-License-Identifier: MIT */
/* Compiler attributes that the whole tree shares. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))

/* Builds a hot function once per instruction set and picks one at load time. Sanitizers intercept
 * the resolver before they are initialised, and other machines have no such resolver. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(NO_MULTIVERSION)
#define MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MULTIVERSION
#endif

#endif
