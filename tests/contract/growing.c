/* A16: functions add items to the job that they are part of. On 1, 2, 3 and 5 ranks. */
#include "../verify.h"

#define ADDED (UINT64_C(1) << 63)
#define INDICES_OF_RANGE INT64_C(-1463523985404140986)    /* with the three that each adds, modulo 2^64 */
#define INDICES_OF_LINES INT64_C(7658533309106512314)

/* Number n of a heap of state numbers: adds its two children, and returns itself. */
static int heap(rf_call *call, rf_value item)
{
    uint64_t n;
    const uint64_t *count = RF_CALL_STATE(call, uint64_t);
    if (!count || RF_ARGS(call, item, n))
        return RF_EARGS;
    for (uint64_t child = 2 * n + 1; child <= 2 * n + 2 && child < *count; child++)
        if (rf_call_add(call, RF_V(child)))
            return RF_EUSAGE;
    return RF_RETURN(call, n);
}
RF_REGISTER(heap);

static rf_source *root(void) { return RF_VALUES(UINT64_C(0)); }

static void each_once(const rf_results *results, uint64_t count)
{
    uint8_t *seen = calloc(count, 1);
    CHECK_INT(rf_results_len(results), count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t n = rf_u64(rf_results_value(results, i));
        bool fresh = n < count && !seen[n]++;
        if (!fresh)
            free(seen);
        CHECK(fresh);
    }
    free(seen);
}

CASE(A16_what_functions_add_is_run_and_counts_in_the_results)
{
    static const uint64_t counts[] = {1, 2, 3, 100, 20000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map_unordered(pool, heap, root(), RF_OPTIONS(.state = RF_STATE(counts[i])), &results), RF_OK);
        ALSO(each_once(results, counts[i]));
    }
}

CASE(A16_a_stream_grows_too_and_its_window_holds)
{
    uint64_t count = 500, taken = 0, sum = 0;
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap_unordered(pool, heap, root(), RF_OPTIONS(.state = RF_STATE(count), .max_active = 3, .max_bytes = 100), &stream), RF_OK);
    for (; rf_next(stream, &one) == RF_OK; taken++)
        sum += rf_u64(one->value);
    CHECK_INT(taken, count);
    CHECK_INT(sum, count * (count - 1) / 2);
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

static void remember(uint64_t done, uint64_t total, bool final, void *user)
{
    uint64_t *last = user;
    if (final)
        last[0] = done, last[1] = total;
}

CASE(A16_a_job_whose_results_nobody_wants_grows_too)
{
    uint64_t count = 1000, last[2] = {0};
    CHECK_STATUS(rf_map_unordered(pool, heap, root(), RF_OPTIONS(.state = RF_STATE(count), .on_progress = remember, .user = last), NULL), RF_OK);
    CHECK_INT(last[0], count);
    CHECK_INT(last[1], count);
}

CASE(A16_one_worker_runs_what_was_added_in_the_order_in_which_it_was)
{
    uint64_t count = 300;
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map_unordered(pool, heap, root(), RF_OPTIONS(.state = RF_STATE(count), .workers = 1), &results), RF_OK);
    for (uint64_t i = 0; i < count; i++)
        CHECK_INT(rf_u64(rf_results_value(results, i)), i);
}

/* ---- any source -------------------------------------------------------------------------------------------------- */

/* An item of the source adds three numbers, of which each adds nothing. */
static int three_more(rf_call *call, rf_value item)
{
    (void)item;
    if (!(rf_call_index(call) & ADDED))
        for (int i = 0; i < 3; i++)
            rf_call_add(call, RF_TUPLE("added", i, rf_call_offset(call)));
    return RF_RETURN(call, rf_call_index(call), rf_call_random(call), rf_call_path(call) != NULL);
}
RF_REGISTER(three_more);

static int hundred(rf_call *call, void *state)
{
    int *n = state;
    return *n == 100 ? RF_END : RF_RETURN(call, (*n)++);
}

static char path[256];

static const char *hundred_lines(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/rankfold-growing-%d", folder && *folder ? folder : P_tmpdir, (int)getpid());
    FILE *to = fopen(path, "w");
    for (int i = 0; to && i < 100; i++)
        fprintf(to, "line %d\n", i);
    if (to)
        fclose(to);
    return path;
}

static int numbers[100], produced;

static rf_source *source_of_hundred(int which)
{
    const char *paths[] = {path}, *texts[100];
    rf_value values[100];
    for (int i = 0; i < 100; i++) {
        texts[i] = "text";
        values[i] = RF_V(i);
    }
    produced = 0;
    switch (which) {
    case 0: return rf_range(0, 100);
    case 1: return RF_ARRAY(numbers, 100);
    case 2: return rf_values(values, 100);
    case 3: return rf_strings(texts, 100);
    case 4: return rf_generator(hundred, &produced, NULL);
    default: return rf_lines(paths, 1);
    }
}

