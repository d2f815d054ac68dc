/* Rows B2 and B3 of the contract: asynchronous verbs, futures, their callbacks. */
#include "../functions.h"
#include "../verify.h"
#include "signs.h"

static int add(rf_call *call, rf_value item)
{
    int64_t x, y;
    if (RF_ARGS(call, item, x, y))
        return RF_EARGS;
    return RF_RETURN(call, x + y);
}
RF_REGISTER(add);

static int draw(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, rf_call_random(call));
}
RF_REGISTER(draw);

static int never_looks(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, 1);
}
RF_REGISTER(never_looks);

static int set_a_sign(rf_call *call, rf_value item)
{
    const sign *its = RF_CALL_STATE(call, sign);
    if (its)
        sign_set(its);
    return rf_return(call, item);
}
RF_REGISTER(set_a_sign);

static int wait_for_a_sign(rf_call *call, rf_value item)
{
    const sign *its = RF_CALL_STATE(call, sign);
    while (its && !sign_is_there(its))
        rf_call_progress(call);
    return rf_return(call, item);
}
RF_REGISTER(wait_for_a_sign);

/* Says that it has begun, runs until it is asked to stop, says that it was asked. */
struct signs { sign begun, asked; };
static int until_asked(rf_call *call, rf_value item)
{
    const struct signs *its = RF_CALL_STATE(call, struct signs);
    if (!its)
        return RF_EARGS;
    sign_set(&its->begun);
    while (!rf_call_cancelled(call))
        ;
    sign_set(&its->asked);
    return rf_return(call, item);
}
RF_REGISTER(until_asked);

/* Rank 0's own: its jobs end when a test wants it. */
typedef struct valve {
    rf_pool *pool;
    rf_future *other;
    int64_t next;
    bool open, released;
    int statuses[6];
} valve;

static int flow(rf_call *call, void *state)
{
    valve *its = state;
    if (!its->open)
        return RF_AGAIN;
    return its->next < 10 ? RF_RETURN(call, its->next++) : RF_END;
}

static void released(void *state)
{
    ((valve *)state)->released = true;
}

static rf_source *through(valve *its)
{
    return rf_generator(flow, its, released);
}

/* One rank alone runs functions in the calls that wait: it cannot wait for what such a function waits for. */
static bool others_work(rf_pool *pool)
{
    RF_AUTO(rf_results, results);
    return rf_apply(pool, square, rf_of_i64(1), NULL, &results) == RF_OK && rf_results_at(results, 0).rank > 0;
}

/* ---- B2: the verbs ---- */

CASE(B2_apply_gives_one_result)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_apply(pool, square, rf_of_i64(-12), NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 1);
    CHECK_INT(rf_i64(rf_results_value(results, 0)), 144);
}

CASE(B2_B3_apply_async_gives_a_value_in_0_1)
{
    RF_AUTO(rf_future, later);
    const rf_results *got;
    CHECK_STATUS(rf_apply_async(pool, draw, rf_nil(), NULL, &later), RF_OK);
    CHECK_STATUS(rf_future_get(later, RF_FOREVER, &got), RF_OK);
    double value = rf_f64(rf_results_value(got, 0));
    CHECK_INT(rf_results_len(got), 1);
    CHECK_INT(rf_type_of(rf_results_value(got, 0)), RF_F64);
    CHECK(value >= 0 && value < 1);
}

static void check_sums(const rf_results *results)
{
    CHECK_INT(rf_results_len(results), 3);
    for (int64_t i = 0; i < 3; i++)
        CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)i)), 3 + 4 * i);
}

CASE(B2_starmap_adds_tuples)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_starmap(pool, add, RF_VALUES(RF_TUPLE(1, 2), RF_TUPLE(3, 4), RF_TUPLE(5, 6)), NULL, &results), RF_OK);
    ALSO(check_sums(results));
}

