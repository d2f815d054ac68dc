/* keyed/merge, group: many runs as one, in (input, position) order; merged down; values streamed; folds and ranges over the merge. */
#include "keyed_model.h"

#include "failing_malloc.h"

enum { RUNS_MOST = 300 };

typedef struct job {
    shape of;
    model all;
    scratch *place;
    sealed_run *runs[RUNS_MOST];
    unsigned inputs[RUNS_MOST];
    uint32_t count;
} job;

/* count runs of at most pairs each, of up to three inputs, in order. */
static void make_job(job *to, uint64_t *random, uint32_t count, uint64_t pairs)
{
    char key_space[200], value_space[100];
    emitter *from;
    to->place = scratch_new(NULL);
    to->count = count;
    ck_assert_int_eq(emit_new(&to->of, to->place, &from), RF_OK);
    for (uint32_t i = 0; i < count; i++) {
        to->inputs[i] = 3 * i / count;
        for (uint64_t left = random_below(random, pairs + 1); left; left--) {
            rf_value key = model_draw_key(&to->all, random, key_space), value = model_draw_value(&to->all, random, value_space);
            ck_assert_int_eq(emit_pair(from, key, value), RF_OK);
            model_add(&to->all, key, value, to->inputs[i]);
        }
        ck_assert_int_eq(emit_keep(from), RF_OK);
        ck_assert_int_eq(emit_seal(from, &to->runs[i]), RF_OK);
    }
    emit_free(from);
    model_sort(&to->all);
}

static void free_job(job *old)
{
    for (uint32_t i = 0; i < old->count; i++)
        run_free(old->runs[i]);
    scratch_free(old->place);
    model_free(&old->all);
}

START_TEST(many_runs_are_read_as_one_and_merged_down)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    for (int round = 0; round < 3; round++) {
        job one = {.of = {.partitions = 1 + (uint32_t)random_below(&random, 3), .memory = (size_t)64 << 20,
                          .fold = random_below(&random, 2) ? FOLD_NONE : (enum fold)(FOLD_SUM + random_below(&random, 5)),
                          .order = {.by_value = random_below(&random, 2)}, .compress = random_below(&random, 2)},
                   .all = {.keys = RF_TEXT, .universe = 2000}};
        one.all.by_value = one.of.order.by_value = one.of.order.by_value && !one.of.fold;
        one.all.values = one.of.fold ? 0 : (int)random_below(&random, 3);
        make_job(&one, &random, 1 + (uint32_t)random_below(&random, 150), 400);
        model_check(&one.all, &one.of, one.runs, one.inputs, one.count);
        uint32_t most = 16 + (uint32_t)random_below(&random, 40), before = one.count;
        ck_assert_int_eq(merge_down(&one.of, one.runs, one.inputs, &one.count, most, one.place), RF_OK);
        ck_assert_uint_le(one.count, most);
        ck_assert(before <= most || one.count > most / 3);
        model_check(&one.all, &one.of, one.runs, one.inputs, one.count);
        free_job(&one);
    }
}
END_TEST

START_TEST(no_runs_and_empty_ones_are_no_records)
{
    job one = {.of = {.partitions = 2, .memory = (size_t)1 << 20}, .all = {.keys = RF_TEXT, .universe = 1}};
    uint64_t random = suite_seed;
    make_job(&one, &random, 5, 0);
    model_check(&one.all, &one.of, one.runs, one.inputs, 5);
    model_check(&one.all, &one.of, one.runs, one.inputs, 0);
    free_job(&one);
}
END_TEST

/* A run of count records of one key each time, without staging any. */
static sealed_run *run_of_one_key(const shape *of, uint64_t count)
{
    run_writer to;
    sealed_run *made;
    buffer bytes = {0};
    ck_assert_int_eq(run_begin(&to, of, NULL, 0), RF_OK);
    record it = {.key = (const uint8_t *)"key", .value = (const uint8_t *)"\2", .key_size = 3, .value_size = 1,
                 .key_type = RF_TEXT, .value_type = RF_I64};
    ck_assert_int_eq(record_put(&it, &bytes), RF_OK);
    for (uint64_t i = 0; i < count; i++)
        ck_assert_int_eq(run_add(&to, &it, bytes.data, bytes.size), RF_OK);
    ck_assert_int_eq(run_end(&to, &made), RF_OK);
    buffer_free(&bytes);
    return made;
}

