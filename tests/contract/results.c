/* Rows A2, A3, A9, B4, E6, E8 and E9 of the contract: verbs that hold their results, what a result tells, which options hold. */
#include "../functions.h"
#include "../verify.h"

static int nothing_of_it(rf_call *call, rf_value item)
{
    int64_t x;
    return RF_ARGS(call, item, x);
}
RF_REGISTER(nothing_of_it);

static int of_nothing(rf_call *call, rf_value item)
{
    return rf_type_of(item) == RF_NIL ? RF_RETURN(call, 42) : RF_EARGS;
}
RF_REGISTER(of_nothing);

static int add(rf_call *call, rf_value item)
{
    int64_t x, y;
    if (RF_ARGS(call, item, x, y))
        return RF_EARGS;
    return RF_RETURN(call, x + y);
}
RF_REGISTER(add, .options = {.chunk_size = 1, .retry = {.attempts = 2, .backoff = RF_NONE}});

/* A method: its object is the bound state. */
struct power { int exponent; };
static int raise_it(rf_call *call, rf_value item)
{
    const struct power *its = RF_CALL_STATE(call, struct power);
    int64_t x, product = 1;
    if (!its || RF_ARGS(call, item, x))
        return RF_EARGS;
    for (int i = 0; i < its->exponent; i++)
        product *= x;
    return product == 0 ? rf_fail(call, "zero", "no zero") : RF_RETURN(call, product);
}
RF_REGISTER(raise_it, .options = {.retry = {.attempts = 3, .backoff = RF_NONE}});

static int endless(rf_call *call, void *state)
{
    return RF_RETURN(call, (*(int64_t *)state)++);
}

static void check_squares(const rf_results *results, uint64_t count)
{
    CHECK_INT(rf_results_len(results), count);
    for (uint64_t i = 0; i < count; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), i * i);
    CHECK(rf_results_ok(results));
    CHECK_STATUS(rf_results_check(results), RF_OK);
}

CASE(A2_map_gives_the_squares_in_item_order)
{
    const uint64_t sizes[] = {1, 2, 100, 100000};
    for (unsigned i = 0; i < 4; i++) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, square, rf_range(0, (int64_t)sizes[i]), NULL, &results), RF_OK);
        ALSO(check_squares(results, sizes[i]));
    }
}

CASE(A3_map_unordered_gives_each_square_once)
{
    RF_AUTO(rf_results, results);
    bool seen[5000] = {false};
    CHECK_STATUS(rf_map_unordered(pool, square, rf_range(0, 5000), RF_OPTIONS(.chunk_size = 7), &results), RF_OK);
    CHECK_INT(rf_results_len(results), 5000);
    for (uint64_t i = 0; i < 5000; i++) {
        rf_result one = rf_results_at(results, i);
        CHECK(one.ok && one.index < 5000 && !seen[one.index]);
        CHECK_INT(rf_i64(one.value), one.index * one.index);
        seen[one.index] = true;
    }
}

static uint64_t first_total;
static void keep_total(uint64_t done, uint64_t total, bool final, void *user)
{
    (void)done, (void)final, (void)user;
    if (first_total == UINT64_MAX)
        first_total = total;
}

/* What the first look at progress knows is the length, or what was read so far. */
CASE(A9_a_source_knows_its_length_or_says_that_it_does_not)
{
    const int32_t numbers[50] = {0};
    rf_source *known[] = {rf_range(0, 50), rf_range_by(100, 0, -2), RF_ARRAY(numbers, 50)};
    for (unsigned i = 0; i < 3; i++) {
        first_total = UINT64_MAX;
        CHECK_STATUS(rf_map(pool, nothing, known[i], RF_OPTIONS(.on_progress = keep_total, .n_splits = 7), NULL), RF_OK);
        CHECK_INT(first_total, 50);
    }
    int64_t next = 0;
    CHECK_STATUS(rf_map(pool, nothing, rf_generator(endless, &next, NULL), RF_OPTIONS(.n_splits = 7), NULL), RF_EOPTION);
    CHECK_INT(next, 0);
    CHECK_STATUS(rf_map(pool, nothing, rf_generator(endless, &next, NULL), RF_OPTIONS(.n_splits = 7, .iterable_len = 50), NULL), RF_OK);
    CHECK_INT(next, 50);
}

