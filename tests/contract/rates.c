/* E10 and E11: how often attempts begin, and which are begun again. On 1, 2, 3 and 5 ranks. Nothing here looks at a clock: that a rate
   holds shows in how much was run when a job was out of time. */
#include "executions.h"

#define MOST 1000

static execution all[MOST];

static int square(rf_call *call, rf_value item)
{
    int64_t x;
    return RF_ARGS(call, item, x) ? RF_EARGS : RF_RETURN(call, x * x);
}
RF_REGISTER(square);

static int told_slowly_by_default(rf_call *call, rf_value item)
{
    return told(call, item);
}
RF_REGISTER(told_slowly_by_default, .options = {.rate_limit = {1, RF_HOUR}, .timeout = 0.2});

/* Fails in its first attempts: as many as the item says, of kind "net.dns". */
static int fails_so_often(rf_call *call, rf_value item)
{
    unsigned number, failures;
    if (RF_ARGS(call, item, number, failures) || !execution_told(call, number))
        return RF_EARGS;
    if (rf_call_attempt(call) <= failures)
        return rf_fail(call, "net.dns", "attempt %u", rf_call_attempt(call));
    return RF_RETURN(call, rf_call_attempt(call));
}
RF_REGISTER(fails_so_often);

/* ---- E10 ----------------------------------------------------------------------------------------------------------- */

CASE(E10_rates_are_told_per_second)
{
    CHECK(rf_rate_per_second((rf_rate){10, RF_SECOND}) == 10);
    CHECK(fabs(rf_rate_per_second((rf_rate){100, RF_MINUTE}) - 1.6667) < 5e-5);
    CHECK(fabs(rf_rate_per_second((rf_rate){1000, RF_HOUR}) - 0.27778) < 5e-6);
    CHECK(rf_rate_per_second((rf_rate){.count = 10}) == 10);
    CHECK(isinf(rf_rate_per_second((rf_rate){.count = RF_NONE})));
}

/* At one an hour the second attempt is not due. */
static void run_at_most(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options, size_t most)
{
    executions made = executions_begin();
    rf_options said = *options;
    said.state = RF_STATE(made);
    RF_AUTO(rf_results, results);
    int status = rf_map(pool, function, source, &said, &results);
    CHECK(executions_end(&made, all, MOST) <= most);
    CHECK_STATUS(status, RF_ETIMEOUT);
}

CASE(E10_no_more_attempts_begin_than_the_rate_allows)
{
    ALSO(run_at_most(pool, told, rf_range(0, 100), RF_OPTIONS(.rate_limit = {1, RF_HOUR}, .timeout = 0.2), 1));
    ALSO(run_at_most(pool, told, rf_range(0, 100), RF_OPTIONS(.rate_limit = {1, RF_HOUR}, .timeout = 0.2, .chunk_size = 50), 1));
    ALSO(run_at_most(pool, told, rf_range(0, 100), RF_OPTIONS(.rate_limit = {0.5, RF_MINUTE}, .timeout = 0.2, .n_splits = 2), 1));
}

CASE(E10_a_retry_draws_too)
{
    ALSO(run_at_most(pool, fails_so_often, RF_VALUES(RF_TUPLE(0, 1)),
                     RF_OPTIONS(.rate_limit = {1, RF_HOUR}, .timeout = 0.2, .retry = {.attempts = 2, .backoff = RF_NONE}), 1));
}

CASE(E10_the_rate_of_a_registration_holds_unless_a_call_says_another)
{
    executions made = executions_begin();
    ALSO(run_at_most(pool, told_slowly_by_default, rf_range(0, 100), RF_OPTIONS(.seed = 2), 1));
    CHECK_STATUS(rf_map(pool, told_slowly_by_default, rf_range(0, 100),
                        RF_OPTIONS(.rate_limit.count = RF_NONE, .timeout = RF_NONE, .state = RF_STATE(made)), NULL), RF_OK);
    CHECK_INT(executions_end(&made, all, MOST), 100);
}