CASE(B2_starmap_async_adds_tuples_and_dictionaries)
{
    RF_AUTO(rf_future, later);
    const rf_results *got;
    CHECK_STATUS(rf_starmap_async(pool, add, RF_VALUES(RF_TUPLE(1, 2), RF_DICT("y", 4, "x", 3), RF_TUPLE(5, 6)), NULL, &later), RF_OK);
    CHECK_STATUS(rf_future_get(later, RF_FOREVER, &got), RF_OK);
    ALSO(check_sums(got));
}

CASE(B2_an_item_of_a_starmap_that_is_no_tuple_fails_alone)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_starmap(pool, never_looks, RF_VALUES(RF_TUPLE(1, 2), 5, "text", RF_DICT("x", 1)), NULL, &results), RF_EITEMS);
    for (uint64_t i = 0; i < 4; i++)
        CHECK_INT(rf_results_at(results, i).ok, i == 0 || i == 3);
    for (uint64_t i = 1; i < 3; i++) {
        const rf_error *why = rf_results_at(results, i).error;
        CHECK_STATUS(why->status, RF_EARGS);
        CHECK_TEXT(why->kind, "arguments");
        CHECK_HAS(why->message, i == 1 ? "item 1: never_looks: an integer came" : "item 2: never_looks: a text came");
        CHECK_HAS(why->message, "rf_map");
    }
    CHECK_STATUS(rf_map(pool, never_looks, RF_VALUES(5, "text"), NULL, NULL), RF_OK);
}

CASE(B2_map_async_goes_on_beside_maps)
{
    RF_AUTO(rf_future, later);
    const rf_results *got;
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 2000), RF_OPTIONS(.chunk_size = 3), &later), RF_OK);
    for (int i = 0; i < 5; i++)
        CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_future_get(later, RF_FOREVER, &got), RF_OK);
    CHECK_INT(rf_results_len(got), 2000);
    for (int64_t i = 0; i < 2000; i++)
        CHECK_INT(rf_i64(rf_results_value(got, (uint64_t)i)), i * i);
}

CASE(B2_ten_thousand_small_ones_at_once)
{
    enum { MANY = 10000 };
    static rf_future *all[MANY];
    const rf_results *got;
    for (int i = 0; i < MANY; i++)
        CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(i), NULL, &all[i]), RF_OK);
    for (int i = 0; i < MANY; i += 3)
        rf_future_free(all[i]);
    for (int64_t i = MANY - 1; i >= 0; i--) {
        if (i % 3 == 0)
            continue;
        CHECK_STATUS(rf_future_get(all[i], RF_FOREVER, &got), RF_OK);
        CHECK_INT(rf_i64(rf_results_value(got, 0)), i * i);
        rf_future_free(all[i]);
    }
}

CASE(B2_what_cannot_be_submitted_has_no_future)
{
    rf_future *none;
    CHECK_STATUS(rf_map_async(pool, square, rf_range_by(0, 10, 0), NULL, &none), RF_EUSAGE);
    CHECK(none == NULL);
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 10), RF_OPTIONS(.chunk_size = 1, .n_splits = 1), &none), RF_EOPTION);
    CHECK(none == NULL);
    CHECK_STATUS(rf_apply_async(NULL, square, rf_nil(), NULL, &none), RF_EUSAGE);
    CHECK(none == NULL);
    CHECK_STATUS(rf_starmap_async(pool, NULL, rf_range(0, 10), NULL, &none), RF_EUNREGISTERED);
    CHECK(none == NULL);
}

/* ---- B3: futures ---- */

