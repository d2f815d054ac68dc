/* The jobs of the pool that a job by key consists of: one for each input, then one that reduces. */
#include <math.h>

#include "base/options.h"
#include "mapreduce.h"
#include "run/built_in.h"

#define BLOCK_BYTES ((uint64_t)16 << 20)
#define BLOCK_MOST ((uint64_t)64 << 20)
#define BLOCK_OF_MEMORY 8                       /* a block is at most this share of a worker's budget */
#define BLOCK_READ ((uint64_t)1 << 20)          /* of what rank 0 reads: it holds several */
#define BLOCKS_OF_ITEMS 256                     /* tasks of an input of known length */
#define ITEMS_MOST ((uint64_t)1 << 20)
#define ITEMS_UNKNOWN ((uint64_t)1 << 16)
#define BLOCKS_AHEAD 4                          /* a worker, of what rank 0 reads */

/* ---- progress: tasks of all parts together ----------------------------------------------------------------------- */

void by_key_tell_progress(by_key_run *run, bool final)
{
    uint64_t done = 0, total = 0;
    for (uint32_t i = 0; i <= run->inputs; i++) {
        done += run->progress[i].done;
        total += run->progress[i].total;
    }
    bool before = coordinator_call_back(run->pool->self->schedules, true);
    run->on_progress(done, total, final, run->progress_user);
    coordinator_call_back(run->pool->self->schedules, before);
}

static void part_goes_on(uint64_t done, uint64_t total, bool final, void *user)
{
    task_progress *part = user;
    (void)final;
    part->done = done;
    part->total = total;
    by_key_tell_progress(part->of, false);
}

void by_key_settle_progress(by_key_run *run)
{
    run->on_progress = run->settled.on_progress;
    run->progress_user = run->settled.user;
    if (!run->on_progress && run->settled.progress == RF_ON && run->pool->shows_on) {
        run->line = (rf_progress){.to = run->pool->shows_on, .name = run->settled.name};
        run->on_progress = rf_progress_line;
        run->progress_user = &run->line;
    }
}

/* ---- made -------------------------------------------------------------------------------------- */

static bool says_split(const by_key_run *run, const rf_registration *function)
{
    const rf_pool *pool = run->pool;
    return (run->options && run->options->split_size) || function->options.split_size || pool->defaults.split_size || pool->environment.split_size;
}

static void settle_blocks(const by_key_run *run, job_order *order)
{
    rf_options *its = &order->settled;
    uint64_t length = source_length(order->source), most = BLOCK_MOST;
    bool sequential = source_sequential(order->source), counted = !sequential && !source_read_by_workers(order->source) && length != UINT64_MAX;
    if (run->said.memory && run->said.memory / BLOCK_OF_MEMORY < most)
        most = run->said.memory / BLOCK_OF_MEMORY;
    bool split_said = says_split(run, order->function);
    if (!split_said)
        source_in_blocks(order->source, most > BLOCK_READ ? most : BLOCK_READ);
    uint64_t some = length / BLOCKS_OF_ITEMS;
    order->block_items = counted ? (some < 1 ? 1 : some < ITEMS_MOST ? some : ITEMS_MOST) : ITEMS_UNKNOWN;
    order->block_bytes = split_said ? its->split_size : BLOCK_BYTES < most ? BLOCK_BYTES : most;
    if (its->chunk_size)
        order->block_items = its->chunk_size, order->block_bytes = UINT64_MAX;
    if (its->n_splits && counted)
        order->block_items = length / its->n_splits + 1;
    its->chunk_size = 1;
    its->n_splits = 0;
}

static int settle_part(by_key_run *run, job_order *order, uint32_t part)
{
    const rf_pool *pool = run->pool;
    int status = options_settle(run->options, &order->function->options, &pool->defaults, &pool->environment, &order->settled);
    status = status ? status : pool_check_together(pool, order->source, &order->settled);
    if (status)
        return status;
    order->settled.timeout = isfinite(run->deadline) ? fmax(run->deadline - pool_now(pool), 1e-9) : RF_NONE;
    order->settled.on_progress = run->on_progress ? part_goes_on : NULL;
    order->settled.user = &run->progress[part];
    order->settled.progress = RF_OFF;
    run->progress[part].of = run;
    order->tolerates = run->said.tolerant ? order->settled.retry.attempts : 0;
    return RF_OK;
}