static int count_to_hundred(rf_call *call, void *state)
{
    int64_t *n = state;
    return *n == 100 ? RF_END : RF_RETURN(call, (*n)++);
}

CASE(E10_a_rate_changes_nothing_in_what_comes_out)
{
    static const double counts[] = {1e3, 1e5, 1e7};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        int64_t n = 0, sum = 0;
        RF_AUTO(rf_results, results);
        RF_AUTO(rf_results, unordered);
        RF_AUTO(rf_iterator, stream);
        const rf_result *one;
        const rf_options *options = RF_OPTIONS(.rate_limit = {counts[k], RF_SECOND});
        CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), options, &results), RF_OK);
        for (int64_t i = 0; i < 100; i++)
            CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)i)), i * i);
        CHECK_STATUS(rf_map_unordered(pool, square, rf_range(0, 100), options, &unordered), RF_OK);
        for (uint64_t i = 0; i < 100; i++)
            sum += rf_i64(rf_results_value(unordered, i));
        CHECK_INT(sum, 328350);
        CHECK_STATUS(rf_imap(pool, square, rf_generator(count_to_hundred, &n, NULL), options, &stream), RF_OK);
        for (int64_t i = 0; i < 100; i++) {
            CHECK_STATUS(rf_next(stream, &one), RF_OK);
            CHECK_INT(rf_i64(one->value), i * i);
        }
        CHECK_STATUS(rf_next(stream, &one), RF_END);
    }
}

CASE(E10_a_job_that_waits_for_its_rate_holds_up_no_other)
{
    RF_AUTO(rf_iterator, slow);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_range(3, 100), RF_OPTIONS(.rate_limit = {1, RF_HOUR}), &slow), RF_OK);
    CHECK_STATUS(rf_next(slow, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 9);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), NULL, &results), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(results, 999)), 998001);
    CHECK_STATUS(rf_next_within(slow, 0, &one), RF_AGAIN);
}

CASE(E10_a_rate_that_is_none_is_refused_by_name)
{
    rf_results *none;
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1), RF_OPTIONS(.rate_limit = {-2, RF_SECOND}), &none), RF_EOPTION);
    CHECK_HAS(rf_last_error()->message, "rate_limit is -2");
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1), RF_OPTIONS(.rate_limit = {1, 7}), &none), RF_EOPTION);
    CHECK_HAS(rf_last_error()->message, "RF_MINUTE");
}

static int told_line(rf_call *call, rf_value item)
{
    return execution_told(call, rf_call_index(call)) ? rf_return(call, item) : RF_EARGS;
}
RF_REGISTER(told_line);

CASE(E10_each_line_of_a_file_draws)
{
    executions made = executions_begin(), text = executions_begin();
    const char *path = text.path;
    FILE *to = fopen(path, "w");
    for (int i = 0; to && i < 100; i++)
        fprintf(to, "line %d\n", i);
    CHECK(to && fclose(to) == 0);
    RF_AUTO(rf_results, results);
    ALSO(run_at_most(pool, told_line, rf_lines(&path, 1), RF_OPTIONS(.rate_limit = {1, RF_HOUR}, .timeout = 0.2), 1));
    int status = rf_map(pool, told_line, rf_lines(&path, 1), RF_OPTIONS(.rate_limit = {1e6, RF_SECOND}, .state = RF_STATE(made)), &results);
    size_t count = executions_end(&made, all, MOST);
    unlink(path);
    CHECK_STATUS(status, RF_OK);
    CHECK_INT(count, 100);
    CHECK_INT(rf_results_len(results), 100);
    CHECK_TEXT(rf_str(rf_results_value(results, 99)), "line 99");
    CHECK_INT(rf_results_at(results, 99).index, 99);
}

/* ---- E11 ----------------------------------------------------------------------------------------------------------- */

