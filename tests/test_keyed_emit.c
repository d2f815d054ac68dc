/* keyed/emit and what stands behind it (combine, rows, sort, seal): tasks of random pairs against the model. */
#include "keyed_model.h"

#include <unistd.h>

#include "failing_malloc.h"
#include "keyed/combine.h"

enum { RUNS_MOST = 40 };

static uint32_t by_size(rf_value key, uint32_t partitions)
{
    return (uint32_t)(rf_type_of(key) < RF_TEXT ? key.u64 % 5 : rf_size(key)) % partitions;
}

static rf_type draw_type(uint64_t *random)
{
    static const rf_type types[] = {RF_TEXT, RF_TEXT, RF_BYTES, RF_I64, RF_F64};
    return types[random_below(random, 5)];
}

static shape draw_shape(uint64_t *random)
{
    static const size_t memories[] = {(size_t)64 << 20, (size_t)64 << 20, 20000, 300000};
    return (shape){.partitions = 1 + (uint32_t)random_below(random, 5),
                   .partitioner = random_below(random, 4) ? NULL : by_size,
                   .fold = random_below(random, 2) ? FOLD_NONE : (enum fold)(FOLD_SUM + random_below(random, 5)),
                   .compress = random_below(random, 4) == 0,
                   .sample = random_below(random, 2) ? 16 : 0,
                   .memory = memories[random_below(random, 4)]};
}

/* One task: items of pairs, some of which fail, into to and the model. */
static void run_items(emitter *to, model *wanted, uint64_t *random, unsigned input)
{
    char key_space[200], value_space[100];
    for (uint64_t items = 1 + random_below(random, 12); items; items--) {
        bool fails = random_below(random, 4) == 0;
        size_t before = wanted->count;
        uint64_t pairs = random_below(random, 10) ? random_below(random, 300) : random_below(random, 30000);
        for (; pairs; pairs--) {
            rf_value key = model_draw_key(wanted, random, key_space), value = model_draw_value(wanted, random, value_space);
            ck_assert_int_eq(emit_pair(to, key, value), RF_OK);
            model_add(wanted, key, value, input);
        }
        if (fails)
            wanted->count = before;
        ck_assert_int_eq(fails ? emit_drop(to) : emit_keep(to), RF_OK);
    }
}

START_TEST(tasks_give_what_was_emitted)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    for (int round = 0; round < 6; round++) {
        shape of = draw_shape(&random);
        model wanted = {.keys = draw_type(&random), .universe = random_below(&random, 2) ? 40 : 20000};
        wanted.values = of.fold == FOLD_SUM || (of.fold && random_below(&random, 2)) ? 0 : (int)random_below(&random, 3);
        of.order.by_value = wanted.by_value = !of.fold && random_below(&random, 3) == 0;
        sealed_run *runs[RUNS_MOST];
        unsigned inputs[RUNS_MOST];
        uint32_t count = 1 + (uint32_t)random_below(&random, 5);
        scratch *place = scratch_new(NULL);
        emitter *to;
        ck_assert_int_eq(emit_new(&of, place, &to), RF_OK);
        for (uint32_t i = 0; i < count; i++) {
            size_t before = wanted.count;
            inputs[i] = i / 2;
            if (random_below(&random, 5) == 0) {        /* an attempt that fails as a whole */
                run_items(to, &wanted, &random, i / 2);
                emit_reset(to);
                wanted.count = before;
            }
            run_items(to, &wanted, &random, i / 2);
            ck_assert_uint_eq(emit_count(to), wanted.count - before);
            ck_assert_int_eq(emit_seal(to, &runs[i]), RF_OK);
        }
        model_sort(&wanted);
        model_check(&wanted, &of, runs, inputs, count);
        for (uint32_t i = 0; i < count; i++)
            run_free(runs[i]);
        emit_free(to);
        scratch_free(place);
        model_free(&wanted);
    }
}
END_TEST

START_TEST(a_giant_pair_is_as_good_as_any)
{
    const shape of = {.partitions = 3, .memory = (size_t)1 << 20};
    model wanted = {.keys = RF_TEXT, .universe = 10};
    scratch *place = scratch_new(NULL);
    emitter *to;
    sealed_run *made;
    size_t size = (size_t)5 << 20;
    char *giant = malloc(size);
    memset(giant, 'g', size);
    ck_assert_int_eq(emit_new(&of, place, &to), RF_OK);
    for (int i = 0; i < 4; i++) {
        rf_value keys[] = {rf_of_string("small"), rf_text(giant, size - (size_t)i / 2), rf_of_string("")};
        for (int j = 0; j < 3; j++) {
            rf_value value = j == 2 ? rf_text(giant, size / 3) : rf_of_i64(i);
            ck_assert_int_eq(emit_pair(to, keys[j], value), RF_OK);
            model_add(&wanted, keys[j], value, 0);
        }
        ck_assert_int_eq(emit_keep(to), RF_OK);
    }
    ck_assert_int_eq(emit_seal(to, &made), RF_OK);
    model_sort(&wanted);
    model_check(&wanted, &of, &made, NULL, 1);
    run_free(made);
    emit_free(to);
    scratch_free(place);
    model_free(&wanted);
    free(giant);
}
END_TEST

