/* Iterators on 1, 2, 3 and 5 ranks: lazy, bounded, several at once, given up early. */
#include "counter.h"
#include "functions.h"
#include "verify.h"

static int megabyte(rf_call *call, rf_value item)
{
    unsigned char byte;
    if (RF_ARGS(call, item, byte))
        return RF_EARGS;
    unsigned char *space = rf_return_space(call, 1 << 20);
    if (!space)
        return RF_ENOMEM;
    memset(space, byte, 1 << 20);
    return RF_OK;
}
RF_REGISTER(megabyte);

static int first_byte(rf_call *call, rf_value item)
{
    return RF_RETURN(call, *(const unsigned char *)item.data);
}
RF_REGISTER(first_byte);

/* Lets messages move for a while, as a long function does. */
static int linger(rf_call *call, rf_value item)
{
    for (int i = 0; i < 3000; i++) {
        rf_call_progress(call);
        if (rf_call_cancelled(call))
            return RF_ECANCELLED;
    }
    return rf_return(call, item);
}
RF_REGISTER(linger);

CASE(an_iterator_freed_before_its_first_next_releases_its_source)
{
    counter counts = {.end = INT64_MAX};
    rf_iterator *squares;
    CHECK_STATUS(rf_imap_unordered(pool, square, rf_generator(count, &counts, released), NULL, &squares), RF_OK);
    CHECK_STATUS(rf_iterator_free(squares), RF_OK);
    CHECK(counts.released && counts.next == 0);
}

static void read_within(rf_pool *pool, bool ordered, uint64_t window, uint64_t chunk)
{
    counter counts = {.end = 5000};
    RF_AUTO(rf_iterator, squares);
    const rf_result *one;
    CHECK_STATUS((ordered ? rf_imap : rf_imap_unordered)(pool, square, rf_generator(count, &counts, NULL),
                                                         RF_OPTIONS(.max_active = window, .chunk_size = chunk), &squares),
                 RF_OK);
    for (int64_t i = 0; i < 5000; i++) {
        CHECK_STATUS(rf_next(squares, &one), RF_OK);
        CHECK_(counts.next <= i + 1 + (int64_t)window, "%" PRId64 " items were read and %" PRId64 " delivered, max_active is %d",
               counts.next, i + 1, (int)window);
        CHECK(!ordered || (int64_t)one->index == i);
    }
    CHECK_STATUS(rf_next(squares, &one), RF_END);
}

CASE(D6_E5_what_was_read_and_not_delivered_stays_within_max_active)
{
    for (int ordered = 0; ordered < 2; ordered++) {
        ALSO(read_within(pool, ordered, 1, 0));
        ALSO(read_within(pool, ordered, 10, 0));
        ALSO(read_within(pool, ordered, 10, 100));
        ALSO(read_within(pool, ordered, 1000, 3));
    }
}

CASE(D6_the_next_to_deliver_is_let_in_whatever_its_size)
{
    RF_AUTO(rf_iterator, megabytes);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, megabyte, rf_range(0, 40), RF_OPTIONS(.max_bytes = 1 << 16), &megabytes), RF_OK);
    for (int i = 0; i < 40; i++) {
        CHECK_STATUS(rf_next(megabytes, &one), RF_OK);
        CHECK_INT(rf_size(one->value), 1 << 20);
        CHECK_INT(((const unsigned char *)one->value.data)[(1 << 20) - 1], i);
    }
    CHECK_STATUS(rf_next(megabytes, &one), RF_END);
}

CASE(a_generator_that_has_nothing_yet_is_asked_again)
{
    counter counts = {.end = 50, .pauses = 7};
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, rf_generator(count, &counts, released), NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 50);
    CHECK(counts.released);
}

CASE(a_generator_is_not_asked_once_its_iterator_is_freed)
{
    counter counts = {.end = 3, .pauses = INT64_MAX};
    rf_iterator *stream;
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_generator(count, &counts, released), NULL, &stream), RF_OK);
    CHECK_STATUS(rf_next_within(stream, 0.001, &one), RF_AGAIN);
    int64_t asked = counts.paused;
    CHECK(asked > 0);
    CHECK_STATUS(rf_iterator_free(stream), RF_OK);
    CHECK(counts.released);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, NULL), RF_OK);
    CHECK_INT(counts.paused, asked);
}

CASE(a_borrowed_array_is_the_callers_again_once_the_iterator_is_freed)
{
    size_t count = 1 << 19;
    double *numbers = calloc(count, sizeof *numbers);
    for (int i = 0; i < 5; i++) {
        RF_AUTO(rf_iterator, stream);
        const rf_result *one;
        CHECK_STATUS(rf_imap_unordered(pool, first_byte, rf_array(numbers, 16, 1 << 18, RF_BYTES), NULL, &stream), RF_OK);
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i);
        CHECK_STATUS(rf_iterator_free(stream), RF_OK);
        stream = NULL;
        memset(numbers, i + 1, count * sizeof *numbers);
    }
    free(numbers);
}

CASE(what_comes_while_a_function_runs_is_seen_when_it_returns)
{
    RF_AUTO(rf_iterator, slow);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, linger, rf_range(0, 300), RF_OPTIONS(.chunk_size = 1, .max_active = 20), &slow), RF_OK);
    for (int i = 0; i < 300; i++) {
        CHECK_STATUS(rf_next(slow, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i);
        if (i % 50 == 0)
            CHECK_STATUS(rf_map(pool, linger, rf_range(0, 7), RF_OPTIONS(.chunk_size = 1), NULL), RF_OK);
    }
}

CASE(a_time_out_of_next_leaves_the_iterator_usable)
{
    counter counts = {.end = 3, .pauses = INT64_MAX};
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_generator(count, &counts, NULL), NULL, &stream), RF_OK);
    CHECK_STATUS(rf_next_within(stream, 0.01, &one), RF_AGAIN);
    CHECK_STATUS(rf_next_within(stream, 0, &one), RF_AGAIN);
    counts.pauses = 0;
    for (int64_t i = 0; i < 3; i++) {
        CHECK_STATUS(rf_next_within(stream, RF_FOREVER, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
    }
    CHECK_STATUS(rf_next_within(stream, RF_FOREVER, &one), RF_END);
}

CASE(poll_lets_jobs_go_on_until_none_is_unfinished)
{
    CHECK_STATUS(rf_poll(pool, 0), RF_OK);
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 500), RF_OPTIONS(.max_active = 1000), &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    int status;
    while ((status = rf_poll(pool, 0.001)) == RF_AGAIN)
        ;
    CHECK_STATUS(status, RF_OK);
    for (int i = 1; i < 500; i++) {
        CHECK_STATUS(rf_next_within(stream, 0, &one), RF_OK);
        CHECK_INT(one->index, i);
    }
    CHECK_STATUS(rf_next_within(stream, 0, &one), RF_END);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
