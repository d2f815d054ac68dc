/* Items that fail, on 1, 2, 3 and 5 ranks: what is told of them, and what they do to the rest of their job. */
#include "functions.h"
#include "verify.h"

static int stubborn(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x) == RF_OK && x % 3 == 0)
        rf_fail(call, "third", "no thirds");
    rf_return(call, rf_of_i64(1));
    rf_emit(call, rf_of_i64(2));
    return RF_OK;
}
RF_REGISTER(stubborn);

static int answer(rf_call *call, rf_value item)
{
    int status;
    if (RF_ARGS(call, item, status))
        return RF_EARGS;
    return status;
}
RF_REGISTER(answer);

static int area(rf_call *call, rf_value item)
{
    unsigned char width;
    const char *height;
    if (RF_ARGS(call, item, width, height))
        return RF_EARGS;
    return RF_RETURN(call, width);
}
RF_REGISTER(area);

static int refuse_from_ten_and_halt(rf_call *call, rf_value item)
{
    return refuse_from_ten(call, item);
}
RF_REGISTER(refuse_from_ten_and_halt, .options = {.halt = RF_HALT_SOON});

/* The eleventh item never ends by itself. */
static int wait_for_the_end(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    while (x == 10 && !rf_call_cancelled(call))
        ;
    return RF_RETURN(call, x);
}
RF_REGISTER(wait_for_the_end);

static bool ranks_work_for_rank_0(rf_pool *pool)
{
    RF_AUTO(rf_results, results);
    return rf_map(pool, refuse_from_ten, rf_range(0, 1), NULL, &results) == RF_OK && rf_results_at(results, 0).rank > 0;
}

CASE(a_failure_sticks_whatever_the_function_does_next)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, stubborn, RF_VALUES(3, "text", 9), NULL, &results), RF_EITEMS);
    for (uint64_t i = 0; i < 3; i++)
        CHECK_STATUS(rf_results_at(results, i).error->status, i == 1 ? RF_EARGS : RF_EFUNCTION);
    CHECK_TEXT(rf_results_at(results, 1).error->kind, "arguments");
}

CASE(a_function_may_fail_with_a_bare_status)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, answer, RF_VALUES(RF_EINPUT, RF_OK, RF_EFUNCTION), NULL, &results), RF_EITEMS);
    CHECK_STATUS(rf_results_at(results, 0).error->status, RF_EINPUT);
    CHECK(rf_results_at(results, 0).error->message[0]);
    CHECK(rf_results_at(results, 1).ok);
    CHECK_STATUS(rf_results_at(results, 2).error->status, RF_EFUNCTION);
}

CASE(a_message_is_one_line_whatever_the_function_says)
{
    char *text = malloc(100001);
    memset(text, 'x', 100000);
    text[100000] = '\0';
    memcpy(text, "two\nlines", 9);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_apply(pool, fail_as_told, RF_TUPLE("long", text), NULL, &results), RF_EITEMS);
    const char *message = rf_results_at(results, 0).error->message;
    CHECK_HAS(message, "two");
    CHECK(strchr(message, '\n') == NULL);
    free(text);
}

static void check_refused(rf_pool *pool, rf_value item, const char *variable, const char *what)
{
    RF_AUTO(rf_results, results);
    const rf_value items[] = {RF_TUPLE(1, "ok"), item};
    CHECK_STATUS(rf_map(pool, area, rf_values(items, 2), NULL, &results), RF_EITEMS);
    CHECK(rf_results_at(results, 0).ok);
    const rf_error *why = rf_results_at(results, 1).error;
    CHECK_STATUS(why->status, RF_EARGS);
    CHECK_TEXT(why->kind, "arguments");
    CHECK_HAS(why->message, "item 1");
    CHECK_HAS(why->message, "area");
    CHECK_HAS(why->message, variable);
    CHECK_HAS(why->message, what);
}

