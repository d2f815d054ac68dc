/* run: what a function sees of the run, and what becomes of what it returns. */
#include "base/error.h"
#include "base/random.h"
#include "failing_malloc.h"
#include "run/call.h"
#include "suite.h"
#include "value/pack.h"

static rf_call call;
static column values;
static char printed[4096];

static void setup(void)
{
    call_init(&call);
    values = (column){0};
    call.results = &values;
    call.function = "area";
    call.rank = 3;
}

static void teardown(void)
{
    call_free(&call);
    column_free(&values);
}

static const call_item item_17 = {.position = 17, .path_index = UINT64_MAX, .attempt = 2};

/* Runs function and checks that one value more is there. */
static int run(rf_map_function *function, rf_value item)
{
    uint64_t before = values.count;
    int status = call_run(&call, function, item, &item_17);
    ck_assert_uint_eq(values.count, before + 1);
    ck_assert_int_eq(status, call.status);
    return status;
}

static const char *last_value(void)
{
    column_view view = column_look(&values);
    FILE *to = fmemopen(printed, sizeof printed, "w");
    ck_assert_int_eq(rf_print(to, column_at(&view, values.count - 1)), RF_OK);
    fclose(to);
    return printed;
}

static void check_failed(rf_map_function *function, rf_value item, int status, const char *kind, const char *message)
{
    ck_assert_int_eq(run(function, item), status);
    ck_assert_str_eq(call.kind, kind);
    ck_assert_str_eq(call.message, message);
    ck_assert_str_eq(last_value(), "null");
}

/* ---- returning ---- */

static int square(rf_call *c, rf_value item)
{
    int64_t x;
    if (RF_ARGS(c, item, x))
        return RF_EARGS;
    return RF_RETURN(c, x * x);
}

static int returns_item(rf_call *c, rf_value item)
{
    return rf_return(c, item);
}

static int returns_nothing(rf_call *c, rf_value item)
{
    (void)c, (void)item;
    return RF_OK;
}

static int returns_space(rf_call *c, rf_value item)
{
    size_t size = (size_t)rf_u64(item);
    uint8_t *space = rf_return_space(c, size);
    if (!space)
        return RF_ENOMEM;
    ck_assert_uint_eq((uintptr_t)space % 16, 0);
    memset(space, 'x', size);
    return RF_OK;
}

START_TEST(what_is_returned_is_the_items_value)
{
    ck_assert_int_eq(run(square, rf_of_i64(7)), RF_OK);
    ck_assert_str_eq(last_value(), "49");
    ck_assert_int_eq(run(returns_item, rf_of_string("text")), RF_OK);
    ck_assert_str_eq(last_value(), "\"text\"");
    ck_assert_int_eq(run(returns_item, RF_TUPLE(1, "two", 3.5)), RF_OK);
    ck_assert_str_eq(last_value(), "[1, \"two\", 3.5]");
    ck_assert_int_eq(run(returns_nothing, rf_of_i64(1)), RF_OK);
    ck_assert_str_eq(last_value(), "null");
    ck_assert_int_eq(run(returns_space, rf_of_i64(3)), RF_OK);
    ck_assert_str_eq(last_value(), "\"xxx\"");
    ck_assert_int_eq(run(returns_space, rf_of_i64(0)), RF_OK);
    ck_assert_str_eq(last_value(), "\"\"");
}
END_TEST

static int returns_twice(rf_call *c, rf_value item)
{
    ck_assert_int_eq(rf_return(c, item), RF_OK);
    ck_assert_int_eq(rf_return(c, item), RF_EUSAGE);
    return RF_OK;
}

static int returns_after_space(rf_call *c, rf_value item)
{
    ck_assert_ptr_nonnull(rf_return_space(c, 8));
    return rf_return(c, item);
}

static int asks_for_space_twice(rf_call *c, rf_value item)
{
    (void)item;
    ck_assert_ptr_nonnull(rf_return_space(c, 8));
    ck_assert_ptr_null(rf_return_space(c, 8));
    return RF_OK;
}

