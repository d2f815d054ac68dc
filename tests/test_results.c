/* The public result sets. */
#include "failing_malloc.h"
#include "result/spans.h"
#include "suite.h"

static strings *hosts, *paths;

static void setup(void)
{
    hosts = strings_new();
    paths = strings_new();
    ck_assert_int_eq(strings_add(hosts, "zero") || strings_add(hosts, "one") || strings_add(paths, "data.txt"), 0);
}

static void teardown(void)
{
    strings_free(hosts);
    strings_free(paths);
}

/* 100 items, of which 17 and 40 failed. */
static rf_results *new_results(void)
{
    rf_results *made;
    column values = {0};
    rf_error error = {.status = RF_EFUNCTION, .kind = "net.dns", .message = "no such host", .function = "fetch"};
    item_failure failures[] = {{17, failure_new(&error)}, {40, failure_new(&error)}};
    ck_assert_int_eq(results_new(hosts, paths, &made), RF_OK);
    for (int64_t i = 0; i < 100; i++)
        ck_assert_int_eq(column_add(&values, i == 17 || i == 40 ? rf_nil() : rf_of_i64(i * i)), RF_OK);
    delivery from = {.items = 100, .values = column_look(&values), .failures = failures, .failure_count = 2,
                     .path_index = BLOCK_NO_PATH, .rank = 1, .attempt = 3, .seconds = 50};
    ck_assert_int_eq(spans_add(made->all, &from), RF_OK);
    failure_free(failures[0].why);
    failure_free(failures[1].why);
    column_free(&values);
    return made;
}

START_TEST(a_result_has_a_value_or_an_error_and_says_where_it_was_made)
{
    rf_results *results = new_results();
    ck_assert_uint_eq(rf_results_len(results), 100);
    rf_result good = rf_results_at(results, 9), bad = rf_results_at(results, 17), other = rf_results_at(results, 40);
    ck_assert(good.ok && !bad.ok && !good.error && bad.error);
    ck_assert_uint_eq(good.index, 9);
    ck_assert_int_eq(rf_i64(good.value), 81);
    ck_assert_int_eq(good.rank, 1);
    ck_assert_str_eq(good.host, "one");
    ck_assert_uint_eq(good.attempts, 3);
    ck_assert_double_eq(good.seconds, 0.5);
    ck_assert_ptr_null(good.path);
    ck_assert_uint_eq(bad.index, 17);
    ck_assert_int_eq(bad.error->status, RF_EFUNCTION);
    ck_assert_str_eq(bad.error->kind, "net.dns");
    ck_assert_str_eq(bad.error->function, "fetch");
    ck_assert_uint_eq(bad.error->index, 17);
    ck_assert_uint_eq(other.error->index, 40);
    ck_assert_uint_eq(bad.error->attempt, 3);
    ck_assert_int_eq(bad.error->rank, 1);
    ck_assert_str_eq(bad.error->host, "one");
    ck_assert_int_eq(rf_type_of(rf_results_value(results, 17)), RF_NIL);
    ck_assert_int_eq(rf_i64(rf_results_value(results, 99)), 9801);
    rf_results_free(results);
}
END_TEST

START_TEST(failures_and_successes_are_found_in_index_order)
{
    rf_results *results = new_results();
    uint64_t i = 0, failures = 0, successes = 0, before = 0;
    ck_assert(!rf_results_ok(results));
    for (i = 0; rf_results_next_failure(results, &i); i++) {
        ck_assert(!rf_results_at(results, i).ok);
        ck_assert_uint_eq(i, failures++ ? 40 : 17);
    }
    for (i = 0; rf_results_next_success(results, &i); i++) {
        ck_assert(rf_results_at(results, i).ok);
        ck_assert(!successes++ || i > before);
        before = i;
    }
    ck_assert_uint_eq(failures, 2);
    ck_assert_uint_eq(successes, 98);
    i = 100;
    ck_assert(!rf_results_next_failure(results, &i) && !rf_results_next_success(results, &i));
    rf_results_free(results);
}
END_TEST

