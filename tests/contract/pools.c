/* Rows A1, A15, B1 and B10 of the contract: pools. A program that owns MPI: a pool for each case, so that cases may close it. */
#include <mpi.h>

#include "../functions.h"
#include "../verify.h"
#include "signs.h"

static int where(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, rf_call_rank(call));
}
RF_REGISTER(where);

static int open_another(rf_call *call, rf_value item)
{
    (void)item;
    rf_pool *inner;
    int status = rf_open(MPI_COMM_SELF, NULL, &inner);
    return RF_RETURN(call, status, inner == NULL, rf_last_error()->message);
}
RF_REGISTER(open_another);

static rf_pool *the_pool;       /* a function of rank 0 alone can see it */

static int use_the_pool(rf_call *call, rf_value item)
{
    if (!the_pool)
        return rf_return(call, item);
    rf_iterator *stream;
    rf_future *later;
    int mapped = rf_map(the_pool, square, rf_range(0, 10), NULL, NULL), streamed = rf_imap(the_pool, square, rf_range(0, 10), NULL, &stream),
        started = rf_apply_async(the_pool, square, rf_of_i64(1), NULL, &later), closed = rf_close(the_pool);
    return RF_RETURN(call, mapped, streamed, started, closed);
}
RF_REGISTER(use_the_pool);

/* Says that it has begun, and runs until it is asked to stop. */
static int until_asked(rf_call *call, rf_value item)
{
    const sign *begun = RF_CALL_STATE(call, sign);
    if (!begun)
        return RF_EARGS;
    sign_set(begun);
    while (!rf_call_cancelled(call))
        ;
    return rf_return(call, item);
}
RF_REGISTER(until_asked);

static int forever(rf_call *call, void *state)
{
    return RF_RETURN(call, (*(int64_t *)state)++);
}

static int never_yet(rf_call *call, void *state)
{
    (void)call, (void)state;
    return RF_AGAIN;
}

static bool alone(void)
{
    int ranks;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return ranks == 1;
}

typedef struct called {
    rf_pool *pool;
    int successes, failures, status, more;
} called;

static void on_success(rf_future *future, void *user)
{
    called *its = user;
    its->successes++;
    its->status = rf_future_get(future, 0, NULL);
    if (its->more-- > 0)
        rf_apply_async(its->pool, square, rf_of_i64(its->more), RF_OPTIONS(.callback = on_success, .user = its), NULL);
}

static void on_failure(rf_future *future, void *user)
{
    called *its = user;
    its->failures++;
    its->status = rf_future_get(future, 0, NULL);
}

/* ---- A1 ---- */

CASE(A1_close_finishes_what_futures_were_promised_and_drops_what_iterators_have_not_delivered)
{
    called its = {.pool = pool, .more = 3};
    int64_t next = 0;
    rf_future *later;
    rf_iterator *stream;
    const rf_results *got;
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_generator(forever, &next, NULL), NULL, &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 2000), RF_OPTIONS(.chunk_size = 7, .callback = on_success, .user = &its), &later), RF_OK);
    CHECK_STATUS(rf_close(pool), RF_OK);
    CHECK_INT(its.successes, 4);        /* and the three that its callbacks have added */
    CHECK_STATUS(rf_future_get(later, 0, &got), RF_OK);
    CHECK(rf_future_ready(later) && rf_future_successful(later));
    CHECK_INT(rf_results_len(got), 2000);
    CHECK_INT(rf_i64(rf_results_value(got, 1999)), 1999 * 1999);
    CHECK_STATUS(rf_next(stream, &one), RF_ECLOSED);
    CHECK_STATUS(rf_iterator_free(stream), RF_ECLOSED);
    CHECK_STATUS(rf_future_cancel(later), RF_OK);
    rf_future_free(later);
}

