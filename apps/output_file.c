#define _GNU_SOURCE
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
    char target[PATH_MAX], folder[PATH_MAX];
    bool exists;
    struct stat there;                  /* what exists */
} place;

static void find(const char *path, place *found)
{
    if (!realpath(path, found->target))
        snprintf(found->target, PATH_MAX, "%s", path);
    snprintf(found->folder, PATH_MAX, "%s", found->target);
    char *slash = strrchr(found->folder, '/');
    if (slash)
        slash[slash == found->folder] = '\0';
    else
        strcpy(found->folder, ".");
    found->exists = stat(found->target, &found->there) == 0;
}

static bool is_special(const place *at)
{
    return at->exists && !S_ISREG(at->there.st_mode);
}

bool output_possible(const char *path)
{
    place at;
    if (!*path || strlen(path) >= PATH_MAX) {
        errno = *path ? ENAMETOOLONG : ENOENT;
        return false;
    }
    find(path, &at);
    if (at.exists && S_ISDIR(at.there.st_mode)) {
        errno = EISDIR;
        return false;
    }
    return access(is_special(&at) ? at.target : at.folder, W_OK) == 0;
}

static bool write_and_close(int file, bool sync, void (*write)(const void *what, FILE *to), const void *what)
{
    FILE *to = fdopen(file, "w");
    if (!to) {
        close(file);
        return false;
    }
    write(what, to);
    bool good = fflush(to) == 0 && !ferror(to) && (!sync || fsync(file) == 0);
    int why = errno;
    if (fclose(to) && good)
        return false;
    errno = why;
    return good;
}

static mode_t rights(const place *at)
{
    if (at->exists)
        return at->there.st_mode & 07777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

bool output_write(const char *path, void (*write)(const void *what, FILE *to), const void *what)
{
    place at;
    char fresh[PATH_MAX + 20];
    find(path, &at);
    if (is_special(&at)) {
        int file = open(at.target, O_WRONLY | O_CLOEXEC);
        return file >= 0 && write_and_close(file, false, write, what);
    }
    snprintf(fresh, sizeof fresh, "%s/.output-XXXXXX", at.folder);
    int file = mkostemp(fresh, O_CLOEXEC);
    if (file < 0)
        return false;
    bool may = fchmod(file, rights(&at)) == 0;
    if (write_and_close(file, true, write, what) && may && rename(fresh, at.target) == 0)
        return true;
    int why = errno;
    unlink(fresh);
    errno = why;
    return false;
}
