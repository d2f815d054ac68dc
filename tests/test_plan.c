/* The plan: what it promises in plan.h about jobs, failures and workers, one sentence a case, and all of it over random
   schedules (plan_world.c). Windows, chunk sizes and credit: test_schedule.c. */
#include "plan/plan.h"

#include "failing_malloc.h"
#include "plan_script.h"
#include "plan_world.h"

#define NO_LIMIT {.max_bytes = 64 << 20, .retry = {.attempts = 1}, .halt = RF_HALT_NEVER, .halt_count = RF_UNLIMITED}

/* ---- beginning and end ---- */

START_TEST(an_empty_job_ends_at_once)
{
    workers_join(1);
    start(0, NULL);
    ended(RF_OK);
    ck_assert(isinf(plan_wake(of)));
}
END_TEST

START_TEST(a_job_without_workers_ends_at_once_as_lost)
{
    start(3, NULL);
    ck_assert_uint_eq(fail_of(0, 3, RF_ELOST).chunk, PLAN_NO_CHUNK);
    ended(RF_ELOST);
}
END_TEST

START_TEST(chunks_are_delivered_in_the_order_of_their_units)
{
    workers_join(3);
    start(3, RF_OPTIONS(.chunk_size = 1));
    plan_action run[] = {run_of(0, 1), run_of(1, 1), run_of(2, 1)};
    all_done(&run[2]);
    nothing_to_do();
    all_done(&run[0]);
    ck_assert_uint_eq(next(PLAN_DELIVER).chunk, run[0].chunk);
    nothing_to_do();
    all_done(&run[1]);
    ck_assert_uint_eq(next(PLAN_DELIVER).chunk, run[1].chunk);
    ck_assert_uint_eq(next(PLAN_DELIVER).chunk, run[2].chunk);
    plan_action end = ended(RF_OK);
    ck_assert_uint_eq(end.first, 3);
    ck_assert_uint_eq(end.count, 3);
}
END_TEST

START_TEST(an_unordered_job_is_never_told_to_deliver)
{
    workers_join(1);
    plan_job as = job_of(1, RF_OPTIONS(.chunk_size = 1));
    as.ordered = false;
    job = add(&as);
    plan_action run = run_of(0, 1);
    all_done(&run);
    ended(RF_OK);
}
END_TEST

START_TEST(progress_counts_units_that_are_done_for_good)
{
    workers_join(2);
    start(5, RF_OPTIONS(.chunk_size = 5, .retry = {.attempts = 2, .backoff = RF_NONE}));
    plan_action run = run_of(0, 5);
    ck_assert(one_failed(&run, 2, "function"));
    uint64_t total;
    ck_assert_uint_eq(plan_done(of, job, &total), 4);
    ck_assert_uint_eq(total, 5);
    run = run_of(2, 1);
    ck_assert(!one_failed(&run, 2, "function"));
    ck_assert_uint_eq(plan_done(of, job, &total), 0);      /* over: not known any more */
    next(PLAN_DELIVER);
    ck_assert_uint_eq(ended(RF_EITEMS).first, 5);
}
END_TEST

START_TEST(ids_are_not_used_again)
{
    workers_join(1);
    start(0, NULL);
    uint64_t first = job;
    ended(RF_OK);
    start(0, NULL);
    ck_assert_uint_ne(first, 0);
    ck_assert_uint_ne(first, job);
    ended(RF_OK);
}
END_TEST

/* ---- failures ---- */

START_TEST(a_failed_item_is_run_again_by_another_worker)
{
    workers_join(2);
    start(1, RF_OPTIONS(.chunk_size = 1, .retry = {.attempts = 2, .backoff = RF_NONE}));
    plan_action run = run_of(0, 1);
    ck_assert(one_failed(&run, 0, "function"));
    plan_action again = run_of(0, 1);
    ck_assert_uint_ne(again.worker, run.worker);
    ck_assert_uint_eq(again.attempt, 2);
    ck_assert_uint_eq(again.chunk, run.chunk);
    all_done(&again);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

START_TEST(a_failed_item_waits_for_another_worker_that_is_busy)
{
    workers_join(2);
    start(2, RF_OPTIONS(.chunk_size = 1, .retry = {.attempts = 2, .backoff = RF_NONE}));
    plan_action run[] = {run_of(0, 1), run_of(1, 1)};
    plan_failure why = {.unit = 0, .position = PLAN_ALL, .kind = "function"};
    plan_part part = part_of(&run[0], 1, true);
    part.failures = &why;
    part.failure_count = 1;
    part.seconds = 1;                   /* too long to be queued behind another */
    report(&part);
    nothing_to_do();
    all_done(&run[1]);
    ck_assert_uint_eq(run_of(0, 1).worker, run[1].worker);
}
END_TEST

START_TEST(a_failed_item_goes_back_to_its_worker_when_the_other_is_lost)
{
    workers_join(2);
    start(1, RF_OPTIONS(.chunk_size = 1, .retry = {.attempts = 2, .backoff = 1, .steady = RF_ON}));
    plan_action run = run_of(0, 1);
    ck_assert(one_failed(&run, 0, "function"));
    nothing_to_do();
    ck_assert_int_eq(plan_lost(of, 1 - run.worker), RF_OK);
    now = 1;
    ck_assert_uint_eq(run_of(0, 1).worker, run.worker);
}
END_TEST

START_TEST(a_failed_item_goes_back_also_when_the_other_was_lost_with_nothing_that_is_wanted)
{
    workers_join(2);
    start(1, NULL);
    plan_action dropped = run_of(0, 1);
    plan_cancel(of, job, RF_ECANCELLED);
    for (plan_action action; plan_take(of, now, &action);)
        ;
    start(1, RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}));
    plan_action run = run_of(0, 1);
    ck_assert_uint_ne(run.worker, dropped.worker);
    ck_assert(one_failed(&run, 0, "function"));
    nothing_to_do();
    ck_assert_int_eq(plan_lost(of, dropped.worker), RF_OK);
    ck_assert_uint_eq(run_of(0, 1).worker, run.worker);
}
END_TEST

