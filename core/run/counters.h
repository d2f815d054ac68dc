/* What the functions of a task by key count, by name: added up over the items that succeeded. A task has few names, which
   are looked for one after another. Owned by who runs tasks; used for one after the other. */
#ifndef RANKFOLD_RUN_COUNTERS_H
#define RANKFOLD_RUN_COUNTERS_H

#include "base/buffer.h"

typedef struct counters {
    buffer entries;                     /* struct counter */
    bool touched;                       /* by the item in work */
} counters;

typedef struct counter {
    char *name;
    int64_t kept, item;                 /* of items that succeeded; of the one in work */
} counter;

int counters_add(counters *all, const char *name, int64_t by);      /* RF_ENOMEM; RF_EUSAGE: no name, or a sum beyond 64 bits */
void counters_keep(counters *all);      /* the item has succeeded */
void counters_drop(counters *all);      /* it has failed */
void counters_clear(counters *all);
void counters_free(counters *all);
static inline size_t counters_count(const counters *all) { return all->entries.size / sizeof(counter); }
static inline const counter *counters_at(const counters *all, size_t i) { return (const counter *)(const void *)all->entries.data + i; }

#endif
