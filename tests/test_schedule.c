/* What the plan gives to whom, and how much of it: windows, chunk sizes, credit, turns. */
#include "plan_script.h"

/* ---- windows ---- */


START_TEST(the_window_counts_units_until_they_are_taken)
{
    workers_join(4);
    start(10, RF_OPTIONS(.chunk_size = 2, .max_active = 5));
    plan_action run[] = {run_of(0, 2), run_of(2, 2), run_of(4, 1)};
    nothing_to_do();
    all_done(&run[0]);
    next(PLAN_DELIVER);
    nothing_to_do();
    plan_taken(of, job, run[0].chunk, run[0].count);
    run_of(5, 2);
    nothing_to_do();
}
END_TEST

START_TEST(where_results_are_kept_the_window_counts_what_is_not_complete)
{
    workers_join(4);
    plan_job as = job_of(10, RF_OPTIONS(.chunk_size = 1, .max_active = 2));
    as.keeps = true;
    job = add(&as);
    run_of(0, 1);
    plan_action run = run_of(1, 1);
    nothing_to_do();
    all_done(&run);                     /* behind the head, and complete */
    run_of(2, 1);
    nothing_to_do();
}
END_TEST

START_TEST(the_window_counts_bytes_held_and_bytes_to_come)
{
    workers_join(1);
    start(100, RF_OPTIONS(.chunk_size = 1, .max_bytes = 250));
    plan_action run = run_of(0, 1);
    done_in(&run, 1e-3, 100);
    run = run_of(1, 1);
    run_of(2, 1);
    run_of(3, 1);
    nothing_to_do();                    /* three are to bring 100 bytes each */
    plan_part part = part_of(&run, 1, true);
    part.bytes = 100;
    report(&part);
    next(PLAN_DELIVER);
    nothing_to_do();
    plan_taken(of, job, PLAN_NO_CHUNK, 100);        /* of no chunk: nothing is taken */
    nothing_to_do();
    plan_taken(of, job, run.chunk, 100);
    run_of(4, 1);
    nothing_to_do();
}
END_TEST

START_TEST(what_is_taken_twice_is_taken_once)
{
    workers_join(1);
    plan_job as = job_of(4, RF_OPTIONS(.chunk_size = 2, .max_active = 2));
    as.ordered = false;
    job = add(&as);
    plan_action run = run_of(0, 2);
    plan_part part = part_of(&run, 1, false);
    report(&part);
    plan_taken(of, job, run.chunk, 1);
    plan_taken(of, job, run.chunk, 1);
    part = part_of(&run, 1, true);
    report(&part);
    nothing_to_do();
    plan_taken(of, job, run.chunk, 1);
    run_of(2, 2);
}
END_TEST

START_TEST(the_head_is_let_in_whatever_the_window)
{
    workers_join(2);
    start(3, RF_OPTIONS(.chunk_size = 1, .max_bytes = 10, .max_active = 1));
    for (uint64_t u = 0; u < 3; u++) {
        plan_action run = run_of(u, 1);
        nothing_to_do();
        plan_part part = part_of(&run, 1, true);
        part.bytes = 1000;
        report(&part);
        next(PLAN_DELIVER);
        if (u < 2) {
            nothing_to_do();
            plan_taken(of, job, run.chunk, 1000);
        }
    }
    ended(RF_OK);
}
END_TEST

START_TEST(an_item_that_is_run_again_needs_no_room_in_the_window)
{
    workers_join(2);
    start(3, RF_OPTIONS(.chunk_size = 1, .max_active = 1, .retry = {.attempts = 2, .backoff = RF_NONE}));
    plan_action run = run_of(0, 1);
    ck_assert(one_failed(&run, 0, "function"));
    run_of(0, 1);
    nothing_to_do();
}
END_TEST

START_TEST(several_jobs_are_served_in_turn)
{
    workers_join(6);
    plan_job as = job_of(100, RF_OPTIONS(.chunk_size = 1));
    uint64_t jobs[] = {add(&as), add(&as), add(&as)};
    for (int i = 0; i < 6; i++)
        ck_assert_uint_eq(next(PLAN_RUN).job, jobs[i % 3]);
    nothing_to_do();
}
END_TEST

