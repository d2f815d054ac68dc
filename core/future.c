/* Futures: jobs that go on while their caller does something else. A future settles when its job is over: then it holds the results and the
   job's status, and needs the pool no more. What it calls back is called by pool_turn, that is by calls that wait or poll, one callback at a
   time, and never inside another: a call that a callback makes on the pool settles futures and leaves their callbacks to the outermost one.

   A callback may free any future, also one that a call further out waits for or that is called back right now. So whoever uses a future pins
   it meanwhile; freeing a pinned one marks it, and the last pin takes it away. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "pool.h"

typedef void callback(rf_future *future, void *user);

struct rf_future {
    rf_pool *pool;                      /* NULL once the pool is no more */
    job *of;                            /* NULL once settled */
    int status;                         /* once settled: the job's */
    failure *why;                       /* why status is no success; NULL where there was no memory to keep that */
    rf_results *results;
    callback *on_success, *on_failure;
    void *user;
    unsigned pins;
    bool held;                          /* its caller has the handle: else it goes behind its callback */
    bool freed, queued;
    LIST_ENTRY(rf_future) all;          /* of its pool */
    TAILQ_ENTRY(rf_future) in_queue;    /* settled, and to be called back */
};

/* ---- made and freed ---- */

static void destroy(rf_future *one)
{
    if (one->queued)
        TAILQ_REMOVE(&one->pool->callbacks, one, in_queue);
    if (one->pool)
        LIST_REMOVE(one, all);
    failure_free(one->why);
    rf_results_free(one->results);
    free(one);
}

static void unpin(rf_future *one)
{
    if (!--one->pins && one->freed)
        destroy(one);
}

static int submit(rf_future *one, rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, bool tuples)
{
    const job_order wanted = {.source = source, .ordered = true, .wants_tuples = tuples, .sink = JOB_KEEPS};
    int status = pool_submit(pool, function, options, &wanted, &one->of);
    if (status)
        return status;
    one->pool = pool;
    one->on_success = job_options(one->of)->callback;
    one->on_failure = job_options(one->of)->error_callback;
    one->user = job_options(one->of)->user;
    job_hold(one->of, one);
    if (!one->held && !one->on_success && !one->on_failure)
        job_drop_results(one->of);
    status = coordinator_start(pool->self->schedules, one->of, pool_now(pool));
    if (status)
        coordinator_close(pool->self->schedules, one->of);
    return status;
}

/* What was submitted is sent at once, and nobody is called back: who submits in a loop meets no callback in it. One rank alone would run the
   function right here: that waits for a call that waits. */
static int start(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, bool tuples, rf_future **made)
{
    rf_future *one = calloc(1, sizeof *one);
    if (made)
        *made = NULL;
    if (!one) {
        rf_source_free(source);
        return error_no_memory(sizeof *one);
    }
    one->held = made != NULL;
    int status = submit(one, pool, function, source, options, tuples);
    if (status) {
        free(one);
        return status;
    }
    LIST_INSERT_HEAD(&pool->futures, one, all);
    pool->unsettled++;
    if (made)
        *made = one;
    if (!pool->self->works)
        pool_look(pool);
    return RF_OK;
}

int rf_apply_async(rf_pool *pool, rf_map_function *function, rf_value item, const rf_options *options, rf_future **made)
{
    return start(pool, function, rf_values(&item, 1), options, false, made);
}

int rf_map_async(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, rf_future **made)
{
    return start(pool, function, source, options, false, made);
}

int rf_starmap_async(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, rf_future **made)
{
    return start(pool, function, source, options, true, made);
}

/* ---- settling ---- */

static callback *to_call(const rf_future *one)
{
    return one->freed ? NULL : one->status == RF_OK ? one->on_success : one->on_failure;
}

/* Status, why and results are set. on_progress may be told of the end, and free this future or others. A failure that nobody will ever ask
   for is at least a warning. */
static void settled(rf_future *one)
{
    rf_pool *pool = one->pool;
    job *of = one->of;
    one->of = NULL;
    pool->unsettled--;
    one->pins++;
    coordinator_close(pool->self->schedules, of);
    if (to_call(one)) {
        TAILQ_INSERT_TAIL(&pool->callbacks, one, in_queue);
        one->queued = true;
    } else if (!one->held) {
        if (!one->freed && one->why && one->status != RF_ECLOSED)
            log_warn("%s; nobody holds its future", failure_error(one->why)->message);
        one->freed = true;
    }
    unpin(one);
}

static void settle(rf_future *one)
{
    one->status = job_tell(one->of);
    spans *all = job_take_spans(one->of);
    if (one->status == RF_ECANCELLED || one->freed)
        spans_free(all);
    else if (all && results_of(all, &one->results))
        one->status = RF_ENOMEM;
    if (one->status < 0)
        one->why = failure_new(rf_last_error());
    settled(one);
}

void futures_settle(rf_pool *pool)
{
    rf_future *one;
    while ((one = coordinator_next_over(pool->self->schedules)))
        settle(one);
}

