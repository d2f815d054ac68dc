/* A dataset as the verbs see it: made by mapreduce.c, read by dataset.c. */
#ifndef RANKFOLD_DATASET_H
#define RANKFOLD_DATASET_H

#include "pool.h"
#include "run/by_key.h"
#include "run/counters.h"

#define DATASET_FAILURES_KEPT 16        /* told in a report */

struct rf_dataset {
    rf_pool *pool;
    by_key *of;                         /* whose runs its parts are: held. NULL: there are none, the job had an output */
    struct input_pairs *parts;          /* by partition */
    uint32_t part_count;
    rf_keyed_figures figures;
    counters counts;                    /* kept */
    failure *failures[DATASET_FAILURES_KEPT];
    char *name, *output;                /* output: NULL: none */
};

int dataset_new(rf_pool *pool, const char *name, const char *output, rf_dataset **made);
int dataset_fail(rf_dataset *of, const rf_error *error);    /* counts it, and keeps the first */
int dataset_status(const rf_dataset *of);   /* RF_OK, or RF_EITEMS with the first failure as the last error: items were gone without */

#endif
