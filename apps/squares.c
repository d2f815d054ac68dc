/* Squares of 0..99, in order: the smallest program. It teaches how a function is registered and mapped over a range. */
#include <rankfold.h>

static int square(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, x * x);
}
RF_REGISTER(square);

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_results, results);
    int status = rf_map(pool, square, rf_range(0, 100), RF_OPTIONS(.retry = RF_RETRY), &results);
    for (uint64_t i = 0; i < rf_results_len(results); i++)
        printf("%" PRId64 "\n", rf_i64(rf_results_value(results, i)));
    return status;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
