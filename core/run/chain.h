/* A chained job in a worker: takes item after item of a chunk through the pipeline, keeps what came out with its positions, or
   folds it. Called by the executor, which owns the column and the buffer of positions.

   A job that folds has units as leaves: an item that rank 0 knows, or a whole block where workers read. There a failed item fails its block,
   which is run again as a whole: the rest of it is passed over, and parts end at the ends of blocks alone. */
#ifndef RANKFOLD_RUN_CHAIN_H
#define RANKFOLD_RUN_CHAIN_H

#include "run/pipeline.h"
#include "run/reduction.h"

typedef struct chain {
    rf_call *call;
    column *values;                     /* of the part */
    buffer *positions;
    const executor_job *job;
    pipeline stages;
    reduction folds;
    column outputs;                     /* of one item, on their way into the fold */
    uint64_t failed_unit;               /* a block of which nothing more is run; UINT64_MAX: none */
    bool uneven;                        /* some item of the part gave none, or several */
    bool lost;                          /* there was no memory for what had been done: the part must not be reported */
} chain;

void chain_init(chain *of, rf_call *call, column *values, buffer *positions);
void chain_free(chain *of);
int chain_open(chain *of, const executor_job *job, uint64_t first);     /* a chunk. RF_ENOMEM */
void chain_begin_part(chain *of, uint64_t first);
void chain_worker(chain *of, uint32_t stage, void *worker);             /* what .init of that stage's function left; NULL: it is the one that fails */

static inline bool chain_passes_over(const chain *of, uint64_t unit)    /* its items need not be run */
{
    return unit == of->failed_unit && of->job->folds;
}
/* Runs the item that call->item tells of. A status: it has failed, and so says chain_failed. */
int chain_run(chain *of, rf_value item, uint64_t unit);
/* Puts a nil for a failed item where its value would be, with its position. false: lost. */
bool chain_failed(chain *of, uint64_t unit, uint64_t position);
uint16_t chain_failed_stage(const chain *of);
bool chain_end_part(chain *of, uint64_t upto);      /* the units below are done. false: lost */
bool chain_is_positioned(const chain *of, uint64_t ran);    /* its values are not one for each of the items that were run, in order */

#endif
