/* Where MPI comes in: pools over a communicator, and rf_main. The one file of the verbs that knows mpi.h.

   What a process must remember between calls (its pools, and whether it is serving) hangs on MPI_COMM_SELF as an attribute. So
   MPI_Finalize, which deletes that attribute first of all, finds pools that are still open and ends them while messages still move; and a function
   that tries to open a pool is told instead of blocking all ranks. */
#include <mpi.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "pool.h"
#include "run/fork_child.h"
#include "wire/transport_mpi.h"

typedef struct process {
    rf_pool **pools;
    size_t count;
    member *serving;                    /* on a worker rank, while it works for a pool */
} process;

static int process_key = MPI_KEYVAL_INVALID;

static int finalize(MPI_Comm self, int key, void *attribute, void *extra)
{
    process *here = attribute;
    (void)self, (void)key, (void)extra;
    for (size_t i = 0; i < here->count; i++)
        pool_free(here->pools[i]);
    free(here->pools);
    free(here);
    MPI_Comm_free_keyval(&process_key);
    return MPI_SUCCESS;
}

static int process_get(process **here)
{
    int found = 0;
    *here = NULL;
    if (process_key == MPI_KEYVAL_INVALID && MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, finalize, &process_key, NULL))
        return error_set(RF_EMPI, "mpi", "MPI_Comm_create_keyval failed");
    MPI_Comm_get_attr(MPI_COMM_SELF, process_key, here, &found);
    if (found)
        return RF_OK;
    *here = calloc(1, sizeof **here);
    if (!*here)
        return error_no_memory(sizeof **here);
    if (MPI_Comm_set_attr(MPI_COMM_SELF, process_key, *here)) {
        free(*here);
        *here = NULL;
        return error_set(RF_EMPI, "mpi", "MPI_Comm_set_attr failed");
    }
    return RF_OK;
}

static bool in_function(const process *here)
{
    if (fork_child_here() || (here->serving && here->serving->works))
        return true;
    for (size_t i = 0; i < here->count; i++) {
        const member *self = here->pools[i]->self;
        if (self && self->works && worker_in_function(self->works))
            return true;
    }
    return false;
}

static int process_check(MPI_Comm comm)
{
    int begun = 0, ended = 0;
    MPI_Initialized(&begun);
    MPI_Finalized(&ended);
    if (!begun || ended)
        return error_set(RF_EUSAGE, "usage", "rf_open comes after MPI_Init and before MPI_Finalize");
    if (comm == MPI_COMM_NULL)
        return error_set(RF_EUSAGE, "usage", "rf_open over MPI_COMM_NULL: this rank is not in the communicator, and does not call rf_open");
    return RF_OK;
}

static int process_add(process *here, rf_pool *pool)
{
    rf_pool **more = realloc(here->pools, (here->count + 1) * sizeof *more);
    if (!more)
        return error_no_memory((here->count + 1) * sizeof *more);
    here->pools = more;
    here->pools[here->count++] = pool;
    return RF_OK;
}

int rf_open(MPI_Comm comm, const rf_options *defaults, rf_pool **pool)
{
    process *here;
    transport *via;
    *pool = NULL;
    int status = process_check(comm);
    if (status == RF_OK)
        status = process_get(&here);
    if (status == RF_OK && in_function(here))
        status = error_set(RF_EUSAGE, "usage", "a pool cannot be opened inside a function that a pool runs: all ranks would have to do it together");
    if (status == RF_OK)
        status = transport_open_mpi(comm, &via);
    if (status == RF_OK)
        status = pool_open(via, defaults, pool, &here->serving);
    if (status == RF_OK && *pool)
        pool_count(*pool, here->count);
    if (status == RF_OK && *pool && (status = process_add(here, *pool))) {
        pool_free(*pool);
        *pool = NULL;
    }
    return status;
}

/* What the library registers itself is there in every program, also in one that finds it by name and is linked with librankfold.a. */
static rf_map_function *const commands __attribute__((used)) = rf_command;

/* ---- rf_main ---- */

static void to_standard_error(const char *text, void *user)
{
    fprintf(stderr, "%s: %s\n", (const char *)user, text);
}

static const char *program_name(char **argv)
{
    const char *slash = argv && argv[0] ? strrchr(argv[0], '/') : NULL;
    return slash ? slash + 1 : argv && argv[0] ? argv[0] : "rankfold";
}

/* sysexits.h: what each status means to a shell. */
static int exit_status(int status)
{
    switch (status) {
    case RF_EITEMS: case RF_EHALTED: return 65;
    case RF_EUSAGE: case RF_EOPTION: case RF_EUNREGISTERED: case RF_EREGISTRY: case RF_ECLOSED: case RF_EBUSY: case RF_ERANGE: return 64;
    case RF_EINPUT: case RF_EEMPTY: return 66;
    case RF_EOUTPUT: case RF_EEXISTS: return 73;
    case RF_ETIMEOUT: case RF_ELOST: case RF_ECANCELLED: return 75;
    default: return status < 0 ? 70 : status > 125 ? 70 : status;
    }
}

/* A job that is named after its program: then what is told of it begins with that name already. */
static bool is_of(const char *program, const char *text)
{
    size_t size = strlen(program);
    return strncmp(text, program, size) == 0 && text[size] == ':';
}

static void tell(const char *program, int status)
{
    const rf_error *why = rf_last_error();
    const char *text = why->status == status ? why->message : rf_status_text(status);
    fprintf(stderr, "%s%s%s\n", is_of(program, text) ? "" : program, is_of(program, text) ? "" : ": ", text);
    if (why->status != status || !why->replay)
        return;
    fprintf(stderr, "%s: to run this item alone: ", program);
    rf_print_replay(stderr, why);
    fputc('\n', stderr);
}

