/* The life of a child: takes requests from its ring, runs chunks with the inline executor, and tells parts where the rank reads them. It ends
   when it is asked to leave, when it has run as many items as the job's lifespan allows, or as its function has it.

   Called by the zygote in the process that it has just forked. */
#ifndef RANKFOLD_RUN_FORK_CHILD_H
#define RANKFOLD_RUN_FORK_CHILD_H

#include "run/ring.h"

/* memory: the ring's, which is taken; its size; rank: whose child it is. */
_Noreturn void fork_child_live(int memory, size_t size, int rank);

bool fork_child_here(void);             /* this process is one */

#endif
