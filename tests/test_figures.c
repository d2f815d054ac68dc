/* run/figures.c: what a worker counts of itself, and the longest items. */
#include "run/figures.h"

#include "base/random.h"
#include "suite.h"

START_TEST(the_five_longest_are_kept_the_longest_first)
{
    uint64_t random = suite_seed;
    for (int round = 0; round < 200; round++) {
        long_items kept = {0};
        double all[40];
        uint64_t count = random_below(&random, 40);
        for (uint64_t i = 0; i < count; i++) {
            all[i] = (double)random_below(&random, 20);
            long_items_add(&kept, &(struct message_long){.seconds = all[i], .index = i});
        }
        ck_assert_uint_eq(kept.count, count < RF_LONGEST ? count : RF_LONGEST);
        for (size_t i = 0; i < kept.count; i++) {
            uint64_t longer = 0;
            for (uint64_t j = 0; j < count; j++)
                longer += all[j] > kept.items[i].seconds;
            ck_assert_uint_le(longer, i);
            ck_assert(kept.items[i].seconds == all[kept.items[i].index]);
            ck_assert(i == 0 || kept.items[i].seconds < kept.items[i - 1].seconds ||
                      (kept.items[i].seconds == kept.items[i - 1].seconds && kept.items[i].index > kept.items[i - 1].index));
        }
    }
}
END_TEST

START_TEST(idleness_is_start_up_before_the_first_task_and_waiting_after_it)
{
    work_figures of;
    figures_begin(&of, 10);
    figures_idle(&of, 11);                      /* it has been all along */
    figures_busy(&of, 13);
    figures_busy(&of, 14);
    ck_assert_double_eq(of.sum.starting, 3);
    ck_assert_double_eq(of.sum.waiting, 0);
    figures_idle(&of, 20);
    figures_idle(&of, 21);
    figures_busy(&of, 25);
    ck_assert_double_eq(of.sum.starting, 3);
    ck_assert_double_eq(of.sum.waiting, 5);
    figures_idle(&of, 30);
    figures_busy(&of, 29.5);                    /* a turn's time may be older than what was measured in it */
    ck_assert_double_eq(of.sum.waiting, 5);
}
END_TEST

START_TEST(parts_add_up)
{
    work_figures of;
    column values = {0};
    struct message_long slow = {.seconds = 2, .index = 17, .items = 1};
    figures_begin(&of, 0);
    for (int64_t i = 0; i < 3; i++)
        ck_assert_int_eq(column_add(&values, rf_of_i64(i)), RF_OK);
    executor_part part = {.failure_count = 1, .seconds = 0.5, .init_seconds = 0.25, .bytes_read = 100, .ran = 3, .values = &values};
    figures_count(&of, &part, 4, 1000, false);
    part.longest = &slow;
    figures_count(&of, &part, 5, 1000, true);
    ck_assert_uint_eq(of.sum.items, 6);
    ck_assert_uint_eq(of.sum.failed, 2);
    ck_assert_uint_eq(of.sum.chunks, 1);
    ck_assert_uint_eq(of.sum.bytes_in, 200);
    ck_assert_uint_eq(of.sum.bytes_out, 2000);
    ck_assert_double_eq(of.sum.working, 1);
    ck_assert_double_eq(of.sum.init, 0.5);
    ck_assert_uint_eq(of.longest.count, 1);
    ck_assert_uint_eq(of.longest.items[0].function, 5);
    column_free(&values);
}
END_TEST

START_TEST(one_that_works_tells_once_a_second_and_one_that_is_asked_at_once)
{
    work_figures of;
    column values = {0};
    executor_part part = {.values = &values};
    figures_begin(&of, 0);
    ck_assert(!figures_due(&of, 100));
    figures_count(&of, &part, 0, 0, true);
    ck_assert(!figures_due(&of, 0.5) && figures_due(&of, 1));
    of.asked = 3;
    ck_assert(figures_due(&of, 0.5));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("figures");
    TCase *t = tcase_create("figures");
    tcase_add_test(t, the_five_longest_are_kept_the_longest_first);
    tcase_add_test(t, idleness_is_start_up_before_the_first_task_and_waiting_after_it);
    tcase_add_test(t, parts_add_up);
    tcase_add_test(t, one_that_works_tells_once_a_second_and_one_that_is_asked_at_once);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
