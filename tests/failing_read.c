#include "failing_read.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/random.h"

ssize_t __real_read(int file, void *to, size_t size);
ssize_t __real_pread(int file, void *to, size_t size, off_t offset);
ssize_t __wrap_read(int file, void *to, size_t size);
ssize_t __wrap_pread(int file, void *to, size_t size, off_t offset);

static uint64_t shorten, fail_at, count, bytes;
static int fail_with;

void failing_read_short(uint64_t seed)
{
    shorten = seed;
}

void failing_read_at(uint64_t n, int error)
{
    fail_at = n;
    fail_with = error;
    count = 0;
}

uint64_t failing_read_count(void)
{
    return count;
}

uint64_t failing_read_bytes(void)
{
    return bytes;
}

static bool fails_now(size_t *size)
{
    count++;
    if (fail_at && count >= fail_at) {
        errno = fail_with;
        return true;
    }
    if (shorten && random_below(&shorten, 3) == 0) {
        errno = EINTR;
        return true;
    }
    if (shorten && *size)
        *size = 1 + random_below(&shorten, *size);
    return false;
}

static ssize_t counted(ssize_t got)
{
    bytes += got > 0 ? (uint64_t)got : 0;
    return got;
}

ssize_t __wrap_read(int file, void *to, size_t size)
{
    return fails_now(&size) ? -1 : counted(__real_read(file, to, size));
}

ssize_t __wrap_pread(int file, void *to, size_t size, off_t offset)
{
    return fails_now(&size) ? -1 : counted(__real_pread(file, to, size, offset));
}
