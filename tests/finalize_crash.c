/* Preloaded by mpirun_test: tells a crash of MPI in MPI_Finalize from one of the program. Open MPI 4.1 crashes there in about one of a
   thousand runs (open-mpi/ompi#10117, openpmix/openpmix#2508: a thread of PMIx handles an event of what was just taken down), after all that the program
   had to do is done. The file $TEST_FINALIZE_CRASH appears then. A crash of ours in there does it too, and does it again. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *mark;

static void leave_mark(int number)
{
    int file = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
    signal(number, SIG_DFL);            /* what crashed is tried again, and ends the process */
}

int MPI_Finalize(void)
{
    int (*next)(void);
    void *found = dlsym(RTLD_NEXT, "MPI_Finalize");
    memcpy(&next, &found, sizeof next);
    mark = getenv("TEST_FINALIZE_CRASH");
    for (int i = 0; mark && i < 2; i++)
        signal((int[]){SIGSEGV, SIGBUS}[i], leave_mark);
    return next();
}
