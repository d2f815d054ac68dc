/* value/value.c and value/print.c: values made, read, taken apart and printed. */
#define _GNU_SOURCE     /* open_memstream */
#include "value/pack.h"
#include "value/print.h"

#include <locale.h>

#include "base/arena.h"
#include "failing_malloc.h"
#include "random_value.h"
#include "suite.h"

START_TEST(numbers_are_read_as_other_numbers_where_they_fit)
{
    ck_assert_int_eq(rf_i64(rf_of_i64(-5)), -5);
    ck_assert_int_eq(rf_i64(rf_of_u64(INT64_MAX)), INT64_MAX);
    ck_assert_int_eq(rf_i64(rf_of_u64((uint64_t)INT64_MAX + 1)), 0);
    ck_assert_int_eq(rf_i64(rf_of_f64(-3)), -3);
    ck_assert_int_eq(rf_i64(rf_of_f64(-0x1p63)), INT64_MIN);
    ck_assert_int_eq(rf_i64(rf_of_f64(0x1p63)), 0);
    ck_assert_int_eq(rf_i64(rf_of_f64(2.5)), 0);
    ck_assert_int_eq(rf_i64(rf_of_f64(NAN)), 0);
    ck_assert_int_eq(rf_i64(rf_of_bool(true)), 0);
    ck_assert_int_eq(rf_i64(rf_of_string("7")), 0);
    ck_assert_uint_eq(rf_u64(rf_of_i64(-1)), 0);
    ck_assert_uint_eq(rf_u64(rf_of_u64(UINT64_MAX)), UINT64_MAX);
    ck_assert(rf_u64(rf_of_f64(0x1p63)) == (uint64_t)1 << 63);
    ck_assert_uint_eq(rf_u64(rf_of_f64(0x1p64)), 0);
    ck_assert(rf_f64(rf_of_i64(-2)) == -2);
    ck_assert(rf_f64(rf_of_u64(UINT64_MAX)) == 0x1p64);
    ck_assert(rf_f64(rf_of_f64(0.1)) == 0.1);
    ck_assert(rf_f64(rf_nil()) == 0);
}
END_TEST

START_TEST(strings_are_texts_and_no_string_is_nil)
{
    ck_assert_int_eq(rf_type_of(rf_of_string(NULL)), RF_NIL);
    ck_assert_uint_eq(rf_size(rf_of_string("abc")), 3);
    ck_assert_str_eq(rf_str(rf_of_string("abc")), "abc");
    ck_assert_str_eq(rf_str(rf_bytes("abc", 3)), "");
    ck_assert_str_eq(rf_str(rf_nil()), "");
}
END_TEST

START_TEST(nil_false_zero_and_empty_values_are_not_true)
{
    rf_value one = rf_of_i64(0);
    ck_assert(!rf_truth(rf_nil()) && !rf_truth(rf_of_bool(false)) && !rf_truth(rf_of_i64(0)) && !rf_truth(rf_of_u64(0)));
    ck_assert(!rf_truth(rf_of_f64(0.0)) && !rf_truth(rf_of_f64(-0.0)) && !rf_truth(rf_of_string("")) && !rf_truth(rf_bytes("", 0)));
    ck_assert(!rf_truth(rf_tuple_of(&one, 0)) && !rf_truth(rf_dict_of(&one, 0)));
    ck_assert(rf_truth(rf_of_bool(true)) && rf_truth(rf_of_i64(-1)) && rf_truth(rf_of_f64(0.5)) && rf_truth(rf_of_string("0")));
    ck_assert(rf_truth(rf_tuple_of(&one, 1)) && rf_truth(rf_of_f64(NAN)));
}
END_TEST

static rf_value packed(buffer *bytes, rf_value value)
{
    ck_assert_int_eq(pack_value(bytes, value), RF_OK);
    return rf_view(rf_type_of(value), bytes->data, bytes->size);
}

