#include "input/seen_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define NANOSECONDS 1000000000

void seen_init(seen_file *of)
{
    *of = (seen_file){.descriptor = -1};
}

static void close_file(seen_file *of)
{
    if (of->descriptor >= 0)
        close(of->descriptor);
    of->descriptor = -1;
}

void seen_close(seen_file *of)
{
    close_file(of);
    buffer_free(&of->path);
}

static int unreadable(const char *path, uint64_t at)
{
    return error_set(RF_EINPUT, "input", "%s: cannot be read at offset %" PRIu64 ": %s", path, at, strerror(errno));
}

/* Files that stat says are empty are judged by their size alone: those of /proc are modified whenever one looks. */
static int check_unchanged(const seen_file *of, const struct stat *now, uint64_t at)
{
    if ((uint64_t)now->st_size != of->size)
        return error_set(RF_EINPUT, "input",
                         "%s: changed while it was read: %" PRIu64 " bytes at the start, %" PRIu64 " now (at offset %" PRIu64
                         ")",
                         seen_path(of), of->size, (uint64_t)now->st_size, at);
    if (of->size && now->st_mtim.tv_sec * (int64_t)NANOSECONDS + now->st_mtim.tv_nsec != of->modified)
        return error_set(RF_EINPUT, "input",
                         "%s: changed while it was read: written to since the start, still %" PRIu64
                         " bytes (at offset %" PRIu64 ")",
                         seen_path(of), of->size, at);
    return RF_OK;
}

/* Not blocking, for what was a file when rank 0 looked and is a FIFO now. */
static int open_file(seen_file *of, const char *path, uint64_t at)
{
    struct stat now;
    close_file(of);
    of->path.size = 0;
    int status = buffer_put(&of->path, path, strlen(path) + 1);
    if (status)
        return status;
    do
        of->descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (of->descriptor < 0 && errno == EINTR);
    if (of->descriptor < 0 || fstat(of->descriptor, &now))
        return unreadable(path, at);
    if (!S_ISREG(now.st_mode))
        return error_set(RF_EINPUT, "input",
                         "%s: changed while it was read: not a regular file now (at offset %" PRIu64 ")", path, at);
    of->device = now.st_dev;
    of->inode = now.st_ino;
    posix_fadvise(of->descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
    return RF_OK;
}

void seen_doubt(seen_file *of)
{
    struct stat now;
    if (of->descriptor >= 0 && (stat(seen_path(of), &now) || now.st_dev != of->device || now.st_ino != of->inode))
        close_file(of);
}

int seen_open(seen_file *of, const char *path, uint64_t size, int64_t modified, uint64_t at)
{
    struct stat now;
    int status;
    if ((of->descriptor < 0 || strcmp(path, seen_path(of))) && (status = open_file(of, path, at)))
        goto failed;
    of->size = size;
    of->modified = modified;
    if (fstat(of->descriptor, &now))
        status = unreadable(path, at);
    else
        status = check_unchanged(of, &now, at);
failed:
    if (status)
        close_file(of);
    return status;
}

static int read_all(const seen_file *of, uint64_t at, uint8_t *to, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t came = pread(of->descriptor, to + *got, size - *got, (off_t)(at + *got));
        if (came > 0)
            *got += (size_t)came;
        else if (came == 0)
            break;
        else if (errno != EINTR)
            return *got ? RF_OK : unreadable(seen_path(of), at);
    }
    return RF_OK;
}

int seen_read(const seen_file *of, uint64_t at, void *to, size_t size, size_t *got)
{
    struct stat now;
    *got = 0;
    if (of->size) {
        if (at >= of->size)
            return RF_END;
        if (size > of->size - at)
            size = (size_t)(of->size - at);
    }
    int status = read_all(of, at, to, size, got);
    if (status)
        return status;
    if (fstat(of->descriptor, &now))
        return unreadable(seen_path(of), at);
    status = check_unchanged(of, &now, at);
    if (status)
        return status;
    if (!*got && of->size)
        return error_set(RF_EINPUT, "input", "%s: ends at offset %" PRIu64 ", its size is said to be %" PRIu64,
                         seen_path(of), at, of->size);
    return *got ? RF_OK : RF_END;
}
