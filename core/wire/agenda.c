#include "wire/agenda.h"
#include "base/error.h"
#include <stdlib.h>

static bool before(const agenda_entry *a, const agenda_entry *b)
{
    return a->time < b->time || (a->time == b->time && a->order < b->order);
}

int agenda_put(agenda *plans, agenda_entry entry)
{
    if (plans->count == plans->capacity) {
        size_t capacity = plans->capacity ? plans->capacity * 2 : 64;
        agenda_entry *larger = realloc(plans->entries, capacity * sizeof *larger);
        if (!larger)
            return error_no_memory(capacity * sizeof *larger);
        plans->entries = larger;
        plans->capacity = capacity;
    }
    entry.order = plans->order++;
    size_t hole = plans->count++;
    for (size_t parent; hole && before(&entry, &plans->entries[parent = (hole - 1) / 2]); hole = parent)
        plans->entries[hole] = plans->entries[parent];
    plans->entries[hole] = entry;
    return RF_OK;
}

const agenda_entry *agenda_first(const agenda *plans) { return plans->count ? plans->entries : NULL; }

bool agenda_take(agenda *plans, agenda_entry *entry)
{
    if (!plans->count)
        return false;
    *entry = plans->entries[0];
    agenda_entry last = plans->entries[--plans->count];
    size_t hole = 0;
    for (size_t child; (child = 2 * hole + 1) < plans->count; hole = child) {
        if (child + 1 < plans->count && before(&plans->entries[child + 1], &plans->entries[child]))
            child++;
        if (!before(&plans->entries[child], &last))
            break;
        plans->entries[hole] = plans->entries[child];
    }
    plans->entries[hole] = last;
    return true;
}

void agenda_free(agenda *plans)
{
    free(plans->entries);
    *plans = (agenda){0};
}