CASE(A9_a_range_is_never_made_into_items)
{
    RF_AUTO(rf_iterator, squares);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, INT64_MAX), NULL, &squares), RF_OK);
    for (int64_t i = 0; i < 1000; i++) {
        CHECK_STATUS(rf_next(squares, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
    }
}

CASE(B4_a_function_that_returns_nothing_gives_nil)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_apply(pool, nothing, rf_nil(), NULL, &results), RF_OK);
    rf_result one = rf_results_at(results, 0);
    CHECK(one.ok && rf_type_of(one.value) == RF_NIL && one.error == NULL);
}

CASE(B4_functions_with_or_without_argument_with_or_without_result)
{
    rf_map_function *functions[] = {square, nothing_of_it, of_nothing, nothing};
    for (int i = 0; i < 4; i++) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_apply(pool, functions[i], i < 2 ? rf_of_i64(5) : rf_nil(), NULL, &results), RF_OK);
        CHECK(rf_results_ok(results));
        rf_value value = rf_results_value(results, 0);
        CHECK_INT(rf_type_of(value), i % 2 ? RF_NIL : RF_I64);
        CHECK_INT(rf_i64(value), i == 0 ? 25 : i == 2 ? 42 : 0);
    }
}

static unsigned attempts_of(rf_pool *pool, rf_map_function *function, const rf_options *options)
{
    RF_AUTO(rf_results, results);
    if (rf_apply(pool, function, rf_nil(), options, &results) != RF_EITEMS)
        return 0;
    return rf_results_at(results, 0).attempts;
}

CASE(E6_a_call_overrides_a_registration_field_by_field)
{
    CHECK_INT(attempts_of(pool, always_fails, NULL), 1);
    CHECK_INT(attempts_of(pool, always_fails, RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE})), 2);
    CHECK_INT(attempts_of(pool, fails_four_times, NULL), 4);
    CHECK_INT(attempts_of(pool, fails_four_times, RF_OPTIONS(.chunk_size = 3)), 4);
    CHECK_INT(attempts_of(pool, fails_four_times, RF_OPTIONS(.retry = {.attempts = 2})), 2);
    CHECK_INT(attempts_of(pool, fails_four_times, RF_OPTIONS(.retry = {.steady = RF_ON})), 4);
    CHECK_INT(attempts_of(pool, fails_four_times, RF_OPTIONS(.retry = {.attempts = 1})), 1);
}

static unsigned attempts_in_a_stream(rf_pool *pool, rf_map_function *function, rf_source *source, const rf_options *options)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    if (rf_imap(pool, function, source, options, &stream) || rf_next(stream, &one))
        return 0;
    return one->ok ? 0 : one->attempts;
}

static unsigned attempts_in_a_starmap(rf_pool *pool, const rf_options *options)
{
    RF_AUTO(rf_results, results);
    if (rf_starmap(pool, fails_four_times, RF_VALUES(RF_TUPLE(1, 2)), options, &results) != RF_EITEMS)
        return 0;
    return rf_results_at(results, 0).attempts;
}

static unsigned attempts_of_a_future(rf_pool *pool, const rf_options *options)
{
    RF_AUTO(rf_future, later);
    const rf_results *results;
    if (rf_map_async(pool, fails_four_times, rf_range(0, 1), options, &later) ||
        rf_future_get(later, RF_FOREVER, &results) != RF_EITEMS)
        return 0;
    return rf_results_at(results, 0).attempts;
}

CASE(E6_defaults_of_a_registration_hold_for_every_verb)
{
    struct power cube = {3};
    const rf_options *twice = RF_OPTIONS(.retry = {.attempts = 2}), *off = RF_OPTIONS(.retry = {.attempts = 1});
    CHECK_INT(attempts_in_a_stream(pool, fails_four_times, rf_range(0, 1), NULL), 4);
    CHECK_INT(attempts_in_a_stream(pool, fails_four_times, rf_range(0, 1), twice), 2);
    CHECK_INT(attempts_in_a_stream(pool, fails_four_times, rf_range(0, 1), off), 1);
    CHECK_INT(attempts_in_a_starmap(pool, NULL), 4);
    CHECK_INT(attempts_in_a_starmap(pool, twice), 2);
    CHECK_INT(attempts_of_a_future(pool, NULL), 4);
    CHECK_INT(attempts_of_a_future(pool, off), 1);
    CHECK_INT(attempts_in_a_stream(pool, raise_it, rf_range(0, 1), RF_OPTIONS(.state = RF_STATE(cube))), 3);
    CHECK_INT(attempts_in_a_stream(pool, always_fails, rf_range(0, 1), NULL), 1);
}

