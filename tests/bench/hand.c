/* What Rankfold is measured against: a master and its workers in plain MPI, written by hand and tuned for these works alone.

       hand noop ITEMS [CHUNK [IN_FLIGHT]]       items a second; one item a message, 16 in flight, unless said otherwise
       hand spin ITEMS LOOPS [IN_FLIGHT]         wall seconds for ITEMS tasks of LOOPS steps
       hand in ITEMS [IN_FLIGHT]                 MiB a second, items of 1 MiB to the workers
       hand out ITEMS [IN_FLIGHT]                MiB a second, results of 1 MiB to rank 0
       hand idle SECONDS                         CPU seconds that rank 0 uses while it waits for workers that sleep
       hand calibrate                            steps of spinning a microsecond of CPU

   It does what such programs do to be fast. Several tasks are in flight for each worker, so that none waits for rank 0.
   A worker answers in the order in which it was asked, so that rank 0 posts the receive of each result, into the place
   where that result stays, before it sends the task. Who waits polls, then yields, then naps, as there are more ranks
   than cores. Nothing else is there: no errors, no retry, no function but these, no input that is not known beforehand. */
#define _GNU_SOURCE
#include "work.h"
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>

enum { TAG_TASK = 1, TAG_RESULT = 2, MOST_IN_FLIGHT = 64, EAGER = 1024 };      /* EAGER: sending that much waits for nobody */

typedef struct range { int64_t first, count; } range;   /* what is sent for a task whose items need not be sent */

typedef struct job {
    const char *mode;
    int64_t items, chunk, tasks;
    uint64_t loops;
    double seconds;
    int in_flight, workers;
    size_t task_size, result_size;  /* bytes in a message to and from a worker */
    char *bodies;                   /* items of 1 MiB, or NULL: a range is sent */
    char *results;
} job;

static bool is(const job *j, const char *mode) { return strcmp(j->mode, mode) == 0; }

/* ---- waiting --------------------------------------------------------------------------------------------------- */

typedef struct idle { double since; } idle;

static void idle_over(idle *i) { i->since = 0; }

static void idle_step(idle *i)
{
    double now = work_now();
    if (i->since == 0)
        i->since = now;
    double idle_for = now - i->since;
    if (idle_for < 50e-6)
        return;
    if (idle_for < 200e-6)
        sched_yield();
    else
        work_sleep(idle_for / 8 < 1e-3 ? idle_for / 8 : 1e-3);
}

static void await(MPI_Request *request, MPI_Status *status)
{
    int done = 0;
    for (idle i = {0}; MPI_Test(request, &done, status), !done;)
        idle_step(&i);
}

/* ---- a worker -------------------------------------------------------------------------------------------------- */

static void run_noop(const range *r, int64_t *results)
{
    for (int64_t i = 0; i < r->count; i++)
        results[i] = work_noop(r->first + i);
}

static void run_task(const job *j, const void *body, void *result)
{
    if (is(j, "in")) {
        *(int64_t *)result = work_checksum(body);
    } else if (is(j, "out")) {
        work_stamp(result, (uint64_t)((const range *)body)->first);
    } else {
        if (is(j, "spin"))
            work_spin(j->loops);
        else if (is(j, "idle"))
            work_sleep(j->seconds);
        run_noop(body, result);
    }
}

