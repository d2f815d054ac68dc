/* A whole cluster in one process: a pool over the simulated transport, its other ranks stepped as real ones run. The verbs of the pool it
   gives are the public ones; what waits in them lets the virtual ranks go on. Executors cost virtual time (run/executor_simulated.h).

   A run that will never end (rank 0 waits and nothing will happen any more, or virtual time has run out) is told to broken, from inside
   the verb that waits. */
#ifndef RANKFOLD_TESTS_CLUSTER_H
#define RANKFOLD_TESTS_CLUSTER_H

#include "pool.h"
#include "run/executor_simulated.h"
#include "wire/transport_sim.h"

typedef struct cluster_settings {
    sim_settings network;                   /* describe, waited and context are set here */
    double item_seconds, chunk_seconds;     /* what functions cost, see simulated_cost */
    double patience;                        /* virtual seconds that a run may take */
    bool short_of_memory;                   /* when it is closed, ranks may have been left behind */
    void (*broken)(const char *why);        /* does not return */
} cluster_settings;

typedef struct cluster cluster;

cluster *cluster_open(const cluster_settings *settings, const rf_options *defaults, rf_pool **pool);
bool cluster_lost_any(const cluster *of);
bool cluster_lost_all(const cluster *of);           /* no worker is left */
void cluster_pass(cluster *of, double seconds);     /* what rank 0 does elsewhere takes time, too */
void cluster_close(cluster *of);        /* closes the pool, unless that is done, and frees all; every rank that lives has left then */

#endif
