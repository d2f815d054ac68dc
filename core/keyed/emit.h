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

#endif
