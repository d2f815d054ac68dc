/* What a map task has emitted so far: folded in a hash table while keys repeat, as rows by partition when they do not.

   The table is open, linear; a slot is 32 bytes and holds a key of up to 16 bytes itself:

       | key, zeros behind it        16 |  or, above 16 bytes:  | pointer to the key 8 | its hash 8 |
       | head 8: key size 32 bits, key type + 1 (0: empty) 8, type of the state 8 |       state 8       |

   Rule of the switch: of each COMBINE_WINDOW records it is counted how many brought a new key. When more than 7 of 8 did, the table is
   written out as rows, and until the end of the task records become rows as they come. Or when the table takes more than half
   of the task's memory: what does not fit is to be sealed (emit.h).

   Why that changes no result: a fold is associative over neighbours (fold.h), and rows keep the order in which they are added. At the switch
   a key's partial, which stands for everything before, becomes a row before any later record of that key does. So the rows of a key
   are partials of consecutive stretches of its values, in order, wherever the switch falls; folding them gives one result.

   A record's slot is asked for long before it is looked at, so that memory answers while others are hashed: of what most records are, short texts with an
   integer to add, 32 records ahead; of all else in batches of 16. It grows in place (combine.c), so that no memory is touched twice. */
#ifndef RANKFOLD_KEYED_COMBINE_H
#define RANKFOLD_KEYED_COMBINE_H

#include "base/arena.h"
#include "keyed/rows.h"
#include "keyed/shape.h"

#define COMBINE_WINDOW 32768

typedef struct combiner {
    const shape *of;
    bool folds;                         /* into the table; then there are no rows */
    struct slot *slots;                 /* mask + 1 of them; NULL: none yet */
    size_t mask, used;
    arena memory;                       /* long keys, and states that are no numbers */
    size_t kept;                        /* bytes asked of it */
    uint64_t window, fresh;             /* records since the window began, and new keys among them */
    buffer scratch;                     /* a record on its way from the table to the rows */
    rows rows;
} combiner;

int combine_init(combiner *all, const shape *of);   /* RF_ENOMEM: combine_free is legal */
void combine_free(combiner *all);
void combine_clear(combiner *all);                  /* empty, for the next task */

/* Takes the records in [from, end), RECORD_SLACK bytes behind end are readable. They come after all that is there. RF_ENOMEM,
   RF_EFUNCTION (partition_ask): the task has failed; what was taken until then is there. */
int combine_take(combiner *all, const uint8_t *from, const uint8_t *end);

/* The same of a page of ROWS_PAGE bytes whose records end at end. Where they become rows they stay in it, it belongs to all, and *page is an empty one
   in its place, with what it may hold; also after a failure. */
int combine_take_page(combiner *all, uint8_t **page, const uint8_t *end);
int combine_absorb(combiner *all, combiner *from);  /* takes all of from, which comes after it, and leaves it clear; or as above */
int combine_to_rows(combiner *all);                 /* writes out the table: afterwards everything is in rows */
size_t combine_bytes(const combiner *all);
static inline bool combine_empty(const combiner *all) { return !all->used && !all->rows.records; }

#endif