START_TEST(elements_are_taken_off_in_order_wherever_they_are)
{
    rf_value elements[] = {rf_of_i64(1), rf_of_string("two"), rf_of_f64(3.5), RF_TUPLE(4, 5)}, element;
    buffer bytes = {0};
    rf_value borrowed = rf_tuple_of(elements, 4), travelled = packed(&bytes, borrowed);
    for (int i = 0; i < 2; i++) {
        rf_value rest = i ? travelled : borrowed;
        for (uint64_t k = 0; k < 4; k++) {
            ck_assert_uint_eq(rf_elements(rest), 4 - k);
            ck_assert_int_eq(rf_take(&rest, &element), RF_OK);
            ck_assert(same_value(elements[k], element, true));
        }
        ck_assert_uint_eq(rf_elements(rest), 0);
        ck_assert_int_eq(rf_take(&rest, &element), RF_END);
        ck_assert_int_eq(rf_take(&rest, &element), RF_END);
        ck_assert_int_eq(rf_type_of(element), RF_NIL);
    }
    buffer_free(&bytes);
}
END_TEST

START_TEST(what_is_left_of_a_container_travels_as_one)
{
    buffer bytes = {0}, again = {0};
    rf_value tuple = packed(&bytes, RF_TUPLE(1, 2, 3)), first, element;
    rf_take(&tuple, &first);
    rf_value rest = packed(&again, tuple);
    ck_assert_uint_eq(rf_elements(rest), 2);
    ck_assert_int_eq(rf_take(&rest, &element), RF_OK);
    ck_assert_int_eq(rf_i64(element), 2);
    bytes.size = again.size = 0;
    rf_value dict = packed(&bytes, RF_DICT("a", 1, "b", 2));
    rf_take(&dict, &first);
    ck_assert_int_eq(pack_value(&again, dict), RF_EUSAGE);
    rf_take(&dict, &first);
    ck_assert(same_value(packed(&again, dict), RF_DICT("b", 2), true));
    buffer_free(&bytes);
    buffer_free(&again);
}
END_TEST

START_TEST(taking_off_what_is_no_container_is_an_error)
{
    rf_value number = rf_of_i64(3), element, malformed = rf_view(RF_TUPLE_TYPE, "\x92\x01", 2);
    rf_value trailing = rf_view(RF_TUPLE_TYPE, "\x91\x01\x02", 3), dict_as_tuple = rf_view(RF_TUPLE_TYPE, "\x81\x01\x02", 3);
    ck_assert_int_eq(rf_take(&number, &element), RF_EARGS);
    ck_assert_int_eq(rf_last_error()->status, RF_EARGS);
    ck_assert_int_eq(rf_take(&malformed, &element), RF_EARGS);
    ck_assert_int_eq(rf_take(&trailing, &element), RF_EARGS);
    ck_assert_int_eq(rf_take(&dict_as_tuple, &element), RF_EARGS);
    ck_assert_int_eq(rf_type_of(element), RF_NIL);
    ck_assert_uint_eq(rf_elements(number), 0);
    ck_assert_uint_eq(rf_elements(malformed), 0);
}
END_TEST

START_TEST(lines_are_taken_off_a_text_without_their_newlines)
{
    static const char *const texts[] = {"", "a", "a\n", "a\nb", "\n\na\r\n", "\n"};
    static const char *const lines[][4] = {{0}, {"a"}, {"a"}, {"a", "b"}, {"", "", "a\r"}, {""}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rf_value text = rf_of_string(texts[i]), line;
        for (size_t k = 0; lines[i][k]; k++) {
            ck_assert_int_eq(rf_take_line(&text, &line), RF_OK);
            ck_assert(same_value(line, rf_of_string(lines[i][k]), false));
        }
        ck_assert_int_eq(rf_take_line(&text, &line), RF_END);
    }
    rf_value number = rf_of_i64(1), line;
    ck_assert_int_eq(rf_take_line(&number, &line), RF_EARGS);
    ck_assert_int_eq(rf_type_of(line), RF_NIL);
}
END_TEST

