/* Rows F15 to F18 of the contract: failures, what a tolerant job goes without, jobs that make no sense, time-outs, and other users of the pool. */
#include "by_key.h"

/* ---- F15 ----------------------------------------------------------------------------------------------------------------- */

typedef struct trouble {
    int64_t modulus;                        /* of keys */
    int64_t every, times;                   /* one item of so many fails in its first attempts, so many times */
} trouble;

/* Emits twice, and fails between the two where it does: nothing of that may be seen. */
static int troubled(rf_call *call, rf_value item)
{
    const trouble *its = RF_CALL_STATE(call, trouble);
    int64_t n;
    if (!its || RF_ARGS(call, item, n) || rf_call_count(call, "items", 1) || RF_EMIT(call, n % its->modulus, n))
        return RF_EARGS;
    if (its->every && mix(9, (uint64_t)n) % (uint64_t)its->every == 0 && rf_call_attempt(call) <= its->times)
        return rf_fail(call, "drawn", "item %" PRId64 ", attempt %u", n, rf_call_attempt(call));
    return RF_EMIT(call, n % its->modulus, -n);
}
RF_REGISTER(troubled);

static int troubled_keys(rf_call *call, rf_value key, rf_group *values)
{
    const trouble *its = RF_CALL_STATE(call, trouble);
    int64_t k = rf_i64(key);
    if (!its || rf_call_count(call, "keys", 1))
        return RF_EARGS;
    if (its->every && mix(8, (uint64_t)k) % 10 == 0 && rf_call_attempt(call) <= its->times)
        return rf_fail(call, "drawn", "key %" PRId64, k);
    return listed(call, key, values);
}
RF_REGISTER(troubled_keys);

static int up_to_2000(rf_call *call, void *state)
{
    int64_t *n = state;
    return *n == 2000 ? RF_END : RF_RETURN(call, (*n)++);
}

static const int64_t chunk_sizes[] = {1, 20, 1000};

CASE(F15_what_fails_in_a_tenth_of_the_attempts_gives_the_same_bytes)
{
    trouble none = {.modulus = 70};
    char *wanted = NULL;
    for (int64_t times = 0; times < 3; times++)
        for (size_t c = 0; c < LENGTH(chunk_sizes); c++)
            for (int generated = 0; generated < 2; generated++) {
                trouble its = {.modulus = 70, .every = 10 * chunk_sizes[c], .times = times};
                int64_t next = 0;
                const char *out = new_output("tried-again");
                RF_AUTO(rf_dataset, made);
                CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = generated ? rf_generator(up_to_2000, &next, NULL) : rf_range(0, 2000),
                                                                   .mapper = troubled, .state = times ? RF_STATE(its) : RF_STATE(none)}},
                                                       .reducer = troubled_keys, .state = times ? RF_STATE(its) : RF_STATE(none),
                                                       .order = RF_BY_KEY_GLOBAL, .output = out),
                                          RF_OPTIONS(.retry = AT_ONCE, .chunk_size = (uint64_t)chunk_sizes[c]), &made), RF_OK);
                char *text = read_text(out);
                wanted = wanted ? wanted : strdup(text);
                CHECK(text && strcmp(text, wanted) == 0);
                CHECK_INT(rf_dataset_counter(made, "items"), 2000);
                CHECK_INT(rf_dataset_counter(made, "keys"), 70);
                CHECK_INT(rf_dataset_figures(made).emitted, 4000);
                CHECK_INT(rf_dataset_figures(made).groups, 70);
            }
    free(wanted);
}

CASE(F15_without_retry_the_first_failure_ends_the_job_and_is_named)
{
    trouble its = {.modulus = 7, .every = 100, .times = 9};
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = troubled, .state = RF_STATE(its)}}, .reducer = rf_sum),
                              RF_OPTIONS(.chunk_size = 10), &made), RF_EITEMS);
    CHECK(!made);
    const rf_error *why = rf_last_error();
    CHECK_TEXT(why->kind, "drawn");
    CHECK_HAS(why->message, "item ");
    CHECK_HAS(why->message, "attempt 1");
    CHECK_(mix(9, why->index) % 100 == 0, "index %" PRIu64 ": %s", why->index, why->message);
    CHECK_TEXT(why->function, "troubled");
}

