/* Rows F11, F14 and F20 of the contract: counters, datasets, figures and the report. */
#include "by_key.h"

/* (n % 10, n) of so many numbers, summed, in order. */
static int summed(rf_pool *pool, int64_t items, rf_order order, rf_dataset **made)
{
    int64_t modulus = 10;
    return rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, items), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = rf_sum, .order = order),
                        NULL, made);
}

static const char tens[] = "[0, 450]\n[1, 460]\n[2, 470]\n[3, 480]\n[4, 490]\n[5, 500]\n[6, 510]\n[7, 520]\n[8, 530]\n[9, 540]\n";

/* ---- F14 ------------------------------------------------------------------------------------------------------------------- */

CASE(F14_pairs_are_collected_as_tuples)
{
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(summed(pool, 100, RF_BY_KEY_GLOBAL, &made), RF_OK);
    CHECK_INT(rf_dataset_len(made), 10);
    CHECK_TEXT(pairs_text(made), tens);
    CHECK_TEXT(pairs_text(made), tens);
}

CASE(F14_no_dataset_is_empty_and_its_use_is_refused)
{
    rf_results *results;
    (void)pool;
    CHECK_INT(rf_dataset_len(NULL), 0);
    CHECK_INT(rf_dataset_counter(NULL, "x"), 0);
    CHECK_INT(rf_dataset_figures(NULL).output, 0);
    CHECK_STATUS(rf_dataset_collect(NULL, &results), RF_EUSAGE);
    CHECK(!results);
    CHECK_STATUS(rf_dataset_report(NULL, stdout), RF_EUSAGE);
    CHECK_STATUS(rf_map(pool, by_rest, rf_dataset_source(NULL), NULL, NULL), RF_EUSAGE);
    rf_dataset_free(NULL);
}

CASE(F14_what_went_into_an_output_is_no_source)
{
    int64_t modulus = 10;
    const char *out = new_output("no-source");
    rf_results *results;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 100), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = rf_sum, .output = out),
                              NULL, &made), RF_OK);
    CHECK_INT(rf_dataset_len(made), 10);
    CHECK_STATUS(rf_map(pool, by_rest, rf_dataset_source(made), NULL, NULL), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, out);
    CHECK_STATUS(rf_dataset_collect(made, &results), RF_EUSAGE);
    CHECK(!results);
}

static int swapped(rf_call *call, rf_value item)
{
    rf_value key, value;
    if (RF_ARGS(call, item, key, value))
        return RF_EARGS;
    return RF_RETURN(call, value, key);
}
RF_REGISTER(swapped);

static int emits_swapped(rf_call *call, rf_value item)
{
    rf_value key, value;
    if (RF_ARGS(call, item, key, value))
        return RF_EARGS;
    return rf_emit_pair(call, value, key);
}
RF_REGISTER(emits_swapped);

static const char swapped_tens[] = "[450, 0]\n[460, 1]\n[470, 2]\n[480, 3]\n[490, 4]\n[500, 5]\n[510, 6]\n[520, 7]\n[530, 8]\n[540, 9]\n";

CASE(F14_a_dataset_is_a_source_for_any_verb)
{
    RF_AUTO(rf_dataset, made);
    RF_AUTO(rf_results, mapped);
    RF_AUTO(rf_results, starred);
    RF_AUTO(rf_results, chained);
    RF_AUTO(rf_iterator, stream);
    RF_AUTO(rf_future, later);
    const rf_results *futures;
    const rf_result *one;
    CHECK_STATUS(summed(pool, 100, RF_BY_KEY_GLOBAL, &made), RF_OK);
    CHECK_STATUS(rf_map(pool, swapped, rf_dataset_source(made), NULL, &mapped), RF_OK);
    CHECK_TEXT(results_text(mapped), swapped_tens);
    CHECK_STATUS(rf_starmap(pool, swapped, rf_dataset_source(made), RF_OPTIONS(.chunk_size = 1), &starred), RF_OK);
    CHECK_TEXT(results_text(starred), swapped_tens);
    CHECK_STATUS(rf_seq_collect(rf_seq_map(rf_seq_of(pool, rf_dataset_source(made)), swapped), NULL, &chained), RF_OK);
    CHECK_TEXT(results_text(chained), swapped_tens);
    CHECK_STATUS(rf_map_async(pool, swapped, rf_dataset_source(made), NULL, &later), RF_OK);
    CHECK_STATUS(rf_future_get(later, RF_FOREVER, &futures), RF_OK);
    CHECK_TEXT(results_text(futures), swapped_tens);
    CHECK_STATUS(rf_imap(pool, swapped, rf_dataset_source(made), RF_OPTIONS(.max_active = 2), &stream), RF_OK);
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(one->index, i);
    }
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