/* Receives are posted ahead, one for each task that may be in flight; an empty message in each says that it is over. */
static void serve(const job *j)
{
    char *bodies = work_memory((size_t)j->in_flight * j->task_size), *results = work_memory((size_t)j->in_flight * j->result_size);
    MPI_Request asked[MOST_IN_FLIGHT], answered[MOST_IN_FLIGHT];
    for (int k = 0; k < j->in_flight; k++) {
        MPI_Irecv(bodies + (size_t)k * j->task_size, (int)j->task_size, MPI_BYTE, 0, TAG_TASK, MPI_COMM_WORLD, &asked[k]);
        answered[k] = MPI_REQUEST_NULL;
    }
    for (int k = 0;; k = (k + 1) % j->in_flight) {
        MPI_Status status;
        int size;
        await(&asked[k], &status);
        MPI_Get_count(&status, MPI_BYTE, &size);
        if (size == 0)
            break;
        char *body = bodies + (size_t)k * j->task_size, *result = results + (size_t)k * j->result_size;
        if (answered[k] != MPI_REQUEST_NULL)
            await(&answered[k], MPI_STATUS_IGNORE);
        run_task(j, body, result);
        int answer = is(j, "noop") ? (int)((range *)(void *)body)->count * 8 : (int)j->result_size;
        MPI_Irecv(body, (int)j->task_size, MPI_BYTE, 0, TAG_TASK, MPI_COMM_WORLD, &asked[k]);
        if (answer > EAGER)
            MPI_Isend(result, answer, MPI_BYTE, 0, TAG_RESULT, MPI_COMM_WORLD, &answered[k]);
        else
            MPI_Send(result, answer, MPI_BYTE, 0, TAG_RESULT, MPI_COMM_WORLD);
    }
    MPI_Waitall(j->in_flight, asked, MPI_STATUSES_IGNORE);
    MPI_Waitall(j->in_flight, answered, MPI_STATUSES_IGNORE);
    free(bodies);
    free(results);
}

/* ---- rank 0 ---------------------------------------------------------------------------------------------------- */

typedef struct lane {               /* the tasks of one worker, a ring: oldest at head */
    MPI_Request sent[MOST_IN_FLIGHT], result[MOST_IN_FLIGHT];
    int worker, head, in_flight;
} lane;

static void hand_out(const job *j, lane *l, int64_t task)
{
    int at = (l->head + l->in_flight++) % j->in_flight;
    MPI_Irecv(j->results + (size_t)task * j->result_size, (int)j->result_size, MPI_BYTE, l->worker, TAG_RESULT,
              MPI_COMM_WORLD, &l->result[at]);
    l->sent[at] = MPI_REQUEST_NULL;
    if (j->bodies) {
        MPI_Isend(j->bodies + (size_t)task * j->task_size, (int)j->task_size, MPI_BYTE, l->worker, TAG_TASK, MPI_COMM_WORLD,
                  &l->sent[at]);
        return;
    }
    range r = {task * j->chunk, task + 1 < j->tasks ? j->chunk : j->items - task * j->chunk};
    MPI_Send(&r, sizeof r, MPI_BYTE, l->worker, TAG_TASK, MPI_COMM_WORLD);
}

static bool take_oldest(const job *j, lane *l)
{
    int done = 0;
    if (l->in_flight)
        MPI_Test(&l->result[l->head], &done, MPI_STATUS_IGNORE);
    if (!done)
        return false;
    if (l->sent[l->head] != MPI_REQUEST_NULL)
        MPI_Wait(&l->sent[l->head], MPI_STATUS_IGNORE);     /* over already: its result is here */
    l->head = (l->head + 1) % j->in_flight;
    l->in_flight--;
    return true;
}

static void hand_out_all(const job *j, lane *lanes)
{
    int64_t next = 0, done = 0;
    for (int k = 0; k < j->in_flight; k++)
        for (int w = 0; w < j->workers && next < j->tasks; w++)
            hand_out(j, &lanes[w], next++);
    for (idle i = {0}; done < j->tasks;) {
        int64_t before = done;
        for (int w = 0; w < j->workers; w++)
            while (take_oldest(j, &lanes[w])) {
                done++;
                if (next < j->tasks)
                    hand_out(j, &lanes[w], next++);
            }
        if (done > before)
            idle_over(&i);
        else
            idle_step(&i);
    }
}

static void release(const job *j)
{
    for (int w = 1; w <= j->workers; w++)
        for (int k = 0; k < j->in_flight; k++)
            MPI_Send(NULL, 0, MPI_BYTE, w, TAG_TASK, MPI_COMM_WORLD);
}