START_TEST(keys_are_looked_up_by_their_value)
{
    rf_value pairs[] = {rf_of_string("a"), rf_of_i64(1), rf_of_u64(7), rf_of_i64(2), RF_TUPLE(1, "x"), rf_of_i64(3),
                        rf_nil(), rf_of_i64(4), rf_of_f64(0.5), rf_of_i64(5), rf_of_bool(true), rf_of_i64(6),
                        rf_of_i64(-1), rf_of_i64(7), rf_bytes("a", 1), rf_of_i64(8)};
    rf_value missing[] = {rf_of_string("b"), rf_of_i64(8), rf_of_f64(7), RF_TUPLE(1), rf_of_bool(false), rf_of_u64(UINT64_MAX)};
    buffer bytes = {0};
    size_t count = sizeof pairs / sizeof *pairs;
    for (int i = 0; i < 2; i++) {
        rf_value dict = i ? packed(&bytes, rf_dict_of(pairs, count)) : rf_dict_of(pairs, count), found;
        for (size_t k = 0; k < count; k += 2) {
            ck_assert_int_eq(rf_lookup(dict, pairs[k], &found), RF_OK);
            ck_assert_int_eq(rf_i64(found), rf_i64(pairs[k + 1]));
        }
        ck_assert_int_eq(rf_lookup(dict, rf_of_i64(7), &found), RF_OK);
        ck_assert_int_eq(rf_i64(found), 2);
        for (size_t k = 0; k < sizeof missing / sizeof *missing; k++) {
            ck_assert_int_eq(rf_lookup(dict, missing[k], &found), RF_END);
            ck_assert_int_eq(rf_type_of(found), RF_NIL);
        }
    }
    rf_value found;
    ck_assert_int_eq(rf_lookup(rf_of_i64(1), rf_nil(), &found), RF_EARGS);
    buffer_free(&bytes);
}
END_TEST

