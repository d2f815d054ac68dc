/* Row B11 of the contract: a driver that returns with everything open. What is left of it is looked at when rf_main is back. */
#include <mpi.h>

#include "../verify.h"
#include "signs.h"

static struct { int begun, ended; } calls;      /* of long_one, in this process */

/* Takes its time and asks for nothing. */
static int long_one(rf_call *call, rf_value item)
{
    const sign *begun = RF_CALL_STATE(call, sign);
    calls.begun++;
    if (begun)
        sign_set(begun);
    for (double end = MPI_Wtime() + 0.05; MPI_Wtime() < end;)
        ;
    calls.ended++;
    return rf_return(call, item);
}
RF_REGISTER(long_one);

static int copy(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(copy);

static struct { int called; bool released; int64_t read; } seen;

static int forever(rf_call *call, void *state)
{
    (void)state;
    return RF_RETURN(call, seen.read++);
}

static void released(void *state)
{
    (void)state;
    seen.released = true;
}

static void call_back(rf_future *future, void *user)
{
    (void)future, (void)user;
    seen.called++;
}

static rf_pool *left;
static rf_future *settled, *promised;
static rf_iterator *stream;

CASE(B11_an_early_return_terminates_the_pool)
{
    const rf_options *back = RF_OPTIONS(.callback = call_back, .error_callback = call_back);
    sign begun = sign_new("early");
    const rf_result *one;
    left = pool;
    CHECK_STATUS(rf_imap(pool, copy, rf_generator(forever, NULL, released), RF_OPTIONS(.iterable_len = RF_ENDLESS), &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_STATUS(rf_apply_async(pool, copy, rf_of_i64(12), NULL, &settled), RF_OK);
    CHECK_STATUS(rf_future_wait(settled, RF_FOREVER), RF_OK);
    CHECK_STATUS(rf_map_async(pool, copy, rf_generator(forever, NULL, NULL), RF_OPTIONS(.iterable_len = RF_ENDLESS, .callback = call_back), NULL), RF_OK);
    CHECK_STATUS(rf_map_async(pool, long_one, rf_range(0, 10000), RF_OPTIONS(.chunk_size = 1, .state = RF_STATE(begun), .error_callback = call_back),
                              &promised), RF_OK);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(rf_apply_async(pool, copy, rf_of_i64(i), back, NULL), RF_OK);
    while (!sign_is_there(&begun))
        rf_poll(pool, 0);
    sign_remove(&begun);
    seen.called = 0;
}

static void B11_a_function_that_runs_is_waited_for(void)
{
    CHECK_INT(calls.begun, calls.ended);
}

static void B11_what_was_open_is_closed_and_nobody_is_called_back(void)
{
    const rf_results *got;
    const rf_result *one;
    CHECK_INT(seen.called, 0);
    CHECK(seen.released);
    CHECK_STATUS(rf_future_get(settled, RF_FOREVER, &got), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(got, 0)), 12);
    CHECK_STATUS(rf_future_get(promised, RF_FOREVER, &got), RF_ECLOSED);
    CHECK_STATUS(rf_next(stream, &one), RF_ECLOSED);
    CHECK_STATUS(rf_iterator_free(stream), RF_ECLOSED);
    rf_future_free(settled);
    rf_future_free(promised);
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    signal(SIGALRM, verify_out_of_time);
    (void)argc, (void)argv;
    verify_one(verifying.first, pool);
    return 3;
}

int main(int argc, char **argv)
{
    int status = rf_main(argc, argv, driver);
    verifying.failed = false;
    verifying.now = "B11_a_function_that_runs_is_waited_for";
    B11_a_function_that_runs_is_waited_for();
    if (!left)
        return verifying.failed || status;
    verifying.now = "B11_what_was_open_is_closed_and_nobody_is_called_back";
    B11_what_was_open_is_closed_and_nobody_is_called_back();
    verifying.checks += 2;
    verifying.failures += verifying.failed;
    return verify_end() || status != 3;
}
