/* Tasks by key, run from beginning to end in one go: a map task reads items, runs the mapper and seals what it emitted; a reduce task merges what was gathered,
   runs the reducer and writes a part of the output, or of a dataset. Called by the inline executor, which owns everything that is pointed to here.

   In a child of the rank the run that a task makes goes to a file (chunk.result), or where it is small beside the commit, and the rank takes it over.

   What comes of a task is one value, a commit (message.h), or one failure, of the task's unit. While it runs messages move, and it looks whether
   it is still wanted. */
#ifndef RANKFOLD_RUN_KEYED_TASK_H
#define RANKFOLD_RUN_KEYED_TASK_H

#include "input/reader.h"
#include "run/executor.h"
#include "run/gather.h"

typedef struct keyed_task {
    rf_call *call;
    const executor_chunk *chunk;
    reader *from;                       /* open on the piece, of a map task */
    buffer *failures;
    column *values;
    column *added;                      /* in a child: where a small run goes, as bytes */
    uint64_t ran, bytes_read;           /* items, or groups; what was read */
} keyed_task;

enum keyed_outcome {
    KEYED_DONE,                         /* one value, of the unit */
    KEYED_FAILED,                       /* one nil and one failure */
    KEYED_NOTHING                       /* it was stopped, or more pieces of the task are to come, or it has failed before */
};
enum keyed_outcome map_task_run(keyed_task *task);
enum keyed_outcome reduce_task_run(keyed_task *task);
bool map_task_passes_over(const executor_chunk *chunk, const char *kind);   /* an item that fails so is not tried again, and the job goes on without it */

/* For both: a failure of the whole task. at: the item, or key, that it was at; source: as in message_failure. */
enum keyed_outcome keyed_task_failed(keyed_task *task, uint64_t at, uint64_t source, int status, const char *kind, const char *text);
enum keyed_outcome keyed_task_broke(keyed_task *task, int status);
enum keyed_outcome keyed_task_done(keyed_task *task, struct message_commit *sums, const void *sample);
int keyed_task_give(keyed_task *task, sealed_run *made, struct message_commit *sums);      /* takes it: what of it goes to a file is spilled */
int keyed_task_look(const keyed_task *task);        /* lets messages move. RF_ECANCELLED: nobody wants it any more */

#endif
