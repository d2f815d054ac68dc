/* A fold in a tree that depends on the numbers of the units alone: the same merges of the same operands, and so the same digits, on any
   number of ranks, with any chunks and after any retry. Workers use it for the units that they run, rank 0 to join what they send.

   The tree: leaf u is the fold of what came out of unit u, in order; a leaf of nothing is not there. A node is an aligned block of 2^k units;
   its value is merge(left half, right half), or the one of them that is there. So two neighbours x, y meet in the smallest aligned block
   that holds both: its level is the highest bit in which their units differ.

   Values come in the order of their units and are kept on a stack. Before the next one, u, is pushed, the two on top are merged while
   their block is smaller than the one in which the upper one meets u: then that block ends before u, and all of it is there. What is left is
   a stack of blocks that grow towards its bottom: at most 64.

   A worker that runs the units [first, end) merges only blocks that lie in there: what is outside may not be empty. It hands on what is left,
   at most 2 log2(end - first) partial folds, each with the first of its units, from which the tree goes on on rank 0 as if
   all leaves had come there.

          units    0 1 2 3 4 5 6 7 8          a worker that ran 3..8 sends   3 | 4-7 | 8
                   --- --- --- --- -          rank 0 has 0-1, 2 before:      0-1 | 2; 2 and 3 meet first, then 0-3, 0-7, and 8 waits
                   ------- -------

   A merge that fails on a worker is no item's failure: both partial folds are handed on, and rank 0 fails, or not, at the same merge. */
#ifndef RANKFOLD_RUN_REDUCTION_H
#define RANKFOLD_RUN_REDUCTION_H

#include "run/call.h"

typedef struct reduction_function {
    rf_fold_function *run;              /* NULL: none */
    const char *name;
    rf_value state;
    void *worker;
} reduction_function;

typedef struct reduction_part {
    uint64_t unit;                      /* the first one in it */
    rf_value value;
    column own;                         /* what value points to, if to anything */
} reduction_part;

#define REDUCTION_DEPTH 192             /* blocks that grow from first on, and then shrink again, are at most 128 */

typedef struct reduction {              /* a zeroed one, with its call set, is empty; the owner frees it */
    rf_call *call;
    reduction_function step, merge;
    rf_value identity;
    bool has_identity;
    bool open;                          /* there is a leaf on top that may still grow */
    uint64_t first;                     /* blocks that begin before it are not merged */
    uint32_t count;
    reduction_part parts[REDUCTION_DEPTH];
    column made;
} reduction;

void reduction_begin(reduction *of, uint64_t first);    /* drops what there is; only units from first on will come */

/* A value that came out of unit: folded into its leaf. The status of step, or RF_ENOMEM: the leaf is as it was. */
int reduction_step(reduction *of, uint64_t unit, rf_value value, const call_item *which);
void reduction_drop_leaf(reduction *of, uint64_t from); /* what came of the last unit, if that is from or later: it has failed, or is not done */
static inline bool reduction_is_full(const reduction *of) { return of->count > REDUCTION_DEPTH - 2; }     /* where merges fail: hand on now */

/* A partial fold that is there already, copied. Returns the status of a merge that failed. */
int reduction_join(reduction *of, uint64_t unit, rf_value partial);

/* Hands on what is left of the units below end, which ends it: values, with the first of their units to positions. RF_ENOMEM. */
int reduction_hand_on(reduction *of, uint64_t end, column *values, buffer *positions);
int reduction_begin_with(reduction *of, rf_value initial);  /* after reduction_finish: merge(initial, all), or initial where there is nothing */
int reduction_finish(reduction *of);                    /* merges all to one, parts[0], or none. The status of a merge that failed */
void reduction_free(reduction *of);

#endif