START_TEST(a_failure_that_is_final_is_not_run_again)
{
    workers_join(2);
    start(1, RF_OPTIONS(.retry = {.attempts = 3}));
    plan_action run = run_of(0, 1);
    plan_failure why = {.unit = 0, .position = PLAN_ALL, .kind = "function", .final = true};
    plan_part part = part_of(&run, 1, true);
    part.failures = &why;
    part.failure_count = 1;
    report(&part);
    ck_assert(!why.again);
    next(PLAN_DELIVER);
    ended(RF_EITEMS);
}
END_TEST

/* All items of both jobs have failed once; jitter draws when each is due. */
START_TEST(what_waits_comes_when_it_is_due_although_another_job_is_gone)
{
    workers_join(1);
    plan_job as = job_of(500, RF_OPTIONS(.chunk_size = 1, .retry = {.attempts = 2, .backoff = 10}));
    uint64_t jobs[] = {add(&as), add(&as)};
    for (int i = 0; i < 1000; i++) {
        plan_action run = next(PLAN_RUN);
        ck_assert(one_failed(&run, run.first, "function"));
    }
    nothing_to_do();
    plan_cancel(of, jobs[0], RF_ECANCELLED);
    for (plan_action action; plan_take(of, now, &action);)
        ck_assert_int_ne(action.kind, PLAN_RUN);
    for (int i = 0; i < 500; i++) {
        ck_assert_double_gt(plan_wake(of), now);
        now = plan_wake(of);
        plan_action run = next(PLAN_RUN), deliver;
        ck_assert_uint_eq(run.job, jobs[1]);
        all_done(&run);
        while (plan_take(of, now, &deliver))
            ck_assert_int_ne(deliver.kind, PLAN_RUN);
    }
    ck_assert(isinf(plan_wake(of)));
}
END_TEST

START_TEST(with_one_worker_an_item_that_is_run_again_keeps_its_place)
{
    workers_join(1);
    start(2, RF_OPTIONS(.chunk_size = 1, .retry = {.attempts = 2, .backoff = 1, .steady = RF_ON}));
    plan_action run = run_of(0, 1);
    ck_assert(one_failed(&run, 0, "function"));
    plan_action after = run_of(1, 1);
    all_done(&after);
    nothing_to_do();
    now = 1;
    plan_action again = run_of(0, 1);
    all_done(&again);
    ck_assert_uint_eq(next(PLAN_DELIVER).chunk, run.chunk);
    ck_assert_uint_eq(next(PLAN_DELIVER).chunk, after.chunk);
    ended(RF_OK);
}
END_TEST

START_TEST(only_what_failed_is_run_again)
{
    workers_join(2);
    start(10, RF_OPTIONS(.chunk_size = 10, .retry = {.attempts = 3, .backoff = RF_NONE}));
    plan_action run = run_of(0, 10);
    ck_assert(one_failed(&run, 7, "function"));
    plan_action again = run_of(7, 1);
    nothing_to_do();
    all_done(&again);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

/* Delays before attempts 1, 2, 3 ... */
static void attempts_come_after(const rf_retry *retry, const double *delays, unsigned count)
{
    workers_join(2);
    start(1, RF_OPTIONS(.chunk_size = 1, .retry = *retry));
    for (unsigned k = 0; k < count; k++) {
        if (k) {
            nothing_to_do();
            ck_assert_double_eq(plan_wake(of), now + delays[k]);
            now += delays[k] / 2;
            nothing_to_do();
            now += delays[k] / 2;
        }
        plan_action run = run_of(0, 1);
        ck_assert_uint_eq(run.attempt, k + 1);
        ck_assert_int_eq(one_failed(&run, 0, "function"), k + 1 < count);
    }
    ck_assert_uint_eq(plan_failed(of, job), 0);     /* over */
    next(PLAN_DELIVER);
    ended(RF_EITEMS);
}

START_TEST(three_attempts_come_after_0_1_and_2_seconds)
{
    attempts_come_after(&(rf_retry){.attempts = 3, .backoff = 1.0, .steady = RF_ON}, (double[]){0, 1, 2}, 3);
}
END_TEST

START_TEST(five_attempts_come_after_delays_up_to_the_largest)
{
    attempts_come_after(&(rf_retry){.attempts = 5, .backoff = 0.5, .max_delay = 5, .steady = RF_ON}, (double[]){0, 0.5, 1, 2, 4}, 5);
}
END_TEST

/* The delays before attempts 2 and 3 of one item. */
static void drawn_delays(uint64_t seed, double delays[2])
{
    tear_down();
    set_up();
    workers_join(2);
    start(1, RF_OPTIONS(.retry = RF_RETRY, .seed = seed));
    for (unsigned k = 0; k < 2; k++) {
        plan_action run = run_of(0, 1);
        ck_assert(one_failed(&run, 0, "function"));
        delays[k] = plan_wake(of) - now;
        now = plan_wake(of);
    }
    plan_action last = run_of(0, 1);
    ck_assert_uint_eq(last.attempt, 3);
    ck_assert(!one_failed(&last, 0, "function"));
}

START_TEST(E11_jitter_comes_from_the_seed_and_never_adds_to_the_delay)
{
    double first[2], other[2];
    uint64_t different = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        drawn_delays(seed, first);
        ck_assert(first[0] >= 0.5 && first[0] <= 1 && first[1] >= 1 && first[1] <= 2);
        drawn_delays(seed, other);
        ck_assert(first[0] == other[0] && first[1] == other[1]);
        drawn_delays(seed + 1, other);
        different += first[0] != other[0];
    }
    ck_assert_uint_eq(different, 100);
}
END_TEST