START_TEST(check_counts_all_failures_and_tells_the_first)
{
    rf_results *results = new_results();
    ck_assert_int_eq(rf_results_check(results), RF_EITEMS);
    const rf_error *error = rf_last_error();
    ck_assert_int_eq(error->status, RF_EITEMS);
    ck_assert_str_eq(error->message, "2 of 100 items failed; the first: no such host");
    ck_assert_str_eq(error->kind, "net.dns");
    ck_assert_str_eq(error->function, "fetch");
    ck_assert_str_eq(error->host, "one");
    ck_assert_uint_eq(error->index, 17);
    ck_assert_uint_eq(error->attempt, 3);
    ck_assert_int_eq(error->rank, 1);
    rf_results_free(results);
}
END_TEST

static void check_past_the_end(const rf_results *results, uint64_t i, const char *message)
{
    rf_result r = rf_results_at(results, i);
    ck_assert(!r.ok);
    ck_assert_int_eq(rf_type_of(r.value), RF_NIL);
    ck_assert_uint_eq(r.index, i);
    ck_assert_int_eq(r.error->status, RF_ERANGE);
    ck_assert_uint_eq(r.error->index, i);
    ck_assert_str_eq(r.error->message, message);
    ck_assert_int_eq(rf_type_of(rf_results_value(results, i)), RF_NIL);
}

START_TEST(past_the_end_there_is_a_failure_that_says_index_and_length)
{
    rf_results *results = new_results();
    check_past_the_end(results, 100, "there is no result 100: the set has 100, counted from 0");
    check_past_the_end(results, UINT64_MAX, "there is no result 18446744073709551615: the set has 100, counted from 0");
    check_past_the_end(NULL, 0, "there is no result 0: the set has 0");
    rf_results_free(results);
}
END_TEST

static void check_empty(const rf_results *results)
{
    uint64_t i = 0;
    ck_assert_uint_eq(rf_results_len(results), 0);
    ck_assert(rf_results_ok(results));
    ck_assert_int_eq(rf_results_check(results), RF_OK);
    ck_assert(!rf_results_next_failure(results, &i) && !rf_results_next_success(results, &i));
}

START_TEST(the_empty_set_and_null_are_ok_and_have_length_0)
{
    rf_results *results;
    ck_assert_int_eq(results_new(hosts, NULL, &results), RF_OK);
    check_empty(results);
    check_empty(NULL);
    rf_results_free(results);
    rf_results_free(NULL);
    RF_AUTO(rf_results, never_made);
    ck_assert_ptr_null(never_made);
}
END_TEST

START_TEST(results_outlive_the_tables_that_others_have_let_go)
{
    uint64_t word = 1, position = 12;
    rf_results *results;
    strings *names = strings_new(), *files = strings_new();
    ck_assert_int_eq(strings_add(names, "h") || strings_add(files, "f"), 0);
    ck_assert_int_eq(results_new(names, files, &results), RF_OK);
    delivery from = {.items = 1, .values = {.words = &word, .tag = RF_BOOL, .count = 1}, .positions = &position};
    ck_assert_int_eq(spans_add(results->all, &from), RF_OK);
    strings_free(names);
    strings_free(files);
    rf_result r = rf_results_at(results, 0);
    ck_assert_str_eq(r.host, "h");
    ck_assert_str_eq(r.path, "f");
    ck_assert_uint_eq(r.offset, 12);
    rf_results_free(results);
}
END_TEST

START_TEST(without_memory_no_set_is_made)
{
    FAILING_EACH_IN_TURN(n) {
        rf_results *results = (void *)&n;
        int status = results_new(hosts, paths, &results);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        ck_assert_int_eq(results == NULL, failed);
        rf_results_free(results);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("results");
    TCase *tests = tcase_create("results");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_result_has_a_value_or_an_error_and_says_where_it_was_made);
    tcase_add_test(tests, failures_and_successes_are_found_in_index_order);
    tcase_add_test(tests, check_counts_all_failures_and_tells_the_first);
    tcase_add_test(tests, past_the_end_there_is_a_failure_that_says_index_and_length);
    tcase_add_test(tests, the_empty_set_and_null_are_ok_and_have_length_0);
    tcase_add_test(tests, results_outlive_the_tables_that_others_have_let_go);
    tcase_add_test(tests, without_memory_no_set_is_made);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