static int returns_after_emitting(rf_call *c, rf_value item)
{
    ck_assert_int_eq(rf_emit(c, item), RF_OK);
    return rf_return(c, item);
}

static int emits_after_returning(rf_call *c, rf_value item)
{
    ck_assert_int_eq(rf_return(c, item), RF_OK);
    ck_assert_int_eq(rf_emit(c, item), RF_EUSAGE);
    ck_assert_int_eq(rf_emit_pair(c, item, item), RF_EUSAGE);
    return RF_OK;
}

START_TEST(a_second_value_fails_the_item)
{
    rf_value one = rf_of_i64(1);
    static const char after[] = " after a value was returned: an item has one value, or what was emitted";
    char message[256];
    snprintf(message, sizeof message, "item 17: area: rf_return%s", after);
    check_failed(returns_twice, one, RF_EUSAGE, "usage", message);
    check_failed(returns_after_space, one, RF_EUSAGE, "usage", message);
    snprintf(message, sizeof message, "item 17: area: rf_return_space%s", after);
    check_failed(asks_for_space_twice, one, RF_EUSAGE, "usage", message);
    snprintf(message, sizeof message, "item 17: area: rf_emit%s", after);
    check_failed(emits_after_returning, one, RF_EUSAGE, "usage", message);
    check_failed(returns_after_emitting, one, RF_EUSAGE, "usage",
                 "item 17: area: rf_return after rf_emit: an item has one value, or what was emitted");
    ck_assert_int_eq(run(square, one), RF_OK);
    ck_assert_str_eq(last_value(), "1");
}
END_TEST

static int emits(rf_call *c, rf_value item)
{
    for (int64_t i = 0; i < rf_i64(item); i++)
        ck_assert_int_eq(i % 3 == 2 ? RF_EMIT(c, "key", i) : rf_emit(c, rf_of_i64(i)), RF_OK);
    return RF_OK;
}

START_TEST(what_is_emitted_is_a_tuple)
{
    ck_assert_int_eq(run(emits, rf_of_i64(4)), RF_OK);
    ck_assert_str_eq(last_value(), "[0, 1, [\"key\", 2], 3]");
    ck_assert_int_eq(run(emits, rf_of_i64(0)), RF_OK);
    ck_assert_str_eq(last_value(), "null");
    ck_assert_int_eq(run(emits, rf_of_i64(1)), RF_OK);
    ck_assert_str_eq(last_value(), "[0]");
    ck_assert_int_eq(run(emits, rf_of_i64(100000)), RF_OK);
    column_view view = column_look(&values);
    rf_value all = column_at(&view, values.count - 1), element;
    ck_assert_uint_eq(rf_elements(all), 100000);
    for (int64_t i = 0; i < 100000; i++) {
        ck_assert_int_eq(rf_take(&all, &element), RF_OK);
        ck_assert(i % 3 == 2 ? rf_elements(element) == 2 : rf_i64(element) == i);
    }
    ck_assert_int_eq(rf_take(&all, &element), RF_END);
}
END_TEST

/* ---- failing ---- */

static int fails_after_returning(rf_call *c, rf_value item)
{
    ck_assert_int_eq(rf_return(c, item), RF_OK);
    return rf_fail(c, "net.dns", "no host %s\nat %d", "h", 5);
}

static int fails_and_goes_on(rf_call *c, rf_value item)
{
    ck_assert_int_eq(rf_fail(c, NULL, "first"), RF_EFUNCTION);
    ck_assert_int_eq(rf_fail(c, "other", "second"), RF_EFUNCTION);
    ck_assert_int_eq(rf_return(c, item), RF_EFUNCTION);
    ck_assert_int_eq(rf_emit(c, item), RF_EFUNCTION);
    ck_assert_int_eq(rf_emit_pair(c, item, item), RF_EFUNCTION);
    ck_assert_ptr_null(rf_return_space(c, 1));
    int x = 5;
    rf_value v = item;
    ck_assert_int_eq(RF_ARGS(c, item, x), RF_EFUNCTION);
    ck_assert_int_eq(RF_ARGS(c, item, v), RF_EFUNCTION);
    ck_assert_int_eq(x, 0);
    ck_assert_uint_eq(v.tag, RF_NIL);
    ck_assert_ptr_nonnull(rf_call_alloc(c, 10));
    return RF_OK;
}

