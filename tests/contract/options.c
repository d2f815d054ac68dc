/* Contract row E1: options compose in one struct that every verb takes, zero is the default, what is on by default can be switched off,
   and options are copied at the call. What each does by itself is in the rows of its own. */
#include "../functions.h"
#include "../verify.h"

/* Says how often it was tried; the multiples of 10 never succeed. */
static int third_time(rf_call *call, rf_value item)
{
    const int64_t *offset = RF_CALL_STATE(call, int64_t);
    if (!offset || rf_call_attempt(call) < 3 || rf_i64(item) % 10 == 0)
        return rf_fail(call, "net.slow", "attempt %u", rf_call_attempt(call));
    return RF_RETURN(call, rf_i64(item) + *offset);
}
RF_REGISTER(third_time);

static int fails(rf_call *call, rf_value item)
{
    (void)item;
    return rf_fail(call, "net", "attempt %u", rf_call_attempt(call));
}
RF_REGISTER(fails);

/* Everything that can be on by default is. */
static int fails_by_default(rf_call *call, rf_value item)
{
    return fails(call, item);
}
RF_REGISTER(fails_by_default, .options = {.retry = {.attempts = 3, .backoff = RF_NONE, .steady = RF_ON}, .halt = RF_HALT_SOON,
                                          .halt_count = 1, .halt_share = 0.1, .timeout = 1000, .max_active = 10, .max_bytes = 1000});

static void count_progress(uint64_t done, uint64_t total, bool final, void *user)
{
    (void)done, (void)total;
    *(int *)user += final;
}

static void check_third_time(const rf_result *one)
{
    CHECK_INT(one->ok, one->index % 10 != 0);
    CHECK_INT(one->attempts, 3);
    if (one->ok)
        CHECK_INT(rf_i64(one->value), one->index + 1000);
    else
        CHECK_TEXT(one->error->message, "attempt 3");
}

static void check_results(rf_results *results)
{
    CHECK_INT(rf_results_len(results), 60);
    for (uint64_t i = 0; i < 60; i++) {
        rf_result one = rf_results_at(results, i);
        ALSO(check_third_time(&one));
    }
}

static void check_stream(rf_iterator *stream)
{
    const rf_result *one;
    int status, all = 0;
    for (; (status = rf_next(stream, &one)) == RF_OK; all++)
        ALSO(check_third_time(one));
    CHECK_STATUS(status, RF_END);
    CHECK_INT(all, 60);
}

CASE(E1_all_options_compose_in_every_verb)
{
    const int64_t offset = 1000;
    int finals = 0;
    const rf_options *all = RF_OPTIONS(.name = "everything", .state = RF_STATE(offset), .chunk_size = 7, .split_size = 4096, .iterable_len = 60,
                                       .max_active = 20, .max_bytes = 1 << 20, .timeout = 1000,
                                       .retry = {.attempts = 3, .backoff = 1e-4, .max_delay = 2e-4, .on = "disk,net", .steady = RF_ON},
                                       .halt = RF_HALT_SOON, .halt_count = 100, .halt_share = 0.9, .workers = 1, .seed = 7,
                                       .on_progress = count_progress, .user = &finals);
    RF_AUTO(rf_results, ordered);
    CHECK_STATUS(rf_map(pool, third_time, rf_range(0, 100), all, &ordered), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "everything: 6 items failed");
    ALSO(check_results(ordered));
    RF_AUTO(rf_results, unordered);
    CHECK_STATUS(rf_map_unordered(pool, third_time, rf_range(0, 100), all, &unordered), RF_EITEMS);
    ALSO(check_results(unordered));             /* one worker: the same sequence */
    rf_iterator *stream;
    CHECK_STATUS(rf_imap(pool, third_time, rf_range(0, 100), all, &stream), RF_OK);
    ALSO(check_stream(stream));
    CHECK_STATUS(rf_iterator_free(stream), RF_EITEMS);
    CHECK_STATUS(rf_imap_unordered(pool, third_time, rf_range(0, 100), all, &stream), RF_OK);
    ALSO(check_stream(stream));
    CHECK_STATUS(rf_iterator_free(stream), RF_EITEMS);
    CHECK_INT(finals, 4);
}

