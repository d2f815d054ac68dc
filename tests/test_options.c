/* base/options: the table, the environment, and how the levels become one. */
#define _GNU_SOURCE     /* open_memstream, unsetenv */
#include "base/options.h"

#include "suite.h"

static rf_options settle(const rf_options *call, const rf_options *function, const rf_options *pool, const rf_options *environment)
{
    rf_options settled;
    int status = options_settle(call, function, pool, environment, &settled);
    ck_assert_msg(status == RF_OK, "%s", rf_last_error()->message);
    return settled;
}

static void expect_refusal(const rf_options *call, const char *field)
{
    rf_options settled;
    ck_assert_int_eq(options_settle(call, NULL, NULL, NULL, &settled), RF_EOPTION);
    ck_assert_int_eq(rf_last_error()->status, RF_EOPTION);
    ck_assert_msg(strstr(rf_last_error()->message, field) != NULL, "%s", rf_last_error()->message);
}

#define REFUSED(field, ...) expect_refusal(RF_OPTIONS(__VA_ARGS__), field)

START_TEST(nothing_said_gives_the_defaults_of_the_library)
{
    rf_options o = settle(NULL, NULL, NULL, NULL);
    ck_assert_uint_eq(o.struct_size, sizeof o);
    ck_assert_ptr_null(o.name);
    ck_assert(o.chunk_size == 0 && o.n_splits == 0 && o.iterable_len == 0 && o.max_active == 0 && o.workers == 0);
    ck_assert_uint_eq(o.split_size, 1 << 20);
    ck_assert_uint_eq(o.max_bytes, 64 << 20);
    ck_assert(o.timeout == RF_NONE);
    ck_assert_uint_eq(o.retry.attempts, 1);
    ck_assert(o.retry.backoff == 1 && o.retry.max_delay == 60 && !o.retry.on && o.retry.steady == RF_OFF);
    ck_assert_int_eq(o.halt, RF_HALT_NEVER);
    ck_assert(o.halt_count == RF_UNLIMITED && o.halt_share == RF_NONE);
    ck_assert(o.rate_limit.count == RF_NONE);
    ck_assert_uint_eq(o.seed, 1);
    ck_assert_int_eq(rf_type_of(o.state), RF_NIL);
    ck_assert_int_eq(o.executor, RF_INLINE);
    ck_assert_uint_eq(o.slots, 1);
    ck_assert(o.task_timeout == RF_NONE && o.task_memory == RF_UNLIMITED && o.lifespan == RF_UNLIMITED);
}
END_TEST

START_TEST(each_field_comes_from_the_nearest_level_that_says_it)
{
    static int marker;
    rf_options function = {.timeout = 5, .seed = 7, .split_size = 3, .state = rf_of_i64(9), .retry.on = "net"};
    rf_options o = settle(RF_OPTIONS(.timeout = RF_NONE, .name = "job"), &function,
                          RF_OPTIONS(.seed = 8, .max_active = 4, .user = &marker, .retry.on = "all"),
                          RF_OPTIONS(.max_active = 5, .workers = 6));
    ck_assert(o.timeout == RF_NONE);
    ck_assert_str_eq(o.name, "job");
    ck_assert_uint_eq(o.seed, 7);
    ck_assert_uint_eq(o.split_size, 3);
    ck_assert_int_eq(rf_i64(o.state), 9);
    ck_assert_str_eq(o.retry.on, "net");
    ck_assert_uint_eq(o.max_active, 4);
    ck_assert_uint_eq(o.workers, 6);
    ck_assert_ptr_eq(o.user, &marker);
}
END_TEST

static void progress(uint64_t done, uint64_t total, bool final, void *user)
{
    (void)done, (void)total, (void)final, (void)user;
}

START_TEST(a_progress_callback_never_gets_the_user_pointer_of_a_lower_level)
{
    static int of_pool;
    rf_options o = settle(RF_OPTIONS(.on_progress = progress), NULL, RF_OPTIONS(.on_progress = progress, .user = &of_pool), NULL);
    ck_assert_ptr_null(o.user);
}
END_TEST