static void check_hundred(const rf_results *results, bool from_file)
{
    uint64_t added = 0, of_source = 0;
    CHECK_INT(rf_results_len(results), 400);
    for (uint64_t i = 0; i < 400; i++) {
        rf_result one = rf_results_at(results, i);
        uint64_t index;
        double random;
        bool of_file;
        CHECK_STATUS(RF_READ(one.value, index, random, of_file), RF_OK);
        CHECK(one.ok && one.index == index && one.attempts == 1);
        *(index & ADDED ? &added : &of_source) += 1;
        CHECK(!(index & ADDED) || (!one.path && !one.offset && !of_file));
        CHECK((index & ADDED) || (of_file == from_file && !of_file == !one.path));
    }
    CHECK_INT(added, 300);
    CHECK_INT(of_source, 100);
}

CASE(A16_any_source_grows)
{
    hundred_lines();
    for (int which = 0; which < 6; which++) {
        RF_AUTO(rf_results, results);
        int status = rf_map_unordered(pool, three_more, source_of_hundred(which), RF_OPTIONS(.split_size = 64), &results);
        if (which == 5)
            unlink(path);
        CHECK_STATUS(status, RF_OK);
        ALSO(check_hundred(results, which == 5));
    }
}

static int64_t sum_of_indices(const rf_results *results)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rf_results_len(results); i++)
        sum += rf_results_at(results, i).index;
    return (int64_t)sum;
}

CASE(A16_indices_are_the_same_on_any_number_of_ranks_and_different)
{
    RF_AUTO(rf_results, first);
    RF_AUTO(rf_results, again);
    hundred_lines();
    const char *paths[] = {path, path};         /* equal offsets, and other files */
    CHECK_STATUS(rf_map_unordered(pool, three_more, rf_range(0, 100), NULL, &first), RF_OK);
    int status = rf_map_unordered(pool, three_more, rf_lines(paths, 2), RF_OPTIONS(.split_size = 50), &again);
    unlink(path);
    CHECK_STATUS(status, RF_OK);
    for (uint64_t i = 0; i < rf_results_len(again); i++)
        for (uint64_t k = 0; k < i; k++)
            CHECK(rf_results_at(again, i).index != rf_results_at(again, k).index || !(rf_results_at(again, i).index & ADDED));
    CHECK_INT(sum_of_indices(first), INDICES_OF_RANGE);
    CHECK_INT(sum_of_indices(again), INDICES_OF_LINES);
    RF_AUTO(rf_results, by_one);
    CHECK_STATUS(rf_map_unordered(pool, three_more, rf_range(0, 100), RF_OPTIONS(.chunk_size = 7, .workers = 1), &by_one), RF_OK);
    CHECK_INT(sum_of_indices(by_one), INDICES_OF_RANGE);
}

/* ---- policies ---------------------------------------------------------------------------------------------------- */

/* Adds two and fails until its third attempt; those fail until their second. */
static int add_and_fail(rf_call *call, rf_value item)
{
    int depth;
    if (RF_ARGS(call, item, depth))
        return RF_EARGS;
    for (int i = 0; depth < 2 && i < 2; i++)
        rf_call_add(call, RF_V(depth + 1));
    if (rf_call_attempt(call) < (depth ? 2 : 3))
        return rf_fail(call, "net", "attempt %u", rf_call_attempt(call));
    return RF_RETURN(call, depth);
}
RF_REGISTER(add_and_fail);

CASE(A16_a_failed_attempt_adds_nothing_and_one_that_is_tried_again_adds_once)
{
    RF_AUTO(rf_results, results);
    uint64_t of_depth[3] = {0};
    CHECK_STATUS(rf_map_unordered(pool, add_and_fail, RF_VALUES(0), RF_OPTIONS(.retry = {.attempts = 3, .backoff = RF_NONE}), &results), RF_OK);
    CHECK_INT(rf_results_len(results), 7);
    for (uint64_t i = 0; i < 7; i++) {
        rf_result one = rf_results_at(results, i);
        of_depth[rf_i64(one.value)]++;
        CHECK_INT(one.attempts, rf_i64(one.value) ? 2 : 3);
    }
    CHECK(of_depth[0] == 1 && of_depth[1] == 2 && of_depth[2] == 4);
    rf_results_free(results);
    CHECK_STATUS(rf_map_unordered(pool, add_and_fail, RF_VALUES(0), RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}), &results), RF_EITEMS);
    CHECK_INT(rf_results_len(results), 1);
}

static void refuses(int status, const rf_results *results)
{
    CHECK_STATUS(status, RF_EITEMS);
    rf_result one = rf_results_at(results, 0);
    CHECK_INT(one.error->status, RF_EUSAGE);
    CHECK_HAS(one.error->message, "item 0: heap: rf_call_add");
    CHECK_HAS(one.error->message, "rf_map_unordered or rf_imap_unordered");
}

