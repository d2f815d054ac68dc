/* A task by key that goes to a child of the rank: as one chunk, whatever it came in, because what its child has of it is lost with that. Called by the
   worker, for its queue. */
#ifndef RANKFOLD_RUN_WHOLE_TASK_H
#define RANKFOLD_RUN_WHOLE_TASK_H

#include "run/work_queue.h"

bool whole_task_is_here(const queued *first);   /* all of its RUNs have come */

/* Begins the job's first task, which is here, and for which everything was gathered. Its pieces become one, datasets' pairs a column, and what a reduce task
   reads is told by where it lies. *begun counts nothing where it was stopped. RF_ENOMEM. */
int whole_task_begin(work_queue *in, worker_job *job, queued **begun);

#endif