START_TEST(any_field_of_retry_asks_for_three_attempts)
{
    rf_retry asked = RF_RETRY;
    ck_assert_uint_eq(settle(RF_OPTIONS(.retry = asked), NULL, NULL, NULL).retry.attempts, 3);
    ck_assert_uint_eq(settle(NULL, NULL, RF_OPTIONS(.retry.backoff = RF_NONE), NULL).retry.attempts, 3);
    ck_assert_uint_eq(settle(RF_OPTIONS(.retry.on = ""), NULL, NULL, NULL).retry.attempts, 3);
    ck_assert_uint_eq(settle(RF_OPTIONS(.retry.steady = RF_ON), NULL, NULL, NULL).retry.attempts, 3);
    rf_options function = {.retry = RF_RETRY};
    ck_assert_uint_eq(settle(RF_OPTIONS(.retry.attempts = 1), &function, NULL, NULL).retry.attempts, 1);
}
END_TEST

START_TEST(a_rate_is_overridden_as_a_whole)
{
    rf_options function = {.rate_limit = {100, RF_MINUTE}};
    rf_options o = settle(RF_OPTIONS(.rate_limit.count = 10), &function, RF_OPTIONS(.rate_limit = {1, RF_HOUR}), NULL);
    ck_assert(o.rate_limit.count == 10 && o.rate_limit.per == RF_SECOND);
    o = settle(NULL, &function, RF_OPTIONS(.rate_limit = {1, RF_HOUR}), NULL);
    ck_assert(o.rate_limit.count == 100 && o.rate_limit.per == RF_MINUTE);
    o = settle(RF_OPTIONS(.rate_limit.per = RF_HOUR), &function, NULL, NULL);      /* without a count nothing is said */
    ck_assert(o.rate_limit.count == 100 && o.rate_limit.per == RF_MINUTE);
    ck_assert(settle(RF_OPTIONS(.rate_limit.count = RF_NONE), &function, NULL, NULL).rate_limit.count == RF_NONE);
}
END_TEST

START_TEST(a_halt_threshold_alone_halts_soon_and_a_halt_alone_at_the_first_failure)
{
    rf_options o = settle(RF_OPTIONS(.halt_count = 5), NULL, NULL, NULL);
    ck_assert(o.halt == RF_HALT_SOON && o.halt_count == 5 && o.halt_share == RF_NONE);
    o = settle(RF_OPTIONS(.halt_share = 0.5), NULL, NULL, NULL);
    ck_assert(o.halt == RF_HALT_SOON && o.halt_count == RF_UNLIMITED && o.halt_share == 0.5);
    o = settle(RF_OPTIONS(.halt = RF_HALT_NOW), NULL, NULL, NULL);
    ck_assert(o.halt == RF_HALT_NOW && o.halt_count == 1 && o.halt_share == RF_NONE);
    o = settle(RF_OPTIONS(.halt = RF_HALT_NEVER), NULL, RF_OPTIONS(.halt_count = 5), NULL);
    ck_assert_int_eq(o.halt, RF_HALT_NEVER);
    o = settle(RF_OPTIONS(.halt_count = RF_UNLIMITED, .halt_share = RF_NONE), NULL, NULL, NULL);
    ck_assert_int_eq(o.halt, RF_HALT_NEVER);
    o = settle(RF_OPTIONS(.halt = RF_HALT_NOW), NULL, RF_OPTIONS(.halt_count = 5), NULL);
    ck_assert(o.halt == RF_HALT_NOW && o.halt_count == 5);
}
END_TEST

START_TEST(what_only_a_child_can_do_selects_fork)
{
    ck_assert_int_eq(settle(RF_OPTIONS(.slots = 2), NULL, NULL, NULL).executor, RF_FORK);
    ck_assert_int_eq(settle(RF_OPTIONS(.task_timeout = 1), NULL, NULL, NULL).executor, RF_FORK);
    ck_assert_int_eq(settle(NULL, RF_OPTIONS(.task_memory = 1), NULL, NULL).executor, RF_FORK);
    ck_assert_int_eq(settle(NULL, NULL, NULL, RF_OPTIONS(.lifespan = 1)).executor, RF_FORK);
    ck_assert_int_eq(settle(RF_OPTIONS(.executor = RF_FORK), NULL, NULL, NULL).executor, RF_FORK);
    ck_assert_int_eq(settle(RF_OPTIONS(.slots = 1), NULL, NULL, NULL).executor, RF_INLINE);
    rf_options o = settle(RF_OPTIONS(.slots = 1, .task_timeout = RF_NONE, .task_memory = RF_UNLIMITED, .lifespan = RF_UNLIMITED,
                                     .executor = RF_INLINE), NULL, RF_OPTIONS(.slots = 2, .task_timeout = 1, .lifespan = 3), NULL);
    ck_assert_int_eq(o.executor, RF_INLINE);
}
END_TEST

