/* run: the stages of a chained job, compared with a chain that is worked out stage by stage. */
#include "base/random.h"
#include "failing_malloc.h"
#include "run/pipeline.h"
#include "suite.h"
#include "wire/message.h"

static rf_call call;
static pipeline runs;
static column outputs;

static void setup(void)
{
    call_init(&call);
    call.seed = 1;
    call.item = (call_item){.position = 9, .path_index = UINT64_MAX, .attempt = 1};
    runs = (pipeline){.call = &call};
    outputs = (column){0};
}

static void teardown(void)
{
    pipeline_free(&runs);
    column_free(&outputs);
    call_free(&call);
}

/* ---- functions: numbers stay numbers, or become texts and numbers again ---- */

static int add_state(rf_call *c, rf_value item)
{
    return RF_RETURN(c, rf_i64(item) + *RF_CALL_STATE(c, int64_t));
}

static int as_text_and_back(rf_call *c, rf_value item)
{
    char text[32];
    if (rf_type_of(item) == RF_TEXT)
        return RF_RETURN(c, (int64_t)atoll(rf_str(item)));
    snprintf(text, sizeof text, "%" PRId64, rf_i64(item));
    return RF_RETURN(c, text);
}

static int64_t number_of(rf_value item) { return rf_type_of(item) == RF_TEXT ? atoll(rf_str(item)) : rf_i64(item); }
static bool divides(rf_call *c, rf_value item) { return number_of(item) % *RF_CALL_STATE(c, int64_t) == 0; }

static int emit_some(rf_call *c, rf_value item)
{
    for (int64_t i = 0; i < number_of(item) % 4; i++)
        rf_emit(c, i % 2 ? item : rf_of_i64(number_of(item) + i));
    return RF_OK;
}

static int tuple_of_two(rf_call *c, rf_value item)
{
    return rf_return(c, rf_tuple_of((const rf_value[]){item, rf_of_i64(number_of(item) + 1)}, 2));
}

static int refuse(rf_call *c, rf_value item) { return rf_fail(c, "refused", "%" PRId64, number_of(item)); }
static int draw(rf_call *c, rf_value item) { return (void)item, RF_RETURN(c, rf_call_random(c)); }

static const rf_registration registered[] = {
    {.name = "add_state", .function = (rf_any_function *)add_state}, {.name = "as_text_and_back", .function = (rf_any_function *)as_text_and_back},
    {.name = "divides", .function = (rf_any_function *)divides},     {.name = "emit_some", .function = (rf_any_function *)emit_some},
    {.name = "tuple_of_two", .function = (rf_any_function *)tuple_of_two}, {.name = "refuse", .function = (rf_any_function *)refuse},
    {.name = "draw", .function = (rf_any_function *)draw}};
enum which { ADD, TEXT, DIVIDES, EMITS, TWO, REFUSES, DRAWS };

/* ---- the same, stage by stage ---- */

typedef struct list { int64_t number[4096]; bool text[4096]; size_t count; } list;

static void put(list *to, int64_t number, bool text)
{
    ck_assert_uint_lt(to->count, 4096);
    to->number[to->count] = number;
    to->text[to->count++] = text;
}

static void apply(enum which stage, int64_t state, const list *from, list *to)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        int64_t x = from->number[i];
        bool text = from->text[i];
        switch (stage) {
        case ADD: put(to, (text ? 0 : x) + state, false); break;
        case TEXT: put(to, x, !text); break;
        case DIVIDES:
            if (x % state == 0)
                put(to, x, text);
            break;
        case EMITS:
            for (int64_t k = 0; k < x % 4; k++)
                put(to, k % 2 ? x : x + k, k % 2 && text);
            break;
        default: put(to, x, text); put(to, x + 1, false); break;
        }
    }
}

static job_stage stage_of(enum which one, int64_t *state)
{
    uint32_t kind = one == DIVIDES ? STAGE_FILTER : one == EMITS || one == TWO ? STAGE_FLAT_MAP : STAGE_MAP;
    return (job_stage){.kind = kind, .function = &registered[one], .state = rf_bytes(state, sizeof *state)};
}

static void open_with(const job_stage *stages, uint32_t count)
{
    executor_job job = {.stages = stages, .stage_count = count, .chained = true};
    ck_assert_int_eq(pipeline_open(&runs, &job, count), RF_OK);
}

