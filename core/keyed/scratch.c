#define _GNU_SOURCE
#include "keyed/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define NAME "rankfold-scratch."
#define EMPTY_SECONDS 3600

struct scratch {
    char *place, *folder;           /* folder NULL: not made yet */
    int lock;
    uint64_t files;
};

static const char *default_place(void)
{
    static const char *const names[] = {"RANKFOLD_SCRATCH", "TMPDIR"};
    for (int i = 0; i < 2; i++) {
        const char *said = getenv(names[i]);
        if (said && *said)
            return said;
    }
    return "/tmp";
}

scratch *scratch_new(const char *place)
{
    scratch *made = calloc(1, sizeof *made);
    char *copy = strdup(place ? place : default_place());
    if (!made || !copy) {
        error_no_memory(sizeof *made);
        free(made);
        free(copy);
        return NULL;
    }
    made->place = copy;
    made->lock = -1;
    return made;
}

/* What is in a folder of ours is a file, or the folder of a child. at: the folder's descriptor, closed here. */
static void empty_folder(int at)
{
    DIR *folder = fdopendir(at);
    if (!folder) {
        close(at);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        bool is_child = strncmp(entry->d_name, NAME, sizeof NAME - 1) == 0;
        int child = is_child ? openat(at, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (child >= 0)
            empty_folder(child);
        unlinkat(at, entry->d_name, child >= 0 ? AT_REMOVEDIR : 0);
    }
    closedir(folder);
}

static void remove_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0)
        empty_folder(folder);
    rmdir(path);
}

/* Whether the folder is of no living process. *lock: held then, or -1 where there is none. */
static bool is_abandoned(int folder, int *lock)
{
    struct stat about;
    *lock = openat(folder, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*lock >= 0)
        return flock(*lock, LOCK_EX | LOCK_NB) == 0;
    return errno == ENOENT && fstat(folder, &about) == 0 && time(NULL) - about.st_mtime > EMPTY_SECONDS;
}

static void remove_abandoned(int place, const char *name)
{
    struct stat about;
    int lock = -1, folder = openat(place, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0)
        return;
    if (fstat(folder, &about) == 0 && about.st_uid == geteuid() && is_abandoned(folder, &lock)) {
        empty_folder(folder);
        unlinkat(place, name, AT_REMOVEDIR);
    } else {
        close(folder);
    }
    if (lock >= 0)
        close(lock);
}

static void remove_all_abandoned(const char *path)
{
    DIR *place = opendir(path);
    if (!place)
        return;
    for (struct dirent *entry; (entry = readdir(place));) {
        if (strncmp(entry->d_name, NAME, sizeof NAME - 1) == 0)
            remove_abandoned(dirfd(place), entry->d_name);
    }
    closedir(place);
}

static int cannot(const scratch *in, int error)
{
    return error_set(RF_EOUTPUT, "output", "no scratch folder can be made in %s: %s; name another one in RANKFOLD_SCRATCH", in->place,
                     strerror(error));
}

/* The lock is held before it has its name: nobody sees a living folder without. */
static int make_folder(scratch *in)
{
    char *path;
    remove_all_abandoned(in->place);
    if (asprintf(&path, "%s/" NAME "%ld.XXXXXX", in->place, (long)getpid()) < 0)
        return error_no_memory(strlen(in->place));
    if (!mkdtemp(path)) {
        int error = errno;
        free(path);
        return cannot(in, error);
    }
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int file = folder < 0 ? -1 : openat(folder, "lock.new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = file < 0 || flock(file, LOCK_EX | LOCK_NB) || renameat(folder, "lock.new", folder, "lock") ? errno : 0;
    if (folder >= 0)
        close(folder);
    if (error) {
        if (file >= 0)
            close(file);
        remove_folder(path);
        free(path);
        return cannot(in, error);
    }
    in->folder = path;
    in->lock = file;
    return RF_OK;
}

int scratch_folder(scratch *in, const char **path)
{
    int status = in->folder ? RF_OK : make_folder(in);
    *path = in->folder;
    return status;
}

void scratch_sweep(const scratch *in)
{
    if (in->folder)
        remove_all_abandoned(in->folder);
}

int scratch_path(scratch *in, char **path)
{
    *path = NULL;
    int status = in->folder ? RF_OK : make_folder(in);
    if (status)
        return status;
    if (asprintf(path, "%s/run-%" PRIu64, in->folder, in->files) < 0) {
        *path = NULL;
        return error_no_memory(strlen(in->folder));
    }
    in->files++;
    return RF_OK;
}

void scratch_clear(scratch *of)
{
    if (of->folder)
        remove_folder(of->folder);
    if (of->lock >= 0)
        close(of->lock);
    free(of->folder);
    of->folder = NULL;
    of->lock = -1;
}

void scratch_free(scratch *old)
{
    if (!old)
        return;
    scratch_clear(old);
    free(old->place);
    free(old);
}