CASE(E1_nothing_said_is_the_default)
{
    const rf_options *none[] = {NULL, RF_OPTIONS(.name = NULL)};
    for (int i = 0; i < 2; i++) {
        RF_AUTO(rf_results, squares);
        CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), none[i], &squares), RF_OK);
        CHECK_INT(rf_results_len(squares), 100);
        RF_AUTO(rf_results, failed);
        CHECK_STATUS(rf_map(pool, fails, rf_range(0, 100), none[i], &failed), RF_EITEMS);    /* no retry, no halt */
        for (uint64_t at = 0; at < 100; at++)
            CHECK_TEXT(rf_results_at(failed, at).error->message, "attempt 1");
    }
}

CASE(E1_what_a_default_switched_on_a_call_switches_off)
{
    RF_AUTO(rf_results, halted);
    CHECK_STATUS(rf_map(pool, fails_by_default, rf_range(0, 1000), NULL, &halted), RF_EHALTED);
    bool third = false;                 /* the one that halted it has had all its attempts; others may have waited for theirs */
    for (uint64_t i = 0; rf_results_next_failure(halted, &i); i++)
        third = third || strcmp(rf_results_at(halted, i).error->message, "attempt 3") == 0;
    CHECK(third);
    RF_AUTO(rf_results, off);
    CHECK_STATUS(rf_map(pool, fails_by_default, rf_range(0, 1000),
                        RF_OPTIONS(.retry = {.attempts = 1, .backoff = RF_NONE, .steady = RF_OFF}, .halt = RF_HALT_NEVER,
                                   .halt_count = RF_UNLIMITED, .halt_share = RF_NONE, .timeout = RF_NONE, .max_active = RF_UNLIMITED,
                                   .max_bytes = RF_UNLIMITED), &off), RF_EITEMS);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_TEXT(rf_results_at(off, i).error->message, "attempt 1");
    RF_AUTO(rf_results, threshold_off);
    CHECK_STATUS(rf_map(pool, fails_by_default, rf_range(0, 1000), RF_OPTIONS(.halt_count = RF_UNLIMITED, .halt_share = RF_NONE),
                        &threshold_off), RF_EITEMS);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_TEXT(rf_results_at(threshold_off, i).error->message, "attempt 3");
}

CASE(E1_options_are_copied_at_the_call)
{
    char kinds[] = "net", name[] = "first";
    int64_t offset = 1000;
    rf_options mine = {.struct_size = sizeof mine, .name = name, .state = RF_STATE(offset), .retry = {.attempts = 3, .backoff = RF_NONE, .on = kinds}};
    rf_iterator *stream;
    CHECK_STATUS(rf_imap(pool, third_time, rf_range(0, 60), &mine, &stream), RF_OK);
    memset(kinds, 'x', sizeof kinds - 1);
    memset(name, 'x', sizeof name - 1);
    offset = 0;
    mine = (rf_options){.struct_size = 1};
    ALSO(check_stream(stream));
    CHECK_STATUS(rf_iterator_free(stream), RF_EITEMS);
}

CASE(E1_a_bad_option_is_refused_by_every_verb_naming_it)
{
    const rf_options *bad = RF_OPTIONS(.halt_share = 2);
    RF_AUTO(rf_results, results);
    rf_iterator *stream;
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), bad, &results), RF_EOPTION);
    CHECK_HAS(rf_last_error()->message, "halt_share is 2: it must be a share, more than 0 and at most 1");
    CHECK_STATUS(rf_map_unordered(pool, square, rf_range(0, 10), bad, &results), RF_EOPTION);
    CHECK_STATUS(rf_apply(pool, square, rf_of_i64(1), bad, &results), RF_EOPTION);
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 10), bad, &stream), RF_EOPTION);
    CHECK_STATUS(rf_imap_unordered(pool, square, rf_range(0, 10), bad, &stream), RF_EOPTION);
    CHECK_STATUS(rf_run(square, rf_of_i64(1), bad, &results), RF_EOPTION);
    CHECK(!results && !stream);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), RF_OPTIONS(.chunk_size = 2, .n_splits = 3), NULL), RF_EOPTION);
    CHECK_HAS(rf_last_error()->message, "chunk_size (2) and n_splits (3)");
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), NULL, NULL), RF_OK);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
