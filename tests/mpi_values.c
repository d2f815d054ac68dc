/* Values on 1, 2, 3 and 5 ranks: what is sent arrives, and comes back, bit for bit. */
#include "functions.h"
#include "verify.h"

static int type_of(rf_call *call, rf_value item)
{
    return RF_RETURN(call, (int)rf_type_of(item), rf_size(item));
}
RF_REGISTER(type_of);

/* 0 where text, bytes and containers start at a multiple of 16, and a NUL is behind text and bytes. */
static int misplaced(rf_call *call, rf_value item)
{
    rf_type type = rf_type_of(item);
    bool pointed = type >= RF_TEXT, counted = type == RF_TEXT || type == RF_BYTES;
    if (pointed && (uintptr_t)item.data % 16)
        return RF_RETURN(call, 1);
    return RF_RETURN(call, counted && ((const char *)item.data)[rf_size(item)] ? 2 : 0);
}
RF_REGISTER(misplaced);

static int grow(rf_call *call, rf_value item)
{
    size_t size;
    unsigned char byte;
    if (RF_ARGS(call, item, size, byte))
        return RF_EARGS;
    unsigned char *space = rf_return_space(call, size);
    if (!space)
        return RF_ENOMEM;
    if ((uintptr_t)space % 16)
        return rf_fail(call, NULL, "space at %p", (void *)space);
    memset(space, byte, size);
    return RF_OK;
}
RF_REGISTER(grow);

static int sum_bytes(rf_call *call, rf_value item)
{
    uint64_t sum = 0;
    const unsigned char *bytes = item.data;
    for (size_t i = 0; i < rf_size(item); i++)
        sum += bytes[i];
    return RF_RETURN(call, rf_size(item), sum);
}
RF_REGISTER(sum_bytes);

typedef struct point {
    double x, y;
    int id;
} point;

static int move(rf_call *call, rf_value item)
{
    const point *from = RF_AS(call, item, point);
    if (!from)
        return RF_EARGS;
    point to = {from->y, -from->x, from->id + 1};
    return rf_return(call, RF_STATE(to));
}
RF_REGISTER(move);

static int read_all(rf_call *call, rf_value item)
{
    bool truth;
    unsigned char byte;
    int number;
    unsigned long large;
    float single;
    double real;
    const char *text;
    rf_value any;
    if (RF_ARGS(call, item, truth, byte, number, large, single, real, text, any))
        return RF_EARGS;
    return RF_RETURN(call, truth, byte, number, large, single, real, text, any);
}
RF_REGISTER(read_all);

static int invert(rf_call *call, rf_value item)
{
    bool truth;
    if (RF_ARGS(call, item, truth))
        return RF_EARGS;
    return RF_RETURN(call, rf_of_bool(!truth));
}
RF_REGISTER(invert);

static int whole(rf_call *call, rf_value item)
{
    rf_value x = rf_nil(), y = rf_nil();
    rf_lookup(item, RF_V("x"), &x);
    rf_lookup(item, RF_V("y"), &y);
    return RF_RETURN(call, rf_i64(x) * rf_i64(y));
}
RF_REGISTER(whole);

static const char *printed(rf_value value)
{
    static char text[2][4096];
    static int turn;
    char *at = text[turn ^= 1];
    FILE *to = fmemopen(at, sizeof text[0], "w");
    rf_print(to, value);
    fclose(to);
    return at;
}

static void check_echo(rf_pool *pool, rf_value value)
{
    RF_AUTO(rf_results, back);
    CHECK_STATUS(rf_apply(pool, echo, value, NULL, &back), RF_OK);
    rf_value got = rf_results_value(back, 0);
    CHECK_INT(rf_type_of(got), rf_type_of(value));
    CHECK_TEXT(printed(got), printed(value));
    if (rf_type_of(value) == RF_TEXT || rf_type_of(value) == RF_BYTES) {
        CHECK_INT(rf_size(got), rf_size(value));
        CHECK(memcmp(got.data, value.data, rf_size(value)) == 0);
        CHECK((uintptr_t)got.data % 16 == 0 && ((const char *)got.data)[rf_size(got)] == '\0');
    }
}