CASE(B3_a_get_that_times_out_leaves_the_future_usable)
{
    valve its = {0};
    RF_AUTO(rf_future, later);
    const rf_results *got, *again;
    CHECK_STATUS(rf_map_async(pool, square, through(&its), NULL, &later), RF_OK);
    CHECK_STATUS(rf_future_get(later, 0, &got), RF_AGAIN);
    CHECK_STATUS(rf_future_get(later, 0.002, &got), RF_AGAIN);
    CHECK(got == NULL);
    CHECK_STATUS(rf_future_wait(later, 0.002), RF_AGAIN);
    CHECK(!rf_future_ready(later) && !rf_future_successful(later));
    its.open = true;
    CHECK_STATUS(rf_future_get(later, RF_FOREVER, &got), RF_OK);
    CHECK_STATUS(rf_future_get(later, 0, &again), RF_OK);
    CHECK(got == again && rf_future_ready(later) && rf_future_successful(later));
    CHECK_STATUS(rf_future_wait(later, 0), RF_OK);
    CHECK_INT(rf_results_len(got), 10);
    for (int64_t i = 0; i < 10; i++)
        CHECK_INT(rf_i64(rf_results_value(got, (uint64_t)i)), i * i);
}

CASE(B3_ready_lets_the_pool_go_on)
{
    RF_AUTO(rf_future, later);
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 3000), RF_OPTIONS(.chunk_size = 10), &later), RF_OK);
    while (!rf_future_ready(later))
        ;
    CHECK(rf_future_successful(later));
}

CASE(B3_a_future_whose_items_failed_gives_them_each_time)
{
    RF_AUTO(rf_future, later);
    const rf_results *got;
    CHECK_STATUS(rf_map_async(pool, refuse_odd, rf_range(0, 10), NULL, &later), RF_OK);
    CHECK_STATUS(rf_future_wait(later, RF_FOREVER), RF_OK);
    CHECK(rf_future_ready(later) && !rf_future_successful(later));
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(rf_future_get(later, RF_FOREVER, &got), RF_EITEMS);
        CHECK_HAS(rf_last_error()->message, "5 items failed");
        CHECK_INT(rf_results_len(got), 10);
        CHECK_INT(rf_i64(rf_results_value(got, 8)), 8);
        CHECK(!rf_results_at(got, 9).ok);
        CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), RF_OPTIONS(.chunk_size = 1, .n_splits = 1), NULL), RF_EOPTION);
    }
}

CASE(B3_a_future_is_halted_or_out_of_time_as_its_job_is)
{
    valve its = {0};
    RF_AUTO(rf_future, halted);
    RF_AUTO(rf_future, late);
    const rf_results *got;
    CHECK_STATUS(rf_map_async(pool, refuse_odd, rf_range(0, 10), RF_OPTIONS(.halt = RF_HALT_SOON), &halted), RF_OK);
    CHECK_STATUS(rf_future_get(halted, RF_FOREVER, &got), RF_EHALTED);
    CHECK_INT(rf_results_len(got), 10);
    CHECK_STATUS(rf_map_async(pool, square, through(&its), RF_OPTIONS(.timeout = 0.005), &late), RF_OK);
    CHECK_STATUS(rf_future_get(late, RF_FOREVER, &got), RF_ETIMEOUT);
    CHECK(its.released);
}

CASE(B3_a_task_that_is_cancelled_before_it_has_begun_never_runs)
{
    sign go = sign_new("go"), ran = sign_new("ran");
    uint64_t busy = others_work(pool) ? rf_workers(pool) : 0;
    rf_future *blocking[8], *queued;
    const rf_results *got;
    for (uint64_t i = 0; i < busy; i++)
        CHECK_STATUS(rf_apply_async(pool, wait_for_a_sign, rf_nil(), RF_OPTIONS(.state = RF_STATE(go)), &blocking[i]), RF_OK);
    CHECK_STATUS(rf_apply_async(pool, set_a_sign, rf_nil(), RF_OPTIONS(.state = RF_STATE(ran)), &queued), RF_OK);
    CHECK_STATUS(rf_future_cancel(queued), RF_OK);
    CHECK_STATUS(rf_future_cancel(queued), RF_OK);
    CHECK(rf_future_ready(queued) && !rf_future_successful(queued));
    sign_set(&go);
    for (uint64_t i = 0; i < busy; i++) {
        CHECK_STATUS(rf_future_get(blocking[i], RF_FOREVER, &got), RF_OK);
        rf_future_free(blocking[i]);
    }
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), RF_OPTIONS(.chunk_size = 1), NULL), RF_OK);
    CHECK_STATUS(rf_future_get(queued, RF_FOREVER, &got), RF_ECANCELLED);
    CHECK(got == NULL);
    CHECK(rf_last_error()->message[0]);
    CHECK(!sign_is_there(&ran));
    rf_future_free(queued);
    sign_remove(&go);
}

