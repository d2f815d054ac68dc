#include "cluster.h"

#include <stdlib.h>

#include "wire/message.h"

typedef struct seat {
    struct cluster *in;
    member *self;                           /* NULL: it has left */
} seat;

struct cluster {
    cluster_settings settings;
    sim *network;
    seat *seats;                            /* by rank; that of rank 0 is empty */
    rf_pool *pool;
};

static void look(void *context)
{
    const cluster *of = context;
    if (sim_stalled(of->network))
        of->settings.broken("rank 0 waits, and nothing will ever happen");
    if (sim_now(of->network) > of->settings.patience)
        of->settings.broken("it does not end");
}

/* What pool.c does on a worker, turn by turn. */
static double step(void *context, double now)
{
    (void)now;
    seat *at = context;
    if (!member_left(at->self)) {
        double wake = member_turn(at->self);
        if (!member_left(at->self))
            return wake;
    }
    if (member_leave(at->self)) {
        member_free(at->self);
        at->self = NULL;
    }
    return INFINITY;
}

static void simulate_cost(const cluster *of, member *self, int rank)
{
    executor_host host = worker_host(self->works);
    simulated_cost cost = {.item = of->settings.item_seconds, .chunk = of->settings.chunk_seconds,
                           .seed = of->settings.network.seed + (uint64_t)rank};
    executor_free(self->forks);             /* virtual ranks have no children: what would run there has a second executor here */
    if (executor_simulated_new(self->runs, &cost, &self->runs) || executor_inline_new(&host, &self->forks) ||
        executor_simulated_new(self->forks, &cost, &self->forks))
        of->settings.broken("out of memory");
    worker_use(self->works, self->runs, self->forks);
}

static void seat_rank(cluster *of, int rank)
{
    seat *at = &of->seats[rank];
    at->in = of;
    if (member_new(sim_transport(of->network, rank), &at->self))
        of->settings.broken(rf_last_error()->message);
    simulate_cost(of, at->self, rank);
    sim_run_rank(of->network, rank, step, at);
}

cluster *cluster_open(const cluster_settings *settings, const rf_options *defaults, rf_pool **pool)
{
    cluster *of = calloc(1, sizeof *of);
    of->settings = *settings;
    of->settings.network.describe = message_describe;
    of->settings.network.waited = look;
    of->settings.network.context = of;
    int ranks = settings->network.ranks;
    of->seats = calloc((size_t)ranks, sizeof *of->seats);
    if (sim_new(&of->settings.network, &of->network))
        settings->broken(rf_last_error()->message);
    for (int rank = 1; rank < ranks; rank++)
        seat_rank(of, rank);
    if (pool_open(sim_transport(of->network, 0), defaults, &of->pool, NULL))
        settings->broken(rf_last_error()->message);
    if (of->pool->self->works)
        simulate_cost(of, of->pool->self, 0);
    *pool = of->pool;
    return of;
}

static int count_lost(const cluster *of)
{
    int lost = 0;
    for (int rank = 1; rank < of->settings.network.ranks; rank++)
        lost += sim_dead(of->network, rank);
    return lost;
}

bool cluster_lost_any(const cluster *of) { return count_lost(of) > 0; }
bool cluster_lost_all(const cluster *of) { return count_lost(of) == of->settings.network.ranks - 1 && count_lost(of); }

void cluster_pass(cluster *of, double seconds)
{
    transport_wait(sim_transport(of->network, 0), sim_now(of->network) + seconds, -1);
}

static void free_seats(cluster *of)
{
    for (int rank = 1; rank < of->settings.network.ranks; rank++) {
        const member *self = of->seats[rank].self;
        if (self && !self->gone && !sim_dead(of->network, rank) && !of->settings.short_of_memory)
            of->settings.broken("the pool is closed and a rank has not left");
        member_free(of->seats[rank].self);
    }
    free(of->seats);
}

void cluster_close(cluster *of)
{
    int status = rf_close(of->pool);
    if (status && !of->settings.short_of_memory)
        of->settings.broken(rf_last_error()->message);
    pool_free(of->pool);
    free_seats(of);
    sim_free(of->network);
    free(of);
}
