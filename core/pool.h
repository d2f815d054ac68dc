/* A pool as the verbs see it, and the outermost loop: the only place that waits. */
#ifndef RANKFOLD_POOL_H
#define RANKFOLD_POOL_H

#include <sys/queue.h>

#include "base/error.h"
#include "run/member.h"
#include "run/replay.h"

struct rf_pool {
    member *self;                       /* NULL once everything is put away: the shell remains, for RF_ECLOSED */
    rf_options defaults, environment;   /* texts in defaults are copies */
    buffer default_state;
    rf_iterator *iterators;             /* live ones: told when the pool closes */
    LIST_HEAD(, rf_future) futures;     /* all that were not freed */
    TAILQ_HEAD(, rf_future) callbacks;  /* of those: settled, to be called back */
    uint64_t unsettled;                 /* of those */
    struct insights *insights;          /* of rf_insights; NULL until asked for */
    FILE *shows_on;                     /* where the progress of its jobs is shown: rf_main's standard error; NULL: nowhere */
    arena sequences;                    /* what rf_seq_... made: valid, if of no use, after the pool is closed */
    rf_seq *sources;                    /* those of them that hold a source */
    bool folding;                       /* a fold function runs here */
    double wake;                        /* when the last turn wanted to come back */
    bool closed;
    uint64_t number;                    /* of the pools that this process has opened */
    bool replaying;                     /* the program was started to run one item again: */
    replay replays;
    failure *replayed;                  /* what that gave; nothing runs on this pool any more */
    bool delivering;                    /* a future's callback runs */
    bool silent;                        /* none is called any more: those who wrote them have left */
};

/* Opens a pool over a transport, which is taken. Rank 0: when all ranks have greeted. A worker: serves until the pool is over, *pool is NULL.
   serving: where to leave a pointer to the worker's member while it serves; may be NULL. */
int pool_open(transport *via, const rf_options *defaults, rf_pool **pool, member **serving);
bool pool_busy(const rf_pool *pool);    /* inside a generator, on_progress or a function */
int pool_usable(rf_pool *pool);         /* RF_OK; RF_ECLOSED; RF_EBUSY, RF_EUSAGE inside a callback or a function */
/* Waits for what the last turn was waiting for, not beyond until, and makes a turn. A loop around it looks at what it is for after each turn, and
   before the first says pool_stir: what was asked of the pool since the last turn must not wait. Callbacks of futures are called here: one may
   have terminated the pool, or freed what its caller looks at. pool_look is a turn that neither waits nor calls back. */
void pool_turn(rf_pool *pool, double until);
void pool_look(rf_pool *pool);
void pool_stir(rf_pool *pool);
void pool_wait(rf_pool *pool, double until, int descriptor);    /* without a turn, also until descriptor (or -1) can be read */
void pool_count(rf_pool *pool, uint64_t number);
void pool_leave(rf_pool *pool);         /* its driver has returned: terminates it, calls nobody back, waits for the workers */
bool pool_linger(rf_pool *pool);        /* closed by rf_terminate: true while workers have not left. Waits a little */
void pool_free(rf_pool *pool);          /* the shell too; what is open is terminated, and waited for */
double pool_now(const rf_pool *pool);

/* What all verbs begin with. wanted: source, which is consumed in any case, and all that does not follow from function and options. */
int pool_submit(rf_pool *pool, rf_map_function *function, const rf_options *options, const job_order *wanted, job **made);
/* The same of an order whose function or stages are known; order->source as above. function: its defaults. */
int pool_submit_order(rf_pool *pool, job_order *order, const rf_options *options, const rf_options *function, job **made);

int pool_check_together(const rf_pool *pool, const rf_source *source, rf_options *settled);     /* options that depend on pool and source */

/* map.c: starts the job, waits for it, gives its results (NULL: dropped) and closes it. */
int pool_run(rf_pool *pool, job *of, rf_results **results);

/* replay.c */
int pool_read_replay(rf_pool *pool);    /* whether the environment asks for one */
bool pool_replays(const rf_pool *pool, uint64_t ordinal);   /* the job that is submitted next is the one */
int pool_replay(rf_pool *pool, const job_order *order);     /* in its place; never RF_OK. RF_EITEMS: it failed again; RF_ECANCELLED: it succeeded */

void insights_free(struct insights *given);             /* insights.c */
/* iterate.c */
void iterator_pool_closes(rf_iterator *one);
int iterator_of(rf_pool *pool, job *of, uint64_t most, rf_iterator **made);      /* gives at most so many; takes of, also after a failure */

/* sequence.c */
void sequences_pool_closes(rf_pool *pool);      /* lets go of sources and what else they hold */

/* future.c */
void futures_settle(rf_pool *pool);     /* those whose jobs are over */
void futures_deliver(rf_pool *pool);    /* calls back, unless a callback runs */
void futures_finish(rf_pool *pool);     /* until all have settled, also those that callbacks add */
void futures_end(rf_pool *pool);        /* whose jobs are not over: RF_ECLOSED */
void futures_leave(rf_pool *pool);      /* the pool goes, they stay */

#endif
