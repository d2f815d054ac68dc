/* What an executor writes down as it goes, in memory that somebody else sees as well, who may have to go on without it: the rank, when its
   child has died. It tells the item that the function was at, and how much of the part in hand was done before it.

   A task by key (keyed_task.h) is one item of its part, in the middle of which nothing is saved: what is told is which function it is in, and at which
   item of its own, or key, which are counted all the same, so that a function's time is that of one of those.

   An item that is done is told by two stores that cannot be seen half done: an entry, of which there are two by turns, and then the number
   of items, which says which of them holds. The writer may be killed between any two instructions.

   Cost: some ten stores an item. Nobody reads it while all goes well, but for whether the executor is still at the same item. */
#ifndef RANKFOLD_RUN_LOGBOOK_H
#define RANKFOLD_RUN_LOGBOOK_H

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "value/column.h"

#define LOGBOOK_PATH 512
#define LOGBOOK_KEY 104

typedef struct logbook_entry {          /* after so many items */
    uint64_t values, positions;         /* that have come of them, and how many positions those have */
    bool positioned;                    /* executor_part */
    uint64_t unit, path_index;          /* of the last one; UINT64_MAX: none */
    uint64_t failures;
    size_t failure_bytes, payload_bytes;
    uint64_t tag;
    bool mixed;                         /* the column's */
    bool added_mixed;
    uint64_t added, added_tag;          /* what these items have added to their job */
    size_t added_bytes;
} logbook_entry;

enum logbook_place {
    LOGBOOK_NOWHERE,                    /* of a task by key; or in none */
    LOGBOOK_LIBRARY,                    /* sorting, merging, reading, writing */
    LOGBOOK_MAPPER, LOGBOOK_REDUCER, LOGBOOK_COMBINER
};

typedef struct logbook {
    _Atomic uint64_t items;             /* of the part in hand that are done: entries[items % 2] */
    _Atomic uint64_t at;                /* items + 1 while the function runs on the next one */
    _Atomic bool in_init;
    double began;                       /* clock_now */
    uint64_t part_unit;                 /* where the part begins */
    uint64_t unit, position, path_index;    /* of the item it is at */
    logbook_entry entries[2];
    char path[LOGBOOK_PATH];            /* of that item, its end; "": none */
    _Atomic uint32_t place;             /* enum logbook_place */
    rf_value key;                       /* of the reducer or combiner; what it views was somewhere else: the front of it is in key_bytes */
    uint8_t key_bytes[LOGBOOK_KEY];
} logbook;

static inline void logbook_begin(logbook *log, uint64_t part_unit)
{
    atomic_store_explicit(&log->at, 0, memory_order_relaxed);
    atomic_store_explicit(&log->place, LOGBOOK_NOWHERE, memory_order_relaxed);
    log->part_unit = part_unit;
    log->began = clock_now();
    log->path_index = UINT64_MAX;
    log->path[0] = '\0';
    log->entries[0] = (logbook_entry){.unit = UINT64_MAX, .path_index = UINT64_MAX};
    atomic_store_explicit(&log->items, 0, memory_order_release);
}

static inline void logbook_at(logbook *log, uint64_t items, uint64_t unit, uint64_t position, uint64_t path_index, const char *path)
{
    if (path && path_index != log->path_index) {
        size_t size = strlen(path);
        size_t from = size < LOGBOOK_PATH ? 0 : size - (LOGBOOK_PATH - 1);
        memcpy(log->path, path + from, size - from + 1);
    }
    log->unit = unit;
    log->position = position;
    log->path_index = path_index;
    atomic_store_explicit(&log->at, items + 1, memory_order_release);
}

static inline void logbook_done(logbook *log, const logbook_entry *after, uint64_t items)
{
    log->entries[items % 2] = *after;
    atomic_store_explicit(&log->items, items, memory_order_release);
}

/* ---- by key: log may be NULL, nobody reads it then ---- */

static inline void logbook_place(logbook *log, enum logbook_place place)
{
    if (log)
        atomic_store_explicit(&log->place, place, memory_order_release);
}

static inline void logbook_maps(logbook *log, uint64_t unit, uint64_t position, uint64_t path_index, const char *path)
{
    if (!log)
        return;
    uint64_t items = atomic_load_explicit(&log->items, memory_order_relaxed);
    logbook_place(log, LOGBOOK_MAPPER);
    logbook_at(log, items, unit, position, path_index, path);
}

/* A combiner that runs while an item is mapped is in that item's time. */
static inline enum logbook_place logbook_enters(logbook *log, enum logbook_place place, rf_value key)
{
    if (!log)
        return LOGBOOK_NOWHERE;
    enum logbook_place before = (enum logbook_place)atomic_load_explicit(&log->place, memory_order_relaxed);
    size_t size = rf_type_of(key) >= RF_TEXT ? rf_size(key) : 0;
    log->key = key;
    if (size)
        memcpy(log->key_bytes, key.data, size < LOGBOOK_KEY ? size : LOGBOOK_KEY);
    logbook_place(log, place);
    if (before == LOGBOOK_LIBRARY)
        atomic_store_explicit(&log->at, atomic_load_explicit(&log->items, memory_order_relaxed) + 1, memory_order_release);
    return before;
}

static inline void logbook_leaves(logbook *log, enum logbook_place before)
{
    if (!log)
        return;
    if (before == LOGBOOK_LIBRARY)
        atomic_store_explicit(&log->items, atomic_load_explicit(&log->at, memory_order_relaxed), memory_order_release);
    logbook_place(log, before);
}

/* For who reads it. */
static inline bool logbook_in_item(const logbook *log)
{
    return atomic_load_explicit(&log->at, memory_order_acquire) == atomic_load_explicit(&log->items, memory_order_acquire) + 1;
}

#endif
