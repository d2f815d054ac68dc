/* Wrong use of the library on 1, 2, 3 and 5 ranks: an error that says what to do, and never a hang. */
#define CASE_SECONDS 40
#include "functions.h"
#include "verify.h"

int stranger(rf_call *call, rf_value item);
int stranger(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}

static int static_stranger(rf_call *call, rf_value item)
{
    return rf_fail(call, NULL, "%" PRId64, rf_i64(item));
}

static int opened(rf_pool *pool, int argc, char **argv)
{
    (void)pool, (void)argc, (void)argv;
    return 0;
}

static int nested_main(rf_call *call, rf_value item)
{
    (void)item;
    char *none[] = {NULL};
    return RF_RETURN(call, rf_main(0, none, opened));
}
RF_REGISTER(nested_main);

static int run_another(rf_call *call, rf_value item)
{
    RF_AUTO(rf_results, results);
    int status = rf_run(echo, item, NULL, &results);
    return RF_RETURN(call, status, rf_i64(rf_results_value(results, 0)));
}
RF_REGISTER(run_another);

static void check_unregistered(rf_pool *pool, rf_map_function *function, const char *line)
{
    RF_AUTO(rf_results, results);
    rf_iterator *stream;
    CHECK_STATUS(rf_map(pool, function, rf_range(0, 10), NULL, &results), RF_EUNREGISTERED);
    CHECK(results == NULL);
    CHECK_HAS(rf_last_error()->message, line);
    CHECK_STATUS(rf_imap(pool, function, rf_range(0, 10), NULL, &stream), RF_EUNREGISTERED);
    CHECK(stream == NULL);
}

CASE(B6_an_unregistered_function_is_named_with_the_line_to_add)
{
    ALSO(check_unregistered(pool, stranger, "RF_REGISTER(stranger)"));
}

CASE(B6_so_is_a_static_one)
{
    ALSO(check_unregistered(pool, static_stranger, "RF_REGISTER(static_stranger)"));
}

CASE(B7_a_nested_function_is_refused_pointing_at_bound_state)
{
    /* One that uses its surroundings has its address on the stack. */
    char trampoline[16] = {0};
    ALSO(check_unregistered(pool, (rf_map_function *)(uintptr_t)trampoline, ".state"));
}

CASE(no_function_is_refused)
{
    CHECK(rf_map(pool, NULL, rf_range(0, 10), NULL, NULL) < 0);
    CHECK(rf_last_error()->message[0]);
}

CASE(no_pool_is_refused)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(NULL, echo, rf_range(0, 10), NULL, &results), RF_EUSAGE);
    CHECK_STATUS(rf_poll(NULL, 0), RF_EUSAGE);
    CHECK_STATUS(rf_close(NULL), RF_OK);
}

CASE(no_source_is_refused)
{
    CHECK(rf_map(pool, echo, NULL, NULL, NULL) < 0);
    CHECK(rf_last_error()->message[0]);
}

CASE(a_function_may_run_another_without_a_pool)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, run_another, rf_range(0, 5), NULL, &results), RF_OK);
    for (uint64_t i = 0; i < 5; i++) {
        rf_value told = rf_results_value(results, i);
        int status, value;
        CHECK_STATUS(RF_READ(told, status, value), RF_OK);
        CHECK(status == RF_OK && value == (int)i);
    }
}

typedef struct greedy {
    rf_pool *pool;
    int64_t next;
    bool refused;
} greedy;

static int use_the_pool_to_generate(rf_call *call, void *state)
{
    greedy *its = state;
    rf_iterator *stream;
    its->refused = rf_map(its->pool, echo, rf_range(0, 10), NULL, NULL) == RF_EBUSY &&
                   rf_imap(its->pool, echo, rf_range(0, 10), NULL, &stream) == RF_EBUSY && !stream &&
                   rf_poll(its->pool, 0) == RF_EBUSY && rf_close(its->pool) == RF_EBUSY && rf_terminate(its->pool) == RF_EBUSY;
    return its->next < 20 ? RF_RETURN(call, its->next++) : RF_END;
}

CASE(a_generator_may_not_use_the_pool)
{
    greedy state = {.pool = pool};
    CHECK_STATUS(rf_map(pool, echo, rf_generator(use_the_pool_to_generate, &state, NULL), NULL, NULL), RF_OK);
    CHECK(state.refused && state.next == 20);
}

typedef struct saws_its_branch {
    rf_iterator *stream;
    int64_t next;
} saws_its_branch;

static int free_the_iterator(rf_call *call, void *state)
{
    saws_its_branch *its = state;
    if (its->next == 5 && its->stream) {
        rf_iterator *stream = its->stream;
        its->stream = NULL;
        rf_iterator_free(stream);
    }
    return RF_RETURN(call, its->next++);
}

CASE(an_iterator_that_another_generator_frees_ends_quietly)
{
    saws_its_branch state = {0};
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, echo, rf_range(0, 100000), RF_OPTIONS(.max_active = 10), &state.stream), RF_OK);
    CHECK_STATUS(rf_next(state.stream, &one), RF_OK);
    CHECK_STATUS(rf_map(pool, echo, rf_generator(free_the_iterator, &state, NULL), RF_OPTIONS(.iterable_len = 100), NULL), RF_OK);
    CHECK(state.stream == NULL);
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 100), NULL, NULL), RF_OK);
}

static int never_returns_an_item(rf_call *call, void *state)
{
    (void)call, (void)state;
    return RF_OK;
}

CASE(a_generator_that_gives_nothing_is_told_so)
{
    CHECK_STATUS(rf_map(pool, echo, rf_generator(never_returns_an_item, NULL, NULL), NULL, NULL), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "without an item");
}

CASE(functions_of_calls_refuse_no_call)
{
    CHECK(rf_return(NULL, rf_nil()) < 0);
    CHECK(rf_emit(NULL, rf_nil()) < 0);
    CHECK(rf_return_space(NULL, 10) == NULL);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