CASE(F14_a_dataset_is_the_input_of_the_next_job_with_a_mapper_and_without)
{
    RF_AUTO(rf_dataset, made);
    RF_AUTO(rf_dataset, again);
    RF_AUTO(rf_dataset, turned);
    CHECK_STATUS(summed(pool, 100, RF_UNORDERED, &made), RF_OK);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_dataset_source(made)}}, .order = RF_BY_KEY_GLOBAL), NULL, &again), RF_OK);
    CHECK_TEXT(pairs_text(again), tens);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_dataset_source(made), .mapper = emits_swapped}}, .order = RF_BY_KEY_GLOBAL),
                              RF_OPTIONS(.chunk_size = 1), &turned), RF_OK);
    CHECK_TEXT(pairs_text(turned), swapped_tens);
}

CASE(F14_two_jobs_read_one_dataset_and_one_job_reads_two)
{
    RF_AUTO(rf_dataset, one);
    RF_AUTO(rf_dataset, other);
    RF_AUTO(rf_dataset, both);
    RF_AUTO(rf_dataset, twice);
    CHECK_STATUS(summed(pool, 20, RF_UNORDERED, &one), RF_OK);
    CHECK_STATUS(summed(pool, 10, RF_BY_KEY, &other), RF_OK);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_dataset_source(one)}, {.source = rf_dataset_source(other)}}, .reducer = listed,
                                           .order = RF_BY_KEY_GLOBAL), NULL, &both), RF_OK);
    CHECK_TEXT(pairs_text(both), "[0, \"0:10 1:0 \"]\n[1, \"0:12 1:1 \"]\n[2, \"0:14 1:2 \"]\n[3, \"0:16 1:3 \"]\n[4, \"0:18 1:4 \"]\n[5, \"0:20 1:5 \"]\n"
                                 "[6, \"0:22 1:6 \"]\n[7, \"0:24 1:7 \"]\n[8, \"0:26 1:8 \"]\n[9, \"0:28 1:9 \"]\n");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_dataset_source(one)}, {.source = rf_dataset_source(one)}}, .reducer = rf_count), NULL, &twice), RF_OK);
    CHECK_INT(rf_dataset_len(twice), 10);
}

CASE(F14_a_dataset_may_be_freed_before_its_source_is_used)
{
    rf_dataset *made;
    RF_AUTO(rf_dataset, again);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(summed(pool, 100, RF_BY_KEY_GLOBAL, &made), RF_OK);
    rf_source *one = rf_dataset_source(made), *other = rf_dataset_source(made), *unused = rf_dataset_source(made);
    rf_dataset_free(made);
    CHECK_STATUS(rf_map(pool, swapped, one, NULL, &results), RF_OK);
    CHECK_TEXT(results_text(results), swapped_tens);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = other}}, .order = RF_BY_KEY_GLOBAL), NULL, &again), RF_OK);
    CHECK_TEXT(pairs_text(again), tens);
    rf_source_free(unused);
}

CASE(F14_an_empty_dataset_is_an_empty_source)
{
    RF_AUTO(rf_dataset, made);
    RF_AUTO(rf_dataset, again);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(summed(pool, 0, RF_BY_KEY_GLOBAL, &made), RF_OK);
    CHECK_INT(rf_dataset_len(made), 0);
    CHECK_STATUS(rf_map(pool, swapped, rf_dataset_source(made), NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 0);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_dataset_source(made)}}, .reducer = rf_sum), NULL, &again), RF_OK);
    CHECK_INT(rf_dataset_len(again), 0);
}

/* (n + 1, twice its value), over and over: values double, and nothing grows. */
static int doubled(rf_call *call, rf_value item)
{
    int64_t key, value;
    if (RF_ARGS(call, item, key, value))
        return RF_EARGS;
    return RF_EMIT(call, (key + 1) % 1000, 2 * value);
}
RF_REGISTER(doubled);

