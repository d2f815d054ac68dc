/* The plan: every decision of rank 0, and nothing else. Events and the time go in, actions come out. It reads no clock, moves
   no byte, calls nobody: a lost worker or a time-out is a function call in a test, and 100,000 workers fit in a laptop.

   Words. A unit is what is counted: an item that rank 0 knows, or a block that a worker reads and that holds many items. A
   chunk is a run of units that was cut together; it is what is delivered, in order where asked. A piece is what goes to a
   worker as a task: at first the whole chunk, later what has to be run again: one failed item, or what a lost worker left.
   A chunk is complete when none of its pieces is left.

   Promises (tests/test_plan.c asserts them over random schedules): each unit is run to success or failed for good exactly
   once; ordered jobs deliver chunks in the order of their units; units active and bytes held never exceed the window but for the head;
   the plan always ends, or waits for an event that it has asked for.

   Credit: a worker is given tasks until the work in flight is predicted to last PLAN_CREDIT seconds; one task where the cost is unknown, and
   none ahead of a task that takes longer than that (a busy inline worker cannot be recalled). For a job with n slots a worker counts n times:
   n tasks whatever they cost, n times the credit, n shares of what is left.
   Chunks: cut by measured cost, aiming at PLAN_AIM seconds and PLAN_PART_BYTES of results; growing by at most 4 from what was
   measured, shrinking toward the end of an input of known length (guided self-scheduling, Polychronopoulos and Kuck 1987).

   Rate: a job with rate_limit draws a token (rate.h) for each unit of each task that it sends, whatever it is sent for: a first attempt,
   a retry, what a lost worker had. In any interval of t seconds at most rate * t + max(1, rate * RATE_BURST) units of a job begin to be
   sent; no task is larger than the tokens at hand. A job without tokens holds up no other; plan_wake says when it goes on.

   Cost: every call is O(1) but for the heap of retries (log of how many wait), the workers that have room while work
   that they may not take waits, and the jobs, where a deadline or a token has come. */
#ifndef RANKFOLD_PLAN_PLAN_H
#define RANKFOLD_PLAN_PLAN_H

#include "rankfold.h"

#define PLAN_CREDIT 0.016
#define PLAN_AIM 0.004
#define PLAN_PART_BYTES 65536
#define PLAN_TASKS_MOST 256             /* in flight a worker */
#define PLAN_BYTES_MOST 4194304         /* of items and predicted results in flight a worker, unless one task alone is larger:
                                           memory that is still warm when it is used again */

#define PLAN_ALL UINT64_MAX             /* position: all items of the units */
#define PLAN_UNKNOWN UINT64_MAX         /* length */
#define PLAN_NO_CHUNK UINT32_MAX
#define PLAN_ADDED (UINT64_C(1) << 63)  /* units from here on were added by items of the job, in the order of the parts that brought them */

typedef struct plan plan;

plan *plan_new(void);                   /* NULL: out of memory, told */
void plan_free(plan *made);

/* Workers: small numbers, given by the caller. One runs the tasks of inline jobs one after another, and so many of each fork job at once
   as that has slots, in the order in which they were sent. */
int plan_join(plan *of, uint32_t worker);
int plan_lost(plan *of, uint32_t worker);               /* what it had is run again by others: the units it was at have used an attempt */

typedef struct plan_job {
    bool ordered;
    bool keeps;                         /* results are kept by the caller: the window counts what is not complete; else what is not taken */
    bool sequential;                    /* units become known by plan_items alone */
    uint64_t length;                    /* units; PLAN_UNKNOWN for sequential ones */
    size_t unit_bytes;                  /* input bytes that travel with a unit */
    size_t piece_bytes;                 /* of automatic chunks: at most, unless a unit is larger */
    rf_options settled;                 /* chunk_size, n_splits, max_active, max_bytes, timeout, retry, rate_limit, halt*, workers, executor, slots (0 is 1),
                                           seed. Texts are copied */
} plan_job;

int plan_add(plan *of, const plan_job *job, double now, uint64_t *id);  /* ids are never 0 and never used again */
int plan_items(plan *of, uint64_t job, uint64_t more, bool end);   /* answers READ, when there is something or the end (more
                                                                   may be 0 then); beyond a declared length it is cut */
