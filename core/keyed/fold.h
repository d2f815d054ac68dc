/* The built-in combiners and reducers: sum, min, max, count, first. Each is exact: it is associative over neighbours in (position,
   emission) order, so that values may be folded where they are emitted, where runs are merged and where they are
   reduced, in groups cut anywhere, and the result has the same bytes.

       value --fold_lift--> partial --fold_merge--> ... partial --fold_result--> value

   A partial is a value (a sum that is no plain number is packed bytes, exact.h). Every value is lifted when it is emitted, whether
   or not anything combines it later: whoever reads records under a fold reads partials alone. collect is no fold: it keeps all.

   sum     of integers and doubles, exact; overflow of an integer sum is told by fold_result, where the whole is known
   min max by record_value_order; of those that are equal in it (1 and 1.0) the first
   count   of values, whatever they are
   first   in (position, emission) order */
#ifndef RANKFOLD_KEYED_FOLD_H
#define RANKFOLD_KEYED_FOLD_H

#include "base/arena.h"
#include "keyed/exact.h"
#include "keyed/record.h"

enum fold { FOLD_NONE, FOLD_SUM, FOLD_MIN, FOLD_MAX, FOLD_COUNT, FOLD_FIRST };

#define FOLD_EXACT 15               /* the type of a state whose bits point to an exact sum */

/* What has been folded of one key: 9 bytes, so that a table's slot holds it. Numbers are in it; texts, bytes and containers are
   copies in the arena. The zeroed state is none: fold_begin makes one of the first partial. */
typedef struct fold_state {
    uint64_t bits;
    uint8_t type;                   /* rf_type, or FOLD_EXACT */
} fold_state;

int fold_lift(enum fold fold, rf_value *value);     /* RF_EARGS: it is nothing that can be summed */
int fold_begin(enum fold fold, fold_state *state, const record *partial, arena *memory);
int fold_merge_slowly(enum fold fold, fold_state *state, const record *partial, arena *memory);

/* The partial that stands for the state, as a record's value; its bytes are in the state's memory or in space. */
void fold_partial(const fold_state *state, record *to, uint8_t space[EXACT_PACKED_MOST]);

/* RF_ERANGE: the sum fits no integer; the message names the key. */
int fold_result(const fold_state *state, const record *key, rf_value *to);

/* partial comes after all that is in state. RF_ENOMEM; RF_EINPUT: no partial of this fold. */
static inline int fold_merge(enum fold fold, fold_state *state, const record *partial, arena *memory)
{
    if ((fold == FOLD_SUM || fold == FOLD_COUNT) && state->type == RF_I64 && partial->value_type == RF_I64) {
        uint64_t word = record_word(partial->value, partial->value_size);
        int64_t number = (int64_t)(word >> 1 ^ -(word & 1)), sum;
        if (!__builtin_add_overflow((int64_t)state->bits, number, &sum)) {
            state->bits = (uint64_t)sum;
            return RF_OK;
        }
    }
    return fold == FOLD_FIRST ? RF_OK : fold_merge_slowly(fold, state, partial, memory);
}

#endif