static int emits_and_fails(rf_call *c, rf_value item)
{
    ck_assert_int_eq(rf_emit(c, item), RF_OK);
    return rf_fail(c, "", "%s", "said");
}

START_TEST(the_first_failure_sticks_whatever_the_function_does_after_it)
{
    check_failed(fails_after_returning, rf_of_string("value"), RF_EFUNCTION, "net.dns", "no host h at 5");
    check_failed(fails_and_goes_on, rf_of_i64(1), RF_EFUNCTION, "function", "first");
    check_failed(emits_and_fails, rf_of_i64(1), RF_EFUNCTION, "function", "said");
    rf_error error;
    call_fill_error(&call, &error);
    ck_assert_int_eq(error.status, RF_EFUNCTION);
    ck_assert_uint_eq(error.index, 17);
    ck_assert_uint_eq(error.attempt, 2);
    ck_assert_int_eq(error.rank, 3);
    ck_assert_str_eq(error.function, "area");
    ck_assert_str_eq(error.message, "said");
    ck_assert_ptr_null(error.host);
    ck_assert_int_eq(run(emits, rf_of_i64(2)), RF_OK);
    ck_assert_str_eq(last_value(), "[0, 1]");
}
END_TEST

static int fails_at_length(rf_call *c, rf_value item)
{
    (void)item;
    char text[3000];
    memset(text, 'k', sizeof text);
    text[sizeof text - 1] = '\0';
    return rf_fail(c, text, "%s", text);
}

START_TEST(long_kinds_and_messages_are_cut)
{
    ck_assert_int_eq(run(fails_at_length, rf_nil()), RF_EFUNCTION);
    ck_assert_uint_eq(strlen(call.kind), 63);
    ck_assert_uint_eq(strlen(call.message), 1023);
}
END_TEST

static int returns_status(rf_call *c, rf_value item)
{
    ck_assert_int_eq(rf_return(c, item), RF_OK);
    return (int)rf_i64(item);
}

START_TEST(a_status_that_nobody_explained_is_told)
{
    check_failed(returns_status, rf_of_i64(RF_ENOMEM), RF_ENOMEM, "memory",
                 "item 17: area: returned -2 (RF_ENOMEM: out of memory) and did not say why: rf_fail does");
    check_failed(returns_status, rf_of_i64(RF_END), RF_EFUNCTION, "function",
                 "item 17: area: returned RF_END, which does not end an item: return RF_OK, or what rf_fail gives");
    check_failed(returns_status, rf_of_i64(RF_AGAIN), RF_EFUNCTION, "function",
                 "item 17: area: returned RF_AGAIN, which does not end an item: return RF_OK, or what rf_fail gives");
    check_failed(returns_status, rf_of_i64(-999), RF_EFUNCTION, "function",
                 "item 17: area: returned -999, which is no status: return RF_OK, or what rf_fail gives");
    check_failed(returns_status, rf_of_i64(5), RF_EFUNCTION, "function",
                 "item 17: area: returned 5, which is no status: return RF_OK, or what rf_fail gives");
}
END_TEST

START_TEST(a_call_of_nobody_is_wrong_use)
{
    ck_assert_int_eq(rf_return(NULL, rf_nil()), RF_EUSAGE);
    ck_assert_ptr_null(rf_return_space(NULL, 1));
    ck_assert_int_eq(rf_emit(NULL, rf_nil()), RF_EUSAGE);
    ck_assert_int_eq(rf_emit_pair(NULL, rf_nil(), rf_nil()), RF_EUSAGE);
    ck_assert_int_eq(rf_last_error()->status, RF_EUSAGE);
    ck_assert_int_eq(rf_fail(NULL, "kind", "why"), RF_EUSAGE);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "why"));
}
END_TEST

