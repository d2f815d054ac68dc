/* What items add to their job while it runs: a value and an index a unit, in the order in which they came, kept until they are
   forgotten. The source owns it, and makes one when something is added; its units are counted from 0 here.

   Memory: what was added and is not done. None of it goes to a file. */
#ifndef RANKFOLD_INPUT_GROWTH_H
#define RANKFOLD_INPUT_GROWTH_H

#include "input/pages.h"

typedef struct growth {                 /* a zeroed one is empty */
    pages values, indices;
} growth;

int growth_add(growth *to, const column_view *pairs);   /* index and value by turns; copied. RF_ENOMEM: some may be in it */
int growth_describe(growth *from, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);
void growth_indices(const growth *from, uint64_t first, uint64_t count, uint64_t *to);  /* of units not forgotten; one that is not there: UINT64_MAX */
void growth_forget(growth *from, uint64_t first, uint64_t count);
void growth_free(growth *from);

#endif