CASE(B3_one_that_runs_is_asked_to_stop_and_its_result_is_dropped)
{
    struct signs its = {sign_new("begun"), sign_new("asked")};
    const rf_results *got;
    if (!others_work(pool))
        return;
    RF_AUTO(rf_future, later);
    CHECK_STATUS(rf_apply_async(pool, until_asked, rf_of_i64(5), RF_OPTIONS(.state = RF_STATE(its)), &later), RF_OK);
    while (!sign_is_there(&its.begun))
        CHECK_STATUS(rf_future_wait(later, 0), RF_AGAIN);
    CHECK_STATUS(rf_future_cancel(later), RF_OK);
    CHECK_STATUS(rf_future_get(later, 0, &got), RF_ECANCELLED);
    while (!sign_is_there(&its.asked))
        rf_poll(pool, 0);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), RF_OPTIONS(.chunk_size = 1), NULL), RF_OK);
    CHECK_STATUS(rf_future_get(later, 0, &got), RF_ECANCELLED);
    CHECK(got == NULL);
    sign_remove(&its.begun);
    sign_remove(&its.asked);
}

CASE(B3_cancelling_a_job_releases_its_source_and_one_that_has_settled_stays)
{
    valve its = {0};
    const rf_results *got;
    RF_AUTO(rf_future, waits);
    RF_AUTO(rf_future, over);
    CHECK_STATUS(rf_map_async(pool, square, through(&its), NULL, &waits), RF_OK);
    CHECK_STATUS(rf_future_cancel(waits), RF_OK);
    CHECK(its.released);
    CHECK_STATUS(rf_future_get(waits, RF_FOREVER, NULL), RF_ECANCELLED);
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 10), NULL, &over), RF_OK);
    CHECK_STATUS(rf_future_wait(over, RF_FOREVER), RF_OK);
    CHECK_STATUS(rf_future_cancel(over), RF_OK);
    CHECK_STATUS(rf_future_get(over, 0, &got), RF_OK);
    CHECK_INT(rf_results_len(got), 10);
}

CASE(B3_large_items_are_the_callers_again_once_cancelled_or_freed)
{
    size_t size = 1 << 18, count = 16;
    char *items = calloc(count, size);
    for (int i = 0; i < 6; i++) {
        rf_future *later;
        CHECK_STATUS(rf_map_async(pool, never_looks, rf_array(items, count, size, RF_BYTES), NULL, &later), RF_OK);
        rf_poll(pool, 0);
        if (i % 2)
            CHECK_STATUS(rf_future_cancel(later), RF_OK);
        rf_future_free(later);
        memset(items, i, count * size);
    }
    free(items);
}

CASE(B3_no_future_is_refused)
{
    const rf_results *got;
    CHECK_STATUS(rf_future_get(NULL, 0, &got), RF_EUSAGE);
    CHECK(got == NULL);
    CHECK_STATUS(rf_future_wait(NULL, 0), RF_EUSAGE);
    CHECK_STATUS(rf_future_cancel(NULL), RF_EUSAGE);
    CHECK(!rf_future_ready(NULL) && !rf_future_successful(NULL));
    rf_future_free(NULL);
}

/* ---- B3: callbacks ---- */

typedef struct called {
    rf_pool *pool;
    rf_future *others[4];
    rf_iterator *stream;
    int successes, failures, depth, deepest;
    int64_t sum;
    int statuses[4];
    bool as_wanted;
} called;