/* Different keys: the table gives up; then the same again and again. Either way the counts are right. */
START_TEST(the_switch_to_rows_does_not_show)
{
    const shape of = {.partitions = 2, .fold = FOLD_COUNT, .memory = (size_t)64 << 20};
    combiner all, again;
    uint64_t random = suite_seed;
    buffer bytes = {0};
    ck_assert_int_eq(combine_init(&all, &of), RF_OK);
    ck_assert_int_eq(combine_init(&again, &of), RF_OK);
    for (uint64_t i = 0; i < 3 * COMBINE_WINDOW; i++) {
        uint64_t words[2] = {i, 0};
        record it = {.key = (const uint8_t *)words, .value = (const uint8_t *)"\2", .key_size = 8, .value_size = 1,
                     .key_type = RF_BYTES, .value_type = RF_I64};
        ck_assert_int_eq(record_put(&it, &bytes), RF_OK);
        words[0] = random_below(&random, 100);
        if (i > COMBINE_WINDOW)
            ck_assert_int_eq(record_put(&it, &bytes), RF_OK);
    }
    ck_assert_int_eq(buffer_reserve(&bytes, RECORD_SLACK), RF_OK);
    ck_assert_int_eq(combine_take(&all, bytes.data, bytes.data + bytes.size), RF_OK);
    ck_assert(!all.folds);
    ck_assert_uint_gt(all.rows.records, 3 * COMBINE_WINDOW);
    ck_assert_uint_eq(all.used, 0);
    ck_assert_int_eq(combine_absorb(&again, &all), RF_OK);
    ck_assert(combine_empty(&all) && all.folds && !again.folds);
    combine_free(&all);
    combine_free(&again);
    buffer_free(&bytes);
}
END_TEST

static void put_number(buffer *to, uint64_t number, bool is_long)
{
    char key[80];
    int size = snprintf(key, sizeof key, is_long ? "a key that is longer than a slot %" PRIu64 : "%" PRIx64, number);
    record it = {.key = (const uint8_t *)key, .value = (const uint8_t *)"\2", .key_size = (uint32_t)size, .value_size = 1,
                 .key_type = RF_TEXT, .value_type = RF_I64};
    ck_assert_int_eq(record_put(&it, to), RF_OK);
}

/* Each key comes twice, and when all are there twice more: a key that growing had put out of its way would be found to be new. */
START_TEST(a_table_that_grows_finds_every_key_again)
{
    const shape of = {.partitions = 1, .fold = FOLD_SUM, .memory = (size_t)1 << 30};
    uint64_t random = suite_seed + (uint64_t)_i, base = random_next(&random) >> 8, keys = 1 + random_below(&random, 100000);
    uint64_t sum = 0, records = 0;
    combiner all;
    buffer bytes = {0};
    ck_assert_int_eq(combine_init(&all, &of), RF_OK);
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t i = 0; i < 2 * keys; i++)
            put_number(&bytes, base + i / 2, i / 2 % 7 == 0);
    ck_assert_int_eq(buffer_reserve(&bytes, RECORD_SLACK), RF_OK);
    ck_assert_int_eq(combine_take(&all, bytes.data, bytes.data + bytes.size), RF_OK);
    ck_assert(all.folds);
    ck_assert_uint_eq(all.used, keys);
    ck_assert_int_eq(combine_to_rows(&all), RF_OK);
    ck_assert_uint_eq(rows_count(&all.rows, 0), keys);
    for (; records < keys; records++) {
        record it = record_at(rows_entries(&all.rows, 0)[records].at);
        sum += (uint64_t)rf_i64(record_value(&it));
    }
    ck_assert_uint_eq(sum, 4 * keys);
    combine_free(&all);
    buffer_free(&bytes);
}
END_TEST

static int last_of_two(void *context, struct emitter *into, rf_value key, rf_group *values)
{
    rf_value value, sum = rf_of_i64(0);
    int *calls = context;
    ++*calls;
    while (group_next(values, &value) == RF_OK)
        sum.i64 += rf_i64(value);
    return emit_combined(into, key, sum);
}

static int other_key(void *context, struct emitter *into, rf_value key, rf_group *values)
{
    (void)context, (void)key, (void)values;
    return emit_combined(into, rf_of_string("another"), rf_of_i64(1));
}