CASE(A1_terminate_drops_everything)
{
    called its = {.pool = pool};
    const rf_options *back = RF_OPTIONS(.callback = on_success, .error_callback = on_failure, .user = &its);
    rf_future *done, *never, *bad;
    const rf_results *got;
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(12), NULL, &done), RF_OK);
    CHECK_STATUS(rf_future_wait(done, RF_FOREVER), RF_OK);
    CHECK_STATUS(rf_map_async(pool, square, rf_generator(never_yet, NULL, NULL), back, &never), RF_OK);
    CHECK_STATUS(rf_map_async(pool, square, rf_generator(never_yet, NULL, NULL), back, NULL), RF_OK);
    CHECK_STATUS(rf_terminate(pool), RF_OK);
    CHECK(its.successes == 0 && its.failures == 2 && its.status == RF_ECLOSED);
    CHECK_STATUS(rf_future_get(done, 0, &got), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(got, 0)), 144);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(rf_future_get(never, RF_FOREVER, &got), RF_ECLOSED);
        CHECK(got == NULL && rf_last_error()->message[0]);
        CHECK_STATUS(rf_future_wait(never, RF_FOREVER), RF_OK);
        CHECK_STATUS(rf_future_cancel(never), RF_OK);
        CHECK_STATUS(rf_close(pool), RF_OK);
    }
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(12), NULL, &bad), RF_ECLOSED);
    CHECK(bad == NULL);
    rf_future_free(done);
    rf_future_free(never);
}

CASE(A1_terminate_does_not_wait_for_a_function_that_a_future_has_started)
{
    sign begun = sign_new("begun");
    rf_future *later;
    if (alone())
        return;
    CHECK_STATUS(rf_apply_async(pool, until_asked, rf_nil(), RF_OPTIONS(.state = RF_STATE(begun)), &later), RF_OK);
    while (!sign_is_there(&begun))
        rf_poll(pool, 0);
    CHECK_STATUS(rf_terminate(pool), RF_OK);
    CHECK_STATUS(rf_future_get(later, RF_FOREVER, NULL), RF_ECLOSED);
    rf_future_free(later);
    sign_remove(&begun);
}

static void terminate(rf_future *future, void *user)
{
    called *its = user;
    rf_results *results;
    its->successes++;
    its->status = rf_terminate(its->pool);
    its->failures = rf_map(its->pool, square, rf_range(0, 10), NULL, &results);
    rf_future_free(future);
}

/* A callback of a job that is done ends the pool while one of five calls on it waits. */
static void terminate_under(rf_pool *pool, int call)
{
    called its = {.pool = pool};
    const rf_options *endless = RF_OPTIONS(.iterable_len = RF_ENDLESS);
    rf_future *trigger, *waits = NULL;
    rf_iterator *stream = NULL;
    rf_results *results = NULL;
    const rf_result *one;
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(1), RF_OPTIONS(.callback = terminate, .user = &its), &trigger), RF_OK);
    switch (call) {
    case 0:
        CHECK_STATUS(rf_map(pool, square, rf_generator(never_yet, NULL, NULL), endless, &results), RF_ECLOSED);
        break;
    case 1:
        CHECK_STATUS(rf_imap(pool, square, rf_generator(never_yet, NULL, NULL), endless, &stream), RF_OK);
        CHECK_STATUS(rf_next(stream, &one), RF_ECLOSED);
        break;
    case 2:
        CHECK_STATUS(rf_map_async(pool, square, rf_generator(never_yet, NULL, NULL), endless, &waits), RF_OK);
        CHECK_STATUS(rf_future_get(waits, RF_FOREVER, NULL), RF_ECLOSED);
        break;
    case 3:
        CHECK_STATUS(rf_map_async(pool, square, rf_generator(never_yet, NULL, NULL), endless, &waits), RF_OK);
        CHECK_STATUS(rf_close(pool), RF_OK);
        break;
    default:
        CHECK_STATUS(rf_map_async(pool, square, rf_generator(never_yet, NULL, NULL), endless, &waits), RF_OK);
        rf_poll(pool, RF_FOREVER);
    }
    CHECK(its.successes == 1 && its.status == RF_OK && its.failures == RF_ECLOSED);
    CHECK_STATUS(waits ? rf_future_get(waits, 0, NULL) : RF_ECLOSED, RF_ECLOSED);
    CHECK_STATUS(rf_poll(pool, 0), RF_ECLOSED);
    CHECK_STATUS(rf_close(pool), RF_OK);
    rf_results_free(results);
    rf_iterator_free(stream);
    rf_future_free(waits);
}