CASE(every_type_arrives_as_it_was_sent)
{
    const rf_value all[] = {rf_nil(), rf_of_bool(true), rf_of_bool(false), rf_of_i64(INT64_MIN), rf_of_i64(INT64_MAX), rf_of_i64(-1),
                            rf_of_u64(UINT64_MAX), rf_of_u64(0), rf_of_f64(0.1), rf_of_f64(-0.0), rf_of_f64(5e-324), rf_text("", 0),
                            rf_text("a\0b\0", 4), rf_text("gr\xc3\xbc\xc3\x9f", 6), rf_bytes("", 0), rf_bytes("\0\xff\0", 3),
                            rf_tuple_of(NULL, 0), rf_dict_of(NULL, 0)};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        ALSO(check_echo(pool, all[i]));
    ALSO(check_echo(pool, RF_TUPLE(1, 2.5, "three", rf_bytes("\1", 1), rf_nil(), true)));
    ALSO(check_echo(pool, RF_DICT("a", 1, 2, "b", RF_TUPLE(1, 2), RF_DICT("deep", RF_TUPLE(rf_nil())))));
}

CASE(doubles_that_are_no_numbers_travel)
{
    RF_AUTO(rf_results, back);
    double sent[] = {NAN, (double)INFINITY, -(double)INFINITY};
    CHECK_STATUS(rf_map(pool, echo, RF_ARRAY(sent, 3), NULL, &back), RF_OK);
    CHECK(isnan(rf_f64(rf_results_value(back, 0))));
    CHECK(rf_f64(rf_results_value(back, 1)) == sent[1] && rf_f64(rf_results_value(back, 2)) == sent[2]);
}

CASE(items_of_different_types_go_into_one_map)
{
    RF_AUTO(rf_results, back);
    CHECK_STATUS(rf_map(pool, echo, RF_VALUES(1, 2.0, "three", rf_nil(), RF_TUPLE(4, "5"), rf_of_bool(true), rf_bytes("6", 1)), NULL, &back), RF_OK);
    const rf_type types[] = {RF_I64, RF_F64, RF_TEXT, RF_NIL, RF_TUPLE_TYPE, RF_BOOL, RF_BYTES};
    for (uint64_t i = 0; i < 7; i++)
        CHECK_INT(rf_type_of(rf_results_value(back, i)), types[i]);
    CHECK_TEXT(printed(rf_results_value(back, 4)), "[4, \"5\"]");
}

CASE(items_start_at_a_multiple_of_16_and_a_NUL_is_behind_them)
{
    char text[64];
    rf_value items[120];
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < 120; i++)
        items[i] = i % 3 == 0 ? rf_text(text, i % 40) : i % 3 == 1 ? rf_bytes(text, i % 37) : RF_V(i);
    RF_AUTO(rf_results, places);
    CHECK_STATUS(rf_map(pool, misplaced, rf_values(items, 120), RF_OPTIONS(.chunk_size = 50), &places), RF_OK);
    for (uint64_t i = 0; i < 120; i++)
        CHECK_INT(rf_i64(rf_results_value(places, i)), 0);
    RF_AUTO(rf_results, back);
    CHECK_STATUS(rf_map(pool, echo, rf_values(items, 120), NULL, &back), RF_OK);
    for (uint64_t i = 0; i < 120; i++) {
        rf_value got = rf_results_value(back, i);
        CHECK(i % 3 == 2 || ((uintptr_t)got.data % 16 == 0 && ((const char *)got.data)[rf_size(got)] == '\0'));
    }
}

CASE(array_elements_and_tuples_start_at_a_multiple_of_16)
{
    struct three { char bytes[3]; } threes[100];
    memset(threes, 'y', sizeof threes);
    RF_AUTO(rf_results, places);
    CHECK_STATUS(rf_map(pool, misplaced, RF_ARRAY(threes, 100), NULL, &places), RF_OK);
    for (uint64_t i = 0; i < 100; i++)
        CHECK_INT(rf_i64(rf_results_value(places, i)), 0);
    CHECK_STATUS(rf_map(pool, misplaced, RF_VALUES(RF_TUPLE(1), RF_TUPLE("ab"), RF_TUPLE(1, 2, 3)), NULL, NULL), RF_OK);
}