CASE(A7_A8_arguments_that_do_not_fit_are_told_with_item_function_variable_and_what_came)
{
    ALSO(check_refused(pool, RF_TUPLE(300, "x"), "width", "300"));
    ALSO(check_refused(pool, RF_TUPLE(-1, "x"), "width", "-1"));
    ALSO(check_refused(pool, RF_TUPLE(2.5, "x"), "width", "2.5"));
    ALSO(check_refused(pool, RF_TUPLE("wide", "x"), "width", "a text"));
    ALSO(check_refused(pool, RF_TUPLE(1, 2), "height", "2"));
    ALSO(check_refused(pool, RF_TUPLE(1, rf_nil()), "height", "n"));
    ALSO(check_refused(pool, RF_TUPLE(1, rf_text("a\0b", 3)), "height", "NUL"));
    ALSO(check_refused(pool, RF_TUPLE(1), "2", "1"));
    ALSO(check_refused(pool, RF_TUPLE(1, "x", 3), "2", "3"));
    ALSO(check_refused(pool, rf_of_i64(1), "2", "1"));
    ALSO(check_refused(pool, rf_nil(), "2", "n"));
    ALSO(check_refused(pool, RF_DICT("width", 1), "height", "item 1"));
    ALSO(check_refused(pool, RF_DICT("width", 1, "height", "x", "depth", 2), "depth", "item 1"));
    ALSO(check_refused(pool, RF_DICT("width", 1, "height", "x", "width", 2), "width", "item 1"));
    ALSO(check_refused(pool, RF_DICT("width", 1, "height", 7), "height", "7"));
}

CASE(the_jobs_error_tells_the_first_failure_and_the_count)
{
    CHECK_STATUS(rf_map(pool, refuse_from_ten, rf_range(0, 100), NULL, NULL), RF_EITEMS);
    const rf_error *why = rf_last_error();
    CHECK_STATUS(why->status, RF_EITEMS);
    CHECK_HAS(why->message, "refuse_from_ten");
    CHECK_HAS(why->message, "90 items");
    CHECK_HAS(why->message, "rank");
    CHECK_STATUS(rf_map(pool, refuse_from_ten, rf_range(0, 11), RF_OPTIONS(.name = "the job"), NULL), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "the job");
    CHECK_INT(rf_last_error()->index, 10);
}

CASE(without_a_halt_everything_is_run)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, refuse_from_ten, rf_range(0, 1000), NULL, &results), RF_EITEMS);
    CHECK_INT(rf_results_len(results), 1000);
    CHECK_TEXT(rf_results_at(results, 999).error->kind, "late");
    RF_AUTO(rf_results, again);
    CHECK_STATUS(rf_map(pool, refuse_from_ten_and_halt, rf_range(0, 1000), RF_OPTIONS(.halt = RF_HALT_NEVER), &again), RF_EITEMS);
    CHECK_TEXT(rf_results_at(again, 999).error->kind, "late");
}

/* Items run one by one: what is in flight when the job halts is a few. */
static void check_halted(rf_pool *pool, rf_map_function *function, const rf_options *options, uint64_t least)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, function, rf_range(0, 100000), options, &results), RF_EHALTED);
    CHECK_INT(rf_results_len(results), 100000);
    uint64_t late = 0, halted = 0, done = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        rf_result one = rf_results_at(results, i);
        CHECK_INT(one.index, i);
        done += one.ok;
        late += !one.ok && strcmp(one.error->kind, "late") == 0;
        halted += !one.ok && strcmp(one.error->kind, "halted") == 0;
        CHECK(one.ok || strcmp(one.error->kind, "late") == 0 || one.error->status == RF_EHALTED);
    }
    CHECK_INT(done + late + halted, 100000);
    CHECK(done <= 10 && late >= least && halted > 0);
    CHECK(rf_workers(pool) > 1 || options->halt == RF_HALT_NOW || done == 10);
}