START_TEST(one_key_streams_its_values)
{
    const shape of = {.partitions = 1};
    const uint64_t many = 3000000;
    sealed_run *runs[2] = {run_of_one_key(&of, many), run_of_one_key(&of, many)};
    merge *all = model_merge(&of.order, runs, NULL, 2, 0);
    rf_group *group;
    rf_value key, value;
    uint64_t count = 0, allocations;
    ck_assert_int_eq(group_new(group_from_merge, all, &group), RF_OK);
    ck_assert_int_eq(group_next_key(group, &key), RF_OK);
    failing_malloc_at(UINT64_MAX);
    while (group_next(group, &value) == RF_OK)
        count += (uint64_t)rf_i64(value);
    allocations = failing_malloc_count();
    failing_malloc_stop();
    ck_assert_uint_eq(count, 2 * many);
    ck_assert_uint_le(allocations, 4);
    ck_assert_int_eq(group_next_key(group, &key), RF_END);
    group_free(group);
    merge_free(all);
    run_free(runs[0]);
    run_free(runs[1]);
}
END_TEST

/* Values that the reducer left are passed over; keys and values are aligned, with a NUL. */
START_TEST(a_reducer_may_leave_values_and_keys)
{
    job one = {.of = {.partitions = 1, .memory = (size_t)1 << 20}, .all = {.keys = RF_TEXT, .universe = 300, .values = 2}};
    uint64_t random = suite_seed;
    make_job(&one, &random, 7, 300);
    merge *all = model_merge(&one.of.order, one.runs, NULL, 7, 0);
    rf_group *group;
    rf_value key, value;
    size_t at = 0;
    ck_assert_int_eq(group_new(group_from_merge, all, &group), RF_OK);
    while (group_next_key(group, &key) == RF_OK) {
        ck_assert(same_value(key, one.all.pairs[at].key, false));
        for (uint64_t take = random_below(&random, 3); take && group_next(group, &value) == RF_OK; take--)
            ck_assert(((uintptr_t)value.data & 15) == 0 && ((const char *)value.data)[rf_size(value)] == '\0');
        ck_assert(((uintptr_t)key.data & 15) == 0 && ((const char *)key.data)[rf_size(key)] == '\0');
        at += model_group(&one.all, at);
    }
    ck_assert_uint_eq(at, one.all.count);
    group_free(group);
    merge_free(all);
    free_job(&one);
}
END_TEST

/* A reducer behind a built-in combiner sees one value of each key, whatever it takes of it. */
START_TEST(under_a_fold_a_key_has_one_value)
{
    for (enum fold fold = FOLD_SUM; fold <= FOLD_FIRST; fold++) {
        bool texts = fold != FOLD_SUM && fold != FOLD_COUNT;
        job one = {.of = {.partitions = 1, .memory = (size_t)1 << 20, .fold = fold},
                   .all = {.keys = RF_TEXT, .universe = 300, .values = texts ? 2 : 0}};
        uint64_t random = suite_seed;
        rf_group *group;
        rf_value key, value;
        size_t at = 0;
        make_job(&one, &random, 7, 300);
        merge *all = model_merge(&one.of.order, one.runs, one.inputs, 7, 0);
        ck_assert_int_eq(group_new(group_from_merge, all, &group), RF_OK);
        group_set_fold(group, fold);
        ck_assert_int_eq(group_next(group, &value), RF_END);
        while (group_next_key(group, &key) == RF_OK) {
            ck_assert(same_value(key, one.all.pairs[at].key, false));
            size_t many = model_group(&one.all, at);
            if (random_below(&random, 3)) {
                ck_assert_int_eq(group_next(group, &value), RF_OK);
                ck_assert(same_value(value, model_fold(one.all.pairs + at, many, fold), false));
                ck_assert(!texts || (((uintptr_t)value.data & 15) == 0 && ((const char *)value.data)[rf_size(value)] == '\0'));
                ck_assert_uint_eq(group_input(group), 0);
                ck_assert_int_eq(group_next(group, &value), RF_END);
                ck_assert_int_eq(group_next(group, &value), RF_END);
            }
            at += many;
        }
        ck_assert_uint_eq(at, one.all.count);
        ck_assert_int_eq(group_next(group, &value), RF_END);
        group_free(group);
        merge_free(all);
        free_job(&one);
    }
}
END_TEST

START_TEST(a_sum_out_of_range_costs_its_key_alone)
{
    const shape of = {.partitions = 1, .memory = (size_t)1 << 20, .fold = FOLD_SUM};
    static const char *const keys[] = {"a", "b", "b", "c"};
    const int64_t values[] = {1, INT64_MAX, INT64_MAX, 3};
    emitter *from;
    sealed_run *made[3];
    rf_group *group;
    rf_value key, value;
    ck_assert_int_eq(emit_new(&of, NULL, &from), RF_OK);
    for (int r = 0; r < 3; r++) {
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(emit_pair(from, rf_of_string(keys[i]), rf_of_i64(values[i])), RF_OK);
        ck_assert_int_eq(emit_keep(from), RF_OK);
        ck_assert_int_eq(emit_seal(from, &made[r]), RF_OK);
    }
    merge *all = model_merge(&of.order, made, NULL, 3, 0);
    ck_assert_int_eq(group_new(group_from_merge, all, &group), RF_OK);
    group_set_fold(group, FOLD_SUM);
    for (int i = 0; i < 4; i += 1 + (i == 1)) {
        ck_assert_int_eq(group_next_key(group, &key), RF_OK);
        ck_assert_str_eq(key.data, keys[i]);
        for (int again = 0; i == 1 && again < 2; again++) {
            ck_assert_int_eq(group_next(group, &value), RF_ERANGE);
            ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "\"b\""));
        }
        if (i != 1) {
            ck_assert_int_eq(group_next(group, &value), RF_OK);
            ck_assert_int_eq(rf_i64(value), 3 * values[i]);
        }
    }
    ck_assert_int_eq(group_next_key(group, &key), RF_END);
    group_free(group);
    merge_free(all);
    emit_free(from);
    for (int r = 0; r < 3; r++)
        run_free(made[r]);
}
END_TEST

