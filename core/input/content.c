#include "input/content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define RAW_BYTES ((size_t)64 << 10)
#define WINDOW_LEAST ((size_t)4 << 10)
#define NANOSECONDS 1000000000

static const char *path_of(const content *of)
{
    return (const char *)of->path.data;
}

void content_init(content *of)
{
    *of = (content){.file = -1};
}

static void close_file(content *of)
{
    if (of->file >= 0)
        close(of->file);
    of->file = -1;
}

void content_close(content *of)
{
    close_file(of);
    buffer_free(&of->path);
    buffer_free(&of->raw);
    buffer_free(&of->window);
    gzip_free(&of->stream);
}

static int unreadable(const char *path, uint64_t at)
{
    return error_set(RF_EINPUT, "input", "%s: cannot be read at offset %" PRIu64 ": %s", path, at, strerror(errno));
}

/* Files that stat says are empty are judged by their size alone: those of /proc are modified whenever one looks. */
static int check_unchanged(const content *of, const struct stat *now, uint64_t at)
{
    if ((uint64_t)now->st_size != of->size)
        return error_set(RF_EINPUT, "input",
                         "%s: changed while it was read: %" PRIu64 " bytes at the start, %" PRIu64 " now (at offset %" PRIu64
                         ")",
                         path_of(of), of->size, (uint64_t)now->st_size, at);
    if (of->size && now->st_mtim.tv_sec * (int64_t)NANOSECONDS + now->st_mtim.tv_nsec != of->modified)
        return error_set(RF_EINPUT, "input",
                         "%s: changed while it was read: written to since the start, still %" PRIu64
                         " bytes (at offset %" PRIu64 ")",
                         path_of(of), of->size, at);
    return RF_OK;
}

/* Not blocking, for what was a file when rank 0 looked and is a FIFO now. */
static int open_file(content *of, const char *path, uint64_t at)
{
    struct stat now;
    close_file(of);
    of->path.size = 0;
    int status = buffer_put(&of->path, path, strlen(path) + 1);
    if (status)
        return status;
    do
        of->file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (of->file < 0 && errno == EINTR);
    if (of->file < 0 || fstat(of->file, &now))
        return unreadable(path, at);
    if (!S_ISREG(now.st_mode))
        return error_set(RF_EINPUT, "input",
                         "%s: changed while it was read: not a regular file now (at offset %" PRIu64 ")", path, at);
    of->device = now.st_dev;
    of->inode = now.st_ino;
    posix_fadvise(of->file, 0, 0, POSIX_FADV_SEQUENTIAL);
    return RF_OK;
}

void content_doubt(content *of)
{
    struct stat now;
    if (of->file >= 0 && (stat(path_of(of), &now) || now.st_dev != of->device || now.st_ino != of->inode))
        close_file(of);
}

int content_open(content *of, const char *path, uint64_t size, int64_t modified, uint64_t at)
{
    struct stat now;
    int status;
    if ((of->file < 0 || strcmp(path, path_of(of))) && (status = open_file(of, path, at)))
        goto failed;
    of->size = size;
    of->modified = modified;
    of->gzipped = gzip_named(path);
    if (fstat(of->file, &now))
        status = unreadable(path, at);
    else
        status = check_unchanged(of, &now, at);
failed:
    if (status)
        close_file(of);
    return status;
}

int content_begin(content *of, uint64_t offset)
{
    of->window.size = 0;
    of->raw.size = of->raw_at = 0;
    of->offset = of->next = offset;
    int status = buffer_reserve(&of->window, WINDOW_LEAST);
    if (!status && of->gzipped)
        status = buffer_reserve(&of->raw, RAW_BYTES);
    if (!status && of->gzipped)
        status = gzip_start(&of->stream);
    return status;
}

static int read_all(const content *of, uint8_t *to, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t came = pread(of->file, to + *got, size - *got, (off_t)(of->next + *got));
        if (came > 0)
            *got += (size_t)came;
        else if (came == 0)
            break;
        else if (errno != EINTR)
            return *got ? RF_OK : unreadable(path_of(of), of->next);
    }
    return RF_OK;
}

/* size bytes of the file, or fewer: when an error comes after some bytes, the next call meets it again. RF_END: the file
   ends. */
static int read_file(content *of, uint8_t *to, size_t size, size_t *got)
{
    struct stat now;
    *got = 0;
    if (of->size) {
        if (of->next >= of->size)
            return RF_END;
        if (size > of->size - of->next)
            size = (size_t)(of->size - of->next);
    }
    int status = read_all(of, to, size, got);
    if (status)
        return status;
    if (fstat(of->file, &now))
        return unreadable(path_of(of), of->next);
    status = check_unchanged(of, &now, of->next);
    if (status)
        return status;
    if (!*got && of->size)
        return error_set(RF_EINPUT, "input", "%s: ends at offset %" PRIu64 ", its size is said to be %" PRIu64,
                         path_of(of), of->next, of->size);
    of->next += *got;
    return *got ? RF_OK : RF_END;
}

static int read_raw(content *of)
{
    size_t got = 0;
    of->raw.size = of->raw_at = 0;
    int status = read_file(of, of->raw.data, RAW_BYTES, &got);
    if (status == RF_OK)
        of->raw.size = got;
    if (status == RF_END && of->stream.inside)
        return error_set(RF_EINPUT, "input", "%s: truncated: the file ends at offset %" PRIu64 " inside a gzip member",
                         path_of(of), of->next);
    return status;
}

static int inflate_file(content *of, uint8_t *to, size_t size, size_t *got)
{
    for (*got = 0; !*got;) {
        const uint8_t *from = of->raw.data + of->raw_at;
        size_t taken;
        int status = gzip_inflate(&of->stream, from, of->raw.size - of->raw_at, &taken, to, size, got);
        of->raw_at += taken;
        if (*got)
            break;
        if (status == RF_EINPUT)
            return error_set(RF_EINPUT, "input",
                             "%s: corrupt at offset %" PRIu64 " of the file, %" PRIu64 " of its content: %s", path_of(of),
                             of->stream.used, content_end(of), of->stream.why);
        if (!status && !taken && of->raw_at == of->raw.size)
            status = read_raw(of);
        if (status)
            return status;
    }
    return RF_OK;
}

int content_fill(content *of, size_t more)
{
    size_t got = 0;
    int status = buffer_reserve(&of->window, more + 1);
    if (status)
        return status;
    uint8_t *to = of->window.data + of->window.size;
    if (of->gzipped)
        status = inflate_file(of, to, more, &got);
    else
        status = read_file(of, to, more, &got);
    if (!status)
        of->window.size += got;
    return status;
}

void content_drop(content *of, size_t size)
{
    if (!size)
        return;
    of->window.size -= size;
    of->offset += size;
    memmove(of->window.data, of->window.data + size, of->window.size);
}
