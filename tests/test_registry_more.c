/* A second translation unit for test_registry.c: more functions, among them one of a name that the first has too. */
#include "rankfold.h"

static int twin(rf_call *call, rf_value item)
{
    return rf_return(call, rf_of_i64(2 * rf_i64(item)));
}
RF_REGISTER(twin);

static int sum(rf_call *call, rf_value accumulator, rf_value item)
{
    return rf_return(call, rf_of_i64(rf_i64(accumulator) + rf_i64(item)));
}
RF_REGISTER(sum);
