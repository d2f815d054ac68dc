/* A sequence as the verbs see it: nodes, each made by a step from the one before it and never changed (but by rf_seq_foreach, which
   replaces one's data), in the arena of their pool. sequence.c makes them, segment.c turns a chain of them into one job, evaluate.c and
   reduce.c are its verbs.

       source <- map <- filter <- take <- map          a node points to the one that it was made from: forks share what is before them
       |______________________________|  |___|
                 segment                segment

   A segment is what runs as one job: the stages from a source up to a barrier (a take that has stages behind it, group_by, count_by), or to the
   end. What a barrier gives lies on rank 0 as a source of values, the next segment's. */
#ifndef RANKFOLD_SEQUENCE_H
#define RANKFOLD_SEQUENCE_H

#include "pool.h"
#include "wire/message.h"

enum seq_kind { SEQ_SOURCE, SEQ_MAP, SEQ_FLAT_MAP, SEQ_FILTER, SEQ_TAKE, SEQ_GROUP, SEQ_COUNT };

struct rf_seq {
    rf_pool *pool;                      /* NULL: one of those that stand for a sequence that could not be made */
    const rf_seq *from;                 /* NULL: a source */
    enum seq_kind kind;
    const rf_registration *function;    /* NULL: none */
    uint32_t number;                    /* of function */
    uint64_t count;                     /* of a take */
    const rf_options *with;             /* what rf_seq_with said; texts and state are the arena's. NULL: nothing */
    rf_source *source;
    failure *wrong;                     /* what waits for the verb */
    bool held;                          /* it is in the pool's list of those that hold something */
    rf_seq *next;
};

int sequence_check(const rf_seq *seq);  /* RF_OK: it may be evaluated. Else what waited in it or in one before it, or why its pool cannot be used */
void sequence_replace(rf_seq *seq, rf_source *source);      /* it is this source from now on */
int sequence_function(rf_pool *pool, rf_any_function *function, int kind, const rf_registration **found, uint32_t *number);

/* One evaluation: a verb on a sequence. */
typedef struct evaluation {
    rf_pool *pool;
    const rf_options *options;
    spans *failed;                      /* items that failed before a barrier, or on the way into a fold; NULL: none */
} evaluation;

typedef struct segment {
    rf_source *source;                  /* segment_submit takes it */
    buffer stages, name;
    rf_options defaults;                /* of its functions */
    uint64_t most;                      /* outputs that are wanted */
} segment;

/* Runs what is before its last barrier. Also after a failure it is to be closed. */
int segment_open(evaluation *in, const rf_seq *seq, segment *made);
int segment_add(segment *to, const rf_options *options, const rf_registration *function, uint32_t number, enum message_stage_kind kind);
int segment_add_value(segment *to, rf_value value);         /* STAGE_IDENTITY */
int segment_gather(evaluation *in, segment *of, rf_source **made);      /* runs it: a source of the values that it gives, the caller's also after a failure */
int segment_bound(evaluation *in, segment *of);             /* one with a limit becomes one without: what it gives is gathered */
int segment_submit(evaluation *in, segment *of, enum job_sink sink, job **made);        /* an ordered job */
void segment_close(segment *of);

/* Submits it, runs it and hands all it gives, in order, to take, which may keep nothing of ready but what spans_hand_on shares. RF_OK, the
   status of the job (RF_EITEMS ...), or of take, which ends it. */
typedef int segment_taker(void *context, const job *of, const spans *ready, uint64_t count);
int segment_stream(evaluation *in, segment *of, segment_taker *take, void *context);
int evaluation_give_failed(evaluation *in, int status, rf_results **results);      /* status; they are the results of a verb that has no others */
int evaluation_tell_failed(const evaluation *in);           /* RF_EITEMS, told, if there are any */
/* Keeps the failed items from *item on, below end, that follow each other: they may be all that was left of an endless source. *item is then behind
   them. */
int evaluation_keep_failed(evaluation *in, const job *of, const spans *ready, uint64_t *item, uint64_t end);

#endif