static void on_success(rf_future *future, void *user)
{
    called *its = user;
    const rf_results *got;
    its->successes++;
    if (rf_future_ready(future) && rf_future_successful(future) && rf_future_get(future, 0, &got) == RF_OK)
        its->sum += rf_i64(rf_results_value(got, 0));
}

static void on_failure(rf_future *future, void *user)
{
    called *its = user;
    its->statuses[its->failures++ % 4] = rf_future_get(future, 0, NULL);
}

static rf_options back_to(called *its)
{
    return (rf_options){.struct_size = sizeof(rf_options), .callback = on_success, .error_callback = on_failure, .user = its};
}

CASE(B3_callback_when_the_job_was_ok_and_error_callback_otherwise)
{
    called its = {.pool = pool};
    valve closed = {0};
    const rf_options options = back_to(&its);
    RF_AUTO(rf_future, good);
    RF_AUTO(rf_future, bad);
    RF_AUTO(rf_future, cancelled);
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(7), &options, &good), RF_OK);
    CHECK_STATUS(rf_future_wait(good, RF_FOREVER), RF_OK);
    CHECK(its.successes == 1 && its.failures == 0 && its.sum == 49);
    CHECK_STATUS(rf_map_async(pool, refuse_odd, rf_range(0, 3), &options, &bad), RF_OK);
    CHECK_STATUS(rf_map_async(pool, square, through(&closed), &options, &cancelled), RF_OK);
    CHECK_STATUS(rf_future_wait(bad, RF_FOREVER), RF_OK);
    CHECK_STATUS(rf_future_cancel(cancelled), RF_OK);
    CHECK(its.successes == 1 && its.failures == 2);
    CHECK_STATUS(its.statuses[0], RF_EITEMS);
    CHECK_STATUS(its.statuses[1], RF_ECANCELLED);
}

CASE(B3_submitting_calls_nobody_back_and_every_call_that_waits_does)
{
    called its = {.pool = pool};
    const rf_options options = back_to(&its);
    rf_future *all[300];
    for (int i = 0; i < 300; i++) {
        CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(i), &options, &all[i]), RF_OK);
        CHECK_INT(its.successes, 0);
    }
    int status;
    while ((status = rf_poll(pool, 0)) == RF_AGAIN)
        ;
    CHECK_STATUS(status, RF_OK);
    CHECK_INT(its.successes, 300);
    CHECK_INT(its.sum, 299 * 300 * 599 / 6);
    for (int i = 0; i < 300; i++)
        rf_future_free(all[i]);
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    rf_future *beside;
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, INT64_MAX), NULL, &stream), RF_OK);
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(1), &options, &beside), RF_OK);
    while (its.successes == 300)
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
    rf_future_free(beside);
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(1), &options, &beside), RF_OK);
    while (its.successes == 301)
        CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, NULL), RF_OK);
    rf_future_free(beside);
}

/* Waits in a callback, for what it has started there and for others that will be called back themselves. */
static void go_deeper(rf_future *future, void *user)
{
    called *its = user;
    RF_AUTO(rf_results, results);
    RF_AUTO(rf_future, inner);
    const rf_results *got;
    its->deepest = ++its->depth > its->deepest ? its->depth : its->deepest;
    bool right = rf_future_get(future, 0, &got) == RF_OK;
    right &= rf_map(its->pool, square, rf_range(0, 50), NULL, &results) == RF_OK && rf_i64(rf_results_value(results, 49)) == 2401;
    right &= rf_apply_async(its->pool, square, rf_of_i64(3), NULL, &inner) == RF_OK;
    right &= rf_future_get(inner, RF_FOREVER, &got) == RF_OK && rf_i64(rf_results_value(got, 0)) == 9;
    for (int i = 0; i < 4; i++)
        right &= rf_future_wait(its->others[i], RF_FOREVER) == RF_OK;
    right &= rf_poll(its->pool, 0) == RF_OK;
    its->as_wanted = right && (its->successes == 0 || its->as_wanted);
    its->successes++;
    its->depth--;
}

