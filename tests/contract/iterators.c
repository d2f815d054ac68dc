/* Rows A4, A5, A6, A14 and E7 of the contract: iterators. Lazy, bounded, in order, beside each other. */
#include "../counter.h"
#include "../functions.h"
#include "../verify.h"
#include "signs.h"

/* One item in seven succeeds at its second attempt, one in eleven never. */
static int at_the_second(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    if (x % 11 == 5 || (x % 7 == 0 && rf_call_attempt(call) == 1))
        return rf_fail(call, "seven", "%" PRId64 " is one of them", x);
    return RF_RETURN(call, -x);
}
RF_REGISTER(at_the_second);

/* Item 0 is done when the sign is there. */
static int hold_the_head(rf_call *call, rf_value item)
{
    int64_t x;
    const sign *go = RF_CALL_STATE(call, sign);
    if (!go || RF_ARGS(call, item, x))
        return RF_EARGS;
    while (x == 0 && !sign_is_there(go) && !rf_call_cancelled(call))
        ;
    return RF_RETURN(call, x);
}
RF_REGISTER(hold_the_head);

CASE(A4_nothing_is_read_before_the_first_next)
{
    counter counts = {.end = 10};
    RF_AUTO(rf_iterator, squares);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_generator(count, &counts, NULL), NULL, &squares), RF_OK);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), NULL, NULL), RF_OK);
    rf_poll(pool, 0);
    CHECK_INT(counts.next, 0);
    CHECK_STATUS(rf_next(squares, &one), RF_OK);
    CHECK(counts.next >= 1);
}

static void check_stream(rf_pool *pool, bool ordered)
{
    RF_AUTO(rf_iterator, squares);
    const rf_result *one;
    int64_t sum = 0;
    int status = (ordered ? rf_imap : rf_imap_unordered)(pool, square, rf_range(0, 3000), NULL, &squares);
    CHECK_STATUS(status, RF_OK);
    for (uint64_t i = 0; i < 3000; i++) {
        CHECK_STATUS(rf_next(squares, &one), RF_OK);
        CHECK(one->ok && (!ordered || one->index == i));
        CHECK_INT(rf_i64(one->value), one->index * one->index);
        sum += (int64_t)one->index;
    }
    CHECK_INT(sum, 3000 * 2999 / 2);
    CHECK_STATUS(rf_next(squares, &one), RF_END);
    CHECK(one == NULL);
    CHECK_STATUS(rf_next(squares, &one), RF_END);
    rf_iterator *done = squares;
    squares = NULL;
    CHECK_STATUS(rf_iterator_free(done), RF_OK);
}

CASE(A4_imap_is_lazy_and_ordered)
{
    check_stream(pool, true);
}

CASE(A4_A10_the_first_hundred_of_an_endless_generator)
{
    counter counts = {.end = INT64_MAX};
    RF_AUTO(rf_iterator, squares);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_generator(count, &counts, released),
                         RF_OPTIONS(.iterable_len = RF_ENDLESS, .chunk_size = 1), &squares), RF_OK);
    for (int64_t i = 0; i < 100; i++) {
        CHECK_STATUS(rf_next(squares, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
    }
    rf_iterator *over = squares;
    squares = NULL;
    CHECK_STATUS(rf_iterator_free(over), RF_OK);
    CHECK(counts.released);
    int64_t read = counts.next;
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, NULL), RF_OK);
    CHECK_INT(counts.next, read);
}

/* One rank alone would wait for itself. */
static bool others_work(rf_pool *pool)
{
    RF_AUTO(rf_results, results);
    return rf_apply(pool, square, rf_of_i64(1), NULL, &results) == RF_OK && rf_results_at(results, 0).rank > 0;
}

static void drain_within(rf_iterator *stream, const counter *counts, uint64_t window)
{
    const rf_result *one;
    for (int64_t i = 0; i < counts->end; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i);
        CHECK_(counts->next <= i + 1 + (int64_t)window, "%" PRId64 " items were read and %" PRId64 " delivered, max_active is %d",
               counts->next, i + 1, (int)window);
    }
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

