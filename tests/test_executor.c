/* run/executor_inline.c: what a part tells of the time it took, under a clock that functions move. */
#include "run/executor.h"

#include "suite.h"

static double now_is;

static double now(void *context)
{
    (void)context;
    return now_is;
}
static void no_progress(void *context) { (void)context; }
static bool never_cancelled(void *context, uint64_t task)
{
    (void)context, (void)task;
    return false;
}

static int start_slowly(rf_call *call, void **worker)
{
    (void)call;
    now_is += 5;
    *worker = &now_is;
    return RF_OK;
}
static int start_in_vain(rf_call *call, void **worker)
{
    start_slowly(call, worker);
    return rf_fail(call, "licence", "none");
}

static int take_20_ms(rf_call *call, rf_value item)
{
    now_is += 0.020;
    return rf_return(call, item);
}

/* Item 777 takes as long as 300,000 others. */
static int take_100_ns(rf_call *call, rf_value item)
{
    now_is += rf_i64(item) == 777 ? 0.030 : 1e-7;
    return rf_return(call, item);
}

static rf_registration function_of(rf_map_function *function, int (*init)(rf_call *, void **))
{
    return (rf_registration){.struct_size = sizeof(rf_registration), .name = "function", .file = "file.c",
                             .function = (rf_any_function *)function, .init = init};
}

typedef struct outcome {
    uint64_t parts, items;
    double seconds, init;
    bool init_failed;
    struct message_long longest[10];
    uint64_t longest_count;
} outcome;

/* A range of so many integers as one chunk. */
static void run_chunk(executor *runs, const rf_registration *function, uint64_t count, outcome *of)
{
    executor_job job = {.function = function};
    executor_chunk chunk = {.task = 1, .job = &job, .piece = {.kind = INPUT_RANGE, .a = 0, .b = 1}, .count = count,
                            .position = UINT64_MAX, .attempt = 1};
    executor_part part = {0};
    *of = (outcome){0};
    ck_assert_int_eq(executor_start(runs, &chunk), RF_OK);
    while (!part.last) {
        ck_assert(executor_next(runs, now_is, &part));
        of->parts++;
        of->items += part.values->count;
        of->seconds += part.seconds;
        of->init += part.init_seconds;
        of->init_failed |= part.init_failed;
        if (part.longest && of->longest_count < 10)
            of->longest[of->longest_count++] = *part.longest;
    }
}

static executor *new_executor(void)
{
    executor *made;
    executor_host host = {.rank = 3, .now = now, .progress = no_progress, .cancelled = never_cancelled};
    now_is = 1000;
    ck_assert_int_eq(executor_inline_new(&host, &made), RF_OK);
    return made;
}

#define ck_assert_near(a, b) ck_assert_double_eq_tol(a, b, 1e-9)

START_TEST(init_is_not_part_of_what_its_first_items_took)
{
    executor *runs = new_executor();
    rf_registration function = function_of(take_20_ms, start_slowly), in_vain = function_of(take_20_ms, start_in_vain);
    outcome of;
    run_chunk(runs, &function, 3, &of);
    ck_assert_near(of.init, 5);
    ck_assert_near(of.seconds, 0.060);
    run_chunk(runs, &function, 3, &of);
    ck_assert_near(of.init, 0);
    ck_assert_near(of.seconds, 0.060);
    run_chunk(runs, &in_vain, 3, &of);
    ck_assert(of.init_failed);
    ck_assert_near(of.init, 5);
    ck_assert_near(of.seconds, 0);
    executor_free(runs);
}
END_TEST

START_TEST(each_item_that_takes_long_is_told_with_its_argument)
{
    executor *runs = new_executor();
    rf_registration function = function_of(take_20_ms, NULL);
    outcome of;
    run_chunk(runs, &function, 3, &of);
    ck_assert_uint_eq(of.longest_count, 3);
    for (uint64_t i = 0; i < 3; i++) {
        char text[32];
        snprintf(text, sizeof text, "%" PRIu64, i);
        ck_assert_near(of.longest[i].seconds, 0.020);
        ck_assert_uint_eq(of.longest[i].index, i);
        ck_assert_uint_eq(of.longest[i].items, 1);
        ck_assert_str_eq(of.longest[i].item, text);
        ck_assert_str_eq(of.longest[i].path, "");
    }
    executor_free(runs);
}
END_TEST

START_TEST(one_that_takes_long_among_tiny_ones_is_told_as_one_of_so_many)
{
    executor *runs = new_executor();
    rf_registration function = function_of(take_100_ns, NULL);
    outcome of;
    run_chunk(runs, &function, 5000, &of);
    ck_assert_uint_eq(of.items, 5000);
    ck_assert_near(of.seconds, 0.030 + 4999e-7);
    ck_assert_uint_eq(of.longest_count, 1);
    ck_assert(of.longest[0].seconds >= 0.030 && of.longest[0].seconds < 0.0302);
    ck_assert(of.longest[0].items > 1 && of.longest[0].index <= 777 && of.longest[0].index + of.longest[0].items > 777);
    ck_assert_str_eq(of.longest[0].item, "");
    executor_free(runs);
}
END_TEST

START_TEST(tiny_items_are_not_told_of)
{
    executor *runs = new_executor();
    rf_registration function = function_of(take_100_ns, NULL);
    outcome of;
    run_chunk(runs, &function, 700, &of);
    ck_assert_uint_eq(of.longest_count, 0);
    ck_assert_uint_eq(of.parts, 1);
    executor_free(runs);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("executor");
    TCase *t = tcase_create("executor");
    tcase_add_test(t, init_is_not_part_of_what_its_first_items_took);
    tcase_add_test(t, each_item_that_takes_long_is_told_with_its_argument);
    tcase_add_test(t, one_that_takes_long_among_tiny_ones_is_told_as_one_of_so_many);
    tcase_add_test(t, tiny_items_are_not_told_of);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
