#include "input/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "input/gzip.h"
#include "input/manifest.h"

struct walked { char *path; uint64_t size; int64_t modified; };

/* One directory that was given, on its way into paths. */
struct walk {
    buffer files;                   /* struct walked */
    buffer pending;                 /* char *: directories to read */
};

static int64_t modified_at(const struct stat *of)
{
    return of->st_mtim.tv_sec * (int64_t)1000000000 + of->st_mtim.tv_nsec;
}

static int cannot(const char *what, const char *path)
{
    return error_set(RF_EINPUT, "input", "%s: %s: %s", path, what, strerror(errno));
}

static int add_file(paths *found, const char *path, uint64_t size, int64_t modified)
{
    input_file *file = buffer_add(&found->files, sizeof *file);
    if (!file)
        return RF_ENOMEM;
    *file = (input_file){.size = size, .modified = modified};
    int status = strings_add(found->names, path);
    if (status)
        found->files.size -= sizeof *file;
    return status;
}

/* ---- directories ------------------------------------------------------------------------------------------------ */

static char *join(const char *directory, const char *name)
{
    size_t front = strlen(directory), back = strlen(name);
    bool slash = front && directory[front - 1] != '/';
    char *path = malloc(front + slash + back + 1);
    if (!path) {
        error_no_memory(front + slash + back + 1);
        return NULL;
    }
    memcpy(path, directory, front);
    if (slash)
        path[front] = '/';
    memcpy(path + front + slash, name, back + 1);
    return path;
}

/* What an entry is: a file (also through a link), a directory (not through a link), or nothing to us. What has gone
   since the directory was read is nothing. */
static int look_at_entry(const char *path, struct stat *seen, bool *file, bool *directory)
{
    *file = *directory = false;
    int failed = lstat(path, seen);
    bool link = !failed && S_ISLNK(seen->st_mode);
    if (link)
        failed = stat(path, seen);
    if (failed && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return RF_OK;
    if (failed)
        return cannot("cannot be looked at", path);
    *file = S_ISREG(seen->st_mode);
    *directory = S_ISDIR(seen->st_mode) && !link;
    return RF_OK;
}

/* Takes path. */
static int walk_entry(struct walk *walk, char *path)
{
    struct stat seen;
    bool file, directory;
    int status = look_at_entry(path, &seen, &file, &directory);
    if (status == RF_OK && file) {
        struct walked one = {path, (uint64_t)seen.st_size, modified_at(&seen)};
        status = buffer_put(&walk->files, &one, sizeof one);
    } else if (status == RF_OK && directory) {
        status = buffer_put(&walk->pending, &path, sizeof path);
    }
    if (status || (!file && !directory))
        free(path);
    return status;
}

static const char *name_of(const struct walked *file)
{
    return strrchr(file->path, '/') + 1;
}

/* Of the files from first on, which are those of one directory. */
static int leave_out_manifest(struct walk *walk, size_t first)
{
    struct walked *files = (struct walked *)(void *)walk->files.data;
    size_t count = walk->files.size / sizeof *files, at = first;
    while (at < count && strcmp(name_of(&files[at]), MANIFEST_NAME))
        at++;
    if (at == count)
        return RF_OK;
    bool ours;
    manifest its;
    int status = manifest_read(&its, files[at].path, &ours);
    for (size_t i = first; i < count && ours && !status; i++)
        status = i == at ? RF_OK : manifest_meet(&its, files[i].path, files[i].size);
    if (ours && !status)
        status = manifest_done(&its);
    manifest_free(&its);
    if (!ours || status)
        return status;
    free(files[at].path);
    files[at] = files[count - 1];
    walk->files.size -= sizeof *files;
    return RF_OK;
}

static int read_directory(struct walk *walk, const char *directory)
{
    size_t before = walk->files.size / sizeof(struct walked);
    DIR *open = opendir(directory);
    if (!open)
        return errno == ENOMEM ? error_no_memory(0) : cannot("directory cannot be read", directory);
    int status = RF_OK;
    while (status == RF_OK) {
        errno = 0;
        const struct dirent *entry = readdir(open);
        if (!entry) {
            status = errno ? cannot("directory cannot be read", directory) : RF_OK;
            break;
        }
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        char *path = join(directory, entry->d_name);
        status = path ? walk_entry(walk, path) : RF_ENOMEM;
    }
    closedir(open);
    return status ? status : leave_out_manifest(walk, before);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct walked *)a)->path, ((const struct walked *)b)->path);
}

