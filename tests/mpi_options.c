/* Options on 1, 2, 3 and 5 ranks: which one holds, what is refused, what is told while a job runs. */
#define _POSIX_C_SOURCE 200809L
#include "functions.h"
#include "verify.h"

static void check_refused(rf_pool *pool, const rf_options *options, const char *field)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 10), options, &results), RF_EOPTION);
    CHECK(results == NULL);
    CHECK_HAS(rf_last_error()->message, field);
}

CASE(E1_values_out_of_bounds_are_refused_naming_the_option)
{
    ALSO(check_refused(pool, RF_OPTIONS(.retry = {.attempts = 1000001}), "attempts"));
    ALSO(check_refused(pool, RF_OPTIONS(.retry = {.backoff = -2}), "backoff"));
    ALSO(check_refused(pool, RF_OPTIONS(.retry = {.backoff = NAN}), "backoff"));
    ALSO(check_refused(pool, RF_OPTIONS(.retry = {.max_delay = -0.5}), "max_delay"));
    ALSO(check_refused(pool, RF_OPTIONS(.timeout = -3), "timeout"));
    ALSO(check_refused(pool, RF_OPTIONS(.timeout = NAN), "timeout"));
    ALSO(check_refused(pool, RF_OPTIONS(.halt_share = 1.5), "halt_share"));
    ALSO(check_refused(pool, RF_OPTIONS(.halt_share = -0.5), "halt_share"));
    ALSO(check_refused(pool, RF_OPTIONS(.halt = (rf_halt)17), "halt"));
    ALSO(check_refused(pool, RF_OPTIONS(.chunk_size = UINT64_MAX - 1), "chunk_size"));
}

CASE(chunk_size_and_n_splits_exclude_each_other)
{
    ALSO(check_refused(pool, RF_OPTIONS(.chunk_size = 2, .n_splits = 3), "n_splits"));
    CHECK_HAS(rf_last_error()->message, "chunk_size");
}

CASE(A10_a_length_that_contradicts_what_the_source_knows_is_refused)
{
    ALSO(check_refused(pool, RF_OPTIONS(.iterable_len = 11), "iterable_len"));
    ALSO(check_refused(pool, RF_OPTIONS(.iterable_len = RF_ENDLESS), "iterable_len"));
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 10), RF_OPTIONS(.iterable_len = 10), NULL), RF_OK);
}

CASE(off_is_a_value_of_its_own)
{
    const rf_options *off = RF_OPTIONS(.timeout = RF_NONE, .halt = RF_HALT_NEVER, .halt_count = RF_UNLIMITED, .halt_share = RF_NONE,
                                       .retry = {.attempts = 1, .backoff = RF_NONE, .steady = RF_OFF});
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 10), off, NULL), RF_OK);
    CHECK_STATUS(rf_map(pool, always_fails, rf_range(0, 1000), off, NULL), RF_EITEMS);
}

typedef struct progress {
    rf_pool *pool;
    uint64_t calls, finals, done, total;
    bool went_back, busy;
} progress;

static void note(uint64_t done, uint64_t total, bool final, void *user)
{
    progress *seen = user;
    seen->went_back |= done < seen->done || seen->finals;
    seen->calls++;
    seen->finals += final;
    seen->done = done;
    seen->total = total;
    seen->busy = rf_map(seen->pool, echo, rf_range(0, 10), NULL, NULL) == RF_EBUSY && rf_poll(seen->pool, 0) == RF_EBUSY &&
                 rf_close(seen->pool) == RF_EBUSY;
}

CASE(E4_progress_ends_with_all_done_and_may_not_use_the_pool)
{
    progress seen = {.pool = pool};
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 100000), RF_OPTIONS(.on_progress = note, .user = &seen), NULL), RF_OK);
    CHECK_INT(seen.finals, 1);
    CHECK_INT(seen.done, 100000);
    CHECK_INT(seen.total, 100000);
    CHECK(!seen.went_back && seen.busy);
    seen = (progress){.pool = pool};
    CHECK_STATUS(rf_map(pool, fails_four_times, rf_range(0, 100), RF_OPTIONS(.on_progress = note, .user = &seen), NULL), RF_EITEMS);
    CHECK(seen.finals == 1 && seen.done == 100 && seen.total == 100 && !seen.went_back);
    seen = (progress){.pool = pool};
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 0), RF_OPTIONS(.on_progress = note, .user = &seen), NULL), RF_OK);
    CHECK(seen.finals == 1 && seen.done == 0 && seen.total == 0);
}

CASE(options_are_copied_at_the_call)
{
    char kinds[] = "never";
    rf_options mine = {.struct_size = sizeof mine, .retry = {.attempts = 3, .backoff = RF_NONE, .on = kinds}};
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, always_fails, rf_range(0, 10), &mine, &stream), RF_OK);
    memset(kinds, 'x', sizeof kinds - 1);
    mine.retry.attempts = 1;
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(one->attempts, 3);
}

CASE(every_option_can_be_printed)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    int status = rf_print_options(to);
    fclose(to);
    CHECK_STATUS(status, RF_OK);
    CHECK_HAS(text, "RANKFOLD_TIMEOUT");
    CHECK_HAS(text, "RANKFOLD_CHUNK_SIZE");
    CHECK_HAS(text, "RANKFOLD_RETRY_ATTEMPTS");
    free(text);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
