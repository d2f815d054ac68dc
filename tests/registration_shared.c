/* A shared object that registers a function, linked to mpi_registration. */
#include "registration.h"

static int in_the_shared_object(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_i64(item), "shared object");
}
RF_REGISTER(in_the_shared_object);

rf_map_function *function_of_the_shared_object(void)
{
    return in_the_shared_object;
}
