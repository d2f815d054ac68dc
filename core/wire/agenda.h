/* What will happen in a simulation, by time: a binary heap. What has the same time happens in the order in which it was put. */
#ifndef RANKFOLD_WIRE_AGENDA_H
#define RANKFOLD_WIRE_AGENDA_H

#include "rankfold.h"

typedef struct agenda_entry {
    double time;
    uint64_t order;                     /* set by agenda_put */
    int kind, from, to;                 /* the caller's, like what and id */
    void *what;
    uint64_t id;
} agenda_entry;

typedef struct agenda {
    agenda_entry *entries;
    size_t count, capacity;
    uint64_t order;
} agenda;

int agenda_put(agenda *plans, agenda_entry entry);          /* RF_ENOMEM */
const agenda_entry *agenda_first(const agenda *plans);      /* NULL: nothing more */
bool agenda_take(agenda *plans, agenda_entry *entry);
void agenda_free(agenda *plans);

#endif
