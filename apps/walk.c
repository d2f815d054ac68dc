/* walk DIR...: the files of directory trees with their sizes, sorted: what find DIR... -printf '%s %p\n' prints, sorted. It teaches jobs
   that grow: an item is a directory, whose function gives the entries it finds and adds the directories among them to the job, so that the
   workers share a tree whose size nobody knows. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <rankfold.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "command_line.h"

enum { ALL_SEEN, TROUBLE };             /* the exit status, as of find */

static operands given;                  /* DIR... */

/* ---- on the workers ------------------------------------------------------------------------------------------------ */

static char *join(rf_call *call, const char *folder, const char *name)
{
    size_t size = strlen(folder);
    char *path = rf_call_alloc(call, size + strlen(name) + 2);
    if (path)
        sprintf(path, "%s%s%s", folder, size && folder[size - 1] == '/' ? "" : "/", name);
    return path;
}

/* Emits (size, path), or (nil, what is wrong with one entry). */
static int look_at(rf_call *call, int directory, const char *folder, const char *name)
{
    struct stat its;
    char *path = join(call, folder, name);
    if (!path)
        return RF_ENOMEM;
    if (fstatat(directory, name, &its, AT_SYMLINK_NOFOLLOW)) {
        char why[512];
        snprintf(why, sizeof why, "%s: %s", path, strerror(errno));
        return RF_EMIT(call, rf_nil(), why);
    }
    int status = S_ISDIR(its.st_mode) ? rf_call_add(call, rf_of_string(path)) : RF_OK;
    return status ? status : RF_EMIT(call, (int64_t)its.st_size, path);
}

static bool is_itself_or_above(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int list(rf_call *call, rf_value item)
{
    const char *folder;
    if (RF_ARGS(call, item, folder))
        return RF_EARGS;
    DIR *directory = opendir(folder);
    if (!directory)
        return rf_fail(call, "directory", "%s: %s", folder, strerror(errno));
    int status = RF_OK;
    struct dirent *entry;
    errno = 0;
    while (status == RF_OK && (entry = readdir(directory))) {
        if (!is_itself_or_above(entry->d_name))
            status = look_at(call, dirfd(directory), folder, entry->d_name);
        errno = 0;
    }
    if (status == RF_OK && errno)
        status = rf_fail(call, "directory", "%s: %s", folder, strerror(errno));
    closedir(directory);
    return status;
}
RF_REGISTER(list);

/* ---- on rank 0 ----------------------------------------------------------------------------------------------------- */

struct lines { char **at; size_t count, most; };

static int add_line(struct lines *to, int64_t size, const char *path)
{
    if (to->count == to->most) {
        to->most = to->most ? 2 * to->most : 1024;
        char **larger = realloc(to->at, to->most * sizeof *larger);
        if (!larger)
            return RF_ENOMEM;
        to->at = larger;
    }
    if (asprintf(&to->at[to->count], "%" PRId64 " %s", size, path) < 0)
        return RF_ENOMEM;
    to->count++;
    return RF_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_lines(struct lines *all)
{
    if (all->count)
        qsort(all->at, all->count, sizeof *all->at, by_bytes);
    for (size_t i = 0; i < all->count; i++) {
        puts(all->at[i]);
        free(all->at[i]);
    }
    free(all->at);
}

static void tell(const char *what, int *outcome)
{
    fprintf(stderr, "walk: %s\n", what);
    *outcome = TROUBLE;
}

/* Those that are directories into directories, which has room for all; returns how many. */
static size_t look_at_given(struct lines *all, rf_value *directories, int *outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < given.count; i++) {
        struct stat its;
        if (lstat(given.at[i], &its) == 0 && add_line(all, (int64_t)its.st_size, given.at[i]) == RF_OK) {
            if (S_ISDIR(its.st_mode))
                directories[count++] = rf_of_string(given.at[i]);
            continue;
        }
        fprintf(stderr, "walk: %s: %s\n", given.at[i], strerror(errno));
        *outcome = TROUBLE;
    }
    return count;
}

static int take_entries(struct lines *all, rf_value entries, int *outcome)
{
    rf_value entry, size, path;
    int status = RF_OK;
    while (status == RF_OK && rf_take(&entries, &entry) == RF_OK) {
        rf_take(&entry, &size);
        rf_take(&entry, &path);
        char *text = strndup(path.data, rf_size(path));     /* part of a tuple: no NUL follows */
        if (!text)
            return RF_ENOMEM;
        if (rf_type_of(size) == RF_NIL)
            tell(text, outcome);
        else
            status = add_line(all, rf_i64(size), text);
        free(text);
    }
    return status;
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct lines all = {0};
    int outcome = ALL_SEEN;
    rf_value *directories = malloc(given.count * sizeof *directories);
    if (!directories)
        return RF_ENOMEM;
    size_t count = look_at_given(&all, directories, &outcome);
    RF_AUTO(rf_iterator, listings);
    int status = rf_imap_unordered(pool, list, rf_values(directories, count), NULL, &listings);
    free(directories);
    const rf_result *listing;
    while (status == RF_OK && (status = rf_next(listings, &listing)) == RF_OK) {
        if (listing->ok)
            status = take_entries(&all, listing->value, &outcome);
        else
            tell(listing->error->message, &outcome);
    }
    print_lines(&all);
    return status == RF_END ? outcome : status;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    (void)value;
    switch (key) {
    case ARGP_KEY_END:
        if (given.count)
            return 0;
        fprintf(stderr, "walk: at least one directory is needed (try --help)\n");
        return EINVAL;
    default:
        return command_line_key(key, state, &given);
    }
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {COMMAND_LINE_HELP, {0}};
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "DIR...",
        .doc = "Prints the size and the path of each DIR and of everything below it, sorted by bytes.\vSymbolic links are not followed. "
               "The status is 0 when all was seen, 1 when something could not be read, which is told on standard error.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
