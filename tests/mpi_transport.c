/* The transport over MPI does what every transport must do, and waits as it should. RF_LONG_TESTS adds a body above 2 GiB.
   Built twice: as mpi_transport_pieces bodies are cut every 1,000,003 bytes instead of every GiB. */
#include "transport_conformance.h"
#include "wire/transport_mpi.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failed(int rank, const char *what)
{
    fprintf(stderr, "rank %d: %s\n", rank, what);
    return 1;
}

static int conforms(transport *via, uint64_t seed)
{
    conformance_settings settings = {.seed = seed, .frames = 5000, .largest = 100 * 1000 * 1000};
    if (getenv("RF_LONG_TESTS"))
        settings.largest = ((size_t)1 << 31) + 4097;
    conformance *rank = conformance_new(via, &settings);
    for (double wake; rank && (wake = conformance_step(rank, transport_now(via)), !conformance_over(rank));)
        transport_wait(via, wake, -1);
    int status = rank && !conformance_fault(rank) ? 0 : failed(transport_rank(via), rank ? conformance_fault(rank) : "no memory");
    conformance_free(rank);
    return status;
}

static void pass_the_time(transport *via, double until, int descriptor)
{
    transport_event event;
    while (!transport_next(via, &event) && transport_now(via) < until)
        transport_wait(via, until, descriptor);
}

/* A wait without end returns because the descriptor can be read; one with an end when it has come, and with nothing before. */
static int waits(transport *via)
{
    int ends[2], rank = transport_rank(via);
    if (pipe(ends) || write(ends[1], "x", 1) != 1)
        return failed(rank, "no pipe");
    transport_wait(via, INFINITY, ends[0]);
    char byte;
    if (read(ends[0], &byte, 1) != 1)
        return failed(rank, "nothing to read");
    double start = transport_now(via);
    pass_the_time(via, start + 0.02, ends[0]);
    close(ends[0]);
    close(ends[1]);
    return transport_now(via) < start + 0.02 ? failed(rank, "something came that nobody sent") : 0;
}

/* What is on its way on one transport is not seen on another of the same communicator. */
static int keeps_apart(MPI_Comm comm)
{
    transport *first = NULL, *second = NULL;
    transport_event event;
    if (transport_open_mpi(comm, &first) || transport_open_mpi(comm, &second))
        return failed(-1, rf_last_error()->message);
    int rank = transport_rank(first), next = (rank + 1) % transport_size(first), status = 0;
    uint64_t *number = transport_frame(first, next, sizeof *number), got = 0;
    if (number)
        *number = 1;
    number = transport_frame(second, next, sizeof *number);
    if (number)
        *number = 2;
    transport_flush(first);
    for (int i = 0; i < 2; i++) {
        transport *via = i ? first : second;
        transport_flush(via);
        while (!transport_next(via, &event))
            transport_wait(via, INFINITY, -1);
        got = got * 10 + *(const uint64_t *)event.data;
    }
    if (got != 21)
        status = failed(rank, "a frame came on another transport");
    MPI_Barrier(comm);
    transport_free(second);
    transport_free(first);
    return status;
}

int main(int argc, char **argv)
{
    const char *seed = argc > 2 ? argv[2] : getenv("SEED");
    transport *via = NULL;
    int status = 0;
    MPI_Init(&argc, &argv);
    for (int round = 0; round < 2 && !status; round++) {    /* the second opens after the first has freed */
        if (transport_open_mpi(MPI_COMM_WORLD, &via)) {
            status = failed(-1, rf_last_error()->message);
            break;
        }
        status = conforms(via, (seed ? strtoul(seed, NULL, 0) : 1) + (unsigned long)round);
        status = status ? status : waits(via);
        transport_free(via);
    }
    if (!status)
        status = keeps_apart(MPI_COMM_WORLD);
    if (status)                             /* the other ranks would wait for this one */
        _exit(status);
    MPI_Finalize();
    return 0;
}
