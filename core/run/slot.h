/* A slot: one child of the rank at a time, as the rank sees it, with the chunks that it was given. When the child dies the slot takes what its
   logbook tells: what the function had finished is a part, the item that it was at is a failure, and what is left goes on in a new child.

   The executor's alone (executor_fork.c). A part is valid until the next slot_next. */
#ifndef RANKFOLD_RUN_SLOT_H
#define RANKFOLD_RUN_SLOT_H

#include "run/ring.h"

typedef struct slot slot;

slot *slot_new(int rank);                       /* no child yet. NULL: told */
void slot_dismiss(slot *of);                    /* an idle child is asked to leave, one that is not is killed */
bool slot_empty(slot *of);                      /* no child lives */
void slot_free(slot *of);                       /* once it is empty, or nobody will ever tell */

size_t slot_chunks(const slot *of);             /* that it has been given and has not told all of */
bool slot_full(const slot *of);
const executor_job *slot_job(const slot *of);   /* of its chunks: all are of one job. NULL: it has none */
bool slot_knows(const slot *of, const executor_job *job);       /* its child ran this function last, if there is one */
void slot_start(slot *of, const executor_chunk *chunk);         /* not when it is full */
bool slot_cancel(slot *of, uint64_t task, bool drop);           /* false: it has no such chunk */
bool slot_next(slot *of, double now, executor_part *part);
double slot_wake(const slot *of, double now);   /* when to look at it although no bell was rung */

#endif
