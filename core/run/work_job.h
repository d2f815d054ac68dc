/* A job as those who run its tasks know it: what rank 0's JOB message said, made ready for an executor. Made by the worker, one a job,
   and freed when rank 0 forgets the job and none of its chunks is there; and by a child of the rank, for as long as it runs chunks of that job. */
#ifndef RANKFOLD_RUN_WORK_JOB_H
#define RANKFOLD_RUN_WORK_JOB_H

#include "run/executor.h"
#include "run/registry.h"
#include "run/share.h"
#include "run/shuffle.h"
#include "wire/message.h"

struct work_job {
    executor_job job;
    void *state;                        /* what job.state and those of the stages point to; NULL for numbers */
    size_t state_size;                  /* of its memory where that is read-only; 0: malloc's */
    job_stage *stages;
    share_table *shares;                /* what job.shares points to */
};

/* what: a JOB as message_read gave it, with its body, which is copied. has: NULL: shared data is the caller's business. by_key: NULL: the job is no part of one by key. RF_EUSAGE: it does not fit this rank's functions; RF_ENOMEM. */
int work_job_new(const registry *functions, const shares *has, const shuffles *by_key, const message *what, struct work_job **made);
void work_job_free(struct work_job *job);

/* The chunk that a RUN of this job describes; its body is the message's. */
executor_chunk work_job_chunk(const struct work_job *job, const message *run);

#endif
