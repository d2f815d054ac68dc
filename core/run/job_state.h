/* What a job is made of: seen by job.c and the coordinator's files alone. */
#ifndef RANKFOLD_RUN_JOB_STATE_H
#define RANKFOLD_RUN_JOB_STATE_H

#include <sys/queue.h>

#include "base/numbered.h"
#include "input/blocks.h"
#include "result/stash.h"
#include "run/job.h"

/* What the plan is told when the consumer has taken items from the front. */
typedef struct receipt {
    uint64_t items, parts;
    size_t bytes;
    uint32_t chunk;
} receipt;

struct job {
    uint64_t id;                        /* the plan's; 0 until it is started */
    numbered by_id;
    uint64_t ordinal;                   /* on its pool: seeds, messages */
    uint64_t shares;                    /* the shared data that it sees: versions up to this one */
    const rf_registration *function;    /* NULL: it is chained */
    uint32_t number;
    char *name, *on;
    rf_source *source;
    rf_options settled;                 /* texts and state: only what this struct owns, or NULL */
    buffer state;                       /* bound state as it travels, or stages */
    rf_type state_type;
    bool chained, broke;
    bool by_workers, ordered, grows, ended, abandoned, reading;
    bool wants_tuples;                  /* an item that is no container fails */
    enum job_sink sink;
    struct by_key *by_key;              /* NULL: it is no part of one */
    uint32_t phase, input, tolerates;
    unsigned ahead;
    bool counts;                        /* its function may count, though it is no part of one */
    bool in_blocks;                     /* the plan's units are blocks of the source's */
    blocks blocks;
    uint64_t units_read;                /* of a sequential source */
    int status;
    failure *first_failure;             /* of the items, for the last error */
    failure *cause;                     /* why the job as a whole ended, where that is no item: its source, memory */
    uint64_t failed;
    spans *delivered;
    stash *waiting;
    receipt *chunks;                    /* ordered streams: what has come of each chunk, by its number */
    uint32_t chunks_most;
    receipt *receipts;                  /* a ring */
    size_t receipt_first, receipt_count, receipt_most;
    uint64_t taken;                     /* items of the first receipt */
    uint8_t *knows;                     /* a bit a rank: it has been sent the JOB */
    uint64_t want;                      /* units that the plan asked for */
    int descriptor;                     /* what the source waits for, while reading */
    double when;
    void *progress_user;                /* what settled.on_progress is given: settled.user, or line */
    rf_progress line;                   /* where the library shows how far it is */
    double progress_next;
    uint64_t done, total;               /* as told last */
    bool told_final;
    struct coordinator *runs;
    void *holder;                       /* who is told that it is over; NULL: whoever looks */
    bool tended, told;                  /* it is in those lists */
    LIST_ENTRY(job) all, to_tend;
    TAILQ_ENTRY(job) to_tell;
};

/* Where a part stands in its job. */
typedef struct part_place {
    uint32_t chunk;
    size_t bytes;
} part_place;

int job_create(const job_order *order, strings *hosts, job **made);    /* takes order->source */
void job_free(job *of);
int job_deliver(job *of, delivery *what, const part_place *where);  /* a part or a FAIL; counts its failures */
int job_chunk_complete(job *of, uint32_t chunk);                    /* the plan's DELIVER */
void job_fail_as_a_whole(job *of);                                  /* its cause is the last error */

/* coordinator_parts.c: the plan is told that so many parts of a chunk were taken */
void coordinator_taken(struct coordinator *runs, const job *of, const receipt *what);

#endif
