/* Executors: where user functions run. A worker hands over a chunk at a time and asks for parts of its results as they are
   done; what runs inside the rank, in a child or in virtual time is the executor's own business.

   Ownership: the chunk's body and job stay until the last part was given. A part's columns and buffers are the executor's, valid until the
   next executor_next; the taker may move their bytes out (message_seal_part). */
#ifndef RANKFOLD_RUN_EXECUTOR_H
#define RANKFOLD_RUN_EXECUTOR_H

#include "input/piece.h"
#include "run/logbook.h"
#include "run/share_table.h"
#include "wire/message.h"

#define LONGEST_LEAST 0.001             /* seconds: what takes less is not told one by one */

/* A stage of a chained job: kind is one of message_stage_kind. */
typedef struct job_stage {
    uint32_t kind;
    const rf_registration *function;    /* NULL: STAGE_TRUTH, STAGE_IDENTITY */
    rf_value state;
} job_stage;

/* What all chunks of a job have in common; belongs to the worker. */
typedef struct executor_job {
    const rf_registration *function;    /* NULL: it is chained */
    rf_value state;
    uint32_t number;                    /* of function; of a chained job its first one's, UINT32_MAX: it has none */
    const job_stage *stages;            /* of a chained job; those that fold are the last */
    uint32_t stage_count;
    bool chained, folds;
    uint64_t seed, ordinal;
    bool by_workers;                    /* items are known by path and offset: parts carry positions */
    const share_table *shares;          /* all of it is there; NULL: none */
    bool grows;                         /* functions may add items */
    bool wants_tuples;                  /* an item that is neither a tuple nor a dictionary fails */
    /* for jobs that run in children of the rank */
    unsigned slots;                     /* chunks run at once; 0: in the rank itself, and nothing of the rest is said */
    double task_timeout;                /* seconds; INFINITY: none */
    uint64_t task_memory, lifespan;     /* UINT64_MAX: none */
    /* of a part of a job by key */
    struct shuffle *keyed;              /* NULL: it is none */
    uint32_t phase;                     /* PHASE_... */
    uint32_t tolerates;                 /* from this attempt on a failed item costs itself alone; 0: never */
    buffer frame;                       /* the JOB as it came, with its body: for whom it is handed on to */
} executor_job;

typedef struct executor_chunk {
    uint64_t task;
    const executor_job *job;
    input_piece piece;
    uint64_t first, count, position;
    unsigned attempt;
    uint64_t told_items, told_units;    /* what an executor that could not go on had told of it: those are passed over */
    double predicted;                   /* seconds; 0: unknown */
    bool more;                          /* more pieces of its task follow */
    uint64_t unit;                      /* of a task by key */
    struct gather *gathers;             /* what it reads beside its piece; NULL: nothing */
    const char *result;                 /* of a task by key in a child: the file that its run goes to, unless it is small. NULL: the run is kept here */
    buffer passed;                      /* a view: items that it goes without, as failures of a part, because they ended children before */
    uint64_t passed_count;
    bool follows;                       /* it begins where the chunk before ended: the clock need not be read again */
} executor_chunk;

typedef struct executor_part {
    uint64_t task;
    uint64_t unit, units;               /* where it begins, and how many are done with it */
    uint64_t path_index;
    uint64_t failure_count;
    uint64_t ran;                       /* items that were run for it, failed ones too */
    double seconds;                     /* without .init's */
    double init_seconds;
    uint64_t bytes_read;                /* of items that the worker has read itself */
    const struct message_long *longest; /* the item that took longest, of those that took LONGEST_LEAST; or NULL */
    bool last;
    bool init_failed;                   /* this worker cannot run this job: the one failure tells why, no unit is covered */
    bool partly;                        /* some items of the next unit are in it as well */
    bool positioned;                    /* positions tell where its values come from, not their order */
    column *values;                     /* one an item, nil where it failed; of a chained job what came out at its end */
    buffer *positions;                  /* uint64_t each */
    column *added;                      /* what these items have added to the job: index and value by turns; empty unless it grows. Or within the
                                           fork executor, of a task by key, its run */
    buffer *failures;                   /* message_add_failure's format */
} executor_part;

/* What an executor needs of the rank it is in. progress and cancelled are called from inside functions. */
typedef struct executor_host {
    int rank;
    double (*now)(void *context);       /* the rank's clock, virtual in the simulator */
    void (*progress)(void *context);
    bool (*cancelled)(void *context, uint64_t task);
    void *context;
} executor_host;

typedef struct executor executor;
struct executor_kind {
    bool (*room)(const executor *runs, const executor_job *of);
    int (*start)(executor *runs, const executor_chunk *chunk);
    bool (*next)(executor *runs, double now, executor_part *part);
    double (*wake)(const executor *runs);
    void (*cancel)(executor *runs, uint64_t task, bool drop);
    void (*free)(executor *runs);
};
struct executor { const struct executor_kind *kind; };

/* In this rank, in this thread: costs nothing, cannot be interrupted. next runs items until a part is full or its time is up. */
int executor_inline_new(const executor_host *host, executor **made);

/* Where its next part goes: memory that another process sees as well. Said before each executor_next, while no part is in hand. */
typedef struct executor_desk {
    buffer payload, words, tags, positions, failures;   /* fixed, like all of them */
    buffer added_payload, added_words, added_tags;
    logbook *log;
    const _Atomic uint32_t *stop;       /* not 0: as if cancelled */
    uint64_t items_most;                /* then the part ends, and more of the chunk is left */
} executor_desk;
void executor_inline_place(executor *runs, const executor_desk *desk);

/* Whether another chunk of this job can be started now, before others have ended. */
static inline bool executor_room(const executor *runs, const executor_job *of) { return runs->kind->room(runs, of); }
static inline int executor_start(executor *runs, const executor_chunk *chunk) { return runs->kind->start(runs, chunk); }
static inline bool executor_next(executor *runs, double now, executor_part *part) { return runs->kind->next(runs, now, part); }
static inline double executor_wake(const executor *runs) { return runs->kind->wake(runs); }     /* when next may have a part */
/* Stop after the item it is at; drop: nobody waits for that one either. The last part still comes. */
static inline void executor_cancel(executor *runs, uint64_t task, bool drop) { runs->kind->cancel(runs, task, drop); }
static inline void executor_free(executor *runs) { if (runs) runs->kind->free(runs); }

#endif
