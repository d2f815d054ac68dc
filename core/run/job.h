/* A job as rank 0 sees it: where its input comes from, where its results go, and how it ended. The coordinator drives it; the
   verbs (map.c, iterate.c) read what it has delivered.

   The way of a part: results that came in a message -> delivery -> stash (ordered jobs, until its chunk's turn) -> spans (result set or
   iterator). A receipt remembers for each delivery what the plan has to be told when the consumer has taken it.

   Owned by the coordinator until job_close; the spans are the consumer's once taken with job_results. */
#ifndef RANKFOLD_RUN_JOB_H
#define RANKFOLD_RUN_JOB_H

#include "input/source.h"
#include "plan/plan.h"
#include "result/spans.h"

typedef struct job job;
struct by_key;

enum job_sink { JOB_KEEPS, JOB_STREAMS, JOB_DROPS };    /* a result set; an iterator; nothing but the count of failures */

typedef struct job_order {
    const rf_registration *function;    /* NULL: it is chained */
    uint32_t number;                    /* of function */
    const buffer *stages;               /* of a chained job, as message.h has them; copied */
    rf_source *source;                  /* consumed, also after a failure */
    rf_options settled;                 /* texts and state are copied; of a chained job name is said */
    bool ordered;
    bool grows;                         /* its functions may add items to it */
    bool wants_tuples;                  /* an item that is neither a tuple nor a dictionary fails */
    enum job_sink sink;
    struct by_key *by_key;              /* it is a part of that: held by the job. NULL: it is none */
    uint32_t phase, input, tolerates;   /* as in its JOB message */
    uint64_t block_items, block_bytes;  /* of a map task by key */
    unsigned ahead;                     /* tasks that a worker has beside those that it runs */
    bool counts;                        /* its function may count: a mapper that is replayed */
    FILE *shows_on;                     /* where its progress is shown, if it is on and nobody else is told; NULL: nowhere */
} job_order;

/* Before it is started. */
void job_drop_results(job *of);         /* as if it had been made with JOB_DROPS */
void job_hold(job *of, void *holder);   /* coordinator_next_over gives holder when it is over */

const rf_options *job_options(const job *of);
bool job_over(const job *of);           /* it has ended and nobody uses its source any more */
int job_status(const job *of);          /* once over: how it ended */
bool job_broke(const job *of);          /* something of it was lost, for want of memory: what is delivered from now on may have gaps */
int job_tell(const job *of);            /* the same, and the last error tells what failed */
spans *job_spans(job *of);              /* delivered and not taken; NULL where it drops */
spans *job_spans_beside(const job *of); /* a new one, empty, that knows the same hosts and paths. NULL: out of memory, told */
spans *job_take_spans(job *of);         /* they are the caller's now */
void job_taken(job *of, uint64_t items);        /* JOB_STREAMS: the consumer is done with so many at the front */
uint64_t job_failed(const job *of);

#endif