/* ---- arguments ---- */

static int area(rf_call *c, rf_value item)
{
    int64_t width, height;
    if (RF_ARGS(c, item, width, height)) {
        ck_assert_int_eq(width, 0);
        ck_assert_int_eq(height, 0);
        return RF_OK;
    }
    return RF_RETURN(c, width * height);
}

START_TEST(arguments_that_do_not_fit_name_item_function_and_variable)
{
    ck_assert_int_eq(run(area, RF_TUPLE(3, 4)), RF_OK);
    ck_assert_str_eq(last_value(), "12");
    ck_assert_int_eq(run(area, RF_TUPLE(3, "x")), RF_EARGS);
    ck_assert_str_eq(call.kind, "arguments");
    ck_assert_msg(!strncmp(call.message, "item 17: area: argument 2 (height) is a text", 44), "%s", call.message);
    call_item in_a_file = {.position = 400, .path = "/data/in.txt", .path_index = 1, .attempt = 1};
    ck_assert_int_eq(call_run(&call, area, RF_TUPLE(3, "x"), &in_a_file), RF_EARGS);
    ck_assert_msg(!strncmp(call.message, "/data/in.txt at byte 400: area: argument 2 (height)", 51), "%s",
                  call.message);
    char path[5000];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    in_a_file.path = path;
    ck_assert_int_eq(call_run(&call, area, RF_TUPLE(3, "x"), &in_a_file), RF_EARGS);
    ck_assert_ptr_nonnull(strstr(call.message, "ppp at byte 400: area: argument 2 (height)"));
}
END_TEST

START_TEST(outside_a_function_arguments_fail_into_the_last_error)
{
    int64_t x;
    ck_assert_int_eq(RF_READ(rf_of_i64(5), x), RF_OK);
    ck_assert_int_eq(x, 5);
    ck_assert_int_eq(RF_READ(rf_of_string("5"), x), RF_EARGS);
    ck_assert_int_eq(x, 0);
    ck_assert_int_eq(rf_last_error()->status, RF_EARGS);
    ck_assert_str_eq(rf_last_error()->kind, "arguments");
    ck_assert_ptr_null(rf_as_bytes(NULL, rf_of_i64(1), 4, "thing"));
    ck_assert_int_eq(rf_last_error()->status, RF_EARGS);
}
END_TEST

struct point { double x, y; };

static int reads_point(rf_call *c, rf_value item)
{
    rf_value bytes = item;
    if (rf_type_of(item) == RF_TUPLE_TYPE && rf_take(&item, &bytes))
        return RF_EARGS;
    const struct point *p = RF_AS(c, bytes, struct point);
    if (!p)
        return RF_OK;
    ck_assert_uint_eq((uintptr_t)p % 16, 0);
    return RF_RETURN(c, p->x + p->y);
}

START_TEST(bytes_are_read_as_a_type_of_exactly_their_size)
{
    _Alignas(16) struct point p = {1, 2};
    ck_assert_int_eq(run(reads_point, RF_STATE(p)), RF_OK);
    ck_assert_str_eq(last_value(), "3.0");
    check_failed(reads_point, rf_bytes(&p, 8), RF_EARGS, "arguments",
                 "item 17: area: 8 bytes came, the function reads a struct point of 16 bytes");
    check_failed(reads_point, rf_of_string("abc"), RF_EARGS, "arguments",
                 "item 17: area: a text came, the function reads the 16 bytes of a struct point");
    buffer packed = {0};
    ck_assert_int_eq(pack_value(&packed, RF_TUPLE(RF_STATE(p))), RF_OK);
    ck_assert_int_eq(run(reads_point, rf_view(RF_TUPLE_TYPE, packed.data, packed.size)), RF_OK);
    ck_assert_str_eq(last_value(), "3.0");
    buffer_free(&packed);
}
END_TEST

/* ---- what a function asks ---- */

