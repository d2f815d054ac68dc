#include "plan/cost.h"

#include "plan/plan.h"

#define COST_NEWEST 0.2
#define COST_LEAST 1e-9
#define GROWTH 4
#define TAIL_SECONDS 1e-4       /* a chunk that is cut small to end together is still worth its message */
#define CHUNK_MOST (UINT64_C(1) << 24)

void cost_measure(cost *of, uint64_t units, double seconds, size_t bytes)
{
    double each = seconds / (double)units;
    double weight = 1.0 / (double)++of->measurements;
    if (weight < COST_NEWEST)
        weight = COST_NEWEST;
    if (each < COST_LEAST)
        each = COST_LEAST;
    of->seconds += weight * (each - of->seconds);
    of->bytes += weight * ((double)bytes / (double)units - of->bytes);
    if (units > of->largest)
        of->largest = units;
}

bool cost_known(const cost *of)
{
    return of->measurements > 0;
}

double cost_predict(const cost *of, uint64_t units)
{
    return of->seconds * (double)units;
}

static uint64_t at_most(uint64_t units, double limit)
{
    return limit >= (double)units ? units : limit < 1 ? 1 : (uint64_t)limit;
}

/* Half of an even share of what is left, so that the last chunks are small and nobody finishes late. */
static uint64_t toward_the_end(const cost *of, const cost_limits *limits, uint64_t units)
{
    double share = (double)limits->remaining / (2.0 * (double)limits->workers);
    double least = TAIL_SECONDS / of->seconds;
    return at_most(units, share > least ? share : least);
}

uint64_t cost_chunk(const cost *of, const cost_limits *limits)
{
    if (!cost_known(of))
        return 1;
    uint64_t units = at_most(CHUNK_MOST, PLAN_AIM / of->seconds);
    units = at_most(units, (double)of->largest * GROWTH);
    if (of->bytes > 0)
        units = at_most(units, PLAN_PART_BYTES / of->bytes);
    if (limits->unit_bytes)
        units = at_most(units, (double)limits->piece_bytes / (double)limits->unit_bytes);
    return limits->remaining == UINT64_MAX ? units : toward_the_end(of, limits, units);
}