CASE(A1_a_callback_terminates_the_pool_under_a_map) { terminate_under(pool, 0); }
CASE(A1_a_callback_terminates_the_pool_under_an_iterator) { terminate_under(pool, 1); }
CASE(A1_a_callback_terminates_the_pool_under_a_future) { terminate_under(pool, 2); }
CASE(A1_a_callback_terminates_the_pool_while_it_closes) { terminate_under(pool, 3); }
CASE(A1_a_callback_terminates_the_pool_under_a_poll) { terminate_under(pool, 4); }

/* ---- A15 ---- */

static void close_under_iterators(rf_pool *pool, int (*stop)(rf_pool *))
{
    int64_t next = 0;
    rf_iterator *begun, *fresh, *finished;
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 100), NULL, &finished), RF_OK);
    CHECK_STATUS(rf_next(finished, &one), RF_OK);
    CHECK_STATUS(rf_poll(pool, RF_FOREVER), RF_OK);
    CHECK_STATUS(rf_imap(pool, square, rf_generator(forever, &next, NULL), NULL, &begun), RF_OK);
    CHECK_STATUS(rf_imap_unordered(pool, square, rf_range(0, 100), NULL, &fresh), RF_OK);
    CHECK_STATUS(rf_next(begun, &one), RF_OK);
    CHECK_STATUS(stop(pool), RF_OK);
    CHECK_STATUS(rf_next(begun, &one), RF_ECLOSED);
    CHECK(one == NULL);
    CHECK_HAS(rf_last_error()->message, "not taken");
    CHECK_STATUS(rf_next_within(begun, 0, &one), RF_ECLOSED);
    CHECK_STATUS(rf_next(finished, &one), RF_ECLOSED);
    CHECK_HAS(rf_last_error()->message, ": 99 finished results were not taken");
    CHECK_STATUS(rf_next(fresh, &one), RF_ECLOSED);
    CHECK_HAS(rf_last_error()->message, ": 0 finished results");
    CHECK_STATUS(rf_iterator_free(begun), RF_ECLOSED);
    CHECK_STATUS(rf_iterator_free(fresh), RF_ECLOSED);
    CHECK_STATUS(rf_iterator_free(finished), RF_ECLOSED);
}

CASE(A15_closing_the_pool_ends_its_live_iterators)
{
    close_under_iterators(pool, rf_close);
}

CASE(A15_terminating_the_pool_ends_its_live_iterators)
{
    close_under_iterators(pool, rf_terminate);
}

/* ---- B1 ---- */

static struct { int count; char text[512]; } warned;
static void keep_warning(const char *message, void *user)
{
    (void)user;
    warned.count++;
    snprintf(warned.text, sizeof warned.text, "%s", message);
}

CASE(B1_workers_are_as_many_as_ranks_were_launched)
{
    int ranks;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    CHECK_INT(rf_workers(pool), ranks == 1 ? 1 : ranks - 1);
}

CASE(B1_workers_use_only_so_many_and_more_than_there_are_is_a_warning)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, where, rf_range(0, 500), RF_OPTIONS(.workers = 1, .chunk_size = 1), &results), RF_OK);
    for (uint64_t i = 1; i < 500; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), rf_i64(rf_results_value(results, 0)));
    rf_log_to(keep_warning, NULL);
    int status = rf_map(pool, where, rf_range(0, 10), RF_OPTIONS(.workers = 1000), NULL);
    rf_log_to(NULL, NULL);
    CHECK_STATUS(status, RF_OK);
    CHECK_HAS(warned.text, "1000");
}

/* ---- B10 ---- */

CASE(B10_a_pool_inside_a_function_is_refused)
{
    RF_AUTO(rf_results, results);
    int status;
    bool none;
    rf_value why;
    CHECK_STATUS(rf_map(pool, open_another, rf_range(0, 20), NULL, &results), RF_OK);
    for (uint64_t i = 0; i < 20; i++) {
        rf_value told = rf_results_value(results, i);
        CHECK_STATUS(RF_READ(told, status, none, why), RF_OK);
        CHECK_INT(status, RF_EUSAGE);
        CHECK(none && rf_size(why) > 10);
    }
}

