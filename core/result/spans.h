/* A sequence of results: spans of blocks, appended at the end, read by number (result sets) or taken from the front
   (iterators). Small deliveries are copied into one growing block (block_gather), so that a job of one-item chunks
   costs no block an item. Reading by number is O(log spans), by neighbours O(1). The job's collector fills it;
   results.c and the iterator read it.

   What spans_at gives lives until spans_drop_front takes it or spans_free, whatever is added; but an error of items that failed
   together (block_result) is the item's until the next spans_at. */
#ifndef RANKFOLD_RESULT_SPANS_H
#define RANKFOLD_RESULT_SPANS_H

#include "base/arena.h"
#include "result/block.h"

typedef struct spans spans;

spans *spans_new(strings *hosts, strings *paths);       /* shares both; either may be NULL */
spans *spans_beside(const spans *all);                  /* a new one, empty, that shares the same */
void spans_free(spans *all);
int spans_add(spans *all, delivery *from);              /* all but what comes again; takes from->memory always */
int spans_add_block(spans *all, block *from, uint64_t first, uint64_t count);   /* shares from */
uint64_t spans_count(const spans *all);                 /* items, without those taken */
uint64_t spans_failed(const spans *all);                /* of all that were ever added */
rf_result spans_at(const spans *all, uint64_t i);       /* 0: the first not taken. i < spans_count */
rf_value spans_value(const spans *all, uint64_t i);
bool spans_find(const spans *all, bool failed, uint64_t *i);    /* the first (un)failed one at *i or after it */
int spans_hand_on(const spans *from, uint64_t first, uint64_t count, spans *to);   /* these items belong to to as well; nothing large is copied */
void spans_drop_front(spans *all, uint64_t count);      /* what spans_at gave of them ends here. count <= spans_count */

struct rf_results {
    spans *all;
    arena made;                 /* what was put together of them: dictionaries, joined texts */
};
int results_of(spans *all, rf_results **made);          /* takes all, also after a failure */
int results_new(strings *hosts, strings *paths, rf_results **made);     /* of this handle rf_results_free frees all */

#endif