CASE(a_halt_fails_what_was_not_run_and_keeps_what_was)
{
    ALSO(check_halted(pool, refuse_from_ten, RF_OPTIONS(.halt = RF_HALT_SOON, .chunk_size = 1), 1));
    ALSO(check_halted(pool, refuse_from_ten, RF_OPTIONS(.halt = RF_HALT_NOW, .chunk_size = 1), 1));
    ALSO(check_halted(pool, refuse_from_ten, RF_OPTIONS(.halt_count = 25, .chunk_size = 1), 25));
    ALSO(check_halted(pool, refuse_from_ten, RF_OPTIONS(.halt_share = 0.75, .chunk_size = 1), 8));    /* of ten, where a slow worker has those that succeed */
    ALSO(check_halted(pool, refuse_from_ten_and_halt, RF_OPTIONS(.chunk_size = 1), 1));
}

CASE(a_count_of_failures_that_is_not_reached_halts_nothing)
{
    CHECK_STATUS(rf_map(pool, refuse_from_ten, rf_range(0, 34), RF_OPTIONS(.halt_count = 25), NULL), RF_EITEMS);
    CHECK_STATUS(rf_map(pool, refuse_from_ten, rf_range(0, 20), RF_OPTIONS(.halt_share = 0.51, .workers = 1), NULL), RF_EITEMS);
    CHECK_STATUS(rf_map(pool, refuse_from_ten_and_halt, rf_range(0, 11), RF_OPTIONS(.halt_count = RF_UNLIMITED), NULL), RF_EITEMS);
}

CASE(a_halted_iterator_gives_what_was_done_and_then_says_so)
{
    rf_iterator *stream;
    const rf_result *one;
    int status;
    uint64_t given = 0;
    CHECK_STATUS(rf_imap(pool, refuse_from_ten, rf_range(0, 100000), RF_OPTIONS(.halt = RF_HALT_SOON, .chunk_size = 1), &stream), RF_OK);
    while ((status = rf_next(stream, &one)) == RF_OK) {
        CHECK_INT(one->index, given++);
        CHECK(one->ok ? one->index < 10 : one->index >= 10 || rf_workers(pool) > 1);
    }
    CHECK_STATUS(status, RF_EHALTED);
    CHECK(one == NULL);
    CHECK_INT(given, 100000);
    CHECK_STATUS(rf_next(stream, &one), RF_EHALTED);
    CHECK_STATUS(rf_iterator_free(stream), RF_EHALTED);
}

CASE(E3_a_time_out_keeps_what_was_done)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, wait_for_the_end, rf_range(0, 12), RF_OPTIONS(.timeout = 1.5, .chunk_size = 1), &results), RF_ETIMEOUT);
    CHECK_INT(rf_results_len(results), 12);
    for (uint64_t i = 0; i < 10; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), i);
    /* One rank alone, busy with the eleventh until it ended, has its result before it can look at the time. */
    const rf_error *why = rf_results_at(results, ranks_work_for_rank_0(pool) ? 10 : 11).error;
    CHECK(why != NULL);
    CHECK_STATUS(why->status, RF_ETIMEOUT);
    CHECK_TEXT(why->kind, "timeout");
    CHECK_STATUS(rf_map(pool, wait_for_the_end, rf_range(0, 10), NULL, NULL), RF_OK);
}

CASE(E3_an_iterator_that_is_out_of_time_says_so)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    int status, given = 0;
    CHECK_STATUS(rf_imap(pool, wait_for_the_end, rf_range(0, 12), RF_OPTIONS(.timeout = 1, .chunk_size = 1), &stream), RF_OK);
    while ((status = rf_next(stream, &one)) == RF_OK)
        given += one->ok;
    CHECK_STATUS(status, RF_ETIMEOUT);
    CHECK(given >= 10);
    CHECK_STATUS(rf_next(stream, &one), RF_ETIMEOUT);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
