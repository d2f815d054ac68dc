#include "run/executor_simulated.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/random.h"

enum { SLOW_ONE_IN = 16, SLOW_TIMES = 20, TAIL_ONE_IN = 64, TAIL_TIMES = 100 };

struct executor_simulated {
    executor base;
    executor *inner;
    simulated_cost cost;
    uint64_t random;
    double times;                   /* what it is slower than others */
    double due;                     /* when the part in hand appears */
    executor_part part;
    bool holds, begins, busy;
};

static bool room(const executor *runs, const executor_job *of)
{
    (void)of;
    return !((const struct executor_simulated *)runs)->busy;
}

static int start(executor *runs, const executor_chunk *chunk)
{
    struct executor_simulated *in = (struct executor_simulated *)runs;
    in->begins = in->busy = true;
    return executor_start(in->inner, chunk);
}

static double draw_cost(struct executor_simulated *in)
{
    double mean = in->cost.item * (double)in->part.values->count + (in->begins ? in->cost.chunk : 0);
    double drawn = mean * in->times * (0.5 + random_unit(&in->random));
    return random_below(&in->random, TAIL_ONE_IN) ? drawn : drawn * TAIL_TIMES;
}

static bool take_part(struct executor_simulated *in, double now)
{
    if (!executor_next(in->inner, now, &in->part))
        return false;
    in->part.seconds = draw_cost(in);
    in->due = now + in->part.seconds;
    in->begins = false;
    return true;
}

static bool next(executor *runs, double now, executor_part *part)
{
    struct executor_simulated *in = (struct executor_simulated *)runs;
    if (!in->holds)
        in->holds = in->busy && take_part(in, now);
    if (!in->holds || now < in->due)
        return false;
    in->holds = false;
    in->busy = !in->part.last;
    *part = in->part;
    return true;
}

static double wake(const executor *runs)
{
    const struct executor_simulated *in = (const struct executor_simulated *)runs;
    return in->holds ? in->due : in->busy ? executor_wake(in->inner) : INFINITY;
}

static void cancel(executor *runs, uint64_t task, bool drop)
{
    executor_cancel(((struct executor_simulated *)runs)->inner, task, drop);
}

static void release(executor *runs)
{
    executor_free(((struct executor_simulated *)runs)->inner);
    free(runs);
}

int executor_simulated_new(executor *inner, const simulated_cost *cost, executor **made)
{
    static const struct executor_kind kind = {room, start, next, wake, cancel, release};
    struct executor_simulated *in = calloc(1, sizeof *in);
    *made = NULL;
    if (!in) {
        executor_free(inner);
        return error_no_memory(sizeof *in);
    }
    in->base.kind = &kind;
    in->inner = inner;
    in->cost = *cost;
    in->random = random_seed(cost->seed, 0x65786563, 0, 0);
    in->times = random_below(&in->random, SLOW_ONE_IN) ? 1 : SLOW_TIMES;
    *made = &in->base;
    return RF_OK;
}
