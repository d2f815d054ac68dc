/* What mpi_registration asks of its other file and of its shared object: functions that are static there. */
#ifndef RANKFOLD_TESTS_REGISTRATION_H
#define RANKFOLD_TESTS_REGISTRATION_H

#include <rankfold.h>

rf_map_function *twice_of_the_second_file(void);
rf_map_function *function_of_the_shared_object(void);

#endif
