/* keyed/fold, keyed/exact: any order and any grouping of the same values gives the same bytes. */
#include "keyed/fold.h"

#include "base/error.h"
#include "failing_malloc.h"
#include "random_value.h"
#include "suite.h"

enum { MOST = 60 };

/* A partial, with the memory it points into. */
typedef struct partial {
    record it;
    uint8_t space[EXACT_PACKED_MOST];
} partial;

static void lift(enum fold fold, rf_value value, partial *to, buffer *packed)
{
    record_part part;
    ck_assert_int_eq(fold_lift(fold, &value), RF_OK);
    ck_assert_int_eq(record_encode_value(value, &part, packed), RF_OK);
    ck_assert_uint_le(part.size, sizeof to->space);
    memcpy(to->space, part.data, part.size);
    to->it = (record){.key = (const uint8_t *)"k", .key_size = 1, .key_type = RF_TEXT, .value = to->space,
                      .value_size = (uint32_t)part.size, .value_type = (uint8_t)part.type};
}

/* Folds a stretch into one partial: cut at random, each piece folded the same way first. */
static void fold_stretch(enum fold fold, partial *values, size_t count, uint64_t *random, partial *to, arena *memory)
{
    fold_state state;
    partial *pieces = values;
    size_t pieces_count = count;
    bool splits = count > 2 && random_below(random, 3) == 0;
    if (splits) {
        size_t cut = 1 + random_below(random, count - 1);
        pieces = malloc(2 * sizeof *pieces);
        fold_stretch(fold, values, cut, random, &pieces[0], memory);
        fold_stretch(fold, values + cut, count - cut, random, &pieces[1], memory);
        pieces_count = 2;
    }
    ck_assert_int_eq(fold_begin(fold, &state, &pieces[0].it, memory), RF_OK);
    for (size_t i = 1; i < pieces_count; i++)
        ck_assert_int_eq(fold_merge(fold, &state, &pieces[i].it, memory), RF_OK);
    partial made = {.it = pieces[0].it};
    fold_partial(&state, &made.it, made.space);
    memmove(made.space, made.it.value, made.it.value_size);
    *to = made;
    to->it.value = to->space;
    to->it.key = (const uint8_t *)"k";
    if (splits)
        free(pieces);
}

static int result_of(enum fold fold, const partial *whole, rf_value *to, arena *memory)
{
    fold_state state;
    ck_assert_int_eq(fold_begin(fold, &state, &whole->it, memory), RF_OK);
    return fold_result(&state, &whole->it, to);
}

static rf_value draw(uint64_t *random, int mode)
{
    double real = ldexp(random_unit(random) - 0.5, (int)random_below(random, 2090) - 1075);
    switch (mode) {
    case 0:
        return rf_of_i64((int64_t)random_below(random, 100) - 50);
    case 1:
        return random_below(random, 2) ? rf_of_i64((int64_t)random_integer(random)) : rf_of_u64(random_integer(random));
    case 2:
        return rf_of_f64(real);
    case 3:
        return rf_of_f64(random_unit(random) * 1000);
    default:
        return random_below(random, 2) ? rf_of_f64(random_f64(random)) : rf_of_i64((int64_t)random_integer(random));
    }
}

START_TEST(a_grouping_does_not_show)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    buffer packed = {0};
    for (int round = 0; round < 300; round++) {
        enum fold fold = (enum fold)(FOLD_SUM + random_below(&random, 5));
        static partial values[MOST];
        partial one, other;
        arena memory = {0};
        size_t count = 1 + random_below(&random, MOST);
        int mode = (int)random_below(&random, 5);
        for (size_t i = 0; i < count; i++) {
            packed.size = 0;
            lift(fold, draw(&random, mode), &values[i], &packed);
        }
        fold_stretch(fold, values, count, &random, &one, &memory);
        if (fold != FOLD_FIRST && fold != FOLD_MIN && fold != FOLD_MAX) {
            for (size_t i = count; i > 1; i--) {
                size_t j = random_below(&random, i);
                partial kept = values[i - 1];
                values[i - 1] = values[j];
                values[j] = kept;
            }
            for (size_t i = 0; i < count; i++)
                values[i].it.value = values[i].space;
        }
        fold_stretch(fold, values, count, &random, &other, &memory);
        rf_value a, b;
        int status = result_of(fold, &one, &a, &memory);
        ck_assert_int_eq(status, result_of(fold, &other, &b, &memory));
        ck_assert_uint_eq(a.tag, b.tag);
        ck_assert_uint_eq(a.u64, b.u64);
        arena_free(&memory);
    }
    buffer_free(&packed);
}
END_TEST