START_TEST(one_attempt_is_no_retry)
{
    attempts_come_after(&(rf_retry){.attempts = 1}, (double[]){0}, 1);
}
END_TEST

START_TEST(a_failure_of_another_kind_is_final_at_once)
{
    attempts_come_after(&(rf_retry){.on = "connection,timeout"}, (double[]){0}, 1);
}
END_TEST

START_TEST(an_item_of_a_block_is_run_again_alone)
{
    workers_join(2);
    start(2, RF_OPTIONS(.chunk_size = 2, .retry = {.attempts = 2, .backoff = RF_NONE}));
    plan_action run = run_of(0, 2);
    plan_failure why = {.unit = 1, .position = 4711, .kind = "function"};
    plan_part part = part_of(&run, 2, true);
    part.items = part.ran = 1000;
    part.failures = &why;
    part.failure_count = 1;
    report(&part);
    ck_assert(why.again);
    plan_action again = run_of(1, 1);
    ck_assert_uint_eq(again.position, 4711);
    all_done(&again);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

START_TEST(what_parts_have_not_covered_is_run_again)
{
    workers_join(1);
    start(10, RF_OPTIONS(.chunk_size = 10));
    plan_action run = run_of(0, 10);
    plan_part part = part_of(&run, 4, false);
    report(&part);
    nothing_to_do();
    part = part_of(&run, 2, true);
    report(&part);
    run = run_of(6, 4);
    ck_assert_uint_eq(run.attempt, 1);
    all_done(&run);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

/* ---- halting, cancelling ---- */

START_TEST(without_a_halt_everything_is_run_whatever_fails)
{
    workers_join(1);
    start(3, RF_OPTIONS(.chunk_size = 1));
    for (uint64_t u = 0; u < 3; u++) {
        plan_action run = run_of(u, 1);
        ck_assert(!one_failed(&run, u, "function"));
        next(PLAN_DELIVER);
    }
    ended(RF_EITEMS);
}
END_TEST

START_TEST(halting_soon_finishes_and_keeps_what_runs)
{
    workers_join(2);
    start(100, RF_OPTIONS(.chunk_size = 10, .halt = RF_HALT_SOON));
    plan_action run[] = {run_of(0, 10), run_of(10, 10)};
    one_failed(&run[0], 3, "function");
    next(PLAN_DELIVER);
    ck_assert_uint_eq(next(PLAN_STOP).task, run[1].task);
    nothing_to_do();
    plan_part part = part_of(&run[1], 4, true);
    report(&part);
    ck_assert_uint_eq(fail_of(14, 6, RF_EHALTED).chunk, run[1].chunk);
    next(PLAN_DELIVER);
    ck_assert_uint_eq(fail_of(20, 80, RF_EHALTED).chunk, PLAN_NO_CHUNK);
    ended(RF_EHALTED);
}
END_TEST

START_TEST(halting_now_drops_what_runs)
{
    workers_join(2);
    start(100, RF_OPTIONS(.chunk_size = 10, .halt = RF_HALT_NOW));
    plan_action run[] = {run_of(0, 10), run_of(10, 10)};
    one_failed(&run[0], 3, "function");
    next(PLAN_DELIVER);
    ck_assert_uint_eq(next(PLAN_STOP).task, run[1].task);
    fail_of(10, 10, RF_EHALTED);
    next(PLAN_DELIVER);
    fail_of(20, 80, RF_EHALTED);
    ended(RF_EHALTED);
    plan_part part = part_of(&run[1], 10, true);
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_OK);
    ck_assert_uint_eq(part.job, 0);
    nothing_to_do();
}
END_TEST

/* How many items, each a failure where fails says so, are run before the job halts. */
static uint64_t run_before_halt(const rf_options *said, bool (*fails)(uint64_t unit))
{
    workers_join(1);
    start(1000, said);
    plan_action action;
    uint64_t runs = 0;
    while (plan_take(of, now, &action) && action.kind != PLAN_ENDED) {
        if (action.kind == PLAN_RUN && fails(action.first))
            one_failed(&action, action.first, "function");
        else if (action.kind == PLAN_RUN)
            all_done(&action);
        runs += action.kind == PLAN_RUN;
    }
    ck_assert_int_eq(action.status, runs < 1000 ? RF_EHALTED : RF_EITEMS);
    return runs;
}

static bool always(uint64_t unit) { return unit < UINT64_MAX; }
static bool every_fourth(uint64_t unit) { return unit % 4 == 0; }

START_TEST(a_count_of_failures_halts_the_job)
{
    ck_assert_uint_eq(run_before_halt(RF_OPTIONS(.chunk_size = 1, .halt_count = 7), always), 7);
}
END_TEST

START_TEST(a_share_of_failures_halts_the_job_from_ten_items_on)
{
    ck_assert_uint_eq(run_before_halt(RF_OPTIONS(.chunk_size = 1, .halt_share = 0.25), every_fourth), 10);
}
END_TEST

START_TEST(a_share_that_is_not_reached_halts_nothing)
{
    ck_assert_uint_eq(run_before_halt(RF_OPTIONS(.chunk_size = 1, .halt_share = 0.5), every_fourth), 1000);
}
END_TEST

START_TEST(a_halt_alone_has_the_threshold_1)
{
    ck_assert_uint_eq(run_before_halt(RF_OPTIONS(.chunk_size = 1, .halt = RF_HALT_NOW), every_fourth), 1);
}
END_TEST

START_TEST(a_threshold_that_is_off_halts_nothing)
{
    ck_assert_uint_eq(run_before_halt(RF_OPTIONS(.chunk_size = 1, .halt = RF_HALT_SOON, .halt_count = RF_UNLIMITED), always), 1000);
}
END_TEST

START_TEST(an_item_that_is_run_again_does_not_halt_the_job_yet)
{
    workers_join(1);
    start(1, RF_OPTIONS(.chunk_size = 1, .halt = RF_HALT_NOW, .retry = {.attempts = 2, .backoff = RF_NONE}));
    plan_action run = run_of(0, 1);
    one_failed(&run, 0, "function");
    run = run_of(0, 1);
    all_done(&run);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

START_TEST(an_item_that_is_to_be_run_again_is_not_done_yet)
{
    workers_join(1);
    start(20, RF_OPTIONS(.chunk_size = 10, .halt_share = 0.1, .retry = {.attempts = 2, .backoff = RF_NONE, .on = "net"}));
    plan_action run = run_of(0, 10);
    plan_failure why[] = {{.unit = 0, .position = PLAN_ALL, .kind = "function"}, {.unit = 1, .position = PLAN_ALL, .kind = "net"}};
    plan_part part = part_of(&run, 10, true);
    part.failures = why;
    part.failure_count = 2;
    report(&part);
    run = run_of(1, 1);                 /* 1 failed of 9 that are done: too early to judge */
    run_of(10, 10);
    all_done(&run);
    next(PLAN_DELIVER);
    next(PLAN_STOP);
}
END_TEST

START_TEST(a_job_ends_with_the_first_reason_to_end)
{
    workers_join(2);
    start(2, RF_OPTIONS(.chunk_size = 1, .halt = RF_HALT_SOON));
    plan_action run = run_of(0, 1);
    run_of(1, 1);
    one_failed(&run, 0, "function");
    next(PLAN_DELIVER);
    next(PLAN_STOP);
    plan_cancel(of, job, RF_ECANCELLED);
    next(PLAN_STOP);
    next(PLAN_FAIL);
    next(PLAN_DELIVER);
    ended(RF_EHALTED);
}
END_TEST

START_TEST(a_task_that_was_dropped_keeps_its_number_to_itself)
{
    workers_join(1);
    start(1, NULL);
    plan_action dropped = run_of(0, 1);
    plan_cancel(of, job, RF_ECANCELLED);
    for (plan_action action; plan_take(of, now, &action);)
        ;
    plan_part part = part_of(&dropped, 1, true);
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_OK);
    start(1, NULL);
    ck_assert_uint_ne(run_of(0, 1).task, dropped.task);
    part = part_of(&dropped, 1, true);
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_OK);
    ck_assert_uint_eq(part.job, 0);
}
END_TEST