CASE(F15_attempts_that_are_used_up_end_the_job)
{
    trouble its = {.modulus = 7, .every = 500, .times = 9};
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = troubled, .state = RF_STATE(its)}}, .reducer = rf_sum),
                              RF_OPTIONS(.chunk_size = 10, .retry = AT_ONCE), NULL), RF_EITEMS);
    CHECK_INT(rf_last_error()->attempt, 4);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = by_rest, .state = RF_STATE(its.modulus)}},
                                           .reducer = troubled_keys, .state = RF_STATE(its)), RF_OPTIONS(.retry = AT_ONCE), NULL), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "troubled_keys: key ");
    CHECK_INT(rf_last_error()->attempt, 4);
}

CASE(F15_kinds_that_are_not_to_be_tried_again_end_it_at_once)
{
    trouble its = {.modulus = 7, .every = 500, .times = 1};
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = troubled, .state = RF_STATE(its)}}, .reducer = rf_sum),
                              RF_OPTIONS(.chunk_size = 10, .retry = {.attempts = 4, .backoff = RF_NONE, .on = "net"}), NULL), RF_EITEMS);
    CHECK_INT(rf_last_error()->attempt, 1);
}

/* ---- F15: what mappers may not do ------------------------------------------------------------------------------------------ */

static int returns_a_value(rf_call *call, rf_value item) { return rf_return(call, item); }
RF_REGISTER(returns_a_value);
static int emits_one_value(rf_call *call, rf_value item) { return rf_emit(call, item); }
RF_REGISTER(emits_one_value);
static int emits_a_null_key(rf_call *call, rf_value item)
{
    (void)item;
    return rf_emit_pair(call, rf_text(NULL, 12), rf_nil());
}
RF_REGISTER(emits_a_null_key);
static int emits_a_null_value(rf_call *call, rf_value item)
{
    (void)item;
    return rf_emit_pair(call, rf_of_i64(1), rf_bytes(NULL, 13));
}
RF_REGISTER(emits_a_null_value);

/* Goes on as if nothing were: the failure sticks. */
static int does_not_look(rf_call *call, rf_value item)
{
    (void)item;
    rf_emit_pair(call, rf_text(NULL, 12), rf_nil());
    rf_emit_pair(call, rf_of_i64(1), rf_of_i64(1));
    return RF_OK;
}
RF_REGISTER(does_not_look);

static int adds_an_item(rf_call *call, rf_value item) { return rf_call_add(call, item); }
RF_REGISTER(adds_an_item);

CASE(F15_what_a_mapper_may_not_do_fails_its_item)
{
    static const struct { rf_map_function *mapper; const char *says; } wrong[] = {
        {returns_a_value, "emit pairs"},    {emits_one_value, "emit pairs"}, {emits_a_null_key, "key is NULL with a size of 12"},
        {emits_a_null_value, "value is NULL with a size of 13"}, {does_not_look, "key is NULL"}, {adds_an_item, "rf_call_add"},
    };
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        int status = rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 10), .mapper = wrong[i].mapper}}, .reducer = listed), NULL, NULL);
        CHECK_(status == RF_EITEMS, "%zu is %s", i, rf_status_name(status));
        CHECK_HAS(rf_last_error()->message, wrong[i].says);
    }
}

CASE(F15_without_a_mapper_items_are_pairs)
{
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = RF_VALUES(RF_TUPLE(1, 2), RF_TUPLE(1, 2, 3))}}), NULL, NULL), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "tuples (key, value)");
    CHECK_INT(rf_last_error()->index, 1);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = RF_VALUES(5)}}), NULL, NULL), RF_EITEMS);
}

/* ---- F16 ------------------------------------------------------------------------------------------------------------------- */