CASE(A16_in_an_ordered_verb_the_item_fails_and_is_told_which_to_use)
{
    uint64_t count = 10;
    const rf_options *options = RF_OPTIONS(.state = RF_STATE(count));
    RF_AUTO(rf_results, results);
    RF_AUTO(rf_results, applied);
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    int status = rf_map(pool, heap, root(), options, &results);
    ALSO(refuses(status, results));
    status = rf_apply(pool, heap, RF_V(UINT64_C(0)), options, &applied);
    ALSO(refuses(status, applied));
    CHECK_STATUS(rf_imap(pool, heap, root(), options, &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK(!one->ok && one->error->status == RF_EUSAGE);
    CHECK_STATUS(rf_call_add(NULL, rf_nil()), RF_EUSAGE);
}

static int adding_generator(rf_call *call, void *state)
{
    (void)state;
    return rf_call_add(call, rf_nil());
}

CASE(A16_a_generator_cannot_add_to_a_job)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map_unordered(pool, three_more, rf_generator(adding_generator, NULL, NULL), NULL, &results), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "rf_call_add");
}

/* Adds five, of which the first to run fails. */
static int fail_if_added(rf_call *call, rf_value item)
{
    (void)item;
    if (rf_call_index(call) & ADDED)
        return rf_fail(call, "test", "no");
    for (int i = 0; i < 5; i++)
        rf_call_add(call, RF_V(i));
    return RF_OK;
}
RF_REGISTER(fail_if_added);

CASE(A16_a_halted_job_tells_of_what_was_added_and_never_run)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map_unordered(pool, fail_if_added, RF_VALUES(0), RF_OPTIONS(.halt = RF_HALT_NOW, .chunk_size = 1), &results), RF_EHALTED);
    CHECK_INT(rf_results_len(results), 6);
    uint64_t failed = 0, halted = 0;
    for (uint64_t i = 0; rf_results_next_failure(results, &i); i++) {
        rf_result one = rf_results_at(results, i);
        CHECK(one.index & ADDED && one.error->index == one.index);
        CHECK(!one.error->replay);              /* no source gives it again */
        for (uint64_t k = 0; k < i; k++)
            CHECK(rf_results_at(results, k).index != one.index);
        failed++;
        halted += one.error->status == RF_EHALTED;
    }
    CHECK_INT(failed, 5);
    CHECK(halted > 0 || rf_workers(pool) >= 5);
}

static int one_more(rf_call *call, rf_value item)
{
    return rf_call_add(call, item);
}
RF_REGISTER(one_more);

CASE(A16_a_job_that_grows_for_ever_ends_when_it_is_out_of_time_or_given_up)
{
    CHECK_STATUS(rf_map_unordered(pool, one_more, rf_range(0, 10), RF_OPTIONS(.timeout = 0.1), NULL), RF_ETIMEOUT);
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap_unordered(pool, one_more, rf_range(0, 10), NULL, &stream), RF_OK);
    for (int i = 0; i < 1000; i++)
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
}

CASE(A16_added_items_draw_from_the_rate)
{
    uint64_t count = 40;
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map_unordered(pool, heap, root(), RF_OPTIONS(.state = RF_STATE(count), .rate_limit = {200, RF_SECOND}), &results), RF_OK);
    ALSO(each_once(results, count));
}

/* ---- what is added ------------------------------------------------------------------------------------------------- */

/* Takes its size: adds as many bytes twice, and returns their sum where it is bytes. */
static int large(rf_call *call, rf_value item)
{
    if (rf_type_of(item) != RF_BYTES) {
        size_t size = (size_t)rf_i64(item);
        uint8_t *bytes = rf_call_alloc(call, size);
        if (!bytes)
            return RF_ENOMEM;
        memset(bytes, 1, size);
        rf_call_add(call, rf_bytes(bytes, size));
        memset(bytes, 2, size);
        rf_call_add(call, rf_bytes(bytes, size));
        return RF_RETURN(call, 0);
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < rf_size(item); i++)
        sum += ((const uint8_t *)item.data)[i];
    if ((uintptr_t)item.data % 16 || ((const uint8_t *)item.data)[rf_size(item)])
        return rf_fail(call, "test", "it does not lie as items do");
    return RF_RETURN(call, sum);
}
RF_REGISTER(large);

CASE(A16_large_items_can_be_added)
{
    static const int64_t sizes[] = {0, 1, 65535, 65536, 1000000, 10000000};
    int64_t wanted = 0, sum = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        wanted += 3 * sizes[i];
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map_unordered(pool, large, RF_ARRAY(sizes, sizeof sizes / sizeof *sizes), NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 3 * sizeof sizes / sizeof *sizes);
    for (uint64_t i = 0; i < rf_results_len(results); i++)
        sum += rf_i64(rf_results_value(results, i));
    CHECK_INT(sum, wanted);
}

CASE(A16_rf_run_takes_what_is_added_and_drops_it)
{
    uint64_t count = 10;
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_run(heap, RF_V(UINT64_C(0)), RF_OPTIONS(.state = RF_STATE(count)), &results), RF_OK);
    CHECK_INT(rf_results_len(results), 1);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