/* Whatever the driver made of it, the outcome is the item's. */
static int tell_replay(const rf_pool *pool, const char *program)
{
    if (!pool->replayed) {
        fprintf(stderr, "%s: RANKFOLD_REPLAY: the program has ended before it submitted job %" PRIu64 "\n", program, pool->replays.job);
        return RF_EUSAGE;
    }
    const rf_error *gave = failure_error(pool->replayed);
    fprintf(stderr, "%s: %s\n", program, gave->message);
    return gave->status == RF_ECANCELLED ? RF_OK : gave->status;
}

/* A disk may have filled up at any earlier print. */
static bool is_written(const char *program)
{
    if (!fflush(stdout) && !ferror(stdout))
        return true;
    fprintf(stderr, "%s: standard output: write failed\n", program);
    return false;
}

static int drive(rf_pool *pool, int argc, char **argv, rf_driver *driver)
{
    int status = driver(pool, argc, argv);
    if (pool->replaying)
        return tell_replay(pool, program_name(argv));
    if (status < 0)
        tell(program_name(argv), status);
    return status < 0 || is_written(program_name(argv)) ? status : RF_EOUTPUT;
}

/* RANKFOLD_REPORT. It is opened before the work, so that a name that cannot be written costs nothing. */
static int open_report(FILE **report)
{
    const char *name = getenv("RANKFOLD_REPORT");
    *report = NULL;
    if (!name || !*name)
        return RF_OK;
    *report = strcmp(name, "-") ? fopen(name, "we") : stderr;
    return *report ? RF_OK : error_set(RF_EOUTPUT, "output", "RANKFOLD_REPORT: %.400s: %s", name, strerror(errno));
}

static int write_report(rf_pool *pool, FILE *report)
{
    int status = report ? rf_report(pool, report) : RF_OK;
    if (report && report != stderr && fclose(report) && status == RF_OK)
        status = error_set(RF_EOUTPUT, "output", "RANKFOLD_REPORT: %s", strerror(errno));
    return status;
}

/* A report that could not be written is told as well; it is the outcome where all else was well. */
static int drive_and_report(rf_pool *pool, int argc, char **argv, rf_driver *driver)
{
    FILE *report;
    int status = open_report(&report);
    if (status) {
        tell(program_name(argv), status);
        return status;
    }
    status = drive(pool, argc, argv, driver);
    int written = write_report(pool, report);
    if (written < 0)
        tell(program_name(argv), written);
    return status ? status : written;
}

/* The rank that the launcher has given, before MPI can be asked: Open MPI and others with PMIx, MPICH, Slurm. */
static bool launched_as_another_rank(void)
{
    static const char *const names[] = {"PMIX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *rank = getenv(names[i]);
        if (rank)
            return strcmp(rank, "0") != 0;
    }
    return false;
}

static void swap_output(int with[2])
{
    for (int fd = 0; fd < 2; fd++) {
        fflush(fd ? stderr : stdout);
        int before = dup(fd + 1);
        if (with[fd] >= 0)
            dup2(with[fd], fd + 1), close(with[fd]);
        with[fd] = before;
    }
}

static int set_up(int argc, char **argv, rf_setup *setup)
{
    int output[2] = {-1, -1};
    bool quiet = launched_as_another_rank();
    if (quiet) {
        output[0] = open("/dev/null", O_WRONLY | O_CLOEXEC);
        output[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
        swap_output(output);
    }
    int status = setup(argc, argv);
    if (quiet)
        swap_output(output);
    for (int fd = 0; fd < 2 && quiet; fd++)
        if (output[fd] >= 0)
            close(output[fd]);
    return status;
}

/* A rank that left with a status of its own would have the launcher end rank 0 before that has said why, or wait in MPI_Init
   for those that never come where set-up failed on some ranks alone. So all meet, and the worst status is everybody's. */
static int agree(int status, const char *program, int rank)
{
    int worst = status;
    MPI_Allreduce(&status, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (rank == 0 && worst && !status)
        fprintf(stderr, "%s: set-up failed on another rank with status %d\n", program, worst);
    return worst;
}

int rf_main_setup(int argc, char **argv, rf_setup *setup, rf_driver *driver)
{
    int status = setup ? set_up(argc, argv, setup) : RF_OK;
    if (status == RF_END)
        return is_written(program_name(argv)) ? 0 : exit_status(RF_EOUTPUT);
    if (status == RF_OK)
        rf_prepare();                   /* where it cannot be had, the first job that forks says why */
    if (MPI_Init(&argc, &argv))
        return 70;
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    status = agree(exit_status(status), program_name(argv), rank);
    if (status) {
        MPI_Finalize();
        return rank == 0 ? status : 0;
    }
    if (!log_has_sink())
        rf_log_to(to_standard_error, (char *)(uintptr_t)program_name(argv));
    rf_pool *pool;
    status = rf_open(MPI_COMM_WORLD, NULL, &pool);
    if (status < 0 && rank == 0)
        tell(program_name(argv), status);
    if (pool) {
        pool->shows_on = stderr;
        status = drive_and_report(pool, argc, argv, driver);
        pool_leave(pool);
    }
    MPI_Finalize();
    return rank == 0 ? exit_status(status) : 0;
}

int rf_main(int argc, char **argv, rf_driver *driver)
{
    return rf_main_setup(argc, argv, NULL, driver);
}
