/* Seconds of the machine's monotonic clock. Only the MPI transport, executors, readers and the progress line look at it:
   decisions get the time as an argument. */
#ifndef RANKFOLD_BASE_CLOCK_H
#define RANKFOLD_BASE_CLOCK_H

double clock_now(void);

#endif
