/* MPI_Init and MPI_Finalize, nothing between: the floor under the start to finish of any program. */
#include <mpi.h>

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Finalize();
    return 0;
}