CASE(F16_a_tolerant_job_goes_without_what_fails)
{
    trouble its = {.modulus = 3, .every = 50, .times = 99};
    int64_t sums[3] = {0}, gone = 0;
    char wanted[200];
    for (int64_t n = 0; n < 2000; n++)
        if (mix(9, (uint64_t)n) % 50 == 0)
            gone++;
        else
            sums[n % 3] += 2;
    snprintf(wanted, sizeof wanted, "0\t%" PRId64 "\n1\t%" PRId64 "\n2\t%" PRId64 "\n", sums[0], sums[1], sums[2]);
    for (size_t c = 0; c < LENGTH(chunk_sizes); c++)
        for (int retried = 0; retried < 2; retried++) {
            rf_options options = *RF_OPTIONS(.chunk_size = (uint64_t)chunk_sizes[c]);
            if (retried)
                options.retry = (rf_retry)AT_ONCE;
            const char *out = new_output("tolerant");
            RF_AUTO(rf_dataset, made);
            CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = troubled, .state = RF_STATE(its)}}, .reducer = rf_count,
                                                   .order = RF_BY_KEY_GLOBAL, .tolerant = true, .output = out), &options, &made), RF_EITEMS);
            CHECK(made);
            CHECK_HAS(rf_last_error()->message, "item ");
            CHECK_TEXT(read_text(out), wanted);
            CHECK_INT(rf_dataset_figures(made).failed, gone);
            CHECK_INT(rf_dataset_counter(made, "items"), 2000 - gone);
            char *report;
            size_t size;
            FILE *to = open_memstream(&report, &size);
            CHECK_STATUS(rf_dataset_report(made, to), RF_OK);
            fclose(to);
            CHECK_HAS(report, "drawn" + 5);
            CHECK_HAS(report, retried ? "attempt 4" : "attempt 1");
            free(report);
        }
}

CASE(F16_a_tolerant_job_without_failures_is_ok)
{
    trouble its = {.modulus = 3, .every = 50, .times = 2};
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = troubled, .state = RF_STATE(its)}}, .reducer = rf_count,
                                           .tolerant = true), RF_OPTIONS(.chunk_size = 10, .retry = AT_ONCE), &made), RF_OK);
    CHECK_INT(rf_dataset_figures(made).failed, 0);
    CHECK_INT(rf_dataset_counter(made, "items"), 2000);
}

/* The first half of what gzip makes of many lines. */
static const char *write_truncated(rf_pool *pool)
{
    const char *path = place("lines"), *zipped = place("cut.gz");
    char command[1000];
    FILE *to = fopen(path, "w");
    for (unsigned i = 0; to && i < 20000; i++)
        fprintf(to, "%" PRIu64 "\t%u\n", mix(1, i), i);
    if (to)
        fclose(to);
    snprintf(command, sizeof command, "gzip -c %s | head -c 100000 > %s", path, zipped);
    return rf_apply(pool, rf_command, RF_V(command), NULL, NULL) ? "gzip failed" : zipped;
}

CASE(F16_H1_a_truncated_file_costs_itself_alone)
{
    const char *paths[] = {write_text(place("whole-1"), "a\t1\nb\t2\n"), write_truncated(pool), write_text(place("whole-2"), "c\t3\n")};
    const char *out = new_output("truncated");
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_lines(paths, 3), .mapper = rf_key_value}}, .reducer = rf_count, .order = RF_BY_KEY_GLOBAL,
                                           .output = out, .tolerant = true), RF_OPTIONS(.retry = AT_ONCE), &made), RF_EITEMS);
    CHECK(made);
    CHECK_INT(rf_dataset_figures(made).failed, 1);
    CHECK_HAS(rf_last_error()->message, "cut.gz");
    CHECK_HAS(read_text(out), "\na\t1\nb\t1\nc\t1\n");
    unlink(out);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_lines(paths, 3), .mapper = rf_key_value}}, .reducer = rf_count, .output = out),
                              RF_OPTIONS(.retry = AT_ONCE), NULL), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "cut.gz");
    CHECK_TEXT(names_in(place("truncated")), "");
}

/* ---- F17 ------------------------------------------------------------------------------------------------------------------- */

static void refused(rf_pool *pool, const rf_job *job, const rf_options *options, int status, const char *why)
{
    rf_dataset *made = (rf_dataset *)(void *)&made;
    CHECK_STATUS(rf_mapreduce(pool, job, options, &made), status);
    CHECK(!made);
    CHECK_HAS(rf_last_error()->message, why);
}

#define REFUSED(status, why, options, ...)                                                                             \
    ALSO(refused(pool, RF_JOB(.inputs = {{.source = rf_range(0, 10), .mapper = troubled}}, __VA_ARGS__), options, status, why))

static uint32_t nowhere(rf_value key, uint32_t partitions) { return (uint32_t)rf_i64(key) % partitions; }
RF_REGISTER(nowhere);