START_TEST(a_users_combiner_sees_groups)
{
    int calls = 0;
    shape of = {.partitions = 2, .combine = last_of_two, .combine_context = &calls, .memory = 100000};
    model wanted = {.keys = RF_TEXT, .universe = 50};
    uint64_t random = suite_seed;
    char space[200];
    scratch *place = scratch_new(NULL);
    emitter *to;
    sealed_run *made;
    ck_assert_int_eq(emit_new(&of, place, &to), RF_OK);
    for (int i = 0; i < 20000; i++) {
        rf_value key = model_draw_key(&wanted, &random, space), value = rf_of_i64((int64_t)random_below(&random, 10));
        ck_assert_int_eq(emit_pair(to, key, value), RF_OK);
        model_add(&wanted, key, value, 0);
    }
    ck_assert_int_eq(emit_keep(to), RF_OK);
    ck_assert_int_eq(emit_seal(to, &made), RF_OK);
    ck_assert_int_gt(calls, 0);
    ck_assert_uint_lt(made->records, 10000);
    shape summed = of;
    summed.fold = FOLD_SUM;
    model_sort(&wanted);
    model_check(&wanted, &summed, &made, NULL, 1);
    run_free(made);
    ck_assert_int_eq(emit_combined(to, rf_of_string("a"), rf_nil()), RF_EUSAGE);
    of.combine = other_key;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(emit_pair(to, rf_of_string("key"), rf_of_i64(1)), RF_OK);
    ck_assert_int_eq(emit_keep(to), RF_OK);
    ck_assert_int_eq(emit_seal(to, &made), RF_EUSAGE);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "\"another\""));
    ck_assert_ptr_null(made);
    emit_free(to);
    scratch_free(place);
    model_free(&wanted);
}
END_TEST

static uint32_t beyond(rf_value key, uint32_t partitions)
{
    return rf_size(key) > 3 ? partitions : 0;
}

START_TEST(what_cannot_be_emitted_is_refused_and_costs_nothing_else)
{
    const shape of = {.partitions = 3, .partitioner = beyond, .fold = FOLD_SUM, .memory = (size_t)1 << 20};
    emitter *to;
    sealed_run *made;
    ck_assert_int_eq(emit_new(&of, NULL, &to), RF_OK);
    ck_assert_int_eq(emit_pair(to, rf_of_string("abc"), rf_of_i64(1)), RF_OK);
    ck_assert_int_eq(emit_keep(to), RF_OK);
    ck_assert_int_eq(emit_pair(to, rf_of_string("abcd"), rf_of_i64(1)), RF_EFUNCTION);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "the partitioner gave 3 for key \"abcd\": partitions are 0 to 2"));
    ck_assert_int_eq(emit_pair(to, rf_of_string("abc"), rf_of_string("no number")), RF_EARGS);
    ck_assert_int_eq(emit_pair(to, rf_text(NULL, 2), rf_of_i64(1)), RF_EUSAGE);
    ck_assert_int_eq(emit_drop(to), RF_OK);
    ck_assert_int_eq(emit_seal(to, &made), RF_OK);
    ck_assert_uint_eq(made->records, 1);
    run_free(made);
    emit_free(to);
}
END_TEST

/* Each allocation fails in turn: the task fails, and the emitter serves the next one. */
START_TEST(a_task_without_memory_fails_alone)
{
    const shape shapes[] = {{.partitions = 2, .memory = 40000}, {.partitions = 2, .fold = FOLD_MAX, .memory = 40000},
                            {.partitions = 1, .memory = (size_t)1 << 20, .compress = true, .sample = 8}};
    for (int s = 0; s < 3; s++) {
        FAILING_EACH_IN_TURN(n) {
            emitter *to = NULL;
            sealed_run *made = NULL;
            scratch *place = scratch_new("/tmp");
            char key[100];
            int status = place ? emit_new(&shapes[s], place, &to) : RF_ENOMEM;
            for (int i = 0; i < 1500 && !status; i++) {
                snprintf(key, sizeof key, "a key that is longer than the slot %d", i % 700);
                status = emit_pair(to, rf_of_string(key), rf_of_string("a value that is kept"));
                if (!status && i % 500 == 499)
                    status = emit_keep(to);
            }
            status = status ? status : emit_seal(to, &made);
            bool failed = failing_malloc_stop();
            ck_assert_msg(failed ? status == RF_ENOMEM : status == RF_OK, "allocation %d: %d", (int)n, status);
            ck_assert(status || made->records >= 700);
            run_free(made);
            if (to && failed) {
                emit_reset(to);
                ck_assert_int_eq(emit_pair(to, rf_of_string("again"), rf_of_string("1")), RF_OK);
                ck_assert_int_eq(emit_keep(to), RF_OK);
                ck_assert_int_eq(emit_seal(to, &made), RF_OK);
                ck_assert_uint_eq(made->records, 1);
                run_free(made);
            }
            emit_free(to);
            scratch_free(place);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("keyed_emit");
    TCase *cases = tcase_create("emit");
    tcase_add_loop_test(cases, tasks_give_what_was_emitted, 0, 8);
    tcase_add_test(cases, a_giant_pair_is_as_good_as_any);
    tcase_add_test(cases, the_switch_to_rows_does_not_show);
    tcase_add_loop_test(cases, a_table_that_grows_finds_every_key_again, 0, 12);
    tcase_add_test(cases, a_users_combiner_sees_groups);
    tcase_add_test(cases, what_cannot_be_emitted_is_refused_and_costs_nothing_else);
    tcase_add_test(cases, a_task_without_memory_fails_alone);
    suite_add_tcase(all, cases);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