/* Integers against 128 bits; doubles of like size against quad precision, which holds their sum exactly. */
START_TEST(sums_are_right)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    for (int round = 0; round < 300; round++) {
        arena memory = {0};
        exact *sum = exact_new(&memory);
        bool real = random_below(&random, 2);
        __int128 integers = 0;
        __float128 reals = 0;
        int scale = (int)random_below(&random, 1900) - 1000;
        for (uint64_t i = random_below(&random, MOST); i; i--) {
            rf_value number = draw(&random, real ? 3 : 1);
            if (real)
                number.f64 = ldexp(floor(ldexp(random_below(&random, 2) ? number.f64 : -number.f64, 40)), scale);
            ck_assert_int_eq(exact_add(&sum, &memory, number), RF_OK);
            integers += real ? 0 : number.tag == RF_I64 ? number.i64 : (__int128)number.u64;
            reals += real ? (__float128)number.f64 : 0;
        }
        rf_value got;
        int status = exact_result(sum, &got);
        bool fits = integers >= INT64_MIN && integers <= UINT64_MAX;
        if (!fits)
            ck_assert_int_eq(status, RF_ERANGE);
        else if (got.tag == RF_F64)
            ck_assert_msg(got.f64 == (double)reals, "%a is not %a", got.f64, (double)reals);
        else
            ck_assert(status == RF_OK && integers == (got.tag == RF_I64 ? got.i64 : (__int128)got.u64));
        arena_free(&memory);
    }
}
END_TEST

static rf_value sum_of(const double *numbers, size_t count)
{
    arena memory = {0};
    exact *sum = exact_new(&memory), *again = exact_new(&memory);
    uint8_t packed[EXACT_PACKED_MOST];
    rf_value result, second;
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(exact_add(&sum, &memory, rf_of_f64(numbers[i])), RF_OK);
    ck_assert_int_eq(exact_result(sum, &result), RF_OK);
    ck_assert_int_eq(exact_add_packed(&again, &memory, packed, exact_pack(sum, packed)), RF_OK);
    ck_assert_int_eq(exact_result(again, &second), RF_OK);
    ck_assert(result.u64 == second.u64 && result.tag == second.tag);
    arena_free(&memory);
    return result;
}
#define SUM(...) sum_of((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double)).f64

START_TEST(sums_at_the_edges_are_right)
{
    ck_assert(SUM(1e308, 1e308, -1e308) == 1e308);
    ck_assert(SUM(1e308, 1e308) == (double)INFINITY);
    ck_assert(SUM(-1e308, -1e308) == -(double)INFINITY);
    ck_assert(SUM(1e100, 1.0, -1e100) == 1.0);
    ck_assert(SUM(0x1p-1074, 0x1p-1074) == 0x1p-1073);
    ck_assert(SUM(0x1p-1022, -0x1p-1074) == 0x1p-1022 - 0x1p-1074);
    ck_assert(SUM(1.0, 0x1p-53) == 1.0);
    ck_assert(SUM(1.0, 0x1p-53, 0x1p-1074) == 1.0 + 0x1p-52);
    ck_assert(SUM(1.0 + 0x1p-52, 0x1p-53) == 1.0 + 0x1p-51);
    ck_assert(SUM(0x1.fffffffffffffp1023, 0x1p969) == 0x1.fffffffffffffp1023);
    ck_assert(SUM(0x1.fffffffffffffp1023, 0x1p970) == (double)INFINITY);
    ck_assert(SUM(1.0, -1.0) == 0.0);
    ck_assert(SUM((double)INFINITY, 1.0) == (double)INFINITY);
    ck_assert(isnan(SUM((double)INFINITY, -(double)INFINITY)));
    ck_assert(isnan(SUM((double)NAN, 1.0)));
}
END_TEST

START_TEST(many_summands_do_not_overflow_a_limb)
{
    arena memory = {0};
    exact *sum = exact_new(&memory);
    uint8_t packed[EXACT_PACKED_MOST];
    ck_assert_int_eq(exact_add(&sum, &memory, rf_of_f64(0x1.fffffffffffffp31)), RF_OK);
    for (int doubled = 0; doubled < 62; doubled++)      /* 2^62 of it, by doubling */
        ck_assert_int_eq(exact_add_packed(&sum, &memory, packed, exact_pack(sum, packed)), RF_OK);
    rf_value result;
    ck_assert_int_eq(exact_result(sum, &result), RF_OK);
    ck_assert(result.f64 == 0x1.fffffffffffffp93);
    arena_free(&memory);
}
END_TEST

