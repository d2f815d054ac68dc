/* Datasets that are let go while somebody reads them. */
#include <mpi.h>

#include "functions.h"
#include "verify.h"

static int pair_of(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_EMIT(call, x, x);
}
RF_REGISTER(pair_of);

static int as_it_is(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(as_it_is);

CASE(a_dataset_is_freed_behind_an_iteration_that_was_dropped)
{
    for (int i = 0; i < 100; i++) {
        RF_AUTO(rf_dataset, made);
        RF_AUTO(rf_iterator, all);
        const rf_result *one;
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 20000), .mapper = pair_of}}), NULL, &made), RF_OK);
        CHECK_STATUS(rf_imap(pool, as_it_is, rf_dataset_source(made), NULL, &all), RF_OK);
        CHECK_STATUS(rf_next(all, &one), RF_OK);
        CHECK(one->ok);
    }
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
