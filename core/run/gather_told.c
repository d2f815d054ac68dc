/* What a task gathered, on its way from the rank to its child. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "run/gather_state.h"

/* struct told_all, kind and message of what went wrong with their NULs, and for each segment a struct told_segment; each of these with what
   follows it up to a multiple of 8. */
struct told_all { uint64_t count, bytes, exchanged; int64_t status; uint64_t kind_size, message_size; };
struct told_segment { uint64_t offset, bytes, at, input, path_size, here; };      /* and the path with its NUL; path_size 0: that of the one before.
                                                                       Or where they are here the bytes */

static int put_all(const gather *of, buffer *to)
{
    const rf_error *why = of->wrong ? failure_error(of->wrong) : NULL;
    struct told_all all = {.count = why ? 0 : of->count, .bytes = of->bytes, .exchanged = of->exchanged, .status = why ? why->status : RF_OK};
    all.kind_size = why ? strlen(why->kind) + 1 : 0;
    all.message_size = why ? strlen(why->message) + 1 : 0;
    int status = buffer_put(to, &all, sizeof all);
    if (why && !status)
        status = buffer_put(to, why->kind, all.kind_size);
    if (why && !status)
        status = buffer_put(to, why->message, all.message_size);
    return status ? status : buffer_align(to, 8);
}

/* As it lies in memory; NULL: in a file. */
static const uint8_t *bytes_of(const segment *of)
{
    if (of->run)
        return of->run->path ? NULL : of->run->memory.data + of->stretch.offset;
    return of->bytes;
}

static const char *path_of(const segment *of)
{
    return of->run ? of->run->path : of->path;
}

static int put_segment(const segment *of, const char *before, buffer *to)
{
    const uint8_t *bytes = bytes_of(of);
    const char *path = bytes ? NULL : path_of(of);
    bool same = before && path && !strcmp(path, before);
    struct told_segment told = {.offset = of->stretch.offset, .bytes = of->stretch.bytes, .at = of->run ? of->stretch.offset : of->at,
                                .input = of->input, .path_size = path && !same ? strlen(path) + 1 : 0, .here = bytes != NULL};
    int status = buffer_put(to, &told, sizeof told);
    if (!status && told.path_size)
        status = buffer_put(to, path, told.path_size);
    if (!status && bytes)
        status = buffer_put(to, bytes, told.bytes);
    return status ? status : buffer_align(to, 8);
}

int gather_tell(const gather *of, buffer *to)
{
    const char *before = NULL;
    int status = put_all(of, to);
    for (uint32_t i = 0; i < of->count && !status && !of->wrong; i++) {
        const segment *one = &of->segments[i];
        status = put_segment(one, before, to);
        before = bytes_of(one) || !path_of(one) ? before : path_of(one);
    }
    return status;
}

/* ---- the child ---- */

static int malformed(void)
{
    return error_set(RF_EUSAGE, "message", "what a reduce task is to read makes no sense");
}

/* A text with its NUL of size bytes off the front; NULL: there is none. */
static const char *take_text(const uint8_t **at, const uint8_t *end, uint64_t size)
{
    const char *text = (const char *)*at;
    if (!size || size > (uint64_t)(end - *at) || text[size - 1])
        return NULL;
    *at += size;
    return text;
}

static void skip_to_next(const uint8_t **at, const uint8_t *from)
{
    *at = from + (((size_t)(*at - from) + 7) & ~(size_t)7);
}

static int take_wrong(gather *to, const struct told_all *all, const uint8_t *at, const uint8_t *end)
{
    const char *kind = take_text(&at, end, all->kind_size), *text = take_text(&at, end, all->message_size);
    if (!kind || !text)
        return malformed();
    to->wrong = failure_new(&(rf_error){.status = (int)all->status, .kind = kind, .message = text, .rank = -1});
    return to->wrong ? RF_OK : RF_ENOMEM;
}

static int take_segments(gather *to, uint64_t count, const uint8_t *from, const uint8_t *at, const uint8_t *end)
{
    const char *path = NULL;
    for (; to->count < count; to->count++) {
        struct told_segment told;
        if ((size_t)(end - at) < sizeof told)
            return malformed();
        memcpy(&told, at, sizeof told);
        at += sizeof told;
        if (told.path_size && !(path = take_text(&at, end, told.path_size)))
            return malformed();
        if (told.here ? told.bytes > (uint64_t)(end - at) : told.bytes && !path)
            return malformed();
        to->segments[to->count] = (segment){.input = (unsigned)told.input, .stretch = {told.offset, told.bytes}};
        if (told.here)
            to->segments[to->count].bytes = at;
        else
            to->segments[to->count].path = path, to->segments[to->count].at = told.at;
        at += told.here ? told.bytes : 0;
        skip_to_next(&at, from);
    }
    return RF_OK;
}

int gather_told(shuffles *among, const void *bytes, size_t size, gather **made)
{
    struct told_all all;
    *made = NULL;
    if (size < sizeof all)
        return malformed();
    memcpy(&all, bytes, sizeof all);
    int status = all.count > size / sizeof(struct told_segment) ? malformed() : gather_new(among, 0, all.count, made);
    if (status)
        return status;
    gather *new = *made;
    new->bytes = all.bytes;
    new->exchanged = all.exchanged;
    const uint8_t *at = (const uint8_t *)bytes + sizeof all, *end = (const uint8_t *)bytes + size;
    status = all.status ? take_wrong(new, &all, at, end) : take_segments(new, all.count, bytes, at, end);
    if (status) {
        gather_free(new);
        *made = NULL;
    }
    return status;
}