void plan_read_failed(plan *of, uint64_t job, int status);   /* the source failed: what was read is finished, then the job ends so */
void plan_cancel(plan *of, uint64_t job, int status);   /* ends it with status; what is unfinished is FAILed */
void plan_abandon(plan *of, uint64_t job);              /* nobody wants anything of it: no DELIVER or FAIL, only STOPs, FORGETs, ENDED */

typedef struct plan_failure {
    uint64_t unit, position;            /* position PLAN_ALL where the unit is the item */
    const char *kind;
    bool final;                         /* it cannot be run again, whatever the policy says */
    bool again;                         /* out: it will be run again; otherwise it has failed for good */
} plan_failure;

typedef struct plan_part {
    uint64_t task;
    uint32_t worker;
    bool last;                          /* no more parts of this task; units that no part covered were not run */
    bool init_failed;                   /* this worker cannot run this job at all; failures are not looked at */
    bool partly;                        /* some items of the unit after those done are in it as well */
    uint64_t units, items;              /* done with this part; items: its results, failed ones too */
    uint64_t ran;                       /* items that were run: as many, but where stages give none or several for each */
    size_t bytes;                       /* of results */
    double seconds;
    uint64_t added;                     /* units that its items have added to the job, if it is wanted: known before the task is over, so
                                           that no job ends while something may still be added */
    size_t added_bytes;                 /* their input */
    plan_failure *failures;
    uint64_t failure_count;
    uint64_t job;                       /* out: 0: nobody wants it any more (job over, task given up): drop it */
    uint32_t chunk;                     /* out */
} plan_part;

/* RF_EUSAGE: the part cannot be this worker's; it has changed nothing. Failures may come in any order, each once. A part of a task
   that is over is no error: nobody wants it.
   Each part that is wanted and has items, and each FAIL of a chunk, of a job that does not keep is answered by one plan_taken when the
   consumer has taken (or dropped) it, with the same bytes (FAIL: 0). */
int plan_part_done(plan *of, plan_part *part, double now);
void plan_taken(plan *of, uint64_t job, uint32_t chunk, size_t bytes);

enum plan_action_kind {
    PLAN_READ,                          /* job, count: read up to so many units and say plan_items */
    PLAN_RUN,                           /* job, task, worker, chunk, first, count, position, attempt, predicted */
    PLAN_STOP,                          /* task, worker, drop: nobody wants what it is at either */
    PLAN_DELIVER,                       /* job, chunk: ordered: hand on what came of it, then forget the number */
    PLAN_FAIL,                          /* job, chunk, first, count, position, status, attempt: these were not done and never will be. chunk may be PLAN_NO_CHUNK
                                           (never cut; comes after all chunks). A whole range is one action */
    PLAN_FORGET,                        /* job, first, count: of sequential jobs, and of what was added: the input of these units is not
                                           needed any more */
    PLAN_ENDED                          /* job, status: after all else of it; first: units done, count: of so many */
};

typedef struct plan_action {
    enum plan_action_kind kind;
    int status;
    uint64_t job, task;
    uint32_t worker, chunk;
    uint64_t first, count, position;
    unsigned attempt;
    bool drop;
    double predicted;                   /* seconds; 0 unknown */
} plan_action;

bool plan_take(plan *of, double now, plan_action *action);      /* the next action; false: nothing to do now */
double plan_wake(const plan *of);                               /* when to look again (retry, token, time-out); INFINITY */

bool plan_at_ease(const plan *of);      /* every worker has work for half of PLAN_CREDIT or longer: nobody waits for what comes next */

bool plan_out_of_time(const plan *of, uint64_t task, double now);       /* its job is; the next plan_take will say so */

uint64_t plan_done(const plan *of, uint64_t job, uint64_t *total);      /* units done (failed ones too), and known so far, for progress */
bool plan_busy(const plan *of, uint32_t worker);                /* it has tasks whose last part has not come */
uint64_t plan_failed(const plan *of, uint64_t job);
int plan_memory_status(const plan *of);                         /* RF_ENOMEM once an action was lost for want of memory; the caller gives up the pool's jobs */

#endif
