/* The fused stages of a chained job: an item goes through all of them in the worker, one call after another, before the next item is
   read. Made and called by chain.c; knows nothing of parts and folds.

   What comes out is appended to the column of results as it is: any number of values for an item, none for one that was dropped.
   (An item's outputs could also travel as one value with a mark, dropped or spread, for rank 0 to expand. Then what a filter drops would cost
   16 bytes on the wire, and every reader of results would have to know the marks. Here what is dropped costs nothing after its
   predicate, and rank 0 reads what it reads of any job whose items have positions.)

   Cost: a call for each stage. Numbers go from stage to stage in a column of one value, and so do texts, bytes and containers, copied once
   each: an item starts at a multiple of 16, and what a function returned must not be overwritten while the next one reads it. */
#ifndef RANKFOLD_RUN_PIPELINE_H
#define RANKFOLD_RUN_PIPELINE_H

#include "run/call.h"
#include "run/executor.h"

struct pipeline_room {                  /* of a stage */
    column made, out;                   /* made: before it is flattened, or paired */
    void *worker;                       /* what .init left */
};

typedef struct pipeline {               /* a zeroed one, with its call set, is empty; the owner frees it */
    rf_call *call;
    const job_stage *stages;
    uint32_t count;
    struct pipeline_room *rooms;        /* of all stages of the job, those that fold too: chain.c fills in workers */
    uint32_t room_count;
    uint32_t at;                        /* the stage that runs, or has failed */
    column *outputs;
} pipeline;

/* count: stages before those that fold. RF_ENOMEM. */
int pipeline_open(pipeline *of, const executor_job *job, uint32_t count);
/* Appends what comes out to *outputs; call->item says which item it is. A status: nothing was appended, stage of->at failed, and call tells why. */
int pipeline_run(pipeline *of, rf_value item, column *outputs);
void pipeline_free(pipeline *of);

#endif
