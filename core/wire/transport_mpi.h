/* Opens the MPI transport: the only code that calls MPI beside open.c. */
#ifndef RANKFOLD_WIRE_TRANSPORT_MPI_H
#define RANKFOLD_WIRE_TRANSPORT_MPI_H

#include <mpi.h>
#include "wire/transport.h"

/* Collective: duplicates comm, sets MPI_ERRORS_RETURN on the duplicate. RF_EMPI, RF_ENOMEM. */
int transport_open_mpi(MPI_Comm comm, transport **via);

#endif
