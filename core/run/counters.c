#include "run/counters.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define NAME_MOST 255

static counter *all_of(const counters *all)
{
    return (counter *)(void *)all->entries.data;
}

static counter *find(const counters *all, const char *name)
{
    for (size_t i = 0; i < counters_count(all); i++)
        if (strcmp(all_of(all)[i].name, name) == 0)
            return all_of(all) + i;
    return NULL;
}

static counter *make(counters *all, const char *name)
{
    counter *made = buffer_add(&all->entries, sizeof *made);
    if (!made)
        return NULL;
    *made = (counter){.name = strdup(name)};
    if (made->name)
        return made;
    all->entries.size -= sizeof *made;
    error_no_memory(strlen(name));
    return NULL;
}

int counters_add(counters *all, const char *name, int64_t by)
{
    size_t size = name ? strnlen(name, NAME_MOST + 1) : 0;
    if (!size || size > NAME_MOST)
        return error_set(RF_EUSAGE, "usage", "rf_call_count: a counter's name has 1 to %d bytes", NAME_MOST);
    counter *at = find(all, name);
    if (!at && !(at = make(all, name)))
        return RF_ENOMEM;
    all->touched = true;
    int64_t item, sum;
    if (__builtin_add_overflow(at->item, by, &item) || __builtin_add_overflow(at->kept, item, &sum))
        return error_set(RF_EUSAGE, "usage", "rf_call_count: %s is beyond 64 bits", name);
    at->item = item;
    return RF_OK;
}

void counters_keep(counters *all)
{
    for (size_t i = 0; all->touched && i < counters_count(all); i++) {
        all_of(all)[i].kept += all_of(all)[i].item;
        all_of(all)[i].item = 0;
    }
    all->touched = false;
}

void counters_drop(counters *all)
{
    for (size_t i = 0; all->touched && i < counters_count(all); i++)
        all_of(all)[i].item = 0;
    all->touched = false;
}

void counters_clear(counters *all)
{
    for (size_t i = 0; i < counters_count(all); i++)
        free(all_of(all)[i].name);
    all->entries.size = 0;
    all->touched = false;
}

void counters_free(counters *all)
{
    counters_clear(all);
    buffer_free(&all->entries);
}
