/* The inside of a simulated cluster, shared by its three parts:

       transport_sim.c    what a rank calls: frames, bodies, events, waiting
       sim_lanes.c        gathers frames between two ranks and sends them on their way
       sim.c              the cluster: what happens when, deaths, time

   Everything that is going to happen stands in one agenda, by virtual time; deaths alone stand beside it, since a cluster
   in which nothing else will happen has stalled. All draws come from one stream in the order of the events, so that a seed
   is a run. */
#ifndef RANKFOLD_WIRE_SIM_STATE_H
#define RANKFOLD_WIRE_SIM_STATE_H

#include "wire/agenda.h"
#include "wire/batch.h"
#include "wire/bodies.h"
#include "wire/transport_sim.h"

enum happening {
    ARRIVES,                                /* a batch (what) */
    ALARM,                                  /* rank to wants to be stepped */
    READ,                                   /* to has all of body id, which from lends it */
    REFUSED,                                /* to hears that from does not lend it body id */
    RELEASED,                               /* from hears that to has read body id */
    LOST                                    /* rank 0 hears that from is dead */
};

/* One direction between two ranks, from the first frame on. */
struct lane {
    struct lane *chain, *next_open;
    int from, to;
    batch *open;                            /* gathered, not sent */
    bool listed;
    double last;                            /* when the batch that was sent last arrives: the next one does not before */
};

struct transport {
    sim *cluster;
    int rank;
    char host[32];
    bool dead, ended, lost;                 /* lost: rank 0 has heard that it is dead */
    double died;
    sim_step *step;
    void *context;
    double cost;                            /* of its steps */
    double busy;                            /* until then */
    double alarm;                           /* the next one in the agenda that counts; INFINITY: none */
    double lending;                         /* what it serves keeps its network busy until then */
    batch_queue inbox;
    batch *walking;
    bodies offers, fetches;
    body_queue over;
    struct lane *open_first, *open_last, *recent;
};

struct sim {
    sim_settings settings;
    double now;
    uint64_t random;
    agenda plans;
    double next_death;
    int living;                             /* ranks other than 0 that are neither dead nor freed */
    transport *ranks;
    struct lane **lanes;                    /* by from and to */
    size_t lane_room, lane_count;
    batch_pool pool;
    uint64_t frames;
    bool stalled, failed, failure_told;     /* failed: for want of memory */
};

double sim_draw_delay(sim *cluster);
void sim_plan(sim *cluster, agenda_entry entry);
void sim_trace_batch(const sim *cluster, batch *came, int to);  /* does nothing without a trace */
void sim_step_root(transport *root);            /* rank 0's step is over: that takes its time, while the others go on */
bool sim_go_on(sim *cluster, double until);     /* lets the next thing happen that does by then; false: nothing does */
bool sim_has_something(const transport *via);   /* transport_next would tell it */
void sim_end_rank(transport *via);              /* frees what it holds; it is stepped no more */

void *lane_gather(transport *via, int to, enum batch_kind kind, size_t size);   /* NULL: out of memory, told */
void lanes_free(sim *cluster);

#endif
