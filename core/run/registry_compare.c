#include "run/registry.h"

#include <string.h>

#include "base/error.h"

#define NAMED_MOST 5        /* of what is lacking, and of what is there besides */

/* What another rank says of itself: "kind file:name\0" each, to be believed no further than its size. */
typedef struct name_list {
    const char *at, *end;
} name_list;

static const char *next_name(name_list *list)
{
    const char *name = list->at;
    const char *nul = name < list->end ? memchr(name, '\0', (size_t)(list->end - name)) : NULL;
    list->at = nul ? nul + 1 : list->end;
    return nul ? name : NULL;
}

static bool has_name(name_list list, const char *wanted)
{
    for (const char *name; (name = next_name(&list));)
        if (!strcmp(name, wanted))
            return true;
    return false;
}

static int add_text(buffer *text, const char *more)
{
    return buffer_put(text, more, strlen(more));
}

/* "map geometry.c:area" as "geometry.c:area", with its kind where the other side has the name as another kind; one line
   for a person, whatever it holds. */
static int add_name(buffer *text, const char *name, name_list others)
{
    const char *space = strchr(name, ' '), *rest = space ? space + 1 : name;
    size_t before = text->size, kind = (size_t)(rest - name);
    int status = buffer_put(text, rest, strnlen(rest, 200));
    for (const char *other; (other = next_name(&others));) {
        const char *other_space = strchr(other, ' ');
        if (!status && kind && other_space && !strcmp(other_space + 1, rest)) {
            status = add_text(text, " as a ");
            status = status ? status : buffer_put(text, name, kind - 1);
            status = status ? status : add_text(text, " function");
            break;
        }
    }
    for (size_t i = before; i < text->size; i++)
        if (text->data[i] < ' ' || text->data[i] == 127)
            text->data[i] = '?';
    return status;
}

/* The names of one that other has not. */
static int add_missing(buffer *text, name_list one, name_list other, const char *head, const char *tail,
                       uint64_t *missing)
{
    int status = RF_OK;
    *missing = 0;
    for (const char *name; !status && (name = next_name(&one));) {
        if (has_name(other, name) || ++*missing > NAMED_MOST)
            continue;
        status = add_text(text, *missing == 1 ? head : ", ");
        status = status ? status : add_name(text, name, other);
    }
    char more[48];
    snprintf(more, sizeof more, " and %" PRIu64 " more", *missing - NAMED_MOST);
    if (!status && *missing > NAMED_MOST)
        status = add_text(text, more);
    return status || !*missing ? status : add_text(text, tail);
}

static name_list list_of(const void *names, size_t size)
{
    const char *at = size ? names : "";
    return (name_list){at, at + size};
}

int registry_compare(const registry *all, int rank, const char *host, const void *names, size_t size, buffer *text)
{
    size_t ours_size, before = text->size;
    const void *our_names = registry_names(all, &ours_size);
    name_list ours = list_of(our_names, ours_size), theirs = list_of(names, size);
    uint64_t lacking = 0, besides = 0;
    char head[320];
    snprintf(head, sizeof head, "rank %d (host %.200s)", rank, host ? host : "unknown");
    int status = add_text(text, head);
    status = status ? status : add_missing(text, ours, theirs, " lacks ", "", &lacking);
    if (!status)
        status = add_missing(text, theirs, ours, lacking ? " and has " : " has ", " besides", &besides);
    if (status || !(lacking || besides))
        text->size = before;
    status = status ? status : buffer_put(text, "", 1);
    text->size -= !status;
    return status;
}
