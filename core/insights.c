/* rf_insights: what the workers have done, asked of them. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "pool.h"

#define BUSY_SECONDS 0.2                /* how long one that runs functions may take to answer */

struct insights {
    rf_figures given;
    long_items kept;
    rf_long_item longest[RF_LONGEST];
    rf_worker_figures worker[];
};

void insights_free(struct insights *given)
{
    free(given);
}

static struct insights *insights_of(rf_pool *pool)
{
    int first, workers = coordinator_worker_ranks(pool->self->schedules, &first);
    size_t size = sizeof *pool->insights + (size_t)workers * sizeof *pool->insights->worker;
    if (!pool->insights && !(pool->insights = calloc(1, size)))
        error_no_memory(size);
    return pool->insights;
}

static int ask(rf_pool *pool)
{
    coordinator *runs = pool->self->schedules;
    int status = coordinator_ask_figures(runs);
    double until = pool_now(pool) + BUSY_SECONDS;
    bool patient = true;
    pool_stir(pool);
    while (status == RF_OK && !coordinator_figures_answered(runs, !patient)) {
        pool_turn(pool, patient ? until : INFINITY);
        patient = patient && pool_now(pool) < until;
        status = pool->self->status < 0 ? pool->self->status : RF_OK;
    }
    return status;
}

static void fill(struct insights *into, const coordinator *runs, double now)
{
    int first, workers = coordinator_worker_ranks(runs, &first);
    for (int i = 0; i < workers; i++)
        coordinator_figures_of(runs, first + i, &into->worker[i]);
    size_t count = coordinator_longest(runs, &into->kept, into->longest);
    into->given = (rf_figures){.seconds = now - coordinator_opened(runs), .workers = (uint64_t)workers, .worker = into->worker,
                               .longest_count = count, .longest = into->longest};
}

int rf_insights(rf_pool *pool, const rf_figures **figures)
{
    *figures = NULL;
    int status = pool_usable(pool);
    if (status)
        return status;
    struct insights *into = insights_of(pool);
    status = into ? ask(pool) : RF_ENOMEM;
    if (status)
        return status;
    fill(into, pool->self->schedules, pool_now(pool));
    *figures = &into->given;
    return RF_OK;
}
