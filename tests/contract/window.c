/* D6 and E5: what was read and is not delivered is bounded, in items and in bytes, whether the input's length is known or not. On 1, 2, 3
   and 5 ranks. */
#include "executions.h"

#define ITEMS 300

static int kilobyte(rf_call *call, rf_value item)
{
    (void)item;
    void *space = rf_return_space(call, 1000);
    return space ? memset(space, 'k', 1000), RF_OK : RF_ENOMEM;
}
RF_REGISTER(kilobyte);

static int count_up(rf_call *call, void *state)
{
    int64_t *n = state;
    return *n == ITEMS ? RF_END : RF_RETURN(call, (*n)++);
}

typedef int stream_verb(rf_pool *, rf_map_function *, rf_source *, const rf_options *, rf_iterator **);
static stream_verb *const verbs[] = {rf_imap, rf_imap_unordered};

/* Waits until as much as the window holds has been read; then time passes, and no more is. */
static void read_ahead(rf_pool *pool, const int64_t *produced, int64_t most)
{
    while (*produced < most)
        rf_poll(pool, 0.001);
    for (int i = 0; i < 5; i++)
        rf_poll(pool, 0);
    CHECK_INT(*produced, most);
}

static void stream_from_generator(rf_pool *pool, stream_verb *verb, const rf_options *options)
{
    int64_t produced = 0, window = (int64_t)options->max_active, length = options->iterable_len ? (int64_t)options->iterable_len : ITEMS;
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(verb(pool, told, rf_generator(count_up, &produced, NULL), options, &stream), RF_OK);
    rf_poll(pool, 0);
    CHECK_INT(produced, 0);                     /* lazy */
    for (int64_t taken = 1; taken <= length; taken++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK(produced <= taken - 1 + window);  /* the one that it gave last is still held */
        if (taken % 60 == 1 && taken + window < length)
            ALSO(read_ahead(pool, &produced, taken - 1 + window));
    }
    CHECK_STATUS(rf_next(stream, &one), RF_END);
    CHECK_INT(produced, length);
}

CASE(E5_what_was_read_and_is_not_delivered_never_exceeds_max_active)
{
    for (size_t v = 0; v < 2; v++)
        for (uint64_t window = 1; window <= 40; window = window * 3 + 1)
            for (int sized = 0; sized < 2; sized++) {
                executions made = executions_begin();
                rf_options said = *RF_OPTIONS(.max_active = window, .chunk_size = 1, .state = RF_STATE(made));
                said.iterable_len = sized ? ITEMS - 50 : 0;
                stream_from_generator(pool, verbs[v], &said);
                unlink(made.path);
                if (verifying.failed)
                    return;
            }
}

CASE(E5_chunks_of_any_size_keep_within_max_active)
{
    static const uint64_t sizes[] = {0, 2, 7, 1000};
    for (size_t v = 0; v < 2; v++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            int64_t produced = 0;
            RF_AUTO(rf_iterator, stream);
            const rf_result *one;
            executions made = executions_begin();
            CHECK_STATUS(verbs[v](pool, told, rf_generator(count_up, &produced, NULL),
                                  RF_OPTIONS(.max_active = 10, .chunk_size = sizes[s], .state = RF_STATE(made)), &stream), RF_OK);
            int64_t taken = 0;
            for (; rf_next(stream, &one) == RF_OK; taken++) {
                rf_poll(pool, 0);
                CHECK(produced <= taken + 10);
            }
            unlink(made.path);
            CHECK_INT(taken, ITEMS);
        }
}

CASE(E5_of_a_sized_input_no_more_is_run_ahead_than_max_active)
{
    for (size_t v = 0; v < 2; v++) {
        static execution all[ITEMS];
        executions made = executions_begin();
        RF_AUTO(rf_iterator, stream);
        const rf_result *one;
        CHECK_STATUS(verbs[v](pool, told, rf_range(0, ITEMS), RF_OPTIONS(.max_active = 8, .chunk_size = 1, .state = RF_STATE(made)), &stream), RF_OK);
        for (size_t taken = 0; taken < ITEMS; taken++) {
            CHECK_STATUS(rf_next(stream, &one), RF_OK);
            if (taken % 50)
                continue;
            while (taken + 8 < ITEMS && executions_read(&made, all, ITEMS) < taken + 8)
                rf_poll(pool, 0.001);
            for (int i = 0; i < 5; i++)
                rf_poll(pool, 0);
            CHECK(executions_read(&made, all, ITEMS) <= taken + 8);
        }
        CHECK_INT(executions_end(&made, all, ITEMS), ITEMS);
    }
}

CASE(D6_results_that_wait_are_bounded_in_bytes)
{
    for (size_t v = 0; v < 2; v++) {
        int64_t produced = 0, taken = 0;
        RF_AUTO(rf_iterator, stream);
        const rf_result *one;
        CHECK_STATUS(verbs[v](pool, kilobyte, rf_generator(count_up, &produced, NULL), RF_OPTIONS(.max_bytes = 5000, .chunk_size = 1), &stream), RF_OK);
        /* Five kilobytes, what each worker was given before the first result told how large they are, and what is read at a time. */
        int64_t most = 5 + (int64_t)rf_workers(pool) + 64;
        for (; rf_next(stream, &one) == RF_OK; taken++) {
            CHECK(one->ok && rf_size(one->value) == 1000);
            for (int i = 0; i < 3; i++)
                rf_poll(pool, 0);
            CHECK(produced <= taken + most);
        }
        CHECK_INT(taken, ITEMS);
    }
}

CASE(D6_a_window_smaller_than_one_result_still_lets_the_next_one_in)
{
    for (size_t v = 0; v < 2; v++) {
        uint64_t taken = 0;
        RF_AUTO(rf_iterator, stream);
        const rf_result *one;
        CHECK_STATUS(verbs[v](pool, kilobyte, rf_range(0, 20), RF_OPTIONS(.max_bytes = 1, .max_active = 1), &stream), RF_OK);
        for (; rf_next(stream, &one) == RF_OK; taken++)
            CHECK_INT(rf_size(one->value), 1000);
        CHECK_INT(taken, 20);
    }
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