START_TEST(what_only_a_child_can_do_is_refused_where_inline_was_asked_for)
{
    REFUSED("executor is RF_INLINE and slots is set", .executor = RF_INLINE, .slots = 2);
    REFUSED("executor is RF_INLINE and task_timeout is set", .executor = RF_INLINE, .task_timeout = 1);
    REFUSED("executor is RF_INLINE and task_memory is set", .executor = RF_INLINE, .task_memory = 1 << 20);
    REFUSED("executor is RF_INLINE and lifespan is set", .executor = RF_INLINE, .lifespan = 100);
    rf_options settled;
    ck_assert_int_eq(options_settle(RF_OPTIONS(.executor = RF_INLINE), NULL, RF_OPTIONS(.lifespan = 2), NULL, &settled), RF_EOPTION);
    ck_assert_int_eq(options_settle(RF_OPTIONS(.slots = 2), NULL, NULL, RF_OPTIONS(.executor = RF_INLINE), &settled), RF_EOPTION);
}
END_TEST

START_TEST(chunk_size_and_n_splits_are_one_choice)
{
    REFUSED("n_splits", .chunk_size = 1, .n_splits = 1);
    rf_options o = settle(RF_OPTIONS(.n_splits = 7), NULL, RF_OPTIONS(.chunk_size = 10), NULL);
    ck_assert(o.n_splits == 7 && o.chunk_size == 0);
    o = settle(NULL, NULL, RF_OPTIONS(.chunk_size = 10), RF_OPTIONS(.n_splits = 7));
    ck_assert(o.n_splits == 0 && o.chunk_size == 10);
}
END_TEST

START_TEST(numbers_at_their_bounds_are_taken)
{
    settle(RF_OPTIONS(.chunk_size = (uint64_t)1 << 40, .split_size = (uint64_t)1 << 50, .iterable_len = RF_ENDLESS), NULL, NULL, NULL);
    settle(RF_OPTIONS(.max_active = RF_UNLIMITED, .max_bytes = 1, .timeout = 1e-12, .halt_share = 1), NULL, NULL, NULL);
    settle(RF_OPTIONS(.retry.attempts = 1000000, .retry.backoff = 1e-9, .timeout = RF_FOREVER), NULL, NULL, NULL);
    settle(RF_OPTIONS(.workers = 1u << 31, .seed = UINT64_MAX, .retry.max_delay = RF_NONE), NULL, NULL, NULL);
}
END_TEST

START_TEST(what_is_out_of_bounds_is_refused_by_name)
{
    REFUSED("chunk_size is 1099511627777", .chunk_size = ((uint64_t)1 << 40) + 1);
    REFUSED("chunk_size", .chunk_size = RF_UNLIMITED);
    REFUSED("n_splits", .n_splits = (uint64_t)-5);
    REFUSED("split_size", .split_size = RF_UNLIMITED);
    REFUSED("timeout is -2", .timeout = -2);
    REFUSED("timeout", .timeout = NAN);
    REFUSED("timeout", .timeout = -INFINITY);
    REFUSED("retry.attempts is 1000001: it must be a whole number from 1 to 1000000", .retry.attempts = 1000001);
    REFUSED("retry.backoff", .retry.backoff = -0.5);
    REFUSED("retry.max_delay", .retry.max_delay = NAN);
    REFUSED("retry.steady", .retry.steady = (rf_switch)3);
    REFUSED("halt is 4: it must be RF_HALT_NEVER, RF_HALT_SOON or RF_HALT_NOW", .halt = (rf_halt)4);
    REFUSED("halt_share is 1.5", .halt_share = 1.5);
    REFUSED("halt_share", .halt_share = NAN);
    REFUSED("workers", .workers = (1u << 31) + 1);
    REFUSED("rate_limit is -2 per 0: it must be a count more than 0, per RF_SECOND, RF_MINUTE or RF_HOUR, or RF_NONE", .rate_limit.count = -2);
    REFUSED("rate_limit is 5 per 3", .rate_limit = {5, 3});
    REFUSED("rate_limit", .rate_limit = {5, -1});
    REFUSED("rate_limit", .rate_limit.count = NAN);
    REFUSED("rate_limit", .rate_limit.count = INFINITY);
    REFUSED("executor is 3: it must be RF_INLINE or RF_FORK", .executor = (rf_executor)3);
    REFUSED("slots is 257: it must be a whole number from 1 to 256", .slots = 257);
    REFUSED("task_timeout is -2", .task_timeout = -2);
}
END_TEST

