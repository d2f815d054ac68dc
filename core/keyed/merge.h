/* Many sorted sources as one, in order, equal keys in the order of the sources: a tree of losers over the prefixes of their heads,
   so that a record costs log2(sources) compares of two numbers, and of keys only where these agree.

   Sources are given in (input, position) order; that is what makes values reach a reducer in the order of the inputs and, within
   one, of position and emission. Those that lie in files share a budget of memory for their windows; merge_most says how many that is enough for.
   Of more, neighbours of one input are first merged into fewer, larger ones, folding what a shape folds: merge_down does so with whole
   runs, segments_merge (segment.h) with what a reducer reads of them. */
#ifndef RANKFOLD_KEYED_MERGE_H
#define RANKFOLD_KEYED_MERGE_H

#include "keyed/cursor.h"
#include "keyed/scratch.h"

#define MERGE_MOST 1024u            /* sources at once */

static inline uint32_t merge_most(size_t memory)        /* at least 16: there are up to eight inputs */
{
    size_t windows = memory / CURSOR_WINDOW_LEAST;
    return windows < 16 ? 16 : windows < MERGE_MOST ? (uint32_t)windows : MERGE_MOST;
}

static inline size_t merge_window(size_t memory, uint32_t count)        /* of each of count sources, for cursor_window */
{
    size_t share = memory / (count ? count : 1);
    return share < CURSOR_WINDOW ? share : CURSOR_WINDOW;
}

typedef struct merge merge;

int merge_new(const record_order *order, uint32_t count, merge **made);     /* order is borrowed; RF_ENOMEM */
void merge_free(merge *all);        /* closes the cursors; NULL is legal */

/* Source i, zeroed before: open it before the first merge_next; the merge closes it. */
cursor *merge_source(merge *all, uint32_t i);
void merge_set_input(merge *all, uint32_t i, unsigned input);   /* 0 before */

/* The next record (a view until the next call) and the number of the input it came from. RF_OK, RF_END, or what cursor_next gives. */
int merge_next(merge *all, const record **it, unsigned *input);
const uint8_t *merge_bytes(const merge *all, size_t *size);     /* of the record that came last */

int merge_write(const shape *of, merge *from, run_writer *to);      /* all that is left, into the partition in work; folded where the shape folds */

/* Whole runs, all their partitions, into one. path NULL: in memory. Windows take of->memory, or what the least take. */
int merge_runs(const shape *of, sealed_run *const *runs, uint32_t count, const char *path, sealed_run **made);

/* Until at most most runs are left (at least 16). runs and inputs are in (input, position) order; those that were
   merged are freed, what is left stands in front, *count of them. After a failure too every run left is in front. */
int merge_down(const shape *of, sealed_run **runs, unsigned *inputs, uint32_t *count, uint32_t most, scratch *place);

#endif
