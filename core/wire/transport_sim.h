/* A simulated cluster: virtual ranks and virtual time in one process, everything drawn from one seed: delays, reordering
   between different senders (never between frames of one), slow ranks, deaths. It is driven from rank 0: when rank 0
   calls transport_wait, the other ranks run, each by the step function it was given, in the order of virtual time, until
   something has happened for rank 0 or its time has come. The same seed gives the same run, byte for byte.

   A step costs its rank virtual time, during which nothing else happens on it; what it sends leaves at the step's end. What
   rank 0 does between two waits is a step as well. One other rank in 16 is slow: its steps cost 10 to 100 times as much.

   A step never waits: what a real rank does between two waits. transport_wait on another rank than 0 only flushes, and each
   step ends with a flush. Everything flushed has left there at once, so transport_quiet is about fetches alone; a step must not
   loop until it is true.

   A death comes between two steps or ends one: what its last step sent has not left then. What left before arrives, until
   rank 0 hears LOST. Other ranks than 0 are told of no death: what they send to a dead rank vanishes, what they fetch from it never comes. */
#ifndef RANKFOLD_WIRE_TRANSPORT_SIM_H
#define RANKFOLD_WIRE_TRANSPORT_SIM_H

#include "wire/transport.h"

typedef struct sim sim;

typedef struct sim_settings {
    int ranks;
    uint64_t seed;
    double latency;                 /* mean of a message's delay in seconds; drawn from an exponential, some (1 in 256) 100 times that */
    double bandwidth;               /* bytes a second for fetches, of what one owner serves; 0: no bound */
    double step;                    /* virtual seconds that a step of a rank takes */
    double death_rate;              /* deaths a second of virtual time, of ranks other than 0; 0: none */
    int survivors;                  /* workers that never die, at least */
    int hosts;                      /* ranks are spread over them in runs of neighbours; 0: rank 0 is alone on one, the others are on another */
    FILE *trace;                    /* a line an event, readable: time, from, to, what; NULL: none */
    void (*describe)(const void *frame, size_t size, char *text, size_t text_size);     /* for the trace; may be NULL */
    void (*waited)(void *context);  /* rank 0's transport_wait is about to return: a test that looks at sim_stalled and sim_now here need not
                                       hang in the loop that waits; may be NULL */
    void *context;
} sim_settings;

typedef double sim_step(void *rank_context, double now);    /* returns when to be called again at the latest (INFINITY: when something arrives) */

int sim_new(const sim_settings *settings, sim **cluster);   /* RF_ENOMEM, RF_EUSAGE */
transport *sim_transport(sim *cluster, int rank);           /* belongs to the cluster; transport_free on it ends that rank's part */
void sim_run_rank(sim *cluster, int rank, sim_step *step, void *rank_context);  /* rank 1... ; rank 0 is the caller */
double sim_now(const sim *cluster);
bool sim_stalled(const sim *cluster);   /* rank 0 waits without end, and nothing will ever happen but deaths: transport_wait returned for that reason */
bool sim_dead(const sim *cluster, int rank);
uint64_t sim_frames(const sim *cluster);    /* made so far */
void sim_free(sim *cluster);                /* NULL is legal */

#endif