/* Rank 0 holds a few blocks for each worker, and no more. */
static void bound_reading(const by_key_run *run, job_order *order)
{
    if (!source_sequential(order->source) && order->settled.rate_limit.count <= 0)
        return;
    order->block_bytes = order->block_bytes < BLOCK_READ ? order->block_bytes : BLOCK_READ;
    if (!order->settled.max_active)
        order->settled.max_active = BLOCKS_AHEAD * rf_workers(run->pool);
}

static int make_map_job(by_key_run *run, uint32_t i)
{
    rf_input *input = &run->said.inputs[i];
    job_order order = {.source = input->source, .sink = JOB_STREAMS, .by_key = run->of, .phase = PHASE_MAP, .input = i};
    rf_map_function *mapper = input->mapper ? input->mapper : built_in_mapper();
    input->source = NULL;
    int status = registry_number(run->pool->self->functions, (rf_any_function *)mapper, RF_KIND_MAP, &order.number);
    if (!status) {
        order.function = registry_at(run->pool->self->functions, order.number);
        status = settle_part(run, &order, i);
    }
    if (status) {
        rf_source_free(order.source);
        return status;
    }
    if (rf_type_of(input->state) != RF_NIL)
        order.settled.state = input->state;
    if (pool_replays(run->pool, coordinator_jobs(run->pool->self->schedules)))
        return pool_replay(run->pool, &order);
    settle_blocks(run, &order);
    bound_reading(run, &order);
    status = coordinator_make(run->pool->self->schedules, &order, &run->parts[i]);
    run->part_count += !status;
    return status;
}

int by_key_make_maps(by_key_run *run)
{
    int status = RF_OK;
    for (uint32_t i = 0; i < run->inputs && !status; i++)
        status = make_map_job(run, i);
    return status;
}

int by_key_make_reduce(by_key_run *run)
{
    job_order order = {.source = rf_range(0, run->says.partitions), .sink = JOB_STREAMS, .by_key = run->of, .phase = PHASE_REDUCE, .function = run->reducer,
                       .number = run->reducer_number};
    int status = settle_part(run, &order, run->inputs);
    if (status) {
        rf_source_free(order.source);
        return status;
    }
    order.settled.state = run->said.state;
    order.settled.iterable_len = 0;
    order.settled.chunk_size = 1;
    order.settled.n_splits = 0;
    order.ahead = 1;                            /* a worker gathers for the next task while it runs others */
    order.tolerates = 0;
    status = coordinator_make(run->pool->self->schedules, &order, &run->parts[0]);
    run->part_count = !status;
    run->reduces = true;
    return status;
}

void by_key_close_parts(by_key_run *run)
{
    for (uint32_t i = 0; i < run->part_count; i++)
        coordinator_close(run->pool->self->schedules, run->parts[i]);
    run->part_count = 0;
}

/* ---- run to their end --------------------------------------------------------------------------------------------- */

static void end_early(by_key_run *run)
{
    if (run->wrong)
        return;
    run->wrong = failure_new(rf_last_error());
    for (uint32_t i = 0; i < run->part_count; i++)
        if (!job_over(run->parts[i]))
            coordinator_cancel(run->pool->self->schedules, run->parts[i]);
}

/* What is taken makes room in the window, and a cancelled job ends: the plan has something to decide that no message tells of. */
static void take_results(by_key_run *run, uint32_t part)
{
    spans *given = job_spans(run->parts[part]);
    if (spans_count(given))
        pool_stir(run->pool);
    for (; spans_count(given); job_taken(run->parts[part], 1)) {
        rf_result first = spans_at(given, 0);
        if (!run->wrong && by_key_take(run, part, &first))
            end_early(run);
    }
}

static bool all_over(by_key_run *run)
{
    bool over = true;
    for (uint32_t i = 0; i < run->part_count; i++) {
        take_results(run, i);
        over &= job_over(run->parts[i]) && !spans_count(job_spans(run->parts[i]));
    }
    return over;
}

/* Runs the parts there are to their end, and closes them. */
int by_key_run_parts(by_key_run *run)
{
    rf_pool *pool = run->pool;
    int status = RF_OK;
    for (uint32_t i = 0; i < run->part_count && !status; i++)
        status = coordinator_start(pool->self->schedules, run->parts[i], pool_now(pool));
    if (status) {
        by_key_close_parts(run);
        return status;
    }
    pool_stir(pool);
    while (!all_over(run) && pool->self->status >= 0)
        pool_turn(pool, INFINITY);
    if (pool->self->status < 0)
        return pool->self->status;
    for (uint32_t i = 0; i < run->part_count && !status && !run->wrong; i++)
        status = job_tell(run->parts[i]);
    by_key_close_parts(run);
    return run->wrong ? error_of_item(failure_error(run->wrong)) : status;
}