CASE(B3_a_callback_may_wait_in_the_pool_and_none_is_called_in_it)
{
    called its = {.pool = pool};
    for (int i = 0; i < 4; i++)
        CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(i), RF_OPTIONS(.callback = go_deeper, .user = &its), &its.others[i]), RF_OK);
    CHECK_STATUS(rf_future_wait(its.others[3], RF_FOREVER), RF_OK);
    CHECK_STATUS(rf_poll(pool, RF_FOREVER), RF_OK);
    CHECK_INT(its.successes, 4);
    CHECK_INT(its.deepest, 1);
    CHECK(its.as_wanted);
    for (int i = 0; i < 4; i++)
        rf_future_free(its.others[i]);
}

static void free_all(rf_future *future, void *user)
{
    called *its = user;
    its->successes++;
    rf_future_free(future);
    for (int i = 0; i < 4; i++) {
        if (its->others[i] != future)
            rf_future_free(its->others[i]);
        its->others[i] = NULL;
    }
}

/* That the call itself waits for, that has settled, and that has not. */
CASE(B3_a_callback_may_free_its_future_and_others)
{
    called its = {.pool = pool};
    valve closed = {0};
    const rf_results *got;
    const rf_options *options = RF_OPTIONS(.callback = free_all, .error_callback = free_all, .user = &its);
    CHECK_STATUS(rf_map_async(pool, square, through(&closed), options, &its.others[0]), RF_OK);
    for (int i = 1; i < 4; i++)
        CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(i), options, &its.others[i]), RF_OK);
    CHECK_STATUS(rf_future_get(its.others[2], RF_FOREVER, &got), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "freed by a callback");
    CHECK(got == NULL && closed.released);
    CHECK_INT(its.successes, 1);
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(1), options, &its.others[0]), RF_OK);
    while (its.others[0])
        rf_poll(pool, 0);
    CHECK_INT(its.successes, 2);
}

static void add_another(rf_future *future, void *user)
{
    called *its = user;
    const rf_results *got;
    int64_t n = rf_future_get(future, 0, &got) == RF_OK ? rf_i64(rf_results_value(got, 0)) : -1;
    its->sum += n;
    if (n > 0)
        its->failures += rf_apply_async(its->pool, add, RF_TUPLE(n, -1), RF_OPTIONS(.callback = add_another, .user = its), NULL) != RF_OK;
}

CASE(B3_futures_that_nobody_holds_chain_through_their_callbacks)
{
    called its = {.pool = pool};
    CHECK_STATUS(rf_apply_async(pool, add, RF_TUPLE(20, 0), RF_OPTIONS(.callback = add_another, .user = &its), NULL), RF_OK);
    CHECK_STATUS(rf_poll(pool, RF_FOREVER), RF_OK);
    CHECK_INT(its.sum, 210);
    CHECK_INT(its.failures, 0);
}

static char warned[512];
static void keep_warning(const char *message, void *user)
{
    (void)user;
    snprintf(warned, sizeof warned, "%s", message);
}

CASE(B3_a_failure_that_nobody_holds_is_a_warning)
{
    rf_log_to(keep_warning, NULL);
    warned[0] = '\0';
    CHECK_STATUS(rf_map_async(pool, refuse_odd, rf_range(0, 4), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 4), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_poll(pool, RF_FOREVER), RF_OK);
    rf_log_to(NULL, NULL);
    CHECK_HAS(warned, "2 items failed");
}

CASE(B3_one_that_is_freed_before_it_settles_is_not_called_back)
{
    called its = {.pool = pool};
    valve closed = {0};
    const rf_options options = back_to(&its);
    rf_future *never, *soon;
    CHECK_STATUS(rf_map_async(pool, square, through(&closed), &options, &never), RF_OK);
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(1), &options, &soon), RF_OK);
    rf_future_free(soon);
    rf_future_free(never);
    CHECK(closed.released);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, NULL), RF_OK);
    CHECK_INT(its.successes + its.failures, 0);
}

