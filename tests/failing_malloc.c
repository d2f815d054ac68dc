#include "failing_malloc.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static uint64_t fail_at, count;
static bool failed;

void failing_malloc_at(uint64_t n)
{
    fail_at = n;
    count = 0;
    failed = false;
}

bool failing_malloc_stop(void)
{
    fail_at = 0;
    return failed;
}

bool failing_malloc_again(uint64_t n)
{
    bool again = n == 1 || failed;
    failing_malloc_at(again ? n : 0);
    return again;
}

uint64_t failing_malloc_count(void)
{
    return count;
}

static bool fails_now(void)
{
    if (++count != fail_at)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t number, size_t size)
{
    return fails_now() ? NULL : __real_calloc(number, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : __real_realloc(memory, size);
}
