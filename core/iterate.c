/* Iterators: a job whose results are taken one by one. It is planned at the first rf_next; from then on the window bounds how far it
   runs ahead of the one who takes. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "pool.h"

#define TURN_SECONDS 0.000200           /* results at hand or not, messages move and credit is topped up so often */
#define CALLS_MOST 256

struct rf_iterator {
    rf_pool *pool;                      /* NULL once it is closed */
    job *of;
    rf_result given;                    /* what the last rf_next gave */
    bool holds;                         /* given is still at the front of the spans */
    bool begun;
    bool busy;                          /* a call on it is further out: callbacks may not use it */
    uint64_t left;                      /* results that may still be given */
    bool enough;                        /* they are all there: the job was cancelled */
    int ended;                          /* RF_OK until the job has ended and all is taken: then RF_END or why */
    uint64_t failed, undelivered;
    uint64_t calls, calls_between;      /* since the clock was looked at, and how many may be */
    double turned;
    rf_iterator *next;
};

int iterator_of(rf_pool *pool, job *of, uint64_t most, rf_iterator **made)
{
    rf_iterator *one = *made = calloc(1, sizeof *one);
    if (!one) {
        coordinator_close(pool->self->schedules, of);
        return error_no_memory(sizeof *one);
    }
    one->of = of;
    one->left = most;
    one->pool = pool;
    one->next = pool->iterators;
    pool->iterators = one;
    return RF_OK;
}

static int iterate(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, bool ordered,
                   rf_iterator **made)
{
    *made = NULL;
    job *of;
    const job_order wanted = {.source = source, .ordered = ordered, .sink = JOB_STREAMS};
    int status = pool_submit(pool, function, options, &wanted, &of);
    return status ? status : iterator_of(pool, of, UINT64_MAX, made);
}

int rf_imap(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, rf_iterator **made)
{
    return iterate(pool, function, source, options, true, made);
}

int rf_imap_unordered(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, rf_iterator **made)
{
    return iterate(pool, function, source, options, false, made);
}

static void detach(rf_iterator *one)
{
    for (rf_iterator **at = &one->pool->iterators; *at; at = &(*at)->next)
        if (*at == one) {
            *at = one->next;
            break;
        }
    coordinator_close(one->pool->self->schedules, one->of);
    one->pool = NULL;
    one->of = NULL;
}

/* Results that were on their way are lost to it: it says how many are known of. */
void iterator_pool_closes(rf_iterator *one)
{
    if (!one->ended) {
        one->ended = RF_ECLOSED;
        one->undelivered = spans_count(job_spans(one->of)) - one->holds;
    }
    one->holds = false;
    detach(one);
}

static void let_go(rf_iterator *one)
{
    if (one->holds)
        job_taken(one->of, 1);
    one->holds = false;
}

static int tell_end(const rf_iterator *one)
{
    if (one->ended == RF_ECLOSED)
        return error_set(RF_ECLOSED, "closed", "the pool was closed: %" PRIu64 " finished results were not taken", one->undelivered);
    return one->of && one->ended != RF_END ? job_tell(one->of) : one->ended;
}

/* Some items failed: the stream has told which, and ends as one whose items did not. */
static int end_of(const job *of)
{
    int status = job_status(of);
    return status == RF_OK || status == RF_EITEMS ? RF_END : status;
}

static int begin(rf_iterator *one)
{
    if (one->begun)
        return RF_OK;
    one->begun = true;
    int status = coordinator_start(one->pool->self->schedules, one->of, pool_now(one->pool));
    return one->ended = status;
}

/* The clock costs as much as a small result: it is looked at after as many calls as took a turn's time when last measured. */
static void turn_now_and_then(rf_iterator *one)
{
    if (++one->calls < one->calls_between)
        return;
    double now = pool_now(one->pool), each = (now - one->turned) / (double)one->calls;
    double calls = each > 0 ? TURN_SECONDS / each : CALLS_MOST;
    one->calls_between = calls < 1 ? 1 : calls > CALLS_MOST ? CALLS_MOST : (uint64_t)calls;
    one->calls = 0;
    one->turned = now;
    pool_look(one->pool);
    futures_deliver(one->pool);
}

static int tell_busy(void)
{
    return error_set(RF_EBUSY, "busy", "a callback may not use the iterator that is waited for further out");
}

/* RF_OK: one is at hand. A callback may have closed the pool, which ends the iterator. */
static int wait_for_one(rf_iterator *one, double seconds)
{
    rf_pool *pool = one->pool;
    turn_now_and_then(one);
    pool_stir(pool);
    double until = isinf(seconds) || one->ended || spans_count(job_spans(one->of)) ? INFINITY : pool_now(pool) + seconds;
    for (bool polled = false; !one->ended && !spans_count(job_spans(one->of)); polled = true) {
        if (pool->self->status < 0)
            return pool->self->status;
        if (job_over(one->of))
            one->ended = end_of(one->of);
        else if (polled && pool_now(pool) >= until)
            return RF_AGAIN;
        else
            pool_turn(pool, until);
    }
    return one->ended ? tell_end(one) : RF_OK;
}

/* The caller may reuse what the source borrows, and its generator's state, as soon as the iterator is freed. */
static void give_up(rf_iterator *one)
{
    rf_pool *pool = one->pool;
    if (one->begun && !one->ended && pool_usable(pool) == RF_OK) {
        one->busy = true;
        coordinator_cancel(pool->self->schedules, one->of);
        pool_stir(pool);
        while (one->pool && !job_over(one->of) && pool->self->status >= 0)
            pool_turn(pool, INFINITY);
        one->busy = false;
    }
    if (one->pool)
        detach(one);
}

/* All that may be given was. */
static int end_early(rf_iterator *one)
{
    int status = job_broke(one->of) ? job_tell(one->of) : RF_END;
    give_up(one);
    return one->ended = status;
}

/* All that may be given is there: nothing more is run for it. */
static void cancel_if_enough(rf_iterator *one)
{
    if (one->enough || spans_count(job_spans(one->of)) < one->left)
        return;
    one->enough = true;
    coordinator_cancel(one->pool->self->schedules, one->of);
    pool_stir(one->pool);
}

int rf_next_within(rf_iterator *one, double seconds, const rf_result **result)
{
    *result = NULL;
    if (!one)
        return error_set(RF_EUSAGE, "usage", "the iterator is NULL: the call that should have made it has failed");
    if (one->ended)
        return tell_end(one);
    if (one->busy)
        return tell_busy();
    int status = pool_usable(one->pool);
    if (status)
        return status;
    let_go(one);
    if (!one->left)
        return end_early(one);
    status = begin(one);
    if (status)
        return status;
    one->busy = true;
    status = wait_for_one(one, seconds);
    one->busy = false;
    if (status)
        return status;
    if (one->left != UINT64_MAX) {
        cancel_if_enough(one);
        one->left--;
    }
    one->given = spans_at(job_spans(one->of), 0);
    one->holds = true;
    one->failed += !one->given.ok;
    *result = &one->given;
    return RF_OK;
}

int rf_next(rf_iterator *one, const rf_result **result)
{
    return rf_next_within(one, INFINITY, result);
}

int rf_iterator_free(rf_iterator *one)
{
    if (!one)
        return RF_OK;
    if (one->busy)
        return tell_busy();
    int status = one->ended && one->ended != RF_END ? tell_end(one) : RF_OK;
    if (status == RF_OK && one->failed)
        status = RF_EITEMS;
    if (one->pool)
        give_up(one);
    free(one);
    return status;
}