CASE(arguments_are_read_by_position)
{
    RF_AUTO(rf_results, back);
    rf_value item = RF_TUPLE(rf_of_bool(true), 255, -7, UINT64_MAX, 0.5, 0.1, "text", RF_TUPLE(1));
    CHECK_STATUS(rf_apply(pool, read_all, item, NULL, &back), RF_OK);
    CHECK_TEXT(printed(rf_results_value(back, 0)), printed(item));
}

CASE(a_bool_takes_what_C_calls_true)
{
    RF_AUTO(rf_results, back);
    CHECK_STATUS(rf_map(pool, invert, RF_VALUES(true, false, rf_of_bool(true), 2), NULL, &back), RF_EITEMS);
    CHECK_TEXT(printed(rf_results_value(back, 0)), "false");
    CHECK_TEXT(printed(rf_results_value(back, 1)), "true");
    CHECK_TEXT(printed(rf_results_value(back, 2)), "false");
    CHECK_STATUS(rf_results_at(back, 3).error->status, RF_EARGS);
}

CASE(A8_arguments_are_read_by_name_in_any_order)
{
    RF_AUTO(rf_results, back);
    CHECK_STATUS(rf_map(pool, multiply, RF_VALUES(RF_DICT("x", 0, "y", 100), RF_DICT("y", 101, "x", 1)), NULL, &back), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(back, 0)), 0);
    CHECK_INT(rf_i64(rf_results_value(back, 1)), 101);
}

CASE(A12_a_dictionary_can_be_taken_whole)
{
    RF_AUTO(rf_results, back);
    CHECK_STATUS(rf_map(pool, whole, RF_VALUES(RF_DICT("x", 3, "y", 100), RF_DICT("y", 101, "x", 1)), NULL, &back), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(back, 0)), 300);
    CHECK_INT(rf_i64(rf_results_value(back, 1)), 101);
}

CASE(arrays_of_structs_are_read_as_structs)
{
    point points[1000];
    RF_AUTO(rf_results, moved);
    for (int i = 0; i < 1000; i++)
        points[i] = (point){.x = i, .y = -i, .id = i};
    CHECK_STATUS(rf_map(pool, move, RF_ARRAY(points, 1000), NULL, &moved), RF_OK);
    for (uint64_t i = 0; i < 1000; i++) {
        rf_value got = rf_results_value(moved, i);
        CHECK(rf_type_of(got) == RF_BYTES && rf_size(got) == sizeof(point));
        const point *to = got.data;
        CHECK(to->x == -(double)i && to->y == -(double)i && to->id == (int)i + 1);
    }
}

CASE(a_struct_of_another_size_fails_the_item_naming_both)
{
    RF_AUTO(rf_results, moved);
    CHECK_STATUS(rf_apply(pool, move, rf_bytes("abc", 3), NULL, &moved), RF_EITEMS);
    const rf_error *why = rf_results_at(moved, 0).error;
    CHECK_STATUS(why->status, RF_EARGS);
    CHECK_HAS(why->message, "point");
    CHECK_HAS(why->message, "3");
    CHECK_HAS(why->message, "24");
}

CASE(arrays_of_every_number_arrive)
{
    const signed char chars[] = {-128, 127};
    const short shorts[] = {-32768, 32767};
    const unsigned short ushorts[] = {0, 65535};
    const unsigned uints[] = {0, UINT32_MAX};
    const uint64_t ulongs[] = {0, UINT64_MAX};
    const float floats[] = {0.5F, -1e30F};
    const bool bools[] = {true, false};
    const char *wanted[] = {"-128 127", "-32768 32767", "0 65535", "0 4294967295", "0 18446744073709551615", "",
                            "true false"};
    rf_source *sources[] = {RF_ARRAY(chars, 2), RF_ARRAY(shorts, 2), RF_ARRAY(ushorts, 2), RF_ARRAY(uints, 2), RF_ARRAY(ulongs, 2),
                            RF_ARRAY(floats, 2), RF_ARRAY(bools, 2)};
    for (unsigned i = 0; i < 7; i++) {
        RF_AUTO(rf_results, back);
        char both[128];
        CHECK_STATUS(rf_map(pool, echo, sources[i], NULL, &back), RF_OK);
        if (i == 5) {
            CHECK(rf_f64(rf_results_value(back, 0)) == 0.5 && rf_f64(rf_results_value(back, 1)) == (double)-1e30F);
            continue;
        }
        snprintf(both, sizeof both, "%s %s", printed(rf_results_value(back, 0)), printed(rf_results_value(back, 1)));
        CHECK_TEXT(both, wanted[i]);
    }
}

