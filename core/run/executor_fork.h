/* The fork executor: chunks are run in children of the rank, several at once where a job has slots. A child lives on from chunk to chunk and
   from job to job. Its parts come as the children tell them, in no order among different ones; what a chunk loses with its child is told
   as slot.h says.

   Made with the worker, for nothing until a job forks. Freeing it waits for the children: they run .exit. */
#ifndef RANKFOLD_RUN_EXECUTOR_FORK_H
#define RANKFOLD_RUN_EXECUTOR_FORK_H

#include "run/executor.h"

int executor_fork_new(const executor_host *host, executor **made);

/* For who waits for parts: the word changes, from what it was when executor_next last found nothing, as soon as there may be one. NULL: no
   chunk is being run. */
const _Atomic uint32_t *executor_fork_bell(const executor *runs, uint32_t *seen);

#endif
