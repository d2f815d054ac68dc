/* Records found by a number of 64 bits, whatever how many there are: jobs by their ids, on rank 0 and on workers. A record holds a
   struct numbered; the table points to it and owns nothing but its chains.

   Cost: O(1); the table doubles as it fills, and is only slower where there is no memory for that. */
#ifndef RANKFOLD_BASE_NUMBERED_H
#define RANKFOLD_BASE_NUMBERED_H

#include "rankfold.h"

typedef struct numbered {
    uint64_t number;
    struct numbered *alike;             /* the next of its chain */
} numbered;

typedef struct numbered_table {
    numbered **chains;                  /* a power of two of them */
    size_t capacity, count;
} numbered_table;

int numbered_open(numbered_table *all);     /* RF_ENOMEM: it is empty, and may be freed */
void numbered_free(numbered_table *all);
void numbered_add(numbered_table *all, numbered *one);      /* its number is set, and no other's */
numbered *numbered_find(const numbered_table *all, uint64_t number);    /* NULL: there is none */
void numbered_remove(numbered_table *all, const numbered *one);         /* one that is in it */

#endif
