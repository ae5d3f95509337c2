/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool memory_multiply(size_t count, size_t size, size_t *product)
{
    return !__builtin_mul_overflow(count, size, product);
}

/* To clear a huge page takes as long as some 100 faults of small ones, so less than half of one
 * does not pay. */
enum { HUGE_PAGE_BYTES = 2 << 20, WHOLE_PAGES_FROM_BYTES = HUGE_PAGE_BYTES / 2 };

static uintptr_t memory_page_up(const void *data)
{
    return ((uintptr_t)data + HUGE_PAGE_BYTES - 1) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1);
}

/* Asks for huge pages inside a large block: images are touched from end to end, and a page fault
 * for every 4 KiB takes longer than many an operation on the pixels. */
static void memory_advise(void *data, size_t bytes)
{
    uintptr_t first = memory_page_up(data);
    uintptr_t end = ((uintptr_t)data + bytes) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1);
    /* Only an advice: without it everything works, slower. */
    if (end > first)
        (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}

static void *memory_get(size_t count, size_t size, bool zeroed, struct error *error)
{
    size_t bytes = 0;
    if (!memory_multiply(count, size, &bytes)) {
        error_set(error, ERROR_NO_MEMORY, "%zu items of %zu bytes do not fit in memory", count, size);
        return NULL;
    }
    if (bytes == 0)
        bytes = 1;
    void *data = zeroed ? calloc(1, bytes) : malloc(bytes);
    if (data == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory, %.1f MiB wanted",
                  (double)bytes / (1024.0 * 1024.0));
        error_hint(error, "a larger --memory may help");
    } else if (bytes >= 2 * HUGE_PAGE_BYTES) {
        memory_advise(data, bytes);
    }
    return data;
}

void *memory_array(size_t count, size_t size, struct error *error)
{
    return memory_get(count, size, false, error);
}

void *memory_zeroed(size_t count, size_t size, struct error *error)
{
    return memory_get(count, size, true, error);
}

void *memory_pages(size_t count, size_t size, void **block, struct error *error)
{
    size_t bytes = 0, larger = 0;
#if defined(__SANITIZE_ADDRESS__)
    const bool exact = true; /* it is watched what is written behind a block */
#else
    const bool exact = false;
#endif
    bool large = memory_multiply(count, size, &bytes) && bytes >= WHOLE_PAGES_FROM_BYTES &&
                 !__builtin_add_overflow(bytes, (size_t)2 * HUGE_PAGE_BYTES, &larger);
    if (exact || !large)
        return *block = memory_get(count, size, true, error);
    *block = memory_get(larger, 1, true, error);
    return *block == NULL ? NULL : (void *)memory_page_up(*block);
}

bool blob_copy(struct blob *to, const void *data, size_t size, struct error *error)
{
    uint8_t *copy = memory_array(size, 1, error);
    if (copy == NULL)
        return false;
    if (size > 0)
        memcpy(copy, data, size);
    *to = (struct blob){copy, size};
    return true;
}

void blob_free(struct blob *blob)
{
    free(blob->data);
    *blob = (struct blob){0};
}