CASE(values_are_copied_when_the_source_is_made)
{
    char text[] = "before";
    rf_value item = rf_text(text, 6);
    rf_source *source = rf_values(&item, 1), *strings = rf_strings((const char *const[]){text}, 1);
    memset(text, 'X', 6);
    item = rf_nil();
    RF_AUTO(rf_results, first);
    RF_AUTO(rf_results, second);
    CHECK_STATUS(rf_map(pool, echo, source, NULL, &first), RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(first, 0)), "before");
    CHECK_STATUS(rf_map(pool, echo, strings, NULL, &second), RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(second, 0)), "before");
}

CASE(large_results_are_built_in_place)
{
    const size_t sizes[] = {0, 1, 65535, 65536, 65537, 1 << 20, 100 << 20};
    for (unsigned i = 0; i < 7; i++) {
        RF_AUTO(rf_results, back);
        CHECK_STATUS(rf_apply(pool, grow, RF_TUPLE(sizes[i], 77), NULL, &back), RF_OK);
        rf_value got = rf_results_value(back, 0);
        CHECK_INT(rf_size(got), sizes[i]);
        CHECK((uintptr_t)got.data % 16 == 0);
        for (size_t at = 0; at < sizes[i]; at += sizes[i] / 5 + 1)
            CHECK(((const unsigned char *)got.data)[at] == 77);
    }
}

CASE(large_items_arrive_whole)
{
    const size_t sizes[] = {65536, 65537, 1 << 20, 100 << 20};
    unsigned char *bytes = malloc(100 << 20);
    memset(bytes, 3, 100 << 20);
    for (unsigned i = 0; i < 4; i++) {
        RF_AUTO(rf_results, sums);
        CHECK_STATUS(rf_apply(pool, sum_bytes, rf_bytes(bytes, sizes[i]), NULL, &sums), RF_OK);
        rf_value got = rf_results_value(sums, 0);
        uint64_t size, sum;
        CHECK_STATUS(RF_READ(got, size, sum), RF_OK);
        CHECK(size == sizes[i] && sum == 3 * sizes[i]);
    }
    free(bytes);
}

CASE(many_large_items_and_results_pass_through_a_small_window)
{
    static unsigned char blocks[40][1 << 20];
    for (int i = 0; i < 40; i++)
        memset(blocks[i], i, sizeof blocks[i]);
    RF_AUTO(rf_iterator, back);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, echo, rf_array(blocks, 40, sizeof blocks[0], RF_BYTES), RF_OPTIONS(.max_bytes = 4 << 20), &back), RF_OK);
    for (int i = 0; i < 40; i++) {
        CHECK_STATUS(rf_next(back, &one), RF_OK);
        CHECK(rf_size(one->value) == sizeof blocks[i] && memcmp(one->value.data, blocks[i], sizeof blocks[i]) == 0);
    }
}

CASE(a_million_small_items)
{
    RF_AUTO(rf_results, back);
    CHECK_STATUS(rf_map(pool, echo, rf_range(-500000, 500000), NULL, &back), RF_OK);
    for (int64_t i = 0; i < 1000000; i++)
        CHECK_INT(rf_i64(rf_results_value(back, (uint64_t)i)), i - 500000);
}

CASE(D4_an_item_and_a_result_above_2_GiB)
{
    if (!getenv("RF_LONG_TESTS"))
        return;
    size_t size = ((size_t)1 << 31) + 4097;
    RF_AUTO(rf_results, grown);
    CHECK_STATUS(rf_apply(pool, grow, RF_TUPLE(size, 9), NULL, &grown), RF_OK);
    rf_value got = rf_results_value(grown, 0);
    CHECK(rf_size(got) == size && ((const unsigned char *)got.data)[size - 1] == 9);
    RF_AUTO(rf_results, sums);
    CHECK_STATUS(rf_map(pool, sum_bytes, rf_array(got.data, 1, size, RF_BYTES), NULL, &sums), RF_OK);
    rf_value told = rf_results_value(sums, 0);
    uint64_t length, sum;
    CHECK_STATUS(RF_READ(told, length, sum), RF_OK);
    CHECK(length == size && sum == 9 * size);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
