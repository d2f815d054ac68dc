#include "run/chain.h"

#include <string.h>

#include "wire/message.h"

void chain_init(chain *of, rf_call *call, column *values, buffer *positions)
{
    of->call = of->stages.call = of->folds.call = call;
    of->values = values;
    of->positions = positions;
}

void chain_free(chain *of)
{
    pipeline_free(&of->stages);
    reduction_free(&of->folds);
    column_free(&of->outputs);
}

static bool belongs_to_fold(const job_stage *stage)
{
    return stage->kind >= STAGE_IDENTITY;
}

static reduction_function function_of(const job_stage *stage)
{
    return (reduction_function){.run = (rf_fold_function *)stage->function->function, .name = stage->function->name, .state = stage->state};
}

static void set_up_fold(chain *of, uint32_t first)
{
    of->folds.has_identity = false;
    for (uint32_t i = first; i < of->job->stage_count; i++) {
        const job_stage *stage = &of->job->stages[i];
        if (stage->kind == STAGE_IDENTITY) {
            of->folds.identity = stage->state;
            of->folds.has_identity = true;
        } else {
            *(stage->kind == STAGE_STEP ? &of->folds.step : &of->folds.merge) = function_of(stage);
        }
    }
}

int chain_open(chain *of, const executor_job *job, uint64_t first)
{
    uint32_t before_fold = 0;
    of->job = job;
    of->failed_unit = UINT64_MAX;
    while (before_fold < job->stage_count && !belongs_to_fold(&job->stages[before_fold]))
        before_fold++;
    if (job->folds)
        set_up_fold(of, before_fold);
    chain_begin_part(of, first);
    return pipeline_open(&of->stages, job, before_fold);
}

void chain_begin_part(chain *of, uint64_t first)
{
    of->uneven = of->lost = false;
    if (of->job->folds)
        reduction_begin(&of->folds, first);
}

void chain_worker(chain *of, uint32_t stage, void *worker)
{
    of->stages.at = stage;
    of->stages.rooms[stage].worker = worker;
    if (of->job->stages[stage].kind == STAGE_STEP)
        of->folds.step.worker = worker;
    if (of->job->stages[stage].kind == STAGE_MERGE)
        of->folds.merge.worker = worker;
}

static bool hand_on(chain *of, uint64_t end)
{
    of->lost = of->lost || reduction_hand_on(&of->folds, end, of->values, of->positions);
    return !of->lost;
}

/* ---- items ---- */

static int fold(chain *of, uint64_t unit)
{
    const call_item which = of->call->item;         /* merges between are no item's */
    int status = RF_OK;
    for (uint64_t i = 0; i < of->outputs.count && status == RF_OK; i++)
        status = reduction_step(&of->folds, unit, column_peek(&of->outputs, i), &which);
    if (status)
        of->stages.at = of->job->stage_count - 2;       /* step; merge is the last */
    return status;
}

static int keep_positions(chain *of, uint64_t before, uint64_t position)
{
    uint64_t more = of->values->count - before;
    buffer *positions = of->positions;
    of->uneven = of->uneven || more != 1;
    int status = positions->capacity - positions->size < more * sizeof position ? buffer_reserve(positions, more * sizeof position) : RF_OK;
    for (; more && status == RF_OK; more--, positions->size += sizeof position)
        memcpy(positions->data + positions->size, &position, sizeof position);
    return status;
}

int chain_run(chain *of, rf_value item, uint64_t unit)
{
    uint64_t before = of->values->count;
    if (of->job->folds) {
        if (reduction_is_full(&of->folds) && of->folds.parts[of->folds.count - 1].unit < unit)
            hand_on(of, unit);
        column_rewind(&of->outputs);
        int status = pipeline_run(&of->stages, item, &of->outputs);
        return status ? status : fold(of, unit);
    }
    int status = pipeline_run(&of->stages, item, of->values);
    if (status == RF_OK && keep_positions(of, before, of->call->item.position))
        of->lost = true;
    return status;
}

bool chain_failed(chain *of, uint64_t unit, uint64_t position)
{
    if (of->job->folds) {
        reduction_drop_leaf(&of->folds, unit);
        hand_on(of, unit);
        reduction_begin(&of->folds, unit + 1);
        of->failed_unit = position = unit;
    }
    of->lost = of->lost || buffer_put(of->positions, &position, sizeof position) || column_add(of->values, rf_nil());
    return !of->lost;
}

uint16_t chain_failed_stage(const chain *of)
{
    return (uint16_t)of->stages.at;
}

bool chain_end_part(chain *of, uint64_t upto)
{
    if (!of->job->folds)
        return !of->lost;
    reduction_drop_leaf(&of->folds, upto);      /* of a block that is not done */
    return hand_on(of, upto);
}

bool chain_is_positioned(const chain *of, uint64_t ran)
{
    return of->job->folds || of->job->by_workers || of->uneven || of->values->count != ran;
}
