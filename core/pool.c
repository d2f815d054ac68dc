#include "pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "run/fork_child.h"
#include "run/zygote.h"

/* ---- the outermost loop ---- */

double pool_now(const rf_pool *pool)
{
    return transport_now(pool->self->via);
}

void pool_look(rf_pool *pool)
{
    pool->wake = member_turn(pool->self);
    futures_settle(pool);
}

void pool_turn(rf_pool *pool, double until)
{
    member_wait(pool->self, pool->wake < until ? pool->wake : until);
    pool_look(pool);
    futures_deliver(pool);
}

void pool_wait(rf_pool *pool, double until, int descriptor)
{
    transport_wait(pool->self->via, until, descriptor);
}

void pool_count(rf_pool *pool, uint64_t number)
{
    pool->number = number;
    coordinator_count(pool->self->schedules, number);
}

void pool_stir(rf_pool *pool)
{
    pool->wake = 0;
}

/* A worker's life. What it sent last has left before it goes. */
static int serve(member *self)
{
    while (!member_left(self)) {
        double wake = member_turn(self);
        if (!member_left(self))
            member_wait(self, wake);
    }
    while (!member_leave(self))
        transport_wait(self->via, transport_now(self->via) + 0.001, -1);
    return self->status < 0 ? self->status : worker_status(self->works);
}

/* ---- opening ---- */

int rf_prepare(void)
{
    return zygote_make(true);
}

static int keep_defaults(rf_pool *pool, const rf_options *defaults)
{
    rf_options checked;
    pool->defaults.struct_size = sizeof pool->defaults;
    int status = options_from_environment(&pool->environment);
    if (status == RF_OK)
        status = options_settle(NULL, NULL, defaults, &pool->environment, &checked);
    if (status || !defaults)
        return status;
    if (defaults->struct_size < sizeof pool->defaults)
        memcpy(&pool->defaults, defaults, defaults->struct_size);
    else
        pool->defaults = *defaults;
    pool->defaults.struct_size = sizeof pool->defaults;
    pool->defaults.name = NULL;
    pool->defaults.state = rf_nil();
    if (pool->defaults.retry.on && !(pool->defaults.retry.on = strdup(pool->defaults.retry.on)))
        return error_no_memory(1);
    return RF_OK;
}

static int wait_for_workers(rf_pool *pool)
{
    int status;
    while ((status = coordinator_ready(pool->self->schedules)) == RF_AGAIN && pool->self->status >= 0)
        pool_turn(pool, INFINITY);
    return pool->self->status < 0 ? pool->self->status : status;
}

int pool_open(transport *via, const rf_options *defaults, rf_pool **pool, member **serving)
{
    *pool = NULL;
    rf_pool *made = calloc(1, sizeof *made);
    int status = made ? member_new(via, &made->self) : error_no_memory(sizeof *made);
    if (!made)
        transport_free(via);
    else
        TAILQ_INIT(&made->callbacks);
    if (status) {
        free(made);
        return status;
    }
    if (!made->self->schedules) {
        if (serving)
            *serving = made->self;
        status = serve(made->self);
        if (serving)
            *serving = NULL;
        member_free(made->self);
        free(made);
        return status;
    }
    status = wait_for_workers(made);
    if (status == RF_OK)
        status = keep_defaults(made, defaults);
    if (status == RF_OK)
        status = pool_read_replay(made);
    if (status == RF_OK) {
        *pool = made;
        return RF_OK;
    }
    rf_error why = *rf_last_error();
    pool_free(made);
    error_of_item(&why);
    return status;
}

/* ---- closing ---- */

bool pool_busy(const rf_pool *pool)
{
    const member *self = pool->self;
    return self && (coordinator_in_callback(self->schedules) || (self->works && worker_in_function(self->works)));
}

static int may_be_called(const rf_pool *pool)
{
    if (coordinator_in_callback(pool->self->schedules))
        return error_set(RF_EBUSY, "busy", "a generator or on_progress may not use the pool that called it");
    if (fork_child_here() || pool->folding || (pool->self->works && worker_in_function(pool->self->works)))
        return error_set(RF_EUSAGE, "usage", "a function that a pool runs may not use the pool; return what should be done next");
    return RF_OK;
}

static void begin_to_close(rf_pool *pool)
{
    if (pool->closed)
        return;
    pool->closed = true;
    futures_end(pool);
    coordinator_fail_all(pool->self->schedules, RF_ECLOSED);
    while (pool->iterators)
        iterator_pool_closes(pool->iterators);
    member_turn(pool->self);
    coordinator_dismiss(pool->self->schedules);
    pool_stir(pool);
}

static bool workers_are_there(const rf_pool *pool)
{
    return pool->self && pool->self->status >= 0 && !coordinator_alone(pool->self->schedules);
}

/* One rank alone is its own worker: it has left when it has read its own BYE. */
static void leave_alone(rf_pool *pool)
{
    member *self = pool->self;
    message gone = {.head.kind = MESSAGE_GONE};
    if (self->works && worker_over(self->works))
        coordinator_take(self->schedules, &gone);
}