START_TEST(a_job_out_of_time_ends_with_what_it_has)
{
    workers_join(1);
    start(3, RF_OPTIONS(.chunk_size = 1, .timeout = 2));
    plan_action run = run_of(0, 1);
    all_done(&run);
    next(PLAN_DELIVER);
    run = run_of(1, 1);
    run_of(2, 1);
    nothing_to_do();
    ck_assert_double_eq(plan_wake(of), 2);
    now = 1.999;
    nothing_to_do();
    now = 2;
    next(PLAN_STOP);
    fail_of(1, 1, RF_ETIMEOUT);
    next(PLAN_DELIVER);
    next(PLAN_STOP);
    fail_of(2, 1, RF_ETIMEOUT);
    next(PLAN_DELIVER);
    ended(RF_ETIMEOUT);
    ck_assert(isinf(plan_wake(of)));
}
END_TEST

START_TEST(cancelling_fails_what_is_unfinished)
{
    workers_join(1);
    start(3, RF_OPTIONS(.chunk_size = 2));
    run_of(0, 2);
    plan_cancel(of, job, RF_ECANCELLED);
    next(PLAN_STOP);
    fail_of(0, 2, RF_ECANCELLED);
    next(PLAN_DELIVER);
    fail_of(2, 1, RF_ECANCELLED);
    ended(RF_ECANCELLED);
    plan_cancel(of, job, RF_ECANCELLED);
    nothing_to_do();
}
END_TEST

START_TEST(an_item_that_waits_for_its_next_attempt_fails_with_the_attempts_it_had)
{
    workers_join(1);
    start(1, RF_OPTIONS(.chunk_size = 1, .retry = {.attempts = 5}));
    plan_action run = run_of(0, 1);
    one_failed(&run, 0, "function");
    plan_cancel(of, job, RF_ECANCELLED);
    ck_assert_uint_eq(fail_of(0, 1, RF_ECANCELLED).attempt, 1);
    next(PLAN_DELIVER);
    ended(RF_ECANCELLED);
    ck_assert(isinf(plan_wake(of)));
}
END_TEST

START_TEST(an_abandoned_job_says_nothing_more_of_itself)
{
    workers_join(2);
    start(3, RF_OPTIONS(.chunk_size = 1));
    plan_action run[] = {run_of(0, 1), run_of(1, 1)};
    all_done(&run[0]);                  /* a DELIVER is to come */
    plan_abandon(of, job);
    ck_assert_uint_eq(next(PLAN_STOP).task, run[1].task);
    ended(RF_ECANCELLED);
}
END_TEST

/* ---- sequential input ---- */

static plan_job sequential(const rf_options *said)
{
    plan_job as = job_of(PLAN_UNKNOWN, said);
    as.sequential = true;
    return as;
}

static void give_items(uint64_t more, bool end)
{
    ck_assert_int_eq(plan_items(of, job, more, end), RF_OK);
}