static void expect_print(rf_value value, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    int status = rf_print(memory, value);
    fclose(memory);
    ck_assert_int_eq(status, RF_OK);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(values_are_printed_as_json)
{
    expect_print(rf_nil(), "null");
    expect_print(rf_of_bool(true), "true");
    expect_print(rf_of_i64(INT64_MIN), "-9223372036854775808");
    expect_print(rf_of_u64(UINT64_MAX), "18446744073709551615");
    expect_print(rf_of_f64(2), "2.0");
    expect_print(rf_of_f64(0.1), "0.1");
    expect_print(rf_of_f64(1e300), "1e+300");
    expect_print(rf_of_f64(1.0 / 3), "0.3333333333333333");
    expect_print(rf_of_f64(NAN), "null");
    expect_print(rf_of_f64(-INFINITY), "null");
    expect_print(rf_of_string("a\"b\\c\n\t\x01 \xc3\xa9 \xff"), "\"a\\\"b\\\\c\\n\\t\\u0001 \xc3\xa9 \\u00ff\"");
    expect_print(rf_text("a\0b", 3), "\"a\\u0000b\"");
    expect_print(rf_bytes("\xc3\xa9z", 3), "\"\\u00c3\\u00a9z\"");
    expect_print(rf_of_string("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\"");
    expect_print(rf_of_string("\xf0\x9f\x98\x80\xf0\x9f"), "\"\xf0\x9f\x98\x80\\u00f0\\u009f\"");
    rf_value none = rf_nil();
    expect_print(rf_tuple_of(&none, 0), "[]");
    expect_print(rf_dict_of(&none, 0), "{}");
    expect_print(RF_TUPLE(1, "two", RF_TUPLE(3)), "[1, \"two\", [3]]");
    expect_print(RF_DICT("a", 1, 2, "b", RF_TUPLE("k"), 3), "{\"a\": 1, \"2\": \"b\", \"[\\\"k\\\"]\": 3}");
}
END_TEST

START_TEST(numbers_are_printed_with_a_full_stop_in_every_locale)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
        if (setlocale(LC_ALL, locales[i])) {
            expect_print(rf_of_f64(1.5), "1.5");
            expect_print(rf_of_f64(-1.25e-9), "-1.25e-09");
        }
}
END_TEST

START_TEST(values_that_cannot_be_printed_are_errors)
{
    enum { DEPTH = 100000 };
    uint8_t *deep = malloc(DEPTH);
    memset(deep, 0x91, DEPTH - 1);
    deep[DEPTH - 1] = 0xc0;
    FILE *null = fopen("/dev/null", "w");
    ck_assert_int_eq(rf_print(null, rf_view(RF_TUPLE_TYPE, deep, DEPTH)), RF_EARGS);
    ck_assert_int_eq(rf_print(null, rf_view(RF_TUPLE_TYPE, deep, DEPTH - 1)), RF_EARGS);
    ck_assert_int_eq(rf_print(null, rf_view((rf_type)15, deep, 1)), RF_EUSAGE);
    fclose(null);
    free(deep);
}
END_TEST

static void expect_brief(rf_value value, const char *expected)
{
    char text[BRIEF_MOST];
    print_brief(value, text);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_value_in_brief_is_the_beginning_of_what_is_printed)
{
    char many[3000], wide[200];
    memset(many, 'x', sizeof many);
    for (size_t i = 0; i < sizeof wide; i += 2)
        memcpy(wide + i, "\303\244", 2);
    expect_brief(rf_nil(), "null");
    expect_brief(rf_of_f64(0.5), "0.5");
    expect_brief(RF_TUPLE(1, "two", RF_DICT("three", rf_nil())), "[1, \"two\", {\"three\": null}]");
    expect_brief(rf_text(many, 61), "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"");
    expect_brief(rf_text(many, 62), "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...");
    expect_brief(rf_text(many, sizeof many), "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...");
    expect_brief(rf_text(wide, sizeof wide), "\"\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244...");
    expect_brief(RF_TUPLE(rf_bytes("\377\376", 2), rf_text(many, 100)), "[\"\\u00ff\\u00fe\", \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...");
    memset(many, 0x91, sizeof many - 1);
    many[sizeof many - 1] = 7;
    expect_brief(rf_view(RF_TUPLE_TYPE, many, sizeof many), "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...");
    memset(many, 0xff, sizeof many);
    expect_brief(rf_bytes(many, sizeof many), "\"\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff\\u00f...");
    FAILING_EACH_IN_TURN(n) {
        char text[BRIEF_MOST];
        print_brief(rf_of_i64(17), text);
        ck_assert(failing_malloc_stop() ? !text[0] : !strcmp(text, "17"));
    }
}
END_TEST

START_TEST(a_dictionary_prints_or_finds_no_memory)
{
    FILE *null = fopen("/dev/null", "w");
    FAILING_EACH_IN_TURN(n) {
        int status = rf_print(null, RF_DICT(RF_TUPLE(1), 2));
        ck_assert_int_eq(status, failing_malloc_stop() ? RF_ENOMEM : RF_OK);
    }
    fclose(null);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("value");
    TCase *t = tcase_create("value");
    tcase_add_test(t, numbers_are_read_as_other_numbers_where_they_fit);
    tcase_add_test(t, strings_are_texts_and_no_string_is_nil);
    tcase_add_test(t, nil_false_zero_and_empty_values_are_not_true);
    tcase_add_test(t, elements_are_taken_off_in_order_wherever_they_are);
    tcase_add_test(t, what_is_left_of_a_container_travels_as_one);
    tcase_add_test(t, taking_off_what_is_no_container_is_an_error);
    tcase_add_test(t, lines_are_taken_off_a_text_without_their_newlines);
    tcase_add_test(t, keys_are_looked_up_by_their_value);
    tcase_add_test(t, values_are_printed_as_json);
    tcase_add_test(t, numbers_are_printed_with_a_full_stop_in_every_locale);
    tcase_add_test(t, values_that_cannot_be_printed_are_errors);
    tcase_add_test(t, a_value_in_brief_is_the_beginning_of_what_is_printed);
    tcase_add_test(t, a_dictionary_prints_or_finds_no_memory);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
