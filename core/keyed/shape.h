/* What all data of one job by key agree on. Made by who starts the job, borrowed by all that stages, combines, seals and
   merges its records; the same on every rank, and for every attempt. */
#ifndef RANKFOLD_KEYED_SHAPE_H
#define RANKFOLD_KEYED_SHAPE_H

#include "keyed/fold.h"
#include "keyed/record.h"

/* A user's combiner: sees one key and, in order, values of it (a group of equal keys), and puts any number of values of that
   key in their place through rf_emit_pair, that is emit_combined. RF_OK, or a status with the last error set. */
struct emitter;
typedef int shape_combine(void *context, struct emitter *into, rf_value key, rf_group *values);

typedef struct shape {
    uint32_t partitions;                /* at least 1 */
    rf_partition_function *partitioner; /* NULL: by hash */
    record_order order;
    enum fold fold;                     /* FOLD_NONE: no built-in combiner */
    shape_combine *combine;             /* NULL: none of the user's */
    void *combine_context;
    uint32_t sample;                    /* keys of each run's sample; 0: none is wanted (partition_splitters needs it) */
    bool compress;                      /* blocks of runs, by zlib */
    size_t memory;                      /* bytes that a task may stage before it seals what it has */
} shape;

#endif
