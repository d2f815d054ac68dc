/* What the plan knows. Seen by plan.c (events), workers.c (who may run what), schedule.c (choices), again.c (what is run again),
   jobs.c (life of a job) and tables.c alone.

   Ownership: pieces and chunks live in slot tables and are named by index, because the tables move when they grow. A piece is in
   exactly one place, told by its state:

     READY     in its job's ready list       WAITING   in the plan's heap, by due time
     RUNNING   in its worker's list, in the order sent (the first inline one may be being run, and of each fork job the first of so many as
               it has slots)
     DROPPED   in its worker's list, wanted by nobody: only the worker's credit still counts it
     LOOSE     in none: its worker has given it back, and what becomes of it is being decided

   Every piece but a DROPPED one is also in its job's list and counted by its chunk. Chunks of a job are in its list in the order of their
   units. A chunk's slot is free again when it is complete, delivered, and nothing of it is held by the consumer. */
#ifndef RANKFOLD_PLAN_STATE_H
#define RANKFOLD_PLAN_STATE_H

#include "plan/cost.h"
#include "plan/plan.h"
#include "plan/rate.h"

#define NONE UINT32_MAX

typedef struct list { uint32_t head, tail; } list;
typedef struct link { uint32_t next, previous; } link;

enum piece_state { PIECE_FREE, PIECE_READY, PIECE_WAITING, PIECE_RUNNING, PIECE_DROPPED, PIECE_LOOSE };

typedef struct piece {
    uint64_t first, count, covered;     /* units; covered: of count, by parts so far */
    uint64_t position;
    double predicted, due;
    double seconds, bytes;              /* of parts that finished no unit, until one does */
    size_t flying;                      /* predicted bytes of results */
    size_t travels;                     /* those and the bytes of its items */
    bool partly;                        /* items of a unit are reported, the unit is not done */
    link place, of_job;                 /* place: ready list, or worker's list */
    uint32_t chunk, job, worker;        /* job: its slot */
    uint32_t avoid;                     /* worker that failed it, or NONE */
    uint32_t generation, heap_at;
    unsigned attempt;
    bool forks;                         /* it runs in a child: beside those of other jobs */
    enum piece_state state;
} piece;

typedef struct chunk {
    uint64_t first, count;
    uint64_t held;                      /* parts and FAILs that the consumer has not taken */
    link of_job;
    uint32_t job;
    uint32_t pieces;                    /* not done */
    bool used, delivered;
} chunk;

enum job_phase { JOB_FREE, JOB_RUNS, JOB_STOPS };

typedef struct job {
    plan_job as;
    uint64_t id, serial;
    enum job_phase phase;
    int status;                         /* why it stops, or what its source said; else RF_OK */
    bool input_ended, reading, listed, silent;
    uint64_t known, cut;                /* units of the source that may be cut, and that were */
    uint64_t added, added_cut;          /* the same of those from PLAN_ADDED on */
    double added_bytes;                 /* input bytes of one of them: a mean */
    uint64_t active;                    /* units in the window */
    size_t bytes_held, bytes_flying;    /* flying: predicted results of what runs */
    uint64_t units_done, items_done, items_failed;
    double deadline;
    rate limit;
    bool thirsty;                       /* it has something to send and no token: next_token is not later than its own */
    uint64_t random;
    cost measured;
    list chunks, pieces, ready;
    uint32_t next_delivery;             /* the first chunk that is not delivered */
    link in_ring;
    uint32_t ordinals;                  /* workers whose ordinal is below this are its team, if they live */
    uint32_t team, takers;              /* takers: not benched */
    uint32_t slots;                     /* tasks that a worker runs at once; at least 1 */
    uint32_t begun;                     /* plan_lost: tasks that the lost worker may have begun */
    bool *benched;                      /* by worker */
    uint32_t benched_most;
} job;

typedef struct worker {
    double load;                        /* seconds predicted in flight; 0 exactly where all of it is of unknown cost */
    size_t bytes;                       /* that travel to it and back */
    list tasks;
    link in_hungry;
    uint32_t count, unknown, ordinal;   /* tasks in flight, and those of them whose cost is unknown */
    bool joined, hungry;
} worker;