START_TEST(whatever_the_stages_what_comes_out_is_right)
{
    static list lists[2];
    uint64_t random = suite_seed;
    for (int round = 0; round < 3000; round++) {
        job_stage stages[8];
        int64_t states[8];
        uint32_t count = (uint32_t)random_below(&random, 7);
        enum which drawn[8];
        for (uint32_t i = 0; i < count; i++) {
            drawn[i] = (enum which)random_below(&random, REFUSES);
            states[i] = 1 + (int64_t)random_below(&random, 3);
            stages[i] = stage_of(drawn[i], &states[i]);
        }
        open_with(stages, count);
        for (int64_t x = 0; x < 10; x++) {
            uint64_t before = outputs.count;
            lists[0] = (list){.count = 0};
            put(&lists[0], x, false);
            for (uint32_t i = 0; i < count; i++)
                apply(drawn[i], states[i], &lists[i % 2], &lists[(i + 1) % 2]);
            const list *wanted = &lists[count % 2];
            ck_assert_int_eq(pipeline_run(&runs, rf_of_i64(x), &outputs), RF_OK);
            ck_assert_uint_eq(outputs.count - before, wanted->count);
            for (size_t i = 0; i < wanted->count; i++) {
                rf_value got = column_peek(&outputs, before + i);
                ck_assert_int_eq(number_of(got), wanted->number[i]);
                ck_assert_int_eq(rf_type_of(got) == RF_TEXT, wanted->text[i]);
            }
        }
        column_cut(&outputs, random_below(&random, 2) ? 0 : outputs.count);
    }
}
END_TEST

START_TEST(an_item_that_fails_leaves_nothing_and_names_its_stage)
{
    int64_t none = 0;
    const job_stage stages[] = {stage_of(TWO, &none), stage_of(TWO, &none), stage_of(REFUSES, &none)};
    open_with(stages, 2);
    ck_assert_int_eq(pipeline_run(&runs, rf_of_i64(1), &outputs), RF_OK);
    ck_assert_uint_eq(outputs.count, 4);
    open_with(stages, 3);
    ck_assert_int_eq(pipeline_run(&runs, rf_of_i64(1), &outputs), RF_EFUNCTION);
    ck_assert_uint_eq(outputs.count, 4);
    ck_assert_uint_eq(runs.at, 2);
    ck_assert_str_eq(call.kind, "refused");
    ck_assert_str_eq(call.function, "refuse");
}
END_TEST

START_TEST(a_key_goes_before_its_item)
{
    int64_t two = 2;
    job_stage keys = stage_of(ADD, &two);
    keys.kind = STAGE_KEY;
    open_with(&keys, 1);
    ck_assert_int_eq(pipeline_run(&runs, rf_of_i64(5), &outputs), RF_OK);
    int64_t key, item;
    ck_assert_int_eq(RF_READ(column_peek(&outputs, 0), key, item), RF_OK);
    ck_assert(key == 7 && item == 5);
}
END_TEST

START_TEST(each_call_draws_other_numbers_and_each_attempt_the_same)
{
    int64_t none = 0;
    const job_stage stages[] = {stage_of(TWO, &none), stage_of(DRAWS, &none)};
    open_with(stages, 2);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pipeline_run(&runs, rf_of_i64(5), &outputs), RF_OK);
    double first = rf_f64(column_peek(&outputs, 0)), second = rf_f64(column_peek(&outputs, 1));
    ck_assert(first != second);
    ck_assert(rf_f64(column_peek(&outputs, 2)) == first && rf_f64(column_peek(&outputs, 3)) == second);
}
END_TEST

START_TEST(memory_that_runs_out_is_a_failed_item)
{
    int64_t one = 1;
    const job_stage stages[] = {stage_of(TEXT, &one), stage_of(TWO, &one), stage_of(TEXT, &one)};
    open_with(stages, 3);
    for (int at = 1; at < 60; at++) {
        uint64_t before = outputs.count;
        failing_malloc_at((uint64_t)at);
        int status = pipeline_run(&runs, rf_of_i64(at), &outputs);
        failing_malloc_at(0);
        ck_assert(status == RF_OK || status == RF_ENOMEM);
        ck_assert_uint_eq(outputs.count - before, status ? 0 : 2);
        pipeline_free(&runs);
        column_free(&outputs);
        open_with(stages, 3);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("pipeline");
    TCase *stages = tcase_create("stages");
    tcase_add_checked_fixture(stages, setup, teardown);
    tcase_add_test(stages, whatever_the_stages_what_comes_out_is_right);
    tcase_add_test(stages, an_item_that_fails_leaves_nothing_and_names_its_stage);
    tcase_add_test(stages, a_key_goes_before_its_item);
    tcase_add_test(stages, each_call_draws_other_numbers_and_each_attempt_the_same);
    tcase_add_test(stages, memory_that_runs_out_is_a_failed_item);
    suite_add_tcase(all, stages);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