static int reads_state(rf_call *c, rf_value item)
{
    (void)item;
    const struct point *p = RF_CALL_STATE(c, struct point);
    return p ? RF_RETURN(c, p->y) : RF_OK;
}

START_TEST(bound_state_must_have_the_size_that_the_function_reads)
{
    struct point p = {1, 2};
    call.state = RF_STATE(p);
    ck_assert_int_eq(run(reads_state, rf_nil()), RF_OK);
    ck_assert_str_eq(last_value(), "2.0");
    call.state = rf_bytes(&p, 9);
    check_failed(reads_state, rf_nil(), RF_EARGS, "arguments",
                 "item 17: area: the function reads a state of 16 bytes, the job's has 9");
    call.state = rf_nil();
    ck_assert_int_eq(run(reads_state, rf_nil()), RF_EARGS);
    ck_assert_ptr_nonnull(strstr(call.message, "reads a state of 16 bytes, the job has none"));
    call.state = rf_of_i64(1);
    ck_assert_int_eq(run(reads_state, rf_nil()), RF_EARGS);
    ck_assert_ptr_nonnull(strstr(call.message, "the job's is an integer"));
}
END_TEST

static int asks(rf_call *c, rf_value item)
{
    (void)item;
    ck_assert_uint_eq(rf_call_index(c), 17);
    ck_assert_uint_eq(rf_call_attempt(c), 2);
    ck_assert_int_eq(rf_call_rank(c), 3);
    ck_assert_ptr_eq(rf_call_worker(c), &call);
    if (!rf_call_path(c)) {
        ck_assert_uint_eq(rf_call_offset(c), 0);
        return RF_OK;
    }
    ck_assert_str_eq(rf_call_path(c), "file");
    ck_assert_uint_eq(rf_call_offset(c), 17);
    return RF_OK;
}

START_TEST(a_function_learns_where_its_item_is_from)
{
    call.worker_state = &call;
    ck_assert_int_eq(run(asks, rf_nil()), RF_OK);
    call_item in_a_file = item_17;
    in_a_file.path = "file";
    ck_assert_int_eq(call_run(&call, asks, rf_nil(), &in_a_file), RF_OK);
}
END_TEST

static int draws(rf_call *c, rf_value item)
{
    (void)item;
    double first = rf_call_random(c), second = rf_call_random(c);
    return RF_RETURN(c, first, second);
}

static void draw(uint64_t seed, uint64_t job, uint64_t file, uint64_t position, unsigned attempt, int rank, char *text)
{
    call_item which = {.position = position, .path_index = file, .attempt = attempt};
    call.seed = seed;
    call.job = job;
    call.rank = rank;
    ck_assert_int_eq(call_run(&call, draws, rf_nil(), &which), RF_OK);
    strcpy(text, last_value());
}

START_TEST(random_numbers_depend_on_seed_job_file_and_position_alone)
{
    char one[100], other[100];
    draw(1, 2, 3, 4, 1, 1, one);
    draw(1, 2, 3, 4, 5, 6, other);
    ck_assert_str_eq(one, other);
    uint64_t names[4] = {1, 2, 3, 4};
    for (int i = 0; i < 4; i++) {
        names[i] += 1000;
        draw(names[0], names[1], names[2], names[3], 1, 1, other);
        names[i] -= 1000;
        ck_assert_str_ne(one, other);
    }
}
END_TEST

static int keeps(rf_call *c, rf_value item)
{
    rf_value kept = rf_call_keep(c, item);
    if (rf_type_of(item) >= RF_TEXT) {
        ck_assert_uint_eq((uintptr_t)kept.data % 16, 0);
        ck_assert_ptr_ne(kept.data, item.data);
    }
    ck_assert_ptr_nonnull(rf_call_alloc(c, 0));
    memset(rf_call_alloc(c, 100000), 'x', 100000);
    memset(rf_call_alloc(c, 33), 'x', 33);
    return rf_return(c, kept);
}

static int emits_what_it_keeps(rf_call *c, rf_value item)
{
    ck_assert_int_eq(rf_emit(c, rf_call_keep(c, item)), RF_OK);
    rf_value kept = rf_call_keep(c, item);
    return rf_emit(c, kept);
}

