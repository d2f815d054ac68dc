/* A member: one rank of a pool, with what it is made of: its post, and the coordinator (rank 0), the worker (the others), or both
   (one rank alone). A turn takes what has come and lets both do what they can; only the outermost loop, in pool.c, waits. */
#ifndef RANKFOLD_RUN_MEMBER_H
#define RANKFOLD_RUN_MEMBER_H

#include "run/coordinator.h"
#include "run/worker.h"

typedef struct member {
    transport *via;
    post *office;
    registry *functions;
    coordinator *schedules;             /* NULL on workers */
    worker *works;                      /* NULL on rank 0, unless it is alone */
    executor *runs, *forks;             /* in this process, and in its children */
    int status;                         /* why it cannot go on */
    bool gone;                          /* GONE is said */
} member;

int member_new(transport *via, member **made);  /* takes via, also after a failure; a worker has greeted */
void member_free(member *self);                 /* with the transport: nobody sends to this rank any more */
double member_turn(member *self);               /* never blocks; returns when to come back at the latest (now: at once) */
void member_wait(member *self, double until);   /* sleeps until something has happened, or until then */
bool member_left(const member *self);           /* a worker: rank 0 has said BYE, or it cannot go on */
/* What such a worker does instead of turns, until it is true: then all it said has left, and what it had offered was read. It says GONE when no other
   rank owes it an answer, and goes when rank 0 has heard that of all: until then it answers what others ask, so that none waits for one that
   has left. Where a rank is lost, or it cannot go on itself, it waits for nobody. */
bool member_leave(member *self);

#endif