START_TEST(an_overflow_is_told_with_its_key)
{
    arena memory = {0};
    buffer packed = {0};
    partial values[3];
    fold_state state;
    rf_value result;
    lift(FOLD_SUM, rf_of_u64(UINT64_MAX), &values[0], &packed);
    lift(FOLD_SUM, rf_of_i64(1), &values[1], &packed);
    lift(FOLD_SUM, rf_of_i64(-1), &values[2], &packed);
    ck_assert_int_eq(fold_begin(FOLD_SUM, &state, &values[0].it, &memory), RF_OK);
    ck_assert_int_eq(fold_merge(FOLD_SUM, &state, &values[1].it, &memory), RF_OK);
    ck_assert_int_eq(fold_result(&state, &values[0].it, &result), RF_ERANGE);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "\"k\""));
    ck_assert_int_eq(fold_merge(FOLD_SUM, &state, &values[2].it, &memory), RF_OK);
    ck_assert_int_eq(fold_result(&state, &values[0].it, &result), RF_OK);
    ck_assert_uint_eq(result.u64, UINT64_MAX);
    rf_value text = rf_of_string("x");
    ck_assert_int_eq(fold_lift(FOLD_SUM, &text), RF_EARGS);
    arena_free(&memory);
    buffer_free(&packed);
}
END_TEST

START_TEST(the_least_the_greatest_and_the_first_win)
{
    static const char *const words[] = {"m", "b", "zz", "b", "longer than before", "z"};
    enum fold folds[] = {FOLD_MIN, FOLD_MAX, FOLD_FIRST};
    const char *wanted[] = {"b", "zz", "m"};
    for (int f = 0; f < 3; f++) {
        arena memory = {0};
        fold_state state;
        rf_value result;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            record it = {.key = (const uint8_t *)"", .value = (const uint8_t *)words[i], .value_size = (uint32_t)strlen(words[i]),
                         .value_type = RF_TEXT};
            ck_assert_int_eq(i ? fold_merge(folds[f], &state, &it, &memory) : fold_begin(folds[f], &state, &it, &memory), RF_OK);
        }
        ck_assert_int_eq(fold_result(&state, &(record){.key = (const uint8_t *)""}, &result), RF_OK);
        ck_assert_uint_eq(rf_size(result), strlen(wanted[f]));
        ck_assert_mem_eq(result.data, wanted[f], rf_size(result));
        arena_free(&memory);
    }
}
END_TEST

START_TEST(what_is_no_packed_sum_is_refused)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[40];
        exact *sum = exact_new(&memory);
        size_t size = random_below(&random, sizeof bytes);
        for (size_t j = 0; j < size; j++)
            bytes[j] = (uint8_t)random_below(&random, j == 2 ? 10 : 80);
        if (size > 3 && random_below(&random, 2))
            bytes[3] = 0, bytes[2] = (uint8_t)(size / 4 - 1);
        int status = exact_add_packed(&sum, &memory, bytes, size);
        rf_value result;
        ck_assert(status == RF_OK || status == RF_EINPUT);
        status = exact_result(sum, &result);
        ck_assert(status == RF_OK || status == RF_ERANGE);
        arena_reset(&memory);
    }
    arena_free(&memory);
}
END_TEST

START_TEST(a_sum_without_memory_stays_as_it_was)
{
    FAILING_EACH_IN_TURN(n) {
        arena memory = {0};
        exact *sum = exact_new(&memory);
        rf_value before, after;
        int status = sum ? exact_add(&sum, &memory, rf_of_f64(1.5)) : RF_ENOMEM;
        bool begun = !status;
        if (begun)
            exact_result(sum, &before);
        for (int i = 0; i < 300 && !status; i++) {
            exact_result(sum, &before);
            status = exact_add(&sum, &memory, rf_of_f64(ldexp(1.0, 5 * i - 750)));
        }
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        if (failed && begun) {
            exact_result(sum, &after);
            ck_assert(before.u64 == after.u64);
        }
        arena_free(&memory);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("keyed_fold");
    TCase *cases = tcase_create("fold");
    tcase_add_loop_test(cases, a_grouping_does_not_show, 0, 10);
    tcase_add_loop_test(cases, sums_are_right, 0, 10);
    tcase_add_test(cases, sums_at_the_edges_are_right);
    tcase_add_test(cases, many_summands_do_not_overflow_a_limb);
    tcase_add_test(cases, an_overflow_is_told_with_its_key);
    tcase_add_test(cases, the_least_the_greatest_and_the_first_win);
    tcase_add_test(cases, what_is_no_packed_sum_is_refused);
    tcase_add_test(cases, a_sum_without_memory_stays_as_it_was);
    suite_add_tcase(all, cases);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