START_TEST(values_are_kept_until_the_function_returns)
{
    rf_value kept[] = {rf_nil(),       rf_of_i64(-4),
                       rf_of_f64(0.5), rf_of_string("a text"),
                       rf_text("", 0), RF_TUPLE(1, "b", RF_TUPLE(2)),
                       RF_DICT("k", 1)};
    static const char *const expected[] = {"null", "-4", "0.5", "\"a text\"", "\"\"", "[1, \"b\", [2]]", "{\"k\": 1}"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        ck_assert_int_eq(run(keeps, kept[i]), RF_OK);
        ck_assert_str_eq(last_value(), expected[i]);
    }
    ck_assert_int_eq(run(emits_what_it_keeps, RF_TUPLE(1, 2)), RF_OK);
    ck_assert_str_eq(last_value(), "[[1, 2], [1, 2]]");
}
END_TEST

static int looks;

static void count_look(void *context)
{
    ck_assert_ptr_eq(context, &looks);
    looks++;
}

static bool say_cancelled(void *context)
{
    ck_assert_ptr_eq(context, &looks);
    return looks > 1;
}

static int long_function(rf_call *c, rf_value item)
{
    (void)item;
    rf_call_progress(c);
    bool before = rf_call_cancelled(c);
    rf_call_progress(c);
    return RF_RETURN(c, before, rf_call_cancelled(c));
}

START_TEST(long_functions_let_messages_move_and_learn_that_nobody_wants_them)
{
    ck_assert_int_eq(run(long_function, rf_nil()), RF_OK);
    ck_assert_str_eq(last_value(), "[false, false]");
    call.progress = count_look;
    call.cancelled = say_cancelled;
    call.context = &looks;
    ck_assert_int_eq(run(long_function, rf_nil()), RF_OK);
    ck_assert_str_eq(last_value(), "[false, true]");
    looks = 0;
    ck_assert_int_eq(run(emits, rf_of_i64(1000)), RF_OK);
    ck_assert_int_ge(looks, 10);
}
END_TEST

/* ---- .init, generators ---- */

static int init_result;

static int init(rf_call *c, void **worker)
{
    *worker = &call;
    if (init_result == 1)
        return rf_fail(c, NULL, "no database");
    if (init_result == 2)
        return rf_fail(c, "net.dns", "no host");
    if (init_result == 3)
        return rf_return(c, rf_nil());
    return init_result;
}

START_TEST(init_gives_the_workers_state_or_says_why_not)
{
    rf_registration registration = {.name = "query", .init = init};
    static const struct { int result; const char *kind, *message; } cases[] = {
        {1, "init", "no database"}, {2, "net.dns", "no host"},
        {3, "usage", "item 0: query: rf_return in .init or a filter, which have no value"},
        {RF_EINPUT, "init", ".init of query returned -17 (RF_EINPUT) and did not say why: rf_fail does"}};
    void *worker = NULL;
    ck_assert_int_eq(call_init_worker(&call, &registration, &worker), RF_OK);
    ck_assert_ptr_eq(worker, &call);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        init_result = cases[i].result;
        ck_assert_int_eq(call_init_worker(&call, &registration, &worker), RF_EINIT);
        ck_assert_ptr_null(worker);
        ck_assert_str_eq(call.kind, cases[i].kind);
        ck_assert_str_eq(call.message, cases[i].message);
    }
    ck_assert_ptr_eq(call.results, &values);
    ck_assert_uint_eq(values.count, 0);
    ck_assert_str_eq(call.function, "area");
}
END_TEST

static int generate(rf_call *c, void *state)
{
    int64_t n = (*(int64_t *)state)++;
    switch (n) {
    case 0:
        return RF_RETURN(c, n);
    case 1:
        return RF_AGAIN;
    case 2:
        rf_return(c, rf_of_i64(n));
        return RF_END;
    case 3:
        return RF_OK;
    case 4:
        rf_return(c, rf_of_string("x"));
        return rf_fail(c, "input", "broken");
    case 5:
        return RF_RETURN(c, "last");
    case 6:
        return -1000;
    default:
        return RF_END;
    }
}

