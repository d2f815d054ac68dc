/* What a map task emits, from rf_emit_pair to its sealed run. One emitter a worker, used for task after task:

       emit_pair  ->  stage  ->  combiner (table, or rows)  ->  sealed run (parts on scratch, when memory is short)
                      |kept | the item's |

   emit_pair appends a record to the stage, memory that stays in the cache: no allocation, no system call, no hash. When the
   stage is full, what items before have emitted goes to the task's combiner. Two marks make failures traceless:

   - An item that fails (emit_drop) takes its pairs with it: the stage is cut back to where it began. The pairs of an item that
     emits more than the stage holds go to a combiner of its own, which is absorbed by the task's when the item has succeeded
     (emit_keep) and cleared when not.
   - A task that fails (emit_reset) takes everything.

   Beyond shape.memory bytes the larger combiner is sealed to a part in the scratch folder, and the parts are merged when the task is
   sealed: a task has one run. Peak memory is about twice shape.memory, while what was staged is sealed.

   What can be refused for the pair's own sake (its key's size, a partition out of range, a value that is no summand) is refused by emit_pair.
   All else that fails later (no memory, a full disk) sticks until emit_reset: then the task has failed, not an item. */
#ifndef RANKFOLD_KEYED_EMIT_H
#define RANKFOLD_KEYED_EMIT_H

#include "keyed/scratch.h"
#include "keyed/run.h"

typedef struct emitter emitter;

/* Both are borrowed. place NULL: there is no scratch, and memory is what the tasks take. RF_ENOMEM; RF_EUSAGE: a fold and a secondary sort. */
int emit_new(const shape *of, scratch *place, emitter **made);
void emit_free(emitter *old);                                       /* NULL is legal */

int emit_pair(emitter *to, rf_value key, rf_value value);           /* copies */
int emit_keep(emitter *to);                 /* the item has succeeded; what sticks, or RF_OK */
int emit_drop(emitter *to);                 /* the item has failed; the same */
void emit_reset(emitter *to);               /* empty, for the next task */
int emit_seal(emitter *to, sealed_run **made);      /* everything kept, as a run; the emitter is then reset, also after a failure */

/* From inside a user's combiner: a value for the group's key. RF_EUSAGE: another key. */
int emit_combined(emitter *to, rf_value key, rf_value value);

uint64_t emit_count(const emitter *of);     /* pairs of this task that were kept */

/* ---- what most pairs are ------------------------------------------------------------------------------------------ */

/* A text of fewer than EMIT_SHORT bytes with an integer goes into the stage here, without a call, so that rf_emit_pair has nothing to save around one: that
   would be half of what such a pair costs. An emitter begins with what is needed for it. */
#define EMIT_SHORT 128u                     /* keys whose size is one byte of a record */

typedef struct emit_front {
    uint8_t *at, *limit;                    /* where the next record goes; a short one fits while at <= limit */
    uint64_t count;                         /* pairs of the item in work */
    bool plain;                             /* no pair is refused for what it is, but its types and sizes */
    bool counts;                            /* every value is 1 */
} emit_front;

/* Lengths are hard to predict, and a branch that is taken wrongly costs more than the copy: pieces that overlap take all of one kind the same
   way. Nothing is read beyond the bytes. */
static inline void emit_copy_short(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size > 16) {
        for (size_t at = 0; at < size - 16; at += 16)
            memcpy(to + at, from + at, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 4) {
        size_t last = size - 4, second = last < 4 ? last : 4, third = last < 8 ? last : 8;
        uint32_t pieces[4];
        memcpy(&pieces[0], from, 4);
        memcpy(&pieces[1], from + second, 4);
        memcpy(&pieces[2], from + third, 4);
        memcpy(&pieces[3], from + last, 4);
        memcpy(to, &pieces[0], 4);
        memcpy(to + second, &pieces[1], 4);
        memcpy(to + third, &pieces[2], 4);
        memcpy(to + last, &pieces[3], 4);
    } else if (size) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

/* As emit_pair; false: nothing was done, it is for emit_pair. */
static inline __attribute__((always_inline)) bool emit_short(emitter *emits, rf_value key, rf_value value)
{
    emit_front *to = (emit_front *)emits;
    size_t size = rf_size(key);
    uint8_t *at = to->at;
    if (rf_type_of(key) != RF_TEXT || size >= EMIT_SHORT || !key.data || value.tag != RF_I64 || at > to->limit || !to->plain)
        return false;
    uint64_t number = record_zigzag(to->counts ? 1 : value.i64);
    unsigned value_size = record_trimmed(number);
    at[0] = RF_TEXT << 4 | RF_I64;
    at[1] = (uint8_t)size;
    at[2] = (uint8_t)value_size;
    emit_copy_short(at + 3, key.data, size);
    memcpy(at + 3 + size, &number, 8);
    to->at = at + 3 + size + value_size;
    to->count++;
    return true;
}

#endif