static void hold_back(rf_pool *pool, uint64_t window, uint64_t chunk)
{
    const rf_result *one;
    counter counts = {.end = 3000};
    sign go = sign_new("head");
    RF_AUTO(rf_iterator, stream);
    CHECK_STATUS(rf_imap(pool, hold_the_head, rf_generator(count, &counts, NULL),
                         RF_OPTIONS(.state = RF_STATE(go), .max_active = window, .chunk_size = chunk), &stream), RF_OK);
    if (!others_work(pool))
        sign_set(&go);
    for (int polls = 0; polls < 3000 && !sign_is_there(&go); polls++) {
        CHECK_STATUS(rf_next_within(stream, 0, &one), RF_AGAIN);
        CHECK(counts.next <= (int64_t)window);
        polls -= rf_workers(pool) > 1 && counts.next < (int64_t)window;     /* the others fill it in the end */
    }
    sign_set(&go);
    ALSO(drain_within(stream, &counts, window));
    sign_remove(&go);
}

CASE(A4_a_slow_head_holds_back_the_senders_and_not_the_memory)
{
    ALSO(hold_back(pool, 50, 1));
    ALSO(hold_back(pool, 500, 7));
    ALSO(hold_back(pool, 1, 0));
}

CASE(A5_imap_unordered_gives_each_square_once)
{
    check_stream(pool, false);
}

CASE(A5_results_come_in_the_order_of_their_completion)
{
    const rf_result *one;
    sign go = sign_new("order");
    RF_AUTO(rf_iterator, stream);
    if (rf_workers(pool) < 2)
        return;                         /* one worker keeps the order of the items: A6 */
    CHECK_STATUS(rf_imap_unordered(pool, hold_the_head, rf_range(0, 50), RF_OPTIONS(.state = RF_STATE(go), .chunk_size = 1), &stream), RF_OK);
    for (int i = 1; i < 50; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK(one->index != 0);
    }
    CHECK_STATUS(rf_next_within(stream, 0, &one), RF_AGAIN);
    sign_set(&go);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(one->index, 0);
    CHECK_STATUS(rf_next(stream, &one), RF_END);
    sign_remove(&go);
}

typedef struct sequence { int64_t values[200]; unsigned attempts[200]; bool ok[200]; } sequence;

static void add(sequence *to, uint64_t at, const rf_result *one)
{
    to->values[at] = one->ok ? rf_i64(one->value) : -1;
    to->attempts[at] = one->attempts;
    to->ok[at] = one->ok;
}

static void map_to(rf_pool *pool, bool ordered, const rf_options *options, sequence *to)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS((ordered ? rf_map : rf_map_unordered)(pool, at_the_second, rf_range(0, 200), options, &results), RF_EITEMS);
    CHECK_INT(rf_results_len(results), 200);
    for (uint64_t i = 0; i < 200; i++) {
        rf_result one = rf_results_at(results, i);
        CHECK_INT(one.index, i);
        add(to, i, &one);
    }
}

static void stream_to(rf_pool *pool, bool ordered, const rf_options *options, sequence *to)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS((ordered ? rf_imap : rf_imap_unordered)(pool, at_the_second, rf_range(0, 200), options, &stream), RF_OK);
    for (uint64_t i = 0; i < 200; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(one->index, i);
        add(to, i, one);
    }
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

CASE(A6_one_worker_gives_the_same_sequence_ordered_and_unordered_also_under_retry)
{
    static sequence all[4];
    const rf_options *options = RF_OPTIONS(.workers = 1, .chunk_size = 3, .retry = {.attempts = 2, .backoff = 0.001});
    memset(all, 0, sizeof all);
    for (int ordered = 0; ordered < 2; ordered++) {
        ALSO(map_to(pool, ordered, options, &all[ordered]));
        ALSO(stream_to(pool, ordered, options, &all[2 + ordered]));
    }
    for (int64_t i = 0; i < 200; i++) {
        CHECK_INT(all[0].ok[i], i % 11 != 5);
        CHECK_INT(all[0].values[i], i % 11 == 5 ? -1 : -i);
        CHECK_INT(all[0].attempts[i], i % 11 == 5 || i % 7 == 0 ? 2 : 1);
    }
    for (int i = 1; i < 4; i++)
        CHECK(memcmp(&all[0], &all[i], sizeof all[0]) == 0);
}