START_TEST(a_generator_gives_an_item_or_says_that_there_is_none)
{
    static const int statuses[] = {RF_OK, RF_AGAIN,     RF_EUSAGE, RF_EUSAGE, RF_EFUNCTION,
                                   RF_OK, RF_EFUNCTION, RF_END,    RF_END};
    int64_t state = 0;
    uint64_t items = 0;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        ck_assert_int_eq(call_generate(&call, generate, &state), statuses[i]);
        items += statuses[i] == RF_OK;
        ck_assert_uint_eq(values.count, items);
    }
    ck_assert_str_eq(last_value(), "\"last\"");
}
END_TEST

/* ---- memory ---- */

static int uses_memory(rf_call *c, rf_value item)
{
    rf_value kept = rf_call_keep(c, item), first;
    char *more = rf_call_alloc(c, 40000);
    const char *text;
    int64_t number;
    if (!more || RF_ARGS(c, kept, text, number))
        return RF_OK;
    memset(more, 'm', 40000);
    first = rf_text(more, 1000);
    if (number == 1)
        return RF_RETURN(c, text, first);
    if (number == 2) {
        rf_emit(c, first);
        rf_emit_pair(c, kept, first);
    }
    char *space = number == 3 ? rf_return_space(c, 5000) : NULL;
    if (space)
        memset(space, 's', 5000);
    return RF_OK;
}

START_TEST(without_memory_an_item_fails_and_still_has_its_place)
{
    FAILING_EACH_IN_TURN(n) {
        int status = RF_OK;
        uint64_t done = 0;
        for (; done < 8 && !status; done++)
            status = call_run(&call, uses_memory, RF_TUPLE("text", (int64_t)done % 4), &item_17);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        if (failed)
            ck_assert_str_eq(call.kind, "memory");
        ck_assert_uint_le(values.count, done);
        ck_assert_uint_ge(values.count + failed, done);
        teardown();
        setup();
    }
}
END_TEST

/* ---- adding ---- */

static column added;

/* Adds item so often, and fails unless item is even. */
static int adds(rf_call *c, rf_value item)
{
    for (int64_t i = 0; i < rf_i64(item); i++)
        rf_call_add(c, RF_TUPLE(i, "more"));
    return rf_i64(item) % 2 ? rf_fail(c, NULL, "odd") : RF_RETURN(c, 1);
}

START_TEST(A16_what_an_item_adds_is_there_when_it_succeeds_and_gone_when_it_fails)
{
    call.added = &added;
    ck_assert_int_eq(run(adds, rf_of_i64(2)), RF_OK);
    ck_assert_int_eq(run(adds, rf_of_i64(3)), RF_EFUNCTION);
    ck_assert_int_eq(run(adds, rf_of_i64(0)), RF_OK);
    ck_assert_int_eq(run(adds, rf_of_i64(100)), RF_OK);
    column_view pairs = column_look(&added);
    ck_assert_uint_eq(pairs.count, 2 * 102);
    for (uint64_t i = 0; i < 102; i++) {
        ck_assert_uint_eq(column_at(&pairs, 2 * i).u64, call_added_index(&item_17, i < 2 ? i : i - 2));
        ck_assert_uint_eq(rf_elements(column_at(&pairs, 2 * i + 1)), 2);
    }
    column_free(&added);
}
END_TEST

START_TEST(A16_indices_of_added_items_differ_by_parent_file_and_ordinal)
{
    uint64_t first = call_added_index(&item_17, 0);
    call_item sibling = item_17, same = item_17;
    same.attempt = 5;
    same.path = "elsewhere";
    sibling.position = 18;
    ck_assert(first >> 63);
    ck_assert_uint_eq(call_added_index(&same, 0), first);
    ck_assert_uint_ne(call_added_index(&item_17, 1), first);
    ck_assert_uint_ne(call_added_index(&sibling, 0), first);
    sibling = item_17;
    sibling.path_index = 0;
    ck_assert_uint_ne(call_added_index(&sibling, 0), first);
}
END_TEST