START_TEST(sequential_input_is_asked_for_and_forgotten_once)
{
    workers_join(1);
    plan_job as = sequential(RF_OPTIONS(.chunk_size = 2, .max_active = 7));
    job = add(&as);
    ck_assert_uint_eq(next(PLAN_READ).count, 7);
    nothing_to_do();
    give_items(0, false);               /* not yet */
    nothing_to_do();
    give_items(3, false);
    plan_action run = run_of(0, 2);
    all_done(&run);
    plan_action forget = next(PLAN_FORGET);
    ck_assert_uint_eq(forget.first, 0);
    ck_assert_uint_eq(forget.count, 2);
    next(PLAN_DELIVER);
    run = run_of(2, 1);
    ck_assert_uint_eq(next(PLAN_READ).count, 4);
    give_items(0, true);
    nothing_to_do();
    all_done(&run);
    ck_assert_uint_eq(next(PLAN_FORGET).count, 1);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

START_TEST(a_declared_length_cuts_a_longer_source)
{
    workers_join(1);
    plan_job as = sequential(RF_OPTIONS(.chunk_size = 10, .iterable_len = 4));
    job = add(&as);
    ck_assert_uint_eq(next(PLAN_READ).count, 4);
    give_items(9, false);
    plan_action run = run_of(0, 4);
    all_done(&run);
    ck_assert_uint_eq(next(PLAN_FORGET).count, 4);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

START_TEST(a_source_that_fails_ends_the_job_after_what_was_read)
{
    workers_join(2);
    plan_job as = sequential(RF_OPTIONS(.chunk_size = 1));
    job = add(&as);
    next(PLAN_READ);
    give_items(1, false);
    plan_action run = run_of(0, 1);
    next(PLAN_READ);
    plan_read_failed(of, job, RF_EINPUT);
    nothing_to_do();
    all_done(&run);
    next(PLAN_FORGET);
    next(PLAN_DELIVER);
    ended(RF_EINPUT);
}
END_TEST

START_TEST(what_was_read_and_never_cut_is_forgotten_and_failed)
{
    workers_join(1);
    plan_job as = sequential(RF_OPTIONS(.chunk_size = 1));
    job = add(&as);
    next(PLAN_READ);
    give_items(5, false);
    run_of(0, 1);
    plan_cancel(of, job, RF_ECANCELLED);
    next(PLAN_STOP);
    fail_of(0, 1, RF_ECANCELLED);
    ck_assert_uint_eq(next(PLAN_FORGET).count, 1);
    next(PLAN_DELIVER);
    fail_of(1, 4, RF_ECANCELLED);
    ck_assert_uint_eq(next(PLAN_FORGET).count, 4);
    ended(RF_ECANCELLED);
}
END_TEST

/* ---- jobs that grow ---- */

static void done_and_adds(const plan_action *run, uint64_t added)
{
    plan_part part = part_of(run, run->count, true);
    part.added = added;
    part.added_bytes = 10 * added;
    report(&part);
}

START_TEST(A16_what_the_last_item_adds_is_run_before_the_job_ends)
{
    workers_join(1);
    start(1, RF_OPTIONS(.chunk_size = 2));
    plan_action run = run_of(0, 1);
    done_and_adds(&run, 3);
    next(PLAN_DELIVER);
    run = run_of(PLAN_ADDED, 2);
    uint64_t total;
    ck_assert_uint_eq(plan_done(of, job, &total), 1);
    ck_assert_uint_eq(total, 4);
    run_of(PLAN_ADDED + 2, 1);
    all_done(&run);
    plan_action forget = next(PLAN_FORGET);
    ck_assert_uint_eq(forget.first, PLAN_ADDED);
    ck_assert_uint_eq(forget.count, 2);
    next(PLAN_DELIVER);
    nothing_to_do();
    ck_assert_uint_eq(plan_done(of, job, &total), 3);
}
END_TEST

START_TEST(what_was_added_goes_before_the_rest_of_the_source)
{
    workers_join(1);
    start(3, RF_OPTIONS(.chunk_size = 1));
    plan_action run = run_of(0, 1);
    done_and_adds(&run, 1);
    next(PLAN_DELIVER);
    run = run_of(PLAN_ADDED, 1);
    run_of(1, 1);
    run_of(2, 1);
    all_done(&run);
    next(PLAN_FORGET);
    next(PLAN_DELIVER);
    nothing_to_do();
}
END_TEST

START_TEST(an_added_item_that_failed_is_run_again_and_halts_like_any_other)
{
    workers_join(2);
    start(1, RF_OPTIONS(.chunk_size = 1, .retry = {.attempts = 2, .backoff = RF_NONE}, .halt = RF_HALT_NOW));
    plan_action run = run_of(0, 1);
    done_and_adds(&run, 3);
    next(PLAN_DELIVER);
    run = run_of(PLAN_ADDED, 1);
    plan_action other = run_of(PLAN_ADDED + 1, 1);
    ck_assert(one_failed(&run, PLAN_ADDED, "function"));
    run_of(PLAN_ADDED + 2, 1);
    all_done(&other);
    next(PLAN_FORGET);
    plan_action again = run_of(PLAN_ADDED, 1);
    ck_assert_uint_eq(again.attempt, 2);
    ck_assert(!one_failed(&again, PLAN_ADDED, "function"));
    next(PLAN_FORGET);
    next(PLAN_DELIVER);
    next(PLAN_DELIVER);
    next(PLAN_STOP);
    fail_of(PLAN_ADDED + 2, 1, RF_EHALTED);
    next(PLAN_FORGET);
    next(PLAN_DELIVER);
    ended(RF_EHALTED);
}
END_TEST

START_TEST(what_was_added_and_never_cut_fails_with_the_job)
{
    workers_join(1);
    start(1, NULL);
    plan_action run = run_of(0, 1);
    plan_part part = part_of(&run, 1, true);
    part.added = 5;
    report(&part);
    plan_cancel(of, job, RF_ECANCELLED);
    next(PLAN_DELIVER);
    fail_of(PLAN_ADDED, 5, RF_ECANCELLED);
    plan_action forget = next(PLAN_FORGET);
    ck_assert_uint_eq(forget.first, PLAN_ADDED);
    ck_assert_uint_eq(forget.count, 5);
    ck_assert_uint_eq(ended(RF_ECANCELLED).count, 6);
}
END_TEST

START_TEST(a_part_that_nobody_wants_adds_nothing)
{
    workers_join(1);
    start(2, RF_OPTIONS(.chunk_size = 1));
    plan_action run = run_of(0, 1);
    plan_cancel(of, job, RF_ECANCELLED);
    next(PLAN_STOP);
    fail_of(0, 1, RF_ECANCELLED);
    next(PLAN_DELIVER);
    fail_of(1, 1, RF_ECANCELLED);
    ended(RF_ECANCELLED);
    plan_part part = part_of(&run, 1, true);
    part.added = 5;
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_OK);
    ck_assert_uint_eq(part.job, 0);
    nothing_to_do();
}
END_TEST

START_TEST(a_source_is_read_on_when_what_was_added_is_cut)
{
    workers_join(1);
    plan_job as = sequential(RF_OPTIONS(.chunk_size = 1, .max_active = 2));
    as.ordered = false;
    job = add(&as);
    next(PLAN_READ);
    give_items(1, false);
    plan_action run = run_of(0, 1);
    done_and_adds(&run, 2);
    next(PLAN_FORGET);
    plan_taken(of, job, run.chunk, 1);
    run = run_of(PLAN_ADDED, 1);
    plan_action other = run_of(PLAN_ADDED + 1, 1);
    nothing_to_do();                    /* max_active */
    all_done(&run);
    next(PLAN_FORGET);
    nothing_to_do();
    plan_taken(of, job, run.chunk, 1);
    next(PLAN_READ);
    give_items(0, true);
    nothing_to_do();
    all_done(&other);
    next(PLAN_FORGET);
    ended(RF_OK);
}
END_TEST

/* ---- workers ---- */

static plan_part init_fails(const plan_action *run)
{
    plan_part part = {.task = run->task, .worker = run->worker, .last = true, .init_failed = true};
    report(&part);
    return part;
}

START_TEST(a_worker_that_cannot_be_initialised_is_benched)
{
    workers_join(2);
    start(2, RF_OPTIONS(.chunk_size = 2));
    plan_action run = run_of(0, 2);
    init_fails(&run);
    plan_action again = run_of(0, 2);
    ck_assert_uint_ne(again.worker, run.worker);
    ck_assert_uint_eq(again.attempt, 1);
    plan_part part = part_of(&again, 1, true);      /* comes back: not to the one that is benched */
    report(&part);
    ck_assert_uint_eq(run_of(1, 1).worker, again.worker);
}
END_TEST

START_TEST(a_job_whose_workers_are_all_benched_ends)
{
    workers_join(2);
    start(2, RF_OPTIONS(.chunk_size = 2));
    plan_action run = run_of(0, 2);
    init_fails(&run);
    run = run_of(0, 2);
    init_fails(&run);
    ck_assert_uint_eq(fail_of(0, 2, RF_EINIT).attempt, 0);
    next(PLAN_DELIVER);
    ended(RF_EINIT);
    start(1, NULL);                     /* another job is not concerned */
    run_of(0, 1);
}
END_TEST

START_TEST(what_a_lost_worker_had_is_run_by_others)
{
    workers_join(2);
    start(4, RF_OPTIONS(.chunk_size = 4));
    plan_action run = run_of(0, 4);
    plan_part part = part_of(&run, 1, false);
    report(&part);
    ck_assert_int_eq(plan_lost(of, run.worker), RF_OK);
    plan_action again = run_of(1, 1);
    ck_assert_uint_eq(again.attempt, 2);
    plan_action rest = run_of(2, 2);
    ck_assert_uint_eq(rest.attempt, 1);
    ck_assert_uint_eq(again.worker, 1 - run.worker);
    part = part_of(&run, 1, true);
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_OK);       /* from the dead: too late */
    ck_assert_uint_eq(part.job, 0);
    all_done(&again);
    all_done(&rest);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

START_TEST(a_lost_worker_may_have_begun_as_many_tasks_of_a_job_as_it_has_slots)
{
    unsigned attempts[6] = {0};
    workers_join(1);
    start(6, RF_OPTIONS(.chunk_size = 1, .slots = 2));
    plan_action run = run_of(0, 1);
    run_of(1, 1);
    nothing_to_do();
    all_done(&run);
    next(PLAN_DELIVER);
    plan_taken(of, job, run.chunk, 1);
    for (uint64_t unit = 2; unit < 6; unit++)
        run_of(unit, 1);                /* 1 and 2 may be begun, the others wait behind them */
    ck_assert_int_eq(plan_join(of, 1), RF_OK);
    ck_assert_int_eq(plan_lost(of, 0), RF_OK);
    for (unsigned i = 1; i < 6; i++) {
        run = next(PLAN_RUN);
        attempts[run.first] = run.attempt;
    }
    for (uint64_t unit = 1; unit < 6; unit++)
        ck_assert_uint_eq(attempts[unit], unit < 3 ? 2 : 1);
}
END_TEST

START_TEST(a_job_that_halts_because_a_worker_was_lost_stops_nothing_there)
{
    workers_join(2);
    start(6, RF_OPTIONS(.chunk_size = 1, .halt = RF_HALT_NOW));
    plan_action first = run_of(0, 1), elsewhere = run_of(1, 1);
    all_done(&first);
    next(PLAN_DELIVER);
    plan_action begun = run_of(2, 1), action;
    ck_assert_uint_eq(begun.worker, first.worker);
    ck_assert_uint_eq(run_of(3, 1).worker, first.worker);
    while (plan_take(of, now, &action))
        ck_assert_int_eq(action.kind, PLAN_RUN);
    plan_part part = part_of(&begun, 0, false);
    part.items = part.ran = 1;
    part.partly = true;                 /* so that it cannot be run again */
    report(&part);
    ck_assert_int_eq(plan_lost(of, first.worker), RF_OK);
    unsigned stops = 0;
    while (plan_take(of, now, &action) && action.kind != PLAN_ENDED)
        if (action.kind == PLAN_STOP) {
            ck_assert_uint_eq(action.task, elsewhere.task);
            stops++;
        }
    ck_assert_uint_eq(stops, 1);
    ck_assert_int_eq(action.kind, PLAN_ENDED);
    ck_assert_int_eq(action.status, RF_EHALTED);
    nothing_to_do();
}
END_TEST

START_TEST(a_lost_worker_that_had_told_of_all_its_units_costs_nothing)
{
    workers_join(2);
    start(1, RF_OPTIONS(.chunk_size = 1));
    plan_action run = run_of(0, 1);
    plan_part part = part_of(&run, 1, false);
    report(&part);
    ck_assert_int_eq(plan_lost(of, run.worker), RF_OK);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

START_TEST(an_item_that_costs_three_workers_fails)
{
    workers_join(4);
    start(1, RF_OPTIONS(.chunk_size = 1));
    for (unsigned k = 1; k <= 3; k++) {
        plan_action run = run_of(0, 1);
        ck_assert_uint_eq(run.attempt, k);
        ck_assert_int_eq(plan_lost(of, run.worker), RF_OK);
    }
    ck_assert_uint_eq(fail_of(0, 1, RF_ELOST).attempt, 3);
    next(PLAN_DELIVER);
    ended(RF_EITEMS);
}
END_TEST

START_TEST(a_block_that_was_reported_in_part_is_not_run_twice)
{
    workers_join(2);
    start(2, RF_OPTIONS(.chunk_size = 2));
    plan_action run = run_of(0, 2);
    plan_part part = part_of(&run, 0, false);
    part.items = part.ran = 10;
    part.partly = true;
    report(&part);
    ck_assert_int_eq(plan_lost(of, run.worker), RF_OK);
    fail_of(0, 1, RF_ELOST);
    run = run_of(1, 1);
    all_done(&run);
    next(PLAN_DELIVER);
    ended(RF_EITEMS);
}
END_TEST

START_TEST(a_job_ends_with_its_last_worker)
{
    workers_join(1);
    start(5, RF_OPTIONS(.chunk_size = 2));
    run_of(0, 2);
    ck_assert_int_eq(plan_lost(of, 0), RF_OK);
    ck_assert_uint_eq(fail_of(0, 1, RF_ELOST).attempt, 1);
    ck_assert_uint_eq(fail_of(1, 1, RF_ELOST).attempt, 0);
    next(PLAN_DELIVER);
    ck_assert_uint_eq(fail_of(2, 3, RF_ELOST).attempt, 0);
    ended(RF_ELOST);
}
END_TEST

START_TEST(a_lost_item_counts_among_the_failures_that_halt)
{
    workers_join(5);
    start(2, RF_OPTIONS(.chunk_size = 1, .workers = 1, .halt = RF_HALT_SOON));
    for (unsigned k = 1; k <= 3; k++)
        ck_assert_int_eq(plan_lost(of, run_of(0, 1).worker), RF_OK);
    fail_of(0, 1, RF_ELOST);
    next(PLAN_DELIVER);
    fail_of(1, 1, RF_EHALTED);
    ended(RF_EHALTED);
}
END_TEST

START_TEST(a_job_uses_so_many_workers_and_another_when_one_is_lost)
{
    workers_join(4);
    start(100, RF_OPTIONS(.chunk_size = 1, .workers = 2));
    ck_assert_uint_eq(run_of(0, 1).worker, 0);
    ck_assert_uint_eq(run_of(1, 1).worker, 1);
    nothing_to_do();
    ck_assert_int_eq(plan_lost(of, 0), RF_OK);
    ck_assert_uint_eq(run_of(0, 1).worker, 2);
    nothing_to_do();
}
END_TEST

START_TEST(a_worker_that_comes_late_works)
{
    workers_join(1);
    start(10, RF_OPTIONS(.chunk_size = 1));
    run_of(0, 1);
    nothing_to_do();
    ck_assert_int_eq(plan_join(of, 5), RF_OK);
    ck_assert_uint_eq(run_of(1, 1).worker, 5);
    ck_assert_int_eq(plan_join(of, 5), RF_EUSAGE);
    ck_assert_int_eq(plan_lost(of, 6), RF_EUSAGE);
}
END_TEST

START_TEST(a_part_that_is_not_the_workers_own_changes_nothing)
{
    workers_join(2);
    start(5, RF_OPTIONS(.chunk_size = 5));
    plan_action run = run_of(0, 5);
    plan_part part = part_of(&run, 5, true);
    part.worker = 1 - run.worker;
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_EUSAGE);
    part = part_of(&run, 6, true);
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_EUSAGE);
    plan_failure why = {.unit = 5, .position = PLAN_ALL, .kind = "function"};
    part = part_of(&run, 5, true);
    part.failures = &why;
    part.failure_count = 1;
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_EUSAGE);
    part = part_of(&run, 5, true);
    part.task = run.task + 1;
    ck_assert_int_eq(plan_part_done(of, &part, now), RF_OK);
    ck_assert_uint_eq(part.job, 0);
    nothing_to_do();
    all_done(&run);
    next(PLAN_DELIVER);
    ended(RF_OK);
}
END_TEST