static void use_the_stream(rf_future *future, void *user)
{
    called *its = user;
    const rf_result *one;
    (void)future;
    its->statuses[0] = rf_next(its->stream, &one);
    its->statuses[1] = rf_next_within(its->stream, 0, &one);
    its->statuses[2] = rf_iterator_free(its->stream);
    its->statuses[3] = rf_close(its->pool);
    its->successes++;
}

CASE(B3_a_callback_may_not_use_the_iterator_that_waits_nor_close_the_pool)
{
    called its = {.pool = pool};
    const rf_result *one;
    rf_future *beside;
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, INT64_MAX), NULL, &its.stream), RF_OK);
    CHECK_STATUS(rf_apply_async(pool, square, rf_of_i64(1), RF_OPTIONS(.callback = use_the_stream, .user = &its), &beside), RF_OK);
    for (int64_t i = 0; i < 100 || !its.successes; i++) {
        CHECK_STATUS(rf_next(its.stream, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
    }
    for (int i = 0; i < 4; i++)
        CHECK_STATUS(its.statuses[i], RF_EBUSY);
    CHECK_STATUS(rf_iterator_free(its.stream), RF_OK);
    rf_future_free(beside);
}

static int use_futures(rf_call *call, void *state)
{
    valve *its = state;
    rf_future *none;
    if (its->next == 0) {
        its->statuses[0] = rf_future_wait(its->other, 0);
        its->statuses[1] = rf_future_get(its->other, 0, NULL);
        its->statuses[2] = rf_future_cancel(its->other);
        its->statuses[3] = rf_apply_async(its->pool, square, rf_nil(), NULL, &none);
        its->statuses[4] = none ? RF_OK : RF_EBUSY;
        its->statuses[5] = rf_future_ready(its->other) ? RF_OK : RF_EBUSY;
        rf_future_free(its->other);
    }
    return its->next < 10 ? RF_RETURN(call, its->next++) : RF_END;
}

CASE(B3_a_generator_may_only_free_futures)
{
    valve never = {0}, its = {.pool = pool};
    called back = {.pool = pool};
    const rf_options options = back_to(&back);
    CHECK_STATUS(rf_map_async(pool, square, through(&never), &options, &its.other), RF_OK);
    CHECK_STATUS(rf_map(pool, square, rf_generator(use_futures, &its, NULL), NULL, NULL), RF_OK);
    for (int i = 0; i < 6; i++)
        CHECK_STATUS(its.statuses[i], RF_EBUSY);
    CHECK_STATUS(rf_poll(pool, RF_FOREVER), RF_OK);
    CHECK(never.released && back.successes + back.failures == 0);
}

static void free_when_done(uint64_t done, uint64_t total, bool final, void *user)
{
    called *its = user;
    (void)done, (void)total;
    for (int i = 0; i < 4 && final; i++) {
        rf_future_free(its->others[i]);
        its->others[i] = NULL;
    }
}

/* Among those freed is the one that tells its progress, others that are over, and one that is not. */
CASE(B3_progress_may_free_futures)
{
    called its = {.pool = pool};
    valve never = {0};
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 100), NULL, &its.others[0]), RF_OK);
    CHECK_STATUS(rf_map_async(pool, square, through(&never), NULL, &its.others[1]), RF_OK);
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 100), NULL, &its.others[2]), RF_OK);
    CHECK_STATUS(rf_map_async(pool, square, rf_range(0, 100), RF_OPTIONS(.on_progress = free_when_done, .user = &its), &its.others[3]), RF_OK);
    while (its.others[3])
        rf_poll(pool, 0);
    CHECK_STATUS(rf_poll(pool, RF_FOREVER), RF_OK);
    CHECK(never.released);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
