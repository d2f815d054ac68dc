/* Programs that own MPI, on 1, 2, 3 and 5 ranks: a pool for each case, so that cases may close it. */
#include <mpi.h>

#include "functions.h"
#include "verify.h"

/* Once cancelled it lets messages move for 20 ms more, so that what follows the cancellation comes while it still runs. */
static int until_cancelled(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    while (x && !rf_call_cancelled(call))
        ;
    for (double end = MPI_Wtime() + 0.02; x && MPI_Wtime() < end;)
        rf_call_progress(call);
    return RF_RETURN(call, x);
}
RF_REGISTER(until_cancelled);

CASE(a_second_close_is_no_error_and_use_after_it_is_told)
{
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_close(pool), RF_OK);
    CHECK_STATUS(rf_close(pool), RF_OK);
    RF_AUTO(rf_results, results);
    rf_iterator *stream;
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, &results), RF_ECLOSED);
    CHECK(results == NULL);
    CHECK_STATUS(rf_apply(pool, square, rf_of_i64(1), NULL, NULL), RF_ECLOSED);
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 100), NULL, &stream), RF_ECLOSED);
    CHECK(stream == NULL);
    CHECK_STATUS(rf_poll(pool, 0), RF_ECLOSED);
    CHECK_STATUS(rf_terminate(pool), RF_OK);
    CHECK_INT(rf_workers(pool), 0);
}

CASE(results_are_read_after_the_pool_was_closed)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, &results), RF_OK);
    CHECK_STATUS(rf_close(pool), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(results, 99)), 9801);
    CHECK(rf_results_at(results, 99).host != NULL);
}

CASE(terminate_stops_functions_that_ask)
{
    if (rf_workers(pool) == 1)
        return;     /* a rank alone would never come back from rf_next */
    rf_iterator *stream;
    const rf_result *one;
    CHECK_STATUS(rf_imap_unordered(pool, until_cancelled, RF_VALUES(1, 0), RF_OPTIONS(.chunk_size = 1), &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(one->index, 1);
    CHECK_STATUS(rf_terminate(pool), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_ECLOSED);
    CHECK_STATUS(rf_iterator_free(stream), RF_ECLOSED);
}

CASE(freeing_an_iterator_stops_functions_that_ask)
{
    if (rf_workers(pool) == 1)
        return;
    rf_iterator *stream;
    const rf_result *one;
    CHECK_STATUS(rf_imap_unordered(pool, until_cancelled, RF_VALUES(1, 0), RF_OPTIONS(.chunk_size = 1), &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_STATUS(rf_iterator_free(stream), RF_OK);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), RF_OPTIONS(.chunk_size = 1), NULL), RF_OK);
}

CASE(two_pools_work_at_once)
{
    rf_pool *own;
    rf_iterator *first, *second;
    const rf_result *one;
    CHECK_STATUS(rf_open(MPI_COMM_SELF, NULL, &own), RF_OK);
    CHECK(own && rf_workers(own) == 1);
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 200), NULL, &first), RF_OK);
    CHECK_STATUS(rf_imap(own, square, rf_range(200, 400), NULL, &second), RF_OK);
    for (int64_t i = 0; i < 200; i++) {
        CHECK_STATUS(rf_next(first, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
        CHECK_STATUS(rf_next(second, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), (200 + i) * (200 + i));
    }
    CHECK_STATUS(rf_iterator_free(first), RF_OK);
    CHECK_STATUS(rf_iterator_free(second), RF_OK);
    CHECK_STATUS(rf_close(own), RF_OK);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, NULL), RF_OK);
}

CASE(no_communicator_is_an_error)
{
    rf_pool *none = pool;
    CHECK(rf_open(MPI_COMM_NULL, NULL, &none) < 0);
    CHECK(none == NULL);
}

static unsigned attempts_of(rf_pool *pool, rf_map_function *function, const rf_options *options)
{
    RF_AUTO(rf_results, results);
    if (rf_apply(pool, function, rf_nil(), options, &results) != RF_EITEMS)
        return 0;
    return rf_results_at(results, 0).attempts;
}

/* Collective: on rank 0 the call stands before the registration, that before the pool. */
static int options_of_a_pool(void)
{
    rf_pool *pool;
    int status = rf_open(MPI_COMM_WORLD, RF_OPTIONS(.retry = {.attempts = 7, .backoff = RF_NONE}), &pool);
    if (status || !pool)
        return status;
    unsigned by_pool = attempts_of(pool, always_fails, NULL), by_function = attempts_of(pool, fails_four_times, NULL),
             by_call = attempts_of(pool, fails_four_times, RF_OPTIONS(.retry = {.attempts = 2}));
    if (by_pool != 7 || by_function != 4 || by_call != 2)
        printf("attempts: %u for the pool, %u for the registration, %u for the call\n", by_pool, by_function, by_call);
    return rf_close(pool) || by_pool != 7 || by_function != 4 || by_call != 2;
}

int main(int argc, char **argv)
{
    rf_pool *early;
    int status = rf_open(MPI_COMM_WORLD, NULL, &early);
    if (status >= 0 || early || !strstr(rf_last_error()->message, "MPI_Init")) {
        printf("rf_open before MPI_Init: %s: %s\n", rf_status_name(status), rf_last_error()->message);
        return 1;
    }
    MPI_Init(&argc, &argv);
    status = verify_pools(argc, argv);
    if (options_of_a_pool())
        status = 1;
    MPI_Finalize();
    return status;
}