bool pool_linger(rf_pool *pool)
{
    if (workers_are_there(pool)) {
        coordinator_dismiss(pool->self->schedules);     /* what is left of it */
        if (workers_are_there(pool))
            pool_turn(pool, pool_now(pool) + 0.1);
        leave_alone(pool);
    }
    return workers_are_there(pool);
}

static void put_away(rf_pool *pool)
{
    insights_free(pool->insights);
    pool->insights = NULL;
    member_free(pool->self);
    pool->self = NULL;
    sequences_pool_closes(pool);
}

int rf_close(rf_pool *pool)
{
    if (!pool || (pool->closed && (!pool->self || pool->delivering)))
        return RF_OK;
    int status = pool->closed ? RF_OK : may_be_called(pool);
    if (status == RF_OK && pool->delivering)
        status = error_set(RF_EBUSY, "busy", "a callback cannot wait for the pool that calls it to close; rf_terminate may be called from there");
    if (status)
        return status;
    if (!pool->closed)
        futures_finish(pool);
    begin_to_close(pool);
    while (pool_linger(pool))
        ;
    status = pool->self->status < 0 ? pool->self->status : RF_OK;
    put_away(pool);
    return status;
}

int rf_terminate(rf_pool *pool)
{
    if (!pool || pool->closed)
        return RF_OK;
    int status = may_be_called(pool);
    if (status)
        return status;
    begin_to_close(pool);
    futures_deliver(pool);
    if (!pool->delivering && !pool_linger(pool))
        put_away(pool);                 /* a call on the pool that is further out needs the rest of it */
    return RF_OK;
}

void pool_leave(rf_pool *pool)
{
    pool->silent = true;
    rf_terminate(pool);
    rf_close(pool);
}

void pool_free(rf_pool *pool)
{
    if (!pool)
        return;
    if (pool->self) {
        pool->silent = true;
        begin_to_close(pool);
        while (pool_linger(pool))
            ;
        put_away(pool);
    }
    futures_leave(pool);
    free((char *)(uintptr_t)pool->defaults.retry.on);
    failure_free(pool->replayed);
    arena_free(&pool->sequences);
    free(pool);
}

/* ---- using ---- */

int pool_usable(rf_pool *pool)
{
    if (!pool)
        return error_set(RF_EUSAGE, "usage", "the pool is NULL: rf_open gives it on rank 0 alone");
    if (pool->closed)
        return error_set(RF_ECLOSED, "closed", "the pool is closed");
    if (pool->replayed)
        return error_set(RF_ECLOSED, "closed", "the item of RANKFOLD_REPLAY was run: nothing runs after it");
    int status = may_be_called(pool);
    if (status == RF_OK && pool->self->status < 0)
        return error_set(pool->self->status, "pool", "the pool cannot go on: %s", rf_status_text(pool->self->status));
    return status;
}

int rf_poll(rf_pool *pool, double seconds)
{
    int status = pool_usable(pool);
    if (status)
        return status;
    double until = pool_now(pool) + (seconds > 0 ? seconds : 0);
    pool_stir(pool);
    do
        pool_turn(pool, until);
    while (!coordinator_idle(pool->self->schedules) && pool_now(pool) < until);
    return coordinator_idle(pool->self->schedules) ? RF_OK : RF_AGAIN;
}

uint64_t rf_workers(const rf_pool *pool)
{
    return pool && pool->self && !pool->closed ? coordinator_workers(pool->self->schedules) : 0;
}

int pool_check_together(const rf_pool *pool, const rf_source *source, rf_options *settled)
{
    uint64_t workers = coordinator_workers(pool->self->schedules);
    if (settled->workers > workers) {
        log_warn("workers: %u were asked for, %" PRIu64 " are there", settled->workers, workers);
        settled->workers = (unsigned)workers;
    }
    if (settled->n_splits && !settled->iterable_len && source_sequential(source))
        return error_set(RF_EOPTION, "option", "n_splits: needs a source of known length; say iterable_len, or chunk_size instead");
    return RF_OK;
}

int pool_submit_order(rf_pool *pool, job_order *order, const rf_options *options, const rf_options *function, job **made)
{
    *made = NULL;
    int status = options_settle(options, function, &pool->defaults, &pool->environment, &order->settled);
    if (status == RF_OK)
        status = pool_check_together(pool, order->source, &order->settled);
    if (status) {
        rf_source_free(order->source);
        return status;
    }
    if (pool_replays(pool, coordinator_jobs(pool->self->schedules)))
        return pool_replay(pool, order);
    return coordinator_make(pool->self->schedules, order, made);
}

int pool_submit(rf_pool *pool, rf_map_function *function, const rf_options *options, const job_order *wanted, job **made)
{
    *made = NULL;
    job_order order = *wanted;
    order.shows_on = pool ? pool->shows_on : NULL;
    int status = pool_usable(pool);
    if (status == RF_OK && !order.source)
        status = error_set(RF_EUSAGE, "usage", "the source is NULL: rf_range, rf_lines ... never give that, also after a failure");
    if (status == RF_OK)
        status = registry_number(pool->self->functions, (rf_any_function *)function, RF_KIND_MAP, &order.number);
    if (status) {
        rf_source_free(order.source);
        return status;
    }
    order.function = registry_at(pool->self->functions, order.number);
    return pool_submit_order(pool, &order, options, &order.function->options, made);
}