static bool results_are_right(const job *j)
{
    if (is(j, "in") || is(j, "out")) {
        for (int64_t i = 0; i < j->items; i++) {
            const char *result = j->results + (size_t)i * j->result_size;
            int64_t sum = is(j, "out") ? work_checksum(result) : *(const int64_t *)(const void *)result;
            if (sum != work_checksum_expected((uint64_t)i))
                return false;
        }
        return true;
    }
    int64_t sum = 0;
    for (int64_t i = 0; i < j->items; i++)
        sum += ((int64_t *)(void *)j->results)[i];
    return sum == work_noop_sum(j->items);
}

static void print_figure(const job *j, double seconds, double cpu)
{
    if (is(j, "noop") || is(j, "in") || is(j, "out"))
        printf("%.6g\n", (double)j->items / seconds);
    else
        printf("%.6g\n", is(j, "idle") ? cpu : seconds);
}

static int lead(job *j)
{
    if (is(j, "in")) {
        j->bodies = work_memory((size_t)j->items * MIB);
        for (int64_t i = 0; i < j->items; i++)
            work_stamp(memset(j->bodies + (size_t)i * MIB, 1, MIB), (uint64_t)i);
    }
    lane *lanes = calloc((size_t)j->workers, sizeof *lanes);
    if (!lanes)
        return 1;
    for (int w = 0; w < j->workers; w++)
        lanes[w].worker = w + 1;
    work_warm_memory((size_t)j->tasks * j->result_size);
    MPI_Barrier(MPI_COMM_WORLD);
    double start = work_now(), cpu = work_cpu();
    j->results = work_memory((size_t)j->tasks * j->result_size);
    hand_out_all(j, lanes);
    double seconds = work_now() - start;
    cpu = work_cpu() - cpu;
    release(j);
    bool right = results_are_right(j);
    if (right)
        print_figure(j, seconds, cpu);
    else
        fprintf(stderr, "hand: %s: wrong results\n", j->mode);
    free(j->bodies);
    free(j->results);
    free(lanes);
    return right ? 0 : 1;
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

static int64_t number(int argc, char **argv, int at, int64_t otherwise)
{
    return at < argc ? (int64_t)strtod(argv[at], NULL) : otherwise;
}

static job job_from(int argc, char **argv, int ranks)
{
    job j = {.mode = argv[1], .items = number(argc, argv, 2, 0), .chunk = 1, .workers = ranks - 1, .in_flight = 16,
             .task_size = sizeof(range), .result_size = 8};
    if (is(&j, "noop")) {
        j.chunk = number(argc, argv, 3, 1);
        j.in_flight = (int)number(argc, argv, 4, 16);
    } else if (is(&j, "spin")) {
        j.loops = (uint64_t)number(argc, argv, 3, 0);
        j.in_flight = (int)number(argc, argv, 4, 16);
    } else if (is(&j, "in") || is(&j, "out")) {
        *(is(&j, "in") ? &j.task_size : &j.result_size) = MIB;
        j.in_flight = (int)number(argc, argv, 3, 4);
    } else if (is(&j, "idle")) {
        j.seconds = strtod(argv[2], NULL);
        j.items = j.workers;
        j.in_flight = 1;
    } else {
        j.items = 0;
    }
    j.tasks = (j.items + j.chunk - 1) / (j.chunk ? j.chunk : 1);
    if (j.chunk > 1)
        j.result_size = (size_t)j.chunk * 8;
    return j;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "calibrate") == 0) {
        printf("%.6g\n", work_loops_per_microsecond());
        return 0;
    }
    int rank, ranks, status = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    job j = argc > 2 ? job_from(argc, argv, ranks) : (job){0};
    if (j.items < 1 || j.chunk < 1 || j.in_flight < 1 || j.in_flight > MOST_IN_FLIGHT || ranks < 2) {
        if (rank == 0)
            fprintf(stderr, "usage: mpirun -n RANKS hand noop|spin|in|out|idle ..., see hand.c\n");
        status = 64;
    } else if (rank == 0) {
        status = lead(&j);
    } else {
        MPI_Barrier(MPI_COMM_WORLD);
        serve(&j);
    }
    MPI_Finalize();
    return status;
}
