/* plan/rate: how many attempts may begin by now, alone and in a plan. */
#include "plan/rate.h"

#include "base/random.h"
#include "plan_script.h"

START_TEST(E10_rates_are_told_per_second)
{
    ck_assert_double_eq(rf_rate_per_second((rf_rate){10, RF_SECOND}), 10);
    ck_assert_double_eq(rf_rate_per_second((rf_rate){.count = 10}), 10);
    ck_assert_double_eq_tol(rf_rate_per_second((rf_rate){100, RF_MINUTE}), 1.6667, 5e-5);
    ck_assert_double_eq_tol(rf_rate_per_second((rf_rate){1000, RF_HOUR}), 0.27778, 5e-6);
    ck_assert_double_eq(rf_rate_per_second((rf_rate){0.5, RF_MINUTE}), 0.5 / 60);
    ck_assert_double_infinite(rf_rate_per_second((rf_rate){.count = RF_NONE}));
    ck_assert_double_nan(rf_rate_per_second((rf_rate){10, 3}));
}
END_TEST

START_TEST(a_rate_that_is_off_or_not_said_limits_nothing)
{
    for (int said = 0; said < 2; said++) {
        rate free = rate_from((rf_rate){.count = said ? RF_NONE : 0}, 0);
        ck_assert_uint_eq(rate_tokens(&free, 0), UINT64_MAX);
        rate_draw(&free, 1000000, 0);
        ck_assert_uint_eq(rate_tokens(&free, 0), UINT64_MAX);
        ck_assert_double_infinite(rate_wake(&free));
    }
}
END_TEST

START_TEST(tokens_come_one_by_one_at_a_low_rate)
{
    rate ten = rate_from((rf_rate){.count = 10}, 5);
    for (int i = 0; i < 100; i++) {
        double due = 5 + i / 10.0;
        if (i)
            ck_assert_double_eq_tol(rate_wake(&ten), due, 1e-12);
        if (i)
            ck_assert_uint_eq(rate_tokens(&ten, due - 0.001), 0);
        ck_assert_uint_eq(rate_tokens(&ten, i ? rate_wake(&ten) : due), 1);
        rate_draw(&ten, 1, i ? rate_wake(&ten) : due);
        ck_assert_uint_eq(rate_tokens(&ten, due), 0);
    }
}
END_TEST

START_TEST(what_was_not_drawn_is_not_saved_beyond_the_burst)
{
    rate ten = rate_from((rf_rate){.count = 10}, 0), thousand = rate_from((rf_rate){.count = 1000}, 0);
    ck_assert_uint_eq(rate_tokens(&ten, 3600), 1);
    ck_assert_uint_eq(rate_tokens(&thousand, 0), 10);
    ck_assert_uint_eq(rate_tokens(&thousand, 3600), 10);
    rate_draw(&thousand, 10, 3600);
    ck_assert_uint_eq(rate_tokens(&thousand, 3600), 0);
    ck_assert_uint_eq(rate_tokens(&thousand, 3600.0045), 4);
    ck_assert_double_eq_tol(rate_wake(&thousand), 3600.005, 1e-9);
    ck_assert_uint_eq(rate_tokens(&thousand, rate_wake(&thousand)), 5);
}
END_TEST

START_TEST(at_the_time_to_wake_there_is_a_token_at_any_rate)
{
    uint64_t random = suite_seed;
    for (int i = 0; i < 100000; i++) {
        rf_rate said = {pow(10, -6 + 18 * random_unit(&random)), (int)random_below(&random, 3)};
        double now = pow(10, -3 + 9 * random_unit(&random));
        rate any = rate_from(said, now);
        for (int draws = 0; draws < 5; draws++) {
            ck_assert_uint_ge(rate_tokens(&any, now), 1);
            rate_draw(&any, rate_tokens(&any, now), now);
            now = fmax(now, rate_wake(&any));
        }
    }
}
END_TEST

/* ---- in a plan ---- */

static void take_all(const plan_action *run)
{
    all_done(run);
    next(PLAN_DELIVER);
    plan_taken(of, job, run->chunk, run->count);
}