struct plan {
    piece *pieces;
    chunk *chunks;
    job *jobs;
    worker *workers;
    uint32_t piece_count, piece_most, piece_free;
    uint32_t chunk_count, chunk_most, chunk_free;
    uint32_t job_count, job_most, job_free;
    uint32_t *order;                    /* worker that joined i-th */
    uint32_t worker_most, order_most, joined;
    uint32_t dry;                       /* workers that are there and have less than half of their credit */
    uint32_t slots;                     /* the most of all jobs; at least 1 */
    uint64_t serial;
    list ring;                          /* jobs that may have something to run */
    list hungry;                        /* workers with room */
    bool stuck;                         /* a whole pass found nothing, and nothing has changed since */
    uint32_t *heap;                     /* WAITING pieces by due */
    uint32_t heap_count, heap_most;
    plan_action *actions;               /* a ring */
    uint32_t action_first, action_count, action_most;
    double next_deadline;               /* no later than the earliest of all jobs: one that has ended may still count until then */
    double next_token;                  /* the earliest of thirsty jobs */
    int memory_status;
};

/* tables.c: slots, lists, the heap, the queue of actions */
uint32_t piece_new(plan *of, uint32_t of_job, uint32_t of_chunk);       /* NONE: out of memory. Linked to job, counted by chunk */
void piece_detach(plan *of, uint32_t which);            /* from job and chunk */
void piece_release(plan *of, uint32_t which);           /* the slot is free */
uint32_t chunk_new(plan *of, uint32_t of_job);
void chunk_release(plan *of, uint32_t which);
uint32_t job_new(plan *of);
void job_release(plan *of, uint32_t which);
job *job_by_id(plan *of, uint64_t id, uint32_t *slot);
uint64_t task_of(const plan *of, uint32_t which);
uint32_t piece_by_task(const plan *of, uint64_t task);  /* NONE: gone */
void ready_push(plan *of, uint32_t which, bool front);
void ready_remove(plan *of, uint32_t which);
void tasks_push(plan *of, uint32_t of_worker, uint32_t which);
void tasks_remove(plan *of, uint32_t which);
bool heap_push(plan *of, uint32_t which);
void heap_remove(plan *of, uint32_t which);
void ring_add(plan *of, uint32_t of_job);               /* it may have something to run: also ends stuck */
void ring_remove(plan *of, uint32_t of_job);
void hungry_add(plan *of, uint32_t who, bool front);
void hungry_remove(plan *of, uint32_t who);
void act(plan *of, const plan_action *action);
void actions_silence(plan *of, uint64_t of_job);        /* takes out what a job has to say to its caller */
bool grow_to(plan *of, void **array, uint32_t *most, size_t size, uint32_t index);   /* new ones are zero */

/* jobs.c: how chunks complete and jobs end. Only job_look and job_stop can end (release) a job */
void piece_done(plan *of, uint32_t which);              /* nothing of it is left to run: the slot is free */
void piece_fail(plan *of, uint32_t which, int status);  /* what parts have not covered is FAILed, then it is done; while a worker
                                                           has it, the slot survives as DROPPED */
void chunk_taken(plan *of, uint32_t which);             /* one of its parts or FAILs */
void job_stop(plan *of, uint32_t which, int status, bool drop);
void job_look(plan *of, uint32_t which);                /* ends it if nothing is left */
void deadlines_look(plan *of);
void tokens_look(plan *of);             /* likewise next_token */
uint64_t job_limit(const job *which);                   /* units of the source that may be cut in all: length, declared length */
uint64_t job_total(const job *which);                   /* all units that are known of */

/* workers.c */
bool job_takes(const plan *of, const job *which, uint32_t who);
void team_fill(const plan *of, job *which);
void bench(plan *of, uint32_t its_job, uint32_t who);   /* the caller ends a job without takers */
bool has_room(const plan *of, const worker *w);         /* for some job that there may be; schedule.c's fits says for which */
void slots_look(plan *of);                              /* the job with the most slots has come or gone */
void load_is(plan *of, worker *w, double load);
void worker_finished(plan *of, uint32_t which);         /* its worker has that piece no more */

/* again.c */
void set_apart(plan *of, uint32_t which, uint64_t units);   /* leaves it that many; what follows them is a READY piece of its own. Without
                                                           memory for that it stays whole */
bool try_again(plan *of, uint32_t which, const plan_failure *why, double now);
void piece_returns(plan *of, uint32_t which, bool at_it);   /* its worker has it no more: what is left of it is run again, or fails */

/* plan.c */
void job_judge(plan *of, uint32_t which);               /* halts it if too much has failed, else job_look */

/* schedule.c */
void expire(plan *of, double now);
bool schedule_one(plan *of, double now);

#endif
