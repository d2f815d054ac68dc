/* Each verb on 1, 2, 3 and 5 ranks: what it gives, and in which order. */
#include "functions.h"
#include "verify.h"

static int count_up(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    for (int64_t i = 0; i < n; i++)
        rf_emit(call, rf_of_i64(i));
    return RF_OK;
}
RF_REGISTER(count_up);

static int emit_pairs(rf_call *call, rf_value item)
{
    const char *word;
    if (RF_ARGS(call, item, word))
        return RF_EARGS;
    RF_EMIT(call, word, 1);
    return RF_EMIT(call, "length", strlen(word));
}
RF_REGISTER(emit_pairs);

static int return_twice(rf_call *call, rf_value item)
{
    rf_return(call, item);
    return rf_return(call, item);
}
RF_REGISTER(return_twice);

static void check_squares(const rf_results *results, uint64_t count)
{
    CHECK_INT(rf_results_len(results), count);
    for (uint64_t i = 0; i < count; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), i * i);
    CHECK(rf_results_ok(results));
    CHECK_STATUS(rf_results_check(results), RF_OK);
}

CASE(D1_chunk_size_and_n_splits_change_no_result)
{
    const uint64_t sizes[] = {1, 3, 999, 1000, 5000};
    for (unsigned i = 0; i < 5; i++) {
        RF_AUTO(rf_results, chunked);
        RF_AUTO(rf_results, split);
        CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), RF_OPTIONS(.chunk_size = sizes[i]), &chunked), RF_OK);
        ALSO(check_squares(chunked, 1000));
        CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), RF_OPTIONS(.n_splits = sizes[i]), &split), RF_OK);
        ALSO(check_squares(split, 1000));
    }
}

CASE(what_a_function_emits_is_a_tuple)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, count_up, rf_range(1, 50), NULL, &results), RF_OK);
    for (uint64_t i = 0; i < 49; i++) {
        rf_value rest = rf_results_value(results, i), element;
        CHECK_INT(rf_type_of(rest), RF_TUPLE_TYPE);
        CHECK_INT(rf_elements(rest), i + 1);
        for (int64_t j = 0; j <= (int64_t)i; j++) {
            CHECK_STATUS(rf_take(&rest, &element), RF_OK);
            CHECK_INT(rf_i64(element), j);
        }
        CHECK_STATUS(rf_take(&rest, &element), RF_END);
    }
}

CASE(pairs_are_emitted_as_tuples_of_key_and_value)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_apply(pool, emit_pairs, RF_V("word"), NULL, &results), RF_OK);
    rf_value pairs = rf_results_value(results, 0), pair;
    unsigned value;
    CHECK_INT(rf_elements(pairs), 2);
    rf_take(&pairs, &pair);
    CHECK_INT(rf_elements(pair), 2);
    rf_take(&pairs, &pair);
    rf_value name;
    CHECK_STATUS(RF_READ(pair, name, value), RF_OK);
    CHECK(rf_size(name) == 6 && memcmp(name.data, "length", 6) == 0 && value == 4);
}

CASE(a_second_return_in_the_same_call_fails_the_item)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, return_twice, rf_range(0, 3), NULL, &results), RF_EITEMS);
    CHECK_STATUS(rf_results_at(results, 1).error->status, RF_EUSAGE);
}

CASE(empty_sources_give_empty_results)
{
    const int none[1] = {0};
    rf_source *sources[] = {rf_range(0, 0), rf_range(5, -5), rf_range_by(0, 10, -1), RF_ARRAY(none, 0), rf_values(NULL, 0),
                            rf_strings((const char *const *)NULL, 0), rf_lines((const char *const *)NULL, 0),
                            rf_files((const char *const *)NULL, 0)};
    for (unsigned i = 0; i < sizeof sources / sizeof *sources; i++) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, square, sources[i], NULL, &results), RF_OK);
        CHECK_INT(rf_results_len(results), 0);
        CHECK(results != NULL && rf_results_ok(results));
    }
    RF_AUTO(rf_iterator, squares);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 0), NULL, &squares), RF_OK);
    CHECK_STATUS(rf_next(squares, &one), RF_END);
}

CASE(results_that_nobody_wants_are_dropped_and_failures_still_counted)
{
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_map(pool, refuse_sevens, rf_range(0, 70), NULL, NULL), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "10");
    CHECK_STATUS(rf_map_unordered(pool, refuse_sevens, rf_range(0, 70), NULL, NULL), RF_EITEMS);
    CHECK_STATUS(rf_apply(pool, refuse_sevens, rf_of_i64(7), NULL, NULL), RF_EITEMS);
}

CASE(results_past_the_end_are_failures_out_of_range)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 3), NULL, &results), RF_OK);
    const uint64_t beyond[] = {3, 4, UINT64_MAX};
    for (unsigned i = 0; i < 3; i++) {
        rf_result one = rf_results_at(results, beyond[i]);
        CHECK(!one.ok && one.error != NULL);
        CHECK_STATUS(one.error->status, RF_ERANGE);
        CHECK_INT(rf_type_of(rf_results_value(results, beyond[i])), RF_NIL);
    }
    uint64_t at = 3;
    CHECK(!rf_results_next_success(results, &at) && !rf_results_next_failure(results, &at));
}

CASE(no_results_are_the_empty_set)
{
    uint64_t at = 0;
    CHECK_INT(rf_results_len(NULL), 0);
    CHECK(rf_results_ok(NULL));
    CHECK_STATUS(rf_results_check(NULL), RF_OK);
    CHECK(!rf_results_next_failure(NULL, &at));
    CHECK_STATUS(rf_results_at(NULL, 0).error->status, RF_ERANGE);
    CHECK_INT(rf_type_of(rf_results_value(NULL, 0)), RF_NIL);
    rf_results_free(NULL);
    CHECK_STATUS(rf_iterator_free(NULL), RF_OK);
    rf_source_free(NULL);
}

CASE(results_outlive_other_jobs)
{
    RF_AUTO(rf_results, first);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), NULL, &first), RF_OK);
    for (int i = 0; i < 20; i++)
        CHECK_STATUS(rf_map(pool, refuse_sevens, rf_range(0, 1000), NULL, NULL), RF_EITEMS);
    ALSO(check_squares(first, 1000));
}

CASE(there_are_as_many_workers_as_ranks_that_work)
{
    CHECK(rf_workers(pool) >= 1 && rf_workers(pool) <= 4);
    CHECK_TEXT(rf_version(), RF_VERSION);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
