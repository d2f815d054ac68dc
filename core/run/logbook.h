/* What an executor writes down as it goes, in memory that somebody else sees as well, who may have to go on without it: the rank, when its
   child has died. It tells the item that the function was at, and how much of the part in hand was done before it.

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

typedef struct logbook {
    _Atomic uint64_t items;             /* of the part in hand that are done: entries[items % 2] */
    _Atomic uint64_t at;                /* items + 1 while the function runs on the next one */
    _Atomic bool in_init;
    double began;                       /* clock_now */
    uint64_t part_unit;                 /* where the part begins */
    uint64_t unit, position, path_index;    /* of the item it is at */
    logbook_entry entries[2];
    char path[LOGBOOK_PATH];            /* of that item, its end; "": none */
} logbook;

static inline void logbook_begin(logbook *log, uint64_t part_unit)
{
    atomic_store_explicit(&log->at, 0, memory_order_relaxed);
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

/* For who reads it. */
static inline bool logbook_in_item(const logbook *log)
{
    return atomic_load_explicit(&log->at, memory_order_acquire) == atomic_load_explicit(&log->items, memory_order_acquire) + 1;
}

#endif