START_TEST(A16_where_a_job_cannot_grow_the_item_fails_naming_the_verbs)
{
    check_failed(adds, rf_of_i64(2), RF_EUSAGE, "usage",
                 "item 17: area: rf_call_add: only the job of rf_map_unordered or rf_imap_unordered can grow; use one of them");
    ck_assert_int_eq(rf_call_add(NULL, rf_nil()), RF_EUSAGE);
}
END_TEST

START_TEST(without_memory_an_item_adds_nothing)
{
    FAILING_EACH_IN_TURN(n) {
        call.added = &added;
        int status = call_run(&call, adds, rf_of_i64(70), &item_17);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        ck_assert_uint_eq(added.count, failed ? 0 : 140);
        column_free(&added);
        teardown();
        setup();
    }
}
END_TEST

static int returns_text_or_fails(rf_call *c, rf_value item)
{
    char text[100];
    memset(text, 't', sizeof text);
    return rf_i64(item) % 2 ? rf_fail(c, NULL, "odd") : rf_return(c, rf_text(text, (size_t)rf_i64(item) % 100));
}

START_TEST(who_reserves_words_and_tags_always_gets_a_value_an_item)
{
    FAILING_EACH_IN_TURN(n) {
        int reserved = RF_OK;
        uint64_t done = 0;
        for (; done < 50 && !reserved; done++) {
            reserved = buffer_reserve(&values.words, 8) ||
                       buffer_reserve(&values.tags, (values.count + 1) * 8 - values.tags.size);
            if (reserved)
                break;
            (void)call_run(&call, returns_text_or_fails, rf_of_i64((int64_t)done), &item_17);
        }
        failing_malloc_stop();
        ck_assert_uint_eq(values.count, done);
        teardown();
        setup();
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("call");
    TCase *tests = tcase_create("call");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_returned_is_the_items_value);
    tcase_add_test(tests, a_second_value_fails_the_item);
    tcase_add_test(tests, what_is_emitted_is_a_tuple);
    tcase_add_test(tests, the_first_failure_sticks_whatever_the_function_does_after_it);
    tcase_add_test(tests, long_kinds_and_messages_are_cut);
    tcase_add_test(tests, a_status_that_nobody_explained_is_told);
    tcase_add_test(tests, a_call_of_nobody_is_wrong_use);
    tcase_add_test(tests, arguments_that_do_not_fit_name_item_function_and_variable);
    tcase_add_test(tests, outside_a_function_arguments_fail_into_the_last_error);
    tcase_add_test(tests, bytes_are_read_as_a_type_of_exactly_their_size);
    tcase_add_test(tests, bound_state_must_have_the_size_that_the_function_reads);
    tcase_add_test(tests, a_function_learns_where_its_item_is_from);
    tcase_add_test(tests, random_numbers_depend_on_seed_job_file_and_position_alone);
    tcase_add_test(tests, values_are_kept_until_the_function_returns);
    tcase_add_test(tests, long_functions_let_messages_move_and_learn_that_nobody_wants_them);
    tcase_add_test(tests, init_gives_the_workers_state_or_says_why_not);
    tcase_add_test(tests, a_generator_gives_an_item_or_says_that_there_is_none);
    tcase_add_test(tests, A16_what_an_item_adds_is_there_when_it_succeeds_and_gone_when_it_fails);
    tcase_add_test(tests, A16_indices_of_added_items_differ_by_parent_file_and_ordinal);
    tcase_add_test(tests, A16_where_a_job_cannot_grow_the_item_fails_naming_the_verbs);
    tcase_add_test(tests, without_memory_an_item_adds_nothing);
    tcase_add_test(tests, without_memory_an_item_fails_and_still_has_its_place);
    tcase_add_test(tests, who_reserves_words_and_tags_always_gets_a_value_an_item);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