CASE(E6_a_registered_add_runs_without_a_pool_and_in_a_starmap)
{
    RF_AUTO(rf_results, here);
    RF_AUTO(rf_results, there);
    CHECK_STATUS(rf_run(add, RF_TUPLE(1, 2), NULL, &here), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(here, 0)), 3);
    CHECK_STATUS(rf_starmap(pool, add, RF_VALUES(RF_TUPLE(1, 2), RF_TUPLE(3, 4)), NULL, &there), RF_OK);
    CHECK_INT(rf_results_len(there), 2);
    CHECK_INT(rf_i64(rf_results_value(there, 0)), 3);
    CHECK_INT(rf_i64(rf_results_value(there, 1)), 7);
    RF_AUTO(rf_results, failed);
    CHECK_STATUS(rf_run(add, RF_TUPLE(1, "two"), NULL, &failed), RF_EITEMS);
    CHECK_INT(rf_results_at(failed, 0).attempts, 2);
}

CASE(E6_B8_a_bound_method_with_defaults_squares)
{
    struct power square_it = {2};
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, raise_it, RF_VALUES(1, 2, 3), RF_OPTIONS(.state = RF_STATE(square_it)), &results), RF_OK);
    CHECK_INT(rf_results_len(results), 3);
    for (int64_t i = 0; i < 3; i++)
        CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)i)), (i + 1) * (i + 1));
}

CASE(E8_a_failed_item_tells_everything_about_itself)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, fail_as_told, RF_VALUES(RF_TUPLE("net.dns", "no such host"), RF_TUPLE("", "plain")), NULL, &results), RF_EITEMS);
    rf_result one = rf_results_at(results, 0);
    CHECK(!one.ok && rf_type_of(one.value) == RF_NIL && one.error != NULL);
    CHECK_STATUS(one.error->status, RF_EFUNCTION);
    CHECK_TEXT(one.error->kind, "net.dns");
    CHECK_HAS(one.error->message, "no such host");
    CHECK_INT(one.error->index, 0);
    CHECK_TEXT(one.error->function, "fail_as_told");
    CHECK(one.error->host && one.error->host[0] && one.host && one.host[0]);
    CHECK(one.error->rank == one.rank && one.rank >= 0 && (uint64_t)one.rank <= rf_workers(pool));
    CHECK_INT(one.error->attempt, 1);
    CHECK_INT(one.attempts, 1);
    CHECK(one.seconds >= 0);
    CHECK_TEXT(rf_results_at(results, 1).error->kind, "function");
}

CASE(E8_a_result_has_a_value_or_an_error_and_where_it_was_made)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, refuse_from_ten, rf_range(0, 20), NULL, &results), RF_EITEMS);
    for (uint64_t i = 0; i < 20; i++) {
        rf_result one = rf_results_at(results, i);
        CHECK_INT(one.index, i);
        CHECK_INT(one.ok, i < 10);
        CHECK((one.error == NULL) == one.ok);
        CHECK((rf_type_of(one.value) == RF_NIL) != one.ok);
        CHECK(one.host != NULL && one.rank >= 0 && one.attempts == 1 && one.path == NULL);
    }
}

CASE(E9_a_result_set_tells_failures_and_successes_in_index_order)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, refuse_sevens, rf_range(0, 50), NULL, &results), RF_EITEMS);
    CHECK(!rf_results_ok(results));
    uint64_t failures = 0, successes = 0;
    for (uint64_t i = 0; rf_results_next_failure(results, &i); i++)
        CHECK_INT(i, 7 * failures++);
    CHECK_INT(failures, 8);
    for (uint64_t i = 0; rf_results_next_success(results, &i); i++, successes++)
        CHECK(i % 7 != 0);
    CHECK_INT(successes, 42);
    CHECK_STATUS(rf_results_check(results), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "8");
    CHECK_HAS(rf_last_error()->message, "0 is one of them");
    CHECK_INT(rf_type_of(rf_results_value(results, 7)), RF_NIL);
}

CASE(E9_an_empty_set_is_ok_and_has_length_0)
{
    RF_AUTO(rf_results, results);
    uint64_t at = 0;
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 0), NULL, &results), RF_OK);
    CHECK(results && rf_results_ok(results));
    CHECK_INT(rf_results_len(results), 0);
    CHECK_STATUS(rf_results_check(results), RF_OK);
    CHECK(!rf_results_next_success(results, &at) && !rf_results_next_failure(results, &at));
    CHECK_STATUS(rf_results_at(results, 0).error->status, RF_ERANGE);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
