/* Groups of equal keys over sorted records, whatever they come from: a merge of runs, or rows that are about to be sealed. Values
   are streamed: what a group takes is one key, one value and what its source takes, however many values there are.

   Reducers and users' combiners see an rf_group; who runs them calls group_next_key, then the reducer, which calls group_next (what
   rf_group_next is), and again: values that were not taken are passed over. Equality is of type and bytes. */
#ifndef RANKFOLD_KEYED_GROUP_H
#define RANKFOLD_KEYED_GROUP_H

#include "base/arena.h"
#include "keyed/merge.h"

/* RF_OK and a record, a view until the next call; RF_END; an error. */
typedef int group_source(void *context, const record **it, unsigned *input);

int group_from_merge(void *context, const record **it, unsigned *input);    /* a group_source; context: the merge */

int group_new(group_source *next, void *context, rf_group **made);          /* RF_ENOMEM */
void group_free(rf_group *old);                                             /* NULL is legal; the source stays the caller's */

/* RF_OK and the next key (until the next group_next_key; aligned, and a NUL behind it), RF_END, an error, which sticks. */
int group_next_key(rf_group *all, rf_value *key);

/* RF_OK and the next value of the key (until the next call; aligned, and a NUL behind it), RF_END, an error, which sticks. */
int group_next(rf_group *all, rf_value *value);
unsigned group_input(const rf_group *all);          /* which of the job's inputs that value came from; 0: of several */

/* Under a built-in combiner group_next gives one value, what all of the key's fold to, from the next key on. What group_fold returns instead
   is an error of that key alone: group_next_key goes on. FOLD_NONE: all values again. */
void group_set_fold(rf_group *all, enum fold fold);
const record *group_key(const rf_group *all);       /* the key as it is in records */

/* The built-in reducers, over partials of the group's key. *value is valid until the next call. RF_ERANGE: an integer sum beyond 64 bits, told with the key. */
int group_fold(rf_group *all, enum fold fold, rf_value *value);
int group_fold_partial(rf_group *all, enum fold fold, record *made, uint8_t space[EXACT_PACKED_MOST]);   /* one record for all */
int group_collect(rf_group *all, rf_value *value);      /* all values, as a tuple; in memory at once */

#endif