/* ---- chunk sizes and credit ---- */

START_TEST(a_fixed_chunk_size_is_kept)
{
    workers_join(3);
    start(25, RF_OPTIONS(.chunk_size = 10));
    run_of(0, 10);
    run_of(10, 10);
    run_of(20, 5);
}
END_TEST

START_TEST(n_splits_are_so_many_chunks_of_equal_size)
{
    workers_join(4);
    start(10, RF_OPTIONS(.n_splits = 4));
    run_of(0, 2);
    run_of(2, 3);
    run_of(5, 2);
    run_of(7, 3);
}
END_TEST

START_TEST(more_splits_than_items_are_chunks_of_one)
{
    workers_join(3);
    start(3, RF_OPTIONS(.n_splits = 1000));
    run_of(0, 1);
    run_of(1, 1);
    run_of(2, 1);
}
END_TEST

/* All units cost the same; what is in flight is done in the order it was given. Looks at each chunk as it is given: how many
   units are not cut yet (it among them), and how large the largest was that has been reported. */
static void run_all(double seconds, size_t bytes, void (*look)(uint64_t count, uint64_t left, uint64_t largest))
{
    static plan_action flying[PLAN_TASKS_MOST * 4];
    uint64_t first = 0, last = 0, largest = 0, left, most = sizeof flying / sizeof *flying;
    plan_done(of, job, &left);
    for (bool over = false; !over;) {
        plan_action *action = &flying[last % most];
        while (!over && plan_take(of, now, action)) {
            over = action->kind == PLAN_ENDED;
            if (action->kind == PLAN_DELIVER)
                plan_taken(of, job, action->chunk, 0);
            if (action->kind != PLAN_RUN)
                continue;
            look(action->count, left, largest);
            left -= action->count;
            action = &flying[++last % most];
        }
        if (over)
            break;
        ck_assert_uint_lt(first, last);
        const plan_action *run = &flying[first++ % most];
        largest = run->count > largest ? run->count : largest;
        plan_part part = part_of(run, run->count, true);
        part.seconds = seconds * (double)run->count;
        part.bytes = bytes * run->count;
        report(&part);
    }
    ck_assert_uint_eq(left, 0);
}

static uint64_t largest_seen;

static void grows_by_four(uint64_t count, uint64_t left, uint64_t largest)
{
    (void)left;
    ck_assert_uint_le(count, largest ? 4 * largest : 1);
    largest_seen = count > largest_seen ? count : largest_seen;
}

START_TEST(automatic_chunks_start_at_one_and_grow_by_four_to_four_milliseconds)
{
    workers_join(1);
    start(1000000, NULL);
    largest_seen = 0;
    run_all(1e-5, 0, grows_by_four);
    ck_assert_uint_ge(largest_seen, 399);
    ck_assert_uint_le(largest_seen, 400);
}
END_TEST

START_TEST(automatic_chunks_bring_64_kib_at_most)
{
    workers_join(1);
    plan_job as = job_of(10000, NULL);
    as.keeps = true;
    job = add(&as);
    largest_seen = 0;
    run_all(1e-6, 10000, grows_by_four);
    ck_assert_uint_eq(largest_seen, 6);
}
END_TEST

static void two_at_most(uint64_t count, uint64_t left, uint64_t largest)
{
    grows_by_four(count, left, largest);
    ck_assert_uint_le(count, 2);
}

START_TEST(automatic_chunks_carry_no_more_input_than_piece_bytes)
{
    workers_join(1);
    plan_job as = job_of(1000, NULL);
    as.unit_bytes = 30000;
    job = add(&as);
    largest_seen = 0;
    run_all(1e-6, 0, two_at_most);
    ck_assert_uint_eq(largest_seen, 2);
}
END_TEST

START_TEST(a_unit_larger_than_piece_bytes_is_a_chunk_of_its_own)
{
    workers_join(1);
    plan_job as = job_of(2, NULL);
    as.unit_bytes = 100000;
    job = add(&as);
    plan_action run = run_of(0, 1);
    done_in(&run, 1e-6, 0);
    run_of(1, 1);
}
END_TEST