CASE(F14_iterations_keep_their_pairs_with_the_workers)
{
    int64_t modulus = 1000;
    RF_AUTO(rf_results, results);
    rf_dataset *now;
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = by_rest, .state = RF_STATE(modulus)}}), NULL, &now), RF_OK);
    for (int turn = 0; turn < 10; turn++) {
        rf_dataset *next;
        int status = rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_dataset_source(now), .mapper = doubled}}, .reducer = rf_sum,
                                               .order = turn == 9 ? RF_BY_KEY_GLOBAL : RF_UNORDERED), NULL, &next);
        rf_dataset_free(now);
        CHECK_STATUS(status, RF_OK);
        now = next;
    }
    int status = rf_dataset_collect(now, &results);
    rf_dataset_free(now);
    CHECK_STATUS(status, RF_OK);
    CHECK_INT(rf_results_len(results), 1000);
    for (int64_t i = 0; i < 1000; i++) {
        rf_value pair = rf_results_value(results, (uint64_t)i);
        int64_t key, value;
        CHECK_STATUS(RF_READ(pair, key, value), RF_OK);
        CHECK_INT(key, i);
        CHECK_INT(value, (i + 990) % 1000 * 1024);
    }
}

static int large_value(rf_call *call, rf_value item)
{
    static char bytes[20000];
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    memset(bytes, 'a' + (int)(n % 26), sizeof bytes);
    return rf_emit_pair(call, item, rf_bytes(bytes, (size_t)(n * 37 % 20000)));
}
RF_REGISTER(large_value);

static int sizes(rf_call *call, rf_value item)
{
    rf_value key, value;
    if (RF_ARGS(call, item, key, value))
        return RF_EARGS;
    int64_t n = rf_i64(key);
    const char *bytes = value.data;
    for (size_t i = 0; i < rf_size(value); i++)
        if (bytes[i] != 'a' + n % 26)
            return rf_fail(call, "bytes", "byte %zu of %" PRId64, i, n);
    return (int64_t)rf_size(value) == n * 37 % 20000 ? RF_RETURN(call, n) : rf_fail(call, "bytes", "size of %" PRId64, n);
}
RF_REGISTER(sizes);

CASE(F14_a_dataset_of_30_MB_under_a_budget_of_8)
{
    RF_AUTO(rf_dataset, made);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3000), .mapper = large_value}}, .order = RF_BY_KEY_GLOBAL, .memory = 1), NULL, &made), RF_OK);
    for (uint64_t chunk = 0; chunk < 1000; chunk = 10 * chunk + 1) {
        rf_results_free(results);
        CHECK_STATUS(rf_map(pool, sizes, rf_dataset_source(made), RF_OPTIONS(.chunk_size = chunk), &results), RF_OK);
        CHECK_INT(rf_results_len(results), 3000);
        for (uint64_t i = 0; i < 3000; i++)
            CHECK_INT(rf_i64(rf_results_value(results, i)), i);
    }
}

/* ---- F11 ------------------------------------------------------------------------------------------------------------------- */

static int counts(rf_call *call, rf_value item)
{
    int64_t n;
    char name[20];
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    snprintf(name, sizeof name, "rest %d", (int)(n % 3));
    if (rf_call_count(call, name, 1) || rf_call_count(call, "sum", n) || rf_call_count(call, "down", -2) || rf_call_count(call, "zero", 0))
        return RF_EFUNCTION;
    if (n % 50 == 7 && rf_call_attempt(call) < 3)
        return rf_fail(call, "drawn", "not yet");
    return RF_EMIT(call, n % 10, 1);
}
RF_REGISTER(counts);

static int counts_keys(rf_call *call, rf_value key, rf_group *values)
{
    (void)values;
    if (rf_call_count(call, "keys", 1))
        return RF_EFUNCTION;
    return rf_i64(key) == 4 && rf_call_attempt(call) < 3 ? rf_fail(call, "drawn", "not yet") : RF_EMIT(call, key, 1);
}
RF_REGISTER(counts_keys);

CASE(F11_counters_are_added_once_for_each_task_that_counts)
{
    for (uint64_t chunk = 1; chunk < 1000; chunk *= 30) {
        RF_AUTO(rf_dataset, made);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 300), .mapper = counts}, {.source = rf_range(0, 300), .mapper = counts}},
                                               .reducer = counts_keys), RF_OPTIONS(.chunk_size = chunk, .retry = AT_ONCE), &made), RF_OK);
        CHECK_INT(rf_dataset_counter(made, "rest 0"), 200);
        CHECK_INT(rf_dataset_counter(made, "rest 1"), 200);
        CHECK_INT(rf_dataset_counter(made, "rest 2"), 200);
        CHECK_INT(rf_dataset_counter(made, "sum"), 2 * 44850);
        CHECK_INT(rf_dataset_counter(made, "down"), -1200);
        CHECK_INT(rf_dataset_counter(made, "zero"), 0);
        CHECK_INT(rf_dataset_counter(made, "keys"), 10);
        CHECK_INT(rf_dataset_counter(made, "never"), 0);
    }
}

static int counts_too_far(rf_call *call, rf_value item)
{
    (void)item;
    return rf_call_count(call, "far", INT64_MAX);
}
RF_REGISTER(counts_too_far);

