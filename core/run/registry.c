#include "run/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "run/symbol.h"

static rf_registration *registered;     /* newest first */

static rf_registration **place_of(const rf_registration *registration)
{
    rf_registration **place = &registered;
    while (*place && *place != registration)
        place = &(*place)->next;
    return place;
}

void rf_register(rf_registration *registration)
{
    if (*place_of(registration))
        return;
    registration->next = registered;
    registered = registration;
}

void rf_unregister(rf_registration *registration)
{
    rf_registration **place = place_of(registration);
    if (*place)
        *place = registration->next;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *registry_kind_name(int kind)
{
    static const char *const names[] = {"map", "filter", "fold", "reduce", "compare", "partition"};
    return kind >= 0 && (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

/* ---- snapshots ------------------------------------------------------------------------------------------------- */

typedef struct address {
    rf_any_function *function;
    uint32_t number;
} address;

struct registry {
    rf_registration *list;          /* by file:name */
    address *addresses;             /* ascending */
    uint64_t count, fingerprint;
    buffer names;
    arena texts;
};

static int by_name(const void *one, const void *other)
{
    const rf_registration *a = one, *b = other;
    int order = strcmp(a->file, b->file);
    return order ? order : strcmp(a->name, b->name);
}

static int by_address(const void *one, const void *other)
{
    uintptr_t a = (uintptr_t)((const address *)one)->function, b = (uintptr_t)((const address *)other)->function;
    return (a > b) - (a < b);
}

static char *copy_text(registry *all, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_add(&all->texts, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* Programs built with an older header have a shorter registration. */
static int copy_one(registry *all, const rf_registration *from, rf_registration *to)
{
    memset(to, 0, sizeof *to);
    memcpy(to, from, from->struct_size < sizeof *to ? from->struct_size : sizeof *to);
    to->name = copy_text(all, from->name);
    to->file = copy_text(all, base_name(from->file));
    to->next = NULL;
    return to->name && to->file ? RF_OK : RF_ENOMEM;
}

static int copy_all(registry *all)
{
    for (const rf_registration *one = registered; one; one = one->next)
        all->count++;
    if (all->count > UINT32_MAX)
        return error_set(RF_EREGISTRY, "usage", "too many registered functions");
    all->list = malloc((all->count + 1) * sizeof *all->list);
    all->addresses = malloc((all->count + 1) * sizeof *all->addresses);
    if (!all->list || !all->addresses)
        return error_no_memory((all->count + 1) * sizeof *all->list);
    uint64_t i = 0;
    for (const rf_registration *one = registered; one; one = one->next)
        if (copy_one(all, one, &all->list[i++]))
            return RF_ENOMEM;
    return RF_OK;
}

static int sort_by_name(registry *all)
{
    qsort(all->list, all->count, sizeof *all->list, by_name);
    for (uint64_t i = 1; i < all->count; i++) {
        const rf_registration *a = &all->list[i - 1], *b = &all->list[i];
        if (!by_name(a, b))
            return error_set(RF_EREGISTRY, "usage",
                             "two registered functions are called %s:%s (lines %d and %d): rename one of them, "
                             "or its file",
                             a->file, a->name, a->line, b->line);
    }
    return RF_OK;
}

static int sort_by_address(registry *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        all->addresses[i] = (address){all->list[i].function, i};
    qsort(all->addresses, all->count, sizeof *all->addresses, by_address);
    for (uint64_t i = 1; i < all->count; i++) {
        if (all->addresses[i - 1].function != all->addresses[i].function)
            continue;
        const rf_registration *a = &all->list[all->addresses[i - 1].number], *b = &all->list[all->addresses[i].number];
        return error_set(RF_EREGISTRY, "usage",
                         "%s:%s and %s:%s are one function: register it once; where they are two with the "
                         "same code, the linker folded them: link without --icf=all (--icf=safe keeps them apart)",
                         a->file, a->name, b->file, b->name);
    }
    return RF_OK;
}

static int add_name(buffer *names, const rf_registration *one)
{
    const char *kind = registry_kind_name(one->kind);
    size_t size = strlen(kind) + strlen(one->file) + strlen(one->name) + sizeof " :";
    char *at = buffer_add(names, size);
    if (!at)
        return RF_ENOMEM;
    snprintf(at, size, "%s %s:%s", kind, one->file, one->name);
    return RF_OK;
}

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t hash(const uint8_t *bytes, size_t size)
{
    uint64_t sum = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3;
    return sum;
}

int registry_snapshot(registry **made)
{
    *made = NULL;
    registry *all = calloc(1, sizeof *all);
    if (!all)
        return error_no_memory(sizeof *all);
    int status = copy_all(all);
    status = status ? status : sort_by_name(all);
    status = status ? status : sort_by_address(all);
    for (uint64_t i = 0; i < all->count && !status; i++)
        status = add_name(&all->names, &all->list[i]);
    if (status) {
        registry_free(all);
        return status;
    }
    all->fingerprint = hash(all->names.data, all->names.size);
    *made = all;
    return RF_OK;
}

void registry_free(registry *all)
{
    if (!all)
        return;
    free(all->list);
    free(all->addresses);
    buffer_free(&all->names);
    arena_free(&all->texts);
    free(all);
}

uint64_t registry_count(const registry *all)
{
    return all->count;
}

const rf_registration *registry_at(const registry *all, uint32_t number)
{
    return number < all->count ? &all->list[number] : NULL;
}

uint64_t registry_fingerprint(const registry *all)
{
    return all->fingerprint;
}

const void *registry_names(const registry *all, size_t *size)
{
    *size = all->names.size;
    return all->names.data;
}

/* ---- finding --------------------------------------------------------------------------------------------------- */

static const rf_registration *find_address(const registry *all, rf_any_function *function, uint32_t *number)
{
    address wanted = {.function = function};
    const address *found = all->count ? bsearch(&wanted, all->addresses, all->count, sizeof wanted, by_address) : NULL;
    *number = found ? found->number : UINT32_MAX;
    return found ? &all->list[found->number] : NULL;
}

bool registry_find(rf_any_function *function, rf_registration *copy)
{
    *copy = (rf_registration){0};
    const rf_registration *one = registered;
    while (one && one->function != function)
        one = one->next;
    if (one)
        memcpy(copy, one, one->struct_size < sizeof *copy ? one->struct_size : sizeof *copy);
    return one;
}

static int refuse_unregistered(rf_any_function *function)
{
    for (const rf_registration *one = registered; one; one = one->next)
        if (one->function == function)
            return error_set(RF_EUNREGISTERED, "usage",
                             "the function %s (%s:%d) was registered after the pool had opened: load what "
                             "registers it before that, on every rank",
                             one->name, base_name(one->file), one->line);
    char name[256];
    switch (symbol_of(function, name, sizeof name)) {
    case SYMBOL_NAMED:
        return error_set(RF_EUNREGISTERED, "usage",
                         "the function %s is not registered: add the line  RF_REGISTER(%s);  after it, at file "
                         "scope",
                         name, name);
    case SYMBOL_NESTED:
        return error_set(
            RF_EUNREGISTERED, "usage",
            "the function %s is nested in another one and cannot be sent to other ranks: move it to "
            "file scope, add the line  RF_REGISTER(%s);  after it, and hand it what it used of the other by "
            ".state = RF_STATE(object)",
            name, name);
    case SYMBOL_UNKNOWN:
        return error_set(RF_EUNREGISTERED, "usage",
                         "the function at %s (addr2line -f tells its name) is not registered: add the line  "
                         "RF_REGISTER(its name);  after it, at file scope",
                         name);
    case SYMBOL_NOWHERE:
        break;
    }
    return error_set(
        RF_EUNREGISTERED, "usage",
        "the function at %s is in no loaded file, so it is nested in another one (or was unloaded) and "
        "cannot be sent to other ranks: move it to file scope, add  RF_REGISTER(its name);  after it, and hand it "
        "what it used of the other by .state = RF_STATE(object)",
        name);
}

int registry_number(const registry *all, rf_any_function *function, int kind, uint32_t *number)
{
    const rf_registration *found = find_address(all, function, number);
    if (found && found->kind == kind)
        return RF_OK;
    *number = UINT32_MAX;
    if (!found)
        return refuse_unregistered(function);
    return error_set(RF_EUSAGE, "usage", "%s:%s is registered as a %s function, this takes a %s function", found->file,
                     found->name, registry_kind_name(found->kind), registry_kind_name(kind));
}

static bool is_called(const rf_registration *one, const char *name)
{
    const char *colon = strchr(name, ':'), *file = base_name(one->file);
    if (!colon)
        return !strcmp(one->name, name);
    size_t size = (size_t)(colon - name);
    return strlen(file) == size && !memcmp(file, name, size) && !strcmp(one->name, colon + 1);
}

rf_map_function *rf_find(const char *name)
{
    const rf_registration *found = NULL;
    for (const rf_registration *one = registered; one; one = one->next) {
        if (one->kind != RF_KIND_MAP || !is_called(one, name))
            continue;
        if (found) {
            error_set(RF_EUNREGISTERED, "usage", "two files register a map function %s: say \"%s:%s\" or \"%s:%s\"",
                      name, base_name(one->file), one->name, base_name(found->file), found->name);
            return NULL;
        }
        found = one;
    }
    if (!found)
        error_set(RF_EUNREGISTERED, "usage", "no map function %s is registered", name);
    return found ? (rf_map_function *)found->function : NULL;
}
