#define _GNU_SOURCE
#include "keyed/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"

#define PIECE ((size_t)1 << 30)     /* Linux moves less than 2 GiB at once */

int disk_fail(const char *path, const char *what, size_t need, int error)
{
    struct statvfs about;
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + (slash == path) : 1, slash ? path : ".");
    if ((error == ENOSPC || error == EDQUOT) && statvfs(folder, &about) == 0)
        return error_set(RF_EOUTPUT, "output", "%s: could not be %s: %s; %zu bytes more were needed, %" PRIu64 " are free; make room "
                         "there or name another folder", path, what, strerror(error), need,
                         (uint64_t)about.f_bavail * about.f_frsize);
    return error_set(RF_EOUTPUT, "output", "%s: could not be %s: %s", path, what, strerror(error));
}

int disk_create(const char *path, int *file)
{
    do {
        *file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (*file < 0 && errno == EINTR);
    return *file < 0 ? disk_fail(path, "created", 0, errno) : RF_OK;
}

int disk_write(int file, const void *bytes, size_t size, const char *path)
{
    const uint8_t *at = bytes;
    while (size) {
        ssize_t wrote = write(file, at, size < PIECE ? size : PIECE);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return disk_fail(path, "written", size, wrote ? errno : ENOSPC);
        at += wrote;
        size -= (size_t)wrote;
    }
    return RF_OK;
}

int disk_open(const char *path, int *file)
{
    do {
        *file = open(path, O_RDONLY | O_CLOEXEC);
    } while (*file < 0 && errno == EINTR);
    return *file < 0 ? error_set(RF_EINPUT, "input", "%s: %s", path, strerror(errno)) : RF_OK;
}

int disk_read(int file, void *to, size_t size, uint64_t offset, const char *path)
{
    uint8_t *at = to;
    while (size) {
        ssize_t got = pread(file, at, size < PIECE ? size : PIECE, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(RF_EINPUT, "input", "%s: byte %" PRIu64 ": %s", path, offset, strerror(errno));
        if (got == 0)
            return error_set(RF_EINPUT, "input", "%s: ends at byte %" PRIu64 ", where %zu more were written", path, offset, size);
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return RF_OK;
}

int disk_read_once(const char *path, void *to, size_t size, uint64_t offset)
{
    int file, status = disk_open(path, &file);
    if (status)
        return status;
    status = disk_read(file, to, size, offset, path);
    close(file);
    return status;
}