static int counts_without_a_name(rf_call *call, rf_value item)
{
    (void)item;
    return rf_call_count(call, "", 1);
}
RF_REGISTER(counts_without_a_name);

static int counts_by_a_long_name(rf_call *call, rf_value item)
{
    char name[257];
    (void)item;
    memset(name, 'n', 255);
    name[255] = '\0';
    if (rf_call_count(call, name, 1))
        return RF_EFUNCTION;
    name[255] = 'n';
    name[256] = '\0';
    return rf_call_count(call, name, 1);
}
RF_REGISTER(counts_by_a_long_name);

CASE(F11_a_counter_that_cannot_be_is_told)
{
    static rf_map_function *const mappers[] = {counts_too_far, counts_without_a_name, counts_by_a_long_name};
    static const char *const says[] = {"64 bits", "1 to 255", "1 to 255"};
    for (size_t i = 0; i < 3; i++) {
        CHECK(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3), .mapper = mappers[i]}}), NULL, NULL) < 0);
        CHECK_HAS(rf_last_error()->message, says[i]);
    }
    CHECK_STATUS(rf_map(pool, counts_too_far, rf_range(0, 1), NULL, NULL), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "rf_call_count");
}

/* ---- F20 ------------------------------------------------------------------------------------------------------------------- */

static int numbered_text(rf_call *call, rf_value item)
{
    int64_t n;
    char text[60];
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, mix(1, (uint64_t)n), mix(2, (uint64_t)n));
    return RF_EMIT(call, text, n);
}
RF_REGISTER(numbered_text);

CASE(F20_figures_say_what_was_done)
{
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 100000), .mapper = numbered_text}}, .reducer = rf_count, .partitions = 7),
                              RF_OPTIONS(.chunk_size = 5000), &made), RF_OK);
    rf_keyed_figures its = rf_dataset_figures(made);
    CHECK_INT(its.map_tasks, 20);
    CHECK_INT(its.reduce_tasks, 7);
    CHECK_INT(its.emitted, 100000);
    CHECK_INT(its.combined, 100000);
    CHECK_INT(its.groups, 100000);
    CHECK_INT(its.output, 100000);
    CHECK_INT(its.failed, 0);
    CHECK(its.intermediate > 3200000 && its.intermediate < 6400000);
    CHECK(its.map_seconds > 0 && its.reduce_seconds > 0);
    if (rf_workers(pool) == 1)
        CHECK_INT(its.exchanged, 0);
    else
        CHECK_(its.exchanged > 0 && its.exchanged < its.intermediate / 2 * 3, "%" PRIu64 " of %" PRIu64, its.exchanged, its.intermediate);
}

CASE(F20_combined_pairs_are_fewer)
{
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(summed(pool, 100000, RF_BY_KEY, &made), RF_OK);
    rf_keyed_figures its = rf_dataset_figures(made);
    CHECK_INT(its.emitted, 100000);
    CHECK_INT(its.groups, 10);
    CHECK_INT(its.combined, 10 * its.map_tasks);
}

CASE(F20_the_report_tells_them_with_the_counters)
{
    char *report;
    size_t size;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 300), .mapper = counts}}, .reducer = rf_sum), RF_OPTIONS(.retry = AT_ONCE, .name = "tens"),
                              &made), RF_OK);
    FILE *to = open_memstream(&report, &size);
    CHECK_STATUS(rf_dataset_report(made, to), RF_OK);
    fclose(to);
    CHECK_HAS(report, "tens");
    CHECK_HAS(report, " 300\n");
    CHECK_HAS(report, "rest 2");
    CHECK_HAS(report, " 44850\n");
    CHECK_HAS(report, " 10\n");
    free(report);
    FILE *full = fopen("/dev/full", "w");
    CHECK(full);
    setvbuf(full, NULL, _IONBF, 0);
    CHECK_STATUS(rf_dataset_report(made, full), RF_EOUTPUT);
    fclose(full);
}

/* ---- after the pool -------------------------------------------------------------------------------------------------------- */

static rf_dataset *left;

CASE(F14_a_dataset_outlives_its_pool_but_its_pairs_do_not)
{
    CHECK_STATUS(summed(pool, 100, RF_BY_KEY_GLOBAL, &left), RF_OK);
    CHECK_STATUS(rf_close(pool), RF_OK);
    CHECK_INT(rf_dataset_len(left), 10);
    CHECK_STATUS(rf_map(pool, swapped, rf_dataset_source(left), NULL, NULL), RF_ECLOSED);
    rf_dataset_free(left);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