static void shrinks_toward_the_end(uint64_t count, uint64_t left, uint64_t largest)
{
    grows_by_four(count, left, largest);
    uint64_t share = left / (2 * 3);
    ck_assert_uint_le(count, share ? share : 1);
}

START_TEST(chunks_shrink_toward_the_end_so_that_all_workers_end_together)
{
    workers_join(3);
    start(10000, NULL);
    largest_seen = 0;
    run_all(4e-4, 0, shrinks_toward_the_end);
    ck_assert_uint_ge(largest_seen, 9);
}
END_TEST

START_TEST(several_tasks_are_in_flight_as_long_as_they_are_short)
{
    workers_join(1);
    start(1000, RF_OPTIONS(.chunk_size = 1));
    plan_action run = run_of(0, 1);
    nothing_to_do();                    /* its cost is unknown */
    done_in(&run, 0.004, 0);
    for (uint64_t u = 1; u <= 4; u++)
        ck_assert_double_eq(run_of(u, 1).predicted, 0.004);
    nothing_to_do();
}
END_TEST

START_TEST(all_are_at_ease_while_every_worker_has_work_for_half_its_credit)
{
    workers_join(1);
    start(1000, RF_OPTIONS(.chunk_size = 1));
    ck_assert(!plan_at_ease(of));       /* nothing is known of its task */
    plan_action run = run_of(0, 1);
    done_in(&run, 5e-3, 0);
    run = run_of(1, 1);
    ck_assert(!plan_at_ease(of));
    run_of(2, 1);
    ck_assert(plan_at_ease(of));
    run_of(3, 1);
    run_of(4, 1);
    done_in(&run, 5e-3, 0);
    ck_assert(plan_at_ease(of));
    ck_assert_int_eq(plan_join(of, 1), RF_OK);
    ck_assert(!plan_at_ease(of));       /* it has nothing yet */
    ck_assert_int_eq(plan_lost(of, 1), RF_OK);
    ck_assert(plan_at_ease(of));
}
END_TEST

START_TEST(a_slot_that_is_free_gets_a_task_whatever_it_costs)
{
    workers_join(1);
    start(100, RF_OPTIONS(.chunk_size = 1, .slots = 3));
    plan_action run = run_of(0, 1);
    run_of(1, 1);
    run_of(2, 1);
    nothing_to_do();                    /* their cost is unknown */
    done_in(&run, 1, 0);
    run = run_of(3, 1);
    nothing_to_do();                    /* and now known to be high */
    all_done(&run);                     /* not delivered: 1 comes before it */
    run_of(4, 1);
    nothing_to_do();
}
END_TEST

/* 0.003 three times added and taken away again leaves a rest above 0. */
START_TEST(nothing_is_queued_behind_unknown_tasks_when_the_known_ones_are_done)
{
    workers_join(1);
    start(5, RF_OPTIONS(.chunk_size = 1, .max_active = 3));
    plan_action first = run_of(0, 1), known[3], run;
    done_in(&first, 0.003, 1);
    for (uint64_t unit = 1; unit <= 3; unit++)
        known[unit - 1] = run_of(unit, 1);
    nothing_to_do();                    /* the window is full */
    plan_job unknown = job_of(4, RF_OPTIONS(.chunk_size = 1, .slots = 4));
    uint64_t other = add(&unknown);
    for (unsigned i = 0; i < 3; i++) {
        run = run_of(i, 1);
        ck_assert_uint_eq(run.job, other);
        plan_part part = part_of(&known[i], 1, true);
        part.seconds = 0.003;
        report(&part);
        next(PLAN_DELIVER);
    }
    run = run_of(3, 1);
    ck_assert_uint_eq(run.job, other);
    plan_taken(of, job, known[0].chunk, 1);
    nothing_to_do();                    /* there is room in the window, and no task of known cost ahead */
}
END_TEST

