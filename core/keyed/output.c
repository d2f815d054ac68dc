#define _GNU_SOURCE
#include "keyed/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "keyed/disk.h"
#include "keyed/output_name.h"

#define MANIFEST "MANIFEST"
#define JOINED "joined"
#define TRIES_MOST 100                  /* to remove a folder in which others may still begin a file each */

struct output {
    char *path, *folder;
    uint32_t partitions;
    bool directory, force;
    output_format format;
    output_part *parts;
    bool *committed;
};

static __attribute__((format(printf, 2, 3))) int name(char **path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(path, format, arguments);
    va_end(arguments);
    if (size >= 0)
        return RF_OK;
    *path = NULL;
    return error_no_memory(4096);
}

int output_attempt_name(const char *folder, uint32_t partition, unsigned attempt, char **path)
{
    return name(path, "%s/part-%05" PRIu32 ".%u", folder, partition, attempt);
}

static int part_name(const output *of, const char *folder, uint32_t partition, char **path)
{
    return name(path, "%s/part-%05" PRIu32 "%s", folder, partition, of->format.gzip ? ".gz" : "");
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

static int check_place(const output *of)
{
    struct stat about;
    if (lstat(of->path, &about))
        return errno == ENOENT ? RF_OK : disk_fail(of->path, "looked at", 0, errno);
    if (!of->directory && S_ISDIR(about.st_mode))
        return error_set(RF_EEXISTS, "output", "%s: is a directory; name a file, or ask for partitions", of->path);
    if (!of->directory && !S_ISREG(about.st_mode) && !S_ISLNK(about.st_mode))
        return error_set(RF_EOUTPUT, "output", "%s: is a device or a pipe, which a file would replace; name a file", of->path);
    if (of->directory && !of->force)
        return error_set(RF_EEXISTS, "output", "%s: exists already; remove it, name another, or force it", of->path);
    return RF_OK;
}

/* A link stays, and what it leads to is replaced. One that leads nowhere is replaced itself. */
static void follow_links(output *of)
{
    struct stat about;
    char *target = lstat(of->path, &about) == 0 && S_ISLNK(about.st_mode) ? realpath(of->path, NULL) : NULL;
    if (target && stat(target, &about) == 0) {
        free(of->path);
        of->path = target;
    } else {
        free(target);
    }
}

static int make_folder(output *of)
{
    size_t size = strlen(of->path);
    while (size > 1 && of->path[size - 1] == '/')
        of->path[--size] = '\0';
    int status = name(&of->folder, "%s.XXXXXX", of->path);
    if (!status && !mkdtemp(of->folder)) {
        status = disk_fail(of->path, "begun beside it", 0, errno);
        free(of->folder);
        of->folder = NULL;
    }
    return status;
}

int output_new(const char *path, uint32_t partitions, bool directory, bool force, output_format format, output **made)
{
    *made = NULL;
    output *new = calloc(1, sizeof *new);
    if (!new)
        return error_no_memory(sizeof *new);
    *new = (output){strdup(path), NULL, partitions, directory, force, format, calloc(partitions, sizeof *new->parts),
                    calloc(partitions, sizeof *new->committed)};
    int status = new->path && new->parts && new->committed ? RF_OK : error_no_memory(partitions * sizeof *new->parts);
    if (!status && !directory)
        follow_links(new);
    status = status ? status : check_place(new);
    status = status ? status : make_folder(new);
    if (status)
        output_free(new);
    else
        *made = new;
    return status;
}

const char *output_folder(const output *of)
{
    return of->folder;
}

/* Folders of ours, and what was an output, hold files alone; a folder that does not is left with what is in it. */
static void remove_folder(const char *path)
{
    if (unlink(path) == 0)          /* after an exchange it can be a file */
        return;
    for (int tries = 0; tries < TRIES_MOST; tries++) {      /* an attempt that nobody wants any more may begin its file just now */
        DIR *folder = opendir(path);
        for (struct dirent *entry; folder && (entry = readdir(folder));)
            unlinkat(dirfd(folder), entry->d_name, 0);
        if (folder)
            closedir(folder);
        if (rmdir(path) == 0 || (errno != ENOTEMPTY && errno != EEXIST))
            return;
    }
}

void output_free(output *old)
{
    if (!old)
        return;
    if (old->folder)
        remove_folder(old->folder);
    free(old->path);
    free(old->folder);
    free(old->parts);
    free(old->committed);
    free(old);
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

int output_commit(output *to, uint32_t partition, unsigned attempt, const output_part *part)
{
    char *from = NULL, *path = NULL;
    if (partition >= to->partitions || to->committed[partition])
        return error_set(RF_EUSAGE, "usage", "partition %" PRIu32 " was committed already, or is none of %" PRIu32, partition,
                         to->partitions);
    int status = output_attempt_name(to->folder, partition, attempt, &from);
    status = status ? status : part_name(to, to->folder, partition, &path);
    if (!status && rename(from, path))
        status = disk_fail(path, "made of what the attempt wrote", 0, errno);
    if (!status) {
        to->committed[partition] = true;
        to->parts[partition] = *part;
    }
    free(from);
    free(path);
    return status;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static int sync_path(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int failed = file < 0 || fsync(file) ? errno : 0;
    if (file >= 0)
        close(file);
    return failed && failed != EINVAL ? disk_fail(path, "synced", 0, failed) : RF_OK;
}

static int sync_parent(const output *of)
{
    const char *slash = strrchr(of->path, '/');
    char *parent;
    int status = slash ? name(&parent, "%.*s", (int)(slash - of->path) + (slash == of->path), of->path) : name(&parent, ".");
    status = status ? status : sync_path(parent);
    free(parent);
    return status;
}

static int write_manifest(const output *of)
{
    char *path, *text = NULL;
    size_t size = 0;
    output_part total = {0};
    int file = -1, status = name(&path, "%s/" MANIFEST, of->folder);
    FILE *to = status ? NULL : open_memstream(&text, &size);
    if (!status && !to)
        status = error_no_memory(BUFSIZ);
    if (to) {
        fprintf(to, "rankfold-manifest 1\n");
        for (uint32_t p = 0; p < of->partitions; p++) {
            const output_part *part = &of->parts[p];
            fprintf(to, "part-%05" PRIu32 "%s\t%" PRIu64 "\t%" PRIu64 "\t%016" PRIx64 "\n", p, of->format.gzip ? ".gz" : "",
                    part->records, part->bytes, part->checksum);
            total.records += part->records;
            total.bytes += part->bytes;
        }
        fprintf(to, "total\t%" PRIu64 "\t%" PRIu64 "\n", total.records, total.bytes);
        if (fclose(to))
            status = error_no_memory(size);
    }
    status = status ? status : disk_create(path, &file);
    status = status ? status : disk_write(file, text, size, path);
    if (!status && fsync(file))
        status = disk_fail(path, "synced", 0, errno);
    if (file >= 0)
        close(file);
    free(path);
    free(text);
    return status;
}

/* Attempts that were not committed are no part of the output. */
static void remove_attempts(const output *of)
{
    DIR *folder = opendir(of->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        unsigned partition, attempt;
        int end = 0;
        if (sscanf(entry->d_name, "part-%u.%u%n", &partition, &attempt, &end) == 2 && !entry->d_name[end])
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
}

static int finish_directory(output *of)
{
    remove_attempts(of);
    int status = write_manifest(of);
    status = status ? status : sync_path(of->folder);
    if (status)
        return status;
    mode_t mask = umask(0);
    umask(mask);
    return chmod(of->folder, 0777 & ~mask) ? disk_fail(of->folder, "opened to others", 0, errno) : RF_OK;
}

/* Without an exchange in one step (some network file systems) there is a moment without an output. */
static int exchange(output *of)
{
    char *aside;
    if (renameat2(AT_FDCWD, of->folder, AT_FDCWD, of->path, RENAME_EXCHANGE) == 0)
        return RF_OK;
    if (errno != EINVAL && errno != ENOSYS)
        return disk_fail(of->path, "put in place", 0, errno);
    int status = name(&aside, "%s.old", of->folder);
    if (!status && (rename(of->path, aside) || rename(of->folder, of->path) || rename(aside, of->folder)))
        status = disk_fail(of->path, "put in place", 0, errno);
    free(aside);
    return status;
}

/* After an exchange the old output is at the folder's place, and is removed with it. */
static int take_place(output *of)
{
    struct stat about;
    bool exists = lstat(of->path, &about) == 0;
    if (exists && of->force)
        return exchange(of);
    if (!exists && rename(of->folder, of->path) == 0) {     /* replaces nothing but an empty directory */
        free(of->folder);
        of->folder = NULL;
        return RF_OK;
    }
    if (exists || errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
        return error_set(RF_EEXISTS, "output", "%s: appeared while the job ran; the job's own output is dropped", of->path);
    return disk_fail(of->path, "put in place", 0, errno);
}

static int append_file(int to, const char *to_path, const char *from_path)
{
    static const size_t piece = (size_t)1 << 20;
    int from, status = disk_open(from_path, &from);
    buffer bytes = {0};
    void *space = status ? NULL : buffer_add(&bytes, piece);
    status = status || space ? status : RF_ENOMEM;
    for (ssize_t got = 1; !status && got;) {
        got = read(from, space, piece);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            status = error_set(RF_EINPUT, "input", "%s: %s", from_path, strerror(errno));
        else if (got)
            status = disk_write(to, space, (size_t)got, to_path);
    }
    if (from >= 0)
        close(from);
    buffer_free(&bytes);
    return status;
}

/* All parts behind each other; each is removed when it has been taken, so that the disk holds little more than one copy. */
static int join(const output *of, char *path)
{
    int file, status = disk_create(path, &file);
    for (uint32_t p = 0; p < of->partitions && !status; p++) {
        char *part;
        status = part_name(of, of->folder, p, &part);
        status = status ? status : append_file(file, path, part);
        if (!status)
            unlink(part);
        free(part);
    }
    if (!status && fsync(file))
        status = disk_fail(path, "synced", 0, errno);
    if (file >= 0)
        close(file);
    return status;
}

static int finish_file(output *of)
{
    char *path;
    int status = of->partitions == 1 ? part_name(of, of->folder, 0, &path) : name(&path, "%s/" JOINED, of->folder);
    if (!status && of->partitions != 1)
        status = join(of, path);
    struct stat before;
    if (!status && stat(of->path, &before) == 0 && chmod(path, before.st_mode & 07777))
        status = disk_fail(path, "given the rights of the file that it replaces", 0, errno);
    if (!status && rename(path, of->path))
        status = disk_fail(of->path, "put in place", 0, errno);
    free(path);
    return status;
}

int output_finish(output *to)
{
    for (uint32_t p = 0; p < to->partitions; p++) {
        if (!to->committed[p])
            return error_set(RF_EUSAGE, "usage", "partition %" PRIu32 " of the output was not committed", p);
    }
    int status = to->directory ? finish_directory(to) : finish_file(to);
    if (!status && to->directory)
        status = take_place(to);
    return status ? status : sync_parent(to);
}
