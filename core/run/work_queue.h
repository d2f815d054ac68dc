/* The chunks that a worker has. Those that wait stand in lanes, and what is in a lane is begun in the order in which it came: inline jobs
   share one, and each job that runs in children of the rank has one of its own, so that none waits for another's. Those that were begun are in
   one list more. Entries keep their buffers for the next small body.

   The worker's alone; nothing here calls an executor. */
#ifndef RANKFOLD_RUN_WORK_QUEUE_H
#define RANKFOLD_RUN_WORK_QUEUE_H

#include <sys/queue.h>

#include "base/numbered.h"
#include "run/work_job.h"
#include "wire/post.h"

typedef struct queued {
    message run;                        /* head and fixed part; body points into kept */
    buffer kept;
    struct worker_job *job;
    struct gather *gathers;             /* what it reads beside its body; NULL: nothing (yet) */
    struct queued *next;
} queued;

typedef struct work_lane { queued *first, *last; } work_lane;

/* A job goes when rank 0 has forgotten it and no chunk of it is here. */
typedef struct worker_job {
    numbered by_id;                     /* its number is rank 0's; not in the table any more once it is forgotten */
    struct work_job *of;
    work_lane waiting;                  /* of a job that runs in children */
    size_t chunks;
    bool forgotten;
    LIST_ENTRY(worker_job) all;
    TAILQ_ENTRY(worker_job) forking;    /* while something is in waiting */
} worker_job;

typedef struct work_queue {
    LIST_HEAD(, worker_job) jobs;
    TAILQ_HEAD(, worker_job) forking;   /* jobs of which chunks wait for children */
    numbered_table by_id;
    work_lane waiting;                  /* of inline jobs */
    work_lane begun;
    queued *spare;
    size_t count;                       /* chunks in all */
    size_t forked;                      /* of those, of jobs that run in children */
} work_queue;

int work_queue_open(work_queue *in);                                    /* RF_ENOMEM: it is empty, and may be freed */
int work_queue_job(work_queue *in, const registry *functions, const shares *has, const shuffles *by_key, const message *what);
worker_job *work_queue_find(const work_queue *in, uint64_t job);        /* NULL */
void work_queue_forget(work_queue *in, uint64_t job);
int work_queue_add(work_queue *in, post *via, worker_job *job, message *run);  /* takes the body, or copies it */
queued *work_queue_begin(work_queue *in, worker_job *job);              /* the first of the job's lane is begun now; NULL: of the inline jobs' */
queued *work_queue_begun(const work_queue *in, uint64_t task);          /* the first of those that are; NULL */
void work_queue_done(work_queue *in, queued *begun);                    /* it is gone, and its job if that was the last of it */
void work_queue_stop(work_queue *in, uint64_t task);                    /* what waits of it counts nothing */
void work_queue_free(work_queue *in);

#endif