static void walk_free(struct walk *walk)
{
    const struct walked *files = (const struct walked *)(void *)walk->files.data;
    for (size_t i = 0; i < walk->files.size / sizeof *files; i++)
        free(files[i].path);
    char *const *pending = (char *const *)(void *)walk->pending.data;
    for (size_t i = 0; i < walk->pending.size / sizeof *pending; i++)
        free(pending[i]);
    buffer_free(&walk->files);
    buffer_free(&walk->pending);
}

static int walk_all(struct walk *walk, const char *root)
{
    int status = read_directory(walk, root);
    while (status == RF_OK && walk->pending.size) {
        char *directory;
        walk->pending.size -= sizeof directory;
        memcpy(&directory, walk->pending.data + walk->pending.size, sizeof directory);
        status = read_directory(walk, directory);
        free(directory);
    }
    return status;
}

static int add_directory(paths *found, const char *root)
{
    struct walk walk = {0};
    int status = walk_all(&walk, root);
    struct walked *files = (struct walked *)(void *)walk.files.data;
    size_t count = walk.files.size / sizeof *files;
    if (count)
        qsort(files, count, sizeof *files, by_path);
    for (size_t i = 0; status == RF_OK && i < count; i++)
        status = add_file(found, files[i].path, files[i].size, files[i].modified);
    walk_free(&walk);
    return status;
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

static int add_path(paths *found, const char *path)
{
    struct stat seen;
    if (stat(path, &seen))
        return error_set(RF_EINPUT, "input", "%s: %s", *path ? path : "\"\" as a path", strerror(errno));
    if (S_ISDIR(seen.st_mode))
        return add_directory(found, path);
    if (S_ISREG(seen.st_mode))
        return add_file(found, path, (uint64_t)seen.st_size, modified_at(&seen));
    return error_set(RF_EINPUT, "input",
                     "%s: neither a file nor a directory; give it to rank 0 as standard input and say \"-\"", path);
}

int paths_find(paths *found, const strings *given)
{
    int status = RF_OK;
    *found = (paths){.names = strings_new(), .before_input = UINT64_MAX};
    if (!found->names)
        return RF_ENOMEM;
    for (uint64_t i = 0; status == RF_OK && i < strings_count(given); i++) {
        const char *path = strings_at(given, i);
        if (strcmp(path, "-"))
            status = add_path(found, path);
        else
            found->before_input = paths_count(found);
    }
    return status;
}

int paths_cut(paths *found, enum input_layout layout, uint64_t split_size)
{
    input_file *files = (input_file *)(void *)found->files.data;
    found->units = 0;
    for (uint64_t i = 0; i < paths_count(found); i++) {
        input_file *file = &files[i];
        bool gzipped = gzip_named(strings_at(found->names, i)), lines = layout == INPUT_LINES || layout == INPUT_SPLITS;
        bool parted = gzipped ? lines && file->size / 2 >= split_size : lines || layout == INPUT_RECORDS;
        file->whole = !file->size || !parted;
        file->blocks = file->whole ? 1 : (file->size - 1) / split_size + 1;
        file->first_unit = found->units;
        if (__builtin_add_overflow(found->units, file->blocks, &found->units))
            return error_set(RF_EOPTION, "usage",
                             "split_size %" PRIu64 " makes more blocks than can be counted; use a larger one", split_size);
    }
    return RF_OK;
}

uint64_t paths_count(const paths *found)
{
    return found->files.size / sizeof(input_file);
}

const input_file *paths_file(const paths *found, uint64_t i)
{
    return (const input_file *)(void *)found->files.data + i;
}

uint64_t paths_of_unit(const paths *found, uint64_t unit)
{
    uint64_t low = 0, high = paths_count(found);
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (paths_file(found, middle)->first_unit <= unit)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void paths_free(paths *found)
{
    strings_free(found->names);
    buffer_free(&found->files);
    *found = (paths){0};
}
