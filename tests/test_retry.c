/* plan/retry: which failures are tried again, and when. */
#include "plan/retry.h"

#include <math.h>

#include "base/options.h"
#include "base/random.h"
#include "suite.h"

static rf_retry settled(const rf_retry *asked)
{
    rf_options call = {.struct_size = sizeof call, .retry = *asked}, all;
    ck_assert_int_eq(options_settle(&call, NULL, NULL, NULL, &all), RF_OK);
    return all.retry;
}

static void delays_are(const rf_retry *asked, const double *delays, unsigned count)
{
    rf_retry policy = settled(asked);
    for (unsigned k = 0; k < count; k++)
        ck_assert_double_eq(retry_delay(&policy, k + 1, 0.5), delays[k]);
}

START_TEST(the_delay_doubles_with_each_attempt)
{
    delays_are(&(rf_retry){.attempts = 3, .backoff = 1.0, .steady = RF_ON}, (double[]){1, 2}, 2);
}
END_TEST

START_TEST(the_delay_grows_no_further_than_max_delay)
{
    delays_are(&(rf_retry){.attempts = 5, .backoff = 0.5, .max_delay = 5, .steady = RF_ON}, (double[]){0.5, 1, 2, 4, 5, 5, 5}, 7);
    delays_are(&(rf_retry){.backoff = 8, .max_delay = 5, .steady = RF_ON}, (double[]){5, 5}, 2);
    delays_are(&(rf_retry){.attempts = 1000000, .steady = RF_ON}, (double[]){1, 2, 4, 8, 16, 32, 60, 60}, 8);
}
END_TEST

START_TEST(without_a_largest_delay_it_goes_on_growing)
{
    delays_are(&(rf_retry){.backoff = 1, .max_delay = RF_NONE, .steady = RF_ON}, (double[]){1, 2, 4, 8, 16, 32, 64, 128}, 8);
}
END_TEST

START_TEST(a_backoff_that_is_off_is_no_delay)
{
    delays_are(&(rf_retry){.attempts = 3, .backoff = RF_NONE}, (double[]){0, 0}, 2);
}
END_TEST

START_TEST(the_millionth_attempt_has_a_finite_delay_at_once)
{
    rf_retry policy = settled(&(rf_retry){.attempts = 1000000, .steady = RF_ON});
    ck_assert_double_eq(retry_delay(&policy, 999999, 0), 60);
}
END_TEST

START_TEST(jitter_takes_away_half_of_the_delay_at_most_and_adds_nothing)
{
    rf_retry policy = settled(&(rf_retry){.attempts = 3});
    ck_assert_double_eq(retry_delay(&policy, 1, 0), 0.5);
    ck_assert_double_eq(retry_delay(&policy, 2, 0), 1);
    uint64_t random = suite_seed;
    double least = INFINITY, most = 0;
    for (int i = 0; i < 10000; i++) {
        double delay = retry_delay(&policy, 9, random_unit(&random));
        least = fmin(least, delay);
        most = fmax(most, delay);
    }
    ck_assert_double_ge(least, 30);
    ck_assert_double_lt(most, 60);
    ck_assert_double_lt(least, 31);
    ck_assert_double_gt(most, 59);
}
END_TEST

START_TEST(retry_asked_for_with_nothing_said_has_the_defaults)
{
    rf_retry policy = settled(&(rf_retry)RF_RETRY);
    ck_assert_uint_eq(policy.attempts, 3);
    ck_assert_double_eq(policy.backoff, 1);
    ck_assert_double_eq(policy.max_delay, 60);
    ck_assert_ptr_null(policy.on);
    ck_assert_int_eq(policy.steady, RF_OFF);
    ck_assert_uint_eq(settled(&(rf_retry){.attempts = 0}).attempts, 1);
}
END_TEST

START_TEST(every_kind_is_tried_again_unless_some_are_named)
{
    ck_assert(retry_matches(NULL, "function"));
    ck_assert(retry_matches("", "net.dns"));
    ck_assert(retry_matches("net", "net"));
    ck_assert(!retry_matches("net", "function"));
}
END_TEST

START_TEST(a_class_covers_its_kinds_and_not_those_that_only_begin_like_it)
{
    ck_assert(retry_matches("net", "net.dns"));
    ck_assert(retry_matches("net.dns", "net.dns.slow"));
    ck_assert(!retry_matches("net.dns", "net"));
    ck_assert(!retry_matches("net", "network"));
    ck_assert(!retry_matches("network", "net"));
}
END_TEST

START_TEST(any_of_the_kinds_between_commas_matches)
{
    ck_assert(retry_matches("net,timeout", "timeout"));
    ck_assert(retry_matches("net, timeout", "net.dns"));
    ck_assert(retry_matches(" net ,, timeout ,", "timeout"));
    ck_assert(!retry_matches("net, timeout", ""));
    ck_assert(!retry_matches("net, timeout", "time"));
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("retry");
    TCase *cases = tcase_create("retry");
    tcase_add_test(cases, the_delay_doubles_with_each_attempt);
    tcase_add_test(cases, the_delay_grows_no_further_than_max_delay);
    tcase_add_test(cases, without_a_largest_delay_it_goes_on_growing);
    tcase_add_test(cases, a_backoff_that_is_off_is_no_delay);
    tcase_add_test(cases, the_millionth_attempt_has_a_finite_delay_at_once);
    tcase_add_test(cases, jitter_takes_away_half_of_the_delay_at_most_and_adds_nothing);
    tcase_add_test(cases, retry_asked_for_with_nothing_said_has_the_defaults);
    tcase_add_test(cases, every_kind_is_tried_again_unless_some_are_named);
    tcase_add_test(cases, a_class_covers_its_kinds_and_not_those_that_only_begin_like_it);
    tcase_add_test(cases, any_of_the_kinds_between_commas_matches);
    suite_add_tcase(all, cases);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
