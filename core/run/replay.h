/* Replay: one item of one job, named by a text, run again by itself. Rank 0 writes the text into each failure; a later process, one rank
   alone, runs its program up to that job (core/replay.c) and then, in place of the job, this one item as a worker would have run it: the same
   input, position, attempt, seed, bound state and shared data. */
#ifndef RANKFOLD_RUN_REPLAY_H
#define RANKFOLD_RUN_REPLAY_H

#include "run/coordinator.h"

#define REPLAY_TEXT 192                 /* bytes that hold any such text */

/* Everything that neither the program nor its input says again. */
typedef struct replay {
    uint64_t pool, job;                 /* both counted from 0, as they were opened and submitted */
    uint64_t unit, at;                  /* at: where in a block that workers read; UINT64_MAX: the unit is the item */
    uint64_t attempt, seed;
    uint64_t split;                     /* how large blocks are; 0 where there are none */
} replay;

void replay_write(const replay *which, char text[REPLAY_TEXT]);
int replay_read(const char *text, replay *which);      /* RF_EOPTION: it is none */

/* of: made with seed and split as they were, not started. Reads its source up to the unit. RF_AGAIN: call it again when *descriptor (or -1)
   can be read, or at *when. RF_EUSAGE: the source ends before; or what went wrong in it. */
int replay_seek(coordinator *runs, job *of, const replay *which, int *descriptor, double *when);

/* Runs the item in this process. With a debugger attached SIGTRAP is raised just before the function is called. RF_OK: it succeeded, its
   value is in *value (the caller's column); RF_EITEMS: it failed, the last error tells how; else it could not be run. */
int replay_run(coordinator *runs, job *of, const replay *which, column *value);

#endif