CASE(A14_a_map_runs_while_an_iterator_is_open)
{
    RF_AUTO(rf_iterator, stream);
    RF_AUTO(rf_results, results);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 100), NULL, &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, &results), RF_OK);
    for (int64_t i = 1; i < 100; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
        CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)i)), i * i);
    }
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

CASE(A14_two_iterators_are_open_while_a_map_runs)
{
    RF_AUTO(rf_iterator, squares);
    RF_AUTO(rf_iterator, odd);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 1000), RF_OPTIONS(.max_active = 30), &squares), RF_OK);
    CHECK_STATUS(rf_imap(pool, refuse_odd, rf_range(0, 1000), RF_OPTIONS(.max_active = 7, .chunk_size = 2), &odd), RF_OK);
    for (int64_t i = 0; i < 1000; i++) {
        CHECK_STATUS(rf_next(squares, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
        CHECK_STATUS(rf_next(odd, &one), RF_OK);
        CHECK(one->index == (uint64_t)i && one->ok == (i % 2 == 0));
        if (i % 100)
            continue;
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, square, rf_range(i, i + 100), NULL, &results), RF_OK);
        CHECK_INT(rf_results_len(results), 100);
        for (int64_t j = 0; j < 100; j++)
            CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)j)), (i + j) * (i + j));
    }
    CHECK_STATUS(rf_next(squares, &one), RF_END);
    CHECK_STATUS(rf_next(odd, &one), RF_END);
}

CASE(A14_five_iterators_take_turns_and_disturb_nobody)
{
    rf_iterator *open[5];
    const rf_result *one;
    for (int i = 0; i < 5; i++)
        CHECK_STATUS((i % 2 ? rf_imap_unordered : rf_imap)(pool, i == 3 ? refuse_odd : square, rf_range(0, 500 * (i + 1)),
                                                           RF_OPTIONS(.max_active = 20), &open[i]), RF_OK);
    uint64_t sums[5] = {0}, ended = 0;
    for (int turn = 0; ended < 5; turn++) {
        int i = turn % 5;
        int status = open[i] ? rf_next(open[i], &one) : RF_AGAIN;
        if (status == RF_OK)
            sums[i] += one->index;
        if (turn % 400 == 0)
            CHECK_STATUS(rf_map(pool, square, rf_range(0, 50), NULL, NULL), RF_OK);
        if (status == RF_END) {
            CHECK_STATUS(rf_iterator_free(open[i]), i == 3 ? RF_EITEMS : RF_OK);
            open[i] = NULL;
            ended++;
        }
    }
    for (uint64_t i = 0; i < 5; i++)
        CHECK_INT(sums[i], 500 * (i + 1) * (500 * (i + 1) - 1) / 2);
}

CASE(E7_a_failure_is_an_element_of_the_stream_which_goes_on)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, refuse_odd, rf_range(0, 100), NULL, &stream), RF_OK);
    for (uint64_t i = 0; i < 100; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(one->ok, i % 2 == 0);
        CHECK((one->error == NULL) == one->ok);
        if (!one->ok)
            CHECK_TEXT(one->error->kind, "odd");
    }
    CHECK_STATUS(rf_next(stream, &one), RF_END);
    rf_iterator *over = stream;
    stream = NULL;
    CHECK_STATUS(rf_iterator_free(over), RF_EITEMS);
}

CASE(E7_next_within_nothing_polls)
{
    counter counts = {.end = 20, .pauses = 3};
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_generator(count, &counts, NULL), NULL, &stream), RF_OK);
    int64_t got = 0;
    int status = RF_OK;
    for (uint64_t polls = 0; status != RF_END; polls++) {
        status = rf_next_within(stream, 0, &one);
        CHECK(status == RF_OK || status == RF_AGAIN || status == RF_END);
        CHECK((one != NULL) == (status == RF_OK));
        if (status == RF_OK)
            CHECK_INT(rf_i64(one->value), got * got);
        got += status == RF_OK;
    }
    CHECK_INT(got, 20);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