CASE(F17_a_job_that_makes_no_sense_is_refused_by_name)
{
    ALSO(refused(pool, NULL, NULL, RF_EUSAGE, "job is NULL"));
    ALSO(refused(pool, RF_JOB(.reducer = rf_sum), NULL, RF_EUSAGE, "no input"));
    REFUSED(RF_EOPTION, "partitioner", NULL, .partitioner = nowhere, .order = RF_BY_KEY_GLOBAL);
    REFUSED(RF_EOPTION, "partitions", NULL, .partitions = 65537);
    REFUSED(RF_EOPTION, "order", NULL, .order = (rf_order)7);
    REFUSED(RF_EOPTION, "values", NULL, .values = (rf_value_order)2);
    REFUSED(RF_EOPTION, "format", NULL, .format = (rf_format)3);
    REFUSED(RF_EOPTION, "RF_BY_VALUE", NULL, .values = RF_BY_VALUE, .reducer = rf_sum);
    REFUSED(RF_EOPTION, "RF_BY_VALUE", NULL, .values = RF_BY_VALUE, .combiner = rf_sum, .reducer = listed);
    REFUSED(RF_EUSAGE, "combiner", NULL, .combiner = rf_min, .reducer = rf_max);
    REFUSED(RF_EUSAGE, "rf_collect", NULL, .combiner = rf_collect, .reducer = listed);
}

CASE(F17_a_job_of_another_library_is_refused)
{
    rf_job job = *RF_JOB(.reducer = rf_sum);
    job.struct_size = 0;
    ALSO(refused(pool, &job, NULL, RF_EOPTION, "struct_size"));
    job.struct_size = sizeof job + 8;
    ALSO(refused(pool, &job, NULL, RF_EOPTION, "struct_size"));
}

CASE(F17_an_input_behind_a_gap_is_not_passed_over)
{
    int64_t n = 0;
    rf_job job = *RF_JOB(.reducer = listed);
    job.inputs[0] = (rf_input){.source = rf_generator(up_to_2000, &n, NULL), .mapper = troubled};
    job.inputs[2] = (rf_input){.source = rf_range(3, 6), .mapper = troubled};
    ALSO(refused(pool, &job, NULL, RF_EUSAGE, "inputs[2] has a source, inputs[1] has none"));
    job.inputs[0].source = NULL;
    job.inputs[2].source = rf_range(0, 3);
    ALSO(refused(pool, &job, NULL, RF_EUSAGE, "inputs[0] has none"));
    CHECK_INT(n, 0);
}

CASE(F17_options_that_make_no_sense_are_refused_by_name)
{
    REFUSED(RF_EOPTION, "slots", RF_OPTIONS(.executor = RF_INLINE, .slots = 3), .reducer = rf_sum);
    REFUSED(RF_EOPTION, "task_timeout", RF_OPTIONS(.executor = RF_INLINE, .task_timeout = 3), .reducer = rf_sum);
    REFUSED(RF_EOPTION, "task_memory", RF_OPTIONS(.executor = RF_INLINE, .task_memory = 1 << 30), .reducer = rf_sum);
    REFUSED(RF_EOPTION, "lifespan", RF_OPTIONS(.executor = RF_INLINE, .lifespan = 3), .reducer = rf_sum);
    REFUSED(RF_EOPTION, "n_splits", RF_OPTIONS(.chunk_size = 3, .n_splits = 3), .reducer = rf_sum);
    REFUSED(RF_EOPTION, "chunk_size", RF_OPTIONS(.chunk_size = UINT64_MAX), .reducer = rf_sum);
    REFUSED(RF_EOPTION, "timeout", RF_OPTIONS(.timeout = -7), .reducer = rf_sum);
    REFUSED(RF_EOPTION, "halt_share", RF_OPTIONS(.halt_share = 7), .reducer = rf_sum);
    REFUSED(RF_EOPTION, "attempts", RF_OPTIONS(.retry = {.attempts = 2000000}), .reducer = rf_sum);
}

static int stranger(rf_call *call, rf_value item) { return RF_EMIT(call, 1, item); }
static int strange_reducer(rf_call *call, rf_value key, rf_group *values) { (void)values; return RF_EMIT(call, key, 1); }
static int strange_order(rf_value a, rf_value b) { return (a.i64 > b.i64) - (a.i64 < b.i64); }
static uint32_t strange_place(rf_value key, uint32_t partitions) { (void)key, (void)partitions; return 0; }