START_TEST(an_unknown_struct_size_is_refused_for_call_and_pool_alone)
{
    rf_options unsized = {.seed = 3}, larger = {.struct_size = sizeof larger + 8}, settled;
    expect_refusal(&unsized, "struct_size 0");
    expect_refusal(&larger, "struct_size");
    ck_assert_int_eq(options_settle(NULL, NULL, &unsized, NULL, &settled), RF_EOPTION);
    ck_assert_uint_eq(settled.struct_size, sizeof settled);
    ck_assert_uint_eq(settle(NULL, &unsized, NULL, NULL).seed, 3);
}
END_TEST

START_TEST(an_older_smaller_struct_has_not_said_the_rest)
{
    rf_options given = {.struct_size = offsetof(rf_options, seed), .timeout = 4, .seed = 99};
    rf_options o = settle(&given, NULL, NULL, NULL);
    ck_assert(o.timeout == 4 && o.seed == 1);
}
END_TEST

static int from_environment(const char *variable, const char *text, rf_options *options)
{
    setenv(variable, text, 1);
    int status = options_from_environment(options);
    unsetenv(variable);
    return status;
}

static rf_options said(const char *variable, const char *text)
{
    rf_options options;
    ck_assert_msg(from_environment(variable, text, &options) == RF_OK, "%s=%s", variable, text);
    return options;
}

START_TEST(the_environment_is_read_strictly)
{
    ck_assert_uint_eq(said("RANKFOLD_CHUNK_SIZE", "1000").chunk_size, 1000);
    ck_assert_uint_eq(said("RANKFOLD_SPLIT_SIZE", "4K").split_size, 4096);
    ck_assert_uint_eq(said("RANKFOLD_SPLIT_SIZE", "16m").split_size, 16 << 20);
    ck_assert(said("RANKFOLD_MAX_BYTES", "2G").max_bytes == (uint64_t)2 << 30);
    ck_assert(said("RANKFOLD_MAX_BYTES", "unlimited").max_bytes == RF_UNLIMITED);
    ck_assert(said("RANKFOLD_SEED", "18446744073709551615").seed == UINT64_MAX);
    ck_assert(said("RANKFOLD_TIMEOUT", "1.5").timeout == 1.5);
    ck_assert(said("RANKFOLD_TIMEOUT", "1e-3").timeout == 1e-3);
    ck_assert(said("RANKFOLD_TIMEOUT", "none").timeout == RF_NONE);
    ck_assert(said("RANKFOLD_RETRY_BACKOFF", "0").retry.backoff == RF_NONE);
    ck_assert_uint_eq(said("RANKFOLD_RETRY_ATTEMPTS", "5").retry.attempts, 5);
    ck_assert_int_eq(said("RANKFOLD_RETRY_STEADY", "on").retry.steady, RF_ON);
    ck_assert_str_eq(said("RANKFOLD_RETRY_ON", "net,timeout").retry.on, "net,timeout");
    ck_assert_int_eq(said("RANKFOLD_HALT", "soon").halt, RF_HALT_SOON);
    ck_assert_int_eq(said("RANKFOLD_EXECUTOR", "inline").executor, RF_INLINE);
    ck_assert_int_eq(said("RANKFOLD_EXECUTOR", "fork").executor, RF_FORK);
    ck_assert_uint_eq(said("RANKFOLD_TASK_MEMORY", "64M").task_memory, 64 << 20);
    ck_assert(said("RANKFOLD_LIFESPAN", "unlimited").lifespan == RF_UNLIMITED);
    ck_assert_int_eq(said("RANKFOLD_HALT", "never").halt, RF_HALT_NEVER);
    ck_assert(said("RANKFOLD_HALT_SHARE", "0.25").halt_share == 0.25);
    ck_assert_uint_eq(said("RANKFOLD_CHUNK_SIZE", "").chunk_size, 0);
    ck_assert(said("RANKFOLD_RATE_LIMIT", "10").rate_limit.count == 10 && said("RANKFOLD_RATE_LIMIT", "10").rate_limit.per == RF_SECOND);
    ck_assert(said("RANKFOLD_RATE_LIMIT", "0.5/second").rate_limit.count == 0.5);
    ck_assert(said("RANKFOLD_RATE_LIMIT", "100/minute").rate_limit.per == RF_MINUTE);
    ck_assert(said("RANKFOLD_RATE_LIMIT", "1000/hour").rate_limit.per == RF_HOUR);
    ck_assert(said("RANKFOLD_RATE_LIMIT", "none").rate_limit.count == RF_NONE);
}
END_TEST

