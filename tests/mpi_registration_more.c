/* The second file of mpi_registration: one more function called twice. */
#include "registration.h"

static int twice(rf_call *call, rf_value item)
{
    return RF_RETURN(call, 2 * rf_i64(item), "second file");
}
RF_REGISTER(twice);

rf_map_function *twice_of_the_second_file(void)
{
    return twice;
}