CASE(F17_functions_that_are_not_registered_are_named_with_the_line_to_add)
{
    ALSO(refused(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3), .mapper = stranger}}), NULL, RF_EUNREGISTERED, "RF_REGISTER(stranger)"));
    ALSO(refused(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3), .mapper = troubled}, {.source = rf_range(0, 3), .mapper = stranger}}), NULL, RF_EUNREGISTERED,
                 "RF_REGISTER(stranger)"));
    REFUSED(RF_EUNREGISTERED, "RF_REGISTER(strange_reducer)", NULL, .reducer = strange_reducer);
    REFUSED(RF_EUNREGISTERED, "RF_REGISTER(strange_reducer)", NULL, .reducer = rf_collect, .combiner = strange_reducer);
    REFUSED(RF_EUNREGISTERED, "RF_REGISTER(strange_order)", NULL, .compare = strange_order);
    REFUSED(RF_EUNREGISTERED, "RF_REGISTER(strange_place)", NULL, .partitioner = strange_place);
}

CASE(F17_without_a_pool_it_is_refused)
{
    (void)pool;
    ALSO(refused(NULL, RF_JOB(.inputs = {{.source = rf_range(0, 10), .mapper = troubled}}), NULL, RF_EUSAGE, "pool"));
}

static unsigned released;
static void count_release(void *state) { (void)state; released++; }

CASE(F17_what_is_refused_has_consumed_its_sources)
{
    int64_t n = 0;
    released = 0;
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_generator(up_to_2000, &n, count_release), .mapper = troubled},
                                                      {.source = rf_generator(up_to_2000, &n, count_release), .mapper = stranger}}), NULL, NULL), RF_EUNREGISTERED);
    CHECK_INT(released, 2);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_generator(up_to_2000, &n, count_release), .mapper = troubled}}, .partitions = 65537), NULL, NULL),
                 RF_EOPTION);
    CHECK_INT(released, 3);
    CHECK_INT(n, 0);
}

CASE(F17_what_went_wrong_with_a_source_is_told)
{
    const char *nowhere_to_be_found[] = {"/nowhere/to/be/found"};
    ALSO(refused(pool, RF_JOB(.inputs = {{.source = rf_lines(nowhere_to_be_found, 1), .mapper = rf_key_value}}, .reducer = rf_sum), NULL, RF_EINPUT, "/nowhere/to/be/found"));
    ALSO(refused(pool, RF_JOB(.inputs = {{.source = rf_range_by(0, 5, 0), .mapper = troubled}}, .reducer = rf_sum), NULL, RF_EUSAGE, "step"));
}

static int torn(rf_call *call, void *state)
{
    int64_t *n = state;
    return *n == 100 ? rf_fail(call, "tape", "torn") : RF_RETURN(call, (*n)++);
}

CASE(F17_a_generator_that_fails_ends_the_job_with_what_it_says)
{
    int64_t n = 0;
    trouble its = {.modulus = 3};
    const char *out = new_output("torn");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_generator(torn, &n, NULL), .mapper = troubled, .state = RF_STATE(its)}}, .reducer = rf_sum,
                                           .output = out), NULL, NULL), RF_EFUNCTION);
    CHECK_HAS(rf_last_error()->message, "torn");
    CHECK_TEXT(names_in(place("torn")), "");
}

/* ---- F18 ------------------------------------------------------------------------------------------------------------------- */

static int until_nobody_wants_it(rf_call *call, rf_value item)
{
    (void)item;
    while (!rf_call_cancelled(call))
        ;
    return RF_OK;
}
RF_REGISTER(until_nobody_wants_it);

static int until_the_key_is_not_wanted(rf_call *call, rf_value key, rf_group *values)
{
    (void)values;
    while (!rf_call_cancelled(call))
        ;
    return RF_EMIT(call, key, 1);
}
RF_REGISTER(until_the_key_is_not_wanted);

static void works_still(rf_pool *pool)
{
    int64_t modulus = 2;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 10), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = rf_sum,
                                           .order = RF_BY_KEY_GLOBAL), NULL, &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[0, 20]\n[1, 25]\n");
}

CASE(F18_a_job_that_is_out_of_time_leaves_no_output_and_a_pool_that_works)
{
    int64_t modulus = 3;
    for (int late = 0; late < 2; late++) {
        const char *out = new_output("late");
        RF_AUTO(rf_dataset, made);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 20), .mapper = late ? by_rest : until_nobody_wants_it, .state = RF_STATE(modulus)}},
                                               .reducer = until_the_key_is_not_wanted, .output = out), RF_OPTIONS(.timeout = 0.3), &made), RF_ETIMEOUT);
        CHECK(!made);
        CHECK_TEXT(names_in(place("late")), "");
        ALSO(works_still(pool));
    }
}