static const char *const nonsense[][2] = {
    {"RANKFOLD_CHUNK_SIZE", "0"}, {"RANKFOLD_CHUNK_SIZE", "-1"}, {"RANKFOLD_CHUNK_SIZE", "+1"}, {"RANKFOLD_CHUNK_SIZE", " 1"},
    {"RANKFOLD_CHUNK_SIZE", "1 "}, {"RANKFOLD_CHUNK_SIZE", "1K"}, {"RANKFOLD_CHUNK_SIZE", "0x10"}, {"RANKFOLD_CHUNK_SIZE", "ten"},
    {"RANKFOLD_CHUNK_SIZE", "1.5"}, {"RANKFOLD_CHUNK_SIZE", "unlimited"}, {"RANKFOLD_CHUNK_SIZE", "1099511627777"},
    {"RANKFOLD_SEED", "18446744073709551616"}, {"RANKFOLD_SPLIT_SIZE", "4KB"}, {"RANKFOLD_SPLIT_SIZE", "K"},
    {"RANKFOLD_SPLIT_SIZE", "4T"}, {"RANKFOLD_MAX_BYTES", "18014398509481984K"}, {"RANKFOLD_TIMEOUT", "0"},
    {"RANKFOLD_TIMEOUT", "-1"}, {"RANKFOLD_TIMEOUT", "nan"}, {"RANKFOLD_TIMEOUT", "inf"}, {"RANKFOLD_TIMEOUT", "1e999"},
    {"RANKFOLD_TIMEOUT", "1,5"}, {"RANKFOLD_TIMEOUT", "5s"}, {"RANKFOLD_TIMEOUT", "1e"}, {"RANKFOLD_TIMEOUT", "0x1p3"},
    {"RANKFOLD_RETRY_BACKOFF", "-0.1"}, {"RANKFOLD_RETRY_MAX_DELAY", "0"}, {"RANKFOLD_RETRY_ATTEMPTS", "0"},
    {"RANKFOLD_RETRY_ATTEMPTS", "4294967297"}, {"RANKFOLD_RETRY_STEADY", "yes"}, {"RANKFOLD_HALT", "Soon"},
    {"RANKFOLD_HALT", "later"}, {"RANKFOLD_HALT_SHARE", "1.01"}, {"RANKFOLD_WORKERS", "none"},
    {"RANKFOLD_RATE_LIMIT", "0"}, {"RANKFOLD_RATE_LIMIT", "-1"}, {"RANKFOLD_RATE_LIMIT", "/minute"}, {"RANKFOLD_RATE_LIMIT", "5/day"},
    {"RANKFOLD_RATE_LIMIT", "5/"}, {"RANKFOLD_RATE_LIMIT", "5 / minute"}, {"RANKFOLD_RATE_LIMIT", "none/hour"},
    {"RANKFOLD_RATE_LIMIT", "5/minute/2"}, {"RANKFOLD_RATE_LIMIT", "inf"},
    {"RANKFOLD_EXECUTOR", "thread"}, {"RANKFOLD_SLOTS", "0"}, {"RANKFOLD_TASK_TIMEOUT", "0"},
};

