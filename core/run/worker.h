/* The worker's steps: takes RUNs, keeps them in lanes in the order they came (work_queue.h), hands them to an executor as it has room and posts
   its parts. Chunks of inline jobs are run one after another in this rank, those of a fork job beside them, in as many children as it has
   slots: while a function runs in the rank itself, children that are done with what they have wait. Never blocks, never calls a user's function
   itself.

   Ownership: a queued chunk's body is the worker's, taken from the message or copied; jobs' bound state likewise, until FORGET. */
#ifndef RANKFOLD_RUN_WORKER_H
#define RANKFOLD_RUN_WORKER_H

#include "run/executor.h"
#include "run/registry.h"
#include "wire/post.h"

typedef struct worker worker;

/* via, functions and executors stay the caller's. */
int worker_new(post *via, const registry *functions, worker **made);
void worker_free(worker *works);
void worker_use(worker *works, executor *runs, executor *forks);      /* forks: for jobs that run in children of the rank */
void worker_ask(worker *works, bool (*out_of_time)(void *context, uint64_t task), void *context);     /* where rank 0 is this process: no STOP
                                                           is sent while a function runs */
executor_host worker_host(worker *works);               /* for the executor: how functions let messages move */

int worker_greet(worker *works);                        /* says HELLO to rank 0 */
int worker_take(worker *works, message *what);          /* one message from rank 0; its body may be taken */
int worker_take_incomplete(worker *works, message *what, int why);    /* one whose body did not come: why is post_next's status */
double worker_step(worker *works, double now);          /* runs some; returns when to be called again (now: at once) */
bool worker_over(const worker *works);                  /* rank 0 has said BYE */
bool worker_waits(const worker *works);                 /* another rank has not answered yet what this one had asked */
bool worker_ends(const worker *works);                  /* nobody will ask this rank for anything any more: rank 0 has said so, or it was not sent away */
int worker_status(const worker *works);                 /* why it had to leave by itself: RF_OK, RF_ENOMEM, RF_EUSAGE; or RF_EREGISTRY */
bool worker_in_function(const worker *works);
uint64_t worker_waiting(const worker *works);           /* chunks in its queue and hands */

#endif