START_TEST(collect_gives_all_values_as_a_tuple)
{
    job one = {.of = {.partitions = 1, .memory = (size_t)1 << 20}, .all = {.keys = RF_I64, .universe = 50, .values = 2}};
    uint64_t random = suite_seed;
    make_job(&one, &random, 3, 2000);
    merge *all = model_merge(&one.of.order, one.runs, NULL, 3, 0);
    rf_group *group;
    rf_value key, value, element;
    size_t at = 0;
    ck_assert_int_eq(group_new(group_from_merge, all, &group), RF_OK);
    while (group_next_key(group, &key) == RF_OK) {
        size_t many = model_group(&one.all, at);
        ck_assert_int_eq(group_collect(group, &value), RF_OK);
        ck_assert_uint_eq(rf_elements(value), many);
        for (size_t i = 0; i < many; i++) {
            ck_assert_int_eq(rf_take(&value, &element), RF_OK);
            ck_assert(same_value(element, one.all.pairs[at + i].value, true));
        }
        at += many;
    }
    ck_assert_uint_eq(at, one.all.count);
    group_free(group);
    merge_free(all);
    free_job(&one);
}
END_TEST

static int by_last_byte(rf_value a, rf_value b)
{
    const uint8_t *one = a.data, *other = b.data;
    unsigned last = rf_size(a) ? one[rf_size(a) - 1] : 0, second = rf_size(b) ? other[rf_size(b) - 1] : 0;
    return (int)last - (int)second;
}

static int no_order(rf_value a, rf_value b)
{
    static uint64_t random = 7;
    (void)a, (void)b;
    return (int)random_below(&random, 3) - 1;
}

START_TEST(a_users_order_orders_and_nonsense_is_survived)
{
    for (int nonsense = 0; nonsense < 2; nonsense++) {
        job one = {.of = {.partitions = 1, .memory = (size_t)1 << 20, .order = {.compare = nonsense ? no_order : by_last_byte}},
                   .all = {.keys = RF_TEXT, .universe = 500}};
        uint64_t random = suite_seed;
        const record *it;
        unsigned input, last = 0;
        size_t count = 0;
        make_job(&one, &random, 12, 600);
        merge *all = model_merge(&one.of.order, one.runs, NULL, 12, 0);
        while (merge_next(all, &it, &input) == RF_OK) {
            unsigned byte = it->key_size ? it->key[it->key_size - 1] : 0;
            ck_assert(nonsense || byte >= last);
            last = byte;
            count++;
        }
        ck_assert_uint_eq(count, one.all.count);
        merge_free(all);
        free_job(&one);
    }
}
END_TEST

START_TEST(merging_down_without_memory_loses_no_run)
{
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        job one = {.of = {.partitions = 2, .memory = (size_t)1 << 20, .fold = FOLD_COUNT}, .all = {.keys = RF_TEXT, .universe = 60}};
        uint64_t random = suite_seed;
        make_job(&one, &random, 20, 20);
        failing_malloc_at(n);
        int status = merge_down(&one.of, one.runs, one.inputs, &one.count, 16, one.place);
        failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        model_check(&one.all, &one.of, one.runs, one.inputs, one.count);
        free_job(&one);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("keyed_merge");
    TCase *cases = tcase_create("merge");
    tcase_add_loop_test(cases, many_runs_are_read_as_one_and_merged_down, 0, 6);
    tcase_add_test(cases, no_runs_and_empty_ones_are_no_records);
    tcase_add_test(cases, one_key_streams_its_values);
    tcase_add_test(cases, a_reducer_may_leave_values_and_keys);
    tcase_add_test(cases, under_a_fold_a_key_has_one_value);
    tcase_add_test(cases, a_sum_out_of_range_costs_its_key_alone);
    tcase_add_test(cases, collect_gives_all_values_as_a_tuple);
    tcase_add_test(cases, a_users_order_orders_and_nonsense_is_survived);
    tcase_add_test(cases, merging_down_without_memory_loses_no_run);
    suite_add_tcase(all, cases);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