/* ---- at large ---- */

/* What happens to a RUN: worker 7 cannot be initialised, worker 3 is lost, all others fail the first item. */
static int meet(plan *small, const plan_action *run, double at)
{
    plan_failure why = {.unit = run->first, .position = PLAN_ALL, .kind = "function"};
    plan_part part = part_of(run, run->count, true);
    part.failures = &why;
    part.failure_count = 1;
    if (run->worker == 3)
        return plan_lost(small, 3);
    if (run->worker == 7)
        part = (plan_part){.task = run->task, .worker = 7, .last = true, .init_failed = true};
    return plan_part_done(small, &part, at);
}

static int run_small(plan *small, bool *over)
{
    plan_job as = {.ordered = true, .length = 300, .settled = NO_LIMIT};
    as.settled.chunk_size = 2;
    as.settled.retry = (rf_retry){.attempts = 2, .backoff = 1, .max_delay = 1, .on = "function"};
    int status = RF_OK;
    for (uint32_t who = 0; !status && who < 100; who++)
        status = plan_join(small, who);
    uint64_t id;
    status = status ? status : plan_add(small, &as, 0, &id);
    for (double at = 0; !status && !*over && at < 10; at++) {
        plan_action action;
        while (!status && plan_take(small, at, &action)) {
            status = action.kind == PLAN_RUN ? meet(small, &action, at) : RF_OK;
            *over = action.kind == PLAN_ENDED;
            if (action.kind == PLAN_DELIVER)
                plan_taken(small, id, action.chunk, 0);
        }
        status = status ? status : plan_memory_status(small);
    }
    return status;
}