CASE(F18_jobs_follow_each_other_after_any_end)
{
    trouble its = {.modulus = 7, .every = 100, .times = 9};
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = troubled, .state = RF_STATE(its)}}, .reducer = rf_sum),
                                  RF_OPTIONS(.chunk_size = 10), NULL), RF_EITEMS);
        ALSO(works_still(pool));
    }
}

static int itself(rf_call *call, rf_value item) { return rf_return(call, item); }
RF_REGISTER(itself);

CASE(F18_iterators_and_futures_go_on_beside_it)
{
    RF_AUTO(rf_iterator, stream);
    RF_AUTO(rf_future, later);
    const rf_result *one;
    const rf_results *results;
    CHECK_STATUS(rf_imap(pool, itself, rf_range(0, 3000), RF_OPTIONS(.max_active = 50), &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_STATUS(rf_map_async(pool, itself, rf_range(0, 3000), NULL, &later), RF_OK);
    for (int64_t i = 1; i < 3000; i++) {
        if (i % 500 == 0)
            ALSO(works_still(pool));
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i);
    }
    CHECK_STATUS(rf_next(stream, &one), RF_END);
    CHECK_STATUS(rf_future_get(later, RF_FOREVER, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 3000);
}

static struct { rf_pool *pool; int status; uint64_t pairs; } called;

static void reduces_when_called(rf_future *future, void *user)
{
    int64_t modulus = 5;
    RF_AUTO(rf_dataset, made);
    (void)future, (void)user;
    called.status = rf_mapreduce(called.pool, RF_JOB(.inputs = {{.source = rf_range(0, 100), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = rf_sum),
                                 NULL, &made);
    called.pairs = rf_dataset_len(made);
}

CASE(F18_a_callback_of_a_future_may_run_one)
{
    RF_AUTO(rf_future, later);
    called.pool = pool;
    called.status = RF_AGAIN;
    CHECK_STATUS(rf_apply_async(pool, itself, rf_of_i64(1), RF_OPTIONS(.callback = reduces_when_called), &later), RF_OK);
    while (called.status == RF_AGAIN)
        rf_poll(pool, 0.01);
    CHECK_STATUS(called.status, RF_OK);
    CHECK_INT(called.pairs, 5);
}

static rf_pool *the_pool;               /* a function of rank 0 alone can see it */

static int reduces_inside(rf_call *call, rf_value item)
{
    (void)item;
    rf_dataset *made;
    int status = rf_mapreduce(the_pool, RF_JOB(.inputs = {{.source = rf_range(0, 100), .mapper = itself}}), NULL, &made);
    return status == RF_EUSAGE && !made ? RF_EMIT(call, 1, 1) : RF_EMIT(call, 1, 1000);
}
RF_REGISTER(reduces_inside);

CASE(F18_inside_a_function_it_is_refused)
{
    RF_AUTO(rf_dataset, made);
    the_pool = pool;
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 20), .mapper = reduces_inside}}, .reducer = rf_sum), NULL, &made), RF_OK);
    the_pool = NULL;
    CHECK_TEXT(pairs_text(made), "[1, 20]\n");
}

static struct { uint64_t calls, finals, done, total; bool wrong; int inside; } progress;

static void watch(uint64_t done, uint64_t total, bool final, void *user)
{
    progress.wrong |= done < progress.done || progress.finals || done > total;
    progress.done = done;
    progress.total = total;
    progress.calls++;
    progress.finals += final;
    progress.inside = rf_mapreduce(user, RF_JOB(.inputs = {{.source = rf_range(0, 1), .mapper = itself}}), NULL, NULL);
}

CASE(F18_progress_counts_tasks_and_is_final_once)
{
    int64_t modulus = 5;
    memset(&progress, 0, sizeof progress);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = by_rest, .state = RF_STATE(modulus)},
                                                      {.source = rf_range(0, 500), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = rf_sum, .partitions = 4),
                              RF_OPTIONS(.chunk_size = 100, .on_progress = watch, .user = pool), NULL), RF_OK);
    CHECK_INT(progress.finals, 1);
    CHECK(!progress.wrong);
    CHECK_INT(progress.done, 19);
    CHECK_INT(progress.total, 19);
    CHECK_INT(progress.inside, RF_EBUSY);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
