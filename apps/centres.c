#include "centres.h"

int take_point(rf_call *call, rf_value pair, const centres **all, point *it)
{
    rf_value numbers, shared = rf_call_shared(call, "centres");
    if (!shared.data || RF_ARGS(call, pair, numbers, it->weight))
        return RF_EARGS;
    *all = shared.data;
    it->at = numbers.data;
    it->numbers = rf_size(numbers) / sizeof(double);
    if (!(*all)->numbers || (*all)->numbers == it->numbers)
        return RF_OK;
    return rf_fail(call, "format", "all points must have the same number of numbers, but one has %" PRIu64 " and another %" PRIu64,
                   (*all)->numbers, it->numbers);
}

static double square_distance(const double *a, const double *b, uint64_t numbers)
{
    double sum = 0;
    for (uint64_t i = 0; i < numbers; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

uint64_t nearest(const centres *all, const point *to, double *square)
{
    uint64_t best = 0;
    *square = INFINITY;
    for (uint64_t i = 0; i < all->count; i++) {
        double its = square_distance(all->at + i * all->numbers, to->at, all->numbers);
        if (its < *square) {
            *square = its;
            best = i;
        }
    }
    return best;
}