START_TEST(nonsense_in_the_environment_is_named_with_its_bounds)
{
    const char *variable = nonsense[_i][0], *text = nonsense[_i][1];
    rf_options options;
    char expected[128];
    ck_assert_msg(from_environment(variable, text, &options) == RF_EOPTION, "%s=%s was taken", variable, text);
    snprintf(expected, sizeof expected, "%s=%s in the environment: it must be ", variable, text);
    ck_assert_msg(strncmp(rf_last_error()->message, expected, strlen(expected)) == 0, "%s", rf_last_error()->message);
    ck_assert_uint_eq(options.chunk_size, 0);
}
END_TEST

START_TEST(both_ways_to_cut_chunks_in_the_environment_are_refused)
{
    rf_options options;
    setenv("RANKFOLD_CHUNK_SIZE", "5", 1);
    ck_assert_int_eq(from_environment("RANKFOLD_N_SPLITS", "5", &options), RF_EOPTION);
}
END_TEST

START_TEST(what_the_environment_says_settles)
{
    for (const option *row = option_table; row < option_table + option_count; row++) {
        rf_options environment;
        if (!row->environment || !row->fallback)
            continue;
        ck_assert_int_eq(from_environment(row->environment, row->fallback, &environment), RF_OK);
        settle(NULL, NULL, NULL, &environment);
    }
}
END_TEST

START_TEST(every_option_with_a_variable_is_printed)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    ck_assert_int_eq(rf_print_options(memory), RF_OK);
    fclose(memory);
    for (const option *row = option_table; row < option_table + option_count; row++)
        if (row->environment) {
            ck_assert_ptr_nonnull(strstr(text, row->environment));
            ck_assert_ptr_nonnull(strstr(text, row->help));
        }
    free(text);
}
END_TEST

START_TEST(printing_options_to_a_full_device_is_an_error)
{
    FILE *full = fopen("/dev/full", "w");
    if (!full)
        return;
    ck_assert_int_eq(rf_print_options(full), RF_EOUTPUT);
    ck_assert_int_eq(rf_last_error()->status, RF_EOUTPUT);
    fclose(full);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("options");
    TCase *t = tcase_create("options");
    tcase_add_test(t, nothing_said_gives_the_defaults_of_the_library);
    tcase_add_test(t, each_field_comes_from_the_nearest_level_that_says_it);
    tcase_add_test(t, a_progress_callback_never_gets_the_user_pointer_of_a_lower_level);
    tcase_add_test(t, any_field_of_retry_asks_for_three_attempts);
    tcase_add_test(t, a_rate_is_overridden_as_a_whole);
    tcase_add_test(t, a_halt_threshold_alone_halts_soon_and_a_halt_alone_at_the_first_failure);
    tcase_add_test(t, what_only_a_child_can_do_selects_fork);
    tcase_add_test(t, what_only_a_child_can_do_is_refused_where_inline_was_asked_for);
    tcase_add_test(t, chunk_size_and_n_splits_are_one_choice);
    tcase_add_test(t, numbers_at_their_bounds_are_taken);
    tcase_add_test(t, what_is_out_of_bounds_is_refused_by_name);
    tcase_add_test(t, an_unknown_struct_size_is_refused_for_call_and_pool_alone);
    tcase_add_test(t, an_older_smaller_struct_has_not_said_the_rest);
    tcase_add_test(t, the_environment_is_read_strictly);
    tcase_add_loop_test(t, nonsense_in_the_environment_is_named_with_its_bounds, 0, sizeof nonsense / sizeof *nonsense);
    tcase_add_test(t, both_ways_to_cut_chunks_in_the_environment_are_refused);
    tcase_add_test(t, what_the_environment_says_settles);
    tcase_add_test(t, every_option_with_a_variable_is_printed);
    tcase_add_test(t, printing_options_to_a_full_device_is_an_error);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
