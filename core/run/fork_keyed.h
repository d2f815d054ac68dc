/* A job by key on its way into a child. A JOB of such a job means nothing without its KEYED, and to a reduce task without the splitters of its RUNS:
   the rank's shuffle knows both, and tells them behind the JOB, functions by their names (fork_names.h). The child makes a shuffle of its own of
   them, whose scratch is below the rank's, so that what a crash leaves goes with that. */
#ifndef RANKFOLD_RUN_FORK_KEYED_H
#define RANKFOLD_RUN_FORK_KEYED_H

#include "run/shuffle.h"

/* The rank. place: a folder for the child's scratch. space: a multiple of 16. */
size_t fork_keyed_size(const shuffle *of, const char *place);
void fork_keyed_put(const shuffle *of, const char *place, void *space);

/* The child. told: what was put; it is written to. job: what its JOB said. Its shuffle stages no more than its share, of several slots, and of task_memory;
   *own: address space that is the library's all the same. RF_EUNREGISTERED, RF_EUSAGE, RF_ENOMEM. */
int fork_keyed_open(const registry *functions, void *told, const struct message_job *job, shuffles **made, size_t *own);

#endif
