/* Sorts what points to records. Stable: equal keys stay in emission order. By bytes it is a radix sort of the prefixes, from
   the most significant digit, into and out of a second array, with insertion where few are left; what has one prefix, and
   everything under a user's function, is merged. A function that is no order gives some order, and ends. */
#ifndef RANKFOLD_KEYED_SORT_H
#define RANKFOLD_KEYED_SORT_H

#include "keyed/record.h"

typedef struct entry {
    uint64_t prefix;                /* record_prefix of the key */
    const uint8_t *at;              /* the record, whose bytes this process wrote */
} entry;

void sort_entries(entry *entries, entry *space, size_t count, const record_order *order);  /* space: room for count more */

#endif