CASE(B10_a_function_may_not_use_the_pool_that_runs_it)
{
    RF_AUTO(rf_results, results);
    the_pool = pool;
    CHECK_STATUS(rf_map(pool, use_the_pool, rf_range(0, 5), NULL, &results), RF_OK);
    the_pool = NULL;
    for (uint64_t i = 0; i < 5; i++) {
        rf_value told = rf_results_value(results, i);
        int mapped, streamed, started, closed;
        if (rf_results_at(results, i).rank > 0)
            continue;
        CHECK_STATUS(RF_READ(told, mapped, streamed, started, closed), RF_OK);
        CHECK(mapped == RF_EUSAGE && streamed == RF_EUSAGE && started == RF_EUSAGE && closed == RF_EUSAGE);
    }
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 5), NULL, NULL), RF_OK);
}

/* ---- what all ranks do together ---- */

static void check_the_pool(rf_pool *pool, int workers)
{
    RF_AUTO(rf_results, results);
    CHECK_INT(rf_workers(pool), workers);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), NULL, &results), RF_OK);
    for (int64_t i = 0; i < 1000; i++) {
        CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)i)), i * i);
        CHECK(rf_results_at(results, (uint64_t)i).rank <= workers);
    }
}

/* The ranks are split in two, each half from its last to its first. Each has a pool, while a message that was sent before in the
   communicator itself, and one in the world's, wait for whom they are for. */
static void A1_a_pool_over_some_of_the_ranks_touches_no_other_communicator(int rank)
{
    MPI_Comm half;
    rf_pool *pool;
    MPI_Request sent[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    int size, own, got, told[2] = {4711, 4712};
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, -rank, &half);
    MPI_Comm_size(half, &size);
    MPI_Comm_rank(half, &own);
    MPI_Isend(&told[0], 1, MPI_INT, size - 1, 0, half, &sent[0]);
    MPI_Isend(&told[1], 1, MPI_INT, rank, 0, MPI_COMM_WORLD, &sent[1]);
    CHECK_STATUS(rf_open(half, NULL, &pool), RF_OK);
    CHECK((pool != NULL) == (own == 0));
    if (pool) {
        ALSO(check_the_pool(pool, size == 1 ? 1 : size - 1));
        CHECK_STATUS(rf_close(pool), RF_OK);
    }
    for (int from = 0; own == size - 1 && from < size; from++) {
        MPI_Recv(&got, 1, MPI_INT, from, MPI_ANY_TAG, half, MPI_STATUS_IGNORE);
        CHECK_INT(got, 4711);
    }
    MPI_Recv(&got, 1, MPI_INT, rank, MPI_ANY_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    CHECK_INT(got, 4712);
    MPI_Waitall(2, sent, MPI_STATUSES_IGNORE);
    MPI_Comm_free(&half);
}

/* Rank 0 sleeps: it is no worker. */
static void B1_more_workers_than_cores_are_one_warning_a_pool(int rank)
{
    int ranks, counts[2];
    rf_pool *pool;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int i = 0; i < 2; i++) {
        rf_log_to(keep_warning, NULL);
        warned.count = 0;
        CHECK_STATUS(rf_open(MPI_COMM_WORLD, NULL, &pool), RF_OK);
        counts[i] = warned.count;
        rf_log_to(NULL, NULL);
        if (pool)
            CHECK_STATUS(rf_close(pool), RF_OK);
    }
    for (int i = 0; i < 2; i++)
        CHECK_INT(counts[i], rank == 0 && ranks - 1 > sysconf(_SC_NPROCESSORS_ONLN));
    if (counts[1])
        CHECK_HAS(warned.text, "cores");
}

/* Every rank tells what it finds; rank 0 counts the case as failed when any has. */
static void together(const char *name, void (*run)(int rank), int rank)
{
    int failed, any;
    verifying.now = name;
    verifying.failed = false;
    alarm(CASE_SECONDS);
    run(rank);
    failed = verifying.failed;
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    alarm(0);
    verifying.checks += rank == 0;
    verifying.failures += rank == 0 && any;
}
#define TOGETHER(name, rank) together(#name, name, rank)

int main(int argc, char **argv)
{
    int rank, status;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    signal(SIGALRM, verify_out_of_time);
    TOGETHER(A1_a_pool_over_some_of_the_ranks_touches_no_other_communicator, rank);
    TOGETHER(B1_more_workers_than_cores_are_one_warning_a_pool, rank);
    status = verify_pools(argc, argv);
    MPI_Finalize();
    return status;
}