START_TEST(a_worker_has_the_credit_of_all_its_slots)
{
    unsigned given[2];
    for (unsigned slots = 1; slots <= 2; slots++) {
        tear_down();
        set_up();
        workers_join(1);
        start(1000, RF_OPTIONS(.chunk_size = 1, .slots = slots));
        plan_action run = run_of(0, 1), action;
        if (slots > 1)
            run_of(1, 1);
        done_in(&run, 1e-3, 0);
        for (given[slots - 1] = slots - 1; plan_take(of, now, &action); given[slots - 1]++)
            ck_assert_int_eq(action.kind, PLAN_RUN);
    }
    ck_assert_uint_eq(given[0], 16);
    ck_assert_uint_ge(given[1], 32);
    ck_assert_uint_le(given[1], 33);    /* what one of unknown cost takes is not counted */
}
END_TEST

START_TEST(nothing_is_queued_ahead_of_a_long_task)
{
    workers_join(1);
    start(1000, RF_OPTIONS(.chunk_size = 1));
    plan_action run = run_of(0, 1);
    done_in(&run, 0.021, 0);
    run_of(1, 1);
    nothing_to_do();
}
END_TEST

START_TEST(no_more_than_so_many_bytes_are_in_flight)
{
    workers_join(1);
    plan_job as = job_of(100, RF_OPTIONS(.chunk_size = 1));
    as.unit_bytes = PLAN_BYTES_MOST / 4 - 100;
    job = add(&as);
    plan_action run = run_of(0, 1);
    done_in(&run, 1e-6, 0);
    for (uint64_t u = 1; u <= 4; u++)
        run_of(u, 1);
    nothing_to_do();
    plan_abandon(of, job);
    for (plan_action action; plan_take(of, now, &action);)
        ck_assert_int_ne(action.kind, PLAN_RUN);
    as.unit_bytes = 2 * PLAN_BYTES_MOST;
    ck_assert_int_eq(plan_join(of, 1), RF_OK);
    job = add(&as);
    run = run_of(0, 1);                 /* one alone may be larger */
    ck_assert_uint_eq(run.worker, 1);
    done_in(&run, 1e-6, 0);
    run_of(1, 1);
    nothing_to_do();
}
END_TEST

START_TEST(no_more_than_so_many_tasks_are_in_flight)
{
    workers_join(1);
    start(1000, RF_OPTIONS(.chunk_size = 1));
    plan_action run = run_of(0, 1);
    done_in(&run, 1e-8, 0);
    for (uint64_t u = 1; u <= PLAN_TASKS_MOST; u++)
        run_of(u, 1);
    nothing_to_do();
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        the_window_counts_units_until_they_are_taken,
        where_results_are_kept_the_window_counts_what_is_not_complete,
        the_window_counts_bytes_held_and_bytes_to_come,
        what_is_taken_twice_is_taken_once,
        the_head_is_let_in_whatever_the_window,
        an_item_that_is_run_again_needs_no_room_in_the_window,
        several_jobs_are_served_in_turn,
        a_fixed_chunk_size_is_kept,
        n_splits_are_so_many_chunks_of_equal_size,
        more_splits_than_items_are_chunks_of_one,
        automatic_chunks_start_at_one_and_grow_by_four_to_four_milliseconds,
        automatic_chunks_bring_64_kib_at_most,
        automatic_chunks_carry_no_more_input_than_piece_bytes,
        a_unit_larger_than_piece_bytes_is_a_chunk_of_its_own,
        chunks_shrink_toward_the_end_so_that_all_workers_end_together,
        several_tasks_are_in_flight_as_long_as_they_are_short,
        all_are_at_ease_while_every_worker_has_work_for_half_its_credit,
        a_slot_that_is_free_gets_a_task_whatever_it_costs,
        nothing_is_queued_behind_unknown_tasks_when_the_known_ones_are_done,
        a_worker_has_the_credit_of_all_its_slots,
        nothing_is_queued_ahead_of_a_long_task,
        no_more_than_so_many_bytes_are_in_flight,
        no_more_than_so_many_tasks_are_in_flight,
    };
    Suite *all = suite_create("schedule");
    suite_add_tcase(all, sentences("one sentence each", tests, sizeof tests / sizeof *tests));
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
