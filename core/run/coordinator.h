/* The coordinator: rank 0's steps. It joins the plan's decisions to the post: messages become events of the plan, actions of the plan become
   messages, deliveries and reads. The only code that knows both. Never blocks. */
#ifndef RANKFOLD_RUN_COORDINATOR_H
#define RANKFOLD_RUN_COORDINATOR_H

#include "run/figures.h"
#include "run/job.h"
#include "run/registry.h"
#include "run/share_table.h"
#include "wire/post.h"

typedef struct coordinator coordinator;

int coordinator_new(post *via, const registry *functions, coordinator **made);  /* both stay the caller's */
void coordinator_free(coordinator *runs);                           /* when the transport is freed: shared data is lent to it */

/* Steps begin with coordinator_clock: the time of all that is taken and decided until the next one. */
void coordinator_clock(coordinator *runs, double now);
int coordinator_take(coordinator *runs, message *what);             /* one message from a worker */
int coordinator_take_incomplete(coordinator *runs, message *what, int why);     /* one whose body did not come */
int coordinator_lost(coordinator *runs, int peer);                  /* a worker is gone */
double coordinator_step(coordinator *runs, double now);             /* decides and sends; returns when to be called again */
int coordinator_descriptor(const coordinator *runs);                /* what a source waits for, or -1 */
bool coordinator_at_ease(const coordinator *runs);                  /* no worker will want anything for some milliseconds */
bool coordinator_out_of_time(const coordinator *runs, uint64_t task);     /* now, while a function runs: its job is */
bool coordinator_in_callback(const coordinator *runs);              /* a generator or on_progress runs */
bool coordinator_call_back(coordinator *runs, bool runs_now);       /* one begins that no job here calls, or has ended; gives what it was */

/* Opening and closing. All ranks have greeted: RF_AGAIN until then, RF_EREGISTRY when their functions differ, told. */
int coordinator_ready(coordinator *runs);
int coordinator_dismiss(coordinator *runs);                         /* says BYE to every worker, once, and once all are gone that they are. RF_ENOMEM: not
                                                                       yet to all, RF_AGAIN: shared data is still on its way; call it again until
                                                                       coordinator_alone */
bool coordinator_alone(const coordinator *runs);                    /* every worker has left, and knows it of the others */
uint64_t coordinator_workers(const coordinator *runs);
uint64_t coordinator_jobs(const coordinator *runs);                 /* made so far */
void coordinator_count(coordinator *runs, uint64_t number);         /* which pool of its process it is of: failures tell it */

int coordinator_share(coordinator *runs, const char *name, const void *data, size_t size);     /* a new version, for the jobs made after it */

/* What the workers have done (coordinator_figures.c). ask: all of them; a negative status: the rest was not asked. answered: all that are there
   have, or those that are long in a function are excused. */
int coordinator_ask_figures(coordinator *runs);
bool coordinator_figures_answered(const coordinator *runs, bool excuse_busy);
int coordinator_worker_ranks(const coordinator *runs, int *first);      /* how many, the first: where rank 0 is alone, itself */
void coordinator_figures_of(const coordinator *runs, int rank, rf_worker_figures *to);
size_t coordinator_longest(const coordinator *runs, long_items *kept, rf_long_item to[RF_LONGEST]);      /* how many; they point into kept */
double coordinator_opened(const coordinator *runs);

int coordinator_share_table(coordinator *runs, share_table **made);     /* shared data as a job that is made now sees it, for functions on rank 0 */
struct by_key;
uint64_t coordinator_input_bytes(const job *of);        /* of its source, as far as it is known; 0: it is not */
int coordinator_make(coordinator *runs, const job_order *order, job **made);    /* nothing is read or sent before it is started */
int coordinator_start(coordinator *runs, job *of, double now);
void coordinator_close(coordinator *runs, job *over);               /* frees it; what is unfinished is abandoned first, and goes on to
                                                                       be cleared away by later steps */
void coordinator_cancel(coordinator *runs, job *started);           /* reads no more of its source; it is over soon */
void coordinator_fail_all(coordinator *runs, int status);           /* ends every job so: the pool closes, or cannot go on */
void *coordinator_next_over(coordinator *runs);                     /* the holder (job_hold) of a job that is over, each once, in the order in
                                                                       which they ended; NULL: of none */
bool coordinator_idle(const coordinator *runs);                     /* no unfinished job, also none that was abandoned */

#endif