START_TEST(E10_attempts_begin_one_after_another_and_a_retry_draws_too)
{
    workers_join(3);
    start(3, RF_OPTIONS(.rate_limit = {100, RF_MINUTE}, .retry = {.attempts = 2, .backoff = RF_NONE}));
    plan_action first = run_of(0, 1);
    nothing_to_do();
    ck_assert(one_failed(&first, 0, "function"));
    nothing_to_do();
    for (uint64_t i = 1; i <= 3; i++) {             /* the item that is tried again, then the others */
        ck_assert_double_eq_tol(plan_wake(of), (double)i * 0.6, 1e-9);
        now = plan_wake(of);
        plan_action run = run_of(i - 1, 1);
        ck_assert_uint_eq(run.attempt, i == 1 ? 2 : 1);
        take_all(&run);
        if (i < 3)
            nothing_to_do();
    }
    ended(RF_OK);
    ck_assert_double_infinite(plan_wake(of));
}
END_TEST

START_TEST(a_chunk_is_no_larger_than_the_tokens_at_hand)
{
    workers_join(3);
    start(100, RF_OPTIONS(.rate_limit.count = 1000, .chunk_size = 8));
    run_of(0, 8);
    run_of(8, 2);
    nothing_to_do();
    ck_assert_double_eq_tol(plan_wake(of), 0.005, 1e-9);
}
END_TEST

START_TEST(what_a_lost_worker_had_draws_again_as_far_as_there_are_tokens)
{
    workers_join(2);
    start(10, RF_OPTIONS(.rate_limit.count = 1000, .chunk_size = 10));
    run_of(0, 10);
    ck_assert_int_eq(plan_lost(of, 0), RF_OK);
    nothing_to_do();
    now = plan_wake(of);
    ck_assert_double_eq_tol(now, 0.005, 1e-9);
    plan_action run = run_of(0, 1);                 /* the unit that was being run is a task of its own */
    ck_assert_uint_eq(run.attempt, 2);
    nothing_to_do();                                /* one task of unknown cost */
    all_done(&run);
    run = run_of(1, 4);
    all_done(&run);
    nothing_to_do();
    now = plan_wake(of);
    ck_assert_double_eq_tol(now, 0.010, 1e-9);
    run = run_of(5, 5);
    take_all(&run);
    ended(RF_OK);
}
END_TEST

START_TEST(a_job_that_waits_for_tokens_holds_up_no_other)
{
    workers_join(1);
    start(2, RF_OPTIONS(.rate_limit = {1, RF_HOUR}, .chunk_size = 1));
    uint64_t slow = job;
    plan_action run = run_of(0, 1);
    take_all(&run);
    start(3, RF_OPTIONS(.chunk_size = 1));
    ck_assert_uint_ne(job, slow);
    for (uint64_t i = 0; i < 3; i++) {
        run = run_of(i, 1);
        ck_assert_uint_eq(run.job, job);
        take_all(&run);
    }
    ck_assert_uint_eq(ended(RF_OK).job, job);
    ck_assert_double_eq(plan_wake(of), 3600);
}
END_TEST

START_TEST(a_job_that_waits_for_tokens_runs_out_of_time_and_wakes_nobody_any_more)
{
    workers_join(1);
    start(2, RF_OPTIONS(.rate_limit = {1, RF_HOUR}, .timeout = 60));
    plan_action run = run_of(0, 1);
    take_all(&run);
    nothing_to_do();
    ck_assert_double_eq(plan_wake(of), 60);
    now = 60;
    fail_of(1, 1, RF_ETIMEOUT);
    ended(RF_ETIMEOUT);
    ck_assert_double_infinite(plan_wake(of));
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        E10_rates_are_told_per_second,
        a_rate_that_is_off_or_not_said_limits_nothing,
        tokens_come_one_by_one_at_a_low_rate,
        what_was_not_drawn_is_not_saved_beyond_the_burst,
        at_the_time_to_wake_there_is_a_token_at_any_rate,
        E10_attempts_begin_one_after_another_and_a_retry_draws_too,
        a_chunk_is_no_larger_than_the_tokens_at_hand,
        what_a_lost_worker_had_draws_again_as_far_as_there_are_tokens,
        a_job_that_waits_for_tokens_holds_up_no_other,
        a_job_that_waits_for_tokens_runs_out_of_time_and_wakes_nobody_any_more,
    };
    Suite *all = suite_create("rate");
    suite_add_tcase(all, sentences("one sentence each", tests, sizeof tests / sizeof *tests));
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
