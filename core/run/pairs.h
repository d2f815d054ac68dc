/* A dataset's pairs as the items of a task: the worker that has a RUN of INPUT_PAIRS gathers them, and makes a column of tuples of them, which whoever
   runs the task reads as any other. */
#ifndef RANKFOLD_RUN_PAIRS_H
#define RANKFOLD_RUN_PAIRS_H

#include "run/gather.h"

int pairs_gather(shuffles *among, const message *run, gather **made);   /* RF_EUSAGE: its piece makes no sense */

/* The RUN's piece becomes a column, whose memory is *body. What could not be gathered, or is damaged, becomes an item each of which fails:
   RF_ENOMEM alone is the worker's failure. */
int pairs_unpack(message *run, buffer *body, gather *from);

#endif