void futures_deliver(rf_pool *pool)
{
    rf_future *one;
    if (pool->delivering)
        return;
    pool->delivering = true;
    while ((one = TAILQ_FIRST(&pool->callbacks))) {
        TAILQ_REMOVE(&pool->callbacks, one, in_queue);
        one->queued = false;
        one->pins++;
        if (!pool->silent)
            to_call(one)(one, one->user);
        one->freed = one->freed || !one->held;
        unpin(one);
    }
    pool->delivering = false;
}

/* ---- waiting ---- */

static void wait_until(rf_future *one, double seconds)
{
    rf_pool *pool = one->pool;
    double until = isinf(seconds) ? INFINITY : pool_now(pool) + (seconds > 0 ? seconds : 0);
    pool_stir(pool);
    do
        pool_turn(pool, until);
    while (one->of && !one->freed && pool->self->status >= 0 && pool_now(pool) < until);
}

static int tell_null(void)
{
    return error_set(RF_EUSAGE, "usage", "the future is NULL: the call that should have made it has failed");
}

/* RF_OK: it has settled, and nobody has freed it meanwhile. */
static int settle_within(rf_future *one, double seconds)
{
    if (!one)
        return tell_null();
    int status = one->of ? pool_usable(one->pool) : RF_OK;
    if (status)
        return status;
    one->pins++;
    if (one->of)
        wait_until(one, seconds);
    else if (one->queued && !pool_busy(one->pool))
        futures_deliver(one->pool);
    if (one->freed)
        status = error_set(RF_EUSAGE, "usage", "the future was freed by a callback while it was waited for");
    else if (one->of)
        status = (status = pool_usable(one->pool)) ? status : RF_AGAIN;
    unpin(one);
    return status;
}

bool rf_future_ready(rf_future *one)
{
    return one && settle_within(one, 0) == RF_OK;
}

bool rf_future_successful(rf_future *one)
{
    return rf_future_ready(one) && one->status == RF_OK;
}

int rf_future_wait(rf_future *one, double seconds)
{
    return settle_within(one, seconds);
}

static int tell(const rf_future *one)
{
    if (one->why)
        return error_of_item(failure_error(one->why));
    return one->status < 0 ? error_set(one->status, "job", "%s", rf_status_text(one->status)) : one->status;
}

int rf_future_get(rf_future *one, double seconds, const rf_results **results)
{
    if (results)
        *results = NULL;
    int status = settle_within(one, seconds);
    if (status)
        return status;
    if (results)
        *results = one->results;
    return tell(one);
}

/* ---- giving up ---- */

/* What has not begun never will, what runs is asked to stop. When it returns nothing of the job's source is used any more. */
static void stop(rf_future *one)
{
    rf_pool *pool = one->pool;
    coordinator_cancel(pool->self->schedules, one->of);
    pool_stir(pool);
    while (one->of && pool->self->status >= 0)
        pool_turn(pool, INFINITY);
}

int rf_future_cancel(rf_future *one)
{
    if (!one)
        return tell_null();
    int status = one->of ? pool_usable(one->pool) : RF_OK;
    if (status || !one->of)
        return status;
    one->pins++;
    stop(one);
    status = one->of ? pool_usable(one->pool) : RF_OK;
    unpin(one);
    return status;
}

static void give_up(rf_future *one)
{
    one->status = error_set(RF_ECLOSED, "closed", "%s: the pool was closed before it was done", job_options(one->of)->name);
    one->why = failure_new(rf_last_error());
    settled(one);
}

/* From where the pool may not be used its job is left to the steps that follow. */
void rf_future_free(rf_future *one)
{
    if (!one || one->freed)
        return;
    one->freed = true;
    one->pins++;
    if (one->queued)
        TAILQ_REMOVE(&one->pool->callbacks, one, in_queue);
    one->queued = false;
    if (one->of && pool_usable(one->pool) == RF_OK)
        stop(one);
    if (one->of)
        give_up(one);
    unpin(one);
}

/* ---- the pool closes ---- */

void futures_finish(rf_pool *pool)
{
    futures_deliver(pool);
    pool_stir(pool);
    while (pool->unsettled && !pool->closed && !pool->replayed && pool->self->status >= 0)
        pool_turn(pool, INFINITY);
}

void futures_end(rf_pool *pool)
{
    futures_settle(pool);
    for (rf_future *one = LIST_FIRST(&pool->futures), *next; one; one = next) {
        one->pins++;                    /* so that it stays in the list */
        if (one->of)
            give_up(one);
        next = LIST_NEXT(one, all);
        unpin(one);
    }
}

void futures_leave(rf_pool *pool)
{
    rf_future *one;
    pool->silent = true;
    futures_deliver(pool);
    while ((one = LIST_FIRST(&pool->futures))) {
        LIST_REMOVE(one, all);
        one->queued = false;
        one->pool = NULL;
    }
}
