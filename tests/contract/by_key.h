/* What the tests by key share: a folder of their own, files read whole, and functions that write pairs down so that their order can be told.
   Only rank 0, which runs the cases, calls what has to do with files. */
#ifndef RANKFOLD_TESTS_CONTRACT_BY_KEY_H
#define RANKFOLD_TESTS_CONTRACT_BY_KEY_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>

#include "../verify.h"

#define AT_ONCE {.attempts = 4, .backoff = RF_NONE}
#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- files ------------------------------------------------------------------------------------------------------- */

static char places_folder[200];
static pid_t places_owner;

static inline int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void remove_places(void)
{
    if (getpid() == places_owner)
        remove_tree(places_folder);
}

/* A path in a folder that goes when the program ends. Valid until the sixteenth call after this. */
static inline const char *place(const char *name)
{
    static char paths[16][320];
    static unsigned next;
    if (!places_owner) {
        const char *folder = getenv("TMPDIR");
        snprintf(places_folder, sizeof places_folder, "%.150s/rankfold-by-key-XXXXXX", folder && *folder ? folder : P_tmpdir);
        places_owner = mkdtemp(places_folder) ? getpid() : 0;
        atexit(remove_places);
    }
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%.100s", places_folder, name);
    return path;
}

/* What lies below a folder, by its printed name. Valid as long. */
__attribute__((format(printf, 2, 3))) static inline const char *below(const char *folder, const char *format, ...)
{
    static char paths[16][700];
    static unsigned next;
    char *path = paths[next++ % 16];
    int size = snprintf(path, sizeof paths[0], "%.500s/", folder);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + size, sizeof paths[0] - (size_t)size, format, arguments);
    va_end(arguments);
    return path;
}

/* The same, with nothing there yet. */
static inline const char *new_place(const char *name)
{
    const char *path = place(name);
    remove_tree(path);
    return path;
}

static inline const char *write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *to = fopen(path, "w");
    bool written = to && fwrite(bytes, 1, size, to) == size;
    if (to)
        written &= fclose(to) == 0;
    return written ? path : "a file that could not be written";
}

static inline const char *write_text(const char *path, const char *text)
{
    return write_bytes(path, text, strlen(text));
}

/* The whole file with a NUL behind it, or NULL. Valid until the eighth call after this. */
static inline char *read_sized(const char *path, size_t *size)
{
    static char *kept[8];
    static unsigned next;
    struct stat about;
    FILE *from = fopen(path, "r");
    char **to = &kept[next++ % 8];
    free(*to);
    *to = NULL;
    *size = 0;
    if (!from)
        return NULL;
    if (fstat(fileno(from), &about) == 0 && S_ISREG(about.st_mode) && (*to = malloc((size_t)about.st_size + 1))) {
        *size = fread(*to, 1, (size_t)about.st_size, from);
        (*to)[*size] = '\0';
    }
    fclose(from);
    return *to;
}

static inline char *read_text(const char *path)
{
    size_t size;
    return read_sized(path, &size);
}

static inline int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What a folder holds, in order, with spaces between. */
static inline const char *names_in(const char *folder)
{
    static char text[8192];
    char *names[512];
    size_t count = 0, used = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry; open && count < LENGTH(names) && (entry = readdir(open));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[count++] = strdup(entry->d_name);
    if (open)
        closedir(open);
    qsort(names, count, sizeof *names, by_text);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", names[i]);
        used = used < sizeof text ? used : sizeof text - 1;
        free(names[i]);
    }
    return text;
}

/* An output that nobody but the case has written to: a folder, and in it "out". Valid until the fourth call after this. */
static inline const char *new_output(const char *folder)
{
    static char paths[4][400];
    static unsigned next;
    char *path = paths[next++ % 4];
    mkdir(new_place(folder), 0777);
    snprintf(path, sizeof paths[0], "%s/out", place(folder));
    return path;
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

/* A text's lines in byte order, in place. */
static inline char *sort_lines(char *text)
{
    size_t size = strlen(text), count = 0;
    char *copy = strdup(text), **lines = malloc((size + 1) * sizeof *lines), *at = text;
    for (char *rest = copy, *line; (line = strsep(&rest, "\n")) && rest;)
        lines[count++] = line;
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(lines[i]);
        memcpy(at, lines[i], length);
        at[length] = '\n';
        at += length + 1;
    }
    free(lines);
    free(copy);
    return text;
}

/* Results, a line each, as rf_print has them. Valid until the fourth call after this. */
static inline char *results_text(const rf_results *results)
{
    static char *kept[4];
    static unsigned next;
    size_t size;
    char **to = &kept[next++ % 4];
    free(*to);
    FILE *into = open_memstream(to, &size);
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        rf_print(into, rf_results_value(results, i));
        fputc('\n', into);
    }
    fclose(into);
    return *to;
}

/* A dataset's pairs likewise: ["a", 1] a line. */
static inline char *pairs_text(rf_dataset *of)
{
    RF_AUTO(rf_results, pairs);
    return rf_dataset_collect(of, &pairs) ? (char *)"not collected\n" : results_text(pairs);
}

/* ---- functions ----------------------------------------------------------------------------------------------------- */

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b + UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* All values of a key, each with the number of its input: "0:1 1:2 ". It tells their order. */
static int listed(rf_call *call, rf_value key, rf_group *values)
{
    char *text = NULL;
    size_t size = 0;
    rf_value value;
    int status;
    FILE *to = open_memstream(&text, &size);
    while ((status = rf_group_next(values, &value)) == RF_OK) {
        fprintf(to, "%u:", rf_group_input(values));
        rf_print(to, value);
        fputc(' ', to);
    }
    fclose(to);
    status = status == RF_END ? rf_emit_pair(call, key, rf_text(text, size)) : status;
    free(text);
    return status;
}
RF_REGISTER(listed);

/* Letters make words; each counts one. */
static int words(rf_call *call, rf_value text)
{
    const char *p = text.data, *end = p + rf_size(text);
    while (p < end) {
        while (p < end && *p <= ' ')
            p++;
        const char *word = p;
        while (p < end && *p > ' ')
            p++;
        if (p > word && RF_EMIT(call, rf_text(word, (size_t)(p - word)), 1))
            return RF_EFUNCTION;
    }
    return RF_OK;
}
RF_REGISTER(words);

/* (n % modulus, n), where the state is the modulus. */
static int by_rest(rf_call *call, rf_value item)
{
    const int64_t *modulus = RF_CALL_STATE(call, int64_t);
    int64_t n;
    if (!modulus || RF_ARGS(call, item, n))
        return RF_EARGS;
    return RF_EMIT(call, n % *modulus, n);
}
RF_REGISTER(by_rest);

#endif