START_TEST(failing_allocations_are_told_and_harm_nothing)
{
    FAILING_EACH_IN_TURN(n) {
        bool over = false;
        plan *small = plan_new();
        int status = small ? run_small(small, &over) : RF_ENOMEM;
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        ck_assert_int_eq(over, !failed);
        plan_free(small);
    }
}
END_TEST

START_TEST(random_schedules_keep_every_promise)
{
    plan_tally met = {0};
    uint64_t trials = getenv("TEST_QUICK") ? 1000 : 10000;
    for (uint64_t i = 0; i < trials; i++)
        plan_world_run(suite_seed + i, &met);
    const uint64_t *count = &met.items;
    for (size_t i = 0; i < sizeof met / sizeof *count; i++)
        ck_assert_msg(count[i] > 0, "no trial has met what counter %zu of plan_tally counts", i);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        an_empty_job_ends_at_once,
        a_job_without_workers_ends_at_once_as_lost,
        chunks_are_delivered_in_the_order_of_their_units,
        an_unordered_job_is_never_told_to_deliver,
        progress_counts_units_that_are_done_for_good,
        ids_are_not_used_again,
        a_failed_item_is_run_again_by_another_worker,
        a_failed_item_waits_for_another_worker_that_is_busy,
        a_failed_item_goes_back_to_its_worker_when_the_other_is_lost,
        a_failed_item_goes_back_also_when_the_other_was_lost_with_nothing_that_is_wanted,
        a_failure_that_is_final_is_not_run_again,
        what_waits_comes_when_it_is_due_although_another_job_is_gone,
        with_one_worker_an_item_that_is_run_again_keeps_its_place,
        only_what_failed_is_run_again,
        three_attempts_come_after_0_1_and_2_seconds,
        five_attempts_come_after_delays_up_to_the_largest,
        E11_jitter_comes_from_the_seed_and_never_adds_to_the_delay,
        one_attempt_is_no_retry,
        a_failure_of_another_kind_is_final_at_once,
        an_item_of_a_block_is_run_again_alone,
        what_parts_have_not_covered_is_run_again,
        without_a_halt_everything_is_run_whatever_fails,
        halting_soon_finishes_and_keeps_what_runs,
        halting_now_drops_what_runs,
        a_count_of_failures_halts_the_job,
        a_share_of_failures_halts_the_job_from_ten_items_on,
        a_share_that_is_not_reached_halts_nothing,
        a_halt_alone_has_the_threshold_1,
        a_threshold_that_is_off_halts_nothing,
        an_item_that_is_run_again_does_not_halt_the_job_yet,
        an_item_that_is_to_be_run_again_is_not_done_yet,
        a_job_ends_with_the_first_reason_to_end,
        a_task_that_was_dropped_keeps_its_number_to_itself,
        a_job_out_of_time_ends_with_what_it_has,
        cancelling_fails_what_is_unfinished,
        an_item_that_waits_for_its_next_attempt_fails_with_the_attempts_it_had,
        an_abandoned_job_says_nothing_more_of_itself,
        sequential_input_is_asked_for_and_forgotten_once,
        a_declared_length_cuts_a_longer_source,
        a_source_that_fails_ends_the_job_after_what_was_read,
        what_was_read_and_never_cut_is_forgotten_and_failed,
        A16_what_the_last_item_adds_is_run_before_the_job_ends,
        what_was_added_goes_before_the_rest_of_the_source,
        an_added_item_that_failed_is_run_again_and_halts_like_any_other,
        what_was_added_and_never_cut_fails_with_the_job,
        a_part_that_nobody_wants_adds_nothing,
        a_source_is_read_on_when_what_was_added_is_cut,
        a_worker_that_cannot_be_initialised_is_benched,
        a_job_whose_workers_are_all_benched_ends,
        what_a_lost_worker_had_is_run_by_others,
        a_lost_worker_may_have_begun_as_many_tasks_of_a_job_as_it_has_slots,
        a_job_that_halts_because_a_worker_was_lost_stops_nothing_there,
        a_lost_worker_that_had_told_of_all_its_units_costs_nothing,
        an_item_that_costs_three_workers_fails,
        a_block_that_was_reported_in_part_is_not_run_twice,
        a_job_ends_with_its_last_worker,
        a_lost_item_counts_among_the_failures_that_halt,
        a_job_uses_so_many_workers_and_another_when_one_is_lost,
        a_worker_that_comes_late_works,
        a_part_that_is_not_the_workers_own_changes_nothing,
    };
    Suite *all = suite_create("plan");
    suite_add_tcase(all, sentences("one sentence each", tests, sizeof tests / sizeof *tests));
    TCase *at_large = tcase_create("at large");
    tcase_add_test(at_large, failing_allocations_are_told_and_harm_nothing);
    tcase_add_test(at_large, random_schedules_keep_every_promise);
    suite_add_tcase(all, at_large);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
