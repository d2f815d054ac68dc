#include "input/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define FIRST_LINE "rankfold-manifest 1\n"
#define READ_AT_ONCE ((size_t)64 << 10)

struct manifest_part {
    const char *name;
    uint64_t size;
    bool met;
};

static struct manifest_part *parts_of(const manifest *of)
{
    return (struct manifest_part *)(void *)of->parts.data;
}

static size_t part_count(const manifest *of)
{
    return of->parts.size / sizeof(struct manifest_part);
}

static int read_rest(manifest *of, FILE *from)
{
    size_t got = 1;
    while (got) {
        if (buffer_reserve(&of->text, READ_AT_ONCE + 1))
            return RF_ENOMEM;
        got = fread(of->text.data + of->text.size, 1, READ_AT_ONCE, from);
        of->text.size += got;
    }
    of->text.data[of->text.size] = '\0';
    if (ferror(from))
        return error_set(RF_EINPUT, "input", "%s: cannot be read: %s", of->path, strerror(errno));
    return RF_OK;
}

/* A line is: name, records, bytes, checksum; the last one: "total", records, bytes. RF_EINPUT, not told: it is neither. */
static int add_line(manifest *of, char *line, bool *total)
{
    struct manifest_part part = {.name = line};
    unsigned long long records, bytes;
    int end = 0;
    char *tab = strchr(line, '\t');
    if (!tab || tab == line || sscanf(tab, "\t%llu\t%llu%n", &records, &bytes, &end) != 2)
        return RF_EINPUT;
    *tab = '\0';
    part.size = bytes;
    *total = !strcmp(line, "total");
    if (tab[end] != (*total ? '\0' : '\t'))
        return RF_EINPUT;
    return *total ? RF_OK : buffer_put(&of->parts, &part, sizeof part);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct manifest_part *)a)->name, ((const struct manifest_part *)b)->name);
}

static int take_lines(manifest *of)
{
    bool total = false;
    char *line = (char *)of->text.data, *end = line + of->text.size;
    for (unsigned number = 2; line < end; number++) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        if (newline)
            *newline = '\0';
        int status = newline && !total ? add_line(of, line, &total) : RF_EINPUT;
        if (status == RF_EINPUT)
            return error_set(RF_EINPUT, "input", "%s: damaged at line %u; give the files beside it one by one to read them as they are",
                             of->path, number);
        if (status)
            return status;
        line = newline + 1;
    }
    if (!total)
        return error_set(RF_EINPUT, "input", "%s: truncated; give the files beside it one by one to read them as they are", of->path);
    if (of->parts.size)
        qsort(of->parts.data, part_count(of), sizeof(struct manifest_part), by_name);
    return RF_OK;
}

int manifest_read(manifest *of, const char *path, bool *ours)
{
    char first[sizeof FIRST_LINE];
    *of = (manifest){.path = path};
    *ours = false;
    FILE *from = fopen(path, "rbe");
    if (!from)
        return error_set(RF_EINPUT, "input", "%s: cannot be read: %s", path, strerror(errno));
    int status = RF_OK;
    if (fgets(first, sizeof first, from) && !strcmp(first, FIRST_LINE)) {
        *ours = true;
        status = read_rest(of, from);
        status = status ? status : take_lines(of);
    }
    fclose(from);
    return status;
}

int manifest_meet(manifest *of, const char *path, uint64_t size)
{
    const char *slash = strrchr(path, '/');
    const struct manifest_part wanted = {.name = slash ? slash + 1 : path};
    struct manifest_part *part = NULL;
    if (of->parts.size)
        part = bsearch(&wanted, parts_of(of), part_count(of), sizeof wanted, by_name);
    if (!part)
        return error_set(RF_EINPUT, "input", "%s: not in %s: the output was changed; take it away, or give the parts one by one", path,
                         of->path);
    part->met = true;
    if (part->size != size)
        return error_set(RF_EINPUT, "input",
                         "%s: has %" PRIu64 " bytes, but %" PRIu64 " in %s: the output was changed or damaged; make it again", path, size,
                         part->size, of->path);
    return RF_OK;
}

int manifest_done(const manifest *of)
{
    for (size_t i = 0; i < part_count(of); i++)
        if (!parts_of(of)[i].met)
            return error_set(RF_EINPUT, "input", "%s: %s is missing beside it: the output was changed; make it again", of->path,
                             parts_of(of)[i].name);
    return RF_OK;
}

void manifest_free(manifest *of)
{
    buffer_free(&of->text);
    buffer_free(&of->parts);
}
