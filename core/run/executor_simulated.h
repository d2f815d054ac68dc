/* The executor of the simulated cluster: another one, whose items cost virtual time. An item is run when its chunk begins, and the part
   that it is in appears when the time drawn for it is over; part.seconds says that time. What is drawn comes from one seed: one part in 64
   takes 100 times as long, one executor in 16 is slow.

   Made by who simulates ranks (transport_sim.h); a worker cannot tell it from another. */
#ifndef RANKFOLD_RUN_EXECUTOR_SIMULATED_H
#define RANKFOLD_RUN_EXECUTOR_SIMULATED_H

#include "run/executor.h"

typedef struct simulated_cost {
    double item, chunk;             /* seconds, the mean of what an item and what a chunk takes; 0: nothing */
    uint64_t seed;                  /* of this executor alone */
} simulated_cost;

/* Takes inner, also after a failure. */
int executor_simulated_new(executor *inner, const simulated_cost *cost, executor **made);

#endif