/* One item that always fails, so often was it called. */
static void calls_of(rf_pool *pool, rf_retry retry, unsigned wanted)
{
    executions made = executions_begin();
    RF_AUTO(rf_results, results);
    int status = rf_map(pool, fails_so_often, RF_VALUES(RF_TUPLE(0, 1000)), RF_OPTIONS(.retry = retry, .state = RF_STATE(made)), &results);
    size_t count = executions_end(&made, all, MOST);
    CHECK_STATUS(status, RF_EITEMS);
    CHECK_INT(count, wanted);
    for (unsigned k = 0; k < count; k++)
        CHECK_INT(all[k].attempt, k + 1);
    rf_result one = rf_results_at(results, 0);
    CHECK(!one.ok && one.attempts == wanted && one.error->attempt == wanted && strcmp(one.error->kind, "net.dns") == 0);
}

CASE(E11_an_item_that_fails_has_as_many_attempts_as_were_asked_for)
{
    ALSO(calls_of(pool, (rf_retry){.attempts = 3, .backoff = 0.001, .steady = RF_ON}, 3));
    ALSO(calls_of(pool, (rf_retry){.attempts = 5, .backoff = 0.0005, .max_delay = 0.002, .steady = RF_ON}, 5));
    ALSO(calls_of(pool, (rf_retry){.attempts = 40, .backoff = RF_NONE}, 40));
}

CASE(E11_retry_asked_for_with_nothing_else_said_is_three_attempts)
{
    ALSO(calls_of(pool, (rf_retry){.attempts = 3, .max_delay = 0.001}, 3));
    ALSO(calls_of(pool, (rf_retry){.max_delay = 0.001}, 3));
}

CASE(E11_one_attempt_is_one_call)
{
    ALSO(calls_of(pool, (rf_retry){.attempts = 1}, 1));
    ALSO(calls_of(pool, (rf_retry){0}, 1));
}

CASE(E11_a_failure_of_another_class_is_final_at_once)
{
    ALSO(calls_of(pool, (rf_retry){.on = "connection,timeout"}, 1));
    ALSO(calls_of(pool, (rf_retry){.on = "connection,net", .backoff = RF_NONE}, 3));
}

static rf_source *fifty(unsigned failures)
{
    rf_value parts[50][2], items[50];
    for (unsigned i = 0; i < 50; i++) {
        parts[i][0] = RF_V(i);
        parts[i][1] = RF_V(i % 5 ? 0 : failures);
        items[i] = rf_tuple_of(parts[i], 2);
    }
    return rf_values(items, 50);
}

CASE(E11_each_attempt_is_on_another_worker_than_the_one_before_where_there_is_one)
{
    executions made = executions_begin();
    int last[50];
    unsigned attempts[50] = {0};
    int status = rf_map(pool, fails_so_often, fifty(4), RF_OPTIONS(.retry = {.attempts = 5, .backoff = 0.0001}, .state = RF_STATE(made)), NULL);
    size_t count = executions_end(&made, all, MOST);
    CHECK_STATUS(status, RF_OK);
    CHECK_INT(count, 50 + 10 * 4);
    for (size_t k = 0; k < count; k++) {
        unsigned item = all[k].item;
        CHECK(item < 50 && all[k].attempt == ++attempts[item]);
        if (attempts[item] > 1)
            CHECK_INT(all[k].rank == last[item], rf_workers(pool) == 1);
        last[item] = all[k].rank;
    }
    for (unsigned i = 0; i < 50; i++)
        CHECK_INT(attempts[i], i % 5 ? 1 : 5);
}

CASE(E11_under_a_rate_retries_still_find_another_worker)
{
    executions made = executions_begin();
    int last[50];
    int status = rf_map(pool, fails_so_often, fifty(1),
                        RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}, .rate_limit = {500, RF_SECOND}, .state = RF_STATE(made)), NULL);
    size_t count = executions_end(&made, all, MOST);
    CHECK_STATUS(status, RF_OK);
    CHECK_INT(count, 60);
    for (size_t k = 0; k < count; k++) {
        if (all[k].attempt == 2)
            CHECK_INT(all[k].rank == last[all[k].item], rf_workers(pool) == 1);
        last[all[k].item] = all[k].rank;
    }
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
