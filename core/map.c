/* The verbs that hold their results: each is a job that is waited for. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "pool.h"

static int wait_for(rf_pool *pool, job *of)
{
    pool_stir(pool);
    while (!job_over(of) && pool->self->status >= 0)
        pool_turn(pool, INFINITY);
    return pool->self->status < 0 ? pool->self->status : job_tell(of);
}

int pool_run(rf_pool *pool, job *of, rf_results **results)
{
    int status = coordinator_start(pool->self->schedules, of, pool_now(pool));
    if (status == RF_OK) {
        status = wait_for(pool, of);
        if (results && results_of(job_take_spans(of), results))
            status = RF_ENOMEM;
    }
    coordinator_close(pool->self->schedules, of);
    return status;
}

enum how { ANY_ORDER, IN_ORDER, IN_ORDER_TUPLES };

static int map(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, enum how how, rf_results **results)
{
    if (results)
        *results = NULL;
    job *of;
    const job_order wanted = {.source = source, .ordered = how != ANY_ORDER, .wants_tuples = how == IN_ORDER_TUPLES,
                              .sink = results ? JOB_KEEPS : JOB_DROPS};
    int status = pool_submit(pool, function, options, &wanted, &of);
    return status ? status : pool_run(pool, of, results);
}

int rf_map(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, rf_results **results)
{
    return map(pool, function, source, options, IN_ORDER, results);
}

int rf_map_unordered(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, rf_results **results)
{
    return map(pool, function, source, options, ANY_ORDER, results);
}

int rf_starmap(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, rf_results **results)
{
    return map(pool, function, source, options, IN_ORDER_TUPLES, results);
}

int rf_apply(rf_pool *pool, rf_map_function *function, rf_value item, const rf_options *options, rf_results **results)
{
    return map(pool, function, rf_values(&item, 1), options, IN_ORDER, results);
}
